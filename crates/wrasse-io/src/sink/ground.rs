//! [`Ground`]: where workers write their files: a folder that all of them share, or
//! the folder of the output in a store.
//!
//! Each attempt writes a file of a name that no other has. In a store a file appears
//! when its upload is complete; a store has no rename, but it copies by itself,
//! so that a part gets its name without another upload.

use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::fault::fault;
use super::part_task::StagedFile;
use super::place::remove;
use super::staged::{Staged, StagedPosition, sync_folder};
use super::target::Target;
use crate::Error;
use crate::store::{Object, upload};

/// Where files of workers lie.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Ground {
    Folder(PathBuf),
    /// An address that ends in `/`.
    Store(String),
}

impl Ground {
    /// Writes a file; its name is `before` and `behind` what makes it another than
    /// all others.
    pub(super) fn write<T>(
        &self,
        (before, behind): &(String, String),
        fill: impl FnOnce(Staged) -> Result<(StagedPosition, T), Error>,
    ) -> Result<(StagedFile, T), Error> {
        let (name, (written, more)) = match self {
            Self::Folder(folder) => {
                let (name, staged) = create(folder, before, behind)?;
                let filled = fill(staged).inspect_err(|_| {
                    // What stays is removed when the run ends.
                    let _ = remove(&folder.join(&name));
                })?;
                sync_folder(folder)?;
                (name, filled)
            }
            Self::Store(address) => {
                let scratch = Scratch::new()?;
                let path = scratch.0.join("file");
                let filled = fill(Staged::create(path.clone())?)?;
                let name = format!("{before}{}{behind}", any_number());
                upload(&path, &format!("{address}{name}"))?;
                (name, filled)
            }
        };
        let file = StagedFile {
            name,
            bytes: written.bytes,
            xxh3: written.xxh3,
        };
        Ok((file, more))
    }

    /// How a file is told to people.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.join(name),
            Self::Store(address) => format!("{address}{name}").into(),
        }
    }

    /// The bytes of a file.
    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, Error> {
        let failed = |e| fault(&self.path(name), "cannot read rows of a part", e);
        match self {
            Self::Folder(folder) => fs::read(folder.join(name)).map_err(failed),
            Self::Store(address) => {
                let object = Object::at(&format!("{address}{name}"))?.look_up()?;
                let mut bytes = Vec::new();
                let mut reader = object.reader(0, object.size());
                reader.read_to_end(&mut bytes).map_err(failed)?;
                Ok(bytes)
            }
        }
    }

    /// Files on this machine with these bytes, which are there as long as what is
    /// given with them.
    pub(super) fn local(&self, names: &[String]) -> Result<(Vec<PathBuf>, Option<Scratch>), Error> {
        let Self::Store(_) = self else {
            return Ok((names.iter().map(|name| self.path(name)).collect(), None));
        };
        let scratch = Scratch::new()?;
        let mut paths = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let path = scratch.0.join(at.to_string());
            fs::write(&path, self.read(name)?).map_err(|e| fault(&path, "cannot write", e))?;
            paths.push(path);
        }
        Ok((paths, Some(scratch)))
    }

    /// Removes a file, if it is there.
    pub(super) fn remove(&self, name: &str) -> Result<(), Error> {
        match self {
            Self::Folder(folder) => remove(&folder.join(name)),
            Self::Store(address) => Object::at(&format!("{address}{name}"))?.delete(),
        }
    }

    /// Removes files of workers, but for those to `keep`.
    pub(super) fn sweep(&self, target: &Target, keep: &[&str]) -> Result<(), Error> {
        let is_left = |name: &str| target.is_worker_name(name) && !keep.contains(&name);
        match self {
            Self::Folder(folder) => {
                let failed = |e| fault(folder, "cannot list", e);
                for entry in fs::read_dir(folder).map_err(failed)? {
                    let entry = entry.map_err(failed)?;
                    if is_left(&entry.file_name().to_string_lossy()) {
                        remove(&entry.path())?;
                    }
                }
            }
            Self::Store(address) => {
                for object in Object::at(address)?.list()? {
                    let path = object.address();
                    let name = path.strip_prefix(address.as_str());
                    if name.is_some_and(is_left) {
                        object.delete()?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// A file that is nobody else's: names of processes repeat on other machines.
fn create(folder: &Path, before: &str, behind: &str) -> Result<(String, Staged), Error> {
    for attempt in 0.. {
        let name = format!("{before}{}-{attempt}{behind}", std::process::id());
        if let Some(staged) = Staged::create_new(folder.join(&name))? {
            return Ok((name, staged));
        }
    }
    unreachable!("there are more names than files")
}

/// A number that nobody else has: of the system's chance.
fn any_number() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// A folder for files that are on their way to or from a store.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, Error> {
        let folder = std::env::temp_dir().join(format!("wrasse-{}", any_number()));
        let made: io::Result<()> = fs::create_dir(&folder);
        made.map_err(|e| fault(&folder, "cannot make the folder", e))?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is one of the folders for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}
