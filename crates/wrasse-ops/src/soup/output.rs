//! A part of the tree as HTML.

use std::sync::LazyLock;

use regex::Regex;

use super::tree::{Kind, NodeId, Soup, is_void};
use crate::pattern::fixed;
use crate::unicode::is_space;

impl Soup {
    /// Appends a tag with all that is below it.
    pub(crate) fn write(&self, node: NodeId, out: &mut String) {
        let mut open: Vec<NodeId> = Vec::new();
        for at in node..self.nodes[node].end {
            self.close(&mut open, at, out);
            match &self.nodes[at].kind {
                Kind::Text { text, .. } => match self.name(self.nodes[at].parent) {
                    "script" | "style" => out.push_str(text),
                    _ => escape(text, out),
                },
                Kind::Marked {
                    before,
                    text,
                    after,
                } => {
                    for part in [before, text.as_str(), after] {
                        out.push_str(part);
                    }
                }
                Kind::Tag { name, attributes } => {
                    out.push('<');
                    out.push_str(name);
                    write_attributes(name, attributes, out);
                    if self.nodes[at].end == at + 1 && is_void(name) {
                        out.push_str("/>");
                    } else {
                        out.push('>');
                        open.push(at);
                    }
                }
            }
        }
        self.close(&mut open, self.nodes[node].end, out);
    }

    /// Writes the end tags of what ends before `at`.
    fn close(&self, open: &mut Vec<NodeId>, at: NodeId, out: &mut String) {
        while let Some(node) = open.pop_if(|node| self.nodes[*node].end <= at) {
            out.push_str("</");
            out.push_str(self.name(node));
            out.push('>');
        }
    }
}

/// Appends attributes in the order of their names.
fn write_attributes(tag: &str, attributes: &[(String, String)], out: &mut String) {
    let mut sorted: Vec<(&str, &str)> = attributes
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    sorted.sort_unstable();
    for (name, value) in sorted {
        let value = match charset_replaced(tag, name, value, attributes) {
            Some(value) => value,
            None if is_list(tag, name) => {
                let words = value.split(is_space).filter(|word| !word.is_empty());
                words.collect::<Vec<&str>>().join(" ")
            }
            None => value.to_owned(),
        };
        let mut escaped = String::with_capacity(value.len());
        escape(&value, &mut escaped);
        let quote = match (escaped.contains('"'), escaped.contains('\'')) {
            (true, false) => '\'',
            (true, true) => {
                escaped = escaped.replace('"', "&quot;");
                '"'
            }
            (false, _) => '"',
        };
        out.push(' ');
        out.push_str(name);
        out.push('=');
        out.push(quote);
        out.push_str(&escaped);
        out.push(quote);
    }
}

/// Whether an attribute is a list of words.
fn is_list(tag: &str, name: &str) -> bool {
    matches!(
        (tag, name),
        (_, "class" | "accesskey" | "dropzone")
            | ("a" | "link", "rel" | "rev")
            | ("td" | "th", "headers")
            | ("form", "accept-charset")
            | ("object", "archive")
            | ("area", "rel")
            | ("icon", "sizes")
            | ("iframe", "sandbox")
            | ("output", "for")
    )
}

/// What stands in a `meta` tag for the encoding of the document, which is
/// UTF-8 now.
fn charset_replaced(
    tag: &str,
    name: &str,
    value: &str,
    attributes: &[(String, String)],
) -> Option<String> {
    static CHARSET: LazyLock<Regex> =
        LazyLock::new(|| fixed(r"(?m)((?:^|;)[\s\x1c-\x1f]*charset=)[^;]*"));
    let get = |wanted: &str| {
        let found = attributes.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.as_str())
    };
    match (tag, name) {
        ("meta", "charset") => Some("utf-8".to_owned()),
        ("meta", "content")
            if get("charset").is_none()
                && get("http-equiv")
                    .is_some_and(|kind| crate::unicode::lower(kind) == "content-type") =>
        {
            Some(CHARSET.replace_all(value, "${1}utf-8").into_owned())
        }
        _ => None,
    }
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
}
