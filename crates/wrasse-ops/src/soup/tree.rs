//! The tree that Beautiful Soup builds.

use std::collections::HashMap;

/// A place in [`Soup::nodes`]. The root is 0.
pub(crate) type NodeId = usize;

/// What a node is.
#[derive(Debug)]
pub(super) enum Kind {
    Tag {
        name: Box<str>,
        attributes: Vec<(String, String)>,
    },
    /// A text; one within `script` and its like counts as another kind of
    /// text, which is not that of the elements around.
    Text { text: String, is_apart: bool },
    /// What is written as it came, between these marks.
    Marked {
        before: &'static str,
        text: String,
        after: &'static str,
    },
}

/// Marks of what is no text.
pub(super) const CDATA: (&str, &str) = ("<![CDATA[", "]]>");
pub(super) const COMMENT: (&str, &str) = ("<!--", "-->");
pub(super) const DECLARATION: (&str, &str) = ("<?", "?>");
pub(super) const DOCTYPE: (&str, &str) = ("<!DOCTYPE ", ">\n");
pub(super) const INSTRUCTION: (&str, &str) = ("<?", ">");

#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) parent: NodeId,
    /// Behind its last descendant: nodes lie in the order of the document.
    pub(super) end: NodeId,
}

/// A document.
#[derive(Debug)]
pub(crate) struct Soup {
    pub(super) nodes: Vec<Node>,
}

impl Soup {
    /// The name of a tag; empty for other nodes.
    pub(crate) fn name(&self, node: NodeId) -> &str {
        match &self.nodes[node].kind {
            Kind::Tag { name, .. } => name,
            Kind::Text { .. } | Kind::Marked { .. } => "",
        }
    }

    /// The nodes of the document in their order.
    pub(crate) fn nodes(&self) -> std::ops::Range<NodeId> {
        1..self.nodes.len()
    }

    /// All nodes below a node, in their order.
    pub(crate) fn descendants(&self, node: NodeId) -> std::ops::Range<NodeId> {
        node + 1..self.nodes[node].end
    }

    /// The nodes directly below a node.
    pub(crate) fn children(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        let end = self.nodes[node].end;
        let first = Some(node + 1).filter(|child| *child < end);
        std::iter::successors(first, move |child| {
            Some(self.nodes[*child].end).filter(|next| *next < end)
        })
    }

    /// The texts below a node, each stripped.
    pub(crate) fn stripped_text(&self, node: NodeId) -> String {
        let mut out = String::new();
        for node in self.descendants(node) {
            match &self.nodes[node].kind {
                Kind::Text {
                    text,
                    is_apart: false,
                } => out.push_str(crate::unicode::strip(text)),
                Kind::Marked { before, text, .. } if *before == CDATA.0 => {
                    out.push_str(crate::unicode::strip(text));
                }
                _ => {}
            }
        }
        out
    }
}

/// Builds a tree.
pub(super) struct Builder {
    soup: Soup,
    /// The tags that are open, the root first.
    open: Vec<NodeId>,
    n_open: HashMap<Box<str>, usize>,
    n_keeping_space: usize,
    n_apart: usize,
    /// Tags without contents whose end tag may still come, and means nothing.
    closed: HashMap<Box<str>, usize>,
    /// The text that is being read.
    text: Option<String>,
}

impl Builder {
    pub(super) fn new() -> Self {
        let root = Node {
            kind: Kind::Tag {
                name: "[document]".into(),
                attributes: Vec::new(),
            },
            parent: 0,
            end: 1,
        };
        Self {
            soup: Soup { nodes: vec![root] },
            open: vec![0],
            n_open: HashMap::new(),
            n_keeping_space: 0,
            n_apart: 0,
            closed: HashMap::new(),
            text: None,
        }
    }

    pub(super) fn finish(mut self) -> Soup {
        self.end_text(None);
        while self.open.len() > 1 {
            self.pop();
        }
        self.soup.nodes[0].end = self.soup.nodes.len();
        self.soup
    }

    /// Text, or a part of one.
    pub(super) fn text(&mut self, text: &str) {
        self.text.get_or_insert_default().push_str(text);
    }

    /// Something that is no text.
    pub(super) fn marked(&mut self, marks: (&'static str, &'static str), text: &str) {
        self.end_text(None);
        self.text(text);
        self.end_text(Some(marks));
    }

    /// A start tag; `is_closed` if it was written as `<a/>`.
    pub(super) fn start(&mut self, name: &str, attributes: Vec<(String, String)>, is_closed: bool) {
        self.end_text(None);
        let node = self.push(Kind::Tag {
            name: name.into(),
            attributes,
        });
        self.open.push(node);
        *self.n_open.entry(name.into()).or_default() += 1;
        self.n_keeping_space += usize::from(keeps_space(name));
        self.n_apart += usize::from(is_apart(name));
        if is_closed {
            self.close(name);
        } else if is_void(name) {
            self.close(name);
            *self.closed.entry(name.into()).or_default() += 1;
        }
    }

    /// An end tag.
    pub(super) fn end(&mut self, name: &str) {
        match self.closed.get_mut(name) {
            Some(n @ 1..) => *n -= 1,
            _ => self.close(name),
        }
    }

    /// Closes the innermost open tag of this name, with all within it.
    fn close(&mut self, name: &str) {
        self.end_text(None);
        if self.n_open.get(name).is_none_or(|n| *n == 0) {
            return;
        }
        while self.open.len() > 1 && self.pop() != name {}
    }

    /// Closes the innermost open tag, and gives its name.
    fn pop(&mut self) -> String {
        let Some(node) = self.open.pop() else {
            return String::new();
        };
        self.soup.nodes[node].end = self.soup.nodes.len();
        let name = self.soup.name(node).to_owned();
        if let Some(n) = self.n_open.get_mut(name.as_str()) {
            *n -= 1;
        }
        self.n_keeping_space -= usize::from(keeps_space(&name));
        self.n_apart -= usize::from(is_apart(&name));
        name
    }

    /// Adds the text that was read so far, as text or between marks. White
    /// space alone becomes one character.
    fn end_text(&mut self, marks: Option<(&'static str, &'static str)>) {
        let Some(mut text) = self.text.take() else {
            return;
        };
        let is_space = |c: char| matches!(c, ' ' | '\n' | '\t' | '\u{c}' | '\r');
        if self.n_keeping_space == 0 && text.chars().all(is_space) {
            text = if text.contains('\n') { "\n" } else { " " }.to_owned();
        }
        let kind = match marks {
            None => Kind::Text {
                text,
                is_apart: self.n_apart > 0,
            },
            Some((before, after)) => Kind::Marked {
                before,
                text,
                after,
            },
        };
        self.push(kind);
    }

    fn push(&mut self, kind: Kind) -> NodeId {
        let node = self.soup.nodes.len();
        self.soup.nodes.push(Node {
            kind,
            parent: self.open.last().copied().unwrap_or(0),
            end: node + 1,
        });
        node
    }
}

fn keeps_space(name: &str) -> bool {
    matches!(name, "pre" | "textarea")
}

fn is_apart(name: &str) -> bool {
    matches!(name, "rt" | "rp" | "style" | "script" | "template")
}

/// Whether a tag has no contents.
pub(super) fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "keygen"
            | "link"
            | "menuitem"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
            | "basefont"
            | "bgsound"
            | "command"
            | "frame"
            | "image"
            | "isindex"
            | "nextid"
            | "spacer"
    )
}
