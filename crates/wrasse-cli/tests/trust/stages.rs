//! Pipelines of many stages, in little memory.

use crate::support::Scene;

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
        assert!(peak <= limit, "{peak} MiB of {memory}");
    }
    let events = scene.lines("out.wrasse/events.jsonl");
    let stages = &events.last().unwrap()["snapshot"]["stages"];
    let finished = |stage: usize| stages[stage]["tasks"]["finished"].as_u64();
    assert!(
        finished(1) > finished(0),
        "the slicer's work was shared out: {stages}"
    );
}

#[test]
fn more_gates_than_a_run_may_have_are_refused() {
    let scene = Scene::new();
    let rows: String = (0..10)
        .map(|i| format!("{{\"text\": \"number {i}\"}}\n"))
        .collect();
    scene.put("in.jsonl", rows);
    let steps = |n| "  - document_deduplicator: {}\n".repeat(n);
    let head = "dataset_path: in.jsonl\nexport_path: out.jsonl\nprocess:\n";
    scene.put("r.yaml", format!("{head}{}", steps(64)));
    let ran = scene.run(&["run", "r.yaml"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("64 deduplicators"), "{}", ran.stderr);
    scene.put("r.yaml", format!("{head}{}", steps(63)));
    scene.must_run(&["run", "r.yaml", "--restart"]);
    assert_eq!(scene.report("out")["rows"]["out"], 10);
}
