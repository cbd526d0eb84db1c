//! Who waits: for what, since when, and who holds it.
//!
//! Asked for some times a second, and from what is in order anyway: the heads of
//! lines and queues. No task is looked at that is not told of, but for a few.

use crate::allocator::Allocator;
use crate::flight::{Stage, State};
use crate::lines::Line;
use crate::scheduler::{Phase, Scheduler};
use crate::slab::{At, Key};
use crate::view::{Holder, Stuck, TASKS_TOLD, TaskWait, Wait, WaitView};
use crate::{OpIdx, TaskId, Time};

impl<A: Allocator> Scheduler<A> {
    /// What an operator waits for, and who holds it.
    pub(crate) fn wait(&self, op: OpIdx) -> Option<WaitView> {
        let (reason, since) = self.ops[op].wait?;
        let holder = match reason {
            Wait::Order(place) => self.ops[op].cursor.map(|cursor| {
                let here = self.order.position(cursor);
                let head = self.order.first();
                let is_first = self.order.get(head).place >= place;
                self.holder_at(if is_first { head } else { here }).op
            }),
            reason => self.holder(op, reason),
        };
        Some(WaitView {
            reason,
            since,
            holder,
        })
    }

    /// The operator that holds most of what `op` waits for.
    fn holder(&self, op: OpIdx, reason: Wait) -> Option<OpIdx> {
        let most = |of: &dyn Fn(OpIdx) -> i64| {
            (0..self.ops.len())
                .max_by_key(|op| of(*op))
                .filter(|op| of(*op) > 0)
        };
        match reason {
            Wait::Resource(resource) => most(&|op| self.ops[op].usage(false).tasks[resource]),
            Wait::OutputBudget | Wait::ReadBudget => most(&|op| self.ops[op].output_bytes),
            Wait::BlocksInFlight => most(&|op| self.ops[op].output_blocks.into()),
            Wait::Start => most(&|op| self.ops[op].n_running.into()),
            Wait::Input => op.checked_sub(1),
            Wait::AtMost | Wait::Worker => Some(op),
            Wait::Order(_)
            | Wait::Cancelled
            | Wait::Metadata
            | Wait::Retry(_)
            | Wait::Consumer
            | Wait::Decision => None,
        }
    }

    /// What a token stands for, as that which others wait for.
    fn holder_at(&self, token: Key) -> Holder {
        let item = self.order.get(token);
        let (op, is_there) = match item.state {
            State::End => (self.reader, false),
            // It is with the task that put it out.
            State::Unemitted => (item.op() - 1, true),
            _ => (item.op().min(self.ops.len() - 1), true),
        };
        let task = match item.state {
            State::Running | State::Unemitted => item.task,
            _ => None,
        };
        Holder {
            op,
            place: is_there.then_some(item.place),
            task: task.map(|task| Self::task_id(self.tasks.key(task))),
        }
    }

    /// The tasks of an operator that wait longest.
    pub(crate) fn tasks_waiting(&self, op: OpIdx) -> [Option<TaskWait>; TASKS_TOLD] {
        let dated = |token: At| (self.order.key(token), self.lines.since(token));
        let first = |line| self.lines.iter(line).take(TASKS_TOLD).map(dated);
        let fresh = self.fresh.iter().filter_map(|task| {
            let task = self.tasks.get(task)?;
            let is_here = task.op() == op && task.stage == Stage::Submitted;
            is_here.then(|| (self.order.key(task.token), Time(task.time)))
        });
        let unemitted = self.ops[op].emits.iter().take(TASKS_TOLD);
        let is_last = op + 1 == self.ops.len();
        let at_sink = self
            .at_sink
            .iter()
            .filter(|(queued, _)| is_last && self.order.contains(queued.token));
        let mut waits: Vec<TaskWait> = first(Line::Start(op))
            .chain(fresh.take(TASKS_TOLD))
            .chain(first(Line::Read(op)))
            .chain(first(Line::Retry(op)))
            .chain(unemitted.map(|token| dated((*token).into())))
            .chain(
                at_sink
                    .take(TASKS_TOLD)
                    .map(|(queued, since)| (queued.token, *since)),
            )
            .chain(self.next_token(op))
            .filter_map(|(token, since)| {
                let (reason, holder) = self.cause(token)?;
                Some(TaskWait {
                    task: self.task_of(token),
                    place: self.order.get(token).place,
                    reason,
                    since,
                    holder,
                })
            })
            .collect();
        waits.sort_by_key(|wait| wait.since);
        let mut waits = waits.into_iter();
        std::array::from_fn(|_| waits.next())
    }

    /// What an operator submits next, if it is there already, and since when
    /// that is in its way which is now.
    fn next_token(&self, op: OpIdx) -> Option<(Key, Time)> {
        let head = self.order.first();
        let item = self.order.get(head);
        let token = match item.op() == op && item.state == State::Queued {
            true => head,
            false => self.ops[op].queue.first()?.token,
        };
        let (_, since) = self.ops[op].wait?;
        let item = self.order.get(token);
        let queued = match item.block.filter(|_| !item.has_past) {
            Some(block) => self.blocks[block].queued,
            None => self.lines.since(token.into()),
        };
        Some((token, since.max(queued)))
    }

    /// The task that is at a token, or put its block out.
    fn task_of(&self, token: Key) -> Option<TaskId> {
        let item = self.order.get(token);
        let task = match item.state {
            State::Running | State::Unemitted => self.tasks.key(item.task?),
            State::Queued if item.op() == self.ops.len() => self.blocks[item.block?].task,
            _ => return None,
        };
        Some(Self::task_id(task))
    }

    /// What a token waits for, and who holds it; none if it goes on. Of what an
    /// operator has in its queue, this is right for the next.
    fn cause(&self, token: Key) -> Option<(Wait, Option<Holder>)> {
        let item = self.order.get(token);
        let op = item.op();
        let by = |op, reason| {
            let holder = self.holder(op, reason);
            let holder = holder.map(|op| Holder {
                op,
                place: None,
                task: None,
            });
            (reason, holder)
        };
        let before = |token: Key| {
            let place = self.order.get(token).place;
            (Wait::Order(place), Some(self.holder_at(token)))
        };
        match item.state {
            State::Running if self.tasks[item.task?].is_submitted() => {
                let holder = self.at_its_worker(item.task?);
                match holder {
                    Some(_) => Some((Wait::Start, holder)),
                    None => Some(by(op, Wait::Start)),
                }
            }
            State::Running => {
                let reading = self.readings.get(&self.tasks.key(item.task?))?;
                reading.since.map(|_| by(op, Wait::ReadBudget))
            }
            State::Unemitted if self.blocks[item.block?].known.is_none() => {
                Some(by(op, Wait::Metadata))
            }
            State::Unemitted => {
                let first = *self.ops[op - 1].emits.front()?;
                let block = self.order.get(first).block?;
                // Otherwise it comes with one of the next steps.
                self.blocks[block].known.is_none().then(|| before(first))
            }
            State::Queued if op == self.ops.len() => {
                let first = self.order.position(self.ordered.len() - 1);
                let is_full = self.n_emitted >= self.settings.emitted_max;
                match first == token {
                    true => is_full.then(|| by(op, Wait::Consumer)),
                    false => Some(before(first)),
                }
            }
            State::Queued => {
                let (reason, _) = self.ops[op].wait.filter(|_| !self.ready.contains(op))?;
                match (reason, self.ops[op].cursor) {
                    (Wait::Order(_), Some(cursor)) => Some(before(self.order.position(cursor))),
                    _ => Some(by(op, reason)),
                }
            }
            State::BackingOff => Some(by(op, Wait::Retry(self.past(token).again))),
            State::GivenUp | State::End => None,
        }
    }

    /// The task at whose worker's door another waits: the one that runs there, or
    /// else the first that shall.
    fn at_its_worker(&self, task: At) -> Option<Holder> {
        let waits = &self.tasks[task];
        let pool = self.ops[waits.op()].pool.as_ref()?;
        let seat = waits.seat?;
        let there = || pool.tasks(seat).filter(|other| *other != task);
        let runs = there().find(|other| !self.tasks[*other].is_submitted());
        let first = runs.or_else(|| there().next())?;
        Some(self.holder_at(self.order.key(self.tasks[first].token)))
    }

    /// Who is stuck, and for how long: everything waits for the head of the
    /// order. None while nothing is in flight.
    pub fn stuck(&self, now: Time) -> Option<Stuck> {
        if matches!(self.phase, Phase::Failed | Phase::Finished) {
            return None;
        }
        let head = self.order.first();
        let item = self.order.get(head);
        let Holder { op, place, .. } = self.holder_at(head);
        let running = item.running().map(|task| &self.tasks[task]);
        let begun = running.filter(|task| !task.is_submitted());
        let (mut reason, mut holder) = match self.cause(head) {
            Some((reason, holder)) => (Some(reason), holder),
            None if begun.is_some() => (None, None),
            None => {
                // Who was never asked has had no input yet.
                let wait = self.ops[op].wait.map_or(Wait::Input, |wait| wait.0);
                (Some(wait), None)
            }
        };
        let lacks_room = matches!(
            reason,
            Some(Wait::OutputBudget | Wait::BlocksInFlight | Wait::ReadBudget)
        );
        let (mut op, mut place) = (op, place);
        if self.n_emitted > 0 && (lacks_room || item.state == State::End) {
            // The head needs no room of its own, once nobody has any to give back.
            (reason, holder) = (Some(Wait::Consumer), None);
            (op, place) = (self.ops.len() - 1, None);
        }
        let decides = |op: &OpIdx| self.ops[*op].is_closing && !self.ops[*op].is_closed;
        if let Some(exchange) = (0..self.ops.len()).find(decides) {
            (op, reason, holder) = (exchange, Some(Wait::Decision), None);
        }
        Some(Stuck {
            op,
            place,
            reason,
            holder,
            begun: begun
                .filter(|_| reason.is_none())
                .map(|task| Time(task.time)),
            since: now.since(self.moved),
        })
    }
}
