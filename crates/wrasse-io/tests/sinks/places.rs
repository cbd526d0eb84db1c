//! Where parts lie and when, and places that fail.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use wrasse_io::{SinkSpec, SourceSpec, discover, open_sink};

use crate::scene::{Scene, block, rows, write, write_with_crashes};

#[test]
fn parts_are_named_as_their_users_know_them() {
    let rows: Vec<String> = (0..40).map(|i| format!(r#"{{"id":{i:04}0}}"#)).collect();
    let rows: Vec<String> = rows.iter().map(|row| row.replace(":0", ":1")).collect();
    let names = |path: &str, bytes: u64| -> Vec<String> {
        let scene = Scene::new(path, Some(bytes));
        write(&scene, &rows, 7);
        scene.files().into_keys().collect()
    };
    // 40 rows of 13 bytes: 10 rows reach 130 bytes.
    let row_bytes = rows[0].len() as u64 + 1;
    assert_eq!(
        names("x.jsonl", 10 * row_bytes),
        [
            "x-00-of-04.jsonl",
            "x-01-of-04.jsonl",
            "x-02-of-04.jsonl",
            "x-03-of-04.jsonl"
        ]
    );
    assert_eq!(names("x.jsonl", 4 * row_bytes)[9], "x-009-of-010.jsonl");
    assert_eq!(
        names("x/", 20 * row_bytes),
        ["x/part-00000.jsonl", "x/part-00001.jsonl"]
    );
    assert_eq!(names("x", 1 << 20), ["x/part-00000.jsonl"]);
}

#[test]
fn files_appear_when_complete() {
    let scene = Scene::new("x/", Some(1_000));
    let mut sink = scene.open(None);
    let mut seen = 0;
    for row in rows(60) {
        sink.append(block(sink.as_ref(), &[row])).unwrap();
        for (name, bytes) in scene.files() {
            assert!(name.starts_with("x/part-"), "{name} is no part");
            assert!(bytes.len() >= 1_000, "{name} is not full");
            seen += 1;
        }
    }
    assert!(seen > 0);
}

#[test]
fn parts_of_others_are_not_mixed_with_ours() {
    let scene = Scene::new("x/", None);
    fs::create_dir_all(scene.out().join("x")).unwrap();
    fs::write(scene.out().join("x/part-00003.jsonl"), "{}\n").unwrap();
    fs::write(scene.out().join("x/notes.jsonl"), "{}\n").unwrap();
    let error = open_sink(&scene.spec, None).err().unwrap();
    assert!(error.to_string().contains("part-00003.jsonl"), "{error}");
    assert!(error.hint.is_some());
    fs::remove_file(scene.out().join("x/part-00003.jsonl")).unwrap();
    write(&scene, &rows(3), 1);
    assert_eq!(scene.files().len(), 2);
}

#[test]
fn a_damaged_output_is_not_resumed() {
    let scene = Scene::new("x.jsonl", None);
    let mut sink = scene.open(None);
    sink.append(block(sink.as_ref(), &rows(9))).unwrap();
    let position = sink.commit().unwrap();
    drop(sink);
    let staged = scene.spec.staging.join(".x-00000.jsonl.partial");
    let mut bytes = fs::read(&staged).unwrap();
    bytes[20] ^= 1;
    fs::write(&staged, bytes).unwrap();
    let error = open_sink(&scene.spec, Some(&position)).err().unwrap();
    assert!(
        error.to_string().contains("not as it was committed"),
        "{error}"
    );
    let other = Scene::new("x.jsonl", Some(10));
    let error = open_sink(&other.spec, Some(&position)).err().unwrap();
    assert!(error.to_string().contains("the run wrote"), "{error}");
}

#[test]
fn places_that_cannot_be_written_are_named() {
    let scene = Scene::new("x.jsonl", None);
    fs::write(scene.out(), "a file").unwrap();
    let error = open_sink(&scene.spec, None).err().unwrap();
    assert!(error.path.contains("/out"), "{error}");
    assert!(error.hint.is_some());
    let spec = SinkSpec {
        path: "out.docx".to_owned(),
        text_key: "text".to_owned(),
        ..scene.spec.clone()
    };
    assert!(
        open_sink(&spec, None)
            .err()
            .unwrap()
            .to_string()
            .contains("suffix")
    );
}

/// A file system of one megabyte, gone with its owner.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(&at)
            .output()
            .is_ok_and(|output| output.status.success());
        done.then_some(Self(at))
    }

    fn grow(&self) {
        let done = Command::new("mount")
            .args(["-o", "remount,size=64m"])
            .arg(&self.0)
            .status();
        assert!(done.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_named_and_survived() {
    let rows: Vec<String> = (0..20_000)
        .map(|i| format!(r#"{{"id":{i},"text":"{}"}}"#, "x".repeat(200)))
        .collect();
    for path in ["x.jsonl", "x.csv"] {
        let calm = Scene::new(path, None);
        write(&calm, &rows, 1_000);
        let scene = Scene::new(path, None);
        let Some(disk) = SmallDisk::mount(scene.out()) else {
            eprintln!("skipped: a small file system cannot be mounted here");
            return;
        };
        let mut sink = scene.open(None);
        sink.append(block(sink.as_ref(), &rows[..1_000])).unwrap();
        let mut safe = (sink.commit().unwrap(), 1_000);
        let mut failed = None;
        while failed.is_none() && safe.1 < rows.len() {
            let next = safe.1 + 1_000;
            let rows = block(sink.as_ref(), &rows[safe.1..next]);
            match sink.append(rows).and_then(|()| sink.commit()) {
                Ok(position) => safe = (position, next),
                Err(error) => failed = Some(error),
            }
        }
        let error = match failed {
            Some(error) => error,
            None => sink.finish().unwrap_err(),
        };
        assert!(error.path.contains("/out/"), "{error:?}");
        assert!(
            error.hint.as_ref().unwrap().contains("free some space"),
            "{error:?}"
        );
        disk.grow();
        let mut sink = scene.open(Some(&safe.0));
        sink.append(block(sink.as_ref(), &rows[safe.1..])).unwrap();
        sink.finish().unwrap();
        assert!(scene.files() == calm.files(), "{path}");
    }
}

#[test]
fn parts_for_a_store_are_uploaded_when_complete() {
    let rows = rows(200);
    for (path, names) in [
        ("memory:///sink/a.jsonl.zst", 1),
        ("memory:///sink/b.parquet", 1),
        ("memory:///sink/c/", 3),
    ] {
        let mut scene = Scene::new("unused", Some(8_000).filter(|_| names > 1));
        scene.spec.path = path.to_owned();
        let finished = write_with_crashes(&scene, &rows, 3);
        assert!(finished.parts.len() >= names, "{path}");
        let spec = SourceSpec {
            paths: finished
                .parts
                .iter()
                .map(|part| part.path.clone())
                .collect(),
            ..SourceSpec::default()
        };
        let inputs = discover(&spec).unwrap();
        let sizes: Vec<_> = inputs.files.iter().map(|file| file.bytes).collect();
        let want: Vec<_> = finished.parts.iter().map(|part| Some(part.bytes)).collect();
        assert_eq!(sizes, want, "{path}");
        assert!(!scene.out().exists());
        if names > 1 {
            let mut other = Scene::new("unused", None);
            other.spec.path = path.to_owned();
            let error = open_sink(&other.spec, None).err().unwrap();
            assert!(error.to_string().contains("earlier run"), "{error}");
        }
    }
}
