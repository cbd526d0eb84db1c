//! The scheduler's own thread: it owns board and store.
//!
//! Notes that came together are taken together and written in one transaction.
//! Only then is anyone answered, and anything begun or ended.

mod asks;
mod doing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::board::{Board, Change, Effect, Event};
use crate::clock::now;
use crate::error::Error;
use crate::functions::{Functions, Running};
use crate::launch::Outcome;
use crate::scheduler::{Shared, Submitted};
use crate::store::{Read, Store, Write};
use crate::{Job, JobId, State, StoreError, Submission};

/// What is taken together. A transaction has a sync; more would keep the first
/// one waiting without saving much.
const TOGETHER_MAX: usize = 256;
/// Between attempts to write to a store that cannot be written.
const STORE_AGAIN: Duration = Duration::from_secs(1);
/// Attempts to write before the scheduler ends: a disk that was full for two
/// minutes needs a person.
const STORE_ATTEMPTS: u32 = 120;

type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// A note to the thread.
pub(crate) enum Ask {
    Submit(Box<Submission>, Option<Running>, Reply<Submitted>),
    Cancel(JobId, Reply<()>),
    Hold(JobId, bool, Reply<()>),
    Again(JobId, Reply<()>),
    Delete(JobId, Reply<()>),
    Resources(JobId, Option<u32>, Option<String>, Reply<()>),
    Slots(usize, Reply<()>),
    Open(bool, Reply<()>),
    Ended(JobId, u32, Outcome),
    End(oneshot::Sender<()>),
}

/// What the thread owns.
pub(crate) struct Actor {
    pub(crate) shared: Arc<Shared>,
    pub(crate) functions: Functions,
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) notes: Sender<Ask>,
    board: Board,
    store: Box<dyn Store>,
    read: Box<dyn Read>,
    jobs: BTreeMap<JobId, Job>,
    last_seq: u64,
    once: BTreeMap<JobId, Running>,
    calls: BTreeMap<JobId, AbortHandle>,
    /// What was decided and is not written yet.
    writes: Vec<Write>,
    effects: Vec<Effect>,
    answers: Vec<Box<dyn FnOnce() + Send>>,
    inserted: BTreeSet<JobId>,
    /// Runs that shall learn of other resources.
    revised: BTreeSet<JobId>,
}

impl Actor {
    pub(crate) fn new(
        shared: Arc<Shared>,
        functions: Functions,
        runtime: tokio::runtime::Handle,
        notes: Sender<Ask>,
        mut store: Box<dyn Store>,
    ) -> Result<Self, StoreError> {
        let last_seq = store.last_seq()?;
        let counts = store.counts()?;
        shared
            .statistics
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .counts = counts;
        Ok(Self {
            board: Board::new(shared.settings.max_concurrent),
            read: store.reader()?,
            shared,
            functions,
            runtime,
            notes,
            store,
            jobs: BTreeMap::new(),
            last_seq,
            once: BTreeMap::new(),
            calls: BTreeMap::new(),
            writes: Vec::new(),
            effects: Vec::new(),
            answers: Vec::new(),
            inserted: BTreeSet::new(),
            revised: BTreeSet::new(),
        })
    }

    /// Takes up what an earlier scheduler left.
    pub(crate) fn restore(&mut self) -> Result<(), StoreError> {
        let jobs = self.store.unfinished()?;
        // Nothing starts before all that runs is known.
        self.step(Event::Open(false), None);
        for job in jobs {
            let ticket = self.ticket(&job)?;
            let id = job.id.clone();
            let is_running = job.state == State::Running;
            let is_unwanted = job.cancelling || (job.held && job.submission.work.is_resumable());
            self.jobs.insert(id.clone(), job);
            self.step(Event::Came(ticket), None);
            if is_running {
                self.adopt(&id);
                // The last scheduler may have ended before it told.
                self.revised.insert(id.clone());
            }
            if is_running && is_unwanted {
                self.effects.push(Effect::Stop(id));
            }
        }
        self.step(Event::Open(true), None);
        self.commit()
    }

    /// Works until it is told to end.
    pub(crate) fn run(mut self, notes: &Receiver<Ask>) {
        loop {
            let wait = self.board.deadline().map(|at| at.0.saturating_sub(now().0));
            let note = match wait {
                None => notes.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(ms) => notes.recv_timeout(Duration::from_millis(ms)),
            };
            let mut ended = None;
            match note {
                Ok(note) => ended = self.take(note),
                Err(RecvTimeoutError::Timeout) => self.step(Event::Tick, None),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            for _ in 1..TOGETHER_MAX {
                match notes.try_recv() {
                    Ok(note) if ended.is_none() => ended = self.take(note),
                    _ => break,
                }
            }
            if self.commit().is_err() {
                return; // Whoever asks learns that nobody is here.
            }
            if let Some(ended) = ended {
                for (_, call) in std::mem::take(&mut self.calls) {
                    call.abort();
                }
                drop(self);
                let _ = ended.send(());
                return;
            }
        }
    }

    fn take(&mut self, note: Ask) -> Option<oneshot::Sender<()>> {
        self.shared.asked.fetch_sub(1, Ordering::Relaxed);
        match note {
            Ask::Submit(submission, once, reply) => {
                let done = self.submit(*submission, once);
                self.answer(reply, done);
            }
            Ask::Cancel(id, reply) => {
                let done = self.on_board(&id).map(|is_there| {
                    if is_there {
                        self.step(Event::CancelAsked(id), None);
                    }
                });
                self.answer(reply, done);
            }
            Ask::Hold(id, held, reply) => {
                let done = self.rest(id, held);
                self.answer(reply, done);
            }
            Ask::Again(id, reply) => {
                let done = self.again(id);
                self.answer(reply, done);
            }
            Ask::Delete(id, reply) => {
                let done = self.delete(&id);
                self.answer(reply, done);
            }
            Ask::Resources(id, threads, memory, reply) => {
                let done = self.resources(&id, threads, memory);
                self.answer(reply, done);
            }
            Ask::Slots(slots, reply) => {
                self.step(Event::Slots(slots), None);
                self.answer(reply, Ok(()));
            }
            Ask::Open(is_open, reply) => {
                self.step(Event::Open(is_open), None);
                self.answer(reply, Ok(()));
            }
            Ask::Ended(id, launch, (end, result)) => {
                self.calls.remove(&id);
                let event = Event::Ended {
                    id: id.clone(),
                    launch,
                    end,
                };
                self.step(event, result.map(|result| (id, result)));
            }
            Ask::End(reply) => return Some(reply),
        }
        None
    }

    /// Has the board take an event; what came of a job goes with its change.
    fn step(&mut self, event: Event, mut result: Option<(JobId, Value)>) {
        let from = self.effects.len();
        self.board.step(event, now(), &mut self.effects);
        for effect in &self.effects[from..] {
            let Effect::Change(change) = effect else {
                continue;
            };
            let is_its = result.as_ref().is_some_and(|(id, _)| *id == change.id);
            let result = if is_its { result.take() } else { None };
            self.writes.push(Write::Change(
                change.clone(),
                result.map(|(_, value)| value),
            ));
        }
    }

    /// Answers when all that was decided so far is written.
    fn answer<T: Send + 'static>(&mut self, reply: Reply<T>, done: Result<T, Error>) {
        // Whoever does not wait for it has other ways to know.
        self.answers.push(Box::new(move || drop(reply.send(done))));
    }

    /// Writes what was decided, then does it.
    fn commit(&mut self) -> Result<(), StoreError> {
        if !self.writes.is_empty() {
            self.write()?;
        }
        self.writes.clear();
        self.inserted.clear();
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Change(change) => self.changed(change),
                Effect::Start { id, .. } => self.start(&id),
                Effect::Stop(id) => self.stop(&id),
                Effect::Hold(id, held) => self.hold(&id, held),
            }
        }
        for id in std::mem::take(&mut self.revised) {
            self.tell_limits(&id);
        }
        self.shared.gauge(&self.board);
        for answer in self.answers.drain(..) {
            answer();
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), StoreError> {
        let mut attempt = 1;
        loop {
            let error = match self.store.write(&self.writes) {
                Ok(()) => {
                    self.shared.store_error(None);
                    return Ok(());
                }
                Err(error) => error,
            };
            self.shared.store_error(Some(error.to_string()));
            if attempt == STORE_ATTEMPTS {
                return Err(error);
            }
            attempt += 1;
            let (_never, nothing) = channel::<()>();
            let _ = nothing.recv_timeout(STORE_AGAIN);
        }
    }

    /// What is written becomes what is known.
    fn changed(&mut self, change: Change) {
        if let Some(job) = self.jobs.get_mut(&change.id) {
            self.shared.count(Some(job.state), Some(change.state));
            job.state = change.state;
            job.attempts = change.attempts;
            job.launches = change.launches;
            job.held = change.held;
            job.cancelling = change.cancelling;
        }
        if change.state.is_final() {
            self.jobs.remove(&change.id);
            self.once.remove(&change.id);
        }
        // Nobody may be listening.
        let _ = self.shared.changes.send(Arc::new(change));
    }
}
