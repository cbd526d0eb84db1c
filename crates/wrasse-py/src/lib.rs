//! The extension module `wrasse._engine`: the engine and the program in one
//! file, for `python/wrasse`, which is what users see.
//!
//! A thin face: recipes, reports and snapshots go over as JSON, and all that can
//! be asked is asked in the program's own arguments. While the engine works,
//! Python does too: nothing here holds its lock and waits.
//!
//! The only crate that knows Python.
//!
//! Layer: 9.

mod ray;
mod run;

use std::ffi::OsString;
use std::path::PathBuf;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use wrasse_cli::embedded::{Order, Refusal};

pyo3::create_exception!(
    _engine,
    Refused,
    PyException,
    "Something was not done; the argument is JSON that says why."
);

fn refused(refusal: &Refusal) -> PyErr {
    Refused::new_err(refusal.json().to_string())
}

fn order(py: Python<'_>, args: Vec<OsString>, text: Option<Vec<u8>>) -> Order {
    let python = PyModule::import(py, "sys")
        .and_then(|sys| sys.getattr("executable"))
        .and_then(|program| program.extract());
    Order {
        args,
        text,
        // One within another program may not know.
        python: python
            .ok()
            .filter(|program: &PathBuf| !program.as_os_str().is_empty()),
    }
}

/// The engine of Wrasse. `import wrasse` is the way in.
#[pymodule]
mod _engine {
    use std::ffi::OsString;
    use std::io::Write as _;

    use pyo3::prelude::*;
    use serde_json::Value;
    use wrasse_cli::embedded::{self, Finding};
    use wrasse_ops::catalog;

    use crate::{order, refused};

    #[pymodule_export]
    use crate::Refused;
    #[pymodule_export]
    use crate::run::Run;

    #[pymodule_export]
    use crate::ray::{RayJob, RayShard, RayTask};

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
        py.detach(|| {
            let exit = wrasse_cli::program(args, &catalog());
            // A program of Rust's own does this when it ends; a failure cannot be told.
            let _ = std::io::stdout().flush();
            exit as u8
        })
    }

    /// All that is to be said of a recipe, as JSON. `args` begin with `check`.
    #[pyfunction]
    fn check(py: Python<'_>, args: Vec<OsString>, text: Option<Vec<u8>>) -> PyResult<String> {
        let order = order(py, args, text);
        let found = py.detach(|| embedded::check(order, &catalog()));
        let found = found.map_err(|refusal| refused(&refusal))?;
        Ok(found
            .iter()
            .map(Finding::json)
            .collect::<Value>()
            .to_string())
    }

    /// How a recipe would run, for people. `args` begin with `explain`.
    #[pyfunction]
    fn explain(py: Python<'_>, args: Vec<OsString>, text: Option<Vec<u8>>) -> PyResult<String> {
        let order = order(py, args, text);
        let view = py.detach(|| embedded::explain(order, &catalog()));
        view.map_err(|refusal| refused(&refusal))
    }

    /// The flags of `run`, and what each takes, as JSON.
    #[pyfunction]
    fn flags() -> String {
        embedded::flags().to_string()
    }

    /// What there is to know of all operators, as JSON.
    #[pyfunction]
    fn operators() -> String {
        embedded::catalog(&catalog()).to_string()
    }
}
