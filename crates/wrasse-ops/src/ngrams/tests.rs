//! Counts compared with those of a dictionary.

use std::collections::HashMap;

use wrasse_op::Derived;

use super::table::{Scratch, Table};
use super::*;

fn of_chars(text: &str, n: usize) -> Frequencies {
    Frequencies::of_chars(&Text::new(text), n).unwrap()
}

/// What Python's dictionary would hold, frequencies in falling order.
fn by_dictionary(runs: impl Iterator<Item = Vec<String>>) -> Vec<usize> {
    let mut counts: HashMap<Vec<String>, usize> = HashMap::new();
    for run in runs {
        *counts.entry(run).or_default() += 1;
    }
    let mut counts: Vec<usize> = counts.into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    counts
}

fn assert_same(mut got: Frequencies, want: &[usize], context: &str) {
    assert_eq!(got.total, want.iter().sum::<usize>(), "{context}");
    assert_eq!(got.n_distinct(), want.len(), "{context}");
    let unique = want.iter().filter(|count| **count == 1).count();
    assert_eq!(got.n_unique(), unique, "{context}");
    for n in [0, 1, 2, 5, 100, want.len(), want.len() + 1] {
        let sum = want.iter().take(n).sum::<usize>();
        assert_eq!(got.sum_of_highest(n), sum, "{context}: {n} highest");
    }
}

fn assert_chars(text: &str, n: usize) {
    let chars: Vec<String> = text.chars().map(String::from).collect();
    let want = by_dictionary(chars.windows(n).map(<[String]>::to_vec));
    let start: String = text.chars().take(40).collect();
    assert_same(of_chars(text, n), &want, &format!("{n} of {start:?}"));
}

/// Text with many repetitions, of `n_kinds` characters from `first` on.
fn babble(first: char, n_kinds: u64, len: usize) -> String {
    let mut below = crate::dice::dice(7);
    let mut next = || {
        let code = first as u32 + below(n_kinds as usize) as u32;
        char::from_u32(code).unwrap_or('?')
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn frequencies_of_characters_are_those_of_a_dictionary() {
    for text in [
        "",
        "a",
        "ab",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "abcabcabcabc",
        "数据集数据集",
        "👨\u{200d}👩\u{200d}👧 👨\u{200d}👩\u{200d}👧",
        "e\u{301}e\u{301}éé",
    ] {
        for n in [1, 2, 3, 9, 10, 27, 28, 1000] {
            assert_chars(text, n);
        }
    }
    for n_kinds in [1, 2, 5, 60] {
        for n in [1, 2, 4, 10] {
            assert_chars(&babble('A', n_kinds, 3000), n);
            assert_chars(&babble('é', n_kinds, 3000), n);
            assert_chars(&babble('一', n_kinds, 3000), n);
        }
    }
}

#[test]
fn long_texts_are_counted_in_parts() {
    assert_chars(&babble('a', 12, 5 * PART_RUNS / 2), 4);
    assert_chars(&babble('é', 12, 5 * PART_RUNS / 2), 4);
    let piece = babble('a', 20, PART_RUNS * GROUP_PARTS * 3 / 4);
    let twice = piece.repeat(2);
    let once = of_chars(&piece, 30);
    assert_eq!(
        (once.total, once.n_unique()),
        (piece.len() - 29, piece.len() - 29)
    );
    let both = of_chars(&twice, 30);
    assert_eq!(both.total, twice.len() - 29);
    assert_eq!((both.n_unique(), both.n_distinct()), (29, piece.len()));
    // One part has all the runs, and a table of its own.
    let mut same = of_chars(&"a".repeat(5 * PART_RUNS_MAX / 2), 10);
    assert_eq!((same.n_distinct(), same.sum_of_highest(1)), (1, same.total));
}

#[test]
fn a_table_says_when_it_overflows() {
    let text = babble('a', 26, 1000);
    let symbols = text.bytes().map(|byte| (u64::from(byte), 1));
    for (n_runs, fits) in [(1000, true), (40, false)] {
        let mut table = Table::new(Scratch::default(), n_runs, text.as_bytes());
        table.count(Rolling::new(&symbols, 20));
        assert_eq!(table.finish(&mut { Frequencies::NONE }), fits);
    }
}

#[test]
fn texts_that_fool_the_hash_are_counted_right() {
    // Thue-Morse words and their complements have equal polynomial hashes
    // modulo a power of two, whatever the base is.
    let word: String = (0..1 << 12_u32)
        .map(|i: u32| {
            if i.count_ones().is_multiple_of(2) {
                'a'
            } else {
                'b'
            }
        })
        .collect();
    let complement: String = word
        .chars()
        .map(|c| if c == 'a' { 'b' } else { 'a' })
        .collect();
    let text = format!("{word}{complement}");
    let got = of_chars(&text, 1 << 12);
    assert_eq!((got.total, got.n_unique()), ((1 << 12) + 1, (1 << 12) + 1));
}

#[test]
fn frequencies_of_words_are_those_of_a_dictionary() {
    for text in [
        "",
        "one",
        "a b a b a b",
        "a b a bc a b a bc",
        "ab c a bc",
        "longerthaneight longerthaneighu longerthaneight",
        &"x yy zzz ".repeat(50),
        &babble(' ', 90, 5000),
    ] {
        let words = LoweredWords::derive(text);
        let owned = |word: &[u8]| String::from_utf8(word.to_vec()).unwrap();
        let list: Vec<String> = words.iter().map(owned).collect();
        for n in [1, 2, 3, 10, 100_000] {
            let want = by_dictionary(list.windows(n).map(<[String]>::to_vec));
            let context = format!("{n} of {text:?}");
            assert_same(Frequencies::of_words(&words, n).unwrap(), &want, &context);
        }
    }
}
