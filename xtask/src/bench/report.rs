//! Results as Markdown, from the JSON that is kept.

use std::fmt::Write as _;

use serde_json::Value;

use super::ops;

/// Near duplicates.
pub(super) fn near(all: &Value) -> String {
    let mut text = head("Near duplicates", all);
    text.push_str(
        "\n`document_minhash_deduplicator` with its defaults (256 permutations, words in shingles of \
5) but for the threshold, beside the exact Jaccard similarity of all pairs; documents are removable \
that are linked to an earlier one by pairs at or above the threshold. Texts of fewer than 5 words \
are left out.\n\n\
| threshold | documents | similar pairs | removable | removed | recall | precision |\n\
| ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for row in list(&all["near"]) {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {:.3} | {:.3} |",
            row["threshold"],
            row["documents"],
            row["similar_pairs"],
            row["removable"],
            row["removed"],
            number(&row["recall"]),
            number(&row["precision"]),
        );
    }
    text
}

/// The scheduler alone.
pub(super) fn sched(all: &Value) -> String {
    let mut text = head("The scheduler alone", all);
    text.push_str(
        "\nSimulated workers, no processes: the cost of deciding. An endless input, operators in a \
row that do not fuse, workers shared out evenly, blocks of 1 MiB, a consumer that takes at once; \
in each round so many tasks end. A step is one event with all that is decided for it; the first \
fill gives every worker its first task. Median of three. The longest step is told by processor time and, behind the stroke, by the clock, \
which counts what else the machine did meanwhile.\n\n\
| kind | operators | workers | ends a round | CPU µs a task | step p50 ns | p99 ns | longest µs | \
first fill ms | its longest step µs | idle tick ns |\n\
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    let sched = &all["sched"];
    for row in list(&sched["grid"]) {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {:.2} | {} | {} | {:.0} / {:.0} | {:.1} | {:.0} / {:.0} | {:.0} |",
            word(&row["kind"]),
            row["operators"],
            row["workers"],
            row["completions"],
            number(&row["cpu_us_per_task"]),
            row["step_ns_p50"],
            row["step_ns_p99"],
            number(&row["step_us_longest_cpu"]),
            number(&row["step_us_longest"]),
            number(&row["fill_ms"]),
            number(&row["fill_step_us_longest_cpu"]),
            number(&row["fill_step_us_longest"]),
            number(&row["idle_tick_ns"]),
        );
    }
    for kind in ["tasks", "actors"] {
        let rows = list(&sched["grid"]).iter();
        let costs = rows
            .filter(|row| row["kind"] == kind)
            .map(|row| number(&row["cpu_us_per_task"]));
        let least = costs.clone().fold(f64::INFINITY, f64::min);
        let most = costs.fold(0.0, f64::max);
        let _ = writeln!(
            text,
            "\nOver the whole grid, {kind} cost {least:.2} to {most:.2} µs: {:.2} times the least.",
            most / least
        );
    }
    let memory = &sched["memory"];
    let resident: Vec<String> = list(&memory["resident_after_million_blocks"])
        .iter()
        .map(|bytes| format!("{:.1} MB", number(bytes) / 1e6))
        .collect();
    let _ = writeln!(
        text,
        "\nResident memory of the process, {:.1} MB before, after each further million blocks ({} \
operators, {} workers; {} blocks in flight): {}.",
        number(&memory["resident_before"]) / 1e6,
        memory["operators"],
        memory["workers"],
        memory["blocks_in_flight"],
        resident.join(", ")
    );
    text.push_str(
        "\nReaction, with threads, channels and the executor of the local backend: from the end of a \
task to the start of the next on the same worker.\n\n\
| tasks | gap p50 µs | p99 µs | slots used | loop busy s | blocked s |\n\
| --- | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for (name, key) in [
        ("one of 2 s beside 100 of 20 ms", "one_long_beside_short"),
        ("100,000 of no duration", "no_work"),
    ] {
        let row = &sched["reaction"][key];
        let _ = writeln!(
            text,
            "| {name} | {:.0} | {:.0} | {:.1} % | {:.3} | {:.3} |",
            number(&row["gap_us_p50"]),
            number(&row["gap_us_p99"]),
            number(&row["slots_used"]) * 100.0,
            number(&row["loop_busy_s"]),
            number(&row["loop_blocked_s"]),
        );
    }
    text
}

/// The results of the job.
pub(super) fn job(all: &Value) -> String {
    let mut text = head("The job of eight steps", all);
    let _ = writeln!(
        text,
        "\n{}; median of {} rounds, the rows in turn.\n",
        input(&all["input"]),
        all["rounds"]
    );
    text.push_str(ROWS);
    for row in list(&all["rows"]) {
        text.push_str(&figures(row));
    }
    let _ = write!(
        text,
        "\n- Speed over the bare loop (CPU seconds): {:.0} %\n- Two threads over one (wall): {:.2} times\n- Same output as the bare loop: {}\n",
        number(&all["speed_over_bare_loop"]) * 100.0,
        number(&all["two_threads_over_one"]),
        all["same_output_as_bare_loop"],
    );
    let start = &all["first_output"];
    let _ = writeln!(
        text,
        "- Start to first output on the bundled example: {:.0} ms, to the end {:.0} ms (median of {})",
        number(&start["first_byte_ms"]),
        number(&start["end_ms"]),
        start["runs"],
    );
    text.push_str(
        "\nShare of the time (1 thread):\n\n| step | CPU s | share |\n| --- | ---: | ---: |\n",
    );
    for part in list(&all["shares"]) {
        let _ = writeln!(
            text,
            "| {} | {:.3} | {:.1} % |",
            word(&part["name"]),
            number(&part["cpu_s"]),
            number(&part["share"]) * 100.0
        );
    }
    let peers = &all["peers"];
    let _ = write!(
        text,
        "\nOther tools on the same job, one process; {}:\n\n{ROWS}",
        input(&peers["input"])
    );
    let mut missing = String::new();
    for row in list(&peers["rows"]) {
        match row["missing"].as_str() {
            Some(why) => {
                let _ = write!(missing, "\n{}: {why}\n", word(&row["name"]));
            }
            None => text.push_str(&figures(row)),
        }
    }
    text.push_str(&missing);
    if let Some(memory) = all["memory"].as_array() {
        text.push_str("\nPeak memory, 2 threads:\n\n| input MB | documents | peak MB |\n| ---: | ---: | ---: |\n");
        for row in memory {
            let _ = writeln!(
                text,
                "| {} | {} | {:.1} |",
                row["mb"],
                row["documents"],
                number(&row["peak_bytes"]) / 1e6
            );
        }
    }
    text
}

/// The results of the operators.
pub(super) fn operators(all: &Value) -> String {
    let mut text = head("Operators", all);
    let _ = write!(
        text,
        "\n{}; decoded samples, one operator at a time, one thread. What operators share (words, \
         characters) counts for each of them here. Originals are measured on a part of the same \
         samples.\n\n| operator | parameters | MB of text/CPU-s | original | times | failed |\n| --- | --- | ---: | ---: | ---: | ---: |\n",
        input(&all["input"])
    );
    let shown = |figure: Option<f64>| figure.map_or_else(String::new, |f| format!("{f:.1}"));
    let mut behind = Vec::new();
    for op in list(&all["operators"]) {
        let (own, original) = (ops::speed(op), ops::speed(&op["original"]));
        let times = own.zip(original).map(|(own, original)| own / original);
        if times.is_some_and(|times| times < 10.0) {
            behind.push(word(&op["name"]));
        }
        let params = op["params"].to_string().replace('|', "\\|");
        let _ = writeln!(
            text,
            "| {} | `{params}` | {} | {} | {} | {} |",
            word(&op["name"]),
            shown(own),
            shown(original),
            shown(times),
            op["failed"]
        );
    }
    let mut slowest: Vec<&Value> = list(&all["operators"]).iter().collect();
    slowest.sort_by(|a, b| number_of(ops::speed(a)).total_cmp(&number_of(ops::speed(b))));
    let slowest: Vec<&str> = slowest.iter().take(5).map(|op| word(&op["name"])).collect();
    let _ = writeln!(text, "\nThe slowest: {}.", slowest.join(", "));
    let behind = match behind.is_empty() {
        true => "none".to_owned(),
        false => behind.join(", "),
    };
    let _ = writeln!(
        text,
        "Less than 10 times as fast as their originals: {behind}."
    );
    text
}

fn number_of(speed: Option<f64>) -> f64 {
    speed.unwrap_or(f64::INFINITY)
}

const ROWS: &str = "| row | MB of text/CPU-s | CPU s (least, most) | wall s | peak MB |\n| --- | ---: | ---: | ---: | ---: |\n";

fn figures(row: &Value) -> String {
    format!(
        "| {} | {:.1} | {:.2} ({:.2}, {:.2}) | {:.2} | {:.1} |\n",
        word(&row["name"]),
        number(&row["mb_per_cpu_s"]),
        number(&row["cpu_s"]),
        number(&row["cpu_s_least"]),
        number(&row["cpu_s_most"]),
        number(&row["wall_s"]),
        number(&row["peak_bytes"]) / 1e6,
    )
}

pub(super) fn head(title: &str, all: &Value) -> String {
    let (machine, corpus) = (&all["machine"], &all["corpus"]);
    format!(
        "# {title}\n\n{}, commit {}, {} with {} processors, load {} before, {}.\nCorpus: {}, {} file(s); copies have {} text.\n",
        word(&machine["date"]),
        word(&machine["commit"]),
        word(&machine["cpu"]),
        machine["cpus"],
        machine["load_before"],
        word(&machine["rustc"]),
        word(&corpus["name"]),
        list(&corpus["files"]).len(),
        if corpus["copies"] == "same" {
            "the same"
        } else {
            "other"
        },
    )
}

pub(super) fn input(facts: &Value) -> String {
    format!(
        "{:.1} MB of JSONL with {:.1} MB of text in {} documents",
        number(&facts["bytes"]) / 1e6,
        number(&facts["text_bytes"]) / 1e6,
        facts["rows"]
    )
}

pub(super) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

pub(super) fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
