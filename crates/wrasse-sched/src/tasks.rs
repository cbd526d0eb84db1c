//! Tasks and blocks, from birth to end.
//!
//! # States
//!
//! ```text
//!   task:   submitted ─▶ active ─▶ drained ─▶ finished
//!   block:  read ─(metadata)─▶ emitted ─▶ queued ─▶ input of a task ─▶ released
//! ```
//!
//! A task is drained when it has put out all, and finished when the last of
//! that is emitted: once, and after everything it put out. Outputs leave each
//! operator in the order in which they were read; one whose metadata is missing
//! holds back those behind it, and nobody else.

use crate::ahead::Ahead;
use crate::allocator::Allocator;
use crate::event::Failure;
use crate::flight::{Block, Item, Known, State, Task, TaskPhase};
use crate::scheduler::{Phase, Scheduler};
use crate::slab::Key;
use crate::{
    BlockId, Command, FailureClass, Metadata, OpIdx, OpKind, Place, Rows, TaskId, WorkerId,
};

impl<A: Allocator> Scheduler<A> {
    pub(crate) fn splits_found(&mut self, op: OpIdx, n: u32, last: bool) {
        if self.ops[op].is_closing && !self.ops[op].is_closed {
            // An exchange begins to read: its output is the input of the rest.
            self.ops[op].is_closed = true;
            self.reader = op;
            self.n_splits = 0;
            let start = match op == self.last_reader {
                true => self.start,
                false => Place::default(),
            };
            (self.unopened, self.advanced) = (start, start);
            self.ahead = Ahead::new(start.split);
            self.reserve();
        }
        self.n_splits += n;
        self.has_all_splits = last;
        self.moved = self.now;
        self.book(op);
    }

    pub(crate) fn task_started(&mut self, id: TaskId) {
        let now = self.now;
        let Some(task) = self.tasks.get_mut(id.0) else {
            return;
        };
        if let TaskPhase::Submitted(submitted) = task.phase {
            task.phase = TaskPhase::Running(now);
            let op = &mut self.ops[task.op()];
            op.n_submitted -= 1;
            op.n_running += 1;
            self.n_submitted -= 1;
            self.n_running += 1;
            op.metrics.tasks_started += 1;
            op.metrics.task_scheduling += now.since(submitted);
            self.moved = now;
        }
    }

    /// What a task leaves of its input becomes the input of another.
    pub(crate) fn rest_ready(&mut self, id: TaskId, from: u32) {
        let Some(task) = self.tasks.get(id.0) else {
            return;
        };
        let (op, token, reads) = (task.op(), task.token, task.reads);
        if task.is_drained() || self.order.get(token).gave_rest {
            return;
        }
        let item = self.order.get_mut(token);
        item.gave_rest = true;
        let (mut place, block, mut rows) = (item.place, item.block, item.rows);
        if let Some(block) = block {
            let block = &mut self.blocks[block];
            block.users += 1;
            let all = rows.cut().unwrap_or(Rows {
                from: 0,
                to: block.known.map_or(u32::MAX, |known| known.rows),
            });
            rows = Rows { from, ..all };
            self.order.get_mut(token).rows = Rows { to: from, ..all };
        } else {
            place.seq += 1;
        }
        let rest = Item {
            block,
            rows,
            is_rest: !reads,
            ..self.item(op, place, State::Queued)
        };
        let behind = self.order.after(token);
        let ahead = self.ahead_of(op, reads);
        let key = self.order.insert_before(behind, rest, ahead);
        let queued = self.queued(key);
        self.ops[op].queue.insert(queued);
        self.book(op);
    }

    pub(crate) fn item(&mut self, op: OpIdx, place: Place, state: State) -> Item {
        self.born += 1;
        Item::new(op, place, self.born, state)
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
        let (op, token) = (task.op(), task.token);
        let reading = self.readings.entry(id.0).or_default();
        if reading.since.is_some() {
            return;
        }
        reading.since = Some(now);
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
        let (op, token) = (task.op(), task.token);
        let reading = self.readings.entry(key).or_default();
        let Some(since) = reading.since.take() else {
            return;
        };
        reading.total += now.since(since);
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
    fn take_granted(&mut self, op: OpIdx, key: Key) {
        if self.tasks[key].was_unread
            && let Some(reading) = self.readings.get_mut(&key)
        {
            self.ops[op].granted -= std::mem::take(&mut reading.granted);
        }
    }

    pub(crate) fn block_ready(
        &mut self,
        id: TaskId,
        data: u64,
        metadata: Option<Metadata>,
        out: &mut Vec<Command>,
    ) {
        if self.tasks.get(id.0).is_none_or(Task::is_drained) {
            out.push(Command::Release { data });
            return;
        }
        self.task_started(id);
        self.stop_waiting(id.0);
        let task = &self.tasks[id.0];
        let (op, token) = (task.op(), task.token);
        let place = self.order.get(token).place;
        let bytes = self.ops[op].expected_block_bytes();
        let block = Block::new(data, id.0, op, place, bytes);
        let block = self.blocks.insert(block);
        self.ops[op].metrics.blocks_out += 1;
        self.charge_block(op, place, 1, bytes as i64);
        let unemitted = State::Unemitted { task: id.0 };
        let item = Item {
            block: Some(block),
            ..self.item(op + 1, place, unemitted)
        };
        let ahead = self.ahead_of(op + 1, false);
        let output = self.order.insert_before(token, item, ahead);
        let task = &mut self.tasks[id.0];
        task.unemitted += 1;
        task.outputs += 1;
        self.take_granted(op, id.0);
        let operator = &mut self.ops[op];
        operator.emits.push_back(output);
        self.moved = self.now;
        match metadata {
            Some(metadata) => self.settle(block, metadata),
            None => {
                self.n_fetching += 1;
                self.blocks[block].fetches = 1;
                let block = Self::block_id(block);
                out.push(Command::FetchMetadata { block, data });
            }
        }
        self.emit(op);
    }

    pub(crate) fn metadata_ready(
        &mut self,
        id: BlockId,
        metadata: Option<Metadata>,
        out: &mut Vec<Command>,
    ) {
        let Some(block) = self.blocks.get_mut(id.0) else {
            return;
        };
        if block.known.is_some() {
            return;
        }
        self.moved = self.now;
        let (op, place, data) = (block.producer(), block.place, block.data);
        match metadata {
            Some(metadata) => {
                self.n_fetching -= 1;
                self.settle(id.0, metadata);
                self.emit(op);
            }
            None if block.fetches < self.settings.attempts_max => {
                block.fetches += 1;
                out.push(Command::FetchMetadata { block: id, data });
            }
            None => {
                let attempts = block.fetches;
                self.fail(op, place, Failure::MetadataLost { attempts }, out);
            }
        }
    }

    /// A block's metadata is known: what it holds replaces the estimate.
    fn settle(&mut self, key: Key, metadata: Metadata) {
        let block = &mut self.blocks[key];
        let (op, place, task) = (block.producer(), block.place, block.task);
        let grown = metadata.bytes as i64 - block.bytes as i64;
        block.bytes = metadata.bytes;
        block.known = Some(Known {
            rows: metadata.rows,
            holder: metadata.holder,
        });
        let operator = &mut self.ops[op];
        operator.metrics.bytes_out += metadata.bytes;
        operator.metrics.rows_out += u64::from(metadata.rows);
        operator.learn_block(metadata.bytes);
        if let Some(task) = self.tasks.get_mut(task) {
            task.output_bytes += metadata.bytes;
            // What has come is not expected any more.
            let come = task.pending.min(metadata.bytes as i64);
            task.pending -= come;
            let reads = task.reads;
            self.ops[op].held[crate::Resource::BLOCKS] -= come;
            if reads {
                self.ahead.add(place.split, 0, -come);
            }
        }
        self.charge_block(op, place, 0, grown);
    }

    /// Charges blocks and bytes to the operator that put them out.
    pub(crate) fn charge_block(&mut self, op: OpIdx, place: Place, blocks: i32, bytes: i64) {
        self.kept_places -= self.kept_place(op);
        let operator = &mut self.ops[op];
        operator.output_bytes += bytes;
        operator.output_blocks = operator.output_blocks.saturating_add_signed(blocks);
        self.kept_places += self.kept_place(op);
        if op >= self.reader {
            self.ahead.add(place.split, blocks, bytes);
        }
        self.book(op);
    }

    /// Emits what an operator has put out, as far as its metadata is known.
    pub(crate) fn emit(&mut self, op: OpIdx) {
        while let Some(&token) = self.ops[op].emits.front() {
            let item = self.order.get(token);
            let State::Unemitted { task } = item.state else {
                unreachable!("what is emitted was not before");
            };
            let block = item.block.expect("an output is a block");
            if self.blocks[block].known.is_none() {
                return;
            }
            self.ops[op].emits.pop_front();
            self.order.get_mut(token).state = State::Queued;
            self.arrive(token);
            self.tasks[task].unemitted -= 1;
            self.finish_if_emitted(task);
        }
    }

    /// A block joins the queue of the operator that is next. At the sink, it
    /// stands where the sink will find it.
    fn arrive(&mut self, token: Key) {
        let op = self.order.get(token).op();
        if op < self.ops.len() {
            let queued = self.queued(token);
            self.ops[op].queue.insert(queued);
            self.book(op);
        }
    }

    /// Emits to the consumer, in input order, what has come to the sink; a
    /// bounded number of blocks.
    pub(crate) fn pass_sink(&mut self, out: &mut Vec<Command>) {
        let sink = self.ordered.len() - 1;
        let mut left = self.settings.emits_per_step;
        loop {
            let token = self.order.position(sink);
            let item = self.order.get(token);
            let is_here = item.op() == self.ops.len() && item.state == State::Queued;
            if !is_here || self.phase == Phase::Failed {
                return;
            }
            if left == 0 {
                self.is_behind = true;
                return;
            }
            left -= 1;
            let (place, block) = (item.place, item.block.expect("the sink gets blocks"));
            out.push(Command::Emit {
                block: Self::block_id(block),
                data: self.blocks[block].data,
                place,
            });
            self.n_emitted += 1;
            self.order.remove(token);
            self.advance(out);
        }
    }

    /// A token is gone: whoever waits for the one behind it may go on.
    fn unlink(&mut self, token: Key, out: &mut Vec<Command>) {
        let moved = self.order.remove(token);
        self.advance(out);
        if let Some((next, came)) = moved {
            let op = self.order.get(next).op();
            let cursor = self.ops.get(op).and_then(|op| op.cursor);
            if cursor.is_some_and(|cursor| came & 1 << cursor != 0) {
                self.awaken(op);
            }
        }
        self.awaken_head();
    }

    /// The head may do what others may not.
    fn awaken_head(&mut self) {
        let head = self.order.first();
        let item = self.order.get(head);
        let op = if item.state == State::End {
            self.reader
        } else {
            item.op()
        };
        if op < self.ops.len() {
            self.awaken(op);
            if self.ops[op].unread.first().is_some() {
                self.unread.insert(op);
            }
        }
    }

    /// Says so when all that comes before a place was emitted.
    fn advance(&mut self, out: &mut Vec<Command>) {
        let head = self.order.first();
        let place = match self.order.get(head).state {
            State::End => self.unopened,
            _ => self.order.get(head).place,
        };
        // What an exchange collects is collected once more by a resumed run.
        if place > self.advanced && self.reader == self.last_reader {
            self.advanced = place;
            out.push(Command::Advance { to: place });
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
        let (op, token, reads) = (task.op(), task.token, task.reads);
        self.free_worker(id.0);
        self.ops[op].n_running -= 1;
        self.n_running -= 1;
        self.moved = now;
        let item = self.order.get(token);
        let (place, block) = (item.place, item.block);
        if reads && !item.gave_rest {
            self.ahead.close(place.split);
            self.wake_for_blocks();
        }
        if let Some(block) = block {
            self.unuse(block, out);
        }
        self.unlink(token, out);
        self.book(op);
        self.finish_if_emitted(id.0);
    }

    /// A task that is drained and whose outputs are emitted is finished: once.
    fn finish_if_emitted(&mut self, key: Key) {
        let task = &self.tasks[key];
        if task.unemitted > 0 || !task.is_drained() {
            return;
        }
        let task = self.tasks.remove(key).expect("it is there");
        let reading = match task.was_unread {
            true => self.readings.remove(&key),
            false => None,
        };
        let TaskPhase::Drained(took) = task.phase else {
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

    /// Gives back what a task holds.
    fn free_worker(&mut self, key: Key) {
        self.take_granted(self.tasks[key].op(), key);
        let task = &mut self.tasks[key];
        let (op, reads) = (task.op(), task.reads);
        let need = self.ops[op].config.task;
        let need = need.with(crate::Resource::BLOCKS, task.pending);
        let pending = std::mem::take(&mut task.pending);
        let (seat, token) = (task.seat.take(), task.token);
        let operator = &mut self.ops[op];
        operator.held -= need;
        if let (Some(seat), Some(pool)) = (seat, &mut operator.pool) {
            pool.unassign(seat, Self::task_id(key));
        }
        if reads {
            let place = self.order.get(token).place;
            self.ahead.add(place.split, -1, -pending);
        }
    }

    /// A token stands no more for a block; the last one releases it.
    fn unuse(&mut self, key: Key, out: &mut Vec<Command>) {
        let block = &mut self.blocks[key];
        block.users -= 1;
        if block.users > 0 {
            return;
        }
        let block = self.blocks.remove(key).expect("it is there");
        out.push(Command::Release { data: block.data });
        self.charge_block(block.producer(), block.place, -1, -(block.bytes as i64));
        self.wake_for_blocks();
    }

    pub(crate) fn output_taken(&mut self, id: BlockId, out: &mut Vec<Command>) {
        if self.blocks.get(id.0).is_some() {
            self.n_emitted -= 1;
            self.moved = self.now;
            self.unuse(id.0, out);
            if self.n_emitted == 0 {
                self.awaken_head();
            }
        }
    }

    pub(crate) fn task_failed(&mut self, id: TaskId, class: FailureClass, out: &mut Vec<Command>) {
        if self.tasks.get(id.0).is_none_or(Task::is_drained) {
            return;
        }
        // What waited at the door is no suspect.
        let had_begun = !self.tasks[id.0].is_submitted();
        self.task_started(id);
        self.stop_waiting(id.0);
        self.free_worker(id.0);
        let now = self.now;
        let task = &mut self.tasks[id.0];
        task.phase = TaskPhase::Failed;
        let (op, token) = (task.op(), task.token);
        let (outputs, is_cancelled) = (task.outputs, task.is_cancelled);
        self.finish_if_emitted(id.0);
        self.ops[op].n_running -= 1;
        self.n_running -= 1;
        self.ops[op].metrics.tasks_failed += 1;
        self.moved = now;
        let (attempts_max, kills_max) = (self.settings.attempts_max, self.settings.kills_max);
        let item = self.order.get_mut(token);
        let place = item.place;
        item.put_out += outputs;
        // Until something else is decided.
        item.state = State::GivenUp;
        match class {
            FailureClass::Fatal => self.fail(op, place, Failure::Fatal, out),
            // It will not be tried again: the run ends.
            _ if is_cancelled => {}
            FailureClass::Transient => {
                item.attempts = item.attempts.saturating_add(1);
                let attempts = item.attempts.into();
                if attempts >= attempts_max {
                    self.fail(op, place, Failure::AttemptsExhausted { attempts }, out);
                } else {
                    self.back_off(token, attempts);
                }
            }
            FailureClass::Displaced => self.requeue(token),
            FailureClass::WorkerLost if !had_begun => self.requeue(token),
            FailureClass::WorkerLost => {
                item.kills = item.kills.saturating_add(1);
                if u32::from(item.kills).is_multiple_of(kills_max) {
                    self.suspect(token, out);
                } else {
                    self.requeue(token);
                }
            }
        }
        self.book(op);
    }

    /// An input has cost workers. It is cut in two until the sample that does
    /// it is alone, and that is rejected.
    fn suspect(&mut self, token: Key, out: &mut Vec<Command>) {
        let item = self.order.get(token);
        let (op, place, kills) = (item.op(), item.place, u32::from(item.kills));
        let Some(block) = item.block else {
            // Splits are read by code of ours; its death is no sample's fault.
            let failure = Failure::AttemptsExhausted { attempts: kills };
            self.fail(op, place, failure, out);
            return;
        };
        let n_rows = self.blocks[block].known.map_or(0, |known| known.rows);
        let rows = item.rows.cut().unwrap_or(Rows {
            from: 0,
            to: n_rows,
        });
        let n_rows = rows.to - rows.from;
        if item.put_out > 0 {
            // What was put out cannot be taken back: it has to go well.
            if kills >= self.settings.attempts_max * self.settings.kills_max {
                let failure = Failure::AttemptsExhausted { attempts: kills };
                self.fail(op, place, failure, out);
            } else {
                self.requeue(token);
            }
            return;
        }
        if n_rows <= 1 {
            self.ops[op].metrics.samples_poisonous += 1;
            self.requeue(token);
            return;
        }
        self.ops[op].metrics.inputs_bisected += 1;
        let middle = rows.from + (rows.to - rows.from) / 2;
        self.blocks[block].users += 1;
        let first = Item {
            block: Some(block),
            rows: Rows { to: middle, ..rows },
            ..self.item(op, place, State::Queued)
        };
        let ahead = self.ahead_of(op, false);
        let first = self.order.insert_before(token, first, ahead);
        let item = self.order.get_mut(token);
        item.rows = Rows {
            from: middle,
            ..rows
        };
        item.kills = 0;
        let queued = self.queued(first);
        self.ops[op].queue.insert(queued);
        self.requeue(token);
    }

    fn requeue(&mut self, token: Key) {
        self.order.get_mut(token).state = State::Queued;
        let queued = self.queued(token);
        let op = self.order.get(token).op();
        self.ops[op].queue.insert(queued);
        self.book(op);
    }

    /// Tries again later: twice as late each time, and not all at once.
    fn back_off(&mut self, token: Key, attempts: u32) {
        let (base, most) = (self.settings.backoff, self.settings.backoff_max);
        let wait = base.saturating_mul(1 << (attempts - 1).min(16)).min(most);
        // Between half and all of it, by a hash: there is no randomness here.
        let spread = (self.order.get(token).born ^ u64::from(attempts))
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            >> 54;
        let wait = wait / 2 + wait / 2 * spread as u32 / 1024;
        let time = self.now.after(wait);
        self.order.get_mut(token).state = State::BackingOff;
        self.retries.insert((time, token));
    }

    pub(crate) fn retry_due(&mut self) {
        while let Some(&(time, token)) = self.retries.first()
            && time <= self.now
        {
            self.retries.pop_first();
            if self.order.contains(token) {
                self.requeue(token);
            }
        }
    }

    pub(crate) fn worker_up(&mut self, op: OpIdx, worker: WorkerId) {
        if let Some(pool) = &mut self.ops[op].pool {
            pool.add(worker);
            self.moved = self.now;
            self.book(op);
        }
    }

    pub(crate) fn worker_down(&mut self, op: OpIdx, worker: WorkerId, out: &mut Vec<Command>) {
        let Some(pool) = &mut self.ops[op].pool else {
            return;
        };
        if !pool.has(worker) {
            return;
        }
        let tasks = pool.lose(worker);
        pool.wanted = pool.wanted.saturating_sub(1).max(pool.up());
        for task in tasks {
            self.task_failed(task, FailureClass::WorkerLost, out);
        }
        self.book(op);
        self.scale_pool(op, out);
    }

    pub(crate) fn cancel(&mut self, out: &mut Vec<Command>) {
        if self.phase == Phase::Running {
            self.phase = Phase::Draining;
            self.book(self.reader);
            return;
        }
        self.gives_up = true;
        let running: Vec<Key> = self
            .tasks
            .iter()
            .filter(|(_, task)| !task.is_drained() && !task.is_cancelled)
            .map(|(key, _)| key)
            .collect();
        for key in running {
            self.tasks[key].is_cancelled = true;
            let task = Self::task_id(key);
            out.push(Command::Cancel { task });
        }
    }

    pub(crate) fn fail(
        &mut self,
        op: OpIdx,
        place: Place,
        failure: Failure,
        out: &mut Vec<Command>,
    ) {
        if self.phase != Phase::Failed {
            self.phase = Phase::Failed;
            out.push(Command::Fail { op, place, failure });
        }
    }

    /// Ends the run when all was taken, or, after a cancel, when nothing moves
    /// any more: what waits for a block that will not be read is given up.
    pub(crate) fn end_if_done(&mut self, out: &mut Vec<Command>) {
        if matches!(self.phase, Phase::Failed | Phase::Finished) {
            return;
        }
        let idle = self.tasks.len() == 0 && self.n_emitted == 0 && self.n_fetching == 0;
        let has_read = self.has_all_splits && self.unopened.split >= self.n_splits;
        if !idle || self.is_behind {
            return;
        }
        if self.phase == Phase::Draining {
            let can_go_on = !self.gives_up
                && self
                    .order
                    .iter()
                    .any(|(_, item)| item.state == State::BackingOff);
            if !can_go_on {
                self.phase = Phase::Finished;
                out.push(Command::Finish);
            }
            return;
        }
        if !has_read || !self.order.is_empty() {
            return;
        }
        let exchange = (self.reader + 1..self.ops.len())
            .find(|op| self.ops[*op].config.kind == OpKind::Exchange);
        match exchange {
            Some(op) if !self.ops[op].is_closing => {
                self.ops[op].is_closing = true;
                self.has_all_splits = false;
                out.push(Command::Close { op });
            }
            Some(_) => {}
            None => {
                self.phase = Phase::Finished;
                out.push(Command::Finish);
            }
        }
    }
}
