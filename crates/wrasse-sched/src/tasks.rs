//! Tasks, from their start to their end.
//!
//! # States
//!
//! ```text
//!   submitted ─▶ active ─▶ drained ─▶ finished
//! ```
//!
//! A task is drained when it has put out all, and finished when the last of
//! that is emitted: once, and after everything it put out. `dispatch` submits
//! tasks, `failure` says what becomes of those that fail.

use crate::allocator::Allocator;
use crate::flight::{Stage, Task};
use crate::lines::Line;
use crate::scheduler::Scheduler;
use crate::slab::Key;
use crate::{Command, OpIdx, Resource, TaskId, Time};

impl<A: Allocator> Scheduler<A> {
    pub(crate) fn task_started(&mut self, id: TaskId) {
        let now = self.now;
        let Some(task) = self.tasks.get_mut(id.0) else {
            return;
        };
        let is_late = task.stage == Stage::Late;
        if let Some(waited) = task.begin(now) {
            if is_late {
                self.lines.leave(task.token);
            }
            let op = &mut self.ops[task.op()];
            op.n_submitted -= 1;
            op.n_running += 1;
            self.n_submitted -= 1;
            self.n_running += 1;
            op.metrics.tasks_started += 1;
            op.metrics.task_scheduling += waited;
            self.moved = now;
        }
    }

    /// A task was submitted. The one that was some time ago joins those that wait
    /// to begin, if it did not meanwhile, as most do.
    pub(crate) fn see_late(&mut self, key: Key) {
        let earlier = self.fresh.replace(key);
        if let Some(task) = earlier.and_then(|earlier| self.tasks.get_mut(earlier))
            && task.stage == Stage::Submitted
        {
            task.stage = Stage::Late;
            let (line, since) = (Line::Start(task.op()), Time(task.time));
            self.lines.join(line, task.token, since);
        }
    }

    pub(crate) fn output_waiting(&mut self, id: TaskId) {
        let now = self.now;
        let Some(task) = self.tasks.get_mut(id.0) else {
            return;
        };
        if task.is_drained() {
            return;
        }
        task.was_unread = true;
        let (op, token) = (task.op(), self.order.key(task.token));
        let reading = self.readings.entry(id.0).or_default();
        if reading.since.is_some() {
            return;
        }
        reading.since = Some(now);
        self.lines.join(Line::Read(op), token.into(), now);
        let queued = self.queued(token);
        self.ops[op].unread.insert(queued);
        self.unread.insert(op);
        self.n_unread += 1;
    }

    /// A task's output may be, or was, read: it waits no more.
    pub(crate) fn stop_waiting(&mut self, key: Key) {
        let now = self.now;
        let task = &mut self.tasks[key];
        if !task.was_unread {
            return;
        }
        let (op, token) = (task.op(), self.order.key(task.token));
        let reading = self.readings.entry(key).or_default();
        let Some(since) = reading.since.take() else {
            return;
        };
        reading.total += now.since(since);
        self.lines.leave(token.into());
        self.n_unread -= 1;
        let queued = self.queued(token);
        let operator = &mut self.ops[op];
        operator.unread.remove(&queued);
        operator.metrics.task_output_backpressure += now.since(since);
        if operator.unread.is_empty() {
            self.unread.remove(op);
        }
    }

    /// Takes back the leave to read a task's output.
    pub(crate) fn take_granted(&mut self, op: OpIdx, key: Key) {
        if self.tasks[key].was_unread
            && let Some(reading) = self.readings.get_mut(&key)
        {
            self.ops[op].granted -= std::mem::take(&mut reading.granted);
        }
    }

    pub(crate) fn task_drained(&mut self, id: TaskId, out: &mut Vec<Command>) {
        if self.tasks.get(id.0).is_none_or(Task::is_drained) {
            return;
        }
        self.task_started(id);
        self.stop_waiting(id.0);
        let now = self.now;
        let task = &mut self.tasks[id.0];
        task.drain(now);
        let (op, token) = (task.op(), self.order.key(task.token));
        self.free_worker(id.0);
        self.ops[op].n_running -= 1;
        self.n_running -= 1;
        self.n_beyond = 0;
        self.moved = now;
        let item = self.order.get(token);
        let (place, block) = (item.place, item.block);
        if block.is_none() && !item.gave_rest {
            self.ahead.close(place.split);
            self.wake_for_blocks();
        }
        if let Some(block) = block {
            self.unuse(self.blocks.key(block), out);
        }
        self.unlink(token, out);
        self.book(op);
        self.finish_if_emitted(id.0);
    }

    /// Gives back what a task holds.
    pub(crate) fn free_worker(&mut self, key: Key) {
        self.take_granted(self.tasks[key].op(), key);
        let task = &mut self.tasks[key];
        let (op, token, seat, pending) = (task.op(), task.token, task.seat, task.pending);
        (task.seat, task.pending) = (None, 0);
        let need = self.ops[op].task();
        let need = need.with(Resource::BLOCKS, pending);
        let operator = &mut self.ops[op];
        operator.held -= need;
        if let (Some(seat), Some(pool)) = (seat, &mut operator.pool) {
            pool.unassign(seat, key.into());
        }
        if operator.reads() {
            let place = self.order.get(self.order.key(token)).place;
            self.ahead.add(place.split, -1, -pending);
        }
    }

    /// A task that is drained and whose outputs are emitted is finished: once.
    pub(crate) fn finish_if_emitted(&mut self, key: Key) {
        let task = &self.tasks[key];
        if task.unemitted > 0 || !task.is_drained() {
            return;
        }
        let task = self.tasks.remove(key).expect("it is there");
        let reading = match task.was_unread {
            true => self.readings.remove(&key),
            false => None,
        };
        let Some(took) = task.took() else {
            return;
        };
        let unread_for = reading.unwrap_or_default().total;
        let own = took.saturating_sub(unread_for);
        let operator = &mut self.ops[task.op()];
        operator.metrics.tasks_finished += 1;
        operator.metrics.task_completion += took;
        operator.metrics.task_completion_excl_backpressure += own;
        operator.learn(task.output_bytes, own);
        self.awaken(task.op());
    }
}
