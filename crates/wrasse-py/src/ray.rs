//! What workers of Ray call, by `python/wrasse/ray/worker.py`.

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi::{Py_buffer, PyBuffer_FillInfo};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use wrasse_ray::{Output, Shard, TaskRun, WorkerJob};

/// Metadata, object, and pieces.
type Put<'py> = (Bound<'py, PyBytes>, Packed, Vec<Packed>);

/// The packed blocks of an object, or a piece that comes with it, for who asks for a buffer: Ray, which copies them to
/// its store.
#[pyclass(frozen, module = "wrasse._engine")]
pub(crate) struct Packed(Vec<u8>);

#[pymethods]
impl Packed {
    #[expect(unsafe_code, reason = "Python asks for a pointer")]
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let bytes = &slf.get().0;
        let (at, n) = (bytes.as_ptr().cast::<c_void>(), bytes.len() as isize);
        // SAFETY: Python gives a view to be filled, which then keeps this object. Its bytes
        // are never changed or moved while it lives, and are told to be for reading only.
        let filled = unsafe { PyBuffer_FillInfo(view, slf.as_ptr(), at.cast_mut(), n, 1, flags) };
        match filled {
            0 => Ok(()),
            _ => Err(PyErr::fetch(slf.py())),
        }
    }
}

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
        let mut object = |at: usize, bytes: &mut Vec<u8>| {
            let source = sources.get(at).ok_or("an object is missing")?;
            bytes.resize(source.len_bytes(), 0);
            Python::attach(|py| source.copy_to_slice(py, bytes)).map_err(|error| error.to_string())
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
            let pieces = output.pieces.into_iter().map(Packed).collect();
            let meta = PyBytes::new(py, &output.meta);
            (meta, Packed(output.object), pieces)
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
