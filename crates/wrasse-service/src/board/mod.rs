//! [`Board`]: who runs next. Events in, effects out.
//!
//! It decides order, priorities, attempts, waits between them, dependencies and
//! states of all jobs that have not come to their end; those that have are the
//! store's alone. It has no clock, thread, file or chance: the same events give
//! the same effects.
//!
//! What always holds:
//!
//! * No more jobs run than there are slots, unless their number was lowered
//!   while they ran.
//! * Every job that was submitted gets one final change, and none after it.
//! * What waits is in just one place: ready, delayed, held, or behind others.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::{JobId, Millis, Retry, State};

/// What the board has to know of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// Its name.
    pub(crate) id: JobId,
    /// Its number; among equals, the lower goes first.
    pub(crate) seq: u64,
    /// Higher goes first.
    pub(crate) priority: i32,
    /// How often it is tried.
    pub(crate) retry: Retry,
    /// Whether an interrupted attempt is gone on with.
    pub(crate) is_resumable: bool,
    /// Jobs on the board that have to be completed first.
    pub(crate) after: BTreeSet<JobId>,
    /// Pending or running.
    pub(crate) state: State,
    /// Attempts that were begun.
    pub(crate) attempts: u32,
    /// Processes that were begun.
    pub(crate) launches: u32,
    /// It does not start before.
    pub(crate) not_before: Millis,
    /// It shall rest.
    pub(crate) held: bool,
    /// Its end was asked for.
    pub(crate) cancelling: bool,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// As it should.
    Completed {
        /// Something is missing in what it made.
        partial: bool,
    },
    /// Not as it should.
    Failed {
        /// Why.
        error: String,
        /// Whether another attempt may help.
        may_help: bool,
    },
    /// Its processes are gone, and left no word of how.
    Interrupted,
    /// It was to begin and did not: nothing was done.
    NeverBegan,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A job came, pending; or, after a restart, one that is running.
    Came(Ticket),
    /// An attempt ended. Of an attempt that is not the job's last one, nothing
    /// is taken notice.
    Ended {
        /// The job.
        id: JobId,
        /// Which of its launches.
        launch: u32,
        /// How.
        end: End,
    },
    /// Someone wants the end of a job.
    CancelAsked(JobId),
    /// Someone wants a job to rest, or to go on.
    HoldAsked(JobId, bool),
    /// So many may run at once.
    Slots(usize),
    /// Whether jobs may start at all.
    Open(bool),
    /// Time has passed.
    Tick,
}

/// What is to be done. Changes are made safe before anything else is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// This is to be stored.
    Change(Change),
    /// A process is to be begun.
    Start {
        /// The job.
        id: JobId,
        /// Its number among the attempts, from 1.
        attempt: u32,
        /// Its number among the launches, from 1.
        launch: u32,
    },
    /// The process is to be ended.
    Stop(JobId),
    /// The process is to stand still, or to go on.
    Hold(JobId, bool),
}

/// Where a job stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The job.
    pub id: JobId,
    /// Where it stands.
    pub state: State,
    /// Whether this is another state than before, or a new attempt.
    pub is_transition: bool,
    /// When.
    pub at: Millis,
    /// Attempts begun.
    pub attempts: u32,
    /// Launches begun.
    pub launches: u32,
    /// It does not start before.
    pub not_before: Millis,
    /// It shall rest.
    pub held: bool,
    /// Its end was asked for.
    pub cancelling: bool,
    /// Completed with something missing.
    pub partial: bool,
    /// Why it failed, if it did or an attempt did.
    pub error: Option<String>,
}

/// A job that is interrupted so often harms whoever runs it.
const INTERRUPTIONS_MAX: u32 = 100;

/// The jobs that have not come to their end.
#[derive(Debug)]
pub(crate) struct Board {
    jobs: BTreeMap<JobId, Ticket>,
    ready: BTreeSet<(Reverse<i32>, u64, JobId)>,
    delayed: BTreeSet<(Millis, u64, JobId)>,
    /// By the job that is waited for.
    waiting: BTreeMap<JobId, BTreeSet<JobId>>,
    running: usize,
    slots: usize,
    is_open: bool,
}

impl Board {
    /// An empty board on which `slots` jobs may run at once.
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            jobs: BTreeMap::new(),
            ready: BTreeSet::new(),
            delayed: BTreeSet::new(),
            waiting: BTreeMap::new(),
            running: 0,
            slots,
            is_open: true,
        }
    }

    /// A job that has not come to its end.
    pub(crate) fn job(&self, id: &JobId) -> Option<&Ticket> {
        self.jobs.get(id)
    }

    /// How many run.
    #[cfg(test)]
    pub(crate) fn n_running(&self) -> usize {
        self.running
    }

    /// How many wait.
    #[cfg(test)]
    pub(crate) fn n_pending(&self) -> usize {
        self.jobs.len() - self.running
    }

    /// How many may run.
    pub(crate) fn slots(&self) -> usize {
        self.slots
    }

    /// Whether jobs may start.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// When something happens by itself: until then, no tick is needed.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        self.delayed.first().map(|(at, ..)| *at)
    }

    /// Takes an event; adds what is to be done to `effects`.
    pub(crate) fn step(&mut self, event: Event, now: Millis, effects: &mut Vec<Effect>) {
        match event {
            Event::Came(ticket) => self.come(ticket, now),
            Event::Ended { id, launch, end } => self.end(&id, launch, end, now, effects),
            Event::CancelAsked(id) => self.cancel(&id, now, effects),
            Event::HoldAsked(id, held) => self.hold(&id, held, now, effects),
            Event::Slots(slots) => self.slots = slots,
            Event::Open(is_open) => self.is_open = is_open,
            Event::Tick => {}
        }
        self.wake(now);
        self.fill(now, effects);
    }

    fn come(&mut self, mut ticket: Ticket, now: Millis) {
        // What is not here is completed; who came knows that.
        ticket.after.retain(|other| self.jobs.contains_key(other));
        let id = ticket.id.clone();
        for other in &ticket.after {
            self.waiting
                .entry(other.clone())
                .or_default()
                .insert(id.clone());
        }
        if ticket.state == State::Running {
            self.running += 1;
        }
        let old = self.jobs.insert(id.clone(), ticket);
        assert!(old.is_none(), "{id} is on the board already");
        self.queue(&id, now);
    }

    /// Puts a pending job where it waits.
    fn queue(&mut self, id: &JobId, now: Millis) {
        let Some(job) = self.jobs.get(id) else { return };
        if job.state != State::Pending || job.held || !job.after.is_empty() {
            return;
        }
        if job.not_before > now {
            self.delayed.insert((job.not_before, job.seq, id.clone()));
        } else {
            self.ready
                .insert((Reverse(job.priority), job.seq, id.clone()));
        }
    }

    /// Takes a pending job from where it waits.
    fn unqueue(&mut self, id: &JobId) {
        let Some(job) = self.jobs.get(id) else { return };
        self.ready
            .remove(&(Reverse(job.priority), job.seq, id.clone()));
        self.delayed.remove(&(job.not_before, job.seq, id.clone()));
    }

    /// Those whose time has come are ready.
    fn wake(&mut self, now: Millis) {
        while let Some(first) = self.delayed.first()
            && first.0 <= now
        {
            let (_, _, id) = first.clone();
            self.delayed.pop_first();
            self.queue(&id, now);
        }
    }

    /// Starts what may start.
    fn fill(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        while self.is_open
            && self.running < self.slots
            && let Some((_, _, id)) = self.ready.pop_first()
        {
            let Some(job) = self.jobs.get_mut(&id) else {
                continue;
            };
            job.state = State::Running;
            job.launches += 1;
            // An attempt that was interrupted, or did not begin, goes on.
            if job.not_before != GOES_ON {
                job.attempts += 1;
            }
            job.not_before = Millis(0);
            self.running += 1;
            effects.push(Effect::Change(change(job, now, true, None)));
            effects.push(Effect::Start {
                attempt: job.attempts,
                launch: job.launches,
                id,
            });
        }
    }

    fn end(&mut self, id: &JobId, launch: u32, end: End, now: Millis, effects: &mut Vec<Effect>) {
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        if job.state != State::Running || job.launches != launch {
            return;
        }
        self.running -= 1;
        let again = |job: &mut Ticket, not_before: Millis| {
            job.state = State::Pending;
            job.not_before = not_before;
        };
        let (state, error) = match end {
            End::Completed { partial } => {
                return self.finish(id, State::Completed, partial, None, now, effects);
            }
            _ if job.cancelling => (State::Cancelled, None),
            End::NeverBegan => {
                again(job, GOES_ON);
                (State::Pending, None)
            }
            End::Interrupted if job.is_resumable && job.launches < INTERRUPTIONS_MAX => {
                again(job, GOES_ON);
                (State::Pending, Some(INTERRUPTED.to_owned()))
            }
            End::Interrupted if job.attempts < job.retry.attempts => {
                again(job, now.after(job.retry.delay(job.attempts)));
                (State::Pending, Some(INTERRUPTED.to_owned()))
            }
            End::Interrupted => (State::Failed, Some(INTERRUPTED.to_owned())),
            End::Failed { error, may_help } if may_help && job.attempts < job.retry.attempts => {
                again(job, now.after(job.retry.delay(job.attempts)));
                (State::Pending, Some(error))
            }
            End::Failed { error, .. } => (State::Failed, Some(error)),
        };
        if state == State::Pending {
            effects.push(Effect::Change(change(job, now, true, error)));
            self.queue(id, now);
        } else {
            self.finish(id, state, false, error, now, effects);
        }
    }

    fn cancel(&mut self, id: &JobId, now: Millis, effects: &mut Vec<Effect>) {
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        match job.state {
            State::Pending => {
                self.unqueue(id);
                self.finish(id, State::Cancelled, false, None, now, effects);
            }
            // Asked for again, it is told again: the first may have been lost.
            State::Running => {
                if !job.cancelling {
                    job.cancelling = true;
                    effects.push(Effect::Change(change(job, now, false, None)));
                }
                effects.push(Effect::Stop(id.clone()));
            }
            _ => {}
        }
    }

    fn hold(&mut self, id: &JobId, held: bool, now: Millis, effects: &mut Vec<Effect>) {
        if self.jobs.get(id).is_none_or(|job| job.held == held) {
            return;
        }
        self.unqueue(id);
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        job.held = held;
        effects.push(Effect::Change(change(job, now, false, None)));
        if job.state == State::Running {
            // What can be gone on with is ended meanwhile, and holds nothing.
            match (job.is_resumable, held) {
                (true, true) => effects.push(Effect::Stop(id.clone())),
                (true, false) => {}
                (false, _) => effects.push(Effect::Hold(id.clone(), held)),
            }
        }
        self.queue(id, now);
    }

    /// A job has come to its end; with it those that needed it, if it is not
    /// as they need it.
    fn finish(
        &mut self,
        id: &JobId,
        state: State,
        partial: bool,
        error: Option<String>,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let mut ends = vec![(id.clone(), state, error)];
        while let Some((id, state, error)) = ends.pop() {
            self.unqueue(&id);
            let Some(mut job) = self.jobs.remove(&id) else {
                continue;
            };
            job.state = state;
            job.cancelling = false;
            let mut change = change(&job, now, true, error);
            change.partial = partial && state == State::Completed;
            effects.push(Effect::Change(change));
            for other in &job.after {
                if let Some(waiting) = self.waiting.get_mut(other) {
                    waiting.remove(&id);
                }
            }
            for next in self.waiting.remove(&id).unwrap_or_default() {
                let Some(waiting) = self.jobs.get_mut(&next) else {
                    continue;
                };
                waiting.after.remove(&id);
                if state == State::Completed {
                    self.queue(&next, now);
                } else {
                    let error = format!("not started: `{id}`, which it needs, {}", what(state));
                    ends.push((next, State::Failed, Some(error)));
                }
            }
        }
    }
}

/// In place of the time before which a job does not start: its last attempt
/// goes on, at once.
const GOES_ON: Millis = Millis(1);

const INTERRUPTED: &str = "interrupted: its processes are gone and left no word of how they ended";

fn what(state: State) -> &'static str {
    match state {
        State::Cancelled => "was cancelled",
        _ => "failed",
    }
}

fn change(job: &Ticket, at: Millis, is_transition: bool, error: Option<String>) -> Change {
    Change {
        id: job.id.clone(),
        state: job.state,
        is_transition,
        at,
        attempts: job.attempts,
        launches: job.launches,
        not_before: job.not_before,
        held: job.held,
        cancelling: job.cancelling,
        partial: false,
        error,
    }
}

#[cfg(test)]
mod tests;
