//! Views of the books, and the check that they are right.

use std::collections::{BTreeMap, BTreeSet};

use crate::allocator::Allocator;
use crate::flight::{Item, Stage, State};
use crate::lines::Line;
use crate::operator::Operator;
use crate::scheduler::Scheduler;
use crate::slab::{At, Key};
use crate::view::OpView;
use crate::{Limits, OpIdx, Resource, Resources};

impl<A: Allocator> Scheduler<A> {
    /// An operator as it stands.
    pub fn view(&self, op: OpIdx) -> OpView {
        let operator = &self.ops[op];
        let mut usage = operator.usage(false).tasks;
        usage[Resource::BLOCKS] += operator.output_bytes;
        OpView {
            queued: operator.queue.len(),
            tasks_submitted: operator.n_submitted,
            tasks_running: operator.n_running,
            tasks_unread: operator.unread.len(),
            workers: operator.pool.as_ref().map(|pool| (pool.up(), pool.wanted)),
            output_blocks: operator.output_blocks,
            output_bytes: operator.output_bytes.max(0) as u64,
            usage,
            allocation: self.allocator.allocation(op),
            budget: self.allocator.budget(op),
            readable_bytes: self.max_task_output_bytes_to_read(op),
            wait: self.wait(op),
            tasks_waiting: self.tasks_waiting(op),
            metrics: operator.metrics,
        }
    }

    /// Number of operators.
    pub fn n_operators(&self) -> usize {
        self.ops.len()
    }

    /// What of all resources is in use.
    pub fn used(&self) -> Resources {
        self.limits.resources - self.allocator.free()
    }

    /// What may be used.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Bytes of blocks in use.
    pub fn block_bytes(&self) -> u64 {
        self.used()[Resource::BLOCKS].max(0) as u64
    }

    /// Tasks that were submitted and not drained.
    pub fn tasks(&self) -> u32 {
        self.n_submitted + self.n_running
    }

    /// Computes the books anew and asserts that the running ones agree.
    ///
    /// # Panics
    ///
    /// If they do not.
    pub fn check(&self) {
        self.allocator.check();
        self.check_operators();
        self.check_order();
        self.check_lines();
        let waits = self.pool_waits.iter().chain(&self.free_waits);
        let n_short: usize = waits.map(BTreeSet::len).sum();
        assert_eq!(
            self.n_short as usize, n_short,
            "operators that lack something"
        );
        let kept: i64 = (0..self.ops.len()).map(|op| self.kept_place(op)).sum();
        assert_eq!(self.kept_places, kept, "places kept");
        let fetching = self
            .blocks
            .iter()
            .filter(|(_, block)| block.known.is_none());
        assert_eq!(self.n_fetching as usize, fetching.count(), "fetches");
        assert!(
            self.n_emitted <= self.settings.emitted_max,
            "with the consumer"
        );
        let unread = self.readings.values().filter(|read| read.since.is_some());
        assert_eq!(self.n_unread as usize, unread.count(), "tasks unread");
        let readings = self.tasks.iter().filter(|(_, task)| task.was_unread);
        assert_eq!(self.readings.len(), readings.count(), "tasks once unread");
    }

    fn check_operators(&self) {
        let sum = |of: fn(&Operator) -> u32| self.ops.iter().map(of).sum::<u32>();
        assert_eq!(self.n_submitted, sum(|op| op.n_submitted), "submitted");
        assert_eq!(self.n_running, sum(|op| op.n_running), "running");
        for (i, op) in self.ops.iter().enumerate() {
            let tasks = || {
                self.tasks
                    .iter()
                    .map(|(_, task)| task)
                    .filter(move |task| task.op() == i)
            };
            let live = || tasks().filter(|task| !task.is_drained());
            let held = live().fold(Resources::ZERO, |sum, task| {
                sum + op.task().with(Resource::BLOCKS, task.pending)
            });
            assert_eq!(op.held, held, "what tasks of operator {i} hold");
            let blocks = || {
                self.blocks
                    .iter()
                    .map(|(_, block)| block)
                    .filter(move |block| block.producer() == i)
            };
            let bytes: u64 = blocks().map(|block| block.bytes).sum();
            assert_eq!(op.output_bytes, bytes as i64, "outputs of operator {i}");
            assert_eq!(op.output_blocks as usize, blocks().count());
            let submitted = live().filter(|task| task.is_submitted()).count();
            assert_eq!(op.n_submitted as usize, submitted, "tasks submitted of {i}");
            assert_eq!(op.in_flight() as usize, live().count(), "tasks of {i}");
            let granted: u64 = self
                .readings
                .iter()
                .filter(|(task, _)| self.tasks[**task].op() == i)
                .map(|(_, reading)| reading.granted)
                .sum();
            assert_eq!(op.granted, granted, "reads allowed to operator {i}");
            assert_eq!(op.unread.is_empty(), !self.unread.contains(i));
        }
    }

    fn check_order(&self) {
        let mut passed = vec![false; self.ordered.len()];
        let n = self.ops.len();
        let mut queued = vec![0; n];
        let mut pasts = 0;
        let check = |key: Key, item: &Item, passed: &mut [bool]| {
            for (cursor, point) in self.ordered.iter().enumerate() {
                if self.order.position(cursor) == key {
                    passed[cursor] = true;
                }
                // From the cursor on, nothing has passed the point.
                let is_share = item.block.is_none();
                let has_passed = item.op() + usize::from(is_share) > *point;
                assert_eq!(passed[cursor], !has_passed, "cursor {cursor}");
            }
        };
        for (key, item) in self.order.iter() {
            check(key, item, &mut passed);
            pasts += usize::from(item.has_past);
            match item.state {
                State::Queued if item.op() < n => {
                    queued[item.op()] += 1;
                    assert!(self.ops[item.op()].queue.contains(&self.queued(key)));
                }
                State::Running => {
                    let task = item.running().map(|task| self.tasks[task].token);
                    assert_eq!(task, Some(key.into()));
                }
                State::BackingOff | State::GivenUp | State::Unemitted | State::Queued => {}
                State::End => unreachable!("the end is not among the tokens"),
            }
        }
        assert_eq!(self.pasts.len(), pasts, "inputs with a past");
        for (op, queued) in queued.into_iter().enumerate() {
            assert_eq!(self.ops[op].queue.len(), queued, "queue of operator {op}");
        }
    }

    /// In each line stands who waits for what it is for, and who does longest
    /// comes first.
    fn check_lines(&self) {
        let mut waiting: BTreeMap<Line, BTreeSet<At>> = BTreeMap::new();
        for (key, item) in self.order.iter() {
            let line = match item.state {
                State::BackingOff => Line::Retry(item.op()),
                State::Running => {
                    let task = item.running().expect("it runs");
                    let reading = self.readings.get(&self.tasks.key(task));
                    match reading.and_then(|reading| reading.since) {
                        _ if self.tasks[task].stage == Stage::Late => Line::Start(item.op()),
                        _ if self.tasks[task].is_submitted() => continue,
                        Some(_) => Line::Read(item.op()),
                        None => continue,
                    }
                }
                _ => continue,
            };
            waiting.entry(line).or_default().insert(key.into());
        }
        let lines =
            (0..self.ops.len()).flat_map(|op| [Line::Start(op), Line::Read(op), Line::Retry(op)]);
        for line in lines {
            let stands: Vec<At> = self.lines.iter(line).collect();
            let since = |token: &At| self.lines.since(*token);
            assert!(stands.is_sorted_by_key(since), "{line:?}");
            let stands = BTreeSet::from_iter(stands);
            assert_eq!(
                stands,
                waiting.remove(&line).unwrap_or_default(),
                "{line:?}"
            );
        }
    }
}
