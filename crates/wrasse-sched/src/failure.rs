//! What becomes of inputs whose tasks fail: another attempt, now or later, or
//! the end of the run.
//!
//! An input that costs workers is cut in two until the sample that does it is
//! alone, and that is rejected.

use crate::allocator::Allocator;
use crate::event::Failure;
use crate::flight::{Item, Past, State, Task};
use crate::lines::Line;
use crate::scheduler::Scheduler;
use crate::slab::Key;
use crate::{Command, FailureClass, Rows, TaskId};

impl<A: Allocator> Scheduler<A> {
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
        task.fail();
        let (op, token) = (task.op(), self.order.key(task.token));
        let (outputs, is_cancelled) = (task.outputs, task.is_cancelled);
        self.finish_if_emitted(id.0);
        self.ops[op].n_running -= 1;
        self.n_running -= 1;
        self.ops[op].metrics.tasks_failed += 1;
        self.moved = now;
        let (attempts_max, kills_max) = (self.settings.attempts_max, self.settings.kills_max);
        let item = self.order.get_mut(token);
        let place = item.place;
        // Until something else is decided.
        item.state = State::GivenUp;
        let past = self.past_mut(token);
        past.put_out += outputs;
        match class {
            FailureClass::Fatal => self.fail(op, place, Failure::Fatal, out),
            // It will not be tried again: the run ends.
            _ if is_cancelled => {}
            FailureClass::Transient => {
                past.attempts += 1;
                let attempts = past.attempts;
                if attempts >= attempts_max {
                    self.fail(op, place, Failure::AttemptsExhausted { attempts }, out);
                } else {
                    self.back_off(token, attempts);
                }
            }
            FailureClass::Displaced => self.requeue(token),
            FailureClass::WorkerLost if !had_begun => self.requeue(token),
            FailureClass::WorkerLost => {
                past.kills += 1;
                if past.kills.is_multiple_of(kills_max) {
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
        let (op, place) = (item.op(), item.place);
        let past = self.past(token);
        let kills = past.kills;
        let Some(block) = item.block else {
            // Splits are read by code of ours; its death is no sample's fault.
            let failure = Failure::AttemptsExhausted { attempts: kills };
            self.fail(op, place, failure, out);
            return;
        };
        let n_rows = self.blocks[block].known.map_or(0, |known| known.rows);
        let rows = past.rows.cut().unwrap_or(Rows {
            from: 0,
            to: n_rows,
        });
        let n_rows = rows.to - rows.from;
        if past.put_out > 0 {
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
            self.ops[op].metrics.samples_poisonous += u64::from(!past.is_poisonous);
            self.past_mut(token).is_poisonous = true;
            self.requeue(token);
            return;
        }
        self.ops[op].metrics.inputs_bisected += 1;
        let middle = rows.from + (rows.to - rows.from) / 2;
        self.blocks[block].users += 1;
        let first = Item {
            block: Some(block),
            ..self.item(op, place, State::Queued)
        };
        let ahead = self.ahead_of(op, false);
        let first = self.order.insert_before(token, first, ahead);
        self.past_mut(first).rows = Rows { to: middle, ..rows };
        let past = self.past_mut(token);
        past.kills = 0;
        past.rows = Rows {
            from: middle,
            ..rows
        };
        self.requeue(first);
        self.requeue(token);
    }

    fn requeue(&mut self, token: Key) {
        self.order.get_mut(token).state = State::Queued;
        self.lines.date(token.into(), self.now);
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
        let item = self.order.get_mut(token);
        item.state = State::BackingOff;
        let op = item.op();
        self.past_mut(token).again = time;
        self.lines.join(Line::Retry(op), token.into(), self.now);
        self.retries.insert((time, token));
    }

    pub(crate) fn retry_due(&mut self) {
        let mut left = self.settings.submissions_per_step;
        while let Some(&(time, token)) = self.retries.first()
            && time <= self.now
        {
            if left == 0 {
                self.is_behind = true;
                return;
            }
            left -= 1;
            self.retries.pop_first();
            if self.order.contains(token) {
                self.lines.leave(token.into());
                self.requeue(token);
            }
        }
    }

    /// What befell an input, if it is not as it came.
    pub(crate) fn past(&self, token: Key) -> Past {
        match self.order.get(token).has_past {
            true => self.pasts[&token],
            false => Past::NONE,
        }
    }

    pub(crate) fn past_mut(&mut self, token: Key) -> &mut Past {
        self.order.get_mut(token).has_past = true;
        self.pasts.entry(token).or_insert(Past::NONE)
    }
}
