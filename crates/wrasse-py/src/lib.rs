//! The extension module `wrasse._engine`: the engine and the program in one
//! file, for `python/wrasse`, which is what users see.
//!
//! The only crate that knows Python.
//!
//! Layer: 9.

mod ray;

use pyo3::prelude::*;

/// The engine of Wrasse. `import wrasse` is the way in.
#[pymodule]
mod _engine {
    use std::ffi::OsString;

    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::ray::{RayJob, RayTask};

    /// The version of the engine.
    #[pyfunction]
    fn version() -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// Runs the program with these arguments, its name first; returns its exit code.
    ///
    /// It takes over signals, so that it is for a process of its own.
    #[pyfunction]
    fn program(py: Python<'_>, args: Vec<OsString>) -> u8 {
        py.detach(|| wrasse_cli::program(args, &wrasse_ops::catalog()) as u8)
    }
}
