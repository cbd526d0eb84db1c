//! What is refused rather than mixed up, and how a user gets out of it.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::{Ran, Scene, now, pause};

/// A scene with a run that ended early: it met a reject and may have none.
fn stopped() -> Scene {
    let scene = Scene::new();
    let good: String = (0..400)
        .map(|i| format!("{{\"text\": \"row {i}\"}}\n"))
        .collect();
    scene.put("in/a.jsonl", &good);
    scene.put("in/b.jsonl", format!("no JSON\n{good}"));
    scene.put("in/c.jsonl", &good);
    scene.put(
        "r.yaml",
        "dataset_path: in\nexport_path: out.jsonl\nprocess:\n  - text_length_filter: {min_len: 1, max_len: 90}\n",
    );
    let ran = scene.run(&["run", "r.yaml", "--max-rejects", "0", "--threads", "1"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("rejects.jsonl") && ran.stderr.contains("--resume"),
        "{}",
        ran.stderr
    );
    assert!(!scene.has("out.jsonl"));
    scene
}

fn refused(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    for word in words {
        assert!(ran.stderr.contains(word), "no `{word}` in: {}", ran.stderr);
    }
}

#[test]
fn an_unfinished_run_is_neither_forgotten_nor_overwritten() {
    let scene = stopped();
    refused(
        &scene.run(&["run", "r.yaml"]),
        &["interrupted", "--resume", "--restart"],
    );
    scene.must_run(&["run", "r.yaml", "--resume"]);
    let resumed = scene.get("out.jsonl");
    assert_eq!(scene.report("out")["rows"]["in"], 1201);
    std::fs::remove_file(scene.path("out.jsonl")).unwrap();
    scene.must_run(&["run", "r.yaml", "--restart"]);
    assert!(
        resumed == scene.get("out.jsonl"),
        "a resumed run gives other bytes"
    );
    assert_eq!(scene.lines("out.wrasse/rejects.jsonl").len(), 1);
}

#[test]
fn an_unfinished_run_can_be_begun_anew() {
    let scene = stopped();
    scene.must_run(&["run", "r.yaml", "--restart"]);
    assert_eq!(scene.report("out")["resumed"], false);
    assert_eq!(scene.lines("out.jsonl").len(), 1200);
}

#[test]
fn a_run_is_not_resumed_with_another_recipe() {
    let scene = stopped();
    let changed = scene.run(&[
        "run",
        "r.yaml",
        "--resume",
        "--set",
        "process.text_length_filter.max_len=80",
    ]);
    refused(
        &changed,
        &["recipe changed", "max_len", "90", "80", "--restart"],
    );
    refused(
        &scene.run(&["run", "r.yaml", "--resume", "--limit", "10"]),
        &["recipe changed", "--restart"],
    );
    let traced = scene.run(&["run", "r.yaml", "--resume", "--trace-dropped"]);
    refused(&traced, &["dropped samples", "--restart"]);
    // What does not decide the bytes may change.
    scene.must_run(&[
        "run",
        "r.yaml",
        "--resume",
        "--threads",
        "3",
        "--memory",
        "1GiB",
    ]);
}

#[test]
fn a_run_is_not_resumed_over_another_input() {
    let scene = stopped();
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(scene.path("in/c.jsonl"))
        .unwrap();
    file.write_all(b"{\"text\": \"more\"}\n").unwrap();
    drop(file);
    refused(
        &scene.run(&["run", "r.yaml", "--resume"]),
        &["in/c.jsonl", "changed", "--restart"],
    );
    scene.put("in/d.jsonl", "{\"text\": \"new\"}\n");
    std::fs::remove_file(scene.path("in/c.jsonl")).unwrap();
    refused(
        &scene.run(&["run", "r.yaml", "--resume"]),
        &["input changed", "in/d.jsonl"],
    );
}

#[test]
fn a_run_of_another_version_is_not_resumed() {
    let scene = stopped();
    let manifest = scene.text("out.wrasse/manifest.jsonl");
    let version = format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION"));
    scene.put(
        "out.wrasse/manifest.jsonl",
        manifest.replace(&version, "\"version\":\"0.0.9\""),
    );
    refused(
        &scene.run(&["run", "r.yaml", "--resume"]),
        &["0.0.9", "--restart"],
    );
    scene.put(
        "out.wrasse/manifest.jsonl",
        manifest.replace("\"format\":1", "\"format\":2"),
    );
    refused(
        &scene.run(&["run", "r.yaml", "--resume"]),
        &["format 2", "--restart"],
    );
    for broken in [
        manifest.replace("\"inputs\":", "\"in\":"),
        manifest.replace("{\"commit\"", "?"),
    ] {
        scene.put("out.wrasse/manifest.jsonl", broken);
        refused(
            &scene.run(&["run", "r.yaml", "--resume"]),
            &["manifest.jsonl", "--restart"],
        );
    }
    scene.must_run(&["run", "r.yaml", "--restart"]);
}

#[test]
fn a_torn_last_line_of_the_manifest_was_not_written() {
    let scene = stopped();
    let manifest = scene.text("out.wrasse/manifest.jsonl");
    scene.put(
        "out.wrasse/manifest.jsonl",
        format!("{manifest}{{\"commit\":{{\"next\":[2,"),
    );
    scene.must_run(&["run", "r.yaml", "--resume"]);
    assert_eq!(scene.lines("out.jsonl").len(), 1200);
    assert_eq!(scene.report("out")["rows"]["in"], 1201);
}

#[test]
fn unfinished_output_that_someone_changed_is_not_gone_on_with() {
    let scene = stopped();
    let name = "out.wrasse/staging/.out-00000.jsonl.partial";
    let mut bytes = scene.get(name);
    bytes[10] ^= 1;
    scene.put(name, bytes);
    let ran = scene.run(&["run", "r.yaml", "--resume"]);
    assert!(matches!(ran.code, Some(2 | 3)), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("not as it was committed") && ran.stderr.contains("anew"),
        "{}",
        ran.stderr
    );
    assert!(!scene.has("out.jsonl"));
}

#[test]
fn two_runs_do_not_share_a_place() {
    let scene = Scene::new();
    scene.put("r.yaml", "dataset_path: '-'\nexport_path: out.jsonl\n");
    // A run that reads a pipe goes on until the pipe is closed.
    let mut first = scene
        .command(&["run", "r.yaml", "--quiet"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = now();
    while !scene.has("out.wrasse/manifest.jsonl") {
        assert!(
            began.elapsed().as_secs() < 60,
            "the first run does not begin"
        );
        pause(std::time::Duration::from_millis(2));
    }
    for flags in [&[][..], &["--resume"], &["--restart"], &["--overwrite"]] {
        let args = [&["run", "r.yaml"], flags].concat();
        refused(&scene.run(&args), &["another run", "out.wrasse"]);
    }
    first
        .stdin
        .take()
        .unwrap()
        .write_all(b"{\"text\": \"a\"}\n")
        .unwrap();
    assert!(first.wait().unwrap().success());
    assert_eq!(scene.text("out.jsonl"), "{\"text\": \"a\"}\n");
}

#[test]
fn a_complete_run_is_not_resumed_but_said_to_be_complete() {
    let scene = stopped();
    scene.must_run(&["run", "r.yaml", "--resume"]);
    let before = scene.files(".");
    let again = scene.must_run(&["run", "r.yaml", "--resume"]);
    assert!(again.stderr.contains("complete"), "{}", again.stderr);
    assert_eq!(scene.files("."), before, "nothing may change");
    // The report of a run that was killed at the very end is made up for.
    std::fs::remove_file(scene.path("out.wrasse/report.json")).unwrap();
    scene.must_run(&["run", "r.yaml", "--resume"]);
    assert_eq!(scene.report("out")["parts"][0]["rows"], 1200);
    // A complete run whose output is gone is not complete any more.
    std::fs::remove_file(scene.path("out.jsonl")).unwrap();
    refused(
        &scene.run(&["run", "r.yaml", "--resume"]),
        &["out.jsonl", "is gone", "--restart"],
    );
    scene.must_run(&["run", "r.yaml", "--restart"]);
    assert_eq!(scene.get("out.jsonl"), before["out.jsonl"]);
}

#[test]
fn output_of_others_is_kept_unless_the_user_says_so() {
    let scene = Scene::new();
    scene.put("a.jsonl", "{\"text\": \"a\"}\n");
    scene.put("out.jsonl", "precious");
    scene.put("r.yaml", "dataset_path: a.jsonl\nexport_path: out.jsonl\n");
    for flags in [&[][..], &["--resume"], &["--restart"]] {
        let args = [&["run", "r.yaml"], flags].concat();
        refused(&scene.run(&args), &["out.jsonl", "exists", "--overwrite"]);
        assert_eq!(scene.text("out.jsonl"), "precious");
    }
    scene.must_run(&["run", "r.yaml", "--overwrite"]);
    assert_eq!(scene.text("out.jsonl"), "{\"text\": \"a\"}\n");
    // Its own output a run replaces without a word.
    scene.put("a.jsonl", "{\"text\": \"b\"}\n");
    scene.must_run(&["run", "r.yaml"]);
    assert_eq!(scene.text("out.jsonl"), "{\"text\": \"b\"}\n");
}

#[test]
fn parts_of_an_earlier_run_are_never_mixed_with_new_ones() {
    let rows = |n| {
        (0..n)
            .map(|i| format!("{{\"text\": \"row {i}\"}}\n"))
            .collect::<String>()
    };
    for output in ["out/", "out/x.jsonl"] {
        let scene = Scene::new();
        scene.put("a.jsonl", rows(900));
        scene.put(
            "r.yaml",
            format!("dataset_path: a.jsonl\nexport_path: {output}\nexport_shard_size: 2KiB\n"),
        );
        scene.put("out/notes.txt", "mine");
        let stale = if output == "out/" {
            "out/part-00077.jsonl"
        } else {
            "out/x-01-of-77.jsonl"
        };
        scene.put(stale, "{\"text\": \"of another run\"}\n");
        let ran = scene.run(&["run", "r.yaml"]);
        refused(&ran, &["--overwrite"]);
        assert_eq!(scene.text(stale), "{\"text\": \"of another run\"}\n");
        scene.must_run(&["run", "r.yaml", "--overwrite"]);
        assert!(!scene.has(stale), "{output}");
        scene.put("a.jsonl", rows(300));
        scene.must_run(&["run", "r.yaml"]);
        let parts: Vec<u8> = scene
            .files("out")
            .into_iter()
            .filter(|(name, _)| name.ends_with(".jsonl") && !name.contains('/'))
            .flat_map(|(_, bytes)| bytes)
            .collect();
        assert_eq!(String::from_utf8(parts).unwrap(), rows(300), "{output}");
        assert_eq!(scene.text("out/notes.txt"), "mine");
    }
}

#[test]
fn an_input_is_never_removed_as_a_part_of_the_output() {
    let row = "{\"text\": \"precious\"}\n";
    for (input, output) in [
        ("data/part-00000.jsonl", "data/"),
        ("data/part-00000.jsonl", "data"),
        ("data/x-00-of-01.jsonl", "data/x.jsonl"),
    ] {
        let scene = Scene::new();
        scene.put(input, row);
        scene.put(
            "r.yaml",
            format!("dataset_path: {input}\nexport_path: {output}\nexport_shard_size: 10\n"),
        );
        refused(
            &scene.run(&["run", "r.yaml", "--overwrite"]),
            &[input, "export_path"],
        );
        assert_eq!(scene.text(input), row, "{output}");
    }
    // A file may be replaced by what is made of it, if the user says so.
    let scene = Scene::new();
    scene.put("a.jsonl", format!("{row}bad\n"));
    scene.put("r.yaml", "dataset_path: a.jsonl\nexport_path: a.jsonl\n");
    refused(&scene.run(&["run", "r.yaml"]), &["--overwrite"]);
    scene.must_run(&["run", "r.yaml", "--overwrite"]);
    assert_eq!(scene.text("a.jsonl"), row);
}
