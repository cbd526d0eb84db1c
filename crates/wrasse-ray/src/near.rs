//! Parts of the output that threads of the engine write, where all objects lie in its
//! machine's memory and no worker is free for it.
//!
//! A worker that streams keeps its processor while it waits, so that Ray would start
//! processes to write beside it. The engine can read the objects where they lie
//! ([`crate::lent`]), and does the same as a worker would.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, unbounded};
use wrasse_io::{Error as IoError, PartTask, WrittenFile};
use wrasse_run::Pass;

use crate::link::Link;
use crate::parts::{Shelf, Told};
use crate::wire::Verdict;
use crate::worker::write_rows;

/// A file that a thread is to write.
pub(crate) struct Near {
    pub(crate) number: u64,
    pub(crate) task: PartTask,
    pub(crate) objects: Vec<u64>,
    /// What gates have decided on each object's samples.
    pub(crate) verdicts: Vec<Option<Verdict>>,
}

/// What threads write with.
pub(crate) struct Desk {
    pub(crate) link: Arc<Link>,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) pass: Arc<Pass>,
    pub(crate) told: Sender<Told>,
}

/// Threads that write. They end when this is dropped and they have written what they were
/// given.
pub(crate) struct Threads {
    files: Sender<Near>,
    waiting: Receiver<Near>,
    desk: Arc<Desk>,
    n: usize,
    n_max: usize,
}

impl Threads {
    /// None yet, and at most so many: one more with each file.
    pub(crate) fn new(desk: Desk, n_max: usize) -> Self {
        // Bounded by the tasks that the sink has under way.
        let (files, waiting) = unbounded();
        Self {
            files,
            waiting,
            desk: Arc::new(desk),
            n: 0,
            n_max,
        }
    }

    /// Has a file written, of which is told when that is done.
    pub(crate) fn begin(&mut self, file: Near) -> Result<(), IoError> {
        if self.n < self.n_max {
            let (waiting, desk) = (self.waiting.clone(), Arc::clone(&self.desk));
            let thread = Builder::new().name("wrasse-parts".into());
            let begun = thread.spawn(move || desk.serve(&waiting));
            begun.map_err(|error| {
                IoError::new("the output", format!("cannot start a thread: {error}"))
            })?;
            self.n += 1;
        }
        // The other end is here, too.
        drop(self.files.send(file));
        Ok(())
    }
}

impl Desk {
    fn serve(&self, files: &Receiver<Near>) {
        let mut bytes = Vec::new();
        for file in files {
            let number = file.number;
            // Nobody listens any more if the run has ended.
            drop(
                self.told
                    .send(Told::Wrote(number, self.write(file, &mut bytes))),
            );
        }
    }

    fn write(&self, file: Near, bytes: &mut Vec<u8>) -> Result<WrittenFile, IoError> {
        let mut object = |at: usize, bytes: &mut Vec<u8>| {
            let object = file.objects.get(at).ok_or("an object is missing")?;
            let fetched = self.link.fetch(*object).map_err(|error| error.message)?;
            let waited = self.link.wait(&fetched, bytes);
            waited.map_err(|error| error.message)?;
            let n = bytes.len() as u64;
            self.shelf.fetched.fetch_add(n, Ordering::Relaxed);
            Ok(())
        };
        write_rows(&self.pass, (&file.task, file.verdicts), &mut object, bytes)
    }
}
