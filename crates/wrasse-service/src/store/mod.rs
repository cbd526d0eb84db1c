//! [`Store`]: where jobs are when nothing runs.
//!
//! One writer, which is the scheduler's own thread, and readers beside it. All
//! that happens together is written together; what was written survives
//! whatever happens to the process and the machine.

mod postgres;
mod sqlite;

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::board::Change;
use crate::error::StoreError;
use crate::{Job, JobId, Millis, State, Submission};

pub use postgres::Postgres;
pub use sqlite::Sqlite;

/// Something to be written.
#[derive(Clone, Debug)]
pub enum Write {
    /// A new job.
    Insert(Box<Job>),
    /// Where a job stands now, and what came of it, if that is known now.
    Change(Change, Option<Value>),
    /// A job has another submission.
    Revise(JobId, Box<Submission>),
    /// A job that came to its end is pending again.
    Again(JobId, Millis),
    /// A job that came to its end is forgotten.
    Delete(JobId),
}

/// A step of a job's way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Transition {
    /// Where it stood then.
    pub state: State,
    /// Since when.
    pub at: Millis,
    /// Attempts begun.
    pub attempt: u32,
    /// Processes begun.
    pub launch: u32,
    /// Why, if an attempt failed.
    pub error: Option<String>,
}

impl Write {
    /// The step that the job's way has with it, if it has one.
    fn step(&self) -> Option<(&JobId, Transition)> {
        let first = |state, at| Transition {
            state,
            at,
            attempt: 0,
            launch: 0,
            error: None,
        };
        match self {
            Self::Insert(job) => Some((&job.id, first(job.state, job.created_at))),
            Self::Again(id, at) => Some((id, first(State::Pending, *at))),
            Self::Change(change, _) if change.is_transition => {
                let step = Transition {
                    state: change.state,
                    at: change.at,
                    attempt: change.attempts,
                    launch: change.launches,
                    error: change.error.clone(),
                };
                Some((&change.id, step))
            }
            Self::Change(..) | Self::Revise(..) | Self::Delete(_) => None,
        }
    }
}

/// Which jobs to list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Of this state.
    pub state: Option<State>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Whose number is lower.
    pub before: Option<u64>,
    /// So many at the most.
    pub limit: usize,
}

/// Opens the store that an address names: `postgres://...`, or none for the
/// file `file`.
///
/// # Errors
///
/// If it cannot be opened.
pub(crate) fn open(address: Option<&str>, file: &Path) -> Result<Box<dyn Store>, StoreError> {
    match address {
        None => Ok(Box::new(Sqlite::open(file)?)),
        Some(address)
            if ["postgres://", "postgresql://"]
                .iter()
                .any(|one| address.starts_with(one)) =>
        {
            Ok(Box::new(Postgres::open(address)?))
        }
        Some(_) => Err(StoreError::new(
            "expected an address such as postgres://user@host/name",
        )),
    }
}

/// Writes, and is read by the scheduler at its start.
pub trait Store: Send {
    /// Makes sure that nobody else writes, for as long as this lasts.
    ///
    /// # Errors
    ///
    /// If somebody else does.
    fn claim(&mut self) -> Result<(), StoreError>;

    /// All that have not come to their end, by number.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn unfinished(&mut self) -> Result<Vec<Job>, StoreError>;

    /// How many there are of each state, in the order of [`State::ALL`].
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn counts(&mut self) -> Result<[u64; 5], StoreError>;

    /// The highest number of a job; 0 if there are none.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn last_seq(&mut self) -> Result<u64, StoreError>;

    /// Writes all of it, or nothing.
    ///
    /// # Errors
    ///
    /// If it could not be written; then nothing was.
    fn write(&mut self, writes: &[Write]) -> Result<(), StoreError>;

    /// Another connection, for reading what was written.
    ///
    /// # Errors
    ///
    /// If there can be none.
    fn reader(&self) -> Result<Box<dyn Read>, StoreError>;
}

/// Reads what was written.
pub trait Read: Send {
    /// Whether a job is read in a fraction of a millisecond, without a network:
    /// then whoever wants one need not have another thread read it.
    fn is_quick(&self) -> bool {
        false
    }

    /// A job.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn job(&mut self, id: &JobId) -> Result<Option<Job>, StoreError>;

    /// Jobs, the latest first.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn jobs(&mut self, filter: &Filter) -> Result<Vec<Job>, StoreError>;

    /// The way of a job, from its submission.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn history(&mut self, id: &JobId) -> Result<Vec<Transition>, StoreError>;
}

#[cfg(test)]
mod tests;
