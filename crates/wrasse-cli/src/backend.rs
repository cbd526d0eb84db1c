//! [`Engine`]: the backend that runs a job.

use std::path::{Path, PathBuf};

use wrasse_io::Sink;
use wrasse_job::{Cancel, Job, RunResult};
use wrasse_run::{Error, FetchMode, RunSnapshot};

use crate::args::{BackendArgs, BackendName, HowArgs};
use crate::failure::Failure;

/// What runs a job.
#[derive(Debug)]
pub(crate) enum Engine {
    /// Threads.
    Local,
    /// A cluster.
    Ray(Box<wrasse_ray::Options>),
}

impl Engine {
    /// The one that the arguments ask for.
    ///
    /// # Errors
    ///
    /// If they speak of a cluster and do not ask for one.
    pub(crate) fn new(args: &BackendArgs, how: &HowArgs) -> Result<Self, Failure> {
        if args.backend == BackendName::Local {
            let asks = [
                ("--ray-address", args.ray_address.is_some()),
                ("--ray-gate-bytes", args.ray_gate_bytes.is_some()),
                ("--ray-object-store", args.ray_object_store.is_some()),
                ("--ray-shared-paths", args.ray_shared_paths),
                ("--ray-ship", args.ray_ship),
                ("--ray-task-bytes", args.ray_task_bytes.is_some()),
                ("--ray-python", args.ray_python.is_some()),
                ("--ray-metadata", args.ray_metadata.is_some()),
            ];
            return match asks.iter().find(|(_, asked)| *asked) {
                Some((flag, _)) => Err(Failure::usage(format!("{flag} needs --backend ray"))),
                None => Ok(Self::Local),
            };
        }
        Ok(Self::Ray(Box::new(wrasse_ray::Options {
            python: args.ray_python.clone().unwrap_or_else(python),
            address: args.ray_address.clone(),
            object_store: args.ray_object_store.map(|size| size.0),
            cpus_max: how.threads,
            shared_paths: args.ray_shared_paths,
            ship: args.ray_ship,
            task_bytes: args.ray_task_bytes.map(|size| size.0),
            gate_bytes: args.ray_gate_bytes.map(|size| size.0),
            polls: args.ray_polling,
            metadata: args.ray_metadata.map(FetchMode::from).unwrap_or_default(),
        })))
    }

    /// Runs a job to its end, or until it is cancelled.
    ///
    /// `rows`, if given, gets the output, which then must be `-`.
    pub(crate) fn run(
        &self,
        job: &Job,
        rows: Option<Box<dyn Sink>>,
        observe: &mut dyn FnMut(&RunSnapshot),
        cancel: &Cancel,
    ) -> Result<RunResult, Error> {
        match self {
            Self::Local => wrasse_local::run_into(job, rows, observe, cancel),
            Self::Ray(_) if rows.is_some() => Err(Error::usage(
                "rows of a run on Ray cannot be had as they come",
            )
            .with_hint("write them, and read what was written")),
            Self::Ray(options) => wrasse_ray::run(job, options, observe, cancel),
        }
    }
}

/// The Python that belongs to this program, as far as can be told.
pub(crate) fn python() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(python) = variable("WRASSE_PYTHON") {
        return python.into();
    }
    let active = ["VIRTUAL_ENV", "CONDA_PREFIX"]
        .into_iter()
        .find_map(variable);
    if let Some(folder) = active {
        return Path::new(&folder).join("bin/python");
    }
    let program = std::env::current_exe().ok();
    let beside = program.and_then(|program| Some(program.parent()?.join("python3")));
    beside
        .filter(|python| python.exists())
        .unwrap_or_else(|| "python3".into())
}
