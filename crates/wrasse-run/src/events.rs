//! [`EventLog`]: what happened when, in the run directory.
//!
//! JSON lines with a version, only ever appended to: a resumed run goes on in
//! the same file. Snapshots come every few seconds at first and more rarely as
//! a run lasts, so that the file stays small however long that is.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::RunSnapshot;
use crate::metrics::snapshot_json;

/// The version of the lines.
const VERSION: u32 = 1;

/// Seconds between snapshots, at first.
const EVERY_S: f64 = 2.0;

/// So many snapshots, and the next come half as often.
const BEFORE_RARER: u32 = 200;

/// A wait that lasts for this long is an event.
const LONG_WAIT_S: f64 = 5.0;

/// The log of one run. What cannot be written is lost: a log fails no run.
#[derive(Debug)]
pub struct EventLog {
    file: Option<File>,
    next_s: f64,
    every_s: f64,
    snapshots: u32,
    /// Stages whose long wait was told: since when.
    told: Vec<Option<u64>>,
}

impl EventLog {
    /// A log at `path`; none if there is no path, or nothing can be written
    /// there.
    pub fn open(path: Option<&Path>) -> Self {
        let file =
            path.and_then(|path| OpenOptions::new().create(true).append(true).open(path).ok());
        Self {
            file,
            next_s: 0.0,
            every_s: EVERY_S,
            snapshots: 0,
            told: Vec::new(),
        }
    }

    /// Takes down a snapshot, if it is time, and what waits for long.
    pub fn observe(&mut self, run: &RunSnapshot) {
        if self.file.is_none() {
            return;
        }
        self.long_waits(run);
        if run.elapsed_s < self.next_s {
            return;
        }
        self.next_s = run.elapsed_s + self.every_s;
        self.snapshots += 1;
        if self.snapshots.is_multiple_of(BEFORE_RARER) {
            self.every_s *= 2.0;
        }
        self.write(
            "snapshot",
            run.elapsed_s,
            json!({ "snapshot": snapshot_json(run) }),
        );
    }

    fn long_waits(&mut self, run: &RunSnapshot) {
        self.told.resize(run.stages.len(), None);
        for (i, stage) in run.stages.iter().enumerate() {
            let Some(wait) = stage.view.wait.filter(|w| w.reason.is_backpressure()) else {
                self.told[i] = None;
                continue;
            };
            let since_s = wait.since.0 as f64 / 1e9;
            let is_long = run.elapsed_s - since_s >= LONG_WAIT_S;
            if is_long && self.told[i] != Some(wait.since.0) {
                self.told[i] = Some(wait.since.0);
                let holder = wait.holder.and_then(|op| run.stages.get(op));
                let what = json!({
                    "stage": stage.name,
                    "reason": wait.reason.name(),
                    "since_s": since_s,
                    "holder": holder.map(|stage| &stage.name),
                });
                self.write("waits", run.elapsed_s, what);
            }
        }
    }

    /// Takes down how the run ended, with the last snapshot.
    pub fn end(&mut self, how: &str, last: Option<&RunSnapshot>) {
        let elapsed_s = last.map_or(0.0, |run| run.elapsed_s);
        let snapshot = last.map(snapshot_json);
        self.write(how, elapsed_s, json!({ "snapshot": snapshot }));
    }

    /// Takes down something that happened.
    pub fn write(&mut self, event: &str, elapsed_s: f64, what: Value) {
        let Some(file) = &mut self.file else {
            return;
        };
        let mut line = json!({ "version": VERSION, "event": event, "elapsed_s": elapsed_s });
        if let (Value::Object(line), Value::Object(what)) = (&mut line, what) {
            line.extend(what);
        }
        // A full disk is told by what matters more.
        let _ = writeln!(file, "{line}");
    }
}
