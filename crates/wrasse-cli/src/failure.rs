//! [`Failure`]: an error on its way to the user.

use std::error::Error;
use std::io::Write as _;

use wrasse_run::ErrorKind;

use crate::Exit;

/// An error, what to do about it, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    pub(crate) exit: Exit,
}

impl Failure {
    /// Something that cannot be done as asked.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            exit: Exit::Usage,
        }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Tells the user.
    pub(crate) fn print(&self) {
        if !self.message.is_empty() {
            say(&format!("error: {}", self.message));
        }
        if let Some(hint) = &self.hint {
            say(&format!("hint: {hint}"));
        }
    }
}

impl From<wrasse_run::Error> for Failure {
    fn from(error: wrasse_run::Error) -> Self {
        let mut message = error.message.clone();
        let mut source = error.source();
        while let Some(cause) = source {
            message.push_str(": ");
            message.push_str(&cause.to_string());
            source = cause.source();
        }
        Self {
            message,
            hint: error.hint,
            exit: match error.kind {
                ErrorKind::Usage => Exit::Usage,
                ErrorKind::Failed => Exit::Failed,
            },
        }
    }
}

/// Writes a line to standard error; a terminal that is gone cannot be told.
pub(crate) fn say(line: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

/// Writes to standard output; a reader that is gone (`| head`) ends it quietly.
pub(crate) fn print(text: &str) -> Result<Exit, Failure> {
    match anstream::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure {
            message: format!("cannot write to standard output: {error}"),
            hint: None,
            exit: Exit::Failed,
        }),
        _ => Ok(Exit::Done),
    }
}
