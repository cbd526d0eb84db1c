//! What `tune` says of stored stats is what a run decides.

use serde_json::{Value, json};

use crate::support::{Dice, Scene};

const WORDS: &[&str] = &["tide", "low", "a", "noon", "harbor", "!!", "17", "gulls"];

/// Texts of all lengths, some with lines, some that are no text.
fn rows(n: u64) -> String {
    let mut dice = Dice(7);
    let mut rows = String::new();
    for i in 0..n {
        let words: Vec<&str> = (0..dice.below(60))
            .map(|_| WORDS[dice.below(WORDS.len() as u64) as usize])
            .collect();
        let text = match dice.below(40) {
            0 => json!(17),
            1 => json!(""),
            n if n < 20 => json!(words.join("\n")),
            _ => json!(words.join(" ")),
        };
        let mut row = json!({"id": i, "text": text});
        match dice.below(30) {
            0 => {}
            1 => row["__dj__suffix__"] = json!(null),
            2..5 => row["__dj__suffix__"] = json!(".pdf"),
            _ => row["__dj__suffix__"] = json!([".txt", ".md"][dice.below(2) as usize]),
        }
        match dice.below(20) {
            0 => {}
            1 => row["lang"] = json!(["en"]),
            n => {
                row["lang"] =
                    [json!("en"), json!("de"), json!(17), json!(null)][n as usize % 4].clone()
            }
        }
        if dice.below(20) == 0 {
            row["__dj__stats__"] = json!({"text_len": dice.below(200), "other": null});
        }
        rows.push_str(&format!("{row}\n"));
    }
    rows.push_str("no JSON\n");
    rows
}

/// A stat that is measured twice, text that changes in between, pieces, and
/// samples that fail behind a filter that drops some of them.
const RECIPE: &str = "\
dataset_path: rows.jsonl
export_path: out.jsonl
process:
  - text_length_filter:
      max_len: 900
  - words_num_filter:
      min_num: 3
  - special_characters_filter:
      max_ratio: 0.3
  - clean_html_mapper:
  - remove_words_with_incorrect_substrings_mapper:
      substrings: ['gulls']
  - text_length_filter:
      min_len: 40
      recompute_stats: true
  - text_chunk_mapper:
      max_len: 100
  - text_length_filter:
      min_len: 30
      recompute_stats: true
  - alphanumeric_filter:
      min_ratio: 0.7
  - average_line_length_filter:
      min_len: 6
  - suffix_filter:
      suffixes: [.txt, .md]
      reversed_range: false
  - tags_specified_field_selector:
      field_key: lang
      target_tags: [en, 17, null]
  - fineweb_quality_filter:
      line_punct_thr: 0
      short_line_thr: 1
      char_duplicates_ratio: 1
      new_line_ratio: 9
  - gopher_repetition_filter:
      dup_line_frac: 1
      dup_line_char_frac: 1
      top_n_grams: [[2, 1]]
      dup_n_grams: [[2, 1]]
";

fn tuned(scene: &Scene, recipe: &str, more: &[&str]) -> Value {
    let mut args = vec![
        "tune",
        "out.analysis/stats.parquet",
        "--recipe",
        recipe,
        "--json",
    ];
    args.extend(more);
    serde_json::from_slice(&scene.must_run(&args).stdout).unwrap()
}

/// What `tune` says to a recipe that it refuses.
fn refused(scene: &Scene, recipe: &str) -> String {
    let args = ["tune", "out.analysis/stats.parquet", "--recipe", recipe];
    let ran = scene.run(&args);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    ran.stderr
}

fn of_filters(list: &Value, keys: &[&str]) -> Vec<Value> {
    let decides = |kind: &str| matches!(kind, "filter" | "selector");
    let is_filter = |one: &&Value| one["kind"].as_str().is_none_or(decides);
    let filters = list.as_array().unwrap().iter().filter(is_filter);
    let pick = |one: &Value| keys.iter().map(|key| one[*key].clone()).collect();
    filters.map(pick).collect()
}

#[test]
fn other_bounds_are_decided_as_in_a_run() {
    let scene = Scene::new();
    scene.put("recipe.yaml", RECIPE);
    scene.put("rows.jsonl", rows(3_000));
    scene.must_run(&["analyze", "recipe.yaml"]);
    let changes: &[&[&str]] = &[
        &[],
        &["--set", "process.words_num_filter.min_num=20"],
        &[
            "--set",
            "process.special_characters_filter.max_ratio=0.2",
            "--set",
            "process.special_characters_filter.reversed_range=true",
        ],
        &["--set", "process.average_line_length_filter.min_len=12"],
        &["--set", "process.7.text_length_filter.min_len=80"],
        &["--set", "process.suffix_filter.reversed_range=true"],
        // Not called like bounds.
        &[
            "--set",
            "process.tags_specified_field_selector.target_tags=[de]",
            "--set",
            "process.fineweb_quality_filter.new_line_ratio=0.5",
        ],
        &[
            "--set",
            "process.gopher_repetition_filter.dup_line_frac=0.3",
            "--set",
            "process.gopher_repetition_filter.top_n_grams=[[2, 0.3]]",
        ],
    ];
    let mut seen = Vec::new();
    for change in changes {
        scene.must_run(&[&["run", "recipe.yaml", "--restart"], *change].concat());
        let ran = scene.report("out");
        let told = tuned(&scene, "recipe.yaml", change);
        assert_eq!(
            of_filters(
                &told["filters"],
                &["name", "in", "out", "dropped", "rejected"]
            ),
            of_filters(
                &ran["operators"],
                &["name", "in", "out", "dropped", "rejected"]
            ),
            "{change:?}"
        );
        let rows = |name: &str| &ran["rows"][name];
        assert_eq!(&told["rows"]["in"], rows("in"), "{change:?}");
        assert_eq!(&told["rows"]["kept"], rows("out"), "{change:?}");
        assert_eq!(&told["rows"]["dropped"], rows("dropped"), "{change:?}");
        assert_eq!(&told["rows"]["rejected"], rows("rejected"), "{change:?}");
        assert_eq!(
            &told["rows"]["added_by_slicing"],
            rows("added_by_slicing"),
            "{change:?}"
        );
        assert!(told["rows"]["rejected"].as_u64() > Some(1), "{told}");
        seen.push(told["rows"]["kept"].clone());
    }
    seen.dedup();
    assert_eq!(
        seen.len(),
        changes.len(),
        "a change that changes nothing: {seen:?}"
    );
}

#[test]
fn stats_do_not_depend_on_threads() {
    let scene = Scene::new();
    scene.put("recipe.yaml", RECIPE);
    scene.put("rows.jsonl", rows(20_000));
    scene.must_run(&["analyze", "recipe.yaml", "-j1", "-o", "one"]);
    scene.must_run(&["analyze", "recipe.yaml", "-j4", "-o", "four"]);
    for file in ["stats.parquet", "analysis.json", "report.html"] {
        assert!(
            scene.get(&format!("one/{file}")) == scene.get(&format!("four/{file}")),
            "{file}"
        );
    }
}

#[test]
fn the_page_shows_bounds_and_the_samples_beside_them() {
    let scene = Scene::new();
    scene.put(
        "recipe.yaml",
        "dataset_path: rows.jsonl\nexport_path: out.jsonl\nprocess:\n  \
         - text_length_filter:\n      min_len: 5\n      max_len: 777\n  \
         - text_length_filter:\n      min_len: 999\n  \
         - document_deduplicator:\n",
    );
    let texts = ["<b>&", "12345", "123456", "a long one", "1"];
    let rows = texts.map(|text| format!("{}\n", json!({ "text": text })));
    scene.put("rows.jsonl", rows.concat());
    scene.must_run(&["analyze", "recipe.yaml"]);
    let page = scene.text("out.analysis/report.html");
    let first = page.split("id=\"step-2\"").next().unwrap();
    assert!(
        first.contains("5 samples come, 2 are dropped (40.0 %)"),
        "{first}"
    );
    assert!(first.contains("<p>Kept: ≥ 5, ≤ 777.</p>"), "{first}");
    let at = |text: &str| first.find(&format!("<pre dir=\"auto\">{text}</pre>"));
    let order = [
        at("12345"),
        at("123456"),
        at("a long one"),
        at("&lt;b&gt;&amp;"),
        at("1"),
    ];
    assert!(
        order.iter().all(Option::is_some) && order.is_sorted(),
        "{order:?}"
    );
    assert!(page.contains("<p>No sample is kept.</p>"), "{page}");
    assert!(
        page.contains("step 3, <code>document_deduplicator</code>"),
        "{page}"
    );
    for outside in ["http:", "https:", "<script", "src=", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn what_was_not_measured_is_refused() {
    let scene = Scene::new();
    scene.put("recipe.yaml", RECIPE);
    scene.put("rows.jsonl", rows(50));
    scene.must_run(&["analyze", "recipe.yaml"]);
    let steps = |steps: &str| format!("dataset_path: rows.jsonl\nprocess:\n{steps}");
    let cases = [
        (
            RECIPE.replace("max_len: 100\n", "max_len: 90\n"),
            "step 7 (`text_chunk_mapper`) was not measured: its `max_len` changes",
        ),
        (
            RECIPE.replace("top_n_grams: [[2, 1]]", "top_n_grams: [[3, 1]]"),
            "step 14 (`gopher_repetition_filter`) was not measured: its `top_n_grams` changes",
        ),
        (
            steps("  - maximum_line_length_filter:\n"),
            "there is no such step",
        ),
        (
            steps("  - alphanumeric_filter:\n"),
            "was measured behind `clean_html_mapper`",
        ),
        (
            steps("  - special_characters_filter:\n  - words_num_filter:\n"),
            "the steps are in another order",
        ),
    ];
    for (recipe, message) in cases {
        scene.put("other.yaml", recipe);
        let told = refused(&scene, "other.yaml");
        assert!(told.contains(message), "{message}: {told}");
    }
    // Filters may be left away.
    let told_of = steps("  - words_num_filter:\n      min_num: 3\n");
    scene.put("other.yaml", told_of);
    let told = tuned(&scene, "other.yaml", &[]);
    assert_eq!(told["filters"].as_array().unwrap().len(), 1);
}

#[test]
fn stats_of_several_kinds_are_refused_and_leave_nothing_to_tune() {
    let scene = Scene::new();
    let recipe = "dataset_path: rows.jsonl\nexport_path: out.jsonl\nprocess:\n  \
                  - text_length_filter: {min_len: 3}\n";
    scene.put("recipe.yaml", recipe);
    scene.put("rows.jsonl", "{\"text\": \"a text\"}\n");
    scene.must_run(&["analyze", "recipe.yaml"]);
    tuned(&scene, "recipe.yaml", &[]);
    // Names that stats cannot have here, and a number that is none.
    let stats = json!({"text_len": "many", "end": "sliced", "text_len@1": 1});
    let row = json!({"text": "another text", "__dj__stats__": stats});
    scene.put("rows.jsonl", format!("{{\"text\": \"a text\"}}\n{row}\n"));
    let ran = scene.run(&["analyze", "recipe.yaml"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("`text_len` is a number in some"),
        "{}",
        ran.stderr
    );
    refused(&scene, "recipe.yaml");
    assert!(!scene.has("out.analysis/report.html"));
    let recompute = "--set=process.text_length_filter.recompute_stats=true";
    scene.must_run(&["analyze", "recipe.yaml", recompute]);
}

#[test]
fn a_file_that_no_analysis_wrote_is_kept() {
    let scene = Scene::new();
    scene.put("recipe.yaml", "dataset_path: rows.jsonl\nprocess: []\n");
    scene.put("rows.jsonl", "{\"text\": \"a text\"}\n");
    scene.put("mine/stats.parquet", "dear to me");
    let ran = scene.run(&["analyze", "recipe.yaml", "-o", "mine"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert_eq!(scene.text("mine/stats.parquet"), "dear to me");
    let ran = scene.run(&["tune", "mine/stats.parquet", "--recipe", "recipe.yaml"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
}

#[test]
fn an_empty_input_has_an_empty_page() {
    let scene = Scene::new();
    scene.put("recipe.yaml", RECIPE);
    scene.put("rows.jsonl", "");
    scene.must_run(&["analyze", "recipe.yaml"]);
    assert!(
        scene
            .text("out.analysis/report.html")
            .contains("0 samples were read")
    );
    assert_eq!(tuned(&scene, "recipe.yaml", &[])["rows"]["in"], 0);
}

#[test]
fn a_value_that_another_filter_measured_is_not_taken_for_ones_own() {
    let scene = Scene::new();
    let filter = |n: u32| format!("  - text_length_filter:\n      min_len: {n}\n");
    let recipe = |first: &str| {
        format!(
            "dataset_path: rows.jsonl\nexport_path: out.jsonl\nprocess:\n{first}  \
             - clean_html_mapper:\n{}",
            filter(3)
        )
    };
    scene.put("recipe.yaml", recipe(&filter(1)));
    scene.put("rows.jsonl", "{\"text\": \"<p>ab</p>\"}\n");
    scene.must_run(&["analyze", "recipe.yaml"]);
    assert_eq!(tuned(&scene, "recipe.yaml", &[])["rows"]["kept"], 1);
    scene.put("other.yaml", recipe(""));
    let told = refused(&scene, "other.yaml");
    assert!(told.contains("took over"), "{told}");
}
