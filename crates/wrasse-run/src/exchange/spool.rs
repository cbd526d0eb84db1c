//! [`Spool`]: bytes that are written once and read often, in memory while they
//! are few and on disk when they are many.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

/// Bytes are kept in pieces of this size, which do not move as more come.
const CHUNK: usize = 1 << 20;

/// A growing run of bytes.
///
/// Its file has no name from the beginning: it is gone with the process,
/// however that ends.
#[derive(Debug)]
pub struct Spool {
    dir: PathBuf,
    /// Chunks in memory, at the most, while there is no file.
    chunks_max: usize,
    file: Option<File>,
    /// Bytes in the file.
    n_filed: u64,
    /// What is not in the file; all chunks but the last are full.
    chunks: Vec<Vec<u8>>,
}

impl Spool {
    /// Keeps up to `memory_max` bytes in memory, and beyond that all in a file
    /// in `dir`.
    pub fn new(dir: PathBuf, memory_max: usize) -> Self {
        Self {
            dir,
            chunks_max: memory_max / CHUNK,
            file: None,
            n_filed: 0,
            chunks: Vec::new(),
        }
    }

    /// Bytes in all.
    pub fn len(&self) -> u64 {
        let kept: usize = match self.chunks.split_last() {
            Some((last, full)) => full.len() * CHUNK + last.len(),
            None => 0,
        };
        self.n_filed + kept as u64
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        self.chunks.len() * CHUNK
    }

    /// Bytes on disk.
    pub fn disk_bytes(&self) -> u64 {
        self.n_filed
    }

    /// Appends bytes.
    ///
    /// # Errors
    ///
    /// If the disk is full.
    pub fn append(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = match self.chunks.last() {
                Some(last) => CHUNK - last.len(),
                None => 0,
            };
            if room == 0 {
                if self.file.is_some() || self.chunks.len() >= self.chunks_max.max(1) {
                    self.flush()?;
                }
                self.chunks.push(Vec::with_capacity(CHUNK));
                continue;
            }
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            if let Some(last) = self.chunks.last_mut() {
                last.extend_from_slice(now);
            }
            bytes = later;
        }
        Ok(())
    }

    /// All that comes is there: what is on disk needs no buffer any more.
    ///
    /// # Errors
    ///
    /// If the disk is full.
    pub fn seal(&mut self) -> io::Result<()> {
        match self.file {
            Some(_) => self.flush(),
            None => Ok(()),
        }
    }

    /// Fills `out` with what begins at `offset`.
    ///
    /// # Errors
    ///
    /// If there is less, or it cannot be read.
    pub fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if offset + out.len() as u64 > self.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // The part in the file, then the parts in memory.
        let n_filed = self.n_filed.saturating_sub(offset).min(out.len() as u64);
        let (filed, mut kept) = out.split_at_mut(n_filed as usize);
        if let Some(file) = &self.file {
            file.read_exact_at(filed, offset)?;
        }
        let mut from = (offset + n_filed).saturating_sub(self.n_filed) as usize;
        while !kept.is_empty() {
            let chunk = &self.chunks[from / CHUNK][from % CHUNK..];
            let n = chunk.len().min(kept.len());
            let (now, later) = kept.split_at_mut(n);
            now.copy_from_slice(&chunk[..n]);
            (kept, from) = (later, from + n);
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        for chunk in std::mem::take(&mut self.chunks) {
            let file = match &mut self.file {
                Some(file) => file,
                None => self.file.insert(tempfile::tempfile_in(&self.dir)?),
            };
            file.write_all_at(&chunk, self.n_filed)?;
            self.n_filed += chunk.len() as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_from_memory_and_from_disk() {
        let dir = tempfile::tempdir().unwrap();
        for memory_max in [0, 1 << 20, 3 << 20, 1 << 30] {
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
