//! [`begin`]: what comes before the first block of a run, with any backend.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use wrasse_io::{
    Format, Inputs, Sink, SinkSpec, Split, clear_staging, discover, output_format, splits,
};
use wrasse_plan::Budget;
use wrasse_pyhost::WorkerLog;
use wrasse_run::{
    Commit, Error, ErrorKind, Existing, Gates, Header, Pass, PassSettings, Resume, RunDir, Seen,
    Tally, Writer, WriterSettings,
};
use wrasse_sched::Place;

use crate::output::{done_before, may_replace_output, refuse_input_among_parts};
use crate::{Job, RunResult};

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
