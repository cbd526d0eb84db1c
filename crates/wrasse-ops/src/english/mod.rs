//! English tokens and sentences, as datatrove takes them: by the tokenizer of
//! spaCy 3.8's blank English pipeline and by its `Sentencizer`.
//!
//! A text is cut at white space. Of each piece, affixes (quotes, brackets,
//! units, ...) are taken off both ends until an exception (`don't`, `a.m.`) or
//! nothing more is found; what is left is one token if it is an exception or
//! a URL, and is cut at infixes (hyphens between letters, ...) otherwise. At
//! last, tokens in a row that are what an exception would have been cut into,
//! such as an emoticon, become that exception again.
//!
//! Known difference: of three and more `'` in a row spaCy makes other tokens.

mod affixes;
mod tables;
mod url;

use std::sync::LazyLock;

use regex::Regex;
use wrasse_op::Derived;

use crate::charset::{CharSet, n_words};
use crate::hashing::FastMap;
use crate::pattern::fixed;
use crate::unicode::is_space;

/// Where a token starts and ends.
type Span = (usize, usize);

/// datatrove's `PUNCTUATION_SET`.
pub(crate) static PUNCTUATION: CharSet<{ n_words(tables::PUNCTUATION) }> =
    CharSet::from_flips(tables::PUNCTUATION);

/// datatrove's `TERMINAL_PUNCTUATION`.
pub(crate) static TERMINAL: CharSet<{ n_words(tables::TERMINAL) }> =
    CharSet::from_flips(tables::TERMINAL);

/// The characters for which `str.isalpha` is true.
pub(crate) static LETTERS: CharSet<{ n_words(tables::LETTERS) }> =
    CharSet::from_flips(tables::LETTERS);

static SENTENCE_ENDS: CharSet<{ n_words(tables::SENTENCE_ENDS) }> =
    CharSet::from_flips(tables::SENTENCE_ENDS);

/// A text that the rules would not cut right.
struct Exception {
    /// The lengths of its tokens.
    lengths: Vec<usize>,
    /// The lengths of the tokens that the rules alone would make of it.
    by_rules: Vec<usize>,
}

/// spaCy 3.8's exceptions (MIT; Explosion AI).
static EXCEPTIONS: LazyLock<FastMap<String, Exception>> = LazyLock::new(|| {
    include_str!("exceptions.txt")
        .lines()
        .map(|tokens| {
            let lengths = tokens.split(' ').map(str::len).collect();
            let text = tokens.replace(' ', "");
            let mut spans = Vec::new();
            cut(&text, 0, text.len(), |_| None, &mut spans);
            let by_rules = spans.iter().map(|(start, end)| end - start).collect();
            (text, Exception { lengths, by_rules })
        })
        .collect()
});

/// Bytes of the longest exception.
static EXCEPTION_BYTES_MAX: LazyLock<usize> =
    LazyLock::new(|| EXCEPTIONS.keys().map(String::len).max().unwrap_or(0));

fn exception(text: &str) -> Option<&'static Exception> {
    if text.len() > *EXCEPTION_BYTES_MAX {
        return None;
    }
    EXCEPTIONS.get(text)
}

/// The tokens of a text that are not white space.
pub(crate) struct Tokens(Vec<Span>);

impl Tokens {
    /// Number of tokens.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The tokens of `text`, the text they were derived from.
    pub(crate) fn of<'t>(
        &'t self,
        text: &'t str,
    ) -> impl ExactSizeIterator<Item = &'t str> + Clone {
        self.0.iter().map(|(start, end)| &text[*start..*end])
    }
}

impl Derived for Tokens {
    fn derive(text: &str) -> Self {
        let mut tokens = Vec::with_capacity(text.len() / 5);
        for (start, end, is_white) in pieces(text) {
            if !is_white {
                tokenize(text, start, end, &mut tokens);
            }
        }
        Self(tokens)
    }
}

/// Number of sentences of `text`: a sentence ends after a token that is an end
/// mark and the punctuation that follows it.
pub(crate) fn n_sentences(text: &str) -> usize {
    let mut sentences = 0;
    for_each_sentence(text, |_, _| sentences += 1);
    sentences
}

/// The sentences of `text`; together they are the text.
pub(crate) fn sentences(text: &str) -> Vec<&str> {
    let mut starts = Vec::new();
    for_each_sentence(text, |start, _| starts.push(start));
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    // Space between sentences goes with the one after it, that before the first
    // with the first.
    let mut from = 0;
    let mut sentences = Vec::with_capacity(starts.len());
    for end in ends.collect::<Vec<_>>() {
        sentences.push(&text[from..end]);
        from = end;
    }
    sentences
}

fn for_each_sentence(text: &str, mut starts_at: impl FnMut(usize, usize)) {
    static PUNCTUATION_MARKS: LazyLock<Regex> = LazyLock::new(|| fixed(r"^\p{P}+$"));
    let mut tokens = Vec::new();
    let mut is_first = true;
    let mut is_ended = false;
    for (start, end, is_white) in pieces(text) {
        tokens.clear();
        if is_white {
            tokens.push((start, end));
        } else {
            tokenize(text, start, end, &mut tokens);
        }
        for (start, end) in &tokens {
            let token = &text[*start..*end];
            let mut chars = token.chars();
            let is_end =
                chars.next().is_some_and(|c| SENTENCE_ENDS.contains(c)) && chars.next().is_none();
            if is_first {
                starts_at(*start, *end);
                is_first = false;
            }
            if is_ended && !is_end && !PUNCTUATION_MARKS.is_match(token) {
                starts_at(*start, *end);
                is_ended = false;
            } else if is_end {
                is_ended = true;
            }
        }
    }
}

/// The runs of white space and of other characters; a single plain space after
/// another run is left out.
fn pieces(text: &str) -> impl Iterator<Item = (usize, usize, bool)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = &text[at..];
            let is_white = is_space(rest.chars().next()?);
            let length = rest.find(|c| is_space(c) != is_white).unwrap_or(rest.len());
            let (mut start, end) = (at, at + length);
            at = end;
            if is_white && start > 0 && rest.starts_with(' ') {
                start += 1;
            }
            if start < end {
                return Some((start, end, is_white));
            }
        }
    })
}

/// Appends the tokens of `text[start..end]`, which holds no white space.
fn tokenize(text: &str, start: usize, end: usize, tokens: &mut Vec<Span>) {
    let before = tokens.len();
    cut(text, start, end, exception, tokens);
    if tokens.len() - before >= 2 {
        restore_exceptions(text, before, tokens);
    }
}

/// Puts together again what is an exception, among the tokens from the
/// `from`th: those of most tokens first, then the first ones.
fn restore_exceptions(text: &str, from: usize, tokens: &mut Vec<Span>) {
    let mut found = Vec::new();
    for first in from..tokens.len() {
        for last in first + 1..tokens.len() {
            let (start, end) = (tokens[first].0, tokens[last].1);
            if end - start > *EXCEPTION_BYTES_MAX {
                break;
            }
            let lengths = tokens[first..=last].iter().map(|(start, end)| end - start);
            if let Some(known) = exception(&text[start..end])
                && known.by_rules.iter().copied().eq(lengths)
            {
                found.push((first, last, known));
            }
        }
    }
    if found.is_empty() {
        return;
    }
    found.sort_by_key(|(first, last, _)| (std::cmp::Reverse(last - first), *first));
    let mut taken = vec![false; tokens.len()];
    found.retain(|(first, last, _)| {
        let is_free = !taken[*first..=*last].contains(&true);
        if is_free {
            taken[*first..=*last].fill(true);
        }
        is_free
    });
    found.sort_by_key(|(first, _, _)| *first);
    let cut = tokens.split_off(from);
    let mut next = from;
    for (first, last, known) in found {
        tokens.extend(&cut[next - from..first - from]);
        push_lengths(cut[first - from].0, &known.lengths, tokens);
        next = last + 1;
    }
    tokens.extend(&cut[next - from..]);
}

fn push_lengths(mut at: usize, lengths: &[usize], tokens: &mut Vec<Span>) {
    for length in lengths {
        tokens.push((at, at + length));
        at += length;
    }
}

/// Appends the tokens of `text[start..end]` by the rules and `exception`.
fn cut(
    text: &str,
    start: usize,
    end: usize,
    exception: impl Fn(&str) -> Option<&'static Exception>,
    tokens: &mut Vec<Span>,
) {
    let (mut from, mut to) = (start, end);
    let mut suffixes = Vec::new();
    let mut whole = None;
    while from < to {
        let piece = &text[from..to];
        whole = exception(piece);
        if whole.is_some() {
            break;
        }
        let prefix = affixes::prefix(piece);
        if prefix > 0 {
            whole = exception(&piece[prefix..]);
            if whole.is_some() {
                tokens.push((from, from + prefix));
                from += prefix;
                break;
            }
        }
        let suffix = affixes::suffix(&piece[prefix..]);
        if suffix > 0 {
            whole = exception(&piece[..piece.len() - suffix]);
            if whole.is_some() {
                suffixes.push((to - suffix, to));
                to -= suffix;
                break;
            }
        }
        if prefix == 0 && suffix == 0 {
            break;
        }
        if prefix > 0 {
            tokens.push((from, from + prefix));
            from += prefix;
        }
        if suffix > 0 {
            suffixes.push((to - suffix, to));
            to -= suffix;
        }
    }
    match whole {
        Some(known) => push_lengths(from, &known.lengths, tokens),
        None if from < to => stem(text, from, to, tokens),
        None => {}
    }
    tokens.extend(suffixes.into_iter().rev());
}

/// Appends the tokens of what has no affixes and is no exception.
fn stem(text: &str, from: usize, to: usize, tokens: &mut Vec<Span>) {
    let piece = &text[from..to];
    if piece.bytes().all(|byte| byte.is_ascii_alphanumeric()) || url::is_url(piece) {
        tokens.push((from, to));
        return;
    }
    let mut done = from;
    affixes::for_each_infix(piece, |start, end| {
        if start > 0 {
            if done < from + start {
                tokens.push((done, from + start));
            }
            tokens.push((from + start, from + end));
            done = from + end;
        }
    });
    if done < to {
        tokens.push((done, to));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<&str> {
        let spans = Tokens::derive(text).0;
        spans
            .iter()
            .map(|(start, end)| &text[*start..*end])
            .collect()
    }

    #[test]
    fn texts_are_cut_as_spacy_cuts_them() {
        for (text, want) in [
            ("at 5p.m.! 1am", "at 5 p.m. ! 1 am"),
            ("(e.g., this)", "( e.g. , this )"),
            ("U.S.-based end.)", "U.S.-based end . )"),
            (
                "\"end.\" don't-care can't",
                "\" end . \" don't - care ca n't",
            ),
            (
                "foo.Bar a.m. . ... 8. A. AA. Aa.",
                "foo . Bar a.m. . ... 8 . A. AA . Aa .",
            ),
            ("5km km² 100% $5 US$5 5$.", "5 km km² 100 % $ 5 US$ 5 5$."),
            (
                "http://foo.com/bar. x=y -- a--b",
                "http://foo.com/bar . x = y -- a -- b",
            ),
            (
                "rock'n'roll 数据集。 (:) <3",
                "rock'n'roll 数据集 。 ( :) <3",
            ),
        ] {
            assert_eq!(tokens(text).join(" "), want);
        }
    }

    #[test]
    fn long_runs_take_no_more_than_their_length() {
        // A guard against quadratic time, which shows as a test that takes long.
        for piece in [
            ")", ":)", "a", "'s", ".", "-a", "@a.", "a,", "1km", "e.g.", "(", "\u{2026}",
        ] {
            let run = piece.repeat(50_000);
            for text in [
                run.clone(),
                format!("{run}{}", ")".repeat(50_000)),
                format!("{}{run}", "a".repeat(50_000)),
            ] {
                let length: usize = Tokens::derive(&text).of(&text).map(str::len).sum();
                assert_eq!(length, text.len());
            }
        }
    }

    #[test]
    fn sentences_end_after_their_marks() {
        assert_eq!(n_sentences(""), 0);
        assert_eq!(
            sentences("One. Two?! \"Three.\" Four"),
            ["One. ", "Two?! \"", "Three.\" ", "Four"]
        );
        assert_eq!(n_sentences("Mr. Smith paid 3.50 a.m. today."), 1);
    }
}
