//! What operators read: splits, shares of them, and what tasks leave of their
//! input to others.

use crate::ahead::Ahead;
use crate::allocator::Allocator;
use crate::flight::{Item, State};
use crate::scheduler::Scheduler;
use crate::{OpIdx, Place, Rows, TaskId};

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

    /// What a task leaves of its input becomes the input of another.
    pub(crate) fn rest_ready(&mut self, id: TaskId, from: u32) {
        let Some(task) = self.tasks.get(id.0) else {
            return;
        };
        if task.is_drained() {
            return;
        }
        let (op, token) = (task.op(), self.order.key(task.token));
        let item = self.order.get_mut(token);
        if item.gave_rest {
            return;
        }
        item.gave_rest = true;
        let (mut place, block) = (item.place, item.block);
        let mut rows = Rows::ALL;
        if let Some(block) = block {
            let block = &mut self.blocks[block];
            block.users += 1;
            let n_rows = block.known.map_or(u32::MAX, |known| known.rows);
            let past = self.past_mut(token);
            let all = past.rows.cut().unwrap_or(Rows {
                from: 0,
                to: n_rows,
            });
            past.rows = Rows { to: from, ..all };
            rows = Rows { from, ..all };
        } else {
            place.seq += 1;
        }
        let rest = Item {
            block,
            ..self.item(op, place, State::Queued)
        };
        let behind = self.order.after(token);
        let ahead = self.ahead_of(op, block.is_none());
        let key = self.order.insert_before(behind, rest, ahead);
        if block.is_some() {
            let past = self.past_mut(key);
            (past.rows, past.is_rest) = (rows, true);
        }
        self.lines.date(key.into(), self.now);
        let queued = self.queued(key);
        self.ops[op].queue.insert(queued);
        self.book(op);
    }

    pub(crate) fn item(&mut self, op: OpIdx, place: Place, state: State) -> Item {
        self.born += 1;
        Item::new(op, place, self.born, state)
    }
}
