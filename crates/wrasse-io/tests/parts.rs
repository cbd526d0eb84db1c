//! Parts that others write: the files that a sink alone gives, whatever crashes.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod dice;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tempfile::TempDir;
use wrasse_core::{ByteCount, Origin, Sample};
use wrasse_io::{
    Error, Format, Hands, OutBlock, PartTask, Sink, SinkSpec, StagedFile, clear_staging, encoder,
    open_parts, open_sink,
};

use crate::dice::Dice;

/// A block of the rows from `from` to `to`, of which some gate took each third.
fn block((from, to): (usize, usize), gate: bool) -> OutBlock {
    let mut builder = encoder(Format::Jsonl, "").start();
    let mut keep = Vec::new();
    for i in from..to {
        let text = "lorem ipsum ".repeat(1 + i * i % 13);
        let row = format!(r#"{{"id":{i},"text":"{text}"}}"#);
        let sample = Sample::from_json(row.as_str().into(), Origin::default()).unwrap();
        builder.push(&sample).unwrap();
        keep.push(i % 3 != 0);
    }
    let mut block = builder.finish();
    if gate {
        block.retain(&keep);
    }
    block
}

/// Objects of two blocks each, by their rows.
type Objects = Arc<Mutex<BTreeMap<u64, ([usize; 3], usize)>>>;

/// Workers that do what they are told in any order, and die at it.
struct Fakes {
    objects: Objects,
    tasks: Vec<(u64, PartTask, Vec<u64>)>,
    dice: Dice,
}

impl Fakes {
    fn write(&self, task: &PartTask, objects: &[u64]) -> Result<StagedFile, Error> {
        let mut objects = objects.iter();
        task.write(&mut || {
            let (rows, _) = self.objects.lock().unwrap()[objects.next().unwrap()];
            Ok(vec![
                block((rows[0], rows[1]), true),
                block((rows[1], rows[2]), true),
            ])
        })
    }
}

impl Hands for Fakes {
    fn begin(&mut self, number: u64, task: &PartTask, objects: &[u64]) -> Result<(), Error> {
        self.tasks.push((number, task.clone(), objects.to_vec()));
        Ok(())
    }

    fn done(&mut self, waits: bool) -> Result<Option<(u64, StagedFile)>, Error> {
        if self.tasks.is_empty() || !waits && self.dice.below(2) == 0 {
            return Ok(None);
        }
        let at = self.dice.below(self.tasks.len());
        let (number, task, objects) = self.tasks.swap_remove(at);
        if self.dice.below(3) == 0 {
            // An attempt of which nobody hears.
            self.write(&task, &objects)?;
        }
        Ok(Some((number, self.write(&task, &objects)?)))
    }

    fn hold(&mut self, object: u64) {
        self.objects.lock().unwrap().get_mut(&object).unwrap().1 += 1;
    }

    fn release(&mut self, object: u64) {
        release(&self.objects, object);
    }

    fn held_bytes(&self) -> u64 {
        self.objects.lock().unwrap().len() as u64 * 1_000
    }

    fn tasks_max(&self) -> usize {
        2
    }
}

/// An object whose rows are needed no more is gone.
fn release(objects: &Objects, object: u64) {
    let mut objects = objects.lock().unwrap();
    let users = &mut objects.get_mut(&object).unwrap().1;
    *users -= 1;
    if *users == 0 {
        objects.remove(&object);
    }
}

/// Appends rows from `from` to `to` as an object that lies elsewhere.
fn append(sink: &mut dyn Sink, objects: &Objects, (number, from, to): (u64, usize, usize)) {
    let rows = [from, (from + to) / 2, to];
    objects.lock().unwrap().insert(number, (rows, 1));
    let mut first = 0;
    for at in [0, 1] {
        // The gate decides when only the lengths are left.
        let mut rows = block((rows[at], rows[at + 1]), false).hollow().unwrap();
        let keep: Vec<bool> = (self::rows(at, from, to)).map(|i| i % 3 != 0).collect();
        rows.retain(&keep);
        rows.lies_in(number, first);
        first += rows.n_rows() as u64;
        sink.append(rows).unwrap();
    }
    release(objects, number);
}

fn rows(at: usize, from: usize, to: usize) -> std::ops::Range<usize> {
    let middle = (from + to) / 2;
    [from..middle, middle..to][at].clone()
}

const N: usize = 200;

/// Writes all rows, with crashes; after each, workers or a sink alone go on.
fn write(spec: &SinkSpec, seed: u64) -> Vec<(u64, u64, String)> {
    let mut dice = Dice(seed);
    let mut recorded: (Option<Value>, usize) = (None, 0);
    let mut crashes = 6;
    let mut number = 0;
    loop {
        let (position, mut done) = recorded.clone();
        let objects = Objects::default();
        let fakes = Fakes {
            objects: Arc::clone(&objects),
            tasks: Vec::new(),
            dice: Dice(seed + 1),
        };
        let hands = (Box::new(fakes) as Box<dyn Hands>, 3_000);
        let parts = match seed {
            0 => None,
            // Now and then a sink alone goes on.
            _ if crashes > 0 && dice.below(4) == 0 => None,
            _ => open_parts(spec, position.as_ref(), hands).unwrap(),
        };
        let is_apart = parts.is_some();
        let mut sink = match parts {
            Some(parts) => parts,
            None => open_sink(spec, position.as_ref()).unwrap(),
        };
        while done < N {
            if seed > 0 && crashes > 0 && dice.below(12) == 0 {
                break;
            }
            let to = (done + 1 + dice.below(40)).min(N);
            number += 1;
            match is_apart {
                true => append(sink.as_mut(), &objects, (number, done, to)),
                false => sink.append(block((done, to), true)).unwrap(),
            }
            done = to;
            if dice.below(3) == 0 {
                let position = sink.commit().unwrap();
                // A commit that was not recorded did not happen.
                if dice.below(4) > 0 {
                    recorded = (Some(position), done);
                } else if seed > 0 && crashes > 0 {
                    break;
                }
            }
        }
        if done == N {
            let finished = sink.finish().unwrap();
            if crashes == 0 || seed == 0 {
                clear_staging(spec).unwrap();
                assert!(
                    objects.lock().unwrap().is_empty(),
                    "objects are held for nobody"
                );
                let parts = finished.parts.into_iter();
                return parts
                    .map(|part| (part.rows, part.bytes, part.xxh3))
                    .collect();
            }
        }
        crashes -= usize::from(crashes > 0);
    }
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let named = entries.map(|entry| (entry.file_name().to_str().unwrap().to_owned(), entry.path()));
    named
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect()
}

#[test]
fn parts_that_others_write_are_those_of_a_sink_alone() {
    for (path, part_bytes) in [("", 3_000), ("", 1 << 20), ("x.jsonl.gz", 2_000)] {
        let mut calm = None;
        for seed in 0..5 {
            let folder = TempDir::new().unwrap();
            let out = folder.path().join("out");
            let spec = SinkSpec {
                path: format!("{}/{path}", out.display()),
                text_key: "text".to_owned(),
                format: None,
                part_bytes: Some(ByteCount(part_bytes)),
                staging: folder.path().join("run"),
                replace: false,
            };
            let got = (write(&spec, seed), files(&out));
            assert_eq!(files(&spec.staging).len(), 0, "{path}: something is left");
            let want = calm.get_or_insert_with(|| got.clone());
            assert!(
                got == *want,
                "{path} of {part_bytes} differs with seed {seed}"
            );
        }
    }
}

#[test]
fn one_file_and_tables_are_not_written_by_others() {
    let folder = TempDir::new().unwrap();
    for path in ["x.jsonl", "parts.parquet", "s3://bucket/folder/"] {
        let spec = SinkSpec {
            path: match path.starts_with("s3") {
                true => path.to_owned(),
                false => format!("{}/{path}", folder.path().display()),
            },
            text_key: "text".to_owned(),
            format: None,
            part_bytes: None,
            staging: folder.path().join("run"),
            replace: false,
        };
        let fakes = Fakes {
            objects: Objects::default(),
            tasks: Vec::new(),
            dice: Dice(1),
        };
        let parts = open_parts(&spec, None, (Box::new(fakes), 1_000)).unwrap();
        assert!(parts.is_none(), "{path}");
    }
}
