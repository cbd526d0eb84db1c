//! [`Pool`]: the workers of an operator, and how many there should be.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::slab::At;
use crate::{PoolConfig, Settings, Time, WorkerId};

/// A place for a worker, from 1 on. It is taken again when its worker is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat(NonZeroU32);

/// Workers that are up, those that were asked for, and what each has to do.
///
/// Who is free is a list for each number of tasks, through the seats, so that
/// giving a worker a task or taking one costs the same for any number of
/// workers. Of equally idle ones the next task goes to that which became so
/// last.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) config: PoolConfig,
    /// How many were asked for.
    pub(crate) wanted: u32,
    seats: Seats,
    by_id: BTreeMap<WorkerId, Seat>,
    /// Seats without a worker.
    empty: Option<Seat>,
    /// Seats of workers with a free slot, by the number of their tasks: of each
    /// list the first.
    free: Vec<Option<Seat>>,
    /// Since when fewer would have done.
    too_many_since: Option<Time>,
}

impl Pool {
    pub(crate) fn new(config: PoolConfig) -> Self {
        let slots = config.slots.max(1) as usize;
        Self {
            config,
            wanted: 0,
            seats: Seats::new(slots),
            by_id: BTreeMap::new(),
            empty: None,
            free: vec![None; slots],
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
        let idlest = self.free.iter().position(Option::is_some)?;
        let holder = holder
            .and_then(|holder| self.by_id.get(&holder).copied())
            .filter(|seat| self.seats.at(*seat)[Seats::N_TASKS] as usize == idlest);
        let seat = holder.or(self.free[idlest])?;
        Some((seat, WorkerId(self.seats.at(seat)[Seats::WORKER])))
    }

    pub(crate) fn add(&mut self, id: WorkerId) {
        if self.has(id) {
            return;
        }
        let seat = match self.empty {
            Some(seat) => {
                self.empty = self.seats.next(seat);
                seat
            }
            None => self.seats.add(),
        };
        let row = self.seats.at_mut(seat);
        row.fill(0);
        row[Seats::WORKER] = id.0;
        self.by_id.insert(id, seat);
        self.list(seat);
    }

    pub(crate) fn has_idle(&self) -> bool {
        self.free[0].is_some()
    }

    /// Takes an idle worker out, to be stopped.
    pub(crate) fn retire(&mut self) -> Option<WorkerId> {
        let worker = WorkerId(self.seats.at(self.free[0]?)[Seats::WORKER]);
        self.lose(worker);
        self.wanted -= 1;
        Some(worker)
    }

    /// A worker is gone; what ran on it, in the order of submission.
    pub(crate) fn lose(&mut self, worker: WorkerId) -> Vec<At> {
        let Some(seat) = self.by_id.remove(&worker) else {
            return Vec::new();
        };
        self.unlist(seat);
        let tasks = self.seats.tasks_mut(seat);
        let lost = tasks.iter().map_while(|at| At::from_word(*at)).collect();
        // Events about them come later.
        tasks.fill(0);
        self.seats.at_mut(seat)[Seats::NEXT] = Seats::word(self.empty);
        self.empty = Some(seat);
        lost
    }

    pub(crate) fn assign(&mut self, seat: Seat, task: At) {
        self.unlist(seat);
        let row = self.seats.at_mut(seat);
        row[Seats::TASKS + row[Seats::N_TASKS] as usize] = task.to_word();
        row[Seats::N_TASKS] += 1;
        self.list(seat);
    }

    pub(crate) fn unassign(&mut self, seat: Seat, task: At) {
        let row = self.seats.at(seat);
        let tasks = &row[Seats::TASKS..];
        // Otherwise its worker is gone already.
        if let Some(at) = tasks.iter().position(|other| *other == task.to_word()) {
            self.unlist(seat);
            let row = self.seats.at_mut(seat);
            row[Seats::N_TASKS] -= 1;
            let tasks = &mut row[Seats::TASKS + at..];
            tasks[0] = 0;
            tasks.rotate_left(1);
            self.list(seat);
        }
    }

    /// What a worker has to do, in the order of submission.
    pub(crate) fn tasks(&self, seat: Seat) -> impl Iterator<Item = At> {
        let tasks = &self.seats.at(seat)[Seats::TASKS..];
        tasks.iter().map_while(|at| At::from_word(*at))
    }

    /// Puts a worker among those with as many tasks, if it may have more.
    fn list(&mut self, seat: Seat) {
        let n_tasks = self.seats.at(seat)[Seats::N_TASKS] as usize;
        if let Some(first) = self.free.get_mut(n_tasks) {
            let next = first.replace(seat);
            self.seats.join(None, Some(seat));
            self.seats.join(Some(seat), next);
        }
    }

    fn unlist(&mut self, seat: Seat) {
        let row = self.seats.at(seat);
        if let Some(first) = self.free.get_mut(row[Seats::N_TASKS] as usize) {
            let (prev, next) = (self.seats.prev(seat), self.seats.next(seat));
            self.seats.join(prev, next);
            if *first == Some(seat) {
                *first = next;
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
        needed
    }

    /// It has as few workers as it needs, or as are busy: that there are too many
    /// has to show itself again.
    pub(crate) fn has_shrunk(&mut self) {
        self.too_many_since = None;
    }
}

/// What is kept of each seat, side by side: its worker, how many tasks that has,
/// the seats before and behind it in its list, and as many tasks as a worker has
/// slots; taken are the first, in the order of submission. Where tens of
/// thousands of workers are up, to look at a seat is to fetch it from memory:
/// it is one row of words, of which 0 stands for none.
#[derive(Debug)]
struct Seats {
    chunks: Vec<Box<[u32]>>,
    len: u32,
    words: usize,
}

impl Seats {
    const WORKER: usize = 0;
    const N_TASKS: usize = 1;
    const PREV: usize = 2;
    const NEXT: usize = 3;
    const TASKS: usize = 4;

    /// Seats of a chunk: the table grows by one (see `chunks`).
    const CHUNK: usize = 64;

    fn new(slots: usize) -> Self {
        Self {
            chunks: Vec::new(),
            len: 0,
            words: Self::TASKS + slots,
        }
    }

    fn add(&mut self) -> Seat {
        if (self.len as usize).is_multiple_of(Self::CHUNK) {
            let chunk = vec![0; Self::CHUNK * self.words];
            self.chunks.push(chunk.into_boxed_slice());
        }
        self.len += 1;
        Seat(NonZeroU32::new(self.len).expect("one was just added"))
    }

    fn at(&self, seat: Seat) -> &[u32] {
        let at = seat.0.get() as usize - 1;
        &self.chunks[at / Self::CHUNK][at % Self::CHUNK * self.words..][..self.words]
    }

    fn at_mut(&mut self, seat: Seat) -> &mut [u32] {
        let at = seat.0.get() as usize - 1;
        &mut self.chunks[at / Self::CHUNK][at % Self::CHUNK * self.words..][..self.words]
    }

    fn tasks_mut(&mut self, seat: Seat) -> &mut [u32] {
        &mut self.at_mut(seat)[Self::TASKS..]
    }

    fn prev(&self, seat: Seat) -> Option<Seat> {
        NonZeroU32::new(self.at(seat)[Self::PREV]).map(Seat)
    }

    fn next(&self, seat: Seat) -> Option<Seat> {
        NonZeroU32::new(self.at(seat)[Self::NEXT]).map(Seat)
    }

    /// `next` comes behind `prev` in a list, of which either may be an end.
    fn join(&mut self, prev: Option<Seat>, next: Option<Seat>) {
        if let Some(prev) = prev {
            self.at_mut(prev)[Self::NEXT] = Self::word(next);
        }
        if let Some(next) = next {
            self.at_mut(next)[Self::PREV] = Self::word(prev);
        }
    }

    fn word(seat: Option<Seat>) -> u32 {
        seat.map_or(0, |seat| seat.0.get())
    }
}
