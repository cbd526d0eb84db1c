//! [`Builder`]: columns made of JSON values.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, ListArray, StructArray, new_null_array};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::DataType;
use indexmap::IndexMap;

use super::kind::{Kind, fields_of, is_text};
use super::object;

/// Makes a column of a [`Kind`] of JSON values that were observed for it.
pub(super) enum Builder {
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    /// Text in a column of this type.
    Text(StringBuilder, DataType),
    Json(StringBuilder),
    /// A column of which only nulls come as JSON.
    Nulls(DataType, usize),
    List {
        kind: Kind,
        item: Box<Builder>,
        lengths: Vec<usize>,
        valid: Vec<bool>,
    },
    Struct {
        kinds: IndexMap<String, Kind>,
        fields: Vec<Builder>,
        valid: Vec<bool>,
    },
}

impl Builder {
    pub(super) fn new(kind: &Kind) -> Self {
        match kind {
            Kind::Bool => Self::Bool(BooleanBuilder::new()),
            Kind::Int { .. } => Self::Int(Int64Builder::new()),
            Kind::Float { .. } => Self::Float(Float64Builder::new()),
            Kind::Null | Kind::Text => Self::Text(StringBuilder::new(), DataType::Utf8),
            Kind::Exact { data_type, .. } if is_text(data_type) => {
                Self::Text(StringBuilder::new(), data_type.clone())
            }
            Kind::Exact { data_type, .. } => Self::Nulls(data_type.clone(), 0),
            Kind::List(item) => Self::List {
                kind: kind.clone(),
                item: Box::new(Self::new(item)),
                lengths: Vec::new(),
                valid: Vec::new(),
            },
            Kind::Struct(kinds) if !kinds.is_empty() => Self::Struct {
                kinds: kinds.clone(),
                fields: kinds.values().map(Self::new).collect(),
                valid: Vec::new(),
            },
            Kind::Struct(_) | Kind::Json(_) => Self::Json(StringBuilder::new()),
        }
    }

    /// Appends a value; absent and null are the same.
    pub(super) fn append(&mut self, raw: Option<&str>) {
        let raw = raw.filter(|raw| *raw != "null");
        match self {
            Self::Bool(builder) => builder.append_option(raw.map(|raw| raw == "true")),
            Self::Int(builder) => builder.append_option(raw.and_then(|raw| raw.parse().ok())),
            Self::Float(builder) => builder.append_option(raw.and_then(|raw| raw.parse().ok())),
            Self::Text(builder, _) => builder.append_option(raw.and_then(object::text)),
            Self::Json(builder) => builder.append_option(raw),
            Self::Nulls(_, n) => *n += 1,
            Self::List {
                item,
                lengths,
                valid,
                ..
            } => {
                let items = raw.and_then(object::items);
                valid.push(items.is_some());
                let items = items.unwrap_or_default();
                lengths.push(items.len());
                for raw in items {
                    item.append(Some(raw.get()));
                }
            }
            Self::Struct {
                kinds,
                fields,
                valid,
            } => {
                let found = raw.and_then(object::fields);
                valid.push(found.is_some());
                let mut values: Vec<Option<&str>> = vec![None; kinds.len()];
                for (key, value) in found.unwrap_or_default() {
                    if let Some(at) = kinds.get_index_of(key.as_ref()) {
                        values[at] = Some(value);
                    }
                }
                for (field, value) in fields.iter_mut().zip(values) {
                    field.append(value);
                }
            }
        }
    }

    /// The column.
    pub(super) fn finish(self) -> ArrayRef {
        match self {
            Self::Bool(mut builder) => Arc::new(builder.finish()),
            Self::Int(mut builder) => Arc::new(builder.finish()),
            Self::Float(mut builder) => Arc::new(builder.finish()),
            Self::Json(mut builder) => Arc::new(builder.finish()),
            Self::Text(mut builder, data_type) => {
                let text: ArrayRef = Arc::new(builder.finish());
                if data_type == DataType::Utf8 {
                    return text;
                }
                arrow_cast::cast(&text, &data_type).expect("text goes into every column of text")
            }
            Self::Nulls(data_type, n) => new_null_array(&data_type, n),
            Self::List {
                kind,
                item,
                lengths,
                valid,
            } => {
                let DataType::List(field) = kind.data_type() else {
                    unreachable!("the kind is a list")
                };
                Arc::new(ListArray::new(
                    field,
                    OffsetBuffer::from_lengths(lengths),
                    item.finish(),
                    Some(NullBuffer::from(valid)),
                ))
            }
            Self::Struct {
                kinds,
                fields,
                valid,
            } => Arc::new(StructArray::new(
                fields_of(&kinds),
                fields.into_iter().map(Self::finish).collect(),
                Some(NullBuffer::from(valid)),
            )),
        }
    }
}
