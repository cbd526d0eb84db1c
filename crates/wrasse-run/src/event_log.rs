//! [`EventLog`]: what happened in a run and when, a line of JSON each.
//!
//! | event | says |
//! |---|---|
//! | `run_started` | threads, memory, operators, stages; whether it was resumed |
//! | `snapshot` | where the run stands, every five seconds |
//! | `wait` | a stage has waited for three seconds: for what, who holds it |
//! | `wait_ended` | a wait that was reported is over |
//! | `task_wait` | a task, of those that wait longest, has for ten seconds |
//! | `task_wait_ended` | it does not any more |
//! | `limits_changed` | what may be used has become another tenth more or less |
//! | `no_progress` | nothing has moved for a minute: who is stuck, and on whom |
//! | `run_ended` | how, with the last snapshot |
//!
//! Every line has `version` (of this format), `event`, `time` (seconds since
//! 1970) and `elapsed_s` (since the run began, or was resumed).
//!
//! A resumed run appends. The log is bounded: a file that has become large is
//! kept as the only old one, and a new one is begun. Nothing in it is needed
//! to resume, so a log that cannot be written ends no run.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use wrasse_sched::{Limits, Resource, TaskWait, Time, Wait};

use crate::RunSnapshot;

/// How often a snapshot is written.
const SNAPSHOT_EVERY_S: f64 = 5.0;

/// Shorter waits are how a pipeline works, not news.
const WAIT_LEAST: Duration = Duration::from_secs(3);

/// The same of single tasks, of which there are many more.
const TASK_WAIT_LEAST: Duration = Duration::from_secs(10);

/// Two files of this size hold some hours of snapshots.
const FILE_BYTES_MAX: u64 = 8 << 20;

/// Limits that follow the process's memory change ten times a second; news is
/// a change by one part in this many.
const LIMITS_NEWS: i64 = 10;

/// The version of the lines; grows when a field changes its meaning.
const VERSION: u32 = 1;

/// The event log of a run, open for writing.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    file: File,
    bytes: u64,
    bytes_max: u64,
    has_started: bool,
    last_snapshot_s: f64,
    limits: Option<Limits>,
    /// By stage: the wait that was reported.
    waits: Vec<Option<(Wait, Time)>>,
    /// The waits of tasks that were reported, by the number of the stage.
    task_waits: Vec<(usize, TaskWait)>,
    is_stuck: bool,
}

impl EventLog {
    /// The file in the run directory.
    pub const NAME: &'static str = "events.jsonl";
    /// What came before the file became too large.
    pub const OLD_NAME: &'static str = "events.1.jsonl";

    /// Opens the log in `run_dir`, behind what is there.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn open(run_dir: &Path) -> io::Result<Self> {
        let path = run_dir.join(Self::NAME);
        let mut file = append(&path)?;
        let mut bytes = file.metadata()?.len();
        if bytes > 0 {
            // The line that was being written when the program was killed.
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != [b'\n'] {
                file.write_all(b"\n")?;
                bytes += 1;
            }
        }
        Ok(Self {
            path,
            file,
            bytes,
            bytes_max: FILE_BYTES_MAX,
            has_started: false,
            last_snapshot_s: 0.0,
            limits: None,
            waits: Vec::new(),
            task_waits: Vec::new(),
            is_stuck: false,
        })
    }

    /// Writes what is new. `time` is seconds since 1970.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn see(&mut self, snapshot: &RunSnapshot, time: f64) -> io::Result<()> {
        let elapsed_s = snapshot.elapsed_s;
        let mut lines: Vec<(&str, Value)> = Vec::new();
        if !self.has_started {
            self.has_started = true;
            self.last_snapshot_s = elapsed_s;
            self.limits = Some(snapshot.limits);
            lines.push(("run_started", started(snapshot)));
        }
        if self
            .limits
            .is_some_and(|old| is_news(&old, &snapshot.limits))
        {
            self.limits = Some(snapshot.limits);
            let limits = json!({ "limits": snapshot.limits_json() });
            lines.push(("limits_changed", limits));
        }
        self.see_waits(snapshot, &mut lines);
        self.see_task_waits(snapshot, &mut lines);
        match &snapshot.stuck {
            Some(stuck) if !self.is_stuck => lines.push(("no_progress", stuck.json())),
            _ => {}
        }
        self.is_stuck = snapshot.stuck.is_some();
        if elapsed_s - self.last_snapshot_s >= SNAPSHOT_EVERY_S {
            self.last_snapshot_s = elapsed_s;
            lines.push(("snapshot", json!({ "snapshot": snapshot.json() })));
        }
        for (event, fields) in lines {
            self.write(event, fields, time, elapsed_s)?;
        }
        Ok(())
    }

    fn see_waits(&mut self, snapshot: &RunSnapshot, lines: &mut Vec<(&str, Value)>) {
        self.waits.resize(snapshot.stages.len(), None);
        for (stage, told) in snapshot.stages.iter().zip(&mut self.waits) {
            let wait = stage.view.wait;
            let is_told = wait.map(|wait| (wait.reason, wait.since)) == *told;
            if is_told {
                continue;
            }
            if let Some((reason, since)) = told.take() {
                lines.push((
                    "wait_ended",
                    json!({
                        "stage": stage.name,
                        "reason": snapshot.reason(reason),
                        "lasted_s": snapshot.now.since(since).as_secs_f64(),
                    }),
                ));
            }
            if let Some(wait) = wait
                && snapshot.lasts(&wait) >= WAIT_LEAST
            {
                *told = Some((wait.reason, wait.since));
                lines.push((
                    "wait",
                    json!({
                        "stage": stage.name,
                        "reason": snapshot.reason(wait.reason),
                        "holder": snapshot.holder(&wait),
                        "lasts_s": snapshot.lasts(&wait).as_secs_f64(),
                    }),
                ));
            }
        }
    }

    fn see_task_waits(&mut self, snapshot: &RunSnapshot, lines: &mut Vec<(&str, Value)>) {
        let stages = snapshot.stages.iter().enumerate();
        let now: Vec<(usize, TaskWait)> = stages
            .flat_map(|(at, stage)| {
                let waits = stage.view.tasks_waiting.iter().flatten();
                waits.map(move |wait| (at, *wait))
            })
            .filter(|(_, wait)| snapshot.task_lasts(wait) >= TASK_WAIT_LEAST)
            .collect();
        // Whoever holds it may change: it is the same wait.
        let is_same = |(at, one): &(usize, TaskWait), (other_at, other): &(usize, TaskWait)| {
            let of = |wait: &TaskWait| (wait.task, wait.place, wait.reason.name(), wait.since);
            at == other_at && of(one) == of(other)
        };
        let line = |(at, wait): &(usize, TaskWait)| {
            let mut line = snapshot.task_wait(wait);
            line["stage"] = snapshot.stages[*at].name.as_str().into();
            line
        };
        for told in &self.task_waits {
            if !now.iter().any(|wait| is_same(wait, told)) {
                lines.push(("task_wait_ended", line(told)));
            }
        }
        for wait in &now {
            if !self.task_waits.iter().any(|told| is_same(wait, told)) {
                lines.push(("task_wait", line(wait)));
            }
        }
        self.task_waits = now;
    }

    /// Writes how the run ended: `outcome` in a word, and the error if there
    /// was one.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn end(
        &mut self,
        last: &RunSnapshot,
        time: f64,
        outcome: &str,
        error: Option<&str>,
    ) -> io::Result<()> {
        let fields = json!({ "outcome": outcome, "error": error, "snapshot": last.json() });
        self.write("run_ended", fields, time, last.elapsed_s)
    }

    fn write(&mut self, event: &str, fields: Value, time: f64, elapsed_s: f64) -> io::Result<()> {
        let mut line = json!({
            "version": VERSION, "event": event, "time": time, "elapsed_s": elapsed_s,
        });
        if let (Value::Object(line), Value::Object(fields)) = (&mut line, fields) {
            line.extend(fields);
        }
        let mut text = line.to_string();
        text.push('\n');
        if self.bytes > 0 && self.bytes + text.len() as u64 > self.bytes_max {
            std::fs::rename(&self.path, self.path.with_file_name(Self::OLD_NAME))?;
            self.file = append(&self.path)?;
            self.bytes = 0;
        }
        // In one piece, so that a reader sees whole lines.
        self.file.write_all(text.as_bytes())?;
        self.bytes += text.len() as u64;
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .read(true)
        .open(path)
}

fn started(snapshot: &RunSnapshot) -> Value {
    json!({
        "wrasse": env!("CARGO_PKG_VERSION"),
        "resumed": snapshot.bytes_resumed > 0,
        "threads": snapshot.threads,
        "memory_limit": snapshot.memory.limit,
        "bytes_total": snapshot.bytes_total,
        "bytes_resumed": snapshot.bytes_resumed,
        "limits": snapshot.limits_json(),
        "operators": snapshot.operators.iter().map(|op| op.name).collect::<Vec<_>>(),
        "stages": snapshot.stages.iter().map(|stage| &stage.name).collect::<Vec<_>>(),
    })
}

fn is_news(old: &Limits, new: &Limits) -> bool {
    old.blocks_in_flight != new.blocks_in_flight
        || Resource::all().any(|resource| {
            let (old, new) = (old.resources[resource], new.resources[resource]);
            old != new && (new - old).abs() >= old.abs() / LIMITS_NEWS
        })
}

#[cfg(test)]
mod tests;
