//! Files of lines, plain and compressed.

use wrasse_io::Finished;

use crate::scene::{Scene, block, long_rows, rows, unpack, write, write_with_crashes};

#[test]
fn crashes_leave_no_trace() {
    for (path, part_bytes) in [
        ("x.jsonl", None),
        ("x.jsonl", Some(3_000)),
        ("deep/er/", Some(3_000)),
    ] {
        let rows = rows(400);
        let calm = Scene::new(path, part_bytes);
        let want = write(&calm, &rows, 400);
        let want_files = calm.files();
        assert_eq!(want.parts.len(), want_files.len(), "{path}");
        let n_rows: u64 = want.parts.iter().map(|part| part.rows).sum();
        assert_eq!(n_rows, 400, "{path}");
        for seed in 1..8 {
            let stormy = Scene::new(path, part_bytes);
            let got = write_with_crashes(&stormy, &rows, seed);
            assert!(
                stormy.files() == want_files,
                "{path} differs with seed {seed}"
            );
            let sums = |finished: &Finished| -> Vec<_> {
                let parts = finished.parts.iter();
                parts
                    .map(|part| (part.rows, part.bytes, part.xxh3.clone()))
                    .collect()
            };
            assert_eq!(sums(&got), sums(&want), "{path}, seed {seed}");
        }
    }
}

#[test]
fn compressed_bytes_depend_on_the_rows_alone() {
    let rows = long_rows();
    let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
    for (path, part_bytes) in [
        ("x.jsonl.gz", None),
        ("x.jsonl.zst", None),
        ("x.jsonl.zst", Some(5_000_000)),
    ] {
        let calm = Scene::new(path, part_bytes);
        write(&calm, &rows, 3);
        let want = calm.files();
        let unpacked: String = want.values().map(|bytes| unpack(bytes)).collect();
        assert!(
            unpacked == text,
            "{path}: the rows are not what was written"
        );
        for seed in 1..3 {
            let stormy = Scene::new(path, part_bytes);
            write_with_crashes(&stormy, &rows, seed);
            assert!(stormy.files() == want, "{path} differs with seed {seed}");
        }
    }
}

#[test]
fn a_line_is_a_row_as_it_came() {
    let scene = Scene::new("x.jsonl", None);
    let rows = [
        "{\"a\": 1e400,\"a\":12345678901234567890123 }\r",
        "{\n  \"pretty\": [1,\r\n 2]\n}",
    ];
    write(&scene, &rows.map(str::to_owned), 1);
    assert_eq!(
        String::from_utf8(scene.files().remove("x.jsonl").unwrap()).unwrap(),
        "{\"a\": 1e400,\"a\":12345678901234567890123 }\r\n{   \"pretty\": [1,   2] }\n"
    );
}

#[test]
fn retained_rows_are_written_and_no_others() {
    let scene = Scene::new("x.jsonl", None);
    let rows = rows(50);
    let mut sink = scene.open(None);
    let mut all = block(sink.as_ref(), &rows);
    let keep: Vec<bool> = (0..50).map(|i| i % 3 == 0).collect();
    all.retain(&keep);
    assert_eq!(all.n_rows(), 17);
    sink.append(all).unwrap();
    sink.finish().unwrap();
    let kept: String = rows
        .iter()
        .step_by(3)
        .map(|row| format!("{row}\n"))
        .collect();
    assert_eq!(scene.files()["x.jsonl"], kept.as_bytes());
}

#[test]
fn nothing_is_a_file_too() {
    for path in ["x.jsonl", "x/", "x.jsonl.gz", "x.jsonl.zst"] {
        let scene = Scene::new(path, None);
        let finished = write(&scene, &[], 1);
        assert_eq!(finished.parts.len(), 1);
        assert_eq!(scene.files().len(), 1, "{path}");
        if !path.ends_with(['/', 'l']) {
            assert_eq!(unpack(&scene.files()[path]), "", "{path}");
        }
    }
}
