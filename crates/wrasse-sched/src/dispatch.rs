//! Which operator submits next, and why another one does not.
//!
//! # Ranking
//!
//! Of the operators that can submit, the one nearest to the sink does: what is
//! in flight leaves before more comes in. Its input is the first in input order
//! of what waits for it; the worker that has it at hand wins over others that
//! have as little to do.
//!
//! # Waiting
//!
//! An operator that cannot submit is parked with what it lacks, and is not
//! asked again before that has changed. Those that lack a resource are sorted
//! by how much of it they need, so that one look at the smallest tells whether
//! anybody can go on.
//!
//! # Liveness
//!
//! The head of the order (what is first in input order of all that is in
//! flight) needs no block bytes and no place among the blocks in flight, unless
//! the consumer is about to make room: full books could never empty otherwise.
//! That is the only overdraft, besides
//! blocks that turn out larger than expected. And where every task waits to be
//! read, and there is no room for any output, the one nearest to the sink is
//! read all the same. So it is where nothing has moved for a while: on a cluster
//! that others use too, tasks that seem to run may wait for what those hold that
//! wait to be read.

use crate::allocator::{Allocator, Shortage};
use crate::flight::{Past, State, Task};
use crate::operator::Parked;
use crate::scheduler::{Phase, Scheduler};
use crate::slab::Key;
use crate::view::Wait;
use crate::{Command, Input, OpIdx, Place, Resource, Resources};

impl<A: Allocator> Scheduler<A> {
    /// Lets an operator try to submit.
    pub(crate) fn awaken(&mut self, op: OpIdx) {
        match self.ops[op].parked.take() {
            Some(Parked::Pool(resource, amount)) => {
                let was_there = self.pool_waits[resource.index()].remove(&(amount, op));
                self.n_short -= u32::from(was_there);
            }
            Some(Parked::Free(resource, amount)) => {
                let was_there = self.free_waits[resource.index()].remove(&(amount, op));
                self.n_short -= u32::from(was_there);
            }
            Some(Parked::Blocks) => self.block_waits.remove(op),
            None => {}
        }
        self.ready.insert(op);
        self.ops[op].is_able = true;
        self.tell(op);
    }

    pub(crate) fn wake_all(&mut self) {
        for op in 0..self.ops.len() {
            self.awaken(op);
        }
    }

    /// Wakes those who waited for room among the blocks in flight.
    pub(crate) fn wake_for_blocks(&mut self) {
        while let Some(op) = self.block_waits.last() {
            self.awaken(op);
        }
    }

    /// Wakes those for whom there is enough now.
    pub(crate) fn wake(&mut self) {
        if self.n_short == 0 {
            return;
        }
        let (pool, free) = (self.allocator.pool(), self.allocator.free());
        for resource in Resource::all() {
            let i = resource.index();
            while let Some(&(amount, op)) = self.pool_waits[i].first()
                && amount <= pool[resource]
            {
                self.awaken(op);
            }
            while let Some(&(amount, op)) = self.free_waits[i].first()
                && amount <= free[resource]
            {
                self.awaken(op);
            }
        }
    }

    /// Submits tasks, a bounded number of them.
    pub(crate) fn dispatch(&mut self, out: &mut Vec<Command>) {
        let mut left = self.settings.submissions_per_step;
        while let Some(op) = self.ready.last() {
            if self.phase == Phase::Failed || self.gives_up {
                return;
            }
            if left == 0 {
                self.is_behind = true;
                return;
            }
            match self.submit(op, out) {
                Ok(()) => left -= 1,
                Err(wait) => {
                    self.ready.remove(op);
                    self.wait_for(op, Some(wait));
                    if !matches!(wait, Wait::Resource(_)) {
                        // What it has a claim to does not help it: others may
                        // have that.
                        self.ops[op].is_able = false;
                        self.tell(op);
                        self.wake();
                    }
                    if wait == Wait::Worker {
                        self.scale_pool(op, out);
                    }
                }
            }
        }
    }

    /// Takes down what an operator waits for, and for how long it did.
    pub(crate) fn wait_for(&mut self, op: OpIdx, wait: Option<Wait>) {
        let now = self.now;
        let op = &mut self.ops[op];
        if op.wait.map(|(wait, _)| wait) == wait {
            return;
        }
        if let Some((old, since)) = op.wait
            && old.is_backpressure()
        {
            op.metrics.submission_backpressure += now.since(since);
        }
        op.wait = wait.map(|wait| (wait, now));
    }

    /// Submits the operator's next task, if it may.
    fn submit(&mut self, op: OpIdx, out: &mut Vec<Command>) -> Result<(), Wait> {
        let next = self.next_input(op)?;
        let operator = &self.ops[op];
        if operator.in_flight() >= operator.config.tasks_max {
            return Err(Wait::AtMost);
        }
        let holder = match next {
            Next::Token(token) => self.order.get(token).block,
            Next::Unopened => None,
        };
        let holder = holder
            .and_then(|block| self.blocks[block].known)
            .and_then(|known| known.holder);
        let worker = match &operator.pool {
            Some(pool) => Some(pool.choose(holder).ok_or(Wait::Worker)?),
            None => None,
        };
        let need = operator.need();
        let reads = operator.reads();
        let is_head = match next {
            Next::Token(token) => token == self.order.first(),
            Next::Unopened => self.order.is_empty(),
        };
        // What the consumer takes makes room.
        let is_head = is_head && self.n_emitted == 0;
        self.admit(op, next, need, is_head)?;
        let token = match next {
            Next::Token(token) => {
                let queued = self.queued(token);
                self.ops[op].queue.remove(&queued);
                token
            }
            Next::Unopened => self.open_split(op),
        };
        let (now, place) = (self.now, self.order.get(token).place);
        let key = self.tasks.insert(Task {
            seat: worker.map(|(seat, _)| seat),
            pending: need[Resource::BLOCKS],
            ..Task::new(op, token, now)
        });
        if reads {
            self.ahead.add(place.split, 1, need[Resource::BLOCKS]);
        }
        let item = self.order.get_mut(token);
        item.state = State::Running;
        item.task = Some(key.into());
        let block = item.block;
        let Past {
            rows,
            put_out,
            kills,
            is_poisonous,
            ..
        } = self.past(token);
        let rows = rows.cut();
        let input = match block {
            None => Input::Split(place),
            Some(block) => Input::Block {
                block: Self::block_id(self.blocks.key(block)),
                data: self.blocks[block].data,
                rows,
            },
        };
        let operator = &mut self.ops[op];
        operator.held += need;
        operator.n_submitted += 1;
        operator.metrics.tasks_submitted += 1;
        self.n_submitted += 1;
        let task = Self::task_id(key);
        if let (Some((seat, _)), Some(pool)) = (worker, &mut operator.pool) {
            pool.assign(seat, key.into());
        }
        self.see_late(key);
        self.wait_for(op, None);
        self.book(op);
        out.push(Command::Submit {
            task,
            op,
            input,
            place,
            worker: worker.map(|(_, worker)| worker),
            skip_outputs: put_out,
            poisoned_after: if is_poisonous { kills } else { 0 },
        });
        Ok(())
    }

    /// What an operator would work on next.
    fn next_input(&self, op: OpIdx) -> Result<Next, Wait> {
        let operator = &self.ops[op];
        let head = self.order.first();
        let item = self.order.get(head);
        let is_queued_here = |token: Key| {
            let item = self.order.get(token);
            item.op() == op && item.state == State::Queued
        };
        if let Some(cursor) = operator.cursor.filter(|_| !operator.reads()) {
            if operator.in_flight() > 0 {
                return Err(Wait::Order(item.place));
            }
            let next = self.order.position(cursor);
            return match operator.queue.first() {
                Some(_) if is_queued_here(next) => Ok(Next::Token(next)),
                Some(_) => Err(Wait::Order(self.order.get(next).place)),
                None => Err(Wait::Input),
            };
        }
        if self.phase == Phase::Draining && operator.reads() {
            return Err(Wait::Cancelled);
        }
        if is_queued_here(head) {
            return Ok(Next::Token(head));
        }
        let has_unopened = op == self.reader && self.unopened.split < self.n_splits;
        match operator.queue.first() {
            Some(queued) if has_unopened && queued.place > self.unopened => Ok(Next::Unopened),
            Some(queued) => Ok(Next::Token(queued.token)),
            None if has_unopened => Ok(Next::Unopened),
            None => Err(Wait::Input),
        }
    }

    /// Whether there is room for the operator's next task.
    fn admit(
        &mut self,
        op: OpIdx,
        next: Next,
        mut need: Resources,
        is_head: bool,
    ) -> Result<(), Wait> {
        if is_head {
            need[Resource::BLOCKS] = 0;
        } else if let Some(place) = self.adds_blocks(op, next) {
            let reading = self.ops[self.reader].in_flight();
            let kept = self.kept_places - self.kept_place(op);
            let n = self.blocks.len() as i64 + i64::from(reading) + kept;
            let limit = i64::from(self.limits.blocks_in_flight);
            let bytes = self.limits.resources[Resource::BLOCKS];
            let is_ahead = self.ahead.is_ahead(place.split);
            let has_place = n < limit && !(is_ahead && self.ahead.blocks() >= limit / 2);
            let has_bytes = !is_ahead || self.ahead.bytes() + need[Resource::BLOCKS] <= bytes / 2;
            if !has_place || !has_bytes {
                self.ops[op].parked = Some(Parked::Blocks);
                self.block_waits.insert(op);
                return Err(Wait::BlocksInFlight);
            }
        }
        let Err(shortage) = self.allocator.can_submit_new_task(op, &need) else {
            return Ok(());
        };
        match shortage {
            Shortage::AtMost(Resource::BLOCKS) => return Err(Wait::OutputBudget),
            Shortage::AtMost(_) => return Err(Wait::AtMost),
            Shortage::Pool(resource, amount) => {
                self.ops[op].parked = Some(Parked::Pool(resource, amount));
                let is_new = self.pool_waits[resource.index()].insert((amount, op));
                self.n_short += u32::from(is_new);
            }
            Shortage::Free(resource, amount) => {
                self.ops[op].parked = Some(Parked::Free(resource, amount));
                let is_new = self.free_waits[resource.index()].insert((amount, op));
                self.n_short += u32::from(is_new);
            }
        }
        Err(match shortage.resource() {
            Resource::BLOCKS => Wait::OutputBudget,
            resource => Wait::Resource(resource),
        })
    }

    /// Whether the task makes more blocks out of what is not one yet: it reads,
    /// or goes on with what an earlier task left of a block.
    fn adds_blocks(&self, op: OpIdx, next: Next) -> Option<Place> {
        match next {
            Next::Unopened => Some(self.unopened),
            Next::Token(token) => {
                let item = self.order.get(token);
                let is_new = self.ops[op].reads() || self.past(token).is_rest;
                is_new.then_some(item.place)
            }
        }
    }

    /// The next split becomes a token of the order.
    fn open_split(&mut self, op: OpIdx) -> Key {
        let place = self.unopened;
        self.unopened = Place {
            split: place.split + 1,
            seq: 0,
        };
        self.ahead.open();
        let item = self.item(op, place, State::Queued);
        let ahead = self.ahead_of(op, true);
        self.order.insert_before(self.order.end(), item, ahead)
    }

    /// Lets outputs be read as far as there is room for them; of a bounded
    /// number of tasks.
    pub(crate) fn grant_reads(&mut self, out: &mut Vec<Command>) {
        if self.unread.is_empty() || self.phase == Phase::Failed {
            return;
        }
        let head = self.order.first();
        let mut left = self.settings.submissions_per_step;
        let patience = self.settings.unread_max * (1 << self.n_beyond.min(16));
        let mut is_late = self.now.since(self.moved) >= patience;
        for op in self.unread.iter() {
            while let Some(&first) = self.ops[op].unread.first() {
                let limit = self.max_task_output_bytes_to_read(op);
                let is_head = first.token == head && self.n_emitted == 0;
                if limit == 0 && !is_head && self.is_moving() {
                    if !std::mem::take(&mut is_late) {
                        break;
                    }
                    self.n_beyond += 1;
                }
                if left == 0 {
                    self.is_behind = true;
                    return;
                }
                left -= 1;
                self.grant(op, first.token, limit.max(1), out);
            }
        }
    }

    /// How many bytes of outputs of the operator's tasks may be read now, those
    /// that were allowed already taken off.
    pub fn max_task_output_bytes_to_read(&self, op: OpIdx) -> u64 {
        self.allocator
            .max_task_output_bytes_to_read(op)
            .saturating_sub(self.ops[op].granted)
    }

    fn grant(&mut self, op: OpIdx, token: Key, max_bytes: u64, out: &mut Vec<Command>) {
        let task = self.order.get(token).running();
        let key = self
            .tasks
            .key(task.expect("a task whose output waits is running"));
        self.stop_waiting(key);
        let expected = self.ops[op].expected_block_bytes().max(1);
        let reading = self.readings.entry(key).or_default();
        let before = std::mem::replace(&mut reading.granted, expected);
        let operator = &mut self.ops[op];
        operator.granted = operator.granted - before + expected;
        let task = Self::task_id(key);
        out.push(Command::Read { task, max_bytes });
    }

    /// Whether anything can happen by itself: a task that is not waiting to be
    /// read, a fetch, a consumer with blocks.
    fn is_moving(&self) -> bool {
        self.n_running > self.n_unread
            // Nobody is in the way of those that are to start.
            || (self.n_running == 0 && self.n_submitted > 0)
            || self.n_fetching > 0
            || self.n_emitted > 0
    }
}

/// What a task would work on.
#[derive(Clone, Copy, Debug)]
enum Next {
    Token(Key),
    /// The next split that was never read.
    Unopened,
}
