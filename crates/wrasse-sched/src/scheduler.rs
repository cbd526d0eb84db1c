//! [`Scheduler`]: which block is read, run, passed and written next.
//!
//! # Memory
//!
//! A block is charged from the moment its reading is commanded: first an
//! estimate, then the bytes that the backend reports. Reading goes ahead while
//! the books stay below the limit. One block is always allowed: the *head*, the
//! next that the sink waits for; without it, full books could never empty.
//!
//! # Order
//!
//! Workers that find the reader of the *front* (the earliest split that is not
//! read to its end) in use read ahead, in later splits. Those blocks have to
//! wait for all of the front, so they get half of the room at the most: else
//! they would take all of it, and the front would go on one block at a time.
//!
//! # Invariants
//!
//! 1. Every gate and the sink see blocks in input order, each once.
//! 2. `used <= limit`, but for the head and for blocks that grew beyond their
//!    estimate.
//! 3. At most `workers` tasks run.
//! 4. A run that is not cancelled ends, if every command is answered.
//!
//! The books are kept by deltas where they change; [`Scheduler::check`]
//! computes them anew and asserts that they agree. `tests/sim.rs` asserts all
//! four after every step of seeded random runs.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::order::Turnstile;
use crate::{BlockId, StageIdx, ahead};

/// Everything that can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A block was read; its stage 0 runs on. `more` says whether the split
    /// may hold another.
    BlockRead {
        /// The block.
        block: BlockId,
        /// Bytes of memory it holds now.
        bytes: u64,
        /// Whether its reader did not reach the end yet.
        more: bool,
    },
    /// Reading found no further block: the split has `n_blocks`.
    SplitEnded {
        /// The split.
        split: u32,
        /// How many blocks it had.
        n_blocks: u32,
    },
    /// A stage has run on a block.
    StageDone {
        /// The block.
        block: BlockId,
        /// The stage.
        stage: StageIdx,
        /// Bytes of memory the block holds now.
        bytes: u64,
    },
    /// A block went through a gate.
    Passed {
        /// The block.
        block: BlockId,
        /// The gate.
        gate: StageIdx,
        /// Bytes of memory the block holds now.
        bytes: u64,
    },
    /// The sink took a block; its memory is free.
    Written {
        /// The block.
        block: BlockId,
    },
    /// The user or the backend changed the limits.
    LimitsChanged(Limits),
    /// Start nothing new; finish what runs, write what is whole, end.
    Cancel,
}

/// What the backend shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// On a worker: read the next block of the split, report
    /// [`Event::BlockRead`], then run stage 0 on it. At the end of the split,
    /// report [`Event::SplitEnded`] instead.
    Read {
        /// The block to come.
        block: BlockId,
    },
    /// On a worker: run a stage on a block that waits.
    Run {
        /// The block.
        block: BlockId,
        /// The stage; never 0.
        stage: StageIdx,
    },
    /// Put a block through a gate, now and in this order.
    Pass {
        /// The block.
        block: BlockId,
        /// The gate.
        gate: StageIdx,
    },
    /// Give a block to the sink, now and in this order.
    Write {
        /// The block.
        block: BlockId,
    },
    /// Nothing is left to do.
    Finish,
}

/// What a run may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Tasks at once.
    pub workers: usize,
    /// Bytes of memory for blocks.
    pub memory_bytes: u64,
    /// Blocks read but not yet written; bounds what a fast reader of small
    /// blocks piles up behind a slow one.
    pub blocks_in_flight: usize,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Blocks are read and processed.
    Running,
    /// Cancelled: what runs is finished, nothing new starts.
    Draining,
    /// [`Command::Finish`] was given.
    Finished,
}

/// The books, for display.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tasks that run.
    pub tasks: usize,
    /// Blocks between reading and writing.
    pub blocks: usize,
    /// Bytes charged for them.
    pub bytes: u64,
    /// Blocks that wait for an earlier one at a gate or at the sink.
    pub waiting: usize,
    /// Whether memory, and nothing else, keeps the next block from being read.
    pub memory_bound: bool,
}

/// The scheduler of one run. See the module's documentation.
#[derive(Debug)]
pub struct Scheduler {
    limits: Limits,
    n_splits: u32,
    n_gates: usize,
    phase: Phase,
    /// Bytes that a block is expected to hold: a moving average of what the
    /// last blocks held. The largest ever seen would let one long document
    /// slow down the rest of the run.
    estimate: u64,
    /// Splits whose reader is open and idle, with the block that comes next.
    readable: BTreeMap<u32, u32>,
    /// The first split that was never read.
    unopened: u32,
    /// Splits that are being read.
    reading: BTreeSet<BlockId>,
    /// Blocks whose next stage can run.
    runnable: VecDeque<(BlockId, StageIdx)>,
    /// Bytes charged per block in flight, blocks being read included.
    held: BTreeMap<BlockId, u64>,
    used: u64,
    ahead: ahead::Ahead,
    running: usize,
    /// Blocks that were told to pass a gate or be written and did not yet.
    passing: usize,
    /// One turnstile a gate, and the sink's at the end.
    gates: Vec<Turnstile>,
    waiting: usize,
    memory_bound: bool,
}

impl Scheduler {
    /// A run over `n_splits` splits with `n_gates` gates, from block `start`
    /// on (that of a resumed run; the first one otherwise).
    pub fn new(
        n_splits: u32,
        n_gates: usize,
        start: BlockId,
        estimate: u64,
        limits: Limits,
    ) -> Self {
        let gates = (0..=n_gates)
            .map(|_| Turnstile::starting_at(start))
            .collect();
        let mut readable = BTreeMap::new();
        let mut unopened = start.split;
        if start.seq > 0 {
            readable.insert(start.split, start.seq);
            unopened += 1;
        }
        Self {
            limits,
            n_splits,
            n_gates,
            phase: Phase::Running,
            estimate: estimate.max(1),
            readable,
            unopened,
            reading: BTreeSet::new(),
            runnable: VecDeque::new(),
            held: BTreeMap::new(),
            used: 0,
            ahead: ahead::Ahead::new(start.split),
            running: 0,
            passing: 0,
            gates,
            waiting: 0,
            memory_bound: false,
        }
    }

    /// The commands to begin with.
    pub fn start(&mut self, out: &mut Vec<Command>) {
        self.dispatch(out);
    }

    /// Takes one event, appends what to do about it.
    ///
    /// # Panics
    ///
    /// If the event answers no command: a bug of the backend.
    pub fn step(&mut self, event: Event, out: &mut Vec<Command>) {
        match event {
            Event::BlockRead { block, bytes, more } => {
                assert!(self.reading.remove(&block), "{block:?} was being read");
                self.measure(block, bytes);
                if more {
                    self.readable.insert(block.split, block.seq + 1);
                } else {
                    self.end_split(block.split, block.seq + 1);
                }
            }
            Event::SplitEnded { split, n_blocks } => {
                let block = BlockId {
                    split,
                    seq: n_blocks,
                };
                assert!(self.reading.remove(&block), "{block:?} was being read");
                self.release(block);
                self.running -= 1;
                self.end_split(split, n_blocks);
            }
            Event::StageDone {
                block,
                stage,
                bytes,
            } => {
                self.running -= 1;
                self.measure(block, bytes);
                self.gates[stage].arrive(block);
                self.waiting += 1;
            }
            Event::Passed { block, gate, bytes } => {
                self.passing -= 1;
                self.measure(block, bytes);
                self.runnable.push_back((block, gate + 1));
            }
            Event::Written { block } => {
                self.passing -= 1;
                self.release(block);
            }
            Event::LimitsChanged(limits) => self.limits = limits,
            Event::Cancel => {
                if self.phase == Phase::Running {
                    self.phase = Phase::Draining;
                }
            }
        }
        self.open_gates(out);
        self.dispatch(out);
    }

    /// The books.
    pub fn usage(&self) -> Usage {
        Usage {
            tasks: self.running,
            blocks: self.held.len(),
            bytes: self.used,
            waiting: self.waiting,
            memory_bound: self.memory_bound,
        }
    }

    /// Where the run stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Computes the books anew and asserts that the running ones agree.
    ///
    /// # Panics
    ///
    /// If they do not.
    pub fn check(&self) {
        assert_eq!(self.used, self.held.values().sum::<u64>(), "bytes in use");
        let ahead = self
            .held
            .iter()
            .filter(|(block, _)| self.ahead.is_ahead(block.split));
        assert_eq!(
            (self.ahead.blocks(), self.ahead.bytes()),
            ahead.fold((0, 0), |(blocks, sum), (_, bytes)| (
                blocks + 1,
                sum + bytes
            )),
            "blocks read ahead"
        );
        assert!(
            self.reading
                .iter()
                .all(|block| self.held.contains_key(block)),
            "what is being read is charged"
        );
    }

    fn end_split(&mut self, split: u32, n_blocks: u32) {
        for gate in &mut self.gates {
            gate.end(split, n_blocks);
        }
    }

    fn charge(&mut self, block: BlockId, bytes: u64) {
        let old = self.held.insert(block, bytes);
        self.used = self.used - old.unwrap_or(0) + bytes;
        self.ahead.charge(block.split, old, bytes);
    }

    /// Charges what a block really holds, and learns from it.
    fn measure(&mut self, block: BlockId, bytes: u64) {
        self.charge(block, bytes);
        self.estimate = ((self.estimate * 7 + bytes) / 8).max(1);
    }

    fn release(&mut self, block: BlockId) {
        let bytes = self.held.remove(&block).unwrap_or(0);
        self.used -= bytes;
        self.ahead.release(block.split, bytes);
    }

    /// Lets through what waited for its turn.
    fn open_gates(&mut self, out: &mut Vec<Command>) {
        for (gate, turnstile) in self.gates.iter_mut().enumerate() {
            while let Some(block) = turnstile.pass() {
                self.waiting -= 1;
                self.passing += 1;
                out.push(if gate == self.n_gates {
                    Command::Write { block }
                } else {
                    Command::Pass { block, gate }
                });
            }
        }
    }

    /// Starts tasks: first what is nearest to the sink, then reading.
    fn dispatch(&mut self, out: &mut Vec<Command>) {
        while self.running < self.limits.workers
            && let Some((block, stage)) = self.runnable.pop_front()
        {
            self.running += 1;
            out.push(Command::Run { block, stage });
        }
        self.memory_bound = false;
        self.ahead.advance(self.front());
        while self.phase == Phase::Running && self.running < self.limits.workers {
            let Some(block) = self.next_readable() else {
                break;
            };
            if !self.admits(block) {
                break;
            }
            match self.readable.remove(&block.split) {
                Some(_) => {}
                None => self.unopened += 1,
            }
            self.reading.insert(block);
            self.charge(block, self.estimate);
            self.running += 1;
            out.push(Command::Read { block });
        }
        self.finish_if_done(out);
    }

    /// Ends the run when all is written, or, after a cancel, when nothing runs:
    /// what still waits for a block that will not be read is given up.
    fn finish_if_done(&mut self, out: &mut Vec<Command>) {
        let idle = self.running == 0 && self.passing == 0 && self.runnable.is_empty();
        let read_all = self.readable.is_empty() && self.unopened >= self.n_splits;
        let done = match self.phase {
            Phase::Running => read_all && self.held.is_empty(),
            Phase::Draining => true,
            Phase::Finished => false,
        };
        if idle && done {
            self.held.clear();
            self.used = 0;
            self.ahead = ahead::Ahead::new(self.front());
            self.phase = Phase::Finished;
            out.push(Command::Finish);
        }
    }

    /// The earliest block whose reader is idle.
    fn next_readable(&self) -> Option<BlockId> {
        let open = self.readable.first_key_value().map(|(split, seq)| BlockId {
            split: *split,
            seq: *seq,
        });
        let fresh = (self.unopened < self.n_splits).then_some(BlockId {
            split: self.unopened,
            seq: 0,
        });
        match (open, fresh) {
            (Some(open), Some(fresh)) => Some(open.min(fresh)),
            (open, fresh) => open.or(fresh),
        }
    }

    /// The earliest split that is not read to its end.
    fn front(&self) -> u32 {
        let open = self.readable.first_key_value().map(|(split, _)| *split);
        let read = self.reading.first().map(|block| block.split);
        [open, read]
            .into_iter()
            .flatten()
            .fold(self.unopened, u32::min)
    }

    /// Whether there is room to read `block`.
    fn admits(&mut self, block: BlockId) -> bool {
        let is_head = block == self.gates[self.n_gates].next();
        let mut has_memory = self.used + self.estimate <= self.limits.memory_bytes;
        let mut has_slot = self.held.len() < self.limits.blocks_in_flight;
        if self.ahead.is_ahead(block.split) {
            has_memory &= self.ahead.bytes() + self.estimate <= self.limits.memory_bytes / 2;
            has_slot &= self.ahead.blocks() < self.limits.blocks_in_flight / 2;
        }
        self.memory_bound = has_slot && !has_memory && !is_head;
        is_head || (has_memory && has_slot)
    }
}
