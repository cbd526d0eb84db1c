//! `wrasse explain`.

use std::fmt::Write as _;

use wrasse_core::ByteCount;
use wrasse_local::{Job, PoolView, View};
use wrasse_op::Catalog;
use wrasse_run::Existing;

use crate::Exit;
use crate::args::ExplainArgs;
use crate::failure::{Failure, print, say};
use crate::load;
use crate::settings::{Reuse, job};
use crate::table::count;

pub(crate) fn explain(args: &ExplainArgs, catalog: &Catalog) -> Result<Exit, Failure> {
    let recipe = load::load(&args.recipe, catalog, false)?;
    let reuse = Reuse {
        existing: Existing::Refuse,
        overwrite: false,
    };
    let job = job(recipe, &args.how, reuse, &args.recipe.recipe)?;
    let view = wrasse_local::explain(&job)?;
    for warning in &view.warnings {
        say(&format!("warning: {warning}"));
    }
    print(&text(&job, &view))
}

fn processes(pool: &PoolView) -> String {
    let mut text = format!("{}: {} worker process(es)", pool.name, pool.workers);
    if pool.workers < pool.wanted {
        let _ = write!(text, " of {} that it could use", pool.wanted);
    }
    match pool.memory {
        Some(memory) => {
            let sum = ByteCount(memory.0 * u64::from(pool.workers));
            let _ = write!(text, ", of {memory} each: {sum}");
        }
        None => text.push_str(", whose memory is measured when they are up"),
    }
    for devices in &pool.devices {
        let _ = write!(text, "; {devices}");
    }
    text
}

/// How the job would run, for people.
pub(crate) fn text(job: &Job, view: &View) -> String {
    let mut text = String::new();
    let bytes = view
        .bytes
        .map_or_else(|| "unknown size".to_owned(), |n| ByteCount(n).to_string());
    let _ = writeln!(
        text,
        "input    {} file(s), {bytes}, {} split(s) of about {}",
        count(view.n_files as u64),
        count(view.n_splits as u64),
        job.split_bytes
    );
    let _ = writeln!(text, "output   {}", job.output);
    let _ = writeln!(text, "run dir  {}", job.run_dir.display());
    text.push('\n');
    text.push_str(&job.plan.explain());
    text.push('\n');
    let _ = writeln!(text, "threads  {}", view.budget.threads);
    let limit = job
        .memory
        .map_or_else(|| "none".to_owned(), |limit| limit.to_string());
    let _ = writeln!(
        text,
        "memory   limit {limit}; {} for up to {} blocks of about {} in flight",
        view.budget.blocks, view.budget.blocks_in_flight, job.block_bytes
    );
    for pool in &view.pools {
        let _ = writeln!(text, "python   {}", processes(pool));
    }
    let dedups = job
        .plan
        .operators()
        .iter()
        .filter(|op| op.decides_in_order())
        .count();
    if dedups > 0 {
        let _ = writeln!(
            text,
            "         and 17 to 23 bytes for each distinct document at each deduplicator ({dedups})"
        );
    }
    text
}
