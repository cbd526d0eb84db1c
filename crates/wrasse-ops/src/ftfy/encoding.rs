//! Undoes mojibake: encodes a text back to the bytes it was, and decodes them
//! as they were meant.

use std::sync::LazyLock;

use regex::bytes::{Captures, Regex};

use super::badness::is_bad;
use super::clues;
use super::codecs::{self, CODECS};
use super::{Rounds, is_c1};

/// Undoes one layer of mojibake after the other; `None` if there is none.
pub(super) fn fix(text: &str) -> Option<String> {
    let mut fixed: Option<String> = None;
    for _ in Rounds {
        let now = fixed.as_deref().unwrap_or(text);
        match fix_once(now) {
            Some(next) if next != now => fixed = Some(next),
            _ => break,
        }
    }
    fixed
}

fn fix_once(text: &str) -> Option<String> {
    if text.is_ascii() || !is_bad(text) {
        return None;
    }
    let possible = codecs::possible(text);
    (0..CODECS.len())
        .filter(|codec| possible[*codec])
        .find_map(|codec| decode_as_meant(codecs::encode(text, codec), codec))
        .or_else(|| decode_inconsistent(text))
        .or_else(|| possible[0].then(|| as_windows_1252(text)).flatten())
        .or_else(|| {
            text.contains(is_c1)
                .then(|| text.chars().map(codecs::c1_as_windows_1252).collect())
        })
}

/// Decodes bytes as UTF-8, after putting back what is known to get lost.
fn decode_as_meant(mut bytes: Vec<u8>, codec: usize) -> Option<String> {
    let codec = &CODECS[codec];
    if codec.restores_a0 && ALTERED.is_match(&bytes) {
        bytes = restore_a0(&bytes);
    }
    if codec.sloppy {
        bytes = LOSSY
            .replace_all(&bytes, "\u{fffd}".as_bytes())
            .into_owned();
    }
    if bytes.iter().any(|byte| matches!(byte, 0xc0 | 0xed)) {
        codecs::decode_utf8_variants(&bytes)
    } else {
        String::from_utf8(bytes).ok()
    }
}

/// Sequences that would be UTF-8 if a space were the byte A0, but for those
/// that would give unlikely characters.
static ALTERED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&[
        r"[\xc2\xc3\xc5\xce\xd0\xd9] ",
        r"[\xe2\xe3] [\x80-\x84\x86-\x9f\xa1-\xbf]",
        r"[\xe0-\xe3][\x80-\x84\x86-\x9f\xa1-\xbf] ",
        r"\xf0 [\x80-\xbf][\x80-\xbf]",
        r"\xf0[\x80-\xbf] [\x80-\xbf]",
        r"\xf0[\x80-\xbf][\x80-\xbf] ",
    ])
});

/// Sequences of UTF-8 or CESU-8 of which a byte was lost (1A, or one `?`).
static LOSSY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&[
        r"[\xc2-\xdf]\x1a",
        r"[\xc2\xc3]\?",
        r"\xed[\xa0-\xaf][\x1a?]\xed[\xb0-\xbf][\x1a?\x80-\xbf]",
        r"\xed[\xa0-\xaf][\x1a?\x80-\xbf]\xed[\xb0-\xbf][\x1a?]",
        r"[\xe0-\xef][\x1a?][\x1a\x80-\xbf]",
        r"[\xe0-\xef][\x1a\x80-\xbf][\x1a?]",
        r"[\xf0-\xf4][\x1a?][\x1a\x80-\xbf][\x1a\x80-\xbf]",
        r"[\xf0-\xf4][\x1a\x80-\xbf][\x1a?][\x1a\x80-\xbf]",
        r"[\xf0-\xf4][\x1a\x80-\xbf][\x1a\x80-\xbf][\x1a?]",
        r"\x1a",
    ])
});

fn pattern(sequences: &[&str]) -> Regex {
    Regex::new(&format!("(?-u){}", sequences.join("|"))).expect("the sequences are a pattern")
}

/// Puts back bytes A0 that some program took for spaces.
fn restore_a0(bytes: &[u8]) -> Vec<u8> {
    let apart = restore_a_grave(bytes);
    ALTERED
        .replace_all(&apart, |found: &Captures<'_>| -> Vec<u8> {
            let sequence = found[0].iter();
            sequence
                .map(|byte| if *byte == b' ' { 0xa0 } else { *byte })
                .collect()
        })
        .into_owned()
}

/// `à` before a space is mostly a word of its own (`à la mode`), the space
/// included, unless it begins one of a few Portuguese words.
fn restore_a_grave(bytes: &[u8]) -> Vec<u8> {
    const NOT_BEFORE: [&[u8]; 5] = [b" ", b"quele", b"quela", b"quilo", b"s "];
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [byte, after @ ..] = rest {
        out.push(*byte);
        rest = after;
        if *byte == 0xc3
            && let [b' ', word @ ..] = after
            && !NOT_BEFORE.iter().any(|start| word.starts_with(start))
        {
            out.extend_from_slice(b"\xa0 ");
            rest = word;
        }
    }
    out
}

/// Fixes the parts of a text that look like UTF-8, each by itself.
fn decode_inconsistent(text: &str) -> Option<String> {
    let mut fixed = String::new();
    let mut copied = 0;
    for part in clues::sequences(text) {
        // A part that is the whole would be tried for ever.
        if part.len() < text.len()
            && is_bad(&text[part.clone()])
            && let Some(better) = fix(&text[part.clone()])
        {
            fixed.push_str(&text[copied..part.start]);
            fixed.push_str(&better);
            copied = part.end;
        }
    }
    if copied == 0 {
        return None;
    }
    fixed.push_str(&text[copied..]);
    Some(fixed)
}

/// Reads Latin-1 as Windows-1252, if that is different and possible.
fn as_windows_1252(text: &str) -> Option<String> {
    let has_no_meaning = |c| matches!(c, '\u{81}' | '\u{8d}' | '\u{8f}' | '\u{90}' | '\u{9d}');
    if text.contains(has_no_meaning) || !text.contains(is_c1) {
        return None;
    }
    Some(text.chars().map(codecs::c1_as_windows_1252).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: &str) {
        assert_eq!(fix(text).as_deref().unwrap_or(text), want, "{text:?}");
    }

    #[test]
    fn layers_of_mojibake_come_off() {
        check("sÃ³", "só");
        check("sÃƒÂ³", "só");
        check("âœ” No problems", "✔ No problems");
        check(
            "РџСЂРёРІРµС‚, РјРёСЂ вЂ” СЌС‚Рѕ С‚РµСЃС‚",
            "Привет, мир — это тест",
        );
        check("plain é", "plain é");
        check("数 Ã©", "数 é");
    }

    #[test]
    fn lost_bytes_are_put_back_or_marked() {
        check("voilÃ le travail", "voilà le travail");
        check("Ã  quele", "à quele");
        check("â€œ like this â€\u{fffd}", "“ like this \u{fffd}");
    }

    #[test]
    fn control_characters_are_windows_1252() {
        check("\u{93}quoted\u{94} é\u{85}", "“quoted” é…");
    }
}
