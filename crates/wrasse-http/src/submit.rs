//! From what someone wants to run to what the scheduler gets: checked, and
//! confined to what is open to jobs.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use wrasse_op::Catalog;
use wrasse_recipe::{Checked, FileChoice, Recipe, Severity, Source, check};
use wrasse_service::{RunWork, Submission, Work};

use crate::Roots;
use crate::openapi;
use crate::problem::Problem;

/// What is allowed.
pub(crate) struct Rules<'a> {
    pub(crate) roots: &'a Roots,
    pub(crate) catalog: &'a Catalog,
    pub(crate) allows_commands: bool,
    /// The one cluster that jobs of Ray may go to.
    pub(crate) ray_address: Option<&'a str>,
}

impl Rules<'_> {
    /// Checks a submission, and writes its paths as they really are.
    pub(crate) fn confine(&self, submission: &mut Submission) -> Result<(), Problem> {
        submission.check().map_err(Problem::senseless)?;
        match &mut submission.work {
            Work::Run(run) => self.run(run),
            Work::Command(_) if !self.allows_commands => Err(Problem::forbidden(
                "commands are not allowed here; `wrasse serve --allow-commands` allows them",
            )),
            Work::Command(command) => {
                command.cwd = Some(self.cwd(command.cwd.as_deref())?);
                self.log(&mut command.log)
            }
            // Which there are decides the program, not the caller.
            Work::Function(_) => Ok(()),
            Work::RayJob(job) => {
                let Some(own) = self.ray_address else {
                    return Err(Problem::forbidden(
                        "no cluster of Ray is open to jobs here; `wrasse serve --ray-address` \
                         names one",
                    ));
                };
                if job.address.as_deref().is_some_and(|asked| asked != own) {
                    return Err(Problem::forbidden(format!(
                        "jobs of Ray go to {own} only; leave `address` away"
                    )));
                }
                self.log(&mut job.log)
            }
        }
    }

    fn run(&self, run: &mut RunWork) -> Result<(), Problem> {
        if let Some(memory) = &run.memory {
            check_size(memory)?;
        }
        let cwd = self.cwd(run.cwd.as_deref())?;
        let mut places = vec![cwd.clone()];
        let (name, bytes) = match (&run.recipe, &mut run.path) {
            (Some(text), _) => ("recipe".to_owned(), text.clone().into_bytes()),
            (None, Some(path)) => {
                *path = self.roots.path(path, &cwd).map_err(Problem::forbidden)?;
                let shown = path.display().to_string();
                let bytes = std::fs::read(&*path)
                    .map_err(|error| Problem::senseless(format!("{shown}: {error}")))?;
                places.extend(path.parent().map(Path::to_owned));
                (shown, bytes)
            }
            (None, None) => return Err(Problem::senseless("a run has a recipe")),
        };
        run.cwd = Some(cwd);
        self.log(&mut run.log)?;
        let source = Source::new(name, &bytes).with_overrides(run.set.iter().cloned());
        let checked = check(&source, self.catalog);
        let findings = findings(&checked);
        let Some(recipe) = checked.recipe else {
            return Err(Problem::senseless("the recipe has errors").with_findings(findings));
        };
        let places: Vec<&Path> = places.iter().map(PathBuf::as_path).collect();
        for place in named(&recipe) {
            self.roots
                .place(place, &places)
                .map_err(Problem::forbidden)?;
        }
        Ok(())
    }

    fn cwd(&self, cwd: Option<&Path>) -> Result<PathBuf, Problem> {
        let Some(cwd) = cwd else {
            return Ok(self.roots.first().to_owned());
        };
        let real = self
            .roots
            .path(cwd, self.roots.first())
            .map_err(Problem::forbidden)?;
        match real.is_dir() {
            true => Ok(real),
            false => Err(Problem::senseless(format!(
                "there is no folder `{}`",
                cwd.display()
            ))),
        }
    }

    fn log(&self, log: &mut Option<PathBuf>) -> Result<(), Problem> {
        if let Some(log) = log {
            *log = self
                .roots
                .path(log, self.roots.first())
                .map_err(Problem::forbidden)?;
        }
        Ok(())
    }
}

/// Refuses what is no size of memory as the description has it.
pub(crate) fn check_size(memory: &str) -> Result<(), Problem> {
    match openapi::is_size(memory) {
        true => Ok(()),
        false => Err(Problem::senseless(
            "`memory` is a size such as `512MiB` or `2GiB`",
        )),
    }
}

/// All places that a recipe names.
fn named(recipe: &Recipe) -> impl Iterator<Item = &str> {
    let settings = &recipe.settings;
    let files = [&settings.trace_dropped, &settings.report]
        .into_iter()
        .filter_map(|choice| match choice {
            Some(FileChoice::Path(path)) => Some(path.as_str()),
            _ => None,
        });
    recipe
        .input
        .entries
        .iter()
        .map(|entry| entry.path.as_str())
        .chain(recipe.output.path.as_deref())
        .chain(settings.rejects.as_deref())
        .chain(settings.run_dir.as_deref())
        .chain(files)
}

/// What a check found.
pub(crate) fn findings(checked: &Checked) -> Value {
    checked
        .diagnostics
        .iter()
        .map(|one| {
            json!({
                "severity": one.severity.name(),
                "message": one.message,
                "line": one.place.map(|place| place.line),
                "column": one.place.map(|place| place.column),
                "hint": one.hint,
            })
        })
        .collect()
}

/// Checks a recipe; whether it can run, how many steps it has, what was found.
pub(crate) fn check_recipe(text: &str, set: &[String], catalog: &Catalog) -> Value {
    let source = Source::new("recipe", text.as_bytes()).with_overrides(set.iter().cloned());
    let checked = check(&source, catalog);
    let n_errors = checked
        .diagnostics
        .iter()
        .filter(|one| one.severity == Severity::Error)
        .count();
    json!({
        "ok": checked.recipe.is_some(),
        "steps": checked.recipe.as_ref().map(|recipe| recipe.steps.len()),
        "errors": n_errors,
        "findings": findings(&checked),
    })
}
