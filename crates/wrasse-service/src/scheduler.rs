//! [`TaskScheduler`]: the face of it all.

use std::fs::File;
use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{broadcast, oneshot};

use crate::actor::{Actor, Ask};
use crate::board::{Board, Change};
use crate::error::{Error, StoreError};
use crate::functions::{Functions, Given, Running};
use crate::launch;
use crate::readers::{Readers, open};
use crate::store::{Filter, Read, Transition};
use crate::{FunctionWork, Job, JobId, Settings, State, Submission, Work};

/// Notes that wait for the scheduler's thread. It takes some thousand a second;
/// whoever finds it full asks again later.
const ASKED_MAX: usize = 4_096;
/// Changes that a listener may be behind; then it looks for itself.
const CHANGES_MAX: usize = 1_024;
/// What came of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// The job's name.
    pub id: JobId,
    /// Whether it was not there before.
    pub is_new: bool,
}

/// How many jobs there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Statistics {
    /// That wait.
    pub pending: u64,
    /// That run.
    pub running: u64,
    /// That came to their end.
    pub completed: u64,
    /// That failed.
    pub failed: u64,
    /// That were cancelled.
    pub cancelled: u64,
    /// All of them.
    pub total: u64,
    /// So many may run at once.
    pub max_concurrent: usize,
    /// Whether jobs may start.
    pub is_open: bool,
    /// Why nothing can be written, if that is so.
    pub store_error: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Gauges {
    pub(crate) counts: [u64; 5],
    slots: usize,
    is_open: bool,
    store_error: Option<String>,
}

/// What all threads see.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) statistics: Mutex<Gauges>,
    pub(crate) changes: broadcast::Sender<Arc<Change>>,
    pub(crate) asked: AtomicUsize,
}

impl Shared {
    fn gauges(&self) -> MutexGuard<'_, Gauges> {
        self.statistics
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(&self, from: Option<State>, to: Option<State>) {
        let mut gauges = self.gauges();
        if let Some(from) = from {
            gauges.counts[from as usize] -= 1;
        }
        if let Some(to) = to {
            gauges.counts[to as usize] += 1;
        }
    }

    pub(crate) fn gauge(&self, board: &Board) {
        let mut gauges = self.gauges();
        gauges.slots = board.slots();
        gauges.is_open = board.is_open();
    }

    pub(crate) fn store_error(&self, error: Option<String>) {
        self.gauges().store_error = error;
    }

    /// Sends a note that must come through.
    pub(crate) fn tell(&self, notes: &Sender<Ask>, note: Ask) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        // If nobody is there any more, the next scheduler finds out by itself.
        let _ = notes.send(note);
    }
}

/// Submits, watches and ends jobs. Clones are the same scheduler.
#[derive(Clone)]
pub struct TaskScheduler {
    shared: Arc<Shared>,
    notes: Sender<Ask>,
    readers: Arc<Readers>,
    _life: Arc<Life>,
}

/// Ends the scheduler with its last face.
struct Life {
    shared: Arc<Shared>,
    notes: Sender<Ask>,
    /// No other scheduler may use the folder.
    _lock: File,
}

impl Drop for Life {
    fn drop(&mut self) {
        let (reply, _) = oneshot::channel();
        self.shared.tell(&self.notes, Ask::End(reply));
    }
}

/// Opens the store and takes up what is there.
fn begin(
    shared: &Arc<Shared>,
    functions: Functions,
    runtime: tokio::runtime::Handle,
    notes: Sender<Ask>,
) -> Result<Actor, Error> {
    let mut store = open(&shared.settings)?;
    store.claim()?;
    let mut actor = Actor::new(Arc::clone(shared), functions, runtime, notes, store)?;
    actor.restore()?;
    Ok(actor)
}

impl TaskScheduler {
    /// Starts a scheduler on the current runtime of tokio, and takes up what an
    /// earlier one left.
    ///
    /// # Errors
    ///
    /// If the folder or the store cannot be used, or another scheduler uses it.
    pub fn start(mut settings: Settings, functions: Functions) -> Result<Self, Error> {
        let folder = settings.jobs();
        std::fs::create_dir_all(&folder).map_err(|error| Error::io(&folder, error))?;
        // Keepers may run in other folders.
        let state = &settings.state;
        settings.state = std::path::absolute(state).map_err(|error| Error::io(state, error))?;
        let path = settings.lock();
        let lock = File::create(&path).map_err(|error| Error::io(&path, error))?;
        if !is_ours(&lock) {
            let state = settings.state.display();
            return Err(Error::Conflict(format!("another scheduler uses {state}")));
        }
        let (changes, _) = broadcast::channel(CHANGES_MAX);
        let shared = Arc::new(Shared {
            settings,
            statistics: Mutex::default(),
            changes,
            asked: AtomicUsize::new(0),
        });
        let (notes, taken) = channel();
        let runtime = tokio::runtime::Handle::current();
        let (begun, begins) = channel();
        let (seen, told) = (Arc::clone(&shared), notes.clone());
        // Stores wait for disks and networks: they are for this thread alone.
        std::thread::Builder::new()
            .name("wrasse-scheduler".into())
            .spawn(move || match begin(&seen, functions, runtime, told) {
                Ok(actor) => {
                    let _ = begun.send(Ok(()));
                    actor.run(&taken);
                }
                Err(error) => drop(begun.send(Err(error))),
            })
            .map_err(|error| Error::io(&path, error))?;
        begins.recv().map_err(|_| Error::Gone)??;
        let life = Life {
            shared: Arc::clone(&shared),
            notes: notes.clone(),
            _lock: lock,
        };
        Ok(Self {
            readers: Arc::new(Readers::new(Arc::clone(&shared))),
            shared,
            notes,
            _life: Arc::new(life),
        })
    }

    /// How it works.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    async fn ask<T>(
        &self,
        note: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Ask,
    ) -> Result<T, Error> {
        if self.shared.asked.fetch_add(1, Ordering::Relaxed) >= ASKED_MAX {
            self.shared.asked.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::Busy);
        }
        let (reply, answer) = oneshot::channel();
        self.notes.send(note(reply)).map_err(|_| Error::Gone)?;
        answer.await.map_err(|_| Error::Gone)?
    }

    /// Submits a job. When this returns, it is safe.
    ///
    /// # Errors
    ///
    /// If it makes no sense, or there is another job of that name.
    pub async fn submit(&self, submission: Submission) -> Result<Submitted, Error> {
        self.ask(|reply| Ask::Submit(Box::new(submission), None, reply))
            .await
    }

    /// Submits a future. It lives in this process only: if that dies, the job
    /// has failed.
    ///
    /// # Errors
    ///
    /// As for [`TaskScheduler::submit`].
    pub async fn submit_future<F>(&self, id: Option<JobId>, future: F) -> Result<Submitted, Error>
    where
        F: Future<Output = Given> + Send + 'static,
    {
        let mut submission = Submission::new(Work::Function(FunctionWork {
            name: "(a future)".to_owned(),
            ..FunctionWork::default()
        }));
        submission.id = id;
        let once: Running = Box::pin(future);
        self.ask(|reply| Ask::Submit(Box::new(submission), Some(once), reply))
            .await
    }

    async fn read<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut dyn Read) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Error> {
        let readers = Arc::clone(&self.readers);
        let done = tokio::task::spawn_blocking(move || {
            let mut read = readers.take()?;
            let done = what(&mut *read)?;
            readers.give(read);
            Ok::<_, StoreError>(done)
        });
        Ok(done.await.map_err(|_| Error::Gone)??)
    }

    /// A job as it stands.
    ///
    /// # Errors
    ///
    /// If there is none, or the store cannot be read.
    pub async fn job(&self, id: &JobId) -> Result<Job, Error> {
        // One row by its name: to have another thread read it takes longer than to
        // read it, and where jobs have all processors, much longer.
        let job = match self.readers.take_quick() {
            Some(mut read) => {
                let job = read.job(id)?;
                self.readers.give(read);
                job
            }
            None => {
                let wanted = id.clone();
                self.read(move |read| read.job(&wanted)).await?
            }
        };
        job.ok_or_else(|| Error::Unknown(id.clone()))
    }

    /// Jobs, the latest first.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn jobs(&self, filter: Filter) -> Result<Vec<Job>, Error> {
        self.read(move |read| read.jobs(&filter)).await
    }

    /// The way of a job, from its submission.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn history(&self, id: &JobId) -> Result<Vec<Transition>, Error> {
        let id = id.clone();
        self.read(move |read| read.history(&id)).await
    }

    /// How many there are of each state, and what may run.
    pub fn statistics(&self) -> Statistics {
        let gauges = self.shared.gauges();
        let [pending, running, completed, failed, cancelled] = gauges.counts;
        Statistics {
            pending,
            running,
            completed,
            failed,
            cancelled,
            total: gauges.counts.iter().sum(),
            max_concurrent: gauges.slots,
            is_open: gauges.is_open,
            store_error: gauges.store_error.clone(),
        }
    }

    /// What happens from now on. Whoever is far behind misses some.
    pub fn changes(&self) -> broadcast::Receiver<Arc<Change>> {
        self.shared.changes.subscribe()
    }

    /// Waits until a job has come to its end.
    ///
    /// # Errors
    ///
    /// If there is no such job, or the time is up.
    pub async fn wait(&self, id: &JobId, timeout: Option<Duration>) -> Result<Job, Error> {
        let waits = self.wait_for_ever(id);
        match timeout {
            None => waits.await,
            Some(timeout) => match tokio::time::timeout(timeout, waits).await {
                Ok(job) => job,
                Err(_) => Err(Error::TimedOut(id.clone())),
            },
        }
    }

    async fn wait_for_ever(&self, id: &JobId) -> Result<Job, Error> {
        // First this, so that nothing falls in between.
        let mut changes = self.changes();
        loop {
            let job = self.job(id).await?;
            if job.state.is_final() {
                return Ok(job);
            }
            loop {
                match changes.recv().await {
                    Ok(change) if change.id == *id && change.state.is_final() => break,
                    Ok(_) => {}
                    Err(broadcast::error::RecvError::Lagged(_)) => break,
                    Err(broadcast::error::RecvError::Closed) => return Err(Error::Gone),
                }
            }
        }
    }

    /// Asks for a job's end. It may take as long as the grace period; one that
    /// came to its end already stays as it is.
    ///
    /// # Errors
    ///
    /// If there is no such job.
    pub async fn cancel(&self, id: &JobId) -> Result<(), Error> {
        self.ask(|reply| Ask::Cancel(id.clone(), reply)).await
    }

    /// Has a job rest, or go on. One that waits does not start; a command
    /// stands still; a run makes room, and goes on later from where it was.
    ///
    /// # Errors
    ///
    /// If there is no such job, or it has come to its end.
    pub async fn hold(&self, id: &JobId, held: bool) -> Result<(), Error> {
        self.ask(|reply| Ask::Hold(id.clone(), held, reply)).await
    }

    /// Has a job that came to its end begin again.
    ///
    /// # Errors
    ///
    /// If there is no such job, or it has not come to its end.
    pub async fn retry(&self, id: &JobId) -> Result<(), Error> {
        self.ask(|reply| Ask::Again(id.clone(), reply)).await
    }

    /// Forgets a job that came to its end, with its logs.
    ///
    /// # Errors
    ///
    /// If there is no such job, or it has not come to its end.
    pub async fn delete(&self, id: &JobId) -> Result<(), Error> {
        self.ask(|reply| Ask::Delete(id.clone(), reply)).await
    }

    /// Has a run go on with other resources; what is not given stays. One that
    /// runs takes them up within a second, or says in its log why it cannot.
    ///
    /// # Errors
    ///
    /// If there is no such job, it has come to its end, or is no run.
    pub async fn set_resources(
        &self,
        id: &JobId,
        threads: Option<u32>,
        memory: Option<String>,
    ) -> Result<(), Error> {
        self.ask(|reply| Ask::Resources(id.clone(), threads, memory, reply))
            .await
    }

    /// From now on, so many may run at once. None that runs is ended.
    ///
    /// # Errors
    ///
    /// If the scheduler was shut down.
    pub async fn set_max_concurrent(&self, slots: usize) -> Result<(), Error> {
        self.ask(|reply| Ask::Slots(slots, reply)).await
    }

    /// Whether jobs may start; those that run go on.
    ///
    /// # Errors
    ///
    /// If the scheduler was shut down.
    pub async fn set_open(&self, is_open: bool) -> Result<(), Error> {
        self.ask(|reply| Ask::Open(is_open, reply)).await
    }

    /// The folder of a job's last launch: its log ([`crate::read_log`]) and, of
    /// a run, `live`.
    pub fn folder(&self, job: &Job) -> PathBuf {
        launch::folder(&self.shared.settings, &job.id, job.launches)
    }

    /// The folder in which a run tells where it stands.
    pub fn live(&self, job: &Job) -> PathBuf {
        self.folder(job).join(launch::LIVE)
    }

    /// Ends the scheduler. Processes go on, and the next scheduler takes them
    /// up; functions end here.
    pub async fn shutdown(&self) {
        let (reply, answer) = oneshot::channel();
        self.shared.tell(&self.notes, Ask::End(reply));
        let _ = answer.await;
    }
}

/// Locks the folder. A process that is just being started has the lock of
/// whoever starts it, for a moment, though that is gone.
fn is_ours(lock: &File) -> bool {
    const ATTEMPTS: u32 = 20;
    const PAUSE: Duration = Duration::from_millis(50);
    let (_never, nothing) = channel::<()>();
    (0..ATTEMPTS).any(|_| {
        let is_ours = lock.try_lock().is_ok();
        if !is_ours {
            let _ = nothing.recv_timeout(PAUSE);
        }
        is_ours
    })
}
