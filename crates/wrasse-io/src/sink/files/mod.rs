//! The sink of `files`: each sample becomes a file of its own, as DataMate
//! exports them.
//!
//! | type of the file | content | written as |
//! |---|---|---|
//! | text, documents | text | `txt` |
//! | images | data, or else text | the same type |
//! | both, with `target_type` | data, or else text | that type |
//! | medical images | data | `png` |
//!
//! All files lie in one folder. A name that is taken, by this run or by a file
//! of others, gets `_1`, `_2` and so on; who gets which follows from the order
//! of the input. A sample without content is written down and gives no file.
//!
//! # Commits
//!
//! A file is written beside its place. With a commit:
//!
//! 1. these files are synced;
//! 2. what they shall be called is appended to the *list of exports*, synced;
//! 3. they get their names, and the folder is synced.
//!
//! A position is a length of the list. A sink that is opened at one takes back
//! the names that stand behind it: such a file was written by a commit that
//! nobody recorded.
//!
//! # Runs one after the other
//!
//! A new run over the list of the run before it replaces what that exported. One
//! over another list (a task that tries its failed files again, a second task
//! for the same folder) leaves all files where they are, but for those of the
//! same source and name.

mod encode;
mod list;

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use super::fault::fault;
use super::place::can_rename;
use super::staged::sync_folder;
use super::{Encoder, Finished, OutBlock, Part, Payload, Sink, SinkSpec, encoder};
use crate::store::is_address;
use crate::{Error, Format};

pub(super) use encode::{Files, FilesEncoder};
use list::{EARLIER, open_list, remember};
pub use list::{EXPORTS, ExportSource, Exported, exported};

/// The version and kind of positions.
const VERSION: u64 = 1;
const KIND: &str = "a folder of files";

/// Threads that sync files: a disk syncs many at once about as fast as one.
const SYNC_THREADS: usize = 16;

/// Where the output stood at a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Position {
    /// Bytes of the list of exports.
    list: u64,
    /// Lines of it.
    rows: u64,
    /// Of these, files.
    files: u64,
    /// Bytes of the files.
    bytes: u64,
}

impl Position {
    fn to_json(self) -> Value {
        serde_json::json!({ "version": VERSION, "kind": KIND, "at": self })
    }

    fn read(position: &Value) -> Option<Self> {
        let known = position["version"] == VERSION && position["kind"] == KIND;
        known.then(|| Self::deserialize(&position["at"]).ok())?
    }
}

/// How many bytes of the list of exports are safe at a committed position of
/// this sink; `None` if it is one of another.
pub fn exports_committed(position: &Value) -> Option<u64> {
    Position::read(position).map(|at| at.list)
}

/// Writes a file a sample.
pub(super) struct FilesSink {
    text_key: String,
    folder: PathBuf,
    /// Where files lie until they get their names.
    staging: PathBuf,
    list_path: PathBuf,
    list: File,
    at: Position,
    /// Files of earlier runs over other lists, by name.
    earlier: HashMap<String, Exported>,
    /// Names that this run gave.
    taken: HashSet<String>,
    /// The number from which on a name may be free, of names that were asked for
    /// before.
    next_number: HashMap<String, u64>,
    /// What waits for the next commit.
    waiting: Vec<Exported>,
    /// Number of files that were begun.
    n_begun: u64,
    /// Files that wait, each with its number.
    begun: Vec<(u64, String)>,
}

impl FilesSink {
    fn staged(&self, index: u64) -> PathBuf {
        self.staging.join(staged_name(index))
    }

    /// The first of `stem.suffix`, `stem_1.suffix`, ... that nobody has, or that
    /// an earlier run gave to a file of the same source.
    fn free_name(
        &mut self,
        stem: &str,
        suffix: &str,
        source: &ExportSource,
    ) -> Result<String, Error> {
        let wanted = format!("{stem}{suffix}");
        let first = self.next_number.get(&wanted).copied().unwrap_or(0);
        for number in first.. {
            let name = match number {
                0 => format!("{stem}{suffix}"),
                _ => format!("{stem}_{number}{suffix}"),
            };
            if self.taken.contains(&name) {
                continue;
            }
            let path = self.folder.join(&name);
            match fs::symlink_metadata(&path) {
                Ok(_) if !self.may_replace(&name, source) => {}
                Ok(_) => {
                    self.taken.insert(name.clone());
                    return Ok(name);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.taken.insert(name.clone());
                    self.next_number.insert(wanted, number + 1);
                    return Ok(name);
                }
                Err(error) => return Err(fault(&path, "cannot be looked at", error)),
            }
        }
        unreachable!("numbers do not end")
    }

    fn may_replace(&self, name: &str, source: &ExportSource) -> bool {
        let same = |earlier: &&Exported| {
            let (one, other) = (&earlier.source, source);
            (&one.id, &one.file, one.piece) == (&other.id, &other.file, other.piece)
        };
        let earlier = self.earlier.get(name).filter(same);
        earlier.is_some_and(|earlier| check(&self.folder, earlier).is_ok())
    }

    fn write(&mut self, name: &str, content: &[u8]) -> Result<(), Error> {
        let index = self.n_begun;
        let path = self.staged(index);
        let written = File::create(&path).and_then(|mut file| {
            file.write_all(content)?;
            permit(&path, 0o640)
        });
        written.map_err(|error| fault(&path, "cannot write", error))?;
        self.n_begun += 1;
        self.begun.push((index, name.to_owned()));
        Ok(())
    }

    /// Syncs the files that wait.
    fn sync_staged(&self) -> Result<(), Error> {
        let share = self.begun.len().div_ceil(SYNC_THREADS).max(1);
        let sync = |files: &[(u64, String)]| {
            files.iter().try_for_each(|(index, _)| {
                let path = self.staged(*index);
                let synced = File::open(&path).and_then(|file| file.sync_data());
                synced.map_err(|error| fault(&path, "cannot sync", error))
            })
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = self
                .begun
                .chunks(share)
                .map(|files| scope.spawn(move || sync(files)))
                .collect();
            threads.into_iter().try_for_each(|thread| {
                let lost = |_| Err(Error::new(self.folder.display().to_string(), "cannot sync"));
                thread.join().unwrap_or_else(lost)
            })
        })
    }

    fn list_waiting(&mut self) -> Result<(), Error> {
        let mut lines = Vec::new();
        for exported in &self.waiting {
            serde_json::to_writer(&mut lines, exported).expect("writing to memory does not fail");
            lines.push(b'\n');
            self.at.rows += 1;
            self.at.files += u64::from(exported.name.is_some());
            self.at.bytes += exported.bytes;
        }
        self.list
            .write_all(&lines)
            .and_then(|()| self.list.sync_data())
            .map_err(|error| fault(&self.list_path, "cannot write", error))?;
        self.at.list += lines.len() as u64;
        self.waiting.clear();
        Ok(())
    }

    fn give_names(&mut self) -> Result<(), Error> {
        for (index, name) in std::mem::take(&mut self.begun) {
            let (from, to) = (self.staged(index), self.folder.join(name));
            fs::rename(&from, &to)
                .map_err(|error| fault(&to, "cannot rename into place", error))?;
        }
        sync_folder(&self.folder)
    }

    fn commit_now(&mut self) -> Result<(), Error> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.sync_staged()?;
        self.list_waiting()?;
        self.give_names()
    }
}

impl Sink for FilesSink {
    fn encoder(&self) -> Arc<dyn Encoder> {
        encoder(Format::Files, &self.text_key)
    }

    fn set_threads(&mut self, _: NonZeroUsize) {}

    fn append(&mut self, block: OutBlock) -> Result<(), Error> {
        let Payload::Files(files) = block.0 else {
            unreachable!("the encoder of this sink makes files");
        };
        let mut start = 0;
        for entry in files.entries {
            let content = &files.bytes[start..entry.end];
            start = entry.end;
            let name = match entry.name {
                None => None,
                Some((stem, suffix)) => {
                    let name = self.free_name(&stem, &suffix, &entry.source)?;
                    self.write(&name, content)?;
                    Some(name)
                }
            };
            self.waiting.push(Exported {
                source: entry.source,
                name,
                bytes: content.len() as u64,
                xxh3: format!("{:016x}", xxh3_64(content)),
            });
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        // A name, and what a hash table takes for it.
        (self.taken.len() + self.next_number.len()) * 96
            + self.waiting.len() * (size_of::<Exported>() + 128)
    }

    fn commit(&mut self) -> Result<Value, Error> {
        self.commit_now()?;
        Ok(self.at.to_json())
    }

    fn finish(mut self: Box<Self>) -> Result<Finished, Error> {
        self.commit_now()?;
        let mut hash = Xxh3Default::default();
        for exported in exported(&self.list_path)? {
            hash.update(exported.name.as_deref().unwrap_or_default().as_bytes());
            hash.update(exported.xxh3.as_bytes());
        }
        Ok(Finished {
            parts: vec![Part {
                path: format!("{}/", self.folder.display()),
                rows: self.at.files,
                bytes: self.at.bytes,
                xxh3: format!("{:016x}", hash.digest()),
            }],
            conflicts: Vec::new(),
        })
    }
}

/// Opens the sink, anew or at the position of a commit.
pub(super) fn open(spec: &SinkSpec, resume_at: Option<&Value>) -> Result<FilesSink, Error> {
    let folder = folder_of(spec)?;
    make_folder(&folder)?;
    fs::create_dir_all(&spec.staging)
        .map_err(|error| fault(&spec.staging, "cannot make the folder", error))?;
    let staging = match can_rename(&spec.staging, &folder)? {
        true => spec.staging.clone(),
        false => hidden_staging(spec, &folder)?,
    };
    let at = match resume_at {
        None => Position::default(),
        Some(position) => Position::read(position).ok_or_else(|| {
            Error::new(
                &spec.path,
                "the committed position is not one of exported files",
            )
            .with_hint("start the run anew")
        })?,
    };
    let list_path = exports_path(&spec.staging);
    let known = exported(&list_path)?;
    let n_committed = usize::try_from(at.rows).unwrap_or(usize::MAX);
    if known.len() < n_committed {
        let path = list_path.display().to_string();
        let message = "the list of exports is shorter than it was committed";
        return Err(Error::new(path, message).with_hint("start the run anew"));
    }
    let (committed, others) = known.split_at(n_committed);
    for exported in committed {
        check(&folder, exported)?;
    }
    let others = named(others, &staging, at.files);
    if resume_at.is_some() || spec.replace {
        take_back(&folder, &others)?;
    } else {
        remember(&list_path, &others)?;
    }
    let earlier = exported(&list_path.with_file_name(EARLIER))?;
    let by_name = |one: Exported| Some((one.name.clone()?, one));
    clear_staged(&staging)?;
    let list = open_list(&list_path, at.list)
        .map_err(|error| fault(&list_path, "cannot be opened", error))?;
    Ok(FilesSink {
        text_key: spec.text_key.clone(),
        folder,
        staging,
        list_path,
        list,
        at,
        earlier: earlier.into_iter().filter_map(by_name).collect(),
        taken: committed
            .iter()
            .filter_map(|one| one.name.clone())
            .collect(),
        next_number: HashMap::new(),
        waiting: Vec::new(),
        n_begun: at.files,
        begun: Vec::new(),
    })
}

/// Removes what a finished output left in its staging folder.
pub(super) fn clear(spec: &SinkSpec) -> Result<(), Error> {
    let folder = folder_of(spec)?;
    clear_staged(&spec.staging)?;
    let hidden = folder.join(hidden_name(spec));
    if hidden.exists() {
        clear_staged(&hidden)?;
        // Empty, or not ours.
        let _ = fs::remove_dir(hidden);
    }
    Ok(())
}

/// The list of exports of a run whose staging folder is `staging`.
fn exports_path(staging: &Path) -> PathBuf {
    staging.with_file_name(EXPORTS)
}

/// The first file of a finished output that is not there as it was written.
///
/// # Errors
///
/// If the list of exports cannot be read.
pub fn missing_export(run_dir: &Path, folder: &Path) -> Result<Option<Error>, Error> {
    let exported = exported(&run_dir.join(EXPORTS))?;
    Ok(exported
        .iter()
        .find_map(|exported| check(folder, exported).err()))
}

fn check(folder: &Path, exported: &Exported) -> Result<(), Error> {
    let Some(name) = &exported.name else {
        return Ok(());
    };
    let path = folder.join(name);
    match fs::metadata(&path) {
        Ok(metadata) if metadata.len() == exported.bytes => Ok(()),
        Ok(metadata) => Err(Error::new(
            path.display().to_string(),
            format!(
                "an exported file has {} bytes, {} were committed",
                metadata.len(),
                exported.bytes
            ),
        )
        .with_hint("the run cannot be resumed; start it anew")),
        Err(error) => Err(fault(&path, "an exported file cannot be found", error)),
    }
}

/// Those of `exported` that have their names, of which `n_files` are before them.
/// What still waits for its name was not exported: what has it is not ours.
fn named<'e>(exported: &'e [Exported], staging: &Path, n_files: u64) -> Vec<&'e Exported> {
    let files = exported.iter().filter(|one| one.name.is_some());
    files
        .zip(n_files..)
        .filter(|(_, index)| !staging.join(staged_name(*index)).exists())
        .map(|(exported, _)| exported)
        .collect()
}

/// Removes exported files, but for what was changed since.
fn take_back(folder: &Path, exported: &[&Exported]) -> Result<(), Error> {
    for exported in exported {
        if let Some(name) = &exported.name
            && check(folder, exported).is_ok()
        {
            remove(&folder.join(name))?;
        }
    }
    sync_folder(folder)
}

fn staged_name(index: u64) -> String {
    format!(".export-{index:08}.partial")
}

/// Removes files that wait for names.
fn clear_staged(staging: &Path) -> Result<(), Error> {
    let entries = match fs::read_dir(staging) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(fault(staging, "cannot list", error)),
    };
    for entry in entries {
        let entry = entry.map_err(|error| fault(staging, "cannot list", error))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(".export-") && name.ends_with(".partial") {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(fault(path, "cannot remove", error))
        }
        _ => Ok(()),
    }
}

fn folder_of(spec: &SinkSpec) -> Result<PathBuf, Error> {
    if spec.path == "-" || is_address(&spec.path) {
        let message = "files are exported to a folder of this machine";
        return Err(Error::new(&spec.path, message));
    }
    let path = spec.path.trim_end_matches('/');
    Ok(PathBuf::from(if path.is_empty() { "/" } else { path }))
}

fn make_folder(folder: &Path) -> Result<(), Error> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)
        .and_then(|()| permit(folder, 0o770))
        .map_err(|error| fault(folder, "cannot make the folder", error))
}

/// A folder within the output folder, where that is on another disk than the
/// run directory.
fn hidden_staging(spec: &SinkSpec, folder: &Path) -> Result<PathBuf, Error> {
    let path = folder.join(hidden_name(spec));
    fs::create_dir_all(&path).map_err(|error| fault(&path, "cannot make the folder", error))?;
    Ok(path)
}

fn hidden_name(spec: &SinkSpec) -> String {
    let run = spec.staging.parent().and_then(Path::file_name);
    format!(".wrasse-{}", run.unwrap_or_default().to_string_lossy())
}

/// Sets who may read and write, where systems know of it.
fn permit(path: &Path, mode: u32) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    }
    #[cfg(not(unix))]
    {
        let _ = (path, mode);
        Ok(())
    }
}
