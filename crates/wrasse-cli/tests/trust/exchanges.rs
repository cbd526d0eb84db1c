//! Runs in which samples wait for all others.

use crate::kill::rows;
use crate::support::{Scene, assert_balanced};

/// Near duplicates in the middle, an order at the end, and what needs all
/// samples twice.
const RECIPES: [&str; 3] = [
    "process:
  - words_num_filter: {min_num: 3}
  - document_minhash_deduplicator: {window_size: 1, jaccard_threshold: 0.95}
  - text_chunk_mapper: {split_pattern: null, max_len: 90}
  - document_deduplicator:
",
    "process:
  - words_num_filter: {min_num: 3}
  - document_simhash_deduplicator: {hamming_distance: 3}
  - topk_specified_field_selector: {field_key: id, top_ratio: 0.7}
",
    "process:
  - document_line_deduplicator: {frequency_threshold: 2, min_line_length: 1}
  - frequency_specified_field_selector: {field_key: id, topk: 500, reverse: false}
  - key_value_grouper: {group_by_keys: [meta.n.0]}
  - naive_reverse_grouper:
  - text_length_filter: {min_len: 20}
",
];

fn put(scene: &Scene, folder: &str, steps: &str) {
    let head = "dataset_path: in\nsplit_bytes: 100KiB\n";
    let text = format!("{head}export_path: {folder}/x.jsonl\n{steps}");
    scene.put(&format!("{folder}.yaml"), text);
}

/// Any number of threads and however little memory, from lines and from
/// columns: the same bytes, and the same accounting.
#[test]
fn threads_and_memory_do_not_show_where_samples_wait() {
    let scene = Scene::new();
    scene.put("in/a.jsonl", rows(3000, 5));
    scene.put(
        "make.yaml",
        "dataset_path: in/a.jsonl\nexport_path: in/b.parquet\n",
    );
    scene.must_run(&["run", "make.yaml"]);
    for steps in RECIPES {
        put(&scene, "one", steps);
        put(&scene, "more", steps);
        let flags = ["--restart", "--trace-dropped", "--threads"];
        let run = |recipe, more: &[&str]| {
            let args = [&["run", recipe][..], &flags[..], more].concat();
            scene.must_run(&args);
        };
        run("one.yaml", &["1"]);
        let report = scene.report("one/x");
        assert_balanced(&report);
        let rows = |of: &str| report["rows"][of].as_u64().unwrap();
        assert!(rows("out") > 100 && rows("out") < rows("in"), "{report}");
        for more in [&["4"][..], &["2", "--memory", "80MiB"]] {
            run("more.yaml", more);
            for file in [
                "x.jsonl",
                "x.wrasse/dropped.jsonl",
                "x.wrasse/clusters.jsonl",
                "x.wrasse/rejects.jsonl",
            ] {
                // A file of records is there from its first record on.
                assert_eq!(
                    scene.has(&format!("more/{file}")),
                    scene.has(&format!("one/{file}")),
                    "{file} {steps}"
                );
                if !scene.has(&format!("one/{file}")) {
                    continue;
                }
                let got = scene.get(&format!("more/{file}"));
                let want = scene.get(&format!("one/{file}"));
                assert!(got == want, "{file} {more:?} {steps}");
            }
            assert_eq!(scene.report("more/x")["rows"], report["rows"]);
        }
    }
}

/// Samples that wait lie on disk where memory is small; nothing of them is left
/// behind, and a run that ends early has written nothing.
#[test]
fn samples_wait_on_disk_where_memory_is_small() {
    let scene = Scene::new();
    let words = "pack my box with five dozen liquor jugs ".repeat(60);
    let rows: String = (0..60_000)
        .map(|i| format!("{{\"id\": {i}, \"text\": \"{i} {words}\"}}\n"))
        .collect();
    let n_bytes = rows.len() as u64;
    assert!(n_bytes > 130 << 20);
    scene.put("in/a.jsonl", rows);
    let select = "process:\n  - topk_specified_field_selector: {field_key: id, topk: 50000}\n";
    put(&scene, "out", select);
    scene.must_run(&["run", "out.yaml", "--memory", "100MiB", "--threads", "2"]);
    let report = scene.report("out/x");
    assert_eq!(report["rows"]["out"], 50_000);
    assert_eq!(report["rows"]["dropped"], 10_000);
    let peak = report["peak_memory_bytes"].as_u64().unwrap();
    assert!(peak <= 100 << 20, "{} MiB", peak >> 20);
    let first = scene.text("out/x.jsonl");
    assert!(first.starts_with("{\"id\": 59999, "), "{}", &first[..80]);
    let spilled = |event: &serde_json::Value| event["snapshot"]["memory"]["spilled"].as_u64();
    let events = scene.lines("out/x.wrasse/events.jsonl");
    let most = events.iter().filter_map(spilled).max().unwrap();
    assert!(most > n_bytes, "{most} bytes on disk of {n_bytes}");
    let names: Vec<String> = scene.files("out").into_keys().collect();
    let left = |name: &String| name.contains("staging") || name.contains("spill");
    assert!(!names.iter().any(left), "{names:?}");
}

/// A limit is on what is read, and all of that goes through.
#[test]
fn a_limit_takes_the_first_rows_through_an_exchange() {
    let scene = Scene::new();
    let input = rows(2000, 3);
    scene.put("all/a.jsonl", &input);
    // A blank line is no row.
    let lines: Vec<&str> = input.lines().filter(|line| !line.is_empty()).collect();
    for n in [0, 1, 700, 5000] {
        let first = lines[..n.min(lines.len())].join("\n");
        scene.put("first/a.jsonl", first);
        for (folder, name) in [("all", "a"), ("first", "b")] {
            let head = format!("dataset_path: {folder}/a.jsonl\nsplit_bytes: 50KiB\n");
            let text = format!("{head}export_path: {name}.jsonl\n{}", RECIPES[1]);
            scene.put(&format!("{name}.yaml"), text);
        }
        scene.must_run(&["run", "a.yaml", "--restart", "--limit", &n.to_string()]);
        scene.must_run(&["run", "b.yaml", "--restart"]);
        assert_eq!(scene.text("a.jsonl"), scene.text("b.jsonl"), "{n}");
        assert_eq!(scene.report("a")["rows"], scene.report("b")["rows"]);
    }
}

/// Who duplicates whom is on record, and a dry run goes the whole way.
#[test]
fn a_duplicate_names_its_original() {
    let scene = Scene::new();
    let text = "the quick brown fox jumps over the lazy dog near the old stone";
    let rows = [
        format!("{{\"text\": \"{text} bridge\"}}\n"),
        "{\"text\": \"something else\"}\n".to_owned(),
        format!("{{\"text\": \"{text} house\"}}\n"),
    ];
    scene.put("in/a.jsonl", rows.concat());
    put(
        &scene,
        "out",
        "process:\n  - document_minhash_deduplicator: {window_size: 2, jaccard_threshold: 0.5}\n",
    );
    let ran = scene.must_run(&["run", "out.yaml", "--dry-run"]);
    let shown = String::from_utf8_lossy(&ran.stdout).into_owned() + &ran.stderr;
    assert!(shown.contains("document_minhash_deduplicator"), "{shown}");
    assert!(!scene.has("out/x.jsonl"));
    scene.must_run(&["run", "out.yaml", "--trace-dropped"]);
    let dropped = scene.lines("out/x.wrasse/dropped.jsonl");
    assert_eq!(dropped.len(), 1);
    let position = (rows[0].len() + rows[1].len()) as u64;
    assert_eq!(dropped[0]["position"], position);
    let reason = dropped[0]["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("duplicate of ") && reason.ends_with("a.jsonl:0"),
        "{reason}"
    );
}

/// Whichever deduplicator found them: each duplicate is in one cluster, and
/// what stays of it is in the output.
#[test]
fn clusters_say_who_duplicates_whom() {
    let scene = Scene::new();
    let text = "the quick brown fox jumps over the lazy dog near the old stone";
    let mut rows = String::new();
    for i in 0..2400 {
        // Equal ones near and far, and one cluster above the size of a line.
        let end = match i % 4 {
            0 => "bridge".to_owned(),
            1 => format!("bridge number {} of {}", i / 40, i / 40),
            _ => format!("{i} is alone here with {} and {}", i * 7919, i * 31),
        };
        rows.push_str(&format!("{{\"id\": {i}, \"text\": \"{text} {end}\"}}\n"));
    }
    scene.put("in/a.jsonl", &rows);
    let starts: Vec<u64> = rows
        .split_inclusive('\n')
        .scan(0, |at, row| {
            *at += row.len() as u64;
            Some(*at - row.len() as u64)
        })
        .collect();
    for (name, steps) in [
        ("exact", "  - document_deduplicator:\n"),
        (
            "minhash",
            "  - document_minhash_deduplicator: {window_size: 2, jaccard_threshold: 0.95}\n",
        ),
        (
            "both",
            "  - document_deduplicator:\n  - document_minhash_deduplicator: {window_size: 2, jaccard_threshold: 0.9}\n  - words_num_filter: {min_num: 3}\n",
        ),
    ] {
        put(&scene, name, &format!("process:\n{steps}"));
        let recipe = format!("{name}.yaml");
        let ran = scene.must_run(&["run", &recipe, "--threads", "3"]);
        assert!(ran.stderr.contains("clusters.jsonl"), "{}", ran.stderr);
        let report = scene.report(&format!("{name}/x"));
        let kept: Vec<u64> = scene
            .lines(&format!("{name}/x.jsonl"))
            .iter()
            .map(|row| starts[row["id"].as_u64().unwrap() as usize])
            .collect();
        let lines = scene.lines(&format!("{name}/x.wrasse/clusters.jsonl"));
        let mut duplicates = Vec::new();
        for line in &lines {
            let of = line["kept"]["position"].as_u64().unwrap();
            for place in line["duplicates"].as_array().unwrap() {
                let position = place["position"].as_u64().unwrap();
                assert!(of < position, "{line}");
                assert!(place["file"].as_str().unwrap().ends_with("in/a.jsonl"));
                duplicates.push(position);
            }
            // Of two deduplicators the second may take what the first left.
            assert!(kept.contains(&of) || name == "both", "{line}");
        }
        let n = duplicates.len() as u64;
        duplicates.extend(&kept);
        duplicates.sort_unstable();
        assert_eq!(duplicates, starts, "{name}");
        assert_eq!(report["rows"]["duplicates"], n);
        assert!(lines.iter().any(|line| line["n"].as_u64().unwrap() > 256));
        let copies = |file: &String| file.contains("copies-");
        assert!(!scene.files(name).keys().any(copies));
    }
}
