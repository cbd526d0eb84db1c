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
