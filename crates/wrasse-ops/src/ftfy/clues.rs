//! Finds the parts of a text that look like UTF-8 in a single-byte encoding.

use std::ops::Range;
use std::sync::LazyLock;

/// Characters by what their byte may be in UTF-8, in any of the encodings that
/// resemble Latin-1: the first byte of two, three or four, or a later one.
const CLUES: [(u8, &str); 5] = [
    (
        FIRST_OF_2,
        "ĂÂÄĀÅÃÆĆČÇĎĐÉĚÊËĖÈĒĘÐĞĢÍÎÏİÌĪĶĹĻŁŃŇŅÑÓÔÖŐÒŌØÕŘŚŠŞŢÞÚÛÜŰÙŪŲŮÝŹŽŻß×ΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩΪΫάέήίВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ",
    ),
    (
        FIRST_OF_3,
        "áăâäàāąåãæćčçďéěêëėèēęęģíîïìīįķĺļŕźΰαβγδεζηθικλμνξοабвгдежзийклмноп",
    ),
    (FIRST_OF_4, "đðğóšπσру"),
    (
        LATER | LATER_STRICT,
        "\u{80}-¿ĄÆĽŁØŖŚŠŞŤŸŹŽŻŒąæƒľłøŗśšşťźžżœˆˇ˘˛˜˝΄΅ΆΈΉΊΌΎΏЁЂЃЄЅІЇЈЉЊЋЌЎЏёђѓєѕіїјљњћќўџҐґ†‡‰‹›€№™",
    ),
    // A plain space may have been the byte A0. These stand for themselves too
    // often to say anything of the character after them.
    (LATER, " –—―‘’‚“”„•…"),
];

const FIRST_OF_2: u8 = 1;
const FIRST_OF_3: u8 = 2;
const FIRST_OF_4: u8 = 4;
const LATER: u8 = 8;
const LATER_STRICT: u8 = 16;

/// The clues of each character that is one, by character.
static TABLE: LazyLock<Vec<(char, u8)>> = LazyLock::new(|| {
    let mut table = std::collections::BTreeMap::new();
    for (clue, class) in CLUES {
        for c in super::ranges(class).flatten() {
            *table.entry(c).or_default() |= clue;
        }
    }
    table.into_iter().collect()
});

fn clues_of(c: char) -> u8 {
    TABLE
        .binary_search_by_key(&c, |(c, _)| *c)
        .map_or(0, |at| TABLE[at].1)
}

/// The longest runs of what could be characters in UTF-8, leftmost first. A run
/// does not begin within what could be the end of a garbled character.
pub(super) fn sequences(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    let mut before = 0;
    std::iter::from_fn(move || {
        while let Some(c) = text[at..].chars().next() {
            let mut end = at;
            if before & LATER_STRICT == 0 {
                while let Some(len) = character(&text[end..]) {
                    end += len;
                }
            }
            if end > at {
                let found = at..end;
                before = text[found.clone()].chars().next_back().map_or(0, clues_of);
                at = end;
                return Some(found);
            }
            before = clues_of(c);
            at += c.len_utf8();
        }
        None
    })
}

/// The length of the characters that could be one character in UTF-8.
fn character(text: &str) -> Option<usize> {
    let mut chars = text.chars();
    let first = clues_of(chars.next()?);
    let n_later = |n: usize| -> Option<usize> {
        let mut chars = chars.clone();
        for _ in 0..n {
            chars.next().filter(|c| clues_of(*c) & LATER != 0)?;
        }
        Some(text.len() - chars.as_str().len())
    };
    let try_n = |clue, n| (first & clue != 0).then(|| n_later(n)).flatten();
    try_n(FIRST_OF_2, 1)
        .or_else(|| try_n(FIRST_OF_3, 2))
        .or_else(|| try_n(FIRST_OF_4, 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_whole() {
        let text = "数 Ã©Ã¨ and â€œx";
        let found: Vec<&str> = sequences(text).map(|part| &text[part]).collect();
        assert_eq!(found, ["Ã©Ã¨", "â€œ"]);
    }

    #[test]
    fn a_run_does_not_begin_in_a_garble() {
        assert_eq!(sequences("€Ã©").count(), 0);
        assert_eq!(sequences("•Ã©").count(), 1);
    }
}
