//! What one sees of a run: stages, events, metrics.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;

use serde_json::Value;

use crate::support::Scene;

/// Texts of different lengths, with duplicates among them.
fn texts(n: usize) -> String {
    (0..n)
        .map(|i| {
            format!(
                "{{\"text\": \"{} number {}\"}}\n",
                "word ".repeat(i % 50 + 1),
                i % 1000
            )
        })
        .collect()
}

/// A slicer, a filter and two gates: several stages.
const RECIPE: &str = "dataset_path: in.jsonl
export_path: out.jsonl
process:
  - whitespace_normalization_mapper:
  - text_chunk_mapper: {max_len: 40}
  - document_deduplicator: {}
  - words_num_filter: {min_num: 2}
  - document_deduplicator: {lowercase: true}
";

fn scene(n: usize) -> Scene {
    let scene = Scene::new();
    scene.put("in.jsonl", texts(n));
    scene.put("r.yaml", RECIPE);
    scene
}

#[test]
fn verbose_shows_what_each_stage_uses_and_waits_for() {
    let scene = scene(20_000);
    let ran = scene.must_run(&["run", "r.yaml", "--verbose", "--threads", "2"]);
    let header = [
        "stage",
        "tasks",
        "queue",
        "uses",
        "may use",
        "left",
        "waits for",
    ];
    let line = ran.stderr.lines().find(|line| line.starts_with("stage"));
    let line = line.unwrap_or_else(|| panic!("no stages: {}", ran.stderr));
    assert!(header.iter().all(|word| line.contains(word)), "{line}");
    for stage in [
        "read > whitespace_normalization_mapper",
        "text_chunk_mapper",
        "words_num_filter",
    ] {
        assert!(ran.stderr.contains(stage), "{stage}: {}", ran.stderr);
    }
    assert!(ran.stderr.contains("longest step"), "{}", ran.stderr);
}

#[test]
fn the_event_log_tells_how_a_run_went() {
    let scene = scene(5_000);
    scene.must_run(&["run", "r.yaml"]);
    let events = scene.lines("out.wrasse/events.jsonl");
    assert!(events.iter().all(|event| event["version"] == 1));
    let last = events.last().unwrap();
    assert_eq!(last["event"], "done");
    let snapshot = &last["snapshot"];
    assert_eq!(snapshot["rows_in_total"], 5_000.0);
    let stages = snapshot["stages"].as_array().unwrap();
    // Read, cut, gate, filter, gate: the second gate's rows are encoded before.
    assert_eq!(stages.len(), 5, "{stages:?}");
    for stage in stages {
        // Nothing is left at the end, and all that began has ended.
        assert_eq!(stage["output_memory_bytes"], 0.0, "{stage}");
        assert_eq!(
            stage["num_tasks_submitted_total"],
            stage["num_tasks_finished_total"]
        );
        assert!(
            stage["num_tasks_finished_total"].as_f64() > Some(0.0),
            "{stage}"
        );
    }
    let report = scene.report("out");
    let out = report["rows"]["out"].as_f64();
    assert_eq!(snapshot["rows_out_total"].as_f64(), out);
}

/// Reads standard error until the address is told.
fn address(stderr: &mut impl std::io::BufRead) -> String {
    let (mut line, mut said) = (String::new(), String::new());
    while stderr.read_line(&mut line).unwrap() > 0 {
        if let Some((_, rest)) = line.split_once("http://") {
            return rest.trim().trim_end_matches("/metrics").to_owned();
        }
        said += &line;
        line.clear();
    }
    panic!("no address was told: {said}");
}

fn get(addr: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// The value of a metric without labels.
fn value(text: &str, name: &str) -> Option<f64> {
    let line = text
        .lines()
        .find(|line| line.split(' ').next() == Some(name))?;
    line.split(' ').nth(1)?.parse().ok()
}

#[test]
fn metrics_are_served_while_a_run_lasts() {
    let scene = Scene::new();
    let recipe = RECIPE.replace("in.jsonl", "\"-\"");
    scene.put("r.yaml", recipe);
    let mut child = scene
        .command(&["run", "r.yaml", "--metrics-addr", "127.0.0.1:0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut stdin = child.stdin.take().unwrap();
    // It may tell why it cannot take it.
    let _ = stdin.write_all(texts(30_000).as_bytes());
    let addr = address(&mut stderr);
    // The run waits for more input: what came is seen meanwhile.
    let (mut before, mut text) = (0.0, String::new());
    for _ in 0..600 {
        text = get(&addr, "/metrics");
        let rows = value(&text, "wrasse_rows_in_total").unwrap_or(0.0);
        assert!(rows >= before, "counters only grow");
        before = rows;
        if rows > 10_000.0 {
            break;
        }
        crate::support::pause(std::time::Duration::from_millis(50));
    }
    assert!(before > 10_000.0, "{text}");
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    assert!(text.contains("wrasse_budget{stage=\"0\",name=\"read > whitespace_normalization_mapper\",resource=\"cpu\"}"), "{text}");
    let body = text.split("\r\n\r\n").nth(1).unwrap();
    for line in body.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("wrasse_"), "{line}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    assert!(get(&addr, "/").starts_with("HTTP/1.1 404"));
    drop(stdin);
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success(), "{rest}");
}

/// A slicer that makes much of little, before two gates, in little memory:
/// the same bytes as with all the memory and on any number of threads, and
/// several stages at work.
#[test]
fn many_stages_run_within_little_memory_to_the_same_bytes() {
    let scene = Scene::new();
    // 300 documents of 60 kB, each cut into some 1,700 pieces.
    let long: String = (0..300)
        .map(|i| {
            let words: String = (0..10_000)
                .map(|n| format!("w{} ", (n * 7 + i * 31) % 90_000))
                .collect();
            format!("{{\"text\": \"{words}\"}}\n")
        })
        .collect();
    scene.put("in.jsonl", long);
    scene.put("r.yaml", RECIPE);
    scene.must_run(&["run", "r.yaml", "--threads", "4"]);
    let whole = scene.get("out.jsonl");
    assert!(whole.len() > 10 << 20, "{}", whole.len());
    for (threads, memory) in [("1", "100MiB"), ("3", "140MiB")] {
        let ran = scene.must_run(&[
            "run",
            "r.yaml",
            "--threads",
            threads,
            "--memory",
            memory,
            "--restart",
        ]);
        assert!(
            scene.get("out.jsonl") == whole,
            "{threads} threads in {memory}: {}",
            ran.stderr
        );
        let report = scene.report("out");
        let peak = report["peak_memory_bytes"].as_u64().unwrap() >> 20;
        let limit: u64 = memory.trim_end_matches("MiB").parse().unwrap();
        // The allocator keeps some pages for a while (see the README).
        assert!(peak <= limit * 6 / 5, "{peak} MiB of {memory}");
    }
    let events = scene.lines("out.wrasse/events.jsonl");
    let stages = events
        .last()
        .map(|event: &Value| event["snapshot"]["stages"].clone())
        .unwrap();
    assert!(
        stages[1]["num_tasks_finished_total"].as_f64()
            > stages[0]["num_tasks_finished_total"].as_f64(),
        "the slicer's work was shared out: {stages}"
    );
}
