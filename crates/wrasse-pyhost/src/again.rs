//! [`Again`]: a worker whose filter decides once more, with other parameters, on
//! what it has measured. It gets no samples.

use std::sync::Arc;

use serde_json::{Map, Value};
use wrasse_core::{Origin, Sample, SharedStr};
use wrasse_op::Outside;
use wrasse_run::stats_columns::TOLD_KEPT;

use crate::drive::{Chain, Seat};
use crate::python::Python;
use crate::worker::{StartError, Worker};

/// Far more than the stats of a sample have.
const ROW_BYTES_MAX: u64 = 64 << 20;

/// Why a filter does not decide once more.
#[derive(Debug)]
pub enum Undecided {
    /// It says so itself: it measures something else with these parameters, or
    /// decides by more than it has measured.
    Refused(String),
    /// Its worker cannot be started, or died.
    Broken(String),
}

/// What a filter has measured on a sample, and whether it kept it.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The values.
    pub stats: Map<String, Value>,
    /// Its decision with the parameters that it has measured with.
    pub kept: bool,
}

/// A worker that has the filter with both parameters.
pub struct Again {
    worker: Worker,
    batches: u64,
}

impl Again {
    /// Starts a worker for the filter called `name`; `measured_with` are the
    /// parameters that it has measured with.
    ///
    /// # Errors
    ///
    /// See [`Undecided`].
    pub fn start(
        python: &Arc<Python>,
        name: &str,
        filter: &Outside,
        measured_with: &Map<String, Value>,
    ) -> Result<Self, Undecided> {
        let operators = vec![(name.to_owned(), filter.clone())];
        let mut chain = Chain::new(python, operators, "", ROW_BYTES_MAX)
            .ok_or_else(|| Undecided::Broken("there is no filter".to_owned()))?;
        chain.measured_with = Some(measured_with.clone());
        match Worker::start(&Arc::new(chain), &Seat::default()) {
            Ok(worker) => Ok(Self { worker, batches: 0 }),
            Err(StartError::Refused(refusal)) => Err(Undecided::Refused(refusal.refused)),
            Err(StartError::Lost(error)) => Err(Undecided::Broken(error)),
            Err(StartError::Stopped) => Err(Undecided::Broken("the run has ended".to_owned())),
        }
    }

    /// For each sample whether the filter keeps it with its new parameters.
    ///
    /// # Errors
    ///
    /// See [`Undecided`]; also if what is measured does not lead to the decision
    /// that was made on it.
    pub fn decide(&mut self, measured: Vec<Measured>) -> Result<Vec<bool>, Undecided> {
        let broken = |error: String| Undecided::Broken(error);
        let samples = measured
            .into_iter()
            .map(|Measured { mut stats, kept }| {
                stats.insert(TOLD_KEPT.to_owned(), kept.into());
                let row = Value::Object(stats).to_string();
                Sample::from_json(SharedStr::from(row.as_str()), Origin::default())
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| broken(error.to_string()))?;
        self.batches += 1;
        self.worker
            .send(self.batches, &samples)
            .map_err(|error| broken(error.to_string()))?;
        let done = self
            .worker
            .receive(self.batches)
            .map_err(|lost| broken(format!("{}\n{}", lost.cause, lost.last_words)))?;
        if let Some((_, _, reason, ..)) = done.failed.into_iter().next() {
            return Err(Undecided::Refused(reason));
        }
        let mut kept = vec![true; samples.len()];
        for (sample, ..) in done.dropped {
            if let Some(kept) = kept.get_mut(sample as usize) {
                *kept = false;
            }
        }
        Ok(kept)
    }
}
