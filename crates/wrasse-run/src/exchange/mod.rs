//! [`ExchangeStore`]: samples that wait, in memory or on disk, until all have
//! come, and what is then decided over them.
//!
//! Blocks come in input order, each with all that was recorded on its way, and
//! lie one behind the other:
//!
//! ```text
//!   rows   (accounting and records) (columnar batches) (ends of samples) (samples)  ...
//!   keys   (length, key) (length, key) ...
//! ```
//!
//! When the exchange is closed the operator decides over the keys. Its output
//! is then read as *splits*, by any thread. Where samples stay in their order
//! there is one for each block. Otherwise there is first one for each block,
//! for what was recorded with it and for the samples that go no further, and
//! then one for each run of selected samples or groups.

mod keys;
mod output;
pub(crate) mod packed;
mod spool;

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wrasse_core::{Columns, Origin, Sample};
use wrasse_op::{Decision, OpError};

use self::keys::KeysOf;
use self::packed::{PackedSamples, unpack, unpack_batches};
pub use self::spool::Spool;
use crate::clusters::Copies;
use crate::examples::Examples;
use crate::pass::{BlockState, Pass, guarded};
use crate::{Records, Tally};

/// Blocks whose batches are kept at hand while samples are read out of order.
const BLOCKS_AT_HAND: usize = 16;

/// A packed sample begins with its origin, in so many bytes at the most.
const ORIGIN_BYTES: u64 = 20;

/// The samples of one exchange.
#[derive(Debug)]
pub struct ExchangeStore {
    /// The operator, as an index into the plan's.
    op: usize,
    rows: Spool,
    keys: Spool,
    blocks: Vec<Kept>,
    n_samples: u32,
    sample_bytes: u64,
    settled: Option<Settled>,
}

/// A block in the store.
#[derive(Clone, Debug)]
struct Kept {
    offset: u64,
    head_bytes: u64,
    batches_bytes: u64,
    sample_bytes: u64,
    /// The number of its first sample.
    first: u32,
    n_samples: u32,
}

/// What was recorded with a block before it came here.
#[derive(Default, Serialize, Deserialize)]
struct Head {
    tally: Tally,
    rejects: Records,
    dropped: Records,
    clusters: Records,
    copies: Vec<Copies>,
    examples: Examples,
}

/// What was decided.
struct Settled {
    decision: Decision,
    /// The runs of [`Decision::Order`] or [`Decision::Groups`] that are a split
    /// each.
    runs: Vec<Range<usize>>,
    /// Samples that are in none of them, by number: a bit each.
    left_out: Vec<u64>,
    /// Duplicates by number, those of one sample together and in order, if
    /// clusters are recorded.
    duplicates: Vec<u32>,
}

impl std::fmt::Debug for Settled {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let runs = self.runs.len();
        write!(formatter, "Settled({runs} runs)")
    }
}

impl ExchangeStore {
    /// A store for the exchange at `op` of the plan that keeps up to
    /// `memory_max` bytes in memory, and beyond that all in files without a
    /// name in `dir`.
    pub fn new(op: usize, dir: &Path, memory_max: usize) -> Self {
        Self {
            op,
            rows: Spool::new(dir.to_owned(), memory_max / 4 * 3),
            keys: Spool::new(dir.to_owned(), memory_max / 4),
            blocks: Vec::new(),
            n_samples: 0,
            sample_bytes: 0,
            settled: None,
        }
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        let settled = self.settled.as_ref().map_or(0, |settled| {
            let decided = match &settled.decision {
                Decision::Same(numbers) | Decision::Order(numbers) => numbers.len() * 4,
                Decision::Groups(groups) => groups.iter().map(|group| 24 + group.len() * 4).sum(),
                Decision::Rewrite(_) => 0,
            };
            decided + settled.left_out.len() * 8 + settled.duplicates.len() * 4
        });
        self.rows.memory_bytes()
            + self.keys.memory_bytes()
            + self.blocks.len() * size_of::<Kept>()
            + settled
    }

    /// Bytes on disk.
    pub fn disk_bytes(&self) -> u64 {
        self.rows.disk_bytes() + self.keys.disk_bytes()
    }

    /// Takes the next block in input order.
    ///
    /// # Errors
    ///
    /// If the disk is full, or there are more samples than numbers for them.
    pub fn absorb(&mut self, state: BlockState) -> Result<(), String> {
        let n_samples = u32::try_from(state.samples.len())
            .ok()
            .filter(|n| self.n_samples.checked_add(*n).is_some())
            .ok_or("an exchange takes up to 4,294,967,295 samples")?;
        debug_assert_eq!(state.keys.len(), state.samples.len());
        let packed = PackedSamples::new(&state.samples)?;
        let head = postcard::to_allocvec(&Head {
            tally: state.tally,
            rejects: state.rejects,
            dropped: state.dropped,
            clusters: state.clusters,
            copies: state.copies,
            examples: state.examples,
        })
        .map_err(|error| error.to_string())?;
        self.blocks.push(Kept {
            offset: self.rows.len(),
            head_bytes: head.len() as u64,
            batches_bytes: packed.batches.len() as u64,
            sample_bytes: packed.bytes.len() as u64,
            first: self.n_samples,
            n_samples,
        });
        self.n_samples += n_samples;
        self.sample_bytes += packed.bytes.len() as u64;
        let ends: Vec<u8> = packed
            .ends
            .iter()
            .flat_map(|end| end.to_le_bytes())
            .collect();
        for bytes in [&head, &packed.batches, &ends, &packed.bytes] {
            self.rows.append(bytes).map_err(unwritable)?;
        }
        for key in &state.keys {
            let length = (key.len() as u32).to_le_bytes();
            self.keys.append(&length).map_err(unwritable)?;
            self.keys.append(key).map_err(unwritable)?;
        }
        Ok(())
    }

    /// All blocks have come: decides, with about `memory` bytes to use, and
    /// says how many splits the output has, of about `block_bytes` each.
    ///
    /// # Errors
    ///
    /// If the operator cannot decide, or its decision makes no sense.
    pub fn close(&mut self, pass: &Pass, memory: usize, block_bytes: u64) -> Result<u32, String> {
        self.rows.seal().map_err(unwritable)?;
        self.keys.seal().map_err(unwritable)?;
        let operator = &pass.plan().operators()[self.op];
        let fail = |error: OpError| format!("operator `{}`: {error}", operator.name());
        let exchange = operator.exchange().ok_or("not an exchange")?;
        let decision = guarded(|| exchange.decide(&KeysOf(self), memory)).map_err(fail)?;
        let wrong = || {
            format!(
                "operator `{}` decided wrongly; this is a bug",
                operator.name()
            )
        };
        let n = self.n_samples as usize;
        let mean = (self.sample_bytes / u64::from(self.n_samples.max(1))).max(1);
        let per_run = usize::try_from(block_bytes / mean)
            .unwrap_or(usize::MAX)
            .max(1);
        let (mut left_out, mut duplicates) = (Vec::new(), Vec::new());
        let runs = match &decision {
            Decision::Rewrite(_) => Vec::new(),
            Decision::Same(first) => {
                let stands = |i: u32| first.get(i as usize) == Some(&i);
                if first.len() != n || !first.iter().all(|at| stands(*at)) {
                    return Err(wrong());
                }
                if pass.settings().clusters {
                    let numbers = 0..self.n_samples;
                    duplicates = numbers.filter(|i| first[*i as usize] != *i).collect();
                    duplicates.sort_unstable_by_key(|i| (first[*i as usize], *i));
                }
                Vec::new()
            }
            Decision::Order(order) => {
                left_out = all(n);
                let mut take = taker(&mut left_out, &wrong);
                order.iter().try_for_each(|i| take(*i))?;
                let starts = (0..order.len()).step_by(per_run);
                starts
                    .map(|start| start..(start + per_run).min(order.len()))
                    .collect()
            }
            Decision::Groups(groups) => {
                left_out = all(n);
                let mut take = taker(&mut left_out, &wrong);
                groups.iter().flatten().try_for_each(|i| take(*i))?;
                let (mut runs, mut start, mut held) = (Vec::new(), 0, 0);
                for (i, group) in groups.iter().enumerate() {
                    held += group.len();
                    if held >= per_run || i + 1 == groups.len() {
                        runs.push(start..i + 1);
                        (start, held) = (i + 1, 0);
                    }
                }
                runs
            }
        };
        self.keys = Spool::new(Path::new("").to_owned(), 0);
        let n_splits = self.blocks.len() + runs.len();
        self.settled = Some(Settled {
            decision,
            runs,
            left_out,
            duplicates,
        });
        u32::try_from(n_splits).map_err(|_| "an exchange has too many blocks".to_owned())
    }

    /// What was done to the block that split `split` stands for before it came
    /// here; nothing for splits that stand for none.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn absorbed(&self, split: u32) -> Result<Tally, String> {
        match self.blocks.get(split as usize) {
            Some(block) => Ok(self.head(block)?.tally),
            None => Ok(Tally::default()),
        }
    }

    fn head(&self, block: &Kept) -> Result<Head, String> {
        postcard::from_bytes(&self.bytes(block.offset, block.head_bytes)?).map_err(unreadable)
    }

    /// The samples of a block.
    fn samples(&self, block: &Kept) -> Result<Vec<Sample>, String> {
        let batches = self.batches(block)?;
        let ends = self.ends(block, 0..block.n_samples)?;
        let bytes = self.bytes(self.samples_at(block), block.sample_bytes)?;
        let mut start = 0;
        let mut samples = Vec::with_capacity(ends.len());
        for end in ends {
            let one = bytes.get(start..end as usize).ok_or("a sample is cut")?;
            samples.push(unpack(one, &batches)?);
            start = end as usize;
        }
        Ok(samples)
    }

    /// One sample, by its number.
    fn sample(&self, i: u32, at_hand: &mut AtHand) -> Result<Sample, String> {
        let (at, block) = self.block_of(i)?;
        if at_hand.len() >= BLOCKS_AT_HAND && !at_hand.contains_key(&at) {
            at_hand.clear();
        }
        let batches = match at_hand.entry(at) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(self.batches(block)?),
        };
        unpack(&self.packed(block, i, u64::MAX)?, batches)
    }

    /// Where a sample came from.
    fn origin(&self, i: u32) -> Result<Origin, String> {
        let (_, block) = self.block_of(i)?;
        let bytes = self.packed(block, i, ORIGIN_BYTES)?;
        let (origin, _) = postcard::take_from_bytes(&bytes).map_err(unreadable)?;
        Ok(origin)
    }

    /// A sample as it was packed, up to `max` bytes of it.
    fn packed(&self, block: &Kept, i: u32, max: u64) -> Result<Vec<u8>, String> {
        let i = i - block.first;
        let ends = self.ends(block, i.saturating_sub(1)..i + 1)?;
        let (start, end) = match ends[..] {
            [end] => (0, end),
            [start, end, ..] => (start, end),
            [] => return Err("a sample is missing".to_owned()),
        };
        self.bytes(self.samples_at(block) + start, (end - start).min(max))
    }

    fn block_of(&self, i: u32) -> Result<(usize, &Kept), String> {
        let at = self.blocks.partition_point(|block| block.first <= i);
        // Of blocks without samples the last one that begins there holds it.
        let at = at.checked_sub(1).ok_or("there is no such sample")?;
        Ok((at, &self.blocks[at]))
    }

    fn samples_at(&self, block: &Kept) -> u64 {
        block.offset + block.head_bytes + block.batches_bytes + u64::from(block.n_samples) * 8
    }

    fn batches(&self, block: &Kept) -> Result<Vec<Arc<dyn Columns>>, String> {
        let offset = block.offset + block.head_bytes;
        unpack_batches(&self.bytes(offset, block.batches_bytes)?)
    }

    fn ends(&self, block: &Kept, which: Range<u32>) -> Result<Vec<u64>, String> {
        let offset =
            block.offset + block.head_bytes + block.batches_bytes + u64::from(which.start) * 8;
        let bytes = self.bytes(offset, (which.len() * 8) as u64)?;
        let (ends, _) = bytes.as_chunks::<8>();
        Ok(ends.iter().map(|end| u64::from_le_bytes(*end)).collect())
    }

    fn bytes(&self, offset: u64, n: u64) -> Result<Vec<u8>, String> {
        let mut bytes = vec![0; n as usize];
        self.rows
            .read(offset, &mut bytes)
            .map_err(|error| format!("samples that wait on disk cannot be read: {error}"))?;
        Ok(bytes)
    }
}

type AtHand = HashMap<usize, Vec<Arc<dyn Columns>>>;

/// All of `n` samples, a bit each.
fn all(n: usize) -> Vec<u64> {
    let mut bits = vec![u64::MAX; n.div_ceil(64)];
    if let Some(last) = bits.last_mut()
        && !n.is_multiple_of(64)
    {
        *last = (1 << (n % 64)) - 1;
    }
    bits
}

fn is_in(bits: &[u64], i: u32) -> bool {
    bits.get(i as usize / 64)
        .is_some_and(|word| word >> (i % 64) & 1 == 1)
}

/// Takes samples out of `bits`, each once.
fn taker<'a>(
    bits: &'a mut [u64],
    wrong: &'a dyn Fn() -> String,
) -> impl FnMut(u32) -> Result<(), String> + 'a {
    |i| {
        let bit = 1 << (i % 64);
        match bits.get_mut(i as usize / 64) {
            Some(word) if *word & bit != 0 => {
                *word &= !bit;
                Ok(())
            }
            _ => Err(wrong()),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is the end of an error")]
fn unwritable(error: io::Error) -> String {
    format!("samples that wait for the others cannot be written to disk: {error}")
}

#[expect(clippy::needless_pass_by_value, reason = "it is the end of an error")]
fn unreadable(error: postcard::Error) -> String {
    format!("samples that wait on disk cannot be read: {error}")
}
