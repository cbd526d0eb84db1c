//! What workers of Ray call, by `python/wrasse/ray/worker.py`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use wrasse_ray::{Output, Shard, TaskRun, WorkerJob};

/// Metadata, object, and pieces.
type Put<'py> = (
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
    Vec<Bound<'py, PyBytes>>,
);

/// A run, as a worker knows it.
#[pyclass(frozen, module = "wrasse._engine")]
pub(crate) struct RayJob(Arc<WorkerJob>);

#[pymethods]
impl RayJob {
    /// Makes the plan of the run that `setup` describes; `python` runs its Python
    /// operators.
    #[new]
    fn new(py: Python<'_>, setup: &[u8], python: PathBuf) -> PyResult<Self> {
        let catalog = wrasse_ops::catalog();
        let job = py.detach(|| guarded(|| WorkerJob::new(setup, &catalog, &python)))?;
        Ok(Self(Arc::new(job)))
    }

    /// Constructs Python's operators of a stage, unless they are there.
    fn ready(&self, py: Python<'_>, stage: usize) -> PyResult<()> {
        py.detach(|| guarded(|| self.0.ready(stage)))
    }

    /// Does something with all of `sources`: writes a file of the output, or weighs
    /// pieces of keys; what became of it.
    fn write<'py>(
        &self,
        py: Python<'py>,
        spec: &[u8],
        sources: Vec<PyBuffer<u8>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let mut object = |at: usize| {
            let source = sources.get(at).ok_or("an object is missing")?;
            Python::attach(|py| source.to_vec(py)).map_err(|error| error.to_string())
        };
        let meta = py.detach(|| guarded(|| self.0.write(spec, &mut object)))?;
        Ok(PyBytes::new(py, &meta))
    }

    /// Begins a task; `sources` are what it works on, if it does not read.
    fn begin(&self, py: Python<'_>, spec: &[u8], sources: Vec<PyBuffer<u8>>) -> PyResult<RayTask> {
        let sources = sources.iter().map(|buffer| buffer.to_vec(py));
        let sources = sources.collect::<PyResult<Vec<Vec<u8>>>>()?;
        let task = py.detach(|| guarded(|| self.0.begin(spec, &sources)))?;
        Ok(RayTask(Mutex::new(task)))
    }
}

/// A task under way.
#[pyclass(frozen, module = "wrasse._engine")]
pub(crate) struct RayTask(Mutex<TaskRun>);

#[pymethods]
impl RayTask {
    /// Metadata, object and pieces of the next output; `None` at the end.
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Option<Put<'py>>> {
        let output = py.detach(|| {
            let mut task = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            guarded(|| task.next_output())
        })?;
        let put = |output: Output| {
            let bytes = |bytes: &Vec<u8>| PyBytes::new(py, bytes);
            let pieces = output.pieces.iter().map(bytes).collect();
            (bytes(&output.meta), bytes(&output.object), pieces)
        };
        Ok(output.map(put))
    }
}

/// A range of a gate's fingerprints.
#[pyclass(frozen, module = "wrasse._engine")]
pub(crate) struct RayShard(Mutex<Shard>);

#[pymethods]
impl RayShard {
    /// One that knows nothing yet, of a driver of this version.
    #[new]
    fn new(version: &str) -> PyResult<Self> {
        let shard = Shard::new(version).map_err(PyRuntimeError::new_err)?;
        Ok(Self(Mutex::new(shard)))
    }

    /// Answers a question of the driver's.
    fn ask<'py>(&self, py: Python<'py>, question: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let answer = py.detach(|| {
            let mut shard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            guarded(|| shard.ask(question))
        })?;
        Ok(PyBytes::new(py, &answer))
    }
}

fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> PyResult<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(PyRuntimeError::new_err),
        Err(_) => Err(PyRuntimeError::new_err(
            "a reader or writer panicked; this is a bug, please report it",
        )),
    }
}
