//! [`Lines`]: a block of rows as lines of JSON, and the encoder that makes it.

use serde::{Deserialize, Serialize};
use wrasse_core::Sample;

use super::columnar::{Table, TableBuilder};
use super::{BlockBuilder, Encoder, OutBlock, Payload};

/// Rows as text, each ending in a line end.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Lines {
    #[serde(with = "serde_bytes")]
    pub(super) bytes: Vec<u8>,
    /// The end of each row in `bytes`.
    pub(super) ends: Vec<usize>,
}

impl Lines {
    /// Keeps the rows for which `keep` holds, in place.
    pub(super) fn retain(&mut self, keep: &[bool]) {
        assert_eq!(keep.len(), self.ends.len(), "one verdict a row");
        let (mut start, mut to, mut kept) = (0, 0, 0);
        for (i, keep) in keep.iter().enumerate() {
            let end = self.ends[i];
            if *keep {
                self.bytes.copy_within(start..end, to);
                to += end - start;
                self.ends[kept] = to;
                kept += 1;
            }
            start = end;
        }
        self.bytes.truncate(to);
        self.ends.truncate(kept);
    }

    /// The lines of a text; the last one ends, too.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        let ends = memchr::memchr_iter(b'\n', &bytes).map(|at| at + 1);
        Self {
            ends: ends.collect(),
            bytes,
        }
    }

    /// Bytes of each row.
    pub(super) fn lengths(&self) -> impl Iterator<Item = u64> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let length = end - std::mem::replace(&mut start, end);
            length as u64
        })
    }

    /// All rows.
    pub(super) fn rows(&self) -> RowSlice<'_> {
        RowSlice {
            lines: self,
            first: 0,
            end: self.ends.len(),
        }
    }

    /// Some of the rows.
    pub(super) fn slice(&self, rows: std::ops::Range<usize>) -> RowSlice<'_> {
        RowSlice {
            lines: self,
            first: rows.start,
            end: rows.end,
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<usize>()
    }

    /// Appends `sample` as one line.
    pub(super) fn push(&mut self, sample: &Sample) {
        let start = self.bytes.len();
        sample.write_json(&mut self.bytes);
        keep_on_one_line(&mut self.bytes[start..]);
        self.bytes.push(b'\n');
        self.ends.push(self.bytes.len());
    }
}

impl Lines {
    /// Appends `sample` as one line if all its strings are text.
    fn push_strict(&mut self, sample: &Sample) -> Result<(), String> {
        let start = self.bytes.len();
        self.push(sample);
        check_strings(&self.bytes[start..]).inspect_err(|_| {
            self.bytes.truncate(start);
            self.ends.pop();
        })
    }
}

/// A run of rows within [`Lines`].
#[derive(Clone, Copy)]
pub(super) struct RowSlice<'a> {
    lines: &'a Lines,
    first: usize,
    end: usize,
}

impl<'a> RowSlice<'a> {
    pub(super) fn n_rows(self) -> usize {
        self.end - self.first
    }

    pub(super) fn bytes(self) -> &'a [u8] {
        &self.lines.bytes[self.start_of(self.first)..self.start_of(self.end)]
    }

    /// The rows up to and with the one that brings them to `limit` bytes, and
    /// the rest.
    pub(super) fn split_at_bytes(self, limit: u64) -> (Self, Self) {
        let start = self.start_of(self.first);
        let ends = &self.lines.ends[self.first..self.end];
        let below = ends.partition_point(|end| ((end - start) as u64) < limit);
        let at = (self.first + below + 1).min(self.end);
        (Self { end: at, ..self }, Self { first: at, ..self })
    }

    fn start_of(self, row: usize) -> usize {
        match row {
            0 => 0,
            _ => self.lines.ends[row - 1],
        }
    }
}

/// Makes spaces of line ends between tokens: a row that came from a
/// pretty-printed array has some. Strings hold none, or they were not JSON.
/// The carriage return of a CRLF file, at the end of the row, stays.
fn keep_on_one_line(row: &mut [u8]) {
    if memchr::memchr(b'\n', row).is_none() {
        return;
    }
    let last = row.len() - 1;
    for (i, byte) in row.iter_mut().enumerate() {
        if *byte == b'\n' || (*byte == b'\r' && i != last) {
            *byte = b' ';
        }
    }
}

/// Encodes samples as lines of JSON.
pub(super) struct LinesEncoder {
    /// Whether strings must be text: columns hold UTF-8, which has no half
    /// surrogates, while JSON can spell them.
    pub(super) strict: bool,
}

impl Encoder for LinesEncoder {
    fn start(&self) -> Box<dyn BlockBuilder> {
        Box::new(LinesBuilder {
            lines: Lines::default(),
            strict: self.strict,
        })
    }
}

struct LinesBuilder {
    lines: Lines,
    strict: bool,
}

impl BlockBuilder for LinesBuilder {
    fn reserve(&mut self, bytes: usize) {
        self.lines.bytes.reserve_exact(bytes);
    }

    fn push(&mut self, sample: &Sample) -> Result<(), String> {
        if self.strict {
            return self.lines.push_strict(sample);
        }
        self.lines.push(sample);
        Ok(())
    }

    fn row_bytes(&self) -> usize {
        self.lines.bytes.len()
    }

    fn finish(mut self: Box<Self>) -> OutBlock {
        // Of what was reserved, dropped rows may have left most unused.
        if self.lines.bytes.len() < self.lines.bytes.capacity() / 2 {
            self.lines.bytes.shrink_to_fit();
        }
        OutBlock(Payload::Lines(self.lines))
    }
}

/// A run of rows of one make.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Piece {
    Lines(Lines),
    Table(Table),
}

impl Piece {
    pub(super) fn n_rows(&self) -> usize {
        match self {
            Self::Lines(lines) => lines.ends.len(),
            Self::Table(table) => table.n_rows(),
        }
    }

    pub(super) fn row_bytes(&self) -> usize {
        match self {
            Self::Lines(lines) => lines.bytes.len(),
            Self::Table(table) => table.n_bytes() as usize,
        }
    }

    /// Appends the bytes of each row to `lengths`.
    pub(super) fn add_lengths(&self, lengths: &mut Vec<u64>) {
        match self {
            Self::Lines(lines) => lengths.extend(lines.lengths()),
            Self::Table(table) => lengths.extend(table.row_bytes()),
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Self::Lines(lines) => lines.memory_bytes(),
            Self::Table(table) => table.memory_bytes(),
        }
    }

    pub(super) fn retain(&mut self, keep: &[bool]) {
        match self {
            Self::Lines(lines) => lines.retain(keep),
            Self::Table(table) => table.retain(keep),
        }
    }
}

/// Encodes samples from columns as columns, others as lines of JSON.
pub(super) struct TableEncoder;

impl Encoder for TableEncoder {
    fn start(&self) -> Box<dyn BlockBuilder> {
        Box::new(PiecesBuilder::default())
    }
}

#[derive(Default)]
struct PiecesBuilder {
    pieces: Vec<Piece>,
    /// Rows of the batch that the last samples came from.
    table: Option<TableBuilder>,
}

impl PiecesBuilder {
    fn end_table(&mut self) {
        let table = self.table.take();
        self.pieces
            .extend(table.map(|table| Piece::Table(table.finish())));
    }
}

impl BlockBuilder for PiecesBuilder {
    fn push(&mut self, sample: &Sample) -> Result<(), String> {
        if !self.table.as_ref().is_some_and(|table| table.takes(sample)) {
            self.end_table();
            self.table = TableBuilder::for_rows_like(sample);
        }
        if let Some(table) = &mut self.table {
            return table.push(sample);
        }
        if !matches!(self.pieces.last(), Some(Piece::Lines(_))) {
            self.pieces.push(Piece::Lines(Lines::default()));
        }
        match self.pieces.last_mut() {
            Some(Piece::Lines(lines)) => lines.push_strict(sample),
            _ => unreachable!("lines were just pushed"),
        }
    }

    fn row_bytes(&self) -> usize {
        let pieces: usize = self.pieces.iter().map(Piece::memory_bytes).sum();
        pieces + self.table.as_ref().map_or(0, TableBuilder::memory_bytes)
    }

    fn finish(mut self: Box<Self>) -> OutBlock {
        self.end_table();
        OutBlock(Payload::Pieces(self.pieces))
    }
}

/// Checks that every escape of the JSON row is one of a character.
pub(super) fn check_strings(row: &[u8]) -> Result<(), String> {
    let unit = |at: usize| {
        let digits = row.get(at..at + 6)?.strip_prefix(br"\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &row[at..]) {
        at += found;
        at += match (unit(at), unit(at + 6)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 12,
            (Some(half @ 0xd800..0xe000), _) => {
                return Err(format!(
                    "a string holds the half surrogate `\\u{half:04x}`, which is no character; \
                     only JSON can hold it"
                ));
            }
            (Some(_), _) => 6,
            (None, _) => 2,
        };
    }
    Ok(())
}
