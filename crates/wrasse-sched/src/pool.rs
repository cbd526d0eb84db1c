//! [`Pool`]: the workers of an operator, and how many there should be.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{PoolConfig, Settings, TaskId, Time, WorkerId};

/// A place for a worker. It is taken again when its worker is gone.
pub(crate) type Seat = u32;

/// Workers that are up, those that were asked for, and what each has to do.
///
/// Who is free is a list for each number of tasks; a worker knows its place in
/// it, so that giving it a task or taking one costs the same for any number of
/// workers. Of equally idle ones the next task goes to that which became so
/// last.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) config: PoolConfig,
    /// How many were asked for.
    pub(crate) wanted: u32,
    seats: Vec<Worker>,
    /// As many places for each seat as a worker has slots; taken are the first,
    /// in the order of submission.
    tasks: Vec<Option<TaskId>>,
    /// Seats without a worker.
    empty: Vec<Seat>,
    by_id: BTreeMap<WorkerId, Seat>,
    /// Seats of workers with a free slot, by the number of their tasks.
    free: Vec<Vec<Seat>>,
    /// Since when fewer would have done.
    too_many_since: Option<Time>,
}

#[derive(Debug)]
struct Worker {
    id: WorkerId,
    /// How many tasks it has.
    n_tasks: u32,
    /// Where it is in its list of free ones.
    at: u32,
}

impl Pool {
    pub(crate) fn new(config: PoolConfig) -> Self {
        Self {
            config,
            wanted: 0,
            seats: Vec::new(),
            tasks: Vec::new(),
            empty: Vec::new(),
            by_id: BTreeMap::new(),
            free: vec![Vec::new(); slots(&config)],
            too_many_since: None,
        }
    }

    /// Workers whose resources are held: those that are up, or will be.
    pub(crate) fn held(&self) -> u32 {
        self.wanted.max(self.up())
    }

    pub(crate) fn has(&self, worker: WorkerId) -> bool {
        self.by_id.contains_key(&worker)
    }

    pub(crate) fn up(&self) -> u32 {
        self.by_id.len() as u32
    }

    /// The worker for the next task: one with the least to do, and of these the
    /// one that has the input at hand.
    pub(crate) fn choose(&self, holder: Option<WorkerId>) -> Option<(Seat, WorkerId)> {
        let idlest = self.free.iter().position(|seats| !seats.is_empty())?;
        let holder = holder
            .and_then(|holder| self.by_id.get(&holder).copied())
            .filter(|seat| self.seats[*seat as usize].n_tasks as usize == idlest);
        let seat = holder.or_else(|| self.free[idlest].last().copied())?;
        Some((seat, self.seats[seat as usize].id))
    }

    pub(crate) fn add(&mut self, id: WorkerId) {
        if self.has(id) {
            return;
        }
        let worker = Worker {
            id,
            n_tasks: 0,
            at: 0,
        };
        let seat = match self.empty.pop() {
            Some(seat) => {
                self.seats[seat as usize] = worker;
                seat
            }
            None => {
                self.seats.push(worker);
                self.tasks
                    .resize(self.seats.len() * slots(&self.config), None);
                self.seats.len() as Seat - 1
            }
        };
        self.by_id.insert(id, seat);
        self.list(seat);
    }

    /// Takes an idle worker out, to be stopped.
    pub(crate) fn retire(&mut self) -> Option<WorkerId> {
        let seat = *self.free[0].last()?;
        let worker = self.seats[seat as usize].id;
        self.lose(worker);
        self.wanted -= 1;
        Some(worker)
    }

    /// A worker is gone; what ran on it, in order.
    pub(crate) fn lose(&mut self, worker: WorkerId) -> Vec<TaskId> {
        let Some(seat) = self.by_id.remove(&worker) else {
            return Vec::new();
        };
        self.unlist(seat);
        self.empty.push(seat);
        let tasks = self.tasks_of(seat).iter_mut();
        tasks.filter_map(Option::take).collect()
    }

    pub(crate) fn assign(&mut self, seat: Seat, task: TaskId) {
        self.unlist(seat);
        let n = &mut self.seats[seat as usize].n_tasks;
        let at = *n as usize;
        *n += 1;
        self.tasks_of(seat)[at] = Some(task);
        self.list(seat);
    }

    pub(crate) fn unassign(&mut self, seat: Seat, task: TaskId) {
        let tasks = self.tasks_of(seat);
        // Otherwise its worker is gone already.
        if let Some(at) = tasks.iter().position(|other| *other == Some(task)) {
            tasks[at..].rotate_left(1);
            if let Some(last) = tasks.last_mut() {
                *last = None;
            }
            self.unlist(seat);
            self.seats[seat as usize].n_tasks -= 1;
            self.list(seat);
        }
    }

    fn tasks_of(&mut self, seat: Seat) -> &mut [Option<TaskId>] {
        let slots = slots(&self.config);
        &mut self.tasks[seat as usize * slots..][..slots]
    }

    /// Puts a worker among those with as many tasks, if it may have more.
    fn list(&mut self, seat: Seat) {
        let worker = &mut self.seats[seat as usize];
        if let Some(free) = self.free.get_mut(worker.n_tasks as usize) {
            worker.at = free.len() as u32;
            free.push(seat);
        }
    }

    fn unlist(&mut self, seat: Seat) {
        let worker = &self.seats[seat as usize];
        if let Some(free) = self.free.get_mut(worker.n_tasks as usize) {
            let at = worker.at;
            free.swap_remove(at as usize);
            if let Some(moved) = free.get(at as usize) {
                self.seats[*moved as usize].at = at;
            }
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

/// Tasks that a worker has at once.
fn slots(config: &PoolConfig) -> usize {
    config.slots.max(1) as usize
}
