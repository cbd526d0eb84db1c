//! Reading strings that may not be UTF-8.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeStringArray, RecordBatch, StringArray, StringViewArray};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Type as Physical;
use parquet::errors::Result;
use parquet::schema::types::{SchemaDescriptor, Type};

use super::chunks::Chunks;
use crate::source::block::{RAW_MAX, not_utf8};

/// A string that is no text.
pub(super) struct BadCell {
    /// Its row in the batch.
    pub(super) row: usize,
    pub(super) reason: String,
    /// Its bytes, cut.
    pub(super) raw: Vec<u8>,
}

/// The metadata of the file with the top-level strings declared as bytes.
pub(super) fn metadata(
    chunks: &Chunks,
    strict: &ArrowReaderMetadata,
) -> Result<ArrowReaderMetadata> {
    let root = strict.parquet_schema().root_schema();
    let fields = root
        .get_fields()
        .iter()
        .map(|field| {
            if field.is_primitive() && field.get_physical_type() == Physical::BYTE_ARRAY {
                let info = field.get_basic_info();
                let bytes = Type::primitive_type_builder(field.name(), Physical::BYTE_ARRAY)
                    .with_repetition(info.repetition())
                    .with_id(info.has_id().then(|| info.id()))
                    .build()?;
                Ok(Arc::new(bytes))
            } else {
                Ok(Arc::clone(field))
            }
        })
        .collect::<Result<Vec<_>>>()?;
    let root = Type::group_type_builder(root.name())
        .with_fields(fields)
        .build()?;
    let options = ArrowReaderOptions::new()
        .with_skip_arrow_metadata(true)
        .with_parquet_schema(Arc::new(SchemaDescriptor::new(Arc::new(root))));
    ArrowReaderMetadata::load(chunks, options)
}

/// The batch with its bytes made strings again where `strict` has them, and
/// the strings that are none, by row. Those are null in the batch.
pub(super) fn checked(
    batch: &RecordBatch,
    strict: &SchemaRef,
) -> std::result::Result<(RecordBatch, Vec<BadCell>), ArrowError> {
    let mut bad: Vec<BadCell> = Vec::new();
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (i, field) in strict.fields().iter().enumerate() {
        let column = batch.column(i);
        let column = match (column.data_type(), text_type(field.data_type())) {
            (DataType::Binary, Some(kind)) => strings(column, field.name(), kind, &mut bad),
            _ => Arc::clone(column),
        };
        let field = Field::new(field.name(), column.data_type().clone(), true);
        fields.push(field);
        columns.push(column);
    }
    bad.sort_by_key(|bad| bad.row);
    bad.dedup_by_key(|bad| bad.row);
    let schema = Schema::new_with_metadata(fields, strict.metadata().clone());
    Ok((RecordBatch::try_new(Arc::new(schema), columns)?, bad))
}

/// The string type that a column shall have, if it is one of strings.
fn text_type(kind: &DataType) -> Option<&DataType> {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(kind),
        DataType::Dictionary(_, values) => text_type(values),
        _ => None,
    }
}

fn strings(column: &ArrayRef, name: &str, kind: &DataType, bad: &mut Vec<BadCell>) -> ArrayRef {
    let bytes = column.as_binary::<i32>();
    let mut builder = StringBuilder::with_capacity(bytes.len(), bytes.value_data().len());
    for row in 0..bytes.len() {
        let text = bytes
            .is_valid(row)
            .then(|| std::str::from_utf8(bytes.value(row)));
        match text {
            None => builder.append_null(),
            Some(Ok(text)) => builder.append_value(text),
            Some(Err(error)) => {
                let value = bytes.value(row);
                bad.push(BadCell {
                    row,
                    reason: format!("column `{name}`: {}", not_utf8(value, error)),
                    raw: value[..value.len().min(RAW_MAX)].to_vec(),
                });
                builder.append_null();
            }
        }
    }
    let strings: StringArray = builder.finish();
    match kind {
        DataType::LargeUtf8 => Arc::new(strings.iter().collect::<LargeStringArray>()),
        DataType::Utf8View => Arc::new(strings.iter().collect::<StringViewArray>()),
        _ => Arc::new(strings),
    }
}
