//! [`Actors`]: who keeps the operators of stages that run outside.
//!
//! An actor is a worker of a pool of the scheduler's, with one task at a time: who
//! dies is then who is to blame. One of each stage is begun ahead, so that it
//! loads its model while the first share is read.

use std::collections::BTreeMap;

use wrasse_sched::{OpIdx, WorkerId};

/// Actors by their numbers, which are those of the scheduler's workers.
#[derive(Debug, Default)]
pub(crate) struct Actors {
    begun: u32,
    of: BTreeMap<WorkerId, Actor>,
}

#[derive(Debug)]
struct Actor {
    op: OpIdx,
    /// Whether it has its operators.
    is_ready: bool,
    /// Whether the scheduler has asked for it.
    is_wanted: bool,
}

impl Actors {
    /// A new one.
    pub(crate) fn begin(&mut self, op: OpIdx, is_wanted: bool) -> WorkerId {
        let worker = WorkerId(self.begun);
        self.begun += 1;
        let actor = Actor {
            op,
            is_ready: false,
            is_wanted,
        };
        self.of.insert(worker, actor);
        worker
    }

    /// The scheduler wants so many: how many are to be begun, and one that is ready
    /// already.
    pub(crate) fn scale(&mut self, op: OpIdx, workers: u32) -> (u32, Option<WorkerId>) {
        let mut there = 0;
        let mut ready = None;
        for (worker, actor) in self.of.iter_mut().filter(|(_, actor)| actor.op == op) {
            there += 1;
            if !std::mem::replace(&mut actor.is_wanted, true) && actor.is_ready {
                ready = Some(*worker);
            }
        }
        (workers.saturating_sub(there), ready)
    }

    /// One is ready: whose, if somebody waits for it.
    pub(crate) fn ready(&mut self, worker: WorkerId) -> Option<OpIdx> {
        let actor = self.of.get_mut(&worker)?;
        actor.is_ready = true;
        actor.is_wanted.then_some(actor.op)
    }

    /// One is gone: whose it was, and whether somebody still waits for it.
    pub(crate) fn remove(&mut self, worker: WorkerId) -> Option<(OpIdx, bool)> {
        let actor = self.of.remove(&worker)?;
        Some((actor.op, actor.is_wanted && !actor.is_ready))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_was_begun_ahead_counts_when_it_is_asked_for() {
        let mut actors = Actors::default();
        let (early, late) = (actors.begin(1, false), actors.begin(2, false));
        assert_eq!(actors.ready(early), None, "nobody has asked for it");
        assert_eq!(actors.scale(1, 3), (2, Some(early)));
        assert_eq!(actors.scale(2, 1), (0, None));
        assert_eq!(actors.ready(late), Some(2));
        let more = actors.begin(1, true);
        assert_eq!(actors.ready(more), Some(1));
        assert_eq!(actors.scale(1, 3), (1, None));
        assert_eq!(actors.remove(more), Some((1, false)));
        assert_eq!((actors.ready(more), actors.scale(1, 3)), (None, (2, None)));
        let waited_for = actors.begin(1, true);
        assert_eq!(actors.remove(waited_for), Some((1, true)));
    }
}
