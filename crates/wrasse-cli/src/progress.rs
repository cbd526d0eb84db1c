//! Progress: a pure picture of a snapshot, and who draws it where.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use wrasse_core::ByteCount;
use wrasse_run::RunSnapshot;

use crate::failure::say;
use crate::table::{Align, count, duration, table};

/// How often a log gets a line.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Shows snapshots: redrawn in place on a terminal, a line every ten seconds
/// elsewhere, or not at all.
pub(crate) enum Progress {
    Quiet,
    Terminal(ProgressBar),
    Log(Instant),
}

impl Progress {
    #[expect(clippy::disallowed_methods, reason = "the pace of log lines")]
    pub(crate) fn new(quiet: bool) -> Self {
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
    pub(crate) fn show(&mut self, snapshot: &RunSnapshot) {
        match self {
            Self::Quiet => {}
            Self::Terminal(bar) => {
                bar.set_message(render(snapshot));
                bar.tick();
            }
            Self::Log(last) => {
                if last.elapsed() >= LOG_EVERY {
                    *last = Instant::now();
                    say(&summary(snapshot));
                }
            }
        }
    }

    pub(crate) fn end(&self) {
        if let Self::Terminal(bar) = self {
            bar.finish_and_clear();
        }
    }
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
        parts.push(format!("{} left", duration((total - tally.bytes_in) as f64 / speed)));
    }
    parts.join(" | ")
}
