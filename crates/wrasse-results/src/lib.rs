//! What became of each file of a run over a list of files, in a database:
//! SQLite, or the tables in PostgreSQL that DataMate has for it.
//!
//! A [`Recorder`] follows the run directory while the run goes on, on a thread
//! of its own. It records what a commit of the run vouches for and nothing
//! else, so that no file is told to be there that a crash takes back; and it
//! may record the same twice without a trace, so that a resumed run needs no
//! memory of what was recorded.
//!
//! Layer: 5.

mod connection;
mod follow;
mod outcome;
mod postgres;
mod recorder;
mod sqlite;
mod tables;

use std::path::PathBuf;

pub use outcome::{Destination, FileResult, Outcome};
pub use recorder::{Counts, Ended, Recorder};

/// Where results go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A file of SQLite; made if it is not there, with the tables.
    Sqlite(PathBuf),
    /// The address of a database of PostgreSQL that has DataMate's tables.
    Postgres(String),
}

/// The task that results belong to.
#[derive(Clone, Debug, Default)]
pub struct Task {
    /// The task itself (`t_clean_task.id`).
    pub instance_id: String,
    /// The data set that exported files belong to (`t_dm_datasets.id`).
    pub dataset_id: String,
    /// The folder of exported files.
    pub export_path: PathBuf,
    /// The names of operators as users know them, by those in reject files.
    /// `read` and `write` stand for source and sink.
    pub names: Vec<(String, String)>,
}

/// Where a run writes down what became of its samples.
#[derive(Clone, Debug)]
pub struct RunFiles {
    /// The run directory.
    pub dir: PathBuf,
    /// The reject file.
    pub rejects: PathBuf,
    /// The file of dropped samples.
    pub dropped: PathBuf,
    /// The file of what operators wrote down themselves.
    pub told: PathBuf,
}

/// Why results could not be recorded.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {message}")]
pub struct Error {
    /// The database, without a password, or the file.
    pub place: String,
    /// A lowercase fragment: what went wrong.
    pub message: String,
    /// What to do about it, when a fix is known.
    pub hint: Option<String>,
}

impl Error {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            message: message.into(),
            hint: None,
        }
    }

    fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
