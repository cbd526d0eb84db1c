//! What is lost for ever is named: a task that dies without a word, metadata that
//! never comes, a worker that is asked for and does not start. Nothing can go on
//! then; but who is stuck, and on whom, has to be told.

use std::collections::BTreeSet;

use wrasse_sched::{Event, OpIdx, Place, Scheduler, TaskId, Time, Wait};

use crate::told::Told;

/// What the world has swallowed.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    /// Tasks of which nothing is heard any more, and whether they had begun.
    tasks: BTreeSet<(TaskId, bool)>,
    /// Tasks of which some output's metadata never comes.
    metadata: BTreeSet<TaskId>,
    workers: BTreeSet<OpIdx>,
    splits: BTreeSet<OpIdx>,
    taken: bool,
}

impl Lost {
    pub(crate) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
            && self.metadata.is_empty()
            && self.workers.is_empty()
            && self.splits.is_empty()
            && !self.taken
    }

    pub(crate) fn task(&mut self, task: TaskId, has_begun: bool) {
        self.tasks.insert((task, has_begun));
    }

    /// Whether, of what is lost, something seems to be under way: as long as it
    /// does, other tasks may hold what is waited for, because nobody reads their
    /// outputs where there is no room.
    fn seems_to_move(&self) -> bool {
        let has_begun = self.tasks.iter().any(|lost| lost.1);
        has_begun || !self.metadata.is_empty() || self.taken
    }

    pub(crate) fn worker(&mut self, op: OpIdx) {
        self.workers.insert(op);
    }

    /// Loses an event, if a run that loses it cannot end.
    pub(crate) fn event(&mut self, event: Event, told: &Told) -> bool {
        match event {
            Event::OutputWaiting { task } => self.task(task, true),
            Event::MetadataReady { block, .. } => {
                let Some(task) = told.fetched_for(block) else {
                    return false;
                };
                self.metadata.insert(task);
            }
            Event::OutputTaken { .. } => self.taken = true,
            Event::SplitsFound { op, .. } => drop(self.splits.insert(op)),
            // A rest that nobody hears of would not hold up anything.
            _ => return false,
        }
        true
    }

    /// Asserts that the scheduler names something that was lost as what it waits
    /// for.
    pub(crate) fn assert_named(&self, scheduler: &Scheduler, now: u64, told: &Told) {
        let stuck = scheduler.stuck(Time(now)).expect("it has not ended");
        let at = (stuck.op, stuck.place);
        let is_at = |task: &TaskId| {
            let (op, place): (OpIdx, Place) = told.of(*task);
            at == (op, Some(place))
        };
        let of_op = |op: OpIdx| self.tasks.iter().any(|(task, _)| told.of(*task).0 == op);
        let held_by = |held: &dyn Fn(&TaskId) -> bool| {
            let holder = stuck.holder.and_then(|holder| holder.task);
            holder.is_some_and(|task| held(&task))
        };
        let holds = |op: OpIdx| {
            let has_unread = || scheduler.view(op).tasks_unread > 0;
            of_op(op) || self.seems_to_move() && has_unread()
        };
        let is_dead = |task: &TaskId| self.tasks.iter().any(|lost| lost.0 == *task);
        let is_named = match stuck.reason {
            None => {
                let begun = || self.tasks.iter().filter(|lost| lost.1);
                stuck.begun.is_some() && begun().any(|lost| is_at(&lost.0))
            }
            Some(Wait::Start) => {
                let mut unbegun = self.tasks.iter().filter(|lost| !lost.1);
                let is_unread = |task: &TaskId| told.is_unread(*task) && self.seems_to_move();
                unbegun.any(|lost| is_at(&lost.0)) || held_by(&is_dead) || held_by(&is_unread)
            }
            Some(Wait::Metadata) => self.metadata.iter().any(is_at),
            Some(Wait::Order(_)) => held_by(&|task| self.metadata.contains(task)),
            Some(Wait::Consumer) => self.taken,
            Some(Wait::Worker) => self.workers.contains(&stuck.op) || holds(stuck.op),
            Some(Wait::Resource(_)) => stuck.holder.is_some_and(|holder| holds(holder.op)),
            Some(Wait::Decision | Wait::Input) => self.splits.contains(&stuck.op),
            _ => false,
        };
        assert!(is_named, "{stuck:?}: {self:?}");
    }
}
