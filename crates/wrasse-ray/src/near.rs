//! Parts of the output that threads of the engine write, where all objects lie in its
//! machine's memory and no worker is free for it.
//!
//! A worker that streams keeps its processor while it waits, so that Ray would start
//! processes to write beside it. The engine can read the objects where they lie
//! ([`crate::lent`]), and does the same as a worker would.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::Builder;

use crossbeam_channel::Sender;
use wrasse_io::{Error as IoError, PartTask, WrittenFile};
use wrasse_run::Pass;

use crate::link::Link;
use crate::parts::{Shelf, Told};
use crate::wire::Verdict;
use crate::worker::write_rows;

/// A file that a thread is to write.
pub(crate) struct Near {
    pub(crate) link: Arc<Link>,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) pass: Arc<Pass>,
    pub(crate) number: u64,
    pub(crate) task: PartTask,
    pub(crate) objects: Vec<u64>,
    /// What gates have decided on each object's samples.
    pub(crate) verdicts: Vec<Option<Verdict>>,
}

impl Near {
    /// Begins a thread that writes the file and says so.
    pub(crate) fn begin(self, told: Sender<Told>) -> Result<(), IoError> {
        let thread = Builder::new().name("wrasse-parts".into());
        let begun = thread.spawn(move || {
            let number = self.number;
            // Nobody listens any more if the run has ended.
            drop(told.send(Told::Wrote(number, self.write())));
        });
        begun
            .map(drop)
            .map_err(|error| IoError::new("the output", format!("cannot start a thread: {error}")))
    }

    fn write(self) -> Result<WrittenFile, IoError> {
        let mut object = |at: usize, bytes: &mut Vec<u8>| {
            let object = self.objects.get(at).ok_or("an object is missing")?;
            let fetched = self.link.fetch(*object).map_err(|error| error.message)?;
            let waited = self.link.wait(&fetched, bytes);
            waited.map_err(|error| error.message)?;
            let n = bytes.len() as u64;
            self.shelf.fetched.fetch_add(n, Ordering::Relaxed);
            Ok(())
        };
        write_rows(&self.pass, &self.task, self.verdicts, &mut object)
    }
}
