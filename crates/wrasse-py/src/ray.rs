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
        let sources = views(&sources)?;
        let meta = py.detach(|| guarded(|| self.0.write(spec, &sources)))?;
        Ok(PyBytes::new(py, &meta))
    }

    /// Begins a task; `sources` are what it works on, if it does not read.
    fn begin(&self, py: Python<'_>, spec: &[u8], sources: Vec<PyBuffer<u8>>) -> PyResult<RayTask> {
        let sources = views(&sources)?;
        let task = py.detach(|| guarded(|| self.0.begin(spec, &sources)))?;
        Ok(RayTask(Mutex::new(task)))
    }
}

/// The bytes of objects, where they lie.
#[expect(unsafe_code, reason = "Python tells a pointer")]
fn views(buffers: &[PyBuffer<u8>]) -> PyResult<Vec<&[u8]>> {
    let view = |buffer: &PyBuffer<u8>| match (buffer.is_c_contiguous(), buffer.len_bytes()) {
        (_, 0) => Ok([].as_slice()),
        (false, _) => Err(PyRuntimeError::new_err("the bytes of an object lie apart")),
        // SAFETY: the buffer has so many bytes there, and holds them as long as it is
        // borrowed. They are an object's of Ray, or a `bytes`: nobody changes them.
        (true, n) => Ok(unsafe { std::slice::from_raw_parts(buffer.buf_ptr().cast(), n) }),
    };
    buffers.iter().map(view).collect()
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
