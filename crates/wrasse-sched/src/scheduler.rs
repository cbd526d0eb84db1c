//! [`Scheduler`]: what happened goes in, what to do comes out.

use std::collections::{BTreeMap, BTreeSet};

use crate::ahead::Ahead;
use crate::allocator::{Allocator, Need, Refusal, Reservations, admit};
use crate::flight::{Block, Item, Past, State, Task, Unread};
use crate::lines::{Fresh, Lines};
use crate::oldest::Oldest;
use crate::operator::{Operator, Queued};
use crate::opset::OpSet;
use crate::order::{Cursors, Order};
use crate::slab::{Key, Slab};
use crate::{
    BlockId, Command, Event, Limits, OpConfig, OpIdx, OpKind, Place, Resource, Resources, Settings,
    TaskId, Time, config,
};

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Input is read and processed.
    Running,
    /// Cancelled: what runs is finished, nothing new is read.
    Draining,
    /// [`Command::Fail`] was given.
    Failed,
    /// [`Command::Finish`] was given.
    Finished,
}

/// The scheduler of one run. See the crate's documentation.
#[derive(Debug)]
pub struct Scheduler<A: Allocator = Reservations> {
    pub(crate) settings: Settings,
    pub(crate) limits: Limits,
    pub(crate) phase: Phase,
    /// Whether nothing more is begun: the run was cancelled a second time.
    pub(crate) gives_up: bool,
    /// Tasks at positions below this one have yet to be cancelled.
    pub(crate) left_to_cancel: usize,
    pub(crate) ops: Vec<Operator>,
    pub(crate) allocator: A,
    pub(crate) order: Order<Item>,
    /// Who waits, longest first.
    pub(crate) lines: Lines,
    /// Tasks that were submitted a moment ago.
    pub(crate) fresh: Fresh,
    /// Blocks at the sink whose turn has not come.
    pub(crate) at_sink: Oldest,
    /// The operator of each cursor; the last is the sink's.
    pub(crate) ordered: Vec<OpIdx>,
    pub(crate) tasks: Slab<Task>,
    pub(crate) blocks: Slab<Block>,
    /// The operator that reads splits now: the source, later an exchange.
    pub(crate) reader: OpIdx,
    /// The last that will: what it reads goes to the consumer.
    pub(crate) last_reader: OpIdx,
    /// Where that begins.
    pub(crate) start: Place,
    /// Operators that run tasks and do not read.
    pub(crate) n_maps: i64,
    pub(crate) n_splits: u32,
    pub(crate) has_all_splits: bool,
    /// The first split that was never read.
    pub(crate) unopened: Place,
    pub(crate) ahead: Ahead,
    /// Operators that may be able to submit.
    pub(crate) ready: OpSet,
    /// Operators that wait until the pool of a resource holds enough.
    pub(crate) pool_waits: [BTreeSet<(i64, OpIdx)>; Resource::COUNT],
    /// Operators that wait until enough of a resource is free.
    pub(crate) free_waits: [BTreeSet<(i64, OpIdx)>; Resource::COUNT],
    /// Operators in all of these.
    pub(crate) n_short: u32,
    pub(crate) block_waits: OpSet,
    /// Operators whose pools have more idle workers than a step may end.
    pub(crate) shrinking: OpSet,
    /// Workers that this step may still end.
    pub(crate) stops_left: u32,
    /// Places among the blocks in flight that are kept for operators behind
    /// the one that reads, and that they do not use.
    pub(crate) kept_places: i64,
    /// Operators with tasks whose outputs wait for room.
    pub(crate) unread: OpSet,
    /// Operators with outputs that could be emitted, were there not so many.
    pub(crate) emitting: OpSet,
    /// Of tokens whose input is not as it came.
    pub(crate) pasts: BTreeMap<Key, Past>,
    /// Of tasks whose outputs had to wait to be read.
    pub(crate) readings: BTreeMap<Key, Unread>,
    /// Tasks of all operators, as each counts its own.
    pub(crate) n_submitted: u32,
    pub(crate) n_running: u32,
    pub(crate) n_unread: u32,
    /// Outputs that were read beyond all room since a task was done.
    pub(crate) n_beyond: u32,
    pub(crate) n_fetching: u32,
    /// Blocks with the consumer.
    pub(crate) n_emitted: u32,
    pub(crate) retries: BTreeSet<(Time, Key)>,
    pub(crate) born: u64,
    pub(crate) advanced: Place,
    pub(crate) is_behind: bool,
    pub(crate) now: Time,
    pub(crate) moved: Time,
}

impl Scheduler<Reservations> {
    /// A run over operators from the source to the last, from place `start` on
    /// (that of a resumed run; the first otherwise). It is a place among the
    /// splits of the source or, behind exchanges, of the last of these.
    ///
    /// # Errors
    ///
    /// If the least that the operators need does not fit the limits: such a run
    /// would hang.
    ///
    /// # Panics
    ///
    /// If the first operator is not the only source, or there are more than
    /// [`OPERATORS_MAX`](crate::OPERATORS_MAX), or more ordered ones than
    /// [`ORDERED_MAX`](crate::ORDERED_MAX).
    pub fn new(
        ops: &[OpConfig],
        limits: Limits,
        start: Place,
        settings: Settings,
    ) -> Result<Self, Refusal> {
        let allocator = Reservations::new(settings.reserved_percent);
        Self::with_allocator(ops, limits, start, settings, allocator)
    }
}

impl<A: Allocator> Scheduler<A> {
    /// A run whose resources are divided by `allocator`; see
    /// [`Scheduler::new`].
    ///
    /// # Errors
    ///
    /// If the least that the operators need does not fit the limits.
    ///
    /// # Panics
    ///
    /// As [`Scheduler::new`].
    pub fn with_allocator(
        ops: &[OpConfig],
        limits: Limits,
        start: Place,
        settings: Settings,
        allocator: A,
    ) -> Result<Self, Refusal> {
        assert!(ops.len() <= config::OPERATORS_MAX, "too many operators");
        for (i, op) in ops.iter().enumerate() {
            let is_source = op.kind == OpKind::Source;
            assert_eq!(is_source, i == 0, "the first operator is the source");
        }
        admit(&limits.resources, &needs(ops))?;
        let mut ordered: Vec<OpIdx> = (0..ops.len())
            .filter(|op| matches!(ops[*op].kind, OpKind::Ordered | OpKind::Exchange))
            .collect();
        ordered.push(ops.len());
        let is_exchange = |op: &OpConfig| op.kind == OpKind::Exchange;
        let last_reader = ops.iter().rposition(is_exchange).unwrap_or(0);
        let begin = match last_reader {
            0 => start,
            _ => Place::default(),
        };
        let cursor = |op: OpIdx| ordered.iter().position(|other| *other == op);
        let end = Item::new(0, begin, 0, State::End);
        let mut scheduler = Self {
            settings,
            limits,
            phase: Phase::Running,
            gives_up: false,
            left_to_cancel: 0,
            ops: ops
                .iter()
                .enumerate()
                .map(|(i, op)| Operator::new(*op, cursor(i)))
                .collect(),
            allocator,
            order: Order::new(end, ordered.len()),
            lines: Lines::new(ops.len()),
            fresh: Fresh::default(),
            at_sink: Oldest::default(),
            ordered,
            tasks: Slab::default(),
            blocks: Slab::default(),
            reader: 0,
            last_reader,
            start,
            n_maps: ops.iter().filter(|op| op.kind == OpKind::Map).count() as i64,
            n_splits: 0,
            has_all_splits: false,
            unopened: begin,
            ahead: Ahead::new(begin.split),
            ready: OpSet::default(),
            pool_waits: Default::default(),
            free_waits: Default::default(),
            n_short: 0,
            block_waits: OpSet::default(),
            shrinking: OpSet::default(),
            stops_left: 0,
            kept_places: 0,
            unread: OpSet::default(),
            emitting: OpSet::default(),
            pasts: BTreeMap::new(),
            readings: BTreeMap::new(),
            n_submitted: 0,
            n_running: 0,
            n_unread: 0,
            n_beyond: 0,
            n_fetching: 0,
            n_emitted: 0,
            retries: BTreeSet::new(),
            born: 0,
            advanced: begin,
            is_behind: false,
            now: Time::default(),
            moved: Time::default(),
        };
        scheduler.reserve();
        Ok(scheduler)
    }

    /// Takes one event, appends what to do about it. Its cost does not depend
    /// on how many operators, tasks, workers or blocks there are, but for a
    /// logarithm; but for changes of the limits, which divide them anew.
    ///
    /// Events about tasks and blocks that are gone are ignored: they were under
    /// way when a task was cancelled or its worker lost.
    pub fn step(&mut self, event: Event, now: Time, out: &mut Vec<Command>) {
        self.now = self.now.max(now);
        if matches!(self.phase, Phase::Failed | Phase::Finished) {
            return;
        }
        self.is_behind = false;
        self.stops_left = self.settings.submissions_per_step;
        self.go_on(out);
        self.take(event, out);
        self.retry_due();
        self.pass_sink(out);
        self.wake();
        self.dispatch(out);
        self.grant_reads(out);
        self.end_if_done(out);
    }

    /// What earlier steps left because it was too much for one.
    fn go_on(&mut self, out: &mut Vec<Command>) {
        if self.left_to_cancel > 0 {
            self.cancel_tasks(out);
        }
        if let Some(op) = self.emitting.last() {
            self.emit(op);
        }
        self.is_behind |= !self.emitting.is_empty() || !self.shrinking.is_empty();
    }

    /// Whether commands were held back: take a [`Event::Tick`] as soon as there
    /// is no other event.
    pub fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// When the next [`Event::Tick`] is due at the latest, if ever.
    pub fn next_deadline(&self) -> Option<Time> {
        self.retries.first().map(|(time, _)| *time)
    }

    /// Where the run stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    fn take(&mut self, event: Event, out: &mut Vec<Command>) {
        match event {
            Event::SplitsFound { op, n, last } => self.splits_found(op, n, last),
            Event::TaskStarted { task } => self.task_started(task),
            Event::RestReady { task, from } => self.rest_ready(task, from),
            Event::OutputWaiting { task } => self.output_waiting(task),
            Event::BlockReady {
                task,
                data,
                metadata,
            } => self.block_ready(task, data, metadata, out),
            Event::MetadataReady { block, metadata } => self.metadata_ready(block, metadata, out),
            Event::TaskDrained { task } => self.task_drained(task, out),
            Event::TaskFailed { task, class } => self.task_failed(task, class, out),
            Event::OutputTaken { block } => self.output_taken(block, out),
            Event::WorkerUp { op, worker } => self.worker_up(op, worker),
            Event::WorkerDown { op, worker } => self.worker_down(op, worker, out),
            Event::LimitsChanged(limits) => {
                self.limits = limits;
                self.reserve();
                self.wake_all();
            }
            Event::Cancel => self.cancel(out),
            Event::Tick => self.scale_pools(out),
        }
    }

    /// Divides the limits anew; all operators are asked what they need. Done
    /// when limits or phases change, not when work is done.
    pub(crate) fn reserve(&mut self) {
        // Behind an exchange that still collects, nobody has input.
        let collecting = (0..self.ops.len()).find(|op| self.is_collecting(*op));
        let bounds: Vec<_> = (0..self.ops.len())
            .map(|op| {
                let is_reached = collecting.is_none_or(|exchange| op <= exchange);
                self.ops[op].bounds(is_reached && op >= self.first_live())
            })
            .collect();
        self.allocator.reserve(self.limits.resources, &bounds);
        self.kept_places = (0..self.ops.len()).map(|op| self.kept_place(op)).sum();
        for op in 0..self.ops.len() {
            self.book(op);
        }
    }

    /// Places among the blocks in flight that an operator has a right to and
    /// does not use. Half of all is for the operators that run tasks behind the
    /// one that reads: else it would take all, and they, where an input gives
    /// many blocks, go on one block at a time.
    pub(crate) fn kept_place(&self, op: OpIdx) -> i64 {
        let operator = &self.ops[op];
        if operator.config.kind != OpKind::Map || op <= self.reader {
            return 0;
        }
        let share = i64::from(self.limits.blocks_in_flight) / 2 / self.n_maps.max(1);
        (share - i64::from(operator.output_blocks)).max(0)
    }

    fn is_collecting(&self, op: OpIdx) -> bool {
        let op = &self.ops[op];
        op.config.kind == OpKind::Exchange && !op.is_closed
    }

    /// The first operator that is not finished: those before a closed exchange
    /// are.
    fn first_live(&self) -> OpIdx {
        self.reader
    }

    /// Tells the allocator what an operator uses now, and lets it try again.
    pub(crate) fn book(&mut self, op: OpIdx) {
        if self.has_input(op) {
            self.awaken(op);
        } else {
            self.tell(op);
        }
    }

    /// Tells the allocator what an operator uses now.
    pub(crate) fn tell(&mut self, op: OpIdx) {
        let claims = self.ops[op].is_able && self.has_input(op);
        let usage = self.ops[op].usage(claims);
        self.allocator.set_usage(op, usage);
    }

    pub(crate) fn has_input(&self, op: OpIdx) -> bool {
        !self.ops[op].queue.is_empty()
            || (op == self.reader
                && self.phase == Phase::Running
                && self.unopened.split < self.n_splits)
    }

    /// Cursors of the points that something which enters operator `op` has yet
    /// to pass. A share of a split has passed the operator that reads it.
    pub(crate) fn ahead_of(&self, op: OpIdx, is_share: bool) -> Cursors {
        let first = op + usize::from(is_share);
        let passed = self.ordered.partition_point(|point| *point < first);
        Cursors::MAX.checked_shl(passed as u32).unwrap_or(0)
    }

    pub(crate) fn queued(&self, token: Key) -> Queued {
        let item = self.order.get(token);
        Queued {
            place: item.place,
            born: item.born,
            token,
        }
    }

    /// What is in flight, in tokens of the order: for tests.
    pub fn in_flight(&self) -> usize {
        self.order.len()
    }

    /// Blocks that are not released.
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }

    pub(crate) fn task_id(key: Key) -> TaskId {
        TaskId(key)
    }

    pub(crate) fn block_id(key: Key) -> BlockId {
        BlockId(key)
    }
}

/// The least that each operator needs, for [`admit`].
pub(crate) fn needs(ops: &[OpConfig]) -> Vec<Need> {
    let mut exchanges_before = 0;
    ops.iter()
        .map(|op| {
            exchanges_before += u32::from(op.kind == OpKind::Exchange);
            let workers = op.pool.map_or(Resources::ZERO, |pool| {
                let n = i64::from(pool.workers_min.max(1));
                pool.worker.map(|amount| amount * n)
            });
            Need {
                exchanges_before,
                workers,
                task: op.task.with(Resource::BLOCKS, op.output_bytes as i64),
            }
        })
        .collect()
}
