//! [`Scene`]: where a sink writes to, and the ways to write there.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use wrasse_core::{ByteCount, Origin, Sample};
use wrasse_io::{Finished, OutBlock, Sink, SinkSpec, clear_staging, open_sink};

use crate::dice::Dice;

/// A place to write to, and what is written there.
pub(crate) struct Scene {
    folder: TempDir,
    pub(crate) spec: SinkSpec,
}

impl Scene {
    pub(crate) fn new(path: &str, part_bytes: Option<u64>) -> Self {
        let folder = TempDir::new().unwrap();
        let spec = SinkSpec {
            path: format!("{}/out/{path}", folder.path().display()),
            text_key: "text".to_owned(),
            format: None,
            part_bytes: part_bytes.map(ByteCount),
            staging: folder.path().join("run"),
            replace: false,
        };
        Self { folder, spec }
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    pub(crate) fn open(&self, position: Option<&Value>) -> Box<dyn Sink> {
        open_sink(&self.spec, position).unwrap()
    }

    /// All files of the output by name.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.out(), "", &mut files);
        files
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}

pub(crate) fn block(sink: &dyn Sink, rows: &[String]) -> OutBlock {
    let mut builder = sink.encoder().start();
    for row in rows {
        let sample = Sample::from_json(row.as_str().into(), Origin::default()).unwrap();
        builder.push(&sample).unwrap();
    }
    builder.finish()
}

/// Writes `rows` in one go, in blocks of `block_rows`.
pub(crate) fn write(scene: &Scene, rows: &[String], block_rows: usize) -> Finished {
    let mut sink = scene.open(None);
    sink.set_threads(NonZeroUsize::MIN);
    for rows in rows.chunks(block_rows) {
        sink.append(block(sink.as_ref(), rows)).unwrap();
    }
    let finished = sink.finish().unwrap();
    clear_staging(&scene.spec).unwrap();
    assert_eq!(fs::read_dir(&scene.spec.staging).unwrap().count(), 0);
    finished
}

/// Writes `rows` with crashes, the last of them after the end. Of the last
/// commit before a crash, one in two was not recorded.
pub(crate) fn write_with_crashes(scene: &Scene, rows: &[String], seed: u64) -> Finished {
    let mut dice = Dice(seed);
    let mut recorded: (Option<Value>, usize) = (None, 0);
    let mut crashes = 5;
    loop {
        let (position, mut done) = recorded.clone();
        let mut sink = scene.open(position.as_ref());
        let mut fresh = None;
        loop {
            if crashes > 0 && dice.below(12) == 0 {
                break;
            }
            let n = dice.below(rows.len() / 10).min(rows.len() - done);
            sink.append(block(sink.as_ref(), &rows[done..done + n]))
                .unwrap();
            done += n;
            if dice.below(3) == 0 {
                recorded = fresh.take().unwrap_or(recorded);
                // What is written down must be enough: it goes through text.
                let text = sink.commit().unwrap().to_string();
                fresh = Some((Some(serde_json::from_str(&text).unwrap()), done));
            }
            if done == rows.len() {
                let finished = sink.finish().unwrap();
                if crashes == 0 {
                    return finished;
                }
                break;
            }
        }
        crashes -= 1;
        if dice.below(2) == 0 {
            recorded = fresh.unwrap_or(recorded);
        }
    }
}

pub(crate) fn rows(n: usize) -> Vec<String> {
    let mut dice = Dice(7);
    (0..n)
        .map(|i| {
            let text = "lorem 数据 \\n \\u00e9 ipsum ".repeat(1 + dice.below(9));
            format!(
                r#"{{"id":{i},"text":"{text}","meta":{{"n":[{}.5,null]}}}}"#,
                dice.below(99)
            )
        })
        .collect()
}

/// Rows of some 9 MB, which make several frames.
pub(crate) fn long_rows() -> Vec<String> {
    let mut dice = Dice(5);
    (0..160)
        .map(|i| {
            let words: Vec<String> = (0..8_000)
                .map(|_| dice.below(1 << 20).to_string())
                .collect();
            format!(r#"{{"id":{i},"text":"{}"}}"#, words.join(" "))
        })
        .collect()
}

pub(crate) fn unpack(bytes: &[u8]) -> String {
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::MultiGzDecoder::new(bytes)
            .read_to_string(&mut text)
            .unwrap();
    } else {
        zstd::Decoder::new(bytes)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
    }
    text
}
