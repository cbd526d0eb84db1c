//! [`StuckSnapshot`]: for whom all others wait, while nothing moves.

use std::fmt;
use std::time::Duration;

use wrasse_sched::{OpIdx, Place, Stuck, Time, Wait};

use crate::snapshot::{reason, task_name};

/// The stage for which everything waits, while nothing moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StuckSnapshot {
    /// The stage.
    pub stage: String,
    /// The task of it, by where its input comes from, that has to go on or to
    /// begin; none if it has no input.
    pub task: Option<Place>,
    /// For how long that has been running, if it does.
    pub runs: Option<Duration>,
    /// What it waits for.
    pub waits_for: String,
    /// The stage that holds it, if one does.
    pub holder: Option<String>,
    /// The task of that stage that has to go on first, if it is one.
    pub holder_task: Option<Place>,
    /// For how long nothing has moved.
    pub lasts: Duration,
    /// Whether the run ends because of it.
    pub gives_up: bool,
}

impl StuckSnapshot {
    /// As it is `now`, with the names that `name` gives, and those of custom
    /// resources.
    pub fn new(
        stuck: &Stuck,
        now: Time,
        gives_up: bool,
        custom: &[String],
        name: &dyn Fn(OpIdx) -> String,
    ) -> Self {
        let waits_for = match stuck.reason {
            None if stuck.begun.is_some() => "a task of its own, which runs",
            Some(Wait::Start) => "a worker that starts it",
            Some(Wait::Metadata) => "the metadata of what it put out",
            None | Some(Wait::Consumer) => "whoever takes its output",
            Some(wait) => reason(custom, wait),
        };
        Self {
            stage: name(stuck.op),
            task: stuck.place,
            runs: stuck.begun.map(|begun| now.since(begun)),
            waits_for: waits_for.to_owned(),
            holder: stuck.holder.map(|holder| name(holder.op)),
            holder_task: stuck.holder.and_then(|holder| holder.place),
            lasts: stuck.since,
            gives_up,
        }
    }
}

/// `nothing has moved for 60 s: task 3.0 of `a` waits for memory, held by `b``.
impl fmt::Display for StuckSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |duration: Duration| {
            let seconds = duration.as_secs_f64();
            let digits = if seconds < 10.0 { 1 } else { 0 };
            format!("{seconds:.digits$} s")
        };
        let of = |task: Option<Place>, stage: &str| match task {
            Some(place) => format!("task {} of `{stage}`", task_name(place)),
            None => format!("`{stage}`"),
        };
        write!(f, "nothing has moved for {}: ", seconds(self.lasts))?;
        if let Some(runs) = self.runs {
            let who = of(self.task, &self.stage);
            let runs = seconds(runs);
            return write!(
                f,
                "{who} has been running for {runs} without an end or an output"
            );
        }
        write!(
            f,
            "{} waits for {}",
            of(self.task, &self.stage),
            self.waits_for
        )?;
        match &self.holder {
            Some(holder) => write!(f, ", held by {}", of(self.holder_task, holder)),
            None => Ok(()),
        }
    }
}
