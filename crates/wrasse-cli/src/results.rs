//! Results of a task of DataMate: where they go, and what is told of them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use wrasse_local::{Job, RunResult};
use wrasse_recipe::Recipe;
use wrasse_results::{Counts, Ended, Error, Recorder, RunFiles, Target};

use crate::Exit;
use crate::failure::{Failure, say};
use crate::table::count;

/// What the results of a run are recorded by default in, in its directory.
const FILE: &str = "results.sqlite";

/// How often the recorder is told to look.
const EVERY: Duration = Duration::from_secs(1);

/// Records the results of a run, if it is that of a task.
pub(crate) struct Results {
    recorder: Recorder,
    place: String,
    nudged: Option<Instant>,
}

/// What is to be recorded of a recipe, and where: `place` as the user says it.
pub(crate) fn wanted(recipe: &Recipe, place: Option<&str>) -> Result<Option<Wanted>, Failure> {
    let Some(task) = &recipe.task else {
        return match place {
            None => Ok(None),
            Some(_) => Err(Failure::usage(
                "--results is for tasks of DataMate (process.yaml), which have files as samples",
            )),
        };
    };
    if place == Some("none") {
        return Ok(None);
    }
    let last = task.names.last();
    let edges = [("read", task.names.first()), ("write", last)];
    let names = recipe
        .steps
        .iter()
        .zip(&task.names)
        .map(|(step, name)| (step.spec.name.to_owned(), name.clone()))
        .chain(
            edges
                .into_iter()
                .filter_map(|(edge, name)| Some((edge.to_owned(), name?.clone()))),
        );
    let export_path = recipe.output.path.clone().unwrap_or_default();
    Ok(Some(Wanted {
        place: place.map(str::to_owned),
        task: wrasse_results::Task {
            instance_id: task.instance_id.clone(),
            dataset_id: task.dataset_id.clone(),
            export_path: std::path::absolute(&export_path).unwrap_or(export_path.into()),
            names: names.collect(),
        },
    }))
}

/// A task, and the place for its results as the user says it.
pub(crate) struct Wanted {
    place: Option<String>,
    task: wrasse_results::Task,
}

impl Wanted {
    /// Connects, so that a run whose results cannot be recorded does not begin.
    pub(crate) fn start(self, job: &Job) -> Result<Results, Failure> {
        let target = target(self.place.as_deref(), &job.run_dir);
        let files = RunFiles {
            dir: job.run_dir.clone(),
            rejects: job.places.rejects(&job.run_dir),
            dropped: job.places.dropped(&job.run_dir),
            told: job.run_dir.join("told.jsonl"),
        };
        let place = match &target {
            Target::Sqlite(path) => path.display().to_string(),
            Target::Postgres(_) => "PostgreSQL".to_owned(),
        };
        let recorder = Recorder::start(target, self.task, files).map_err(|error| Failure {
            exit: Exit::Usage,
            ..failure(error)
        })?;
        Ok(Results {
            recorder,
            place,
            nudged: None,
        })
    }
}

impl Results {
    /// The run goes on.
    #[expect(clippy::disallowed_methods, reason = "no result depends on it")]
    pub(crate) fn see(&mut self) {
        let now = Instant::now();
        if self.nudged.is_none_or(|before| now - before >= EVERY) {
            self.recorder.nudge();
            self.nudged = Some(now);
        }
    }

    /// Records the end of a run that did not fail.
    pub(crate) fn end(self, result: &RunResult, quiet: bool) -> Result<(), Failure> {
        let ended = match result.complete {
            true => Ended::Complete,
            false => Ended::Interrupted,
        };
        let counts = self.recorder.end(ended).map_err(|error| {
            let failure = failure(error);
            Failure {
                message: format!("results could not be recorded: {}", failure.message),
                hint: Some("the files are safe; --resume records the results".to_owned()),
                ..failure
            }
        })?;
        if !quiet {
            say(&told(counts, &self.place));
        }
        Ok(())
    }

    /// Records that the run failed, if it had begun.
    pub(crate) fn failed(self) {
        if self.nudged.is_some()
            && let Err(error) = self.recorder.end(Ended::Failed)
        {
            say(&format!("warning: results could not be recorded: {error}"));
        }
    }
}

fn told(counts: Counts, place: &str) -> String {
    let Counts {
        exported,
        filtered,
        failed,
        others,
    } = counts;
    let others = match others {
        0 => String::new(),
        n => format!(", {} written by operators", count(n)),
    };
    format!(
        "results in {place}: {} exported, {} filtered, {} failed{others}",
        count(exported),
        count(filtered),
        count(failed)
    )
}

fn target(place: Option<&str>, run_dir: &Path) -> Target {
    match place {
        None => Target::Sqlite(run_dir.join(FILE)),
        Some("postgres") => Target::Postgres(address_of_environment()),
        Some(address)
            if address.starts_with("postgres://") || address.starts_with("postgresql://") =>
        {
            Target::Postgres(address.to_owned())
        }
        Some(path) => Target::Sqlite(PathBuf::from(path.strip_prefix("sqlite:").unwrap_or(path))),
    }
}

/// The database that DataMate's own variables name: an address without a password
/// on the command line, where others can read it.
fn address_of_environment() -> String {
    [
        ("host", "PG_HOST", Some("datamate-database")),
        ("port", "PG_PORT", Some("5432")),
        ("user", "PG_USER", Some("postgres")),
        ("password", "PG_PASSWORD", None),
        ("dbname", "PG_DATABASE", Some("datamate")),
    ]
    .into_iter()
    .filter_map(|(key, variable, default)| {
        let value = std::env::var_os(variable)
            .map(|value| value.to_string_lossy().into_owned())
            .or(default.map(str::to_owned))?;
        let value = value.replace('\\', r"\\").replace('\'', r"\'");
        Some(format!("{key}='{value}' "))
    })
    .collect()
}

fn failure(error: Error) -> Failure {
    Failure {
        message: format!("{}: {}", error.place, error.message),
        hint: error.hint,
        exit: Exit::Failed,
    }
}
