//! Files of text: one sample each.

use std::fs;

use wrasse_core::ByteCount;
use wrasse_io::{ReadLimits, SourceSpec, discover, splits};

use crate::support::{LIMITS, Seen, read, read_with, spec};

#[test]
fn a_file_is_a_sample_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.txt"), "\u{feff}one \"quoted\"\n").unwrap();
    fs::write(folder.path().join("b.md"), "").unwrap();
    fs::write(folder.path().join("c.html"), b"caf\xe9 \xe9\xe9").unwrap();
    fs::write(folder.path().join("d.txt"), "x".repeat(2000)).unwrap();
    fs::write(folder.path().join("e.py"), b"%PDF-1.4 \xff").unwrap();
    let spec = SourceSpec {
        text_key: "content".to_owned(),
        ..spec(folder.path())
    };
    let root = folder.path().display();
    for (target, block_bytes) in [(1, 1), (1 << 20, 10), (1 << 20, 1 << 20)] {
        let limits = ReadLimits {
            block_bytes,
            row_bytes_max: 1000,
        };
        let read = read_with(&spec, target, limits);
        assert_eq!(
            read.samples(),
            [
                format!(r#"{{"content":"one \"quoted\"\n","path":"{root}/a.txt"}}"#),
                format!(r#"{{"content":"","path":"{root}/b.md"}}"#),
            ]
        );
        let bad = read.bad();
        assert!(
            bad[0].contains("not UTF-8 at byte 3") && bad[0].contains("iconv"),
            "{bad:?}"
        );
        assert!(bad[1].contains("longer than the limit"), "{bad:?}");
        assert!(bad[2].contains("a PDF document"), "{bad:?}");
        assert!(read.errors.is_empty());
        let files: Vec<u32> = read
            .rows
            .iter()
            .map(|row| match row {
                Seen::Sample { file, .. } | Seen::Bad { file, .. } => *file,
            })
            .collect();
        assert_eq!(files, [0, 1, 2, 3, 4]);
    }
}

#[test]
fn a_file_that_went_away_is_a_bad_row() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.txt", "b.txt"] {
        fs::write(folder.path().join(name), name).unwrap();
    }
    assert_eq!(read(folder.path()).samples().len(), 2);
    let inputs = std::sync::Arc::new(discover(&spec(folder.path())).unwrap());
    fs::remove_file(folder.path().join("a.txt")).unwrap();
    let splits = splits(&inputs, ByteCount(1 << 20)).unwrap();
    let mut reader = wrasse_io::open(&inputs, &splits[0], LIMITS).unwrap();
    let rows: Vec<_> = reader.next_block().unwrap().unwrap().rows().collect();
    assert!(matches!(rows[0], wrasse_io::Row::Bad(_)));
    assert!(matches!(rows[1], wrasse_io::Row::Sample(_)));
}

#[test]
fn splits_are_runs_of_files_of_about_the_target() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..1200 {
        fs::write(folder.path().join(format!("{i:04}.txt")), "0123456789").unwrap();
    }
    let inputs = discover(&spec(folder.path())).unwrap();
    let bytes = |target: u64| -> Vec<u64> {
        let splits = splits(&inputs, ByteCount(target)).unwrap();
        splits.iter().map(|split| split.bytes).collect()
    };
    assert_eq!(bytes(1 << 20), [5120, 5120, 1760]);
    assert_eq!(bytes(4000), [4000, 4000, 4000]);
}
