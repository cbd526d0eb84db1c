//! Cuts tags with thousands of attributes.
//!
//! Each attribute is compared with those before it, so that a tag takes the
//! square of their number: a megabyte of them is ten seconds. No attribute
//! that matters to the text comes that late.

use std::borrow::Cow;

/// The number of attributes that a tag keeps.
const ATTRIBUTES_MAX: usize = 4_096;

/// The shortest document that can have more.
const BYTES_MIN: usize = 2 * ATTRIBUTES_MAX;

/// Elements whose content is not read as HTML.
const RAW: [&str; 8] = [
    "iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp",
];

/// The document, its tags without the attributes beyond [`ATTRIBUTES_MAX`].
pub(super) fn limit(html: &str) -> Cow<'_, str> {
    if html.len() < BYTES_MIN {
        return Cow::Borrowed(html);
    }
    let bytes = html.as_bytes();
    // In these, no element is raw.
    let foreign = contains_tag(html, "svg") || contains_tag(html, "math");
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = html[at..].find('<') {
        let start = at + found;
        let name = start + 1 + usize::from(bytes.get(start + 1) == Some(&b'/'));
        if html[start..].starts_with("<!--") {
            at = html[start + 2..]
                .find("-->")
                .map_or(html.len(), |end| start + 2 + end + 3);
            continue;
        }
        if !bytes.get(name).is_some_and(u8::is_ascii_alphabetic) {
            at = name;
            continue;
        }
        let tag = tag_at(bytes, name);
        if let Some(cut) = tag.cut {
            out.push_str(&html[copied..cut]);
            copied = tag.end;
        }
        at = tag.end;
        if !foreign && name == start + 1 {
            if html[name..tag.name_end].eq_ignore_ascii_case("plaintext") {
                break;
            }
            let raw = RAW
                .iter()
                .find(|raw| html[name..tag.name_end].eq_ignore_ascii_case(raw));
            at += raw.map_or(0, |raw| end_of_raw(&html[at..], raw));
        }
    }
    if copied == 0 {
        return Cow::Borrowed(html);
    }
    out.push_str(&html[copied..]);
    Cow::Owned(out)
}

pub(super) struct Tag {
    pub(super) name_end: usize,
    /// Where the attributes begin that are too many.
    cut: Option<usize>,
    /// The place of the `>`, or the end of the document.
    pub(super) end: usize,
}

impl Tag {
    /// What follows it in the document.
    pub(super) fn after(&self, html: &str) -> usize {
        (self.end + 1).min(html.len())
    }
}

/// Reads the tag whose name begins at `name`, by the states of the standard.
pub(super) fn tag_at(bytes: &[u8], name: usize) -> Tag {
    let skip = |from: usize, over: fn(u8) -> bool| {
        let len = bytes[from..].iter().position(|byte| !over(*byte));
        len.map_or(bytes.len(), |len| from + len)
    };
    let name_end = skip(name, |byte| !is_space(byte) && !matches!(byte, b'/' | b'>'));
    let mut at = name_end;
    let mut n_attributes = 0;
    let mut cut = None;
    loop {
        at = skip(at, |byte| is_space(byte) || byte == b'/');
        if matches!(bytes.get(at), None | Some(b'>')) {
            return Tag {
                name_end,
                cut,
                end: at,
            };
        }
        n_attributes += 1;
        if n_attributes > ATTRIBUTES_MAX && cut.is_none() {
            cut = Some(at);
        }
        // An attribute may begin with `=`.
        at = skip(at + 1, |byte| {
            !is_space(byte) && !matches!(byte, b'/' | b'>' | b'=')
        });
        let equals = skip(at, is_space);
        if bytes.get(equals) != Some(&b'=') {
            continue;
        }
        at = skip(equals + 1, is_space);
        at = match bytes.get(at) {
            Some(b'"') => skip(at + 1, |byte| byte != b'"') + 1,
            Some(b'\'') => skip(at + 1, |byte| byte != b'\'') + 1,
            _ => skip(at, |byte| !is_space(byte) && byte != b'>'),
        }
        .min(bytes.len());
    }
}

fn is_space(byte: u8) -> bool {
    super::is_space(char::from(byte))
}

fn contains_tag(html: &str, name: &str) -> bool {
    html.match_indices('<')
        .any(|(at, _)| starts_with(&html[at + 1..], name))
}

fn starts_with(html: &str, name: &str) -> bool {
    let start = html.as_bytes().get(..name.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
}

/// Where the end tag of a raw element is.
pub(super) fn end_of_raw(html: &str, name: &str) -> usize {
    let is_end = |at: &usize| {
        let after = html.as_bytes().get(at + 2 + name.len());
        starts_with(&html[at + 2..], name)
            && after.is_none_or(|byte| is_space(*byte) || matches!(byte, b'/' | b'>'))
    };
    let mut ends = html.match_indices("</").map(|(at, _)| at);
    ends.find(is_end).unwrap_or(html.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(n: usize) -> String {
        (0..n).map(|i| format!(" a{i}='>{i}'")).collect()
    }

    #[test]
    fn only_surplus_attributes_go() {
        let (few, many) = (attributes(ATTRIBUTES_MAX), attributes(2 * ATTRIBUTES_MAX));
        for (html, want) in [
            (
                format!("a<b{many}>c<i{few}/>"),
                format!("a<b{few} >c<i{few}/>"),
            ),
            (format!("</b{many}>c"), format!("</b{few} >c")),
            (format!("<b{many}"), format!("<b{few} ")),
            (
                format!("<svg><style><b{many}>"),
                format!("<svg><style><b{few} >"),
            ),
        ] {
            assert_eq!(limit(&html), want);
        }
        for html in [
            format!("<!-- <b{many}>-->c"),
            format!("<script><b{many}></script>"),
            format!("<script></scripts><b{many}></script>"),
            format!("a<plaintext><b{many}>"),
            format!("a<1{many}>"),
            format!("<b c=\"<b{many}>\">"),
        ] {
            assert_eq!(limit(&html), html);
        }
    }
}
