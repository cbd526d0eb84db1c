//! What lies where a run's output shall be: what an earlier run wrote, and what is
//! not to be lost.

use std::path::Path;

use wrasse_io::{Format, Inputs, missing_export};
use wrasse_run::{Done, Error, RunDir};

use crate::{Job, RunResult};

/// An earlier run was complete: its output must still be there.
pub(crate) fn done_before(job: &Job, done: Done, threads: usize) -> Result<RunResult, Error> {
    let is_folder_of_files = job.format == Some(Format::Files);
    if is_folder_of_files
        && let Some(missing) = missing_export(&job.run_dir, Path::new(&job.output))?
    {
        return Err(Error::usage(format!(
            "the run in {} is complete, but {missing}",
            job.run_dir.display()
        ))
        .with_hint("pass --restart to make it anew"));
    }
    let is_local = job.output != "-" && !job.output.contains("://") && !is_folder_of_files;
    for part in done.parts.iter().filter(|_| is_local) {
        let bytes = std::fs::metadata(&part.path)
            .map(|metadata| metadata.len())
            .ok();
        if bytes != Some(part.bytes) {
            let is = bytes.map_or_else(|| "is gone".to_owned(), |n| format!("has {n} bytes"));
            return Err(Error::usage(format!(
                "the run in {} is complete, but {} {is}; it had {} bytes",
                job.run_dir.display(),
                part.path,
                part.bytes
            ))
            .with_hint("pass --restart to make it anew"));
        }
    }
    Ok(RunResult {
        too_many_rejects: job.max_rejects.is_exceeded(&done.tally),
        tally: done.tally,
        examples: done.examples,
        parts: done.parts,
        conflicts: Vec::new(),
        warnings: Vec::new(),
        complete: true,
        was_done: true,
        resumed: true,
        elapsed_s: 0.0,
        cpu_s: None,
        peak_bytes: 0,
        threads,
    })
}

/// An output that a run of Wrasse wrote may be replaced by the next; anything
/// else only if the user says so.
pub(crate) fn may_replace_output(job: &Job) -> Result<bool, Error> {
    let path = Path::new(&job.output);
    let is_file = path.is_file();
    let is_full_folder =
        path.is_dir() && std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
    let ours = RunDir::is_done(&job.run_dir) || RunDir::is_interrupted(&job.run_dir);
    // Exported files find their place among those of others.
    let shares_folder = job.format == Some(Format::Files) && !is_file;
    if shares_folder {
        return Ok(ours);
    }
    if (is_file || is_full_folder) && !ours && !job.overwrite {
        return Err(Error::usage(format!(
            "the output {} exists and was not written by an earlier run",
            job.output
        ))
        .with_hint("pass --overwrite to replace it, or choose another export_path"));
    }
    Ok(ours || job.overwrite)
}

/// Parts of an earlier run are removed when a new one begins; an input that has
/// the name of a part would be lost with them.
pub(crate) fn refuse_input_among_parts(job: &Job, inputs: &Inputs) -> Result<(), Error> {
    if job.format == Some(Format::Files) {
        return Ok(());
    }
    let output = Path::new(&job.output);
    let is_folder = job.output.ends_with('/') || output.is_dir() || output.extension().is_none();
    let folder = match (is_folder, job.part_bytes, output.parent()) {
        (true, ..) => output,
        (false, Some(_), Some(parent)) if parent.as_os_str().is_empty() => Path::new("."),
        (false, Some(_), Some(parent)) => parent,
        _ => return Ok(()),
    };
    let Ok(folder) = folder.canonicalize() else {
        return Ok(());
    };
    let stem = output
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let stem = stem
        .as_deref()
        .and_then(|name| name.split('.').next())
        .unwrap_or_default();
    for file in &inputs.files {
        let Ok(path) = Path::new(&file.path).canonicalize() else {
            continue;
        };
        let name = path
            .file_name()
            .map_or_else(Default::default, |name| name.to_string_lossy());
        let is_part = is_folder || name.starts_with(&format!("{stem}-")) && name.contains("-of-");
        if path.parent() == Some(&folder) && is_part {
            return Err(Error::usage(format!(
                "the input {} lies among the parts of the output {}",
                file.path, job.output
            ))
            .with_hint("choose another export_path: the parts there would be replaced"));
        }
    }
    Ok(())
}
