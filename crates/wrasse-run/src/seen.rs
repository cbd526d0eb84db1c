//! [`Seen`]: what gates had seen before a run began, or went on.
//!
//! It lies in files, of which there may be more than fits into memory: who decides
//! at a gate reads them as it needs them.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use wrasse_op::Fingerprint;

use crate::rundir::fingerprints_name;
use crate::{Error, FingerprintSet};

/// Bytes that are read at once: whole fingerprints.
const PIECE: usize = 1 << 20;

/// Files of fingerprints as they are kept on disk: 16 bytes each, little end
/// first.
#[derive(Debug)]
pub struct Seen {
    /// Of each gate: files, and so many bytes of them.
    gates: Vec<Vec<(PathBuf, u64)>>,
}

impl Seen {
    /// What is in one file for each gate, up to so many bytes.
    pub(crate) fn new(files: impl Iterator<Item = (PathBuf, u64)>) -> Self {
        let gates = files.map(|file| vec![file]);
        Self {
            gates: gates.collect(),
        }
    }

    /// Adds what the deduplicators of the run at `run_dir` have seen.
    ///
    /// # Errors
    ///
    /// If its files cannot be looked at.
    pub fn add(&mut self, run_dir: &Path) -> Result<(), Error> {
        for (gate, files) in self.gates.iter_mut().enumerate() {
            let path = run_dir.join(fingerprints_name(gate));
            match path.metadata() {
                Ok(metadata) => files.push((path, metadata.len())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(unreadable(&path, error)),
            }
        }
        Ok(())
    }

    /// Number of gates.
    pub fn n_gates(&self) -> usize {
        self.gates.len()
    }

    /// How many fingerprints there are of a gate; one that is in two files counts
    /// twice.
    pub fn len(&self, gate: usize) -> u64 {
        let bytes = self.gates[gate].iter().map(|(_, bytes)| bytes);
        bytes.sum::<u64>() / size_of::<Fingerprint>() as u64
    }

    /// Hands out those of a gate, as they are on disk, in pieces of whole ones.
    ///
    /// # Errors
    ///
    /// If they cannot be read, and those of `each`.
    pub fn read(
        &self,
        gate: usize,
        each: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut piece = vec![0; PIECE];
        for (path, bytes) in self.gates[gate].iter().filter(|(_, bytes)| *bytes > 0) {
            let mut file = File::open(path).map_err(|error| unreadable(path, error))?;
            let mut left = *bytes - *bytes % size_of::<Fingerprint>() as u64;
            while left > 0 {
                let n = left.min(PIECE as u64) as usize;
                let read = file.read_exact(&mut piece[..n]);
                read.map_err(|error| unreadable(path, error))?;
                each(&piece[..n])?;
                left -= n as u64;
            }
        }
        Ok(())
    }

    /// Those of a gate as a set.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    pub fn set(&self, gate: usize) -> Result<FingerprintSet, Error> {
        let mut set = FingerprintSet::default();
        self.read(gate, &mut |bytes| {
            set.extend_from_bytes(bytes);
            Ok(())
        })?;
        Ok(set)
    }

    /// A set for each gate.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    pub fn sets(&self) -> Result<Vec<FingerprintSet>, Error> {
        (0..self.n_gates()).map(|gate| self.set(gate)).collect()
    }
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::io(format!("cannot read {}", path.display()), error)
}
