//! What the tests of hand-written matchers share.

use crate::clean::Find;
use crate::pattern::{Dialect, Pattern};

/// The default pattern of a mapper.
pub(crate) fn compiled(pattern: &str) -> Pattern {
    Pattern::new("pattern", pattern, Dialect::RegexDotAll).unwrap()
}

/// Checks that `find` finds the matches of `pattern`, all of them.
pub(crate) fn agree(pattern: &Pattern, find: Find, text: &str) {
    let mut want = Vec::new();
    pattern
        .for_each_match(text, false, |spans| want.extend(spans[0]))
        .unwrap();
    let mut got = Vec::new();
    let mut at = 0;
    while let Some(found) = find(text, at) {
        at = found.end;
        got.push((found.start, found.end));
    }
    let shown: String = text.chars().take(200).collect();
    assert!(
        got == want,
        "{shown:?}\n got {:?}\nwant {:?}",
        &got[..got.len().min(9)],
        &want[..want.len().min(9)]
    );
}

/// Random texts of up to 24 pieces of an alphabet, always the same ones.
pub(crate) fn texts<'a>(alphabet: &'a [&'a str], n: usize) -> impl Iterator<Item = String> + 'a {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % below
    };
    (0..n).map(move |_| {
        let length = random(24) + 1;
        (0..length)
            .map(|_| alphabet[random(alphabet.len())])
            .collect()
    })
}
