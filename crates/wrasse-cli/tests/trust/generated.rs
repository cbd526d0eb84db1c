//! Bad rows and files, made anew: each costs itself and nothing else.

use serde_json::Value;

use crate::support::{Ran, Scene};

const STEPS: &str = "process:\n  - text_length_filter: {min_len: 1, max_len: 1000000000}\n";

/// Runs a small recipe over `in` with two threads.
fn run(scene: &Scene, keys: &str, flags: &[&str]) -> Ran {
    run_with(scene, &format!("threads: 2\n{keys}"), flags)
}

/// Runs a small recipe over `in`.
fn run_with(scene: &Scene, keys: &str, flags: &[&str]) -> Ran {
    scene.put(
        "r.yaml",
        format!("dataset_path: in\nexport_path: out/x.jsonl\n{keys}{STEPS}"),
    );
    scene.run(&[&["run", "r.yaml", "--restart"], flags].concat())
}

fn errors(scene: &Scene) -> Vec<String> {
    let rejects = scene.lines("out/x.wrasse/rejects.jsonl");
    rejects
        .iter()
        .map(|reject| reject["error"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_row_of_50_megabytes_passes_or_is_rejected_as_the_recipe_says() {
    let scene = Scene::new();
    let row = format!("{{\"text\": \"{}\"}}\n", "long ".repeat(10 << 20));
    scene.put(
        "in/a.jsonl",
        format!("{{\"text\": \"before\"}}\n{row}{{\"text\": \"after\"}}\n"),
    );
    let input = scene.get("in/a.jsonl");
    let ran = run(&scene, "", &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(scene.get("out/x.jsonl") == input);
    let ran = run(&scene, "max_row_bytes: 10MiB\n", &["--memory", "100MiB"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(
        scene.text("out/x.jsonl"),
        "{\"text\": \"before\"}\n{\"text\": \"after\"}\n"
    );
    let rejects = scene.lines("out/x.wrasse/rejects.jsonl");
    assert_eq!(rejects.len(), 1);
    assert_eq!(rejects[0]["position"], 19);
    assert_eq!(rejects[0]["raw_bytes"], row.len() - 1);
    assert!(rejects[0]["raw"].as_str().unwrap().len() <= 1 << 20);
    let report = scene.report("out/x");
    assert!(
        report["peak_memory_bytes"].as_u64().unwrap() < 100 << 20,
        "{report}"
    );
}

#[test]
fn deep_nesting_is_data_or_a_reject_but_no_crash() {
    let scene = Scene::new();
    let deep = |open: &str, close: &str| {
        format!(
            "{{\"text\": \"deep\", \"x\": {}1{}}}\n",
            open.repeat(100_000),
            close.repeat(100_000)
        )
    };
    let good = "{\"text\": \"good\"}\n";
    scene.put(
        "in/a.jsonl",
        format!("{good}{}{}{good}", deep("[", "]"), deep("{\"a\":", "}")),
    );
    let ran = run(&scene, "", &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let report = scene.report("out/x");
    assert_eq!(report["rows"]["in"], 4);
    assert!(
        scene.text("out/x.jsonl").starts_with(good) && scene.text("out/x.jsonl").ends_with(good)
    );
    // Columns must hold it as well, or say that they cannot.
    let ran = run(&scene, "", &["--set", "export_path=out/x.parquet"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(scene.report("out/x")["rows"]["in"], 4);
}

#[test]
fn a_row_without_text_is_rejected_with_what_it_has_instead() {
    let scene = Scene::new();
    let bad = [
        "{\"text\": null}",
        "{\"text\": 5}",
        "{\"text\": [\"a\"]}",
        "{\"text\": {}}",
        "{\"other\": 1}",
        "{}",
    ];
    scene.put(
        "in/a.jsonl",
        format!("{}\n{{\"text\": \"good\"}}\n", bad.join("\n")),
    );
    let ran = run(&scene, "", &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(scene.text("out/x.jsonl"), "{\"text\": \"good\"}\n");
    let rejects = scene.lines("out/x.wrasse/rejects.jsonl");
    assert_eq!(rejects.len(), bad.len(), "{rejects:?}");
    for (reject, bad) in rejects.iter().zip(bad) {
        assert_eq!(reject["raw"], bad);
        assert_eq!(reject["operator"], "text_length_filter");
        assert!(
            reject["error"].as_str().unwrap().contains("text"),
            "{reject}"
        );
    }
    scene.report("out/x");
}

#[test]
fn bytes_that_are_no_text_are_rejected_and_kept() {
    let scene = Scene::new();
    let mut input =
        b"{\"text\": \"a\"}\n{\"text\": \"\xff\xfe\"}\n{\"text\": \"raw \0 nul\"}\n".to_vec();
    input.extend_from_slice(
        b"\xef\xbb\xbf{\"text\": \"after a mark\"}\n{\"text\": \"b\", \"text\": \"c\"}\n",
    );
    input.extend_from_slice(b"{\"text\": \"cut of");
    scene.put("in/a.jsonl", &input);
    let ran = run(&scene, "", &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let rejects = scene.lines("out/x.wrasse/rejects.jsonl");
    let errors = errors(&scene);
    assert_eq!(rejects.len(), 3, "{rejects:?}");
    assert!(errors[0].contains("UTF-8"), "{errors:?}");
    assert!(rejects[0]["raw_base64"].is_string());
    assert_eq!(rejects[2]["raw"], "{\"text\": \"cut of");
    let out = scene.text("out/x.jsonl");
    assert!(out.starts_with("{\"text\": \"a\"}\n"), "{out}");
    assert!(
        out.ends_with("{\"text\": \"b\", \"text\": \"c\"}\n"),
        "{out}"
    );
}

#[test]
fn an_input_without_rows_gives_an_output_without_rows() {
    let scene = Scene::new();
    scene.put("in/a.jsonl", "");
    scene.put("in/b.jsonl", "\n\n  \n");
    for output in [
        "out/x.jsonl",
        "out/x.parquet",
        "out/x.csv",
        "out/x.jsonl.gz",
    ] {
        let set = format!("export_path={output}");
        let ran = run(&scene, "", &["--set", &set]);
        assert_eq!(ran.code, Some(0), "{output}: {}", ran.stderr);
        assert!(scene.has(output), "{output}");
        assert_eq!(scene.report("out/x")["rows"]["in"], 0);
    }
    assert!(scene.get("out/x.jsonl").is_empty());
}

#[test]
fn an_input_that_is_not_there_is_refused_with_a_hint() {
    let scene = Scene::new();
    std::fs::create_dir(scene.path("in")).unwrap();
    let ran = run(&scene, "", &[]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("no input files"), "{}", ran.stderr);
    scene.put("in/picture.xyz", "?");
    let ran = run(&scene, "", &[]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stderr.contains("hint") && ran.stderr.contains("picture.xyz"),
        "{}",
        ran.stderr
    );
    scene.put("pages.jsonl", "{}");
    let ran = run(&scene, "", &["--set", "dataset_path=pages.jsonk"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stderr.contains("did you mean") && ran.stderr.contains("pages.jsonl"),
        "{}",
        ran.stderr
    );
    assert!(!scene.has("out"), "nothing was started");
}

#[test]
fn rejects_beyond_the_limit_fail_the_run() {
    let scene = Scene::new();
    let rows: String = (0..100)
        .map(|i| {
            if i % 10 == 0 {
                "bad\n".to_owned()
            } else {
                format!("{{\"text\": \"{i}\"}}\n")
            }
        })
        .collect();
    scene.put("in/a.jsonl", rows);
    for (max, code) in [
        ("10", 0),
        ("9", 1),
        ("0", 1),
        ("10%", 0),
        ("9.9%", 1),
        ("100%", 0),
    ] {
        let ran = run(&scene, "", &["--max-rejects", max]);
        assert_eq!(ran.code, Some(code), "{max}: {}", ran.stderr);
        let told = ran.stderr.contains("10 of 100 samples were rejected");
        assert_eq!(told, code == 1, "{max}: {}", ran.stderr);
    }
    let ran = run(&scene, "max_rejects: 5%\n", &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
}

#[test]
fn memory_stays_below_its_limit() {
    let scene = Scene::new();
    let mut rows = String::new();
    for i in 0..50_000 {
        rows.push_str(&format!(
            "{{\"text\": \"{i} {}\"}}\n",
            "quartz glyph job vext cwm fjord ".repeat(1 + i % 120)
        ));
        if rows.len() > 25 << 20 {
            scene.put(&format!("in/{i}.jsonl"), std::mem::take(&mut rows));
        }
    }
    scene.put("in/last.jsonl", rows);
    for threads in [1, 2, 8] {
        let keys = format!("threads: {threads}\n");
        let ran = run_with(&scene, &keys, &["--memory", "120MiB"]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let report = scene.report("out/x");
        assert_eq!(report["rows"]["out"], 50_000);
        assert!(
            report["bytes"]["in"].as_u64().unwrap() > 80 << 20,
            "{report}"
        );
        let peak = report["peak_memory_bytes"].as_u64().unwrap();
        assert!(
            peak > 1 << 20 && peak < 120 << 20,
            "{threads} threads: peak {} MiB",
            peak >> 20
        );
    }
}

#[test]
fn a_limit_that_no_run_can_keep_is_refused_with_the_sum() {
    let scene = Scene::new();
    scene.put("in/a.jsonl", "{\"text\": \"a\"}\n");
    let ran = run(&scene, "", &["--memory", "10MiB"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("too small") && ran.stderr.contains("hint: pass --memory"),
        "{}",
        ran.stderr
    );
    assert!(!scene.has("out/x.jsonl"));
    // The hint holds.
    let least = ran
        .stderr
        .split("pass --memory ")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap();
    let ran = run(&scene, "", &["--memory", least]);
    assert_eq!(ran.code, Some(0), "{least}: {}", ran.stderr);
}

#[test]
fn a_cut_archive_costs_its_end_and_nothing_else() {
    let scene = Scene::new();
    scene.put("made.jsonl", crate::kill::rows(2000, 3));
    for kind in ["gz", "zst"] {
        scene.put(
            "make.yaml",
            format!("dataset_path: made.jsonl\nexport_path: made/x.jsonl.{kind}\n"),
        );
        scene.must_run(&["run", "make.yaml", "--quiet"]);
        let packed = scene.get(&format!("made/x.jsonl.{kind}"));
        scene.put(
            &format!("in/b.jsonl.{kind}"),
            &packed[..packed.len() * 2 / 3],
        );
    }
    scene.put("in/a.jsonl", "{\"text\": \"first\"}\n");
    scene.put("in/z.jsonl", "{\"text\": \"last\"}\n");
    let ran = run(&scene, "", &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("the input is damaged in 2 places"),
        "{}",
        ran.stderr
    );
    let report = scene.report("out/x");
    assert_eq!(report["damages"], 2);
    assert!(
        scene
            .text("out/x.jsonl")
            .starts_with("{\"text\": \"first\"}\n")
    );
    assert!(
        scene
            .text("out/x.jsonl")
            .ends_with("{\"text\": \"last\"}\n")
    );
    let files: Vec<Value> = scene
        .lines("out/x.wrasse/rejects.jsonl")
        .into_iter()
        .filter(|reject| reject["error"].as_str().unwrap().contains("truncated"))
        .map(|reject| reject["file"].clone())
        .collect();
    assert_eq!(files, ["in/b.jsonl.gz", "in/b.jsonl.zst"]);
}
