//! A folder to run in, and the program run there.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Longer than any run here takes, however loaded the machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// An empty folder of one's own, in which the program runs.
pub(crate) struct Scene {
    folder: TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn get(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.get(name)).unwrap()
    }

    /// Whether a file is there; a file that is not there has no lines.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    pub(crate) fn lines(&self, name: &str) -> Vec<Value> {
        if !self.has(name) {
            return Vec::new();
        }
        self.text(name)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wrasse"));
        command.args(args).current_dir(self.folder.path());
        command
    }

    /// Starts the program in the background, silent.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Runs the program to its end; a run that hangs or panics fails the test.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_fed(args, b"")
    }

    /// The same, with standard input.
    pub(crate) fn run_fed(&self, args: &[&str], input: &[u8]) -> Ran {
        finish(self.command(args), input, PATIENCE)
    }

    /// Runs the program, which must succeed.
    pub(crate) fn must_run(&self, args: &[&str]) -> Ran {
        let ran = self.run(args);
        assert_eq!(ran.code, Some(0), "{args:?}: {}", ran.stderr);
        ran
    }

    /// The report of the run whose output has the stem `stem`; its books must
    /// balance.
    pub(crate) fn report(&self, stem: &str) -> Value {
        let report: Value =
            serde_json::from_slice(&self.get(&format!("{stem}.wrasse/report.json"))).unwrap();
        assert_balanced(&report);
        report
    }

    /// All files below `folder` by name, those of the run directory too if
    /// their bytes tell what happened.
    pub(crate) fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.path(folder), "", &mut files);
        files
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    // A run may be killed before it makes its folder.
    if !folder.exists() {
        return;
    }
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}

/// Runs a command to its end, within `patience`.
pub(crate) fn finish(mut command: Command, input: &[u8], patience: Duration) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let id = child.id();
    let (done, is_done) = std::sync::mpsc::channel();
    let Output {
        status,
        stdout,
        stderr,
    } = std::thread::scope(|scope| {
        // A program that does not read its input closes the pipe.
        scope.spawn(move || drop(stdin.write_all(input)));
        scope.spawn(move || {
            if is_done.recv_timeout(patience).is_err() {
                signal(id, "KILL");
            }
        });
        let output = child.wait_with_output().unwrap();
        let _ = done.send(());
        output
    });
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    assert!(!stderr.contains("panicked at"), "{command:?}: {stderr}");
    assert!(
        status.code().is_some(),
        "{command:?} hung or crashed ({status}): {stderr}"
    );
    Ran {
        code: status.code(),
        stdout,
        stderr,
    }
}

pub(crate) fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &pid.to_string()])
        .output();
    assert!(sent.is_ok(), "{sent:?}");
}

/// `in + added by slicing = out + dropped + duplicates + merged + rejected`.
pub(crate) fn assert_balanced(report: &Value) {
    let rows = &report["rows"];
    let n = |name: &str| rows[name].as_i64().unwrap();
    assert_eq!(
        n("in") + n("added_by_slicing"),
        n("out") + n("dropped") + n("duplicates") + n("merged") + n("rejected"),
        "{report}"
    );
}

/// The time now.
#[expect(clippy::disallowed_methods, reason = "runs are killed at some time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "another process is watched")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Numbers that look random and are the same in every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}
