//! How often each run of `n` characters or words occurs in a text.
//!
//! One pass of a rolling hash over the text. A run whose slot of the table is
//! free takes it, without a branch; the others wait in a short list, and are
//! then compared with what their slots hold. Runs are compared themselves, not
//! their hashes, so that the counts are exact. The runs of long texts are first
//! sorted into parts, by hash, so that the table stays in the cache.

use std::cell::RefCell;

use wrasse_op::{OpError, Text};

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
    const NONE: Self = Self {
        total: 0,
        few: [0; FEW],
        many: Vec::new(),
    };

    /// Counts the runs of `n` characters; there are none if the text is shorter.
    ///
    /// # Errors
    ///
    /// If the text has 4 GiB or more.
    pub(crate) fn of_chars(text: &Text, n: usize) -> Result<Self, OpError> {
        check_size(text)?;
        let bytes = text.as_bytes();
        let n_runs = (text.n_chars() + 1).saturating_sub(n);
        Ok(if text.n_chars() == text.len() {
            let symbols = bytes.iter().map(|byte| (u64::from(*byte), 1));
            Runs { bytes, symbols, n }.count(n_runs)
        } else {
            let symbols = text.chars().map(|c| (u64::from(c), c.len_utf8()));
            Runs { bytes, symbols, n }.count(n_runs)
        })
    }

    /// Counts the runs of `n` words; there are none if there are fewer.
    ///
    /// # Errors
    ///
    /// If the words have 4 GiB or more.
    pub(crate) fn of_words(words: &LoweredWords, n: usize) -> Result<Self, OpError> {
        check_size(words.joined())?;
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
        Ok(runs.count((words.len() + 1).saturating_sub(n)))
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
    /// Counts the runs, of which there are `n_runs`.
    fn count(&self, n_runs: usize) -> Frequencies {
        SCRATCH.with_borrow_mut(|scratch| {
            let counted = if n_runs > PART_RUNS {
                // Not if most hashes are of one part: a text made to do that.
                self.count_in_parts(n_runs, scratch)
            } else {
                None
            };
            let counted = counted.unwrap_or_else(|| {
                let mut table = Table::new(std::mem::take(scratch), n_runs, self.bytes);
                table.count(Rolling::new(&self.symbols, self.n));
                let mut counted = Frequencies::NONE;
                let fits = table.finish(&mut counted);
                *scratch = table.scratch;
                assert!(fits, "a table has room for twice the runs");
                counted
            });
            scratch.shrink();
            counted
        })
    }

    /// Sorts the runs into parts by hash, some parts at a time, and counts
    /// each part in a table that fits into the cache. `None` if a table
    /// overflows.
    fn count_in_parts(&self, n_runs: usize, scratch: &mut Scratch) -> Option<Frequencies> {
        let mut counted = Frequencies::NONE;
        let n_groups = n_runs.div_ceil(PART_RUNS * GROUP_PARTS);
        let n_parts = n_groups * GROUP_PARTS;
        // The upper bits choose the slot, others the part.
        let part_of = |hash: u64| (((hash >> 16) & 0xffff_ffff) as usize * n_parts) >> 32;
        let n_part_runs = n_runs / n_parts + 1;
        let mut parts: Vec<Part<'_>> = (0..GROUP_PARTS).map(|_| Part::default()).collect();
        for group in 0..n_groups {
            for run in Rolling::new(&self.symbols, self.n) {
                let part = part_of(run.hash);
                if part / GROUP_PARTS != group {
                    continue;
                }
                let part = &mut parts[part % GROUP_PARTS];
                part.runs.push(PackedRun::of(&run));
                if part.runs.len() == PART_RUNS_MAX {
                    let own = || Table::new(Scratch::default(), n_part_runs, self.bytes);
                    let table = part.table.get_or_insert_with(own);
                    table.count(part.runs.drain(..).map(PackedRun::run));
                }
            }
            for part in &mut parts {
                let shared = || Table::new(std::mem::take(scratch), n_part_runs, self.bytes);
                let mut table = part.table.take().unwrap_or_else(shared);
                table.count(part.runs.drain(..).map(PackedRun::run));
                let fits = table.finish(&mut counted);
                *scratch = table.scratch;
                if !fits {
                    return None;
                }
            }
        }
        Some(counted)
    }
}

/// Runs that are counted in one part.
const PART_RUNS: usize = 1 << 15;
/// Runs of a part that wait for their table; one frequent run can be all of a
/// text.
const PART_RUNS_MAX: usize = 2 * PART_RUNS;
/// Parts that are collected in one pass over the text: 12 MiB of runs, and at
/// most 24 MiB with 32 MiB of tables.
const GROUP_PARTS: usize = 32;

/// The runs of one part.
#[derive(Default)]
struct Part<'a> {
    runs: Vec<PackedRun>,
    /// Of its own, once there were more runs than may wait.
    table: Option<Table<'a>>,
}

/// Runs in their order, with a hash that rolls on from one to the next.
struct Rolling<S> {
    enters: S,
    leaves: S,
    hash: u64,
    start: usize,
    end: usize,
    /// What the symbol adds to the hash that is to leave it next.
    leaving: u64,
    /// [`WEIGHT`] of a symbol that leaves.
    leaving_weight: u64,
}

struct Run {
    hash: u64,
    start: usize,
    end: usize,
}

/// A run on its way to its part.
#[derive(Clone)]
struct PackedRun {
    upper_hash: u32,
    start: u32,
    end: u32,
}

impl PackedRun {
    fn of(run: &Run) -> Self {
        Self {
            upper_hash: (run.hash >> 32) as u32,
            start: run.start as u32,
            end: run.end as u32,
        }
    }

    fn run(self) -> Run {
        Run {
            hash: u64::from(self.upper_hash) << 32,
            start: self.start as usize,
            end: self.end as usize,
        }
    }
}

impl<S: Iterator<Item = (u64, usize)> + Clone> Rolling<S> {
    fn new(symbols: &S, n: usize) -> Self {
        let mut enters = symbols.clone();
        let (mut hash, mut end, mut leaving_weight) = (0_u64, 0, WEIGHT.wrapping_mul(BASE));
        // If the text ends here already, there is no run.
        for (symbol, len) in enters.by_ref().take(n - 1) {
            hash = hash
                .wrapping_mul(BASE)
                .wrapping_add(symbol.wrapping_mul(WEIGHT));
            leaving_weight = leaving_weight.wrapping_mul(BASE);
            end += len;
        }
        Self {
            enters,
            leaves: symbols.clone(),
            hash,
            start: 0,
            end,
            leaving: 0,
            leaving_weight,
        }
    }
}

impl<S: Iterator<Item = (u64, usize)>> Iterator for Rolling<S> {
    type Item = Run;

    #[inline(always)]
    fn next(&mut self) -> Option<Run> {
        let (new, new_len) = self.enters.next()?;
        let (old, old_len) = self.leaves.next()?;
        let change = new.wrapping_mul(WEIGHT).wrapping_sub(self.leaving);
        self.hash = self.hash.wrapping_mul(BASE).wrapping_add(change);
        self.end += new_len;
        let run = Run {
            hash: self.hash,
            start: self.start,
            end: self.end,
        };
        self.leaving = old.wrapping_mul(self.leaving_weight);
        self.start += old_len;
        Some(run)
    }
}

/// Odd numbers without a pattern: digits of pi and of the golden ratio.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;
const WEIGHT: u64 = 0x243f_6a88_85a3_08d3;

/// The table holds positions of 32 bits.
fn check_size(text: &str) -> Result<(), OpError> {
    if u32::try_from(text.len()).is_ok_and(|len| len < u32::MAX) {
        Ok(())
    } else {
        Err(OpError::bad_sample(format!(
            "expected a text below 4 GiB, found {} bytes",
            text.len()
        )))
    }
}

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
    slots: Vec<Slot>,
    repeated: Vec<u32>,
    pending: Vec<Pending>,
}

impl Scratch {
    /// What one text may leave behind for the next: 1 MiB.
    const SLOTS_KEPT: usize = 1 << 17;

    fn shrink(&mut self) {
        if self.slots.capacity() > Self::SLOTS_KEPT {
            *self = Self::default();
        }
    }
}

/// A place for one run.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// Where the run begins that was met first, plus 1; 0 if the slot is free.
    first: u32,
    /// How often the run was met after that.
    again: u32,
}

/// A run that found its slot taken.
#[derive(Clone, Copy, Default)]
struct Pending {
    slot: u32,
    start: u32,
    end: u32,
}

const PENDING: usize = 256;

/// Counts of runs: open addressing, at most half full in one part.
struct Table<'a> {
    bytes: &'a [u8],
    scratch: Scratch,
    n_used: usize,
    n_runs: usize,
    shift: u32,
    overflows: bool,
}

impl<'a> Table<'a> {
    const LOG2_SLOTS_MIN: u32 = 6;

    fn new(mut scratch: Scratch, n_runs: usize, bytes: &'a [u8]) -> Self {
        // Few collisions while it fits into the nearest cache, few misses then.
        let slots_per_run = if n_runs <= 1 << 14 { 4 } else { 2 };
        let log2_slots = (slots_per_run * n_runs).next_power_of_two().ilog2();
        let log2_slots = log2_slots.max(Self::LOG2_SLOTS_MIN);
        scratch.slots.clear();
        scratch.slots.resize(1 << log2_slots, Slot::default());
        scratch.repeated.clear();
        scratch.pending.resize(PENDING, Pending::default());
        Self {
            bytes,
            scratch,
            n_used: 0,
            n_runs: 0,
            shift: 64 - log2_slots,
            overflows: false,
        }
    }

    #[inline(always)]
    fn count(&mut self, mut runs: impl Iterator<Item = Run>) {
        let mut n_met = PENDING;
        while n_met == PENDING {
            n_met = 0;
            let mut n_pending = 0;
            let Scratch { slots, pending, .. } = &mut self.scratch;
            let pending: &mut [Pending; PENDING] =
                pending.first_chunk_mut().expect("it has that length");
            for run in runs.by_ref().take(PENDING) {
                let at = (run.hash >> self.shift) as usize;
                let slot = &mut slots[at];
                let is_free = slot.first == 0;
                slot.first = if is_free {
                    run.start as u32 + 1
                } else {
                    slot.first
                };
                // Written in any case, counted if need be: no branch to
                // mispredict.
                pending[n_pending % PENDING] = Pending {
                    slot: at as u32,
                    start: run.start as u32,
                    end: run.end as u32,
                };
                n_pending += usize::from(!is_free);
                n_met += 1;
            }
            self.n_runs += n_met;
            self.n_used += n_met - n_pending;
            self.settle(n_pending);
        }
    }

    /// Finds the slots of the pending runs.
    #[inline(never)]
    fn settle(&mut self, n_pending: usize) {
        let Scratch {
            slots,
            repeated,
            pending,
        } = &mut self.scratch;
        if self.n_used + n_pending >= slots.len() {
            self.overflows = true;
            return;
        }
        let mask = slots.len() - 1;
        for run in &pending[..n_pending] {
            let (start, len) = (run.start as usize, (run.end - run.start) as usize);
            let mut at = run.slot as usize;
            loop {
                let slot = &mut slots[at];
                if slot.first == 0 {
                    slot.first = run.start + 1;
                    self.n_used += 1;
                    break;
                }
                if same(self.bytes, slot.first as usize - 1, start, len) {
                    if slot.again == 0 {
                        repeated.push(at as u32);
                    }
                    slot.again += 1;
                    break;
                }
                at = (at + 1) & mask;
            }
        }
    }

    /// Adds the counts; false if the table was too small for them.
    fn finish(&self, counted: &mut Frequencies) -> bool {
        counted.total += self.n_runs;
        let Scratch {
            slots, repeated, ..
        } = &self.scratch;
        counted.few[1] += self.n_used - repeated.len();
        for at in repeated {
            counted.add(slots[*at as usize].again + 1);
        }
        !self.overflows
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
            let list: Vec<String> = words.iter().map(str::to_owned).collect();
            for n in [1, 2, 3, 10, 100_000] {
                let want = by_dictionary(list.windows(n).map(<[String]>::to_vec));
                let context = format!("{n} of {text:?}");
                assert_same(Frequencies::of_words(&words, n).unwrap(), &want, &context);
            }
        }
    }
}
