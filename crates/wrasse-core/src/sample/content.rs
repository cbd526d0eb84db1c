//! Values of fields that were decoded or written.

use std::borrow::Cow;

use crate::{FieldError, Text, json, write_string};

/// The value of a field.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Text(Text),
    Json(Box<str>),
    Removed,
}

impl Content {
    /// The value as JSON; `None` if the field was removed.
    pub(super) fn json(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(json_of_text(text).into()),
            Self::Json(raw) => Some(Cow::Borrowed(raw)),
            Self::Removed => None,
        }
    }

    /// Bytes of the text or of the JSON.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Json(raw) => raw.len(),
            Self::Removed => 0,
        }
    }

    /// Bytes of memory that the value holds for itself.
    pub(super) fn owned_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.owned_bytes(),
            Self::Json(_) | Self::Removed => self.bytes(),
        }
    }
}

fn json_of_text(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + text.len() / 8 + 2);
    write_string(text, &mut out);
    String::from_utf8(out).expect("JSON of a text is text")
}

pub(super) fn text_of_json(raw: &str, path: &str) -> Result<Text, FieldError> {
    string_of_json(raw, path).map(|text| Text::new(text.into_owned()))
}

pub(super) fn string_of_json<'a>(raw: &'a str, path: &str) -> Result<Cow<'a, str>, FieldError> {
    if !raw.starts_with('"') {
        return Err(wrong_type(path, json::kind_of(raw)));
    }
    json::decode_string(raw).map_err(|reason| FieldError::Encoding {
        path: path.to_owned(),
        reason,
    })
}

pub(super) fn wrong_type(path: &str, found: &'static str) -> FieldError {
    FieldError::Type {
        path: path.to_owned(),
        found,
        expected: "a string",
    }
}
