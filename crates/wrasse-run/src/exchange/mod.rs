//! [`ExchangeStore`]: samples that wait, in memory or on disk, until all have
//! come, and what is then decided over them.
//!
//! Blocks come in input order, each with all that was recorded on its way, and
//! lie one behind the other:
//!
//! ```text
//!   rows   (accounting and records) (what samples share) (ends of samples) (samples)  ...
//!   keys   (length, key) (length, key) ...
//! ```
//!
//! When the exchange is closed the operator decides over the keys. Its output
//! is then read as *splits*, by any thread. Where samples stay in their order
//! there is one for each block. Otherwise there is first one for each block,
//! for what was recorded with it and for the samples that go no further, and
//! then one for each run of selected samples or groups.

mod arrivals;
mod elsewhere;
mod keys;
mod origins;
mod output;
pub(crate) mod packed;
mod picks;
mod ruling;
mod settled;
mod shards;
mod spool;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};
use wrasse_core::{Origin, Sample};
use wrasse_op::Decision;

use self::arrivals::{Arrivals, Arrived};
pub use self::elsewhere::{Absorbed, ExchangeKeys, Waiting};
use self::output::{Output, Rules};
use self::packed::{PackedSamples, Shared, unpack, unpack_samples, unpack_shared};
pub use self::picks::{Run, pick, put_together};
pub use self::ruling::{Ruling, settle};
use self::settled::{Line, Lot, Settled, decide};
pub use self::shards::{is_spread, weigh};
pub use self::spool::Spool;
use crate::clusters::Copies;
use crate::examples::Examples;
use crate::pass::{BlockState, Pass};
use crate::{Records, Tally};

/// Blocks of which what samples share is kept at hand while samples are read out of order.
const BLOCKS_AT_HAND: usize = 16;

/// A packed sample begins with its origin, in so many bytes at the most.
const ORIGIN_BYTES: u64 = 20;

/// The samples of one exchange.
#[derive(Debug)]
pub struct ExchangeStore {
    arrivals: Arrivals<Place>,
    rows: Spool,
}

/// Where a block lies in the store.
#[derive(Debug)]
struct Place {
    offset: u64,
    head_bytes: u64,
    shared_bytes: u64,
    sample_bytes: u64,
}

/// A block in the store.
type Kept = Arrived<Place>;

/// What was recorded with a block before it came here.
#[derive(Default, Serialize, Deserialize)]
struct Head {
    tally: Tally,
    rejects: Records,
    dropped: Records,
    told: Records,
    clusters: Records,
    copies: Vec<Copies>,
    examples: Examples,
}

impl ExchangeStore {
    /// A store for the exchange at `op` of the plan that keeps up to
    /// `memory_max` bytes in memory, and beyond that all in files without a
    /// name in `dir`.
    pub fn new(op: usize, dir: &Path, memory_max: usize) -> Self {
        Self {
            arrivals: Arrivals::new(op, dir, memory_max / 4),
            rows: Spool::new(dir.to_owned(), memory_max / 4 * 3),
        }
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        self.arrivals.memory_bytes() + self.rows.memory_bytes()
    }

    /// Bytes on disk.
    pub fn disk_bytes(&self) -> u64 {
        self.arrivals.keys.disk_bytes() + self.rows.disk_bytes()
    }

    /// Takes the next block in input order.
    ///
    /// # Errors
    ///
    /// If the disk is full, or there are more samples than numbers for them.
    pub fn absorb(&mut self, state: BlockState) -> Result<(), String> {
        debug_assert_eq!(state.keys.len(), state.samples.len());
        let packed = PackedSamples::new(&state.samples)?;
        let head = postcard::to_allocvec(&Head {
            tally: state.tally,
            rejects: state.rejects,
            dropped: state.dropped,
            told: state.told,
            clusters: state.clusters,
            copies: state.copies,
            examples: state.examples,
        })
        .map_err(|error| error.to_string())?;
        let place = Place {
            offset: self.rows.len(),
            head_bytes: head.len() as u64,
            shared_bytes: packed.shared.len() as u64,
            sample_bytes: packed.bytes.len() as u64,
        };
        self.arrivals
            .count(state.samples.len(), place.sample_bytes, place)?;
        let ends: Vec<u8> = packed
            .ends
            .iter()
            .flat_map(|end| end.to_le_bytes())
            .collect();
        for bytes in [&head, &packed.shared, &ends, &packed.bytes] {
            self.rows.append(bytes).map_err(unwritable)?;
        }
        self.arrivals.keys.append(&state.keys).map_err(unwritable)
    }

    /// All blocks have come: decides, with about `memory` bytes to use, and
    /// says how many splits the output has, of about `block_bytes` each.
    ///
    /// # Errors
    ///
    /// If the operator cannot decide, or its decision makes no sense.
    pub fn close(&mut self, pass: &Pass, memory: usize, block_bytes: u64) -> Result<u32, String> {
        self.rows.seal().map_err(unwritable)?;
        let op = self.arrivals.op;
        self.arrivals
            .close(pass, block_bytes, |keys| decide(pass, op, keys, memory))
    }

    /// Split `split` of the output.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn read(&self, pass: &Pass, split: u32) -> Result<BlockState, String> {
        let settled = self.arrivals.settled()?;
        let split = split as usize;
        let output = Output {
            pass,
            op: self.arrivals.op,
        };
        let blocks = self.arrivals.blocks();
        if let Some(run) = split.checked_sub(blocks.len()) {
            let run = settled.runs.get(run).ok_or("there is no such split")?;
            return self.read_run(&output, settled, run.clone());
        }
        let block = &blocks[split];
        let head = self.head(block)?;
        let mut state = pass.empty();
        state.tally = head.tally;
        state.rejects = head.rejects;
        state.dropped = head.dropped;
        state.told = head.told;
        state.clusters = head.clusters;
        state.copies = head.copies;
        state.examples = head.examples;
        if !settled.is_in_order() && !pass.settings().trace_dropped {
            let numbers = block.first..block.first + block.n_samples;
            let is_left_out = |i: &u32| matches!(settled.lot(*i), Lot::LeftOut);
            let n = numbers.filter(is_left_out).count();
            state.tally.operators[output.op].dropped += n as u64;
            return Ok(state);
        }
        let rules = InStore {
            store: self,
            settled,
        };
        output.block(&rules, block.first, self.samples(block)?, &mut state)?;
        Ok(state)
    }

    fn read_run(
        &self,
        output: &Output<'_>,
        settled: &Settled,
        run: Range<usize>,
    ) -> Result<BlockState, String> {
        let mut at_hand = HashMap::new();
        let mut samples = |numbers: &[u32]| {
            let samples = numbers.iter().map(|i| self.sample(*i, &mut at_hand));
            samples.collect::<Result<Vec<Sample>, String>>()
        };
        let is_again = settled.is_again(&run);
        match &settled.decision {
            Decision::Order(order) => Ok(output.chosen(samples(&order[run])?, is_again)),
            Decision::Groups(groups) => {
                output.merged(groups[run].iter().map(|group| samples(group)))
            }
            Decision::Same(_) | Decision::Rewrite(_) => Err("there are no runs".to_owned()),
        }
    }

    /// What was done to the block that split `split` stands for before it came
    /// here; nothing for splits that stand for none.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn absorbed(&self, split: u32) -> Result<Tally, String> {
        match self.arrivals.blocks().get(split as usize) {
            Some(block) => Ok(self.head(block)?.tally),
            None => Ok(Tally::default()),
        }
    }

    fn head(&self, block: &Kept) -> Result<Head, String> {
        postcard::from_bytes(&self.bytes(block.place.offset, block.place.head_bytes)?)
            .map_err(unreadable)
    }

    /// The samples of a block.
    fn samples(&self, block: &Kept) -> Result<Vec<Sample>, String> {
        let shared = self.packed_shared(block)?;
        let ends = self.ends(block, 0..block.n_samples)?;
        let bytes = self.bytes(samples_at(block), block.place.sample_bytes)?;
        unpack_samples(&shared, &ends, &bytes)
    }

    /// One sample, by its number.
    fn sample(&self, i: u32, at_hand: &mut AtHand) -> Result<Sample, String> {
        let (at, block) = self.arrivals.block_of(i)?;
        if at_hand.len() >= BLOCKS_AT_HAND && !at_hand.contains_key(&at) {
            at_hand.clear();
        }
        let shared = match at_hand.entry(at) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(self.shared(block)?),
        };
        unpack(&self.packed(block, i, u64::MAX)?, shared)
    }

    /// Where a sample came from.
    fn origin(&self, i: u32) -> Result<Origin, String> {
        let (_, block) = self.arrivals.block_of(i)?;
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
        self.bytes(samples_at(block) + start, (end - start).min(max))
    }

    fn shared(&self, block: &Kept) -> Result<Shared, String> {
        unpack_shared(&self.packed_shared(block)?)
    }

    fn packed_shared(&self, block: &Kept) -> Result<Vec<u8>, String> {
        let place = &block.place;
        self.bytes(place.offset + place.head_bytes, place.shared_bytes)
    }

    fn ends(&self, block: &Kept, which: Range<u32>) -> Result<Vec<u64>, String> {
        let offset = ends_at(block) + u64::from(which.start) * 8;
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

fn samples_at(block: &Kept) -> u64 {
    ends_at(block) + u64::from(block.n_samples) * 8
}

fn ends_at(block: &Kept) -> u64 {
    let place = &block.place;
    place.offset + place.head_bytes + place.shared_bytes
}

type AtHand = HashMap<usize, Shared>;

/// What was decided, and where samples came from, as the store has it.
struct InStore<'a> {
    store: &'a ExchangeStore,
    settled: &'a Settled,
}

impl Rules for InStore<'_> {
    fn lot(&self, i: u32) -> Lot<'_> {
        self.settled.lot(i)
    }

    fn original(&self, i: u32) -> Result<Option<Origin>, String> {
        self.store.origin(self.settled.original(i)).map(Some)
    }

    fn line(&self, i: u32) -> Result<Option<Line>, String> {
        self.settled.line(i, |i| self.store.origin(i))
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
