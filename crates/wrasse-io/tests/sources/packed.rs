//! JSON Lines in gzip and zstd, and JSON that is not a row a line.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use wrasse_io::{Format, ReadLimits, SourceSpec};

use crate::support::{LIMITS, read, read_with, spec};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).unwrap()
}

fn lines(n: usize) -> Vec<u8> {
    (0..n)
        .flat_map(|i| {
            let text = format!("line {i} {}", "é".repeat(i % 40));
            format!("{{\"text\":\"{text}\"}}\n").into_bytes()
        })
        .collect()
}

/// `bytes` in pieces that end anywhere.
fn pieces(bytes: &[u8], size: usize) -> Vec<&[u8]> {
    bytes.chunks(size).collect()
}

#[test]
fn packed_lines_are_the_plain_ones_wherever_members_and_frames_end() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = lines(300);
    let plain = folder.path().join("plain.jsonl");
    fs::write(&plain, &bytes).unwrap();
    let plain = read(&plain);
    assert_eq!(plain.samples().len(), 300);
    for size in [97, 1000, bytes.len()] {
        let packed: [(&str, Vec<u8>); 2] = [
            (
                "a.jsonl.gz",
                pieces(&bytes, size).into_iter().flat_map(gzip).collect(),
            ),
            (
                "a.jsonl.zst",
                pieces(&bytes, size).into_iter().flat_map(zstd).collect(),
            ),
        ];
        for (name, stored) in packed {
            let file = folder.path().join(name);
            fs::write(&file, &stored).unwrap();
            for target in [1, 500, 3000, 1 << 30] {
                let read = read_with(&spec(&file), target, LIMITS);
                assert_eq!(read.rows, plain.rows, "{name} {size} {target}");
                assert!(read.errors.is_empty(), "{name} {size} {target}");
                assert_eq!(
                    read.input_bytes,
                    stored.len() as u64,
                    "{name} {size} {target}"
                );
                let is_cut = name.ends_with("zst") && target < 10_000 && size < 2000;
                assert_eq!(read.n_splits > 1, is_cut, "{name} {size} {target}");
            }
        }
    }
}

#[test]
fn damage_is_an_error_after_the_rows_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.jsonl.gz");
    let bytes = lines(3000);
    let limits = ReadLimits {
        block_bytes: 1000,
        ..LIMITS
    };
    for (whole, what) in [(gzip(&bytes), "gzip"), (zstd(&bytes), "zstd")] {
        for cut in [10, whole.len() / 2, whole.len() - 1] {
            fs::write(&file, &whole[..cut]).unwrap();
            let read = read_with(&spec(&file), u64::MAX, limits);
            assert_eq!(read.errors.len(), 1, "{what} {cut}");
            assert!(
                read.errors[0].message.contains("truncated"),
                "{:?}",
                read.errors
            );
            assert!(
                read.bad().is_empty(),
                "half a row is no row: {:?}",
                read.bad()
            );
            let text: String = read
                .samples()
                .iter()
                .map(|row| format!("{row}\n"))
                .collect();
            assert!(bytes.starts_with(text.as_bytes()));
        }
        let mut flipped = whole.clone();
        let at = flipped.len() - 20;
        flipped[at] ^= 0x10;
        fs::write(&file, &flipped).unwrap();
        assert_eq!(read(&file).errors.len(), 1, "{what} flipped");
    }
}

#[test]
fn a_damaged_frame_costs_the_splits_that_need_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.jsonl.zst");
    let bytes = lines(300);
    let frames: Vec<Vec<u8>> = pieces(&bytes, 4000).into_iter().map(zstd).collect();
    let mut stored = frames.concat();
    let at = frames[0].len() + frames[1].len() / 2;
    stored[at] ^= 0xff;
    fs::write(&file, &stored).unwrap();
    let read = read_with(&spec(&file), 1, LIMITS);
    assert!(!read.errors.is_empty());
    let n = read.samples().len();
    assert!((100..300).contains(&n), "{n} rows, {:?}", read.errors);
}

#[test]
fn a_bomb_of_one_line_is_counted_in_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let n = 40 << 20;
    let mut bytes = b"{\"n\":1}\n{\"text\":\"".to_vec();
    bytes.resize(n, b'x');
    bytes.extend(b"\"}\n{\"n\":2}\n");
    let limits = ReadLimits {
        block_bytes: 64 << 10,
        row_bytes_max: 2 << 20,
    };
    for (name, stored) in [("a.jsonl.gz", gzip(&bytes)), ("a.jsonl.zst", zstd(&bytes))] {
        let file = folder.path().join(name);
        fs::write(&file, stored).unwrap();
        let read = read_with(&spec(&file), u64::MAX, limits);
        assert_eq!(read.samples(), [r#"{"n":1}"#, r#"{"n":2}"#]);
        assert_eq!(read.bad().len(), 1);
        assert!(read.bad()[0].contains("bytes, more than the limit"));
        assert!(read.block_bytes_max < 4 << 20, "{}", read.block_bytes_max);
    }
}

#[test]
fn arrays_and_spread_objects_are_rows_of_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let array = "\u{feff} [\n  {\"a\": 1, \"t\": \"x ] \\\" }\\n y\"},\n {\n  \"b\" : [ 1,\n 2 ]\n },\n 3, \"s\", null,\n{\"c\":{\"d\":[]}} ]\n";
    let file = folder.path().join("array.jsonl");
    fs::write(&file, array).unwrap();
    let expected = [
        "{\"a\": 1, \"t\": \"x ] \\\" }\\n y\"}",
        r#"{"b":[1,2]}"#,
        r#"{"c":{"d":[]}}"#,
    ];
    for block_bytes in [1, 20, 1 << 20] {
        let read = read_with(
            &spec(&file),
            1,
            ReadLimits {
                block_bytes,
                ..LIMITS
            },
        );
        assert_eq!(read.samples(), expected);
        assert_eq!(read.bad().len(), 3, "{:?}", read.bad());
        assert!(read.errors.is_empty());
        assert_eq!(read.rows[1].position(), array.find("{\n").unwrap() as u64);
    }
    let file = folder.path().join("array.json.gz");
    fs::write(&file, gzip(array.as_bytes())).unwrap();
    assert_eq!(read(&file).samples(), expected);
    let file = folder.path().join("objects.json");
    fs::write(&file, "{\n \"a\": 1\n}\n{\n \"a\": 2\n}").unwrap();
    assert_eq!(read(&file).samples(), [r#"{"a":1}"#, r#"{"a":2}"#]);
    let file = folder.path().join("lines.json");
    fs::write(&file, "{\"a\": 1}\n{broken\n{\"a\": 2}\n").unwrap();
    assert_eq!(read(&file).samples(), [r#"{"a": 1}"#, r#"{"a": 2}"#]);
    for (name, text, n) in [
        ("open.json", "[{\"a\":1},{\"a\":2}", 2),
        ("cut.json", "[{\"a\":1},{\"a\":", 1),
        ("more.json", "[{\"a\":1}] {\"a\":2}", 1),
        ("stray.json", "[}, {\"a\":1}, ,]", 1),
        ("empty.json", "[]", 0),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        let read = read(&file);
        assert_eq!(read.samples().len(), n, "{name}");
        let is_sound = ["stray.json", "empty.json"].contains(&name);
        assert_eq!(read.errors.is_empty(), is_sound, "{name} {:?}", read.errors);
    }
}

#[test]
fn an_element_above_the_limit_is_counted_and_not_held() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.json");
    let long = "x".repeat(5 << 20);
    fs::write(
        &file,
        format!("[{{\"n\":1}},{{\"t\":\"{long}\"}},{{\"n\":2}}]"),
    )
    .unwrap();
    let limits = ReadLimits {
        block_bytes: 1 << 16,
        row_bytes_max: 1 << 20,
    };
    let read = read_with(&spec(&file), u64::MAX, limits);
    assert_eq!(read.samples(), [r#"{"n":1}"#, r#"{"n":2}"#]);
    assert_eq!(read.bad().len(), 1);
    assert!(read.block_bytes_max < 3 << 20);
}

#[test]
fn other_encodings_are_one_error() {
    let folder = tempfile::tempdir().unwrap();
    let text = "{\"text\":\"abc\"}\n".repeat(20);
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, bytes) in [
        ("a.jsonl", wide.clone()),
        ("a.jsonl.gz", gzip(&wide)),
        ("a.csv", wide),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        let read = read_with(&spec(&file), 10, LIMITS);
        assert!(read.rows.is_empty(), "{name}");
        assert_eq!(read.errors.len(), 1, "{name}");
        assert!(read.errors[0].message.contains("UTF-16LE"), "{name}");
        assert!(
            read.errors[0].hint.as_ref().unwrap().contains("iconv"),
            "{name}"
        );
    }
}

#[test]
fn content_goes_before_the_name() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("gzip.jsonl", gzip(&lines(3))),
        ("plain.jsonl.gz", lines(3)),
        ("zstd", zstd(&lines(3))),
        ("nosuffix", lines(3)),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        assert_eq!(read(&file).samples().len(), 3, "{name}");
    }
    let file = folder.path().join("noise.bin");
    fs::write(&file, [0xff, 0x00, 0x81, 0xfe, 0x00, 0x9d]).unwrap();
    assert_eq!(read(&file).errors[0].message, "the format cannot be told");
    let as_text = SourceSpec {
        format: Some(Format::Text),
        ..spec(folder.path().join("nosuffix"))
    };
    assert_eq!(read_with(&as_text, 1, LIMITS).samples().len(), 1);
}

#[test]
fn a_file_that_changed_is_refused() {
    use std::sync::Arc;

    use wrasse_core::ByteCount;
    use wrasse_io::{discover, open, splits};

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.jsonl");
    fs::write(&file, lines(10)).unwrap();
    let inputs = Arc::new(discover(&spec(&file)).unwrap());
    let splits = splits(&inputs, ByteCount(1 << 20)).unwrap();
    fs::write(&file, lines(9)).unwrap();
    let error = open(&inputs, &splits[0], LIMITS).err().unwrap();
    assert!(error.message.contains("changed"), "{error}");
}
