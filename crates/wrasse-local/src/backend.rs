//! [`Local`]: the backend of threads. It does what the scheduler commands, and
//! turns what threads say into events.
//!
//! Blocks are handed over, not copied: whoever works on a block owns it. What
//! is left of a block that was cut keeps its name.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use wrasse_io::Split;
use wrasse_job::{Books, Pipeline, Step};
use wrasse_run::{Backend, BlockState, Error, Outcome};
use wrasse_sched::{Command, Event, FailureClass, Input, Metadata, OpIdx, Place, TaskId, WorkerId};

use crate::ordering::Turn;
use crate::pools::{Crew, Tag};
use crate::worker::{Note, Reader, Task};
use crate::writing::Order;

/// Threads, their tasks, and the blocks between them.
pub(crate) struct Local<'a> {
    pub(crate) pipeline: &'a Pipeline,
    pub(crate) splits: Vec<Split>,
    /// Where a resumed run begins.
    pub(crate) start: Place,
    pub(crate) tasks: Sender<Task>,
    pub(crate) orders: Sender<Order>,
    pub(crate) notes: Receiver<Note>,
    /// Events that are known already.
    pub(crate) known: VecDeque<Event>,
    pub(crate) turns: Sender<Turn>,
    /// Blocks that wait, by name.
    pub(crate) blocks: HashMap<u64, Box<BlockState>>,
    /// The names of blocks so far.
    pub(crate) named: u64,
    /// Tasks that run: what they work on.
    pub(crate) running: HashMap<TaskId, Work>,
    /// Worker processes, by operator.
    pub(crate) crews: BTreeMap<OpIdx, Crew>,
    /// Readers that nobody uses at the moment.
    pub(crate) readers: BTreeMap<u32, Reader>,
    pub(crate) books: Books,
}

/// What a running task works on.
pub(crate) enum Work {
    Read(Place),
    /// The block, and rows of it that were taken before.
    Block(u64, u32),
    /// A split of an exchange.
    ReadBack,
    /// A block with a worker process.
    Outside(u64),
}

impl Local<'_> {
    /// Ends workers and writer, which completes the output if all is written.
    pub(crate) fn end(self, is_complete: bool) -> Books {
        if is_complete {
            drop(self.orders.send(Order::Finish));
        }
        // Late notes must not block a thread that is about to end: with the
        // channels, they go too.
        self.books
    }

    fn submit(&mut self, task: TaskId, op: OpIdx, input: Input, worker: Option<WorkerId>) {
        match (&self.pipeline.steps[op], input) {
            (Step::Read(part), Input::Split(place)) => {
                let resumes = place == self.start && !self.pipeline.has_exchange();
                let skip = if resumes { place.seq } else { 0 };
                self.running.insert(task, Work::Read(place));
                let work = Task::Read {
                    task,
                    part: part.clone(),
                    split: self.splits[place.split as usize].clone(),
                    reader: self
                        .readers
                        .remove(&place.split)
                        .unwrap_or(Reader::Fresh { skip }),
                    rows_max: self.books.rows_left,
                };
                drop(self.tasks.send(work));
            }
            (Step::Run(part), Input::Block { data, rows, .. }) => {
                let from = rows.map_or(0, |rows| rows.from);
                self.running.insert(task, Work::Block(data, from));
                let state = self.blocks.remove(&data);
                let work = Task::Run {
                    task,
                    part: part.clone(),
                    // It is accounted for until its output is.
                    state: state.expect("the scheduler names blocks that wait"),
                };
                drop(self.tasks.send(work));
            }
            (Step::Outside(part), Input::Block { data, .. }) => {
                let mut state = self.lend(task, data);
                self.running.insert(task, Work::Outside(data));
                let samples = state.take_samples();
                let part = part.clone();
                let tag = Tag { task, part, state };
                if let Some((crew, worker)) = self.crews.get(&op).zip(worker) {
                    crew.submit(worker, tag, samples);
                }
            }
            (Step::Gate(gate), Input::Block { data, .. }) => {
                let (gate, state) = (*gate, self.lend(task, data));
                self.known.push_back(Event::TaskStarted { task });
                drop(self.turns.send(Turn::Gate { task, gate, state }));
            }
            (Step::Exchange(exchange, _), Input::Block { data, .. }) => {
                let (exchange, state) = (*exchange, self.lend(task, data));
                self.known.push_back(Event::TaskStarted { task });
                drop(self.turns.send(Turn::Absorb {
                    task,
                    exchange,
                    state,
                }));
            }
            (Step::Exchange(exchange, part), Input::Split(place)) => {
                self.running.insert(task, Work::ReadBack);
                drop(self.tasks.send(Task::ReadBack {
                    task,
                    part: part.clone(),
                    exchange: *exchange,
                    split: place.split,
                }));
            }
            (step, input) => unreachable!("{step:?} does not work on {input:?}"),
        }
    }

    /// Hands a block to a task; it is accounted for until its output is.
    fn lend(&mut self, task: TaskId, data: u64) -> Box<BlockState> {
        self.running.insert(task, Work::Block(data, 0));
        self.blocks
            .remove(&data)
            .expect("the scheduler names blocks that wait")
    }

    fn take(&mut self, data: u64) -> Box<BlockState> {
        self.books.in_flight.remove(&data);
        self.blocks
            .remove(&data)
            .expect("the scheduler names blocks that wait")
    }

    /// Keeps a block until it is wanted.
    fn keep(&mut self, data: u64, state: Box<BlockState>) {
        self.books.in_flight.insert(data, state.tally.clone());
        self.blocks.insert(data, state);
    }

    fn put_out(&mut self, task: TaskId, state: Box<BlockState>) {
        let metadata = Metadata {
            bytes: state.memory_bytes() as u64,
            rows: state.n_samples() as u32,
            holder: None,
        };
        self.named += 1;
        let data = self.named;
        self.keep(data, state);
        self.known.push_back(Event::BlockReady {
            task,
            data,
            metadata: Some(metadata),
        });
    }

    /// Takes in what a thread reports.
    fn hear(&mut self, note: Note) -> Result<(), Error> {
        match note {
            Note::Started { task } => self.known.push_back(Event::TaskStarted { task }),
            Note::Read { task, reader } => {
                if let Some(Work::Read(place)) = self.running.get(&task) {
                    self.readers.insert(place.split, Reader::Open(reader));
                }
                self.known.push_back(Event::RestReady { task, from: 0 });
            }
            Note::Absorbed { task, tally } => {
                if let Some(Work::Block(data, _)) = self.running.remove(&task) {
                    self.books.in_flight.remove(&data);
                }
                self.books.absorbed.add(&tally);
                self.known.push_back(Event::TaskDrained { task });
            }
            Note::Closed { op, n, written } => {
                self.books.absorbed.take_away(&written);
                let last = true;
                self.known.push_back(Event::SplitsFound { op, n, last });
            }
            Note::Done {
                task,
                state,
                rest,
                returned,
            } => {
                if let Some(returned) = returned {
                    self.books.absorbed.take_away(&returned);
                }
                let work = self.running.remove(&task);
                if work.is_none() {
                    // It was cancelled, and done nevertheless.
                    return Ok(());
                }
                if let Some(Work::Block(data, _) | Work::Outside(data)) = &work {
                    self.books.in_flight.remove(data);
                }
                if let Some(state) = state {
                    if matches!(work, Some(Work::Read(_))) {
                        self.books.rows_left -= state.tally.rows_in;
                    }
                    self.put_out(task, state);
                }
                if let (Some((taken, rest)), Some(Work::Block(data, from))) = (rest, work) {
                    self.keep(data, rest);
                    let from = from + taken as u32;
                    self.known.push_back(Event::RestReady { task, from });
                }
                self.known.push_back(Event::TaskDrained { task });
                // Behind an exchange the run has only begun.
                let is_all = self.books.rows_left == 0 && !self.pipeline.has_exchange();
                if is_all && !self.books.has_read_all {
                    self.books.has_read_all = true;
                    self.known.push_back(Event::Cancel);
                }
            }
            Note::Written { block, outcome } => {
                if let Some(tally) = self.books.writing.remove(&block) {
                    self.books.written.add(&tally);
                }
                self.known.push_back(Event::OutputTaken { block });
                if outcome == Outcome::TooManyRejects && !self.books.too_many_rejects {
                    self.books.too_many_rejects = true;
                    self.known.push_back(Event::Cancel);
                }
            }
            Note::WorkerReady { op, worker } => {
                if self
                    .crews
                    .get_mut(&op)
                    .is_some_and(|crew| crew.is_wanted(worker))
                {
                    self.known.push_back(Event::WorkerUp { op, worker });
                }
            }
            Note::Fatal(message) => return Err(Error::failed(message)),
            Note::WriterFailed => return Err(Error::failed("the output cannot be written")),
        }
        Ok(())
    }
}

impl Backend for Local<'_> {
    fn obey(&mut self, command: Command) -> Result<(), Error> {
        match command {
            Command::Submit {
                task,
                op,
                input,
                worker,
                ..
            } => self.submit(task, op, input, worker),
            Command::Emit { block, data, .. } => {
                let state = self.take(data);
                self.books.writing.insert(block, state.tally.clone());
                drop(self.orders.send(Order::Write { block, state }));
            }
            Command::Advance { to } => drop(self.orders.send(Order::Advance(to))),
            Command::Release { data } => drop(self.blocks.remove(&data)),
            Command::Close { op } => {
                if let Step::Exchange(exchange, _) = &self.pipeline.steps[op] {
                    drop(self.turns.send(Turn::Close {
                        op,
                        exchange: *exchange,
                        start: match Some(op) == self.pipeline.last_exchange() {
                            true => self.start.split,
                            false => 0,
                        },
                    }));
                }
            }
            Command::Finish => {}
            Command::Cancel { task } => {
                // A worker process may take its time; it is ended. A thread is done
                // in a moment.
                if let Some(Work::Outside(data)) = self.running.get(&task) {
                    self.books.in_flight.remove(data);
                    self.running.remove(&task);
                    let class = FailureClass::WorkerLost;
                    self.known.push_back(Event::TaskFailed { task, class });
                }
            }
            Command::ScalePool { op, workers } => {
                let ready = self.crews.get_mut(&op).and_then(|crew| crew.scale(workers));
                if let Some(worker) = ready {
                    self.known.push_back(Event::WorkerUp { op, worker });
                }
            }
            Command::StopWorker { op, worker } => {
                if let Some(crew) = self.crews.get_mut(&op) {
                    crew.stop(worker);
                }
            }
            // Outputs come by themselves, with their metadata; and what runs ends
            // soon.
            Command::Read { .. } | Command::FetchMetadata { .. } | Command::Fail { .. } => {}
        }
        Ok(())
    }

    fn poll(&mut self, deadline: Instant) -> Result<Option<Event>, Error> {
        if let Some(event) = self.known.pop_front() {
            return Ok(Some(event));
        }
        let note = match self.notes.try_recv() {
            Ok(note) => Some(note),
            Err(TryRecvError::Empty) => match self.notes.recv_deadline(deadline) {
                Ok(note) => Some(note),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::failed("all threads are gone; this is a bug"));
                }
            },
            Err(TryRecvError::Disconnected) => {
                return Err(Error::failed("all threads are gone; this is a bug"));
            }
        };
        if let Some(note) = note {
            self.hear(note)?;
        }
        Ok(self.known.pop_front())
    }
}
