//! The page of a run: what each operator did, in numbers and on examples.
//!
//! It tells of samples only: times and memory, which differ from run to run,
//! are in `report.json`.

use std::fmt::Write as _;

use wrasse_local::{Job, RunResult};
use wrasse_op::OpKind;
use wrasse_run::{Example, OpExamples, OpTally, Tally};

use super::diff::diff;
use super::{chart, escape, html_table};
use crate::report;
use crate::table::count;

/// The texts of an example are cut at so many characters by those who take it.
const CUT_AT: usize = wrasse_run::EXAMPLE_CHARS;

/// The page.
pub(crate) fn render(job: &Job, result: &RunResult) -> String {
    let tally = &result.tally;
    let mut body = overview(job, result);
    let nothing = OpExamples::default();
    for (i, did) in tally.operators.iter().enumerate() {
        let op = &job.plan.operators()[i];
        let examples = result.examples.operators.get(i).unwrap_or(&nothing);
        let _ = write!(
            body,
            "<h2 id=\"step-{0}\">Step {0}: <code>{1}</code></h2>\n<p>{2} {3}</p>\n",
            i + 1,
            escape(op.name()),
            escape(op.spec().summary),
            what_it_did(op.spec().kind, did),
        );
        body.push_str(&shown("changed", &examples.changed, did.changed));
        let dropped = did.dropped + did.duplicates;
        body.push_str(&shown("dropped", &examples.dropped, dropped));
        body.push_str(&shown("rejected", &examples.rejected, did.rejected));
    }
    super::page(&format!("Run to {}", file_name(&job.output)), &body)
}

/// The last part of a path: where a run lies does not show.
fn file_name(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn overview(job: &Job, result: &RunResult) -> String {
    let tally = &result.tally;
    let mut out = format!("<p>{}</p>\n", escape(&report::identity(tally)));
    if !result.complete {
        out.push_str("<p><strong>The run is not complete.</strong></p>\n");
    }
    if !result.parts.is_empty() {
        out.push_str("<ul>\n");
        for part in &result.parts {
            let _ = writeln!(
                out,
                "<li><code>{}</code>: {} samples</li>",
                escape(file_name(&part.path)),
                count(part.rows)
            );
        }
        out.push_str("</ul>\n");
    }
    out.push_str("<h2>Where samples went</h2>\n");
    let gone = gone(job, tally);
    let all = gone.iter().map(|(_, n, _)| n).sum();
    out.push_str(&chart::shares("Where samples went", all, &gone));
    let most = tally.operators.iter().map(|did| did.rows_in).max();
    let mut left = vec![("read".to_owned(), tally.rows_in - tally.unreadable, true)];
    let mut rows = Vec::new();
    let blank = |n: u64| if n == 0 { "-".to_owned() } else { count(n) };
    for (i, did) in tally.operators.iter().enumerate() {
        let name = job.plan.operators()[i].name();
        left.push((format!("{} {name}", i + 1), did.rows_out, true));
        rows.push(vec![
            format!(
                "<a href=\"#step-{0}\">{0} <code>{1}</code></a>",
                i + 1,
                escape(name)
            ),
            count(did.rows_in),
            count(did.rows_out),
            blank(did.changed),
            blank(did.dropped),
            blank(did.duplicates),
            blank(did.merged),
            blank(did.rejected),
        ]);
    }
    out.push_str("<h2>Samples behind each step</h2>\n");
    let most = most.unwrap_or(0).max(tally.rows_in).max(1);
    out.push_str(&chart::shares("Samples behind each step", most, &left));
    out.push_str(&html_table(
        "Steps, in the order of the recipe",
        &[
            "step",
            "in",
            "out",
            "changed",
            "dropped",
            "duplicates",
            "merged",
            "rejected",
        ],
        1,
        &rows,
    ));
    out
}

/// What samples became, each with its number.
fn gone(job: &Job, tally: &Tally) -> Vec<(String, u64, bool)> {
    let mut rows = vec![("written".to_owned(), tally.rows_out, true)];
    for (i, did) in tally.operators.iter().enumerate() {
        let name = format!("{} {}", i + 1, job.plan.operators()[i].name());
        for (what, n) in [
            ("", did.dropped),
            ("", did.duplicates),
            (" (merged)", did.merged),
            (" (rejected)", did.rejected),
        ] {
            if n > 0 {
                rows.push((format!("{name}{what}"), n, false));
            }
        }
    }
    for (what, n) in [
        ("unreadable", tally.unreadable),
        ("unwritable", tally.unwritable),
    ] {
        if n > 0 {
            rows.push((what.to_owned(), n, false));
        }
    }
    rows
}

fn what_it_did(kind: OpKind, did: &OpTally) -> String {
    let mut parts = Vec::new();
    let mut part = |n: u64, what: &str| {
        if n > 0 {
            parts.push(format!("{} {what}", count(n)));
        }
    };
    part(did.changed, "changed");
    part(did.sliced, "cut");
    part(did.dropped, "dropped");
    part(did.duplicates, "dropped as duplicates");
    part(did.merged, "merged into others");
    part(did.rejected, "rejected");
    let of = count(did.rows_in);
    match (parts.is_empty(), kind) {
        (false, _) => format!("Of {of} samples: {}.", parts.join(", ")),
        (true, OpKind::Mapper) => format!("None of {of} samples changed."),
        (true, _) => format!("All of {of} samples went on."),
    }
}

fn shown(what: &str, examples: &[Example], of: u64) -> String {
    if of == 0 {
        return String::new();
    }
    if examples.is_empty() {
        return format!(
            "<p class=\"dim\">No example of the {} {what}: none is among the samples that were \
             watched, or no text was to be shown.</p>\n",
            count(of)
        );
    }
    let mut out = format!(
        "<details>\n<summary>{} of {} {what}</summary>\n",
        examples.len(),
        count(of)
    );
    for example in examples {
        let note = match example.note.is_empty() {
            true => String::new(),
            false => format!("<span class=\"tag\">{}</span> ", escape(&example.note)),
        };
        let text = match &example.after {
            Some(after) => diff(&example.before, after, CUT_AT),
            None => escape(&example.before),
        };
        let _ = writeln!(
            out,
            "<p>{note}<span class=\"dim\">{}</span></p>",
            escape(&example.place)
        );
        let _ = match text.is_empty() {
            true => writeln!(out, "<p class=\"dim\">No text.</p>"),
            false => writeln!(out, "<pre dir=\"auto\">{text}</pre>"),
        };
    }
    out.push_str("</details>\n");
    out
}
