//! What a job does: a run, a program, a function, a job of Ray.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a job does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// A run of a recipe, in a process of its own.
    Run(RunWork),
    /// A program.
    Command(CommandWork),
    /// A function of the program that holds the scheduler.
    Function(FunctionWork),
    /// A job of a Ray cluster.
    RayJob(RayWork),
}

impl Work {
    /// The names of the kinds.
    pub const KINDS: [&str; 4] = ["run", "command", "function", "ray_job"];

    /// The name of the kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Run(_) => "run",
            Self::Command(_) => "command",
            Self::Function(_) => "function",
            Self::RayJob(_) => "ray_job",
        }
    }

    /// Whether an attempt that was interrupted is gone on with, instead of
    /// counted as a failure.
    pub(crate) fn is_resumable(&self) -> bool {
        match self {
            Self::Run(_) | Self::RayJob(_) => true,
            Self::Command(_) | Self::Function(_) => false,
        }
    }

    /// Whether it can rest once it runs: others do not let themselves be
    /// interrupted.
    pub(crate) fn can_rest(&self) -> bool {
        match self {
            Self::Run(_) | Self::Command(_) => true,
            // An attempt that was found again is the same one; but a cluster
            // knows no rest.
            Self::Function(_) | Self::RayJob(_) => false,
        }
    }

    /// Refuses work that makes no sense.
    ///
    /// # Errors
    ///
    /// What is wrong, and what was expected.
    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::Run(run) => run.check(),
            Self::Command(command) => command.check(),
            Self::Function(function) => function.check(),
            Self::RayJob(job) => job.check(),
        }
    }
}

/// What a run does with an unfinished one in the same place when it begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Existing {
    /// Go on with it.
    #[default]
    Resume,
    /// Discard it.
    Restart,
    /// Fail.
    Refuse,
}

/// A run of a recipe. Just one of `recipe` and `path` is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunWork {
    /// The recipe itself, YAML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipe: Option<String>,
    /// The file of the recipe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Changes to the recipe, `key=value`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    /// The folder from which the recipe's paths count; that of the service if
    /// not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<PathBuf>,
    /// Worker threads; one a processor if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// Limit on the memory of the process, such as `2GiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// What is done with an unfinished run in the same place.
    pub existing: Existing,
    /// Replace an output that no run of Wrasse wrote.
    pub overwrite: bool,
    /// Record every dropped sample.
    pub trace_dropped: bool,
    /// Fail if more samples are rejected: a number, or a share such as `0.5%`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rejects: Option<String>,
    /// Seconds after which an attempt is ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<f64>,
    /// A further place for the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<PathBuf>,
}

/// A program with its arguments. Just one of `argv` and `shell` is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CommandWork {
    /// The program and its arguments, as they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub argv: Vec<String>,
    /// A line for `/bin/sh -c`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shell: Option<String>,
    /// The folder it runs in; that of the service if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<PathBuf>,
    /// Variables to set, besides those of the service.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Seconds after which an attempt is ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<f64>,
    /// Seconds between SIGTERM and SIGKILL; that of the scheduler if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_s: Option<f64>,
    /// A further place for the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<PathBuf>,
}

/// A function that was registered under a name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FunctionWork {
    /// Its name.
    pub name: String,
    /// What it is called with.
    pub args: Value,
    /// Seconds after which an attempt is ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<f64>,
}

/// A job of a Ray cluster, through its Jobs API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RayWork {
    /// What the cluster runs: a line for its shell.
    pub entrypoint: String,
    /// The cluster's dashboard, such as `http://127.0.0.1:8265`; that of the
    /// scheduler if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Ray's description of what the job needs around it: `working_dir`, `pip`,
    /// `env_vars`. Places in it are places that the cluster can reach.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub runtime_env: Map<String, Value>,
    /// Kept with the job by the cluster.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Processors to reserve for the entry point; none if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_cpus: Option<f64>,
    /// GPUs to reserve for it; none if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_gpus: Option<f64>,
    /// Seconds without a new word in the log, or a new state, after which an
    /// attempt is ended as stalled; an hour if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stall_s: Option<f64>,
    /// Seconds after which an attempt is ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<f64>,
    /// A further place for the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<PathBuf>,
}

impl RunWork {
    fn check(&self) -> Result<(), String> {
        if self.recipe.is_some() == self.path.is_some() {
            return Err("a run has either `recipe` or `path`".to_owned());
        }
        no_zero([&self.path, &self.cwd, &self.log])?;
        if self.threads == Some(0) {
            return Err("`threads` is 0, expected a number from 1".to_owned());
        }
        seconds("timeout_s", self.timeout_s)
    }
}

impl CommandWork {
    fn check(&self) -> Result<(), String> {
        let program = self.argv.first();
        if program.is_some() == self.shell.is_some() {
            return Err("a command has either `argv` or `shell`".to_owned());
        }
        if program.is_some_and(String::is_empty) {
            return Err("the program in `argv` has no name".to_owned());
        }
        let texts = self.argv.iter().chain(&self.shell);
        let variables = self.env.iter().flat_map(|(name, value)| [name, value]);
        if texts.chain(variables).any(|text| text.contains('\0')) {
            return Err("a command cannot have zero bytes in it".to_owned());
        }
        if self
            .env
            .keys()
            .any(|name| name.is_empty() || name.contains('='))
        {
            return Err("a variable has a name, and no `=` in it".to_owned());
        }
        no_zero([&self.cwd, &self.log])?;
        seconds("timeout_s", self.timeout_s)?;
        seconds("grace_s", self.grace_s)
    }
}

impl FunctionWork {
    fn check(&self) -> Result<(), String> {
        if self.name.is_empty() {
            return Err("a function has a `name`".to_owned());
        }
        seconds("timeout_s", self.timeout_s)
    }
}

impl RayWork {
    fn check(&self) -> Result<(), String> {
        if self.entrypoint.trim().is_empty() {
            return Err("a job of Ray has an `entrypoint`".to_owned());
        }
        let texts = self
            .metadata
            .iter()
            .flat_map(|(name, value)| [name, value])
            .chain([&self.entrypoint])
            .chain(&self.address);
        if texts.into_iter().any(|text| text.contains('\0')) {
            return Err("a job of Ray cannot have zero bytes in it".to_owned());
        }
        for (name, amount) in [("num_cpus", self.num_cpus), ("num_gpus", self.num_gpus)] {
            if let Some(amount) = amount
                && !(0.0..=RESERVED_MAX).contains(&amount)
            {
                return Err(format!(
                    "`{name}` is {amount}, expected 0 to {RESERVED_MAX:e}"
                ));
            }
        }
        no_zero([&self.log])?;
        seconds("stall_s", self.stall_s)?;
        seconds("timeout_s", self.timeout_s)
    }
}

/// No node has more processors.
const RESERVED_MAX: f64 = 1e6;

/// Thirty years; more would overflow somewhere.
const SECONDS_MAX: f64 = 1e9;

fn no_zero<const N: usize>(paths: [&Option<PathBuf>; N]) -> Result<(), String> {
    let has_zero = |path: &PathBuf| path.as_os_str().as_encoded_bytes().contains(&0);
    match paths.into_iter().flatten().any(has_zero) {
        true => Err("a path cannot have zero bytes in it".to_owned()),
        false => Ok(()),
    }
}

fn seconds(name: &str, value: Option<f64>) -> Result<(), String> {
    match value {
        Some(s) if !(s > 0.0 && s <= SECONDS_MAX) => Err(format!(
            "`{name}` is {s}, expected seconds above 0 and up to {SECONDS_MAX:e}"
        )),
        _ => Ok(()),
    }
}
