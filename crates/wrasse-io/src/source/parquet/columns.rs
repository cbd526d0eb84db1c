//! [`ArrowColumns`]: an Arrow record batch as rows of samples.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_json::writer::{EncoderOptions, make_encoder};
use arrow_schema::{DataType, FieldRef};
use wrasse_core::{Cell, Columns, write_string};

/// A record batch whose columns keep their types until a sink takes them.
///
/// As JSON, values look as `arrow-json` writes them: times as ISO 8601,
/// decimals as numbers, bytes as hexadecimal text, numbers that JSON does not
/// have (NaN, infinities) as null. Fields of nested objects that are null are
/// written as null.
#[derive(Debug)]
pub(crate) struct ArrowColumns {
    batch: RecordBatch,
    names: Vec<String>,
    columns: Vec<Column>,
    size_bytes: usize,
}

#[derive(Debug)]
struct Column {
    /// The strings of a dictionary column: the index of each row's.
    keys: Option<Vec<usize>>,
    /// The column's values, those of the dictionary if it is one of strings.
    values: ArrayRef,
    json: OnceLock<Encoded>,
}

/// The values of a column as JSON, made when one of them is first asked for.
#[derive(Debug)]
struct Encoded {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl ArrowColumns {
    pub(crate) fn new(batch: RecordBatch) -> Self {
        let names = batch
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let columns = batch.columns().iter().map(Column::new).collect();
        Self {
            names,
            columns,
            size_bytes: batch_bytes(&batch),
            batch,
        }
    }

    /// The batch itself.
    pub(crate) fn batch(&self) -> &RecordBatch {
        &self.batch
    }
}

/// Bytes of the rows of a batch, those of other slices of its buffers not
/// counted.
pub(super) fn batch_bytes(batch: &RecordBatch) -> usize {
    let columns = batch.columns().iter();
    columns
        .map(|column| {
            let data = column.to_data();
            data.get_slice_memory_size()
                .unwrap_or_else(|_| column.get_array_memory_size())
        })
        .sum()
}

impl Column {
    fn new(array: &ArrayRef) -> Self {
        let (keys, values) = match array.as_any_dictionary_opt() {
            Some(dictionary) if is_text(dictionary.values().data_type()) => (
                Some(dictionary.normalized_keys()),
                Arc::clone(dictionary.values()),
            ),
            _ => (None, Arc::clone(array)),
        };
        Self {
            keys,
            values,
            json: OnceLock::new(),
        }
    }

    /// The string at `row`, if the column holds strings; it must not be null.
    fn text(&self, row: usize) -> Option<&str> {
        let at = match &self.keys {
            Some(keys) => *keys.get(row)?,
            None => row,
        };
        match self.values.data_type() {
            DataType::Utf8 => Some(self.values.as_string::<i32>().value(at)),
            DataType::LargeUtf8 => Some(self.values.as_string::<i64>().value(at)),
            DataType::Utf8View => Some(self.values.as_string_view().value(at)),
            _ => None,
        }
    }
}

impl Columns for ArrowColumns {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn cell(&self, column: usize, row: usize) -> Cell<'_> {
        let array = self.batch.column(column);
        // A dictionary may hold nulls among its values too.
        if array.data_type() == &DataType::Null || is_null(array, &self.columns[column], row) {
            return Cell::Null;
        }
        match self.columns[column].text(row) {
            Some(text) => Cell::Text(text),
            None => Cell::Other(kind(array.data_type())),
        }
    }

    fn write_json(&self, column: usize, row: usize, out: &mut Vec<u8>) {
        match self.cell(column, row) {
            Cell::Null => out.extend_from_slice(b"null"),
            Cell::Text(text) => write_string(text, out),
            Cell::Other(_) | Cell::NotUtf8 => {
                let json = self.columns[column].json.get_or_init(|| {
                    let field = Arc::clone(&self.batch.schema().fields()[column]);
                    Encoded::new(&field, self.batch.column(column))
                });
                let start = row.checked_sub(1).map_or(0, |before| json.ends[before]);
                out.extend_from_slice(&json.bytes[start..json.ends[row]]);
            }
        }
    }

    fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    fn n_rows(&self) -> usize {
        self.batch.num_rows()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Encoded {
    fn new(field: &FieldRef, array: &ArrayRef) -> Self {
        let options = EncoderOptions::default().with_explicit_nulls(true);
        let mut encoder = make_encoder(field, array, &options);
        let mut bytes = Vec::new();
        let ends = (0..array.len())
            .map(|row| {
                match &mut encoder {
                    Ok(encoder) if encoder.is_null(row) => bytes.extend_from_slice(b"null"),
                    Ok(encoder) => encoder.encode(row, &mut bytes),
                    // No type that Parquet has; its text is better than nothing.
                    Err(_) => write_string(&format!("{:?}", array.slice(row, 1)), &mut bytes),
                }
                bytes.len()
            })
            .collect();
        Self { bytes, ends }
    }
}

fn is_null(array: &ArrayRef, column: &Column, row: usize) -> bool {
    array.is_null(row)
        || column
            .keys
            .as_ref()
            .is_some_and(|keys| keys.get(row).is_none_or(|at| column.values.is_null(*at)))
}

fn is_text(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

/// A type in the words of messages.
fn kind(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "a boolean",
        DataType::Struct(_) | DataType::Map(..) => "an object",
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => "a list",
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => "bytes",
        kind if kind.is_temporal() => "a time",
        kind if kind.is_numeric() => "a number",
        _ => "of another type",
    }
}
