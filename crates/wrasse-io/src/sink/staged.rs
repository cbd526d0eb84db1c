//! [`Staged`]: a file that grows, and can be cut back to where it once was.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use super::fault::fault;
use crate::Error;

/// Writes of this size go to the system at once; smaller ones are gathered.
const BUFFER_BYTES: usize = 256 << 10;

/// Where a staged file stood at a commit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct StagedPosition {
    pub(super) bytes: u64,
    /// XXH3-64 of these bytes, in hex.
    pub(super) xxh3: String,
}

impl StagedPosition {
    /// The end of a file that holds `bytes`.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.len() as u64,
            xxh3: format!("{:016x}", xxh3_64(bytes)),
        }
    }
}

/// An unfinished file, or standard output.
pub(super) struct Staged {
    path: PathBuf,
    out: Out,
    buffer: Vec<u8>,
    bytes: u64,
    hash: Box<Xxh3Default>,
}

enum Out {
    File(File),
    Stdout,
}

impl Staged {
    /// Starts an empty file.
    pub(super) fn create(path: PathBuf) -> Result<Self, Error> {
        let file = File::create(&path).map_err(|e| fault(&path, "cannot create the file", e))?;
        Ok(Self::over(path, Out::File(file)))
    }

    /// Starts an empty file that nobody has; `None` if someone has it.
    pub(super) fn create_new(path: PathBuf) -> Result<Option<Self>, Error> {
        match File::create_new(&path) {
            Ok(file) => Ok(Some(Self::over(path, Out::File(file)))),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(e) => Err(fault(&path, "cannot create the file", e)),
        }
    }

    /// Writes to standard output.
    pub(super) fn stdout() -> Self {
        Self::over(PathBuf::from("-"), Out::Stdout)
    }

    fn over(path: PathBuf, out: Out) -> Self {
        Self {
            path,
            out,
            buffer: Vec::new(),
            bytes: 0,
            hash: Box::default(),
        }
    }

    /// Opens a file as it was at `position`: what follows is cut off.
    ///
    /// The file is read once, to know that its bytes are those committed and
    /// to go on with the checksum.
    pub(super) fn reopen(path: PathBuf, position: &StagedPosition) -> Result<Self, Error> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .open(&path)
            .map_err(|e| fault(&path, "cannot open the unfinished output", e))?;
        let failed = |e| fault(&path, "cannot read the unfinished output", e);
        let mut hash = Box::<Xxh3Default>::default();
        let bytes = hash_of(&mut (&file).take(position.bytes), &mut hash).map_err(failed)?;
        if (bytes, hex(&hash)) != (position.bytes, position.xxh3.clone()) {
            return Err(not_as_committed(&path, bytes, position));
        }
        file.set_len(position.bytes)
            .map_err(|e| fault(&path, "cannot cut off what was not committed", e))?;
        Ok(Self {
            bytes,
            hash,
            ..Self::over(path, Out::File(file))
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.buffer.capacity()
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.flush()?;
        }
        if bytes.len() >= BUFFER_BYTES {
            return self.put(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// Appends the file at `path`, which must be as it was committed.
    pub(super) fn append_file(
        &mut self,
        path: &Path,
        position: &StagedPosition,
    ) -> Result<(), Error> {
        let failed = |e| fault(path, "cannot read rows of a part", e);
        let mut file = File::open(path).map_err(failed)?;
        let mut hash = Xxh3Default::default();
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut bytes = 0;
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => {
                    hash.update(&buffer[..n]);
                    self.write(&buffer[..n])?;
                    bytes += n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(failed(e)),
            }
        }
        match hex(&hash) == position.xxh3 && bytes == position.bytes {
            true => Ok(()),
            false => Err(not_as_committed(path, bytes, position)),
        }
    }

    /// Hands everything to the system.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        let buffer = std::mem::take(&mut self.buffer);
        self.put(&buffer)?;
        self.buffer = buffer;
        self.buffer.clear();
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match &mut self.out {
            Out::File(file) => file.write_all(bytes),
            Out::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(bytes).and_then(|()| stdout.flush())
            }
        }
        .map_err(|e| fault(&self.path, "cannot write", e))
    }

    /// Makes everything safe.
    pub(super) fn sync(&mut self) -> Result<StagedPosition, Error> {
        self.flush()?;
        if let Out::File(file) = &self.out {
            file.sync_data()
                .map_err(|e| fault(&self.path, "cannot sync", e))?;
        }
        Ok(StagedPosition {
            bytes: self.bytes,
            xxh3: hex(&self.hash),
        })
    }
}

/// Checks that the file at `path`, which holds `bytes`, is as it was committed.
pub(super) fn check_whole(
    path: &Path,
    bytes: &[u8],
    position: &StagedPosition,
) -> Result<(), Error> {
    if StagedPosition::of(bytes) == *position {
        return Ok(());
    }
    Err(not_as_committed(path, bytes.len() as u64, position))
}

fn not_as_committed(path: &Path, bytes: u64, position: &StagedPosition) -> Error {
    Error::new(
        path.display().to_string(),
        format!(
            "the unfinished output is not as it was committed: {bytes} of {} bytes are there, \
             or some differ",
            position.bytes
        ),
    )
    .with_hint("the run cannot be resumed; start it anew")
}

fn hex(hash: &Xxh3Default) -> String {
    format!("{:016x}", hash.digest())
}

fn hash_of(input: &mut impl Read, hash: &mut Xxh3Default) -> io::Result<u64> {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut bytes = 0;
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return Ok(bytes),
            Ok(n) => {
                hash.update(&buffer[..n]);
                bytes += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Makes the names in `folder` safe.
pub(super) fn sync_folder(folder: &Path) -> Result<(), Error> {
    // Elsewhere folders cannot be opened, and renames are safe by themselves.
    if cfg!(unix) {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|e| fault(folder, "cannot sync the folder", e))?;
    }
    Ok(())
}

/// Writes a small file as a whole, beside its place first.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let beside = path.with_extension("new");
    let mut file =
        File::create(&beside).map_err(|e| fault(&beside, "cannot create the file", e))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_data())
        .map_err(|e| fault(&beside, "cannot write", e))?;
    fs::rename(&beside, path).map_err(|e| fault(path, "cannot rename into place", e))?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}
