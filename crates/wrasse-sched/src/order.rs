//! [`Turnstile`]: lets blocks through in input order.

use std::collections::BTreeSet;

use crate::BlockId;

/// A point that blocks pass one by one, in input order.
///
/// Blocks arrive in any order and wait. How many blocks a split has is known
/// only when its reader reaches the end; until then the turnstile waits for
/// the split's next block.
#[derive(Debug, Default)]
pub(crate) struct Turnstile {
    next: NextBlock,
    waiting: BTreeSet<BlockId>,
    /// Splits whose number of blocks is known, from `next.split` on.
    ended: BTreeSet<(u32, u32)>,
}

#[derive(Debug, Default, Clone, Copy)]
struct NextBlock {
    split: u32,
    seq: u32,
}

impl Turnstile {
    /// A turnstile whose first block is `next` (of a resumed run).
    pub(crate) fn starting_at(next: BlockId) -> Self {
        Self {
            next: NextBlock {
                split: next.split,
                seq: next.seq,
            },
            ..Self::default()
        }
    }

    /// The block that passes next, whether it is here or not.
    pub(crate) fn next(&self) -> BlockId {
        BlockId {
            split: self.next.split,
            seq: self.next.seq,
        }
    }

    /// A block has come.
    pub(crate) fn arrive(&mut self, block: BlockId) {
        let fresh = self.waiting.insert(block);
        assert!(
            fresh && block >= self.next(),
            "{block:?} passes a gate once"
        );
    }

    /// Split `split` has `n_blocks` blocks.
    pub(crate) fn end(&mut self, split: u32, n_blocks: u32) {
        self.ended.insert((split, n_blocks));
        self.skip_ended();
    }

    /// Lets the next block through, if it is here.
    pub(crate) fn pass(&mut self) -> Option<BlockId> {
        let next = self.next();
        if !self.waiting.remove(&next) {
            return None;
        }
        self.next.seq += 1;
        self.skip_ended();
        Some(next)
    }

    fn skip_ended(&mut self) {
        while let Some(&(split, n_blocks)) = self.ended.first()
            && split == self.next.split
            && n_blocks <= self.next.seq
        {
            self.ended.pop_first();
            self.next = NextBlock {
                split: split + 1,
                seq: 0,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(split: u32, seq: u32) -> BlockId {
        BlockId { split, seq }
    }

    #[test]
    fn blocks_pass_in_input_order_whatever_order_they_come_in() {
        let mut gate = Turnstile::default();
        gate.arrive(block(2, 0));
        gate.arrive(block(0, 1));
        assert_eq!(gate.pass(), None);
        gate.arrive(block(0, 0));
        assert_eq!(gate.pass(), Some(block(0, 0)));
        assert_eq!(gate.pass(), Some(block(0, 1)));
        gate.end(1, 0);
        assert_eq!(gate.pass(), None, "split 0 may go on");
        gate.end(0, 2);
        assert_eq!(gate.pass(), Some(block(2, 0)), "split 1 is empty");
        assert_eq!(gate.next(), block(2, 1));
    }
}
