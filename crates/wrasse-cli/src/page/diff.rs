//! What changed from one text to another, word by word.

use super::escape;

/// Tokens that are compared on each side: the time goes by the product.
const TOKENS_MAX: usize = 400;

/// How a run of text came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edit {
    Same,
    Removed,
    Added,
}

/// The change as HTML. Both texts may be cut at the same length `chars`: what
/// then differs at the end may be there in the rest, and is not shown.
pub(crate) fn diff(before: &str, after: &str, chars: usize) -> String {
    let mut runs = runs(&tokens(before), &tokens(after));
    let is_cut = |text: &str| text.chars().count() >= chars;
    let mut end = "";
    if is_cut(before) || is_cut(after) {
        if let Some(last) = runs.iter().rposition(|(edit, _)| *edit == Edit::Same) {
            runs.truncate(last + 1);
        }
        end = "…";
    }
    let mut out = String::new();
    for (edit, text) in runs {
        match edit {
            Edit::Same => out.push_str(&escape(&text)),
            Edit::Removed => {
                let text = visible(&text);
                out.push_str(&format!("<del>{}</del>", escape(&text)));
            }
            Edit::Added => {
                let text = visible(&text);
                out.push_str(&format!("<ins>{}</ins>", escape(&text)));
            }
        }
    }
    out + end
}

/// Words, runs of the same space, and every other sign by itself. Scripts
/// without spaces go by the character.
fn tokens(text: &str) -> Vec<&str> {
    #[derive(PartialEq)]
    enum Kind {
        Word,
        Space(char),
        Alone,
    }
    let kind = |c: char| match c {
        c if c.is_whitespace() => Kind::Space(c),
        // From the CJK radicals on.
        c if c.is_alphanumeric() && c < '\u{2e80}' => Kind::Word,
        _ => Kind::Alone,
    };
    let mut tokens = Vec::new();
    let mut start = 0;
    let mut last: Option<Kind> = None;
    for (at, c) in text.char_indices() {
        let kind = kind(c);
        if at > start && (last.as_ref() != Some(&kind) || kind == Kind::Alone) {
            tokens.push(&text[start..at]);
            start = at;
        }
        last = Some(kind);
    }
    if start < text.len() {
        tokens.push(&text[start..]);
    }
    tokens.truncate(TOKENS_MAX);
    tokens
}

/// The shortest way from one to the other, as runs.
fn runs(before: &[&str], after: &[&str]) -> Vec<(Edit, String)> {
    // The longest common subsequence of what is left from (i, j) on.
    let width = after.len() + 1;
    let mut longest = vec![0u16; (before.len() + 1) * width];
    for i in (0..before.len()).rev() {
        for j in (0..after.len()).rev() {
            longest[i * width + j] = match before[i] == after[j] {
                true => longest[(i + 1) * width + j + 1] + 1,
                false => longest[(i + 1) * width + j].max(longest[i * width + j + 1]),
            };
        }
    }
    let mut runs: Vec<(Edit, String)> = Vec::new();
    let mut push = |edit: Edit, token: &str| match runs.last_mut() {
        Some((last, text)) if *last == edit => text.push_str(token),
        _ => runs.push((edit, token.to_owned())),
    };
    let (mut i, mut j) = (0, 0);
    while i < before.len() || j < after.len() {
        if i < before.len() && j < after.len() && before[i] == after[j] {
            push(Edit::Same, before[i]);
            (i, j) = (i + 1, j + 1);
        } else if j == after.len()
            || (i < before.len() && longest[(i + 1) * width + j] >= longest[i * width + j + 1])
        {
            push(Edit::Removed, before[i]);
            i += 1;
        } else {
            push(Edit::Added, after[j]);
            j += 1;
        }
    }
    runs
}

/// What cannot be seen, as something that can.
fn visible(text: &str) -> String {
    let is_blank = text.chars().all(char::is_whitespace);
    let mut out = String::new();
    for c in text.chars() {
        match c {
            ' ' if is_blank => out.push('·'),
            '\n' if is_blank => out.push_str("⏎\n"),
            '\t' if is_blank => out.push('⇥'),
            ' ' | '\n' | '\t' => out.push(c),
            '\r' => out.push('␍'),
            c if c.is_whitespace() || c.is_control() || is_zero_width(c) => {
                out.push_str(&format!("⟨U+{:04X}⟩", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

fn is_zero_width(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_went_and_came_are_marked() {
        let cases = [
            (
                "low tide at noon",
                "low tide",
                "low tide<del> at noon</del>",
            ),
            (
                "the old harbor",
                "the new harbor",
                "the <del>old</del><ins>new</ins> harbor",
            ),
            ("a  b", "a b", "a<del>··</del><ins>·</ins>b"),
            ("a\u{a0}b", "a b", "a<del>⟨U+00A0⟩</del><ins>·</ins>b"),
            ("数据集", "数集", "数<del>据</del>集"),
            (
                "<p>x</p>",
                "x",
                "<del>&lt;p&gt;</del>x<del>&lt;/p&gt;</del>",
            ),
            ("", "x", "<ins>x</ins>"),
            ("same", "same", "same"),
        ];
        for (before, after, want) in cases {
            assert_eq!(diff(before, after, 100), want, "{before} -> {after}");
        }
    }

    #[test]
    fn what_a_cut_hides_is_no_change() {
        let before = "x one two three four";
        let after = "one two three four five";
        assert_eq!(diff(before, after, 20), "<del>x </del>one two three four…");
    }
}
