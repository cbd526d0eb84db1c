//! [`BlockState`]: a block between two stages.

use std::collections::VecDeque;
use std::ops::Range;

use wrasse_core::{Origin, Sample};
use wrasse_io::OutBlock;
use wrasse_op::Fingerprint;

use super::WATCHED_BYTES;
use super::measuring::Ended;
use crate::clusters::Copies;
use crate::examples::{Example, Examples};
use crate::record::Reject;
use crate::{Records, Tally};

/// A block between two stages, with all that was recorded on its way.
#[derive(Default)]
pub struct BlockState {
    /// The accounting of this block.
    pub tally: Tally,
    /// Lines for the reject file.
    pub rejects: Records,
    /// Lines for the file of dropped samples.
    pub dropped: Records,
    /// Lines for the file of what operators wrote down.
    pub told: Records,
    /// Lines for the file of clusters.
    pub(crate) clusters: Records,
    /// What gates compared, by gate, where clusters are recorded.
    pub(crate) copies: Vec<Copies>,
    /// Fingerprints that this block was the first to have, by gate.
    pub fresh: Vec<Vec<Fingerprint>>,
    /// What operators did, shown on a few samples.
    pub examples: Examples,
    /// Of samples that wait for a gate, what could be an example of a duplicate:
    /// by number.
    pub(super) watched: Vec<(usize, Example)>,
    pub(crate) samples: Vec<Sample>,
    pub(super) fingerprints: Vec<Fingerprint>,
    /// Where the samples with these fingerprints came from, if that is
    /// recorded.
    pub(super) origins: Vec<Origin>,
    /// The keys of the samples, on their way to an exchange.
    pub(crate) keys: Vec<Vec<u8>>,
    pub(super) encoded: Option<OutBlock>,
    /// Rows of stats of samples that ended in an earlier stage.
    pub(super) ended: VecDeque<Ended>,
}

impl BlockState {
    /// Whether nothing but the sink is left for this block: its rows were
    /// encoded before the last gate.
    pub fn is_encoded(&self) -> bool {
        self.encoded.is_some()
    }

    /// Says of a block that came without its rows which object has them; `first`
    /// is the number of its first row there, and then of the next block's.
    pub fn lies_in(&mut self, object: u64, first: &mut u64) {
        if let Some(rows) = &mut self.encoded {
            rows.lies_in(object, *first);
            *first += rows.n_rows() as u64;
        }
    }

    /// The encoded rows, when all stages are done.
    pub fn take_encoded(&mut self) -> Option<OutBlock> {
        self.encoded.take()
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        let samples = Sample::held_by_all(&self.samples);
        let fingerprints = self.fingerprints.len() + self.fresh.iter().map(Vec::len).sum::<usize>();
        let key = |key: &Vec<u8>| key.capacity() + size_of::<Vec<u8>>();
        samples
            + self.keys.iter().map(key).sum::<usize>()
            + fingerprints * size_of::<Fingerprint>()
            + self.rejects.memory_bytes()
            + self.dropped.memory_bytes()
            + self.told.memory_bytes()
            + self.clusters.memory_bytes()
            + self
                .copies
                .iter()
                .map(|copies| copies.bytes().len())
                .sum::<usize>()
            + self.origins.len() * size_of::<Origin>()
            + self.examples.memory_bytes()
            + self.watched.len() * (size_of::<Example>() + WATCHED_BYTES)
            + self.encoded.as_ref().map_or(0, OutBlock::memory_bytes)
            + self.ended.iter().map(Ended::memory_bytes).sum::<usize>()
    }

    /// Takes out the samples that wait for their next operator.
    pub fn take_samples(&mut self) -> Vec<Sample> {
        std::mem::take(&mut self.samples)
    }

    /// What a gate decides by, if the block comes to one next.
    pub fn fingerprints(&self) -> &[Fingerprint] {
        &self.fingerprints
    }

    /// Samples that wait for their next operator.
    pub fn n_samples(&self) -> usize {
        self.samples.len()
    }

    /// Keeps these samples, by number, and leaves the others away. Without the
    /// first one, what was recorded is left away too: it goes with that.
    pub fn cut(&mut self, rows: Range<usize>) {
        self.samples.truncate(rows.end);
        if rows.start > 0 {
            *self = Self {
                tally: Tally::new(self.tally.operators.len()),
                fresh: vec![Vec::new(); self.fresh.len()],
                copies: vec![Copies::default(); self.copies.len()],
                samples: self.samples.split_off(rows.start.min(self.samples.len())),
                ..Self::default()
            };
        }
    }

    /// Records that the file of this block is damaged behind it.
    pub fn damaged(&mut self, error: &wrasse_io::Error) {
        self.tally.damages += 1;
        self.rejects
            .append(Origin::default(), |out| Reject::of_file(error).write(out));
    }
}
