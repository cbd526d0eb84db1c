//! [`Sample`]: one record on its way through the operators.
//!
//! A sample keeps the row it was read from, as it was read: a line of JSON, or
//! a row of a columnar batch. Fields are decoded when an operator names them
//! and kept while they are hot; a sink writes the row with only the changed
//! fields replaced. What no operator touches leaves byte for byte as it came.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use crate::json::{self, Change, Field};
use crate::{Cell, Columns, FieldError, NotASample, Origin, SharedStr, Stats, Text, write_string};

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

#[derive(Clone, Debug)]
enum Row {
    Json { line: SharedStr, fields: Vec<Field> },
    Columns { batch: Arc<dyn Columns>, row: usize },
}

/// A field that was decoded or written.
#[derive(Clone, Debug)]
struct Loaded {
    path: Box<str>,
    value: Content,
    changed: bool,
}

#[derive(Clone, Debug)]
enum Content {
    Text(Text),
    Json(Box<str>),
    Removed,
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
        match &self.row {
            Row::Json { line, .. } => line.len(),
            Row::Columns { batch, .. } => batch.size_bytes() / batch.n_rows().max(1),
        }
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
            return match &self.loaded[at].value {
                Content::Text(text) => Some(json_of_text(text).into()),
                Content::Json(raw) => Some(Cow::Borrowed(raw)),
                Content::Removed => None,
            };
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

    /// The value at `path`, decoded; `None` if absent.
    ///
    /// # Errors
    ///
    /// If the value is nested too deeply to decode, or holds no valid text.
    pub fn value(&self, path: &str) -> Result<Option<Value>, FieldError> {
        self.json(path)
            .map(|raw| {
                serde_json::from_str(&raw).map_err(|error| FieldError::Encoding {
                    path: path.to_owned(),
                    reason: error.to_string(),
                })
            })
            .transpose()
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
        let add = |name: Cow<'_, str>, names: &mut Vec<Cow<'_, str>>| {
            if !gone(&name) && !names.contains(&name) {
                names.push(name.into_owned().into());
            }
        };
        match &self.row {
            Row::Json { line, fields } => {
                for field in fields {
                    add(field.key(line).into(), &mut names);
                }
            }
            Row::Columns { batch, .. } => {
                for name in batch.names() {
                    add(name.as_str().into(), &mut names);
                }
            }
        }
        for loaded in &self.loaded {
            if loaded.changed && !self.is_below_a_field(&loaded.path) {
                add(loaded.path.as_ref().into(), &mut names);
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

    /// Appends the sample as one JSON object, without a line end.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match &self.row {
            Row::Json { line, fields } => {
                if self.is_changed() {
                    let changes = self.changes(line, fields);
                    json::splice(line, fields, &changes, out);
                } else {
                    out.extend_from_slice(line.as_bytes());
                }
            }
            Row::Columns { batch, row } => self.write_columns_json(batch.as_ref(), *row, out),
        }
    }

    /// Bytes of memory that this sample holds for itself while it waits,
    /// its share of the buffer it came from included, unless `before`, the
    /// sample in front of it, is a piece of the same row and holds that.
    pub fn held_bytes(&self, before: Option<&Self>) -> usize {
        let row = match before {
            Some(before) if self.shares_row_with(before) => 0,
            _ => self.row_bytes(),
        };
        let fields = match &self.row {
            Row::Json { fields, .. } => fields.len() * size_of::<Field>(),
            Row::Columns { .. } => 0,
        };
        let loaded: usize = self
            .loaded
            .iter()
            .map(|loaded| match &loaded.value {
                Content::Text(text) => text.owned_bytes(),
                Content::Json(raw) => raw.len(),
                Content::Removed => 0,
            })
            .sum();
        size_of::<Self>() + row + fields + loaded + self.loaded.len() * size_of::<Loaded>()
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

    fn shares_row_with(&self, other: &Self) -> bool {
        match (&self.row, &other.row) {
            (Row::Json { line, .. }, Row::Json { line: before, .. }) => {
                std::ptr::eq(line.as_str(), before.as_str())
            }
            (Row::Columns { batch, row }, Row::Columns { batch: b, row: r }) => {
                row == r && std::ptr::addr_eq(Arc::as_ptr(batch), Arc::as_ptr(b))
            }
            _ => false,
        }
    }

    /// Bytes that an operator has to do with: the row, or, of a piece of one,
    /// the piece's own texts.
    pub fn work_bytes(&self) -> usize {
        if self.origin.piece == 0 {
            return self.row_bytes();
        }
        let text = |loaded: &Loaded| match &loaded.value {
            Content::Text(text) => text.len(),
            Content::Json(raw) => raw.len(),
            Content::Removed => 0,
        };
        self.loaded.iter().map(text).sum()
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

    fn set(&mut self, path: &str, value: Content) {
        self.revision += 1;
        // Of paths that overlap (`meta`, `meta.lang`) what is written last counts:
        // the inside of an old value goes with it, and what is written below a
        // new value becomes part of that.
        let (mut above, mut stale) = (None, Vec::new());
        for (i, known) in self.loaded.iter().enumerate() {
            if self.below(path, &known.path).is_some() && known.changed {
                above = Some(i);
            } else if self.below(path, &known.path).is_some()
                || self.below(&known.path, path).is_some()
            {
                stale.push(i);
            }
        }
        if let Some(at) = above {
            let old = content_json(&self.loaded[at].value);
            let new = content_json(&value);
            let rest = self.below(path, &self.loaded[at].path).unwrap_or_default();
            match (old, new) {
                (None, None) => {}
                (old, new) => {
                    let json =
                        json::set_below(old.as_deref().unwrap_or("{}"), rest, new.as_deref());
                    self.loaded[at].value = Content::Json(json.into());
                }
            }
            // What was read at the path itself is stale as well.
            stale.extend(self.position(path));
            stale.sort_unstable();
            for i in stale.into_iter().rev() {
                self.loaded.remove(i);
            }
            return;
        }
        for i in stale.into_iter().rev() {
            self.loaded.remove(i);
        }
        match self.position(path) {
            Some(at) => {
                self.loaded[at].value = value;
                self.loaded[at].changed = true;
            }
            None => self.loaded.push(Loaded {
                path: path.into(),
                value,
                changed: true,
            }),
        }
    }

    /// What `path` adds to `outer`, if it names something within it.
    fn below<'p>(&self, path: &'p str, outer: &str) -> Option<&'p str> {
        let rest = path.strip_prefix(outer)?.strip_prefix('.')?;
        let (at, _) = self.locate(path)?;
        let (outer_at, _) = self.locate(outer)?;
        // A key may hold the dot itself: then the two have nothing in common.
        (at == outer_at && self.is_below_a_field(path)).then_some(rest)
    }

    /// Whether something was written above or below `path`, so that the row it
    /// was read from does not tell its value.
    fn is_overwritten(&self, path: &str) -> bool {
        self.loaded.iter().any(|known| {
            known.changed
                && (self.below(path, &known.path).is_some()
                    || self.below(&known.path, path).is_some())
        })
    }

    /// The value at `path` with what was written above and below it.
    fn overwritten_json(&self, path: &str) -> Option<String> {
        let mut json = None;
        for known in self.loaded.iter().filter(|known| known.changed) {
            if let Some(rest) = self.below(path, &known.path) {
                let above = content_json(&known.value)?;
                return json::descend(&above, rest).map(str::to_owned);
            }
            if let Some(rest) = self.below(&known.path, path) {
                let old = json.or_else(|| self.row_json(path).map(Cow::into_owned));
                let new = content_json(&known.value);
                json = match (old, &new) {
                    (None, None) => None,
                    (old, new) => Some(json::set_below(
                        old.as_deref().unwrap_or("{}"),
                        rest,
                        new.as_deref(),
                    )),
                };
            }
        }
        json
    }

    /// The index of the top-level field that holds `path`, and the rest of the
    /// path below it.
    fn locate<'p>(&self, path: &'p str) -> Option<(usize, Option<&'p str>)> {
        let find = |name: &str| match &self.row {
            Row::Json { line, fields } => fields.iter().rposition(|field| field.key(line) == name),
            Row::Columns { batch, .. } => batch.names().iter().rposition(|known| known == name),
        };
        if let Some(at) = find(path) {
            return Some((at, None));
        }
        let (head, rest) = path.split_once('.')?;
        find(head).map(|at| (at, Some(rest)))
    }

    /// Whether `path` names something within a top-level field.
    fn is_below_a_field(&self, path: &str) -> bool {
        matches!(self.locate(path), Some((_, Some(_))))
    }

    fn read_text(&self, path: &str) -> Result<Text, FieldError> {
        if self.is_overwritten(path) {
            let raw = self
                .overwritten_json(path)
                .ok_or_else(|| self.absent(path))?;
            return text_of_json(&raw, path);
        }
        let Some((at, rest)) = self.locate(path) else {
            return Err(self.absent(path));
        };
        match (&self.row, rest) {
            (Row::Json { line, fields }, None) => {
                let span = fields[at].value.clone();
                Ok(match string_of_json(&line[span.clone()], path)? {
                    Cow::Borrowed(_) => Text::shared(line.slice(span.start + 1..span.end - 1)),
                    Cow::Owned(text) => Text::new(text),
                })
            }
            (Row::Columns { batch, row }, None) => match batch.cell(at, *row) {
                Cell::Text(text) => Ok(Text::new(text)),
                Cell::Null => Err(wrong_type(path, "null")),
                Cell::Other(found) => Err(wrong_type(path, found)),
                Cell::NotUtf8 => Err(FieldError::Encoding {
                    path: path.to_owned(),
                    reason: "bytes that are not UTF-8".to_owned(),
                }),
            },
            (_, Some(_)) => match self.read_json(path) {
                Some(raw) => text_of_json(&raw, path),
                None => Err(self.absent(path)),
            },
        }
    }

    fn read_json(&self, path: &str) -> Option<Cow<'_, str>> {
        if self.is_overwritten(path) {
            return self.overwritten_json(path).map(Cow::Owned);
        }
        self.row_json(path)
    }

    /// The value at `path` as it was read.
    fn row_json(&self, path: &str) -> Option<Cow<'_, str>> {
        let (at, rest) = self.locate(path)?;
        let whole: Cow<'_, str> = match &self.row {
            Row::Json { line, fields } => Cow::Borrowed(&line[fields[at].value.clone()]),
            Row::Columns { batch, row } => cell_json(batch.as_ref(), at, *row).into(),
        };
        match rest {
            None => Some(whole),
            Some(rest) => match whole {
                Cow::Borrowed(raw) => json::descend(raw, rest).map(Cow::Borrowed),
                Cow::Owned(raw) => json::descend(&raw, rest).map(|raw| raw.to_owned().into()),
            },
        }
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

    /// The changes to the top-level fields of a JSON row; changes below one
    /// field are folded into one replacement of it.
    fn changes<'a>(&'a self, line: &'a str, fields: &[Field]) -> Vec<Change<'a>> {
        let mut changes: Vec<Change<'a>> = Vec::new();
        for loaded in self.loaded.iter().filter(|loaded| loaded.changed) {
            let json = content_json(&loaded.value);
            match (self.locate(&loaded.path), json) {
                (Some((at, None)), Some(json)) => changes.push(Change::Replace(at, json)),
                (Some((at, None)), None) => {
                    // Every field of that name goes, or an earlier one would
                    // come to light.
                    let name = fields[at].key(line);
                    let same = |field: &Field| field.key(line) == name;
                    changes.extend(
                        (0..fields.len())
                            .filter(|i| same(&fields[*i]))
                            .map(Change::Remove),
                    );
                }
                (Some((at, Some(rest))), json) => {
                    let earlier = changes.iter().position(
                        |change| matches!(change, Change::Replace(known, _) if *known == at),
                    );
                    let old = match earlier {
                        Some(i) => match changes.swap_remove(i) {
                            Change::Replace(_, old) => old,
                            Change::Remove(_) | Change::Append(..) => {
                                unreachable!("the position is of a replacement")
                            }
                        },
                        None => Cow::Borrowed(&line[fields[at].value.clone()]),
                    };
                    let new = json::set_below(&old, rest, json.as_deref());
                    changes.push(Change::Replace(at, new.into()));
                }
                (None, Some(json)) => changes.push(Change::Append(&loaded.path, json)),
                (None, None) => {}
            }
        }
        changes
    }

    fn write_columns_json(&self, batch: &dyn Columns, row: usize, out: &mut Vec<u8>) {
        let mut first = true;
        let mut field = |name: &str, out: &mut Vec<u8>| {
            out.push(if first { b'{' } else { b',' });
            first = false;
            write_string(name, out);
            out.push(b':');
        };
        for (column, name) in batch.names().iter().enumerate() {
            let whole = self.loaded.iter().find(|l| l.changed && *l.path == **name);
            match whole.map(|loaded| content_json(&loaded.value)) {
                Some(None) => {}
                Some(Some(json)) => {
                    field(name, out);
                    out.extend_from_slice(json.as_bytes());
                }
                None => {
                    field(name, out);
                    let mut raw: Option<String> = None;
                    for loaded in self.loaded.iter().filter(|loaded| loaded.changed) {
                        if let Some((at, Some(rest))) = self.locate(&loaded.path)
                            && at == column
                        {
                            let old = raw.unwrap_or_else(|| cell_json(batch, column, row));
                            let json = content_json(&loaded.value);
                            raw = Some(json::set_below(&old, rest, json.as_deref()));
                        }
                    }
                    match raw {
                        Some(raw) => out.extend_from_slice(raw.as_bytes()),
                        None => batch.write_json(column, row, out),
                    }
                }
            }
        }
        for loaded in self.loaded.iter().filter(|loaded| loaded.changed) {
            if self.locate(&loaded.path).is_none()
                && let Some(json) = content_json(&loaded.value)
            {
                field(&loaded.path, out);
                out.extend_from_slice(json.as_bytes());
            }
        }
        out.extend_from_slice(if first { b"{}" } else { b"}" });
    }
}

fn cell_json(batch: &dyn Columns, column: usize, row: usize) -> String {
    let mut out = Vec::new();
    batch.write_json(column, row, &mut out);
    String::from_utf8(out).unwrap_or_else(|_| "null".to_owned())
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

fn content_json(content: &Content) -> Option<Cow<'_, str>> {
    match content {
        Content::Text(text) => Some(json_of_text(text).into()),
        Content::Json(raw) => Some(Cow::Borrowed(raw)),
        Content::Removed => None,
    }
}

fn json_of_text(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + text.len() / 8 + 2);
    write_string(text, &mut out);
    String::from_utf8(out).expect("JSON of a text is text")
}

fn text_of_json(raw: &str, path: &str) -> Result<Text, FieldError> {
    string_of_json(raw, path).map(|text| Text::new(text.into_owned()))
}

fn string_of_json<'a>(raw: &'a str, path: &str) -> Result<Cow<'a, str>, FieldError> {
    if !raw.starts_with('"') {
        return Err(wrong_type(path, json::kind_of(raw)));
    }
    json::decode_string(raw).map_err(|reason| FieldError::Encoding {
        path: path.to_owned(),
        reason,
    })
}

fn wrong_type(path: &str, found: &'static str) -> FieldError {
    FieldError::Type {
        path: path.to_owned(),
        found,
        expected: "a string",
    }
}

#[cfg(test)]
mod tests;
