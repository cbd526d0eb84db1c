//! [`Sample`]: one record on its way through the operators.
//!
//! A sample keeps the row it was read from, as it was read: a line of JSON, or
//! a row of a columnar batch. Fields are decoded when an operator names them
//! and kept while they are hot; a sink writes the row with only the changed
//! fields replaced. What no operator touches leaves byte for byte as it came.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use crate::json::{self, Field};
use crate::{Columns, FieldError, NotASample, Origin, SharedStr, Stats, Text};
use content::{Content, text_of_json};
use row::Row;

mod content;
mod overlap;
mod row;
mod write;

/// The field that carries measured values when a recipe keeps them
/// (`keep_stats_in_res_ds`), and from which they are taken when an input has it.
pub const STATS_FIELD: &str = "__dj__stats__";

/// One record: a document, a file, an image with its fields.
///
/// Fields are addressed by path: `text`, or `meta.lang` for a field of a
/// nested object (a top-level key that holds the dot itself goes first). Of
/// repeated keys the last counts, as in Python.
#[derive(Clone, Debug)]
pub struct Sample {
    row: Row,
    loaded: Vec<Loaded>,
    stats: Stats,
    origin: Origin,
    revision: u32,
}

/// A value as it is at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peek<'s> {
    /// A text, decoded.
    Text(&'s str),
    /// Any value, a text too, as JSON.
    Json(Cow<'s, str>),
}

/// A field that was decoded or written.
#[derive(Clone, Debug)]
struct Loaded {
    path: Box<str>,
    value: Content,
    changed: bool,
}

impl Sample {
    /// Reads a line of JSON, validated in full.
    ///
    /// # Errors
    ///
    /// If the line is no JSON object.
    pub fn from_json(line: SharedStr, origin: Origin) -> Result<Self, NotASample> {
        let fields = json::index(&line)?;
        let mut stats = Stats::default();
        if let Some(field) = fields
            .iter()
            .rev()
            .find(|field| field.key(&line) == STATS_FIELD)
            && let Ok(Value::Object(known)) = serde_json::from_str(&line[field.value.clone()])
        {
            for (name, value) in known {
                if let Some(stat) = crate::Stat::from_json(&value) {
                    stats.set(name, stat);
                }
            }
        }
        Ok(Self {
            row: Row::Json { line, fields },
            loaded: Vec::new(),
            stats,
            origin,
            revision: 0,
        })
    }

    /// Takes a row of a columnar batch.
    pub fn from_columns(batch: Arc<dyn Columns>, row: usize, origin: Origin) -> Self {
        Self {
            row: Row::Columns { batch, row },
            loaded: Vec::new(),
            stats: Stats::default(),
            origin,
            revision: 0,
        }
    }

    /// Bytes of the row as it was read; for a columnar row its share of the
    /// batch.
    pub fn row_bytes(&self) -> usize {
        self.row.bytes()
    }

    /// Where the sample came from.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Says which piece of its row the sample is.
    pub fn set_piece(&mut self, piece: u32) {
        self.origin.piece = piece;
    }

    /// The values measured so far.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The values measured so far, to add to them.
    pub fn stats_mut(&mut self) -> &mut Stats {
        &mut self.stats
    }

    /// The text at `path`, decoded once per version.
    ///
    /// # Errors
    ///
    /// If the field is absent, is no string, or holds no valid text.
    pub fn text(&mut self, path: &str) -> Result<&Text, FieldError> {
        let at = match self.position(path) {
            Some(at) => at,
            None => {
                let text = self.read_text(path)?;
                self.loaded.push(Loaded {
                    path: path.into(),
                    value: Content::Text(text),
                    changed: false,
                });
                self.loaded.len() - 1
            }
        };
        if let Content::Json(raw) = &self.loaded[at].value {
            let text = text_of_json(raw, path)?;
            self.loaded[at].value = Content::Text(text);
        }
        match &self.loaded[at].value {
            Content::Text(text) => Ok(text),
            Content::Json(_) | Content::Removed => Err(self.absent(path)),
        }
    }

    /// Replaces the text at `path`, or adds it.
    pub fn set_text(&mut self, path: &str, text: impl Into<String>) {
        self.set(path, Content::Text(Text::new(text)));
    }

    /// The value at `path` as JSON text; `None` if absent.
    pub fn json(&self, path: &str) -> Option<Cow<'_, str>> {
        if let Some(at) = self.position(path) {
            return self.loaded[at].value.json();
        }
        self.read_json(path)
    }

    /// The value at `path` as it is at hand, without decoding; `None` if absent.
    pub fn peek(&self, path: &str) -> Option<Peek<'_>> {
        if let Some(at) = self.position(path) {
            return match &self.loaded[at].value {
                Content::Text(text) => Some(Peek::Text(text.as_str())),
                Content::Json(raw) => Some(Peek::Json(Cow::Borrowed(raw))),
                Content::Removed => None,
            };
        }
        self.read_json(path).map(Peek::Json)
    }

    /// The value at `path`, decoded; `None` if absent. In the field `__dj__stats__` are
    /// the values measured so far.
    ///
    /// # Errors
    ///
    /// If the value is nested too deeply to decode, or holds no valid text.
    pub fn value(&self, path: &str) -> Result<Option<Value>, FieldError> {
        if let Some(measured) = self.measured(path) {
            return Ok(Some(measured));
        }
        self.json(path)
            .map(|raw| {
                serde_json::from_str(&raw).map_err(|error| FieldError::Encoding {
                    path: path.to_owned(),
                    reason: error.to_string(),
                })
            })
            .transpose()
    }

    /// What was measured, or one value of it, if `path` is that.
    fn measured(&self, path: &str) -> Option<Value> {
        let below = path.strip_prefix(STATS_FIELD)?;
        match below.strip_prefix('.') {
            Some(name) => self.stats.get(name).map(crate::Stat::to_json),
            None if below.is_empty() && !self.stats.is_empty() => {
                let stats = self.stats.iter();
                Some(stats.map(|(name, stat)| (name, stat.to_json())).collect())
            }
            None => None,
        }
    }

    /// Replaces the value at `path`, or adds it.
    pub fn set_value(&mut self, path: &str, value: &Value) {
        self.set_json(path, value.to_string());
    }

    /// Replaces the value at `path` by JSON text, or adds it. The text must be
    /// valid JSON.
    pub fn set_json(&mut self, path: &str, json: impl Into<Box<str>>) {
        self.set(path, Content::Json(json.into()));
    }

    /// Removes the field at `path`, if it is there.
    pub fn remove(&mut self, path: &str) {
        self.set(path, Content::Removed);
    }

    /// The names of the top-level fields, in order, each once.
    pub fn field_names(&self) -> Vec<Cow<'_, str>> {
        let mut names: Vec<Cow<'_, str>> = Vec::new();
        let gone = |name: &str| {
            self.position(name)
                .is_some_and(|at| matches!(self.loaded[at].value, Content::Removed))
        };
        let add = |name: &str, names: &mut Vec<Cow<'_, str>>| {
            if !gone(name) && !names.iter().any(|known| known == name) {
                names.push(name.to_owned().into());
            }
        };
        self.row.each_name(|name| add(name, &mut names));
        for loaded in &self.loaded {
            if loaded.changed && !self.is_below_a_field(&loaded.path) {
                add(&loaded.path, &mut names);
            }
        }
        names
    }

    /// Gives the top-level fields with their values as they are at hand, in
    /// order, each once. Unlike [`Sample::field_names`] and [`Sample::peek`] it
    /// copies nothing of a row that nobody wrote to.
    pub fn each_field(&self, mut visit: impl FnMut(&str, Peek<'_>)) {
        if let Row::Json { line, fields } = &self.row
            && !self.is_changed()
            && !has_repeated_keys(line, fields)
        {
            for field in fields {
                let name = field.key(line);
                let read = self.loaded.iter().find(|known| *known.path == *name);
                let value = match read.map(|known| &known.value) {
                    Some(Content::Text(text)) => Peek::Text(text.as_str()),
                    _ => Peek::Json(Cow::Borrowed(&line[field.value.clone()])),
                };
                visit(name, value);
            }
            return;
        }
        for name in self.field_names() {
            if let Some(value) = self.peek(&name) {
                visit(&name, value);
            }
        }
    }

    /// Whether an operator wrote to the sample.
    pub fn is_changed(&self) -> bool {
        self.loaded.iter().any(|loaded| loaded.changed)
    }

    /// How many writes the sample has seen: two readings differ if something
    /// was written between them.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// The paths that were written to, in the order of first writing.
    pub fn changed_paths(&self) -> impl Iterator<Item = &str> {
        self.loaded
            .iter()
            .filter(|loaded| loaded.changed)
            .map(|loaded| loaded.path.as_ref())
    }

    /// A piece of this sample: the same fields, with the text at `path` replaced.
    #[must_use]
    pub fn piece(&self, path: &str, text: impl Into<String>, piece: u32) -> Self {
        // The text that is cut must not be copied for each of its pieces.
        let loaded = self.loaded.iter().map(|known| match *known.path == *path {
            true => Loaded {
                path: known.path.clone(),
                value: Content::Removed,
                changed: known.changed,
            },
            false => known.clone(),
        });
        let mut cut = Self {
            row: self.row.clone(),
            loaded: loaded.collect(),
            stats: self.stats.clone(),
            origin: self.origin,
            revision: self.revision,
        };
        cut.set_text(path, text);
        cut.origin.piece = piece;
        cut
    }

    /// Another sample of the same row, as that was read.
    #[must_use]
    pub fn another(&self, origin: Origin) -> Self {
        Self {
            row: self.row.clone(),
            loaded: Vec::new(),
            stats: Stats::default(),
            origin,
            revision: 0,
        }
    }

    /// The row that this sample came from, if it is a line of JSON.
    pub fn line(&self) -> Option<&SharedStr> {
        match &self.row {
            Row::Json { line, .. } => Some(line),
            Row::Columns { .. } => None,
        }
    }

    /// The batch and row that this sample came from, if it is columnar.
    pub fn columns(&self) -> Option<(&Arc<dyn Columns>, usize)> {
        match &self.row {
            Row::Columns { batch, row } => Some((batch, *row)),
            Row::Json { .. } => None,
        }
    }

    /// Bytes of memory that this sample holds for itself while it waits,
    /// its share of the buffer it came from included, unless `before`, the
    /// sample in front of it, is a piece of the same row and holds that.
    pub fn held_bytes(&self, before: Option<&Self>) -> usize {
        let row = match before {
            Some(before) if self.row.is_same(&before.row) => 0,
            _ => self.row_bytes(),
        };
        let loaded: usize = self
            .loaded
            .iter()
            .map(|known| known.value.owned_bytes())
            .sum();
        size_of::<Self>()
            + row
            + self.row.index_bytes()
            + loaded
            + self.loaded.len() * size_of::<Loaded>()
    }

    /// Bytes of memory that samples hold which wait one behind the other.
    pub fn held_by_all(samples: &[Self]) -> usize {
        let before = std::iter::once(None).chain(samples.iter().map(Some));
        samples
            .iter()
            .zip(before)
            .map(|(sample, before)| sample.held_bytes(before))
            .sum()
    }

    /// Bytes that an operator has to do with: the row, or, of a piece of one,
    /// the piece's own texts.
    pub fn work_bytes(&self) -> usize {
        if self.origin.piece == 0 {
            return self.row_bytes();
        }
        self.loaded.iter().map(|known| known.value.bytes()).sum()
    }

    /// Frees what can be computed anew, before the sample waits in a queue.
    pub fn forget_derived(&mut self) {
        for loaded in &mut self.loaded {
            if let Content::Text(text) = &mut loaded.value {
                text.forget_derived();
            }
        }
    }

    fn position(&self, path: &str) -> Option<usize> {
        self.loaded.iter().position(|loaded| *loaded.path == *path)
    }

    fn read_text(&self, path: &str) -> Result<Text, FieldError> {
        let text = if self.is_overwritten(path) {
            self.overwritten_json(path)
                .map(|raw| text_of_json(&raw, path))
        } else {
            self.row.text(path)
        };
        text.unwrap_or_else(|| Err(self.absent(path)))
    }

    fn read_json(&self, path: &str) -> Option<Cow<'_, str>> {
        if self.is_overwritten(path) {
            return self.overwritten_json(path).map(Cow::Owned);
        }
        self.row.json(path)
    }

    fn absent(&self, path: &str) -> FieldError {
        let names = self.field_names();
        let present = if names.is_empty() {
            "no fields".to_owned()
        } else {
            let shown: Vec<String> = names
                .iter()
                .take(8)
                .map(|name| format!("`{name}`"))
                .collect();
            let more = if names.len() > 8 { ", ..." } else { "" };
            format!("{}{more}", shown.join(", "))
        };
        FieldError::Absent {
            path: path.to_owned(),
            present,
        }
    }
}

fn has_repeated_keys(line: &str, fields: &[Field]) -> bool {
    let mut left = fields;
    while let [field, rest @ ..] = left {
        let key = field.key(line);
        if rest.iter().any(|other| other.key(line) == key) {
            return true;
        }
        left = rest;
    }
    false
}

#[cfg(test)]
mod tests;
