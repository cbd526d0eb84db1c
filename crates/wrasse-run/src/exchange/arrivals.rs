//! [`Arrivals`]: what has come to an exchange and what was decided over it,
//! wherever its samples wait.

use std::path::Path;

use wrasse_op::{Decision, Keys as _};

use super::keys::KeyStore;
use super::settled::Settled;
use super::unwritable;
use crate::pass::Pass;

/// The blocks of an exchange in input order, with the samples' keys. `P` is where
/// a block, or what is known of it, lies.
#[derive(Debug)]
pub(super) struct Arrivals<P> {
    /// The operator, as an index into the plan's.
    pub(super) op: usize,
    pub(super) keys: KeyStore,
    blocks: Vec<Arrived<P>>,
    n_samples: u32,
    sample_bytes: u64,
    settled: Option<Settled>,
}

/// A block that waits.
#[derive(Debug)]
pub(super) struct Arrived<P> {
    /// The number of its first sample.
    pub(super) first: u32,
    pub(super) n_samples: u32,
    pub(super) place: P,
}

impl<P> Arrivals<P> {
    /// For the exchange at `op` of the plan; keeps up to `keys_max` bytes of keys
    /// in memory, and beyond that all in a file in `dir`.
    pub(super) fn new(op: usize, dir: &Path, keys_max: usize) -> Self {
        Self {
            op,
            keys: KeyStore::new(dir.to_owned(), keys_max),
            blocks: Vec::new(),
            n_samples: 0,
            sample_bytes: 0,
            settled: None,
        }
    }

    /// Bytes of memory held.
    pub(super) fn memory_bytes(&self) -> usize {
        let settled = self.settled.as_ref().map_or(0, Settled::memory_bytes);
        self.keys.memory_bytes() + self.blocks.len() * size_of::<Arrived<P>>() + settled
    }

    /// How many samples have come.
    pub(super) fn n_samples(&self) -> u32 {
        self.n_samples
    }

    /// The blocks that have come.
    pub(super) fn blocks(&self) -> &[Arrived<P>] {
        &self.blocks
    }

    /// Counts the next block in: so many samples, which are `sample_bytes` when
    /// packed.
    ///
    /// # Errors
    ///
    /// If there are more samples than numbers for them.
    pub(super) fn count(
        &mut self,
        n_samples: usize,
        sample_bytes: u64,
        place: P,
    ) -> Result<(), String> {
        let first = self.n_samples;
        let end = u32::try_from(n_samples)
            .ok()
            .and_then(|n| first.checked_add(n))
            .ok_or("an exchange takes up to 4,294,967,295 samples")?;
        self.blocks.push(Arrived {
            first,
            n_samples: end - first,
            place,
        });
        self.n_samples = end;
        self.sample_bytes += sample_bytes;
        Ok(())
    }

    /// The block that has a sample, and which it is.
    pub(super) fn block_of(&self, i: u32) -> Result<(usize, &Arrived<P>), String> {
        let at = self.blocks.partition_point(|block| block.first <= i);
        // Of blocks without samples the last one that begins there holds it.
        let at = at.checked_sub(1).ok_or("there is no such sample")?;
        Ok((at, &self.blocks[at]))
    }

    /// All blocks have come: has `decide` decide over the keys, and says how many
    /// splits the output has: one for each block, and then runs of about
    /// `block_bytes`.
    ///
    /// # Errors
    ///
    /// If it cannot decide, or its decision makes no sense.
    pub(super) fn close(
        &mut self,
        pass: &Pass,
        block_bytes: u64,
        decide: impl FnOnce(&KeyStore) -> Result<Decision, String>,
    ) -> Result<u32, String> {
        self.keys.seal().map_err(unwritable)?;
        debug_assert_eq!(self.keys.len(), self.n_samples);
        let decision = decide(&self.keys)?;
        self.keys.clear();
        let samples = (self.n_samples, self.sample_bytes);
        let settled = Settled::new((pass, self.op), decision, samples, block_bytes)?;
        let n_splits = self.blocks.len() + settled.runs.len();
        self.settled = Some(settled);
        u32::try_from(n_splits).map_err(|_| "an exchange has too many blocks".to_owned())
    }

    /// What was decided.
    ///
    /// # Errors
    ///
    /// If the exchange is not closed.
    pub(super) fn settled(&self) -> Result<&Settled, String> {
        self.settled
            .as_ref()
            .ok_or_else(|| "the exchange is not closed".to_owned())
    }
}
