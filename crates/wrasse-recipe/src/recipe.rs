//! [`Recipe`]: a recipe that has been checked.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use wrasse_core::ByteCount;
use wrasse_op::{OpSpec, Operator};

use crate::Place;

/// A recipe that has been checked: every step can run.
#[derive(Debug)]
pub struct Recipe {
    /// The name of the run (`project_name`).
    pub name: Option<String>,
    /// What to read.
    pub input: Input,
    /// What to write.
    pub output: Output,
    /// The fields that hold text (`text_keys`); the first is the default of
    /// every step's `text_key`. Never empty.
    pub text_keys: Vec<String>,
    /// What to do, in order. May be empty: then the input is only converted.
    pub steps: Vec<Step>,
    /// How to run it.
    pub settings: Settings,
    /// What more a task of DataMate says; `None` for any other recipe.
    pub task: Option<Task>,
}

/// What a task of DataMate (`process.yaml`) says beyond a recipe.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Task {
    /// The data set that exported files belong to.
    pub dataset_id: String,
    /// The task that results belong to.
    pub instance_id: String,
    /// Fields that every sample gets: the task's own, and its `kwargs`.
    pub fields: Map<String, Value>,
    /// The steps' names as they are written, in order.
    pub names: Vec<String>,
}

/// What a recipe reads.
#[derive(Clone, Debug)]
pub struct Input {
    /// At least one.
    pub entries: Vec<InputEntry>,
    /// The endings of the files to read in folders, each with its dot
    /// (`.jsonl`); empty for all that can be read.
    pub suffixes: Vec<String>,
    /// How many samples to read at most over all entries
    /// (`dataset.max_sample_num`).
    pub samples_max: Option<u64>,
}

/// One path that a recipe reads.
#[derive(Clone, Debug)]
pub struct InputEntry {
    /// A file, a folder, a glob, a URL or `-`; as written.
    pub path: String,
    /// The weight relative to the other entries; finite and not negative, and
    /// not 0 for all of them. `None` stands for 1. In Data-Juicer 1.6 weights
    /// say how the entries share [`Input::samples_max`], and nothing without it.
    pub weight: Option<f64>,
    /// The format, as written; `None` to go by the path.
    pub format: Option<String>,
    /// How many samples to read at most from it.
    pub limit: Option<u64>,
    /// Where the recipe names it.
    pub place: Place,
}

/// What a recipe writes.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// Where (`export_path`); `None` if the recipe does not say.
    pub path: Option<String>,
    /// Where the recipe says so.
    pub path_place: Option<Place>,
    /// The format (`export_type`), as written; `None` to go by the path.
    pub format: Option<String>,
    /// Where the recipe says so.
    pub format_place: Option<Place>,
    /// The size of one part (`export_shard_size`); `None` for one file.
    pub shard_bytes: Option<ByteCount>,
    /// Whether the result carries stats (`keep_stats_in_res_ds`).
    pub keep_stats: bool,
    /// Whether the result carries fingerprints (`keep_hashes_in_res_ds`).
    pub keep_hashes: bool,
}

/// How to run a recipe: what it says, before defaults and the command line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// How many threads (`threads` or `np`).
    pub threads: Option<usize>,
    /// How much memory.
    pub memory: Option<ByteCount>,
    /// Stop after this many input samples.
    pub limit: Option<u64>,
    /// The reject file.
    pub rejects: Option<String>,
    /// How many rejects are too many.
    pub max_rejects: Option<RejectLimit>,
    /// Whether to write down dropped samples.
    pub trace_dropped: Option<FileChoice>,
    /// Whether to write a report.
    pub report: Option<FileChoice>,
    /// The run directory.
    pub run_dir: Option<String>,
    /// The longest input sample.
    pub max_row_bytes: Option<ByteCount>,
    /// The size of a split.
    pub split_bytes: Option<ByteCount>,
}

/// How many rejected samples a run tolerates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RejectLimit {
    /// This many; one more fails the run.
    Count(u64),
    /// This share of the input, in percent from 0 to 100.
    Percent(f64),
}

/// Whether to write a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileChoice {
    /// Do not write it.
    No,
    /// Write it to its usual place.
    Usual,
    /// Write it there.
    Path(String),
}

/// One step of a recipe.
#[derive(Debug)]
pub struct Step {
    /// The description of its operator.
    pub spec: &'static OpSpec,
    /// Its parameters as the recipe gives them, typed: an object, empty for
    /// all defaults. Common parameters are among them.
    pub params: Value,
    /// The operator, ready to run.
    pub operator: Operator,
    /// Where the recipe names the operator.
    pub place: Place,
    /// Where it gives each parameter (the value's place).
    pub param_places: BTreeMap<String, Place>,
}

impl std::str::FromStr for RejectLimit {
    type Err = String;

    /// Reads `100` and `0.5%`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error =
            || format!("`{text}` is neither a number of samples nor a share such as `0.5%`");
        let text = text.trim();
        match text.strip_suffix('%') {
            None => text
                .replace('_', "")
                .parse()
                .map(Self::Count)
                .map_err(|_| error()),
            Some(share) => {
                let share: f64 = share.trim().parse().map_err(|_| error())?;
                if (0.0..=100.0).contains(&share) {
                    Ok(Self::Percent(share))
                } else {
                    Err(format!("`{text}` is not between 0% and 100%"))
                }
            }
        }
    }
}
