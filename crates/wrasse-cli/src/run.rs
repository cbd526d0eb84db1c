//! `wrasse run`.

use std::path::Path;
use std::sync::Once;

use serde_json::Value;
use wrasse_io::Sink;
use wrasse_job::{Cancel, Job, RunResult};
use wrasse_op::Catalog;
use wrasse_run::{Existing, RunSnapshot};

use crate::Exit;
use crate::args::{ReportForm, RunArgs, ShowArgs};
use crate::backend::Engine;
use crate::failure::{Failure, print, say};
use crate::reporter::{Reporter, end_at_once};
use crate::results::{self, Results};
use crate::settings::{Reuse, job};
use crate::table::count;
use crate::{allocator, dry_run, live, load, page, report};

pub(crate) fn run(args: &RunArgs, catalog: &Catalog) -> Result<Exit, Failure> {
    let recipe = load::load(&args.recipe, catalog, args.show.quiet)?;
    let reuse = reuse(args.resume, args.restart, args.overwrite);
    let wanted = results::wanted(&recipe.recipe, args.results.as_deref())?;
    let mut job = job(recipe, &args.how, reuse, &args.recipe.recipe)?;
    job.guard = args.show.guard();
    job.examples = shows_page(&job, &args.show);
    let engine = Engine::new(&args.backend, &args.how)?;
    match args.dry_run {
        Some(sample) => dry_run::dry_run(&job, sample, args.show.report),
        None => {
            let results = wanted.map(|wanted| wanted.start(&job)).transpose()?;
            execute_recorded(&job, &engine, &args.show, results)?.1
        }
    }
}

/// What is done with an interrupted run and a foreign output.
pub(crate) fn reuse(resume: bool, restart: bool, overwrite: bool) -> Reuse {
    Reuse {
        existing: match (resume, restart) {
            (true, _) => Existing::Resume,
            (_, true) => Existing::Restart,
            _ => Existing::Refuse,
        },
        overwrite,
    }
}

/// Whether a run writes a page, for which it takes examples.
pub(crate) fn shows_page(job: &Job, show: &ShowArgs) -> bool {
    !show.no_html && job.places.page(&job.run_dir).is_some()
}

/// Runs a job with progress, and tells how it went: the result, and what it
/// means for the user.
///
/// # Errors
///
/// If the run could not begin or go on.
pub(crate) fn execute(
    job: &Job,
    engine: &Engine,
    show: &ShowArgs,
) -> Result<(RunResult, Result<Exit, Failure>), Failure> {
    execute_recorded(job, engine, show, None)
}

/// The same, and records the results of each file.
fn execute_recorded(
    job: &Job,
    engine: &Engine,
    show: &ShowArgs,
    results: Option<Results>,
) -> Result<(RunResult, Result<Exit, Failure>), Failure> {
    let cancel = Cancel::default();
    let asked = cancel.clone();
    // A second handler in one process (tests) is refused; the first one serves.
    let _ = ctrlc::set_handler(move || {
        if asked.is_cancelled() {
            say("ended at once; --resume goes on from the last commit");
            end_at_once(Exit::Interrupted);
        }
        asked.cancel();
    });
    let work = Work {
        job,
        engine,
        show,
        results,
        rows: None,
        ends_program: true,
    };
    let (result, recorded) = conduct(work, &mut |_| {}, &cancel)?;
    let verdict = tell(job, &result, show.quiet, show.report);
    // A run that was interrupted has more to say than that.
    let verdict = verdict.and_then(|exit| recorded.map(|()| exit));
    Ok((result, verdict))
}

/// A run, and who is told of it.
pub(crate) struct Work<'a> {
    pub(crate) job: &'a Job,
    pub(crate) engine: &'a Engine,
    pub(crate) show: &'a ShowArgs,
    /// Where the results of each file are recorded.
    pub(crate) results: Option<Results>,
    /// What gets the output instead of its place.
    pub(crate) rows: Option<Box<dyn Sink>>,
    /// Whether a run that was given up and does not end ends the program.
    pub(crate) ends_program: bool,
}

/// Runs a job, with progress and everything that is written beside the output.
/// The second result is whether what became of each file could be recorded.
pub(crate) fn conduct(
    work: Work<'_>,
    observe: &mut dyn FnMut(&RunSnapshot),
    cancel: &Cancel,
) -> Result<(RunResult, Result<(), Failure>), Failure> {
    let Work { job, show, .. } = work;
    let mut results = work.results;
    quiet_operators();
    allocator::fit(job);
    let mut reporter = Reporter::new(job, show, work.ends_program)?;
    let mut see = |snapshot: &RunSnapshot| {
        reporter.see(snapshot);
        if let Some(results) = &mut results {
            results.see();
        }
        observe(snapshot);
    };
    let result = work.engine.run(job, work.rows, &mut see, cancel);
    reporter.end(&result);
    drop(reporter);
    let recorded = match (&result, results) {
        (Ok(result), Some(results)) => results.end(result, show.quiet),
        (Err(_), Some(results)) => {
            results.failed();
            Ok(())
        }
        (_, None) => Ok(()),
    };
    let result = result?;
    write_page(job, &result);
    if let Some(dir) = &show.live {
        live::report(dir, &report::json(job, &result));
    }
    Ok((result, recorded))
}

/// Writes the page of a run, if there shall be one.
fn write_page(job: &Job, result: &RunResult) {
    if job.examples
        && let Some(path) = job.places.page(&job.run_dir)
        && (!result.was_done || !path.exists())
        && let Err(error) = write_whole(&path, &page::run::render(job, result))
    {
        let path = path.display();
        say(&format!("warning: cannot write {path}: {error}"));
    }
}

/// The report of a run, which is also written to its place.
pub(crate) fn write_report(job: &Job, result: &RunResult) -> Value {
    let json = report::json(job, result);
    // A run may be killed between its last line and its report.
    if let Some(path) = job.places.report(&job.run_dir)
        && (!result.was_done || !path.exists())
        && let Err(error) = write_whole(&path, &format!("{json:#}\n"))
    {
        say(&format!(
            "warning: cannot write {}: {error}",
            path.display()
        ));
    }
    json
}

fn tell(job: &Job, result: &RunResult, quiet: bool, form: ReportForm) -> Result<Exit, Failure> {
    let json = write_report(job, result);
    for warning in &result.warnings {
        say(&format!("warning: {warning}"));
    }
    // Data may be on standard output; then reports for people must not be.
    match form {
        ReportForm::Json if job.output == "-" => say(&format!("{json:#}")),
        ReportForm::Json => drop(print(&format!("{json:#}\n"))?),
        ReportForm::Text if quiet => {}
        ReportForm::Text => say(report::text(job, result).trim_end()),
    }
    verdict(job, result, quiet)
}

/// Writes a file that is there as a whole or not at all.
pub(crate) fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, path)
}

/// What the result means for the user.
pub(crate) fn verdict(job: &Job, result: &RunResult, quiet: bool) -> Result<Exit, Failure> {
    let tally = &result.tally;
    let rejects = job.places.rejects(&job.run_dir);
    if result.was_done && !quiet {
        say(&format!(
            "nothing to do: the run in {} is complete",
            job.run_dir.display()
        ));
    }
    if result.too_many_rejects {
        return Err(Failure {
            message: format!(
                "{} of {} samples were rejected, more than max_rejects allows",
                count(tally.rejected()),
                count(tally.rows_in)
            ),
            hint: Some(if result.complete {
                format!("see {}", rejects.display())
            } else {
                format!(
                    "see {}; with a higher --max-rejects, --resume goes on",
                    rejects.display()
                )
            }),
            exit: Exit::Rejects,
        });
    }
    if !result.complete {
        return Err(Failure {
            message: "interrupted; everything up to here is safe".to_owned(),
            hint: Some("run the same command with --resume to go on".to_owned()),
            exit: Exit::Interrupted,
        });
    }
    if tally.damages > 0 {
        return Err(Failure {
            message: format!(
                "the input is damaged in {} place{}; what lies behind is missing from the output",
                count(tally.damages),
                if tally.damages == 1 { "" } else { "s" }
            ),
            hint: Some(format!("see {}", rejects.display())),
            exit: Exit::Rejects,
        });
    }
    Ok(Exit::Done)
}

/// A panic in an operator becomes a reject that carries its message; a trace
/// on the terminal for each would hide everything else.
pub(crate) fn quiet_operators() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let on_worker = std::thread::current()
                .name()
                .is_some_and(|name| name.starts_with("wrasse-worker"));
            if !on_worker {
                usual(info);
            }
        }));
    });
}
