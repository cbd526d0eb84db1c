//! [`Live`]: a run as told in files, to the task service that started it; and
//! what that tells the run.
//!
//! | file | by | says |
//! |---|---|---|
//! | `run.json` | run | what the run is: where its output, rejects and report are, its threads and memory |
//! | `snapshot.json` | run | where it stands, twice a second |
//! | `report.json` | run | what came of it |
//! | `limits.json` | service | the threads and the memory that it shall have from now on; by hand also `ray_metadata`, as the flag |
//!
//! Each is there as a whole or not at all. Nobody else needs them: what cannot
//! be written ends no run.

use std::path::{Path, PathBuf};

use clap::ValueEnum as _;
use serde_json::{Value, json};
use wrasse_core::ByteCount;
use wrasse_local::{Adjust, Change, Job};
use wrasse_run::{FetchMode, RunSnapshot};

use crate::args::MetadataMode;
use crate::failure::say;
use crate::run::write_whole;

/// A page that draws it looks once a second.
const EVERY_S: f64 = 0.5;

/// Tells where a run stands, and hears what it shall have.
pub(crate) struct Live {
    dir: PathBuf,
    told_s: Option<f64>,
    run: Value,
    adjust: Adjust,
    /// What was asked for last, as it was written.
    asked: Vec<u8>,
}

impl Live {
    /// Tells what the run is.
    pub(crate) fn new(dir: &Path, job: &Job) -> Self {
        let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        let live = Self {
            dir: dir.to_owned(),
            told_s: None,
            adjust: job.adjust.clone(),
            asked: Vec::new(),
            run: json!({
            "output": job.output,
            "run_dir": absolute(job.run_dir.clone()),
            "rejects": absolute(job.places.rejects(&job.run_dir)),
            "report": job.places.report(&job.run_dir).map(absolute),
            "page": job.places.page(&job.run_dir).map(absolute),
            "threads": job.threads,
            "memory": job.memory.map(|memory| memory.0),
            }),
        };
        live.tell_run();
        live
    }

    fn tell_run(&self) {
        let _ = write_whole(&self.dir.join("run.json"), &self.run.to_string());
    }

    /// Tells where it stands, now and then.
    pub(crate) fn see(&mut self, snapshot: &RunSnapshot) {
        let elapsed_s = snapshot.elapsed_s;
        if self
            .told_s
            .is_none_or(|told_s| elapsed_s - told_s >= EVERY_S)
        {
            self.told_s = Some(elapsed_s);
            self.hear(snapshot);
            self.end(snapshot);
        }
    }

    /// Passes on what the service wants, and says what came of it, in the log too.
    fn hear(&mut self, snapshot: &RunSnapshot) {
        match self.adjust.answer() {
            None => {}
            Some(Err(error)) => say(&format!("limits not changed: {error}")),
            Some(Ok(())) => {
                let memory = snapshot.memory.limit;
                let bound = memory.map_or_else(String::new, |bytes| {
                    format!(", {} of memory", ByteCount(bytes))
                });
                say(&format!(
                    "limits changed: {} threads{bound}",
                    snapshot.threads
                ));
                self.run["threads"] = snapshot.threads.into();
                self.run["memory"] = memory.into();
                self.tell_run();
            }
        }
        let Ok(asked) = std::fs::read(self.dir.join("limits.json")) else {
            return;
        };
        if asked == self.asked {
            return;
        }
        let limits: Value = serde_json::from_slice(&asked).unwrap_or_default();
        self.asked = asked;
        let threads = limits["threads"].as_u64();
        let memory = limits["memory"].as_str().map(str::parse).transpose();
        let metadata = limits["ray_metadata"].as_str();
        let metadata = metadata.and_then(|mode| MetadataMode::from_str(mode, true).ok());
        match memory {
            Ok(memory) => self.adjust.ask(Change {
                threads: threads.map(|n| n as usize),
                memory,
                metadata: metadata.map(FetchMode::from),
            }),
            Err::<_, <ByteCount as std::str::FromStr>::Err>(error) => {
                say(&format!("limits not changed: {error}"));
            }
        }
    }

    /// Tells where it stood at last.
    pub(crate) fn end(&mut self, snapshot: &RunSnapshot) {
        let path = self.dir.join("snapshot.json");
        let _ = write_whole(&path, &snapshot.json().to_string());
    }
}

/// Tells what came of it.
pub(crate) fn report(dir: &Path, report: &Value) {
    let _ = write_whole(&dir.join("report.json"), &report.to_string());
}
