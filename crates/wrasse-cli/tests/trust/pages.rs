//! `report.html` of a run: what it shows, and that it is the same however the
//! run went.

use serde_json::json;

use crate::support::{Dice, Scene, pause, signal};

const RECIPE: &str = "\
dataset_path: rows.jsonl
export_path: out.jsonl
process:
  - clean_html_mapper:
  - whitespace_normalization_mapper:
  - text_length_filter:
      min_len: 20
  - document_deduplicator:
  - document_minhash_deduplicator:
  - text_chunk_mapper:
      max_len: 60
  - words_num_filter:
      min_num: 3
";

fn rows(n: u64) -> String {
    let mut dice = Dice(11);
    let mut rows = String::new();
    for i in 0..n {
        let words: Vec<String> = (0..dice.below(30))
            .map(|_| format!("word{}", dice.below(400)))
            .collect();
        let text = match dice.below(9) {
            0 => "the same text again, word by word".to_owned(),
            1 => format!("<p>{}\u{a0}&amp; more</p>", words.join(" ")),
            _ => words.join(" "),
        };
        let row = match dice.below(50) {
            0 => json!({"id": i}),
            _ => json!({"id": i, "text": text}),
        };
        rows.push_str(&format!("{row}\n"));
    }
    rows
}

#[test]
fn the_page_shows_what_each_step_did() {
    let scene = Scene::new();
    scene.put("recipe.yaml", RECIPE);
    let rows = [
        json!({"text": "<b>Low tide</b> at noon, and gulls over the harbor"}),
        json!({"text": "<script>alert(1)</script>"}),
        json!({"text": "one text of which there are two"}),
        json!({"text": "one text of which there are two"}),
        json!({"text": 17}),
    ];
    scene.put("rows.jsonl", rows.map(|row| format!("{row}\n")).concat());
    scene.must_run(&["run", "recipe.yaml"]);
    let page = scene.text("out.wrasse/report.html");
    let step = |n: usize| {
        let from = page.split(&format!("id=\"step-{n}\"")).nth(1).unwrap();
        from.split("<h2 ").next().unwrap().to_owned()
    };
    assert!(
        step(1).contains("<del>&lt;b&gt;</del>Low tide<del>&lt;/b&gt;</del> at noon"),
        "{}",
        step(1)
    );
    assert!(step(1).contains("expected a string"), "{}", step(1));
    assert!(
        step(3).contains("<span class=\"tag\">text_len "),
        "{}",
        step(3)
    );
    assert!(
        step(4).contains("equal to an earlier sample"),
        "{}",
        step(4)
    );
    assert!(
        step(4).contains("one text of which there are two"),
        "{}",
        step(4)
    );
    for outside in ["http:", "https:", "<script", "src=", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn the_page_does_not_depend_on_threads_or_splits() {
    let scene = Scene::new();
    scene.put("recipe.yaml", RECIPE);
    scene.put("rows.jsonl", rows(20_000));
    let page = |args: &[&str]| {
        scene.must_run(&[&["run", "recipe.yaml", "--restart"], args].concat());
        scene.text("out.wrasse/report.html")
    };
    let first = page(&["-j1"]);
    assert!(first.contains("3 of "), "{first}");
    assert!(first == page(&["-j4"]));
    assert!(first == page(&["-j3", "--set=split_bytes=100000"]));
}

#[test]
fn the_page_of_a_killed_run_is_that_of_one_that_was_not() {
    let scene = Scene::new();
    // Without an exchange, so that the first commits are not the last.
    let recipe = RECIPE.replace("  - document_minhash_deduplicator:\n", "");
    scene.put("recipe.yaml", recipe);
    scene.put("rows.jsonl", rows(200_000));
    let run = ["run", "recipe.yaml", "-j2", "--commit-bytes=1B"];
    scene.must_run(&run);
    let want = scene.text("out.wrasse/report.html");
    // What is known of the first half must come from the commits.
    let manifest = "again/out.wrasse/manifest.jsonl";
    let commits = || match scene.has(manifest) {
        true => scene.text(manifest).matches("{\"commit\"").count(),
        false => 0,
    };
    let run = [&run[..], &["--set=export_path=again/out.jsonl"]].concat();
    let mut kills = 0;
    let mut child = scene.start(&run);
    for wanted in [3, 6, 9] {
        let has_ended = loop {
            if child.try_wait().unwrap().is_some() {
                break true;
            }
            if commits() >= wanted {
                break false;
            }
            pause(std::time::Duration::from_millis(2));
        };
        if has_ended {
            break;
        }
        signal(child.id(), "KILL");
        child.wait().unwrap();
        kills += 1;
        child = scene.start(&[&run[..], &["--resume"]].concat());
    }
    child.wait().unwrap();
    scene.must_run(&[&run[..], &["--resume"]].concat());
    assert!(
        kills > 0,
        "the run was too short to be killed: {} commits",
        commits()
    );
    assert!(scene.text("again/out.wrasse/report.html") == want);
}

#[test]
fn the_page_can_be_left_out() {
    let scene = Scene::new();
    scene.put("recipe.yaml", RECIPE);
    scene.put("rows.jsonl", rows(10));
    scene.must_run(&["run", "recipe.yaml", "--no-html"]);
    assert!(!scene.has("out.wrasse/report.html"));
    assert!(scene.has("out.wrasse/report.json"));
    scene.must_run(&["run", "recipe.yaml", "--restart", "--set=report=false"]);
    assert!(!scene.has("out.wrasse/report.html"));
    // It lies beside a report that lies elsewhere, and never in its place.
    let run = |report: &str| {
        scene.must_run(&["run", "recipe.yaml", "--restart", report]);
    };
    run("--set=report=all.json");
    assert!(scene.text("all.html").starts_with("<!doctype html>"));
    run("--set=report=odd.html");
    assert!(scene.text("odd.html").starts_with('{'));
    scene.must_run(&["analyze", "recipe.yaml", "--no-html"]);
    assert!(!scene.has("out.analysis/report.html"));
}
