//! How often each run of `n` characters or words occurs in a text.
//!
//! One pass of a rolling hash over the text. A run whose slot of the table is
//! free takes it, without a branch; the others wait in a short list, and are
//! then compared with what their slots hold. Runs are compared themselves, not
//! their hashes, so that the counts are exact. The runs of long texts are first
//! sorted into parts, by hash, so that the table stays in the cache.

mod table;

use std::cell::RefCell;

use wrasse_op::{OpError, Text};

use crate::words::LoweredWords;

use table::{Scratch, Table};

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
        check_size(text.as_bytes())?;
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
            bytes: words.joined(),
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
fn check_size(text: &[u8]) -> Result<(), OpError> {
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
fn hash_word(word: &[u8]) -> u64 {
    word.chunks(8).fold(word.len() as u64, |hash, chunk| {
        let mut eight = [0; 8];
        eight[..chunk.len()].copy_from_slice(chunk);
        let mixed = (hash ^ u64::from_le_bytes(eight)).wrapping_mul(BASE);
        mixed ^ mixed >> 32
    })
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

#[cfg(test)]
mod tests;
