//! The text of an HTML document, as lexbor's `text()` gives it.
//!
//! The document is parsed by the HTML standard, scripting off, and the text of
//! all its nodes is put together in their order, with nothing in between: also
//! that of `title`, `script` and `style`, but not of comments and attributes,
//! and not the contents of `template`.
//!
//! Most documents need no tree for that ([`plain`]). [`bounds`] and
//! [`attributes`] keep documents that were made to be expensive
//! from being so.

mod attributes;
mod bounds;
mod plain;
mod tree;

use std::borrow::Cow;

use html5ever::TokenizerResult;
use html5ever::buffer_queue::BufferQueue;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{Tokenizer, TokenizerOpts};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts};

use bounds::Bounds;
use tree::Tree;

/// The text of a document.
pub(crate) fn text_of(html: &str) -> Cow<'_, str> {
    let bytes = html.as_bytes();
    if memchr::memchr3(b'<', b'&', b'\r', bytes)
        .or(memchr::memchr(0, bytes))
        .is_none()
    {
        // What comes before the first tag or character is no part of the body.
        return Cow::Borrowed(html.trim_start_matches(is_space));
    }
    if let Some(text) = plain::text_of(html) {
        return Cow::Owned(text);
    }
    let parsed = parse(&attributes::limit(html));
    Cow::Owned(parsed.tree().text(html.len()))
}

fn parse(html: &str) -> Bounds {
    let opts = TreeBuilderOpts {
        scripting_enabled: false,
        ..TreeBuilderOpts::default()
    };
    let builder = TreeBuilder::new(Tree::new(), opts);
    let opts = TokenizerOpts {
        discard_bom: false,
        ..TokenizerOpts::default()
    };
    let tokenizer = Tokenizer::new(Bounds::new(builder, html.len()), opts);
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    // The tokenizer stops for every script and every encoding.
    while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {}
    tokenizer.end();
    tokenizer.sink
}

/// White space by the HTML standard.
fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\u{c}' | '\r' | ' ')
}

#[cfg(test)]
mod tests;
