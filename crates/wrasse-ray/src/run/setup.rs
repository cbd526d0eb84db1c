//! What every worker is told of a run.

use serde_json::Value;
use wrasse_job::{Job, Ready};
use wrasse_run::Error;

use super::OnCluster;
use crate::protocol::{Cluster, Say};
use crate::sources::{Sources, TooLarge};
use crate::wire::{OutsideStep, Setup, encode};

impl OnCluster<'_> {
    /// Tells the workers what the run is.
    pub(super) fn set_up(&self, ready: &Ready, cluster: &Cluster) -> Result<(), Error> {
        let recipe = &self.job.recipe;
        let text_keys = recipe["text_keys"].as_array().into_iter().flatten();
        let setup = encode(&Setup {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: native_steps(self.job).to_string(),
            outside: outside_steps(self.job).map_err(Error::failed)?,
            sources: self.sources(cluster)?,
            python: self.job.python.as_ref().map(|python| {
                let settings = python.made_with();
                (settings.paths.clone(), settings.strict)
            }),
            text_keys: text_keys
                .filter_map(|key| key.as_str().map(str::to_owned))
                .collect(),
            text_key: self.job.source.text_key.clone(),
            inputs: ready.inputs.readable_anywhere()?,
            format: ready.format,
            settings: ready.pass.settings().into(),
            block_bytes: self.job.block_bytes.0,
            row_bytes_max: self.job.row_bytes_max.0,
            writes: self.writes,
            n_shards: self.n_shards(cluster),
        })
        .map_err(Error::failed)?;
        let bytes = setup.len();
        self.link.say(&[Say::Setup { bytes }], &[&setup])
    }

    /// What Python's operators are made of. They need not travel where all machines
    /// see the same.
    fn sources(&self, cluster: &Cluster) -> Result<Sources, Error> {
        let Some(python) = &self.job.python else {
            return Ok(Sources::default());
        };
        let operators = self.job.plan.operators().iter();
        let outside = operators.filter_map(|op| op.runs_outside());
        match Sources::of(outside, &python.made_with().paths) {
            Ok(sources) => Ok(sources),
            Err(_) if cluster.machines <= 1 || self.options.shared_paths => Ok(Sources::default()),
            Err(TooLarge(path)) => Err(Error::usage(format!(
                "the files of Python operators are too large to be sent to the nodes: {} is one",
                path.display()
            ))
            .with_hint(
                "put what is large elsewhere, or all on a disk that the machines share, and \
                 pass --ray-shared-paths",
            )),
        }
    }
}

/// The steps, in canonical form, that the workers' own operators do.
fn native_steps(job: &Job) -> Value {
    let steps = job.recipe["process"].as_array().into_iter().flatten();
    let operators = job.plan.operators().iter();
    let native = steps
        .zip(operators)
        .filter(|(_, op)| op.runs_outside().is_none());
    native.map(|(step, _)| step.clone()).collect()
}

/// The others, by their places.
fn outside_steps(job: &Job) -> Result<Vec<OutsideStep>, String> {
    let operators = job.plan.operators().iter().enumerate();
    operators
        .filter_map(|(at, op)| Some((at, op, op.runs_outside()?)))
        .map(|(at, op, outside)| OutsideStep::new(at, op, outside))
        .collect()
}
