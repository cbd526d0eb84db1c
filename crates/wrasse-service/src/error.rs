//! [`Error`]: what can be wrong with what is asked of the scheduler.

use crate::JobId;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was submitted makes no sense.
    #[error("{0}")]
    Refused(String),
    /// There is no such job.
    #[error("there is no job `{0}`")]
    Unknown(JobId),
    /// The job is not in a state for it.
    #[error("{0}")]
    Conflict(String),
    /// Not done within the time that was given.
    #[error("`{0}` has not come to its end in time")]
    TimedOut(JobId),
    /// More is asked than can be written down; later it may go.
    #[error("the scheduler is behind with its work")]
    Busy,
    /// The scheduler was shut down.
    #[error("the scheduler was shut down")]
    Gone,
    /// The store.
    #[error("the store of jobs: {0}")]
    Store(#[from] StoreError),
    /// A file of the state directory.
    #[error("{place}: {source}")]
    Io {
        /// Which.
        place: String,
        /// What is wrong with it.
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn io(place: &std::path::Path, source: std::io::Error) -> Self {
        Self::Io {
            place: place.display().to_string(),
            source,
        }
    }
}

/// What is wrong with the store.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    /// In words.
    pub message: String,
}

impl StoreError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<postgres::Error> for StoreError {
    fn from(error: postgres::Error) -> Self {
        // What the server says is behind it.
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        Self::new(cause.unwrap_or_else(|| error.to_string()))
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::new(format!("a row that cannot be read: {error}"))
    }
}
