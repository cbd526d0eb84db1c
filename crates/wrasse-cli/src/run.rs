//! `wrasse run`.

use std::net::SocketAddr;
use std::path::Path;

use wrasse_local::{Cancel, Job, RunResult};
use wrasse_op::Catalog;
use wrasse_run::{EventLog, Existing, Stalled};

use crate::Exit;
use crate::args::{ReportForm, RunArgs};
use crate::failure::{Failure, print, say};
use crate::metrics_server::{self, Last};
use crate::progress::Progress;
use crate::settings::{Reuse, job};
use crate::table::count;
use crate::{dry_run, load, report};

pub(crate) fn run(args: &RunArgs, catalog: &Catalog) -> Result<Exit, Failure> {
    let recipe = load::load(&args.recipe, catalog, args.quiet)?;
    let reuse = Reuse {
        existing: match (args.resume, args.restart) {
            (true, _) => Existing::Resume,
            (_, true) => Existing::Restart,
            _ => Existing::Refuse,
        },
        overwrite: args.overwrite,
    };
    let job = job(recipe, &args.how, reuse, &args.recipe.recipe)?;
    match args.dry_run {
        Some(sample) => dry_run::dry_run(&job, sample, args.report),
        None => {
            let show = Show {
                quiet: args.quiet,
                verbose: args.verbose,
                metrics_addr: args.metrics_addr,
                patience_s: args.no_progress_timeout,
                form: args.report,
            };
            execute(&job, &show)
        }
    }
}

/// What is shown of a run, to whom.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Show {
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
    pub(crate) metrics_addr: Option<SocketAddr>,
    /// Seconds without progress that end the run; 0 for never.
    pub(crate) patience_s: u64,
    pub(crate) form: ReportForm,
}

/// Runs a job with progress, and tells how it went.
pub(crate) fn execute(job: &Job, show: &Show) -> Result<Exit, Failure> {
    quiet_operators();
    let cancel = Cancel::default();
    let asked = cancel.clone();
    // A second handler in one process (tests) is refused; the first one serves.
    let _ = ctrlc::set_handler(move || {
        if asked.is_cancelled() {
            end_at_once();
        }
        asked.cancel();
    });
    let last = Last::default();
    if let Some(addr) = show.metrics_addr {
        let addr = metrics_server::serve(addr, last.clone()).map_err(|error| Failure {
            message: format!("cannot serve metrics at {addr}: {error}"),
            hint: Some("choose another --metrics-addr, or port 0 for any that is free".to_owned()),
            exit: Exit::Usage,
        })?;
        say(&format!("metrics at http://{addr}/metrics"));
    }
    let mut progress = Progress::new(show.quiet, show.verbose);
    let mut events = None;
    let mut seen = None;
    let result = wrasse_local::run(
        job,
        &mut |snapshot| {
            // The run directory is there by now.
            let path = job.run_dir.join(EVENTS);
            let events = events.get_or_insert_with(|| EventLog::open(Some(&path)));
            events.observe(snapshot);
            progress.show(snapshot);
            if show.metrics_addr.is_some() {
                last.set(snapshot);
            }
            if let Some(stalled) = &snapshot.stalled
                && show.patience_s > 0
                && stalled.seconds >= show.patience_s as f64
            {
                events.end("stalled", Some(snapshot));
                progress.end();
                give_up(stalled);
            }
            seen = Some(snapshot.clone());
        },
        &cancel,
    );
    progress.end();
    if let Some(events) = &mut events {
        let how = match &result {
            Ok(result) if result.complete => "done",
            Ok(_) => "interrupted",
            Err(_) => "failed",
        };
        events.end(how, seen.as_ref());
    }
    tell(job, &result?, show.quiet, show.form)
}

/// The file of events in the run directory.
const EVENTS: &str = "events.jsonl";

/// Nothing moves: a thread may be stuck for ever, and cannot be stopped.
#[expect(
    clippy::exit,
    reason = "the threads that would have to end may be stuck"
)]
fn give_up(stalled: &Stalled) -> ! {
    let holder = stalled.holder.as_ref();
    let holder = holder.map_or(String::new(), |holder| format!(", held by `{holder}`"));
    say(&format!(
        "error: nothing has moved for {:.0} s: stage `{}` waits for {}{holder}\n\
         hint: --resume goes on from the last commit; --no-progress-timeout sets the time",
        stalled.seconds, stalled.stage, stalled.waits_for
    ));
    std::process::exit(Exit::Failed as i32)
}

/// Asked a second time: what is committed is safe, and a read from a pipe may
/// never return.
#[expect(
    clippy::exit,
    reason = "the threads that would have to end may be stuck"
)]
fn end_at_once() -> ! {
    say("ended at once; --resume goes on from the last commit");
    std::process::exit(Exit::Interrupted as i32)
}

fn tell(job: &Job, result: &RunResult, quiet: bool, form: ReportForm) -> Result<Exit, Failure> {
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
fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension("json.new");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, path)
}

fn verdict(job: &Job, result: &RunResult, quiet: bool) -> Result<Exit, Failure> {
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
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let on_worker = std::thread::current()
            .name()
            .is_some_and(|name| name.starts_with("wrasse-worker"));
        if !on_worker {
            usual(info);
        }
    }));
}
