//! Folders and disks as they are found: links, pipes, odd names, no space, no
//! permission.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Command;

use crate::support::Scene;

const ROW: &str = "{\"text\": \"a row\"}\n";

#[test]
fn a_folder_of_traps_gives_its_files_and_a_word_on_the_rest() {
    let scene = Scene::new();
    scene.put("in/a.jsonl", ROW);
    scene.put("in/deeper/b.jsonl", ROW);
    symlink("..", scene.path("in/deeper/up")).unwrap();
    symlink("round", scene.path("in/round")).unwrap();
    symlink("nowhere.jsonl", scene.path("in/dangling.jsonl")).unwrap();
    symlink("/dev/zero", scene.path("in/endless.jsonl")).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(scene.path("in/pipe.jsonl"))
            .status()
            .unwrap()
            .success()
    );
    let odd = scene.path("in").join(OsStr::from_bytes(b"odd-\xff.jsonl"));
    // Some file systems refuse such names.
    let n_odd = usize::from(fs::write(&odd, ROW).is_ok());
    scene.put("in/it's \"quoted\"\n.jsonl", ROW);
    scene.put("r.yaml", "dataset_path: in\nexport_path: out.jsonl\n");
    let ran = scene.must_run(&["run", "r.yaml"]);
    assert_eq!(scene.text("out.jsonl"), ROW.repeat(3 + n_odd));
    for name in [
        "in/deeper/up",
        "in/round",
        "in/dangling.jsonl",
        "in/endless.jsonl",
        "in/pipe.jsonl",
    ] {
        assert!(
            ran.stderr.contains(name),
            "no word on {name}: {}",
            ran.stderr
        );
    }
    assert_eq!(
        ran.stderr.contains("not UTF-8"),
        n_odd == 1,
        "{}",
        ran.stderr
    );
    // A pipe that is named is no file, and is not waited for.
    scene.put(
        "r.yaml",
        "dataset_path: in/pipe.jsonl\nexport_path: out.jsonl\n",
    );
    let ran = scene.run(&["run", "r.yaml"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("in/pipe.jsonl") && ran.stderr.contains("`-`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_file_that_may_not_be_read_costs_itself() {
    let scene = Scene::new();
    scene.put("in/a.jsonl", ROW);
    let locked = scene.put("in/b.jsonl", ROW);
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&locked).is_ok() {
        println!("this user may read everything: nothing to see");
        return;
    }
    scene.put("r.yaml", "dataset_path: in\nexport_path: out.jsonl\n");
    let ran = scene.run(&["run", "r.yaml"]);
    assert!(ran.stderr.contains("in/b.jsonl"), "{}", ran.stderr);
    assert_eq!(scene.text("out.jsonl"), ROW);
}

#[test]
fn output_within_the_input_is_not_read_again() {
    for output in ["in/out.jsonl", "in/out/"] {
        let scene = Scene::new();
        scene.put("in/a.jsonl", ROW);
        scene.put("in/z.jsonl", "no JSON\n");
        scene.put(
            "r.yaml",
            format!("dataset_path: in\nexport_path: {output}\n"),
        );
        for round in 0..3 {
            let args: &[&str] = if round == 2 {
                &["run", "r.yaml", "--restart"]
            } else {
                &["run", "r.yaml"]
            };
            scene.must_run(args);
            let report = scene.report("in/out");
            assert_eq!(report["rows"]["in"], 2, "round {round} of {output}");
        }
    }
}

#[test]
fn an_output_folder_that_is_missing_is_made() {
    let scene = Scene::new();
    scene.put("a.jsonl", ROW);
    scene.put(
        "r.yaml",
        "dataset_path: a.jsonl\nexport_path: some/where/else/out.jsonl\n",
    );
    scene.must_run(&["run", "r.yaml"]);
    assert_eq!(scene.text("some/where/else/out.jsonl"), ROW);
}

#[test]
fn an_output_path_that_is_a_folder_gets_parts_or_is_refused() {
    let scene = Scene::new();
    scene.put("a.jsonl", ROW);
    fs::create_dir(scene.path("out.jsonl")).unwrap();
    scene.put("r.yaml", "dataset_path: a.jsonl\nexport_path: out.jsonl\n");
    scene.must_run(&["run", "r.yaml"]);
    assert_eq!(scene.text("out.jsonl/part-00000.jsonl"), ROW);
    // A file where a folder is needed is not removed.
    scene.put("file", "mine");
    let ran = scene.run(&["run", "r.yaml", "--set", "export_path=file/out.jsonl"]);
    assert!(matches!(ran.code, Some(2 | 3)), "{}", ran.stderr);
    assert!(ran.stderr.contains("file"), "{}", ran.stderr);
    assert_eq!(scene.text("file"), "mine");
}

#[test]
fn an_output_folder_that_may_not_be_written_is_told_at_once() {
    let scene = Scene::new();
    scene.put("a.jsonl", ROW);
    let folder = scene.path("out");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    let probe = fs::write(folder.join("probe"), "").is_ok();
    // To root a read-only file system is the same.
    let disk = if probe {
        Disk::mount(&scene, "out", "size=64k,ro")
    } else {
        None
    };
    if probe && disk.is_none() {
        println!("this user may write everywhere: nothing to see");
        return;
    }
    scene.put(
        "r.yaml",
        "dataset_path: a.jsonl\nexport_path: out/x.jsonl\n",
    );
    let ran = scene.run(&["run", "r.yaml"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("out/x.wrasse"), "{}", ran.stderr);
    drop(disk);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A small file system in memory; only root may have one.
struct Disk(PathBuf);

impl Disk {
    fn mount(scene: &Scene, name: &str, options: &str) -> Option<Self> {
        let path = scene.path(name);
        fs::create_dir_all(&path).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&path)
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(Self(path))
    }

    fn resize(&self, size: &str) {
        let options = format!("remount,size={size}");
        assert!(
            Command::new("mount")
                .args(["-o", &options])
                .arg(&self.0)
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.0).status();
        assert!(
            unmounted.is_ok_and(|status| status.success()),
            "{} stays mounted",
            self.0.display()
        );
    }
}

#[test]
fn a_full_disk_stops_the_run_and_more_space_lets_it_go_on() {
    let scene = Scene::new();
    scene.put("in/a.jsonl", crate::kill::rows(6000, 41));
    scene.put("in/b.jsonl", crate::kill::rows(6000, 42));
    let steps = "process:\n  - text_length_filter: {min_len: 60}\n  - document_deduplicator:\n";
    for (output, size) in [
        ("x.jsonl", "1500k"),
        ("x.parquet", "600k"),
        ("x.jsonl.gz", "300k"),
    ] {
        let Some(disk) = Disk::mount(&scene, "disk", &format!("size={size}")) else {
            println!("no small disk can be had: nothing to see");
            return;
        };
        let recipe = |folder: &str| {
            format!(
                "dataset_path: in\nsplit_bytes: 100KiB\nexport_path: {folder}/{output}\n{steps}"
            )
        };
        scene.put("whole.yaml", recipe("whole"));
        scene.must_run(&["run", "whole.yaml", "--restart"]);
        scene.put("full.yaml", recipe("disk"));
        let args = [
            "run",
            "full.yaml",
            "--resume",
            "--commit-bytes",
            "64KiB",
            "--threads",
            "2",
        ];
        for _ in 0..2 {
            let ran = scene.run(&args);
            assert_eq!(ran.code, Some(3), "{output}: {}", ran.stderr);
            assert!(
                ran.stderr.contains("disk/") && ran.stderr.contains("space"),
                "{output}: {}",
                ran.stderr
            );
            assert!(!scene.has(&format!("disk/{output}")), "{output}");
        }
        disk.resize("64m");
        let ran = scene.must_run(&args);
        assert!(
            scene.get(&format!("disk/{output}")) == scene.get(&format!("whole/{output}")),
            "{output}: other bytes after a full disk: {}",
            ran.stderr
        );
        assert_eq!(
            scene.report("disk/x")["rows"],
            scene.report("whole/x")["rows"]
        );
        assert_eq!(scene.report("disk/x")["resumed"], true, "{output}");
    }
}
