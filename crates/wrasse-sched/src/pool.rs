//! [`Pool`]: the workers of an operator, and how many there should be.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::{PoolConfig, Settings, TaskId, Time, WorkerId};

/// Workers that are up, those that were asked for, and what each has to do.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) config: PoolConfig,
    /// How many were asked for.
    pub(crate) wanted: u32,
    /// Tasks on each worker that is up, in the order of submission.
    workers: BTreeMap<WorkerId, Vec<TaskId>>,
    /// Workers with a free slot, by the number of tasks they have.
    free: Vec<BTreeSet<WorkerId>>,
    /// Since when fewer would have done.
    too_many_since: Option<Time>,
}

impl Pool {
    pub(crate) fn new(config: PoolConfig) -> Self {
        Self {
            config,
            wanted: 0,
            workers: BTreeMap::new(),
            free: vec![BTreeSet::new(); config.slots.max(1) as usize],
            too_many_since: None,
        }
    }

    /// Workers whose resources are held: those that are up, or will be.
    pub(crate) fn held(&self) -> u32 {
        self.wanted.max(self.workers.len() as u32)
    }

    pub(crate) fn has(&self, worker: WorkerId) -> bool {
        self.workers.contains_key(&worker)
    }

    pub(crate) fn up(&self) -> u32 {
        self.workers.len() as u32
    }

    /// The worker for the next task: one with the least to do, and of these the
    /// one that has the input at hand.
    pub(crate) fn choose(&self, holder: Option<WorkerId>) -> Option<WorkerId> {
        let idlest = self.free.iter().find(|workers| !workers.is_empty())?;
        holder
            .filter(|holder| idlest.contains(holder))
            .or_else(|| idlest.first().copied())
    }

    pub(crate) fn add(&mut self, worker: WorkerId) {
        self.workers.insert(worker, Vec::new());
        self.free[0].insert(worker);
    }

    /// Takes an idle worker out, to be stopped.
    pub(crate) fn retire(&mut self) -> Option<WorkerId> {
        let worker = self.free[0].pop_last()?;
        self.workers.remove(&worker);
        self.wanted -= 1;
        Some(worker)
    }

    /// A worker is gone; what ran on it, in order.
    pub(crate) fn lose(&mut self, worker: WorkerId) -> Vec<TaskId> {
        let tasks = self.workers.remove(&worker).unwrap_or_default();
        if let Some(free) = self.free.get_mut(tasks.len()) {
            free.remove(&worker);
        }
        tasks
    }

    pub(crate) fn assign(&mut self, worker: WorkerId, task: TaskId) {
        self.change(worker, |tasks| tasks.push(task));
    }

    pub(crate) fn unassign(&mut self, worker: WorkerId, task: TaskId) {
        self.change(worker, |tasks| tasks.retain(|other| *other != task));
    }

    fn change(&mut self, worker: WorkerId, f: impl FnOnce(&mut Vec<TaskId>)) {
        let Some(tasks) = self.workers.get_mut(&worker) else {
            return; // It is gone already.
        };
        if let Some(free) = self.free.get_mut(tasks.len()) {
            free.remove(&worker);
        }
        f(tasks);
        if let Some(free) = self.free.get_mut(tasks.len()) {
            free.insert(worker);
        }
    }

    /// How many workers there should be, for `tasks` that wait or run and take
    /// `mean` each, if `room` more could be started.
    pub(crate) fn desired(
        &mut self,
        tasks: usize,
        mean: Option<Duration>,
        room: u32,
        settings: &Settings,
        now: Time,
    ) -> u32 {
        let tasks = tasks as u32;
        let horizon = settings.pool_horizon.as_nanos().max(1);
        let needed = match mean {
            // Workers that end the queue within the horizon.
            Some(mean) => {
                let work = u128::from(tasks) * mean.as_nanos();
                work.div_ceil(horizon).min(tasks.into()) as u32
            }
            // Nothing is measured: the least, until it is.
            None => tasks.min(self.config.workers_min.max(1)),
        };
        let needed = needed
            .max(self.config.workers_min.min(tasks))
            .min(self.config.workers_max);
        let held = self.held();
        if needed >= held {
            self.too_many_since = None;
            return needed.min(held + room);
        }
        let since = *self.too_many_since.get_or_insert(now);
        if now.since(since) < settings.pool_grace {
            return held;
        }
        self.too_many_since = None;
        needed
    }
}
