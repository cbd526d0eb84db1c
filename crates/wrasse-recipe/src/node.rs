//! [`Node`]: YAML as a tree in which everything knows its place.
//!
//! Types are not decided here: a scalar keeps its text until a key that
//! expects something reads it (see [`crate::conform`]).

use crate::Place;

/// A value of a recipe.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) content: Content,
    pub(crate) place: Place,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A scalar as it was written.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    /// Without quotes or a `!!str` tag, so that it may be more than text.
    pub(crate) plain: bool,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) place: Place,
    pub(crate) value: Node,
}

impl Node {
    pub(crate) fn new(content: Content, place: Place) -> Self {
        Self { content, place }
    }

    /// A text, as if in quotes.
    pub(crate) fn text(text: &str, place: Place) -> Self {
        let scalar = Scalar {
            text: text.to_owned(),
            plain: false,
        };
        Self::new(Content::Scalar(scalar), place)
    }

    pub(crate) fn null(place: Place) -> Self {
        let scalar = Scalar {
            text: String::new(),
            plain: true,
        };
        Self::new(Content::Scalar(scalar), place)
    }

    /// Whether it is `null`, `~` or nothing at all.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar(scalar) if scalar.is_null())
    }

    pub(crate) fn map(&self) -> Option<&[Entry]> {
        match &self.content {
            Content::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.map()?.iter().find(|entry| entry.key == key)
    }

    /// The place of the value at a path such as `ranges[1].min`, or of the
    /// deepest value on the way to it. `None` if not even its start is there.
    pub(crate) fn place_at(&self, path: &str) -> Option<Place> {
        let mut node = self;
        let mut place = None;
        for part in path.split(['.', '[']) {
            let next = match (&node.content, part.strip_suffix(']')) {
                (Content::List(items), Some(i)) => i.parse().ok().and_then(|i: usize| items.get(i)),
                _ => node.get(part).map(|entry| &entry.value),
            };
            let Some(next) = next else { break };
            place = Some(next.place);
            node = next;
        }
        place
    }

    /// What it is, in words, for messages.
    pub(crate) fn words(&self) -> String {
        match &self.content {
            Content::List(_) => "a list".to_owned(),
            Content::Map(_) => "a mapping".to_owned(),
            Content::Scalar(scalar) if scalar.is_null() => "nothing".to_owned(),
            Content::Scalar(scalar) if !scalar.plain => {
                format!("the text `\"{}\"`", brief(&scalar.text))
            }
            Content::Scalar(scalar) => format!("`{}`", brief(&scalar.text)),
        }
    }
}

/// Long values are cut in messages.
pub(crate) fn brief(text: &str) -> String {
    const SHOWN: usize = 40;
    let line = text.lines().next().unwrap_or_default();
    if line.len() == text.len() && text.chars().nth(SHOWN).is_none() {
        return text.to_owned();
    }
    let start: String = line.chars().take(SHOWN).collect();
    format!("{start}…")
}
