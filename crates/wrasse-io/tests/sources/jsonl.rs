//! JSON Lines, plain.

use std::fs;

use wrasse_io::ReadLimits;

use crate::support::{LIMITS, Seen, read, read_with, spec};

/// Lines of all kinds: short, long, blank, broken, with marks and line ends of
/// other systems, the last one without an end.
fn mixed() -> Vec<u8> {
    let mut bytes = b"\xef\xbb\xbf{\"text\":\"first\"}\n\n   \t\n".to_vec();
    bytes.extend(b"{\"text\":\"crlf\"}\r\n");
    bytes.extend(format!("{{\"text\":\"{}\"}}\n", "long ".repeat(60)).bytes());
    bytes.extend(b"{\"text\":\"not utf-8 \xe9\"}\n");
    bytes.extend(b"{\"text\":\"nul \0\"}\n{broken\n\xef\xbb\xbf{\"text\":\"mark\"}\n\n");
    bytes.extend("{\"text\":\"sep\u{2028}\u{85}\"}\n".bytes());
    bytes.extend(b"{\"text\":\"last\"}");
    bytes
}

#[test]
fn every_cut_gives_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.jsonl");
    let bytes = mixed();
    fs::write(&file, &bytes).unwrap();
    let whole = read(&file);
    assert_eq!(whole.samples().len(), 6);
    assert_eq!(whole.bad().len(), 3);
    assert!(
        whole.bad()[0].contains("byte 0xe9 at byte 19"),
        "{:?}",
        whole.bad()
    );
    assert!(
        whole.bad()[1].starts_with("NUL at byte 13"),
        "{:?}",
        whole.bad()
    );
    for target in 1..=bytes.len() as u64 + 1 {
        for limits in [
            LIMITS,
            ReadLimits {
                block_bytes: 1,
                ..LIMITS
            },
        ] {
            let cut = read_with(&spec(&file), target, limits);
            assert_eq!(cut.rows, whole.rows, "target {target}");
            assert_eq!(cut.input_bytes, bytes.len() as u64, "target {target}");
        }
    }
}

#[test]
fn a_row_lies_where_its_origin_says() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.jsonl");
    let bytes = mixed();
    fs::write(&file, &bytes).unwrap();
    for row in read(&file).rows {
        let at = row.position() as usize;
        let rest = &bytes[at..];
        let rest = rest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(rest);
        match &row {
            Seen::Sample { json, .. } => assert!(rest.starts_with(json.as_bytes())),
            Seen::Bad { raw, .. } => assert!(rest.starts_with(raw)),
        }
    }
}

#[test]
fn rows_above_the_limit_are_counted_and_not_held() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.jsonl");
    let long = format!("{{\"text\":\"{}\"}}", "x".repeat(3 << 20));
    fs::write(&file, format!("{{\"n\":1}}\n{long}\n{{\"n\":2}}\n{long}")).unwrap();
    let whole = read_with(
        &spec(&file),
        u64::MAX,
        ReadLimits {
            block_bytes: 4 << 10,
            row_bytes_max: 1 << 16,
        },
    );
    assert_eq!(whole.samples(), [r#"{"n":1}"#, r#"{"n":2}"#]);
    assert!(whole.block_bytes_max < 1 << 20, "{}", whole.block_bytes_max);
    for target in [1, 1000, 1 << 20, u64::MAX] {
        for block_bytes in [1 << 10, 1 << 16, 8 << 20] {
            let limits = ReadLimits {
                block_bytes,
                row_bytes_max: 1 << 16,
            };
            // A split a byte would be six million.
            let target = target.max(100_000);
            let read = read_with(&spec(&file), target, limits);
            assert_eq!(read.samples(), whole.samples());
            assert_eq!(read.bad(), whole.bad());
            let Seen::Bad { raw_bytes, raw, .. } = &read.rows[1] else {
                panic!("{:?}", read.rows[1]);
            };
            assert_eq!(*raw_bytes, long.len() as u64);
            assert!(raw.len() <= 1 << 20 && long.as_bytes().starts_with(raw));
        }
    }
}
