//! How often each run of `n` characters or words occurs in a text.
//!
//! Two passes over rolling hashes. The first marks in a small bitmap, for each
//! hash bucket, whether it was met once or again. Most runs of a usual text are
//! alone in their bucket, thus unique; the second pass counts only the others,
//! in a table that compares the runs themselves, so that the result is exact
//! whatever the hashes are. Long texts are counted in parts, by hash, so that
//! bitmap and table stay small.

use std::cell::RefCell;
use std::ops::Range;

use crate::words::LoweredWords;

/// How often the runs of one text occur.
#[derive(Debug, PartialEq)]
pub(crate) struct Frequencies {
    /// Runs, counted each time they occur.
    pub(crate) total: usize,
    /// By frequency below [`FEW`]: how many different runs have it.
    few: [usize; FEW],
    /// The other frequencies, in no order.
    many: Vec<u32>,
}

/// A list of all frequencies could outgrow a long text; most are small.
const FEW: usize = 64;

impl Frequencies {
    /// Counts the runs of `n` characters; there are none if the text is shorter.
    pub(crate) fn of_chars(text: &str, n: usize) -> Self {
        let bytes = text.as_bytes();
        if text.is_ascii() {
            let symbols = bytes.iter().map(|byte| (u64::from(*byte), 1));
            Runs { bytes, symbols, n }.count(text.len())
        } else {
            let symbols = text.chars().map(|c| (u64::from(c), c.len_utf8()));
            Runs { bytes, symbols, n }.count(text.len())
        }
    }

    /// Counts the runs of `n` words; there are none if there are fewer.
    pub(crate) fn of_words(words: &LoweredWords, n: usize) -> Self {
        // The space behind each word belongs to it, or `a b` would be found
        // in `a bc`.
        let hashes: Vec<(u64, usize)> = words
            .iter()
            .map(|word| (hash_word(word), word.len() + 1))
            .collect();
        let runs = Runs {
            bytes: words.joined().as_bytes(),
            symbols: hashes.iter().copied(),
            n,
        };
        runs.count(words.len())
    }

    /// Number of runs that occur once.
    pub(crate) fn n_unique(&self) -> usize {
        self.few[1]
    }

    /// Number of different runs.
    pub(crate) fn n_distinct(&self) -> usize {
        self.few.iter().sum::<usize>() + self.many.len()
    }

    /// The sum of the `n` highest frequencies.
    pub(crate) fn sum_of_highest(&mut self, n: usize) -> usize {
        self.many.sort_unstable_by(|a, b| b.cmp(a));
        let mut sum: usize = self.many.iter().take(n).map(|count| *count as usize).sum();
        let mut left = n.saturating_sub(self.many.len());
        for (count, n_runs) in self.few.iter().enumerate().rev() {
            sum += count * left.min(*n_runs);
            left = left.saturating_sub(*n_runs);
        }
        sum
    }

    fn add(&mut self, count: u32) {
        match self.few.get_mut(count as usize) {
            Some(n_runs) => *n_runs += 1,
            None => self.many.push(count),
        }
    }
}

/// The runs of `n` symbols; each symbol stands for so many of the bytes.
struct Runs<'a, S> {
    bytes: &'a [u8],
    symbols: S,
    n: usize,
}

impl<S: Iterator<Item = (u64, usize)> + Clone> Runs<'_, S> {
    /// Calls `visit` with the hash of each run and its bytes.
    #[inline(always)]
    fn each(&self, mut visit: impl FnMut(u64, Range<usize>)) {
        let mut enters = self.symbols.clone();
        let mut hash = 0_u64;
        let mut run = 0..0;
        let mut leaving_weight = WEIGHT;
        for _ in 0..self.n {
            let Some((symbol, len)) = enters.next() else {
                return;
            };
            hash = hash
                .wrapping_mul(BASE)
                .wrapping_add(symbol.wrapping_mul(WEIGHT));
            leaving_weight = leaving_weight.wrapping_mul(BASE);
            run.end += len;
        }
        visit(hash, run.clone());
        let mut leaves = self.symbols.clone();
        while let (Some((new, new_len)), Some((old, old_len))) = (enters.next(), leaves.next()) {
            let change = new
                .wrapping_mul(WEIGHT)
                .wrapping_sub(old.wrapping_mul(leaving_weight));
            hash = hash.wrapping_mul(BASE).wrapping_add(change);
            run = run.start + old_len..run.end + new_len;
            visit(hash, run.clone());
        }
    }

    /// Counts the runs; there are at most `n_runs_max`.
    fn count(&self, n_runs_max: usize) -> Frequencies {
        SCRATCH.with_borrow_mut(|scratch| {
            let n_parts = n_runs_max.div_ceil(PART_RUNS).max(1);
            let mut counted = Frequencies {
                total: 0,
                few: [0; FEW],
                many: Vec::new(),
            };
            for part in 0..n_parts {
                self.count_part(part, n_parts, n_runs_max / n_parts, scratch, &mut counted);
            }
            scratch.table.shrink();
            counted
        })
    }

    fn count_part(
        &self,
        part: usize,
        n_parts: usize,
        n_runs: usize,
        scratch: &mut Scratch,
        counted: &mut Frequencies,
    ) {
        let Scratch { marks, table } = scratch;
        // The upper bits choose the bucket, the middle ones the part.
        let elsewhere = |hash: u64| {
            n_parts > 1 && (((hash >> 16) & 0xffff_ffff) as usize * n_parts) >> 32 != part
        };
        let log2_buckets = (n_runs * BUCKETS_PER_RUN)
            .next_power_of_two()
            .ilog2()
            .max(6);
        let shift = 64 - log2_buckets;
        marks.clear();
        marks.resize(1 << (log2_buckets - 6), Mark::default());
        let mut n_runs = 0;
        let mut n_met_again = 0;
        self.each(|hash, _| {
            if elsewhere(hash) {
                return;
            }
            let bucket = (hash >> shift) as usize;
            let mark = &mut marks[bucket >> 6];
            let again = mark.once >> (bucket & 63) & 1;
            mark.again |= again << (bucket & 63);
            mark.once |= 1 << (bucket & 63);
            n_met_again += again as usize;
            n_runs += 1;
        });
        counted.total += n_runs;
        if n_met_again == 0 {
            counted.few[1] += n_runs;
            return;
        }
        table.clear_for(n_met_again);
        let mut n_looked_up = 0;
        self.each(|hash, run| {
            let bucket = (hash >> shift) as usize;
            if marks[bucket >> 6].again >> (bucket & 63) & 1 == 1 && !elsewhere(hash) {
                table.add(hash, run, self.bytes);
                n_looked_up += 1;
            }
        });
        counted.few[1] += n_runs - n_looked_up;
        for entry in table.entries.iter().filter(|entry| entry.count > 0) {
            counted.add(entry.count);
        }
    }
}

/// Runs that are counted in one part.
const PART_RUNS: usize = 1 << 20;
const BUCKETS_PER_RUN: usize = 8;

/// Odd numbers without a pattern: digits of pi and of the golden ratio.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;
const WEIGHT: u64 = 0x243f_6a88_85a3_08d3;

/// Mixes the bytes of a word, eight at a time.
fn hash_word(word: &str) -> u64 {
    word.as_bytes()
        .chunks(8)
        .fold(word.len() as u64, |hash, chunk| {
            let mut eight = [0; 8];
            eight[..chunk.len()].copy_from_slice(chunk);
            let mixed = (hash ^ u64::from_le_bytes(eight)).wrapping_mul(BASE);
            mixed ^ mixed >> 32
        })
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Memory that is kept from text to text.
#[derive(Default)]
struct Scratch {
    marks: Vec<Mark>,
    table: Table,
}

/// Whether 64 buckets were met once, and again.
#[derive(Clone, Copy, Default)]
struct Mark {
    once: u64,
    again: u64,
}

/// Counts of runs: open addressing, at most half full.
#[derive(Default)]
struct Table {
    entries: Vec<Entry>,
    n_used: usize,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    /// Half of the hash; its lower bits choose the entry.
    tag: u32,
    /// Where the run begins that was met first.
    start: usize,
    /// 0 marks a free entry.
    count: u32,
}

impl Table {
    const ENTRIES_MIN: usize = 64;
    /// What one text may leave behind for the next.
    const ENTRIES_KEPT: usize = 1 << 16;

    /// Makes room for about `n_runs` different ones.
    fn clear_for(&mut self, n_runs: usize) {
        let len = (2 * n_runs).next_power_of_two();
        self.n_used = 0;
        self.entries.clear();
        self.entries.resize(
            len.clamp(Self::ENTRIES_MIN, Self::ENTRIES_KEPT),
            Entry::default(),
        );
    }

    fn shrink(&mut self) {
        if self.entries.capacity() > Self::ENTRIES_KEPT {
            *self = Self::default();
        }
    }

    #[inline]
    fn add(&mut self, hash: u64, run: Range<usize>, bytes: &[u8]) {
        let mask = self.entries.len() - 1;
        // Runs that meet here share upper bits, so lower ones are mixed in.
        let tag = ((hash ^ hash >> 32).wrapping_mul(WEIGHT) >> 32) as u32;
        let mut at = tag as usize;
        loop {
            let entry = &mut self.entries[at & mask];
            if entry.count == 0 {
                *entry = Entry {
                    tag,
                    start: run.start,
                    count: 1,
                };
                self.n_used += 1;
                if self.n_used * 2 > self.entries.len() {
                    self.grow();
                }
                return;
            }
            if entry.tag == tag && same(bytes, entry.start, run.start, run.len()) {
                entry.count = entry.count.saturating_add(1);
                return;
            }
            at += 1;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let len = self.entries.len() * 2;
        let old = std::mem::replace(&mut self.entries, vec![Entry::default(); len]);
        for entry in old.into_iter().filter(|entry| entry.count > 0) {
            let mut at = entry.tag as usize;
            while self.entries[at & (len - 1)].count > 0 {
                at += 1;
            }
            self.entries[at & (len - 1)] = entry;
        }
    }
}

/// Whether the `len` bytes at `a` equal those at `b`; like a comparison of
/// slices, but without a call for the usual ten bytes.
#[inline]
fn same(bytes: &[u8], a: usize, b: usize, len: usize) -> bool {
    let eight = |at: usize| bytes[at..].first_chunk::<8>();
    if (8..=16).contains(&len) {
        eight(a) == eight(b) && eight(a + len - 8) == eight(b + len - 8)
    } else {
        bytes[a..].starts_with(&bytes[b..b + len])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use wrasse_op::Derived;

    use super::*;

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
        assert_same(
            Frequencies::of_chars(text, n),
            &want,
            &format!("{n} of {start:?}"),
        );
    }

    /// Text with many repetitions, of `n_kinds` characters from `first` on.
    fn babble(first: char, n_kinds: u64, len: usize) -> String {
        let mut state = 7_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let code = first as u32 + (state >> 33).wrapping_rem(n_kinds) as u32;
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
        let piece = babble('a', 20, PART_RUNS * 3 / 4);
        let twice = piece.repeat(2);
        let once = Frequencies::of_chars(&piece, 30);
        assert_eq!(
            (once.total, once.n_unique()),
            (piece.len() - 29, piece.len() - 29)
        );
        let both = Frequencies::of_chars(&twice, 30);
        assert_eq!(both.total, twice.len() - 29);
        assert_eq!((both.n_unique(), both.n_distinct()), (29, piece.len()));
        let mut same = Frequencies::of_chars(&"a".repeat(2 * PART_RUNS), 10);
        assert_eq!((same.n_distinct(), same.sum_of_highest(1)), (1, same.total));
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
        let got = Frequencies::of_chars(&text, 1 << 12);
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
            let list: Vec<String> = words.iter().map(str::to_owned).collect();
            for n in [1, 2, 3, 10, 100_000] {
                let want = by_dictionary(list.windows(n).map(<[String]>::to_vec));
                let context = format!("{n} of {text:?}");
                assert_same(Frequencies::of_words(&words, n), &want, &context);
            }
        }
    }
}
