//! [`Place`]: where parts lie while they grow, and how they get their names.
//!
//! Unfinished parts lie in the staging folder if a file can be renamed from
//! there into the output folder, else beside the output, hidden
//! (`.x-00000.jsonl.partial`): a rename is the one way for a file to appear
//! whole, and it works within one file system only. Which of the two holds is
//! found out by trying, when the sink is opened; that also tells at once if
//! the output cannot be written.
//!
//! Every name that is given is noted in `published.jsonl` in the staging folder
//! first. A sink that is opened at an earlier position takes these names back,
//! and only these: files of others are never touched. A folder that holds parts
//! of an earlier run is refused, or they are removed if the owner says so: those
//! in a folder of parts before the first new one, counted ones when the new ones
//! are complete.
//!
//! Parts for a store, and files for standard output, are staged here and handed
//! over when complete. The staged copy of an uploaded part goes when two
//! commits have covered it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Part;
use super::fault::fault;
use super::ground::Ground;
use super::part_task::WrittenFile;
use super::staged::{sync_folder, write_whole};
use super::target::{Shape, Target};
use crate::Error;
use crate::store::{Object, upload};

/// The names that were given.
const JOURNAL: &str = "published.jsonl";
/// The rows of a table until it is made.
pub(super) const ROWS: &str = "rows.zst";
/// Says that workers have written to the store.
const WORKERS: &str = "workers";
/// The segments that workers have written of these rows.
pub(super) const SEGMENTS: &str = "segments.jsonl";

/// A name that was given.
#[derive(Serialize, Deserialize)]
struct Published {
    index: usize,
    name: String,
}

/// The folders of one sink.
pub(super) struct Place {
    target: Target,
    staging: PathBuf,
    /// Where unfinished parts lie.
    parts: PathBuf,
    /// The output folder, if it is a local one.
    folder: Option<PathBuf>,
    published: BTreeMap<usize, String>,
    /// Whether parts of an earlier run may be removed.
    replace: bool,
}

impl Place {
    /// Makes the folders, and takes back all names but those of the first
    /// `n_committed` parts; `None` for a new output.
    pub(super) fn open(
        target: Target,
        staging: &Path,
        n_committed: Option<usize>,
        replace: bool,
    ) -> Result<Self, Error> {
        make_folder(staging)?;
        let local = !target.remote && target.shape != Shape::Stdout;
        let folder = local.then(|| match target.folder() {
            "" => PathBuf::from("."),
            folder => PathBuf::from(folder),
        });
        let mut parts = staging.to_owned();
        if let Some(folder) = &folder {
            make_folder(folder)?;
            if !can_rename(staging, folder)? {
                parts.clone_from(folder);
            }
        }
        let mut place = Self {
            target,
            staging: staging.to_owned(),
            parts,
            folder,
            published: BTreeMap::new(),
            replace,
        };
        place.read_journal()?;
        let taken = place.take_back(n_committed)?;
        if n_committed.is_none() {
            place.make_room(&taken)?;
        }
        Ok(place)
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// The path of part `index` while it is unfinished.
    pub(super) fn staged(&self, index: usize) -> PathBuf {
        self.parts.join(self.target.staged_name(index))
    }

    /// The path of a file that the sink keeps for itself.
    pub(super) fn side_file(&self, name: &str) -> PathBuf {
        self.staging.join(name)
    }

    /// Gives all parts their names, if these wait until all are complete.
    pub(super) fn publish_all(&mut self, parts: &mut [Part]) -> Result<(), Error> {
        if matches!(self.target.shape, Shape::File | Shape::Counted) {
            let total = parts.len();
            for (index, part) in parts.iter_mut().enumerate() {
                part.path = self.publish(index, total)?;
            }
        }
        Ok(())
    }

    /// Gives part `index`, complete and synced, its name among `total` parts;
    /// returns its path or address.
    pub(super) fn publish(&mut self, index: usize, total: usize) -> Result<String, Error> {
        let staged = self.staged(index);
        let name = self.target.name(index, total);
        let path = format!("{}{name}", self.target.folder());
        if self.target.shape == Shape::Counted && index == 0 && self.replace {
            self.remove_parts_of_others()?;
        }
        self.published.insert(index, name.clone());
        self.write_journal()?;
        match &self.folder {
            Some(folder) => {
                let place = folder.join(&name);
                fs::rename(&staged, &place)
                    .map_err(|e| fault(&place, "cannot rename into place", e))?;
                sync_folder(folder)?;
            }
            None if self.target.shape == Shape::Stdout => {
                let copied = File::open(&staged)
                    .and_then(|mut file| io::copy(&mut file, &mut io::stdout().lock()))
                    .and_then(|_| io::stdout().flush());
                copied.map_err(|e| fault(Path::new("-"), "cannot write", e))?;
            }
            None => upload(&staged, &path)?,
        }
        Ok(path)
    }

    /// Checks that the complete parts are where they were at a commit.
    pub(super) fn check(&self, parts: &[Part]) -> Result<(), Error> {
        for (index, part) in parts.iter().enumerate() {
            let path = match (&self.folder, self.target.shape) {
                (Some(_), Shape::Folder) => PathBuf::from(&part.path),
                (Some(_), _) | (None, Shape::Counted) => self.staged(index),
                (None, _) => continue,
            };
            let bytes = match fs::metadata(&path) {
                Ok(metadata) => metadata.len(),
                Err(e) => return Err(fault(&path, "a complete part cannot be found", e)),
            };
            if bytes != part.bytes {
                return Err(Error::new(
                    path.display().to_string(),
                    format!(
                        "a complete part has {bytes} bytes, {} were committed",
                        part.bytes
                    ),
                )
                .with_hint("the run cannot be resumed; start it anew"));
            }
        }
        Ok(())
    }

    /// Where workers write.
    pub(super) fn ground(&self) -> Result<Ground, Error> {
        if self.target.remote {
            return Ok(Ground::Store(self.target.folder().to_owned()));
        }
        let folder = std::path::absolute(&self.parts)
            .map_err(|e| Error::io(self.target.path(), "has no absolute path", e))?;
        Ok(Ground::Folder(folder))
    }

    /// Workers will write: in a store, where they leave files is noted, since nobody
    /// looks there otherwise.
    pub(super) fn has_workers(&self) -> Result<(), Error> {
        match self.target.remote {
            true => write_whole(&self.side_file(WORKERS), b""),
            false => Ok(()),
        }
    }

    /// Takes in the file that a worker has written for part `index`, in the folder
    /// of unfinished parts.
    pub(super) fn accept(
        &mut self,
        index: usize,
        rows: u64,
        WrittenFile { file, .. }: &WrittenFile,
    ) -> Result<Part, Error> {
        let (rows, bytes, xxh3) = (rows, file.bytes, file.xxh3.clone());
        if self.target.remote {
            let name = self.target.name(index, 0);
            self.published.insert(index, name.clone());
            self.write_journal()?;
            let path = format!("{}{name}", self.target.folder());
            let ground = self.ground()?;
            let from = Object::at(&ground.path(&file.name).display().to_string())?;
            from.copy_to(&Object::at(&path)?)?;
            from.delete()?;
            return Ok(Part {
                path,
                rows,
                bytes,
                xxh3,
            });
        }
        let (from, to) = (self.parts.join(&file.name), self.staged(index));
        fs::rename(&from, &to).map_err(|e| {
            fault(&from, "cannot rename the part", e).with_hint(
                "a worker has written it: where the workers of a cluster are other machines, \
                 pass --ray-shared-paths only if the folder is the same on all of them",
            )
        })?;
        let path = match self.target.shape {
            Shape::Folder => self.publish(index, 0)?,
            _ => String::new(),
        };
        Ok(Part {
            path,
            rows,
            bytes,
            xxh3,
        })
    }

    /// Removes files of workers, but for those to `keep`.
    pub(super) fn sweep(&self, keep: &[&str]) -> Result<(), Error> {
        match self.target.remote && !exists(&self.side_file(WORKERS))? {
            true => Ok(()),
            false => self.ground()?.sweep(&self.target, keep),
        }
    }

    /// The side files of part `index`.
    pub(super) fn tails(&self, index: usize) -> [PathBuf; 2] {
        [0, 1].map(|slot| self.side_file(&format!("tail-{index:05}-{slot}")))
    }

    /// Frees what was kept of complete parts for the sake of earlier commits:
    /// their side files, and the staged copies of uploaded ones.
    pub(super) fn release(&mut self, parts: Range<usize>) -> Result<(), Error> {
        for index in parts {
            for tail in self.tails(index) {
                remove(&tail)?;
            }
            if self.folder.is_none() && self.target.shape == Shape::Folder {
                remove(&self.staged(index))?;
            }
        }
        Ok(())
    }

    /// Takes back the names of all parts from `n_committed` on, and returns
    /// them. Objects stay: the same names are written again.
    fn take_back(&mut self, n_committed: Option<usize>) -> Result<BTreeMap<usize, String>, Error> {
        let first = match (self.target.shape, n_committed) {
            (Shape::Folder, Some(n)) => n,
            _ => 0,
        };
        // A new output replaces a single file when it is complete, not before.
        let keep_old = n_committed.is_none() && self.target.shape != Shape::Folder;
        let taken = self.published.split_off(&first);
        if let Some(folder) = self.folder.clone().filter(|_| !keep_old) {
            for (index, name) in &taken {
                let (staged, place) = (self.staged(*index), folder.join(name));
                // If the staged file is there, the name was not given yet: what
                // has it is not ours.
                if !exists(&staged)? && exists(&place)? {
                    fs::rename(&place, &staged)
                        .map_err(|e| fault(&place, "cannot take back", e))?;
                }
            }
            sync_folder(&folder)?;
        }
        self.write_journal()?;
        Ok(taken)
    }

    /// Sees to it that the output holds no parts but those to come.
    fn make_room(&self, ours: &BTreeMap<usize, String>) -> Result<(), Error> {
        if self.folder.is_none() {
            return self.refuse_objects_of_others(ours);
        }
        if self.replace {
            return match self.target.shape {
                Shape::Folder => self.remove_parts_of_others(),
                _ => Ok(()),
            };
        }
        match self.parts_of_others()?.first() {
            None => Ok(()),
            Some(part) => Err(mixed(part.display().to_string())
                .with_hint("pass --overwrite to remove them, or choose another folder")),
        }
    }

    /// Refuses a folder of a store that holds parts which this sink did not
    /// write.
    fn refuse_objects_of_others(&self, ours: &BTreeMap<usize, String>) -> Result<(), Error> {
        if self.target.shape != Shape::Folder {
            return Ok(());
        }
        let objects = Object::at(self.target.folder())?.list()?;
        let others = objects.iter().map(Object::address).find(|path| {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            let is_ours = ours.values().any(|known| known == name);
            folder == self.target.folder().trim_end_matches('/')
                && self.target.is_part_name(name)
                && !is_ours
        });
        match others {
            None => Ok(()),
            Some(path) => Err(mixed(path).with_hint("remove them or choose another folder")),
        }
    }

    fn remove_parts_of_others(&self) -> Result<(), Error> {
        self.parts_of_others()?
            .iter()
            .try_for_each(|part| remove(part))
    }

    /// Files in a local folder that have names of parts.
    fn parts_of_others(&self) -> Result<Vec<PathBuf>, Error> {
        let Some(folder) = &self.folder else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        let listed = fs::read_dir(folder).and_then(|entries| {
            for entry in entries {
                let entry = entry?;
                if self
                    .target
                    .is_part_name(&entry.file_name().to_string_lossy())
                {
                    found.push(entry.path());
                }
            }
            Ok(())
        });
        listed.map_err(|e| fault(folder, "cannot list", e))?;
        found.sort();
        Ok(found)
    }

    fn read_journal(&mut self) -> Result<(), Error> {
        let path = self.side_file(JOURNAL);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(fault(&path, "cannot read", e)),
        };
        for line in text.lines() {
            let Published { index, name } = serde_json::from_str(line)
                .map_err(|e| Error::io(path.display().to_string(), "cannot be read", e.into()))?;
            self.published.insert(index, name);
        }
        Ok(())
    }

    fn write_journal(&self) -> Result<(), Error> {
        let mut text = Vec::new();
        for (&index, name) in &self.published {
            let name = name.clone();
            serde_json::to_writer(&mut text, &Published { index, name })
                .expect("writing to memory does not fail");
            text.push(b'\n');
        }
        write_whole(&self.side_file(JOURNAL), &text)
    }
}

/// Removes all that a sink keeps in its staging folder.
pub(super) fn clear(target: &Target, staging: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(staging).map_err(|e| fault(staging, "cannot list", e))? {
        let entry = entry.map_err(|e| fault(staging, "cannot list", e))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let name = name.strip_suffix(".new").unwrap_or(&name);
        if name == "published"
            || name == JOURNAL
            || name == ROWS
            || name == SEGMENTS
            || is_tail(name)
            || target.is_staged_name(name)
        {
            remove(&entry.path())?;
        }
    }
    let ground = |folder: &str| Ground::Folder(if folder.is_empty() { "." } else { folder }.into());
    Ground::Folder(staging.to_owned()).sweep(target, &[])?;
    let workers = staging.join(WORKERS);
    if target.remote && exists(&workers)? {
        Ground::Store(target.folder().to_owned()).sweep(target, &[])?;
    }
    remove(&workers)?;
    match target.shape {
        // They may lie beside the output.
        Shape::File | Shape::Folder | Shape::Counted if !target.remote => {
            ground(target.folder()).sweep(target, &[])
        }
        _ => Ok(()),
    }
}

fn is_tail(name: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    name.strip_prefix("tail-").is_some_and(digits)
}

/// Whether files can be renamed from `staging` into `folder`.
///
/// # Errors
///
/// If one of the folders cannot be written.
pub(super) fn can_rename(staging: &Path, folder: &Path) -> Result<bool, Error> {
    // A run that is killed here leaves it, and the next in its place, which gives
    // it the same name, takes it away.
    let run = staging.parent().and_then(Path::file_name);
    let run = run.unwrap_or_default().to_string_lossy();
    let probe = format!(".wrasse-probe-{run}");
    let (from, to) = (staging.join(&probe), folder.join(&probe));
    File::create(&from).map_err(|e| fault(&from, "cannot create a file", e))?;
    File::create(&to).map_err(|e| fault(&to, "cannot create a file", e))?;
    let renamed = fs::rename(&from, &to);
    remove(&from)?;
    remove(&to)?;
    match renamed {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::CrossesDevices => Ok(false),
        Err(e) => Err(fault(&to, "cannot rename into the folder", e)),
    }
}

fn make_folder(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|e| fault(folder, "cannot make the folder", e))
}

fn exists(path: &Path) -> Result<bool, Error> {
    path.try_exists()
        .map_err(|e| fault(path, "cannot be looked at", e))
}

pub(super) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(fault(path, "cannot remove", e)),
        _ => Ok(()),
    }
}

fn mixed(path: String) -> Error {
    let message =
        "the output folder holds parts of an earlier run, which would be mixed with the new ones";
    Error::new(path, message)
}
