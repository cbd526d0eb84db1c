//! Searches by hand: each finds what its pattern finds first at or after a
//! place, with the first group if the pattern has one.

use memchr::{memchr, memchr_iter, memchr2, memmem};

use crate::chars::is_digit;
use crate::pattern::Span;
use crate::unicode::{is_space, is_word};

/// A match, and its first group.
pub(super) type Found = (Span, Option<Span>);
pub(super) type Find = fn(&str, usize) -> Option<Found>;

/// The character before a place.
pub(super) fn before(text: &str, at: usize) -> Option<char> {
    text[..at].chars().next_back()
}

/// The character at a place.
pub(super) fn behind(text: &str, at: usize) -> Option<char> {
    text[at..].chars().next()
}

pub(super) fn is_word_at(c: Option<char>) -> bool {
    c.is_some_and(is_word)
}

/// `(^|[\s"'(\[=])` before a place: where it begins, if it is there and was
/// not taken by an earlier match.
fn separator(text: &str, from: usize, at: usize) -> Option<usize> {
    match before(text, at) {
        None => Some(0),
        Some(c) if is_space(c) || matches!(c, '"' | '\'' | '(' | '[' | '=') => {
            let start = at - c.len_utf8();
            (start >= from).then_some(start)
        }
        Some(_) => None,
    }
}

/// `[^\s"')\]]*` from a place on: where it ends.
fn path_end(text: &str, at: usize) -> usize {
    let is_end = |c: char| is_space(c) || matches!(c, '"' | '\'' | ')' | ']');
    text[at..]
        .find(is_end)
        .map_or(text.len(), |length| at + length)
}

pub(super) const UNIX_PATH: &str =
    r#"(^|[\s"'(\[=])(/(?:Users?|home|tmp|etc|var|opt|Applications)[^\s"')\]]*(?:/[^\s"')\]]*)*)"#;

pub(super) fn unix_path(text: &str, from: usize) -> Option<Found> {
    const ROOTS: [&str; 7] = ["User", "home", "tmp", "etc", "var", "opt", "Applications"];
    memchr_iter(b'/', &text.as_bytes()[from..]).find_map(|length| {
        let at = from + length;
        let rest = &text[at + 1..];
        if !ROOTS.iter().any(|root| rest.starts_with(root)) {
            return None;
        }
        let start = separator(text, from, at)?;
        Some(((start, path_end(text, at)), Some((start, at))))
    })
}

pub(super) const WINDOWS_PATH: &str = r#"(^|[\s"'(\[=])([A-Za-z]:\\[^\s"')\]]*(?:\\[^\s"')\]]*)*)"#;

pub(super) fn windows_path(text: &str, from: usize) -> Option<Found> {
    memmem::find_iter(&text.as_bytes()[from..], r":\").find_map(|length| {
        let at = (from + length).checked_sub(1).filter(|at| *at >= from)?;
        if !text.as_bytes()[at].is_ascii_alphabetic() {
            return None;
        }
        let start = separator(text, from, at)?;
        Some(((start, path_end(text, at)), Some((start, at))))
    })
}

pub(super) const NETWORK_PATH: &str = r#"(^|[\s"'(\[=])(\\\\[^\s"')\]]+)"#;

pub(super) fn network_path(text: &str, from: usize) -> Option<Found> {
    memchr_iter(b'\\', &text.as_bytes()[from..]).find_map(|length| {
        let at = from + length;
        if text.as_bytes().get(at + 1) != Some(&b'\\') {
            return None;
        }
        let start = separator(text, from, at)?;
        let end = path_end(text, at + 2);
        (end > at + 2).then_some(((start, end), Some((start, at))))
    })
}

pub(super) const MAC: &str = r"(?<![0-9A-Fa-f:])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b";

pub(super) fn mac(text: &str, from: usize) -> Option<Found> {
    const LENGTH: usize = 17;
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(length) = memchr2(b':', b'-', &bytes[at..]) {
        let mark = at + length;
        at = mark + 1;
        let Some(start) = mark.checked_sub(2).filter(|start| *start >= from) else {
            continue;
        };
        let address = bytes.get(start..start + LENGTH)?;
        let is_address = address.iter().enumerate().all(|(i, byte)| match i % 3 {
            2 => matches!(byte, b':' | b'-'),
            _ => byte.is_ascii_hexdigit(),
        });
        let is_first =
            start == 0 || !(bytes[start - 1].is_ascii_hexdigit() || bytes[start - 1] == b':');
        if is_address && is_first && !is_word_at(behind(text, start + LENGTH)) {
            return Some(((start, start + LENGTH), None));
        }
    }
    None
}

/// The next maximal run of decimal digits, of any script, and how many.
pub(super) fn digits(text: &str, from: usize) -> Option<(Span, usize)> {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        // First bytes of what may be a digit: ideographs and Hangul are none.
        let is_near =
            |byte: &u8| byte.is_ascii_digit() || matches!(byte, 0xc2..=0xe2 | 0xea | 0xee..=0xff);
        at += bytes[at..].iter().position(is_near)?;
        if let Some(c) = behind(text, at).filter(|c| !is_digit(*c)) {
            at += c.len_utf8();
            continue;
        }
        let run = text[at..].char_indices().take_while(|(_, c)| is_digit(*c));
        let (n, end) = run.fold((0, at), |(n, _), (i, c)| (n + 1, at + i + c.len_utf8()));
        return Some(((at, end), n));
    }
}

/// `\b` on both sides.
fn is_alone(text: &str, (start, end): Span) -> bool {
    !is_word_at(before(text, start)) && !is_word_at(behind(text, end))
}

pub(super) const MOBILE: &str = r"\b1[3-9]\d{9}\b";

pub(super) fn mobile(text: &str, from: usize) -> Option<Found> {
    let mut at = from;
    loop {
        let (run, n) = digits(text, at)?;
        at = run.1;
        let first = text.as_bytes()[run.0..run.1].get(..2);
        if n == 11 && matches!(first, Some([b'1', b'3'..=b'9'])) && is_alone(text, run) {
            return Some((run, None));
        }
    }
}

pub(super) const ID_CARD: &str =
    r"\b[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]\b";

pub(super) fn id_card(text: &str, from: usize) -> Option<Found> {
    let mut at = from;
    loop {
        let (mut run, mut n) = digits(text, at)?;
        at = run.1;
        if n == 17 && matches!(text.as_bytes().get(run.1), Some(b'X' | b'x')) {
            run.1 += 1;
            n += 1;
        }
        if n == 18 && is_alone(text, run) && is_id_card(&text[run.0..run.1]) {
            return Some((run, None));
        }
    }
}

/// Whether 18 digits, the last maybe an `X`, can be the number of a card. The
/// patterns asks for ASCII digits in some places only.
fn is_id_card(digits: &str) -> bool {
    let mut d = ['0'; 18];
    for (to, c) in d.iter_mut().zip(digits.chars()) {
        *to = c;
    }
    let century = matches!((d[6], d[7]), ('1', '9') | ('2', '0'));
    let month = matches!((d[10], d[11]), ('0', '1'..='9') | ('1', '0'..='2'));
    let day = matches!(
        (d[12], d[13]),
        ('0', '1'..='9') | ('1' | '2', _) | ('3', '0' | '1')
    );
    matches!(d[0], '1'..='9') && century && month && day
}

pub(super) const IPV4: &str =
    r"(?<![0-9.])(?:(?:25[0-5]|2[0-4]\d|[01]?\d\d?)\.){3}(?:25[0-5]|2[0-4]\d|[01]?\d\d?)(?![0-9])";

/// The next maximal run of digits and points that can hold an address of
/// version 4; around it nothing stands that the pattern looks at.
pub(super) fn ipv4_run(text: &str, from: usize) -> Option<Span> {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        let point = at + memchr(b'.', &bytes[at..])?;
        at = point + 1;
        let is_part = |c: &char| *c == '.' || is_digit(*c);
        let head = text[from..point].chars().rev().take_while(is_part);
        let start = point - head.map(char::len_utf8).sum::<usize>();
        let tail = text[point..].chars().take_while(is_part);
        let end = point + tail.map(char::len_utf8).sum::<usize>();
        at = at.max(end);
        let n_points = memchr_iter(b'.', &bytes[start..end]).count();
        if n_points >= 3 && end - start >= 7 {
            return Some((start, end));
        }
    }
}

pub(super) const IPV6: &str = r"\[[0-9a-fA-F:.]{3,}\](?::\d{1,5})?\b";

pub(super) fn ipv6(text: &str, from: usize) -> Option<Found> {
    let bytes = text.as_bytes();
    memchr_iter(b'[', &bytes[from..]).find_map(|length| {
        let start = from + length;
        let is_part = |byte: &&u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
        let n = bytes[start + 1..].iter().take_while(is_part).count();
        let end = start + 1 + n + 1;
        if n < 3 || bytes.get(end - 1) != Some(&b']') {
            return None;
        }
        let port = text[end..].strip_prefix(':').unwrap_or("");
        let digits = port.char_indices().take_while(|(_, c)| is_digit(*c));
        let (n, length) = digits.fold((0, 0), |(n, _), (at, c)| (n + 1, at + c.len_utf8()));
        let port_end = end + 1 + length;
        if (1..=5).contains(&n) && !is_word_at(behind(text, port_end)) {
            return Some(((start, port_end), None));
        }
        is_word_at(behind(text, end)).then_some(((start, end), None))
    })
}

pub(super) const PHONE: &str = r"\+\d{1,4}[-.\s]?\d{6,14}\b";

pub(super) fn phone(text: &str, from: usize) -> Option<Found> {
    // Digits from a place on: how many, and where they end.
    let run = |at: usize| {
        let digits = text[at..].char_indices().take_while(|(_, c)| is_digit(*c));
        digits.fold((0_usize, at), |(n, _), (i, c)| {
            (n + 1, at + i + c.len_utf8())
        })
    };
    memchr_iter(b'+', &text.as_bytes()[from..]).find_map(|length| {
        let start = from + length;
        let (n, end) = run(start + 1);
        if (1..=4).contains(&n) {
            let gap = behind(text, end).filter(|c| matches!(c, '-' | '.') || is_space(*c))?;
            let (n, end) = run(end + gap.len_utf8());
            let is_number = (6..=14).contains(&n) && !is_word_at(behind(text, end));
            return is_number.then_some(((start, end), None));
        }
        // From one to four of them are the country's.
        let is_number = (7..=18).contains(&n) && !is_word_at(behind(text, end));
        is_number.then_some(((start, end), None))
    })
}
