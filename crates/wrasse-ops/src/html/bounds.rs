//! Keeps the cost of parsing within a small factor of the document's size.
//!
//! By the standard, many a tag looks through all elements that are open, and
//! formatting elements that were not closed are made anew in every paragraph:
//! nesting of 100,000 levels, or a thousand fonts left open, would take minutes
//! or gigabytes. So that elements nested deeper than [`OPEN_MAX`] count as text
//! alone: their tags are passed over, which nearly never changes the text. The
//! same is done in a document that makes more elements than it can have tags.

use std::cell::Cell;

use html5ever::local_name;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    CommentToken, DoctypeToken, EndTag, StartTag, Tag, TagToken, Token, TokenSink, TokenSinkResult,
};
use html5ever::tree_builder::{Tracer, TreeBuilder};

use super::tree::{Handle, Tree};

/// The number of elements that are open, or to be opened again, at once. Web
/// browsers allow 512 levels.
const OPEN_MAX: usize = 1_024;

/// How many start tags may pass between two counts of the open elements.
const COUNT_EVERY: usize = 64;

/// The number of elements that any document may have.
const ELEMENTS_MIN: usize = 100_000;

/// A tree builder with bounds.
pub(super) struct Bounds {
    builder: TreeBuilder<Handle, Tree>,
    /// More elements than the document can have tags: the shortest are `<p>`.
    elements_max: usize,
    /// An upper bound of the number of open elements, but for those that one
    /// tag opens again.
    open: Cell<usize>,
    tags_since_count: Cell<usize>,
    /// Elements whose start tag was passed over, and whose end tag was not yet.
    passed_over: Cell<usize>,
}

impl Bounds {
    pub(super) fn new(builder: TreeBuilder<Handle, Tree>, n_bytes: usize) -> Self {
        Self {
            builder,
            elements_max: n_bytes / 2 + ELEMENTS_MIN,
            open: Cell::new(0),
            tags_since_count: Cell::new(0),
            passed_over: Cell::new(0),
        }
    }

    pub(super) fn tree(&self) -> &Tree {
        &self.builder.sink
    }

    /// Whether the tag goes to the tree builder.
    fn admits(&self, tag: &Tag) -> bool {
        if changes_the_tokenizer(tag) {
            return true;
        }
        let passed_over = self.passed_over.get();
        match tag.kind {
            StartTag => {
                let admitted = self.has_room();
                if !admitted {
                    self.passed_over.set(passed_over + 1);
                }
                admitted
            }
            EndTag => {
                self.passed_over.set(passed_over.saturating_sub(1));
                passed_over == 0
            }
        }
    }

    fn has_room(&self) -> bool {
        self.open.set(self.open.get() + 1);
        self.tags_since_count.set(self.tags_since_count.get() + 1);
        if self.tags_since_count.get() >= COUNT_EVERY {
            self.tags_since_count.set(0);
            let count = Count(Cell::new(0));
            self.builder.trace_handles(&count);
            self.open.set(count.0.get());
        }
        self.open.get() < OPEN_MAX && self.tree().n_elements() < self.elements_max
    }
}

impl TokenSink for Bounds {
    type Handle = Handle;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<Handle> {
        match token {
            TagToken(tag) if !self.admits(&tag) => TokenSinkResult::Continue,
            DoctypeToken(doctype) => {
                // A doctype ends a run of text in a table; the tree builder
                // overlooks that, but not for a comment.
                let _ = self
                    .builder
                    .process_token(CommentToken(StrTendril::new()), line);
                self.builder.process_token(DoctypeToken(doctype), line)
            }
            token => self.builder.process_token(token, line),
        }
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder
            .adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// Whether what follows the tag is not read as HTML.
fn changes_the_tokenizer(tag: &Tag) -> bool {
    matches!(
        tag.name,
        local_name!("iframe")
            | local_name!("noembed")
            | local_name!("noframes")
            | local_name!("plaintext")
            | local_name!("script")
            | local_name!("style")
            | local_name!("textarea")
            | local_name!("title")
            | local_name!("xmp")
    )
}

/// Counts the elements that the tree builder keeps at hand.
struct Count(Cell<usize>);

impl Tracer for Count {
    type Handle = Handle;

    fn trace_handle(&self, _: &Handle) {
        self.0.set(self.0.get() + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn elements_are_bounded_by_depth_and_size() {
        let made = |html: &str| parse(html).tree().n_elements();
        let flat = made(&"<div>x</div>".repeat(10_000));
        assert!(flat > 10_000, "what is not deep is not passed over: {flat}");
        let deep = made(&"<div>x".repeat(10_000));
        assert!((1_000..1_100).contains(&deep), "{deep}");

        let fonts: String = (0..400).map(|i| format!("<b id={i}>")).collect();
        let reopened = format!("<p>{fonts}</p>{}", "<div>x</div>".repeat(10_000));
        let max = reopened.len() / 2 + ELEMENTS_MIN + OPEN_MAX;
        let made = made(&reopened);
        assert!((ELEMENTS_MIN..=max).contains(&made), "{made}");
    }
}
