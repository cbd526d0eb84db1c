//! `wrasse replay`: the rejects of a run, once more.
//!
//! The raw rows of the reject file are run through the recipe, as an input of
//! their own, into an output of their own. Rows that an earlier run wrote are
//! known by their fingerprints, so a deduplicator drops what is already there.

use std::path::Path;

use wrasse_op::Catalog;
use wrasse_run::{Existing, Places, read_rejects};

use crate::Exit;
use crate::args::ReplayArgs;
use crate::backend::Engine;
use crate::failure::{Failure, say};
use crate::load;
use crate::run::{execute, shows_page};
use crate::settings::{Reuse, job};

pub(crate) fn replay(args: &ReplayArgs, catalog: &Catalog) -> Result<Exit, Failure> {
    let recipe = load::load(&args.recipe, catalog, args.show.quiet)?;
    let reuse = Reuse {
        existing: Existing::Restart,
        overwrite: true,
    };
    let mut job = job(recipe, &args.how, reuse, &args.recipe.recipe)?;
    let rejects = job.places.rejects(&job.run_dir);
    let text = std::fs::read_to_string(&rejects).map_err(|error| {
        Failure::usage(format!("cannot read {}: {error}", rejects.display()))
            .with_hint("a run without rejects has no reject file; there is nothing to replay")
    })?;
    let records = read_rejects(&text).map_err(|line| {
        Failure::usage(format!("{}:{line}: not a reject record", rejects.display()))
    })?;
    let replay_dir = job.run_dir.join("replay");
    let (rows, skipped) = raw_rows(&records);
    let input = replay_dir.join("rows.jsonl");
    std::fs::create_dir_all(&replay_dir)
        .and_then(|()| std::fs::write(&input, rows))
        .map_err(|error| Failure::usage(format!("cannot write {}: {error}", input.display())))?;
    if skipped > 0 && !args.show.quiet {
        say(&format!(
            "warning: {skipped} reject(s) hold no whole row (damaged files, rows longer than 1 MiB) and are not replayed"
        ));
    }
    job.output = match &args.output {
        Some(output) => output.clone(),
        None => beside(&job.output),
    };
    job.source.paths = vec![input.to_string_lossy().into_owned()];
    // Files are read anew, wherever it was that they failed.
    if job.source.format != Some(wrasse_io::Format::Files) {
        job.source.format = Some(wrasse_io::Format::Jsonl);
    }
    job.known_from = Some(job.run_dir.clone());
    job.run_dir = replay_dir;
    job.places = Places::default();
    job.guard = args.show.guard();
    job.examples = shows_page(&job, &args.show);
    execute(&job, &Engine::Local, &args.show)?.1
}

/// The rows that are whole, a line each.
fn raw_rows(records: &[wrasse_run::Reject]) -> (Vec<u8>, usize) {
    let mut rows = Vec::new();
    let mut skipped = 0;
    for record in records {
        let whole = record.raw.len() as u64 == record.raw_bytes && !record.raw.is_empty();
        if whole && !record.raw.contains(&b'\n') {
            rows.extend_from_slice(&record.raw);
            rows.push(b'\n');
        } else {
            skipped += 1;
        }
    }
    (rows, skipped)
}

/// `out/clean.jsonl.gz` becomes `out/clean.replay.jsonl.gz`.
fn beside(output: &str) -> String {
    if output == "-" {
        return output.to_owned();
    }
    let path = Path::new(output.trim_end_matches('/'));
    let name = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let name = match name.split_once('.') {
        Some((stem, suffix)) => format!("{stem}.replay.{suffix}"),
        None => format!("{name}.replay/"),
    };
    match output.rsplit_once('/') {
        Some((folder, _)) if !output.ends_with('/') => format!("{folder}/{name}"),
        _ => path.with_file_name(&name).to_string_lossy().into_owned(),
    }
}
