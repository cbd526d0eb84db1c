//! The scheduler's own thread: it owns board and store.
//!
//! Notes that came together are taken together and written in one transaction.
//! Only then is anyone answered, and anything begun or ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::board::{Board, Change, Effect, End, Event, Ticket};
use crate::clock::now;
use crate::error::Error;
use crate::functions::{Functions, Running};
use crate::launch::{self, Outcome};
use crate::scheduler::{Shared, Submitted};
use crate::store::{Read, Store, Write};
use crate::{FunctionWork, Job, JobId, Millis, State, StoreError, Submission, Work};

/// What is taken together. A transaction has a sync; more would keep the first
/// one waiting without saving much.
const TOGETHER_MAX: usize = 256;
/// Between attempts to write to a store that cannot be written.
const STORE_AGAIN: Duration = Duration::from_secs(1);
/// Attempts to write before the scheduler ends: a disk that was full for two
/// minutes needs a person.
const STORE_ATTEMPTS: u32 = 120;
/// A follower waits for a process and reads a file.
const FOLLOWER_STACK_BYTES: usize = 256 << 10;

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

    /// Whether a job is on the board.
    ///
    /// # Errors
    ///
    /// If there is no such job at all.
    fn on_board(&mut self, id: &JobId) -> Result<bool, Error> {
        if self.board.job(id).is_some() {
            return Ok(true);
        }
        self.settled(id)?;
        match self.read.job(id)? {
            Some(_) => Ok(false),
            None => Err(Error::Unknown(id.clone())),
        }
    }

    /// A job may have come and gone within what is not written yet.
    fn settled(&mut self, id: &JobId) -> Result<(), Error> {
        if self.inserted.contains(id) {
            self.commit()?;
        }
        Ok(())
    }

    fn submit(
        &mut self,
        mut submission: Submission,
        once: Option<Running>,
    ) -> Result<Submitted, Error> {
        submission.check().map_err(Error::Refused)?;
        if let Work::Function(function) = &submission.work
            && once.is_none()
            && !self.functions.has(&function.name)
        {
            return Err(Error::Refused(format!(
                "there is no function `{}`",
                function.name
            )));
        }
        if let Some(id) = submission.id.clone() {
            if let Some(old) = self.find(&id)? {
                return match old.submission == submission && once.is_none() {
                    true => Ok(Submitted { id, is_new: false }),
                    false => Err(Error::Conflict(format!("there is another job `{id}`"))),
                };
            }
            if id.as_str().starts_with(JobId::GENERATED) {
                return Err(Error::Refused(format!(
                    "names that begin with `{}` are given, not chosen",
                    JobId::GENERATED
                )));
            }
        }
        let seq = self.last_seq + 1;
        let id = submission
            .id
            .clone()
            .unwrap_or_else(|| JobId::generated(seq));
        submission.id = Some(id.clone());
        let at = now();
        let job = Job {
            id: id.clone(),
            seq,
            submission,
            state: State::Pending,
            partial: false,
            held: false,
            cancelling: false,
            attempts: 0,
            launches: 0,
            not_before: Millis(0),
            created_at: at,
            started_at: None,
            ended_at: None,
            error: None,
            result: Value::Null,
        };
        for other in &job.submission.after {
            match self.find(other)? {
                None => {
                    return Err(Error::Refused(format!(
                        "`after` names `{other}`, which does not exist"
                    )));
                }
                Some(other) if matches!(other.state, State::Failed | State::Cancelled) => {
                    return Err(Error::Conflict(format!(
                        "`after` names `{}`, which is {}",
                        other.id,
                        other.state.name()
                    )));
                }
                Some(_) => {}
            }
        }
        let ticket = self.ticket(&job)?;
        self.last_seq = seq;
        self.writes.push(Write::Insert(Box::new(job.clone())));
        self.inserted.insert(id.clone());
        self.shared.count(None, Some(State::Pending));
        self.jobs.insert(id.clone(), job);
        if let Some(once) = once {
            self.once.insert(id.clone(), once);
        }
        self.step(Event::Came(ticket), None);
        Ok(Submitted { id, is_new: true })
    }

    /// A job as it stands after all that was decided.
    fn find(&mut self, id: &JobId) -> Result<Option<Job>, Error> {
        if let (Some(job), Some(_)) = (self.jobs.get(id), self.board.job(id)) {
            return Ok(Some(job.clone()));
        }
        // If it ended just now, the store does not know yet.
        if self.jobs.contains_key(id) || self.inserted.contains(id) {
            self.commit()?;
        }
        Ok(self.read.job(id)?)
    }

    fn ticket(&mut self, job: &Job) -> Result<Ticket, StoreError> {
        Ok(Ticket {
            id: job.id.clone(),
            seq: job.seq,
            priority: job.submission.priority,
            retry: job.submission.retry,
            is_resumable: job.submission.work.is_resumable(),
            after: job.submission.after.iter().cloned().collect(),
            state: job.state,
            attempts: job.attempts,
            launches: job.launches,
            not_before: job.not_before,
            held: job.held,
            cancelling: job.cancelling,
        })
    }

    fn again(&mut self, id: JobId) -> Result<(), Error> {
        let Some(mut job) = self.find(&id)? else {
            return Err(Error::Unknown(id));
        };
        if !job.state.is_final() {
            return Err(Error::Conflict(format!("`{id}` is {}", job.state.name())));
        }
        for other in &job.submission.after.clone() {
            let state = self.find(other)?.map(|other| other.state);
            if matches!(state, Some(State::Failed | State::Cancelled)) {
                return Err(Error::Conflict(format!(
                    "`{other}`, which it needs, is not completed"
                )));
            }
        }
        self.shared.count(Some(job.state), Some(State::Pending));
        job.state = State::Pending;
        job.attempts = 0;
        job.not_before = Millis(0);
        job.held = false;
        let ticket = self.ticket(&job)?;
        self.writes.push(Write::Again(id.clone(), now()));
        self.jobs.insert(id, job);
        self.step(Event::Came(ticket), None);
        Ok(())
    }

    /// Has a run go on with other resources. One that runs ends at its next
    /// commit, and goes on from there.
    fn resources(
        &mut self,
        id: &JobId,
        threads: Option<u32>,
        memory: Option<String>,
    ) -> Result<(), Error> {
        if !self.on_board(id)? {
            return Err(Error::Conflict(format!("`{id}` has come to its end")));
        }
        self.settled(id)?;
        let Some(job) = self.jobs.get_mut(id) else {
            return Err(Error::Unknown(id.clone()));
        };
        let mut submission = job.submission.clone();
        let Work::Run(run) = &mut submission.work else {
            return Err(Error::Conflict(format!("`{id}` is no run")));
        };
        run.threads = threads.or(run.threads);
        run.memory = memory.or(run.memory.take());
        submission.check().map_err(Error::Refused)?;
        if submission == job.submission {
            return Ok(());
        }
        let is_running = self
            .board
            .job(id)
            .is_some_and(|ticket| ticket.state == State::Running);
        job.submission = submission.clone();
        self.writes
            .push(Write::Revise(id.clone(), Box::new(submission)));
        if is_running {
            self.effects.push(Effect::Stop(id.clone()));
        }
        Ok(())
    }

    fn rest(&mut self, id: JobId, held: bool) -> Result<(), Error> {
        if !self.on_board(&id)? {
            return Err(Error::Conflict(format!("`{id}` has come to its end")));
        }
        let runs = |ticket: &Ticket| ticket.state == State::Running;
        if held
            && self.board.job(&id).is_some_and(runs)
            && let Some(job) = self.jobs.get(&id)
            && !job.submission.work.can_rest()
        {
            let kind = job.submission.work.kind();
            return Err(Error::Conflict(format!(
                "`{id}` runs, and a {kind} cannot rest then"
            )));
        }
        self.step(Event::HoldAsked(id, held), None);
        Ok(())
    }

    fn delete(&mut self, id: &JobId) -> Result<(), Error> {
        let Some(job) = self.find(id)? else {
            return Err(Error::Unknown(id.clone()));
        };
        if !job.state.is_final() {
            return Err(Error::Conflict(format!("`{id}` is {}", job.state.name())));
        }
        self.shared.count(Some(job.state), None);
        self.writes.push(Write::Delete(id.clone()));
        self.commit()?;
        let folder = self.shared.settings.jobs().join(id.as_str());
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io(&folder, error))
            }
            _ => Ok(()),
        }
    }

    fn start(&mut self, id: &JobId) {
        let Some(job) = self.jobs.get(id) else { return };
        match &job.submission.work {
            Work::Run(_) | Work::Command(_) | Work::RayJob(_) => self.follow(id, launch::launch),
            Work::Function(function) => {
                let function = function.clone();
                self.call(id, &function);
            }
        }
    }

    /// Takes up a job that an earlier scheduler started.
    fn adopt(&mut self, id: &JobId) {
        let Some(job) = self.jobs.get(id) else { return };
        match &job.submission.work {
            Work::Run(_) | Work::Command(_) | Work::RayJob(_) => self.follow(id, launch::adopt),
            Work::Function(_) => {
                let ended = Ask::Ended(id.clone(), job.launches, (End::Interrupted, None));
                self.shared.tell(&self.notes, ended);
            }
        }
    }

    /// Has a thread see to a process.
    fn follow(&mut self, id: &JobId, how: fn(&crate::Settings, &Job) -> Outcome) {
        let Some(job) = self.jobs.get(id) else { return };
        let (job, launch) = (job.clone(), job.launches);
        let (shared, notes) = (Arc::clone(&self.shared), self.notes.clone());
        let spawned = std::thread::Builder::new()
            .name("wrasse-follower".into())
            .stack_size(FOLLOWER_STACK_BYTES)
            .spawn(move || {
                let outcome = how(&shared.settings, &job);
                shared.tell(&notes, Ask::Ended(job.id, job.launches, outcome));
            });
        if let Err(error) = spawned {
            let error = format!("cannot start a thread: {error}");
            let end = End::Failed {
                error,
                may_help: true,
            };
            self.shared
                .tell(&self.notes, Ask::Ended(id.clone(), launch, (end, None)));
        }
    }

    fn call(&mut self, id: &JobId, function: &FunctionWork) {
        let Some(job) = self.jobs.get(id) else { return };
        let launch = job.launches;
        let running = match self.once.remove(id) {
            Some(once) => Some(once),
            None => self.functions.call(&function.name, function.args.clone()),
        };
        let Some(running) = running else {
            let error = format!("there is no function `{}` in this process", function.name);
            let end = End::Failed {
                error,
                may_help: false,
            };
            return self
                .shared
                .tell(&self.notes, Ask::Ended(id.clone(), launch, (end, None)));
        };
        let timeout = function.timeout_s.map(Duration::from_secs_f64);
        let call = self.runtime.spawn(async move {
            match timeout {
                None => Some(running.await),
                Some(timeout) => tokio::time::timeout(timeout, running).await.ok(),
            }
        });
        self.calls.insert(id.clone(), call.abort_handle());
        let (shared, notes, id) = (Arc::clone(&self.shared), self.notes.clone(), id.clone());
        self.runtime.spawn(async move {
            let failed = |error: String| {
                (
                    End::Failed {
                        error,
                        may_help: true,
                    },
                    None,
                )
            };
            let outcome = match call.await {
                Ok(Some(Ok(value))) => (End::Completed { partial: false }, Some(value)),
                Ok(Some(Err(error))) => failed(error),
                Ok(None) => failed("its time was up".to_owned()),
                Err(gone) if gone.is_panic() => failed("it panicked".to_owned()),
                Err(_) => failed("it was stopped".to_owned()),
            };
            shared.tell(&notes, Ask::Ended(id, launch, outcome));
        });
    }

    fn stop(&mut self, id: &JobId) {
        let Some(job) = self.jobs.get(id) else { return };
        match &job.submission.work {
            Work::Run(_) | Work::Command(_) | Work::RayJob(_) => {
                // It will end by itself, or be asked again.
                let _ = launch::stop(&self.shared.settings, id, job.launches);
            }
            Work::Function(_) => {
                if let Some(call) = self.calls.get(id) {
                    call.abort();
                }
            }
        }
    }

    fn hold(&mut self, id: &JobId, held: bool) {
        let Some(job) = self.jobs.get(id) else { return };
        if let Work::Command(_) = &job.submission.work {
            let _ = launch::hold(&self.shared.settings, id, job.launches, held);
        }
    }
}
