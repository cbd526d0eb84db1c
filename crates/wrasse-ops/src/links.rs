//! Data-Juicer's pattern for links, done by hand.
//!
//! A link has a head and a tail. The heads are a scheme (`ab:/`, `ab:c`),
//! `www.` and a host with its slash (`t.co/`); each has one mark, a colon, a
//! point or a slash, so that a search for those three bytes finds every head.
//! What a mark asks of the characters around it nearly always fails at the
//! first of them.
//!
//! Why this finds what the pattern finds:
//!
//! * The left-most link first. The characters of a scheme hold no point and no
//!   slash, those of a host no colon: heads of different kinds do not overlap,
//!   and the order of their marks is the order of the heads. The one exception
//!   is `www.` within a host, of which the point comes before the slash of a
//!   host that starts further left; that host is tried first.
//! * For one mark the left-most head will do: the rest of the match depends
//!   on what follows the mark only.
//! * The tail is a row of units, each a plain character or a parenthesized
//!   group, which can be told apart in one way only. The pattern takes as many
//!   as it can and gives back until the last one may end a link: it ends with
//!   the last unit that may, but for the first unit.

use std::ops::Range;

use memchr::memchr3;

use crate::chars::{is_digit, is_word};
use crate::scan::find_byte;

/// Data-Juicer's pattern for links.
pub(crate) const PATTERN: &str = concat!(
    r"(?i)\b(",
    r"(?:[a-z][\w-]+:(?:\/{1,3}|",
    r"[a-z0-9%])|www\d{0,3}[.]|",
    r"[a-z0-9.\-]+[.][a-z]{2,4}\/)",
    r"(?:[^\s()<>]+|\(([^\s()<>]+|",
    r"(\([^\s()<>]+\)))*\))",
    r"+(?:\(([^\s()<>]+|(\([^\s()<>]+\)))*\)|",
    r#"[^\s`!()\[\]{};:\'\".,<>?«»“”‘’])"#,
    r")",
);

/// What [`PATTERN`] finds first at or after `at`.
pub(crate) fn find(text: &str, at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut from = at;
    let is_mark = |byte| matches!(byte, b':' | b'/' | b'.');
    let search = |bytes: &[u8]| memchr3(b':', b'/', b'.', bytes);
    while let Some(mark) = find_byte(bytes, from, is_mark, search) {
        from = mark + 1;
        let Some(before) = mark.checked_sub(1).map(|i| bytes[i]) else {
            continue;
        };
        // One look at the neighbors settles most marks.
        let found = match (bytes[mark], before) {
            (b':', b'-' | b'_' | 0x80..) => scheme(text, at, mark),
            (b':', byte) if byte.is_ascii_alphanumeric() => scheme(text, at, mark),
            (b'/', b'a'..=b'z' | b'A'..=b'Z' | 0x80..) => host(text, at, mark),
            (b'.', b'w' | b'W' | b'0'..=b'9' | 0x80..) => www(text, at, mark),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// A link whose scheme ends with the colon at `colon`:
/// `[a-z][\w-]+:(?:/{1,3}|[a-z0-9%])`.
fn scheme(text: &str, at: usize, colon: usize) -> Option<Range<usize>> {
    let rest = &text[colon + 1..];
    let next = rest.chars().next()?;
    if next == '/' {
        let start = scheme_start(text, at, colon)?;
        let slashes = rest
            .bytes()
            .take(3)
            .take_while(|byte| *byte == b'/')
            .count();
        // Slashes may also be part of the tail, if it is too short without.
        let end = (1..=slashes)
            .rev()
            .find_map(|n| tail(text, colon + 1 + n))?;
        Some(start..end)
    } else if is_letter(next) || next.is_ascii_digit() || next == '%' {
        let start = scheme_start(text, at, colon)?;
        let end = tail(text, colon + 1 + next.len_utf8())?;
        Some(start..end)
    } else {
        None
    }
}

/// The left-most start of a scheme that ends before `colon`.
fn scheme_start(text: &str, at: usize, colon: usize) -> Option<usize> {
    let mut start = None;
    let mut before = text[..colon].char_indices().rev().peekable();
    while let Some((i, c)) = before.next()
        && i >= at
        && (is_word(c) || c == '-')
    {
        let is_first = before.peek().is_none_or(|(_, c)| !is_word(*c));
        if is_first && is_letter(c) && i + c.len_utf8() < colon {
            start = Some(i);
        }
    }
    start
}

/// A link whose host ends with the slash at `slash`:
/// `[a-z0-9.\-]+[.][a-z]{2,4}/`.
fn host(text: &str, at: usize, slash: usize) -> Option<Range<usize>> {
    let mut before = text[..slash].char_indices().rev();
    let mut n_letters = 0;
    loop {
        match before.next()?.1 {
            c if is_letter(c) && n_letters < 4 => n_letters += 1,
            '.' if n_letters >= 2 => break,
            _ => return None,
        }
    }
    let mut start = None;
    let mut before = before.peekable();
    while let Some((i, c)) = before.next()
        && i >= at
        && is_host(c)
    {
        // `\b`: also a hyphen may start a host, behind a letter of no host.
        if is_word(c) != before.peek().is_some_and(|(_, c)| is_word(*c)) {
            start = Some(i);
        }
    }
    Some(start?..tail(text, slash + 1)?)
}

/// A link that begins with `www`, up to three digits and the point at `point`.
fn www(text: &str, at: usize, point: usize) -> Option<Range<usize>> {
    let before = &text[at..point];
    // Numbers such as `1.5` are far more frequent than links.
    let n_ascii = before.bytes().rev().take(3).take_while(u8::is_ascii_digit);
    match before.as_bytes()[..before.len() - n_ascii.count()].last()? {
        b'w' | b'W' | 0x80.. => {}
        _ => return None,
    }
    let digits = before.chars().rev().take(3).take_while(|c| is_digit(*c));
    let n_digits: usize = digits.map(char::len_utf8).sum();
    let name = &before.as_bytes()[..before.len() - n_digits];
    if name.len() < 3 || !name[name.len() - 3..].eq_ignore_ascii_case(b"www") {
        return None;
    }
    let start = at + name.len() - 3;
    match text[..start].chars().next_back() {
        Some(c) if is_word(c) => return None,
        // The `www` may lie within a host that starts before it.
        Some('.' | '-') if start > at => {
            let run = text[point..].find(|c| !is_host(c));
            if let Some(slash) = run.map(|run| point + run)
                && text.as_bytes()[slash] == b'/'
                && let Some(found) = host(text, at, slash)
            {
                return Some(found);
            }
        }
        _ => {}
    }
    Some(start..tail(text, point + 1)?)
}

/// The end of the tail that starts at `from`:
/// `(?:plain+|group)+(?:group|plain that may be last)`.
fn tail(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut end = None;
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        let (length, may_be_last) = match byte {
            b'(' => match group(text, at) {
                Some(length) => (length, true),
                None => break,
            },
            0x80.. => {
                let c = text[at..].chars().next()?;
                if c.is_whitespace() {
                    break;
                }
                (
                    c.len_utf8(),
                    !matches!(c, '«' | '»' | '“' | '”' | '‘' | '’'),
                )
            }
            byte if !is_plain(*byte) => break,
            byte => (1, !b"`![]{};:'\".,?".contains(byte)),
        };
        at += length;
        // The first unit cannot be the last.
        let is_first = at - length == from;
        if may_be_last && !is_first {
            end = Some(at);
        }
    }
    end
}

/// The length of the group at `from`: `\((?:plain+|\(plain+\))*\)`.
fn group(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from + 1;
    loop {
        at += plain_run(&text[at..]);
        match bytes.get(at)? {
            b')' => return Some(at + 1 - from),
            b'(' => {
                let inner = plain_run(&text[at + 1..]);
                at += 1 + inner;
                if inner == 0 || bytes.get(at) != Some(&b')') {
                    return None;
                }
                at += 1;
            }
            _ => return None,
        }
    }
}

/// The length of `[^\s()<>]*` at the start of `text`.
fn plain_run(text: &str) -> usize {
    let is_end = |c: char| match u8::try_from(c) {
        Ok(byte) if byte.is_ascii() => !is_plain(byte),
        _ => c.is_whitespace(),
    };
    text.find(is_end).unwrap_or(text.len())
}

/// `[^\s()<>]` for ASCII.
fn is_plain(byte: u8) -> bool {
    !matches!(byte, b'\t'..=b'\r' | b' ' | b'(' | b')' | b'<' | b'>')
}

/// `[a-z]` in any case. Python counts the dotted capital among the cases of
/// `i`; the others are the long s and the sign for Kelvin.
fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, 'İ' | 'ſ' | '\u{212a}')
}

/// `[a-z0-9.\-]` in any case.
fn is_host(c: char) -> bool {
    is_letter(c) || c.is_ascii_digit() || matches!(c, '.' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{agree, compiled, texts};

    const ALPHABET: &[&str] = &[
        "a", "b", "K", "w", "www", "www.", "WWW2", "0", "٣", ":", ":", "/", "/", "//", "://", ".",
        ".", ".co/", ".com", "-", "_", "%", "(", "(", ")", ")", "<", " ", "\n", "\u{3000}", ",",
        "!", "“", "é", "中", "ſ", "\u{212a}", "İ", "http:", "x", "'",
    ];

    #[test]
    fn agrees_with_the_pattern() {
        let pattern = compiled(PATTERN);
        for text in texts(ALPHABET, 60_000) {
            agree(&pattern, find, &text);
        }
    }

    #[test]
    fn time_is_linear() {
        let pattern = compiled(PATTERN);
        let n = 100_000;
        let parts = [
            "a:",
            "ab:c",
            "ab:c(",
            "ab:c (",
            "(",
            "()",
            "(()",
            "www.",
            "www.www.co/",
            ".",
            "/",
            "a.co/ ",
            "a.co/(",
            "http://",
            "-a",
            "w",
            "ab:(x)",
            "ab:,",
            "www. ",
            "a.",
        ];
        for part in parts {
            for head in ["", "ab:c(", "www."] {
                agree(&pattern, find, &(head.to_owned() + &part.repeat(n)));
            }
        }
    }
}
