//! `process.yaml` of DataMate, as a recipe.

use expect_test::{Expect, expect};
use serde_json::{Value, json};
use wrasse_recipe::{Recipe, Severity, Source, check, operators_dirs, raw_id};

const TASK: &str = r"dataset_id: d1
instance_id: 17
dataset_path: /flow/17/dataset.jsonl
export_path: /dataset/d1
executor_type: datamate
kwargs: {lang: zh}
threads: 2
process:
  - FileWithShortOrLongLengthFilter: {fileLength: [10, ''], cpu: 0.05, memory: 1048576, npu: 0}
  - ExtraSpaceCleaner:
  - HtmlTagCleaner: {removeTableTags: 'false', op_name: HtmlTagCleaner}
";

fn source(text: &str) -> Source {
    Source::new("process.yaml", text.as_bytes())
        .with_folders([("MyCleaner".to_owned(), "/operators/my_cleaner".to_owned())])
}

fn checked(text: &str) -> (Option<Recipe>, String) {
    let source = source(text);
    let checked = check(&source, &wrasse_ops::catalog());
    let findings = checked.diagnostics.iter();
    let findings = findings.map(|finding| finding.render(&source)).collect();
    (checked.recipe, findings)
}

fn finds(text: &str, expect: Expect) {
    expect.assert_eq(&checked(text).1);
}

#[test]
fn a_task_is_a_recipe_over_files() {
    let (recipe, findings) = checked(TASK);
    assert_eq!(findings, "");
    let recipe = recipe.unwrap();
    assert_eq!(recipe.input.entries[0].path, "/flow/17/dataset.jsonl");
    assert_eq!(recipe.input.entries[0].format.as_deref(), Some("files"));
    assert_eq!(recipe.output.path.as_deref(), Some("/dataset/d1"));
    assert_eq!(recipe.output.format.as_deref(), Some("files"));
    assert_eq!(recipe.settings.threads, Some(2));
    let steps: Vec<&str> = recipe.steps.iter().map(|step| step.spec.name).collect();
    let names = [
        "file_with_short_or_long_length_filter",
        "extra_space_cleaner",
        "html_tag_cleaner",
    ];
    assert_eq!(steps, names);
    assert_eq!(recipe.steps[0].params, json!({"fileLength": [10, ""]}));
    let task = recipe.task.as_ref().unwrap();
    assert_eq!(task.dataset_id, "d1");
    assert_eq!(task.instance_id, "17");
    assert_eq!(task.names[1], "ExtraSpaceCleaner");
    let fields = json!({"lang": "zh", "dataset_id": "d1", "instance_id": "17", "export_path": "/dataset/d1"});
    assert_eq!(Value::Object(task.fields.clone()), fields);
    // The task belongs to what a run is.
    let (other, _) = checked(&TASK.replace("17", "18"));
    assert_ne!(other.unwrap().canonical(), recipe.canonical());
}

#[test]
fn what_is_wrong_with_a_task_is_told_at_its_place() {
    finds(
        "dataset_id: d1\nprocess: []\n",
        expect![[r#"
            process.yaml: error: the recipe does not say what to read
            hint: add `dataset_path: input.jsonl`
            process.yaml:1:1: error: the task has no `instance_id`: the task that results belong to
              dataset_id: d1
              ^
            process.yaml:1:1: error: the task has no `dataset_path`: the list of files to process, JSON Lines
              dataset_id: d1
              ^
            process.yaml:1:1: error: the task has no `export_path`: the folder for exported files
              dataset_id: d1
              ^
        "#]],
    );
    finds(
        &TASK.replace("instance_id", "instanc_id"),
        expect![[r#"
            process.yaml:2:1: error: unknown key `instanc_id`
              instanc_id: 17
              ^^^^^^^^^^
            hint: did you mean `instance_id`?
        "#]],
    );
    finds(
        &TASK.replace(
            "executor_type: datamate",
            "executor_type: datamat\ndataset_id2: [x]",
        ),
        expect![[r#"
            process.yaml:5:16: error: `executor_type`: unknown executor `datamat`
              executor_type: datamat
                             ^^^^^^^
            hint: did you mean `datamate`?
            process.yaml:6:1: error: unknown key `dataset_id2`
              dataset_id2: [x]
              ^^^^^^^^^^^
            hint: did you mean `dataset_id`?
        "#]],
    );
    finds(
        &TASK
            .replace("ExtraSpaceCleaner:", "ExtraSpacesCleaner:")
            .replace("HtmlTagCleaner:", "MyCleanr:")
            .replace("fileLength", "fileLenght")
            .replace("kwargs: {lang: zh}", "kwargs: zh"),
        expect![[r#"
            process.yaml:6:9: error: `kwargs`: expected a mapping, found `zh`
              kwargs: zh
                      ^^
            process.yaml:9:39: error: unknown parameter `fileLenght` of `FileWithShortOrLongLengthFilter`
                - FileWithShortOrLongLengthFilter: {fileLenght: [10, ''], cpu: 0.05, memory: 1048576, npu: 0}
                                                    ^^^^^^^^^^
            hint: did you mean `fileLength`?
            process.yaml:10:5: error: unknown operator `ExtraSpacesCleaner`: neither a native one nor in a folder of operators
                - ExtraSpacesCleaner:
                  ^^^^^^^^^^^^^^^^^^
            hint: did you mean `ExtraSpaceCleaner`?
            process.yaml:11:5: error: unknown operator `MyCleanr`: neither a native one nor in a folder of operators
                - MyCleanr: {removeTableTags: 'false', op_name: HtmlTagCleaner}
                  ^^^^^^^^
            hint: did you mean `MyCleaner`?
        "#]],
    );
    finds(
        &TASK.replace("ExtraSpaceCleaner:", "Qqqqqqqqqqqq: {a: 1}"),
        expect![[r#"
            process.yaml:10:5: error: unknown operator `Qqqqqqqqqqqq`: neither a native one nor in a folder of operators
                - Qqqqqqqqqqqq: {a: 1}
                  ^^^^^^^^^^^^
            hint: `wrasse ops` lists the native ones
        "#]],
    );
}

/// Operators in Python are the affair of those who run them: here it is enough
/// that the step is called like the folder.
#[test]
fn a_raw_id_that_no_native_operator_has_is_a_folder() {
    let text = TASK.replace("- ExtraSpaceCleaner:", "- MyCleaner: {level: 3, cpu: 1}");
    let source = source(&text);
    let checked = check(&source, &wrasse_ops::catalog());
    let told: Vec<String> = checked
        .diagnostics
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| finding.message.clone())
        .collect();
    match checked.recipe {
        Some(recipe) => assert_eq!(recipe.task.unwrap().names[1], "MyCleaner"),
        None => assert!(told[0].contains("/operators/my_cleaner"), "{told:?}"),
    }
}

#[test]
fn folders_of_operators_are_named_and_described() {
    let dirs = |text: &str| operators_dirs(&Source::new("x", text.as_bytes()));
    assert_eq!(dirs("operators_dir: /a\nprocess: []"), ["/a"]);
    assert_eq!(dirs("operators_dir: [/a, b]"), ["/a", "b"]);
    assert_eq!(dirs("process: []"), [""; 0]);
    assert_eq!(dirs("{"), [""; 0]);
    assert_eq!(
        raw_id("name: 'x'\nraw_id: 'MyCleaner'\n"),
        Some("MyCleaner".to_owned())
    );
    assert_eq!(raw_id("name: x"), None);
    assert_eq!(raw_id("- raw_id: x"), None);
}

/// Data-Juicer has `executor_type`, too.
#[test]
fn other_recipes_are_no_tasks() {
    let text = "dataset_path: a.jsonl\nexport_path: b.jsonl\nexecutor_type: ray\nprocess: []\n";
    assert_eq!(checked(text).0.unwrap().task, None);
}
