//! [`Spool`]: bytes that are written once and read often, in memory while they
//! are few and on disk when they are many.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

/// Bytes on their way to the file.
const BUFFER: usize = 1 << 20;

/// A growing run of bytes.
///
/// Its file has no name from the beginning: it is gone with the process,
/// however that ends.
#[derive(Debug)]
pub(super) struct Spool {
    dir: PathBuf,
    memory_max: usize,
    file: Option<File>,
    /// Bytes in the file.
    n_filed: u64,
    /// What is not in the file.
    bytes: Vec<u8>,
}

impl Spool {
    /// Keeps up to `memory_max` bytes in memory, and beyond that all in a file
    /// in `dir`.
    pub(super) fn new(dir: PathBuf, memory_max: usize) -> Self {
        Self {
            dir,
            memory_max,
            file: None,
            n_filed: 0,
            bytes: Vec::new(),
        }
    }

    /// Bytes in all.
    pub(super) fn len(&self) -> u64 {
        self.n_filed + self.bytes.len() as u64
    }

    /// Bytes of memory held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Bytes on disk.
    pub(super) fn disk_bytes(&self) -> u64 {
        self.n_filed
    }

    /// Appends bytes.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let keeps = match self.file {
            Some(_) => BUFFER,
            None => self.memory_max,
        };
        if self.bytes.len() + bytes.len() > keeps {
            self.flush()?;
            if bytes.len() > BUFFER {
                return self.file_bytes(bytes);
            }
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// All that comes is there: frees the buffer of a file.
    pub(super) fn seal(&mut self) -> io::Result<()> {
        match self.file {
            Some(_) => self.flush(),
            None => Ok(()),
        }
    }

    /// Fills `out` with what begins at `offset`.
    pub(super) fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if offset + out.len() as u64 > self.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // The part in the file, then the part behind it.
        let n_filed = self.n_filed.saturating_sub(offset).min(out.len() as u64);
        let (filed, kept) = out.split_at_mut(n_filed as usize);
        if let Some(file) = &self.file {
            file.read_exact_at(filed, offset)?;
        }
        let from = (offset + n_filed).saturating_sub(self.n_filed) as usize;
        kept.copy_from_slice(&self.bytes[from..from + kept.len()]);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let bytes = std::mem::take(&mut self.bytes);
        self.file_bytes(&bytes)
    }

    fn file_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile_in(&self.dir)?),
        };
        file.write_all_at(bytes, self.n_filed)?;
        self.n_filed += bytes.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_from_memory_and_from_disk() {
        let dir = tempfile::tempdir().unwrap();
        for memory_max in [0, 10, 100, 1 << 30] {
            let mut spool = Spool::new(dir.path().to_owned(), memory_max);
            let mut all = Vec::new();
            for (i, n) in [1, 9, 0, 40, 3 << 20, 7, 1 << 20].into_iter().enumerate() {
                let bytes = vec![i as u8; n];
                spool.append(&bytes).unwrap();
                all.extend(bytes);
            }
            spool.seal().unwrap();
            assert_eq!(spool.len(), all.len() as u64);
            assert_eq!(spool.disk_bytes() > 0, memory_max < 1 << 30);
            for (from, n) in [(0, 5), (3, 60), (40, 3 << 20), (all.len() - 2, 2)] {
                let mut out = vec![0; n];
                spool.read(from as u64, &mut out).unwrap();
                assert!(out == all[from..from + n], "{memory_max}: {from} {n}");
            }
            let beyond = spool.read(all.len() as u64, &mut [0]);
            assert_eq!(beyond.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
