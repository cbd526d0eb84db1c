//! [`bounds`]: sentences by Unicode's rules (UAX #29), found by what can end one.
//!
//! The rules ask for properties of every character. But a sentence ends behind a
//! line end or a stop only, and all that counts of what stands before that is the
//! character next to it: so they need to be asked from there on only.

use std::ops::Range;
use std::sync::LazyLock;

use unicode_segmentation::UnicodeSegmentation;

use crate::pattern::Starts;

/// The characters behind which a sentence can end.
const STOPS: &str = r"[\r\n\p{SB=Sep}\p{SB=STerm}\p{SB=ATerm}]";

static FIRST_STOP: LazyLock<Option<Starts>> = LazyLock::new(|| {
    regex_syntax::parse(STOPS)
        .ok()
        .as_ref()
        .and_then(Starts::of)
});

/// The sentences of a text, which together are the text.
pub(super) fn bounds(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut stops = FIRST_STOP.as_ref().map(|starts| starts.in_text(text));
    let mut start = 0;
    std::iter::from_fn(move || {
        if start == text.len() {
            return None;
        }
        let from = match &mut stops {
            Some(stops) => stops
                .next_from(start)
                .map(|(stop, _)| before(text, start, stop)),
            None => Some(start),
        };
        let sentence =
            from.and_then(|from| Some((from, text[from..].split_sentence_bounds().next()?)));
        let end = sentence.map_or(text.len(), |(from, sentence)| from + sentence.len());
        let span = start..end;
        start = end;
        Some(span)
    })
}

/// A place from which the rules see what stands before the stop at `stop`, in the
/// sentence that begins at `start`: that of a character that is no part of the one
/// before it.
fn before(text: &str, start: usize, stop: usize) -> usize {
    let stands_alone = |c: &char| c.is_ascii() || matches!(c, '\u{3400}'..='\u{9fff}');
    let found = text[start..stop]
        .char_indices()
        .rev()
        .find(|(_, c)| stands_alone(c));
    start + found.map_or(0, |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Vec<Range<usize>> {
        let sentences = text.split_sentence_bound_indices();
        sentences
            .map(|(start, sentence)| start..start + sentence.len())
            .collect()
    }

    /// The tables of the two crates are of different versions of Unicode.
    #[test]
    fn all_stops_are_known() {
        assert!(FIRST_STOP.is_some());
        for c in '\u{1}'..=char::MAX {
            let text = format!("a{c} B");
            if matches!(c, '\u{3400}'..='\u{a000}' | '\u{ac00}'..='\u{d7a3}' | '\u{20000}'..='\u{e0000}')
            {
                continue;
            }
            assert_eq!(bounds(&text).collect::<Vec<_>>(), plain(&text), "{c:?}");
        }
    }

    #[test]
    fn sentences_are_those_of_the_rules() {
        // Some of each class of the rules.
        const PIECES: [&str; 32] = [
            "a",
            "B",
            "x",
            "É",
            "ש",
            "字",
            "5",
            "٣",
            ".",
            "!",
            "。",
            "？",
            "․",
            "\n",
            "\r\n",
            "\r",
            "\u{2028}",
            "\u{85}",
            " ",
            "\u{3000}",
            "\u{a0}",
            ")",
            "”",
            "“",
            "(",
            ",",
            ":",
            "-",
            "\u{301}",
            "\u{ad}",
            "\u{200d}",
            "a few words and ",
        ];
        let mut below = crate::dice::dice(4);
        for n in 0..4000 {
            let text: String = (0..below(n % 90 + 1))
                .map(|_| PIECES[below(PIECES.len())])
                .collect();
            assert_eq!(bounds(&text).collect::<Vec<_>>(), plain(&text), "{text:?}");
        }
    }
}
