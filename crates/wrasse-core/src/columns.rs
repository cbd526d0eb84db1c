//! [`Columns`]: rows of a columnar batch, seen one cell at a time.

use std::any::Any;
use std::fmt;

/// One cell of a columnar batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// A string.
    Text(&'a str),
    /// No value.
    Null,
    /// A value of another type, named for messages: `a number`, `a list`...
    Other(&'static str),
    /// A string column with bytes that are not UTF-8.
    NotUtf8,
}

/// A columnar batch as the rows of samples.
///
/// Implemented outside (for Arrow record batches, in `wrasse-io`), so that
/// samples from Parquet keep their columns and types untouched until a sink
/// takes them, and this crate needs no columnar library.
pub trait Columns: Send + Sync + fmt::Debug + 'static {
    /// The names of the columns, in order.
    fn names(&self) -> &[String];

    /// The cell of `column` in `row`.
    fn cell(&self, column: usize, row: usize) -> Cell<'_>;

    /// Appends the cell as JSON.
    fn write_json(&self, column: usize, row: usize, out: &mut Vec<u8>);

    /// Bytes held by the whole batch.
    fn size_bytes(&self) -> usize;

    /// Number of rows in the batch.
    fn n_rows(&self) -> usize;

    /// The batch itself, for the sink that knows its type.
    fn as_any(&self) -> &dyn Any;
}
