//! [`Ahead`]: which splits are being read, and what was read of those behind the
//! front, kept by deltas.

use crate::chunks::Queue;

/// The splits from the front on: the front is the first that was not read to
/// its end.
///
/// Splits are opened in order and the front only moves on, so that they are a
/// window, and every change costs the same, however many there are.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    front: u32,
    /// The front, and what was opened behind it.
    splits: Queue<Split>,
    /// Of splits behind the front, in all.
    blocks: i64,
    bytes: i64,
}

#[derive(Clone, Copy, Debug)]
struct Split {
    is_open: bool,
    /// Blocks in flight of it, and their bytes.
    blocks: i32,
    bytes: i64,
}

impl Ahead {
    /// Nothing is open; `front` is the first split that will be.
    pub(crate) fn new(front: u32) -> Self {
        Self {
            front,
            ..Self::default()
        }
    }

    pub(crate) fn is_ahead(&self, split: u32) -> bool {
        split > self.front
    }

    pub(crate) fn blocks(&self) -> i64 {
        self.blocks
    }

    pub(crate) fn bytes(&self) -> i64 {
        self.bytes
    }

    /// The next split is opened.
    pub(crate) fn open(&mut self) {
        self.splits.push_back(Split {
            is_open: true,
            blocks: 0,
            bytes: 0,
        });
    }

    /// A split was read to its end; the front may move on.
    pub(crate) fn close(&mut self, split: u32) {
        if let Some(split) = self.at(split) {
            split.is_open = false;
        }
        while self.splits.front().is_some_and(|split| !split.is_open) {
            self.splits.pop_front();
            self.front += 1;
            if let Some(front) = self.splits.front() {
                self.blocks -= i64::from(front.blocks);
                self.bytes -= front.bytes;
            }
        }
    }

    /// Blocks and bytes of `split` have come (or, below zero, gone).
    pub(crate) fn add(&mut self, split: u32, blocks: i32, bytes: i64) {
        let is_ahead = self.is_ahead(split);
        if let Some(split) = self.at(split) {
            split.blocks += blocks;
            split.bytes += bytes;
            if is_ahead {
                self.blocks += i64::from(blocks);
                self.bytes += bytes;
            }
        }
    }

    fn at(&mut self, split: u32) -> Option<&mut Split> {
        let at = split.checked_sub(self.front)?;
        self.splits.get_mut(at as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_front_passes_is_ahead_no_more() {
        let mut ahead = Ahead::new(3);
        let of = |ahead: &Ahead| (ahead.front, ahead.blocks(), ahead.bytes());
        for _ in 3..7 {
            ahead.open();
        }
        for (split, bytes) in [(3, 1), (4, 10), (5, 100), (6, 1000)] {
            ahead.add(split, 1, bytes);
        }
        assert_eq!(of(&ahead), (3, 3, 1110));
        ahead.close(4);
        ahead.close(6);
        assert_eq!(of(&ahead), (3, 3, 1110));
        ahead.close(3);
        assert_eq!(of(&ahead), (5, 1, 1000));
        ahead.add(4, -1, -10);
        ahead.add(5, -1, -100);
        ahead.add(6, -1, -1000);
        assert_eq!(of(&ahead), (5, 0, 0));
        ahead.close(5);
        assert_eq!(of(&ahead), (7, 0, 0));
        ahead.open();
        assert!(!ahead.is_ahead(7));
    }
}
