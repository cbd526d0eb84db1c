//! The engine within another program, such as Python's.
//!
//! What is asked for is said in the program's own arguments, so that both mean
//! and refuse the same. Nothing here takes over signals, ends the process or
//! writes to standard output; standard error gets progress, if it is asked for.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, CommandFactory as _, Parser as _};
use serde_json::{Value, json};
use wrasse_io::Sink;
use wrasse_local::{Cancel, Job};
use wrasse_op::Catalog;
use wrasse_recipe::{Checked, Diagnostic, Source};
use wrasse_run::RunSnapshot;

use crate::Exit;
use crate::args::{Args, BackendName, Command, RecipeArgs, ShowArgs};
use crate::backend::Engine;
use crate::failure::Failure;
use crate::load::{Loaded, Understood};
use crate::results::{self, Wanted};
use crate::run::{Work, conduct, reuse, shows_page, verdict, write_report};
use crate::settings::job;
use crate::{explain, load, ops, report};

/// What is asked of the engine: a command line without the program's name, and
/// the text of the recipe if it is not in a file. `run`, `check` and `explain`
/// are understood; the recipe's name is what messages call it.
#[derive(Clone, Debug)]
pub struct Order {
    /// `run`, the recipe, and flags.
    pub args: Vec<OsString>,
    /// The text of the recipe.
    pub text: Option<Vec<u8>>,
    /// The Python that the engine is part of, if it is: it runs operators in Python
    /// unless another one is named.
    pub python: Option<PathBuf>,
}

/// Why something was not done, or not in full.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What went wrong, in one line.
    pub message: String,
    /// What to do about it, if that is known.
    pub hint: Option<String>,
    /// What the program's exit code would be.
    pub exit: Exit,
    /// What is wrong with the recipe, if that is the cause.
    pub findings: Vec<Finding>,
}

/// Something to be said of a recipe.
#[derive(Clone, Debug)]
pub struct Finding {
    diagnostic: Diagnostic,
    text: String,
}

/// A run that can begin.
pub struct Prepared {
    job: Job,
    engine: Engine,
    show: ShowArgs,
    wanted: Option<Wanted>,
    /// Warnings about its recipe.
    pub findings: Vec<Finding>,
}

/// How a run went.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The report, as `--report json` prints it.
    pub report: Value,
    /// The same for people.
    pub text: String,
    /// Whether the limit on rejects was passed.
    pub too_many_rejects: bool,
    /// What keeps it from being a success.
    pub refusal: Option<Refusal>,
}

/// All that is to be said of a recipe.
///
/// # Errors
///
/// If there is no such recipe, or the arguments are wrong.
pub fn check(order: Order, catalog: &Catalog) -> Result<Vec<Finding>, Refusal> {
    let Command::Check(args) = parse(order)? else {
        return Err(unexpected());
    };
    let Understood {
        source, checked, ..
    } = load::checked(&args.recipe, catalog)?;
    Ok(findings(&source, &checked.diagnostics))
}

/// How a recipe would run, for people.
///
/// # Errors
///
/// If it could not run.
pub fn explain(order: Order, catalog: &Catalog) -> Result<String, Refusal> {
    let Command::Explain(args) = parse(order)? else {
        return Err(unexpected());
    };
    let (recipe, _) = recipe(&args.recipe, catalog)?;
    let job = job(
        recipe,
        &args.how,
        reuse(false, false, false),
        &args.recipe.recipe,
    )?;
    let view = wrasse_local::explain(&job).map_err(Failure::from)?;
    Ok(explain::text(&job, &view))
}

/// What there is to know of the operators of `catalog`, as JSON.
pub fn catalog(catalog: &Catalog) -> Value {
    ops::list_json(catalog.iter())
}

/// The flags of `run` that can be given here, by name: each `value`, `values` (it can
/// be repeated) or `switch`.
pub fn flags() -> Value {
    // How a run is shown is not for the engine to say.
    const SHOWN: [&str; 6] = ["help", "quiet", "verbose", "report", "dry-run", "set"];
    let command = Args::command();
    let run = command.find_subcommand("run");
    let flags = run.into_iter().flat_map(clap::Command::get_arguments);
    let named = flags.filter_map(|flag| Some((flag.get_long()?, flag.get_action())));
    named
        .filter(|(name, _)| !SHOWN.contains(name))
        .map(|(name, action)| {
            let kind = match action {
                ArgAction::SetTrue => "switch",
                ArgAction::Append => "values",
                _ => "value",
            };
            (name.to_owned(), Value::from(kind))
        })
        .collect()
}

impl Prepared {
    /// Reads the recipe and makes everything ready; nothing is written yet.
    ///
    /// # Errors
    ///
    /// If the run could not begin as asked.
    pub fn new(order: Order, catalog: &Catalog) -> Result<Self, Refusal> {
        let Command::Run(args) = parse(order)? else {
            return Err(unexpected());
        };
        if args.dry_run.is_some() {
            return Err(unexpected());
        }
        let (recipe, findings) = recipe(&args.recipe, catalog)?;
        let wanted = results::wanted(&recipe.recipe, args.results.as_deref())?;
        let mut backend = args.backend;
        backend.ray_python = match backend.backend {
            BackendName::Ray => backend.ray_python.or(args.recipe.python.own),
            BackendName::Local => backend.ray_python,
        };
        let reuse = reuse(args.resume, args.restart, args.overwrite);
        let mut job = job(recipe, &args.how, reuse, &args.recipe.recipe)?;
        job.guard = args.show.guard();
        job.examples = shows_page(&job, &args.show);
        Ok(Self {
            engine: Engine::new(&backend, &args.how)?,
            job,
            show: args.show,
            wanted,
            findings,
        })
    }

    /// Runs it to its end, or until it is cancelled, on this thread. `rows`, if
    /// given, gets the output, which then must be `-`. `observe` sees a snapshot
    /// about ten times a second.
    ///
    /// # Errors
    ///
    /// If the run cannot begin or go on. One that comes to its end, though not
    /// as it should, is an outcome.
    pub fn run(
        self,
        rows: Option<Box<dyn Sink>>,
        observe: &mut dyn FnMut(&RunSnapshot),
        cancel: &Cancel,
    ) -> Result<Outcome, Refusal> {
        let results = self.wanted.map(|wanted| wanted.start(&self.job));
        let work = Work {
            job: &self.job,
            engine: &self.engine,
            show: &self.show,
            results: results.transpose()?,
            rows,
            ends_program: false,
        };
        let (result, recorded) = conduct(work, observe, cancel)?;
        let verdict = verdict(&self.job, &result, true).and(recorded);
        Ok(Outcome {
            report: write_report(&self.job, &result),
            text: report::text(&self.job, &result),
            too_many_rejects: result.too_many_rejects,
            refusal: verdict.err().map(Refusal::from),
        })
    }
}

impl Finding {
    /// All of it; places are counted from 1.
    pub fn json(&self) -> Value {
        let mut json = self.diagnostic.json();
        json["text"] = self.text.clone().into();
        json
    }
}

impl Refusal {
    /// All of it.
    pub fn json(&self) -> Value {
        json!({
            "message": self.message,
            "hint": self.hint,
            "exit": self.exit as u8,
            "findings": self.findings.iter().map(Finding::json).collect::<Vec<_>>(),
        })
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self {
            message: failure.message,
            hint: failure.hint,
            exit: failure.exit,
            findings: Vec::new(),
        }
    }
}

fn parse(order: Order) -> Result<Command, Refusal> {
    let name = std::iter::once(OsString::from("wrasse"));
    let args = Args::try_parse_from(name.chain(order.args)).map_err(|error| {
        // The rest tells how a command line is written.
        let text = error.to_string();
        let message = text.lines().next().unwrap_or_default();
        Failure::usage(message.trim_start_matches("error: "))
    })?;
    let mut command = args.command;
    let recipe = match &mut command {
        Command::Run(args) => &mut args.recipe,
        Command::Check(args) => &mut args.recipe,
        Command::Explain(args) => &mut args.recipe,
        _ => return Err(unexpected()),
    };
    recipe.text = order.text;
    recipe.python.own = order.python;
    Ok(command)
}

fn unexpected() -> Refusal {
    Failure::usage("this command cannot be given here").into()
}

fn recipe(args: &RecipeArgs, catalog: &Catalog) -> Result<(Loaded, Vec<Finding>), Refusal> {
    let Understood {
        source,
        checked,
        python,
    } = load::checked(args, catalog)?;
    let Checked {
        recipe,
        diagnostics,
    } = checked;
    let findings = findings(&source, &diagnostics);
    match recipe {
        Some(recipe) => Ok((Loaded { recipe, python }, findings)),
        None => Err(Refusal {
            findings,
            ..load::wrong(args, &diagnostics).into()
        }),
    }
}

fn findings(source: &Source, diagnostics: &[Diagnostic]) -> Vec<Finding> {
    let finding = |one: &Diagnostic| Finding {
        diagnostic: one.clone(),
        text: one.render(source).trim_end().to_owned(),
    };
    diagnostics.iter().map(finding).collect()
}
