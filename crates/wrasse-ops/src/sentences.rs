//! Sentences: where a text may be cut so that each piece can be read by itself.
//!
//! Ends are found by Unicode's rules (UAX #29), which know the full stops of
//! all scripts (`。`, `！`, `؟`, `।`), closing quotes and brackets behind them,
//! and decimal points. Put right on top of them is what they cannot know:
//! abbreviations and initials, which end no sentence.

mod bounds;

use std::borrow::Cow;
use std::ops::Range;

use bounds::bounds;

/// Abbreviations, without their last full stop, that stand before what they
/// belong to. Those that may as well end a sentence (`etc.`, `Inc.`) are left
/// to Unicode's rule that a lower-case letter goes on.
const ABBREVIATIONS: &[&str] = &[
    "Mr", "Mrs", "Ms", "Dr", "Prof", "St", "Mt", "Gen", "Col", "Capt", "Lt", "Sgt", "Rev", "Hon",
    "Gov", "Sen", "Rep", "Pres", "Messrs", "Mme", "Mlle", "vs", "e.g", "i.e", "cf", "viz", "ca",
    "approx", "Fig", "Figs", "fig", "figs", "Eq", "Eqs", "eq", "eqs", "Sec", "sec", "Ch", "ch",
    "Vol", "vol", "No", "Nos", "Art", "art", "pp", "p", "Hr", "Fr", "Nr", "bzw", "z.B", "d.h",
    "Sr", "Sra", "Srta", "Dra", "Sig", "Mgr",
];

/// What opens a quote or bracket. Behind a stop and without a space between
/// them, Unicode's rules take it for what closes one.
const OPENING: [char; 17] = [
    '“', '‘', '«', '‹', '「', '『', '（', '《', '【', '〈', '〔', '［', '｛', '(', '[', '{', '„',
];

/// Where a line end ends a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    /// Everywhere, by Unicode's rule.
    End,
    /// At blank lines only: lines were wrapped at a width.
    Wrapped,
}

/// The sentences of `text` in order; together they are the text, so that each
/// has the white space behind it.
pub(crate) fn sentences(text: &str, lines: Lines) -> Vec<&str> {
    let seen: Cow<'_, str> = match lines {
        Lines::End => Cow::Borrowed(text),
        Lines::Wrapped => unwrapped(text),
    };
    let mut spans: Vec<Range<usize>> = Vec::new();
    for span in bounds(&seen) {
        match spans.last_mut() {
            Some(last) if goes_on(&seen[last.clone()]) || is_space(&seen[span.clone()]) => {
                last.end = span.end;
            }
            _ => spans.push(span),
        }
    }
    for i in 1..spans.len() {
        let before = spans[i - 1].clone();
        let body = seen[before.clone()].trim_end_matches(OPENING);
        if !body.is_empty() {
            spans[i - 1].end = before.start + body.len();
            spans[i].start = spans[i - 1].end;
        }
    }
    spans.into_iter().map(|span| &text[span]).collect()
}

fn is_space(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

/// Whether what looks like a sentence ends with an abbreviation or an initial.
fn goes_on(sentence: &str) -> bool {
    let body = sentence.trim_end();
    // A blank line ends whatever stands before it.
    if sentence[body.len()..].contains(['\n', '\r', '\u{2028}', '\u{2029}']) {
        return false;
    }
    let Some(body) = body.strip_suffix('.') else {
        return is_space(body);
    };
    let before = |c: char| c.is_whitespace() || matches!(c, '(' | '[' | '"' | '“' | '‘' | '«');
    let word = body.rsplit(before).next().unwrap_or(body);
    let mut chars = word.chars();
    match (chars.next(), chars.next()) {
        // `I` ends sentences more often than it starts names.
        (Some(initial), None) if initial.is_uppercase() => initial != 'I',
        _ => ABBREVIATIONS.contains(&word),
    }
}

/// The text with its single line ends as spaces, byte for byte as long.
fn unwrapped(text: &str) -> Cow<'_, str> {
    if !text.contains(['\n', '\r']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\n', '\r']) {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        let n = tail.find(|c| !matches!(c, '\n' | '\r' | ' ' | '\t'));
        let gap = &tail[..n.unwrap_or(tail.len())];
        let n_ends = gap.matches('\n').count().max(gap.matches('\r').count());
        if n_ends > 1 {
            out.push_str(gap);
        } else {
            out.extend(std::iter::repeat_n(' ', gap.len()));
        }
        rest = &tail[gap.len()..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_by_the_rules_of_their_script() {
        let cut = |text| sentences(text, Lines::End);
        assert_eq!(cut(""), [""; 0]);
        assert_eq!(cut("One. Two!  Three?"), ["One. ", "Two!  ", "Three?"]);
        assert_eq!(
            cut("他来了。“走吧！”她说。好"),
            ["他来了。", "“走吧！”", "她说。", "好"]
        );
        assert_eq!(
            cut("3.14 is pi. (So.) Yes"),
            ["3.14 is pi. ", "(So.) ", "Yes"]
        );
        assert_eq!(cut("यह है। वह।"), ["यह है। ", "वह।"]);
        assert_eq!(cut("a\nb"), ["a\n", "b"]);
        assert_eq!(cut("\n\na b. \n\n\nC"), ["\n\n", "a b. \n\n\n", "C"]);
    }

    #[test]
    fn abbreviations_and_initials_end_none() {
        let cut = |text| sentences(text, Lines::End);
        assert_eq!(
            cut("Dr. A. B. Smith came. So did I. Fine."),
            ["Dr. A. B. Smith came. ", "So did I. ", "Fine."]
        );
        assert_eq!(
            cut("See Fig. 3 (cf. Table 1). End"),
            ["See Fig. 3 (cf. Table 1). ", "End"]
        );
        assert_eq!(cut("By Dr.\nA new line"), ["By Dr.\n", "A new line"]);
    }

    #[test]
    fn wrapped_lines_end_none() {
        let cut = |text| sentences(text, Lines::Wrapped);
        assert_eq!(
            cut("One is\r\nlong. Two\nis too.\n\nThree"),
            ["One is\r\nlong. ", "Two\nis too.\n\n", "Three"]
        );
        assert_eq!(cut("a\r\n\r\nB"), ["a\r\n\r\n", "B"]);
    }
}
