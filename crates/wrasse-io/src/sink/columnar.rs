//! [`Table`]: rows that came in columns, with what was changed beside them.
//!
//! Columns that no operator touched keep their Arrow types to the end. What was
//! written to a row waits as JSON in a column of its own until all rows were
//! seen, as the types of the output depend on all of them.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, ListArray, RecordBatch, StringArray, StructArray, UInt32Array,
    new_null_array,
};
use arrow_buffer::{BooleanBuffer, ScalarBuffer};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use arrow_select::filter::filter_record_batch;
use arrow_select::take::take_record_batch;
use arrow_select::zip::zip;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use wrasse_core::{Columns, Sample};

use super::build::Builder;
use super::kind::{EXACT_INT, Kind, is_text};
use super::object;
use super::rows::check_strings;
use crate::source::{ArrowColumns, read_batch, write_batch};

/// Rows in columns.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "PackedTable", try_from = "PackedTable")]
pub(super) struct Table {
    /// Columns as they came, and after `n_base` of them what was written, as
    /// JSON: null where a row was left as it was.
    batch: RecordBatch,
    n_base: usize,
    /// Bytes of each row; they depend on the row alone.
    row_bytes: Vec<u64>,
}

/// A table on its way to another process: an Arrow IPC stream.
#[derive(Serialize, Deserialize)]
struct PackedTable {
    #[serde(with = "serde_bytes")]
    batch: Vec<u8>,
    n_base: usize,
}

impl From<Table> for PackedTable {
    fn from(table: Table) -> Self {
        Self {
            batch: write_batch(&table.batch).expect("writing to memory does not fail"),
            n_base: table.n_base,
        }
    }
}

impl TryFrom<PackedTable> for Table {
    type Error = ArrowError;

    fn try_from(packed: PackedTable) -> Result<Self, ArrowError> {
        Ok(Self::new(read_batch(&packed.batch)?, packed.n_base))
    }
}

/// Rows of one batch in the making.
pub(super) struct TableBuilder {
    columns: Arc<dyn Columns>,
    rows: Vec<u32>,
    /// By column: the rows that were written to, and the JSON written.
    changes: IndexMap<String, Vec<(usize, String)>>,
    changed_bytes: usize,
}

impl TableBuilder {
    /// Starts with the batch of `sample`, if it has one in Arrow.
    pub(super) fn for_rows_like(sample: &Sample) -> Option<Self> {
        let (columns, _) = sample.columns()?;
        columns.as_any().is::<ArrowColumns>().then(|| Self {
            columns: Arc::clone(columns),
            rows: Vec::new(),
            changes: IndexMap::new(),
            changed_bytes: 0,
        })
    }

    /// Whether `sample` is a row of the same batch.
    pub(super) fn takes(&self, sample: &Sample) -> bool {
        sample
            .columns()
            .is_some_and(|(columns, _)| Arc::ptr_eq(columns, &self.columns))
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.columns.size_bytes() + self.changed_bytes + self.rows.len() * size_of::<u32>()
    }

    /// Appends `sample`, a row of this batch.
    pub(super) fn push(&mut self, sample: &Sample) -> Result<(), String> {
        let Some((columns, row)) = sample.columns() else {
            return Err("the row is not of this batch".to_owned());
        };
        let mut changes: IndexMap<&str, String> = IndexMap::new();
        for path in sample.changed_paths() {
            let is_column = |name: &str| columns.names().iter().any(|known| known == name);
            let name = match path.split_once('.') {
                Some((head, _)) if !is_column(path) && is_column(head) => head,
                _ => path,
            };
            let json = match name == path {
                true => sample.json(path).map(|json| json.into_owned()),
                false if changes.contains_key(name) => continue,
                false => whole_column(sample, name),
            };
            let json = json.unwrap_or_else(|| "null".to_owned());
            check_strings(json.as_bytes())?;
            changes.insert(name, json);
        }
        let at = self.rows.len();
        self.rows.push(row as u32);
        for (name, json) in changes {
            self.changed_bytes += json.len();
            match self.changes.get_mut(name) {
                Some(rows) => rows.push((at, json)),
                None => {
                    self.changes.insert(name.to_owned(), vec![(at, json)]);
                }
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Table {
        let arrow = self.columns.as_any().downcast_ref::<ArrowColumns>();
        let batch = arrow.expect("checked at the start").batch();
        let rows = UInt32Array::from(self.rows);
        let base = take_record_batch(batch, &rows).expect("the rows are of this batch");
        let n_base = base.num_columns();
        let mut fields: Vec<Arc<Field>> = base.schema().fields().iter().cloned().collect();
        let mut columns: Vec<ArrayRef> = base.columns().iter().map(compact).collect();
        for (name, changes) in self.changes {
            let mut values: Vec<Option<String>> = vec![None; rows.len()];
            for (at, json) in changes {
                values[at] = Some(json);
            }
            fields.push(Arc::new(Field::new(name, DataType::Utf8, true)));
            columns.push(Arc::new(StringArray::from(values)));
        }
        Table::new(record_batch(fields, columns, rows.len()), n_base)
    }
}

/// A column that was changed in part, as a whole.
fn whole_column(sample: &Sample, name: &str) -> Option<String> {
    let mut row = Vec::new();
    sample.write_json(&mut row);
    let row = std::str::from_utf8(&row).ok()?;
    let fields = object::fields(row)?.into_iter().rev();
    let mut found = fields.filter(|(key, _)| key == name);
    found.next().map(|(_, value)| value.to_owned())
}

fn record_batch(fields: Vec<Arc<Field>>, columns: Vec<ArrayRef>, n_rows: usize) -> RecordBatch {
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(n_rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
        .expect("columns have the types and lengths they came with")
}

/// Views of strings keep whole buffers alive; a few rows of them should not.
fn compact(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Utf8View => Arc::new(array.as_string_view().gc()),
        DataType::BinaryView => Arc::new(array.as_binary_view().gc()),
        _ => Arc::clone(array),
    }
}

impl Table {
    pub(super) fn new(batch: RecordBatch, n_base: usize) -> Self {
        let mut row_bytes = vec![0; batch.num_rows()];
        for column in batch.columns() {
            add_row_bytes(column, &mut row_bytes);
        }
        Self {
            batch,
            n_base,
            row_bytes,
        }
    }

    pub(super) fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    pub(super) fn n_base(&self) -> usize {
        self.n_base
    }

    pub(super) fn n_rows(&self) -> usize {
        self.row_bytes.len()
    }

    pub(super) fn n_bytes(&self) -> u64 {
        self.row_bytes.iter().sum()
    }

    /// Bytes of each row.
    pub(super) fn row_bytes(&self) -> &[u64] {
        &self.row_bytes
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.batch.get_array_memory_size() + self.row_bytes.capacity() * size_of::<u64>()
    }

    pub(super) fn retain(&mut self, keep: &[bool]) {
        let mut verdicts = keep.iter();
        self.row_bytes.retain(|_| verdicts.next() == Some(&true));
        self.batch = filter_record_batch(&self.batch, &BooleanArray::from(keep.to_vec()))
            .expect("one verdict a row");
    }

    /// The rows up to and with the one that brings them to `limit` bytes, and
    /// the rest.
    pub(super) fn split_at_bytes(self, limit: u64) -> (Self, Option<Self>) {
        let mut bytes = 0;
        let full = self.row_bytes.iter().position(|row| {
            bytes += row;
            bytes >= limit
        });
        match full {
            Some(last) if last + 1 < self.n_rows() => {
                let n = last + 1;
                (self.slice(0..n), Some(self.slice(n..self.n_rows())))
            }
            _ => (self, None),
        }
    }

    /// Some of the rows.
    pub(super) fn slice(&self, rows: std::ops::Range<usize>) -> Self {
        Self {
            batch: self.batch.slice(rows.start, rows.len()),
            n_base: self.n_base,
            row_bytes: self.row_bytes[rows].to_vec(),
        }
    }

    /// The column `name` as it came, and what was written to it.
    fn find(&self, name: &str) -> (Option<&ArrayRef>, Option<&StringArray>) {
        let schema = self.batch.schema_ref();
        let at =
            |range: std::ops::Range<usize>| range.rev().find(|i| schema.field(*i).name() == name);
        let base = at(0..self.n_base).map(|i| self.batch.column(i));
        let written = at(self.n_base..self.batch.num_columns());
        (
            base,
            written.map(|i| self.batch.column(i).as_string::<i32>()),
        )
    }

    /// Takes the columns of these rows into account.
    pub(super) fn observe(&self, kinds: &mut IndexMap<String, Kind>) {
        for field in self.batch.schema_ref().fields() {
            let name = field.name();
            let (base, written) = self.find(name);
            let mut kind = Kind::Null;
            for raw in written.into_iter().flatten().flatten() {
                kind.observe(raw);
            }
            if let Some(base) = base {
                let untouched = written.is_none_or(|written| written.null_count() > 0);
                let stays_text =
                    is_text(base.data_type()) && matches!(kind, Kind::Text | Kind::Null);
                if untouched || stays_text {
                    kind.join(Kind::Exact {
                        data_type: base.data_type().clone(),
                        wide: has_wide_ints(base),
                    });
                }
            }
            kinds.entry(name.clone()).or_default().join(kind);
        }
    }

    /// The column `name` of these rows, as a column of `kind`.
    pub(super) fn column(&self, name: &str, kind: &Kind) -> Result<ArrayRef, ArrowError> {
        let base = |base: Option<&ArrayRef>| match base {
            Some(base) => conform(base, kind),
            None => Ok(new_null_array(&kind.data_type(), self.n_rows())),
        };
        match self.find(name) {
            (column, None) => base(column),
            (column, Some(written)) => {
                let mut builder = Builder::new(kind);
                for raw in written {
                    builder.append(raw);
                }
                let built = builder.finish();
                match written.nulls() {
                    None => Ok(built),
                    Some(nulls) => {
                        let mask = BooleanArray::from(BooleanBuffer::from_iter(nulls.iter()));
                        zip(&mask, &built, &base(column)?)
                    }
                }
            }
        }
    }
}

/// Whether some integers are not exact as floats.
fn has_wide_ints(array: &ArrayRef) -> bool {
    let ints = array.as_primitive_opt::<Int64Type>();
    ints.is_some_and(|ints| {
        let mut values = ints.iter().flatten();
        values.any(|int| !(-EXACT_INT..=EXACT_INT).contains(&int))
    })
}

/// Adds the bytes of each value to its row: of texts and bytes their length, of
/// lists those of their items, of anything else a fixed eight.
fn add_row_bytes(array: &ArrayRef, rows: &mut [u64]) {
    fn add<T>(offsets: &ScalarBuffer<T>, rows: &mut [u64])
    where
        T: arrow_buffer::ArrowNativeType + std::ops::Sub<Output = T>,
    {
        for (row, ends) in rows.iter_mut().zip(offsets.windows(2)) {
            *row += (ends[1] - ends[0]).as_usize() as u64;
        }
    }
    fn add_items<T: arrow_buffer::ArrowNativeType>(
        offsets: &ScalarBuffer<T>,
        items: &ArrayRef,
        rows: &mut [u64],
    ) {
        let mut bytes = vec![0; items.len()];
        add_row_bytes(items, &mut bytes);
        for (row, ends) in rows.iter_mut().zip(offsets.windows(2)) {
            *row += bytes[ends[0].as_usize()..ends[1].as_usize()]
                .iter()
                .sum::<u64>();
        }
    }
    match array.data_type() {
        DataType::Utf8 => add(array.as_string::<i32>().offsets().inner(), rows),
        DataType::LargeUtf8 => add(array.as_string::<i64>().offsets().inner(), rows),
        DataType::Binary => add(array.as_binary::<i32>().offsets().inner(), rows),
        DataType::LargeBinary => add(array.as_binary::<i64>().offsets().inner(), rows),
        DataType::Utf8View | DataType::BinaryView => {
            let views = match array.as_string_view_opt() {
                Some(array) => array.views(),
                None => array.as_binary_view().views(),
            };
            for (row, view) in rows.iter_mut().zip(views.iter()) {
                // The low half of a view starts with its length.
                *row += u64::from(*view as u32);
            }
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            add_items(list.offsets().inner(), list.values(), rows);
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            add_items(list.offsets().inner(), list.values(), rows);
        }
        DataType::Struct(_) => {
            for column in array.as_struct().columns() {
                add_row_bytes(column, rows);
            }
        }
        _ => rows.iter_mut().for_each(|row| *row += 8),
    }
}

/// A column that came with its type, as one of a kind that it was joined to.
fn conform(array: &ArrayRef, kind: &Kind) -> Result<ArrayRef, ArrowError> {
    match (kind, array.data_type()) {
        (Kind::Json(_), _) => Ok(as_json(array)),
        (Kind::Struct(kinds), _) if kinds.is_empty() => Ok(as_json(array)),
        (_, data_type) if *data_type == kind.data_type() => Ok(Arc::clone(array)),
        (Kind::Struct(kinds), DataType::Struct(_)) => {
            let array = array.as_struct();
            let columns = kinds
                .iter()
                .map(|(name, kind)| match array.column_by_name(name) {
                    Some(column) => conform(column, kind),
                    None => Ok(new_null_array(&kind.data_type(), array.len())),
                });
            let columns = columns.collect::<Result<_, _>>()?;
            let fields = super::kind::fields_of(kinds);
            Ok(Arc::new(StructArray::try_new(
                fields,
                columns,
                array.nulls().cloned(),
            )?))
        }
        (Kind::List(item), DataType::List(_)) => {
            let array = array.as_list::<i32>();
            Ok(Arc::new(ListArray::try_new(
                Arc::new(item.field("element")),
                array.offsets().clone(),
                conform(array.values(), item)?,
                array.nulls().cloned(),
            )?))
        }
        (Kind::List(_), DataType::LargeList(item)) => {
            let list = cast(array, &DataType::List(Arc::clone(item)))?;
            conform(&list, kind)
        }
        _ => cast(array, &kind.data_type()),
    }
}

/// A cast that fails rather than lose a value.
fn cast(array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    cast_with_options(array, data_type, &options)
}

/// Values as JSON text; null stays null.
fn as_json(array: &ArrayRef) -> ArrayRef {
    let field = Arc::new(Field::new("", array.data_type().clone(), true));
    let n_rows = array.len();
    let columns = ArrowColumns::new(record_batch(vec![field], vec![Arc::clone(array)], n_rows));
    let values = (0..n_rows).map(|row| {
        let mut json = Vec::new();
        columns.write_json(0, row, &mut json);
        String::from_utf8(json).ok().filter(|json| json != "null")
    });
    Arc::new(values.collect::<StringArray>())
}
