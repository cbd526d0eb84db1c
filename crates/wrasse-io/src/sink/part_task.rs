//! [`PartTask`]: a file of rows, written where the rows are.
//!
//! A worker writes a whole part, in the bytes that [`super::text::TextSink`]
//! would give it, or a *segment*: rows as they are, of a part that is not full
//! yet. Each attempt writes a file of a name that no other has, so that a task
//! may run again while a first attempt, cut off from everything, still writes.

use std::fs;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::body::Body;
use super::fault::fault;
use super::place::remove;
use super::rows::{Lines, RowSlice};
use super::staged::{Staged, StagedPosition, check_whole, sync_folder};
use super::target::Compression;
use super::{OutBlock, Payload};
use crate::Error;

/// A file that a worker shall write.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PartTask {
    /// Where it lies.
    pub(super) folder: PathBuf,
    /// Its name, before and behind what the worker adds.
    pub(super) name: (String, String),
    pub(super) compression: Compression,
    pub(super) runs: Vec<Run>,
}

/// Rows that follow one another in a part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Run {
    /// Those of a file of the same folder.
    Segment(StagedFile),
    /// Some of the next object's.
    Object(Range<u64>),
}

/// A file that was written and is safe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StagedFile {
    /// Its name in its folder.
    pub(super) name: String,
    pub(super) bytes: u64,
    /// XXH3-64 of these bytes, in hex.
    pub(super) xxh3: String,
}

impl StagedFile {
    /// Reads the rows of a segment, which must be as they were written.
    pub(super) fn read(&self, folder: &Path) -> Result<Lines, Error> {
        let path = folder.join(&self.name);
        let bytes = fs::read(&path).map_err(|e| fault(&path, "cannot read rows of a part", e))?;
        let position = StagedPosition {
            bytes: self.bytes,
            xxh3: self.xxh3.clone(),
        };
        check_whole(&path, &bytes, &position)?;
        let ends = memchr::memchr_iter(b'\n', &bytes)
            .map(|at| at + 1)
            .collect();
        Ok(Lines { bytes, ends })
    }
}

impl PartTask {
    /// Writes the file. `object` gives the blocks of the next object.
    ///
    /// # Errors
    ///
    /// If the disk is full, or rows are not there. What was written is removed.
    pub fn write(
        &self,
        object: &mut dyn FnMut() -> Result<Vec<OutBlock>, Error>,
    ) -> Result<StagedFile, Error> {
        let (name, staged) = self.create()?;
        let path = self.folder.join(&name);
        let written = self.fill(staged, object).inspect_err(|_| {
            // What stays is removed when the run ends.
            let _ = remove(&path);
        })?;
        sync_folder(&self.folder)?;
        Ok(StagedFile {
            name,
            bytes: written.bytes,
            xxh3: written.xxh3,
        })
    }

    /// A file that is nobody else's: names of processes repeat on other machines.
    fn create(&self) -> Result<(String, Staged), Error> {
        let (before, behind) = &self.name;
        for attempt in 0.. {
            let name = format!("{before}{}-{attempt}{behind}", std::process::id());
            if let Some(staged) = Staged::create_new(self.folder.join(&name))? {
                return Ok((name, staged));
            }
        }
        unreachable!("there are more names than files")
    }

    fn fill(
        &self,
        staged: Staged,
        object: &mut dyn FnMut() -> Result<Vec<OutBlock>, Error>,
    ) -> Result<StagedPosition, Error> {
        // The file is never committed half written.
        let tails = [PathBuf::new(), PathBuf::new()];
        let mut body = Body::over(staged, self.compression, tails, NonZeroUsize::MIN);
        for run in &self.runs {
            match run {
                Run::Segment(file) => body.append(file.read(&self.folder)?.rows())?,
                Run::Object(rows) => {
                    let mut first = 0;
                    for block in object()? {
                        let Payload::Lines(lines) = block.0 else {
                            return Err(Error::new("", "rows of a part are no lines"));
                        };
                        let of_block = part_of(&lines, first, rows);
                        first += lines.ends.len() as u64;
                        if of_block.n_rows() > 0 {
                            body.append(of_block)?;
                        }
                    }
                    if first < rows.end {
                        return Err(Error::new("", "rows of a part are missing"));
                    }
                }
            }
        }
        body.complete()
    }
}

/// Those of `rows` that are in a block whose first row is row `first`.
fn part_of<'a>(lines: &'a Lines, first: u64, rows: &Range<u64>) -> RowSlice<'a> {
    let n = lines.ends.len() as u64;
    let within = |at: u64| (at.saturating_sub(first).min(n)) as usize;
    lines.slice(within(rows.start)..within(rows.end))
}
