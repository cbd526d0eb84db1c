//! [`LineReader`]: from a stream of bytes to blocks of whole lines.
//!
//! # Which lines belong to a share
//!
//! A share that does not start its file skips through its first line end; every
//! share goes on to the end of the line that starts at or before its last
//! border. So every line is read by one share, wherever the borders lie, and
//! no reader needs to know what another one found.
//!
//! # Invariants
//!
//! 1. `carry` holds the bytes from offset `next` on that were read, but not
//!    given out. At most one line in it is unfinished.
//! 2. Memory is bounded by the longer of block and longest row, and what one
//!    read adds: a line above the limit is counted, not held.

use wrasse_core::Origin;

use super::block::{BadRow, Block, Lines, Piece, RAW_MAX};
use super::input::Source;
use super::{ReadLimits, SplitReader};
use crate::Error;

/// The least that one read asks for.
const READ_MIN: usize = 64 << 10;

/// Reads the lines of one share.
pub(super) struct LineReader {
    source: Source,
    limits: ReadLimits,
    /// Lines that start after this offset belong to the next share.
    end: Option<u64>,
    skip_first: bool,
    next: u64,
    carry: Vec<u8>,
    at_end_of_stream: bool,
    done: bool,
    failed: Option<Error>,
}

impl LineReader {
    /// Reads the share from the start of `source` to `end`; `skip_first` if
    /// the share does not start its file.
    pub(super) fn new(
        source: Source,
        end: Option<u64>,
        skip_first: bool,
        limits: ReadLimits,
    ) -> Self {
        Self {
            next: source.start,
            source,
            limits,
            end,
            skip_first,
            carry: Vec::new(),
            at_end_of_stream: false,
            done: false,
            failed: None,
        }
    }

    /// Reads `n` bytes more into `buffer`, which starts at `next`. A failure is
    /// kept for later: what was read before it counts.
    fn read(&mut self, n: usize, buffer: &mut Vec<u8>) {
        match self.source.read(n, buffer) {
            Ok(at_end) => self.at_end_of_stream = at_end,
            Err(cause) => {
                let offset = self.next + buffer.len() as u64;
                self.failed = Some(self.source.damage(offset, cause));
                self.at_end_of_stream = true;
            }
        }
    }

    /// Passes over the line that the share before this one reads.
    fn skip_first_line(&mut self) {
        let mut buffer = Vec::new();
        while !self.at_end_of_stream {
            buffer.clear();
            self.read(READ_MIN, &mut buffer);
            if let Some(at) = memchr::memchr(b'\n', &buffer) {
                self.next += at as u64 + 1;
                self.carry = buffer.split_off(at + 1);
                return;
            }
            self.next += buffer.len() as u64;
        }
        self.done = true;
    }

    /// Passes over the rest of a line of which `buffer` is the start.
    fn skip_long_line(&mut self, mut buffer: Vec<u8>) -> Block {
        let start = self.next;
        let mut raw_bytes = buffer.len() as u64;
        let raw = buffer[..buffer.len().min(RAW_MAX)].to_vec();
        self.next += raw_bytes;
        loop {
            if self.at_end_of_stream {
                self.done = true;
                break;
            }
            buffer.clear();
            self.read(READ_MIN, &mut buffer);
            match memchr::memchr(b'\n', &buffer) {
                Some(at) => {
                    raw_bytes += at as u64;
                    self.next += at as u64 + 1;
                    self.carry = buffer.split_off(at + 1);
                    break;
                }
                None => {
                    raw_bytes += buffer.len() as u64;
                    self.next += buffer.len() as u64;
                }
            }
        }
        let bad = BadRow {
            origin: Origin {
                file: self.source.file,
                piece: 0,
                position: start,
            },
            reason: BadRow::too_long(raw_bytes, self.limits.row_bytes_max),
            raw,
            raw_bytes,
        };
        let input_bytes = self.source.account(self.next - start, false);
        Block::pieces(String::new(), vec![Piece::Bad(bad)], input_bytes)
    }

    /// Gives out the first `cut` bytes of `buffer` and keeps the rest.
    fn block(&mut self, mut buffer: Vec<u8>, cut: usize) -> Block {
        self.carry = buffer[cut..].to_vec();
        buffer.truncate(cut);
        let offset = self.next;
        self.next += cut as u64;
        let input_bytes = self
            .source
            .account(cut as u64, self.done && self.failed.is_none());
        let lines = Lines {
            bytes: buffer,
            offset,
            file: self.source.file,
            row_bytes_max: self.limits.row_bytes_max,
        };
        Block::lines(lines, input_bytes)
    }

    /// What comes after the last row: a failure, or a block without rows for
    /// the stored bytes that none of them accounts for.
    fn finish(&mut self) -> Result<Option<Block>, Error> {
        if let Some(error) = self.failed.take() {
            self.source.account(0, true);
            return Err(error);
        }
        Ok(match self.source.account(0, true) {
            0 => None,
            bytes => Some(Block::pieces(String::new(), Vec::new(), bytes)),
        })
    }

    /// The end of the last line of this share within `buffer`, if it is there.
    fn end_of_share(&self, buffer: &[u8]) -> Option<usize> {
        let border = usize::try_from(self.end?.checked_sub(self.next)?).ok()?;
        let tail = buffer.get(border..)?;
        memchr::memchr(b'\n', tail).map(|at| border + at + 1)
    }

    /// How much to read next: up to a full block, but little beyond the share.
    fn wanted(&self, have: usize) -> usize {
        let block = self.limits.block_bytes.saturating_sub(have);
        let share = self.end.map_or(usize::MAX, |end| {
            let left = (end + 1).saturating_sub(self.next + have as u64);
            usize::try_from(left).unwrap_or(usize::MAX)
        });
        block.min(share).max(READ_MIN)
    }
}

impl SplitReader for LineReader {
    fn next_block(&mut self) -> Result<Option<Block>, Error> {
        if std::mem::take(&mut self.skip_first) {
            self.skip_first_line();
        }
        if self.end.is_some_and(|end| self.next > end) {
            // The line after the border is not of this share, and so is no
            // damage there.
            self.done = true;
            self.failed = None;
        }
        if self.done {
            return self.finish();
        }
        let mut buffer = std::mem::take(&mut self.carry);
        let mut line_end = memchr::memrchr(b'\n', &buffer);
        loop {
            if let Some(cut) = self.end_of_share(&buffer) {
                self.done = true;
                self.failed = None;
                return Ok(Some(self.block(buffer, cut)));
            }
            if self.at_end_of_stream {
                self.done = true;
                let cut = match (&self.failed, line_end) {
                    (None, _) => buffer.len(),
                    (Some(_), Some(line_end)) => line_end + 1,
                    (Some(_), None) => 0,
                };
                if cut == 0 {
                    return self.finish();
                }
                return Ok(Some(self.block(buffer, cut)));
            }
            match line_end {
                Some(line_end) if buffer.len() >= self.limits.block_bytes => {
                    return Ok(Some(self.block(buffer, line_end + 1)));
                }
                None if buffer.len() > self.limits.row_bytes_max => {
                    return Ok(Some(self.skip_long_line(buffer)));
                }
                _ => {}
            }
            let have = buffer.len();
            self.read(self.wanted(have), &mut buffer);
            if let Some(at) = memchr::memrchr(b'\n', &buffer[have..]) {
                line_end = Some(have + at);
            }
        }
    }
}
