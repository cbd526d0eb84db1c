//! [`ValueReader`]: JSON objects that are not a line each.
//!
//! Reads the elements of an array, or objects one after the other that may be
//! spread over lines. Elements are framed by brackets and quotes alone; whether
//! they are valid is found out when they are parsed. An element that is spread
//! over lines becomes a row of one line: white space between its tokens goes.

use std::io;

use wrasse_core::Origin;

use super::block::{BadRow, Block, Piece, RAW_MAX, not_utf8};
use super::format::BOM;
use super::input::Source;
use super::{ReadLimits, SplitReader};
use crate::Error;

const READ: usize = 64 << 10;

/// Reads the objects of one file.
pub(super) struct ValueReader {
    source: Source,
    limits: ReadLimits,
    state: State,
    /// The element that was begun.
    element: Element,
    /// Offset of the next byte.
    next: u64,
    chunk: Vec<u8>,
    done: bool,
    failed: Option<Error>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first value.
    Start,
    /// Between elements; within an array or not.
    Between { in_array: bool },
    /// In an element.
    Within { in_array: bool },
    /// After the array.
    After,
}

/// An element in the making.
#[derive(Default)]
struct Element {
    start: u64,
    raw: Vec<u8>,
    raw_bytes: u64,
    depth: u32,
    in_string: bool,
    escaped: bool,
    n_line_ends: u32,
}

/// The rows of a block in the making.
#[derive(Default)]
struct Rows {
    text: String,
    pieces: Vec<Piece>,
    bad_bytes: usize,
}

impl ValueReader {
    pub(super) fn new(source: Source, limits: ReadLimits) -> Self {
        Self {
            next: source.start,
            source,
            limits,
            state: State::Start,
            element: Element::default(),
            chunk: Vec::new(),
            done: false,
            failed: None,
        }
    }

    /// Takes in a chunk, up to where a block is full; returns how far it came.
    fn feed(&mut self, chunk: &[u8], rows: &mut Rows) -> Result<usize, Error> {
        let mut at = 0;
        while at < chunk.len() && rows.text.len() + rows.bad_bytes < self.limits.block_bytes {
            let byte = chunk[at];
            match self.state {
                State::Start => {
                    if self.next + at as u64 == 0 && chunk.starts_with(BOM) {
                        at += BOM.len();
                        continue;
                    }
                    at += usize::from(byte == b'[' || byte.is_ascii_whitespace());
                    if byte == b'[' {
                        self.state = State::Between { in_array: true };
                    } else if !byte.is_ascii_whitespace() {
                        self.state = State::Between { in_array: false };
                    }
                }
                State::Between { in_array: true } if byte == b']' => {
                    self.state = State::After;
                    at += 1;
                }
                State::Between { in_array } => {
                    if byte.is_ascii_whitespace() || (in_array && byte == b',') {
                        at += 1;
                    } else {
                        self.element = Element {
                            start: self.next + at as u64,
                            ..Element::default()
                        };
                        self.state = State::Within { in_array };
                    }
                }
                State::Within { in_array } => {
                    let (taken, ended) = self.element.take(&chunk[at..], self.limits.row_bytes_max);
                    at += taken;
                    if ended {
                        self.end_element(rows);
                        self.state = State::Between { in_array };
                    }
                }
                State::After if byte.is_ascii_whitespace() => at += 1,
                State::After => {
                    let offset = self.next + at as u64;
                    let message = format!("after the JSON array comes more, at byte {offset}");
                    return Err(Error::new(&self.source.path, message));
                }
            }
        }
        Ok(at)
    }

    fn end_element(&mut self, rows: &mut Rows) {
        let element = std::mem::take(&mut self.element);
        let origin = Origin {
            file: self.source.file,
            piece: 0,
            position: element.start,
        };
        let bad = |reason| BadRow {
            origin,
            reason,
            raw: element.raw[..element.raw.len().min(RAW_MAX)].to_vec(),
            raw_bytes: element.raw_bytes,
        };
        if element.raw_bytes > self.limits.row_bytes_max as u64 {
            let reason = BadRow::too_long(element.raw_bytes, self.limits.row_bytes_max);
            return rows.push_bad(bad(reason));
        }
        match std::str::from_utf8(&element.raw) {
            Ok(json) => rows.push(json, element.n_line_ends > 0, origin),
            Err(error) => rows.push_bad(bad(not_utf8(&element.raw, error))),
        }
    }

    fn at_end_of_stream(&mut self, rows: &mut Rows) -> Option<Error> {
        match self.state {
            State::Start | State::After | State::Between { in_array: false } => None,
            State::Within { in_array: false } if self.element.depth == 0 => {
                self.end_element(rows);
                None
            }
            State::Between { in_array: true } => {
                let cause = io::Error::new(io::ErrorKind::UnexpectedEof, "the array is not closed");
                Some(self.source.damage(self.next, cause))
            }
            State::Within { .. } => {
                let what = format!(
                    "the value that starts at byte {} is not closed",
                    self.element.start
                );
                let cause = io::Error::new(io::ErrorKind::UnexpectedEof, what);
                Some(self.source.damage(self.next, cause))
            }
        }
    }
}

impl SplitReader for ValueReader {
    fn next_block(&mut self) -> Result<Option<Block>, Error> {
        let mut rows = Rows::default();
        let start = self.next;
        while !self.done && rows.text.len() + rows.bad_bytes < self.limits.block_bytes {
            let mut at_end = false;
            if self.chunk.is_empty() {
                let mut chunk = std::mem::take(&mut self.chunk);
                let read = self.source.read(READ, &mut chunk);
                let offset = self.next + chunk.len() as u64;
                self.chunk = chunk;
                match read {
                    Ok(end) => at_end = end && self.chunk.is_empty(),
                    Err(cause) => self.failed = Some(self.source.damage(offset, cause)),
                }
            }
            let mut chunk = std::mem::take(&mut self.chunk);
            match self.feed(&chunk, &mut rows) {
                Ok(taken) => {
                    self.next += taken as u64;
                    chunk.drain(..taken);
                    self.chunk = chunk;
                }
                Err(error) => self.failed = Some(error),
            }
            if at_end {
                self.failed = self.at_end_of_stream(&mut rows);
            }
            self.done = at_end || (self.failed.is_some() && self.chunk.is_empty());
        }
        if rows.pieces.is_empty() {
            return self.failed.take().map_or(Ok(None), Err);
        }
        let input_bytes = self.source.account(self.next - start, false);
        Ok(Some(Block::pieces(rows.text, rows.pieces, input_bytes)))
    }
}

impl Element {
    /// Takes bytes of the element; returns how many, and whether it ended.
    fn take(&mut self, bytes: &[u8], most: usize) -> (usize, bool) {
        let mut at = 0;
        let mut ended = false;
        while at < bytes.len() && !ended {
            if self.in_string && !self.escaped {
                at += memchr::memchr2(b'"', b'\\', &bytes[at..]).unwrap_or(bytes.len() - at);
            }
            let Some(byte) = bytes.get(at) else {
                break;
            };
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    _ => {
                        self.in_string = false;
                        ended = self.depth == 0;
                    }
                }
            } else {
                match byte {
                    b'"' => self.in_string = true,
                    b'{' | b'[' => self.depth += 1,
                    // What follows a number or a word.
                    b']' | b'}' | b',' if self.depth == 0 => {
                        // What has no beginning is an element by itself.
                        ended = true;
                        at += usize::from(at == 0 && self.raw_bytes == 0);
                        break;
                    }
                    b']' | b'}' => {
                        self.depth -= 1;
                        ended = self.depth == 0;
                    }
                    b'\n' | b'\r' => self.n_line_ends += 1,
                    _ => {}
                }
                if self.depth == 0 && !self.in_string && byte.is_ascii_whitespace() {
                    ended = true;
                    break;
                }
            }
            at += 1;
        }
        self.raw_bytes += at as u64;
        // One byte above the limit tells that there were more.
        let room = (most + 1).max(RAW_MAX).saturating_sub(self.raw.len());
        self.raw.extend_from_slice(&bytes[..at.min(room)]);
        (at, ended)
    }
}

impl Rows {
    fn push(&mut self, json: &str, is_spread: bool, origin: Origin) {
        let start = self.text.len();
        if is_spread {
            compact(json, &mut self.text);
        } else {
            self.text.push_str(json);
        }
        let span = start..self.text.len();
        self.pieces.push(Piece::Json { span, origin });
    }

    fn push_bad(&mut self, bad: BadRow) {
        self.bad_bytes += bad.raw.len();
        self.pieces.push(Piece::Bad(bad));
    }
}

/// Appends `json` without the white space between its tokens.
fn compact(json: &str, out: &mut String) {
    let mut in_string = false;
    let mut escaped = false;
    out.extend(json.chars().filter(|c| {
        if in_string {
            in_string = escaped || *c != '"';
            escaped = !escaped && *c == '\\';
            return true;
        }
        in_string = *c == '"';
        !c.is_ascii_whitespace()
    }));
}
