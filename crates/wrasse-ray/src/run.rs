//! [`run`]: a job on a cluster.
//!
//! # Who does what
//!
//! ```text
//!   caller's thread    the executor with the scheduler and the books
//!   ordering thread    gates, and exchanges as long as they collect
//!   writer thread      owns the sink and the run directory
//!   link thread        hears the gateway
//!   gateway            a Python process: holds the objects, submits the tasks
//!   workers            processes of Ray: read and run operators; hold nothing
//! ```

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, unbounded};
use serde_json::Value;
use wrasse_core::ByteCount;
use wrasse_io::{Inputs, ReadLimits, Sink, SinkSpec, Split, open_parts, open_sink};
use wrasse_job::{
    Begun, Books, Cancel, Job, Observed, Pipeline, Ready, RunResult, begin, budget, list, process,
};
use wrasse_run::{
    Error, MemorySnapshot, Pace, RunSnapshot, Running, Tally, Watch, Written, execute,
};
use wrasse_sched::{
    Event, Limits, OpIdx, Phase, Place, Resource, Resources, Scheduler, Settings, Time,
};

use crate::actors::Actors;
use crate::asking::Asking;
use crate::backend::{Ray, State};
use crate::link::{Gateway, Link, Scratch};
use crate::needs::Ledger;
use crate::note::Note;
use crate::ordering::{Held, Orderer, Turn};
use crate::parts::{Shelf, Workers, is_about_writing};
use crate::protocol::{Cluster, Hear, Hello, Say, VERSION};
use crate::shares::Shares;
use crate::sources::{Sources, TooLarge};
use crate::stream::{Read, Stream, Streamer, Wanted, read};
use crate::wire::{OutsideStep, Setup, encode};
use crate::writing::{Order, write};

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
    /// Ask Ray for completions instead of being called back.
    pub polls: bool,
}

/// What the gateway writes besides, in the run directory.
const LOG: &str = "ray-gateway.log";

/// How long a cluster may take to start or to be joined.
const STARTS_WITHIN: Duration = Duration::from_secs(180);

/// Bytes of an output, where there is room: a task costs about a millisecond of
/// this process, and as many bytes take a second to work on.
const TARGET_BYTES: u64 = 64 << 20;
const TARGET_BYTES_MIN: u64 = 1 << 20;

/// What objects may hold of the object stores, in percent: the rest is for what
/// tasks put out beyond their estimate, and for copies on other nodes.
const STORE_PERCENT: u64 = 50;

/// What objects whose rows are being written may hold besides, in percent.
const WRITING_PERCENT: u64 = 15;

/// Stores are at least so large, whatever a cluster says.
const STORE_BYTES_MIN: u64 = 64 << 20;

/// Objects that wait for their turn, for each processor: so many tasks may be done
/// while an earlier one is not. Their bytes are bounded by those of the stores.
const WAITING_PER_CPU: usize = 32;

/// If a cluster does not say how large its stores are.
const STORE_BYTES: u64 = 1 << 30;

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
    let gateway = Gateway {
        python: options.python.clone(),
        log,
    };
    let link = Link::start(&gateway, move |heard| match heard {
        Some(heard) if is_about_writing(&heard.0) => drop(writes.send(Some(heard))),
        Some(heard) => drop(hears.send(Note::Heard(Some(heard)))),
        None => {
            drop(writes.send(None));
            drop(hears.send(Note::Heard(None)));
        }
    })?;
    let link = Arc::new(link);
    let cluster = join(&link, job, (options, &scratch.path()), &heard, cancel)?;
    refuse_local(&inputs, &cluster, options)?;
    let mut ledger = Ledger::new(&pipeline, &job.plan)?;
    let shelf = Arc::new(Shelf::new(notes.clone()));
    let mut writes = cluster.machines <= 1 || options.shared_paths;
    let open = |spec: &SinkSpec, at: Option<&Value>| {
        let workers = Workers {
            link: Arc::clone(&link),
            shelf: Arc::clone(&shelf),
            heard: written,
            tasks_max: writers_max(&cluster),
        };
        let held_max = cluster.store_bytes().max(STORE_BYTES_MIN) / 100 * WRITING_PERCENT;
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
    on_cluster.run(ready, cluster, (notes, heard), observe, cancel)
}

fn log_path(job: &Job) -> Result<PathBuf, Error> {
    std::fs::create_dir_all(&job.run_dir)
        .map_err(|error| Error::io(format!("cannot create {}", job.run_dir.display()), error))?;
    Ok(job.run_dir.join(LOG))
}

/// Greets the gateway, and waits for the cluster.
fn join(
    link: &Link,
    job: &Job,
    (options, scratch): (&Options, &str),
    heard: &Receiver<Note>,
    cancel: &Cancel,
) -> Result<Cluster, Error> {
    let hello = Say::Hello {
        version: VERSION,
        wrasse: env!("CARGO_PKG_VERSION"),
        options: Hello {
            address: options.address.as_deref(),
            cpus: job.threads,
            scratch,
            object_store: options.object_store,
            ship: options.ship,
            polls: options.polls,
        },
    };
    link.say(&[hello], &[])?;
    let deadline = now() + STARTS_WITHIN;
    while now() < deadline {
        if cancel.is_cancelled() {
            return Err(Error::failed("interrupted before the cluster was there"));
        }
        match heard.recv_timeout(Duration::from_millis(100)) {
            Ok(Note::Heard(Some((Hear::Ready { cluster, .. }, _)))) => return Ok(cluster),
            Ok(Note::Heard(Some((Hear::Fatal { message, hint }, _)))) => {
                let error = Error::usage(message);
                return Err(match hint {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                });
            }
            Ok(Note::Heard(None)) | Err(RecvTimeoutError::Disconnected) => return Err(link.gone()),
            _ => {}
        }
    }
    let s = STARTS_WITHIN.as_secs();
    Err(Error::failed(format!("Ray was not there after {s} s")))
}

/// How many tasks write at once. Each has Ray start a process beside those that work
/// on samples, which costs about a second of a processor.
fn writers_max(cluster: &Cluster) -> usize {
    (cluster.millicpus() / 2000).max(1) as usize
}

/// Files on a disk of this machine cannot be read on another one.
fn refuse_local(inputs: &Inputs, cluster: &Cluster, options: &Options) -> Result<(), Error> {
    match inputs.first_local() {
        Some(path) if cluster.machines > 1 && !options.shared_paths => Err(Error::usage(format!(
            "{path} lies on a disk of this machine, and the cluster has {} machines",
            cluster.machines
        ))
        .with_hint(
            "name an object store, or pass --ray-shared-paths if the path leads to the same file \
             on each of them",
        )),
        _ => Ok(()),
    }
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
        (notes, heard): (crossbeam_channel::Sender<Note>, Receiver<Note>),
        observe: &mut dyn FnMut(&RunSnapshot),
        cancel: &Cancel,
    ) -> Result<RunResult, Error> {
        let (job, pipeline, link) = (self.job, self.pipeline, self.link);
        self.set_up(&ready, &cluster)?;
        let target = self.target(&cluster);
        let start = ready.start;
        let stream = self.stream(&ready)?;
        let shares = match &stream {
            None => shares(&ready.splits, target),
            Some(stream) => {
                let mut before = shares(&ready.splits[..stream.split as usize], target);
                before.begin_stream(stream.skip);
                before
            }
        };
        // The scheduler's places are shares: of the input, or of the exchange
        // that is read last.
        let from = match pipeline.has_exchange() {
            true => exchange_shares(start.split, self.job.block_bytes.0, target),
            false => shares.of(start.split),
        };
        let mut configs = pipeline.configs(|_| None, target);
        let cpus_max = self.options.cpus_max;
        let limits = self.limits(&cluster, cpus_max, target);
        self.ledger.charge(&mut configs, &limits);
        let mut scheduler = Scheduler::new(
            &configs,
            limits,
            Place {
                split: from,
                seq: 0,
            },
            Settings::default(),
        )
        .map_err(|refusal| {
            Error::usage(format!(
                "the recipe needs {} of {} at the least, and the cluster has {}",
                refusal.sum,
                refusal.resource.name(),
                refusal.limit
            ))
        })?;
        // No channel can hold more than there are blocks in flight, which the
        // scheduler bounds; the bound changes as nodes come and go.
        let (orders, orders_in) = unbounded::<Order>();
        let (turns, turns_in) = unbounded::<Turn>();
        let written = ready.written;
        // What is before an exchange is done once more by a resumed run.
        let rows_done = match pipeline.has_exchange() {
            true => 0,
            false => written.rows_in,
        };
        let rows_left = job
            .limit
            .map_or(u64::MAX, |limit| limit.saturating_sub(rows_done));
        let has_read_all = rows_left == 0 && !pipeline.has_exchange();
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
            start,
            target,
            block_bytes: job.block_bytes.0,
            link,
            orders,
            turns,
            notes: heard,
            known: VecDeque::new(),
            state: State::default(),
            books: Books {
                in_flight: HashMap::new(),
                writing: HashMap::new(),
                absorbed: Tally::default(),
                written: written.clone(),
                rows_left,
                has_read_all,
                too_many_rejects: false,
            },
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
            bytes_resumed: written.bytes_in,
            asking: Asking::default(),
        };
        let mut orderer = Orderer {
            pass: &ready.pass,
            link,
            seen: ready.seen,
            exchanges: ready.exchanges,
            decision_bytes: ready.decision_bytes,
            block_bytes: job.block_bytes.0,
            names: &pipeline.names,
            held: &self.held,
        };
        let (writer, pass) = (ready.writer, &ready.pass);
        let (executed, books, written) = std::thread::scope(|scope| {
            let mut backend = backend;
            let writer_notes = notes.clone();
            let thread = |name: &str| std::thread::Builder::new().name(name.into());
            let fail = |error| Error::io("cannot start a thread", error);
            let writing = thread("wrasse-writer")
                .spawn_scoped(scope, move || {
                    let kept = (self.shelf, &self.held);
                    write(writer, (pass, link), kept, &orders_in, &writer_notes)
                })
                .map_err(fail)?;
            if let Some(stream) = stream {
                let notes = notes.clone();
                let rows = stream.rows;
                thread("wrasse-stream")
                    .spawn_scoped(scope, move || {
                        Streamer { pass, rows, target }.collect(&wanted_in, &notes);
                    })
                    .map_err(fail)?;
            }
            thread("wrasse-ordering")
                .spawn_scoped(scope, move || orderer.take_turns(&turns_in, &notes))
                .map_err(fail)?;
            let executed = execute(&mut scheduler, &mut backend, &mut watch, &job.guard, first);
            let is_complete = executed.is_ok() && backend.books.is_complete(cancel);
            let books = backend.end(is_complete);
            let written = writing
                .join()
                .unwrap_or_else(|_| Err(Error::failed("the writer panicked; this is a bug")));
            Ok::<_, Error>((executed, books, written))
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

    /// Tells the workers what the run is.
    fn set_up(&self, ready: &Ready, cluster: &Cluster) -> Result<(), Error> {
        let recipe = &self.job.recipe;
        let text_keys = recipe["text_keys"].as_array().into_iter().flatten();
        let setup = encode(&Setup {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: native_steps(self.job).to_string(),
            outside: outside_steps(self.job).map_err(Error::failed)?,
            sources: self.sources(cluster)?,
            python: self.job.python.as_ref().map(|python| {
                let settings = python.made_with();
                (settings.paths.clone(), settings.strict)
            }),
            text_keys: text_keys
                .filter_map(|key| key.as_str().map(str::to_owned))
                .collect(),
            text_key: self.job.source.text_key.clone(),
            inputs: ready.inputs.readable_anywhere()?,
            format: ready.format,
            settings: ready.pass.settings().into(),
            block_bytes: self.job.block_bytes.0,
            row_bytes_max: self.job.row_bytes_max.0,
            writes: self.writes,
        })
        .map_err(Error::failed)?;
        let bytes = setup.len();
        self.link.say(&[Say::Setup { bytes }], &[&setup])
    }

    /// What Python's operators are made of. They need not travel where all machines
    /// see the same.
    fn sources(&self, cluster: &Cluster) -> Result<Sources, Error> {
        let Some(python) = &self.job.python else {
            return Ok(Sources::default());
        };
        let operators = self.job.plan.operators().iter();
        let outside = operators.filter_map(|op| op.runs_outside());
        match Sources::of(outside, &python.made_with().paths) {
            Ok(sources) => Ok(sources),
            Err(_) if cluster.machines <= 1 || self.options.shared_paths => Ok(Sources::default()),
            Err(TooLarge(path)) => Err(Error::usage(format!(
                "the files of Python operators are too large to be sent to the nodes: {} is one",
                path.display()
            ))
            .with_hint(
                "put what is large elsewhere, or all on a disk that the machines share, and \
                 pass --ray-shared-paths",
            )),
        }
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

    fn store_bytes(cluster: &Cluster) -> u64 {
        let bytes = match cluster.store_bytes() {
            0 => STORE_BYTES,
            bytes => bytes,
        };
        bytes / 100 * STORE_PERCENT
    }

    /// Bytes of an output: four for each processor have to fit.
    fn target(&self, cluster: &Cluster) -> u64 {
        let cpus = (millicpus(self.options.cpus_max, cluster) / 1000) as u64;
        let room = Self::store_bytes(cluster) / (4 * cpus.max(1));
        let fitting = room.clamp(TARGET_BYTES_MIN, TARGET_BYTES);
        self.options
            .task_bytes
            .map_or(fitting, |bytes| bytes.max(1))
    }

    /// A limited run reads share by share, so that exactly the first rows count.
    fn limits(&self, cluster: &Cluster, cpus_max: Option<usize>, target: u64) -> Limits {
        let millicpus = millicpus(cpus_max, cluster);
        let in_flight = WAITING_PER_CPU * (millicpus / 1000) as usize + 1;
        let store = Self::store_bytes(cluster).max(3 * target);
        let resources = resources(&self.ledger, cpus_max, cluster);
        // A run that was told to use less still needs what actors hold.
        let least = self.ledger.cpus_least(cluster).min(cluster.millicpus());
        Limits {
            resources: resources
                .with(Resource::CPU, resources[Resource::CPU].max(least))
                .with(Resource::BLOCKS, store as i64),
            blocks_in_flight: match self.job.limit {
                Some(_) => 1,
                None => (in_flight * self.pipeline.n_running()) as u32,
            },
            for_tasks: self.ledger.for_tasks(cluster),
        }
    }
}

/// Processors that a run uses of a cluster, in thousandths.
fn millicpus(cpus_max: Option<usize>, cluster: &Cluster) -> i64 {
    let most = cpus_max.map(|cpus| cpus as i64 * 1000);
    let cpus = cluster.millicpus();
    most.map_or(cpus, |most| cpus.min(most)).max(1000)
}

/// What the books begin with, but for blocks.
fn resources(ledger: &Ledger, cpus_max: Option<usize>, cluster: &Cluster) -> Resources {
    let has = ledger.of_cluster(cluster);
    let cpus = millicpus(cpus_max, cluster);
    let cpus = match cluster.grows {
        true => has[Resource::CPU].max(cpus),
        false => cpus,
    };
    has.with(Resource::CPU, cpus)
}

fn shares(splits: &[Split], target: u64) -> Shares {
    Shares::new(splits.iter().map(|split| split.bytes), target)
}

/// The share of an exchange's output that a split is in: as the backend shares
/// it out when its length is known.
fn exchange_shares(split: u32, block_bytes: u64, target: u64) -> u32 {
    let all = (0..=split).map(|_| block_bytes);
    Shares::new(all, target).of(split)
}

/// Shows the run, follows the cluster's size, and ends the run when told to.
struct Watcher<'a> {
    on: &'a OnCluster<'a>,
    inputs: &'a Inputs,
    observe: &'a mut dyn FnMut(&RunSnapshot),
    cancel: &'a Cancel,
    cluster: Cluster,
    /// Processors of it that the run may use, as it is now.
    cpus_max: Option<usize>,
    target: u64,
    peak_bytes: u64,
    bytes_resumed: u64,
    asking: Asking,
}

impl Watch<Ray<'_>> for Watcher<'_> {
    fn look(&mut self, run: &Running<'_>, backend: &mut Ray<'_>) -> Result<Option<Event>, Error> {
        if self.cancel.is_cancelled() && run.scheduler.phase() == Phase::Running {
            return Ok(Some(Event::Cancel));
        }
        if run.is_tick {
            self.show(run, &backend.books);
            self.ask(run, backend)?;
        }
        let is_changed = self.adjust();
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
    fn adjust(&mut self) -> bool {
        let Some(change) = self.on.job.adjust.take() else {
            return false;
        };
        if change.memory.is_some() && change.memory != self.on.job.memory {
            let refused = "on Ray, --memory bounds what the driver holds, from beginning to end";
            self.on.job.adjust.done(Err(refused.to_owned()));
            return false;
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
                blocks_limit: OnCluster::store_bytes(&self.cluster),
                fingerprints: held.fingerprints.load(Ordering::Relaxed),
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
    fn end(&mut self, scheduler: &Scheduler, pace: &Pace, books: &Books) {
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

    fn result(&self, books: &Books, written: Written) -> RunResult {
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

/// The steps, in canonical form, that the workers' own operators do.
fn native_steps(job: &Job) -> Value {
    let steps = job.recipe["process"].as_array().into_iter().flatten();
    let operators = job.plan.operators().iter();
    let native = steps
        .zip(operators)
        .filter(|(_, op)| op.runs_outside().is_none());
    native.map(|(step, _)| step.clone()).collect()
}

/// The others, by their places.
fn outside_steps(job: &Job) -> Result<Vec<OutsideStep>, String> {
    let operators = job.plan.operators().iter().enumerate();
    operators
        .filter_map(|(at, op)| Some((at, op, op.runs_outside()?)))
        .map(|(at, op, outside)| OutsideStep::new(at, op, outside))
        .collect()
}
