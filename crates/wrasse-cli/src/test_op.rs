//! `wrasse test-op`: an operator in Python, tried outside of a job. The work is
//! that of the Python package (`wrasse.test_op`); this starts it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use crate::Exit;
use crate::args::TestOpArgs;
use crate::failure::Failure;

pub(crate) fn test_op(args: &TestOpArgs) -> Result<Exit, Failure> {
    let python = interpreter(args.python.as_deref());
    let mut command = Command::new(&python);
    command.args(["-m", "wrasse.test_op"]).arg(&args.reference);
    for setting in &args.set {
        command.arg("--set").arg(setting);
    }
    if args.json {
        command.arg("--json");
    }
    for (flag, value) in [
        ("--rows", args.rows.map(|n| n.to_string())),
        ("--timeout", args.timeout.map(|n| n.to_string())),
    ] {
        if let Some(value) = value {
            command.args([flag, &value]);
        }
    }
    if let Some(path) = package() {
        command.env("PYTHONPATH", with_package(path)?);
    }
    let status = command.status().map_err(|error| {
        Failure::usage(format!(
            "cannot start the interpreter {}: {error}",
            python.display()
        ))
        .with_hint("name one with --python, or activate an environment")
    })?;
    ended(status)
}

/// What the child's end means here.
fn ended(status: ExitStatus) -> Result<Exit, Failure> {
    match status.code() {
        Some(0) => Ok(Exit::Done),
        Some(1) => Ok(Exit::Rejects),
        Some(2) => Ok(Exit::Usage),
        Some(code) => Err(lost(format!(
            "the operator ended its process with exit code {code}"
        ))),
        None => Err(lost(format!("the operator ended its process: {status}"))),
    }
}

fn lost(message: String) -> Failure {
    Failure {
        message,
        hint: Some(
            "in a run, such an operator costs a worker for each of these samples".to_owned(),
        ),
        exit: Exit::Rejects,
    }
}

/// The interpreter that was named, that of the active environment, or the first
/// on the path.
fn interpreter(named: Option<&Path>) -> PathBuf {
    if let Some(named) = named {
        return named.to_owned();
    }
    let program = if cfg!(windows) {
        "python.exe"
    } else {
        "bin/python"
    };
    ["VIRTUAL_ENV", "CONDA_PREFIX"]
        .into_iter()
        .filter_map(std::env::var_os)
        .map(|environment| Path::new(&environment).join(program))
        .find(|python| python.is_file())
        .unwrap_or_else(|| PathBuf::from("python3"))
}

/// The folder that the Python package lies in, if it is not installed: that of
/// `$WRASSE_PYTHONPATH`, or of the source tree that this program was built in.
fn package() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("WRASSE_PYTHONPATH") {
        return Some(PathBuf::from(path));
    }
    let program = std::env::current_exe().ok()?.canonicalize().ok()?;
    program
        .ancestors()
        .map(|folder| folder.join("python"))
        .find(|folder| folder.join("wrasse/test_op.py").is_file())
}

/// The path for Python's modules with `package` in front.
fn with_package(package: PathBuf) -> Result<OsString, Failure> {
    let known = std::env::var_os("PYTHONPATH").unwrap_or_default();
    let known: Vec<PathBuf> = std::env::split_paths(&known)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    std::env::join_paths(std::iter::once(package).chain(known))
        .map_err(|error| Failure::usage(format!("PYTHONPATH: {error}")))
}
