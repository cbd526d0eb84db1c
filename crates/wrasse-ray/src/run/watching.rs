//! [`Watcher`]: shows the run, follows the cluster's size, and ends the run when
//! told to.

use std::sync::atomic::Ordering;
use std::time::Duration;

use wrasse_io::Inputs;
use wrasse_job::{Books, Cancel, Observed, RunResult, process};
use wrasse_run::{Error, MemorySnapshot, Pace, RunSnapshot, Running, Watch, Written};
use wrasse_sched::{Event, OpIdx, Phase, Scheduler, Time};

use super::OnCluster;
use super::room::{millicpus, store_bytes};
use crate::asking::Asking;
use crate::backend::Ray;
use crate::protocol::{Cluster, Say};

/// How long a run that is told to end waits for what actors are at: they may take any
/// time, and what they have done is not lost where it is committed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Shows the run, follows the cluster's size, and ends the run when told to.
pub(super) struct Watcher<'a> {
    pub(super) on: &'a OnCluster<'a>,
    pub(super) inputs: &'a Inputs,
    pub(super) observe: &'a mut dyn FnMut(&RunSnapshot),
    pub(super) cancel: &'a Cancel,
    pub(super) cluster: Cluster,
    /// Processors of it that the run may use, as it is now.
    pub(super) cpus_max: Option<usize>,
    pub(super) target: u64,
    pub(super) peak_bytes: u64,
    pub(super) bytes_resumed: u64,
    pub(super) asking: Asking,
    /// Since when the run is asked to end, as long as it waits for what runs.
    pub(super) cancelled: Option<Time>,
}

impl Watch<Ray<'_>> for Watcher<'_> {
    fn look(&mut self, run: &Running<'_>, backend: &mut Ray<'_>) -> Result<Option<Event>, Error> {
        if self.cancel.is_cancelled() && run.scheduler.phase() == Phase::Running {
            self.cancelled = Some(run.now);
            return Ok(Some(Event::Cancel));
        }
        let is_late = |since: &mut Time| run.now.since(*since) > PATIENCE;
        if self.cancelled.take_if(is_late).is_some() {
            return Ok(Some(Event::Cancel));
        }
        if run.is_tick {
            self.show(run, &backend.books);
            self.ask(run, backend)?;
        }
        let is_changed = self.adjust(backend);
        if backend.cluster == self.cluster && !is_changed {
            return Ok(None);
        }
        self.cluster = backend.cluster.clone();
        let limits = self.on.limits(&self.cluster, self.cpus_max, self.target);
        Ok(Some(Event::LimitsChanged(limits)))
    }

    fn name(&self, op: OpIdx) -> String {
        self.on.pipeline.names[op].clone()
    }

    fn custom_resources(&self) -> &[String] {
        &self.on.ledger.custom
    }
}

impl Watcher<'_> {
    /// Takes a change of what the run may use: whether there was one.
    fn adjust(&mut self, backend: &mut Ray<'_>) -> bool {
        let Some(change) = self.on.job.adjust.take() else {
            return false;
        };
        if change.memory.is_some() && change.memory != self.on.job.memory {
            let refused =
                "on Ray, --memory is what the driver keeps samples in, from beginning to end";
            self.on.job.adjust.done(Err(refused.to_owned()));
            return false;
        }
        if let Some(mode) = change.metadata {
            backend.fetcher.set_mode(mode);
        }
        self.cpus_max = change.threads.or(self.cpus_max);
        self.on.job.adjust.done(Ok(()));
        true
    }

    /// Asks a cluster of others for what the run lacks.
    fn ask(&mut self, run: &Running<'_>, backend: &Ray<'_>) -> Result<(), Error> {
        if self.on.options.address.is_none() {
            return Ok(());
        }
        let (on, reader) = (self.on, self.on.pipeline.last_exchange().unwrap_or(0));
        let unopened = |op| if op == reader { backend.unopened() } else { 0 };
        let bundles = self.asking.look(run, &on.ledger, unopened, self.cpus_max);
        match bundles {
            Some(bundles) => on.link.say(&[Say::Request { bundles }], &[]),
            None => Ok(()),
        }
    }

    fn show(&mut self, run: &Running<'_>, books: &Books) {
        let resident = process::resident_bytes();
        self.peak_bytes = self.peak_bytes.max(resident);
        let tally = books.tally();
        let held = &self.on.held;
        let observed = Observed {
            elapsed_s: self.on.began.elapsed().as_secs_f64(),
            tally,
            bytes_total: self.inputs.files.iter().map(|file| file.bytes).sum(),
            bytes_resumed: self.bytes_resumed,
            bytes_fetched: Some(held.fetched.load(Ordering::Relaxed)),
            threads: self.threads(),
            waiting: books.in_flight.len(),
            memory: MemorySnapshot {
                blocks: run.scheduler.block_bytes(),
                blocks_limit: store_bytes(&self.cluster),
                fingerprints: held.fingerprints.load(Ordering::Relaxed),
                sharded: held.sharded.load(Ordering::Relaxed),
                shards: held.shards.load(Ordering::Relaxed),
                waiting: held.exchanges.load(Ordering::Relaxed),
                spilled: held.spilled.load(Ordering::Relaxed),
                resident,
                // They are the cluster's.
                workers: 0,
                limit: self.on.job.memory.map(|limit| limit.0),
            },
            custom: self.on.ledger.custom.clone(),
        };
        let (plan, pipeline) = (&self.on.job.plan, self.on.pipeline);
        (self.observe)(&wrasse_job::snapshot(plan, pipeline, run, observed));
    }

    fn threads(&self) -> usize {
        (millicpus(self.cpus_max, &self.cluster) / 1000) as usize
    }

    /// Shows how it ended.
    pub(super) fn end(&mut self, scheduler: &Scheduler, pace: &Pace, books: &Books) {
        let end = Running {
            scheduler,
            now: Time(self.on.began.elapsed().as_nanos() as u64),
            pace,
            is_tick: true,
            stuck: None,
            gives_up: false,
        };
        self.show(&end, books);
    }

    pub(super) fn result(&self, books: &Books, written: Written) -> RunResult {
        RunResult {
            elapsed_s: self.on.began.elapsed().as_secs_f64(),
            // Of this process alone it would mislead.
            cpu_s: None,
            peak_bytes: self.peak_bytes.max(process::resident_bytes()),
            threads: self.threads(),
            ..books.result(self.on.job, written)
        }
    }
}
