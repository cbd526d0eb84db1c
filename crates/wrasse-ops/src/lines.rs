//! The lines of Python's `str.splitlines`, and of `str.split("\n")`.
//!
//! The former end at `\n`, `\r`, `\r\n`, `\v`, `\f`, U+001C to U+001E, U+0085, U+2028
//! and U+2029; an end at the end of the text begins no further line.

use std::sync::LazyLock;

use multiversion::multiversion;
use wrasse_core::n_chars;

use crate::scan::{FirstBytes, Hits};

/// What lines end with.
static ENDS: LazyLock<FirstBytes> = LazyLock::new(|| {
    let single = ('\n'..='\r').chain('\u{1c}'..='\u{1e}');
    FirstBytes::of(single.chain(['\u{85}', '\u{2028}', '\u{2029}']))
});

static NEWLINE: LazyLock<FirstBytes> = LazyLock::new(|| FirstBytes::of(['\n']));

/// `text.split('\n')`, faster where lines are short.
pub(crate) fn split_at_newlines(text: &str) -> impl Iterator<Item = &str> {
    let mut hits = Hits::new(&NEWLINE, text.as_bytes());
    let mut start = Some(0);
    std::iter::from_fn(move || {
        let from = start?;
        let end = hits.next_from(from);
        start = end.map(|end| end + 1);
        Some(&text[from..end.unwrap_or(text.len())])
    })
}

/// Calls `each` with the lines of `text`, without their ends.
pub(crate) fn for_each_line<'t>(text: &'t str, mut each: impl FnMut(&'t str)) {
    let bytes = text.as_bytes();
    let mut hits = Hits::new(&ENDS, bytes);
    let (mut start, mut at) = (0, 0);
    while let Some(hit) = hits.next_from(at) {
        let n = match bytes[hit..] {
            [b'\r', b'\n', ..] | [0xc2, 0x85, ..] => 2,
            [b'\n'..=b'\r' | 0x1c..=0x1e, ..] => 1,
            [0xe2, 0x80, 0xa8 | 0xa9, ..] => 3,
            _ => {
                at = hit + 1;
                continue;
            }
        };
        each(&text[start..hit]);
        (start, at) = (hit + n, hit + n);
    }
    if start < text.len() {
        each(&text[start..]);
    }
}

/// How many lines there are.
pub(crate) fn n_lines(text: &str) -> usize {
    let bytes = text.as_bytes();
    n_ends(bytes) + usize::from(!bytes.is_empty() && !ends_with_end(bytes))
}

/// Characters of the longest line, its end not included.
pub(crate) fn max_line_chars(text: &str) -> usize {
    let mut max = 0;
    for_each_line(text, |line| {
        if line.len() > max {
            max = max.max(n_chars(line));
        }
    });
    max
}

fn ends_with_end(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [.., b'\n'..=b'\r' | 0x1c..=0x1e] | [.., 0xc2, 0x85] | [.., 0xe2, 0x80, 0xa8 | 0xa9]
    )
}

/// Whether a line ends with the byte `now`, after `before` and `second`; 1 if so.
#[inline(always)]
fn is_end(second: u8, before: u8, now: u8) -> u8 {
    let is = u8::from;
    let single = is(now.wrapping_sub(b'\n') < 4) | is(now.wrapping_sub(0x1c) < 3);
    let counted = is(now == b'\n') & is(before == b'\r');
    let double = is(now == 0x85) & is(before == 0xc2);
    let triple = is(now & 0xfe == 0xa8) & is(before == 0x80) & is(second == 0xe2);
    single - counted + double + triple
}

/// Counts the ends of lines, by the last byte of each.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn n_ends(bytes: &[u8]) -> usize {
    const BLOCK: usize = 64;
    let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
    let one = |at: usize| {
        let earlier = |n: usize| at.checked_sub(n).map_or(0, byte);
        usize::from(is_end(earlier(2), earlier(1), byte(at)))
    };
    let mut n = (0..bytes.len().min(2)).map(one).sum::<usize>();
    let mut at = 2;
    while at + BLOCK <= bytes.len() {
        let mut sums = [0_u8; BLOCK];
        // So many blocks that no sum overflows.
        for _ in 0..255 {
            let (Some(second), Some(before), Some(now)) = (
                bytes[at - 2..].first_chunk::<BLOCK>(),
                bytes[at - 1..].first_chunk::<BLOCK>(),
                bytes[at..].first_chunk::<BLOCK>(),
            ) else {
                break;
            };
            for i in 0..BLOCK {
                sums[i] += is_end(second[i], before[i], now[i]);
            }
            at += BLOCK;
        }
        n += sums.iter().map(|sum| usize::from(*sum)).sum::<usize>();
    }
    n + (at..bytes.len()).map(one).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> (usize, usize) {
        let (mut n, mut max) = (0, 0);
        for_each_line(text, |line| {
            n += 1;
            max = max.max(line.chars().count());
        });
        assert_eq!((n_lines(text), max_line_chars(text)), (n, max), "{text:?}");
        assert!(split_at_newlines(text).eq(text.split('\n')), "{text:?}");
        (n, max)
    }

    #[test]
    fn lines_end_where_python_ends_them() {
        assert_eq!(lines(""), (0, 0));
        assert_eq!(lines("\n"), (1, 0));
        assert_eq!(lines("\r\n"), (1, 0));
        assert_eq!(lines("\n\r"), (2, 0));
        assert_eq!(lines("a"), (1, 1));
        assert_eq!(lines("a\r\nbé\rc\n\nd\n"), (5, 2));
        assert_eq!(
            lines("1\n2\r3\u{b}4\u{c}5\u{1c}6\u{1d}7\u{1e}8\u{85}9\u{2028}0\u{2029}1"),
            (11, 1)
        );
        // No ends of lines, though their bytes begin like some.
        assert_eq!(lines("a\u{1f}b\t©\u{2027}\u{202a}…🙂"), (1, 9));
        assert_eq!(lines("数据集\nab"), (2, 3));
    }

    #[test]
    fn counting_agrees_with_cutting() {
        const PIECES: [&str; 16] = [
            "\n",
            "\r",
            "\r\n",
            "\u{b}",
            "\u{c}",
            "\u{1c}",
            "\u{1e}",
            "\u{85}",
            "\u{2028}",
            "\u{2029}",
            "a",
            "plain words ",
            "数据",
            "’",
            "\u{a0}",
            "🙂",
        ];
        let mut below = crate::dice::dice(7);
        for round in 0..400 {
            let text: String = (0..below(300))
                // Some texts have many ends, others few.
                .map(|_| PIECES[16 - 1 - below(if round % 2 == 0 { 16 } else { 8 })])
                .collect();
            lines(&text);
        }
        // More blocks than one sum of bytes takes.
        assert_eq!(lines(&"\n".repeat(64 * 300 + 5)).0, 64 * 300 + 5);
        assert_eq!(lines(&"\r\n".repeat(64 * 300 + 5)).0, 64 * 300 + 5);
    }
}
