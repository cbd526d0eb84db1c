//! Tags, texts and references of a document, found as `html.parser` finds
//! them.
//!
//! The original reads a document twice: up to the first thing that could be
//! unfinished, then from there on as if nothing more came. What it makes of
//! damage depends on which of the two it is, and so it does here.

use std::sync::LazyLock;

use memchr::memmem;
use regex::Regex;
use wrasse_op::OpError;

use super::attributes::{after_gap, attribute, start_tag_end, tag_name_end, unquoted};
use super::entities;
use super::tree::{self, Builder, Soup};
use crate::pattern::fixed;
use crate::unicode::{is_space, lower, strip};

/// Reads a document.
///
/// # Errors
///
/// If it has a marked section `<![...` that the original does not take
/// either, or is so damaged that reading it would take very long.
pub(crate) fn parse(html: &str) -> Result<Soup, OpError> {
    let mut parser = Parser {
        text: html,
        at: 0,
        builder: Builder::new(),
        raw: None,
        last_bracket: memchr::memrchr(b'>', html.as_bytes()),
        comments_end: true,
        n_wasted: 0,
    };
    parser.read(false)?;
    parser.read(true)?;
    Ok(parser.builder.finish())
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    builder: Builder,
    /// The element whose contents are no HTML, and what can end it.
    raw: Option<(&'static str, &'static Regex)>,
    /// The last `>`.
    last_bracket: Option<usize>,
    /// Whether there may be the end of a comment in the rest.
    comments_end: bool,
    /// Bytes that were looked at for nothing.
    n_wasted: usize,
}

static ENTITY: LazyLock<Regex> = LazyLock::new(|| fixed(r"^&([a-zA-Z][-.a-zA-Z0-9]*)[^a-zA-Z0-9]"));
static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| fixed(r"^&#([0-9]+|[xX][0-9a-fA-F]+)[^0-9a-fA-F]"));
static END_TAG: LazyLock<Regex> =
    LazyLock::new(|| fixed(r"^</[\s\x1c-\x1f]*([a-zA-Z][-.a-zA-Z0-9:_]*)[\s\x1c-\x1f]*>"));
// What ends an element whose contents are no HTML, in any case as Python sees
// it.
static SCRIPT_END: LazyLock<Regex> =
    LazyLock::new(|| fixed(r"</[\s\x1c-\x1f]*[sSſ][cC][rR][iIİı][pP][tT][\s\x1c-\x1f]*>"));
static STYLE_END: LazyLock<Regex> =
    LazyLock::new(|| fixed(r"</[\s\x1c-\x1f]*[sSſ][tT][yY][lL][eE][\s\x1c-\x1f]*>"));

/// What follows from something that may be unfinished.
enum Step {
    /// It ends here.
    To(usize),
    Unfinished,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Where `needle` is found at or after a place.
    fn find(&self, from: usize, needle: &str) -> Option<usize> {
        let rest = self.text.as_bytes().get(from..)?;
        memmem::find(rest, needle.as_bytes()).map(|length| from + length)
    }

    /// Where a `>` is found at or after a place.
    fn bracket(&self, from: usize) -> Option<usize> {
        self.last_bracket.filter(|last| from <= *last)?;
        self.find(from, ">")
    }

    fn read(&mut self, is_end: bool) -> Result<(), OpError> {
        let n = self.text.len();
        while self.at < n {
            let next = match &self.raw {
                Some((_, end)) => match end.find_at(self.text, self.at) {
                    Some(found) => found.start(),
                    None => break,
                },
                None => {
                    let found = memchr::memchr2(b'&', b'<', self.rest().as_bytes());
                    found.map_or(n, |length| self.at + length)
                }
            };
            if self.at < next {
                self.builder.text(&self.text[self.at..next]);
                self.at = next;
            }
            if self.at == n {
                break;
            }
            let goes_on = match self.rest().starts_with('<') {
                true => self.markup(is_end)?,
                false => self.reference(is_end),
            };
            if !goes_on {
                break;
            }
        }
        if is_end && self.at < n && self.raw.is_none() {
            self.builder.text(self.rest());
            self.at = n;
        }
        Ok(())
    }

    /// Reads what begins with `<`; tells whether to go on.
    fn markup(&mut self, is_end: bool) -> Result<bool, OpError> {
        let rest = self.rest();
        let step = if rest[1..].starts_with(|c: char| c.is_ascii_alphabetic()) {
            self.start_tag()
        } else if rest.starts_with("</") {
            self.end_tag()
        } else if rest.starts_with("<!--") {
            self.comment()
        } else if rest.starts_with("<?") {
            self.up_to_bracket(tree::INSTRUCTION)
        } else if rest.starts_with("<![") {
            self.section()?
        } else if rest.starts_with("<!") {
            self.declaration()
        } else if rest.len() > 1 {
            self.builder.text("<");
            Step::To(self.at + 1)
        } else {
            return Ok(false);
        };
        let end = match step {
            Step::To(end) => end,
            Step::Unfinished if !is_end => return Ok(false),
            Step::Unfinished => {
                if !rest.starts_with("<!--") {
                    self.waste()?;
                }
                let end = match self.bracket(self.at + 1) {
                    Some(bracket) => bracket + 1,
                    None => self.find(self.at + 1, "<").unwrap_or(self.at + 1),
                };
                self.builder.text(&self.text[self.at..end]);
                end
            }
        };
        self.at = end;
        Ok(true)
    }

    /// Notes that all of the rest was looked at in vain.
    fn waste(&mut self) -> Result<(), OpError> {
        // A second of work, about; a document is read in a hundredth of it.
        const WASTED_MAX: usize = 1 << 28;
        self.n_wasted += self.rest().len();
        if self.n_wasted > WASTED_MAX {
            return Err(OpError::bad_sample(
                "the HTML has too many tags without an end",
            ));
        }
        Ok(())
    }

    /// Reads what begins with `&`; tells whether to go on.
    fn reference(&mut self, is_end: bool) -> bool {
        let rest = self.rest();
        let found = match rest.starts_with("&#") {
            true => &*NUMBER,
            false => &*ENTITY,
        };
        if let Some(found) = found.captures(rest) {
            let name = &found[1];
            if rest.starts_with("&#") {
                let c = entities::numbered(name);
                self.builder.text(c.encode_utf8(&mut [0; 4]));
            } else {
                match entities::in_text(name) {
                    Some(value) => self.builder.text(&value),
                    // The semicolon goes, as in the original.
                    None => self.builder.text(&format!("&{name}")),
                }
            }
            let end = found.get(1).map_or(0, |name| name.end());
            self.at += end + usize::from(rest[end..].starts_with(';'));
            return true;
        }
        if rest.starts_with("&#") {
            if rest.contains(';') {
                self.builder.text("&#");
                self.at += 2;
            }
            return false;
        }
        if rest[1..].starts_with(|c: char| c.is_ascii_alphabetic()) {
            if is_end && rest.len() == 2 {
                // The last `&` of a text is lost, as in the original.
                self.at += 1;
            }
            return false;
        }
        if rest.len() == 1 {
            return false;
        }
        self.builder.text("&");
        self.at += 1;
        true
    }

    fn comment(&mut self) -> Step {
        if !self.comments_end {
            return Step::Unfinished;
        }
        let mut from = self.at + 4;
        while let Some(dashes) = self.find(from, "--") {
            let behind = self.text[dashes + 2..].trim_start_matches(is_space);
            if behind.starts_with('>') {
                let text = &self.text[self.at + 4..dashes];
                self.builder.marked(tree::COMMENT, text);
                return Step::To(self.text.len() - behind.len() + 1);
            }
            from = dashes + 1;
        }
        self.comments_end = false;
        Step::Unfinished
    }

    /// Reads `<?...>`, or a comment of the form `<!...>`.
    fn up_to_bracket(&mut self, marks: (&'static str, &'static str)) -> Step {
        let start = self.at + 2;
        let Some(end) = self.bracket(start) else {
            return Step::Unfinished;
        };
        self.builder.marked(marks, &self.text[start..end]);
        Step::To(end + 1)
    }

    fn declaration(&mut self) -> Step {
        const DOCTYPE: &str = "<!doctype";
        let is_doctype = self.rest().as_bytes().get(..DOCTYPE.len());
        if !is_doctype.is_some_and(|start| start.eq_ignore_ascii_case(DOCTYPE.as_bytes())) {
            return self.up_to_bracket(tree::COMMENT);
        }
        let start = self.at + DOCTYPE.len();
        let Some(end) = self.bracket(start) else {
            return Step::Unfinished;
        };
        // The character behind the word is taken for a space.
        let mut name = self.text[start..end].chars();
        name.next();
        self.builder.marked(tree::DOCTYPE, name.as_str());
        Step::To(end + 1)
    }

    /// Reads `<![...`.
    fn section(&mut self) -> Result<Step, OpError> {
        let start = self.at + 3;
        let body = &self.text[start..];
        let rejected = || {
            Err(OpError::bad_sample(
                "the HTML has an unknown section `<![...`",
            ))
        };
        if body.is_empty() {
            return Ok(Step::Unfinished);
        }
        if !body.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return rejected();
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let name_end = body.find(|c| !is_name(c)).unwrap_or(body.len());
        if body[name_end..].trim_start_matches(is_space).is_empty() {
            return Ok(Step::Unfinished);
        }
        let n_brackets = match body[..name_end].to_ascii_lowercase().as_str() {
            "temp" | "cdata" | "ignore" | "include" | "rcdata" => 2,
            "if" | "else" | "endif" => 1,
            _ => return rejected(),
        };
        let ends = memchr::memchr_iter(b']', body.as_bytes());
        let found = ends.into_iter().find_map(|at| {
            let mut rest = body[at + 1..].trim_start_matches(is_space);
            if n_brackets == 2 {
                rest = rest.strip_prefix(']')?.trim_start_matches(is_space);
            }
            Some((at, self.text.len() - rest.strip_prefix('>')?.len()))
        });
        let Some((length, end)) = found else {
            return Ok(Step::Unfinished);
        };
        let text = &body[..length];
        let cdata = text.get(.."CDATA[".len());
        match cdata.is_some_and(|start| start.eq_ignore_ascii_case("CDATA[")) {
            true => self.builder.marked(tree::CDATA, &text["CDATA[".len()..]),
            false => self.builder.marked(tree::DECLARATION, text),
        }
        Ok(Step::To(end))
    }

    fn end_tag(&mut self) -> Step {
        let rest = self.rest();
        let Some(bracket) = self.bracket(self.at + 1) else {
            return Step::Unfinished;
        };
        let found = END_TAG.captures(rest);
        let name = found.as_ref().map(|found| lower(found.extract::<1>().1[0]));
        if let Some((raw, _)) = &self.raw
            && name.as_deref() != Some(*raw)
        {
            self.builder.text(&self.text[self.at..=bracket]);
            return Step::To(bracket + 1);
        }
        if let Some(name) = name {
            self.builder.end(&name);
            self.raw = None;
            return Step::To(bracket + 1);
        }
        if !rest[2..].starts_with(|c: char| c.is_ascii_alphabetic()) {
            return match rest.starts_with("</>") {
                true => Step::To(self.at + 3),
                false => self.up_to_bracket(tree::COMMENT),
            };
        }
        let name_end = tag_name_end(self.text, self.at + 2);
        self.builder.end(&lower(&self.text[self.at + 2..name_end]));
        let from = after_gap(self.text, name_end);
        match self.bracket(from) {
            Some(bracket) => Step::To(bracket + 1),
            None => Step::Unfinished,
        }
    }

    fn start_tag(&mut self) -> Step {
        let Some(end) = start_tag_end(self.text, self.at) else {
            return Step::Unfinished;
        };
        let name_end = tag_name_end(self.text, self.at + 1);
        let name = lower(&self.text[self.at + 1..name_end]);
        let mut attributes: Vec<(String, String)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        let mut at = after_gap(self.text, name_end);
        while at < end
            && let Some(found) = attribute(self.text, at)
        {
            at = found.end;
            let name = lower(&self.text[found.name]).into_owned();
            let value = found.value.map_or("", |value| unquoted(&self.text[value]));
            let value = entities::unescape(value).into_owned();
            // Of repeated attributes the last counts.
            let place = *places.entry(name.clone()).or_insert(attributes.len());
            if place == attributes.len() {
                attributes.push((name, value));
            } else {
                attributes[place].1 = value;
            }
        }
        let is_closed = match strip(self.text.get(at..end).unwrap_or("")) {
            ">" => false,
            "/>" => true,
            _ => {
                self.builder.text(&self.text[self.at..end]);
                return Step::To(end);
            }
        };
        self.builder.start(&name, attributes, is_closed);
        if !is_closed {
            self.raw = match &*name {
                "script" => Some(("script", &*SCRIPT_END)),
                "style" => Some(("style", &*STYLE_END)),
                _ => None,
            };
        }
        Step::To(end)
    }
}
