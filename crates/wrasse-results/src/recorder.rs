//! [`Recorder`]: records results while a run goes on.
//!
//! One thread owns follower and connection. It is told to look, now and then,
//! by a channel of one place: a nudge that finds it busy is not needed. When
//! the database fails, the thread connects anew with the next nudge; nothing is
//! lost, since the run directory holds it all.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::follow::Follower;
use crate::tables::Tables;
use crate::{Error, Outcome, RunFiles, Target, Task};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its output is complete.
    Complete,
    /// It was interrupted and can be resumed.
    Interrupted,
    /// It cannot go on.
    Failed,
}

/// What was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files that were exported.
    pub exported: u64,
    /// Files that operators dropped or emptied.
    pub filtered: u64,
    /// Files that could not be processed.
    pub failed: u64,
    /// Files that operators wrote to the folder themselves.
    pub others: u64,
}

enum Note {
    Look,
    End(Ended),
}

/// Records the results of a run.
pub struct Recorder {
    notes: SyncSender<Note>,
    thread: JoinHandle<Result<Counts, Error>>,
}

impl Recorder {
    /// Connects, and waits to be nudged.
    ///
    /// # Errors
    ///
    /// If there is no such database, or it does not know the data set.
    pub fn start(target: Target, task: Task, files: RunFiles) -> Result<Self, Error> {
        let tables = Tables::open(&target, &task)?;
        let (notes, inbox) = sync_channel(1);
        let work = Work {
            target,
            task,
            follower: Follower::new(files),
            tables: Some(tables),
            counts: Counts::default(),
        };
        let thread = std::thread::Builder::new()
            .name("wrasse-results".to_owned())
            .spawn(move || work.run(&inbox))
            .map_err(|error| Error::new("--results", format!("cannot start a thread: {error}")))?;
        Ok(Self { notes, thread })
    }

    /// Has it look for new commits, unless it is at it. Not before the run has
    /// opened its directory: an earlier one may have left its own there.
    pub fn nudge(&self) {
        let _ = self.notes.try_send(Note::Look);
    }

    /// Records the rest and the end. A run that failed before it opened its
    /// directory has neither: then drop the recorder.
    ///
    /// # Errors
    ///
    /// If the database fails, and did when it was tried again.
    pub fn end(self, ended: Ended) -> Result<Counts, Error> {
        // If the thread is gone, it says why.
        let _ = self.notes.send(Note::End(ended));
        self.thread
            .join()
            .unwrap_or_else(|_| Err(Error::new("--results", "the recorder panicked")))
    }
}

struct Work {
    target: Target,
    task: Task,
    follower: Follower,
    tables: Option<Tables>,
    counts: Counts,
}

impl Work {
    fn run(mut self, inbox: &Receiver<Note>) -> Result<Counts, Error> {
        for note in inbox {
            match note {
                // What fails now is tried again at the next nudge.
                Note::Look => drop(self.look()),
                Note::End(ended) => {
                    if self.end(ended).is_err() {
                        self.end(ended)?;
                    }
                    break;
                }
            }
        }
        Ok(self.counts)
    }

    fn look(&mut self) -> Result<(), Error> {
        self.follower.look()?;
        while !self.follower.is_at_end() {
            let (results, at) = self.follower.next(&self.task)?;
            if results.is_empty() && !self.follower.moves_to(at) {
                break;
            }
            self.with_tables(|tables, task| tables.record(&results, task))?;
            self.follower.taken(at);
            for result in &results {
                match result.outcome {
                    Outcome::Exported(_) => self.counts.exported += 1,
                    Outcome::Filtered { .. } => self.counts.filtered += 1,
                    Outcome::Failed { .. } => self.counts.failed += 1,
                }
            }
        }
        Ok(())
    }

    fn end(&mut self, ended: Ended) -> Result<(), Error> {
        self.look()?;
        if ended == Ended::Complete {
            self.counts.others = self.with_tables(|tables, task| tables.record_others(task))?;
        }
        if ended != Ended::Interrupted {
            self.with_tables(|tables, task| tables.end(ended == Ended::Failed, task))?;
        }
        Ok(())
    }

    /// Works with the tables; a connection that failed is not used again.
    fn with_tables<T>(
        &mut self,
        work: impl FnOnce(&mut Tables, &Task) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut tables = match self.tables.take() {
            Some(tables) => tables,
            None => Tables::open(&self.target, &self.task)?,
        };
        let done = work(&mut tables, &self.task)?;
        self.tables = Some(tables);
        Ok(done)
    }
}
