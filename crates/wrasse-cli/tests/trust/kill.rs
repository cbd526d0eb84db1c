//! Runs that are killed, and go on.
//!
//! A run is killed at moments that a seed chooses: after some commits, when
//! the output gets its name, or after some time. Then it is resumed, and
//! killed again, until it is done. What it leaves must be what an undisturbed
//! run leaves, byte for byte.

use std::collections::BTreeMap;
use std::process::Child;
use std::time::Duration;

use serde_json::Value;
use wrasse_run::EventLog;

use crate::support::{Dice, Scene, now, pause, signal};

/// Rows with what makes books interesting: short ones, duplicates, lines that
/// are no JSON, rows without text, all sizes.
pub(crate) fn rows(n: u64, seed: u64) -> String {
    let mut dice = Dice(seed);
    let mut out = String::new();
    for i in 0..n {
        let id = if dice.below(7) == 0 {
            dice.below(i + 1)
        } else {
            i
        };
        let words =
            "pack my box with five dozen liquor jugs数据 ".repeat(1 + (id * 7 % 23) as usize);
        match dice.below(97) {
            0 => out.push_str("{\"text\": \"cut off\n"),
            1 => out.push_str("{\"text\": 17, \"no\": 1}\n"),
            2 => out.push('\n'),
            _ => out.push_str(&format!(
                "{{\"id\": {i}, \"text\": \"{id} {words}\", \"meta\": {{\"n\": [{}.50, null]}}}}\n",
                dice.below(99)
            )),
        }
    }
    out
}

/// A scene with an input of every kind: plain lines, packed ones, columns.
fn scene(n: u64) -> Scene {
    let scene = Scene::new();
    for (i, name) in ["a.jsonl", "b.jsonl"].into_iter().enumerate() {
        scene.put(&format!("in/{name}"), rows(n, 11 + i as u64));
    }
    for (i, name) in ["c.jsonl.gz", "d.jsonl.zst", "e.parquet"]
        .into_iter()
        .enumerate()
    {
        scene.put("made.jsonl", rows(n / 2, 21 + i as u64));
        scene.put(
            "make.yaml",
            format!("dataset_path: made.jsonl\nexport_path: made/{name}\n"),
        );
        scene.must_run(&["run", "make.yaml", "--quiet"]);
        std::fs::rename(
            scene.path(&format!("made/{name}")),
            scene.path(&format!("in/{name}")),
        )
        .unwrap();
    }
    scene
}

/// A deduplicator in the middle.
const DEDUP_MIDDLE: &str = "process:
  - text_length_filter: {min_len: 60}
  - document_deduplicator: {lowercase: true}
  - words_num_filter: {min_num: 20}
  - remove_long_words_mapper: {max_len: 12}
";

/// A deduplicator at the end.
const DEDUP_LAST: &str = "process:
  - whitespace_normalization_mapper:
  - text_length_filter: {min_len: 60}
  - words_num_filter: {min_num: 5}
  - document_deduplicator: {lowercase: true}
";

/// Samples wait for all others between two deduplicators that do not.
const NEAR_DEDUP: &str = "process:
  - remove_long_words_mapper: {max_len: 12}
  - document_deduplicator:
  - document_minhash_deduplicator: {tokenization: character, jaccard_threshold: 0.9}
  - words_num_filter: {min_num: 20}
  - document_deduplicator: {lowercase: true, ignore_non_character: true}
";

/// Samples wait twice, and come out in another order, in groups.
const SELECT_AND_GROUP: &str = "process:
  - words_num_filter: {min_num: 5}
  - range_specified_field_selector:
      {field_key: id, lower_percentile: 0.1, upper_percentile: 0.9}
  - document_line_deduplicator: {frequency_threshold: 3}
  - key_value_grouper: {group_by_keys: [meta.n.0]}
";

/// All that a run leaves that must not depend on how it went.
fn left(scene: &Scene, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = scene.files(folder);
    let done = files.remove("x.wrasse/manifest.jsonl").unwrap();
    let done: Value = serde_json::from_slice(
        done.trim_ascii_end()
            .rsplit(|b| *b == b'\n')
            .next()
            .unwrap(),
    )
    .unwrap();
    let mut tally = done["done"]["tally"].clone();
    assert!(tally.is_object(), "{folder}: {done}");
    // Times are no result.
    forget(&mut tally, &["busy_ns", "read_ns", "encode_ns"]);
    files.insert("totals".to_owned(), tally.to_string().into_bytes());
    for timed in ["lock", "report.json", EventLog::NAME] {
        files.remove(&format!("x.wrasse/{timed}"));
    }
    files
}

fn forget(value: &mut Value, keys: &[&str]) {
    match value {
        Value::Object(map) => {
            for key in keys {
                map.remove(*key);
            }
            map.values_mut().for_each(|value| forget(value, keys));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| forget(value, keys)),
        _ => {}
    }
}

fn assert_same(got: &BTreeMap<String, Vec<u8>>, want: &BTreeMap<String, Vec<u8>>, what: &str) {
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(got), names(want), "{what}");
    for (name, bytes) in got {
        let want = &want[name];
        if name == "totals" {
            assert_eq!(
                String::from_utf8_lossy(bytes),
                String::from_utf8_lossy(want),
                "{what}"
            );
        }
        let at = bytes.iter().zip(want).position(|(a, b)| a != b);
        assert!(
            bytes == want,
            "{what}: {name} has {} of {} bytes, the first difference is at {at:?}",
            bytes.len(),
            want.len()
        );
    }
}

fn n_commits(scene: &Scene, folder: &str) -> usize {
    std::fs::read(scene.path(&format!("{folder}/x.wrasse/manifest.jsonl"))).map_or(0, |manifest| {
        manifest
            .split(|b| *b == b'\n')
            .filter(|line| line.starts_with(b"{\"commit\""))
            .count()
    })
}

/// When a run is killed.
#[derive(Debug)]
enum Moment {
    /// When the manifest has this many more commits.
    Commits(usize),
    /// When output gets its final name.
    Naming,
    /// After this time.
    Time(Duration),
}

/// Waits for the moment; `false` if the run ended before it came.
fn wait_for(moment: &Moment, child: &mut Child, scene: &Scene, folder: &str) -> bool {
    let began = now();
    let before = n_commits(scene, folder);
    let journal = scene.path(&format!("{folder}/x.wrasse/staging/published.jsonl"));
    let published = || {
        std::fs::read(&journal)
            .ok()
            .filter(|bytes| !bytes.is_empty())
    };
    let published_before = published();
    loop {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        let has_come = match moment {
            Moment::Commits(n) => n_commits(scene, folder) >= before + n,
            Moment::Naming => {
                let now = published();
                now.is_some() && now != published_before
            }
            Moment::Time(time) => began.elapsed() >= *time,
        };
        if has_come {
            return true;
        }
        pause(Duration::from_micros(200));
    }
}

struct Case {
    /// The output, in a folder of its own.
    output: &'static str,
    recipe: String,
    threads: u64,
}

/// Runs a case with kills; returns how many of them came after a commit.
fn run_with_kills(scene: &Scene, case: &Case, seed: u64) -> usize {
    let what = format!("{} with {} threads, seed {seed}", case.output, case.threads);
    let mut dice = Dice(seed);
    let threads = case.threads.to_string();
    let args = |recipe: &'static str, flag: &'static str| {
        vec![
            "run",
            recipe,
            flag,
            "--threads",
            &threads,
            "--commit-bytes",
            "100KiB",
            "--trace-dropped",
        ]
        .into_iter()
        .map(str::to_owned)
        .collect::<Vec<String>>()
    };
    scene.put(
        "whole.yaml",
        format!("{}export_path: whole/{}\n", case.recipe, case.output),
    );
    scene.put(
        "killed.yaml",
        format!("{}export_path: killed/{}\n", case.recipe, case.output),
    );
    let whole = args("whole.yaml", "--restart");
    scene.must_run(&whole.iter().map(String::as_str).collect::<Vec<_>>());
    let want = left(scene, "whole");
    let final_names: Vec<&String> = want
        .keys()
        .filter(|name| !name.contains("x.wrasse/"))
        .collect();
    let mut kills_after_commits = 0;
    let mut flag = "--restart";
    for _ in 0..8 {
        let args = args("killed.yaml", flag);
        let mut child = scene.start(&args.iter().map(String::as_str).collect::<Vec<_>>());
        let moment = match dice.below(4) {
            0 => Moment::Naming,
            1 => Moment::Time(Duration::from_millis(dice.below(120))),
            _ => Moment::Commits(1 + dice.below(3) as usize),
        };
        if !wait_for(&moment, &mut child, scene, "killed") {
            let status = child.wait().unwrap();
            assert!(status.success(), "{what}: {moment:?}: {status}");
            break;
        }
        pause(Duration::from_micros(dice.below(20_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        kills_after_commits += usize::from(n_commits(scene, "killed") > 0);
        // What has a final name is complete.
        let now = scene.files("killed");
        for name in &final_names {
            if let Some(bytes) = now.get(*name) {
                assert!(*bytes == want[*name], "{what}: {name} was seen unfinished");
            }
        }
        flag = "--resume";
    }
    let args = args("killed.yaml", "--resume");
    scene.must_run(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert_same(&left(scene, "killed"), &want, &what);
    for folder in ["whole", "killed"] {
        std::fs::remove_dir_all(scene.path(folder)).unwrap();
    }
    kills_after_commits
}

#[test]
fn a_killed_run_goes_on_to_the_same_bytes() {
    let cases = [
        ("x.jsonl", "", DEDUP_MIDDLE, 1),
        ("x.jsonl", "", DEDUP_LAST, 4),
        ("x.jsonl", "export_shard_size: 300KiB\n", DEDUP_LAST, 2),
        ("x/", "export_shard_size: 300KiB\n", DEDUP_MIDDLE, 3),
        ("x.jsonl.gz", "", DEDUP_LAST, 2),
        ("x.jsonl.zst", "", DEDUP_MIDDLE, 4),
        ("x.parquet", "", DEDUP_LAST, 3),
        ("x.jsonl", "", NEAR_DEDUP, 3),
        ("x.parquet", "", NEAR_DEDUP, 2),
        ("x.jsonl", "", SELECT_AND_GROUP, 3),
        (
            "x/",
            "export_type: parquet\nexport_shard_size: 400KiB\n",
            DEDUP_MIDDLE,
            2,
        ),
        ("x.csv", "", DEDUP_LAST, 1),
    ];
    let scene = scene(1500);
    let n_cases = cases.len();
    let mut kills_after_commits = 0;
    for (i, (output, keys, steps, threads)) in cases.into_iter().enumerate() {
        let case = Case {
            output,
            // Small splits, so that commits fall into the middle of files.
            recipe: format!("dataset_path: in\nsplit_bytes: 100KiB\n{keys}{steps}"),
            threads,
        };
        kills_after_commits += run_with_kills(&scene, &case, 0x9E37_79B9_7F4A_7C15 ^ i as u64);
    }
    assert!(
        kills_after_commits >= n_cases,
        "only {kills_after_commits} kills hit"
    );
}

/// A damaged file in the middle of the input costs its rest, once, however
/// often the run is killed behind it.
#[test]
fn damage_is_counted_once_by_a_killed_run() {
    let scene = scene(800);
    let packed = scene.get("in/c.jsonl.gz");
    scene.put("in/aa.jsonl.gz", &packed[..packed.len() / 2]);
    scene.put("in/zz.jsonl.gz", &packed[..packed.len() / 3]);
    let recipe = format!("dataset_path: in\nsplit_bytes: 100KiB\n{}", DEDUP_LAST);
    scene.put(
        "whole.yaml",
        format!("{recipe}export_path: whole/x.jsonl\n"),
    );
    let args = ["--commit-bytes", "1B", "--trace-dropped", "--threads", "2"];
    let run = |recipe, flag| [&["run", recipe, flag][..], &args[..]].concat();
    assert_eq!(scene.run(&run("whole.yaml", "--restart")).code, Some(1));
    let want = left(&scene, "whole");
    assert_eq!(scene.report("whole/x")["damages"], 2);
    scene.put(
        "killed.yaml",
        format!("{recipe}export_path: killed/x.jsonl\n"),
    );
    for _ in 0..40 {
        let mut child = scene.start(&run("killed.yaml", "--resume"));
        if !wait_for(&Moment::Commits(1), &mut child, &scene, "killed") {
            assert_eq!(child.wait().unwrap().code(), Some(1));
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(
        scene.run(&run("killed.yaml", "--resume")).code,
        Some(1),
        "a run that is complete says again that files are damaged"
    );
    assert_same(&left(&scene, "killed"), &want, "damage");
}

#[test]
fn an_interrupted_run_says_so_and_goes_on() {
    let scene = scene(1500);
    let recipe = format!("dataset_path: in\nsplit_bytes: 100KiB\n{}", DEDUP_MIDDLE);
    scene.put(
        "whole.yaml",
        format!("{recipe}export_path: whole/x.jsonl\n"),
    );
    scene.must_run(&["run", "whole.yaml", "--trace-dropped"]);
    let want = left(&scene, "whole");
    for name in ["INT", "TERM"] {
        let folder = format!("by-{name}");
        scene.put(
            "it.yaml",
            format!("{recipe}export_path: {folder}/x.jsonl\n"),
        );
        let args = [
            "run",
            "it.yaml",
            "--resume",
            "--threads",
            "1",
            "--commit-bytes",
            "1KiB",
            "--trace-dropped",
        ];
        let mut child = scene.start(&args);
        assert!(
            wait_for(&Moment::Commits(2), &mut child, &scene, &folder),
            "{name}: too fast"
        );
        signal(child.id(), name);
        assert_eq!(child.wait().unwrap().code(), Some(130), "{name}");
        assert!(
            !scene.has(&format!("{folder}/x.jsonl")),
            "{name}: unfinished output is visible"
        );
        assert!(n_commits(&scene, &folder) > 0);
        let refused = scene.run(&["run", "it.yaml", "--trace-dropped"]);
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
        assert!(refused.stderr.contains("--resume"), "{}", refused.stderr);
        scene.must_run(&args);
        assert_same(&left(&scene, &folder), &want, name);
    }
}

#[test]
fn a_limited_run_goes_on_to_its_limit() {
    let scene = scene(800);
    let recipe = format!("dataset_path: in\nsplit_bytes: 30KiB\n{}", DEDUP_MIDDLE);
    scene.put(
        "whole.yaml",
        format!("{recipe}export_path: whole/x.jsonl\n"),
    );
    scene.put(
        "killed.yaml",
        format!("{recipe}export_path: killed/x.jsonl\n"),
    );
    for limit in ["100", "1111"] {
        let flags = ["--limit", limit, "--commit-bytes", "1B", "--threads", "3"];
        let run = |recipe, flag| [&["run", recipe, flag][..], &flags[..]].concat();
        scene.must_run(&run("whole.yaml", "--restart"));
        let mut flag = "--restart";
        for _ in 0..25 {
            let mut child = scene.start(&run("killed.yaml", flag));
            if !wait_for(&Moment::Commits(1), &mut child, &scene, "killed") {
                assert!(child.wait().unwrap().success());
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            flag = "--resume";
        }
        scene.must_run(&run("killed.yaml", "--resume"));
        assert_same(&left(&scene, "killed"), &left(&scene, "whole"), limit);
        for folder in ["whole", "killed"] {
            std::fs::remove_dir_all(scene.path(folder)).unwrap();
        }
    }
}

/// A run that waits for a pipe cannot end in good order; asked again, it ends.
#[test]
fn a_second_interrupt_ends_a_run_that_is_stuck() {
    let scene = Scene::new();
    scene.put("r.yaml", "dataset_path: '-'\nexport_path: out.jsonl\n");
    let mut child = scene
        .command(&["run", "r.yaml", "--quiet"])
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let began = now();
    while !scene.has("out.wrasse/staging/published.jsonl") {
        assert!(began.elapsed().as_secs() < 60, "the run does not begin");
        pause(Duration::from_millis(2));
    }
    while child.try_wait().unwrap().is_none() {
        assert!(began.elapsed().as_secs() < 60, "the run does not end");
        signal(child.id(), "INT");
        pause(Duration::from_millis(50));
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!scene.has("out.jsonl"));
}
