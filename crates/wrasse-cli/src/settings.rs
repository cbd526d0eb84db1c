//! From a recipe and flags to a [`Job`]. Flags win over the recipe, the recipe
//! over the defaults.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wrasse_core::ByteCount;
use wrasse_io::{Format, SourceSpec};
use wrasse_local::Job;
use wrasse_plan::Plan;
use wrasse_recipe::{FileChoice, Place, Recipe, RejectLimit};
use wrasse_run::{Existing, Guard, MaxRejects, PassSettings, Places, ReportPlace};

use crate::args::HowArgs;
use crate::devices;
use crate::failure::{Failure, say};
use crate::load::Loaded;

/// Bytes of rows in a block: large enough that handing it from thread to
/// thread costs nothing, small enough that a few hundred threads fit in memory.
const BLOCK_BYTES: ByteCount = ByteCount(512 << 10);
/// Bytes in a split: the unit in which large files are shared out.
const SPLIT_BYTES: ByteCount = ByteCount(64 << 20);
/// A commit costs a sync: after this much output, and every few seconds.
const COMMIT_BYTES: ByteCount = ByteCount(256 << 20);
/// The longest row: longer ones are rejected, not held.
const ROW_BYTES_MAX: ByteCount = ByteCount(64 << 20);

/// What a command does with an interrupted run and a foreign output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reuse {
    pub(crate) existing: Existing,
    pub(crate) overwrite: bool,
}

/// The job that `recipe` and `how` describe. `file` is the recipe's own path.
pub(crate) fn job(loaded: Loaded, how: &HowArgs, reuse: Reuse, file: &str) -> Result<Job, Failure> {
    let Loaded { recipe, python } = loaded;
    let settings = recipe.settings.clone();
    let canonical = recipe.canonical().json().clone();
    let source = source(&recipe, file)?;
    let output = recipe
        .output
        .path
        .clone()
        .unwrap_or_else(|| default_output(&recipe, file));
    let format = recipe
        .output
        .format
        .as_deref()
        .map(|name| format(name, recipe.output.format_place, file))
        .transpose()?;
    let run_dir = how
        .run_dir
        .clone()
        .or_else(|| settings.run_dir.clone().map(PathBuf::from))
        .unwrap_or_else(|| default_run_dir(&output, &recipe, file));
    let pass = PassSettings {
        clusters: true,
        keep_stats: recipe.output.keep_stats,
        keep_hashes: recipe.output.keep_hashes,
        // A task accounts for every file, with the reason.
        trace_dropped: how.trace_dropped
            || recipe.task.is_some()
            || !matches!(settings.trace_dropped, None | Some(FileChoice::No)),
        measuring: None,
        examples_share: None,
    };
    let limit = [how.limit, settings.limit, recipe.input.samples_max]
        .into_iter()
        .flatten()
        .min();
    let threads = how.threads.or(settings.threads).unwrap_or_else(processors);
    Ok(Job {
        source,
        output,
        format,
        part_bytes: recipe.output.shard_bytes.filter(|size| size.0 > 0),
        run_dir,
        places: Places {
            rejects: settings.rejects.clone().map(PathBuf::from),
            dropped: match &settings.trace_dropped {
                Some(FileChoice::Path(path)) => Some(PathBuf::from(path)),
                _ => None,
            },
            report: match &settings.report {
                None | Some(FileChoice::Usual) => ReportPlace::RunDir,
                Some(FileChoice::Path(path)) => ReportPlace::File(PathBuf::from(path)),
                Some(FileChoice::No) => ReportPlace::Nowhere,
            },
        },
        pass,
        recipe: canonical,
        threads,
        devices: devices::of_this_machine(how.gpus, how.npus),
        memory: how.memory.or(settings.memory),
        limit,
        max_rejects: match how.max_rejects.or(settings.max_rejects) {
            None => MaxRejects::Unlimited,
            Some(RejectLimit::Count(n)) => MaxRejects::Count(n),
            Some(RejectLimit::Percent(share)) => MaxRejects::Percent(share),
        },
        existing: reuse.existing,
        overwrite: reuse.overwrite,
        known_from: None,
        examples: false,
        split_bytes: settings.split_bytes.unwrap_or(SPLIT_BYTES),
        block_bytes: BLOCK_BYTES,
        commit_bytes: how.commit_bytes.unwrap_or(COMMIT_BYTES),
        guard: Guard::default(),
        python,
        row_bytes_max: settings.max_row_bytes.unwrap_or(ROW_BYTES_MAX),
        plan: Arc::new(Plan::new(
            recipe.steps.into_iter().map(|step| step.operator).collect(),
        )),
    })
}

pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn source(recipe: &Recipe, file: &str) -> Result<SourceSpec, Failure> {
    sampling(recipe, file)?;
    let mut formats = Vec::new();
    for entry in &recipe.input.entries {
        if entry.limit.is_some() {
            return Err(at(
                Some(entry.place),
                file,
                "a limit for one input is not supported",
            )
            .with_hint("use the recipe's `limit`, which counts over all inputs"));
        }
        formats.extend(
            entry
                .format
                .as_deref()
                .map(|name| format(name, Some(entry.place), file)),
        );
    }
    let formats: Vec<Format> = formats.into_iter().collect::<Result<_, _>>()?;
    if formats.iter().any(|format| Some(format) != formats.first())
        || (!formats.is_empty() && formats.len() < recipe.input.entries.len())
    {
        let place = recipe.input.entries.first().map(|entry| entry.place);
        return Err(at(
            place,
            file,
            "inputs of several formats cannot be named at once",
        )
        .with_hint("leave `format` away: each file's name and first bytes tell"));
    }
    Ok(SourceSpec {
        paths: recipe
            .input
            .entries
            .iter()
            .map(|entry| resolve(&entry.path, file))
            .collect(),
        format: formats.first().copied(),
        suffixes: recipe.input.suffixes.clone(),
        text_key: recipe
            .text_keys
            .first()
            .cloned()
            .unwrap_or_else(|| "text".to_owned()),
        fields: recipe
            .task
            .as_ref()
            .map_or_else(Default::default, |task| task.fields.clone()),
        exclude: Vec::new(),
    })
}

/// Data-Juicer draws samples at random when `max_sample_num` is set, by weight
/// if weights are given; without it, weights do nothing. Here the first
/// samples are taken, which a weight cannot mean.
fn sampling(recipe: &Recipe, file: &str) -> Result<(), Failure> {
    let weighted = recipe
        .input
        .entries
        .iter()
        .find(|entry| entry.weight.is_some_and(|weight| weight != 1.0));
    match (recipe.input.samples_max, weighted) {
        (Some(_), Some(entry)) => Err(at(
            Some(entry.place),
            file,
            "drawing samples by weight (`max_sample_num` with weights) is not supported",
        )
        .with_hint("remove the weights: then the first samples are taken")),
        (Some(max), None) => {
            say(&format!(
                "warning: `max_sample_num` takes the first {max} samples, not random ones"
            ));
            Ok(())
        }
        (None, Some(_)) => {
            say(
                "warning: weights have no effect without `max_sample_num`: every input is read in full",
            );
            Ok(())
        }
        (None, None) => Ok(()),
    }
}

/// Paths count from the current folder, as in Data-Juicer; one that is not
/// there is looked for beside the recipe.
fn resolve(path: &str, file: &str) -> String {
    let plain = Path::new(path);
    if path == "-" || path.contains("://") || plain.is_absolute() || exists(plain) {
        return path.to_owned();
    }
    match Path::new(file).parent().map(|folder| folder.join(plain)) {
        Some(beside) if exists(&beside) => beside.to_string_lossy().into_owned(),
        _ => path.to_owned(),
    }
}

/// Whether the path is there; of a glob, the folder before the first wildcard.
fn exists(path: &Path) -> bool {
    let plain: PathBuf = path
        .components()
        .take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']))
        .collect();
    plain.as_os_str().is_empty() || plain.exists()
}

fn format(name: &str, place: Option<Place>, file: &str) -> Result<Format, Failure> {
    Ok(
        match name.trim_start_matches('.').to_ascii_lowercase().as_str() {
            "jsonl" | "json" | "ndjson" | "jsonlines" => Format::Jsonl,
            "parquet" => Format::Parquet,
            "csv" => Format::Csv,
            "tsv" => Format::Tsv,
            "txt" | "text" | "md" | "html" => Format::Text,
            "document" | "documents" | "pdf" | "docx" | "pptx" | "xlsx" => Format::Document,
            "files" => Format::Files,
            _ => {
                return Err(at(
                    place,
                    file,
                    format!(
                        "unknown format `{name}`, expected jsonl, parquet, csv, tsv, text, documents or files"
                    ),
                ));
            }
        },
    )
}

fn at(place: Option<Place>, file: &str, message: impl AsRef<str>) -> Failure {
    let message = message.as_ref();
    Failure::usage(match place {
        Some(place) => format!("{file}:{}:{}: {message}", place.line, place.column),
        None => format!("{file}: {message}"),
    })
}

fn name(recipe: &Recipe, file: &str) -> String {
    recipe.name.clone().unwrap_or_else(|| {
        Path::new(file).file_stem().map_or_else(
            || "recipe".to_owned(),
            |stem| stem.to_string_lossy().into_owned(),
        )
    })
}

fn default_output(recipe: &Recipe, file: &str) -> String {
    format!("outputs/{}.jsonl", name(recipe, file))
}

/// `out/clean.jsonl.gz` gets `out/clean.wrasse`; what is not on a local disk
/// gets `<name>.wrasse` in the current folder.
fn default_run_dir(output: &str, recipe: &Recipe, file: &str) -> PathBuf {
    if output == "-" || output.contains("://") {
        return PathBuf::from(format!("{}.wrasse", name(recipe, file)));
    }
    let path = Path::new(output.trim_end_matches('/'));
    let stem = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let stem = match stem.split_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem.to_owned(),
        _ => stem,
    };
    path.with_file_name(format!("{stem}.wrasse"))
}
