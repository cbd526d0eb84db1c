//! [`Python`]: what all workers of a run share.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::guard::Guard;
use crate::interpreter::Interpreter;
use crate::log::WorkerLog;
use crate::package::lay_down_package;

/// How Python runs.
#[derive(Clone, Debug)]
pub struct PythonSettings {
    /// The program.
    pub interpreter: Interpreter,
    /// Where the worker's program is kept from run to run.
    pub cache: PathBuf,
    /// Folders in which modules are looked for first.
    pub paths: Vec<PathBuf>,
    /// Whether operators of other tools behave as there, defects included.
    pub strict: bool,
}

/// What all workers of a run share: the interpreter, the worker's program, the
/// log, the guard.
#[derive(Debug)]
pub struct Python {
    settings: PythonSettings,
    package: PathBuf,
    guard: Mutex<Option<Arc<Guard>>>,
    log: Mutex<Arc<WorkerLog>>,
    /// Set when workers have to end now, whatever they do.
    stopped: AtomicBool,
    /// Set when filters measure, and drop nothing.
    measures: AtomicBool,
}

impl Python {
    /// Lays the worker's program down. Nothing is started yet.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn new(settings: PythonSettings) -> std::io::Result<Self> {
        let package = lay_down_package(&settings.cache)?;
        Ok(Self {
            settings,
            package,
            guard: Mutex::new(None),
            log: Mutex::new(Arc::new(WorkerLog::default())),
            stopped: AtomicBool::new(false),
            measures: AtomicBool::new(false),
        })
    }

    /// Where what workers print goes from now on; nowhere before.
    pub fn log_to(&self, log: WorkerLog) {
        *self.log.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(log);
    }

    /// Ends all workers now, whatever they do.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Has the filters of workers that start from now on measure and drop nothing:
    /// what they would do is a value that comes with the sample, see
    /// [`wrasse_run::stats_columns::KEPT`].
    pub fn measure(&self) {
        self.measures.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    pub(crate) fn log(&self) -> Arc<WorkerLog> {
        Arc::clone(&self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The guard, started with the first worker.
    pub(crate) fn guard(&self) -> std::io::Result<Arc<Guard>> {
        let mut guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(guard) = guard.as_ref() {
            return Ok(Arc::clone(guard));
        }
        let started = Arc::new(Guard::start(self.guard_command())?);
        *guard = Some(Arc::clone(&started));
        Ok(started)
    }

    /// The program of the interpreter.
    pub(crate) fn program(&self) -> &Path {
        &self.settings.interpreter.program
    }

    pub(crate) fn interpreter(&self) -> &Interpreter {
        &self.settings.interpreter
    }

    /// How it was made.
    pub fn made_with(&self) -> &PythonSettings {
        &self.settings
    }

    /// What a worker is told of the recipe.
    pub(crate) fn settings(&self) -> Value {
        json!({
            "paths": self.settings.paths,
            "strict": self.settings.strict,
            "measures": self.measures.load(Ordering::Relaxed),
        })
    }

    /// Runs the guard, without the user's environment and packages.
    fn guard_command(&self) -> Command {
        let mut command = Command::new(self.program());
        command
            .args(["-I", "-S"])
            .arg(self.package.join("wrasse/worker/guard.py"));
        command
    }

    /// Runs the worker's program.
    pub(crate) fn command(&self) -> Command {
        self.module("wrasse.worker")
    }

    /// Runs a module of the package that is part of this program.
    pub fn module(&self, name: &str) -> Command {
        let mut command = Command::new(self.program());
        let mut path = self.package.clone().into_os_string();
        if let Some(known) = std::env::var_os("PYTHONPATH").filter(|known| !known.is_empty()) {
            path.push(":");
            path.push(known);
        }
        command
            .args(["-m", name])
            .env("PYTHONPATH", path)
            .env("PYTHONUNBUFFERED", "1")
            // Or the hash of a text, and the order of a set, would be another one
            // in each worker.
            .env("PYTHONHASHSEED", "0");
        command
    }
}
