//! [`RunDir`]: the directory of a run, held by one run at a time.
//!
//! | file | content |
//! |---|---|
//! | `manifest.jsonl` | what the run is and how far it is safe |
//! | `rejects.jsonl` | samples and rows that could not be processed |
//! | `dropped.jsonl` | dropped samples with the reason, if traced |
//! | `clusters.jsonl` | which samples are duplicates of which |
//! | `copies-<gate>.bin` | what a deduplicator compared, 32 bytes each; gone when the run is done |
//! | `fingerprints-<gate>.bin` | what a deduplicator has seen, 16 bytes each |
//! | `staging/` | output that is not complete |
//! | `report.json` | the final report |
//! | `report.html` | the same for people, with examples |
//! | `events.jsonl`, `events.1.jsonl` | what happened when: an [`EventLog`](crate::EventLog) |
//! | `lock` | held while a run uses the directory |

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::manifest::{Found, Manifest};
use crate::{Error, EventLog, Header, Resume};

/// What to do with an interrupted run in the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Do not touch it; say how to go on.
    Refuse,
    /// Go on where it stopped, if recipe and input are the same.
    Resume,
    /// Discard it and begin anew.
    Restart,
}

/// Files that a recipe wants in another place than the run directory.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The reject file.
    pub rejects: Option<PathBuf>,
    /// The file of dropped samples.
    pub dropped: Option<PathBuf>,
    /// The final report.
    pub report: ReportPlace,
}

/// Where the final report goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ReportPlace {
    /// `report.json` in the run directory.
    #[default]
    RunDir,
    /// Another file.
    File(PathBuf),
    /// Nowhere.
    Nowhere,
}

impl Places {
    /// The reject file of a run in `run_dir`.
    pub fn rejects(&self, run_dir: &Path) -> PathBuf {
        self.rejects
            .clone()
            .unwrap_or_else(|| run_dir.join("rejects.jsonl"))
    }

    /// The file of dropped samples of a run in `run_dir`.
    pub fn dropped(&self, run_dir: &Path) -> PathBuf {
        self.dropped
            .clone()
            .unwrap_or_else(|| run_dir.join("dropped.jsonl"))
    }

    /// The page beside the final report, if there shall be one.
    pub fn page(&self, run_dir: &Path) -> Option<PathBuf> {
        let report = self.report(run_dir)?;
        Some(report.with_extension("html")).filter(|page| *page != report)
    }

    /// The final report of a run in `run_dir`, if there shall be one.
    pub fn report(&self, run_dir: &Path) -> Option<PathBuf> {
        match &self.report {
            ReportPlace::RunDir => Some(run_dir.join("report.json")),
            ReportPlace::File(path) => Some(path.clone()),
            ReportPlace::Nowhere => None,
        }
    }
}

/// The directory of a run, locked.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    places: Places,
    manifest: Manifest,
    /// Held as long as the directory is in use; the system frees it with the
    /// process, however that ends.
    _lock: File,
}

impl RunDir {
    /// Opens (and creates) the directory for the run that `header` describes.
    ///
    /// # Errors
    ///
    /// If another run holds it, if an interrupted run is there and `existing`
    /// refuses it, if a resumed run would not be the same, or if the directory
    /// cannot be written.
    pub fn open(
        path: &Path,
        places: Places,
        header: &Header,
        existing: Existing,
    ) -> Result<(Self, Resume), Error> {
        let io = |error| {
            Error::io(
                format!("cannot use the run directory {}", path.display()),
                error,
            )
        };
        std::fs::create_dir_all(path).map_err(io)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::usage(format!(
                    "another run is writing to this place (it holds {})",
                    path.join("lock").display()
                ))
                .with_hint("wait for it, stop it, or choose another export_path"));
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        let file = path.join("manifest.jsonl");
        // What is discarded need not be understood.
        let found = match existing {
            Existing::Restart => None,
            Existing::Refuse | Existing::Resume => Manifest::read(&file)?,
        };
        let (manifest, resume) = match found {
            Some(found) if existing == Existing::Resume => {
                if let Some(difference) = difference(&found.header, header) {
                    return Err(Error::usage(format!(
                        "cannot resume the run in {}: {difference}",
                        path.display()
                    ))
                    .with_hint("pass --restart to discard it and begin anew"));
                }
                (Manifest::reopen(&file, &found)?, found.resume)
            }
            Some(Found {
                resume: Resume::At(Some(_)),
                ..
            }) if existing == Existing::Refuse => {
                return Err(Error::usage(format!(
                    "an earlier run in {} was interrupted",
                    path.display()
                ))
                .with_hint("pass --resume to go on where it stopped, or --restart to begin anew"));
            }
            _ => {
                clear(path).map_err(io)?;
                (Manifest::create(&file, header)?, Resume::At(None))
            }
        };
        let dir = Self {
            path: path.to_owned(),
            places,
            manifest,
            _lock: lock,
        };
        match &resume {
            // The run may have ended between its last line and this.
            Resume::Done(_) => dir.remove_staging(),
            Resume::At(_) => std::fs::create_dir_all(dir.staging()).map_err(io)?,
        }
        Ok((dir, resume))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where output that is not complete lies.
    pub fn staging(&self) -> PathBuf {
        self.path.join("staging")
    }

    /// Removes the staging folder if the sink left nothing in it, and what
    /// gates compared.
    pub(crate) fn remove_staging(&self) {
        // What stays does no harm.
        let _ = std::fs::remove_dir(self.staging());
        let entries = std::fs::read_dir(&self.path).into_iter().flatten();
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with("copies-") {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    /// The reject file.
    pub fn rejects(&self) -> PathBuf {
        self.places.rejects(&self.path)
    }

    /// The file of dropped samples.
    pub fn dropped(&self) -> PathBuf {
        self.places.dropped(&self.path)
    }

    /// The file of what operators wrote down; there is none if they did not.
    pub fn told(&self) -> PathBuf {
        self.path.join(TOLD_NAME)
    }

    /// The file of clusters.
    pub fn clusters(&self) -> PathBuf {
        self.path.join(CLUSTERS_NAME)
    }

    /// What gate `gate` compared.
    pub(crate) fn copies(&self, gate: usize) -> PathBuf {
        self.path.join(format!("copies-{gate}.bin"))
    }

    /// What gate `gate` has seen.
    pub fn fingerprints(&self, gate: usize) -> PathBuf {
        self.path.join(fingerprints_name(gate))
    }

    pub(crate) fn manifest(&mut self) -> &mut Manifest {
        &mut self.manifest
    }

    /// Whether the directory at `path` holds a run that is done: its output
    /// may be replaced.
    pub fn is_done(path: &Path) -> bool {
        matches!(
            Manifest::read(&path.join("manifest.jsonl")),
            Ok(Some(Found {
                resume: Resume::Done(_),
                ..
            }))
        )
    }

    /// The input of the run that the directory at `path` holds, as in
    /// [`Header::inputs`]; `None` if it holds none.
    pub fn inputs_of(path: &Path) -> Option<Vec<(String, String)>> {
        let found = Manifest::read(&path.join("manifest.jsonl")).ok()??;
        Some(found.header.inputs)
    }

    /// Whether the directory at `path` holds a run that was interrupted.
    pub fn is_interrupted(path: &Path) -> bool {
        matches!(
            Manifest::read(&path.join("manifest.jsonl")),
            Ok(Some(Found {
                resume: Resume::At(_),
                ..
            }))
        )
    }
}

const CLUSTERS_NAME: &str = "clusters.jsonl";

/// See [`RunDir::told`].
const TOLD_NAME: &str = "told.jsonl";

fn is_of_gates(name: &str) -> bool {
    let is = |stem| name.starts_with(stem) && name.ends_with(".bin");
    is("fingerprints-") || is("copies-")
}

pub(crate) fn fingerprints_name(gate: usize) -> String {
    format!("fingerprints-{gate}.bin")
}

/// Removes what an earlier run left; nothing that a run does not write.
fn clear(path: &Path) -> std::io::Result<()> {
    // First what vouches for the rest, so that a crash half-way leaves nothing
    // that can be resumed.
    match std::fs::remove_file(path.join("manifest.jsonl")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let ours = matches!(
            name.as_ref(),
            "rejects.jsonl"
                | "dropped.jsonl"
                | CLUSTERS_NAME
                | TOLD_NAME
                | "report.json"
                | "report.json.new"
                | "report.html"
                | "report.html.new"
                | EventLog::NAME
                | EventLog::OLD_NAME
        ) || is_of_gates(&name);
        if ours {
            std::fs::remove_file(entry.path())?;
        } else if name == "staging" {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// What makes two runs different, in words; `None` if nothing does.
fn difference(old: &Header, new: &Header) -> Option<String> {
    if old.recipe != new.recipe {
        let mut paths = Vec::new();
        compare(&old.recipe, &new.recipe, String::new(), &mut paths);
        let more = paths.len().saturating_sub(3);
        paths.truncate(3);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        return Some(format!("the recipe changed: {}{more}", paths.join(", ")));
    }
    for (old, new) in old.inputs.iter().zip(&new.inputs) {
        if old.0 != new.0 {
            return Some(format!("the input changed: `{}` was `{}`", new.0, old.0));
        }
        if old.1 != new.1 {
            return Some(format!(
                "the input file `{}` changed (it was {}, it is {})",
                old.0, old.1, new.1
            ));
        }
    }
    if old.inputs.len() != new.inputs.len() {
        return Some(format!(
            "the input had {} files, it has {}",
            old.inputs.len(),
            new.inputs.len()
        ));
    }
    if (old.split_bytes, old.block_bytes) != (new.split_bytes, new.block_bytes) {
        return Some("the size of splits or blocks changed".to_owned());
    }
    if old.trace_dropped != new.trace_dropped {
        let change = match new.trace_dropped {
            true => "were not recorded, now they are",
            false => "were recorded, now they are not",
        };
        return Some(format!("dropped samples {change}"));
    }
    (old.version != new.version).then(|| {
        format!(
            "it was begun by version {}, this is {}",
            old.version, new.version
        )
    })
}

fn compare(old: &Value, new: &Value, path: String, out: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(olds), Value::Object(news)) => {
            for (key, old) in olds {
                compare(
                    old,
                    news.get(key).unwrap_or(&Value::Null),
                    format!("{path}.{key}"),
                    out,
                );
            }
            for (key, new) in news.iter().filter(|(key, _)| !olds.contains_key(*key)) {
                compare(&Value::Null, new, format!("{path}.{key}"), out);
            }
        }
        (Value::Array(olds), Value::Array(news)) if olds.len() == news.len() => {
            for (i, (old, new)) in olds.iter().zip(news).enumerate() {
                compare(old, new, format!("{path}[{i}]"), out);
            }
        }
        (old, new) if old != new => {
            out.push(format!(
                "`{}` was {old}, is {new}",
                path.trim_start_matches('.')
            ));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn header(recipe: Value) -> Header {
        Header {
            recipe,
            inputs: vec![("a.jsonl".into(), "10 bytes".into())],
            split_bytes: 1,
            block_bytes: 1,
            trace_dropped: false,
            version: "0.1.0".into(),
        }
    }

    #[test]
    fn what_changed_is_named() {
        let old = header(json!({"process": [{"text_length_filter": {"max_len": 5}}]}));
        let new = header(json!({"process": [{"text_length_filter": {"max_len": 6}}]}));
        assert_eq!(
            difference(&old, &new).unwrap(),
            "the recipe changed: `process[0].text_length_filter.max_len` was 5, is 6"
        );
        let mut moved = old.clone();
        moved.inputs[0].1 = "11 bytes".into();
        assert!(
            difference(&old, &moved)
                .unwrap()
                .contains("`a.jsonl` changed")
        );
        assert_eq!(difference(&old, &old), None);
    }
}
