//! Progress: a pure picture of a snapshot, and who draws it where.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use wrasse_core::ByteCount;
use wrasse_run::RunSnapshot;
use wrasse_sched::{Resource, Resources};

use crate::failure::say;
use crate::table::{Align, count, duration, table};

/// How often a log gets a line.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// With `--verbose` a log says more in the first moments, in seconds.
const FIRST_S: f64 = 0.3;

/// After so many seconds without progress a person is told.
const STALLED_S: f64 = 60.0;

/// Shows snapshots: redrawn in place on a terminal, a line every ten seconds
/// elsewhere, or not at all.
pub(crate) struct Progress {
    target: Target,
    verbose: bool,
    /// Whether a stall was told.
    told: bool,
}

enum Target {
    Quiet,
    Terminal(ProgressBar),
    Log(Instant),
}

impl Progress {
    pub(crate) fn new(quiet: bool, verbose: bool) -> Self {
        Self {
            target: Target::new(quiet),
            verbose,
            told: false,
        }
    }

    pub(crate) fn show(&mut self, snapshot: &RunSnapshot) {
        if let Some(stalled) = snapshot.stalled.as_ref().filter(|s| s.seconds >= STALLED_S) {
            if !self.told && !matches!(self.target, Target::Quiet) {
                self.told = true;
                say(&format!(
                    "warning: nothing has moved for {:.0} s: `{}` waits for {}",
                    stalled.seconds, stalled.stage, stalled.waits_for
                ));
            }
        } else {
            self.told = false;
        }
        self.target.show(snapshot, self.verbose);
    }

    pub(crate) fn end(&self) {
        if let Target::Terminal(bar) = &self.target {
            bar.finish_and_clear();
        }
    }
}

impl Target {
    #[expect(clippy::disallowed_methods, reason = "the pace of log lines")]
    fn new(quiet: bool) -> Self {
        if quiet {
            return Self::Quiet;
        }
        let target = ProgressDrawTarget::stderr_with_hz(8);
        if target.is_hidden() {
            return Self::Log(Instant::now());
        }
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self::Terminal(bar)
    }

    #[expect(clippy::disallowed_methods, reason = "the pace of log lines")]
    fn show(&mut self, snapshot: &RunSnapshot, verbose: bool) {
        let stages = |snapshot| match verbose {
            true => format!("\n{}", stages(snapshot)),
            false => String::new(),
        };
        match self {
            Self::Quiet => {}
            Self::Terminal(bar) => {
                bar.set_message(format!("{}{}", render(snapshot), stages(snapshot)));
                bar.tick();
            }
            Self::Log(last) => {
                // The first lines soon, so that one sees that it works.
                let is_due = last.elapsed() >= LOG_EVERY;
                if is_due || (verbose && snapshot.elapsed_s < FIRST_S) {
                    *last = Instant::now();
                    say(&format!("{}{}", summary(snapshot), stages(snapshot)));
                }
            }
        }
    }
}

/// The stages: what each uses, may use, and waits for.
pub(crate) fn stages(snapshot: &RunSnapshot) -> String {
    let amounts = |of: Resources| {
        let cpu = of[Resource::CPU];
        match of[Resource::BLOCKS] {
            _ if cpu >= Resources::UNBOUNDED => "any".to_owned(),
            blocks if blocks >= Resources::UNBOUNDED => format!("{} cpu", cpu as f64 / 1000.0),
            blocks => {
                let blocks = ByteCount(blocks.max(0) as u64);
                format!("{} cpu {blocks}", cpu as f64 / 1000.0)
            }
        }
    };
    let name = |op: usize| snapshot.stages.get(op).map_or("", |stage| &stage.name);
    let rows: Vec<Vec<String>> = snapshot
        .stages
        .iter()
        .map(|stage| {
            let view = &stage.view;
            let wait = view.wait.map_or(String::new(), |wait| {
                let for_s = snapshot.elapsed_s - wait.since.0 as f64 / 1e9;
                let holder = match wait.holder {
                    Some(holder) if wait.reason.is_backpressure() => {
                        format!(" held by {}", name(holder))
                    }
                    _ => String::new(),
                };
                format!("{} for {:.1} s{holder}", wait.reason.name(), for_s.max(0.0))
            });
            vec![
                stage.name.clone(),
                format!("{}+{}", view.tasks_running, view.tasks_submitted),
                view.queued.to_string(),
                amounts(view.usage),
                amounts(view.allocation),
                amounts(view.budget),
                wait,
            ]
        })
        .collect();
    let header = [
        ("stage", Align::Left),
        ("tasks", Align::Right),
        ("queue", Align::Right),
        ("uses", Align::Left),
        ("may use", Align::Left),
        ("left", Align::Left),
        ("waits for", Align::Left),
    ];
    let pace = &snapshot.pace;
    format!(
        "{}scheduling: {} events, busy {:.3} s, blocked {:.1} s, longest step {:.0} us",
        table(&header, &rows),
        count(pace.events),
        pace.busy.as_secs_f64(),
        pace.blocked.as_secs_f64(),
        pace.longest_step.as_secs_f64() * 1e6
    )
}

/// The whole picture: a line an operator, then the summary.
pub(crate) fn render(snapshot: &RunSnapshot) -> String {
    let seconds = snapshot.elapsed_s.max(0.001);
    let rows: Vec<Vec<String>> = snapshot
        .rows()
        .map(|(op, tally)| {
            vec![
                op.name.to_owned(),
                count(tally.rows_in),
                count(tally.rows_out),
                count(tally.dropped + tally.duplicates),
                count(tally.rejected),
                count((tally.rows_in as f64 / seconds) as u64),
                format!("{:.1}", tally.bytes_in as f64 / 1e6 / seconds),
            ]
        })
        .collect();
    let header = [
        ("operator", Align::Left),
        ("in", Align::Right),
        ("out", Align::Right),
        ("dropped", Align::Right),
        ("rejected", Align::Right),
        ("rows/s", Align::Right),
        ("MB/s", Align::Right),
    ];
    format!("{}{}", table(&header, &rows), summary(snapshot))
}

/// One line: share done, rows, speed, memory, time left, and why it waits.
pub(crate) fn summary(snapshot: &RunSnapshot) -> String {
    let seconds = snapshot.elapsed_s.max(0.001);
    let tally = &snapshot.tally;
    let fresh = tally.bytes_in - snapshot.bytes_resumed.min(tally.bytes_in);
    let speed = fresh as f64 / seconds;
    let mut parts = Vec::new();
    if let Some(share) = snapshot.share_done() {
        parts.push(format!("{:3.0} %", share * 100.0));
    }
    parts.push(format!(
        "{} in, {} out, {} dropped, {} rejected",
        count(tally.rows_in),
        count(tally.rows_out),
        count(tally.dropped() + tally.duplicates()),
        count(tally.rejected())
    ));
    parts.push(format!("{:.1} MB/s", speed / 1e6));
    parts.push(format!("memory {}", ByteCount(snapshot.memory.resident)));
    parts.push(format!("{}/{} threads", snapshot.tasks, snapshot.threads));
    if let Some(why) = snapshot.waits_for {
        parts.push(format!("reading waits for {why}"));
    }
    if let Some(total) = snapshot.bytes_total
        && speed > 0.0
        && total > tally.bytes_in
    {
        parts.push(format!(
            "{} left",
            duration((total - tally.bytes_in) as f64 / speed)
        ));
    }
    parts.join(" | ")
}

#[cfg(test)]
mod tests {
    use wrasse_op::OpKind;
    use wrasse_run::{MemorySnapshot, OpSnapshot, OpTally, Pace, Tally};

    use super::*;

    fn snapshot() -> RunSnapshot {
        let mut tally = Tally::new(2);
        tally.rows_in = 1_000;
        tally.bytes_in = 30_000_000;
        tally.operators[0] = OpTally {
            rows_in: 1_000,
            bytes_in: 30_000_000,
            rows_out: 900,
            dropped: 97,
            rejected: 3,
            ..OpTally::default()
        };
        tally.operators[1] = OpTally {
            rows_in: 900,
            bytes_in: 20_000_000,
            rows_out: 800,
            duplicates: 100,
            ..OpTally::default()
        };
        tally.rows_out = 800;
        let op = |name, kind| OpSnapshot { name, kind };
        RunSnapshot {
            elapsed_s: 2.0,
            tally,
            operators: vec![
                op("text_length_filter", OpKind::Filter),
                op("document_deduplicator", OpKind::Deduplicator),
            ],
            bytes_total: Some(60_000_000),
            bytes_resumed: 10_000_000,
            tasks: 3,
            threads: 4,
            blocks: 5,
            waiting: 2,
            memory: MemorySnapshot {
                resident: 64 << 20,
                ..MemorySnapshot::default()
            },
            waits_for: Some("memory"),
            stages: Vec::new(),
            pace: Pace::default(),
            stalled: None,
        }
    }

    #[test]
    fn the_picture_has_a_line_for_each_operator_and_a_summary() {
        let want = "\
operator                  in  out  dropped  rejected  rows/s  MB/s
text_length_filter     1,000  900       97         3     500  15.0
document_deduplicator    900  800      100         0     450  10.0
 50 % | 1,000 in, 800 out, 197 dropped, 3 rejected | 10.0 MB/s | memory 64.0 MiB | 3/4 threads \
| reading waits for memory | 3.00 s left";
        assert_eq!(render(&snapshot()), want);
    }

    #[test]
    fn of_a_stream_no_share_and_no_end_is_claimed() {
        let mut snapshot = snapshot();
        snapshot.bytes_total = None;
        let said = summary(&snapshot);
        assert!(!said.contains('%') && !said.contains("left"), "{said}");
    }
}
