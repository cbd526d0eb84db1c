//! [`Shares`]: splits put together, so that a task is worth its cost.
//!
//! A run is resumed at a split; which ones a task reads together does not show
//! in the output.
//!
//! Of standard input nobody knows how much comes. It is one split, in as many
//! shares as it is read in, each of so many blocks.

use std::ops::Range;

/// Splits of a small file each, in one share: they cost by their number.
const SPLITS_MAX: usize = 512;

/// Runs of splits, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shares {
    /// Where each begins, and where the last one ends: a split, and blocks of it.
    bounds: Vec<(u32, u32)>,
}

impl Shares {
    /// Shares of at least `target` bytes each, but for the last one.
    pub(crate) fn new(splits: impl Iterator<Item = u64>, target: u64) -> Self {
        let mut shares = Self {
            bounds: vec![(0, 0)],
        };
        shares.extend(splits, target);
        shares
    }

    /// Shares that end behind these splits, but for the first, which ends before
    /// `begin`, if that is not nothing: who begins there reads from the second on.
    pub(crate) fn ending(begin: u32, ends: impl Iterator<Item = u32>) -> Self {
        let first = (begin > 0).then_some(begin);
        let ends = first.into_iter().chain(ends.filter(|end| *end > begin));
        Self {
            bounds: std::iter::once(0).chain(ends).map(|end| (end, 0)).collect(),
        }
    }

    /// The share that who begins at split `begin` reads first, of those.
    pub(crate) fn first_behind(begin: u32) -> u32 {
        u32::from(begin > 0)
    }

    fn extend(&mut self, splits: impl Iterator<Item = u64>, target: u64) {
        let (mut bytes, mut n) = (0, 0);
        let (mut end, _) = self.end();
        for split in splits {
            // A large split is not kept waiting for by small ones before it.
            if n > 0 && bytes + split > target + target / 2 {
                self.bounds.push((end, 0));
                (bytes, n) = (0, 0);
            }
            (bytes, n, end) = (bytes + split, n + 1, end + 1);
            if bytes >= target || n >= SPLITS_MAX {
                self.bounds.push((end, 0));
                (bytes, n) = (0, 0);
            }
        }
        if n > 0 {
            self.bounds.push((end, 0));
        }
    }

    /// Where the last one ends, and the next one begins.
    fn end(&self) -> (u32, u32) {
        self.bounds.last().copied().unwrap_or_default()
    }

    /// The next split is a stream, of which so many blocks were written before.
    pub(crate) fn begin_stream(&mut self, blocks: u32) {
        if let Some(end) = self.bounds.last_mut() {
            end.1 = blocks;
        }
    }

    /// So many blocks of a stream are a share.
    pub(crate) fn stream(&mut self, blocks: u32) {
        let (split, seq) = self.end();
        self.bounds.push((split, seq + blocks));
    }

    /// What has come of a stream is its last share, and these splits are behind it.
    pub(crate) fn end_stream(&mut self, splits: impl Iterator<Item = u64>, target: u64) {
        let (split, _) = self.end();
        self.bounds.push((split + 1, 0));
        self.extend(splits, target);
    }

    /// How many.
    pub(crate) fn len(&self) -> u32 {
        self.bounds.len() as u32 - 1
    }

    /// The splits of a share.
    pub(crate) fn splits(&self, share: u32) -> Range<u32> {
        let share = share as usize;
        self.bounds[share].0..self.bounds[share + 1].0
    }

    /// The share that a split is in, the first one of a stream; behind the last one,
    /// if it is behind all.
    pub(crate) fn of(&self, split: u32) -> u32 {
        let above = self.bounds.partition_point(|bound| bound.0 <= split);
        (above as u32 - 1).min(self.len())
    }

    /// Where a share begins, or what is behind all: a split, and blocks of it.
    pub(crate) fn first(&self, share: u32) -> (u32, u32) {
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
            assert_eq!(shares.first(share), (next, 0));
            assert!(!splits.is_empty());
            for split in splits.clone() {
                assert_eq!(shares.of(split), share, "{split}");
            }
            next = splits.end;
        }
        assert_eq!(next, 12);
        assert_eq!(shares.of(12), shares.len());
        assert_eq!(shares.first(shares.len()), (12, 0));
        assert_eq!(shares.len(), 6, "{shares:?}");
    }

    #[test]
    fn shares_that_end_somewhere_leave_out_what_is_written() {
        let ends = [3, 9, 10];
        let all = Shares::ending(0, ends.into_iter());
        assert_eq!(
            (all.len(), all.splits(1), Shares::first_behind(0)),
            (3, 3..9, 0)
        );
        for (begin, want) in [
            (2, vec![2..3, 3..9, 9..10]),
            (3, vec![3..9, 9..10]),
            (10, vec![]),
        ] {
            let shares = Shares::ending(begin, ends.into_iter());
            let left = Shares::first_behind(begin)..shares.len();
            let got: Vec<_> = left.map(|share| shares.splits(share)).collect();
            assert_eq!(got, want, "{begin}");
            assert_eq!(shares.first(1), (begin, 0));
        }
    }

    #[test]
    fn nothing_is_no_share() {
        let none = Shares::new(std::iter::empty(), 32);
        assert_eq!((none.len(), none.of(0), none.first(0)), (0, 0, (0, 0)));
    }

    #[test]
    fn a_stream_is_in_as_many_shares_as_it_is_read_in() {
        let mut shares = Shares::new([40, 40].into_iter(), 32);
        // Of the third split, two blocks were written before.
        shares.begin_stream(2);
        assert_eq!((shares.len(), shares.of(2)), (2, 2), "the next is open");
        assert_eq!(shares.first(2), (2, 2));
        shares.stream(5);
        shares.stream(1);
        shares.end_stream([40, 1].into_iter(), 32);
        assert_eq!(shares.first(3), (2, 7));
        assert_eq!(shares.first(4), (2, 8));
        assert_eq!(shares.first(5), (3, 0));
        assert_eq!((shares.splits(5), shares.splits(6)), (3..4, 4..5));
        assert_eq!(shares.len(), 7);
    }
}
