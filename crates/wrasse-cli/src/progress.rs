//! Progress: a pure picture of a snapshot, and who draws it where.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use wrasse_core::ByteCount;
use wrasse_run::RunSnapshot;

use crate::failure::say;
use crate::stages;
use crate::table::{Align, count, duration, table};

/// How often a log gets a line.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Shows snapshots, with the stages if it is verbose.
pub(crate) struct Progress {
    place: Place,
    verbose: bool,
}

/// Redrawn in place on a terminal, a line every ten seconds elsewhere, or not
/// at all.
enum Place {
    Quiet,
    Terminal(ProgressBar),
    Log(Instant),
}

impl Progress {
    pub(crate) fn new(quiet: bool, verbose: bool) -> Self {
        Self {
            place: Place::new(quiet),
            verbose,
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the pace of log lines")]
    pub(crate) fn show(&mut self, snapshot: &RunSnapshot) {
        match &mut self.place {
            Place::Quiet => {}
            Place::Terminal(bar) => {
                bar.set_message(render(snapshot, self.verbose));
                bar.tick();
            }
            Place::Log(last) => {
                if last.elapsed() >= LOG_EVERY {
                    *last = Instant::now();
                    say(&log(snapshot, self.verbose));
                }
            }
        }
    }

    /// Says something that must not wait, above what is redrawn.
    pub(crate) fn warn(&self, line: &str) {
        match &self.place {
            Place::Terminal(bar) => bar.suspend(|| say(line)),
            Place::Quiet | Place::Log(_) => say(line),
        }
    }

    /// Ends the picture; if it is verbose, with what the stages did in all.
    pub(crate) fn end(&self, last: Option<&RunSnapshot>) {
        if let Place::Terminal(bar) = &self.place {
            bar.finish_and_clear();
        }
        if let Some(last) = last.filter(|_| self.verbose) {
            say(stages::totals(last).trim_end());
        }
    }
}

impl Place {
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
}

/// What a log gets: the summary, and the stages below it.
pub(crate) fn log(snapshot: &RunSnapshot, verbose: bool) -> String {
    let mut text = summary(snapshot);
    if verbose {
        for line in stages::render(snapshot).lines() {
            text.push_str("\n  ");
            text.push_str(line);
        }
    }
    text
}

/// The whole picture: a line an operator, then a line a stage if it is verbose,
/// then the summary.
pub(crate) fn render(snapshot: &RunSnapshot, verbose: bool) -> String {
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
    let stages = match verbose {
        true => stages::render(snapshot),
        false => String::new(),
    };
    format!("{}{stages}{}", table(&header, &rows), summary(snapshot))
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
    let memory = snapshot.memory.resident + snapshot.memory.workers;
    parts.push(format!("memory {}", ByteCount(memory)));
    parts.push(format!(
        "{} tasks on {} threads",
        snapshot.tasks, snapshot.threads
    ));
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
pub(crate) mod tests {
    use wrasse_op::OpKind;
    use wrasse_run::{MemorySnapshot, OpSnapshot, OpTally, Pace, StageSnapshot, Tally};
    use wrasse_sched::{
        Holder, Limits, OpView, Place, Resource, Resources, TaskWait, Time, Wait, WaitView,
    };

    use super::*;

    pub(crate) fn snapshot() -> RunSnapshot {
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
            bytes_fetched: None,
            tasks: 3,
            threads: 4,
            blocks: 5,
            waiting: 2,
            memory: MemorySnapshot {
                resident: 64 << 20,
                ..MemorySnapshot::default()
            },
            waits_for: Some("memory"),
            stages: vec![
                stage("read > text_length_filter", reading()),
                stage("document_deduplicator", deciding()),
            ],
            pace: Pace {
                events: 12_345,
                busy: Duration::from_millis(20),
                blocked: Duration::from_millis(1_980),
                longest_step: Duration::from_micros(412),
            },
            now: Time(2_000_000_000),
            used: Resources::millicpus(3000),
            limits: Limits {
                resources: Resources::millicpus(4000).with(Resource::BLOCKS, 64 << 20),
                blocks_in_flight: 32,
                for_tasks: Resources::ZERO,
            },
            custom: Vec::new(),
            stuck: None,
        }
    }

    fn stage(name: &str, view: OpView) -> StageSnapshot {
        StageSnapshot {
            name: name.to_owned(),
            view,
        }
    }

    /// Reads as much as it may.
    fn reading() -> OpView {
        OpView {
            queued: 0,
            tasks_submitted: 1,
            tasks_running: 2,
            tasks_unread: 1,
            workers: None,
            output_blocks: 4,
            output_bytes: 30 << 20,
            usage: Resources::millicpus(3000).with(Resource::BLOCKS, 33 << 20),
            allocation: Resources::millicpus(4000).with(Resource::BLOCKS, 32 << 20),
            budget: Resources::millicpus(1500).with(Resource::BLOCKS, -(1 << 20)),
            readable_bytes: 2 << 20,
            wait: Some(WaitView {
                reason: Wait::OutputBudget,
                since: Time(1_250_000_000),
                holder: Some(1),
            }),
            tasks_waiting: [
                Some(TaskWait {
                    task: None,
                    place: Place { split: 3, seq: 1 },
                    reason: Wait::ReadBudget,
                    since: Time(750_000_000),
                    holder: Some(Holder {
                        op: 1,
                        place: Some(Place { split: 2, seq: 0 }),
                        task: None,
                    }),
                }),
                // Not for long enough to be told.
                Some(TaskWait {
                    task: None,
                    place: Place { split: 4, seq: 0 },
                    reason: Wait::Start,
                    since: Time(1_500_000_000),
                    holder: None,
                }),
                None,
            ],
            metrics: wrasse_sched::Metrics {
                tasks_submitted: 1_003,
                tasks_finished: 1_000,
                task_completion: Duration::from_millis(1_500),
                task_completion_excl_backpressure: Duration::from_millis(1_250),
                ..Default::default()
            },
        }
    }

    /// Goes on; has workers of its own, and no bound on processors.
    fn deciding() -> OpView {
        OpView {
            queued: 7,
            tasks_submitted: 0,
            tasks_running: 0,
            tasks_unread: 0,
            workers: Some((1, 2)),
            usage: Resources::ZERO,
            allocation: Resources::unbounded(),
            readable_bytes: 0,
            wait: None,
            tasks_waiting: [None; 3],
            ..reading()
        }
    }

    #[test]
    fn the_picture_has_a_line_for_each_operator_and_a_summary() {
        let want = "\
operator                  in  out  dropped  rejected  rows/s  MB/s
text_length_filter     1,000  900       97         3     500  15.0
document_deduplicator    900  800      100         0     450  10.0
 50 % | 1,000 in, 800 out, 197 dropped, 3 rejected | 10.0 MB/s | memory 64.0 MiB | 3 tasks on 4 threads \
| reading waits for memory | 3.00 s left";
        assert_eq!(render(&snapshot(), false), want);
    }

    #[test]
    fn the_verbose_picture_has_a_line_for_each_stage_and_one_for_the_loop() {
        let picture = render(&snapshot(), true);
        let short = render(&snapshot(), false);
        let want = "\
stage                      running  pending  unread  workers  queue  usage                   allocation              budget                     may read  waits for
read > text_length_filter        2        1       1        -      0  cpu 3, blocks 33.0 MiB  cpu 4, blocks 32.0 MiB  cpu 1.5, blocks -1.00 MiB  2.00 MiB  output budget for 0.75 s, held by document_deduplicator
document_deduplicator            0        0       0      1/2      7  cpu 0, blocks 0 B       cpu any, blocks any     cpu 1.5, blocks -1.00 MiB       0 B  -
task 3.1 of read > text_length_filter waits for read budget for 1.25 s, held by task 2.0 of document_deduplicator
scheduling loop: 12,345 events, busy 0.02 s, blocked 1.98 s (1.0 % busy), longest step 0.412 ms
";
        let (operators, summary) = short.rsplit_once('\n').unwrap();
        assert_eq!(picture, format!("{operators}\n{want}{summary}"));
        let logged: String = want.lines().map(|line| format!("\n  {line}")).collect();
        assert_eq!(log(&snapshot(), true), format!("{summary}{logged}"));
        assert_eq!(log(&snapshot(), false), summary);
        let mut elsewhere = snapshot();
        (elsewhere.memory.sharded, elsewhere.memory.shards) = (3 << 30, 4);
        let line = "  fingerprints: 3.00 GiB in 4 actors, 0 B here";
        assert!(
            log(&elsewhere, true).ends_with(line),
            "{}",
            log(&elsewhere, true)
        );
    }

    #[test]
    fn of_a_stream_no_share_and_no_end_is_claimed() {
        let mut snapshot = snapshot();
        snapshot.bytes_total = None;
        let said = summary(&snapshot);
        assert!(!said.contains('%') && !said.contains("left"), "{said}");
    }
}
