//! [`PartTask`]: a file of rows, written where the rows are.
//!
//! A worker writes a whole part, in the bytes that a sink alone would give it, or a
//! *segment*: rows of a part that is not full yet, or that wait for the columns of
//! a table to be known. Each attempt writes a file of a name that no other has, so
//! that a task may run again while a first attempt, cut off from everything, still
//! writes.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::body::Body;
use super::frames::Frames;
use super::ground::Ground;
use super::rows::{Lines, Piece};
use super::stage::{self, FrameAbout, Stage, StageFrames, append_staged};
use super::staged::{Staged, StagedPosition, check_whole};
use super::table::TablePart;
use super::target::Compression;
use super::{OutBlock, Payload};
use crate::Error;

/// A file that a worker shall write.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PartTask {
    /// Where it lies.
    pub(super) ground: Ground,
    /// Its name, before and behind what the worker adds.
    pub(super) name: (String, String),
    pub(super) form: Form,
    pub(super) runs: Vec<Run>,
}

/// Has each block of the next object taken in.
pub(super) type Object<'a> = dyn FnMut(&mut TakeBlock<'_>) -> Result<(), Error> + 'a;

/// Takes a block in.
pub(super) type TakeBlock<'a> = dyn FnMut(OutBlock) -> Result<(), Error> + 'a;

/// What a file holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Form {
    Lines(Compression),
    /// Rows of a table that wait for its columns, in frames of so many bytes.
    Stage(u64),
    /// A part of a table, of the rows of these segments.
    Table {
        part: TablePart,
        segments: Vec<String>,
    },
}

/// Rows that follow one another in a part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Run {
    /// Those of a file that lies with it.
    Segment(StagedFile),
    /// Some of the next object's.
    Object(Range<u64>),
}

/// A file that was written and is safe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct StagedFile {
    /// Its name in its folder.
    pub(super) name: String,
    pub(super) bytes: u64,
    /// XXH3-64 of these bytes, in hex.
    pub(super) xxh3: String,
}

/// A file that was written and is safe, and what is to be known of its rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WrittenFile {
    pub(super) file: StagedFile,
    /// Those of rows that wait for their columns.
    pub(super) frames: Vec<FrameAbout>,
}

impl StagedFile {
    /// The bytes of a file, which must be as they were written.
    pub(super) fn bytes(&self, ground: &Ground) -> Result<Vec<u8>, Error> {
        let bytes = ground.read(&self.name)?;
        check_whole(&ground.path(&self.name), &bytes, &self.position())?;
        Ok(bytes)
    }

    fn position(&self) -> StagedPosition {
        StagedPosition {
            bytes: self.bytes,
            xxh3: self.xxh3.clone(),
        }
    }

    /// The rows of a segment of lines.
    pub(super) fn lines(&self, ground: &Ground) -> Result<Lines, Error> {
        self.bytes(ground).map(Lines::of)
    }

    /// The rows of a segment that waits for its columns.
    pub(super) fn staged(&self, ground: &Ground) -> Result<Vec<Stage>, Error> {
        stage::read_all(&ground.path(&self.name), &self.bytes(ground)?)
    }
}

impl PartTask {
    /// Writes the file. `object` has the blocks of the next object taken in, one after the
    /// other.
    ///
    /// # Errors
    ///
    /// If the disk is full, or rows are not there. What was written is removed.
    pub fn write(&self, object: &mut Object<'_>) -> Result<WrittenFile, Error> {
        let fill = |staged| self.fill(staged, object);
        let (file, frames) = self.ground.write(&self.name, fill)?;
        Ok(WrittenFile { file, frames })
    }

    fn fill(
        &self,
        staged: Staged,
        object: &mut Object<'_>,
    ) -> Result<(StagedPosition, Vec<FrameAbout>), Error> {
        // The file is never committed half written.
        let tails = [PathBuf::new(), PathBuf::new()];
        let threads = NonZeroUsize::MIN;
        match &self.form {
            Form::Lines(compression) => {
                let mut body = Body::over(staged, *compression, tails, threads);
                self.append(&mut body, object)?;
                Ok((body.complete()?, Vec::new()))
            }
            Form::Stage(frame_bytes) => {
                let pack = stage::packer();
                let mut frames = Frames::new(staged, tails, *frame_bytes, threads, pack);
                self.append(&mut frames, object)?;
                frames.complete(false)
            }
            Form::Table { part, segments } => {
                let (files, _scratch) = self.ground.local(segments)?;
                Ok((part.write(files, staged)?, Vec::new()))
            }
        }
    }

    fn append(&self, file: &mut impl Takes, object: &mut Object<'_>) -> Result<(), Error> {
        for run in &self.runs {
            match run {
                Run::Segment(segment) => file.take_segment(segment, &self.ground)?,
                Run::Object(rows) => {
                    let mut first = 0;
                    let mut take = |piece: Piece| {
                        let n = piece.n_rows() as u64;
                        let within = |at: u64| (at.saturating_sub(first).min(n)) as usize;
                        let of_piece = within(rows.start)..within(rows.end);
                        first += n;
                        match of_piece.is_empty() {
                            true => Ok(()),
                            false => file.take(piece, of_piece),
                        }
                    };
                    object(&mut |block| pieces(block).into_iter().try_for_each(&mut take))?;
                    if first < rows.end {
                        return Err(Error::new("", "rows of a part are missing"));
                    }
                }
            }
        }
        Ok(())
    }
}

/// The rows of a block, by their make.
fn pieces(block: OutBlock) -> Vec<Piece> {
    match block.0 {
        Payload::Lines(lines) => vec![Piece::Lines(lines)],
        Payload::Pieces(pieces) => pieces,
        Payload::Files(_) | Payload::Hollow(_) => Vec::new(),
    }
}

/// A file in the making.
trait Takes {
    /// Appends the rows of a segment.
    fn take_segment(&mut self, segment: &StagedFile, ground: &Ground) -> Result<(), Error>;

    /// Appends some rows.
    fn take(&mut self, piece: Piece, rows: Range<usize>) -> Result<(), Error>;
}

impl Takes for Body {
    fn take_segment(&mut self, segment: &StagedFile, ground: &Ground) -> Result<(), Error> {
        match (self, ground) {
            // As it is: nobody looks into it.
            (Self::Plain(staged), Ground::Folder(folder)) => {
                staged.append_file(&folder.join(&segment.name), &segment.position())
            }
            (body, _) => body.append(segment.lines(ground)?.rows()),
        }
    }

    fn take(&mut self, piece: Piece, rows: Range<usize>) -> Result<(), Error> {
        match piece {
            Piece::Lines(lines) => self.append(lines.slice(rows)),
            Piece::Table(_) => Err(Error::new("", "rows of a part are no lines")),
        }
    }
}

impl Takes for StageFrames {
    fn take_segment(&mut self, segment: &StagedFile, ground: &Ground) -> Result<(), Error> {
        let stages = segment.staged(ground)?;
        stages
            .into_iter()
            .try_for_each(|rows| append_staged(self, rows))
    }

    fn take(&mut self, piece: Piece, rows: Range<usize>) -> Result<(), Error> {
        match piece {
            Piece::Lines(lines) => stage::append_lines(self, lines.slice(rows)),
            Piece::Table(table) => stage::append_table(self, table.slice(rows)),
        }
    }
}
