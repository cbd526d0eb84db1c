//! The manifest: what a run is, and how far it is safe.
//!
//! A text file of JSON lines, only ever appended to. The first line is the
//! [`Header`]; then one line a [`Commit`], written and synced after everything
//! that it vouches for; the last line says that the run is done. A torn last
//! line counts as not written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wrasse_io::Part;

use crate::{Error, Examples, OpExamples, Tally};

/// The version of the run directory's formats.
const FORMAT: u32 = 1;

/// What must be the same for a run to be resumed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The recipe in canonical form: what decides the output's bytes.
    pub recipe: Value,
    /// The input files in order: path and fingerprint.
    pub inputs: Vec<(String, String)>,
    /// Bytes in a split.
    pub split_bytes: u64,
    /// Bytes in a block.
    pub block_bytes: u64,
    /// Whether dropped samples are recorded.
    #[serde(default)]
    pub trace_dropped: bool,
    /// The version of Wrasse that began the run.
    pub version: String,
}

/// A point up to which everything is safe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    /// The block that comes next: split and position in it.
    pub next: (u32, u32),
    /// Where the sink stands.
    pub sink: Value,
    /// Bytes of the reject file.
    pub rejects: u64,
    /// Bytes of the file of dropped samples.
    pub dropped: u64,
    /// Bytes of the file of what operators wrote down.
    #[serde(default)]
    pub told: u64,
    /// Bytes of the file of clusters.
    #[serde(default)]
    pub clusters: u64,
    /// Bytes of what gates compared, by gate.
    #[serde(default)]
    pub copies: Vec<u64>,
    /// Fingerprints on disk, by gate.
    pub fingerprints: Vec<u64>,
    /// The accounting up to here.
    pub tally: Tally,
    /// Examples of operators that have others than at the commit before: read
    /// back, of all.
    #[serde(default)]
    pub examples: BTreeMap<usize, OpExamples>,
}

/// How an earlier run in this place ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Resume {
    /// It was interrupted; this is its last commit, if it had come so far.
    At(Option<Box<Commit>>),
    /// It is done; nothing is left to do.
    Done(Box<Done>),
}

/// What a run that is done did and wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// The accounting.
    pub tally: Tally,
    /// The output.
    pub parts: Vec<Part>,
    /// What operators did, shown on a few samples.
    #[serde(default)]
    pub examples: Examples,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Header { format: u32, header: Header },
    Commit(Box<Commit>),
    Done(Box<Done>),
}

/// The manifest file, open for appending.
#[derive(Debug)]
pub(crate) struct Manifest {
    path: PathBuf,
    file: File,
}

/// What an existing manifest says.
pub(crate) struct Found {
    pub(crate) header: Header,
    pub(crate) resume: Resume,
    /// Bytes of the lines that are whole.
    bytes: u64,
}

impl Manifest {
    /// Reads a manifest; `None` if there is none, or not even a whole header.
    pub(crate) fn read(path: &Path) -> Result<Option<Found>, Error> {
        let text = match std::fs::read(path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(format!("cannot read {}", path.display()), error)),
        };
        let mut header = None;
        let mut resume = Resume::At(None);
        let mut bytes = 0;
        let mut examples = BTreeMap::new();
        for line in text.split_inclusive('\n') {
            // Only the last line can be torn, and has no end then.
            if !line.ends_with('\n') {
                break;
            }
            match serde_json::from_str(line).ok() {
                Some(Line::Header {
                    format: FORMAT,
                    header: read,
                }) => header = Some(read),
                Some(Line::Header { format, .. }) => {
                    return Err(Error::usage(format!(
                        "{} has format {format}, this version of Wrasse writes {FORMAT}",
                        path.display()
                    ))
                    .with_hint("pass --restart to discard the earlier run"));
                }
                Some(Line::Commit(mut commit)) => {
                    examples.append(&mut commit.examples);
                    resume = Resume::At(Some(commit));
                }
                Some(Line::Done(done)) => resume = Resume::Done(done),
                None => {
                    return Err(Error::usage(format!(
                        "{} cannot be understood from byte {bytes} on",
                        path.display()
                    ))
                    .with_hint("pass --restart to discard the earlier run"));
                }
            }
            bytes += line.len() as u64;
        }
        if let Resume::At(Some(commit)) = &mut resume {
            commit.examples = examples;
        }
        Ok(header.map(|header| Found {
            header,
            resume,
            bytes,
        }))
    }

    /// Starts a manifest.
    pub(crate) fn create(path: &Path, header: &Header) -> Result<Self, Error> {
        let file = File::create(path)
            .map_err(|error| Error::io(format!("cannot create {}", path.display()), error))?;
        let mut manifest = Self {
            path: path.to_owned(),
            file,
        };
        manifest.append(&Line::Header {
            format: FORMAT,
            header: header.clone(),
        })?;
        Ok(manifest)
    }

    /// Goes on with a manifest, behind its last whole line.
    pub(crate) fn reopen(path: &Path, found: &Found) -> Result<Self, Error> {
        let open = || {
            let mut file = File::options().read(true).write(true).open(path)?;
            file.set_len(found.bytes)?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        };
        Ok(Self {
            file: open()
                .map_err(|error| Error::io(format!("cannot open {}", path.display()), error))?,
            path: path.to_owned(),
        })
    }

    pub(crate) fn commit(&mut self, commit: &Commit) -> Result<(), Error> {
        self.append(&Line::Commit(Box::new(commit.clone())))
    }

    pub(crate) fn done(&mut self, done: Done) -> Result<(), Error> {
        self.append(&Line::Done(Box::new(done)))
    }

    fn append(&mut self, line: &Line) -> Result<(), Error> {
        let mut text = serde_json::to_vec(line)
            .map_err(|error| Error::failed(format!("cannot encode the manifest: {error}")))?;
        text.push(b'\n');
        self.file
            .write_all(&text)
            .and_then(|()| self.file.sync_data())
            .map_err(|error| Error::io(format!("cannot write {}", self.path.display()), error))
    }
}

/// A file that is appended to between commits and cut back to one on resume.
/// It exists from its first byte on.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
}

impl Journal {
    /// Opens the journal at `bytes` bytes; what lies behind is cut off.
    pub(crate) fn open(path: PathBuf, bytes: u64) -> Result<Self, Error> {
        let result = if bytes == 0 {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(None),
            }
        } else {
            File::options()
                .read(true)
                .write(true)
                .open(&path)
                .and_then(|mut file| {
                    if file.metadata()?.len() < bytes {
                        return Err(std::io::Error::other("the file is shorter than it was"));
                    }
                    file.set_len(bytes)?;
                    file.seek(SeekFrom::End(0))?;
                    Ok(Some(file))
                })
        };
        match result {
            Ok(file) => Ok(Self { path, file, bytes }),
            Err(error) => Err(Error::io(format!("cannot open {}", path.display()), error)),
        }
    }

    /// The file, if anything was written.
    pub(crate) fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    /// Where it is, and how many bytes of it count.
    pub(crate) fn extent(&self) -> (PathBuf, u64) {
        (self.path.clone(), self.bytes)
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        let result = match &mut self.file {
            Some(file) => file.write_all(bytes),
            None => self
                .create()
                .and_then(|file| self.file.insert(file).write_all(bytes)),
        };
        result
            .map_err(|error| Error::io(format!("cannot write {}", self.path.display()), error))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn create(&self) -> std::io::Result<File> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        File::options()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(&self.path)
    }

    pub(crate) fn sync(&self) -> Result<u64, Error> {
        if let Some(file) = &self.file {
            file.sync_data().map_err(|error| {
                Error::io(format!("cannot sync {}", self.path.display()), error)
            })?;
        }
        Ok(self.bytes)
    }
}
