//! The text of documents whose elements do nothing but hold it, without a tree.
//!
//! By the standard, tags move elements, but the text of nearly all stays in the
//! order in which it was written. Elements that drop text, move it or have it
//! read in another way are in [`OTHERS`]; documents with these are parsed.

use std::borrow::Cow;

use html5ever::data::NAMED_ENTITIES;

use super::{attributes, is_space};
use crate::soup::numbered;

/// Elements that are more than tags around text.
const OTHERS: [&str; 42] = [
    "applet",
    "base",
    "basefont",
    "bgsound",
    "body",
    "caption",
    "col",
    "colgroup",
    "frame",
    "frameset",
    "head",
    "html",
    "iframe",
    "image",
    "isindex",
    "keygen",
    "link",
    "marquee",
    "math",
    "menuitem",
    "meta",
    "noembed",
    "noframes",
    "object",
    "optgroup",
    "option",
    "plaintext",
    "script",
    "select",
    "selectedcontent",
    "svg",
    "table",
    "tbody",
    "td",
    "template",
    "textarea",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "xmp",
];

/// Elements that are so before the body begins.
const OTHERS_BEFORE: [&str; 2] = ["noscript", "style"];

/// The text of a document; none if it takes a tree.
pub(super) fn text_of(html: &str) -> Option<String> {
    let html = &*with_newlines(html);
    let bytes = html.as_bytes();
    if memchr::memchr(b'\0', bytes).is_some() {
        return None;
    }
    let mut body = Body {
        text: String::with_capacity(html.len()),
        has_begun: false,
    };
    let mut at = 0;
    while let Some(n) = memchr::memchr2(b'<', b'&', &bytes[at..]) {
        let mark = at + n;
        body.push(&html[at..mark]);
        at = match bytes[mark..] {
            [b'&', ..] => body.reference(html, mark),
            [b'<', b'a'..=b'z' | b'A'..=b'Z', ..] => body.start_tag(html, mark + 1)?,
            // Before the body, end tags are none.
            [b'<', b'/', b'a'..=b'z' | b'A'..=b'Z', ..] if body.has_begun => {
                let tag = attributes::tag_at(bytes, mark + 2);
                let name = &html[mark + 2..tag.name_end];
                (!is_one_of(&OTHERS, name)).then_some(tag.after(html))?
            }
            [b'<', b'!', b'-', b'-', ..] => after_comment(html, mark)?,
            [b'<', b'/' | b'!' | b'?', ..] => return None,
            _ => {
                body.push("<");
                mark + 1
            }
        };
    }
    body.push(&html[at..]);
    Some(body.text)
}

/// Line ends as the standard has them.
fn with_newlines(html: &str) -> Cow<'_, str> {
    let bytes = html.as_bytes();
    let mut out = String::new();
    let mut copied = 0;
    for at in memchr::memchr_iter(b'\r', bytes) {
        out.reserve(html.len() - copied);
        out.push_str(&html[copied..at]);
        if bytes.get(at + 1) != Some(&b'\n') {
            out.push('\n');
        }
        copied = at + 1;
    }
    if copied == 0 {
        return Cow::Borrowed(html);
    }
    out.push_str(&html[copied..]);
    Cow::Owned(out)
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// Where the text goes on after a comment that begins at `start`.
fn after_comment(html: &str, start: usize) -> Option<usize> {
    // `<!-->` is a comment, too.
    let inner = start + "<!".len();
    let end = inner + memchr::memmem::find(&html.as_bytes()[inner..], b"-->")?;
    let is_whole = memchr::memmem::find(&html.as_bytes()[inner..end], b"--!").is_none();
    is_whole.then_some(end + "-->".len())
}

/// What the document shows, as far as it was read.
struct Body {
    text: String,
    /// Not so before the first tag or character: white space is no text there.
    has_begun: bool,
}

impl Body {
    fn push(&mut self, text: &str) {
        let text = match self.has_begun {
            true => text,
            false => text.trim_start_matches(is_space),
        };
        self.has_begun |= !text.is_empty();
        self.text.push_str(text);
    }

    /// Where the text goes on after a start tag with its name at `name`.
    fn start_tag(&mut self, html: &str, name: usize) -> Option<usize> {
        let tag = attributes::tag_at(html.as_bytes(), name);
        let after = tag.after(html);
        let name = &html[name..tag.name_end];
        if is_one_of(&OTHERS, name) || !self.has_begun && is_one_of(&OTHERS_BEFORE, name) {
            return None;
        }
        self.has_begun = true;
        if name.eq_ignore_ascii_case("style") {
            let text = &html[after..];
            let end = attributes::end_of_raw(text, "style");
            self.push(&text[..end]);
            return Some(after + end);
        }
        // A line end at the beginning of these is no text.
        let may_be_cut = matches!(html.as_bytes().get(after), Some(b'\n' | b'&'));
        (!may_be_cut || !is_one_of(&["pre", "listing"], name)).then_some(after)
    }

    /// Adds the characters of the reference at `start`, or its `&` if it is
    /// none, and says where the text goes on.
    fn reference(&mut self, html: &str, start: usize) -> usize {
        let found = match html[start..].strip_prefix("&#") {
            Some(digits) => number(digits).map(|(n, c)| (n + 2, [Some(c), None])),
            None => name(&html[start + 1..]).map(|(n, chars)| (n + 1, chars)),
        };
        let Some((n, chars)) = found else {
            self.push("&");
            return start + 1;
        };
        for c in chars.into_iter().flatten() {
            self.push(c.encode_utf8(&mut [0; 4]));
        }
        start + n
    }
}

/// The character of a number that `text` begins with, and the length.
fn number(text: &str) -> Option<(usize, char)> {
    let bytes = text.as_bytes();
    let from = usize::from(matches!(bytes.first(), Some(b'x' | b'X')));
    let is_digit = |byte: &&u8| match from {
        0 => byte.is_ascii_digit(),
        _ => byte.is_ascii_hexdigit(),
    };
    let n = bytes[from..].iter().take_while(is_digit).count();
    let end = from + n;
    let c = (n > 0).then(|| numbered(&text[..end]))?;
    Some((end + usize::from(bytes.get(end) == Some(&b';')), c))
}

/// The characters of the longest name that `text` begins with, and its length.
fn name(text: &str) -> Option<(usize, [Option<char>; 2])> {
    let ends = (1..).take_while(|end| text.is_char_boundary(*end));
    // Beginnings of names are in the table, too, without a value.
    let begun = ends.map_while(|end| Some((end, *NAMED_ENTITIES.get(text.get(..end)?)?)));
    let (end, (first, second)) = begun.filter(|(_, (first, _))| *first != 0).last()?;
    let char_of = |code: u32| char::from_u32(code).filter(|c| *c != '\0');
    Some((end, [char_of(first), char_of(second)]))
}
