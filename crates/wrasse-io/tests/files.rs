//! Lists of files, seen from outside: how files are read and exported, and what
//! a crash leaves.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod dice;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use wrasse_core::{ByteCount, Origin, Sample};
use wrasse_io::{
    EXPORTS, Finished, Format, OutBlock, ReadLimits, Row, Sink, SinkSpec, SourceSpec,
    clear_staging, discover, exported, exports_committed, missing_export, open, open_sink, splits,
};

use crate::dice::Dice;

/// Writes files and a list of them; reads the list. Gives samples and reasons.
fn read(
    folder: &Path,
    list: &[Value],
    split: u64,
    block: usize,
) -> (Vec<Value>, Vec<(u64, String)>) {
    let lines: String = list.iter().map(|line| format!("{line}\n")).collect();
    let path = folder.join("list.jsonl");
    fs::write(&path, lines).unwrap();
    let mut fields = Map::new();
    fields.insert("dataset_id".into(), "d1".into());
    let inputs = Arc::new(
        discover(&SourceSpec {
            paths: vec![path.to_string_lossy().into_owned()],
            format: Some(Format::Files),
            fields,
            ..SourceSpec::default()
        })
        .unwrap(),
    );
    let limits = ReadLimits {
        block_bytes: block,
        row_bytes_max: 1 << 20,
    };
    let (mut samples, mut bad) = (Vec::new(), Vec::new());
    for split in splits(&inputs, ByteCount(split)).unwrap() {
        let mut reader = open(&inputs, &split, limits).unwrap();
        while let Some(block) = reader.next_block().unwrap() {
            for row in block.rows() {
                match row {
                    Row::Sample(sample) => {
                        let mut json = Vec::new();
                        sample.write_json(&mut json);
                        samples.push(serde_json::from_slice(&json).unwrap());
                    }
                    Row::Bad(row) => bad.push((row.origin.position, row.reason)),
                }
            }
        }
    }
    (samples, bad)
}

fn listed(folder: &Path, id: u32, name: &str, kind: &str, content: &[u8]) -> Value {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    json!({
        "fileId": id.to_string(), "fileName": name, "filePath": path,
        "fileType": kind, "fileSize": content.len(), "metadata": {"a": 1},
    })
}

#[test]
fn a_listed_file_is_a_sample_with_its_content() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let list = [
        listed(
            at,
            1,
            "a.txt",
            "text/plain",
            "\u{feff}eins\r\nzwei\n".as_bytes(),
        ),
        listed(at, 2, "b.csv", "csv", b"x,y\n1,2\n"),
        listed(at, 3, "c.png", "png", b"\x89PNG-not-really"),
        listed(at, 4, "d.svs", "svs", b"slide"),
        json!({"filePath": "a.txt"}),
    ];
    let (samples, bad) = read(at, &list, 1 << 20, 1 << 20);
    assert_eq!(bad, []);
    assert_eq!(
        samples[0],
        json!({
            "fileId": "1", "fileName": "a.txt", "filePath": at.join("a.txt"), "fileType": "txt",
            "fileSize": 14, "metadata": {"a": 1}, "sourceFileId": "1",
            "sourceFileName": "a.txt", "sourceFileType": "text/plain", "sourceFileSize": 14,
            "totalPageNum": 0, "extraFilePath": null, "extraFileType": null,
            "dataset_id": "d1", "data": "", "text": "eins\nzwei\n",
        })
    );
    assert!(samples[1]["text"].as_str().unwrap().contains('2'));
    assert_eq!(samples[2]["data"], "iVBORy1ub3QtcmVhbGx5");
    assert_eq!(samples[2]["text"], "");
    assert_eq!(samples[3]["data"], "");
    // The least that a list can say; the path counts from the list.
    assert_eq!(samples[4]["fileName"], "a.txt");
    assert_eq!(samples[4]["fileType"], "txt");
    assert_eq!(samples[4]["text"], "eins\nzwei\n");
}

#[test]
fn a_file_that_cannot_be_read_costs_itself() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    fs::create_dir(at.join("folder.txt")).unwrap();
    let list = [
        listed(at, 1, "a.txt", "txt", b"fine"),
        json!({"fileId": "2", "fileName": "gone.txt", "filePath": "gone.txt", "fileType": "txt"}),
        listed(at, 3, "c.txt", "txt", b"caf\xe9"),
        listed(at, 4, "d.xyz", "xyz", b"?"),
        listed(at, 5, "e.doc", "doc", b"?"),
        json!({"fileId": "6"}),
        json!({"fileName": "folder.txt", "filePath": "folder.txt"}),
        listed(at, 8, "h.txt", "txt", &[b'x'; (1 << 20) + 1]),
        listed(at, 9, "i.txt", "txt", b"fine, too"),
        json!([1]),
    ];
    let (samples, bad) = read(at, &list, 1 << 20, 1 << 20);
    let texts: Vec<_> = samples.iter().map(|sample| &sample["text"]).collect();
    assert_eq!(texts, ["fine", "fine, too"]);
    let reasons: Vec<&str> = bad.iter().map(|(_, reason)| reason.as_str()).collect();
    for (reason, part) in reasons.iter().zip([
        "`gone.txt` cannot be read",
        "not UTF-8 at byte 3",
        "files of type `xyz` are not read",
        "save it as `docx`",
        "`filePath` is missing",
        "is no plain file",
        "longer than the limit of 1048576 bytes",
        "object",
    ]) {
        assert!(reason.contains(part), "{reason} / {part}");
    }
    assert_eq!(reasons.len(), 8);
    // Each is known by the place of its line.
    let first: usize = list[0].to_string().len() + 1;
    assert_eq!(bad[0].0, first as u64);
}

#[test]
fn samples_do_not_depend_on_cuts() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let list: Vec<Value> = (0..200)
        .map(|i| {
            listed(
                at,
                i,
                &format!("{i}.txt"),
                "txt",
                "text ".repeat(i as usize).as_bytes(),
            )
        })
        .collect();
    let (want, _) = read(at, &list, 1 << 30, 1 << 30);
    assert_eq!(want.len(), 200);
    for (split, block) in [(1 << 30, 1), (300, 1 << 30), (1, 700), (5_000, 5_000)] {
        assert!(read(at, &list, split, block).0 == want, "{split} {block}");
    }
}

struct Scene {
    folder: TempDir,
    spec: SinkSpec,
}

impl Scene {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let spec = SinkSpec {
            path: format!("{}/out", folder.path().display()),
            text_key: "text".to_owned(),
            format: Some(Format::Files),
            part_bytes: None,
            staging: folder.path().join("run/staging"),
            replace: true,
        };
        Self { folder, spec }
    }

    fn files(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(self.folder.path().join("out")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let content = fs::read(path).unwrap();
            files.insert(name, String::from_utf8_lossy(&content).into_owned());
        }
        files
    }

    fn list(&self) -> String {
        fs::read_to_string(self.folder.path().join("run").join(EXPORTS)).unwrap()
    }
}

fn block(sink: &dyn Sink, rows: &[Value]) -> (OutBlock, Vec<String>) {
    let mut builder = sink.encoder().start();
    let mut errors = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        let origin = Origin {
            position: i as u64,
            piece: row["piece"].as_u64().unwrap_or(0) as u32,
            ..Origin::default()
        };
        let sample = Sample::from_json(row.to_string().as_str().into(), origin).unwrap();
        errors.extend(builder.push(&sample).err());
    }
    (builder.finish(), errors)
}

fn write(scene: &Scene, rows: &[Value]) -> (Finished, Vec<String>) {
    let mut sink = open_sink(&scene.spec, None).unwrap();
    let (block, errors) = block(sink.as_ref(), rows);
    sink.append(block).unwrap();
    let finished = sink.finish().unwrap();
    clear_staging(&scene.spec).unwrap();
    assert_eq!(fs::read_dir(&scene.spec.staging).unwrap().count(), 0);
    (finished, errors)
}

#[test]
fn names_and_contents_are_those_of_datamate() {
    let scene = Scene::new();
    let rows = [
        json!({"fileName": "a.md", "fileType": "md", "text": "x"}),
        json!({"fileName": "a.txt", "fileType": "txt", "text": "same name", "data": "AAAA"}),
        json!({"fileName": "b.docx", "fileType": "docx", "text": "t", "data": "aGk=", "target_type": "docx"}),
        json!({"fileName": "c.v2.png", "fileType": "png", "text": "", "data": "aGk="}),
        json!({"fileName": "d.jpg", "fileType": "png", "text": "ocr", "data": "", "target_type": "md"}),
        json!({"fileName": "e.svs", "fileType": "svs", "text": "no", "data": "aGk="}),
        json!({"fileName": "empty.txt", "fileType": "txt", "text": "", "data": ""}),
        json!({"fileName": "../../up.txt", "fileType": "txt", "text": "stays in"}),
        json!({"fileName": "g.txt", "fileId": 17, "fileType": "txt", "text": "p1", "piece": 1}),
        json!({"fileName": "g.txt", "fileId": 17, "fileType": "txt", "text": "p2", "piece": 2}),
        json!({"fileName": "h.xyz", "fileType": "xyz", "text": "t"}),
        json!({"fileName": "x".repeat(300), "fileType": "txt", "text": "t"}),
        json!({"fileName": "j.png", "fileType": "png", "data": "?"}),
        json!({"fileName": "k.txt", "fileType": "txt", "text": 5, "meta": "\u{d7ff}"}),
    ];
    let (finished, errors) = write(&scene, &rows);
    let files: Vec<(String, String)> = scene.files().into_iter().collect();
    let want = [
        ("17_1.txt", "p1"),
        ("17_2.txt", "p2"),
        ("a.txt", "x"),
        ("a_1.txt", "same name"),
        ("b.docx", "hi"),
        ("c.v2.png", "hi"),
        ("d.md", "ocr"),
        ("e.png", "hi"),
        ("k.txt", "5"),
        ("up.txt", "stays in"),
    ];
    let want = want.map(|(name, content)| (name.to_owned(), content.to_owned()));
    assert_eq!(files, want);
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert_eq!(finished.parts[0].rows, 10);
    let path = scene.folder.path().join("run").join(EXPORTS);
    let list = exported(&path).unwrap();
    assert_eq!(list.len(), 11);
    assert_eq!(list[6].name, None);
    assert_eq!(list[6].source.file, "empty.txt");
    let out = scene.folder.path().join("out");
    let run = scene.folder.path().join("run");
    assert!(missing_export(&run, &out).unwrap().is_none());
    fs::remove_file(out.join("d.md")).unwrap();
    assert!(missing_export(&run, &out).unwrap().is_some());
}

#[cfg(unix)]
#[test]
fn files_belong_to_their_owner_and_group() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::new();
    write(
        &scene,
        &[json!({"fileName": "a.md", "fileType": "md", "text": "x"})],
    );
    let out = scene.folder.path().join("out");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&out), 0o770);
    assert_eq!(mode(&out.join("a.txt")), 0o640);
}

#[test]
fn files_of_others_are_left_alone() {
    let scene = Scene::new();
    let out = scene.folder.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("a.txt"), "theirs").unwrap();
    let rows = [json!({"fileName": "a.txt", "fileType": "txt", "text": "ours"})];
    write(&scene, &rows);
    let want = BTreeMap::from([
        ("a.txt".to_owned(), "theirs".to_owned()),
        ("a_1.txt".to_owned(), "ours".to_owned()),
    ]);
    assert_eq!(scene.files(), want);
    // A run over the same list replaces what the one before it wrote.
    write(&scene, &rows);
    assert_eq!(scene.files(), want);
    // But not what was changed since.
    fs::write(out.join("a_1.txt"), "edited").unwrap();
    write(&scene, &rows);
    assert_eq!(scene.files()["a_1.txt"], "edited");
    assert_eq!(scene.files()["a_2.txt"], "ours");
}

#[test]
fn a_run_over_another_list_keeps_what_was_exported() {
    let mut scene = Scene::new();
    let row = |id: u32, name: &str, text: &str| json!({"fileId": id, "fileName": name, "fileType": "txt", "text": text});
    write(&scene, &[row(1, "a.txt", "a"), row(2, "b.txt", "b")]);
    scene.spec.replace = false;
    // The second is tried again, a third comes with the name of the first.
    write(
        &scene,
        &[row(2, "b.txt", "better"), row(3, "a.txt", "other")],
    );
    let want = [("a.txt", "a"), ("a_1.txt", "other"), ("b.txt", "better")];
    let want = want.map(|(name, text)| (name.to_owned(), text.to_owned()));
    assert_eq!(scene.files(), BTreeMap::from(want.clone()));
    write(&scene, &[row(1, "a.txt", "new")]);
    let mut want = BTreeMap::from(want);
    want.insert("a.txt".to_owned(), "new".to_owned());
    assert_eq!(scene.files(), want);
}

#[test]
fn crashes_leave_no_trace_among_files() {
    let rows: Vec<Value> = (0..120)
        .map(|i| {
            let text = if i % 9 == 0 {
                String::new()
            } else {
                format!("text {i}")
            };
            json!({"fileName": format!("{}.txt", i % 40), "fileType": "txt", "text": text})
        })
        .collect();
    let calm = Scene::new();
    write(&calm, &rows);
    let positions: Vec<u64> = (0..120).collect();
    for seed in 1..12 {
        let scene = Scene::new();
        let mut dice = Dice(seed);
        let mut recorded: (Option<Value>, usize) = (None, 0);
        let mut crashes = 6;
        loop {
            let (position, mut done) = recorded.clone();
            let mut sink = open_sink(&scene.spec, position.as_ref()).unwrap();
            let mut fresh = None;
            while done < rows.len() {
                if crashes > 0 && dice.below(8) == 0 {
                    break;
                }
                let n = dice.below(20).min(rows.len() - done);
                sink.append(block_at(sink.as_ref(), &rows, done, n))
                    .unwrap();
                done += n;
                if dice.below(3) == 0 {
                    recorded = fresh.take().unwrap_or(recorded);
                    let at = sink.commit().unwrap();
                    // What is committed is there, under its name.
                    let bytes = exports_committed(&at).unwrap();
                    assert_eq!(scene.list().len() as u64, bytes);
                    assert_eq!(scene.list().lines().count(), done);
                    fresh = Some((Some(at), done));
                }
            }
            if done == rows.len() {
                sink.finish().unwrap();
                if crashes == 0 {
                    break;
                }
            }
            crashes -= 1;
            if dice.below(2) == 0 {
                recorded = fresh.unwrap_or(recorded);
            }
        }
        assert!(scene.files() == calm.files(), "seed {seed}");
        assert!(scene.list() == calm.list(), "seed {seed}");
        let path = scene.folder.path().join("run").join(EXPORTS);
        let list = exported(&path).unwrap();
        let found: Vec<u64> = list.iter().map(|line| line.source.position).collect();
        assert_eq!(found, positions);
    }
}

fn block_at(sink: &dyn Sink, rows: &[Value], first: usize, n: usize) -> OutBlock {
    let mut builder = sink.encoder().start();
    for (i, row) in rows.iter().enumerate().skip(first).take(n) {
        let origin = Origin {
            position: i as u64,
            ..Origin::default()
        };
        let sample = Sample::from_json(row.to_string().as_str().into(), origin).unwrap();
        builder.push(&sample).unwrap();
    }
    builder.finish()
}

#[test]
fn other_places_are_refused() {
    let mut scene = Scene::new();
    for path in ["-", "s3://bucket/x/"] {
        scene.spec.path = path.to_owned();
        let error = open_sink(&scene.spec, None).err().unwrap();
        assert!(
            error.message.contains("a folder of this machine"),
            "{error}"
        );
    }
}
