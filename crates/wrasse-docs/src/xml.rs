//! XML: the text of its elements, and reading it for the office formats.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::output::Output;
use crate::{DocError, Document, Limits, decode};

/// What a document consists of, in order. Names are without their prefix.
pub(crate) enum Item<'a> {
    Open(&'a str, &'a Attributes<'a>),
    Close(&'a str),
    Text(&'a str),
}

/// The attributes of an element.
pub(crate) struct Attributes<'a>(&'a BytesStart<'a>);

impl Attributes<'_> {
    /// The value of the attribute with this name, its prefix included.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let mut all = self.0.attributes();
        // Looking for repeated names takes the square of their number.
        let found = all
            .with_checks(false)
            .flatten()
            .find(|attribute| attribute.key.as_ref() == name.as_bytes())?;
        let raw = std::str::from_utf8(&found.value).ok()?;
        let value = quick_xml::escape::unescape(raw).unwrap_or(Cow::Borrowed(raw));
        Some(value.into_owned())
    }
}

/// Calls `item` with all that an XML document consists of. Entities of its own
/// are passed over: nothing grows.
pub(crate) fn walk(
    text: &str,
    mut item: impl FnMut(Item<'_>) -> Result<(), DocError>,
) -> Result<(), DocError> {
    let mut reader = Reader::from_str(text);
    loop {
        let at = reader.buffer_position();
        let damaged = |error: &dyn std::fmt::Display| {
            DocError::new(format!("damaged XML at byte {at}: {error}"))
        };
        match reader.read_event().map_err(|error| damaged(&error))? {
            Event::Start(start) => {
                let name = start.local_name();
                item(Item::Open(utf8(name.as_ref()), &Attributes(&start)))?;
            }
            Event::Empty(start) => {
                let name = start.local_name();
                item(Item::Open(utf8(name.as_ref()), &Attributes(&start)))?;
                item(Item::Close(utf8(name.as_ref())))?;
            }
            Event::End(end) => item(Item::Close(utf8(end.local_name().as_ref())))?,
            Event::Text(text) => {
                item(Item::Text(
                    &text.xml10_content().map_err(|error| damaged(&error))?,
                ))?;
            }
            Event::CData(text) => item(Item::Text(utf8(&text)))?,
            Event::GeneralRef(name) => {
                let mut buffer = [0; 4];
                if let Ok(Some(c)) = name.resolve_char_ref() {
                    item(Item::Text(c.encode_utf8(&mut buffer)))?;
                } else if let Some(text) = quick_xml::escape::resolve_html5_entity(utf8(&name)) {
                    item(Item::Text(text))?;
                }
            }
            Event::Eof => return Ok(()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

/// Names and text are pieces of a text.
fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or("")
}

/// The text of a document: a line for each element that has text of its own
/// and no others.
pub(crate) fn parse(bytes: &[u8], limits: Limits) -> Result<Document, DocError> {
    let text = decode::text(bytes, decode::named(bytes, b"encoding"))?;
    let mut out = Output::new(limits);
    let mut title = None;
    let mut open = String::new();
    let mut n_elements = 0;
    walk(&text, |item| {
        match item {
            Item::Open(name, _) => {
                n_elements += 1;
                name.clone_into(&mut open);
                out.end_line();
            }
            Item::Close(_) => {
                open.clear();
                out.end_line();
            }
            Item::Text(text) => {
                if title.is_none() && open == "title" && !text.trim().is_empty() {
                    title = Some(text.trim().to_owned());
                }
                push_words(text, &mut out)?;
            }
        }
        Ok(())
    })?;
    if n_elements == 0 {
        return Err(DocError::new("no XML: it has no elements"));
    }
    Ok(Document {
        text: out.finish(),
        title,
        ..Document::default()
    })
}

/// Adds text whose white space means no more than a space.
pub(crate) fn push_words(text: &str, out: &mut Output) -> Result<(), DocError> {
    if text.starts_with(char::is_whitespace) {
        out.space()?;
    }
    for word in text.split_whitespace() {
        // Only between words: an output ends without a space here.
        if !out.is_at_line_start() && !std::ptr::eq(word.as_ptr(), text.as_ptr()) {
            out.space()?;
        }
        out.push(word)?;
    }
    if text.ends_with(char::is_whitespace) {
        out.space()?;
    }
    Ok(())
}
