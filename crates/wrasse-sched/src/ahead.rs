//! [`Ahead`]: what was read ahead of the front, kept by deltas.

use std::collections::BTreeMap;

/// Blocks of splits behind the front: how many, and their bytes.
///
/// The front only moves on, and each split is passed by it once, so that the
/// books cost a logarithm for each block, whatever is in flight.
#[derive(Debug)]
pub(crate) struct Ahead {
    front: u32,
    /// Blocks and bytes, by split; all of them behind the front.
    splits: BTreeMap<u32, (usize, u64)>,
    blocks: usize,
    bytes: u64,
}

impl Ahead {
    pub(crate) fn new(front: u32) -> Self {
        Self {
            front,
            splits: BTreeMap::new(),
            blocks: 0,
            bytes: 0,
        }
    }

    pub(crate) fn is_ahead(&self, split: u32) -> bool {
        split > self.front
    }

    pub(crate) fn blocks(&self) -> usize {
        self.blocks
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A block of `split` holds `bytes`; `old` is what it held before, if it
    /// was there.
    pub(crate) fn charge(&mut self, split: u32, old: Option<u64>, bytes: u64) {
        if self.is_ahead(split) {
            let (blocks, sum) = self.splits.entry(split).or_default();
            *blocks += usize::from(old.is_none());
            *sum = *sum - old.unwrap_or(0) + bytes;
            self.blocks += usize::from(old.is_none());
            self.bytes = self.bytes - old.unwrap_or(0) + bytes;
        }
    }

    /// A block of `split` is gone; it held `bytes`.
    pub(crate) fn release(&mut self, split: u32, bytes: u64) {
        if let Some((blocks, sum)) = self.splits.get_mut(&split) {
            *blocks -= 1;
            *sum -= bytes;
            self.blocks -= 1;
            self.bytes -= bytes;
        }
    }

    /// The front moves to `front`: its blocks are ahead no more.
    pub(crate) fn advance(&mut self, front: u32) {
        self.front = front;
        while let Some(split) = self.splits.first_entry()
            && *split.key() <= front
        {
            let (blocks, bytes) = split.remove();
            self.blocks -= blocks;
            self.bytes -= bytes;
        }
    }
}
