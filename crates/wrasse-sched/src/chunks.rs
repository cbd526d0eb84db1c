//! [`Chunks`] and [`Queue`]: tables that grow by a chunk at a time.
//!
//! What a vector does where it is full, move all that it holds, takes longer the
//! more is in flight, and it would happen in a single step.

use std::collections::VecDeque;
use std::ops::{Index, IndexMut};

/// Entries of a chunk of a table.
const ENTRIES: usize = 64;

/// Values by position. Only a list of the chunks is ever moved, an eighth of a
/// byte for each value.
#[derive(Debug)]
pub(crate) struct Chunks<T>(Vec<Box<[T; ENTRIES]>>);

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Chunks<T> {
    pub(crate) fn len(&self) -> usize {
        self.0.len() * ENTRIES
    }

    /// A chunk more, of such values.
    pub(crate) fn grow(&mut self, value: impl Fn() -> T) {
        self.0.push(Box::new(std::array::from_fn(|_| value())));
    }

    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        self.0.get(at / ENTRIES).map(|chunk| &chunk[at % ENTRIES])
    }

    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        let chunk = self.0.get_mut(at / ENTRIES);
        chunk.map(|chunk| &mut chunk[at % ENTRIES])
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flat_map(|chunk| chunk.iter())
    }
}

impl<T> Index<usize> for Chunks<T> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        &self.0[at / ENTRIES][at % ENTRIES]
    }
}

impl<T> IndexMut<usize> for Chunks<T> {
    fn index_mut(&mut self, at: usize) -> &mut T {
        &mut self.0[at / ENTRIES][at % ENTRIES]
    }
}

/// Entries of a chunk of a queue.
const QUEUED: usize = 256;

/// Values that come at the end and leave at the front.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    /// All but the last are full.
    chunks: VecDeque<Vec<T>>,
    /// How many of the first chunk have left.
    left: usize,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            chunks: VecDeque::new(),
            left: 0,
        }
    }
}

impl<T: Copy> Queue<T> {
    pub(crate) fn push_back(&mut self, value: T) {
        if self.chunks.back().is_none_or(|last| last.len() == QUEUED) {
            self.chunks.push_back(Vec::with_capacity(QUEUED));
        }
        if let Some(last) = self.chunks.back_mut() {
            last.push(value);
        }
    }

    pub(crate) fn front(&self) -> Option<&T> {
        self.chunks.front()?.get(self.left)
    }

    pub(crate) fn pop_front(&mut self) -> Option<T> {
        let value = *self.front()?;
        self.left += 1;
        if self.left == QUEUED {
            self.chunks.pop_front();
            self.left = 0;
        }
        Some(value)
    }

    /// The values, from the front on.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten().skip(self.left)
    }

    /// The value that has so many before it.
    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        let at = self.left + at;
        self.chunks.get_mut(at / QUEUED)?.get_mut(at % QUEUED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_a_queue_over_the_ends_of_its_chunks() {
        let mut queue = Queue::default();
        let (mut pushed, mut popped) = (0, 0);
        for round in 0..20 {
            for _ in 0..QUEUED * 2 / 3 {
                queue.push_back(pushed);
                pushed += 1;
            }
            for _ in 0..round * 20 {
                let left = pushed - popped;
                assert_eq!(queue.get_mut(left), None);
                let last = left.checked_sub(1).and_then(|at| queue.get_mut(at));
                assert_eq!(last.copied(), (left > 0).then(|| pushed - 1));
                let next = (left > 0).then_some(popped);
                assert_eq!((queue.front().copied(), queue.pop_front()), (next, next));
                popped += next.map_or(0, |_| 1);
            }
        }
        assert!(pushed > 3 * QUEUED && popped == pushed);
    }
}
