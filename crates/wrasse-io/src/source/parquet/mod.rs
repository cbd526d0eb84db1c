//! Reading Parquet: runs of row groups, batch by batch.
//!
//! Rows of a block keep their Arrow columns ([`ArrowColumns`]). How many rows a
//! batch has is measured, not believed: a few rows first, then as many as fill
//! a block.
//!
//! A string that is not UTF-8 costs its row and not the file: a row group that
//! cannot be read is read again with its top-level strings taken as bytes, and
//! these are checked here. The Parquet library may panic on damaged files; that
//! too becomes an error of the file.

mod chunks;
mod columns;
mod lenient;
mod pack;

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use wrasse_core::{Cell, Columns, Origin};

use self::chunks::Chunks;
use super::block::{BadRow, Batch, Block};
use super::{InputFile, ReadLimits, Share, Split, SplitReader};
use crate::Error;

pub(crate) use columns::ArrowColumns;
pub use pack::{pack_columns, unpack_columns};
pub(crate) use pack::{read as read_batch, write as write_batch};

/// Rows of the first batch of a split, by which the others are measured.
const ROWS_FIRST: usize = 64;
/// Rows of a batch at most: beyond that, more rows save nothing.
const ROWS_MAX: usize = 8192;

/// The packed bytes of each row group of a file.
///
/// # Errors
///
/// If the footer cannot be read.
pub(super) fn row_groups(file: &InputFile) -> Result<Vec<u64>, Error> {
    let metadata = load(file, &Chunks::open(file)?)?;
    let groups = metadata.metadata().row_groups().iter();
    Ok(groups
        .map(|group| u64::try_from(group.compressed_size()).unwrap_or(0))
        .collect())
}

/// Opens a split of a Parquet file.
pub(super) fn open(
    file: &InputFile,
    split: &Split,
    limits: ReadLimits,
) -> Result<Box<dyn SplitReader>, Error> {
    let chunks = Chunks::open(file)?;
    let metadata = load(file, &chunks)?;
    let n_groups = metadata.metadata().num_row_groups();
    let groups = match &split.share {
        Share::RowGroups(groups) => groups.start as usize..groups.end as usize,
        _ => 0..n_groups,
    };
    let rows_before = metadata.metadata().row_groups()[..groups.start.min(n_groups)].iter();
    let first_row = rows_before.map(|group| rows(group.num_rows())).sum();
    Ok(Box::new(Reader {
        path: file.path.clone(),
        file: split.file,
        chunks,
        metadata,
        groups,
        limits,
        first_row,
        rows_done: 0,
        batch_rows: ROWS_FIRST,
        is_measured: false,
        lenient: None,
        batches: None,
        ready: VecDeque::new(),
    }))
}

fn load(file: &InputFile, chunks: &Chunks) -> Result<ArrowReaderMetadata, Error> {
    let fail = |cause| {
        let error = Error::io(
            &file.path,
            "is no Parquet file that can be read: the footer is damaged, missing or encrypted",
            cause,
        );
        error.with_hint("if it is encrypted, write it anew without encryption")
    };
    guarded(|| ArrowReaderMetadata::load(chunks, ArrowReaderOptions::new())).map_err(fail)
}

/// Runs a piece of the Parquet library; a panic of it is a failure like others.
fn guarded<T>(work: impl FnOnce() -> Result<T, ParquetError>) -> io::Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(io::Error::other),
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no message");
            Err(io::Error::other(format!(
                "the Parquet library gave up: {text}"
            )))
        }
    }
}

fn rows(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

struct Reader {
    path: String,
    file: u32,
    chunks: Chunks,
    metadata: ArrowReaderMetadata,
    /// The row groups that are not done; the first one is being read.
    groups: Range<usize>,
    limits: ReadLimits,
    /// Number of the first row of the row group in the file.
    first_row: u64,
    /// Rows of the row group that were read.
    rows_done: usize,
    batch_rows: usize,
    is_measured: bool,
    /// The metadata by which the row group is read, if strings may be broken.
    lenient: Option<ArrowReaderMetadata>,
    batches: Option<ParquetRecordBatchReader>,
    ready: VecDeque<Block>,
}

impl Reader {
    /// The next batch of the row group; `None` at its end.
    fn batch(&mut self) -> io::Result<Option<RecordBatch>> {
        let mut batches = match self.batches.take() {
            Some(batches) => batches,
            None => {
                let metadata = self.lenient.as_ref().unwrap_or(&self.metadata).clone();
                let (chunks, group) = (self.chunks.clone(), self.groups.start);
                let (offset, batch_rows) = (self.rows_done, self.batch_rows);
                guarded(|| {
                    let builder =
                        ParquetRecordBatchReaderBuilder::new_with_metadata(chunks, metadata)
                            .with_row_groups(vec![group])
                            .with_batch_size(batch_rows);
                    // Without need, an offset would take the slower way of
                    // selected rows.
                    match offset {
                        0 => builder.build(),
                        _ => builder.with_offset(offset).build(),
                    }
                })?
            }
        };
        let batch = guarded(|| Ok(batches.next().transpose()?))?;
        self.batches = Some(batches);
        Ok(batch)
    }

    /// Refuses a row group whose rows are above the limit on average, by what
    /// its metadata says, before they are unpacked.
    fn check_row_size(&self) -> io::Result<()> {
        let group = self.metadata.metadata().row_group(self.groups.start);
        let bytes = rows(group.total_byte_size()) / rows(group.num_rows()).max(1);
        if bytes <= self.limits.row_bytes_max as u64 {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "its rows have {bytes} bytes on average, more than the limit of {}",
            self.limits.row_bytes_max
        )))
    }

    /// The same, a second time with strings as bytes if the first one fails.
    fn batch_or_lenient(&mut self) -> io::Result<Option<RecordBatch>> {
        self.check_row_size()?;
        let failed = match self.batch() {
            Ok(batch) => return Ok(batch),
            Err(error) if self.lenient.is_some() => return Err(error),
            Err(error) => error,
        };
        let (chunks, metadata) = (self.chunks.clone(), self.metadata.clone());
        match guarded(|| lenient::metadata(&chunks, &metadata)) {
            Ok(lenient) => {
                self.lenient = Some(lenient);
                // Whatever else is wrong, the first failure names it better.
                self.batch().map_err(|_| failed)
            }
            Err(_) => Err(failed),
        }
    }

    /// Makes blocks of a batch, each within the bounds.
    fn queue(&mut self, batch: RecordBatch) -> Result<(), Error> {
        let (batch, mut bad) = match &self.lenient {
            Some(_) => lenient::checked(&batch, self.metadata.schema())
                .map_err(|cause| self.error(io::Error::other(cause)))?,
            None => (batch, Vec::new()),
        };
        let n_rows = batch.num_rows();
        let bytes = columns::batch_bytes(&batch).max(1);
        self.measure(n_rows, bytes);
        let rows_a_block = (n_rows * self.limits.block_bytes)
            .div_ceil(bytes)
            .clamp(1, n_rows.max(1));
        let mut start = 0;
        while start < n_rows {
            let n = rows_a_block.min(n_rows - start);
            let first_row = self.first_row + (self.rows_done + start) as u64;
            let columns = Arc::new(ArrowColumns::new(batch.slice(start, n)));
            let later = bad.partition_point(|bad: &lenient::BadCell| bad.row < start + n);
            let rest = bad.split_off(later);
            let mut bad_rows: Vec<(usize, BadRow)> = std::mem::replace(&mut bad, rest)
                .into_iter()
                .map(|bad| (bad.row - start, self.bad_row(first_row, bad, start)))
                .collect();
            self.add_long_rows(&columns, first_row, &mut bad_rows);
            let input_bytes = self.stored_bytes(self.rows_done + start, n);
            let content = Batch {
                columns,
                bad: bad_rows,
                file: self.file,
                first_row,
            };
            self.ready.push_back(Block::columns(content, input_bytes));
            start += n;
        }
        self.rows_done += n_rows;
        Ok(())
    }

    fn bad_row(&self, first_row: u64, bad: lenient::BadCell, start: usize) -> BadRow {
        let position = first_row + (bad.row - start) as u64;
        BadRow::new(self.origin(position), bad.reason, &bad.raw)
    }

    fn origin(&self, position: u64) -> Origin {
        Origin {
            file: self.file,
            piece: 0,
            position,
        }
    }

    /// Rows whose texts alone are above the limit are no samples.
    fn add_long_rows(
        &self,
        columns: &Arc<ArrowColumns>,
        first_row: u64,
        bad: &mut Vec<(usize, BadRow)>,
    ) {
        if columns.size_bytes() <= self.limits.row_bytes_max {
            return;
        }
        for row in 0..columns.n_rows() {
            let texts = (0..columns.names().len()).filter_map(|at| match columns.cell(at, row) {
                Cell::Text(text) => Some(text),
                Cell::Null | Cell::Other(_) | Cell::NotUtf8 => None,
            });
            let bytes: usize = texts.clone().map(str::len).sum();
            if bytes > self.limits.row_bytes_max && bad.iter().all(|(known, _)| *known != row) {
                let reason = BadRow::too_long(bytes as u64, self.limits.row_bytes_max);
                let longest = texts.max_by_key(|text| text.len()).unwrap_or_default();
                let origin = self.origin(first_row + row as u64);
                let mut bad_row = BadRow::new(origin, reason, longest.as_bytes());
                bad_row.raw_bytes = bytes as u64;
                bad.push((row, bad_row));
            }
        }
        bad.sort_by_key(|(row, _)| *row);
    }

    /// Chooses the size of the next batches by the last one.
    fn measure(&mut self, n_rows: usize, bytes: usize) {
        let fitting = (n_rows * self.limits.block_bytes / bytes).clamp(1, ROWS_MAX);
        let is_too_large = bytes > 2 * self.limits.block_bytes && fitting < self.batch_rows;
        if !self.is_measured || is_too_large {
            self.is_measured = true;
            self.batch_rows = fitting;
            self.batches = None;
        }
    }

    /// The stored bytes of `n` rows: a share of their row group.
    fn stored_bytes(&self, start: usize, n: usize) -> u64 {
        let group = self.metadata.metadata().row_group(self.groups.start);
        let bytes = u128::from(rows(group.compressed_size()));
        let n_rows = u128::from(rows(group.num_rows()).max(1));
        let up_to = |row: usize| (bytes * row as u128 / n_rows) as u64;
        up_to(start + n).saturating_sub(up_to(start))
    }

    fn error(&self, cause: io::Error) -> Error {
        let what = format!(
            "row group {} cannot be read from its row {} on",
            self.groups.start, self.rows_done
        );
        Error::io(&self.path, what, cause)
    }
}

impl SplitReader for Reader {
    fn next_block(&mut self) -> Result<Option<Block>, Error> {
        while self.ready.is_empty() && !self.groups.is_empty() {
            match self.batch_or_lenient() {
                Ok(Some(batch)) => {
                    if let Err(error) = self.queue(batch) {
                        self.groups.start = self.groups.end;
                        return Err(error);
                    }
                }
                Ok(None) => {
                    let group = self.metadata.metadata().row_group(self.groups.start);
                    if self.rows_done as u64 != rows(group.num_rows()) {
                        let what = format!(
                            "has {} rows, but {} according to the footer",
                            self.rows_done,
                            group.num_rows()
                        );
                        let error = self.error(io::Error::new(io::ErrorKind::UnexpectedEof, what));
                        self.groups.start = self.groups.end;
                        return Err(error);
                    }
                    self.first_row += self.rows_done as u64;
                    self.rows_done = 0;
                    self.batches = None;
                    self.lenient = None;
                    self.groups.start += 1;
                }
                Err(cause) => {
                    let error = self.error(cause);
                    self.groups.start = self.groups.end;
                    return Err(error);
                }
            }
        }
        Ok(self.ready.pop_front())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_library_is_an_error() {
        let result: io::Result<()> = guarded(|| panic!("index out of bounds: {}", 7));
        let text = result.unwrap_err().to_string();
        assert!(text.ends_with("gave up: index out of bounds: 7"), "{text}");
    }
}
