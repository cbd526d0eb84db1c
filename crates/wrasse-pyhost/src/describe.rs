//! [`Describer`]: asks Python, before a run, what the operators of a recipe are.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use wrasse_op::{Answer, Asked, Described, OpKind, Outsiders, ParamError, PoolParams, Site};

use crate::python::Python;
use crate::wire::VERSION;

/// Asks Python what operators there are.
#[derive(Clone, Debug)]
pub struct Describer {
    /// The interpreter and its settings.
    pub python: Arc<Python>,
    /// The folders that paths in the recipe are relative to: the first in which
    /// there is such a thing.
    pub bases: Vec<PathBuf>,
    /// Folders in which operator folders are looked for by name.
    pub folders: Vec<PathBuf>,
    /// Files and packages that register operators with Data-Juicer.
    pub customs: Vec<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Reply {
    hello: u32,
    operators: Vec<One>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum One {
    Described {
        reference: String,
        kind: String,
        summary: String,
        params: Vec<Param>,
        #[serde(default)]
        runtime: Map<String, Value>,
        code: String,
    },
    Unknown {
        #[expect(dead_code, reason = "its presence is what is told")]
        unknown: bool,
        #[serde(default)]
        needs: Option<String>,
        #[serde(default)]
        refused: Option<String>,
    },
    Refused {
        refused: String,
        #[serde(default)]
        traceback: Option<String>,
        #[serde(default)]
        problems: Vec<String>,
    },
}

#[derive(Debug, Deserialize)]
struct Param {
    name: String,
}

impl Outsiders for Describer {
    fn ask(&self, _: &Site, steps: &[Asked]) -> Result<Vec<Answer>, ParamError> {
        let operators: Vec<Value> = steps
            .iter()
            .map(|step| json!({ "name": step.name, "params": step.params, "bases": self.bases }))
            .collect();
        let request = json!({
            "operators": operators,
            "folders": self.folders,
            "customs": self.customs,
            "settings": self.python.settings(),
        });
        let output = self.run(&request.to_string())?;
        let reply: Reply = serde_json::from_slice(&output.stdout).map_err(|_| {
            let printed = String::from_utf8_lossy(&output.stderr);
            let printed: Vec<&str> = printed.trim_end().lines().collect();
            let last = printed[printed.len().saturating_sub(10)..].join("\n");
            self.useless(&format!("it does not run the worker's program:\n{last}"))
        })?;
        if reply.hello != VERSION || reply.operators.len() != steps.len() {
            return Err(self.useless("it runs another version of the worker's program"));
        }
        Ok(reply.operators.into_iter().map(answer).collect())
    }
}

impl Describer {
    fn run(&self, request: &str) -> Result<Output, ParamError> {
        let cannot = |error: std::io::Error| self.useless(&error.to_string());
        let mut child = self
            .python
            .command()
            .arg("describe")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(cannot)?;
        if let Some(mut pipe) = child.stdin.take() {
            // One that ends early says why in what it prints.
            let _ = pipe.write_all(request.as_bytes());
        }
        child.wait_with_output().map_err(cannot)
    }

    fn useless(&self, why: &str) -> ParamError {
        let interpreter = self.python.interpreter();
        ParamError::contradiction(format!(
            "the Python at {} (named by {}) cannot be used: {why}",
            interpreter.program.display(),
            interpreter.named_by,
        ))
        .with_hint("name another one, of version 3.10 or later, with `--python`")
    }
}

fn answer(one: One) -> Answer {
    match one {
        One::Described {
            reference,
            kind,
            summary,
            params,
            runtime,
            code,
        } => Answer::Found(Described {
            reference,
            // An operator that asks a model is a mapper, too.
            kind: OpKind::from_name(&kind).unwrap_or(OpKind::Mapper),
            summary,
            params: params.into_iter().map(|param| param.name).collect(),
            code,
            pool: pool(&runtime),
        }),
        One::Unknown { needs, refused, .. } => Answer::Unknown(needs.map_or(refused, |package| {
            Some(format!(
                "if it is one of Data-Juicer, install that where the operators run: \
                 `pip install {package}`"
            ))
        })),
        One::Refused {
            refused,
            traceback,
            problems,
        } => Answer::Refused(match problems.is_empty() {
            true => vec![ParamError {
                hint: traceback.as_deref().and_then(raised_at),
                ..ParamError::contradiction(refused)
            }],
            false => problems.iter().map(|problem| of_param(problem)).collect(),
        }),
    }
}

/// The last place in a traceback: where the operator's own code went wrong.
fn raised_at(traceback: &str) -> Option<String> {
    let mut places = traceback.lines().map(str::trim).rev();
    let last = places.find(|line| line.starts_with("File \""))?;
    Some(format!("raised at {}", last.trim_start_matches("File ")))
}

/// A problem that names its parameter is shown at its place.
fn of_param(problem: &str) -> ParamError {
    let named = |rest: &str| {
        let (name, rest) = rest.strip_prefix('`')?.split_once('`')?;
        Some((name.to_owned(), rest.to_owned()))
    };
    if let Some((name, rest)) = named(problem)
        && let Some(message) = rest.strip_prefix(": ")
    {
        return ParamError::new(name, message);
    }
    const UNKNOWN: &str = "there is no parameter ";
    match problem.strip_prefix(UNKNOWN).and_then(named) {
        Some((name, rest)) => ParamError::new(name, format!("there is no such parameter{rest}")),
        None => ParamError::contradiction(problem),
    }
}

/// What an operator says itself about its workers.
fn pool(runtime: &Map<String, Value>) -> PoolParams {
    let mut pool = PoolParams::default();
    for (theirs, ours) in [
        ("cpu", "num_cpus"),
        ("gpu", "num_gpus"),
        ("npu", "num_npus"),
    ] {
        if let Some(value) = runtime.get(theirs) {
            // What makes no sense there is not the recipe's fault.
            let _ = pool.set(ours, value);
        }
    }
    pool
}
