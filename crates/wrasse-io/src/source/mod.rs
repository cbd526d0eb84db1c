//! Sources: from the files that a recipe names to blocks of rows.
//!
//! Three steps, each of its own: [`discover`] lists files and looks at their
//! first bytes, [`splits`] cuts the list into shares by sizes alone, [`open`]
//! reads one share. What is wrong with one file is found when that file is
//! opened or read, so that it can cost that file and not the run.

mod block;
mod discover;
mod format;
mod input;
mod jsonl;
mod lines;

use std::path::PathBuf;
use std::sync::Arc;

use wrasse_core::ByteCount;

use crate::Error;
use crate::store::Object;

pub use block::{BadRow, Block, Row};
pub use discover::discover;
pub use format::Format;

/// What a recipe says of its input.
#[derive(Clone, Debug, Default)]
pub struct SourceSpec {
    /// Files, folders, globs, addresses (`s3://...`, `https://...`) or `-` for
    /// standard input, in the order that the samples shall have.
    pub paths: Vec<String>,
    /// The format of every file; by default each file's name, then its first
    /// bytes, tell.
    pub format: Option<Format>,
    /// In folders, take only files with these suffixes (`.jsonl`, `txt`); by
    /// default every file of a known format.
    pub suffixes: Vec<String>,
    /// The field that holds the text of one-sample-a-file formats.
    pub text_key: String,
    /// Paths that are no input even if they lie in an input folder: the output
    /// of this run and its run directory.
    pub exclude: Vec<String>,
}

/// The files of a run, in the order of its samples.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The files; [`Origin::file`] is an index into this list.
    pub files: Vec<InputFile>,
    /// Things passed over while listing that a user should know of: unreadable
    /// entries, link loops, names of unknown formats. Never silent.
    pub warnings: Vec<String>,
    /// The field that holds the text of one-sample-a-file formats.
    pub(crate) text_key: String,
}

/// One file of the input.
#[derive(Clone, Debug)]
pub struct InputFile {
    /// Path or address, for messages and for reading (lossy if not UTF-8; the
    /// reader keeps the exact path).
    pub path: String,
    /// Its format.
    pub format: Format,
    /// Bytes on disk; `None` for a stream.
    pub bytes: Option<u64>,
    /// What must stay the same for a resumed run: size and time of change of a
    /// local file, size and e-tag of an object.
    pub fingerprint: String,
    /// Where it is read from.
    pub(crate) place: Place,
    /// Where it may be cut.
    pub(crate) cut: Cut,
}

/// Where a file lies.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// On a local disk, under this exact path.
    Local(PathBuf),
    /// In an object store.
    Object(Object),
    /// It is standard input.
    Stdin,
}

/// Where a file may be cut into splits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// At any byte: plain lines.
    Anywhere,
    /// Between zstd frames.
    Frames,
    /// Nowhere: it is read from its start to its end, and what it is in
    /// detail is found out on the way.
    Nowhere,
}

/// A deterministic share of the input: unit of order and resume.
///
/// Which splits exist depends on the files and the target size alone, never
/// on threads or memory.
#[derive(Clone, Debug)]
pub struct Split {
    /// Position in the order of the input.
    pub index: u32,
    /// Index of the (first) file.
    pub file: u32,
    /// Bytes of input it covers, as far as they are known.
    pub bytes: u64,
    pub(crate) share: Share,
}

/// Which part of its file, or which files, a split covers.
#[derive(Clone, Debug)]
pub(crate) enum Share {
    /// The whole file.
    Whole,
    /// The lines that start in `start..=end` (after `start`, unless it is 0).
    Bytes { start: u64, end: u64 },
}

/// Bounds that a reader keeps.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimits {
    /// Bytes of rows in a block, about; a block holds at least one row.
    pub block_bytes: usize,
    /// The longest row; a longer one becomes a [`BadRow`] and is not held.
    pub row_bytes_max: usize,
}

/// Reads one split, block by block. Moves between threads; used by one at a time.
pub trait SplitReader: Send {
    /// The next block, `None` at the end.
    ///
    /// # Errors
    ///
    /// If the file is damaged from here on (truncated archive, corrupt page)
    /// or cannot be read. Rows before the damage were given out already.
    fn next_block(&mut self) -> Result<Option<Block>, Error>;
}

/// Cuts the input into splits of about `target` bytes.
///
/// # Errors
///
/// If a file that must be looked into (Parquet footers, zstd frames) cannot be
/// read. A damaged one becomes a split of its own, which fails when it is
/// opened or read.
pub fn splits(inputs: &Inputs, target: ByteCount) -> Result<Vec<Split>, Error> {
    let target = target.0.max(1);
    let mut cutter = Cutter::default();
    let mut at = 0;
    while let Some(file) = inputs.files.get(at) {
        match (file.format, file.cut) {
            (Format::Jsonl, Cut::Anywhere) => cutter.bytes(at, file, target),
            _ => cutter.push(at, file.bytes.unwrap_or(0), Share::Whole),
        }
        at += 1;
    }
    Ok(cutter.splits)
}

/// Collects splits and numbers them.
#[derive(Default)]
struct Cutter {
    splits: Vec<Split>,
}

impl Cutter {
    fn push(&mut self, file: usize, bytes: u64, share: Share) {
        self.splits.push(Split {
            index: self.splits.len() as u32,
            file: file as u32,
            bytes,
            share,
        });
    }

    /// Cuts a file of lines into equal shares.
    fn bytes(&mut self, at: usize, file: &InputFile, target: u64) {
        let size = file.bytes.unwrap_or(0);
        let n = size.div_ceil(target);
        for i in 0..n {
            let border = |i: u64| (u128::from(size) * u128::from(i) / u128::from(n)) as u64;
            let (start, end) = (border(i), border(i + 1));
            self.push(at, end - start, Share::Bytes { start, end });
        }
    }
}

/// Opens a split for reading.
///
/// # Errors
///
/// If its file cannot be opened, changed since it was listed, or is of an
/// encoding that is not read.
pub fn open(
    inputs: &Arc<Inputs>,
    split: &Split,
    limits: ReadLimits,
) -> Result<Box<dyn SplitReader>, Error> {
    let file = &inputs.files[split.file as usize];
    match file.format {
        Format::Jsonl => jsonl::open(file, split, limits),
        _ => Err(Error::new(&file.path, "this format is not read yet")),
    }
}
