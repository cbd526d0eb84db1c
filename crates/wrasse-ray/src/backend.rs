//! [`Cluster`](Ray): the backend of Ray. It does what the scheduler commands, and
//! turns what gateway and threads say into events.
//!
//! Blocks are objects of Ray; here are their numbers and what is known of them.
//! What a gate has decided travels beside its object, to whoever works on that
//! next: an object is never changed.
//!
//! Ray does not say when a task begins, so that it counts as begun when it is
//! handed over; the scheduler hands over two for each processor, one to wait at
//! the door. An actor has one task at a time.

mod hearing;
mod hiring;
mod judging;
mod submitting;
mod suspects;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use wrasse_io::{Inputs, Split};
use wrasse_job::{Books, Pipeline, Step};
use wrasse_op::Fingerprint;
use wrasse_run::{Backend, Error, Fetcher, Tally};
use wrasse_sched::{Command, Event, FailureClass, Metadata, OpIdx, Place, TaskId, WorkerId};

use self::judging::Undecided;
use self::suspects::{Killer, Search};
use crate::actors::Actors;
use crate::link::Link;
use crate::needs::Ledger;
use crate::note::Note;
use crate::ordering::Turn;
use crate::protocol::{Cluster, Say};
use crate::shares::Shares;
use crate::stream::Stream;
use crate::wire::{Said, Verdict};
use crate::writing::Order;

/// Attempts that Ray makes by itself when a worker or a node dies. They are also
/// what lost objects are made again with.
const RETRIES: i32 = 3;

/// A cluster, its tasks, and the objects between them.
pub(crate) struct Ray<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) pipeline: &'a Pipeline,
    pub(crate) inputs: &'a Inputs,
    pub(crate) splits: &'a [Split],
    /// What is read together: the input's splits, or those of the exchange that
    /// is read from.
    pub(crate) shares: Shares,
    /// In how many pieces the keys of each stage's samples are cut.
    pub(crate) pieces: Vec<u32>,
    /// Where a resumed run begins: split and blocks of it.
    pub(crate) start: Place,
    /// Bytes that an output shall have.
    pub(crate) target: u64,
    pub(crate) link: &'a Link,
    /// Standard input, if it is read.
    pub(crate) stream: Option<Stream>,
    pub(crate) orders: Sender<Order>,
    pub(crate) turns: Sender<Turn>,
    pub(crate) notes: Receiver<Note>,
    /// Looks through what tasks say of their objects: for a large one that is
    /// hundreds of KB, for which the other tasks need not wait.
    pub(crate) fetcher: Fetcher<Said>,
    /// Events that are known already.
    pub(crate) known: VecDeque<Event>,
    pub(crate) state: State,
    pub(crate) books: Books,
    pub(crate) actors: Actors,
    /// The cluster as it was last heard of.
    pub(crate) cluster: Cluster,
}

/// Objects and tasks.
#[derive(Default)]
pub(crate) struct State {
    /// Blocks by the scheduler's names.
    blocks: HashMap<u64, Block>,
    /// How many blocks are of an object.
    objects: HashMap<u64, u32>,
    /// Shares that were handed to a task.
    opened: u32,
    /// The names of blocks and the numbers of tasks so far.
    named: u64,
    numbered: u64,
    /// Tasks that run: those of Ray have a number.
    running: HashMap<TaskId, Running>,
    numbers: HashMap<u64, TaskId>,
    /// What gates have asked about, by their tasks.
    undecided: HashMap<TaskId, Undecided>,
    /// Inputs whose workers died, with how often.
    killers: BTreeMap<(OpIdx, Killer), u32>,
    last_failure: Option<String>,
    /// Tasks that are searched for samples that kill.
    careful: HashMap<TaskId, Search>,
}

/// An object, or what a gate has left of it.
struct Block {
    object: u64,
    verdict: Option<Verdict>,
    /// What its task said of it, until that is looked through.
    said: Option<Vec<u8>>,
    /// Whether it was read from the input, of which a run may read a part only.
    reads: bool,
    /// What that says, once it is.
    holds: Holds,
}

/// What a block holds.
#[derive(Clone, Default)]
struct Holds {
    bytes: u64,
    rows: u32,
    is_encoded: bool,
    /// What the writer needs of it where workers write its rows.
    hollow: Option<Arc<Vec<u8>>>,
    /// What an exchange is told of it.
    notes: Option<Arc<Vec<u8>>>,
    fingerprints: Arc<Vec<Fingerprint>>,
}

impl Holds {
    fn metadata(&self) -> Metadata {
        Metadata {
            bytes: self.bytes,
            rows: self.rows,
            holder: None,
        }
    }
}

struct Running {
    op: OpIdx,
    work: Doing,
    number: Option<u64>,
    /// The actor that has it.
    worker: Option<WorkerId>,
    /// An output that the scheduler has not asked for yet.
    waiting: Option<(u64, Vec<u8>)>,
    /// What an exchange had taken in and will be in the first output.
    returned: Option<Tally>,
    /// The object that nobody needs when it is done.
    last_use_of: Option<u64>,
    has_put_out: bool,
}

/// What a running task works on.
#[derive(Clone, Copy)]
enum Doing {
    Read(Place),
    Block(u64),
    ReadBack(Place),
}

impl Ray<'_> {
    /// Ends the writer, which completes the output if all is written.
    pub(crate) fn end(self, is_complete: bool) -> Books {
        if is_complete {
            drop(self.orders.send(Order::Finish));
        }
        self.books
    }

    /// Shares that no task has yet.
    pub(crate) fn unopened(&self) -> u32 {
        self.shares.len().saturating_sub(self.state.opened)
    }

    /// The scheduler takes the output that waits; the next one may come.
    fn read(&mut self, task: TaskId) -> Result<(), Error> {
        let Some(running) = self.state.running.get_mut(&task) else {
            return Ok(());
        };
        let (Some((object, said)), Some(number)) = (running.waiting.take(), running.number) else {
            return Ok(());
        };
        self.put_out(task, object, said);
        self.link.say(&[Say::Pull { task: number }], &[])
    }
}

impl Ray<'_> {
    /// Stops a task: of those that have begun, only an actor's may take long.
    fn stop(&mut self, task: TaskId) -> Result<(), Error> {
        let Some(running) = self.state.running.get(&task) else {
            return Ok(());
        };
        match (running.number, running.worker, running.work) {
            (Some(number), None, _) => return self.link.say(&[Say::Cancel { task: number }], &[]),
            // It ends with the gateway, in a moment.
            (Some(number), Some(_), doing) => {
                self.state.numbers.remove(&number);
                if let Doing::Block(data) = doing {
                    self.books.in_flight.remove(&data);
                }
            }
            // It waits for standard input.
            (None, _, Doing::Read(_)) => {}
            (None, ..) => return Ok(()),
        }
        self.state.running.remove(&task);
        let class = FailureClass::Transient;
        self.known.push_back(Event::TaskFailed { task, class });
        Ok(())
    }
}

impl Backend for Ray<'_> {
    fn obey(&mut self, command: Command) -> Result<(), Error> {
        match command {
            Command::Submit {
                task,
                op,
                input,
                skip_outputs,
                poisoned_after,
                worker,
                ..
            } => self.submit(task, op, input, (skip_outputs, poisoned_after), worker)?,
            Command::Read { task, .. } => self.read(task)?,
            Command::Emit { block, data, .. } => {
                let tally = self.books.in_flight.remove(&data).unwrap_or_default();
                self.books.writing.insert(block, tally);
                let held = &self.state.blocks[&data];
                if held.holds.hollow.is_some() {
                    // The writer needs it for longer than the scheduler.
                    *self.state.objects.entry(held.object).or_default() += 1;
                }
                drop(self.orders.send(Order::Write {
                    block,
                    object: held.object,
                    bytes: held.holds.bytes,
                    verdict: held.verdict.clone(),
                    hollow: held.holds.hollow.clone(),
                }));
            }
            Command::Advance { to } => {
                let (split, seq) = self.shares.first(to.split);
                drop(self.orders.send(Order::Advance(split, seq)));
            }
            Command::Release { data } => self.release(data),
            Command::Close { op } => {
                if let Step::Exchange(exchange, _) = &self.pipeline.steps[op] {
                    drop(self.turns.send(Turn::Close {
                        op,
                        exchange: *exchange,
                    }));
                }
            }
            Command::Cancel { task } => self.stop(task)?,
            Command::ScalePool { op, workers } => {
                let (n, ready) = self.actors.scale(op, workers);
                if let Some(worker) = ready {
                    self.known.push_back(Event::WorkerUp { op, worker });
                }
                (0..n).try_for_each(|_| self.hire(op, true))?;
            }
            Command::StopWorker { worker, .. } => {
                self.actors.remove(worker);
                let actor = worker.0;
                self.link.say(&[Say::Dismiss { actor }], &[])?;
            }
            Command::FetchMetadata { block, data } => {
                let held = self.state.blocks.get_mut(&data);
                match held.and_then(|held| held.said.take()) {
                    Some(bytes) => self.fetcher.fetch(block, Said { data, bytes }),
                    None => self.wonders(block, data),
                }
            }
            Command::Finish | Command::Fail { .. } => {}
        }
        Ok(())
    }

    fn poll(&mut self, deadline: Instant) -> Result<Option<Event>, Error> {
        while self.known.is_empty() {
            match self.notes.recv_deadline(deadline) {
                Ok(note) => self.take(note)?,
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => return Err(self.link.gone()),
            }
        }
        Ok(self.known.pop_front())
    }

    fn failure(&mut self) -> Option<Error> {
        let message = self.state.last_failure.take()?;
        Some(
            Error::failed(format!("workers die at a part of the input: {message}"))
                .with_hint("the nodes' memory may be too small, see the logs of Ray"),
        )
    }
}
