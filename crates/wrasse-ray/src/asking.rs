//! [`Asking`]: what an autoscaler is asked for.
//!
//! Who waits for a resource asks for room for its tasks that are under way, or its
//! actors, and for as many again: a cluster that grows is asked for more once it has grown.
//! When nobody waits, nothing is asked for, and the cluster may shrink. What a run
//! has asked for is withdrawn when it ends, by the gateway.

use std::time::Duration;

use wrasse_run::Running;
use wrasse_sched::{OpIdx, OpView, Resource, Time, Wait};

use crate::needs::Ledger;
use crate::protocol::Wanted;

/// Time between two looks: nodes take much longer to come.
const EVERY: Duration = Duration::from_secs(1);

/// Tasks of one operator that room is asked for at the most.
const TASKS_MAX: u32 = 10_000;

/// What was asked for.
#[derive(Default)]
pub(crate) struct Asking {
    last: Option<Time>,
    asked: Vec<Wanted>,
}

impl Asking {
    /// What to ask for now, if that is not what was asked for before. `unopened`
    /// is how much input an operator has that is in no queue yet; `cpus_max` bounds
    /// the processors that are asked for.
    pub(crate) fn look(
        &mut self,
        run: &Running<'_>,
        ledger: &Ledger,
        unopened: impl Fn(OpIdx) -> u32,
        cpus_max: Option<usize>,
    ) -> Option<&[Wanted]> {
        if self.last.is_some_and(|last| run.now.since(last) < EVERY) {
            return None;
        }
        self.last = Some(run.now);
        let views = (0..ledger.needs.len()).map(|op| run.scheduler.view(op));
        let wanted = wanted(&views.collect::<Vec<_>>(), ledger, unopened, cpus_max);
        if wanted == self.asked {
            return None;
        }
        self.asked = wanted;
        Some(&self.asked)
    }
}

fn wanted(
    views: &[OpView],
    ledger: &Ledger,
    unopened: impl Fn(OpIdx) -> u32,
    cpus_max: Option<usize>,
) -> Vec<Wanted> {
    let mut cpus_left = cpus_max.map_or(f64::INFINITY, |cpus| cpus as f64);
    let mut wanted: Vec<Wanted> = Vec::new();
    for (op, view) in views.iter().enumerate() {
        let wait = view.wait.map(|wait| wait.reason);
        let is_short = match (view.workers, wait) {
            // Some are asked for and not there, or all are busy.
            (Some((up, asked)), wait) => up < asked || wait == Some(Wait::Worker),
            (None, Some(Wait::Resource(resource))) => resource != Resource::BLOCKS,
            (None, _) => false,
        };
        if !is_short {
            continue;
        }
        let under_way = match view.workers {
            Some((up, asked)) => up.max(asked),
            None => view.tasks_submitted + view.tasks_running,
        };
        let waiting = u32::try_from(view.queued).unwrap_or(u32::MAX);
        let waiting = waiting.saturating_add(unopened(op));
        let needs = &ledger.needs[op];
        let within = match needs.cpus > 0.0 {
            true => (cpus_left / needs.cpus).min(f64::from(TASKS_MAX)) as u32,
            false => TASKS_MAX,
        };
        let within = ledger.actors[op].map_or(within, |most| most.min(within));
        let n = (under_way + waiting.min(under_way.max(1))).min(within);
        cpus_left -= f64::from(n) * needs.cpus;
        let bundle = needs.bundle();
        match wanted.iter_mut().find(|other| other.bundle == bundle) {
            Some(same) => same.n += n,
            None if n > 0 => wanted.push(Wanted { bundle, n }),
            None => {}
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use wrasse_sched::{Limits, OpConfig, OpKind, Place, Resources, Scheduler, Settings, WaitView};

    use super::*;
    use crate::needs::Needs;

    /// An operator with tasks under way and inputs in its queue.
    fn view(under_way: u32, queued: usize, wait: Option<Wait>) -> OpView {
        let config = OpConfig {
            kind: OpKind::Source,
            task: Resources::ZERO,
            tasks_max: 1,
            output_bytes: 1,
            pool: None,
        };
        let limits = Limits {
            resources: Resources::unbounded(),
            blocks_in_flight: 1,
            for_tasks: Resources::ZERO,
        };
        let scheduler =
            Scheduler::new(&[config], limits, Place::default(), Settings::default()).unwrap();
        OpView {
            tasks_running: under_way,
            queued,
            wait: wait.map(|reason| WaitView {
                reason,
                since: Time(0),
                holder: None,
            }),
            ..scheduler.view(0)
        }
    }

    #[test]
    fn who_waits_asks_for_as_much_again_and_for_no_more_than_there_is_to_do() {
        let short = Some(Wait::Resource(Resource::CPU));
        let ledger = Ledger {
            needs: vec![
                Needs::one_cpu(),
                Needs {
                    gpus: 1.0,
                    ..Needs::one_cpu()
                },
            ],
            actors: vec![None, None],
            exchanges: vec![0, 0],
            custom: Vec::new(),
        };
        let asked = |first: OpView, unopened: u32, second: OpView, cpus_max| {
            let unopened = |op| if op == 0 { unopened } else { 0 };
            let wanted = wanted(&[first, second], &ledger, unopened, cpus_max);
            let n = wanted.iter().map(|one| (one.bundle.len(), one.n));
            n.collect::<Vec<_>>()
        };
        let idle = || view(0, 0, Some(Wait::Input));
        assert_eq!(asked(view(4, 0, short), 100, idle(), None), [(1, 8)]);
        assert_eq!(asked(view(4, 1, short), 2, idle(), None), [(1, 7)]);
        assert_eq!(asked(view(4, 0, short), 100, idle(), Some(6)), [(1, 6)]);
        // The first task of all.
        assert_eq!(asked(idle(), 0, view(0, 9, short), None), [(2, 1)]);
        let full = Some(Wait::Resource(Resource::BLOCKS));
        assert_eq!(asked(view(4, 0, full), 100, idle(), None), []);
    }
}
