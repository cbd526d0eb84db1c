//! `wrasse run --dry-run`: what a sample of the input says of the whole.

use std::fmt::Write as _;

use serde_json::{Value, json};
use wrasse_core::ByteCount;
use wrasse_local::{DryRun, Job};

use crate::Exit;
use crate::args::ReportForm;
use crate::failure::{Failure, print, say};
use crate::report;
use crate::run::quiet_operators;
use crate::table::{Align, count, duration, table};

pub(crate) fn dry_run(job: &Job, sample: ByteCount, form: ReportForm) -> Result<Exit, Failure> {
    quiet_operators();
    let dry = wrasse_local::dry_run(job, sample)?;
    for warning in &dry.warnings {
        say(&format!("warning: {warning}"));
    }
    match form {
        ReportForm::Json => print(&format!("{:#}\n", json(job, &dry))),
        ReportForm::Text => print(&text(job, &dry)),
    }
}

/// What an operator is expected to do with the whole input.
struct Prediction {
    name: &'static str,
    /// Share of the samples that came and did not go on.
    drop_rate: f64,
    /// Share of the samples that failed.
    reject_rate: f64,
    /// Samples that go on.
    rows_out: u64,
    /// Bytes of their rows, as they were read.
    bytes_out: u64,
    cpu_s: f64,
}

/// The sample's figures, `factor` times over.
fn predict(job: &Job, dry: &DryRun, factor: f64) -> Vec<Prediction> {
    let scaled = |n: u64| (n as f64 * factor) as u64;
    let tally = &dry.tally;
    let operators = job.plan.operators();
    operators
        .iter()
        .enumerate()
        .map(|(i, op)| {
            let did = &tally.operators[i];
            let share = |n: u64| n as f64 / did.rows_in.max(1) as f64;
            let next = tally.operators.get(i + 1).map(|next| next.bytes_in);
            Prediction {
                name: op.name(),
                drop_rate: share(did.dropped + did.duplicates),
                reject_rate: share(did.rejected),
                rows_out: scaled(did.rows_out),
                bytes_out: scaled(next.unwrap_or(tally.bytes_out)),
                cpu_s: did.busy_ns as f64 / 1e9 * factor,
            }
        })
        .collect()
}

fn text(job: &Job, dry: &DryRun) -> String {
    let tally = &dry.tally;
    let mut text = report::accounting(job, tally);
    let _ = writeln!(text, "{}", report::identity(tally));
    let total = dry.bytes_total.map_or_else(
        || "an unknown size".to_owned(),
        |n| ByteCount(n).to_string(),
    );
    let files = count(dry.n_files as u64);
    let sampled = ByteCount(dry.sampled_bytes);
    let _ = writeln!(
        text,
        "sampled {sampled} of {total} in {files} file(s); nothing was written"
    );
    if let Some(factor) = dry.factor() {
        text.push_str(&whole(job, dry, factor));
    }
    for line in dry.rejects.lines().take(3) {
        let short: String = line.chars().take(300).collect();
        let _ = writeln!(text, "reject: {short}");
    }
    text
}

fn whole(job: &Job, dry: &DryRun, factor: f64) -> String {
    let scaled = |n: u64| (n as f64 * factor) as u64;
    let rows: Vec<Vec<String>> = predict(job, dry, factor)
        .into_iter()
        .map(|op| {
            vec![
                op.name.to_owned(),
                format!("{:.1} %", op.drop_rate * 100.0),
                format!("{:.1} %", op.reject_rate * 100.0),
                count(op.rows_out),
                ByteCount(op.bytes_out).to_string(),
                duration(op.cpu_s),
            ]
        })
        .collect();
    let header = [
        ("expected of the whole input", Align::Left),
        ("drops", Align::Right),
        ("rejects", Align::Right),
        ("rows out", Align::Right),
        ("bytes out", Align::Right),
        ("CPU time", Align::Right),
    ];
    let cpu = dry.cpu_s * factor;
    let mut text = format!("\n{}", table(&header, &rows));
    let _ = writeln!(
        text,
        "in all {} rows, {} of them out with {} of text, in {} of CPU time ({} on {} threads)",
        count(scaled(dry.tally.rows_in)),
        count(scaled(dry.tally.rows_out)),
        ByteCount(scaled(dry.tally.bytes_out)),
        duration(cpu),
        duration(cpu / job.threads as f64),
        job.threads
    );
    if job.plan.n_boundaries() > 0 {
        text.push_str("duplicates were looked for within the sample alone: the whole has more\n");
    }
    text
}

fn json(job: &Job, dry: &DryRun) -> Value {
    let factor = dry.factor();
    let scaled = |n: u64| factor.map(|factor| (n as f64 * factor) as u64);
    let operators: Vec<Value> = predict(job, dry, factor.unwrap_or(1.0))
        .into_iter()
        .map(|op| {
            json!({
                "name": op.name,
                "drop_rate": op.drop_rate,
                "reject_rate": op.reject_rate,
                "rows_out": factor.map(|_| op.rows_out),
                "bytes_out": factor.map(|_| op.bytes_out),
                "cpu_seconds": factor.map(|_| op.cpu_s),
            })
        })
        .collect();
    json!({
        "version": 1,
        "sampled_bytes": dry.sampled_bytes,
        "bytes_total": dry.bytes_total,
        "sample": {
            "in": dry.tally.rows_in,
            "out": dry.tally.rows_out,
            "dropped": dry.tally.dropped(),
            "duplicates": dry.tally.duplicates(),
            "rejected": dry.tally.rejected(),
            "cpu_seconds": dry.cpu_s,
        },
        "predicted": {
            "in": scaled(dry.tally.rows_in),
            "out": scaled(dry.tally.rows_out),
            "bytes_out": scaled(dry.tally.bytes_out),
            "cpu_seconds": factor.map(|factor| dry.cpu_s * factor),
            "seconds": factor.map(|factor| dry.cpu_s * factor / job.threads as f64),
        },
        "operators": operators,
    })
}
