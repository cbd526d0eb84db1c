//! [`Coordinator`]: drives the scheduler, on the caller's thread.
//!
//! # Ending, in order
//!
//! 1. The scheduler says that all is written (or drained, after a cancel).
//! 2. Workers end as their channel closes.
//! 3. The writer completes the output if the run is complete, and otherwise
//!    commits what it has; its channel closes.
//! 4. All threads are joined before [`Coordinator::run`] returns.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use wrasse_core::ByteCount;
use wrasse_io::Split;
use wrasse_plan::Budget;
use wrasse_run::{
    BlockState, Error, FingerprintSet, MemorySnapshot, OpSnapshot, Outcome, RunSnapshot, Tally,
    Writer,
};
use wrasse_sched::{BlockId, Command, Event, Limits, Phase, Scheduler};

use crate::job::{Cancel, Job, RunResult};
use crate::process;
use crate::worker::{Note, Reader, Shared, Task, work};
use crate::writing::{Order, Written, write};

/// How often a snapshot is shown, memory is looked at, and a cancel is seen.
const TICK: Duration = Duration::from_millis(100);

/// How often memory is looked at while blocks come and go: a fast run fills a
/// hundred megabytes between two ticks.
const LOOK: Duration = Duration::from_millis(4);

/// Owns the scheduler, the gates and the books of one run.
pub(crate) struct Coordinator<'a> {
    job: &'a Job,
    budget: Budget,
    shared: &'a Shared,
    splits: Vec<Split>,
    scheduler: Scheduler,
    start: BlockId,
    /// What each gate has seen.
    seen: Vec<FingerprintSet>,
    /// Blocks that wait at a gate or for their next stage.
    waiting: BTreeMap<BlockId, Box<BlockState>>,
    /// Readers that nobody uses at the moment.
    readers: BTreeMap<u32, Reader>,
    /// What was done to blocks that are not written yet.
    in_flight: BTreeMap<BlockId, Tally>,
    written: Tally,
    bytes_resumed: u64,
    rows_left: u64,
    peak_bytes: u64,
    base_bytes: u64,
    too_many_rejects: bool,
    fatal: Option<Error>,
    began: Instant,
    /// When memory was last looked at.
    looked: Instant,
}

impl<'a> Coordinator<'a> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the run's duration is shown, nothing depends on it"
    )]
    pub(crate) fn new(
        job: &'a Job,
        budget: Budget,
        shared: &'a Shared,
        splits: Vec<Split>,
        seen: Vec<FingerprintSet>,
        start: BlockId,
        written: Tally,
    ) -> Self {
        let scheduler = Scheduler::new(
            splits.len() as u32,
            job.plan.n_gates(),
            start,
            job.block_bytes.0 * 2,
            limits(job, &budget, budget.blocks.0),
        );
        Self {
            job,
            budget,
            shared,
            splits,
            scheduler,
            start,
            seen,
            waiting: BTreeMap::new(),
            readers: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            bytes_resumed: written.bytes_in,
            rows_left: job
                .limit
                .map_or(u64::MAX, |limit| limit.saturating_sub(written.rows_in)),
            written,
            peak_bytes: 0,
            base_bytes: process::resident_bytes(),
            too_many_rejects: false,
            fatal: None,
            began: Instant::now(),
            looked: Instant::now(),
        }
    }

    /// Runs to the end. See the module's documentation.
    pub(crate) fn run(
        mut self,
        writer: Writer,
        observe: &mut dyn FnMut(&RunSnapshot),
        cancel: &Cancel,
    ) -> Result<RunResult, Error> {
        let n_workers = self.budget.threads;
        // A task a worker, never more: the scheduler counts them.
        let (tasks, tasks_in) = bounded::<Task>(n_workers);
        // The writer lags behind by blocks in flight at the most.
        let (orders, orders_in) = bounded::<Order>(self.budget.blocks_in_flight + 1);
        // Two notes a task, one a block at the writer.
        let (notes, notes_in) = bounded::<Note>(2 * n_workers + self.budget.blocks_in_flight + 2);
        let shared = self.shared;
        let written = std::thread::scope(|scope| {
            let writer_notes = notes.clone();
            let writing = std::thread::Builder::new()
                .name("wrasse-writer".into())
                .spawn_scoped(scope, move || write(writer, &orders_in, &writer_notes))
                .map_err(|error| Error::io("cannot start a thread", error))?;
            for i in 0..n_workers {
                let (tasks_in, notes) = (tasks_in.clone(), notes.clone());
                std::thread::Builder::new()
                    .name(format!("wrasse-worker-{i}"))
                    .spawn_scoped(scope, move || work(shared, &tasks_in, &notes))
                    .map_err(|error| Error::io("cannot start a thread", error))?;
            }
            self.coordinate(&tasks, &orders, &notes_in, observe, cancel);
            drop(tasks);
            if self.is_complete(cancel) {
                drop(orders.send(Order::Finish));
            }
            drop(orders);
            // Late notes must not block a thread that is about to end.
            drop(notes_in);
            writing
                .join()
                .unwrap_or_else(|_| Err(Error::failed("the writer panicked; this is a bug")))
        });
        let written = match (written, self.fatal.take()) {
            (_, Some(fatal)) => return Err(fatal),
            (written, None) => written?,
        };
        observe(&self.snapshot());
        Ok(self.result(written))
    }

    fn is_complete(&self, cancel: &Cancel) -> bool {
        self.fatal.is_none()
            && !self.too_many_rejects
            && (!cancel.is_cancelled() || self.has_read_all())
    }

    /// Whether a run that was told to end had in fact come to its end.
    fn has_read_all(&self) -> bool {
        self.rows_left == 0
    }

    fn coordinate(
        &mut self,
        tasks: &Sender<Task>,
        orders: &Sender<Order>,
        notes: &Receiver<Note>,
        observe: &mut dyn FnMut(&RunSnapshot),
        cancel: &Cancel,
    ) {
        let mut commands = Vec::new();
        if self.has_read_all() {
            // A resumed run that had come to its limit.
            self.scheduler.step(Event::Cancel, &mut commands);
        } else {
            self.scheduler.start(&mut commands);
        }
        let mut next_tick = self.began + TICK;
        loop {
            self.obey(&mut commands, tasks, orders);
            if self.scheduler.phase() == Phase::Finished {
                return;
            }
            match notes.recv_deadline(next_tick) {
                Ok(note) => {
                    if !self.hear(note, &mut commands) {
                        return;
                    }
                    if self.looked.elapsed() >= LOOK {
                        self.look_at_memory(&mut commands);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    next_tick += TICK;
                    self.look_at_memory(&mut commands);
                    observe(&self.snapshot());
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if cancel.is_cancelled() && self.scheduler.phase() == Phase::Running {
                self.scheduler.step(Event::Cancel, &mut commands);
            }
        }
    }

    /// Does what the scheduler commands, until nothing is left to do at once.
    fn obey(&mut self, commands: &mut Vec<Command>, tasks: &Sender<Task>, orders: &Sender<Order>) {
        let mut at = 0;
        while at < commands.len() {
            match commands[at] {
                Command::Read { block } => {
                    let skip = if block == self.start { block.seq } else { 0 };
                    let task = Task::Read {
                        block,
                        split: self.splits[block.split as usize].clone(),
                        reader: self
                            .readers
                            .remove(&block.split)
                            .unwrap_or(Reader::Fresh { skip }),
                        rows_max: self.rows_left,
                    };
                    drop(tasks.send(task));
                }
                Command::Run { block, stage } => {
                    let state = self.take(block);
                    if state.is_encoded() {
                        // There is nothing to run, and nothing to wait for.
                        let bytes = state.memory_bytes() as u64;
                        self.waiting.insert(block, state);
                        let done = Event::StageDone {
                            block,
                            stage,
                            bytes,
                        };
                        self.scheduler.step(done, commands);
                    } else {
                        drop(tasks.send(Task::Run {
                            block,
                            stage,
                            state,
                        }));
                    }
                }
                Command::Pass { block, gate } => {
                    let mut state = self.take(block);
                    self.shared
                        .pass
                        .decide(gate, &mut state, &mut self.seen[gate]);
                    let bytes = state.memory_bytes() as u64;
                    self.in_flight.insert(block, state.tally.clone());
                    self.waiting.insert(block, state);
                    self.scheduler
                        .step(Event::Passed { block, gate, bytes }, commands);
                }
                Command::Write { block } => {
                    let state = self.take(block);
                    drop(orders.send(Order::Write { block, state }));
                }
                Command::Finish => {}
            }
            at += 1;
        }
        commands.clear();
    }

    /// Takes in what a thread reports; `false` if the run is over.
    fn hear(&mut self, note: Note, commands: &mut Vec<Command>) -> bool {
        let event = match note {
            Note::Read {
                block,
                bytes,
                reader,
            } => {
                let more = reader.is_some();
                if let Some(reader) = reader {
                    self.readers.insert(block.split, Reader::Open(reader));
                }
                Event::BlockRead { block, bytes, more }
            }
            Note::Ended { block } => Event::SplitEnded {
                split: block.split,
                n_blocks: block.seq,
            },
            Note::Done {
                block,
                stage,
                state,
            } => {
                if stage == 0 {
                    self.rows_left -= state.tally.rows_in;
                }
                let bytes = state.memory_bytes() as u64;
                self.in_flight.insert(block, state.tally.clone());
                self.waiting.insert(block, state);
                Event::StageDone {
                    block,
                    stage,
                    bytes,
                }
            }
            Note::Written { block, outcome } => {
                if let Some(tally) = self.in_flight.remove(&block) {
                    self.written.add(&tally);
                }
                if outcome == Outcome::TooManyRejects && !self.too_many_rejects {
                    self.too_many_rejects = true;
                    self.scheduler.step(Event::Cancel, commands);
                }
                Event::Written { block }
            }
            Note::Fatal(message) => {
                self.fatal = Some(Error::failed(message));
                return false;
            }
            Note::WriterFailed => return false,
        };
        self.scheduler.step(event, commands);
        if self.rows_left == 0 && self.scheduler.phase() == Phase::Running {
            self.scheduler.step(Event::Cancel, commands);
        }
        true
    }

    /// Looks at memory, and gives blocks the room that is left.
    #[expect(
        clippy::disallowed_methods,
        reason = "the pace of looking; no result depends on it"
    )]
    fn look_at_memory(&mut self, commands: &mut Vec<Command>) {
        self.looked = Instant::now();
        let resident = process::resident_bytes();
        self.peak_bytes = self.peak_bytes.max(resident);
        if let Some(limit) = self.job.memory {
            let fixed = self.base_bytes + self.fingerprint_bytes();
            let for_blocks = limit.0.saturating_sub(fixed);
            let least = self.job.block_bytes.0 * 3;
            if for_blocks < least {
                self.fatal = Some(too_little_memory(
                    limit,
                    self.base_bytes,
                    self.fingerprint_bytes(),
                    least,
                ));
                self.scheduler.step(Event::Cancel, commands);
                return;
            }
            // What the books do not know (allocator, sink) shows in the
            // resident memory; blocks make room for it.
            let unknown = resident.saturating_sub(fixed + self.scheduler.usage().bytes);
            let room = for_blocks
                .saturating_sub(unknown)
                .max(least)
                .min(self.budget.blocks.0);
            let limits = limits(self.job, &self.budget, room);
            self.scheduler.step(Event::LimitsChanged(limits), commands);
        }
    }

    fn snapshot(&self) -> RunSnapshot {
        let mut tally = self.written.clone();
        for in_flight in self.in_flight.values() {
            tally.add(in_flight);
        }
        let usage = self.scheduler.usage();
        RunSnapshot {
            elapsed_s: self.began.elapsed().as_secs_f64(),
            tally,
            operators: self
                .job
                .plan
                .operators()
                .iter()
                .map(|op| OpSnapshot {
                    name: op.name(),
                    kind: op.spec().kind,
                })
                .collect(),
            bytes_total: self.bytes_total(),
            bytes_resumed: self.bytes_resumed,
            tasks: usage.tasks,
            threads: self.budget.threads,
            blocks: usage.blocks,
            waiting: usage.waiting,
            memory: MemorySnapshot {
                blocks: usage.bytes,
                blocks_limit: self.budget.blocks.0,
                fingerprints: self.fingerprint_bytes(),
                resident: process::resident_bytes(),
                limit: self.job.memory.map(|limit| limit.0),
            },
            waits_for: usage.memory_bound.then_some("memory"),
        }
    }

    fn bytes_total(&self) -> Option<u64> {
        let files = &self.shared.inputs.files;
        files.iter().map(|file| file.bytes).sum()
    }

    fn fingerprint_bytes(&self) -> u64 {
        self.seen.iter().map(|set| set.memory_bytes() as u64).sum()
    }

    fn take(&mut self, block: BlockId) -> Box<BlockState> {
        self.waiting
            .remove(&block)
            .expect("the scheduler names blocks that wait")
    }

    fn result(&self, written: Written) -> RunResult {
        let complete = written.finished.is_some();
        let finished = written.finished.unwrap_or_default();
        RunResult {
            too_many_rejects: self.too_many_rejects
                || (complete && self.job.max_rejects.is_exceeded(&written.tally)),
            tally: written.tally,
            parts: finished.parts,
            conflicts: finished.conflicts,
            warnings: Vec::new(),
            complete,
            was_done: false,
            resumed: false,
            elapsed_s: self.began.elapsed().as_secs_f64(),
            cpu_s: process::cpu_seconds(),
            peak_bytes: self.peak_bytes.max(process::resident_bytes()),
            threads: self.budget.threads,
        }
    }
}

/// A limited run reads block by block, so that exactly the first rows count.
fn limits(job: &Job, budget: &Budget, memory_bytes: u64) -> Limits {
    Limits {
        workers: budget.threads,
        memory_bytes,
        blocks_in_flight: if job.limit.is_some() {
            1
        } else {
            budget.blocks_in_flight
        },
    }
}

fn too_little_memory(limit: ByteCount, base: u64, fingerprints: u64, least: u64) -> Error {
    Error::failed(format!(
        "the memory limit of {limit} is used up: {} for the program, {} for the fingerprints of \
         deduplicators, and the least for blocks is {}",
        ByteCount(base),
        ByteCount(fingerprints),
        ByteCount(least)
    ))
    .with_hint("resume with a larger --memory: what was written is safe")
}
