//! [`Asking`]: what an autoscaler is asked for.
//!
//! Who waits for a resource asks for room for its tasks that are under way, and
//! for as many again: a cluster that grows is asked for more once it has grown.
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
        let is_short = |wait: Wait| match wait {
            Wait::Resource(resource) => resource != Resource::BLOCKS,
            _ => false,
        };
        if !view.wait.is_some_and(|wait| is_short(wait.reason)) {
            continue;
        }
        let under_way = view.tasks_submitted + view.tasks_running;
        let waiting = u32::try_from(view.queued).unwrap_or(u32::MAX);
        let waiting = waiting.saturating_add(unopened(op));
        let needs = &ledger.needs[op];
        let within = match needs.cpus > 0.0 {
            true => (cpus_left / needs.cpus).min(f64::from(TASKS_MAX)) as u32,
            false => TASKS_MAX,
        };
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
