//! [`Block`]: a run of rows, and how they become samples.
//!
//! A reader frames rows; parsing waits until they are iterated, so that it runs
//! on the thread that works on them.

use std::ops::Range;
use std::sync::Arc;

use wrasse_core::{Columns, Origin, Sample, SharedStr};

use super::format::BOM;

/// How much of a bad row is kept.
pub(super) const RAW_MAX: usize = 1 << 20;

/// A run of rows in input order. Cheap to make: rows are parsed when iterated.
#[derive(Debug)]
pub struct Block {
    /// Bytes of input (as stored, compressed or not) this block accounts for.
    pub input_bytes: u64,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Lines(Lines),
    Pieces { text: String, pieces: Vec<Piece> },
    Columns(Batch),
}

/// Lines as they were read.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) bytes: Vec<u8>,
    /// Offset of `bytes` in the decompressed file.
    pub(super) offset: u64,
    pub(super) file: u32,
    pub(super) row_bytes_max: usize,
}

/// A row that a reader framed itself.
#[derive(Debug)]
pub(super) enum Piece {
    /// JSON: a span of the block's text.
    Json { span: Range<usize>, origin: Origin },
    /// No sample.
    Bad(BadRow),
}

/// Rows of a columnar batch.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) columns: Arc<dyn Columns>,
    /// Rows that are no samples, by row, ascending.
    pub(super) bad: Vec<(usize, BadRow)>,
    pub(super) file: u32,
    /// Number of the first row in its file.
    pub(super) first_row: u64,
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

impl BadRow {
    pub(super) fn new(origin: Origin, reason: impl Into<String>, raw: &[u8]) -> Self {
        Self {
            origin,
            reason: reason.into(),
            raw: raw[..raw.len().min(RAW_MAX)].to_vec(),
            raw_bytes: raw.len() as u64,
        }
    }

    /// The reason given for a row above the limit.
    pub(super) fn too_long(bytes: u64, row_bytes_max: usize) -> String {
        format!("the row has {bytes} bytes, more than the limit of {row_bytes_max}")
    }
}

impl Block {
    pub(super) fn lines(lines: Lines, input_bytes: u64) -> Self {
        Self {
            input_bytes,
            content: Content::Lines(lines),
        }
    }

    pub(super) fn pieces(text: String, pieces: Vec<Piece>, input_bytes: u64) -> Self {
        Self {
            input_bytes,
            content: Content::Pieces { text, pieces },
        }
    }

    pub(super) fn columns(batch: Batch, input_bytes: u64) -> Self {
        Self {
            input_bytes,
            content: Content::Columns(batch),
        }
    }

    /// Bytes of memory that the block holds.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + match &self.content {
                Content::Lines(lines) => lines.bytes.capacity(),
                Content::Pieces { text, pieces } => {
                    let raw = |piece: &Piece| match piece {
                        Piece::Json { .. } => 0,
                        Piece::Bad(bad) => bad.raw.capacity() + bad.reason.capacity(),
                    };
                    text.capacity()
                        + pieces.capacity() * size_of::<Piece>()
                        + pieces.iter().map(raw).sum::<usize>()
                }
                Content::Columns(batch) => batch.columns.size_bytes(),
            }
    }

    /// The rows, in order, each parsed as it is taken.
    pub fn rows(self) -> impl Iterator<Item = Row> + Send {
        match self.content {
            Content::Lines(lines) => Rows::of_lines(lines),
            Content::Pieces { text, pieces } => Rows::Pieces {
                text: Arc::new(text),
                pieces: pieces.into_iter(),
            },
            Content::Columns(batch) => Rows::Columns { batch, row: 0 },
        }
    }
}

/// The iterator over a block's rows.
enum Rows {
    /// Lines that are UTF-8 as a whole.
    Text {
        text: Arc<String>,
        at: usize,
        place: Place,
    },
    /// Lines of which at least one is not UTF-8.
    Bytes {
        bytes: Vec<u8>,
        at: usize,
        place: Place,
    },
    Pieces {
        text: Arc<String>,
        pieces: std::vec::IntoIter<Piece>,
    },
    Columns {
        batch: Batch,
        row: usize,
    },
}

/// What the lines of a block have in common.
#[derive(Clone, Copy)]
struct Place {
    offset: u64,
    file: u32,
    row_bytes_max: usize,
}

impl Rows {
    fn of_lines(lines: Lines) -> Self {
        let place = Place {
            offset: lines.offset,
            file: lines.file,
            row_bytes_max: lines.row_bytes_max,
        };
        match String::from_utf8(lines.bytes) {
            Ok(text) => Self::Text {
                text: Arc::new(text),
                at: 0,
                place,
            },
            Err(error) => Self::Bytes {
                bytes: error.into_bytes(),
                at: 0,
                place,
            },
        }
    }
}

impl Iterator for Rows {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        match self {
            Self::Text { text, at, place } => {
                let (span, origin) = next_line(text.as_bytes(), at, place)?;
                Some(
                    match place.check_length(&text.as_bytes()[span.clone()], origin) {
                        Some(bad) => Row::Bad(bad),
                        None => parse(SharedStr::slice_of(text, span), origin),
                    },
                )
            }
            Self::Bytes { bytes, at, place } => {
                let (span, origin) = next_line(bytes, at, place)?;
                let line = &bytes[span];
                Some(match place.check_length(line, origin) {
                    Some(bad) => Row::Bad(bad),
                    None => parse_bytes(line, origin),
                })
            }
            Self::Pieces { text, pieces } => Some(match pieces.next()? {
                Piece::Json { span, origin } => parse(SharedStr::slice_of(text, span), origin),
                Piece::Bad(bad) => Row::Bad(bad),
            }),
            Self::Columns { batch, row } => {
                if *row >= batch.columns.n_rows() {
                    return None;
                }
                let this = *row;
                *row += 1;
                Some(batch.row(this))
            }
        }
    }
}

/// The next line that is not blank, without its line end and byte order mark.
///
/// A mark is taken off every line, not only the first of a file: files joined
/// by `cat` have them in the middle.
fn next_line(bytes: &[u8], at: &mut usize, place: &Place) -> Option<(Range<usize>, Origin)> {
    while *at < bytes.len() {
        let start = *at;
        let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |len| start + len);
        *at = end + 1;
        let line = &bytes[start..end];
        let mark = if line.starts_with(BOM) { BOM.len() } else { 0 };
        if !line[mark..].trim_ascii().is_empty() {
            let origin = Origin {
                file: place.file,
                piece: 0,
                position: place.offset + start as u64,
            };
            return Some((start + mark..end, origin));
        }
    }
    None
}

impl Place {
    fn check_length(&self, line: &[u8], origin: Origin) -> Option<BadRow> {
        (line.len() > self.row_bytes_max).then(|| {
            let reason = BadRow::too_long(line.len() as u64, self.row_bytes_max);
            BadRow::new(origin, reason, line)
        })
    }
}

impl Batch {
    fn row(&self, row: usize) -> Row {
        let origin = Origin {
            file: self.file,
            piece: 0,
            position: self.first_row + row as u64,
        };
        match self.bad.binary_search_by_key(&row, |(row, _)| *row) {
            Ok(at) => Row::Bad(self.bad[at].1.clone()),
            Err(_) => Row::Sample(Sample::from_columns(Arc::clone(&self.columns), row, origin)),
        }
    }
}

fn parse(line: SharedStr, origin: Origin) -> Row {
    match Sample::from_json(line.clone(), origin) {
        Ok(sample) => Row::Sample(sample),
        Err(error) => {
            let reason = match memchr::memchr(0, line.as_bytes()) {
                Some(at) => format!("NUL at byte {at} of the row: {error}"),
                None => error.to_string(),
            };
            Row::Bad(BadRow::new(origin, reason, line.as_bytes()))
        }
    }
}

fn parse_bytes(line: &[u8], origin: Origin) -> Row {
    match std::str::from_utf8(line) {
        Ok(line) => parse(line.into(), origin),
        Err(error) => Row::Bad(BadRow::new(origin, not_utf8(line, error), line)),
    }
}

/// Why `bytes` are no text, with the first byte that is wrong.
pub(super) fn not_utf8(bytes: &[u8], error: std::str::Utf8Error) -> String {
    let at = error.valid_up_to();
    let byte = bytes.get(at).copied().unwrap_or(0);
    format!("not UTF-8: byte 0x{byte:02x} at byte {at} of the row")
}
