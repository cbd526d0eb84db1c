//! What a worker does: a part of the plan over splits that it reads, or over the
//! blocks of an object. Ray and Python are not known here.
//!
//! A task is a [`TaskRun`]: outputs are taken from it one by one, so that the
//! outputs of a slicer or of a packed file need not be held all at once. What is
//! put out depends on the task alone: it may run again when a node is lost.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use wrasse_core::Sample;
use wrasse_io::{
    Error as IoError, Inputs, PartTask, ReadLimits, Split, SplitReader, WrittenFile, encoder, open,
};
use wrasse_op::{Catalog, Rewrite};
use wrasse_plan::Plan;
use wrasse_pyhost::{Chain, Interpreter, Python, PythonSettings, Single};
use wrasse_recipe::{Severity, Source, check};
use wrasse_run::{BlockState, Made, Packed, Part, Pass, Ran, Work as Input, unpack};

use crate::sources::below;
use crate::wire::{Setup, Spec, Together, Verdict, Work, WriteSpec, decode, encode};

/// A run as a worker knows it.
pub struct WorkerJob {
    pub(crate) pass: Pass,
    inputs: Arc<Inputs>,
    limits: ReadLimits,
    /// Whether workers write the output.
    pub(crate) writes: bool,
    /// In how many shards keys are cut, where they are.
    pub(crate) n_shards: u32,
    /// What exchanges rewrite samples by, by their operators.
    pub(crate) rewrites: Mutex<HashMap<usize, Arc<dyn Rewrite>>>,
    /// What runs Python's operators, if there are such.
    python: Option<Arc<Python>>,
    /// Its worker for each stage that it runs, started with the first block.
    singles: Mutex<HashMap<usize, Single>>,
}

impl WorkerJob {
    /// Makes the plan of a run that the driver describes, of the operators of
    /// `catalog`, and of Python's, which the Python called `python` runs.
    ///
    /// # Errors
    ///
    /// If the driver is of another version, or has other operators.
    pub fn new(setup: &[u8], catalog: &Catalog, python: &Path) -> Result<Self, String> {
        // The version comes first, in a form that does not change.
        let (version, _): (String, _) =
            postcard::take_from_bytes(setup).map_err(|error| error.to_string())?;
        let mine = env!("CARGO_PKG_VERSION");
        if version != mine {
            return Err(format!(
                "the worker has Wrasse {mine}, and the run was started with {version}; \
                 install the same version on every node"
            ));
        }
        let setup: Setup = decode(setup)?;
        let cache = std::env::temp_dir().join("wrasse-cache");
        let sources = setup.sources.here(&cache).map_err(|error| {
            let cache = cache.display();
            format!("the run's Python operators cannot be written to {cache}: {error}")
        })?;
        let plan = Arc::new(plan(&setup, catalog, sources.as_deref())?);
        let python = match setup.python {
            Some((paths, strict)) if !setup.outside.is_empty() => {
                let settings = PythonSettings {
                    interpreter: Interpreter {
                        program: python.to_owned(),
                        named_by: "Ray",
                    },
                    cache,
                    paths: searched(paths, sources.as_deref()),
                    strict,
                };
                let python = Python::new(settings).map_err(|error| error.to_string())?;
                Some(Arc::new(python))
            }
            _ => None,
        };
        let inputs = Arc::new(setup.inputs);
        Ok(Self {
            python,
            writes: setup.writes,
            n_shards: setup.n_shards,
            rewrites: Mutex::new(HashMap::new()),
            singles: Mutex::new(HashMap::new()),
            pass: Pass::new(
                plan,
                Arc::clone(&inputs),
                encoder(setup.format, &setup.text_key),
                setup.settings.into(),
            ),
            limits: ReadLimits {
                block_bytes: setup.block_bytes as usize,
                row_bytes_max: setup.row_bytes_max as usize,
            },
            inputs,
        })
    }

    /// Constructs Python's operators of a stage, unless they are there.
    ///
    /// # Errors
    ///
    /// If they cannot be constructed.
    pub fn ready(&self, stage: usize) -> Result<(), String> {
        self.in_python(stage, Vec::new()).map(drop)
    }

    /// Has Python run a stage over a block.
    fn run_outside(&self, part: &Part, mut state: BlockState) -> Result<BlockState, String> {
        let (samples, made) = self.in_python(part.stage, state.take_samples())?;
        Ok(self.pass.settle(part, state, samples, made))
    }

    /// Has Python run a stage over samples; constructs its operators with the first.
    fn in_python(&self, stage: usize, samples: Vec<Sample>) -> Result<(Vec<Sample>, Made), String> {
        let mut singles = self.singles.lock().unwrap_or_else(PoisonError::into_inner);
        let single = match singles.entry(stage) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let python = self.python.as_ref().ok_or("a worker without Python")?;
                let plan = self.pass.plan();
                let stage = plan.stages().get(stage).ok_or("there is no such stage")?;
                let operators = &plan.operators()[stage.operators.clone()];
                let row_bytes_max = self.limits.row_bytes_max as u64;
                let chain = Chain::of(python, operators, row_bytes_max)
                    .ok_or("the stage does not run outside")?;
                place.insert(Single::new(&Arc::new(chain)))
            }
        };
        single.run(samples)
    }

    /// Writes a file of the output, or weighs pieces of keys; gives what the driver
    /// is told of it. `sources` are the objects that it is about.
    ///
    /// # Errors
    ///
    /// If the file cannot be written, or the pieces make no sense.
    pub fn write(&self, spec: &[u8], sources: &[&[u8]]) -> Result<Vec<u8>, String> {
        let WriteSpec { task, verdicts } = match decode(spec)? {
            Together::Write(spec) => *spec,
            Together::Weigh {
                op,
                firsts,
                n_samples,
                memory,
            } => return self.weigh(op, &firsts, (n_samples, memory), sources),
        };
        let written = write_rows(&self.pass, (&task, &verdicts), sources);
        encode(&written.map_err(|error| error.to_string())?)
    }

    /// Begins a task. `sources` are what it works on, if it does not read.
    ///
    /// # Errors
    ///
    /// If spec or sources cannot be understood.
    pub fn begin(self: &Arc<Self>, spec: &[u8], sources: &[&[u8]]) -> Result<TaskRun, String> {
        let spec: Spec = decode(spec)?;
        let room = match &spec.work {
            Work::Read { splits, .. } => splits.iter().map(|split| split.bytes as usize).sum(),
            _ => sources.iter().map(|source| source.len()).sum(),
        };
        let left = match spec.work {
            Work::Read {
                splits,
                skip,
                rows_max,
            } => Left::Splits {
                splits: splits.into(),
                reader: None,
                skip,
                rows_left: rows_max,
            },
            Work::Blocks {
                verdict,
                rows,
                poisoned_after,
            } => {
                let mut blocks = unpack(sources.first().ok_or("a task without its input")?)?;
                if let Some(verdict) = verdict {
                    verdict.settle(&self.pass, &mut blocks);
                }
                if let Some(rows) = rows {
                    cut(&mut blocks, rows.start as usize..rows.end as usize);
                }
                if poisoned_after > 0 {
                    for block in &mut blocks {
                        self.pass.poisoned(&spec.part, block, poisoned_after)?;
                    }
                }
                Left::blocks(blocks)
            }
            Work::Settle { op, skip, rulings } => {
                Left::blocks(self.settle(op, skip, rulings.as_deref(), sources)?)
            }
            Work::Pick { op, rulings, which } => {
                let picked = self.pick(op, &rulings, &which, sources)?;
                Left::Made(Some(Box::new(picked)))
            }
            Work::Runs { op, runs } => Left::blocks(self.put_together(op, &runs, sources)?),
        };
        Ok(TaskRun {
            job: Arc::clone(self),
            part: spec.part,
            output_bytes: spec.output_bytes.map_or(usize::MAX, |bytes| bytes as usize),
            room,
            skip: spec.skip_outputs,
            left,
            has_put_out: false,
        })
    }
}

/// Writes a file of the rows of objects, on which gates have decided so.
fn write_rows(
    pass: &Pass,
    (task, verdicts): (&PartTask, &[Option<Verdict>]),
    sources: &[&[u8]],
) -> Result<WrittenFile, IoError> {
    let failed = |error: String| IoError::new("", error);
    let mut objects = sources.iter().zip(verdicts);
    task.write(&mut |take| {
        let next = objects.next();
        let (object, verdict) = next.ok_or_else(|| failed("an object is missing".to_owned()))?;
        let mut first = 0;
        for block in Packed::new(object).map_err(failed)? {
            let mut block = block.map_err(failed)?;
            if let Some(verdict) = verdict {
                verdict.settle_next(pass, &mut block, &mut first);
            }
            block.take_encoded().map_or(Ok(()), &mut *take)?;
        }
        Ok(())
    })
}

/// The plan of the steps in `setup`, checked to be what the driver has.
/// The files of Python's operators are below `sources`, if it is given.
fn plan(setup: &Setup, catalog: &Catalog, sources: Option<&Path>) -> Result<Plan, String> {
    let process: Value = serde_json::from_str(&setup.process).map_err(|error| error.to_string())?;
    let text = serde_json::json!({
        "dataset_path": "-",
        "text_keys": setup.text_keys,
        "process": with_nulls(process.clone(), catalog),
    })
    .to_string();
    let source = Source::new("the run's recipe", text.as_bytes());
    let checked = check(&source, catalog);
    let recipe = checked.recipe.ok_or_else(|| {
        let errors = checked.diagnostics.iter();
        let mut errors = errors.filter(|one| one.severity == Severity::Error);
        let first = errors.next().map(|one| one.message.clone());
        format!(
            "the worker cannot make the run's operators: {}",
            first.unwrap_or_default()
        )
    })?;
    let rebuilt = recipe.canonical().json()["process"].clone();
    if rebuilt != process {
        return Err(
            "the worker's operators are not those of the run: parameters have other defaults; \
             install the same build of Wrasse on every node"
                .to_owned(),
        );
    }
    let mut operators = recipe.steps.into_iter().map(|step| step.operator).collect();
    for step in &setup.outside {
        step.insert_into(&mut operators, sources)?;
    }
    Ok(Plan::new(operators))
}

/// Where Python looks for modules: where those of the driver's machine were laid
/// down, and then under their own paths.
fn searched(paths: Vec<PathBuf>, sources: Option<&Path>) -> Vec<PathBuf> {
    let Some(folder) = sources else {
        return paths;
    };
    let laid = paths
        .iter()
        .map(|path| below(folder, &path.to_string_lossy()).into());
    laid.chain(paths.iter().cloned()).collect()
}

/// The steps with what the canonical form leaves out: parameters that are null
/// where that is not what they are by default.
fn with_nulls(mut process: Value, catalog: &Catalog) -> Value {
    let steps = process.as_array_mut().into_iter().flatten();
    for (name, params) in steps.filter_map(Value::as_object_mut).flatten() {
        let (Some(spec), Some(params)) = (catalog.find(name), params.as_object_mut()) else {
            continue;
        };
        let schema = spec.schema().to_value();
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let default = property.get("default").unwrap_or(&Value::Null);
            if !default.is_null() && !params.contains_key(name) {
                params.insert(name.clone(), Value::Null);
            }
        }
    }
    process
}

impl Verdict {
    /// Does to the blocks of its object what the gate has decided.
    pub(crate) fn settle(&self, pass: &Pass, blocks: &mut [BlockState]) {
        let mut first = 0;
        for block in blocks {
            self.settle_next(pass, block, &mut first);
        }
    }

    /// The same to one of them, whose first sample has this number; then it is the next one's.
    pub(crate) fn settle_next(&self, pass: &Pass, block: &mut BlockState, first: &mut usize) {
        let n = block.fingerprints().len();
        pass.let_pass(self.gate as usize, block, self.of(*first, n));
        *first += n;
    }
}

/// Keeps some of the samples. What was recorded with a block goes with its first
/// sample; with the one before it, if it has none.
fn cut(blocks: &mut Vec<BlockState>, rows: std::ops::Range<usize>) {
    let n: usize = blocks.iter().map(BlockState::n_samples).sum();
    let mut first = 0;
    blocks.retain_mut(|block| {
        let (start, end) = (first, first + block.n_samples());
        first = end;
        let begins_within =
            start >= rows.start && (start < rows.end || (start == n && rows.end >= n));
        let reaches_in = start < rows.start && end > rows.start;
        let from = rows.start.saturating_sub(start);
        if begins_within || reaches_in {
            block.cut(from..rows.end.saturating_sub(start).min(end - start));
        }
        begins_within || reaches_in
    });
}

/// What a task has not done yet.
enum Left {
    Splits {
        splits: VecDeque<Split>,
        reader: Option<Box<dyn SplitReader>>,
        /// Blocks of the first split to pass over.
        skip: u32,
        rows_left: u64,
    },
    Blocks(VecDeque<Box<BlockState>>),
    /// Nothing but to put this out.
    Made(Option<Box<Output>>),
}

impl Left {
    fn blocks(blocks: Vec<BlockState>) -> Self {
        Self::Blocks(blocks.into_iter().map(Box::new).collect())
    }
}

/// An output of a task.
pub struct Output {
    /// The packed blocks.
    pub object: Vec<u8>,
    /// What the driver is told.
    pub meta: Vec<u8>,
    /// Pieces of keys, or of samples, for others than who works on the blocks next.
    pub pieces: Vec<Vec<u8>>,
}

/// A task under way.
pub struct TaskRun {
    job: Arc<WorkerJob>,
    part: Part,
    output_bytes: usize,
    /// Bytes of what it works on: about those of what it puts out.
    room: usize,
    skip: u32,
    left: Left,
    has_put_out: bool,
}

impl TaskRun {
    /// The next output; none at the end. A task that finds nothing to do puts
    /// out an empty one.
    ///
    /// # Errors
    ///
    /// If the run cannot go on.
    pub fn next_output(&mut self) -> Result<Option<Output>, String> {
        if let Left::Made(made) = &mut self.left {
            return Ok(made.take().map(|made| *made));
        }
        loop {
            let room = self.room.min(self.output_bytes);
            let mut gathered = self.job.gathered(&self.part, room + room / 16);
            let mut bytes = 0;
            while bytes < self.output_bytes
                && let Some(block) = self.next_block(self.output_bytes.saturating_sub(bytes))?
            {
                bytes += block.memory_bytes();
                gathered.push(block)?;
            }
            if gathered.n == 0 && self.has_put_out {
                return Ok(None);
            }
            self.has_put_out = true;
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            return self.job.output(gathered).map(Some);
        }
    }

    fn next_block(&mut self, bytes_max: usize) -> Result<Option<BlockState>, String> {
        let pass = &self.job.pass;
        match &mut self.left {
            Left::Made(_) => Ok(None),
            Left::Blocks(blocks) => {
                let Some(block) = blocks.pop_front() else {
                    return Ok(None);
                };
                if pass.plan().stages()[self.part.stage].is_outside {
                    return self.job.run_outside(&self.part, *block).map(Some);
                }
                let Ran { state, rest } =
                    pass.run_part(&self.part, Input::State(block), bytes_max)?;
                if let Some((_, rest)) = rest {
                    blocks.push_front(rest);
                }
                Ok(Some(state))
            }
            Left::Splits {
                splits,
                reader,
                skip,
                rows_left,
            } => loop {
                let Some(split) = splits.front().filter(|_| *rows_left > 0) else {
                    return Ok(None);
                };
                if *skip > 0 {
                    let skip = std::mem::take(skip);
                    *reader = Some(resumed(&self.job.inputs, split, self.job.limits, skip)?);
                }
                let (rows, took_ns) = timed(|| {
                    let reader = match reader {
                        Some(reader) => reader,
                        None => reader.insert(open(&self.job.inputs, split, self.job.limits)?),
                    };
                    reader.next_block()
                });
                let mut state = match rows {
                    Ok(Some(rows)) => {
                        let work = Input::Rows(rows, *rows_left);
                        // A block as read is done whole.
                        pass.run_part(&self.part, work, usize::MAX)?.state
                    }
                    Ok(None) => {
                        *reader = None;
                        splits.pop_front();
                        continue;
                    }
                    Err(error) => {
                        *reader = None;
                        splits.pop_front();
                        let mut state = pass.empty();
                        state.damaged(&error);
                        state
                    }
                };
                *rows_left -= state.tally.rows_in;
                state.tally.read_ns += took_ns;
                return Ok(Some(state));
            },
        }
    }
}

/// Passes over the blocks that a resumed run has written. They were read once,
/// so that a failure here is no damage to be recorded and passed by.
pub(crate) fn resumed(
    inputs: &Arc<Inputs>,
    split: &Split,
    limits: ReadLimits,
    skip: u32,
) -> Result<Box<dyn SplitReader>, String> {
    let skipped = || {
        let mut reader = open(inputs, split, limits)?;
        for _ in 0..skip {
            reader.next_block()?;
        }
        Ok(reader)
    };
    skipped().map_err(|error: wrasse_io::Error| {
        format!("the input cannot be read again up to where the run stopped: {error}")
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "measures where the time goes; no result depends on it"
)]
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let start = std::time::Instant::now();
    let result = work();
    (result, start.elapsed().as_nanos() as u64)
}
