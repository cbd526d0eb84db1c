//! [`Error`]: why a run could not start or go on.

/// What kind of failure it is: decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The user asked for something that cannot be done as asked.
    Usage,
    /// The run started and could not go on.
    Failed,
}

/// A failure of a run.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// What went wrong and where, as a lowercase fragment.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The cause; its text is not in `message`.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Something that cannot be done as asked.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Usage,
            message: message.into(),
            hint: None,
            source: None,
        }
    }

    /// A run that could not go on.
    pub fn failed(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Failed,
            ..Self::usage(message)
        }
    }

    /// A run that could not go on because of `source`, while doing `what`.
    pub fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Self {
            source: Some(Box::new(source)),
            ..Self::failed(what)
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<wrasse_io::Error> for Error {
    fn from(error: wrasse_io::Error) -> Self {
        let hint = error.hint.clone();
        Self {
            kind: ErrorKind::Failed,
            message: error.to_string(),
            hint,
            source: error.source.map(|source| Box::new(source) as _),
        }
    }
}
