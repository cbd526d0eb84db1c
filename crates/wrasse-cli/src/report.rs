//! The final report: a table for people, JSON for programs.

use serde_json::{Value, json};
use wrasse_core::ByteCount;
use wrasse_local::{Job, RunResult};
use wrasse_op::Operator;
use wrasse_run::{OpTally, Tally};

use crate::table::{Align, count, duration, table};

/// The report as JSON. `version` changes when a field changes its meaning.
pub(crate) fn json(job: &Job, result: &RunResult) -> Value {
    let tally = &result.tally;
    json!({
        "version": 1,
        "complete": result.complete,
        "resumed": result.resumed,
        "output": job.output,
        "run_dir": job.run_dir.to_string_lossy(),
        "parts": result.parts.iter().map(|part| json!({
            "path": part.path, "rows": part.rows, "bytes": part.bytes,
        })).collect::<Vec<_>>(),
        "rows": rows_json(tally),
        "bytes": {
            "in": tally.bytes_in,
            "rows_in": tally.row_bytes_in,
            "rows_out": tally.bytes_out,
        },
        "operators": operators_json(job, tally),
        "read_seconds": tally.read_ns as f64 / 1e9,
        "encode_seconds": tally.encode_ns as f64 / 1e9,
        "seconds": result.elapsed_s,
        "cpu_seconds": result.cpu_s,
        "peak_memory_bytes": result.peak_bytes,
        "threads": result.threads,
        "damages": tally.damages,
        "type_conflicts": result.conflicts.iter().map(|conflict| json!({
            "column": conflict.column, "resolution": conflict.resolution,
        })).collect::<Vec<_>>(),
        "warnings": result.warnings,
    })
}

fn rows_json(tally: &Tally) -> Value {
    json!({
        "in": tally.rows_in,
        "added_by_slicing": tally.added_by_slicing(),
        "out": tally.rows_out,
        "dropped": tally.dropped(),
        "duplicates": tally.duplicates(),
        "merged": tally.merged(),
        "rejected": tally.rejected(),
        "unreadable": tally.unreadable,
        "unwritable": tally.unwritable,
    })
}

fn operators_json(job: &Job, tally: &Tally) -> Vec<Value> {
    operators(job, tally)
        .map(|(op, did)| {
            json!({
                "name": op.name(),
                "kind": op.spec().kind.name(),
                "in": did.rows_in,
                "bytes_in": did.bytes_in,
                "out": did.rows_out,
                "changed": did.changed,
                "dropped": did.dropped,
                "duplicates": did.duplicates,
                "merged": did.merged,
                "rejected": did.rejected,
                "cpu_seconds": did.busy_ns as f64 / 1e9,
            })
        })
        .collect()
}

fn operators<'a>(
    job: &'a Job,
    tally: &'a Tally,
) -> impl Iterator<Item = (&'a Operator, &'a OpTally)> {
    job.plan.operators().iter().zip(&tally.operators)
}

/// The accounting as a table, with the time each operator took.
pub(crate) fn accounting(job: &Job, tally: &Tally) -> String {
    let busy: u64 =
        tally.operators.iter().map(|op| op.busy_ns).sum::<u64>() + tally.read_ns + tally.encode_ns;
    let share = |ns: u64| format!("{:.0} %", ns as f64 * 100.0 / busy.max(1) as f64);
    let speed = |bytes: u64, ns: u64| match ns {
        0 => "-".to_owned(),
        ns => format!("{:.0}", bytes as f64 * 1e3 / ns as f64),
    };
    let zero_as_blank = |n: u64| if n == 0 { "-".to_owned() } else { count(n) };
    let mut rows = vec![vec![
        "read".to_owned(),
        count(tally.rows_in),
        count(tally.rows_in - tally.unreadable),
        "-".to_owned(),
        "-".to_owned(),
        "-".to_owned(),
        zero_as_blank(tally.unreadable),
        share(tally.read_ns),
        speed(tally.row_bytes_in, tally.read_ns),
    ]];
    for (op, did) in operators(job, tally) {
        rows.push(vec![
            op.name().to_owned(),
            count(did.rows_in),
            count(did.rows_out),
            zero_as_blank(did.changed),
            zero_as_blank(did.dropped),
            zero_as_blank(did.duplicates),
            zero_as_blank(did.rejected),
            share(did.busy_ns),
            speed(did.bytes_in, did.busy_ns),
        ]);
    }
    rows.push(vec![
        "write".to_owned(),
        count(tally.rows_out + tally.unwritable),
        count(tally.rows_out),
        "-".to_owned(),
        "-".to_owned(),
        "-".to_owned(),
        zero_as_blank(tally.unwritable),
        share(tally.encode_ns),
        speed(tally.bytes_out, tally.encode_ns),
    ]);
    rows.push(vec![
        "total".to_owned(),
        count(tally.rows_in),
        count(tally.rows_out),
        String::new(),
        zero_as_blank(tally.dropped()),
        zero_as_blank(tally.duplicates()),
        zero_as_blank(tally.rejected()),
        String::new(),
        String::new(),
    ]);
    let header = [
        ("step", Align::Left),
        ("in", Align::Right),
        ("out", Align::Right),
        ("changed", Align::Right),
        ("dropped", Align::Right),
        ("duplicates", Align::Right),
        ("rejected", Align::Right),
        ("time", Align::Right),
        ("MB/CPU-s", Align::Right),
    ];
    table(&header, &rows)
}

/// The identity that the run asserted, with its numbers.
pub(crate) fn identity(tally: &Tally) -> String {
    let again: u64 = tally.operators.iter().map(|op| op.again).sum();
    let sliced = tally.added_by_slicing() - again.cast_signed();
    let again = match again {
        0 => String::new(),
        n => format!(" + {} again", count(n)),
    };
    let added = match sliced {
        0 => String::new(),
        n if n > 0 => format!(" + {} by slicing", count(n.unsigned_abs())),
        n => format!(" - {} by slicing", count(n.unsigned_abs())),
    };
    let merged = match tally.merged() {
        0 => String::new(),
        n => format!(" + {} merged", count(n)),
    };
    format!(
        "{} in{added}{again} = {} out + {} dropped + {} duplicates{merged} + {} rejected",
        count(tally.rows_in),
        count(tally.rows_out),
        count(tally.dropped()),
        count(tally.duplicates()),
        count(tally.rejected())
    )
}

/// The report for people.
pub(crate) fn text(job: &Job, result: &RunResult) -> String {
    let tally = &result.tally;
    let mut text = accounting(job, tally);
    text.push_str(&identity(tally));
    text.push('\n');
    let cpu = match result.cpu_s {
        Some(cpu) if cpu > 0.05 && !result.resumed => format!(
            ", {cpu:.2} s of processor time ({:.0} MB per CPU-second)",
            tally.row_bytes_in as f64 / 1e6 / cpu
        ),
        _ => String::new(),
    };
    text.push_str(&format!(
        "{} of rows in {}{cpu}, {} threads, peak memory {}\n",
        ByteCount(tally.row_bytes_in),
        duration(result.elapsed_s),
        result.threads,
        ByteCount(result.peak_bytes),
    ));
    for conflict in &result.conflicts {
        text.push_str(&format!(
            "column `{}`: {}\n",
            conflict.column, conflict.resolution
        ));
    }
    for part in &result.parts {
        let size = ByteCount(part.bytes);
        text.push_str(&format!(
            "wrote {} ({} rows, {size})\n",
            part.path,
            count(part.rows)
        ));
    }
    if tally.rejected() > 0 || tally.damages > 0 {
        let path = job.places.rejects(&job.run_dir);
        text.push_str(&format!(
            "rejects, each with its cause: {}\n",
            path.display()
        ));
    }
    if job.pass.trace_dropped && tally.dropped() + tally.duplicates() > 0 {
        let path = job.places.dropped(&job.run_dir);
        text.push_str(&format!(
            "dropped samples, each with its reason: {}\n",
            path.display()
        ));
    }
    let clusters = job.run_dir.join("clusters.jsonl");
    if tally.duplicates() > 0 && clusters.is_file() {
        text.push_str(&format!("who duplicates whom: {}\n", clusters.display()));
    }
    text
}
