//! [`Shares`]: splits put together, so that a task is worth its cost.
//!
//! A run is resumed at a split; which ones a task reads together does not show
//! in the output.

use std::ops::Range;

/// Splits of a small file each, in one share: they cost by their number.
const SPLITS_MAX: usize = 512;

/// Runs of splits, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shares {
    /// Where each begins, and where the last one ends.
    bounds: Vec<u32>,
}

impl Shares {
    /// Shares of at least `target` bytes each, but for the last one.
    pub(crate) fn new(splits: impl Iterator<Item = u64>, target: u64) -> Self {
        let mut bounds = vec![0];
        let (mut bytes, mut n) = (0, 0);
        let mut end = 0;
        for split in splits {
            // A large split is not kept waiting for by small ones before it.
            if n > 0 && bytes + split > target + target / 2 {
                bounds.push(end);
                (bytes, n) = (0, 0);
            }
            (bytes, n, end) = (bytes + split, n + 1, end + 1);
            if bytes >= target || n >= SPLITS_MAX {
                bounds.push(end);
                (bytes, n) = (0, 0);
            }
        }
        if bounds.last() != Some(&end) {
            bounds.push(end);
        }
        Self { bounds }
    }

    /// How many.
    pub(crate) fn len(&self) -> u32 {
        self.bounds.len() as u32 - 1
    }

    /// The splits of a share.
    pub(crate) fn splits(&self, share: u32) -> Range<u32> {
        let share = share as usize;
        self.bounds[share]..self.bounds[share + 1]
    }

    /// The share that a split is in; behind the last one, if it is behind all.
    pub(crate) fn of(&self, split: u32) -> u32 {
        let above = self.bounds.partition_point(|bound| *bound <= split);
        (above as u32 - 1).min(self.len())
    }

    /// The first split of a share, or the one behind all.
    pub(crate) fn first(&self, share: u32) -> u32 {
        let last = self.bounds.len() - 1;
        self.bounds[(share as usize).min(last)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_split_is_in_one_share() {
        let sizes = [1, 1, 9, 64, 3, 100, 2, 2, 2, 30, 30, 1];
        let shares = Shares::new(sizes.into_iter(), 32);
        let mut next = 0;
        for share in 0..shares.len() {
            let splits = shares.splits(share);
            assert_eq!(splits.start, next);
            assert_eq!(shares.first(share), next);
            assert!(!splits.is_empty());
            for split in splits.clone() {
                assert_eq!(shares.of(split), share, "{split}");
            }
            next = splits.end;
        }
        assert_eq!(next, 12);
        assert_eq!(shares.of(12), shares.len());
        assert_eq!(shares.first(shares.len()), 12);
        assert_eq!(shares.len(), 6, "{shares:?}");
    }

    #[test]
    fn nothing_is_no_share() {
        let none = Shares::new(std::iter::empty(), 32);
        assert_eq!((none.len(), none.of(0), none.first(0)), (0, 0, 0));
    }
}
