//! [`Body`]: the bytes of one part in the making.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::compress::{Text, packer};
use super::frames::{FRAME_BYTES, Frames, FramesPosition};
use super::place::Place;
use super::rows::RowSlice;
use super::staged::{Staged, StagedPosition};
use super::target::{Compression, Shape};
use crate::Error;

/// Where a part in the making stood at a commit.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum BodyPosition {
    Frames(FramesPosition),
    Plain(StagedPosition),
}

/// The bytes of one part in the making.
pub(super) enum Body {
    Plain(Staged),
    Frames(Box<Frames<Text, ()>>),
}

impl Body {
    /// Starts part `index`.
    pub(super) fn create(
        place: &Place,
        index: usize,
        threads: NonZeroUsize,
    ) -> Result<Self, Error> {
        let staged = match place.target().shape {
            Shape::Stdout => Staged::stdout(),
            _ => Staged::create(place.staged(index))?,
        };
        let (compression, tails) = (place.target().compression, place.tails(index));
        Ok(Self::over(staged, compression, tails, threads))
    }

    /// Starts a part in an empty file; the side files are for commits.
    pub(super) fn over(
        staged: Staged,
        compression: Compression,
        tails: [PathBuf; 2],
        threads: NonZeroUsize,
    ) -> Self {
        match compression {
            Compression::None => Self::Plain(staged),
            _ => Self::Frames(Box::new(frames(staged, compression, tails, threads))),
        }
    }

    /// Goes on with part `index` where it stood.
    pub(super) fn reopen(
        place: &Place,
        index: usize,
        threads: NonZeroUsize,
        position: &BodyPosition,
    ) -> Result<Self, Error> {
        let path = place.staged(index);
        match position {
            BodyPosition::Plain(at) => Ok(Self::Plain(Staged::reopen(path, at)?)),
            BodyPosition::Frames(at) => {
                let staged = Staged::reopen(path, &at.staged)?;
                let (compression, tails) = (place.target().compression, place.tails(index));
                let frames = frames(staged, compression, tails, threads).resume(at, Vec::new())?;
                Ok(Self::Frames(Box::new(frames)))
            }
        }
    }

    pub(super) fn set_threads(&mut self, threads: NonZeroUsize) {
        if let Self::Frames(frames) = self {
            frames.set_threads(threads);
        }
    }

    pub(super) fn append(&mut self, mut rows: RowSlice<'_>) -> Result<(), Error> {
        match self {
            Self::Plain(staged) => staged.write(rows.bytes()),
            Self::Frames(frames) => {
                while rows.n_rows() > 0 {
                    let (now, later) = rows.split_at_bytes(frames.room());
                    frames.rows().push(now);
                    frames.cut_if_full()?;
                    rows = later;
                }
                Ok(())
            }
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Self::Plain(staged) => staged.memory_bytes(),
            Self::Frames(frames) => frames.memory_bytes(),
        }
    }

    /// Makes everything safe.
    pub(super) fn sync(&mut self) -> Result<BodyPosition, Error> {
        match self {
            Self::Plain(staged) => staged.sync().map(BodyPosition::Plain),
            Self::Frames(frames) => frames.sync().map(BodyPosition::Frames),
        }
    }

    /// Ends the part; the staged file is complete and safe.
    pub(super) fn complete(self) -> Result<StagedPosition, Error> {
        match self {
            Self::Plain(mut staged) => staged.sync(),
            // An empty file is no gzip file.
            Self::Frames(frames) => frames.complete(true).map(|(position, _)| position),
        }
    }
}

fn frames(
    staged: Staged,
    compression: Compression,
    tails: [PathBuf; 2],
    threads: NonZeroUsize,
) -> Frames<Text, ()> {
    Frames::new(staged, tails, FRAME_BYTES, threads, packer(compression))
}
