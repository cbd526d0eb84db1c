//! `wrasse script`: a Python script of another tool, unmodified. The work is that of
//! the Python package (`wrasse.scripts`), which starts this program again for each run
//! that the script asks for; this becomes it.

use std::os::unix::process::CommandExt;

use crate::args::ScriptArgs;
use crate::failure::Failure;
use crate::{Exit, python};

/// The variable that says which program runs what a script asks for.
const PROGRAM: &str = "WRASSE_PROGRAM";

pub(crate) fn script(args: &ScriptArgs) -> Result<Exit, Failure> {
    let python =
        python::alone(args.python.as_deref()).map_err(|error| Failure::usage(error.to_string()))?;
    let mut command = python.module("wrasse.scripts");
    // The script prints, hashes and is ended as if it had been started by itself.
    command
        .args(&args.words)
        .env_remove("PYTHONUNBUFFERED")
        .env_remove("PYTHONHASHSEED");
    // Within Python the process is the interpreter; the package has said which.
    if let Ok(program) = std::env::current_exe()
        && !program
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"python"))
    {
        command.env(PROGRAM, program);
    }
    let error = command.exec();
    Err(Failure::usage(format!(
        "cannot start the interpreter {}: {error}",
        python.made_with().interpreter.program.display()
    ))
    .with_hint("name one with --python, or activate an environment"))
}
