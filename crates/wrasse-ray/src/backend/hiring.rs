//! Actors come and go.

use wrasse_job::Step;
use wrasse_run::Error;
use wrasse_sched::{Event, FailureClass, OpIdx, WorkerId};

use super::Ray;
use crate::protocol::Say;

impl Ray<'_> {
    /// Begins an actor for a stage.
    pub(super) fn hire(&mut self, op: OpIdx, is_wanted: bool) -> Result<(), Error> {
        let Step::Outside(part) = &self.pipeline.steps[op] else {
            return Ok(());
        };
        let hire = Say::Hire {
            actor: self.actors.begin(op, is_wanted).0,
            stage: part.stage,
            needs: &self.ledger.needs[op],
            name: &self.pipeline.names[op],
        };
        self.link.say(&[hire], &[])
    }

    /// Begins one actor for each stage that input comes to before all of it is read.
    pub(crate) fn hire_ahead(&mut self) -> Result<(), Error> {
        let steps = self.pipeline.steps.iter();
        let is_exchange = |step: &&Step| matches!(step, Step::Exchange(..));
        let first = steps.take_while(|step| !is_exchange(step)).count();
        (0..first).try_for_each(|op| self.hire(op, false))
    }

    /// An actor is gone, with what it was at.
    pub(super) fn down(&mut self, worker: WorkerId, message: String) -> Result<(), Error> {
        let Some((op, is_waited_for)) = self.actors.remove(worker) else {
            return Ok(());
        };
        if is_waited_for {
            // The scheduler has heard of none, and counts on one.
            return self.hire(op, true);
        }
        let (numbers, known) = (&mut self.state.numbers, &mut self.known);
        self.state.running.retain(|task, running| {
            let is_its = running.worker == Some(worker);
            if is_its && let Some(number) = running.number {
                numbers.remove(&number);
                let (task, class) = (*task, FailureClass::Displaced);
                known.push_back(Event::TaskFailed { task, class });
            }
            !is_its
        });
        self.state.last_failure = Some(message);
        self.known.push_back(Event::WorkerDown { op, worker });
        Ok(())
    }
}
