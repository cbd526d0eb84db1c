//! Rows from the engine to a Python worker and back, without reading and
//! writing files.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use crossbeam_channel::bounded;
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Map, Value, json};
use wrasse_core::{Origin, Sample, SharedStr};
use wrasse_op::{Outside, PoolParams};
use wrasse_pyhost::{Chain, Interpreter, Job, Listener, Python, PythonSettings, Seat, drive};
use wrasse_run::{FateEnd, Made, NewValue};

use crate::measure::cpu_seconds;

/// Bytes of rows in a job, as the engine makes blocks.
const JOB_BYTES: usize = 1 << 20;
/// How often all rows are sent, after once to warm up.
const ROUNDS: usize = 5;

/// Sends the samples of a file through `operator`, which is a reference such as
/// `ops.py:NoOp`. `python` is a program.
pub(crate) fn run(input: &Path, python: &Path, operator: &str) -> Result<Value> {
    let (jobs, bytes) = jobs(input)?;
    let n_jobs = jobs.len();
    let cache = tempfile::tempdir()?;
    let settings = PythonSettings {
        interpreter: Interpreter::choose(Some(python), None, |name| std::env::var_os(name)),
        cache: cache.path().to_owned(),
        paths: vec![PathBuf::from(".")],
        strict: false,
    };
    let (file, name) = operator.rsplit_once(':').context("no FILE:NAME")?;
    let file = std::fs::canonicalize(file)?;
    let outside = Outside {
        reference: format!("{}:{name}", file.display()),
        params: Map::new(),
        code: String::new(),
        pool: PoolParams::default(),
    };
    let operators = vec![(name.to_owned(), outside)];
    let python = Arc::new(Python::new(settings)?);
    let chain = Chain::new(&python, operators, "text", 1 << 30).context("no operator")?;
    let chain = Arc::new(chain);
    let (door, blocks) = bounded(2);
    let (tell, back) = bounded::<(Vec<Sample>, Made)>(4);
    let worker =
        std::thread::spawn(move || drive(&chain, &Seat::default(), &blocks, &mut Handover(tell)));
    let mut free = jobs;
    let mut rounds = Vec::new();
    let mut returned = 0;
    for _ in 0..=ROUNDS {
        let engine_before = cpu_seconds(&getrusage(UsageWho::RUSAGE_SELF)?);
        let (start, mut worker_ns) = (now(), 0);
        returned = 0;
        let mut waiting = std::mem::take(&mut free);
        for _ in 0..n_jobs.min(2) {
            send(&door, &mut waiting)?;
        }
        for _ in 0..n_jobs {
            let Ok((samples, made)) = back.recv() else {
                break;
            };
            send(&door, &mut waiting)?;
            returned += new_bytes(&made)?;
            worker_ns += made.counts.iter().map(|count| count.busy_ns).sum::<u64>();
            free.push(samples);
        }
        if free.len() < n_jobs {
            break;
        }
        let wall_s = start.elapsed().as_secs_f64();
        let engine_s = cpu_seconds(&getrusage(UsageWho::RUSAGE_SELF)?) - engine_before;
        rounds.push((wall_s, engine_s, worker_ns as f64 / 1e9));
    }
    drop(door);
    match worker.join() {
        Ok(Ok(())) => {}
        Ok(Err(message)) => bail!("{message}"),
        Err(_) => bail!("the thread of the worker has died"),
    }
    let children_s = cpu_seconds(&getrusage(UsageWho::RUSAGE_CHILDREN)?);
    let best = rounds.iter().skip(1).map(|(wall, ..)| *wall);
    let wall_s = best.fold(f64::INFINITY, f64::min);
    let engine = rounds.iter().skip(1).map(|(_, engine, _)| *engine);
    let engine_s = engine.fold(f64::INFINITY, f64::min);
    Ok(json!({
        "bytes_there": bytes,
        "bytes_back": returned,
        "wall_s": wall_s,
        "gb_per_s": (bytes + returned) as f64 / 1e9 / wall_s,
        "engine_cpu_s": engine_s,
        "worker_cpu_s": children_s / rounds.len().max(1) as f64,
    }))
}

/// The samples of a file as jobs, and the bytes of their fields.
fn jobs(input: &Path) -> Result<(Vec<Vec<Sample>>, usize)> {
    let mut jobs = Vec::new();
    let (mut job, mut job_bytes, mut bytes) = (Vec::new(), 0, 0);
    for line in BufReader::new(File::open(input)?).lines() {
        let line = line?;
        let mut sample = Sample::from_json(SharedStr::new(line), Origin::default())?;
        // The engine has texts decoded when an operator before needed them.
        let text_bytes = sample.text("text").map_or(0, |text| text.len());
        job_bytes += text_bytes;
        bytes += text_bytes;
        job.push(sample);
        if job_bytes >= JOB_BYTES {
            jobs.push(std::mem::take(&mut job));
            job_bytes = 0;
        }
    }
    if !job.is_empty() {
        jobs.push(job);
    }
    Ok((jobs, bytes))
}

/// Hands over the next job, if there is one.
fn send(door: &crossbeam_channel::Sender<Job<()>>, waiting: &mut Vec<Vec<Sample>>) -> Result<()> {
    if let Some(samples) = waiting.pop() {
        let job = Job { tag: (), samples };
        // It is gone if it has failed; its thread says why.
        drop(door.send(job));
    }
    Ok(())
}

/// Bytes of new texts; an error if a row did not come through.
fn new_bytes(made: &Made) -> Result<usize> {
    let mut bytes = 0;
    for fate in &made.fates {
        let FateEnd::On(changes) = &fate.end else {
            bail!("a row did not come back: {fate:?}");
        };
        let values = changes.fields.iter().map(|(_, value)| match value {
            NewValue::Text(text) => text.len(),
            NewValue::Json(json) => json.len(),
            NewValue::Removed => 0,
        });
        bytes += values.sum::<usize>();
    }
    Ok(bytes)
}

struct Handover(crossbeam_channel::Sender<(Vec<Sample>, Made)>);

impl Listener<()> for Handover {
    fn ready(&mut self) {}

    fn began(&mut self, (): &()) {}

    fn done(&mut self, (): (), samples: Vec<Sample>, made: Made) {
        drop(self.0.send((samples, made)));
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "measuring time is what this is for"
)]
fn now() -> Instant {
    Instant::now()
}
