//! The row of a sample, as it was read.

use std::borrow::Cow;
use std::sync::Arc;

use super::content::{string_of_json, text_of_json, wrong_type};
use crate::json::{self, Field};
use crate::{Cell, Columns, FieldError, SharedStr, Text};

/// A line of JSON, or a row of a columnar batch.
#[derive(Clone, Debug)]
pub(super) enum Row {
    Json { line: SharedStr, fields: Vec<Field> },
    Columns { batch: Arc<dyn Columns>, row: usize },
}

impl Row {
    /// Bytes of the line; of a columnar row its share of the batch.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Json { line, .. } => line.len(),
            Self::Columns { batch, .. } => batch.size_bytes() / batch.n_rows().max(1),
        }
    }

    /// Bytes that are held beside those.
    pub(super) fn index_bytes(&self) -> usize {
        match self {
            Self::Json { fields, .. } => fields.len() * size_of::<Field>(),
            Self::Columns { .. } => 0,
        }
    }

    /// Whether both are one row, held once.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Json { line, .. }, Self::Json { line: before, .. }) => {
                std::ptr::eq(line.as_str(), before.as_str())
            }
            (Self::Columns { batch, row }, Self::Columns { batch: b, row: r }) => {
                row == r && std::ptr::addr_eq(Arc::as_ptr(batch), Arc::as_ptr(b))
            }
            _ => false,
        }
    }

    /// The names of the fields, in order, repeated ones too.
    pub(super) fn each_name(&self, mut visit: impl FnMut(&str)) {
        match self {
            Self::Json { line, fields } => fields.iter().for_each(|field| visit(field.key(line))),
            Self::Columns { batch, .. } => batch.names().iter().for_each(|name| visit(name)),
        }
    }

    /// The index of the top-level field that holds `path`, and the rest of the
    /// path below it.
    pub(super) fn locate<'p>(&self, path: &'p str) -> Option<(usize, Option<&'p str>)> {
        let find = |name: &str| match self {
            Self::Json { line, fields } => fields.iter().rposition(|field| field.key(line) == name),
            Self::Columns { batch, .. } => batch.names().iter().rposition(|known| known == name),
        };
        if let Some(at) = find(path) {
            return Some((at, None));
        }
        let (head, rest) = path.split_once('.')?;
        find(head).map(|at| (at, Some(rest)))
    }

    /// The text at `path`; `None` if there is nothing.
    pub(super) fn text(&self, path: &str) -> Option<Result<Text, FieldError>> {
        let (at, rest) = self.locate(path)?;
        let text = match (self, rest) {
            (Self::Json { line, fields }, None) => {
                let span = fields[at].value.clone();
                string_of_json(&line[span.clone()], path).map(|text| match text {
                    Cow::Borrowed(_) => Text::shared(line.slice(span.start + 1..span.end - 1)),
                    Cow::Owned(text) => Text::new(text),
                })
            }
            (Self::Columns { batch, row }, None) => match batch.cell(at, *row) {
                Cell::Text(text) => Ok(Text::new(text)),
                Cell::Null => Err(wrong_type(path, "null")),
                Cell::Other(found) => Err(wrong_type(path, found)),
                Cell::NotUtf8 => Err(FieldError::Encoding {
                    path: path.to_owned(),
                    reason: "bytes that are not UTF-8".to_owned(),
                }),
            },
            (_, Some(_)) => text_of_json(&self.json(path)?, path),
        };
        Some(text)
    }

    /// The value at `path` as JSON; `None` if there is nothing.
    pub(super) fn json(&self, path: &str) -> Option<Cow<'_, str>> {
        let (at, rest) = self.locate(path)?;
        let whole: Cow<'_, str> = match self {
            Self::Json { line, fields } => Cow::Borrowed(&line[fields[at].value.clone()]),
            Self::Columns { batch, row } => cell_json(batch.as_ref(), at, *row).into(),
        };
        match rest {
            None => Some(whole),
            Some(rest) => match whole {
                Cow::Borrowed(raw) => json::descend(raw, rest).map(Cow::Borrowed),
                Cow::Owned(raw) => json::descend(&raw, rest).map(|raw| raw.to_owned().into()),
            },
        }
    }
}

/// A cell as JSON.
pub(super) fn cell_json(batch: &dyn Columns, column: usize, row: usize) -> String {
    let mut out = Vec::new();
    batch.write_json(column, row, &mut out);
    String::from_utf8(out).unwrap_or_else(|_| "null".to_owned())
}
