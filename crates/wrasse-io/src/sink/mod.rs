//! Sinks: from samples in input order to complete files.
//!
//! Encoding and writing are apart. An [`Encoder`] is pure and runs on many
//! threads, sample by sample while a document is hot in cache; the [`Sink`]
//! has one owner, takes the encoded blocks in input order, and does nothing
//! but append, cut into parts, compress and sync.

mod body;
mod build;
mod columnar;
mod compress;
mod crew;
mod csv;
mod fault;
mod files;
mod frames;
mod ground;
mod hollow;
mod kind;
mod object;
mod parquet;
mod part_task;
mod parts;
mod place;
mod pool;
mod position;
mod rows;
mod stage;
mod staged;
mod stream;
mod table;
mod table_parts;
mod target;
mod text;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wrasse_core::{ByteCount, Sample};

use self::files::Files;
use self::hollow::Hollow;
use self::rows::{Lines, Piece};
pub use self::stream::{StreamForm, stream};
use self::target::{Shape, Target};
use crate::Error;
use crate::source::Format;

pub use self::crew::Hands;
pub use self::files::{
    EXPORTS, ExportSource, Exported, exported, exports_committed, missing_export,
};
pub use self::part_task::{PartTask, WrittenFile};
pub use self::parts::open_parts;

/// What a recipe says of its output.
#[derive(Clone, Debug)]
pub struct SinkSpec {
    /// A file, a folder (ends in `/`), an address, or `-` for standard output.
    /// Its suffix tells format and compression unless `format` does.
    pub path: String,
    /// The format, if not told by the suffix.
    pub format: Option<Format>,
    /// Cut the output into parts of about this many bytes.
    pub part_bytes: Option<ByteCount>,
    /// The field that holds the text, for outputs of one file a sample.
    pub text_key: String,
    /// Where unfinished parts lie: the run directory.
    pub staging: PathBuf,
    /// Remove parts of an earlier run from the output folder when a new output
    /// begins there. Otherwise such a folder is refused.
    pub replace: bool,
}

/// Makes rows of samples, on any thread.
pub trait Encoder: Send + Sync {
    /// Starts a block.
    fn start(&self) -> Box<dyn BlockBuilder>;
}

/// A block of encoded rows in the making.
pub trait BlockBuilder: Send {
    /// Makes room for about this many bytes of rows. A block that grows by
    /// doubling leaves memory of every size behind in the allocator of each
    /// thread: more than the block itself.
    fn reserve(&mut self, bytes: usize) {
        let _ = bytes;
    }

    /// Appends a sample.
    ///
    /// # Errors
    ///
    /// If the format cannot hold it; the sample is then a reject.
    fn push(&mut self, sample: &Sample) -> Result<(), String>;

    /// Bytes of the rows so far, about; what was reserved does not count.
    fn row_bytes(&self) -> usize;

    /// Ends the block.
    fn finish(self: Box<Self>) -> OutBlock;
}

/// A block of encoded rows. Serialized, it can be written by another process.
#[derive(Debug, Serialize, Deserialize)]
pub struct OutBlock(Payload);

/// What a block holds: each sink takes the kind that its encoder makes.
#[derive(Debug, Serialize, Deserialize)]
enum Payload {
    Lines(Lines),
    Pieces(Vec<Piece>),
    Files(Files),
    Hollow(Hollow),
}

impl OutBlock {
    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        match &self.0 {
            Payload::Lines(lines) => lines.ends.len(),
            Payload::Pieces(pieces) => pieces.iter().map(Piece::n_rows).sum(),
            Payload::Files(files) => files.n_rows(),
            Payload::Hollow(rows) => rows.n_rows(),
        }
    }

    /// Bytes of memory that the block holds.
    pub fn memory_bytes(&self) -> usize {
        match &self.0 {
            Payload::Lines(lines) => lines.memory_bytes(),
            Payload::Pieces(pieces) => pieces.iter().map(Piece::memory_bytes).sum(),
            Payload::Files(files) => files.memory_bytes(),
            Payload::Hollow(rows) => rows.memory_bytes(),
        }
    }

    /// Bytes of the rows themselves, before compression: of text as it is, of
    /// columns those of their texts, and eight for any other value.
    pub fn row_bytes(&self) -> usize {
        match &self.0 {
            Payload::Lines(lines) => lines.bytes.len(),
            Payload::Pieces(pieces) => pieces.iter().map(Piece::row_bytes).sum(),
            Payload::Files(files) => files.row_bytes(),
            Payload::Hollow(rows) => rows.row_bytes(),
        }
    }

    /// The block without the bytes of its rows: for whoever decides where they
    /// go and does not write them. None if each is a file.
    pub fn hollow(&self) -> Option<Self> {
        let mut lengths = Vec::with_capacity(self.n_rows());
        match &self.0 {
            Payload::Lines(lines) => lengths.extend(lines.lengths()),
            Payload::Pieces(pieces) => {
                for piece in pieces {
                    piece.add_lengths(&mut lengths);
                }
            }
            Payload::Files(_) | Payload::Hollow(_) => return None,
        }
        Some(Self(Payload::Hollow(Hollow::new(lengths))))
    }

    /// The lengths of rows that lie elsewhere.
    fn into_hollow(self) -> Result<Hollow, Error> {
        match self.0 {
            Payload::Hollow(rows) => Ok(rows),
            _ => Err(Error::new("", "rows have come to who writes none")),
        }
    }

    /// Says of a block without bytes which object has them; its first row is
    /// row `first` of that.
    pub fn lies_in(&mut self, object: u64, first: u64) {
        if let Payload::Hollow(rows) = &mut self.0 {
            rows.lie_in(object, first);
        }
    }

    /// Keeps the rows for which `keep` holds.
    ///
    /// # Panics
    ///
    /// If `keep` has not one verdict a row.
    pub fn retain(&mut self, keep: &[bool]) {
        match &mut self.0 {
            Payload::Lines(lines) => lines.retain(keep),
            Payload::Files(files) => files.retain(keep),
            Payload::Hollow(rows) => rows.retain(keep),
            Payload::Pieces(pieces) => {
                let n_rows: usize = pieces.iter().map(Piece::n_rows).sum();
                assert_eq!(keep.len(), n_rows, "one verdict a row");
                let mut rest = keep;
                for piece in pieces {
                    let (now, later) = rest.split_at(piece.n_rows());
                    piece.retain(now);
                    rest = later;
                }
            }
        }
    }
}

/// Takes encoded blocks in input order. One owner.
///
/// # Contract
///
/// What was appended before a [`Sink::commit`] that returned is safe: after a
/// crash, a sink opened with that position goes on as if nothing had happened,
/// and what came after it is gone. Files appear under their final names only
/// when complete.
///
/// The owner records each position before it asks for the next, and opens the
/// sink at the last that it recorded: older ones need not be there any more.
/// After an error the sink is done for; drop it and open another at the last
/// position.
pub trait Sink: Send {
    /// The encoder whose blocks this sink takes.
    fn encoder(&self) -> Arc<dyn Encoder>;

    /// Sets how many threads compress and encode beside the owner's: before the
    /// first block. As many as the machine has, but at most four, by default.
    /// The bytes written do not depend on it.
    fn set_threads(&mut self, threads: NonZeroUsize);

    /// Appends a block.
    ///
    /// # Errors
    ///
    /// If the disk is full or the store refuses.
    fn append(&mut self, block: OutBlock) -> Result<(), Error>;

    /// Bytes of memory that the sink holds.
    fn memory_bytes(&self) -> usize;

    /// Makes all that was appended safe, and says where the output stands.
    ///
    /// # Errors
    ///
    /// As for [`Sink::append`].
    fn commit(&mut self) -> Result<Value, Error>;

    /// Completes the last part and gives every part its final name.
    ///
    /// # Errors
    ///
    /// As for [`Sink::append`].
    fn finish(self: Box<Self>) -> Result<Finished, Error>;
}

/// What a finished sink wrote.
#[derive(Clone, Debug, Default)]
pub struct Finished {
    /// The parts, in order.
    pub parts: Vec<Part>,
    /// Columns whose type had to be widened.
    pub conflicts: Vec<Conflict>,
}

/// One complete output file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Path or address.
    pub path: String,
    /// Rows in it.
    pub rows: u64,
    /// Bytes of it.
    pub bytes: u64,
    /// XXH3-64 of these bytes, in hex.
    pub xxh3: String,
}

/// A column that held values of several types.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// The column.
    pub column: String,
    /// What was seen and what became of it, as a phrase.
    pub resolution: String,
}

/// Opens the sink, anew or at the position of a commit.
///
/// # Errors
///
/// If the place cannot be written, holds parts of another run, or is not as it
/// was at that commit.
pub fn open_sink(spec: &SinkSpec, resume_at: Option<&Value>) -> Result<Box<dyn Sink>, Error> {
    if spec.format == Some(Format::Files) {
        return Ok(Box::new(files::open(spec, resume_at)?));
    }
    let target = Target::of(spec)?;
    if target.shape == Shape::Stdout && resume_at.is_some() {
        return Err(
            Error::new("-", "standard output cannot be taken up where it stopped")
                .with_hint("write to a file to be able to resume"),
        );
    }
    match target.format {
        Format::Jsonl => Ok(Box::new(text::open(target, spec, resume_at)?)),
        _ => Ok(Box::new(table::open(target, spec, resume_at)?)),
    }
}

/// The format of an output.
///
/// # Errors
///
/// If the path tells none.
pub fn output_format(spec: &SinkSpec) -> Result<Format, Error> {
    Ok(Target::of(spec)?.format)
}

/// The encoder that a sink of this format has: to make its blocks where the sink
/// is not. `text_key` is the field whose text files get.
pub fn encoder(format: Format, text_key: &str) -> Arc<dyn Encoder> {
    match format {
        Format::Files => Arc::new(files::FilesEncoder::new(text_key)),
        Format::Jsonl => Arc::new(rows::LinesEncoder { strict: false }),
        Format::Parquet => Arc::new(rows::TableEncoder),
        _ => Arc::new(rows::LinesEncoder { strict: true }),
    }
}

/// Removes what a finished output left in its staging folder: files that would
/// have been needed if the end of the run had not been recorded.
///
/// # Errors
///
/// If the folder cannot be listed, or a file in it cannot be removed.
pub fn clear_staging(spec: &SinkSpec) -> Result<(), Error> {
    if spec.format == Some(Format::Files) {
        return files::clear(spec);
    }
    place::clear(&Target::of(spec)?, &spec.staging)
}
