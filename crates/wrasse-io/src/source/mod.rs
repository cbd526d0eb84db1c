//! Sources: from the files that a recipe names to blocks of rows.
//!
//! Three steps, each of its own: [`discover`] lists files and looks at their
//! first bytes, [`splits`] cuts the list into shares by sizes alone, [`open`]
//! reads one share. What is wrong with one file is found when that file is
//! opened or read, so that it can cost that file and not the run.

mod block;
mod csv;
mod discover;
mod document;
mod files;
mod format;
mod gzip;
mod input;
mod jsonl;
mod lines;
mod parquet;
mod text;
mod values;
mod zstd;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use wrasse_core::ByteCount;

use crate::Error;
use crate::store::Object;

pub use block::{BadRow, Block, Row};
pub use discover::discover;
pub use format::Format;
pub(crate) use parquet::ArrowColumns;
pub use parquet::{pack_columns, unpack_columns};
pub(crate) use parquet::{read_batch, write_batch};

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
    /// Fields that every sample of a list of files ([`Format::Files`]) gets.
    pub fields: Map<String, Value>,
    /// Paths that are no input even if they lie in an input folder: the output
    /// of this run and its run directory.
    pub exclude: Vec<String>,
}

/// The files of a run, in the order of its samples.
///
/// Serialized, it can be read on another machine, as far as that sees the same
/// files and stores.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Inputs {
    /// The files; [`Origin::file`] is an index into this list.
    pub files: Vec<InputFile>,
    /// Things passed over while listing that a user should know of: unreadable
    /// entries, link loops, names of unknown formats. Never silent.
    pub warnings: Vec<String>,
    /// The field that holds the text of one-sample-a-file formats.
    pub(crate) text_key: String,
    /// Fields that every sample of a list of files gets.
    #[serde(with = "as_text")]
    pub(crate) fields: Map<String, Value>,
}

/// Values of any form as a text of JSON, for formats that have no such values.
mod as_text {
    use serde::de::Error as _;
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::{Map, Value};

    pub(super) fn serialize<S: Serializer>(
        fields: &Map<String, Value>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let text = serde_json::to_string(fields).map_err(S::Error::custom)?;
        text.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Map<String, Value>, D::Error> {
        let text = String::deserialize(from)?;
        serde_json::from_str(&text).map_err(D::Error::custom)
    }
}

impl Inputs {
    /// The first file that lies on a disk of this machine, if there is one.
    pub fn first_local(&self) -> Option<&str> {
        let is_local = |file: &&InputFile| matches!(file.place, Place::Local(_));
        self.files
            .iter()
            .find(is_local)
            .map(|file| file.path.as_str())
    }

    /// The same files for a process in another folder: shown under the same
    /// paths, and read from absolute ones.
    ///
    /// # Errors
    ///
    /// If the current folder is gone.
    pub fn readable_anywhere(&self) -> Result<Self, Error> {
        let mut inputs = self.clone();
        for file in &mut inputs.files {
            if let Place::Local(path) = &mut file.place {
                *path = std::path::absolute(&*path)
                    .map_err(|cause| Error::io(&file.path, "cannot be found", cause))?;
            }
        }
        Ok(inputs)
    }
}

/// One file of the input.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Place {
    /// On a local disk, under this exact path.
    Local(PathBuf),
    /// In an object store.
    Object(Object),
    /// It is standard input.
    Stdin,
}

/// Where a file may be cut into splits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Split {
    /// Position in the order of the input.
    pub index: u32,
    /// Index of the (first) file.
    pub file: u32,
    /// Bytes of input it covers, as far as they are known.
    pub bytes: u64,
    pub(crate) share: Share,
}

impl Split {
    /// Whether its rows have about as many bytes as it covers of the input: it is
    /// text that is not packed.
    pub fn is_plain(&self, inputs: &Inputs) -> bool {
        match self.share {
            Share::Bytes { .. } => true,
            Share::Files(_) => inputs.files[self.file as usize].format == Format::Text,
            _ => false,
        }
    }

    /// Whether it covers standard input, which only this process can read.
    pub fn is_stream(&self, inputs: &Inputs) -> bool {
        let files = match &self.share {
            Share::Files(files) => files.clone(),
            _ => self.file..self.file + 1,
        };
        inputs.files[files.start as usize..files.end as usize]
            .iter()
            .any(|file| matches!(file.place, Place::Stdin))
    }
}

/// Which part of its file, or which files, a split covers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Share {
    /// The whole file.
    Whole,
    /// The lines that start in `start..=end` (after `start`, unless it is 0).
    Bytes { start: u64, end: u64 },
    /// The same for the zstd frames of the stored bytes `from..to`.
    Frames {
        from: u64,
        to: u64,
        start: u64,
        /// `None`: to the end of the file.
        end: Option<u64>,
    },
    /// These row groups.
    RowGroups(Range<u32>),
    /// These files, by their indices.
    Files(Range<u32>),
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
            (Format::Files, Cut::Anywhere) => cutter.list(at, file, target),
            (Format::Jsonl, Cut::Frames) => cutter.frames(at, file, target)?,
            (Format::Parquet, _) => cutter.row_groups(at, file, target),
            (Format::Text | Format::Document, _) => {
                at = cutter.files(at, &inputs.files, target);
                continue;
            }
            _ => cutter.push(at, file.bytes.unwrap_or(0), Share::Whole),
        }
        at += 1;
    }
    Ok(cutter.splits)
}

/// Files of a split of texts at most: small ones cost by their number.
const FILES_MAX: usize = 512;

/// Bytes of a list of files in a split: some fifty files.
const LIST_BYTES: u64 = 16 << 10;
/// Splits that a list is cut into, about, at most.
const LIST_SPLITS_MAX: u64 = 1 << 15;

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

    /// Cuts a list of files: a line stands for far more bytes than it has.
    fn list(&mut self, at: usize, file: &InputFile, target: u64) {
        let size = file.bytes.unwrap_or(0);
        self.bytes(at, file, target.min(LIST_BYTES.max(size / LIST_SPLITS_MAX)));
    }

    /// Makes a split of a run of texts that starts at `first`; returns what
    /// comes after it.
    fn files(&mut self, first: usize, files: &[InputFile], target: u64) -> usize {
        let mut bytes = 0;
        let mut end = first;
        while let Some(file) = files.get(end)
            && file.format == files[first].format
            && bytes < target
            && end - first < FILES_MAX
        {
            bytes += file.bytes.unwrap_or(0);
            end += 1;
        }
        self.push(first, bytes, Share::Files(first as u32..end as u32));
        end
    }

    /// Cuts a Parquet file into runs of row groups.
    fn row_groups(&mut self, at: usize, file: &InputFile, target: u64) {
        let Ok(groups) = parquet::row_groups(file) else {
            // It fails anew, for the run to see, when it is opened.
            return self.push(at, file.bytes.unwrap_or(0), Share::Whole);
        };
        let mut first = 0;
        let mut bytes = 0;
        for (i, group) in groups.iter().enumerate() {
            bytes += group;
            if bytes >= target || i + 1 == groups.len() {
                let share = Share::RowGroups(first..i as u32 + 1);
                self.push(at, bytes, share);
                first = i as u32 + 1;
                bytes = 0;
            }
        }
    }

    /// Cuts a file of zstd frames into runs of frames.
    fn frames(&mut self, at: usize, file: &InputFile, target: u64) -> Result<(), Error> {
        let size = file.bytes.unwrap_or(0);
        let mut starts = jsonl::frames(file)?;
        let mut previous = 0;
        let mut is_first = true;
        starts.retain(|frame| {
            let keep = std::mem::take(&mut is_first) || frame.plain - previous >= target;
            if keep {
                previous = frame.plain;
            }
            keep
        });
        if starts.len() < 2 {
            self.push(at, size, Share::Whole);
            return Ok(());
        }
        starts[0].stored = 0;
        for (i, frame) in starts.iter().enumerate() {
            let next = starts.get(i + 1);
            let (from, to) = (frame.stored, next.map_or(size, |next| next.stored));
            let (start, end) = (frame.plain, next.map(|next| next.plain));
            let share = Share::Frames {
                from,
                to,
                start,
                end,
            };
            self.push(at, to - from, share);
        }
        Ok(())
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
        Format::Files => Ok(Box::new(files::Reader::new(
            jsonl::open(file, split, limits)?,
            Arc::clone(inputs),
            limits,
        ))),
        Format::Parquet => parquet::open(file, split, limits),
        Format::Csv => csv::open(file, split, b',', limits),
        Format::Tsv => csv::open(file, split, b'\t', limits),
        Format::Text | Format::Document => Ok(Box::new(text::Reader {
            inputs: Arc::clone(inputs),
            files: match &split.share {
                Share::Files(files) => files.clone(),
                _ => split.file..split.file + 1,
            },
            limits,
        })),
    }
}
