//! [`Outside`]: an operator that another program runs; [`Outsiders`]: who knows
//! such operators.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use wrasse_core::ByteCount;

use crate::{OpKind, ParamError};

/// What a filter that another program runs is measured by: whether it keeps the
/// sample.
pub const KEPT: &str = "kept";

/// An operator that another program runs: to the engine a name, parameters and
/// what its workers need.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outside {
    /// Where the program finds it; paths are whole.
    pub reference: String,
    /// Its parameters, without those of [`PoolParams`].
    pub params: Map<String, Value>,
    /// A digest of its code, if there is one: with other code it is another run.
    pub code: String,
    /// Its workers.
    pub pool: PoolParams,
}

/// What the workers of an operator need, and what they get at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolParams {
    /// The most workers (`num_proc`); as many as threads if none.
    pub workers: Option<u32>,
    /// Processors of each worker (`num_cpus`).
    pub cpus: f64,
    /// Accelerators of each worker (`num_gpus`): whole ones, or a share of one.
    pub gpus: f64,
    /// Accelerators of Ascend's of each worker (`num_npus`), likewise.
    pub npus: f64,
    /// Memory that a worker may take (`mem_required`).
    pub memory: Option<ByteCount>,
    /// Other things of a cluster that each worker takes, by its names for them
    /// (`resources`).
    pub resources: BTreeMap<String, f64>,
    /// Rows in a batch at the most (`batch_size`).
    pub batch_rows: usize,
    /// Bytes of rows in a batch, about (`batch_bytes`).
    pub batch_bytes: ByteCount,
    /// The longest time without a sign of life (`timeout_s`): of an operator
    /// that takes rows one by one for a row, otherwise for a batch.
    pub timeout: Duration,
}

impl Default for PoolParams {
    fn default() -> Self {
        Self {
            workers: None,
            cpus: 1.0,
            gpus: 0.0,
            npus: 0.0,
            memory: None,
            resources: BTreeMap::new(),
            batch_rows: usize::MAX,
            batch_bytes: ByteCount(1 << 20),
            timeout: Duration::from_secs(300),
        }
    }
}

/// A parameter of every operator that another program runs.
#[derive(Clone, Copy, Debug)]
pub struct PoolParam {
    /// Its name in recipes, and other names.
    pub names: &'static [&'static str],
    /// One sentence for the reference page.
    pub about: &'static str,
    set: fn(&mut PoolParams, &Value) -> Result<(), &'static str>,
}

/// Every parameter of [`PoolParams`], by the names that recipes use.
pub const POOL_PARAMS: &[PoolParam] = &[
    PoolParam {
        names: &["num_proc"],
        about: "The most worker processes. Default: as many as threads.",
        set: |pool, value| {
            let workers = value.as_u64().and_then(|n| u32::try_from(n).ok());
            pool.workers = Some(workers.filter(|n| *n > 0).ok_or("a number from 1")?);
            Ok(())
        },
    },
    PoolParam {
        names: &["num_cpus", "cpu_required"],
        about: "Processors of each worker. Default: 1.",
        set: |pool, value| number(value).map(|cpus| pool.cpus = cpus),
    },
    PoolParam {
        names: &["num_gpus", "gpu_required"],
        about: "Accelerators (CUDA) of each worker: a whole number, or a share of one below 1. A worker sees its own and no others. Default: 0, and it sees all.",
        set: |pool, value| devices(value).map(|gpus| pool.gpus = gpus),
    },
    PoolParam {
        names: &["num_npus", "npu_required"],
        about: "Accelerators (Ascend) of each worker, likewise. Default: 0.",
        set: |pool, value| devices(value).map(|npus| pool.npus = npus),
    },
    PoolParam {
        names: &["mem_required", "memory"],
        about: "Memory that a worker may take, such as `2GiB`; a bare number is in GiB, as in Data-Juicer. A worker that takes more is ended, and the sample that it was at is tried once more alone. Default: no limit.",
        set: |pool, value| {
            let bytes = match value {
                Value::Number(gib) => gib
                    .as_f64()
                    .map(|gib| ByteCount((gib * f64::from(1 << 30)) as u64)),
                Value::String(text) => text.parse().ok(),
                _ => None,
            };
            pool.memory = Some(
                bytes
                    .filter(|bytes| bytes.0 > 0)
                    .ok_or("a size such as `2GiB`")?,
            );
            Ok(())
        },
    },
    PoolParam {
        names: &["resources"],
        about: "Other things that each worker takes of a Ray cluster, by the cluster's names for them, such as `{TPU: 4}`; on threads they mean nothing. Default: none.",
        set: |pool, value| {
            let expected = "amounts by name, such as `{TPU: 4}`";
            for (name, amount) in value.as_object().ok_or(expected)? {
                let amount = number(amount).map_err(|_| expected)?;
                if amount > 0.0 {
                    pool.resources.insert(name.clone(), amount);
                }
            }
            Ok(())
        },
    },
    PoolParam {
        names: &["batch_size"],
        about: "Rows that an operator gets at a time, at the most. A batch ends where its block ends (about half a MiB of rows), so that the same rows make the same batches in every run: the last one of a block is smaller. Default: what fits into `batch_bytes`.",
        set: |pool, value| {
            let rows = value.as_u64().and_then(|n| usize::try_from(n).ok());
            pool.batch_rows = rows.filter(|n| *n > 0).ok_or("a number from 1")?;
            Ok(())
        },
    },
    PoolParam {
        names: &["batch_bytes"],
        about: "Bytes of rows that it gets at a time, about. Default: `1MiB`; never more than a block.",
        set: |pool, value| {
            let bytes = match value {
                Value::Number(bytes) => bytes.as_u64().map(ByteCount),
                Value::String(text) => text.parse().ok(),
                _ => None,
            };
            pool.batch_bytes = bytes
                .filter(|bytes| bytes.0 > 0)
                .ok_or("a size such as `1MiB`")?;
            Ok(())
        },
    },
    PoolParam {
        names: &["timeout_s"],
        about: "Seconds without a sign of life after which a worker is ended: for one row, or for one batch of an operator that takes batches. Default: 300.",
        set: |pool, value| {
            let seconds = number(value)?;
            pool.timeout = Duration::try_from_secs_f64(seconds)
                .ok()
                .filter(|timeout| !timeout.is_zero())
                .ok_or("a number of seconds above 0")?;
            Ok(())
        },
    },
];

fn devices(value: &Value) -> Result<f64, &'static str> {
    let n = number(value)?;
    match n < 1.0 || n.fract() == 0.0 {
        true => Ok(n),
        false => Err("a whole number, or a share below 1"),
    }
}

fn number(value: &Value) -> Result<f64, &'static str> {
    let number = value.as_f64().filter(|n| n.is_finite() && *n >= 0.0);
    number.ok_or("a number from 0")
}

impl PoolParams {
    /// Sets what the parameter called `name` says; `None` if it is none of these.
    ///
    /// # Errors
    ///
    /// If the value is none that the parameter can have.
    pub fn set(&mut self, name: &str, value: &Value) -> Option<Result<(), ParamError>> {
        let param = POOL_PARAMS
            .iter()
            .find(|param| param.names.contains(&name))?;
        if value.is_null() {
            return Some(Ok(()));
        }
        Some((param.set)(self, value).map_err(|expected| {
            ParamError::new(name, format!("expected {expected}, found `{value}`"))
        }))
    }
}

/// A step whose operator is not in the catalog.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// What the recipe calls it.
    pub name: String,
    /// Its parameters, without those of its workers.
    pub params: Map<String, Value>,
}

/// What somebody says of a step that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It leads to no operator that is known; what could be done about that.
    Unknown(Option<String>),
    /// It leads to one that cannot be used, or not with these parameters: each
    /// with what is wrong.
    Refused(Vec<ParamError>),
    /// It leads to an operator.
    Found(Described),
}

/// An operator that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// See [`Outside::reference`].
    pub reference: String,
    /// Its shape.
    pub kind: OpKind,
    /// One sentence.
    pub summary: String,
    /// The names of its parameters, if they are known.
    pub params: Vec<String>,
    /// See [`Outside::code`].
    pub code: String,
    /// What it says itself about its workers; a recipe wins.
    pub pool: PoolParams,
}

/// What a recipe says about operators that other programs run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// The Python to use (`python`).
    pub python: Option<String>,
    /// Folders in which operators are looked for by name (`operator_dirs`).
    pub folders: Vec<String>,
    /// Files and packages that register operators of Data-Juicer's
    /// (`custom_operator_paths`).
    pub customs: Vec<String>,
}

/// Who knows operators that are not in the catalog.
pub trait Outsiders {
    /// An answer for each step, in their order.
    ///
    /// # Errors
    ///
    /// If nobody can be asked: the message says what is missing.
    fn ask(&self, site: &Site, steps: &[Asked]) -> Result<Vec<Answer>, ParamError>;
}

/// Nobody: there are no operators but those of the catalog.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Outsiders for Nobody {
    fn ask(&self, _: &Site, steps: &[Asked]) -> Result<Vec<Answer>, ParamError> {
        Ok(vec![Answer::Unknown(None); steps.len()])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_workers_need_is_read_and_checked() {
        let mut pool = PoolParams::default();
        let mut set = |name: &str, value: Value| pool.set(name, &value).map(|set| set.is_ok());
        assert_eq!(set("num_proc", json!(3)), Some(true));
        assert_eq!(set("mem_required", json!(2)), Some(true));
        assert_eq!(set("timeout_s", json!(0.5)), Some(true));
        assert_eq!(set("num_proc", json!(0)), Some(false));
        assert_eq!(set("batch_bytes", json!("a lot")), Some(false));
        assert_eq!(set("pattern", json!("x")), None);
        assert_eq!(pool.workers, Some(3));
        assert_eq!(pool.memory, Some(ByteCount(2 << 30)));
        assert_eq!(pool.timeout, Duration::from_millis(500));
    }
}
