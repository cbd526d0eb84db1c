//! [`run`]: a job on a cluster.
//!
//! # Who does what
//!
//! ```text
//!   caller's thread    the executor with the scheduler and the books
//!   ordering thread    gates, and exchanges as long as they collect
//!   writer thread      owns the sink and the run directory
//!   link thread        hears the gateway
//!   metadata thread    looks through what tasks say of their outputs
//!   gateway            a Python process: holds the objects, submits the tasks
//!   workers            processes of Ray: read and run operators; hold nothing
//!   actors             the same, which keep the operators of a Python stage
//! ```

mod joining;
mod room;
mod setup;
mod staff;
mod watching;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, unbounded};
use serde_json::Value;
use wrasse_core::ByteCount;
use wrasse_io::{Inputs, ReadLimits, Sink, SinkSpec, Split, open_parts, open_sink};
use wrasse_job::{
    Begun, Books, Cancel, Job, Pipeline, Ready, RunResult, begin, budget, exchanges, list,
};
use wrasse_run::{Error, ExchangeKeys, FetchMode, RunSnapshot, execute};
use wrasse_sched::{Event, Place, Refusal, Scheduler, Settings};

use self::joining::{join, refuse_local};
use self::room::{resources, shares, target_bytes};
use self::staff::Staff;
use self::watching::Watcher;
use crate::actors::Actors;
use crate::asking::Asking;
use crate::backend::{Ray, State};
use crate::exchanging::{Exchanging, Tasks, is_about_deciding, pieces};
use crate::gates::Gates;
use crate::link::{Gateway, Heard, Link, Scratch};
use crate::needs::Ledger;
use crate::note::{Note, fetcher};
use crate::ordering::{Held, Orderer, Turn};
use crate::outputs::{streaming, streams};
use crate::parts::{Shelf, Workers, is_about_writing};
use crate::protocol::Cluster;
use crate::shares::Shares;
use crate::stream::{Read, Stream, Streamer, Wanted, read};
use crate::writing::Order;

/// How to come to a cluster, and how to use it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The Python that has Ray and Wrasse.
    pub python: PathBuf,
    /// The cluster to join; a local one is started for the run if none.
    pub address: Option<String>,
    /// Bytes of a local one's object stores; Ray decides if none.
    pub object_store: Option<u64>,
    /// Use so many processors of a cluster at the most.
    pub cpus_max: Option<usize>,
    /// The paths of the input are the same on every machine of the cluster.
    pub shared_paths: bool,
    /// Give workers the gateway's package `wrasse`, which they lack.
    pub ship: bool,
    /// Bytes of input in a task, and of its outputs.
    pub task_bytes: Option<u64>,
    /// Bytes of fingerprints that the driver holds before they move to actors of the
    /// cluster; chosen if none.
    pub gate_bytes: Option<u64>,
    /// Ask Ray for completions instead of being called back.
    pub polls: bool,
    /// When what tasks say of their outputs is looked through.
    pub metadata: FetchMode,
}

/// What the gateway writes besides, in the run directory.
const LOG: &str = "ray-gateway.log";

/// What objects whose rows are being written may hold besides, in percent.
const WRITING_PERCENT: u64 = 15;

/// Stores are at least so large, whatever a cluster says.
const STORE_BYTES_MIN: u64 = 64 << 20;

/// Runs a job to its end, or until it is cancelled. `observe` sees a snapshot
/// about ten times a second.
///
/// # Errors
///
/// If the cluster cannot be had, the run cannot begin as asked, or cannot go on.
/// What was committed can be resumed.
pub fn run(
    job: &Job,
    options: &Options,
    observe: &mut dyn FnMut(&RunSnapshot),
    cancel: &Cancel,
) -> Result<RunResult, Error> {
    let inputs = list(job)?;
    let pipeline = Pipeline::new(&job.plan, &job.pass, true);
    pipeline.check()?;
    let began = now();
    let log = log_path(job)?;
    // Dropped behind the link, which ends who uses it.
    let scratch = Scratch::new()?;
    let (notes, heard) = unbounded::<Note>();
    let hears = notes.clone();
    // Bounded by the tasks that the sink has under way.
    let (writes, written) = unbounded();
    let (decides, decided) = unbounded();
    let gateway = Gateway {
        python: options.python.clone(),
        log,
    };
    let link = Link::start(&gateway, move |heard| match heard {
        Some(heard) if is_about_deciding(&heard.0) => drop(decides.send(Some(heard))),
        Some(heard) if is_about_writing(&heard.0) => {
            drop(writes.send(Some(heard)));
        }
        Some(heard) => drop(hears.send(Note::Heard(Some(heard)))),
        None => {
            drop(writes.send(None));
            drop(decides.send(None));
            drop(hears.send(Note::Heard(None)));
        }
    })?;
    let link = Arc::new(link);
    let cluster = join(&link, job, (options, &scratch.path()), &heard, cancel)?;
    refuse_local(&inputs, &cluster, options)?;
    let mut ledger = Ledger::new(&pipeline, &job.plan)?;
    let shelf = Arc::new(Shelf::new(notes.clone()));
    let mut writes = cluster.machines <= 1 || options.shared_paths;
    let target = target_bytes(options, &cluster);
    let open = |(spec, at): (&SinkSpec, Option<&Value>), (inputs, splits): (&Inputs, &[Split])| {
        let streams = streams(&pipeline, (inputs, splits), target);
        let workers = Workers {
            link: Arc::clone(&link),
            shelf: Arc::clone(&shelf),
            heard: written,
            tasks_max: writers_max(&cluster),
            cpus: if streams { 0.0 } else { 1.0 },
        };
        let held_max = cluster.store_bytes().max(STORE_BYTES_MIN) / 100 * WRITING_PERCENT;
        writes &= !(streams && link.lends() && keeps_up(&cluster));
        let parts = open_parts(spec, at, (Box::new(workers), held_max), writes)?;
        writes = parts.is_some();
        parts.map_or_else(|| open_sink(spec, at), Ok::<Box<dyn Sink>, _>)
    };
    let ready = match begin(job, budget(job, ByteCount(0))?, inputs, open)? {
        Begun::Done(done) => return Ok(*done),
        Begun::Ready(ready) => *ready,
    };
    let cpus_max = options.cpus_max;
    ledger.admit(&pipeline, &cluster, &resources(&ledger, cpus_max, &cluster))?;
    let on_cluster = OnCluster {
        job,
        options,
        pipeline: &pipeline,
        ledger,
        link: &link,
        shelf: &shelf,
        writes,
        held: Held::default(),
        began,
    };
    on_cluster.run(ready, cluster, (notes, heard, decided), observe, cancel)
}

fn log_path(job: &Job) -> Result<PathBuf, Error> {
    std::fs::create_dir_all(&job.run_dir)
        .map_err(|error| Error::io(format!("cannot create {}", job.run_dir.display()), error))?;
    Ok(job.run_dir.join(LOG))
}

/// Processors whose rows the driver writes as fast as they come: a GB of input takes it a
/// ninth of what it takes the lightest recipe.
const KEEPS_UP_CPUS: i64 = 8;

/// Whether the driver, which is on a cluster's one node, can write all that is done there:
/// once, while workers that have no processor to write would write twice.
fn keeps_up(cluster: &Cluster) -> bool {
    cluster.nodes == 1 && !cluster.grows && cluster.millicpus() <= KEEPS_UP_CPUS * 1000
}

/// How many tasks write at once: half of those that work on samples.
fn writers_max(cluster: &Cluster) -> usize {
    (cluster.millicpus() / 2000).max(1) as usize
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long it takes is shown and bounded; no result depends on it"
)]
fn now() -> Instant {
    Instant::now()
}

/// Standard input that is being read.
struct Reading {
    split: u32,
    /// Blocks that were written before.
    skip: u32,
    rows: Receiver<Read>,
}

impl Reading {
    /// Its shares, behind those of the files before it.
    fn behind(&self, mut shares: Shares) -> Shares {
        shares.begin_stream(self.skip);
        shares
    }
}

fn refused(refusal: &Refusal) -> Error {
    let (what, limit, sum) = (refusal.resource.name(), refusal.limit, refusal.sum);
    Error::usage(format!(
        "the recipe needs {sum} of {what} at the least, and the cluster has {limit}"
    ))
}

/// One run on a cluster.
struct OnCluster<'a> {
    job: &'a Job,
    options: &'a Options,
    pipeline: &'a Pipeline,
    ledger: Ledger,
    link: &'a Link,
    shelf: &'a Shelf,
    /// Whether workers write the output.
    writes: bool,
    held: Held,
    began: Instant,
}

impl OnCluster<'_> {
    fn run(
        &self,
        ready: Ready,
        cluster: Cluster,
        (notes, heard, decided): (Sender<Note>, Receiver<Note>, Receiver<Option<Heard>>),
        observe: &mut dyn FnMut(&RunSnapshot),
        cancel: &Cancel,
    ) -> Result<RunResult, Error> {
        let (job, pipeline, link) = (self.job, self.pipeline, self.link);
        self.set_up(&ready, &cluster)?;
        let target = target_bytes(self.options, &cluster);
        let n_shards = self.n_shards(&cluster);
        let start = ready.start;
        let stream = self.stream(&ready)?;
        let shares = match &stream {
            None => shares(&ready.splits, target),
            Some(stream) => stream.behind(shares(&ready.splits[..stream.split as usize], target)),
        };
        let mut configs = pipeline.configs(|_| None, target);
        let cpus_max = self.options.cpus_max;
        let limits = self.limits(&cluster, cpus_max, target);
        let of = (&*ready.inputs, ready.splits.as_slice());
        let streaming = streaming(pipeline, &shares, of, target);
        self.ledger.charge(&mut configs, &limits, &streaming);
        // Its places are shares: of the input, or of the exchange that is read last.
        let from = Place {
            split: match pipeline.has_exchange() {
                true => Shares::first_behind(start.split + start.seq),
                false => shares.of(start.split),
            },
            seq: 0,
        };
        let mut scheduler = Scheduler::new(&configs, limits, from, Settings::default())
            .map_err(|refusal| refused(&refusal))?;
        // No channel can hold more than there are blocks in flight, which the
        // scheduler bounds; the bound changes as nodes come and go.
        let (orders, orders_in) = unbounded::<Order>();
        let (turns, turns_in) = unbounded::<Turn>();
        let bytes_resumed = ready.written.bytes_in;
        let books = Books::new(job, pipeline, ready.written.clone());
        let has_read_all = books.has_read_all;
        let first = Event::SplitsFound {
            op: 0,
            // None of a resumed run that had come to its limit. Of a stream, the next.
            n: match has_read_all {
                true => 0,
                false => shares.len() + u32::from(stream.is_some()),
            },
            last: has_read_all || stream.is_none(),
        };
        let (wanted, wanted_in) = unbounded::<Wanted>();
        let mut backend = Ray {
            ledger: &self.ledger,
            pipeline,
            inputs: &ready.inputs,
            splits: &ready.splits,
            stream: stream
                .as_ref()
                .map(|stream| Stream::new(stream.split, shares.len(), wanted)),
            shares,
            pieces: pieces(&ready.pass, n_shards),
            start,
            target,
            link,
            orders,
            turns,
            notes: heard,
            fetcher: fetcher(self.options.metadata, notes.clone())?,
            known: VecDeque::new(),
            state: State::default(),
            books,
            actors: Actors::default(),
            cluster: cluster.clone(),
        };
        if !has_read_all {
            backend.hire_ahead()?;
        }
        let mut watch = Watcher {
            on: self,
            inputs: &ready.inputs,
            observe,
            cancel,
            cluster,
            cpus_max,
            target,
            peak_bytes: 0,
            bytes_resumed,
            asking: Asking::default(),
            cancelled: None,
        };
        let gates = Gates::new(
            &ready.seen,
            pipeline.gate_names(ready.seen.n_gates()),
            (link, &self.held, &self.ledger),
            &watch.cluster,
            job.run_dir.clone(),
            (self.options.gate_bytes, job.memory),
        )?;
        let (exchanges, decision_bytes) = self.exchanges(&ready, n_shards);
        let ordering_notes = notes.clone();
        let orderer = Orderer {
            tasks: Tasks {
                pass: &ready.pass,
                link,
                notes: &ordering_notes,
                heard: &decided,
                held: &self.held,
                begun: 0,
            },
            gates,
            exchanges,
            decision_bytes,
            block_bytes: job.block_bytes.0,
            target,
            names: &pipeline.names,
            held: &self.held,
        };
        let staff = Staff {
            writer: ready.writer,
            kept: (self.shelf, &self.held),
            of: (&ready.pass, link),
            orders: orders_in,
            orderer,
            turns: turns_in,
            streamer: stream.map(|stream| Streamer {
                pass: &ready.pass,
                rows: stream.rows,
                target,
            }),
            wanted: wanted_in,
        };
        let ((executed, books), written) = staff.at_work(notes, || {
            let mut backend = backend;
            let executed = execute(&mut scheduler, &mut backend, &mut watch, &job.guard, first);
            self.held.is_over.store(true, Ordering::Relaxed);
            let is_complete = executed.is_ok() && backend.books.is_complete(cancel);
            (executed, backend.end(is_complete))
        })?;
        // If the gateway is gone, that is the cause of all else; if the writer
        // failed, of all but that.
        let (pace, written) = match (executed, written) {
            (Ok(pace), written) => (pace, written?),
            (Err(error), Ok(_)) => return Err(error),
            (Err(_), Err(error)) => return Err(error),
        };
        watch.end(&scheduler, &pace, &books);
        let mut result = watch.result(&books, written);
        if result.complete {
            // Nobody will ask what the gateway said.
            let _ = std::fs::remove_file(job.run_dir.join(LOG));
        }
        result.warnings = ready.warnings;
        result.resumed = ready.resumed;
        Ok(result)
    }

    /// The exchanges, and the bytes of memory that one may use to decide.
    fn exchanges(&self, ready: &Ready, n_shards: u32) -> (Vec<Option<Exchanging>>, usize) {
        let pieces = pieces(&ready.pass, n_shards);
        let (keys, bytes) = exchanges(self.job, &ready.exchange_dir, ExchangeKeys::new);
        let begin = ready.start.split + ready.start.seq;
        let last = self.job.plan.last_exchange();
        let exchange = |(stage, keys): (usize, Option<ExchangeKeys>)| {
            let begin = if Some(stage) == last { begin } else { 0 };
            Some(Exchanging::new(keys?, begin, pieces[stage]))
        };
        (keys.into_iter().enumerate().map(exchange).collect(), bytes)
    }

    /// Standard input, if it is not all written; begins to read it.
    fn stream(&self, ready: &Ready) -> Result<Option<Reading>, Error> {
        let mut streams = ready.splits.iter().filter(|s| s.is_stream(&ready.inputs));
        let (Some(split), more) = (streams.next(), streams.next()) else {
            return Ok(None);
        };
        if more.is_some() {
            return Err(Error::usage("standard input is named twice in the input"));
        }
        let start = match self.pipeline.has_exchange() {
            true => Place::default(),
            false => ready.start,
        };
        if split.index < start.split {
            return Ok(None);
        }
        let skip = match split.index == start.split {
            true => start.seq,
            false => 0,
        };
        let limits = ReadLimits {
            block_bytes: self.job.block_bytes.0 as usize,
            row_bytes_max: self.job.row_bytes_max.0 as usize,
        };
        Ok(Some(Reading {
            split: split.index,
            skip,
            rows: read(&ready.inputs, split, limits, skip)?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_writes_for_few_processors_on_one_node() {
        let cluster = |cpus: f64, nodes: usize, grows: bool| Cluster {
            resources: [("CPU".to_owned(), cpus)].into(),
            nodes,
            grows,
            ..Cluster::default()
        };
        assert!(keeps_up(&cluster(8.0, 1, false)));
        assert!(
            !keeps_up(&cluster(9.0, 1, false)),
            "there is too much for it"
        );
        assert!(!keeps_up(&cluster(2.0, 2, false)), "objects lie elsewhere");
        assert!(!keeps_up(&cluster(2.0, 1, true)), "and may lie there");
    }
}
