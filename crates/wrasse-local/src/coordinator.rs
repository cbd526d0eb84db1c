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
use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;
use wrasse_core::ByteCount;
use wrasse_io::Split;
use wrasse_job::{Books, Cancel, Change, Job, Observed, Pipeline, RunResult, process, spend};
use wrasse_plan::Budget;
use wrasse_run::{
    Error, FingerprintSet, MemorySnapshot, RunSnapshot, Running, Tally, Watch, Writer, Written,
    execute,
};
use wrasse_sched::{
    Event, Limits, OpIdx, Phase, Place, Refusal, Resource, Resources, Scheduler, Settings, Time,
};

use crate::backend::Local;
use crate::ordering::{Turn, take_turns};
use crate::pools::{Crew, Pools, crews};
use crate::worker::{Note, Shared, Task, work};
use crate::writing::{Order, write};

/// How often memory is looked at while blocks come and go: a fast run fills a
/// hundred megabytes between two ticks.
const LOOK: Duration = Duration::from_millis(4);

/// When a run is asked to end, worker processes may end what they are at for so
/// long. What they lose is done again by a resumed run.
const PATIENCE: Duration = Duration::from_secs(2);

/// One run on threads.
pub(crate) struct Coordinator<'a> {
    job: &'a Job,
    budget: Budget,
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
            budget: pools.budget,
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
        let (job, budget, shared) = (self.job, self.budget, self.shared);
        let pipeline = Pipeline::new(&job.plan, &job.pass, false);
        pipeline.check()?;
        let pools = self.pools;
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
        // Two tasks a worker, never more: the scheduler counts them.
        let (tasks, tasks_in) = bounded::<Task>(2 * most.threads);
        // The writer lags behind by blocks in flight at the most, each with the
        // place behind it.
        let in_flight = blocks_in_flight(&most, &pipeline) as usize;
        let (orders, orders_in) = bounded::<Order>(2 * in_flight + 2);
        // One turn for each gate and exchange, and one to close.
        let n_turns = pipeline.steps.len() + 1;
        let (turns, turns_in) = bounded::<Turn>(n_turns);
        // Three notes a task of two a worker, one a block at the writer.
        // Five of a worker process.
        let n_notes = 6 * most.threads + 5 * pools.n_workers() + in_flight + n_turns + 2;
        let (notes, notes_in) = bounded::<Note>(n_notes);
        // What is before an exchange is done once more by a resumed run.
        let rows_done = match pipeline.has_exchange() {
            true => 0,
            false => self.written.rows_in,
        };
        let rows_left = job
            .limit
            .map_or(u64::MAX, |limit| limit.saturating_sub(rows_done));
        let backend = Local {
            pipeline: &pipeline,
            splits: self.splits,
            start: self.start,
            tasks,
            orders,
            notes: notes_in,
            known: VecDeque::new(),
            turns,
            blocks: HashMap::new(),
            named: 0,
            running: HashMap::new(),
            crews,
            readers: BTreeMap::new(),
            books: Books {
                in_flight: HashMap::new(),
                writing: HashMap::new(),
                rows_left,
                has_read_all: rows_left == 0 && !pipeline.has_exchange(),
                too_many_rejects: false,
                absorbed: Tally::default(),
                written: self.written.clone(),
            },
        };
        let seen = self.seen;
        let mut watch = Watcher {
            job,
            budget,
            shared,
            pipeline: &pipeline,
            pools: &pools,
            observe,
            cancel,
            base_bytes: self.base_bytes,
            peak_bytes: 0,
            bytes_resumed: self.written.bytes_in,
            began: self.began,
            fingerprint_bytes: 0,
            exchange_bytes: 0,
            workers_bytes: (0, 0),
            looked: self.began,
            cancelled: None,
            memory: job.memory,
        };
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
        let (executed, books, written) = std::thread::scope(|scope| {
            let mut backend = backend;
            let writer_notes = notes.clone();
            let writing = std::thread::Builder::new()
                .name("wrasse-writer".into())
                .spawn_scoped(scope, move || write(writer, &orders_in, &writer_notes))
                .map_err(|error| Error::io("cannot start a thread", error))?;
            let ordering_notes = notes.clone();
            std::thread::Builder::new()
                .name("wrasse-ordering".into())
                .spawn_scoped(scope, move || {
                    take_turns(shared, seen, &turns_in, &ordering_notes);
                })
                .map_err(|error| Error::io("cannot start a thread", error))?;
            // Wakes those that rest, however this ends.
            let _woken = shared.shift.until_dropped();
            let worker_notes = notes.clone();
            let mut manned = Manned {
                watch: &mut watch,
                n: 0,
                hire: move |i| {
                    let (tasks_in, notes) = (tasks_in.clone(), worker_notes.clone());
                    std::thread::Builder::new()
                        .name(format!("wrasse-worker-{i}"))
                        .spawn_scoped(scope, move || work(shared, i, &tasks_in, &notes))
                        .map(drop)
                },
            };
            manned.hire(budget.threads)?;
            for post in posts {
                let notes = notes.clone();
                std::thread::Builder::new()
                    .name("wrasse-python".into())
                    .spawn_scoped(scope, move || post.serve(shared, &notes))
                    .map_err(|error| Error::io("cannot start a thread", error))?;
            }
            drop(notes);
            let executed = execute(&mut scheduler, &mut backend, &mut manned, &job.guard, first);
            drop(manned);
            if let (Err(_), Some(python)) = (&executed, &job.python) {
                // Nobody waits for what they are at.
                python.stop();
            }
            let is_complete = executed.is_ok() && backend.books.is_complete(cancel);
            let books = backend.end(is_complete);
            let written = writing
                .join()
                .unwrap_or_else(|_| Err(Error::failed("the writer panicked; this is a bug")));
            Ok::<_, Error>((executed, books, written))
        })?;
        // If the writer failed, that is the cause of all else.
        let written = written?;
        let pace = executed?;
        let end = Running {
            scheduler: &scheduler,
            now: Time(watch.began.elapsed().as_nanos() as u64),
            pace: &pace,
            is_tick: true,
            stuck: None,
            gives_up: false,
        };
        watch.show(&end, &books);
        Ok(watch.result(&books, written))
    }
}

/// Shows the run, keeps it within its memory, and ends it when told to.
struct Watcher<'a> {
    job: &'a Job,
    budget: Budget,
    shared: &'a Shared,
    pipeline: &'a Pipeline,
    pools: &'a Pools,
    observe: &'a mut dyn FnMut(&RunSnapshot),
    cancel: &'a Cancel,
    base_bytes: u64,
    peak_bytes: u64,
    bytes_resumed: u64,
    fingerprint_bytes: u64,
    exchange_bytes: u64,
    /// What worker processes take of memory, and what they count for.
    workers_bytes: (u64, u64),
    began: Instant,
    /// When memory was last looked at.
    looked: Instant,
    /// Since when the run is asked to end, if it waits for worker processes.
    cancelled: Option<Instant>,
    /// The limit on memory, as it is now.
    memory: Option<ByteCount>,
}

/// Watches, and has as many workers as the run may use. Those that are too many
/// rest; none is sent away.
struct Manned<'w, 'a, H> {
    watch: &'w mut Watcher<'a>,
    /// Workers that there are.
    n: usize,
    hire: H,
}

impl<H: FnMut(usize) -> io::Result<()>> Manned<'_, '_, H> {
    fn hire(&mut self, n: usize) -> Result<(), Error> {
        while self.n < n {
            (self.hire)(self.n).map_err(|error| Error::io("cannot start a thread", error))?;
            self.n += 1;
        }
        Ok(())
    }
}

impl<'b, H: FnMut(usize) -> io::Result<()>> Watch<Local<'b>> for Manned<'_, '_, H> {
    fn look(&mut self, run: &Running<'_>, backend: &mut Local<'b>) -> Result<Option<Event>, Error> {
        let event = self.watch.look(run, backend)?;
        self.hire(self.watch.budget.threads)?;
        Ok(event)
    }

    fn name(&self, op: OpIdx) -> String {
        Watch::<Local<'b>>::name(self.watch, op)
    }
}

impl Watch<Local<'_>> for Watcher<'_> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the pace of looking; no result depends on it"
    )]
    fn look(&mut self, run: &Running<'_>, backend: &mut Local<'_>) -> Result<Option<Event>, Error> {
        if self.cancel.is_cancelled() && run.scheduler.phase() == Phase::Running {
            self.cancelled = Some(Instant::now());
            return Ok(Some(Event::Cancel));
        }
        if let Some(python) = &self.job.python
            && self
                .cancelled
                .is_some_and(|since| since.elapsed() > PATIENCE)
        {
            self.cancelled = None;
            python.stop();
            return Ok(Some(Event::Cancel));
        }
        if run.is_tick {
            self.look_at_workers(backend);
            self.show(run, &backend.books);
        }
        if !run.is_tick && self.looked.elapsed() < LOOK {
            return Ok(None);
        }
        self.looked = Instant::now();
        let changed = match self.job.adjust.take() {
            Some(change) => self.adjust(change, run.scheduler),
            None => None,
        };
        self.fingerprint_bytes = self.shared.fingerprint_bytes.load(Ordering::Relaxed);
        self.exchange_bytes = self.shared.exchange_bytes.load(Ordering::Relaxed);
        let looked = self.look_at_memory(run.scheduler)?;
        Ok(looked.or(changed))
    }

    fn name(&self, op: OpIdx) -> String {
        self.pipeline.names[op].clone()
    }
}

impl Watcher<'_> {
    /// Looks at what worker processes take, and begins more where there is room
    /// beside what the engine may take.
    fn look_at_workers(&mut self, backend: &mut Local<'_>) {
        let sum = |a: (u64, u64), b: (u64, u64)| (a.0 + b.0, a.1 + b.1);
        let memory = backend.crews.values().map(Crew::memory);
        self.workers_bytes = memory.fold((0, 0), sum);
        if let Some(limit) = self.memory {
            let engine = self.fixed_bytes() + self.budget.blocks.0;
            let taken = engine.max(process::resident_bytes()) + self.workers_bytes.1;
            let mut room = limit.0.saturating_sub(taken);
            for crew in backend.crews.values_mut() {
                room = crew.grow(room);
            }
        }
    }

    /// What the engine takes that does not depend on blocks.
    fn fixed_bytes(&self) -> u64 {
        self.base_bytes + self.fingerprint_bytes + self.exchange_bytes
    }

    /// Changes threads and memory, if that can be.
    fn adjust(&mut self, change: Change, scheduler: &Scheduler) -> Option<Event> {
        let threads = change.threads.unwrap_or(self.budget.threads);
        let memory = change.memory.or(self.memory);
        let most = threads_most(self.job.threads);
        let (base, processes) = (self.fixed_bytes(), self.pools.declared);
        let spent = match spend(self.job, (threads.min(most), memory), base, processes) {
            Ok(spent) => spent,
            Err(error) => {
                self.job.adjust.done(Err(error.to_string()));
                return None;
            }
        };
        (self.budget, self.memory) = (spent, memory);
        self.shared.shift.set(spent.threads);
        self.job.adjust.done(Ok(()));
        let parts = (self.pipeline, self.pools);
        let limits = limits(self.job, &self.budget, parts, spent.blocks.0);
        let is_same = limits == *scheduler.limits();
        (!is_same).then_some(Event::LimitsChanged(limits))
    }

    /// Looks at memory, and gives blocks the room that is left.
    fn look_at_memory(&mut self, scheduler: &Scheduler) -> Result<Option<Event>, Error> {
        let resident = process::resident_bytes();
        self.peak_bytes = self.peak_bytes.max(resident + self.workers_bytes.0);
        let Some(limit) = self.memory else {
            return Ok(None);
        };
        let fixed = self.fixed_bytes();
        let for_blocks = limit.0.saturating_sub(fixed + self.workers_bytes.1);
        let least = self.job.block_bytes.0 * 3;
        if for_blocks < least {
            return Err(too_little_memory(
                limit,
                self.base_bytes,
                self.fingerprint_bytes,
                self.exchange_bytes,
                self.workers_bytes.1,
                least,
            ));
        }
        // What the books do not know (allocator, sink) shows in the resident
        // memory; blocks make room for it.
        let unknown = resident.saturating_sub(fixed + scheduler.block_bytes());
        let room = for_blocks
            .saturating_sub(unknown)
            .max(least)
            .min(self.budget.blocks.0);
        let limits = limits(self.job, &self.budget, (self.pipeline, self.pools), room);
        Ok(Some(Event::LimitsChanged(limits)))
    }

    fn show(&mut self, run: &Running<'_>, books: &Books) {
        let snapshot = self.snapshot(run, books);
        (self.observe)(&snapshot);
    }

    fn snapshot(&self, run: &Running<'_>, books: &Books) -> RunSnapshot {
        let tally = books.tally();
        let observed = Observed {
            elapsed_s: self.began.elapsed().as_secs_f64(),
            tally,
            bytes_total: self.bytes_total(),
            bytes_resumed: self.bytes_resumed,
            bytes_fetched: None,
            threads: self.budget.threads,
            waiting: books.in_flight.len(),
            memory: MemorySnapshot {
                blocks: run.scheduler.block_bytes(),
                blocks_limit: self.budget.blocks.0,
                fingerprints: self.fingerprint_bytes,
                sharded: 0,
                shards: 0,
                waiting: self.exchange_bytes,
                spilled: self.shared.spilled_bytes.load(Ordering::Relaxed),
                resident: process::resident_bytes(),
                workers: self.workers_bytes.0,
                limit: self.memory.map(|limit| limit.0),
            },
            custom: Vec::new(),
        };
        wrasse_job::snapshot(&self.job.plan, self.pipeline, run, observed)
    }

    fn bytes_total(&self) -> Option<u64> {
        let files = &self.shared.inputs.files;
        files.iter().map(|file| file.bytes).sum()
    }

    fn result(&self, books: &Books, written: Written) -> RunResult {
        RunResult {
            elapsed_s: self.began.elapsed().as_secs_f64(),
            cpu_s: process::cpu_seconds(),
            peak_bytes: (self.peak_bytes).max(process::resident_bytes() + self.workers_bytes.0),
            threads: self.budget.threads,
            ..books.result(self.job, written)
        }
    }
}

/// Threads that a run may be given while it runs, if it began with so many: what
/// there is of queues between threads is made for these.
fn threads_most(threads: usize) -> usize {
    const LEAST: usize = 64;
    (2 * threads).max(LEAST)
}

/// A limited run reads block by block, so that exactly the first rows count.
fn limits(
    job: &Job,
    budget: &Budget,
    (pipeline, pools): (&Pipeline, &Pools),
    block_bytes: u64,
) -> Limits {
    Limits {
        resources: (Resources::millicpus(budget.threads as i64 * 1000) + pools.resources())
            .with(Resource::BLOCKS, block_bytes as i64),
        blocks_in_flight: if job.limit.is_some() {
            1
        } else {
            blocks_in_flight(budget, pipeline)
        },
        // Threads are never held by worker processes.
        for_tasks: Resources::ZERO,
    }
}

/// So many for each operator that runs on threads.
fn blocks_in_flight(budget: &Budget, pipeline: &Pipeline) -> u32 {
    (budget.blocks_in_flight * pipeline.n_running()) as u32
}

fn refused(refusal: &Refusal) -> Error {
    let (what, limit, sum) = (refusal.resource.name(), refusal.limit, refusal.sum);
    Error::usage(format!(
        "the recipe needs {sum} of {what} at the least, and there is {limit}"
    ))
}

fn too_little_memory(
    limit: ByteCount,
    base: u64,
    fingerprints: u64,
    exchanges: u64,
    workers: u64,
    least: u64,
) -> Error {
    Error::failed(format!(
        "the memory limit of {limit} is used up: {} for the program, {} for the fingerprints of \
         deduplicators, {} for samples that wait for all others, {} for Python processes, and \
         the least for blocks is {}",
        ByteCount(base),
        ByteCount(fingerprints),
        ByteCount(exchanges),
        ByteCount(workers),
        ByteCount(least)
    ))
    .with_hint("resume with a larger --memory: what was written is safe")
}
