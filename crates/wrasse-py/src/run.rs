//! [`Run`]: a run on a thread of its own, watched from Python.
//!
//! All waiting has a limit and is without Python's lock: Python looks after its
//! signals between two waits.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::{Value, json};
use wrasse_cli::Exit;
use wrasse_cli::embedded::{Finding, Order, Outcome, Prepared, Refusal};
use wrasse_io::{StreamForm, stream};
use wrasse_local::Cancel;
use wrasse_run::RunSnapshot;

use crate::{order, refused};

/// Waiting longer is waiting in vain, and would overflow.
const WAIT_MAX_S: f64 = 3600.0;

/// A run that goes on beside Python.
#[pyclass(frozen, module = "wrasse._engine")]
pub(crate) struct Run {
    shared: Arc<Shared>,
    warnings: String,
    rows: Mutex<Option<Receiver<Vec<u8>>>>,
}

#[derive(Default)]
struct Shared {
    cancel: Cancel,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    last: Option<RunSnapshot>,
    /// How many snapshots there were.
    n_seen: u64,
    end: Option<Result<Outcome, Refusal>>,
}

#[pymethods]
impl Run {
    /// Starts a run. `args` begin with `run`; `text` is the recipe, if it is not
    /// in a file; `rows`, if given, is what `next_rows` returns: `lines`, `arrow`
    /// or `nothing`.
    #[new]
    fn new(
        py: Python<'_>,
        args: Vec<OsString>,
        text: Option<Vec<u8>>,
        rows: Option<&str>,
    ) -> PyResult<Self> {
        let rows = match rows {
            None => None,
            Some("lines") => Some(StreamForm::Lines),
            Some("arrow") => Some(StreamForm::Arrow),
            Some("nothing") => Some(StreamForm::Nothing),
            Some(_) => return Err(PyValueError::new_err("no such form of rows")),
        };
        let order = order(py, args, text);
        py.detach(|| Self::start(order, rows))
            .map_err(|refusal| refused(&refusal))
    }

    /// Warnings about the recipe, as JSON.
    fn warnings(&self) -> &str {
        &self.warnings
    }

    /// Asks it to end; it then can be resumed.
    fn cancel(&self) {
        self.shared.cancel.cancel();
    }

    /// Waits until it is over; returns whether it is.
    fn wait(&self, py: Python<'_>, seconds: f64) -> bool {
        py.detach(|| {
            let is_over = |state: &State| state.end.is_some();
            is_over(&self.wait_until(seconds, is_over))
        })
    }

    /// Waits until there was another snapshot after the first `n_seen`, or the
    /// run is over; returns how many there were, and the last one as JSON.
    fn snapshot(&self, py: Python<'_>, n_seen: u64, seconds: f64) -> (u64, Option<String>) {
        let (n_seen, last) = py.detach(|| {
            let state = self.wait_until(seconds, |state| {
                state.end.is_some() || state.n_seen > n_seen
            });
            (state.n_seen, state.last.clone())
        });
        (n_seen, last.map(|last| json(&last).to_string()))
    }

    /// How it went, as JSON: `report`, `text` and `refusal`. None while it runs.
    fn outcome(&self) -> PyResult<Option<String>> {
        match &self.shared.lock().end {
            None => Ok(None),
            Some(Err(refusal)) => Err(refused(refusal)),
            Some(Ok(outcome)) => Ok(Some(
                json!({
                    "report": outcome.report,
                    "text": outcome.text,
                    "too_many_rejects": outcome.too_many_rejects,
                    "refusal": outcome.refusal.as_ref().map(Refusal::json),
                })
                .to_string(),
            )),
        }
    }

    /// The next block of rows: None if there was none in time, no bytes at the end.
    fn next_rows<'py>(&self, py: Python<'py>, seconds: f64) -> Option<Bound<'py, PyBytes>> {
        let rows = py.detach(|| {
            let rows = lock(&self.rows);
            let Some(rows) = &*rows else {
                return Some(Vec::new());
            };
            match rows.recv_timeout(duration(seconds)) {
                Ok(bytes) => Some(bytes),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(Vec::new()),
            }
        });
        rows.map(|bytes| PyBytes::new(py, &bytes))
    }

    /// Takes no more rows; a run that has some left ends.
    fn close_rows(&self) {
        self.shared.cancel.cancel();
        lock(&self.rows).take();
    }
}

impl Run {
    fn start(order: Order, form: Option<StreamForm>) -> Result<Self, Refusal> {
        let prepared = Prepared::new(order, &wrasse_ops::catalog())?;
        let warnings: Value = prepared.findings.iter().map(Finding::json).collect();
        let (sink, rows) = form.map(stream).unzip();
        let shared = Arc::new(Shared::default());
        let run = {
            let shared = Arc::clone(&shared);
            move || {
                let mut observe = |snapshot: &RunSnapshot| shared.see(snapshot);
                // A panic here is a bug; a run that never ends would hide it.
                let end = catch_unwind(AssertUnwindSafe(|| {
                    prepared.run(sink, &mut observe, &shared.cancel)
                }));
                shared.lock().end = Some(end.unwrap_or_else(|_| Err(broken("it panicked"))));
                shared.changed.notify_all();
            }
        };
        std::thread::Builder::new()
            .name("wrasse-run".into())
            .spawn(run)
            .map_err(|error| broken(&error.to_string()))?;
        Ok(Self {
            shared,
            warnings: warnings.to_string(),
            rows: Mutex::new(rows),
        })
    }

    fn wait_until(&self, seconds: f64, is_met: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let waited = self.shared.changed.wait_timeout_while(
            self.shared.lock(),
            duration(seconds),
            |state| !is_met(state),
        );
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn see(&self, snapshot: &RunSnapshot) {
        let mut state = self.lock();
        state.last = Some(snapshot.clone());
        state.n_seen += 1;
        drop(state);
        self.changed.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn duration(seconds: f64) -> Duration {
    // What is no number is no time.
    Duration::try_from_secs_f64(seconds.clamp(0.0, WAIT_MAX_S)).unwrap_or_default()
}

fn json(snapshot: &RunSnapshot) -> Value {
    let mut json = snapshot.json();
    json["share_done"] = snapshot.share_done().into();
    json
}

fn broken(what: &str) -> Refusal {
    Refusal {
        message: format!("the engine could not run: {what}"),
        hint: None,
        exit: Exit::Failed,
        findings: Vec::new(),
    }
}
