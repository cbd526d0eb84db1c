//! The segmentation of jieba 0.42.
//!
//! The crate `jieba-rs` differs in two things, which are mended here: it cuts
//! more kinds of ideographs, and it joins ASCII words to numbers behind any
//! character where jieba does so behind a point.

use std::sync::LazyLock;

use jieba_rs::Jieba;

/// The dictionary takes a good part of a second to read, and is read once.
static JIEBA: LazyLock<Jieba> = LazyLock::new(Jieba::new);

/// Calls `each` with every token of `text`, as `jieba.lcut` lists them: words,
/// and what stands between them, character by character. Together they are
/// the text.
pub(crate) fn tokens<'t>(text: &'t str, mut each: impl FnMut(&'t str)) {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match is_member(first) {
            true => rest.find(|c| !is_member(c)).unwrap_or(rest.len()),
            false if rest.starts_with("\r\n") => 2,
            false => first.len_utf8(),
        };
        let (block, after) = rest.split_at(length);
        match is_member(first) {
            true => words(block, &mut each),
            false => each(block),
        }
        rest = after;
    }
}

/// Whether jieba looks for words in a run of such characters.
fn is_member(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+#&._%-".contains(c) || matches!(c, '\u{4e00}'..='\u{9fd5}')
}

fn words<'t>(block: &'t str, each: &mut impl FnMut(&'t str)) {
    let (mut start, mut end) = (0, 0);
    for word in JIEBA.cut(block, true) {
        if word.is_ascii() && !JIEBA.has_word(word) {
            end += word.len();
            continue;
        }
        plain_words(&block[start..end], each);
        each(word);
        end += word.len();
        start = end;
    }
    plain_words(&block[start..end], each);
}

/// The words of ASCII that is in no dictionary, and what stands between them.
fn plain_words<'t>(text: &'t str, each: &mut impl FnMut(&'t str)) {
    let mut rest = text;
    while !rest.is_empty() {
        let start = rest.find(|c: char| c.is_ascii_alphanumeric());
        let (between, words) = rest.split_at(start.unwrap_or(rest.len()));
        if !between.is_empty() {
            each(between);
        }
        let end = words.find(|c: char| !c.is_ascii_alphanumeric());
        let mut end = end.unwrap_or(words.len());
        let number = words[end..].strip_prefix('.').map_or(0, |number| {
            let end = number.find(|c: char| !c.is_ascii_digit());
            end.unwrap_or(number.len())
        });
        // Nothing is left, or a word begins here.
        if number > 0 && end > 0 {
            end += 1 + number;
        }
        end += usize::from(end > 0 && words[end..].starts_with('%'));
        let (word, after) = words.split_at(end);
        if !word.is_empty() {
            each(word);
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_of_the_original() {
        // As `jieba.lcut` 0.42.1 answers.
        let of = |text| {
            let mut list = Vec::new();
            tokens(text, |token| list.push(token));
            list.join("/")
        };
        for (text, want) in [
            (
                "机器学习, a.5%-b!\r\n\n",
                "机器/学习/,/ /a.5%/-/b/!/\r\n/\n",
            ),
            (
                "C++和AT&T 3.14.15%% +-#x",
                "C++/和/AT&T/ /3.14/./15%/%/ /+-#/x",
            ),
            ("B超T恤 .5", "B超/T恤/ /./5"),
            ("A.B中a国1.5%了", "A/./B/中/a/国/1.5%/了"),
            ("龦龥㐀 x_y", "龦/龥/㐀/ /x/_/y"),
        ] {
            assert_eq!(of(text), want, "{text}");
        }
    }
}
