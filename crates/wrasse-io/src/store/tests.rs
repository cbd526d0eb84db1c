//! Objects of the store within the process, and of a web server.

use std::fs;

use wrasse_core::ByteCount;

use super::*;
use crate::{Format, ReadLimits, Row, SourceSpec, discover, splits};

fn put(address: &str, bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, bytes).unwrap();
    upload(&file, address).unwrap();
}

fn spec(paths: &[&str]) -> SourceSpec {
    SourceSpec {
        paths: paths.iter().map(|&path| path.to_owned()).collect(),
        ..SourceSpec::default()
    }
}

fn read(spec: &SourceSpec, target: u64) -> Vec<String> {
    let inputs = Arc::new(discover(spec).unwrap());
    let limits = ReadLimits {
        block_bytes: 1000,
        row_bytes_max: 1 << 20,
    };
    let mut rows = Vec::new();
    for split in splits(&inputs, ByteCount(target)).unwrap() {
        let mut reader = crate::open(&inputs, &split, limits).unwrap();
        while let Some(block) = reader.next_block().unwrap() {
            rows.extend(block.rows().map(|row| match row {
                Row::Sample(sample) => sample.line().unwrap().as_str().to_owned(),
                Row::Bad(bad) => panic!("{bad:?}"),
            }));
        }
    }
    rows
}

#[test]
fn objects_are_listed_and_read_like_files() {
    let lines: String = (0..2000).map(|i| format!("{{\"n\":{i}}}\n")).collect();
    let base = "memory://listed";
    put(&format!("{base}/in/b.jsonl"), lines.as_bytes());
    put(&format!("{base}/in/a/x.jsonl"), b"{\"n\":-1}");
    put(
        &format!("{base}/in/c.jsonl.zst"),
        &zstd::bulk::compress(b"{\"z\":1}\n", 3).unwrap(),
    );
    put(&format!("{base}/in/array.json"), b"[{\"a\":1}]");
    put(&format!("{base}/in/note.txt"), b"text");
    put(&format!("{base}/in/x.png"), b"image");
    put(&format!("{base}/out/b.jsonl"), b"{}");
    let folder = spec(&["memory://listed/in/"]);
    let inputs = discover(&folder).unwrap();
    let names: Vec<&str> = inputs
        .files
        .iter()
        .map(|file| file.path.strip_prefix("memory://listed/in/").unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "a/x.jsonl",
            "array.json",
            "b.jsonl",
            "c.jsonl.zst",
            "note.txt"
        ]
    );
    assert_eq!(inputs.files[4].format, Format::Text);
    assert_eq!(inputs.warnings.len(), 1);
    let whole = read(&spec(&["memory://listed/in/b.jsonl"]), u64::MAX);
    assert_eq!(whole.len(), 2000);
    for target in [100, 7777] {
        assert_eq!(read(&spec(&["memory://listed/in/b.jsonl"]), target), whole);
    }
    let some = read(&spec(&["memory://listed/in/[ac]*"]), 1 << 20);
    assert_eq!(some, [r#"{"a":1}"#, r#"{"z":1}"#]);
    let without = SourceSpec {
        exclude: vec!["memory://listed/in/a".to_owned()],
        ..spec(&["memory://listed/in/"])
    };
    assert_eq!(discover(&without).unwrap().files.len(), 4);
    let error = discover(&spec(&["memory://listed/in/none.jsonl"])).unwrap_err();
    assert!(error.hint.is_some(), "{error:?}");
    assert!(discover(&spec(&["memory://listed/in/*.csv"])).is_err());
    assert!(discover(&spec(&["ftp://host/a.jsonl"])).is_err());
}

#[test]
fn keys_are_taken_literally_and_web_addresses_decoded() {
    for (address, base, path) in [
        (
            "s3://bucket/a/b#1 %20?.jsonl",
            "s3://bucket",
            "a/b#1 %20?.jsonl",
        ),
        ("s3://bucket/", "s3://bucket", ""),
        ("https://host:8080/a%20b/c", "https://host:8080", "a b/c"),
        (
            "https://s3.amazonaws.com/bucket/a.jsonl",
            "https://s3.amazonaws.com/bucket",
            "a.jsonl",
        ),
    ] {
        let (_, found, key) = parse(address).unwrap();
        assert_eq!((&*found, key.as_ref()), (base, path), "{address}");
    }
    assert!(parse("https://host/a?token=1").unwrap_err().hint.is_some());
}

#[test]
fn readers_ask_for_range_after_range() {
    let bytes: Vec<u8> = (0..9_000_000_u32).map(|i| (i % 251) as u8).collect();
    put("memory://ranges/a", &bytes);
    let object = Object::at("memory://ranges/a").unwrap().look_up().unwrap();
    assert_eq!(object.size(), 9_000_000);
    for (start, until) in [
        (0, u64::MAX),
        (5, 100),
        (8_999_999, u64::MAX),
        (9_000_000, 9),
    ] {
        let mut read = Vec::new();
        object.reader(start, until).read_to_end(&mut read).unwrap();
        assert!(read == bytes[start as usize..], "{start} {until}");
    }
    assert_eq!(object.bytes(10..20).unwrap(), &bytes[10..20]);
    assert_eq!(object.bytes(8_999_990..1 << 40).unwrap().len(), 10);
}

/// Serves `bytes` under every path, whole, whatever range is asked for.
fn serve_without_ranges(bytes: Vec<u8>) -> String {
    use std::io::{BufRead, BufReader, Write};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/a.jsonl", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut lines = BufReader::new(connection.try_clone().unwrap()).lines();
            let request = lines.next().unwrap().unwrap();
            while !lines.next().unwrap().unwrap().is_empty() {}
            write!(
                connection,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                bytes.len()
            )
            .unwrap();
            if request.starts_with("GET") {
                // A reader that has enough hangs up.
                let _ = connection.write_all(&bytes);
            }
        }
    });
    address
}

#[test]
fn web_servers_without_ranges_are_read_whole() {
    let lines: String = (0..20_000).map(|i| format!("{{\"n\":{i}}}\n")).collect();
    let address = serve_without_ranges(lines.clone().into_bytes());
    for target in [1 << 30, 50_000] {
        let rows = read(&spec(&[&address]), target);
        assert!(rows.join("\n") + "\n" == lines, "{target}");
    }
}

#[test]
fn large_files_are_uploaded_in_parts() {
    let bytes: Vec<u8> = (0..UPLOAD_PART as u32 * 2 + 5)
        .map(|i| (i % 253) as u8)
        .collect();
    put("memory://parts/large", &bytes);
    let object = Object::at("memory://parts/large")
        .unwrap()
        .look_up()
        .unwrap();
    assert!(object.bytes(0..u64::MAX).unwrap() == bytes);
    assert!(part_bytes(4 << 40) * 10_000 > 4 << 40);
}
