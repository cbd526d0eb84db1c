//! [`Coordinator`]: a run on threads, on the caller's own.
//!
//! # Ending, in order
//!
//! 1. The scheduler says that all is written (or drained, after a cancel).
//! 2. Workers end as their channel closes.
//! 3. The writer completes the output if the run is complete, and otherwise
//!    commits what it has; its channel closes.
//! 4. All threads are joined before [`Coordinator::run`] returns.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Instant;

use wrasse_core::ByteCount;
use wrasse_io::Split;
use wrasse_job::{Books, Cancel, Job, Pipeline, RunResult, process, spend};
use wrasse_run::{Error, FingerprintSet, RunSnapshot, Tally, Writer, execute};
use wrasse_sched::{Event, Place, Refusal, Scheduler, Settings};

use crate::backend::Local;
use crate::pools::{Pools, crews};
use crate::staff::{Staff, channels};
use crate::watch::{Watcher, limits, threads_most};
use crate::worker::Shared;

/// One run on threads.
pub(crate) struct Coordinator<'a> {
    job: &'a Job,
    pools: Pools,
    shared: &'a Shared,
    splits: Vec<Split>,
    seen: Vec<FingerprintSet>,
    start: Place,
    written: Tally,
    base_bytes: u64,
    began: Instant,
}

impl<'a> Coordinator<'a> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the run's duration is shown, nothing depends on it"
    )]
    pub(crate) fn new(
        job: &'a Job,
        pools: Pools,
        shared: &'a Shared,
        splits: Vec<Split>,
        seen: Vec<FingerprintSet>,
        start: Place,
        written: Tally,
    ) -> Self {
        Self {
            job,
            pools,
            shared,
            splits,
            seen,
            start,
            written,
            base_bytes: process::resident_bytes(),
            began: Instant::now(),
        }
    }

    /// Runs to the end. See the module's documentation.
    pub(crate) fn run(
        self,
        writer: Writer,
        observe: &mut dyn FnMut(&RunSnapshot),
        cancel: &Cancel,
    ) -> Result<RunResult, Error> {
        let (job, shared, pools) = (self.job, self.shared, self.pools);
        let budget = pools.budget;
        let pipeline = Pipeline::new(&job.plan, &job.pass, false);
        pipeline.check()?;
        let (crews, posts) = crews(&pipeline, &pools, job.memory.is_some());
        let n_splits = self.splits.len() as u32;
        let mut scheduler = Scheduler::new(
            &pipeline.configs(|stage| Some(pools.config(stage)), job.block_bytes.0 * 2),
            limits(job, &budget, (&pipeline, &pools), budget.blocks.0),
            self.start,
            Settings::default(),
        )
        .map_err(|refusal| refused(&refusal))?;
        let most = spend(job, (threads_most(budget.threads), None), 0, ByteCount(0))?;
        let (near, far) = channels(&pipeline, &most, pools.n_workers());
        let bytes_resumed = self.written.bytes_in;
        let backend = Local {
            pipeline: &pipeline,
            splits: self.splits,
            start: self.start,
            tasks: near.tasks,
            orders: near.orders,
            notes: near.notes,
            known: VecDeque::new(),
            turns: near.turns,
            blocks: HashMap::new(),
            named: 0,
            running: HashMap::new(),
            crews,
            readers: BTreeMap::new(),
            books: Books::new(job, &pipeline, self.written),
        };
        let parts = (&pipeline, &pools);
        let mut watch = Watcher::new(job, shared, parts, (observe, cancel), self.began);
        watch.base_bytes = self.base_bytes;
        watch.bytes_resumed = bytes_resumed;
        let n = if backend.books.has_read_all {
            0 // A resumed run that had come to its limit.
        } else {
            n_splits
        };
        let first = Event::SplitsFound {
            op: 0,
            n,
            last: true,
        };
        let staff = Staff {
            writer,
            seen: self.seen,
            posts,
        };
        let ((executed, books), written) =
            staff.at_work(shared, far, &mut watch, |mut manned| {
                let mut backend = backend;
                let executed =
                    execute(&mut scheduler, &mut backend, &mut manned, &job.guard, first);
                drop(manned);
                if let (Err(_), Some(python)) = (&executed, &job.python) {
                    // Nobody waits for what they are at.
                    python.stop();
                }
                let is_complete = executed.is_ok() && backend.books.is_complete(cancel);
                (executed, backend.end(is_complete))
            })?;
        // If the writer failed, that is the cause of all else.
        let written = written?;
        let pace = executed?;
        watch.end(&scheduler, &pace, &books);
        Ok(watch.result(&books, written))
    }
}

fn refused(refusal: &Refusal) -> Error {
    let (what, limit, sum) = (refusal.resource.name(), refusal.limit, refusal.sum);
    Error::usage(format!(
        "the recipe needs {sum} of {what} at the least, and there is {limit}"
    ))
}
