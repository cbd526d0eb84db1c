//! [`Source`]: the text of a recipe, and places in it.

use std::collections::BTreeMap;

/// A recipe as it was written: a file, and what the command line sets over it.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    text: String,
    overrides: Vec<String>,
    folders: BTreeMap<String, String>,
    invalid: Option<Place>,
}

/// Where a [`Place`] lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// In the text of the recipe.
    Text,
    /// In an override (`--set`); they are numbered from 0.
    Override(usize),
}

/// A place in a [`Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The text or the override that it lies in.
    pub origin: Origin,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters of the line it covers; at least 1.
    pub len: usize,
}

impl Place {
    /// The first character of the text.
    pub const START: Self = Self {
        origin: Origin::Text,
        line: 1,
        column: 1,
        len: 1,
    };
}

impl Source {
    /// A recipe called `name` (the path that messages show).
    ///
    /// A byte order mark is skipped. Bytes that are no UTF-8 are an error of
    /// [`check`](crate::check).
    pub fn new(name: impl Into<String>, bytes: &[u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let (text, invalid) = match std::str::from_utf8(bytes) {
            Ok(text) => (text.to_owned(), None),
            Err(error) => {
                let valid =
                    String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or(bytes));
                let line = valid.bytes().filter(|byte| *byte == b'\n').count() + 1;
                let column = valid
                    .rsplit('\n')
                    .next()
                    .map_or(0, |last| last.chars().count())
                    + 1;
                let place = Place {
                    line,
                    column,
                    ..Place::START
                };
                (String::from_utf8_lossy(bytes).into_owned(), Some(place))
            }
        };
        Self {
            name: name.into(),
            text,
            overrides: Vec::new(),
            folders: BTreeMap::new(),
            invalid,
        }
    }

    /// Adds overrides, each `key=value` with a dotted path as key and YAML as
    /// value. Steps are named by number (from 0) or by operator:
    /// `process.0.text_length_filter.max_len=5`,
    /// `process.text_length_filter.max_len=5`.
    #[must_use]
    pub fn with_overrides<S: Into<String>>(
        mut self,
        overrides: impl IntoIterator<Item = S>,
    ) -> Self {
        self.overrides.extend(overrides.into_iter().map(Into::into));
        self
    }

    /// Adds operator folders of DataMate: raw_id and path of each.
    #[must_use]
    pub fn with_folders(mut self, folders: impl IntoIterator<Item = (String, String)>) -> Self {
        self.folders.extend(folders);
        self
    }

    /// The path of the operator folder with this raw_id.
    pub(crate) fn folder(&self, raw_id: &str) -> Option<&str> {
        self.folders.get(raw_id).map(String::as_str)
    }

    /// The raw_ids of all operator folders.
    pub(crate) fn folder_names(&self) -> impl Iterator<Item = &str> {
        self.folders.keys().map(String::as_str)
    }

    /// The name that messages show.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text, without a byte order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The overrides, in the order in which they apply.
    pub fn overrides(&self) -> &[String] {
        &self.overrides
    }

    /// The line that a place lies in, without its end.
    pub fn line(&self, place: Place) -> Option<&str> {
        let text = match place.origin {
            Origin::Text => &self.text,
            Origin::Override(i) => self.overrides.get(i)?,
        };
        lines(text).nth(place.line.checked_sub(1)?)
    }

    /// The first byte that is no UTF-8.
    pub(crate) fn invalid(&self) -> Option<Place> {
        self.invalid
    }
}

/// The lines of a text as YAML counts them: a carriage return alone ends one too.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('\r'))
}
