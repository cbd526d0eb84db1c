//! Searches by hand for what is named: values behind words such as
//! `password:`, names of channels, and ids that begin with their kind.

use memchr::{memchr_iter, memchr2_iter, memchr3};

use super::find::{Found, before, behind, is_word_at};
use crate::unicode::{is_space, is_word};

/// Whether a character is this small letter in any case, as Python sees it.
fn is_letter(c: char, small: char) -> bool {
    c.eq_ignore_ascii_case(&small)
        || matches!(
            (small, c),
            ('s', 'ſ') | ('k', '\u{212a}') | ('i', 'İ' | 'ı')
        )
}

/// Where a word begins that ends at `end`. In `word` a `-` stands for `-`,
/// `_` or nothing.
fn word_before(text: &str, end: usize, word: &str) -> Option<usize> {
    let mut at = end;
    for wanted in word.chars().rev() {
        let c = before(text, at)?;
        if wanted == '-' {
            at -= usize::from(matches!(c, '-' | '_'));
        } else if is_letter(c, wanted) {
            at -= c.len_utf8();
        } else {
            return None;
        }
    }
    Some(at)
}

/// Where a word ends that begins at `start`.
fn word_at(text: &str, start: usize, word: &str) -> Option<usize> {
    let mut at = start;
    for wanted in word.chars() {
        let c = behind(text, at).filter(|c| *c == wanted || is_letter(*c, wanted))?;
        at += c.len_utf8();
    }
    Some(at)
}

fn before_space(text: &str, at: usize) -> usize {
    text[..at].trim_end_matches(is_space).len()
}

fn after_space(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start_matches(is_space).len()
}

/// `["']?` at a place: where it ends.
fn after_quote(text: &str, at: usize) -> usize {
    at + usize::from(text[at..].starts_with(['"', '\'']))
}

/// A word, a sign `:` or `=` and a value: where each of them begins, and where
/// the value ends.
struct Named {
    start: usize,
    word_end: usize,
    value: usize,
    end: usize,
}

fn named(text: &str, from: usize, words: &[&str], is_value: fn(char) -> bool) -> Option<Named> {
    memchr2_iter(b':', b'=', &text.as_bytes()[from..]).find_map(|length| {
        let sign = from + length;
        let word_end = before_space(text, sign);
        let start = words
            .iter()
            .find_map(|word| word_before(text, word_end, word))?;
        if start < from || is_word_at(before(text, start)) {
            return None;
        }
        let value = after_quote(text, after_space(text, sign + 1));
        let length = text[value..].find(|c| !is_value(c));
        let end = length.map_or(text.len(), |length| value + length);
        (end > value).then_some(Named {
            start,
            word_end,
            value,
            end,
        })
    })
}

pub(super) const SECRET: &str = r#"(?i)(\b(?:api[_-]?key|apikey|secret|password|passwd|token|auth|authorization|credential|license[_-]?key)\s*[:=]\s*["']?)([^\s"',}\]]+)"#;

pub(super) fn secret(text: &str, from: usize) -> Option<Found> {
    const WORDS: [&str; 9] = [
        "api-key",
        "secret",
        "password",
        "passwd",
        "token",
        "auth",
        "authorization",
        "credential",
        "license-key",
    ];
    let is_value = |c: char| !(is_space(c) || matches!(c, '"' | '\'' | ',' | '}' | ']'));
    let found = named(text, from, &WORDS, is_value)?;
    Some(((found.start, found.end), Some((found.start, found.value))))
}

pub(super) const ID: &str =
    r#"(?i)\b(session[_-]?id|user[_-]?id|request[_-]?id|trace[_-]?id)\s*[:=]\s*["']?[\w.-]+"#;

pub(super) fn id(text: &str, from: usize) -> Option<Found> {
    const WORDS: [&str; 4] = ["session-id", "user-id", "request-id", "trace-id"];
    let is_value = |c: char| is_word(c) || matches!(c, '.' | '-');
    let found = named(text, from, &WORDS, is_value)?;
    Some((
        (found.start, found.end),
        Some((found.start, found.word_end)),
    ))
}

pub(super) const CHANNEL: &str = r#"(?i)(\bchannel\s*[:=]\s*["']?|当前的\s*channel\s*[:：]\s*)(feishu|dingtalk|wecom|wechat_work|email|mail|飞书|钉钉|企业微信|邮箱)\b"#;

pub(super) fn channel(text: &str, from: usize) -> Option<Found> {
    const NAMES: [&str; 10] = [
        "feishu",
        "dingtalk",
        "wecom",
        "wechat_work",
        "email",
        "mail",
        "飞书",
        "钉钉",
        "企业微信",
        "邮箱",
    ];
    let name_end = |at: usize| {
        let ends = NAMES.iter().filter_map(|name| word_at(text, at, name));
        ends.into_iter().find(|end| !is_word_at(behind(text, *end)))
    };
    let mut at = from;
    loop {
        // The first byte of a wide colon is that of other wide forms, too.
        let sign = at + memchr3(b':', b'=', 0xef, &text.as_bytes()[at..])?;
        let c = behind(text, sign)?;
        at = sign + c.len_utf8();
        if !matches!(c, ':' | '=' | '：') {
            continue;
        }
        let Some(word) = word_before(text, before_space(text, sign), "channel") else {
            continue;
        };
        if word < from {
            continue;
        }
        let value = after_space(text, at);
        let current = text[..before_space(text, word)].strip_suffix("当前的");
        if let Some(start) = current.map(str::len).filter(|start| *start >= from)
            && c != '='
            && let Some(end) = name_end(value)
        {
            return Some(((start, end), Some((start, value))));
        }
        let value = after_quote(text, value);
        if c != '：'
            && !is_word_at(before(text, word))
            && let Some(end) = name_end(value)
        {
            return Some(((word, end), Some((word, value))));
        }
    }
}

pub(super) const FEISHU_ID: &str = r"(?i)\bou_[0-9a-f]{32}\b";

pub(super) fn feishu_id(text: &str, from: usize) -> Option<Found> {
    let bytes = text.as_bytes();
    memchr_iter(b'_', &bytes[from..]).find_map(|length| {
        let mark = from + length;
        let start = mark.checked_sub(2).filter(|start| *start >= from)?;
        let end = mark + 1 + 32;
        let digits = bytes.get(mark + 1..end)?;
        let is_id = bytes[start..mark].eq_ignore_ascii_case(b"ou")
            && digits.iter().all(u8::is_ascii_hexdigit)
            && !is_word_at(before(text, start))
            && !is_word_at(behind(text, end));
        is_id.then_some(((start, end), None))
    })
}

pub(super) const OPEN_ID: &str = r"\b(ou_|u_|uid_)[0-9a-zA-Z_-]{16,64}\b";

pub(super) fn open_id(text: &str, from: usize) -> Option<Found> {
    let bytes = text.as_bytes();
    memchr_iter(b'_', &bytes[from..]).find_map(|length| {
        let value = from + length + 1;
        let start = ["ou_", "u_", "uid_"].iter().find_map(|prefix| {
            let start = value
                .checked_sub(prefix.len())
                .filter(|start| *start >= from)?;
            let is_here = bytes[start..value] == *prefix.as_bytes();
            (is_here && !is_word_at(before(text, start))).then_some(start)
        })?;
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let n = bytes[value..].iter().take(64).take_while(is_part).count();
        let ends = (value + 16..=value + n).rev();
        let is_border =
            |end: &usize| is_word_at(before(text, *end)) != is_word_at(behind(text, *end));
        let end = ends.into_iter().find(is_border)?;
        Some(((start, end), Some((start, value))))
    })
}
