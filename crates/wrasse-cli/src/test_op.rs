//! `wrasse test-op`: an operator in Python, tried outside of a job. The work is
//! that of the Python package (`wrasse.test_op`); this starts it.

use std::process::ExitStatus;

use crate::Exit;
use crate::args::TestOpArgs;
use crate::failure::Failure;
use crate::python;

pub(crate) fn test_op(args: &TestOpArgs) -> Result<Exit, Failure> {
    let python =
        python::alone(args.python.as_deref()).map_err(|error| Failure::usage(error.to_string()))?;
    let mut command = python.module("wrasse.test_op");
    command.arg(&args.reference);
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
    let status = command.status().map_err(|error| {
        Failure::usage(format!(
            "cannot start the interpreter {}: {error}",
            python.made_with().interpreter.program.display()
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
