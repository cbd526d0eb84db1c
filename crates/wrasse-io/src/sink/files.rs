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

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wrasse_core::Sample;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use super::fault::fault;
use super::place::can_rename;
use super::staged::sync_folder;
use super::{BlockBuilder, Encoder, Finished, OutBlock, Part, Payload, Sink, SinkSpec};
use crate::Error;
use crate::files::{Export, base_name, export_of, field, plain_type, split_name};
use crate::store::is_address;

/// The list of exports, beside the staging folder.
pub const EXPORTS: &str = "exports.jsonl";

/// Those of runs before, over other lists.
const EARLIER: &str = "exports.earlier.jsonl";

/// The version and kind of positions.
const VERSION: u64 = 1;
const KIND: &str = "a folder of files";

/// Threads that sync files: a disk syncs many at once about as fast as one.
const SYNC_THREADS: usize = 16;

/// The longest file name, with room for a number behind the stem: systems
/// allow 255 bytes.
const NAME_BYTES_MAX: usize = 244;

/// A line of the list of exports: what became of one sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exported {
    /// What the list of files says of the file that it came from.
    #[serde(flatten)]
    pub source: ExportSource,
    /// The name of the file in the output folder; `None` if the sample had no
    /// content in the end.
    pub name: Option<String>,
    /// Bytes of it.
    pub bytes: u64,
    /// XXH3-64 of these bytes, in hex.
    pub xxh3: String,
}

/// Where an exported sample came from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExportSource {
    /// Byte offset of the file's line in the list.
    pub position: u64,
    /// Which piece of the file it is; 0 if it was not cut.
    pub piece: u32,
    /// `sourceFileId`.
    pub id: String,
    /// `sourceFileName`.
    pub file: String,
    /// `sourceFileType`.
    pub kind: String,
    /// `sourceFileSize`, in bytes.
    pub size: u64,
}

impl ExportSource {
    /// What a sample says of its file. `get` gives the value of a field.
    pub fn of(position: u64, piece: u32, get: impl Fn(&str) -> Option<Value>) -> Self {
        let text = |names: [&str; 2]| match names.into_iter().find_map(&get) {
            Some(Value::String(text)) => text,
            None | Some(Value::Null) => String::new(),
            Some(other) => other.to_string(),
        };
        let size = [field::SOURCE_SIZE, field::SIZE].into_iter().find_map(&get);
        Self {
            position,
            piece,
            id: text([field::SOURCE_ID, field::ID]),
            file: text([field::SOURCE_NAME, field::NAME]),
            kind: text([field::SOURCE_TYPE, field::TYPE]),
            size: match size {
                Some(Value::String(text)) => text.parse().unwrap_or(0),
                Some(value) => value.as_u64().unwrap_or(0),
                None => 0,
            },
        }
    }
}

/// Files in the making.
#[derive(Debug, Default)]
pub(super) struct Files {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

/// One of them.
#[derive(Debug)]
struct Entry {
    /// Where its content ends in the block's bytes.
    end: usize,
    /// The name that it shall have, stem and suffix; `None` for no file.
    name: Option<(String, String)>,
    source: ExportSource,
}

impl Files {
    pub(super) fn n_rows(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let held = |entry: &Entry| entry.source.file.len() * 2 + entry.source.id.len();
        self.bytes.capacity()
            + self.entries.capacity() * size_of::<Entry>()
            + self.entries.iter().map(held).sum::<usize>()
    }

    pub(super) fn row_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Keeps the rows for which `keep` holds.
    pub(super) fn retain(&mut self, keep: &[bool]) {
        assert_eq!(keep.len(), self.entries.len(), "one verdict a row");
        let bytes = std::mem::take(&mut self.bytes);
        let mut start = 0;
        let entries = std::mem::take(&mut self.entries);
        for (mut entry, keep) in entries.into_iter().zip(keep) {
            let content = &bytes[start..entry.end];
            start = entry.end;
            if *keep {
                self.bytes.extend_from_slice(content);
                entry.end = self.bytes.len();
                self.entries.push(entry);
            }
        }
    }
}

/// Makes files of samples.
struct FilesEncoder {
    text_key: String,
}

struct Builder {
    text_key: String,
    files: Files,
}

impl Encoder for FilesEncoder {
    fn start(&self) -> Box<dyn BlockBuilder> {
        Box::new(Builder {
            text_key: self.text_key.clone(),
            files: Files::default(),
        })
    }
}

impl BlockBuilder for Builder {
    fn reserve(&mut self, bytes: usize) {
        self.files.bytes.reserve(bytes);
    }

    fn push(&mut self, sample: &Sample) -> Result<(), String> {
        let content = content(sample, &self.text_key)?;
        let name = match &content {
            Some((_, kind)) => Some(name(sample, kind)?),
            None => None,
        };
        if let Some((bytes, _)) = &content {
            self.files.bytes.extend_from_slice(bytes);
        }
        let origin = sample.origin();
        self.files.entries.push(Entry {
            end: self.files.bytes.len(),
            name,
            source: ExportSource::of(origin.position, origin.piece, |field| {
                sample.value(field).ok().flatten()
            }),
        });
        Ok(())
    }

    fn row_bytes(&self) -> usize {
        self.files.row_bytes()
    }

    fn finish(self: Box<Self>) -> OutBlock {
        OutBlock(Payload::Files(self.files))
    }
}

/// What is written of a sample, and the type of that; `None` if it has no
/// content.
fn content(sample: &Sample, text_key: &str) -> Result<Option<(Vec<u8>, String)>, String> {
    let kind = plain_type(&string(sample, field::TYPE)?);
    let export = export_of(&kind).ok_or_else(|| match kind.as_str() {
        "" => format!("a sample without `{}` cannot be exported", field::TYPE),
        kind => format!("files of type `{kind}` cannot be exported"),
    })?;
    let text = || string(sample, text_key).map(String::into_bytes);
    let data = || {
        let data = string(sample, field::DATA)?;
        let bytes = BASE64.decode(data);
        bytes.map_err(|error| format!("field `{}`: no bytes in base64: {error}", field::DATA))
    };
    let target = string(sample, field::TARGET_TYPE)?;
    let (bytes, kind) = match export {
        Export::Text if target.is_empty() => (text()?, "txt".to_owned()),
        Export::Text | Export::Data => {
            let data = data()?;
            let bytes = if data.is_empty() { text()? } else { data };
            (bytes, if target.is_empty() { kind } else { target })
        }
        Export::Medical => (data()?, "png".to_owned()),
    };
    Ok((!bytes.is_empty()).then_some((bytes, kind)))
}

/// The stem and the suffix of a sample's file.
fn name(sample: &Sample, kind: &str) -> Result<(String, String), String> {
    let listed = string(sample, field::NAME)?;
    let base = base_name(&listed);
    let (stem, _) = split_name(base);
    // Pieces are called like DataMate's: by the number of the file and their own.
    let piece = sample.origin().piece;
    let id = string(sample, field::ID)?;
    let stem = match piece {
        0 => stem.to_owned(),
        _ if id.is_empty() => format!("{stem}_{piece}"),
        _ => format!("{}_{piece}", base_name(&id)),
    };
    let suffix = format!(".{kind}");
    if stem.is_empty() || stem.contains('\0') || kind.contains(['/', '\\', '\0']) {
        return Err(format!("`{listed}` as `{kind}` is no file name"));
    }
    let bytes = stem.len() + suffix.len();
    if bytes > NAME_BYTES_MAX {
        return Err(format!(
            "the file name `{stem}{suffix}` has {bytes} bytes; at most {NAME_BYTES_MAX} are possible"
        ));
    }
    Ok((stem, suffix))
}

/// The text of a field; empty if it is absent or null.
fn string(sample: &Sample, name: &str) -> Result<String, String> {
    let Some(raw) = sample.json(name) else {
        return Ok(String::new());
    };
    match serde_json::from_str(&raw) {
        Ok(Value::String(text)) => Ok(text),
        Ok(Value::Null) => Ok(String::new()),
        Ok(Value::Number(number)) => Ok(number.to_string()),
        Ok(_) => Err(format!("field `{name}` is no text")),
        Err(error) => Err(format!("field `{name}` holds no valid text: {error}")),
    }
}

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
        Arc::new(FilesEncoder {
            text_key: self.text_key.clone(),
        })
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
    if resume_at.is_some() || spec.replace {
        take_back(&folder, &staging, others, at.files)?;
    } else {
        remember(&list_path, &staging, others)?;
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

/// The lines of a list of exports, without one that is torn; none if there is
/// no list.
///
/// # Errors
///
/// If it cannot be read, or holds something else.
pub fn exported(path: &Path) -> Result<Vec<Exported>, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(fault(path, "cannot be read", error)),
    };
    let mut found = Vec::new();
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line);
        read.map_err(|error| fault(path, "cannot be read", error))?;
        if line.last() != Some(&b'\n') {
            return Ok(found);
        }
        let exported = serde_json::from_slice(&line).map_err(|error| {
            Error::io(
                path.display().to_string(),
                "cannot be understood",
                error.into(),
            )
            .with_hint("pass --restart to begin anew")
        })?;
        found.push(exported);
    }
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

/// Removes files behind the committed ones. `n_files` are before them.
fn take_back(
    folder: &Path,
    staging: &Path,
    exported: &[Exported],
    n_files: u64,
) -> Result<(), Error> {
    let mut index = n_files;
    for exported in exported {
        let Some(name) = &exported.name else { continue };
        let staged = staging.join(staged_name(index));
        index += 1;
        // If it still waits for its name, what has the name is not ours; nor is
        // what was changed since.
        if staged.exists() || check(folder, exported).is_err() {
            continue;
        }
        remove(&folder.join(name))?;
    }
    sync_folder(folder)
}

/// Keeps what a run over another list exported.
fn remember(list: &Path, staging: &Path, exported: &[Exported]) -> Result<(), Error> {
    let mut lines = Vec::new();
    let mut index = 0;
    for exported in exported.iter().filter(|one| one.name.is_some()) {
        // What still waits for its name was not exported.
        if !staging.join(staged_name(index)).exists() {
            serde_json::to_writer(&mut lines, exported).expect("writing to memory does not fail");
            lines.push(b'\n');
        }
        index += 1;
    }
    if lines.is_empty() {
        return Ok(());
    }
    let path = list.with_file_name(EARLIER);
    let mut options = OpenOptions::new();
    let written = options.create(true).append(true).open(&path);
    written
        .and_then(|mut file| file.write_all(&lines).and_then(|()| file.sync_data()))
        .map_err(|error| fault(&path, "cannot write", error))
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

fn open_list(path: &Path, bytes: u64) -> io::Result<File> {
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    file.set_len(bytes)?;
    file.seek(SeekFrom::End(0))?;
    Ok(file)
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
