//! [`Frames`]: a file of frames, each packed on its own, on several threads.
//!
//! A frame is a zstd frame, a gzip member, or a run of staged rows. It ends
//! with the row that brings it to [`FRAME_BYTES`] of rows, or with its part:
//! never with a block or a commit. So the bytes of the file depend on the rows
//! alone.
//!
//! A commit comes in the middle of a frame, as a rule. The whole frames are
//! synced; the rows after them, the *tail*, go to a side file as they are. When
//! the file is taken up again, its rows become the start of the next frame as
//! if they had just been appended. There are two side files in turn, so that
//! the tails of the last two commits are there.

use std::collections::VecDeque;
use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::fault::fault;
use super::pool::Ordered;
use super::staged::{Staged, StagedPosition, check_whole, write_whole};
use crate::Error;

/// Bytes of rows with which a frame is full: 4 MiB. Larger frames compress
/// hardly better; smaller ones do worse.
pub(super) const FRAME_BYTES: u64 = 4 << 20;

/// Rows that become a frame.
pub(super) trait Rows: Default + Send + 'static {
    fn n_rows(&self) -> usize;

    /// Bytes of the rows; depends on the rows alone.
    fn n_bytes(&self) -> u64;

    /// The rows for a side file.
    fn save(&self) -> Result<Vec<u8>, Error>;

    /// Rows that were saved.
    fn load(bytes: Vec<u8>) -> Result<Self, Error>;
}

/// A frame, and what is known of it.
pub(super) struct Packed<M> {
    pub(super) bytes: Vec<u8>,
    pub(super) about: M,
}

/// Makes a frame of rows, on any thread.
pub(super) type Pack<R, M> = dyn Fn(&R) -> Result<Packed<M>, Error> + Send + Sync;

/// Where a file of frames stood at a commit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct FramesPosition {
    /// The whole frames.
    pub(super) staged: StagedPosition,
    tail: Option<TailPosition>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct TailPosition {
    slot: usize,
    #[serde(flatten)]
    staged: StagedPosition,
}

/// A file of frames.
pub(super) struct Frames<R, M> {
    staged: Staged,
    /// The two side files.
    tails: [PathBuf; 2],
    slot: usize,
    rows: R,
    frame_bytes: u64,
    pack: Arc<Pack<R, M>>,
    pool: Ordered<Result<Packed<M>, Error>>,
    /// Bytes of rows of each frame that is being packed.
    in_flight: VecDeque<u64>,
    frames: Vec<M>,
}

impl<R: Rows, M: Send + 'static> Frames<R, M> {
    pub(super) fn new(
        staged: Staged,
        tails: [PathBuf; 2],
        frame_bytes: u64,
        threads: NonZeroUsize,
        pack: Arc<Pack<R, M>>,
    ) -> Self {
        Self {
            staged,
            tails,
            slot: 0,
            rows: R::default(),
            frame_bytes,
            pack,
            pool: Ordered::new(threads),
            in_flight: VecDeque::new(),
            frames: Vec::new(),
        }
    }

    /// Sets the number of threads; not while frames are being packed.
    pub(super) fn set_threads(&mut self, threads: NonZeroUsize) {
        debug_assert!(self.pool.n_waiting() == 0, "threads are set first");
        self.pool = Ordered::new(threads);
    }

    /// Goes on at `position`; `staged` was opened there and holds `frames`.
    pub(super) fn resume(self, position: &FramesPosition, frames: Vec<M>) -> Result<Self, Error> {
        let mut this = self.with(frames);
        if let Some(tail) = &position.tail {
            let path = &this.tails[tail.slot.min(1)];
            let bytes = fs::read(path)
                .map_err(|e| fault(path, "cannot read the end of the unfinished output", e))?;
            check_whole(path, &bytes, &tail.staged)?;
            this.rows = R::load(bytes)?;
            this.slot = 1 - tail.slot.min(1);
        }
        Ok(this)
    }

    /// Goes on behind `frames`, which the file holds.
    pub(super) fn with(self, frames: Vec<M>) -> Self {
        Self { frames, ..self }
    }

    /// What is known of each frame that was written, in order.
    pub(super) fn frames_mut(&mut self) -> &mut [M] {
        &mut self.frames
    }

    /// The rows of the frame that grows, to append to them. [`Frames::cut_if_full`]
    /// must follow when they have taken `room` bytes.
    pub(super) fn rows(&mut self) -> &mut R {
        &mut self.rows
    }

    /// Bytes that the frame takes before it is full.
    pub(super) fn room(&self) -> u64 {
        self.frame_bytes.saturating_sub(self.rows.n_bytes()).max(1)
    }

    pub(super) fn cut_if_full(&mut self) -> Result<(), Error> {
        if self.rows.n_bytes() >= self.frame_bytes {
            self.cut()?;
        }
        Ok(())
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let in_flight: u64 = self.in_flight.iter().sum();
        self.staged.memory_bytes() + (self.rows.n_bytes() + in_flight) as usize
    }

    /// Ends the frame that grows.
    fn cut(&mut self) -> Result<(), Error> {
        while self.pool.is_full() {
            self.write_oldest()?;
        }
        let rows = std::mem::take(&mut self.rows);
        let pack = Arc::clone(&self.pack);
        self.in_flight.push_back(rows.n_bytes());
        self.pool.push(move || pack(&rows))
    }

    fn write_oldest(&mut self) -> Result<(), Error> {
        if let Some(packed) = self.pool.pop() {
            let packed = packed??;
            self.in_flight.pop_front();
            self.staged.write(&packed.bytes)?;
            self.frames.push(packed.about);
        }
        Ok(())
    }

    fn write_all(&mut self) -> Result<(), Error> {
        while self.pool.n_waiting() > 0 {
            self.write_oldest()?;
        }
        Ok(())
    }

    /// Makes everything safe.
    pub(super) fn sync(&mut self) -> Result<FramesPosition, Error> {
        self.write_all()?;
        let staged = self.staged.sync()?;
        let tail = if self.rows.n_rows() == 0 {
            None
        } else {
            let bytes = self.rows.save()?;
            write_whole(&self.tails[self.slot], &bytes)?;
            let slot = self.slot;
            self.slot = 1 - slot;
            Some(TailPosition {
                slot,
                staged: StagedPosition::of(&bytes),
            })
        };
        Ok(FramesPosition { staged, tail })
    }

    /// Ends the file, which is then complete and safe. A file without rows
    /// gets one frame without rows if `never_empty`.
    pub(super) fn complete(mut self, never_empty: bool) -> Result<(StagedPosition, Vec<M>), Error> {
        self.write_all()?;
        if self.rows.n_rows() > 0 || (never_empty && self.frames.is_empty()) {
            self.cut()?;
            self.write_all()?;
        }
        let position = self.staged.sync()?;
        Ok((position, self.frames))
    }
}
