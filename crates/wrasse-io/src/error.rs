//! [`Error`]: why a file could not be read or written.

use std::io;

/// A failure of a file or store, with its place.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Error {
    /// The file or address, as the user wrote it or as it was found.
    pub path: String,
    /// A lowercase fragment: what went wrong, where in the file (byte offset,
    /// row), what was expected.
    pub message: String,
    /// What to do about it, when a fix is known.
    pub hint: Option<String>,
    /// The cause, if the system or a library reported it. Its text is not in
    /// `message`.
    #[source]
    pub source: Option<io::Error>,
}

impl Error {
    /// A failure without an outside cause.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
            hint: None,
            source: None,
        }
    }

    /// A failure that the system reported while doing `what`.
    pub fn io(path: impl Into<String>, what: impl Into<String>, source: io::Error) -> Self {
        Self {
            source: Some(source),
            ..Self::new(path, what)
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
