//! Reading CSV and TSV: every record becomes a JSON object of strings.
//!
//! All values are strings, as they are in the file: numbers keep their zeros
//! and digits, an empty cell is an empty string. The first record names the
//! columns. Cells may hold line ends within quotes; blank lines are no rows.
//!
//! A quote that never closes swallows what follows it. It is read over in
//! bounded memory, and an error at the end of the file names where it opened:
//! to guess where it should have closed would make rows that nobody wrote.

use std::io;

use csv_core::ReadRecordResult;
use wrasse_core::{Origin, write_string};

use super::block::{BadRow, Block, Piece, RAW_MAX, not_utf8};
use super::input::Source;
use super::{InputFile, ReadLimits, Split, SplitReader};
use crate::Error;

const READ: usize = 64 << 10;

/// Opens a split of separated values.
pub(super) fn open(
    file: &InputFile,
    split: &Split,
    delimiter: u8,
    limits: ReadLimits,
) -> Result<Box<dyn SplitReader>, Error> {
    let (source, _) = Source::whole(file, split.file)?;
    let core = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    Ok(Box::new(Reader {
        records: Records {
            source,
            row_bytes_max: limits.row_bytes_max,
            core,
            input: Vec::new(),
            at: 0,
            offset: 0,
            at_end: false,
            failed: None,
            fields: vec![0; 4 << 10],
            ends: vec![0; 64],
        },
        limits,
        keys: None,
        next_row: 0,
        failed: None,
        done: false,
    }))
}

struct Reader {
    records: Records,
    limits: ReadLimits,
    /// The names of the columns as JSON, once they are known.
    keys: Option<Vec<Vec<u8>>>,
    next_row: u64,
    failed: Option<Error>,
    done: bool,
}

/// Frames records.
struct Records {
    source: Source,
    row_bytes_max: usize,
    core: csv_core::Reader,
    /// What was read and is used from `at` on.
    input: Vec<u8>,
    at: usize,
    /// Bytes used so far.
    offset: u64,
    at_end: bool,
    /// A failure that comes after what was read before it.
    failed: Option<io::Error>,
    /// The fields of the record, one after the other, and where they end.
    fields: Vec<u8>,
    ends: Vec<usize>,
}

/// A record that was framed; its fields lie in [`Records`].
struct Record {
    n_fields: usize,
    /// Its bytes in the file, cut.
    raw: Vec<u8>,
    raw_bytes: u64,
    /// Number of its first line, from 1.
    line: u64,
    is_too_long: bool,
}

impl Records {
    fn next(&mut self) -> Result<Option<Record>, Error> {
        let mut record = Record {
            n_fields: 0,
            raw: Vec::new(),
            raw_bytes: 0,
            line: self.core.line(),
            is_too_long: false,
        };
        let mut n_out = 0;
        loop {
            if self.at == self.input.len() && !self.at_end {
                self.refill()?;
            }
            let input = &self.input[self.at..];
            if input.is_empty() && self.at_end && record.is_begun() {
                return match self.is_ended_by_line_end(n_out, &mut record) {
                    true => Ok(Some(record)),
                    false => Err(self.never_closed(&record)),
                };
            }
            let (result, n_in, more_out, more_fields) = self.core.read_record(
                input,
                &mut self.fields[n_out..],
                &mut self.ends[record.n_fields..],
            );
            record.add_raw(&input[..n_in]);
            self.at += n_in;
            self.offset += n_in as u64;
            n_out += more_out;
            record.n_fields += more_fields;
            record.is_too_long |= record.raw_bytes > self.row_bytes_max as u64;
            if record.is_too_long {
                // Read over, not held.
                n_out = 0;
                record.n_fields = 0;
            }
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.fields.resize(self.fields.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => return Ok(Some(record)),
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    fn refill(&mut self) -> Result<(), Error> {
        self.input.clear();
        self.at = 0;
        if self.failed.is_none() {
            match self.source.read(READ, &mut self.input) {
                Ok(at_end) => self.at_end = at_end,
                Err(cause) => self.failed = Some(cause),
            }
        }
        match self.failed.take_if(|_| self.input.is_empty()) {
            Some(cause) => Err(self.source.damage(self.offset, cause)),
            None => Ok(()),
        }
    }

    /// Ends the last record, which has no line end, unless it is within quotes:
    /// then a line end does not end it either.
    fn is_ended_by_line_end(&mut self, n_out: usize, record: &mut Record) -> bool {
        self.fields.resize(self.fields.len().max(n_out + 1), 0);
        self.ends
            .resize(self.ends.len().max(record.n_fields + 1), 0);
        let (result, _, _, n_fields) = self.core.read_record(
            b"\n",
            &mut self.fields[n_out..],
            &mut self.ends[record.n_fields..],
        );
        record.n_fields += n_fields;
        matches!(result, ReadRecordResult::Record)
    }

    fn never_closed(&self, record: &Record) -> Error {
        let what = format!(
            "a quote opens in the record at line {} and is never closed",
            record.line
        );
        let cause = io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{} bytes up to the end of the file", record.raw_bytes),
        );
        Error::io(&self.source.path, what, cause)
            .with_hint("close the quote, or double it if it is part of the text")
    }

    fn fields(&self, record: &Record) -> impl Iterator<Item = &[u8]> {
        let ends = &self.ends[..record.n_fields];
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts
            .zip(ends)
            .map(|(start, end)| &self.fields[start..*end])
    }
}

impl Record {
    fn add_raw(&mut self, bytes: &[u8]) {
        // What was left of the line before, and blank lines, are not its.
        let skip = match self.raw_bytes {
            0 => bytes
                .iter()
                .position(|byte| !matches!(byte, b'\r' | b'\n'))
                .unwrap_or(bytes.len()),
            _ => 0,
        };
        let skipped = memchr::memchr_iter(b'\n', &bytes[..skip]).count();
        self.line += skipped as u64;
        let bytes = &bytes[skip..];
        self.raw_bytes += bytes.len() as u64;
        let room = RAW_MAX.saturating_sub(self.raw.len());
        self.raw.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn is_begun(&self) -> bool {
        self.raw_bytes > 0
    }
}

impl Reader {
    /// Takes the first record as the names of the columns.
    fn read_header(&mut self) -> Result<bool, Error> {
        let Some(record) = self.records.next()? else {
            return Ok(false);
        };
        let fail = |message: String| Error::new(&self.records.source.path, message);
        if record.is_too_long {
            return Err(fail(format!(
                "the header line has {} bytes, more than the limit of a row",
                record.raw_bytes
            )));
        }
        let mut names: Vec<&str> = Vec::new();
        for field in self.records.fields(&record) {
            let name = std::str::from_utf8(field)
                .map_err(|error| fail(format!("the header is {}", not_utf8(field, error))))?;
            if names.contains(&name) {
                let error = fail(format!("the column `{name}` is there twice"));
                return Err(error.with_hint("name each column once in the first line"));
            }
            names.push(name);
        }
        let key = |name: &str| {
            let mut key = Vec::new();
            write_string(name, &mut key);
            key
        };
        self.keys = Some(names.into_iter().map(key).collect());
        Ok(true)
    }

    /// Appends the record to `text` as JSON, or says why it is no row.
    fn row(&self, keys: &[Vec<u8>], record: &Record, text: &mut Vec<u8>) -> Result<(), String> {
        let place = format!("row {} (line {})", self.next_row + 1, record.line);
        if record.is_too_long {
            let reason = BadRow::too_long(record.raw_bytes, self.limits.row_bytes_max);
            return Err(format!("{place}: {reason}; is a quote not closed?"));
        }
        if record.n_fields != keys.len() {
            let n = record.n_fields;
            return Err(format!("{place} has {n} fields, the header {}", keys.len()));
        }
        let start = text.len();
        for (i, (key, field)) in keys.iter().zip(self.records.fields(record)).enumerate() {
            text.push(if i == 0 { b'{' } else { b',' });
            text.extend_from_slice(key);
            text.push(b':');
            match std::str::from_utf8(field) {
                Ok(field) => write_string(field, text),
                Err(error) => {
                    text.truncate(start);
                    let reason = not_utf8(field, error).replace("the row", "the cell");
                    let key = String::from_utf8_lossy(key);
                    return Err(format!("{place}, column {key}: {reason}"));
                }
            }
        }
        text.push(b'}');
        Ok(())
    }

    fn fill(&mut self, text: &mut Vec<u8>, pieces: &mut Vec<Piece>) -> Result<(), Error> {
        if self.keys.is_none() && !self.read_header()? {
            self.done = true;
        }
        let keys = self.keys.take().unwrap_or_default();
        let mut bad_bytes = 0;
        let mut result = Ok(());
        while !self.done && text.len() + bad_bytes < self.limits.block_bytes {
            let record = match self.records.next() {
                Ok(Some(record)) => record,
                Ok(None) => {
                    self.done = true;
                    break;
                }
                Err(error) => {
                    result = Err(error);
                    break;
                }
            };
            let origin = Origin {
                file: self.records.source.file,
                piece: 0,
                position: self.next_row,
            };
            let start = text.len();
            pieces.push(match self.row(&keys, &record, text) {
                Ok(()) => Piece::Json {
                    span: start..text.len(),
                    origin,
                },
                Err(reason) => {
                    bad_bytes += record.raw.len();
                    let mut bad = BadRow::new(origin, reason, record.raw.trim_ascii_end());
                    bad.raw_bytes = bad.raw_bytes.max(record.raw_bytes.saturating_sub(2));
                    Piece::Bad(bad)
                }
            });
            self.next_row += 1;
        }
        self.keys = Some(keys);
        result
    }
}

impl SplitReader for Reader {
    fn next_block(&mut self) -> Result<Option<Block>, Error> {
        if self.done {
            return self.failed.take().map_or(Ok(None), Err);
        }
        let before = self.records.offset;
        let mut text = Vec::new();
        let mut pieces = Vec::new();
        if let Err(error) = self.fill(&mut text, &mut pieces) {
            self.failed = Some(error);
            self.done = true;
        }
        if pieces.is_empty() {
            return self.failed.take().map_or(Ok(None), Err);
        }
        let used = self.records.offset - before;
        let input_bytes = self.records.source.account(used, false);
        let text = String::from_utf8(text).expect("keys and cells were checked one by one");
        Ok(Some(Block::pieces(text, pieces, input_bytes)))
    }
}
