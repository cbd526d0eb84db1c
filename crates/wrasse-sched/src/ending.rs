//! How a run ends: by itself, cancelled, or because it cannot go on.

use crate::allocator::Allocator;
use crate::event::Failure;
use crate::scheduler::{Phase, Scheduler};
use crate::{Command, OpIdx, OpKind, Place};

impl<A: Allocator> Scheduler<A> {
    pub(crate) fn cancel(&mut self, out: &mut Vec<Command>) {
        if self.phase == Phase::Running {
            self.phase = Phase::Draining;
            self.book(self.reader);
            return;
        }
        if !self.gives_up {
            self.gives_up = true;
            self.left_to_cancel = self.tasks.places();
        }
        self.cancel_tasks(out);
    }

    /// Cancels what runs, a bounded number of tasks; none begins any more.
    pub(crate) fn cancel_tasks(&mut self, out: &mut Vec<Command>) {
        let places = self.settings.submissions_per_step as usize;
        let from = self.left_to_cancel.saturating_sub(places);
        for at in from..self.left_to_cancel {
            if let Some((key, task)) = self.tasks.at_mut(at)
                && !task.is_drained()
            {
                task.is_cancelled = true;
                let task = Self::task_id(key);
                out.push(Command::Cancel { task });
            }
        }
        self.left_to_cancel = from;
        self.is_behind |= from > 0;
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
            let can_go_on = !self.gives_up && !self.retries.is_empty();
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
