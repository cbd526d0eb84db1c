//! `wrasse analyze`: the measuring half of a recipe.
//!
//! A run of its own over the same input, with a row of stats for each sample
//! instead of the sample, see `wrasse_run::Measuring`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use wrasse_io::Conflict;
use wrasse_local::{Job, RunResult};
use wrasse_op::{Catalog, OpKind};
use wrasse_recipe::Recipe;
use wrasse_run::{Existing, MaxRejects, Measuring, Places};

use crate::Exit;
use crate::analysis::{ABOUT, Analysis, STATS, canonical_steps, why_left_out};
use crate::args::{AnalyzeArgs, HowArgs};
use crate::backend::Engine;
use crate::failure::{Failure, say};
use crate::load::{self, Loaded};
use crate::page;
use crate::run::{execute, write_whole};
use crate::settings::{Reuse, job};
use crate::stats_table::StatsTable;
use crate::tune::Decider;

/// What an analysis consists of beside its stats.
const RUN_DIR: &str = "stats.wrasse";
const PAGE: &str = "report.html";

/// Excerpts are taken of so many bytes of the input, evenly: enough to have
/// examples near any bound, and bounded however large the input is.
const EXCERPT_BYTES: u64 = 16 << 20;

pub(crate) fn analyze(args: &AnalyzeArgs, catalog: &Catalog) -> Result<Exit, Failure> {
    let Loaded { mut recipe, python } = load::load(&args.recipe, catalog, args.show.quiet)?;
    let canonical = recipe.canonical().json().clone();
    let process = canonical_steps(&recipe);
    let text_key = recipe.text_keys.first().cloned().unwrap_or_default();
    let (steps, left_out) = leave_out(&mut recipe);
    if !args.show.quiet {
        for (step, name, why) in &left_out {
            say(&format!("left out: step {step} (`{name}`): {why}"));
        }
    }
    let how = HowArgs {
        threads: args.threads,
        memory: args.memory,
        gpus: None,
        npus: None,
        limit: args.limit,
        max_rejects: None,
        trace_dropped: false,
        run_dir: None,
        commit_bytes: None,
    };
    let reuse = Reuse {
        existing: match args.resume {
            true => Existing::Resume,
            false => Existing::Restart,
        },
        overwrite: true,
    };
    let mut job = job(Loaded { recipe, python }, &how, reuse, &args.recipe.recipe)?;
    let folder = match &args.output {
        Some(folder) => folder.clone(),
        None => job.run_dir.with_extension("analysis"),
    };
    // What the recipe itself writes is not its input.
    job.source.exclude.extend([
        job.output.clone(),
        job.run_dir.to_string_lossy().into_owned(),
        folder.to_string_lossy().into_owned(),
    ]);
    job.output = folder.join(STATS).to_string_lossy().into_owned();
    job.run_dir = folder.join(RUN_DIR);
    job.format = None;
    job.part_bytes = None;
    job.places = Places::default();
    job.max_rejects = MaxRejects::Unlimited;
    job.pass.keep_stats = false;
    job.pass.keep_hashes = false;
    job.pass.trace_dropped = false;
    job.recipe = json!({ "analyze": canonical });
    if let Some(python) = &job.python {
        python.measure();
    }
    job.plan = match Arc::try_unwrap(job.plan) {
        Ok(plan) => Arc::new(plan.apart()),
        Err(shared) => shared,
    };
    job.guard = args.show.guard();
    job.pass.measuring = Some(Arc::new(Measuring {
        text_key,
        steps,
        excerpt_hash_max: excerpt_hash_max(&job)?,
    }));
    prepare(&folder)?;
    let (result, verdict) = execute(&job, &Engine::Local, &args.show)?;
    if result.complete {
        refuse_mixed(&result)?;
        let analysis = Analysis {
            steps: process,
            left_out: left_out.iter().map(|(step, ..)| *step).collect(),
            unreadable: result.tally.unreadable,
        };
        let about = format!("{:#}\n", analysis.json(&left_out));
        write(&folder, ABOUT, &about)?;
        if !args.show.no_html {
            let page = render(&job, args, &left_out, result.tally.unreadable)?;
            let path = write(&folder, PAGE, &page)?;
            if !args.show.quiet {
                say(&format!("wrote {}", path.display()));
            }
        }
    }
    verdict
}

/// Makes the folder. What an earlier analysis says there does not hold any more;
/// what others wrote is kept.
fn prepare(folder: &Path) -> Result<(), Failure> {
    let stats = folder.join(STATS);
    if stats.exists() && !folder.join(RUN_DIR).exists() {
        return Err(Failure::usage(format!(
            "{} exists and was not written by an analysis",
            stats.display()
        ))
        .with_hint("choose another folder with --output"));
    }
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::usage(format!("cannot make {}: {error}", folder.display())))?;
    for name in [ABOUT, PAGE] {
        let path = folder.join(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::usage(format!(
                    "cannot replace {}: {error}",
                    path.display()
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A column of numbers and texts has become one of texts, by which no filter
/// decides as it does by the numbers.
fn refuse_mixed(result: &RunResult) -> Result<(), Failure> {
    let mixed = |conflict: &&Conflict| conflict.resolution.contains("JSON text");
    match result.conflicts.iter().find(mixed) {
        None => Ok(()),
        Some(conflict) => Err(Failure::usage(format!(
            "the stat `{}` is a number in some samples and something else in others",
            conflict.column
        ))
        .with_hint(
            "the input has it in `__dj__stats__`; with `recompute_stats: true` filters measure anew",
        )),
    }
}

/// The page of an analysis whose stats are written.
fn render(
    job: &Job,
    args: &AnalyzeArgs,
    left_out: &[(u32, String, String)],
    unreadable: u64,
) -> Result<String, Failure> {
    let table = StatsTable::open(&job.output)?;
    let steps = job.pass.measuring.iter().flat_map(|it| &it.steps);
    let operators = job.plan.operators().iter().zip(steps);
    let decider = Decider::new(
        &table,
        operators.map(|(operator, step)| (*step as usize, operator, Some(*step))),
        Vec::new(),
    );
    page::analysis::render(&page::analysis::Found {
        recipe: &args.recipe.recipe,
        table: &table,
        decider: &decider,
        left_out,
        unreadable,
        threads: job.threads,
    })
}

fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf, Failure> {
    let path = folder.join(name);
    write_whole(&path, text).map_err(|error| Failure {
        message: format!("cannot write {}: {error}", path.display()),
        hint: None,
        exit: Exit::Failed,
    })?;
    Ok(path)
}

/// Takes the steps away that decide over many samples, and what comes behind a
/// grouper. Returns the numbers of the steps that stay, from 1, and what was
/// left out with name and reason.
fn leave_out(recipe: &mut Recipe) -> (Vec<u32>, Vec<(u32, String, String)>) {
    let mut stay = Vec::new();
    let mut left_out = Vec::new();
    let mut grouper = None;
    let mut number = 0;
    recipe.steps.retain(|step| {
        number += 1;
        let name = step.operator.name();
        let why = why_left_out(step, grouper);
        if step.spec.kind == OpKind::Grouper && grouper.is_none() {
            grouper = Some(name);
        }
        match why {
            None => stay.push(number),
            Some(why) => {
                left_out.push((number, name.to_owned(), why));
                return false;
            }
        }
        true
    });
    (stay, left_out)
}

/// Which samples get an excerpt, see [`Measuring::excerpt_hash_max`].
fn excerpt_hash_max(job: &Job) -> Result<u64, Failure> {
    // To list a stream would be to begin reading it.
    let is_stream = job.source.paths.iter().any(|path| path == "-");
    let bytes = match is_stream {
        true => None,
        false => wrasse_local::explain(job)?.bytes,
    };
    // Of what has no known size every sixteenth.
    let share = bytes.map_or(1.0 / 16.0, |bytes| {
        EXCERPT_BYTES as f64 / bytes.max(1) as f64
    });
    // The cast ends at the largest number.
    Ok((share * u64::MAX as f64) as u64)
}
