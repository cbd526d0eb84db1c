//! Sources: from the files that a recipe names to blocks of rows.

use std::sync::Arc;

use wrasse_core::{ByteCount, Origin, Sample};

use crate::Error;

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

/// A format of files, without its compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// One JSON object a line; also a JSON array of objects.
    Jsonl,
    /// Apache Parquet.
    Parquet,
    /// Comma-separated values with a header line.
    Csv,
    /// Tab-separated values with a header line.
    Tsv,
    /// One sample a file: the file's text and its path.
    Text,
}

/// The files of a run, in the order of its samples.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The files; [`Origin::file`] is an index into this list.
    pub files: Vec<InputFile>,
    /// Things passed over while listing that a user should know of: unreadable
    /// entries, link loops, names of unknown formats. Never silent.
    pub warnings: Vec<String>,
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

/// A run of rows in input order. Cheap to make: rows are parsed when iterated.
#[derive(Debug)]
pub struct Block {
    /// Bytes of input (as stored, compressed or not) this block accounts for.
    pub input_bytes: u64,
}

/// One row of a block.
#[derive(Debug)]
pub enum Row {
    /// A sample.
    Sample(Sample),
    /// Bytes that are no sample.
    Bad(BadRow),
}

/// A row that could not become a sample.
#[derive(Clone, Debug)]
pub struct BadRow {
    /// Where it lies.
    pub origin: Origin,
    /// What is wrong with it.
    pub reason: String,
    /// Its bytes, cut at 1 MiB.
    pub raw: Vec<u8>,
    /// How many bytes it has in all.
    pub raw_bytes: u64,
}

impl Block {
    /// Bytes of memory that the block holds.
    pub fn memory_bytes(&self) -> usize {
        0
    }

    /// The rows, in order, each parsed as it is taken.
    pub fn rows(self) -> impl Iterator<Item = Row> {
        std::iter::empty()
    }
}

/// Lists the files that `spec` names: folders walked in name order, globs
/// expanded in name order, formats recognized.
///
/// # Errors
///
/// If a named file does not exist, cannot be read, or nothing was found.
pub fn discover(spec: &SourceSpec) -> Result<Inputs, Error> {
    let _ = spec;
    Ok(Inputs::default())
}

/// Cuts the input into splits of about `target` bytes.
///
/// # Errors
///
/// If a file that must be looked into (Parquet footers, zstd frames) is damaged
/// beyond reading.
pub fn splits(inputs: &Inputs, target: ByteCount) -> Result<Vec<Split>, Error> {
    let _ = (inputs, target);
    Ok(Vec::new())
}

/// Opens a split for reading.
///
/// # Errors
///
/// If its file cannot be opened.
pub fn open(
    inputs: &Arc<Inputs>,
    split: &Split,
    limits: ReadLimits,
) -> Result<Box<dyn SplitReader>, Error> {
    let _ = (inputs, split, limits);
    Err(Error::new("", "not there yet"))
}
