//! News of gateway and threads, as events.

use std::sync::Arc;

use wrasse_job::Step;
use wrasse_run::{Error, Outcome, Tally};
use wrasse_sched::{BlockId, Event, Metadata, TaskId, WorkerId};

use super::{Block, Doing, Holds, Ray};
use crate::note::Note;
use crate::protocol::{Hear, Say};
use crate::stream::Streamed;
use crate::wire::Meta;

impl Ray<'_> {
    /// A task has put out an object, and said what that holds.
    pub(super) fn put_out(&mut self, task: TaskId, object: u64, said: Vec<u8>) {
        let Some(running) = self.state.running.get_mut(&task) else {
            self.free(object);
            return;
        };
        running.has_put_out = true;
        // Until it is known what was done to it, it stands for its input.
        let mut tally = Tally::default();
        if let Some(returned) = running.returned.take() {
            self.books.absorbed.take_away(&returned);
            tally = returned;
        }
        let mut reads = false;
        match running.work {
            Doing::Read(_) => reads = true,
            Doing::Block(data) => tally = self.books.in_flight.remove(&data).unwrap_or_default(),
            Doing::ReadBack(_) => {}
        }
        let block = Block {
            object,
            verdict: None,
            said: Some(said),
            reads,
            holds: Holds::default(),
        };
        self.keep(task, block, tally, None);
    }

    /// Keeps an object of which so much is known; its name.
    pub(super) fn keep(
        &mut self,
        task: TaskId,
        block: Block,
        tally: Tally,
        metadata: Option<Metadata>,
    ) -> u64 {
        self.state.named += 1;
        let data = self.state.named;
        *self.state.objects.entry(block.object).or_default() += 1;
        self.state.blocks.insert(data, block);
        self.books.in_flight.insert(data, tally);
        self.known.push_back(Event::BlockReady {
            task,
            data,
            metadata,
        });
        data
    }

    /// What a task said of a block was looked through.
    fn fetched(&mut self, id: BlockId, data: u64, found: Result<Box<Meta>, Vec<u8>>) {
        // Otherwise nobody needs it any more.
        let Some(block) = self.state.blocks.get_mut(&data) else {
            return;
        };
        let metadata = match found {
            Ok(meta) => {
                if block.reads {
                    let left = self.books.rows_left.saturating_sub(meta.tally.rows_in);
                    self.books.rows_left = left;
                }
                self.books.in_flight.insert(data, meta.tally);
                block.holds = Holds {
                    bytes: meta.bytes,
                    rows: meta.rows,
                    is_encoded: meta.is_encoded,
                    hollow: meta.hollow.map(Arc::new),
                    notes: meta.notes.map(Arc::new),
                    fingerprints: Arc::new(meta.fingerprints),
                };
                Some(block.holds.metadata())
            }
            Err(said) => {
                block.said = Some(said);
                None
            }
        };
        let block = id;
        self.known
            .push_back(Event::MetadataReady { block, metadata });
        self.see_the_limit();
    }

    pub(super) fn release(&mut self, data: u64) {
        self.books.in_flight.remove(&data);
        if let Some(block) = self.state.blocks.remove(&data) {
            self.unhold(block.object);
        }
    }

    /// An object is needed once less.
    fn unhold(&mut self, object: u64) {
        let users = self.state.objects.entry(object).or_default();
        *users = users.saturating_sub(1);
        if *users == 0 {
            self.state.objects.remove(&object);
            self.free(object);
        }
    }

    pub(super) fn free(&self, object: u64) {
        // A gateway that is gone holds nothing, and is told of elsewhere.
        let objects = &[object];
        drop(self.link.say(&[Say::Free { objects }], &[]));
    }

    pub(super) fn drained(&mut self, task: TaskId) {
        if let Some(running) = self.state.running.remove(&task) {
            if let Some(number) = running.number {
                self.state.numbers.remove(&number);
            }
            let streamed = match (running.work, &mut self.stream) {
                (Doing::Read(place), Some(stream)) => stream.objects.remove(&place.split),
                _ => None,
            };
            if let Some((object, _)) = streamed {
                self.free(object);
            }
            if let Some(object) = running.last_use_of {
                self.unhold(object);
            }
            if let Doing::Block(data) = running.work {
                self.books.in_flight.remove(&data);
            }
        }
        self.known.push_back(Event::TaskDrained { task });
        self.see_the_limit();
    }

    /// Reads nothing more when a limited run has read all that it shall.
    fn see_the_limit(&mut self) {
        // Behind an exchange the run has only begun.
        let is_all = self.books.rows_left == 0 && !self.pipeline.has_exchange();
        if is_all && !self.books.has_read_all {
            self.books.has_read_all = true;
            self.known.push_back(Event::Cancel);
        }
    }

    /// Takes in what is reported.
    pub(super) fn take(&mut self, note: Note) -> Result<(), Error> {
        match note {
            Note::Heard(Some((heard, bytes))) => self.hear(heard, bytes)?,
            Note::Heard(None) => return Err(self.link.gone()),
            Note::Fetched { block, data, found } => self.fetched(block, data, found),
            Note::Judged {
                task,
                verdict,
                kept,
            } => self.judged(task, verdict, kept),
            Note::Asked { task } => self.asked(task),
            Note::Streamed { task, share } => self.streamed(task, share)?,
            Note::Absorbed { task, tally } => {
                self.books.absorbed.add(&tally);
                self.drained(task);
            }
            Note::Closed {
                op,
                shares,
                written,
            } => {
                self.books.absorbed.take_away(&written);
                self.shares = shares;
                self.state.opened = 0;
                let n = self.shares.len();
                let last = true;
                self.known.push_back(Event::SplitsFound { op, n, last });
            }
            Note::Returned {
                task,
                tally,
                last_use_of,
            } => {
                if let Some(running) = self.state.running.get_mut(&task) {
                    running.returned = Some(tally);
                    running.last_use_of = last_use_of;
                }
            }
            Note::Unheld { object } => self.unhold(object),
            Note::Written {
                block,
                tally,
                outcome,
            } => {
                self.books.writing.remove(&block);
                self.books.written.add(&tally);
                self.known.push_back(Event::OutputTaken { block });
                if outcome == Outcome::TooManyRejects && !self.books.too_many_rejects {
                    self.books.too_many_rejects = true;
                    self.known.push_back(Event::Cancel);
                }
            }
            Note::WriterFailed => return Err(Error::failed("the output cannot be written")),
            Note::Fatal(message) => return Err(Error::failed(message)),
        }
        Ok(())
    }

    fn hear(&mut self, heard: Hear, bytes: Vec<u8>) -> Result<(), Error> {
        match heard {
            Hear::Done { task, object, .. } => {
                if let Some(task) = self.state.numbers.get(&task).copied() {
                    if self.state.careful.contains_key(&task) {
                        return self.found(task, object, bytes);
                    }
                    self.put_out(task, object, bytes);
                    self.drained(task);
                } else {
                    self.free(object);
                }
            }
            Hear::Item { task, object, .. } => {
                let running = self.state.numbers.get(&task);
                let running = running.and_then(|task| {
                    let running = self.state.running.get_mut(task)?;
                    Some((*task, running))
                });
                if let Some((task, running)) = running {
                    running.waiting = Some((object, bytes));
                    self.known.push_back(Event::OutputWaiting { task });
                } else {
                    self.free(object);
                }
            }
            Hear::End { task } => {
                if let Some(task) = self.state.numbers.get(&task).copied() {
                    self.drained(task);
                }
            }
            Hear::Failed {
                task,
                kind,
                message,
            } => self.failed(task, kind, message)?,
            Hear::Up { actor } => {
                let worker = WorkerId(actor);
                if let Some(op) = self.actors.ready(worker) {
                    self.known.push_back(Event::WorkerUp { op, worker });
                }
            }
            Hear::Down { actor, message } => self.down(WorkerId(actor), message)?,
            Hear::Cluster(ref cluster) => {
                self.cluster = cluster.clone();
                self.tell_gates(heard, bytes);
            }
            Hear::Answered { .. } | Hear::ShardLost { .. } => self.tell_gates(heard, bytes),
            Hear::Fatal { message, hint } => {
                let error = Error::failed(message);
                return Err(match hint {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                });
            }
            Hear::Ready { .. } | Hear::Data { .. } | Hear::Lent { .. } | Hear::Lost { .. } => {}
        }
        Ok(())
    }

    /// A share of standard input has come, and tells whether there is another.
    fn streamed(&mut self, task: TaskId, share: Streamed) -> Result<(), Error> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        let at = stream.shares.end - 1;
        let known = self.shares.len() + 1;
        if share.is_last {
            let behind = self.splits[stream.split as usize + 1..].iter();
            self.shares
                .end_stream(behind.map(|split| split.bytes), self.target);
        } else {
            self.shares.stream(share.blocks);
            stream.shares.end += 1;
        }
        let n = match share.is_last {
            true => self.shares.len() - known,
            false => 1,
        };
        self.known.push_back(Event::SplitsFound {
            op: 0,
            n,
            last: share.is_last,
        });
        stream.n_put += 1;
        let object = stream.n_put;
        stream.objects.insert(at, (object, share.rows));
        let bytes = share.data.len();
        self.link
            .say(&[Say::Put { object, bytes }], &[&share.data])?;
        let Some(running) = self.state.running.get(&task) else {
            return Ok(());
        };
        let (op, doing) = (running.op, running.work);
        let pipeline = self.pipeline;
        if let Step::Read(part) = &pipeline.steps[op] {
            let spec = self.over_stream(part, 0);
            self.send(task, op, doing, &spec, (Some(object), None))?;
        }
        Ok(())
    }
}
