//! What is recorded of a run directory, and when.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;
use wrasse_results::{Counts, Ended, Recorder, RunFiles, Target, Task};

/// A run directory that is written by hand.
struct Run {
    folder: TempDir,
}

impl Run {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir_all(folder.path().join("out")).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, name: &str, line: &Value) {
        let mut options = OpenOptions::new();
        let mut file = options
            .create(true)
            .append(true)
            .open(self.path(name))
            .unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn bytes(&self, name: &str) -> u64 {
        fs::metadata(self.path(name)).map_or(0, |metadata| metadata.len())
    }

    fn export(&self, position: u64, name: Option<&str>) {
        if let Some(name) = name {
            fs::write(self.path("out").join(name), "text").unwrap();
        }
        self.append(
            "exports.jsonl",
            &json!({
                "position": position, "piece": 0, "id": format!("f{position}"), "file": "a.md",
                "kind": "md", "size": 9, "name": name, "bytes": 4, "xxh3": "0",
            }),
        );
    }

    /// Vouches for all that was written so far.
    fn commit(&self) {
        let sink = json!({
            "version": 1, "kind": "a folder of files",
            "at": {"list": self.bytes("exports.jsonl"), "rows": 0, "files": 0, "bytes": 0},
        });
        self.append(
            "manifest.jsonl",
            &json!({"commit": {
                "next": [0, 1], "sink": sink, "rejects": self.bytes("rejects.jsonl"),
                "dropped": self.bytes("dropped.jsonl"), "told": self.bytes("told.jsonl"),
            }}),
        );
    }

    fn recorder(&self) -> Recorder {
        let task = Task {
            instance_id: "t1".to_owned(),
            dataset_id: "d1".to_owned(),
            export_path: self.path("out"),
            names: vec![("clean_mapper".to_owned(), "CleanOp".to_owned())],
        };
        let files = RunFiles {
            dir: self.folder.path().to_owned(),
            rejects: self.path("rejects.jsonl"),
            dropped: self.path("dropped.jsonl"),
            told: self.path("told.jsonl"),
        };
        Recorder::start(Target::Sqlite(self.path("results.sqlite")), task, files).unwrap()
    }

    fn rows(&self) -> Vec<(String, String, i64, String)> {
        let db = Connection::open(self.path("results.sqlite")).unwrap();
        let mut statement = db
            .prepare("SELECT src_file_id, status, dest_size, result FROM t_clean_result ORDER BY 1")
            .unwrap();
        let rows = statement.query_map([], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }
}

#[test]
fn what_operators_told_themselves_is_recorded_beside() {
    let run = Run::new();
    run.append("manifest.jsonl", &json!({"header": {"format": 1}}));
    run.export(0, Some("a.txt"));
    let told = |kind: &str, record: Value| {
        run.append(
            "told.jsonl",
            &json!({"operator": "x", "kind": kind, "record": record}),
        );
    };
    let result = |number: &str, status: &str| {
        json!({
            "src_file_id": "f0", "dest_file_id": number, "status": status, "src_size": 9,
            "result": "{\"reason\": \"ValueError: no\"}",
        })
    };
    told("clean_result", result("n1", "COMPLETED"));
    let path = run.path("out").join("part.txt");
    told(
        "dataset_file",
        json!({"id": "n1", "file_path": path, "file_size": "7"}),
    );
    told("clean_result", result("n2", "FAILED"));
    told("slice", json!({"path": path}));
    run.commit();
    let counts = run.recorder().end(Ended::Complete).unwrap();
    assert_eq!((counts.exported, counts.failed, counts.others), (2, 1, 0));
    let told: Vec<_> = { run.rows().into_iter() }
        .map(|(id, status, size, _)| (id, status, size))
        .collect();
    let row = |status: &str, size| ("f0".to_owned(), status.to_owned(), size);
    let mut want = vec![row("COMPLETED", 4), row("COMPLETED", 7), row("FAILED", 0)];
    want.sort();
    let mut told = told;
    told.sort();
    assert_eq!(told, want);
}

#[test]
fn what_no_commit_vouches_for_is_not_recorded() {
    let run = Run::new();
    run.append("manifest.jsonl", &json!({"header": {"format": 1}}));
    run.export(0, Some("a.txt"));
    run.commit();
    run.export(50, Some("a_1.txt"));
    let recorder = run.recorder();
    recorder.nudge();
    recorder.end(Ended::Interrupted).unwrap();
    assert_eq!(run.rows().len(), 1);
    // The end of a run is that of its task; this one can go on.
    let db = Connection::open(run.path("results.sqlite")).unwrap();
    let status = |db: &Connection| -> Option<String> {
        db.query_row("SELECT status FROM t_clean_task", [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(status(&db), None);

    run.export(90, None);
    run.append(
        "rejects.jsonl",
        &json!({
            "operator": "clean_mapper", "error": "ValueError: no", "file": "l", "position": 120,
            "attempts": 1, "raw_bytes": 2, "raw": "{\"fileId\": \"f120\", \"fileSize\": \"7\"}",
        }),
    );
    run.append(
        "dropped.jsonl",
        &json!({
            "operator": "length_filter", "reason": "out of range", "stats": {"n": 3}, "file": "l",
            "position": 150, "sample": "{\"sourceFileId\": \"f150\", \"fileId\": \"other\"}",
        }),
    );
    run.commit();
    // A torn line is no line yet.
    let mut options = OpenOptions::new();
    let mut manifest = options
        .append(true)
        .open(run.path("manifest.jsonl"))
        .unwrap();
    manifest.write_all(b"{\"commit\": {\"ne").unwrap();
    for _ in 0..2 {
        // From the beginning each time, and nothing is doubled.
        let counts = run.recorder().end(Ended::Complete).unwrap();
        let want = Counts {
            exported: 2,
            filtered: 2,
            failed: 1,
            others: 0,
        };
        assert_eq!(counts, want);
    }
    let row = |id: &str, status: &str, size, result: Value| {
        (id.to_owned(), status.to_owned(), size, result.to_string())
    };
    let want = [
        row("f0", "COMPLETED", 4, json!({})),
        row(
            "f120",
            "FAILED",
            0,
            json!({"op_name": "CleanOp", "error_code": "ops.0006", "reason": "ValueError: no"}),
        ),
        row(
            "f150",
            "COMPLETED",
            0,
            json!({"op_name": "length_filter", "error_code": "", "reason": "out of range: n = 3"}),
        ),
        row("f50", "COMPLETED", 4, json!({})),
        row(
            "f90",
            "COMPLETED",
            0,
            json!({"op_name": "", "error_code": "", "reason": "nothing is left of the file"}),
        ),
    ];
    assert_eq!(run.rows(), want);
    assert_eq!(status(&db).as_deref(), Some("PARTIAL_SUCCESS"));
}

#[test]
fn many_results_come_in_batches() {
    let run = Run::new();
    for i in 0..1_234 {
        run.export(i, None);
    }
    run.commit();
    let counts = run.recorder().end(Ended::Complete).unwrap();
    assert_eq!(counts.filtered, 1_234);
    assert_eq!(run.rows().len(), 1_234);
}
