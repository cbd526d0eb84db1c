//! What no operator touches keeps its bytes, however the work is shared out.

use serde_json::Value;

use crate::kill::rows;
use crate::support::{Scene, assert_balanced};

/// Rows that a parser and printer of JSON would change.
const ODD: &[&str] = &[
    r#"{"text": "plain"}"#,
    r#"{"big":18446744073709551617,"text":"digits","small":1e-400,"exact":1.10,"zero":-0,"exp":1E+2}"#,
    r#"{ "text" : "spaces"  ,"b":	2 , "a": [ 1,2 ] }"#,
    r#"{"z": 1, "a": 2, "text": "key order", "z": 3}"#,
    r#"{"text":"escapes \u00e9 \/ \ud83d\ude00 é","é":"\u00E9"}"#,
    r#"{"text": "a null beside", "none": null, "empty": {}, "list": []}"#,
    r#"{"nested": {"text": "not this one", "deep": {"x": [{"y": 1.0}]}}, "text": "this one"}"#,
    "{\"text\": \"separators \u{2028} \u{2029} \u{85} inside\"}",
    r#"{"text": "nul \u0000 and \ufffd", "\u0000": "\u0000"}"#,
    r#"{"text": ""}"#,
];

fn odd(line_end: &str) -> String {
    ODD.iter().map(|row| format!("{row}{line_end}")).collect()
}

#[test]
fn rows_that_no_operator_changes_keep_their_bytes() {
    for (steps, what) in [
        ("process: []\n", "no steps"),
        (
            "process:\n  - text_length_filter: {min_len: 0}\n  - words_num_filter: {min_num: 0}\n",
            "filters",
        ),
        (
            "process:\n  - remove_long_words_mapper: {max_len: 500, min_len: 0}\n",
            "a mapper with nothing to do",
        ),
        ("process:\n  - document_deduplicator:\n", "a deduplicator"),
    ] {
        let scene = Scene::new();
        scene.put("a.jsonl", odd("\n"));
        scene.put(
            "r.yaml",
            format!("dataset_path: a.jsonl\nexport_path: out.jsonl\n{steps}"),
        );
        scene.must_run(&["run", "r.yaml"]);
        assert_eq!(scene.text("out.jsonl"), odd("\n"), "{what}");
    }
}

#[test]
fn carriage_returns_and_a_byte_order_mark_are_kept_or_dropped_as_a_whole() {
    let scene = Scene::new();
    scene.put("a.jsonl", format!("\u{feff}{}", odd("\r\n")));
    scene.put("r.yaml", "dataset_path: a.jsonl\nexport_path: out.jsonl\n");
    scene.must_run(&["run", "r.yaml"]);
    let out = scene.text("out.jsonl");
    assert!(out == odd("\r\n") || out == odd("\n"), "{out:?}");
}

#[test]
fn a_changed_field_changes_nothing_else() {
    let scene = Scene::new();
    let row = |text: &str| {
        format!(
            "{{ \"big\":18446744073709551617, \"n\":1.10,\t\"text\" : \"{text}\" , \"z\":\"\\u00e9\",\"z\":-0 }}\n"
        )
    };
    scene.put(
        "a.jsonl",
        format!("{}{}", row("write to me@example.com now"), row("nothing")),
    );
    scene.put(
        "r.yaml",
        "dataset_path: a.jsonl\nexport_path: out.jsonl\nprocess:\n  - clean_email_mapper:\n",
    );
    scene.must_run(&["run", "r.yaml"]);
    assert_eq!(
        scene.text("out.jsonl"),
        format!("{}{}", row("write to  now"), row("nothing"))
    );
    assert_eq!(scene.report("out")["operators"][0]["changed"], 1);
}

/// The bytes of output, rejects and dropped samples of one way to run.
fn bytes_of(scene: &Scene, flags: &[&str]) -> [Vec<u8>; 3] {
    let args = [
        &["run", "r.yaml", "--quiet", "--trace-dropped", "--restart"],
        flags,
    ]
    .concat();
    scene.must_run(&args);
    [
        "out.jsonl",
        "out.wrasse/rejects.jsonl",
        "out.wrasse/dropped.jsonl",
    ]
    .map(|name| scene.get(name))
}

#[test]
fn threads_memory_and_splits_do_not_show_in_the_bytes() {
    let scene = Scene::new();
    scene.put("in/a.jsonl", rows(4000, 5));
    scene.put("in/b.jsonl", rows(900, 6));
    scene.put(
        "r.yaml",
        "dataset_path: in\nexport_path: out.jsonl\nprocess:\n  - text_length_filter: {min_len: 70}\n  \
         - document_deduplicator:\n  - words_num_filter: {min_num: 20}\n  - document_deduplicator: {lowercase: true}\n",
    );
    let want = bytes_of(&scene, &["--threads", "1"]);
    assert!(want.iter().all(|bytes| bytes.len() > 1000));
    for threads in ["2", "3", "5", "8"] {
        assert!(
            bytes_of(&scene, &["--threads", threads]) == want,
            "{threads} threads"
        );
    }
    for memory in ["80MiB", "200MiB", "4GiB"] {
        assert!(
            bytes_of(&scene, &["--threads", "8", "--memory", memory]) == want,
            "{memory}"
        );
    }
    for split in ["1KiB", "7777", "100KiB", "1MiB", "64MiB"] {
        let set = format!("split_bytes={split}");
        let got = bytes_of(&scene, &["--threads", "4", "--set", &set]);
        assert!(got == want, "splits of {split}");
    }
}

#[test]
fn a_pipe_in_and_a_pipe_out_carry_the_same_bytes() {
    let scene = Scene::new();
    let input = rows(3000, 8);
    scene.put("a.jsonl", &input);
    let steps = "process:\n  - text_length_filter: {min_len: 70}\n  - document_deduplicator:\n";
    scene.put(
        "r.yaml",
        format!("dataset_path: a.jsonl\nexport_path: out.jsonl\n{steps}"),
    );
    scene.must_run(&["run", "r.yaml"]);
    scene.put(
        "pipe.yaml",
        format!("dataset_path: '-'\nexport_path: '-'\n{steps}"),
    );
    let ran = scene.run_fed(&["run", "pipe.yaml"], input.as_bytes());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stdout == scene.get("out.jsonl"),
        "other bytes through pipes"
    );
    assert!(ran.stderr.contains("rejected"), "{}", ran.stderr);
    // Data on standard output is not mixed with a report.
    let ran = scene.run_fed(&["run", "pipe.yaml", "--report", "json"], input.as_bytes());
    assert!(
        ran.stdout == scene.get("out.jsonl"),
        "the report is among the data"
    );
}

#[test]
fn a_limit_takes_exactly_the_first_rows() {
    let scene = Scene::new();
    let input = rows(3000, 9);
    // A blank line is no row.
    let lines: Vec<&str> = input
        .split_inclusive('\n')
        .filter(|line| *line != "\n")
        .collect();
    let steps = "split_bytes: 50KiB\nprocess:\n  - text_length_filter: {min_len: 70}\n  - document_deduplicator:\n";
    scene.put("all.jsonl", &input);
    for n in [0, 1, 2, 777, lines.len() - 1, lines.len() + 50] {
        let first = &lines[..n.min(lines.len())];
        scene.put("first.jsonl", first.concat());
        scene.put(
            "a.yaml",
            format!("dataset_path: all.jsonl\nexport_path: a/x.jsonl\n{steps}"),
        );
        scene.put(
            "b.yaml",
            format!("dataset_path: first.jsonl\nexport_path: b/x.jsonl\n{steps}"),
        );
        scene.must_run(&[
            "run",
            "a.yaml",
            "--restart",
            "--limit",
            &n.to_string(),
            "--threads",
            "4",
        ]);
        if first.is_empty() {
            assert!(scene.get("a/x.jsonl").is_empty());
        } else {
            scene.must_run(&["run", "b.yaml", "--restart"]);
            assert!(
                scene.get("a/x.jsonl") == scene.get("b/x.jsonl"),
                "the first {n}"
            );
            assert_eq!(
                scene.report("a/x")["rows"],
                scene.report("b/x")["rows"],
                "the first {n}"
            );
        }
        assert_eq!(scene.report("a/x")["rows"]["in"], first.len());
    }
}

#[test]
fn reports_are_for_people_or_programs_or_nobody() {
    let scene = Scene::new();
    scene.put("a.jsonl", rows(300, 10));
    scene.put("r.yaml", "dataset_path: a.jsonl\nexport_path: out.jsonl\nprocess:\n  - text_length_filter: {min_len: 1}\n");
    let ran = scene.must_run(&["run", "r.yaml"]);
    assert!(ran.stdout.is_empty());
    assert!(
        ran.stderr.contains(" in = ") && ran.stderr.contains("out.jsonl"),
        "{}",
        ran.stderr
    );
    let ran = scene.must_run(&["run", "r.yaml", "--quiet"]);
    assert!(
        ran.stdout.is_empty() && ran.stderr.is_empty(),
        "{}",
        ran.stderr
    );
    let ran = scene.must_run(&["run", "r.yaml", "--report", "json"]);
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_balanced(&report);
    assert_eq!(report["version"], 1);
    assert_eq!(report["rows"], scene.report("out")["rows"]);
    assert_eq!(report["parts"][0]["bytes"], scene.get("out.jsonl").len());
}

#[test]
fn values_are_set_from_the_command_line() {
    let scene = Scene::new();
    scene.put(
        "a.jsonl",
        "{\"text\": \"short\"}\n{\"text\": \"somewhat longer\"}\n",
    );
    scene.put("r.yaml", "dataset_path: a.jsonl\nexport_path: out.jsonl\nprocess:\n  - text_length_filter: {min_len: 1}\n");
    scene.must_run(&[
        "run",
        "r.yaml",
        "--set",
        "process.text_length_filter.min_len=10",
    ]);
    assert_eq!(scene.text("out.jsonl"), "{\"text\": \"somewhat longer\"}\n");
    let ran = scene.run(&[
        "run",
        "r.yaml",
        "--set",
        "process.text_length_filter.min_lem=10",
    ]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("min_len"), "{}", ran.stderr);
}

#[test]
fn rejects_are_replayed_after_a_fix() {
    let scene = Scene::new();
    scene.put(
        "a.jsonl",
        "{\"text\": \"one\"}\n{\"body\": \"two\"}\nno JSON\n{\"text\": 3}\n{\"text\": \"four\"}\n\
         {\"text\": null, \"body\": \"one\"}\n",
    );
    let recipe = |key: &str| {
        format!(
            "dataset_path: a.jsonl\nexport_path: out.jsonl\ntext_keys: {key}\nprocess:\n  \
             - text_length_filter: {{min_len: 1}}\n  - document_deduplicator:\n"
        )
    };
    scene.put("r.yaml", recipe("text"));
    scene.must_run(&["run", "r.yaml"]);
    assert_eq!(
        scene.text("out.jsonl"),
        "{\"text\": \"one\"}\n{\"text\": \"four\"}\n"
    );
    let rejects = scene.lines("out.wrasse/rejects.jsonl");
    assert_eq!(rejects.len(), 4, "{rejects:?}");
    scene.put("r.yaml", recipe("body"));
    let ran = scene.must_run(&["replay", "r.yaml"]);
    // `one` was written by the first run.
    assert_eq!(
        scene.text("out.replay.jsonl"),
        "{\"body\": \"two\"}\n",
        "{}",
        ran.stderr
    );
    assert_eq!(
        scene.text("out.jsonl"),
        "{\"text\": \"one\"}\n{\"text\": \"four\"}\n"
    );
    assert_eq!(
        scene.lines("out.wrasse/rejects.jsonl").len(),
        4,
        "the rejects of the run stay"
    );
    let still = scene.lines("out.wrasse/replay/rejects.jsonl");
    assert_eq!(still.len(), 2, "{still:?}");
}
