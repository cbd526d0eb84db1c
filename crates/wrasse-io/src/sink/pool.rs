//! [`Ordered`]: jobs on a few threads, results in the order of the jobs.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crate::Error;

type Job = Box<dyn FnOnce() + Send>;

/// How many threads a sink uses unless it is told: as many as the machine has,
/// four at most, so that most of a large machine is left to the operators.
pub(super) fn default_threads() -> NonZeroUsize {
    const MOST: NonZeroUsize = NonZeroUsize::new(4).expect("four is not zero");
    thread::available_parallelism().map_or(NonZeroUsize::MIN, |n| n.min(MOST))
}

/// Runs jobs on a few threads; gives results in the order of the jobs.
///
/// At most one job more than there are threads is under way. Threads start
/// with the first jobs and end with the owner.
pub(super) struct Ordered<R> {
    n_threads: usize,
    /// Both ends of the queue; `None` once it is closed. Each thread takes one
    /// job at a time, so that one place in it is enough to keep all busy.
    jobs: Option<SyncSender<Job>>,
    queue: Arc<Mutex<Receiver<Job>>>,
    threads: Vec<JoinHandle<()>>,
    results: VecDeque<Receiver<R>>,
}

impl<R: Send + 'static> Ordered<R> {
    pub(super) fn new(n_threads: NonZeroUsize) -> Self {
        let (jobs, queue) = sync_channel(n_threads.get() + 1);
        Self {
            n_threads: n_threads.get(),
            jobs: Some(jobs),
            queue: Arc::new(Mutex::new(queue)),
            threads: Vec::new(),
            results: VecDeque::new(),
        }
    }

    /// Jobs that were given and whose results were not taken.
    pub(super) fn n_waiting(&self) -> usize {
        self.results.len()
    }

    /// Whether a result must be taken before the next job.
    pub(super) fn is_full(&self) -> bool {
        self.results.len() > self.n_threads
    }

    /// Gives a job; not if [`Ordered::is_full`].
    pub(super) fn push(&mut self, job: impl FnOnce() -> R + Send + 'static) -> Result<(), Error> {
        debug_assert!(!self.is_full(), "results are taken first");
        let (put, take) = sync_channel(1);
        self.results.push_back(take);
        let job: Job = Box::new(move || {
            // Whoever waited may have given up.
            let _ = put.send(job());
        });
        if let Some(jobs) = &self.jobs {
            jobs.send(job).map_err(|_| gone())?;
        }
        if self.threads.len() < self.n_threads.min(self.results.len()) {
            let queue = Arc::clone(&self.queue);
            let thread = thread::Builder::new()
                .name("wrasse-sink".to_owned())
                .spawn(move || work(&queue))
                .map_err(|e| Error::io("", "cannot start a thread for the output", e))?;
            self.threads.push(thread);
        }
        Ok(())
    }

    /// Waits for the oldest result; `None` if no job is under way.
    pub(super) fn pop(&mut self) -> Option<Result<R, Error>> {
        let result = self.results.pop_front()?;
        Some(result.recv().map_err(|_| gone()))
    }
}

impl<R> Drop for Ordered<R> {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A panic on a thread was reported to whoever waited for its result.
            let _ = thread.join();
        }
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}

fn gone() -> Error {
    Error::new("", "a thread of the output ended before its work was done")
}
