//! [`Follower`]: from the files of a run directory to results, as far as a
//! commit vouches for them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use wrasse_io::{EXPORTS, ExportSource, exports_committed};

use crate::{Destination, Error, FileResult, Outcome, RunFiles, Task};

/// Results in a batch, at most.
const BATCH: usize = 500;

/// How far the files were read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct At {
    exports: u64,
    rejects: u64,
    dropped: u64,
    told: u64,
}

/// Reads results in the order in which they became safe, about.
pub(crate) struct Follower {
    files: RunFiles,
    exports: PathBuf,
    manifest: PathBuf,
    /// Bytes of the manifest that were read.
    read: u64,
    /// How far the last commit goes.
    safe: At,
    /// How far results were taken.
    at: At,
}

/// A line of the manifest, as far as it matters.
#[derive(Deserialize)]
struct Line {
    commit: Option<Commit>,
}

#[derive(Deserialize)]
struct Commit {
    sink: Value,
    rejects: u64,
    dropped: u64,
    #[serde(default)]
    told: u64,
}

impl Follower {
    pub(crate) fn new(files: RunFiles) -> Self {
        Self {
            exports: files.dir.join(EXPORTS),
            manifest: files.dir.join("manifest.jsonl"),
            files,
            read: 0,
            safe: At::default(),
            at: At::default(),
        }
    }

    /// Looks for new commits.
    pub(crate) fn look(&mut self) -> Result<(), Error> {
        for line in lines(&self.manifest, &mut self.read, u64::MAX, usize::MAX)? {
            let line: Line = serde_json::from_slice(&line)
                .map_err(|error| unclear(&self.manifest, &error.to_string()))?;
            if let Some(commit) = line.commit {
                self.safe = At {
                    exports: exports_committed(&commit.sink).unwrap_or(self.safe.exports),
                    rejects: commit.rejects,
                    dropped: commit.dropped,
                    told: commit.told,
                };
            }
        }
        Ok(())
    }

    /// The next results; none if all that is safe was taken. They count as taken
    /// when [`Follower::taken`] is told.
    pub(crate) fn next(&self, task: &Task) -> Result<(Vec<FileResult>, At), Error> {
        let mut at = self.at;
        let mut results = Vec::new();
        for line in lines(&self.exports, &mut at.exports, self.safe.exports, BATCH)? {
            let exported = serde_json::from_slice(&line)
                .map_err(|error| unclear(&self.exports, &error.to_string()))?;
            results.push(FileResult::of_export(exported, task));
        }
        let names: BTreeMap<&str, &str> = task
            .names
            .iter()
            .map(|(name, known)| (name.as_str(), known.as_str()))
            .collect();
        let left = BATCH - results.len();
        let rejects = &self.files.rejects;
        for line in lines(rejects, &mut at.rejects, self.safe.rejects, left)? {
            let record = record(rejects, &line)?;
            results.extend(rejected(&record, &names));
        }
        let left = BATCH - results.len().min(BATCH);
        let dropped_file = &self.files.dropped;
        for line in lines(dropped_file, &mut at.dropped, self.safe.dropped, left)? {
            let record = record(dropped_file, &line)?;
            results.push(dropped(&record, &names));
        }
        // A file and its result are two records that belong together.
        let left = BATCH - results.len().min(BATCH);
        for line in lines(&self.files.told, &mut at.told, self.safe.told, left)? {
            told(&record(&self.files.told, &line)?, &names, &mut results);
        }
        Ok((results, at))
    }

    /// Whether nothing that is safe is left to take.
    pub(crate) fn is_at_end(&self) -> bool {
        self.at == self.safe
    }

    /// Whether something was read on the way to `at`.
    pub(crate) fn moves_to(&self, at: At) -> bool {
        self.at != at
    }

    /// Results up to `at` were recorded.
    pub(crate) fn taken(&mut self, at: At) {
        self.at = at;
    }
}

fn rejected(record: &Value, names: &BTreeMap<&str, &str>) -> Option<FileResult> {
    let raw = record["raw"].as_str().unwrap_or_default();
    if raw.is_empty() && record["raw_base64"].is_null() {
        // The list itself is damaged: that is no file.
        return None;
    }
    Some(FileResult {
        source: source(record, raw),
        outcome: Outcome::Failed {
            operator: operator(record, names),
            reason: record["error"].as_str().unwrap_or_default().to_owned(),
        },
        number: None,
    })
}

fn dropped(record: &Value, names: &BTreeMap<&str, &str>) -> FileResult {
    let mut reason = record["reason"].as_str().unwrap_or_default().to_owned();
    if let Some(stats) = record["stats"].as_object() {
        let stats: Vec<String> = stats
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        reason = format!("{reason}: {}", stats.join(", "));
    }
    FileResult {
        source: source(record, record["sample"].as_str().unwrap_or_default()),
        outcome: Outcome::Filtered {
            operator: operator(record, names),
            reason,
        },
        number: None,
    }
}

/// A result that an operator recorded itself, as the columns of DataMate's tables; or,
/// behind one, the file that it is of. Other files in the folder are found there.
fn told(record: &Value, names: &BTreeMap<&str, &str>, results: &mut Vec<FileResult>) {
    let columns = &record["record"];
    let text = |name: &str| columns[name].as_str().unwrap_or_default().to_owned();
    match record["kind"].as_str() {
        Some("clean_result") => {
            let reason: Value = serde_json::from_str(&text("result")).unwrap_or_default();
            let reason = reason["reason"].as_str().unwrap_or_default().to_owned();
            let operator = operator(record, names);
            let source = ExportSource {
                id: text("src_file_id"),
                file: text("src_name"),
                kind: text("src_type"),
                size: columns["src_size"].as_u64().unwrap_or(0),
                ..ExportSource::default()
            };
            let outcome = match text("status") == "FAILED" {
                true => Outcome::Failed { operator, reason },
                false => Outcome::Filtered { operator, reason },
            };
            results.push(FileResult {
                source,
                outcome,
                number: Some(text("dest_file_id")),
            });
        }
        Some("dataset_file") => {
            let number = Some(text("id"));
            let result = results.iter_mut().rev().find(|one| one.number == number);
            if let Some(result) = result {
                let path = text("file_path");
                let bytes = text("file_size").parse().unwrap_or(0);
                result.outcome = Outcome::Exported(Destination::new(Path::new(&path), bytes));
            }
        }
        _ => {}
    }
}

/// Where a record's sample came from; `row` is the sample.
fn source(record: &Value, row: &str) -> ExportSource {
    let sample: Value = serde_json::from_str(row).unwrap_or_default();
    let number = |name: &str| record[name].as_u64().unwrap_or(0);
    ExportSource::of(number("position"), number("piece") as u32, |field| {
        sample.get(field).cloned()
    })
}

fn operator(record: &Value, names: &BTreeMap<&str, &str>) -> String {
    let name = record["operator"].as_str().unwrap_or_default();
    (*names.get(name).unwrap_or(&name)).to_owned()
}

fn record(path: &Path, line: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(line).map_err(|error| unclear(path, &error.to_string()))
}

fn unclear(path: &Path, why: &str) -> Error {
    Error::new(
        path.display().to_string(),
        format!("cannot be understood: {why}"),
    )
}

/// Up to `n_max` whole lines from `at`, which moves behind them, to `end`. A
/// file that is not there has none.
fn lines(path: &Path, at: &mut u64, end: u64, n_max: usize) -> Result<Vec<Vec<u8>>, Error> {
    if *at >= end || n_max == 0 {
        return Ok(Vec::new());
    }
    let read = || -> io::Result<Vec<Vec<u8>>> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(*at))?;
        let mut reader = BufReader::new(file.take(end - *at));
        let mut found = Vec::new();
        while found.len() < n_max {
            let mut line = Vec::new();
            reader.read_until(b'\n', &mut line)?;
            if line.last() != Some(&b'\n') {
                break;
            }
            found.push(line);
        }
        Ok(found)
    };
    let found = read().map_err(|error| {
        Error::new(
            path.display().to_string(),
            format!("cannot be read: {error}"),
        )
    })?;
    *at += found.iter().map(|line| line.len() as u64).sum::<u64>();
    Ok(found)
}
