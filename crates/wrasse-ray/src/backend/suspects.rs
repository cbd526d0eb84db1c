//! Tasks that fail, and the search for samples that kill their workers: the rows
//! of such a task are read once more, and tried in halves.

use wrasse_job::Step;
use wrasse_run::{Error, Part};
use wrasse_sched::{Event, FailureClass, OpIdx, Place, TaskId};

use super::{Doing, RETRIES, Ray};
use crate::careful::{Careful, Step as Next};
use crate::protocol::Failed;
use crate::wire::{Meta, Spec, Work, decode};

/// A search for samples that kill their workers.
pub(super) struct Search {
    part: Part,
    /// The samples, when they are read, and what is left to do with them.
    samples: Option<(u64, Careful)>,
}

/// An input under suspicion.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Killer {
    Split(Place),
    Block(u64),
}

impl Ray<'_> {
    /// A task of Ray's has failed.
    pub(super) fn failed(
        &mut self,
        number: u64,
        kind: Failed,
        message: String,
    ) -> Result<(), Error> {
        let Some(task) = self.state.numbers.remove(&number) else {
            return Ok(());
        };
        if kind == Failed::WorkerLost && self.search(task)? {
            return Ok(());
        }
        self.state.careful.remove(&task);
        let Some(running) = self.state.running.remove(&task) else {
            return Ok(());
        };
        let class = match kind {
            Failed::WorkerLost => {
                let key = (running.op, killer(running.work));
                *self.state.killers.entry(key).or_default() += 1;
                self.state.last_failure = Some(message);
                FailureClass::WorkerLost
            }
            Failed::Cancelled => FailureClass::Transient,
            Failed::ObjectLost => {
                return Err(Error::failed(format!(
                    "a block is lost and Ray cannot make it again: {message}"
                ))
                .with_hint("--resume goes on from the last commit"));
            }
            Failed::Error => return Err(Error::failed(message)),
        };
        self.known.push_back(Event::TaskFailed { task, class });
        Ok(())
    }

    /// Goes on with, or begins, the search for a sample that kills its worker;
    /// `false` if the scheduler has to decide.
    fn search(&mut self, task: TaskId) -> Result<bool, Error> {
        if let Some(search) = self.state.careful.get_mut(&task) {
            if let Some((_, careful)) = &mut search.samples {
                careful.died();
                self.go_on_searching(task)?;
                return Ok(true);
            }
            // Not even reading goes well.
            return Ok(false);
        }
        let Some(running) = self.state.running.get(&task) else {
            return Ok(false);
        };
        let (op, pipeline) = (running.op, self.pipeline);
        let (Step::Read(part), Doing::Read(place)) = (&pipeline.steps[op], running.work) else {
            return Ok(false);
        };
        if running.has_put_out || part.operators.is_empty() {
            return Ok(false);
        }
        let reads = Part {
            operators: part.operators.start..part.operators.start,
            ends_stage: false,
            ..part.clone()
        };
        let streamed = self.come(place);
        let search = Search {
            part: part.clone(),
            samples: streamed.map(|(object, rows)| (object, Careful::new(rows))),
        };
        let has_samples = search.samples.is_some();
        self.state.careful.insert(task, search);
        if has_samples {
            self.go_on_searching(task)?;
            return Ok(true);
        }
        let (splits, skip) = self.share(place, !pipeline.has_exchange());
        let spec = Spec {
            part: reads,
            work: Work::Read {
                splits: self.splits[splits.start as usize..splits.end as usize].to_vec(),
                skip,
                rows_max: self.books.rows_left,
            },
            output_bytes: None,
            skip_outputs: 0,
        };
        self.submit_again(task, op, &spec, (RETRIES, None))?;
        Ok(true)
    }

    /// What was asked for in a search has come: the samples, or what became of
    /// some.
    pub(super) fn found(&mut self, task: TaskId, object: u64, said: Vec<u8>) -> Result<(), Error> {
        let search = self.state.careful.get_mut(&task);
        match search.map(|search| &mut search.samples) {
            Some(samples @ None) => {
                let meta: Meta = decode(&said).map_err(Error::failed)?;
                *samples = Some((object, Careful::new(meta.rows)));
            }
            Some(Some((_, careful))) => {
                careful.survived();
                self.put_out(task, object, said);
            }
            None => self.free(object),
        }
        self.go_on_searching(task)
    }

    fn go_on_searching(&mut self, task: TaskId) -> Result<(), Error> {
        let (Some(search), Some(running)) =
            (self.state.careful.get(&task), self.state.running.get(&task))
        else {
            return Ok(());
        };
        let Some((object, careful)) = &search.samples else {
            return Ok(());
        };
        let (object, op) = (*object, running.op);
        let (rows, poisoned_after) = match careful.step() {
            Next::Run(rows) => (rows, 0),
            Next::Reject(rows, deaths) => (rows, deaths),
            Next::Finish => {
                self.state.careful.remove(&task);
                self.free(object);
                self.drained(task);
                return Ok(());
            }
        };
        let spec = Spec {
            part: search.part.clone(),
            work: Work::Blocks {
                verdict: None,
                rows: Some(rows),
                poisoned_after,
            },
            output_bytes: None,
            skip_outputs: 0,
        };
        self.submit_again(task, op, &spec, (0, Some(object)))
    }

    /// Another task of Ray's for the same one of the scheduler's.
    fn submit_again(
        &mut self,
        task: TaskId,
        op: OpIdx,
        spec: &Spec,
        (retries, object): (i32, Option<u64>),
    ) -> Result<(), Error> {
        let number = self.number();
        if let Some(running) = self.state.running.get_mut(&task)
            && let Some(before) = running.number.replace(number)
        {
            self.state.numbers.remove(&before);
        }
        self.state.numbers.insert(number, task);
        self.say_submit((number, retries), op, spec, (object, None))
    }
}

/// What a task works on, if that should kill.
pub(super) fn killer(doing: Doing) -> Killer {
    match doing {
        Doing::Read(place) | Doing::ReadBack(place) => Killer::Split(place),
        Doing::Block(data) => Killer::Block(data),
    }
}
