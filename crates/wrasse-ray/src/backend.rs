//! [`Cluster`](Ray): the backend of Ray. It does what the scheduler commands, and
//! turns what gateway and threads say into events.
//!
//! Blocks are objects of Ray; here are their numbers and what is known of them.
//! What a gate has decided travels beside its object, to whoever works on that
//! next: an object is never changed.
//!
//! Ray does not say when a task begins, so that it counts as begun when it is
//! handed over; the scheduler hands over two for each processor, one to wait at
//! the door.

mod suspects;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use wrasse_io::{Inputs, Split};
use wrasse_job::{Books, Pipeline, Step};
use wrasse_op::Fingerprint;
use wrasse_run::{Backend, Error, Outcome, Part, Tally};
use wrasse_sched::{Command, Event, FailureClass, Input, Metadata, OpIdx, Place, TaskId, WorkerId};

use self::suspects::{Killer, Search, killer};
use crate::actors::Actors;
use crate::link::Link;
use crate::needs::Ledger;
use crate::note::Note;
use crate::ordering::{Streams, Turn};
use crate::protocol::{Cluster, Hear, Say};
use crate::shares::Shares;
use crate::stream::{Stream, Streamed, Wanted};
use crate::wire::{Meta, Spec, Verdict, Work, decode, encode};
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
    /// Where a resumed run begins: split and blocks of it.
    pub(crate) start: Place,
    /// Bytes that an output shall have.
    pub(crate) target: u64,
    /// Bytes of a block.
    pub(crate) block_bytes: u64,
    pub(crate) link: &'a Link,
    /// Standard input, if it is read.
    pub(crate) stream: Option<Stream>,
    pub(crate) orders: Sender<Order>,
    pub(crate) turns: Sender<Turn>,
    pub(crate) notes: Receiver<Note>,
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
    /// Inputs whose workers died, with how often.
    killers: BTreeMap<(OpIdx, Killer), u32>,
    last_failure: Option<String>,
    /// Tasks that are searched for samples that kill.
    careful: HashMap<TaskId, Search>,
}

/// An object, or what a gate has left of it.
struct Block {
    object: u64,
    meta: Metadata,
    is_encoded: bool,
    verdict: Option<Verdict>,
    /// What the writer needs of it where workers write its rows.
    hollow: Option<Arc<Vec<u8>>>,
    fingerprints: Arc<Vec<Fingerprint>>,
}

struct Running {
    op: OpIdx,
    work: Doing,
    number: Option<u64>,
    /// The actor that has it.
    worker: Option<WorkerId>,
    /// An output that the scheduler has not asked for yet.
    waiting: Option<(u64, Meta)>,
    /// What an exchange had taken in and will be in the first output.
    returned: Option<Tally>,
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

    fn submit(
        &mut self,
        task: TaskId,
        op: OpIdx,
        input: Input,
        (skip_outputs, poisoned_after): (u32, u32),
        worker: Option<WorkerId>,
    ) -> Result<(), Error> {
        let pipeline = self.pipeline;
        self.known.push_back(Event::TaskStarted { task });
        if let Input::Split(place) = input {
            self.state.opened = self.state.opened.max(place.split + 1);
        }
        match (&pipeline.steps[op], input) {
            (Step::Read(part), Input::Split(place)) if self.is_streamed(place) => {
                if let Some((object, _)) = self.come(place) {
                    let spec = self.over_stream(part, skip_outputs);
                    let on = (Some(object), None);
                    return self.send(task, op, Doing::Read(place), &spec, on);
                }
                self.runs(task, op, Doing::Read(place), None);
                let rows_max = self.books.rows_left;
                if let Some(stream) = &self.stream {
                    drop(stream.wanted.send(Wanted { task, rows_max }));
                }
                Ok(())
            }
            (Step::Read(part), Input::Split(place)) => {
                let (splits, skip) = self.share(place, !pipeline.has_exchange());
                let splits = self.splits[splits.start as usize..splits.end as usize].to_vec();
                let bytes: u64 = splits.iter().map(|split| split.bytes).sum();
                let is_plain = splits.iter().all(|split| split.is_plain(self.inputs));
                let streams = !is_plain || bytes > 2 * self.target || self.grows(part);
                let spec = Spec {
                    part: part.clone(),
                    work: Work::Read {
                        splits,
                        skip,
                        rows_max: self.books.rows_left,
                    },
                    output_bytes: streams.then_some(self.target),
                    skip_outputs,
                };
                self.send(task, op, Doing::Read(place), &spec, (None, None))
            }
            (Step::Run(part) | Step::Outside(part), Input::Block { data, rows, .. }) => {
                let block = &self.state.blocks[&data];
                let object = block.object;
                let spec = Spec {
                    part: part.clone(),
                    work: Work::Blocks {
                        verdict: block.verdict.clone(),
                        rows: rows.map(|rows| rows.from..rows.to),
                        poisoned_after,
                    },
                    output_bytes: self.grows(part).then_some(self.target),
                    skip_outputs,
                };
                self.send(task, op, Doing::Block(data), &spec, (Some(object), worker))
            }
            (Step::Gate(gate), Input::Block { data, .. }) => {
                self.runs(task, op, Doing::Block(data), None);
                let fingerprints = Arc::clone(&self.state.blocks[&data].fingerprints);
                drop(self.turns.send(Turn::Gate {
                    task,
                    gate: *gate,
                    fingerprints,
                }));
                Ok(())
            }
            (Step::Exchange(exchange, _), Input::Block { data, .. }) => {
                self.runs(task, op, Doing::Block(data), None);
                let block = &self.state.blocks[&data];
                drop(self.turns.send(Turn::Absorb {
                    task,
                    exchange: *exchange,
                    object: block.object,
                    verdict: block.verdict.clone(),
                }));
                Ok(())
            }
            (Step::Exchange(exchange, part), Input::Split(place)) => {
                let (mut splits, skip) = self.share(place, Some(op) == pipeline.last_exchange());
                splits.start += skip;
                let doing = Doing::ReadBack(place);
                let number = self.number();
                let streams = Streams {
                    output_bytes: self.grows(part).then_some(self.target),
                    retries: self.retries(op, doing),
                };
                self.runs(task, op, doing, Some(number));
                drop(self.turns.send(Turn::ReadBack {
                    task,
                    number,
                    part: part.clone(),
                    exchange: *exchange,
                    splits,
                    streams,
                    skip_outputs,
                }));
                Ok(())
            }
            (step, input) => unreachable!("{step:?} does not work on {input:?}"),
        }
    }

    fn is_streamed(&self, place: Place) -> bool {
        let stream = self.stream.as_ref();
        stream.is_some_and(|stream| stream.shares.contains(&place.split))
    }

    /// What has come of standard input for a share: an object, with so many samples.
    fn come(&self, place: Place) -> Option<(u64, u32)> {
        let stream = self.stream.as_ref()?;
        stream.objects.get(&place.split).copied()
    }

    /// What is to be done with a share of standard input: it was read here.
    fn over_stream(&self, part: &Part, skip_outputs: u32) -> Spec {
        Spec {
            part: part.clone(),
            work: Work::Blocks {
                verdict: None,
                rows: None,
                poisoned_after: 0,
            },
            output_bytes: self.grows(part).then_some(self.target),
            skip_outputs,
        }
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

    /// The splits of a share, without those that a resumed run has written, and
    /// how many blocks of the first one (of an exchange: splits) that has
    /// written too.
    fn share(&self, place: Place, resumes: bool) -> (std::ops::Range<u32>, u32) {
        let mut splits = self.shares.splits(place.split);
        let mut skip = 0;
        if resumes && splits.contains(&self.start.split) {
            (splits.start, skip) = (self.start.split, self.start.seq);
        }
        (splits, skip)
    }

    /// Whether a part puts out more than it takes in.
    fn grows(&self, part: &Part) -> bool {
        self.pipeline.slices(part)
    }

    /// Shares that no task has yet.
    pub(crate) fn unopened(&self) -> u32 {
        self.shares.len().saturating_sub(self.state.opened)
    }

    fn number(&mut self) -> u64 {
        self.state.numbered += 1;
        self.state.numbered
    }

    fn retries(&self, op: OpIdx, doing: Doing) -> i32 {
        // An input that may kill its workers is searched through quickly.
        match self.state.killers.contains_key(&(op, killer(doing))) {
            true => 0,
            false => RETRIES,
        }
    }

    fn runs(&mut self, task: TaskId, op: OpIdx, work: Doing, number: Option<u64>) {
        if let Some(number) = number {
            self.state.numbers.insert(number, task);
        }
        let running = Running {
            op,
            work,
            number,
            worker: None,
            waiting: None,
            returned: None,
            has_put_out: false,
        };
        self.state.running.insert(task, running);
    }

    fn send(
        &mut self,
        task: TaskId,
        op: OpIdx,
        doing: Doing,
        spec: &Spec,
        (object, worker): (Option<u64>, Option<WorkerId>),
    ) -> Result<(), Error> {
        let number = self.number();
        let retries = self.retries(op, doing);
        self.runs(task, op, doing, Some(number));
        if let Some(running) = self.state.running.get_mut(&task) {
            running.worker = worker;
        }
        self.say_submit((number, retries), op, spec, (object, worker))
    }

    fn say_submit(
        &self,
        (number, retries): (u64, i32),
        op: OpIdx,
        spec: &Spec,
        (object, worker): (Option<u64>, Option<WorkerId>),
    ) -> Result<(), Error> {
        let bytes = encode(spec).map_err(Error::failed)?;
        let submit = Say::Submit {
            task: number,
            spec: bytes.len(),
            object,
            data: None,
            streams: spec.output_bytes.is_some(),
            needs: &self.ledger.needs[op],
            actor: worker.map(|worker| worker.0),
            retries,
            name: &self.pipeline.names[op],
        };
        self.link.say(&[submit], &[&bytes])
    }

    /// A task has put out an object.
    fn put_out(&mut self, task: TaskId, object: u64, meta: Meta) {
        let Some(running) = self.state.running.get_mut(&task) else {
            self.free(object);
            return;
        };
        running.has_put_out = true;
        if let Some(returned) = running.returned.take() {
            self.books.absorbed.take_away(&returned);
        }
        match running.work {
            Doing::Read(_) => {
                self.books.rows_left = self.books.rows_left.saturating_sub(meta.tally.rows_in);
            }
            Doing::Block(data) => drop(self.books.in_flight.remove(&data)),
            Doing::ReadBack(_) => {}
        }
        let block = Block {
            object,
            meta: Metadata {
                bytes: meta.bytes,
                rows: meta.rows,
                holder: None,
            },
            is_encoded: meta.is_encoded,
            verdict: None,
            hollow: meta.hollow.map(Arc::new),
            fingerprints: Arc::new(meta.fingerprints),
        };
        self.keep(task, block, meta.tally);
    }

    fn keep(&mut self, task: TaskId, block: Block, tally: Tally) {
        self.state.named += 1;
        let data = self.state.named;
        let metadata = block.meta;
        *self.state.objects.entry(block.object).or_default() += 1;
        self.state.blocks.insert(data, block);
        self.books.in_flight.insert(data, tally);
        self.known.push_back(Event::BlockReady {
            task,
            data,
            metadata: Some(metadata),
        });
    }

    fn release(&mut self, data: u64) {
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

    fn free(&self, object: u64) {
        // A gateway that is gone holds nothing, and is told of elsewhere.
        let objects = &[object];
        drop(self.link.say(&[Say::Free { objects }], &[]));
    }

    fn drained(&mut self, task: TaskId) {
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
            if let Doing::Block(data) = running.work {
                self.books.in_flight.remove(&data);
            }
        }
        self.known.push_back(Event::TaskDrained { task });
        // Behind an exchange the run has only begun.
        let is_all = self.books.rows_left == 0 && !self.pipeline.has_exchange();
        if is_all && !self.books.has_read_all {
            self.books.has_read_all = true;
            self.known.push_back(Event::Cancel);
        }
    }

    /// Takes in what is reported.
    fn take(&mut self, note: Note) -> Result<(), Error> {
        match note {
            Note::Heard(Some((heard, bytes))) => self.hear(heard, &bytes)?,
            Note::Heard(None) => return Err(self.link.gone()),
            Note::Judged {
                task,
                verdict,
                kept,
            } => self.judged(task, verdict, kept),
            Note::Streamed { task, share } => self.streamed(task, share)?,
            Note::Absorbed { task, tally } => {
                self.books.absorbed.add(&tally);
                self.drained(task);
            }
            Note::Closed { op, n, written } => {
                self.books.absorbed.take_away(&written);
                let block_bytes = self.block_bytes;
                let splits = (0..n).map(|_| block_bytes);
                self.shares = Shares::new(splits, self.target);
                self.state.opened = 0;
                let n = self.shares.len();
                let last = true;
                self.known.push_back(Event::SplitsFound { op, n, last });
            }
            Note::Returned { task, tally } => {
                if let Some(running) = self.state.running.get_mut(&task) {
                    running.returned = Some(tally);
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

    fn judged(&mut self, task: TaskId, verdict: Verdict, kept: u64) {
        let Some(Running {
            op,
            work: Doing::Block(data),
            ..
        }) = self.state.running.get(&task)
        else {
            return;
        };
        let before = &self.state.blocks[data];
        let n = before.fingerprints.len() as u64;
        let mut tally = self.books.in_flight.remove(data).unwrap_or_default();
        if let Some(gate) = self.pipeline.gate_operator(*op)
            && let Some(operator) = tally.operators.get_mut(gate)
        {
            operator.rows_out += kept;
            operator.duplicates += n - kept;
        }
        if before.is_encoded {
            tally.rows_out = kept;
        }
        let rows = match before.is_encoded {
            true => before.meta.rows,
            false => kept as u32,
        };
        let block = Block {
            object: before.object,
            meta: Metadata {
                rows,
                ..before.meta
            },
            is_encoded: before.is_encoded,
            verdict: Some(verdict),
            hollow: before.hollow.clone(),
            fingerprints: Arc::default(),
        };
        self.keep(task, block, tally);
        self.drained(task);
    }

    fn hear(&mut self, heard: Hear, bytes: &[u8]) -> Result<(), Error> {
        match heard {
            Hear::Done { task, object, .. } => {
                if let Some(task) = self.state.numbers.get(&task).copied() {
                    let meta = decode(bytes).map_err(Error::failed)?;
                    if self.state.careful.contains_key(&task) {
                        return self.found(task, object, meta);
                    }
                    self.put_out(task, object, meta);
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
                    let meta = decode(bytes).map_err(Error::failed)?;
                    running.waiting = Some((object, meta));
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
            Hear::Cluster(cluster) => self.cluster = cluster,
            Hear::Fatal { message, hint } => {
                let error = Error::failed(message);
                return Err(match hint {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                });
            }
            Hear::Ready { .. } | Hear::Data { .. } | Hear::Lost { .. } => {}
        }
        Ok(())
    }

    /// Begins an actor for a stage.
    fn hire(&mut self, op: OpIdx, is_wanted: bool) -> Result<(), Error> {
        let Step::Outside(part) = &self.pipeline.steps[op] else {
            return Ok(());
        };
        let hire = Say::Hire {
            actor: self.actors.begin(op, is_wanted).0,
            stage: part.stage,
            needs: &self.ledger.needs[op],
            name: &self.pipeline.names[op],
        };
        self.link.say(&[hire], &[])
    }

    /// Begins one actor for each stage that input comes to before all of it is read.
    pub(crate) fn hire_ahead(&mut self) -> Result<(), Error> {
        let steps = self.pipeline.steps.iter();
        let is_exchange = |step: &&Step| matches!(step, Step::Exchange(..));
        let first = steps.take_while(|step| !is_exchange(step)).count();
        (0..first).try_for_each(|op| self.hire(op, false))
    }

    /// An actor is gone, with what it was at.
    fn down(&mut self, worker: WorkerId, message: String) -> Result<(), Error> {
        let Some((op, is_waited_for)) = self.actors.remove(worker) else {
            return Ok(());
        };
        if is_waited_for {
            // The scheduler has heard of none, and counts on one.
            return self.hire(op, true);
        }
        let (numbers, known) = (&mut self.state.numbers, &mut self.known);
        self.state.running.retain(|task, running| {
            let is_its = running.worker == Some(worker);
            if is_its && let Some(number) = running.number {
                numbers.remove(&number);
                let (task, class) = (*task, FailureClass::Displaced);
                known.push_back(Event::TaskFailed { task, class });
            }
            !is_its
        });
        self.state.last_failure = Some(message);
        self.known.push_back(Event::WorkerDown { op, worker });
        Ok(())
    }

    /// The scheduler takes the output that waits; the next one may come.
    fn read(&mut self, task: TaskId) -> Result<(), Error> {
        let Some(running) = self.state.running.get_mut(&task) else {
            return Ok(());
        };
        let (Some((object, meta)), Some(number)) = (running.waiting.take(), running.number) else {
            return Ok(());
        };
        self.put_out(task, object, meta);
        self.link.say(&[Say::Pull { task: number }], &[])
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
                if held.hollow.is_some() {
                    // The writer needs it for longer than the scheduler.
                    *self.state.objects.entry(held.object).or_default() += 1;
                }
                drop(self.orders.send(Order::Write {
                    block,
                    object: held.object,
                    bytes: held.meta.bytes,
                    verdict: held.verdict.clone(),
                    hollow: held.hollow.clone(),
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
                        start: match Some(op) == self.pipeline.last_exchange() {
                            true => self.start.split,
                            false => 0,
                        },
                    }));
                }
            }
            Command::Cancel { task } => {
                let running = self.state.running.get(&task);
                let running = running.map(|running| (running.number, running.work));
                match running {
                    Some((Some(number), _)) => {
                        self.link.say(&[Say::Cancel { task: number }], &[])?;
                    }
                    // It waits for standard input.
                    Some((None, Doing::Read(_))) => {
                        self.state.running.remove(&task);
                        let class = FailureClass::Transient;
                        self.known.push_back(Event::TaskFailed { task, class });
                    }
                    _ => {}
                }
            }
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
            // Metadata comes with the objects.
            Command::FetchMetadata { .. } | Command::Finish | Command::Fail { .. } => {}
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
