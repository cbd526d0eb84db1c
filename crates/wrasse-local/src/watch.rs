//! [`Watcher`]: shows a run, keeps it within its memory, and ends it when told to.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use wrasse_core::ByteCount;
use wrasse_job::{Books, Cancel, Change, Job, Observed, Pipeline, RunResult, process, spend};
use wrasse_plan::Budget;
use wrasse_run::{Error, MemorySnapshot, Pace, RunSnapshot, Running, Watch, Written};
use wrasse_sched::{Event, Limits, OpIdx, Phase, Resource, Resources, Scheduler, Time};

use crate::backend::Local;
use crate::pools::{Crew, Pools};
use crate::worker::Shared;

/// How often memory is looked at while blocks come and go: a fast run fills a
/// hundred megabytes between two ticks.
const LOOK: Duration = Duration::from_millis(4);

/// When a run is asked to end, worker processes may end what they are at for so
/// long. What they lose is done again by a resumed run.
const PATIENCE: Duration = Duration::from_secs(2);

/// See the module's documentation.
pub(crate) struct Watcher<'a> {
    job: &'a Job,
    pub(crate) budget: Budget,
    shared: &'a Shared,
    pipeline: &'a Pipeline,
    pools: &'a Pools,
    observe: &'a mut dyn FnMut(&RunSnapshot),
    cancel: &'a Cancel,
    /// What the program took before the run.
    pub(crate) base_bytes: u64,
    peak_bytes: u64,
    /// Bytes of input that were done before this run went on.
    pub(crate) bytes_resumed: u64,
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

impl<'a> Watcher<'a> {
    pub(crate) fn new(
        job: &'a Job,
        shared: &'a Shared,
        (pipeline, pools): (&'a Pipeline, &'a Pools),
        (observe, cancel): (&'a mut dyn FnMut(&RunSnapshot), &'a Cancel),
        began: Instant,
    ) -> Self {
        Self {
            job,
            budget: pools.budget,
            shared,
            pipeline,
            pools,
            observe,
            cancel,
            base_bytes: 0,
            peak_bytes: 0,
            bytes_resumed: 0,
            fingerprint_bytes: 0,
            exchange_bytes: 0,
            workers_bytes: (0, 0),
            began,
            looked: began,
            cancelled: None,
            memory: job.memory,
        }
    }

    /// Shows how the run ended.
    pub(crate) fn end(&mut self, scheduler: &Scheduler, pace: &Pace, books: &Books) {
        let end = Running {
            scheduler,
            now: Time(self.began.elapsed().as_nanos() as u64),
            pace,
            is_tick: true,
            stuck: None,
            gives_up: false,
        };
        self.show(&end, books);
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

    pub(crate) fn result(&self, books: &Books, written: Written) -> RunResult {
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
pub(crate) fn threads_most(threads: usize) -> usize {
    const LEAST: usize = 64;
    (2 * threads).max(LEAST)
}

/// A limited run reads block by block, so that exactly the first rows count.
pub(crate) fn limits(
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
pub(crate) fn blocks_in_flight(budget: &Budget, pipeline: &Pipeline) -> u32 {
    (budget.blocks_in_flight * pipeline.n_running()) as u32
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
