//! What slicers share: cutting what is too long for a chunk.

use std::ops::Range;

/// Appends spans that together are `span` of `text`, none longer than
/// `max_len` characters: cut behind the last white space that fits, or at the
/// length itself where there is none.
pub(crate) fn fit(text: &str, span: Range<usize>, max_len: usize, out: &mut Vec<Range<usize>>) {
    let mut start = span.start;
    while let Some(end) = head_end(&text[start..span.end], max_len) {
        let head = &text[start..start + end];
        // A word that ends where the chunk does is not cut.
        let at_space = text[start + end..].starts_with(char::is_whitespace);
        let space = match at_space {
            true => None,
            false => head.char_indices().rfind(|(_, c)| c.is_whitespace()),
        };
        let cut = match space {
            Some((at, c)) if !head[..at].trim().is_empty() => at + c.len_utf8(),
            _ => end,
        };
        out.push(start..start + cut);
        start += cut;
    }
    if start < span.end {
        out.push(start..span.end);
    }
}

/// Where the first `n` characters of a text end that has more than that.
fn head_end(text: &str, n: usize) -> Option<usize> {
    if text.len() <= n {
        return None;
    }
    text.char_indices().nth(n).map(|(end, _)| end)
}

/// The length of a text in characters, without and with the white space behind
/// it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Length {
    /// Without.
    pub(crate) body: usize,
    /// With.
    pub(crate) whole: usize,
}

impl Length {
    /// That of `text`.
    pub(crate) fn of(text: &str) -> Self {
        let body = text.trim_end();
        let n_body = body.chars().count();
        Self {
            body: n_body,
            whole: n_body + text[body.len()..].chars().count(),
        }
    }

    /// That of this text with the next behind it.
    pub(crate) fn and(self, next: Self) -> Self {
        Self {
            body: match next.body {
                0 => self.body,
                body => self.whole + body,
            },
            whole: self.whole + next.whole,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_only_if_they_must_be() {
        let cut = |text: &str, max_len| {
            let mut spans = Vec::new();
            fit(text, 0..text.len(), max_len, &mut spans);
            spans
                .into_iter()
                .map(|span| text[span].to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(cut("", 3), [""; 0]);
        assert_eq!(cut("abc", 3), ["abc"]);
        assert_eq!(cut("one two three", 7), ["one two", " three"]);
        assert_eq!(cut("one two three", 6), ["one ", "two ", "three"]);
        assert_eq!(cut("数据集合成", 2), ["数据", "集合", "成"]);
        assert_eq!(cut(" abcdef", 3), [" ab", "cde", "f"]);
    }
}
