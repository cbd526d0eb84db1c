//! Where blocks go: to the next operator in the order of reading, to the
//! consumer in input order.
//!
//! Outputs leave each operator in the order in which they were read; one whose
//! metadata is missing holds back those behind it, and nobody else.

use crate::allocator::Allocator;
use crate::flight::State;
use crate::operator::Queued;
use crate::scheduler::{Phase, Scheduler};
use crate::slab::Key;
use crate::{Command, OpIdx};

impl<A: Allocator> Scheduler<A> {
    /// Emits what an operator has put out, as far as its metadata is known; a
    /// bounded number of blocks.
    pub(crate) fn emit(&mut self, op: OpIdx) {
        self.emitting.remove(op);
        let mut left = self.settings.emits_per_step;
        while let Some(&token) = self.ops[op].emits.front() {
            let item = self.order.get(token);
            let block = item.block.expect("an output is a block");
            let task = item.task.expect("an output is a task's");
            if self.blocks[block].known.is_none() {
                return;
            }
            if left == 0 {
                self.emitting.insert(op);
                self.is_behind = true;
                return;
            }
            left -= 1;
            self.ops[op].emits.pop_front();
            self.order.get_mut(token).state = State::Queued;
            self.arrive(token);
            self.tasks[task].unemitted -= 1;
            self.finish_if_emitted(self.tasks.key(task));
        }
    }

    /// A block joins the queue of the operator that is next. At the sink, it
    /// stands where the sink will find it.
    fn arrive(&mut self, token: Key) {
        let op = self.order.get(token).op();
        if op < self.ops.len() {
            if let Some(block) = self.order.get(token).block {
                self.blocks[block].queued = self.now;
            }
            let queued = self.queued(token);
            self.ops[op].queue.insert(queued);
            self.book(op);
        } else {
            self.at_sink.arrive(self.queued(token), self.now);
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
            let is_full = self.n_emitted >= self.settings.emitted_max;
            if !is_here || is_full || self.phase == Phase::Failed {
                return;
            }
            if left == 0 {
                self.is_behind = true;
                return;
            }
            left -= 1;
            let (place, block) = (item.place, item.block.expect("the sink gets blocks"));
            let queued = Queued {
                place,
                born: item.born,
                token,
            };
            out.push(Command::Emit {
                block: Self::block_id(self.blocks.key(block)),
                data: self.blocks[block].data,
                place,
            });
            self.n_emitted += 1;
            self.at_sink.leave(queued);
            self.order.remove(token);
            self.advance(out);
        }
    }

    /// A token is gone: whoever waits for the one behind it may go on.
    pub(crate) fn unlink(&mut self, token: Key, out: &mut Vec<Command>) {
        if self.order.get(token).has_past {
            self.pasts.remove(&token);
        }
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
    pub(crate) fn awaken_head(&mut self) {
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
}
