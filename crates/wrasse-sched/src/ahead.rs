//! [`Ahead`]: what was read ahead of the front, kept by deltas.

use std::collections::BTreeMap;

/// Blocks of splits behind the front: how many, and their bytes.
///
/// The front only moves on, and each split is passed by it once, so that the
/// books cost a logarithm for each block, whatever is in flight.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    front: u32,
    /// Blocks and bytes, by split; all of them behind the front.
    splits: BTreeMap<u32, (i64, i64)>,
    blocks: i64,
    bytes: i64,
}

impl Ahead {
    pub(crate) fn is_ahead(&self, split: u32) -> bool {
        split > self.front
    }

    pub(crate) fn blocks(&self) -> i64 {
        self.blocks
    }

    pub(crate) fn bytes(&self) -> i64 {
        self.bytes
    }

    /// Blocks and bytes of `split` have come (or, below zero, gone).
    pub(crate) fn add(&mut self, split: u32, blocks: i64, bytes: i64) {
        if self.is_ahead(split) {
            let entry = self.splits.entry(split).or_default();
            entry.0 += blocks;
            entry.1 += bytes;
            self.blocks += blocks;
            self.bytes += bytes;
            if *entry == (0, 0) {
                self.splits.remove(&split);
            }
        }
    }

    /// The front moves to `front`: its blocks are ahead no more.
    pub(crate) fn advance(&mut self, front: u32) {
        self.front = self.front.max(front);
        while let Some(split) = self.splits.first_entry()
            && *split.key() <= self.front
        {
            let (blocks, bytes) = split.remove();
            self.blocks -= blocks;
            self.bytes -= bytes;
        }
    }
}
