//! [`jsonl`]: wherever a file is cut, its rows are the same.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};
use wrasse_core::ByteCount;
use wrasse_io::{ReadLimits, Row, SourceSpec, discover, open, splits};

/// A row, as something that can be compared.
#[derive(Debug, PartialEq)]
struct Seen {
    position: u64,
    row: Result<String, (String, u64)>,
}

/// What came of reading a file.
#[derive(Debug, Default)]
struct Read {
    rows: Vec<Seen>,
    errors: Vec<String>,
    bytes: u64,
}

/// Reads bytes as a `.jsonl` file, whole and in splits and blocks of many sizes.
///
/// # Panics
///
/// If reading panics; if rows, their places or the bytes accounted for differ
/// from cut to cut; or if they are not the lines that `serde_json` sees.
pub fn jsonl(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("a.jsonl");
    std::fs::write(&path, data).expect("a temporary file can be written");
    let whole = read(&path, u64::MAX, 64 << 10);
    assert!(
        whole.errors.is_empty() || !is_plain(data),
        "{:?}",
        whole.errors
    );
    let size = data.len() as u64;
    // The sizes follow from the input, so that a fuzzer can choose them.
    let chosen = data.iter().fold(7_u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(*byte))
    });
    for target in [1, 3, chosen % (size + 1) + 1, size / 2 + 1] {
        for block_bytes in [1, 64 << 10] {
            let cut = read(&path, target, block_bytes);
            assert_eq!(
                cut.rows, whole.rows,
                "splits of {target} bytes, blocks of {block_bytes}"
            );
            assert_eq!(
                cut.errors.is_empty(),
                whole.errors.is_empty(),
                "{:?}, {:?}",
                cut.errors,
                whole.errors
            );
            if whole.errors.is_empty() && is_plain(data) {
                assert_eq!(
                    cut.bytes, size,
                    "splits of {target} bytes, blocks of {block_bytes}"
                );
            }
        }
    }
    if is_plain(data) {
        rows_are_lines(data, &whole.rows);
    }
}

fn read(path: &Path, target: u64, block_bytes: usize) -> Read {
    let spec = SourceSpec {
        paths: vec![path.to_string_lossy().into_owned()],
        ..SourceSpec::default()
    };
    let limits = ReadLimits {
        block_bytes,
        row_bytes_max: 16 << 20,
    };
    let mut read = Read::default();
    let inputs = match discover(&spec) {
        Ok(inputs) => Arc::new(inputs),
        Err(error) => {
            read.errors.push(error.to_string());
            return read;
        }
    };
    for split in splits(&inputs, ByteCount(target)).expect("the file can be read") {
        let mut blocks = || -> Result<(), wrasse_io::Error> {
            let mut reader = open(&inputs, &split, limits)?;
            while let Some(block) = reader.next_block()? {
                read.bytes += block.input_bytes;
                read.rows.extend(block.rows().map(seen));
            }
            Ok(())
        };
        if let Err(error) = blocks() {
            read.errors.push(error.to_string());
        }
    }
    read
}

fn seen(row: Row) -> Seen {
    match row {
        Row::Sample(sample) => {
            let mut json = Vec::new();
            sample.write_json(&mut json);
            Seen {
                position: sample.origin().position,
                row: Ok(String::from_utf8(json).expect("a sample is text")),
            }
        }
        Row::Bad(bad) => Seen {
            position: bad.origin.position,
            row: Err((bad.reason, bad.raw_bytes)),
        },
    }
}

/// Whether the bytes are taken as lines: not packed, no array, no other
/// encoding, as the first bytes tell.
fn is_plain(data: &[u8]) -> bool {
    const BOM: &[u8] = b"\xef\xbb\xbf";
    let head = data.strip_prefix(BOM).unwrap_or(data).trim_ascii_start();
    // Text in another encoding has a zero among its first bytes, or a mark.
    head.first() == Some(&b'{') && !data[..data.len().min(64)].contains(&0)
}

/// Compares rows with the lines of the file, read in the plainest way.
fn rows_are_lines(data: &[u8], rows: &[Seen]) {
    let mut position = 0;
    let mut rows = rows.iter();
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        let start = position;
        position += line.len() as u64;
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        if line.trim_ascii().is_empty() {
            continue;
        }
        let row = rows
            .next()
            .unwrap_or_else(|| panic!("the line at byte {start} is no row"));
        assert!(
            row.position >= start && row.position < position,
            "{row:?} of the line at byte {start}"
        );
        let is_object = serde_json::from_slice::<Map<String, Value>>(line).is_ok();
        match &row.row {
            Ok(json) => {
                assert_eq!(
                    json.trim_ascii().as_bytes(),
                    line.trim_ascii(),
                    "the row at byte {start}"
                );
                assert!(json.trim_ascii().starts_with('{'), "{json}");
            }
            Err((reason, _)) => assert!(!is_object, "the row at byte {start}: {reason}"),
        }
    }
    assert!(rows.next().is_none(), "a row without a line");
}
