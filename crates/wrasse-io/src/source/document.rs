//! Documents as samples: which kind a file holds, and what is kept of it.

use serde_json::{Map, Value};
use wrasse_docs::Limits;

use super::format;
use super::text::Content;

/// A document may unpack to this many times what a row may have: office
/// formats are made of XML, which is many times its text.
const UNPACKED: usize = 8;
/// But no more than this: several are read at once.
const UNPACKED_MAX: usize = 256 << 20;

/// What a document may unpack to whose text may have `text_bytes_max`.
pub(super) fn limits_of(text_bytes_max: usize) -> Limits {
    Limits {
        text_bytes_max,
        unpacked_bytes_max: text_bytes_max.saturating_mul(UNPACKED).min(UNPACKED_MAX),
    }
}

/// The text of the document, and its title, author and number of pages.
///
/// # Errors
///
/// Why there is none; that costs this file and no other.
pub(super) fn read(path: &str, bytes: &[u8], text_bytes_max: usize) -> Result<Content, String> {
    let (suffix, _) = format::suffix(path);
    let kind = format::document_of_suffix(&suffix);
    let kind = kind.unwrap_or_else(|| format::document_of_content(bytes));
    let limits = limits_of(text_bytes_max);
    let document = wrasse_docs::parse(kind, bytes, limits).map_err(|error| error.to_string())?;
    let mut meta = Map::new();
    meta.insert("type".to_owned(), kind.name().into());
    for (name, value) in [
        ("title", document.title.map(Value::from)),
        ("author", document.author.map(Value::from)),
        ("n_pages", document.n_pages.map(Value::from)),
    ] {
        meta.extend(value.map(|value| (name.to_owned(), value)));
    }
    Ok(Content {
        text: document.text,
        meta: Some(Value::Object(meta)),
    })
}
