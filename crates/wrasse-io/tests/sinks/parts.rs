//! Parts that others write: the files that a sink alone gives, whatever crashes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tempfile::TempDir;
use wrasse_core::{ByteCount, Origin, Sample};
use wrasse_io::{
    Error, Format, Hands, OutBlock, PartTask, Sink, SinkSpec, WrittenFile, clear_staging, encoder,
    open_parts, open_sink, output_format,
};

use crate::dice::Dice;
use crate::reading::samples_at;

/// Rows, some of which came in columns if the output takes such.
#[derive(Clone)]
struct Rows {
    format: Format,
    in_columns: Vec<Sample>,
}

impl Rows {
    fn of(format: Format) -> Self {
        let mut rows = Self {
            format: Format::Parquet,
            in_columns: Vec::new(),
        };
        if format == Format::Parquet {
            let folder = TempDir::new().unwrap();
            let spec = spec_of(&folder, "in.parquet", None);
            let mut sink = open_sink(&spec, None).unwrap();
            for block in rows.blocks((0, N), false) {
                sink.append(block).unwrap();
            }
            sink.finish().unwrap();
            rows.in_columns = samples_at(spec.path);
        }
        Self { format, ..rows }
    }

    /// Row `i`; columns come late, and their types drift.
    fn row(&self, i: usize) -> Sample {
        if i / 7 % 3 == 2
            && let Some(sample) = self.in_columns.get(i)
        {
            return sample.clone();
        }
        let text = "lorem ipsum ".repeat(1 + i * i % 13);
        let drifts = match i {
            0..60 => "3".to_owned(),
            60..120 => format!("{i}.5"),
            _ => format!("[{i}]"),
        };
        let here = i / 20;
        let row = format!(r#"{{"id":{i},"text":"{text}","drifts":{drifts},"some{here}":true}}"#);
        Sample::from_json(row.as_str().into(), Origin::default()).unwrap()
    }

    /// The rows from `from` to `to` in blocks of ten, of which some gate took each
    /// third.
    fn blocks(&self, (from, to): (usize, usize), gate: bool) -> Vec<OutBlock> {
        let blocks = (from..to).step_by(10).map(|from| {
            let mut builder = encoder(self.format, "").start();
            let rows = from..(from + 10).min(to);
            rows.clone()
                .for_each(|i| builder.push(&self.row(i)).unwrap());
            let mut block = builder.finish();
            if gate {
                block.retain(&kept(rows));
            }
            block
        });
        blocks.collect()
    }
}

fn kept(rows: std::ops::Range<usize>) -> Vec<bool> {
    rows.map(|i| i % 3 != 0).collect()
}

fn spec_of(folder: &TempDir, path: &str, part_bytes: Option<u64>) -> SinkSpec {
    SinkSpec {
        path: match path.contains("://") {
            true => path.to_owned(),
            false => format!("{}/{path}", folder.path().display()),
        },
        text_key: "text".to_owned(),
        format: path.ends_with("parquet/").then_some(Format::Parquet),
        part_bytes: part_bytes.map(ByteCount),
        staging: folder.path().join("run"),
        replace: false,
    }
}

/// Objects by their rows, and how often each is needed.
type Objects = Arc<Mutex<BTreeMap<u64, ((usize, usize), usize)>>>;

/// Workers that do what they are told in any order, and die at it.
struct Fakes {
    rows: Rows,
    objects: Objects,
    tasks: Vec<(u64, PartTask, Vec<u64>)>,
    dice: Dice,
}

impl Fakes {
    fn write(&self, task: &PartTask, objects: &[u64]) -> Result<WrittenFile, Error> {
        let mut objects = objects.iter();
        task.write(&mut |take| {
            let (rows, _) = self.objects.lock().unwrap()[objects.next().unwrap()];
            self.rows.blocks(rows, true).into_iter().try_for_each(take)
        })
    }
}

impl Hands for Fakes {
    fn begin(&mut self, number: u64, task: &PartTask, objects: &[u64]) -> Result<(), Error> {
        self.tasks.push((number, task.clone(), objects.to_vec()));
        Ok(())
    }

    fn done(&mut self, waits: bool) -> Result<Option<(u64, WrittenFile)>, Error> {
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
fn append(
    (sink, rows): (&mut dyn Sink, &Rows),
    objects: &Objects,
    (number, from, to): (u64, usize, usize),
) {
    objects.lock().unwrap().insert(number, ((from, to), 1));
    let mut first = 0;
    for (block, at) in rows
        .blocks((from, to), false)
        .iter()
        .zip((from..to).step_by(10))
    {
        // The gate decides when only the lengths are left.
        let mut block = block.hollow().unwrap();
        block.retain(&kept(at..(at + 10).min(to)));
        block.lies_in(number, first);
        first += block.n_rows() as u64;
        sink.append(block).unwrap();
    }
    release(objects, number);
}

const N: usize = 200;

/// Writes all rows, with crashes; after each, workers or a sink alone go on.
fn write(spec: &SinkSpec, rows: &Rows, seed: u64) -> Vec<(u64, u64, String)> {
    let mut dice = Dice(seed);
    let mut recorded: (Option<Value>, usize) = (None, 0);
    let mut crashes = 6;
    let mut number = 0;
    loop {
        let (position, mut done) = recorded.clone();
        let objects = Objects::default();
        let fakes = Fakes {
            rows: rows.clone(),
            objects: Arc::clone(&objects),
            tasks: Vec::new(),
            dice: Dice(seed + 1),
        };
        let hands = (Box::new(fakes) as Box<dyn Hands>, 3_000);
        let parts = match seed {
            0 => None,
            // Now and then a sink alone goes on.
            _ if crashes > 0 && dice.below(4) == 0 => None,
            _ => open_parts(spec, position.as_ref(), hands, true).unwrap(),
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
            let to = (done + 10 + 10 * dice.below(4)).min(N);
            number += 1;
            match is_apart {
                true => append((sink.as_mut(), rows), &objects, (number, done, to)),
                false => {
                    for block in rows.blocks((done, to), true) {
                        sink.append(block).unwrap();
                    }
                }
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
    for (path, part_bytes) in [
        ("out/", Some(3_000)),
        ("out/", Some(1 << 20)),
        ("out/x.jsonl.gz", Some(2_000)),
        ("out/x.csv.gz", Some(2_000)),
        ("out/x.tsv", None),
        ("out/parquet/", Some(3_000)),
        ("out/x.parquet", None),
        ("memory://seed/out/", Some(3_000)),
        ("memory://seed/parquet/", Some(3_000)),
    ] {
        let mut calm = None;
        for seed in 0..4 {
            let folder = TempDir::new().unwrap();
            let path = path.replace("seed", &format!("seed-{seed}"));
            let spec = spec_of(&folder, &path, part_bytes);
            let rows = Rows::of(output_format(&spec).unwrap());
            let parts = write(&spec, &rows, seed);
            let out = match path.contains("://") {
                true => {
                    let rows = samples_at(spec.path.clone());
                    let mut json = Vec::new();
                    rows.iter().for_each(|row| row.write_json(&mut json));
                    BTreeMap::from([("rows".to_owned(), json)])
                }
                false => {
                    let end = spec.path.rfind('/').unwrap();
                    files(Path::new(&spec.path[..end]))
                }
            };
            assert!(out.values().any(|bytes| bytes.len() > 100), "{path}");
            let got = (parts, out);
            assert_eq!(files(&spec.staging).len(), 0, "{path}: something is left");
            let want = calm.get_or_insert_with(|| got.clone());
            assert!(
                got == *want,
                "{path} of {part_bytes:?} differs with seed {seed}"
            );
        }
    }
}

#[test]
fn a_file_of_lines_is_not_written_by_others() {
    for path in ["x.jsonl", "s3://bucket/x.parquet"] {
        let folder = TempDir::new().unwrap();
        let spec = spec_of(&folder, path, None);
        let fakes = Fakes {
            rows: Rows::of(Format::Jsonl),
            objects: Objects::default(),
            tasks: Vec::new(),
            dice: Dice(1),
        };
        let parts = open_parts(&spec, None, (Box::new(fakes), 1_000), true).unwrap();
        assert!(parts.is_none(), "{path}");
    }
}
