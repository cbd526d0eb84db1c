//! What a recipe means once it has been read.

mod support;

use serde_json::json;
use wrasse_core::ByteCount;
use wrasse_recipe::{FileChoice, Input, Recipe, RejectLimit, Settings, Source, check, diff};

use support::{catalog, checked, rendered};

/// A recipe that must have no error; the input is named if it names none.
fn recipe(text: &str) -> Recipe {
    let named = text.contains("dataset");
    let text = if named {
        text.to_owned()
    } else {
        format!("dataset_path: a.jsonl\n{text}")
    };
    let checked = checked(&text);
    checked
        .recipe
        .unwrap_or_else(|| panic!("{text}\n{:#?}", checked.diagnostics))
}

fn with(text: &str, overrides: &[&str]) -> Recipe {
    let source =
        Source::new("recipe.yaml", text.as_bytes()).with_overrides(overrides.iter().copied());
    let checked = check(&source, &catalog());
    checked
        .recipe
        .unwrap_or_else(|| panic!("{}", rendered(&source)))
}

fn steps(recipe: &Recipe) -> serde_json::Value {
    recipe
        .steps
        .iter()
        .map(|step| json!({ step.spec.name: step.params }))
        .collect()
}

fn paths(input: &Input) -> Vec<(&str, Option<f64>)> {
    input
        .entries
        .iter()
        .map(|entry| (entry.path.as_str(), entry.weight))
        .collect()
}

#[test]
fn a_data_juicer_recipe_is_read_as_it_is() {
    let recipe = recipe(
        "project_name: demo
dataset_path: ./in.jsonl
export_path: ./out.jsonl
export_shard_size: 1_000_000
export_in_parallel: yes
keep_stats_in_res_ds: on
np: 4
text_keys: [content, text]
suffixes: [jsonl, .json]
use_cache: false
process:
  - trim_mapper:
  - trim_mapper
  - LengthOp:
      min_len: 1e2
      reversed_range: no
      num_proc: 3
  - exact_deduplicator: {}
",
    );
    assert_eq!(recipe.name.as_deref(), Some("demo"));
    assert_eq!(paths(&recipe.input), [("./in.jsonl", None)]);
    assert_eq!(recipe.input.suffixes, [".jsonl", ".json"]);
    assert_eq!(recipe.output.path.as_deref(), Some("./out.jsonl"));
    assert_eq!(recipe.output.shard_bytes, Some(ByteCount(1_000_000)));
    assert!(recipe.output.keep_stats && !recipe.output.keep_hashes);
    assert_eq!(recipe.settings.threads, Some(4));
    assert_eq!(
        steps(&recipe),
        json!([
            { "trim_mapper": {} },
            { "trim_mapper": {} },
            { "length_filter": { "min_len": 100, "reversed_range": false, "num_proc": 3 } },
            { "exact_deduplicator": {} },
        ])
    );
    let keys: Vec<&str> = recipe
        .steps
        .iter()
        .map(|step| step.operator.common().text_key.as_str())
        .collect();
    assert_eq!(keys, ["content"; 4]);
    let place = recipe.steps[2].param_places["min_len"];
    assert_eq!((place.line, place.column), (15, 16));
}

#[test]
fn inputs_come_in_four_forms() {
    let list = recipe("dataset_path: [a.jsonl, 2024, 'b c.jsonl']\n");
    assert_eq!(
        paths(&list.input),
        [("a.jsonl", None), ("2024", None), ("b c.jsonl", None)]
    );
    let mixture = recipe("dataset_path: 0.25 a.jsonl 0.75 b.jsonl\n");
    assert_eq!(
        paths(&mixture.input),
        [("a.jsonl", Some(0.25)), ("b.jsonl", Some(0.75))]
    );
    let full = recipe(
        "dataset_path: ''
dataset:
  max_sample_num: 100
  configs:
    - {type: local, path: a, weight: 0.5, format: jsonl, limit: 7}
    - path: [b, c]
",
    );
    assert_eq!(
        paths(&full.input),
        [("a", Some(0.5)), ("b", None), ("c", None)]
    );
    assert_eq!(full.input.samples_max, Some(100));
    assert_eq!(full.input.entries[0].limit, Some(7));
    assert_eq!(full.input.entries[0].format.as_deref(), Some("jsonl"));
    let short = recipe("dataset: [{type: local, path: a}]\n");
    assert_eq!(paths(&short.input), [("a", None)]);
}

#[test]
fn settings_of_our_own_are_read() {
    let own = recipe(
        "np: 2
threads: 8
memory: 1.5GiB
limit: 10
rejects: {path: bad.jsonl, max: 0.5%}
trace_dropped: true
report: report.html
run_dir: runs/1
max_row_bytes: 64MiB
split_bytes: 4096
",
    );
    let expected = Settings {
        threads: Some(8),
        memory: Some(ByteCount(3 << 29)),
        limit: Some(10),
        rejects: Some("bad.jsonl".to_owned()),
        max_rejects: Some(RejectLimit::Percent(0.5)),
        trace_dropped: Some(FileChoice::Usual),
        report: Some(FileChoice::Path("report.html".to_owned())),
        run_dir: Some("runs/1".to_owned()),
        max_row_bytes: Some(ByteCount(64 << 20)),
        split_bytes: Some(ByteCount(4096)),
    };
    assert_eq!(own.settings, expected);
    let short = recipe("rejects: bad.jsonl\nmax_rejects: 3\ntrace_dropped: no\nreport: null\n");
    assert_eq!(short.settings.rejects.as_deref(), Some("bad.jsonl"));
    assert_eq!(short.settings.max_rejects, Some(RejectLimit::Count(3)));
    assert_eq!(short.settings.trace_dropped, Some(FileChoice::No));
    assert_eq!(short.settings.report, None);
}

#[test]
fn the_expected_type_decides_what_a_word_means() {
    let recipe = recipe(
        "process:
  - replace_mapper: {pattern: no, repl: 5, ignore_case: off, mode: ALL}
"
        .replace("ALL", "all")
        .as_str(),
    );
    assert_eq!(
        steps(&recipe),
        json!([{ "replace_mapper": { "pattern": "no", "repl": "5", "ignore_case": false, "mode": "all" } }])
    );
}

#[test]
fn aliases_and_merge_keys_are_resolved() {
    let recipe = recipe(
        "process:
  - length_filter: &base {min_len: 1, ratio: 0.1}
  - length_filter: *base
  - length_filter:
      <<: *base
      min_len: 2
  - length_filter:
      <<: [{max_len: 9}, *base, {max_len: 8}]
",
    );
    assert_eq!(
        steps(&recipe),
        json!([
            { "length_filter": { "min_len": 1, "ratio": 0.1 } },
            { "length_filter": { "min_len": 1, "ratio": 0.1 } },
            { "length_filter": { "ratio": 0.1, "min_len": 2 } },
            { "length_filter": { "max_len": 9, "min_len": 1, "ratio": 0.1 } },
        ])
    );
}

#[test]
fn byte_order_marks_and_windows_line_ends_are_read() {
    let source = Source::new("recipe.yaml", "\u{feff}np: 1\n".as_bytes());
    assert_eq!(source.text(), "np: 1\n");
    let recipe = recipe("\u{feff}dataset_path: a.jsonl\r\nprocess:\r\n  - trim_mapper:\r\n");
    assert_eq!(paths(&recipe.input), [("a.jsonl", None)]);
    assert_eq!(recipe.steps.len(), 1);
}

#[test]
fn second_names_of_parameters_are_accepted() {
    let recipe = recipe("process:\n  - length_filter: {minimum: 3}\n");
    assert_eq!(
        steps(&recipe),
        json!([{ "length_filter": { "minimum": 3 } }])
    );
}

#[test]
fn overrides_reach_every_value() {
    let text = "dataset_path: a\nprocess:\n  - trim_mapper\n  - length_filter: {min_len: 5}\n  - trim_mapper:\n";
    let recipe = with(
        text,
        &[
            "np=2",
            "dataset_path=[b, c]",
            "process.length_filter.min_len=6",
            "process.1.length_filter.max_len=7",
            "process.LengthOp.ratio=1",
            "process.0.trim_mapper.text_key=body",
            "process.2=exact_deduplicator",
            "rejects.max=5%",
            "project_name=x=y",
        ],
    );
    assert_eq!(
        steps(&recipe),
        json!([
            { "trim_mapper": { "text_key": "body" } },
            { "length_filter": { "min_len": 6, "max_len": 7, "ratio": 1 } },
            { "exact_deduplicator": {} },
        ])
    );
    assert_eq!(paths(&recipe.input), [("b", None), ("c", None)]);
    assert_eq!(recipe.settings.threads, Some(2));
    assert_eq!(recipe.settings.max_rejects, Some(RejectLimit::Percent(5.0)));
    assert_eq!(recipe.name.as_deref(), Some("x=y"));
    let from_nothing = with("", &["dataset_path=a", "export_path=b"]);
    assert_eq!(from_nothing.output.path.as_deref(), Some("b"));
}

#[test]
fn one_recipe_has_one_canonical_form() {
    let plain = recipe("export_path: b.jsonl\nprocess:\n  - length_filter:\n  - trim_mapper\n");
    for other in [
        "process: [length_filter, {trim_mapper: {num_proc: 9}}]\nexport_path: b.jsonl\nthreads: 3\nmemory: 1GiB\n",
        "text_keys: text\nexport_path: b.jsonl\nuse_cache: no\nproject_name: x\nmax_rejects: 5\nrun_dir: r\nprocess:\n  - LengthOp: {max_len: null, ratio: 0.5, min_len: 10, text_key: text}\n  - trim_mapper:\n",
    ] {
        let other = recipe(other);
        assert_eq!(diff(&plain.canonical(), &other.canonical()), [""; 0]);
        assert_eq!(plain.canonical().hash(), other.canonical().hash());
    }
    expect_test::expect![[r#"{"input":{"entries":[{"path":"a.jsonl"}],"suffixes":[]},"output":{"keep_hashes":false,"keep_stats":false,"path":"b.jsonl"},"process":[{"length_filter":{"max_closed_interval":true,"min_closed_interval":true,"min_len":10,"ratio":0.5,"recompute_stats":false,"reversed_range":false,"text_key":"text"}},{"trim_mapper":{"max_closed_interval":true,"min_closed_interval":true,"recompute_stats":false,"reversed_range":false,"text_key":"text"}}],"text_keys":["text"],"version":1}"#]]
        .assert_eq(&plain.canonical().to_string());
    // A hash that changes makes every run that was interrupted unresumable.
    expect_test::expect!["c882fda5af66294d309ed9c03f07fc34"].assert_eq(&plain.canonical().hash());
    let kept = serde_json::from_str(&plain.canonical().to_string()).unwrap();
    assert_eq!(wrasse_recipe::Canonical::from_json(kept), plain.canonical());
}

#[test]
fn differences_are_told_one_by_one() {
    let text = "dataset_path: a\nexport_path: b.jsonl\nprocess:\n  - trim_mapper\n  - length_filter: {min_len: 5, max_len: 9}\n  - exact_deduplicator\n";
    let old = with(text, &[]).canonical();
    let changes = |overrides: &[&str]| diff(&old, &with(text, overrides).canonical()).join("\n");
    assert_eq!(
        changes(&[
            "process.1.length_filter.min_len=6",
            "process.1.length_filter={min_len: 6}"
        ]),
        "process.1.length_filter.max_len: 9 was removed\nprocess.1.length_filter.min_len: 5 became 6"
    );
    assert_eq!(
        changes(&["process.1=trim_mapper"]),
        "process.1: `length_filter` was removed\nprocess.1: `trim_mapper` was added"
    );
    assert_eq!(
        changes(&["process=[trim_mapper, exact_deduplicator]"]),
        "process.1: `length_filter` was removed"
    );
    assert_eq!(
        changes(&["dataset_path=[a, c]", "limit=5", "export_path=b.parquet"]),
        "input.entries.1: \"c\" was added\noutput.path: \"b.jsonl\" became \"b.parquet\"\nlimit: 5 was added"
    );
    assert_eq!(changes(&["np=5"]), "");
}

#[test]
fn keys_of_media_reach_the_steps_that_take_them() {
    let text = "image_key: pics
process:
  - image_shape_filter:
  - image_size_filter: {image_key: other}
  - text_length_filter:
";
    let checked = |text: &str| {
        let text = format!("dataset_path: a.jsonl\n{text}");
        let source = Source::new("recipe.yaml", text.as_bytes());
        check(&source, &wrasse_ops::catalog())
    };
    let read = checked(&format!("{text}image_bytes_key: raw\n"));
    let recipe = read
        .recipe
        .unwrap_or_else(|| panic!("{:?}", read.diagnostics));
    let want = json!([
        { "image_shape_filter": { "image_key": "pics", "image_bytes_key": "raw" } },
        { "image_size_filter": { "image_key": "other", "image_bytes_key": "raw" } },
        { "text_length_filter": {} },
    ]);
    assert_eq!(steps(&recipe), want);
    let warned = |text: &str| {
        checked(&format!("dataset_path: a.jsonl\n{text}"))
            .diagnostics
            .len()
    };
    assert_eq!(warned(text), warned("process: []\n"), "nothing is ignored");
}
