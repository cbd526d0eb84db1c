//! HTML: the main content of a page.
//!
//! A page is scanned once, without building its tree, into blocks of text.
//! What lies in navigation, footers, asides, scripts and the like goes, by the
//! element or by a telling class; of pages with `main` or `article` only that
//! stays; and so do, elsewhere, blocks that are mostly links. If all of a page
//! would go, all but its scripts stays.

use crate::output::Output;
use crate::{DocError, Document, Limits, decode};

/// Elements whose content is never text for readers.
const SILENT: &[&str] = &[
    "script", "style", "noscript", "template", "svg", "math", "head", "iframe", "canvas", "object",
    "select", "button", "datalist", "dialog", "textarea", "video", "audio", "map",
];
/// Elements around the content.
const AROUND: &[&str] = &["nav", "footer", "aside", "menu", "search"];
/// Elements that end a line of text, but are no containers to look into.
const LINES: &[&str] = &[
    "p",
    "li",
    "dt",
    "dd",
    "tr",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "caption",
    "figcaption",
    "summary",
    "option",
    "legend",
    "address",
    "pre",
    "blockquote",
];
/// Containers, which nest.
const CONTAINERS: &[&str] = &[
    "html", "body", "main", "article", "section", "header", "div", "ul", "ol", "dl", "table",
    "form", "fieldset", "figure", "details", "center", "hgroup",
];
/// Elements whose content is text up to their end tag.
const RAW: &[&str] = &[
    "script", "style", "textarea", "title", "iframe", "noscript", "xmp",
];
/// Words of a class or id that stand for what is around the content.
const TELLING: &[&str] = &[
    "nav",
    "navbar",
    "navigation",
    "menu",
    "sidebar",
    "footer",
    "breadcrumb",
    "breadcrumbs",
    "cookie",
    "cookies",
    "share",
    "sharing",
    "social",
    "pagination",
    "advert",
    "ads",
    "banner",
    "popup",
    "modal",
    "related",
    "newsletter",
    "toc",
    "skip",
];
/// Containers that are told apart; deeper ones count as their parents.
const DEPTH_MAX: usize = 512;

pub(crate) fn parse(bytes: &[u8], limits: Limits) -> Result<Document, DocError> {
    let html = decode::text(bytes, decode::named(bytes, b"charset"))?;
    let mut page = Page::default();
    page.read(&html);
    page.end_block();
    let chosen = page.chosen();
    let mut out = Output::new(limits);
    let mut before: Option<&Block> = None;
    for block in &page.blocks {
        if block.zone < chosen {
            continue;
        }
        if chosen == Zone::Content && block.is_links() {
            continue;
        }
        // The items of a list stand close, as do the rows of a table.
        if before
            .is_some_and(|before| before.is_item != block.is_item || before.is_row != block.is_row)
        {
            out.end_paragraph();
        }
        before = Some(block);
        if block.level > 0 {
            out.end_paragraph();
            out.push(&"#".repeat(block.level.into()))?;
            out.push(" ")?;
        } else if block.is_item {
            out.push("- ")?;
        }
        out.push(block.text.trim_matches(['\n', ' ', '\t']))?;
        match block.is_row || block.is_item {
            true => out.end_line(),
            false => out.end_paragraph(),
        }
    }
    let title: String = page.title.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(Document {
        text: out.finish(),
        title: Some(title).filter(|title| !title.is_empty()),
        ..Document::default()
    })
}

/// Where a block lies; later is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Zone {
    /// In a script or the like.
    Silent,
    /// In a navigation, a footer.
    Around,
    #[default]
    Content,
    Article,
    Main,
}

#[derive(Debug, Default)]
struct Block {
    text: String,
    zone: Zone,
    /// Of a heading, 1 to 6.
    level: u8,
    is_item: bool,
    is_row: bool,
    /// Characters that are not white space: all, and those in links.
    n_chars: usize,
    n_linked: usize,
}

impl Block {
    fn is_links(&self) -> bool {
        self.level == 0 && self.n_linked * 2 > self.n_chars && self.n_chars < 500
    }
}

/// An open container.
struct Open {
    name: String,
    zone: Zone,
}

#[derive(Default)]
struct Page {
    blocks: Vec<Block>,
    block: Block,
    open: Vec<Open>,
    title: String,
    in_link: bool,
    in_pre: bool,
    has_space: bool,
}

impl Page {
    fn read(&mut self, html: &str) {
        let mut rest = html;
        while let Some(at) = rest.find('<') {
            self.text(&rest[..at]);
            rest = &rest[at..];
            let next = rest.as_bytes().get(1).copied().unwrap_or(0);
            rest = match next {
                b'!' if rest.starts_with("<!--") => behind(&rest[4..], "-->"),
                b'!' | b'?' => behind(rest, ">"),
                b'/' | b'a'..=b'z' | b'A'..=b'Z' => self.tag(rest),
                _ => {
                    self.text("<");
                    &rest[1..]
                }
            };
        }
        self.text(rest);
    }

    /// Reads a tag; returns what is behind it, and behind its raw text.
    fn tag<'h>(&mut self, html: &'h str) -> &'h str {
        let end = tag_end(html);
        let (tag, rest) = html.split_at(end);
        let inner = tag[1..].trim_end_matches('>');
        let (is_end, inner) = match inner.strip_prefix('/') {
            Some(inner) => (true, inner),
            None => (false, inner),
        };
        let length = inner.find(|c: char| c.is_ascii_whitespace() || c == '/');
        let (name, attributes) = inner.split_at(length.unwrap_or(inner.len()));
        let name = name.to_ascii_lowercase();
        if is_end {
            self.close(&name);
            return rest;
        }
        if RAW.contains(&name.as_str()) {
            let (raw, rest) = raw_text(rest, &name);
            if name == "title" && self.title.is_empty() {
                self.title = unescape(raw);
            }
            return rest;
        }
        self.begin(&name, attributes);
        rest
    }

    fn begin(&mut self, name: &str, attributes: &str) {
        match name {
            "br" => return self.line(),
            "a" => self.in_link = true,
            "td" | "th" => {
                if self.block.is_row && !self.block.text.is_empty() {
                    self.block.text.push('\t');
                    self.has_space = false;
                }
                self.block.is_row = true;
            }
            _ => {}
        }
        let is_around = AROUND.contains(&name);
        let is_silent = SILENT.contains(&name);
        let is_container = is_around || is_silent || CONTAINERS.contains(&name);
        if is_container || LINES.contains(&name) {
            self.end_block();
        }
        match name.as_bytes() {
            [b'h', level @ b'1'..=b'6'] => self.block.level = level - b'0',
            b"li" => self.block.is_item = true,
            b"tr" => self.block.is_row = true,
            b"pre" => self.in_pre = true,
            _ => {}
        }
        // By the standard `/>` closes nothing, but for drawings.
        if !is_container || self.open.len() >= DEPTH_MAX {
            return;
        }
        let outer = self.zone();
        let own = match name {
            _ if is_silent || is_hidden(attributes) => Zone::Silent,
            _ if is_around => Zone::Around,
            "header" if outer == Zone::Content => Zone::Around,
            "main" => Zone::Main,
            "article" => Zone::Article,
            "div" | "section" | "ul" | "ol" | "form" if is_telling(attributes) => Zone::Around,
            _ if attribute(attributes, "role").is_some_and(|role| role == "main") => Zone::Main,
            _ => outer,
        };
        // What is within silence is silent.
        let zone = match outer {
            Zone::Silent => Zone::Silent,
            Zone::Around => own.min(Zone::Around),
            Zone::Content => own,
            Zone::Article | Zone::Main if own <= Zone::Around => own,
            Zone::Article | Zone::Main => outer.max(own),
        };
        self.open.push(Open {
            name: name.to_owned(),
            zone,
        });
        self.block.zone = zone;
    }

    fn close(&mut self, name: &str) {
        match name {
            "a" => self.in_link = false,
            "pre" => {
                self.end_block();
                self.in_pre = false;
            }
            _ if LINES.contains(&name) => self.end_block(),
            _ => {
                if let Some(at) = self.open.iter().rposition(|open| open.name == name) {
                    self.end_block();
                    self.open.truncate(at);
                    self.block.zone = self.zone();
                }
            }
        }
    }

    fn zone(&self) -> Zone {
        self.open.last().map_or(Zone::Content, |open| open.zone)
    }

    fn line(&mut self) {
        if !self.block.text.is_empty() {
            self.block.text.push('\n');
            self.has_space = false;
        }
    }

    fn text(&mut self, raw: &str) {
        if raw.is_empty() || self.zone() == Zone::Silent {
            return;
        }
        let text = unescape(raw);
        for c in text.chars() {
            if !self.in_pre && c.is_whitespace() {
                self.has_space = true;
                continue;
            }
            let block = &mut self.block;
            if self.has_space && !block.text.is_empty() && !block.text.ends_with(['\n', '\t']) {
                block.text.push(' ');
            }
            self.has_space = false;
            if c != '\r' {
                block.text.push(c);
            }
            if !c.is_whitespace() {
                block.n_chars += 1;
                block.n_linked += usize::from(self.in_link);
            }
        }
    }

    fn end_block(&mut self) {
        self.has_space = false;
        let zone = self.zone();
        let mut block = std::mem::take(&mut self.block);
        self.block.zone = zone;
        block.zone = zone;
        if block.n_chars > 0 {
            self.blocks.push(block);
        } else {
            // `<li><p>` is one item.
            self.block.is_item = block.is_item;
        }
    }

    /// The least zone that is taken.
    fn chosen(&self) -> Zone {
        let n_chars = |zone: Zone| -> usize {
            let blocks = self.blocks.iter().filter(|block| block.zone >= zone);
            blocks
                .filter(|block| zone != Zone::Content || !block.is_links())
                .map(|block| block.n_chars)
                .sum()
        };
        let content = n_chars(Zone::Content);
        // A `main` of a few words is a shell that a script fills.
        let is_enough = |zone: &Zone| n_chars(*zone) * 4 >= content && n_chars(*zone) > 0;
        [Zone::Main, Zone::Article, Zone::Content]
            .into_iter()
            .find(is_enough)
            .unwrap_or(Zone::Around)
    }
}

fn behind<'h>(html: &'h str, end: &str) -> &'h str {
    html.find(end).map_or("", |at| &html[at + end.len()..])
}

/// Where a tag ends, behind its `>`; one in quotes does not count.
fn tag_end(html: &str) -> usize {
    let mut quote = None;
    let mut before = b' ';
    for (at, byte) in html.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'>') => return at + 1,
            (None, b'"' | b'\'') if before == b'=' => quote = Some(byte),
            (None, _) => {}
        }
        if !byte.is_ascii_whitespace() {
            before = byte;
        }
    }
    html.len()
}

/// The text up to the end tag of this name, and what is behind that.
fn raw_text<'h>(html: &'h str, name: &str) -> (&'h str, &'h str) {
    let mut from = 0;
    while let Some(at) = html[from..].find("</") {
        let at = from + at;
        let tag = &html.as_bytes()[at + 2..];
        if tag.len() >= name.len() && tag[..name.len()].eq_ignore_ascii_case(name.as_bytes()) {
            return (&html[..at], behind(&html[at..], ">"));
        }
        from = at + 2;
    }
    (html, "")
}

/// The value of an attribute.
fn attribute<'t>(attributes: &'t str, name: &str) -> Option<&'t str> {
    let mut rest = attributes;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return None;
        }
        let end = rest
            .char_indices()
            .skip(1)
            .find(|(_, c)| c.is_ascii_whitespace() || matches!(c, '=' | '/'))
            .map_or(rest.len(), |(at, _)| at);
        let (key, behind) = rest.split_at(end);
        let value_at = behind.trim_start();
        let (value, behind) = match value_at.strip_prefix('=').map(str::trim_start) {
            None => ("", behind),
            Some(value) => match value.chars().next() {
                Some(quote @ ('"' | '\'')) => {
                    value[1..].split_once(quote).unwrap_or((&value[1..], ""))
                }
                _ => {
                    let end = value.find(|c: char| c.is_ascii_whitespace());
                    value.split_at(end.unwrap_or(value.len()))
                }
            },
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = behind;
    }
}

fn is_hidden(attributes: &str) -> bool {
    let is_set = |name| attribute(attributes, name).is_some();
    let style = attribute(attributes, "style").unwrap_or("");
    is_set("hidden") || style.replace(' ', "").contains("display:none")
}

fn is_telling(attributes: &str) -> bool {
    ["class", "id"].into_iter().any(|name| {
        let value = attribute(attributes, name).unwrap_or("");
        value
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| {
                TELLING
                    .iter()
                    .any(|telling| word.eq_ignore_ascii_case(telling))
            })
    })
}

/// The text with its references to characters resolved.
fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest.bytes().take(40).position(|byte| byte == b';');
        match end.and_then(|end| Some((resolve(&rest[..end])?, end))) {
            Some((text, end)) => {
                out.push_str(&text);
                rest = &rest[end + 1..];
            }
            None => out.push('&'),
        }
    }
    out.push_str(rest);
    out
}

fn resolve(name: &str) -> Option<String> {
    let Some(number) = name.strip_prefix('#') else {
        return quick_xml::escape::resolve_html5_entity(name).map(str::to_owned);
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code)
        .filter(|c| *c != '\0')
        .map(String::from)
}
