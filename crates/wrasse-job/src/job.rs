//! [`Job`]: a run in full, and [`begin`]: what comes before its first block, with
//! any backend.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use wrasse_core::ByteCount;
use wrasse_io::{
    Conflict, Format, Inputs, Part, Sink, SinkSpec, SourceSpec, Split, clear_staging, discover,
    missing_export, output_format, splits,
};
use wrasse_plan::{Budget, Demand, End, Plan};
use wrasse_pyhost::{Python, WorkerLog};
use wrasse_run::{
    Commit, Done, Error, ErrorKind, Examples, Existing, Gates, Guard, Header, MaxRejects, Pass,
    PassSettings, Places, Resume, RunDir, Seen, Tally, Writer, WriterSettings,
};
use wrasse_sched::Place;

use crate::{Adjust, process};

/// A run in full: what to read, do and write, and how.
pub struct Job {
    /// The input.
    pub source: SourceSpec,
    /// The operators, in order.
    pub plan: Arc<Plan>,
    /// What runs the operators that are Python's.
    pub python: Option<Arc<Python>>,
    /// The output file, folder, address, or `-`.
    pub output: String,
    /// The output's format, if its name does not tell.
    pub format: Option<Format>,
    /// Cut the output into parts of about this size.
    pub part_bytes: Option<ByteCount>,
    /// The run directory.
    pub run_dir: PathBuf,
    /// Files of it that shall lie elsewhere.
    pub places: Places,
    /// What is written beside the text.
    pub pass: PassSettings,
    /// The recipe in canonical form: what decides the output's bytes.
    pub recipe: Value,
    /// Worker threads.
    pub threads: usize,
    /// Accelerators of this machine, for its worker processes.
    pub devices: Devices,
    /// Limit on the memory of the process and its worker processes.
    pub memory: Option<ByteCount>,
    /// Changes both while the run goes on.
    pub adjust: Adjust,
    /// Stop after this many rows of input.
    pub limit: Option<u64>,
    /// How many rejects fail the run.
    pub max_rejects: MaxRejects,
    /// What to do with an interrupted run in the same place.
    pub existing: Existing,
    /// Replace an output that no run of Wrasse wrote.
    pub overwrite: bool,
    /// The directory of an earlier run, whose documents count as seen.
    pub known_from: Option<PathBuf>,
    /// Keep a few examples of what each operator does.
    pub examples: bool,
    /// Bytes in a split.
    pub split_bytes: ByteCount,
    /// Bytes in a block.
    pub block_bytes: ByteCount,
    /// The longest row.
    pub row_bytes_max: ByteCount,
    /// Commit after this many bytes of output, besides every few seconds.
    pub commit_bytes: ByteCount,
    /// What is done when nothing moves.
    pub guard: Guard,
}

/// Accelerators that worker processes may have, as they name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// As `CUDA_VISIBLE_DEVICES` does.
    pub gpus: Vec<String>,
    /// As `ASCEND_RT_VISIBLE_DEVICES` does.
    pub npus: Vec<String>,
}

/// How a run went.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// The accounting, of resumed runs in total.
    pub tally: Tally,
    /// What operators did, shown on a few samples.
    pub examples: Examples,
    /// The output, if it is complete.
    pub parts: Vec<Part>,
    /// Columns that had to be widened.
    pub conflicts: Vec<Conflict>,
    /// Things a user should know.
    pub warnings: Vec<String>,
    /// Whether the output is complete; otherwise the run can be resumed.
    pub complete: bool,
    /// Whether the limit on rejects was passed.
    pub too_many_rejects: bool,
    /// Whether an earlier run had finished already and nothing was done.
    pub was_done: bool,
    /// Whether it went on from an earlier run.
    pub resumed: bool,
    /// Seconds.
    pub elapsed_s: f64,
    /// Processor seconds of the process during the run, if the system says.
    pub cpu_s: Option<f64>,
    /// The most resident memory that was seen, of the process and its worker
    /// processes, in bytes; 0 if unknown.
    pub peak_bytes: u64,
    /// Threads that were used.
    pub threads: usize,
}

/// Asks a run to end early, from any thread. It then can be resumed.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks the run to end.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the run was asked to end.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Memory that does not depend on the blocks: threads' stacks, buffers of the
/// sink and its compressor. Measured on the bundled example.
const FIXED_BYTES: u64 = 24 << 20;

/// A run that is about to begin, or was over before.
pub enum Begun {
    /// An earlier run had finished.
    Done(Box<RunResult>),
    /// What a backend needs.
    Ready(Box<Ready>),
}

/// What a backend needs to run a [`Job`].
pub struct Ready {
    /// How memory and threads are spent.
    pub budget: Budget,
    /// The input.
    pub inputs: Arc<Inputs>,
    /// The input's shares.
    pub splits: Vec<Split>,
    /// What runs.
    pub pass: Pass,
    /// The format of what is written.
    pub format: Format,
    /// The owner of sink and run directory.
    pub writer: Writer,
    /// What the gates have seen.
    pub seen: Seen,
    /// Where exchanges put what they have no memory for: see [`exchanges`].
    pub exchange_dir: PathBuf,
    /// Where it goes on.
    pub start: Place,
    /// What an earlier run has done and written.
    pub written: Tally,
    /// Things a user should know.
    pub warnings: Vec<String>,
    /// Whether it goes on from an earlier run.
    pub resumed: bool,
}

/// Takes the run directory, and opens the output where an earlier run stopped. The
/// budget was made and the input listed before. Rows go into the sink that `open` opens,
/// anew or at the position of a commit, for an input with these splits; unless it is
/// [`wrasse_io::open_sink`], the job's output must be `-` or a sink that writes the same.
///
/// # Errors
///
/// If the run cannot begin as asked.
pub fn begin(
    job: &Job,
    budget: Budget,
    inputs: Inputs,
    open: impl FnOnce(
        (&SinkSpec, Option<&Value>),
        (&Inputs, &[Split]),
    ) -> Result<Box<dyn Sink>, wrasse_io::Error>,
) -> Result<Begun, Error> {
    let mut replace = may_replace_output(job)?;
    let inputs = Arc::new(inputs);
    refuse_input_among_parts(job, &inputs)?;
    let warnings = inputs.warnings.clone();
    let splits = splits(&inputs, job.split_bytes)?;
    let header = header(job, &inputs);
    if job.format == Some(Format::Files) {
        // What was exported from another list is not this run's to replace.
        replace = RunDir::inputs_of(&job.run_dir).as_ref() == Some(&header.inputs);
    }
    let existing = if job.output == "-" {
        Existing::Restart
    } else {
        job.existing
    };
    let (dir, resume) = RunDir::open(&job.run_dir, job.places.clone(), &header, existing)?;
    let spec = SinkSpec {
        path: job.output.clone(),
        text_key: job.source.text_key.clone(),
        format: job.format,
        part_bytes: job.part_bytes,
        staging: dir.staging(),
        replace,
    };
    let commit = match resume {
        Resume::Done(done) => {
            // It may have been killed before it could clear up.
            let _ = clear_staging(&spec);
            let done = done_before(job, *done, budget.threads)?;
            return Ok(Begun::Done(Box::new(done)));
        }
        Resume::At(commit) => commit,
    };
    let at = commit.as_ref().map(|commit| &commit.sink);
    let mut sink = open((&spec, at), (&inputs, &splits)).map_err(unwritable)?;
    sink.set_threads(sink_threads(budget.threads));
    let format = output_format(&spec).map_err(unwritable)?;
    let n_operators = job.plan.operators().len();
    if let Some(python) = &job.python {
        let path = dir.path().join(WORKER_LOG);
        let log = WorkerLog::append_to(&path)
            .map_err(|error| Error::io(format!("cannot write {}", path.display()), error))?;
        python.log_to(log);
    }
    let pass = Pass::new(
        Arc::clone(&job.plan),
        Arc::clone(&inputs),
        sink.encoder(),
        PassSettings {
            examples_share: job.examples.then(|| examples_share(&inputs)),
            ..job.pass.clone()
        },
    );
    let settings = WriterSettings {
        commit_bytes: job.commit_bytes.0,
        max_rejects: job.max_rejects,
        ..WriterSettings::default()
    };
    let at = commit.as_deref();
    let exchange_dir = dir.path().to_owned();
    let gates = Gates {
        deduplicators: pass.deduplicators(),
        inputs: Arc::clone(&inputs),
    };
    let writer = Writer::new((sink, spec), Some(dir), at, n_operators, gates, settings)?;
    let mut seen = writer.seen();
    if let Some(known) = &job.known_from {
        seen.add(known)?;
    }
    Ok(Begun::Ready(Box::new(Ready {
        budget,
        inputs,
        splits,
        pass,
        format,
        writer,
        seen,
        exchange_dir,
        start: start(at),
        written: at.map_or_else(|| Tally::new(n_operators), |at| at.tally.clone()),
        warnings,
        resumed: commit.is_some(),
    })))
}

/// What worker processes print, in the run directory.
const WORKER_LOG: &str = "workers.log";

/// Examples of changes and duplicates are looked for in so many bytes of the
/// input, spread evenly: their texts are copied, which shall not be felt.
const WATCHED_BYTES: u64 = 8 << 20;

/// Which samples are watched, see [`PassSettings::examples_share`].
fn examples_share(inputs: &Inputs) -> f64 {
    let bytes: Option<u64> = inputs.files.iter().map(|file| file.bytes).sum();
    // Of a stream every 64th sample: it may be of any length.
    bytes.map_or(1.0 / 64.0, |bytes| {
        WATCHED_BYTES as f64 / bytes.max(1) as f64
    })
}

/// Where there is no limit, what exchanges keep in memory before they use the
/// disk, and what they may use to decide.
const EXCHANGE_BYTES: u64 = 512 << 20;

/// What `new` makes for each exchange, by the number of the stage before it, and
/// the bytes of memory that one may use to decide. `new` gets the operator, `dir`,
/// and the bytes of memory that samples or keys may lie in.
pub fn exchanges<S>(
    job: &Job,
    dir: &Path,
    new: impl Fn(usize, &Path, usize) -> S,
) -> (Vec<Option<S>>, usize) {
    let stages = job.plan.stages();
    let is_exchange = |end: End| matches!(end, End::Exchange(_));
    let n = stages.iter().filter(|stage| is_exchange(stage.end)).count();
    // A fourth of the memory to keep samples in, another to decide with.
    let bytes = job.memory.map_or(EXCHANGE_BYTES, |limit| limit.0 / 4);
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    let store = |end: End| match end {
        End::Exchange(op) => Some(new(op, dir, bytes / n)),
        _ => None,
    };
    let stores = stages.iter().map(|stage| store(stage.end));
    (stores.collect(), bytes)
}

/// Compression keeps up with the operators on a quarter of their threads.
fn sink_threads(workers: usize) -> NonZeroUsize {
    NonZeroUsize::new(workers.div_ceil(4)).unwrap_or(NonZeroUsize::MIN)
}

/// An output that cannot be written as asked: no failure of the system.
fn unwritable(error: wrasse_io::Error) -> Error {
    match error.source {
        Some(_) => error.into(),
        None => Error {
            kind: ErrorKind::Usage,
            ..error.into()
        },
    }
}

fn start(commit: Option<&Commit>) -> Place {
    let (split, seq) = commit.map_or((0, 0), |commit| commit.next);
    Place { split, seq }
}

/// An earlier run was complete: its output must still be there.
fn done_before(job: &Job, done: Done, threads: usize) -> Result<RunResult, Error> {
    let is_folder_of_files = job.format == Some(Format::Files);
    if is_folder_of_files
        && let Some(missing) = missing_export(&job.run_dir, Path::new(&job.output))?
    {
        return Err(Error::usage(format!(
            "the run in {} is complete, but {missing}",
            job.run_dir.display()
        ))
        .with_hint("pass --restart to make it anew"));
    }
    let is_local = job.output != "-" && !job.output.contains("://") && !is_folder_of_files;
    for part in done.parts.iter().filter(|_| is_local) {
        let bytes = std::fs::metadata(&part.path)
            .map(|metadata| metadata.len())
            .ok();
        if bytes != Some(part.bytes) {
            let is = bytes.map_or_else(|| "is gone".to_owned(), |n| format!("has {n} bytes"));
            return Err(Error::usage(format!(
                "the run in {} is complete, but {} {is}; it had {} bytes",
                job.run_dir.display(),
                part.path,
                part.bytes
            ))
            .with_hint("pass --restart to make it anew"));
        }
    }
    Ok(RunResult {
        too_many_rejects: job.max_rejects.is_exceeded(&done.tally),
        tally: done.tally,
        examples: done.examples,
        parts: done.parts,
        conflicts: Vec::new(),
        warnings: Vec::new(),
        complete: true,
        was_done: true,
        resumed: true,
        elapsed_s: 0.0,
        cpu_s: None,
        peak_bytes: 0,
        threads,
    })
}

/// How a job's memory and threads are spent, if its worker processes on this
/// machine need at least so much.
///
/// # Errors
///
/// If its limit is too small.
pub fn budget(job: &Job, processes: ByteCount) -> Result<Budget, Error> {
    let base = process::resident_bytes();
    spend(job, (job.threads, job.memory), base, processes)
}

/// How a job would spend this much, in a process that had `base_bytes` in
/// memory before it.
///
/// # Errors
///
/// If the memory is too little.
pub fn spend(
    job: &Job,
    (threads, memory): (usize, Option<ByteCount>),
    base_bytes: u64,
    processes: ByteCount,
) -> Result<Budget, Error> {
    Budget::new(&Demand {
        threads,
        memory,
        block_bytes: job.block_bytes,
        base: ByteCount(base_bytes + FIXED_BYTES),
        processes,
    })
    .map_err(|error| {
        // The program takes a little more or less each time it starts.
        const SLACK: u64 = 4 << 20;
        let mib = (error.least.0 + SLACK) >> 20;
        Error::usage(error.to_string()).with_hint(format!("pass --memory {mib}MiB or more"))
    })
}

/// The input, without what this run itself writes.
///
/// # Errors
///
/// If a named file is not there, or nothing is.
pub fn list(job: &Job) -> Result<Inputs, Error> {
    let mut source = job.source.clone();
    if job.output != "-" {
        source.exclude.push(job.output.clone());
    }
    source
        .exclude
        .push(job.run_dir.to_string_lossy().into_owned());
    discover(&source).map_err(|error| Error {
        kind: ErrorKind::Usage,
        ..error.into()
    })
}

fn header(job: &Job, inputs: &Inputs) -> Header {
    Header {
        recipe: match job.limit {
            None => job.recipe.clone(),
            // A limited run is another run.
            Some(limit) => serde_json::json!({ "recipe": job.recipe, "limit": limit }),
        },
        inputs: inputs
            .files
            .iter()
            .map(|file| (file.path.clone(), file.fingerprint.clone()))
            .collect(),
        split_bytes: job.split_bytes.0,
        block_bytes: job.block_bytes.0,
        trace_dropped: job.pass.trace_dropped,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// An output that a run of Wrasse wrote may be replaced by the next; anything
/// else only if the user says so.
fn may_replace_output(job: &Job) -> Result<bool, Error> {
    let path = Path::new(&job.output);
    let is_file = path.is_file();
    let is_full_folder =
        path.is_dir() && std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
    let ours = RunDir::is_done(&job.run_dir) || RunDir::is_interrupted(&job.run_dir);
    // Exported files find their place among those of others.
    let shares_folder = job.format == Some(Format::Files) && !is_file;
    if shares_folder {
        return Ok(ours);
    }
    if (is_file || is_full_folder) && !ours && !job.overwrite {
        return Err(Error::usage(format!(
            "the output {} exists and was not written by an earlier run",
            job.output
        ))
        .with_hint("pass --overwrite to replace it, or choose another export_path"));
    }
    Ok(ours || job.overwrite)
}

/// Parts of an earlier run are removed when a new one begins; an input that has
/// the name of a part would be lost with them.
fn refuse_input_among_parts(job: &Job, inputs: &Inputs) -> Result<(), Error> {
    if job.format == Some(Format::Files) {
        return Ok(());
    }
    let output = Path::new(&job.output);
    let is_folder = job.output.ends_with('/') || output.is_dir() || output.extension().is_none();
    let folder = match (is_folder, job.part_bytes, output.parent()) {
        (true, ..) => output,
        (false, Some(_), Some(parent)) if parent.as_os_str().is_empty() => Path::new("."),
        (false, Some(_), Some(parent)) => parent,
        _ => return Ok(()),
    };
    let Ok(folder) = folder.canonicalize() else {
        return Ok(());
    };
    let stem = output
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let stem = stem
        .as_deref()
        .and_then(|name| name.split('.').next())
        .unwrap_or_default();
    for file in &inputs.files {
        let Ok(path) = Path::new(&file.path).canonicalize() else {
            continue;
        };
        let name = path
            .file_name()
            .map_or_else(Default::default, |name| name.to_string_lossy());
        let is_part = is_folder || name.starts_with(&format!("{stem}-")) && name.contains("-of-");
        if path.parent() == Some(&folder) && is_part {
            return Err(Error::usage(format!(
                "the input {} lies among the parts of the output {}",
                file.path, job.output
            ))
            .with_hint("choose another export_path: the parts there would be replaced"));
        }
    }
    Ok(())
}

/// A pool of worker processes, before it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolView {
    /// What runs in it.
    pub name: String,
    /// Processes at the most.
    pub workers: u32,
    /// How many it would have without limits of memory and accelerators.
    pub wanted: u32,
    /// What each may take, if it says so.
    pub memory: Option<ByteCount>,
    /// Which accelerators each of them sees, if it has any.
    pub devices: Vec<String>,
}

/// How a run would begin.
#[derive(Clone, Debug)]
pub struct View {
    /// Input files.
    pub n_files: usize,
    /// Bytes of input, if known.
    pub bytes: Option<u64>,
    /// Splits.
    pub n_splits: usize,
    /// How memory would be spent.
    pub budget: Budget,
    /// Pools of worker processes.
    pub pools: Vec<PoolView>,
    /// Things a user should know.
    pub warnings: Vec<String>,
}

/// Looks at the input of a job with this budget and these pools, without running
/// anything.
///
/// # Errors
///
/// As for [`begin`], as far as it can be known before.
pub fn explain(job: &Job, budget: Budget, pools: Vec<PoolView>) -> Result<View, Error> {
    let inputs = list(job)?;
    Ok(View {
        n_files: inputs.files.len(),
        bytes: inputs.files.iter().map(|file| file.bytes).sum(),
        n_splits: splits(&inputs, job.split_bytes)?.len(),
        budget,
        pools,
        warnings: inputs.warnings,
    })
}
