//! What is taken off the ends of a piece, and where the rest is cut.

use super::tables;
use crate::charset::{CharSet, n_words};

static ALPHA: CharSet<{ n_words(tables::ALPHA) }> = CharSet::from_flips(tables::ALPHA);
static LOWER: CharSet<{ n_words(tables::LOWER) }> = CharSet::from_flips(tables::LOWER);
static UPPER: CharSet<{ n_words(tables::UPPER) }> = CharSet::from_flips(tables::UPPER);
static ICONS: CharSet<{ n_words(tables::ICONS) }> = CharSet::from_flips(tables::ICONS);

pub(super) fn is_lower(c: char) -> bool {
    LOWER.contains(c)
}

const UNITS: &str = "km km² km³ m m² m³ dm dm² dm³ cm cm² cm³ mm mm² mm³ ha µm nm yd in ft kg g mg \
    µg t lb oz m/s km/h kmh mph hPa Pa mbar mb MB kb KB gb GB tb TB T G M K % км км² км³ м м² м³ \
    дм дм² дм³ см см² см³ мм мм² мм³ нм кг г мг м/с км/ч кПа Па мбар Кб КБ кб Мб МБ мб Гб ГБ гб \
    Тб ТБ тбكم كم² كم³ م م² م³ سم سم² سم³ مم مم² مم³ كم غرام جرام جم كغ ملغ كوب اكواب";

fn is_punctuation(c: char) -> bool {
    "….,:;!?¿؟¡()[]{}<>_#*&。？！，、；：～·।،۔؛٪".contains(c) && c != '.'
}

fn is_quote(c: char) -> bool {
    "'\"”“`‘´’‚,„»«「」『』（）〔〕【】《》〈〉〈〉⟦⟧".contains(c)
}

fn is_currency(c: char) -> bool {
    "$£€¥฿₽﷼₴".contains(c) || ('₠'..='₿').contains(&c)
}

/// Symbols that are an affix at both ends.
fn is_affix(c: char) -> bool {
    is_punctuation(c) || is_quote(c) || matches!(c, '—' | '–') || ICONS.contains(c)
}

fn is_alpha_or_digit(c: char) -> bool {
    c.is_ascii_digit() || ALPHA.contains(c)
}

/// Number of bytes of the prefix of `text`; 0 if it has none.
pub(super) fn prefix(text: &str) -> usize {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return 0 };
    if first.is_ascii_alphanumeric() {
        let dollars = ["US$", "C$", "A$"];
        let found = dollars.iter().find(|dollars| text.starts_with(**dollars));
        return found.map_or(0, |dollars| dollars.len());
    }
    match first {
        '+' if !chars.next().is_some_and(|c| c.is_ascii_digit()) => 1,
        '.' => run_of_dots(text.bytes()),
        '§' | '%' | '=' => first.len_utf8(),
        _ if is_affix(first) || is_currency(first) => first.len_utf8(),
        _ => 0,
    }
}

/// Number of dots that `bytes` starts with, if there are two at least.
fn run_of_dots(bytes: impl Iterator<Item = u8>) -> usize {
    match bytes.take_while(|byte| *byte == b'.').count() {
        0 | 1 => 0,
        dots => dots,
    }
}

/// Number of bytes of the longest suffix of `text`; 0 if it has none.
pub(super) fn suffix(text: &str) -> usize {
    let mut chars = text.chars().rev();
    let Some(last) = chars.next() else { return 0 };
    let before = chars.next();
    let after_digit = |length: usize| {
        let end = text.len() - length;
        end > 0 && text.as_bytes()[end - 1].is_ascii_digit()
    };
    match last {
        '.' => {
            let dots = run_of_dots(text.bytes().rev());
            let is_end = before.is_some_and(|c| {
                c.is_ascii_digit()
                    || matches!(c, '%' | '²' | '-' | '+' | '|')
                    || is_punctuation(c)
                    || is_quote(c)
                    || LOWER.contains(c)
            });
            let further = chars.next();
            let is_upper = |c: Option<char>| c.is_some_and(|c| UPPER.contains(c));
            let is_degree = before.is_some_and(|c| "FfCcKk".contains(c)) && further == Some('°');
            if dots > 0 {
                dots
            } else {
                usize::from(is_end || is_degree || is_upper(before) && is_upper(further))
            }
        }
        '…' if before == Some('…') => 2 * last.len_utf8(),
        's' | 'S' if matches!(before, Some('\'' | '’')) => before.map_or(0, char::len_utf8) + 1,
        '+' => usize::from(after_digit(1)),
        _ if last.is_ascii_alphabetic() => unit(text),
        _ if is_affix(last) => last.len_utf8(),
        '$' => {
            let dollars = ["US$", "C$", "A$", "$"];
            let found = dollars
                .iter()
                .find(|dollars| text.ends_with(**dollars) && after_digit(dollars.len()));
            found.map_or(0, |dollars| dollars.len())
        }
        _ if is_currency(last) && after_digit(last.len_utf8()) => last.len_utf8(),
        _ => unit(text),
    }
}

/// Number of bytes of the unit that `text` ends with after a digit, or 0.
fn unit(text: &str) -> usize {
    let is_after_digit = |unit: &&str| {
        let before = text
            .strip_suffix(*unit)
            .and_then(|rest| rest.bytes().next_back());
        before.is_some_and(|byte| byte.is_ascii_digit())
    };
    // No unit has more bytes than that.
    if !text
        .bytes()
        .rev()
        .take(16)
        .any(|byte| byte.is_ascii_digit())
    {
        return 0;
    }
    let mut units = UNITS.split_ascii_whitespace();
    units.find(is_after_digit).map_or(0, str::len)
}

/// Calls `found` with the start and end of each infix of `text`.
pub(super) fn for_each_infix(text: &str, mut found: impl FnMut(usize, usize)) {
    let mut before = None;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = infix(before, c, rest);
        let step = if length > 0 { length } else { c.len_utf8() };
        if length > 0 {
            found(at, at + length);
        }
        before = text[at..at + step].chars().next_back();
        at += step;
    }
}

/// Number of bytes of the infix that `rest` starts with, after `before`.
fn infix(before: Option<char>, c: char, rest: &str) -> usize {
    if c.is_ascii_alphanumeric() {
        return 0;
    }
    let after = |length: usize| rest[length..].chars().next();
    let next = after(c.len_utf8());
    let is_before = |class: fn(char) -> bool| before.is_some_and(class);
    let alpha_next = |length: usize| after(length).is_some_and(|c| ALPHA.contains(c));
    match c {
        '.' if next == Some('.') => return run_of_dots(rest.bytes()),
        '…' => return c.len_utf8(),
        _ if ICONS.contains(c) => return c.len_utf8(),
        '+' | '-' | '*' | '^'
            if is_before(|c| c.is_ascii_digit())
                && next.is_some_and(|c| c.is_ascii_digit() || c == '-') =>
        {
            return 1;
        }
        _ => {}
    }
    let found = match c {
        '.' => {
            is_before(|c| LOWER.contains(c) || is_quote(c))
                && next.is_some_and(|c| UPPER.contains(c) || is_quote(c))
        }
        ',' => is_before(|c| ALPHA.contains(c)) && alpha_next(1),
        ':' | '<' | '>' | '=' | '/' => is_before(is_alpha_or_digit) && alpha_next(1),
        '-' | '–' | '—' | '~' if is_before(is_alpha_or_digit) => {
            let hyphens = ["-", "–", "—", "--", "---", "——", "~"];
            return hyphens
                .iter()
                .find(|hyphen| rest.starts_with(**hyphen) && alpha_next(hyphen.len()))
                .map_or(0, |hyphen| hyphen.len());
        }
        _ => false,
    };
    usize::from(found)
}
