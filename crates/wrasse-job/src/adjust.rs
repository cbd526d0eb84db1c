//! [`Adjust`]: threads, memory and some habits of a run, changed while it runs.

use std::sync::{Arc, Mutex, PoisonError};

use wrasse_core::ByteCount;
use wrasse_run::FetchMode;

/// What is to change; what is not given stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Worker threads.
    pub threads: Option<usize>,
    /// Limit on the memory of the process.
    pub memory: Option<ByteCount>,
    /// When metadata of blocks is fetched, where they lie elsewhere.
    pub metadata: Option<FetchMode>,
}

/// Changes a run, from any thread. Clones are the same handle; backends look at it
/// now and then.
#[derive(Clone, Debug, Default)]
pub struct Adjust(Arc<Mutex<Handed>>);

#[derive(Debug, Default)]
struct Handed {
    wanted: Option<Change>,
    /// What came of the last one: nothing, or why it was not done.
    answer: Option<Result<(), String>>,
}

impl Adjust {
    /// Asks for a change, in place of one that was not taken yet.
    pub fn ask(&self, change: Change) {
        self.handed().wanted = Some(change);
    }

    /// What came of the last change, once.
    pub fn answer(&self) -> Option<Result<(), String>> {
        self.handed().answer.take()
    }

    /// What is asked for, once: for a backend, which then answers.
    pub fn take(&self) -> Option<Change> {
        self.handed().wanted.take()
    }

    /// Says what came of a change.
    pub fn done(&self, answer: Result<(), String>) {
        self.handed().answer = Some(answer);
    }

    fn handed(&self) -> std::sync::MutexGuard<'_, Handed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
