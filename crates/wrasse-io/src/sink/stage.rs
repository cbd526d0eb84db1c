//! [`Stage`]: rows that wait for their columns to be known.
//!
//! CSV and Parquet can be written only when all rows were seen: the one needs
//! its header, the other its types. Until then rows lie in one file of frames
//! in the staging folder, each with a header that tells its length, rows and
//! bytes of rows, and packed as zstd. Parts and row groups are runs of frames;
//! frames are cut by their rows alone, and so are they.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::ArrowError;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::columnar::Table;
use super::compress::zstd;
use super::fault::fault;
use super::frames::{Frames, Pack, Packed, Rows};
use super::kind::Kind;
use super::rows::{Lines, RowSlice};
use crate::Error;

/// Bytes before each frame: its length, its rows, and their bytes.
const HEADER_BYTES: usize = 24;

/// Staged rows are read once: speed goes before size.
const STAGE_LEVEL: i32 = 1;

/// A run of rows of one make.
pub(super) enum Chunk {
    /// Lines of JSON.
    Lines(Vec<u8>),
    Table(Table),
}

/// Rows that become a frame.
#[derive(Default)]
pub(super) struct Stage {
    pub(super) chunks: Vec<Chunk>,
    n_rows: usize,
    n_bytes: u64,
}

/// A file of staged rows in the making.
pub(super) type StageFrames = Frames<Stage, FrameAbout>;

/// What is known of a frame.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct FrameAbout {
    /// Bytes of the frame in the file, its header included.
    pub(super) stored: u64,
    pub(super) rows: u64,
    pub(super) row_bytes: u64,
    /// The columns of its rows, a [`Kind::Struct`]; taken when joined to those
    /// of the frames before.
    pub(super) columns: Kind,
}

/// Where a frame lies.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct FrameAt {
    /// Which of some files.
    pub(super) file: usize,
    offset: u64,
    stored: u64,
    pub(super) rows: u64,
    pub(super) row_bytes: u64,
}

impl FrameAt {
    /// The places of all frames of a file.
    pub(super) fn all(file: usize, frames: &[FrameAbout]) -> impl Iterator<Item = Self> {
        let mut offset = 0;
        frames.iter().map(move |frame| {
            let at = offset;
            offset += frame.stored;
            Self {
                file,
                offset: at,
                stored: frame.stored,
                rows: frame.rows,
                row_bytes: frame.row_bytes,
            }
        })
    }
}

impl Stage {
    pub(super) fn push_lines(&mut self, rows: RowSlice<'_>) {
        self.n_rows += rows.n_rows();
        self.n_bytes += rows.bytes().len() as u64;
        match self.chunks.last_mut() {
            Some(Chunk::Lines(bytes)) => bytes.extend_from_slice(rows.bytes()),
            _ => self.chunks.push(Chunk::Lines(rows.bytes().to_vec())),
        }
    }

    pub(super) fn push_table(&mut self, table: Table) {
        self.n_rows += table.n_rows();
        self.n_bytes += table.n_bytes();
        self.chunks.push(Chunk::Table(table));
    }

    /// What the columns of these rows hold.
    pub(super) fn observe(&self) -> Kind {
        let mut kind = Kind::Struct(IndexMap::new());
        for chunk in &self.chunks {
            match chunk {
                Chunk::Lines(bytes) => lines(bytes).for_each(|line| kind.observe(line)),
                Chunk::Table(table) => {
                    let mut columns = IndexMap::new();
                    table.observe(&mut columns);
                    kind.join(Kind::Struct(columns));
                }
            }
        }
        kind
    }
}

/// The rows of a chunk of lines.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &str> {
    let text = std::str::from_utf8(bytes).expect("rows were encoded from text");
    text.split_terminator('\n').map(str::trim)
}

impl Rows for Stage {
    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    fn save(&self) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        out.extend_from_slice(&(self.n_rows as u64).to_le_bytes());
        out.extend_from_slice(&self.n_bytes.to_le_bytes());
        for chunk in &self.chunks {
            let (tag, bytes) = match chunk {
                Chunk::Lines(bytes) => (b'L', Cow::Borrowed(bytes)),
                Chunk::Table(table) => (b'T', Cow::Owned(save_table(table).map_err(unsaved)?)),
            };
            out.push(tag);
            out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            out.extend_from_slice(&bytes);
        }
        Ok(out)
    }

    fn load(bytes: Vec<u8>) -> Result<Self, Error> {
        let mut input = bytes.as_slice();
        let mut stage = Self::default();
        let damaged = || Error::new("", "staged rows are damaged");
        stage.n_rows = take_number(&mut input).ok_or_else(damaged)? as usize;
        stage.n_bytes = take_number(&mut input).ok_or_else(damaged)?;
        while let Some((&tag, rest)) = input.split_first() {
            input = rest;
            let n = take_number(&mut input).ok_or_else(damaged)? as usize;
            let (bytes, rest) = input.split_at_checked(n).ok_or_else(damaged)?;
            input = rest;
            stage.chunks.push(match tag {
                b'L' => Chunk::Lines(bytes.to_vec()),
                b'T' => Chunk::Table(load_table(bytes).ok_or_else(damaged)?),
                _ => return Err(damaged()),
            });
        }
        Ok(stage)
    }
}

/// A table as an Arrow stream, after the number of columns as they came.
fn save_table(table: &Table) -> Result<Vec<u8>, ArrowError> {
    let mut out = (table.n_base() as u64).to_le_bytes().to_vec();
    let mut writer = StreamWriter::try_new(&mut out, table.batch().schema_ref())?;
    writer.write(table.batch())?;
    writer.finish()?;
    drop(writer);
    Ok(out)
}

fn unsaved(error: ArrowError) -> Error {
    Error::io(
        "the staged rows",
        "cannot be encoded",
        io::Error::other(error),
    )
}

fn load_table(mut bytes: &[u8]) -> Option<Table> {
    let n_base = take_number(&mut bytes)? as usize;
    let batch = StreamReader::try_new(bytes, None).ok()?.next()?.ok()?;
    Some(Table::new(batch, n_base))
}

fn take_number(input: &mut &[u8]) -> Option<u64> {
    let (number, rest) = input.split_first_chunk::<8>()?;
    *input = rest;
    Some(u64::from_le_bytes(*number))
}

/// Observes rows and packs them.
pub(super) fn packer() -> Arc<Pack<Stage, FrameAbout>> {
    Arc::new(|stage: &Stage| {
        let columns = stage.observe();
        let packed = zstd(&stage.save()?, STAGE_LEVEL)
            .map_err(|e| fault(Path::new("the staged rows"), "cannot compress", e))?;
        let (rows, row_bytes) = (stage.n_rows as u64, stage.n_bytes);
        let mut bytes = Vec::with_capacity(HEADER_BYTES + packed.len());
        for number in [packed.len() as u64, rows, row_bytes] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&packed);
        let about = FrameAbout {
            stored: bytes.len() as u64,
            rows,
            row_bytes,
            columns,
        };
        Ok(Packed { bytes, about })
    })
}

/// Appends lines to the frames of a file.
pub(super) fn append_lines(frames: &mut StageFrames, mut lines: RowSlice<'_>) -> Result<(), Error> {
    while lines.n_rows() > 0 {
        let (now, later) = lines.split_at_bytes(frames.room());
        frames.rows().push_lines(now);
        frames.cut_if_full()?;
        lines = later;
    }
    Ok(())
}

/// Appends rows in columns to the frames of a file.
pub(super) fn append_table(frames: &mut StageFrames, table: Table) -> Result<(), Error> {
    let mut rest = Some(table).filter(|table| table.n_rows() > 0);
    while let Some(table) = rest {
        let (now, later) = table.split_at_bytes(frames.room());
        frames.rows().push_table(now);
        frames.cut_if_full()?;
        rest = later;
    }
    Ok(())
}

/// Appends rows that were staged before.
pub(super) fn append_staged(frames: &mut StageFrames, rows: Stage) -> Result<(), Error> {
    for chunk in rows.chunks {
        match chunk {
            Chunk::Lines(bytes) => append_lines(frames, Lines::of(bytes).rows())?,
            Chunk::Table(table) => append_table(frames, table)?,
        }
    }
    Ok(())
}

/// What is known of the frames in the first `n_bytes` of a file.
pub(super) fn scan(path: &Path, n_bytes: u64) -> Result<Vec<FrameAbout>, Error> {
    let failed = |e| fault(path, "cannot read the staged rows", e);
    let mut file = File::open(path).map_err(failed)?;
    let mut frames = Vec::new();
    let mut at = 0;
    while at < n_bytes {
        let mut header = [0; HEADER_BYTES];
        file.seek(SeekFrom::Start(at)).map_err(failed)?;
        file.read_exact(&mut header).map_err(failed)?;
        let mut header = header.as_slice();
        let mut number = || take_number(&mut header).unwrap_or_default();
        let frame = FrameAbout {
            stored: number() + HEADER_BYTES as u64,
            rows: number(),
            row_bytes: number(),
            columns: Kind::Null,
        };
        at += frame.stored;
        frames.push(frame);
    }
    Ok(frames)
}

/// Reads a frame of one of these files.
pub(super) fn read(files: &[PathBuf], frame: FrameAt) -> Result<Stage, Error> {
    let Some(path) = files.get(frame.file) else {
        return Err(Error::new("", "a file of staged rows is missing"));
    };
    let unpacked = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(frame.offset + HEADER_BYTES as u64))?;
        let mut packed = vec![0; frame.stored as usize - HEADER_BYTES];
        file.read_exact(&mut packed)?;
        unpack(&packed)
    });
    Stage::load(unpacked.map_err(|e| fault(path, "cannot read the staged rows", e))?)
}

/// The rows of all frames in the bytes of a file.
pub(super) fn read_all(path: &Path, mut bytes: &[u8]) -> Result<Vec<Stage>, Error> {
    let mut stages = Vec::new();
    while !bytes.is_empty() {
        let damaged = || Error::new(path.display().to_string(), "staged rows are damaged");
        let stored = take_number(&mut bytes).ok_or_else(damaged)? as usize;
        let rest = bytes.split_at_checked(HEADER_BYTES - size_of::<u64>());
        let (_, rest) = rest.ok_or_else(damaged)?;
        let (packed, rest) = rest.split_at_checked(stored).ok_or_else(damaged)?;
        bytes = rest;
        let unpacked = unpack(packed);
        let unpacked = unpacked.map_err(|e| fault(path, "cannot read the staged rows", e))?;
        stages.push(Stage::load(unpacked)?);
    }
    Ok(stages)
}

fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    zstd::stream::copy_decode(packed, &mut out)?;
    Ok(out)
}
