//! Blocks, from birth to release.
//!
//! # States
//!
//! ```text
//!   read ─(metadata)─▶ emitted ─▶ queued ─▶ input of a task ─▶ released
//! ```
//!
//! A block is charged to the operator that put it out, by an estimate until its
//! metadata is known. `emit` says where it goes.

use crate::allocator::Allocator;
use crate::event::Failure;
use crate::flight::{Block, Item, Known, State, Task};
use crate::scheduler::Scheduler;
use crate::slab::Key;
use crate::{BlockId, Command, Metadata, OpIdx, Place, Resource, TaskId};

impl<A: Allocator> Scheduler<A> {
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
        let (op, token) = (task.op(), self.order.key(task.token));
        let place = self.order.get(token).place;
        let block = Block::new(data, id.0, op, place);
        let block = self.blocks.insert(block);
        self.ops[op].metrics.blocks_out += 1;
        let item = Item {
            block: Some(block.into()),
            task: Some(id.0.into()),
            ..self.item(op + 1, place, State::Unemitted)
        };
        let ahead = self.ahead_of(op + 1, false);
        let output = self.order.insert_before(token, item, ahead);
        let task = &mut self.tasks[id.0];
        task.unemitted += 1;
        task.outputs += 1;
        self.take_granted(op, id.0);
        let operator = &mut self.ops[op];
        if metadata.is_none() || operator.emits.front().is_some() {
            self.lines.date(output.into(), self.now);
        }
        operator.emits.push_back(output);
        self.moved = self.now;
        match metadata {
            Some(metadata) => self.settle(block, metadata, 1),
            None => {
                let expected = self.ops[op].expected_block_bytes();
                self.blocks[block].bytes = expected;
                self.charge_block(op, place, 1, expected as i64);
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
                self.settle(id.0, metadata, 0);
                self.emit(op);
            }
            None if u32::from(block.fetches) < self.settings.attempts_max.min(255) => {
                block.fetches += 1;
                out.push(Command::FetchMetadata { block: id, data });
            }
            None => {
                let attempts = block.fetches.into();
                self.fail(op, place, Failure::MetadataLost { attempts }, out);
            }
        }
    }

    /// A block's metadata is known: what it holds replaces the estimate, if it
    /// was charged already, and is not `new`.
    fn settle(&mut self, key: Key, metadata: Metadata, new: i32) {
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
            let reads = self.ops[op].reads();
            self.ops[op].held[Resource::BLOCKS] -= come;
            if reads {
                self.ahead.add(place.split, 0, -come);
            }
        }
        self.charge_block(op, place, new, grown);
    }

    /// Charges blocks and bytes to the operator that put them out.
    fn charge_block(&mut self, op: OpIdx, place: Place, blocks: i32, bytes: i64) {
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

    /// A token stands no more for a block; the last one releases it.
    pub(crate) fn unuse(&mut self, key: Key, out: &mut Vec<Command>) {
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
}
