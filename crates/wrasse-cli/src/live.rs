//! [`Live`]: a run as told in files, to the task service that started it.
//!
//! | file | says |
//! |---|---|
//! | `run.json` | what the run is: where its output, rejects and report are |
//! | `snapshot.json` | where it stands, twice a second |
//! | `report.json` | what came of it |
//!
//! Each is there as a whole or not at all. Nobody else needs them: what cannot
//! be written ends no run.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use wrasse_local::Job;
use wrasse_run::RunSnapshot;

use crate::run::write_whole;

/// A page that draws it looks once a second.
const EVERY_S: f64 = 0.5;

/// Tells where a run stands.
pub(crate) struct Live {
    dir: PathBuf,
    told_s: Option<f64>,
}

impl Live {
    /// Tells what the run is.
    pub(crate) fn new(dir: &Path, job: &Job) -> Self {
        let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        let run = json!({
            "output": job.output,
            "run_dir": absolute(job.run_dir.clone()),
            "rejects": absolute(job.places.rejects(&job.run_dir)),
            "report": job.places.report(&job.run_dir).map(absolute),
            "page": job.places.page(&job.run_dir).map(absolute),
            "threads": job.threads,
            "memory": job.memory.map(|memory| memory.0),
        });
        let _ = write_whole(&dir.join("run.json"), &run.to_string());
        Self {
            dir: dir.to_owned(),
            told_s: None,
        }
    }

    /// Tells where it stands, now and then.
    pub(crate) fn see(&mut self, snapshot: &RunSnapshot) {
        let elapsed_s = snapshot.elapsed_s;
        if self
            .told_s
            .is_none_or(|told_s| elapsed_s - told_s >= EVERY_S)
        {
            self.told_s = Some(elapsed_s);
            self.end(snapshot);
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
