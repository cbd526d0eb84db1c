//! [`Order`]: everything in flight, in input order.
//!
//! # Model
//!
//! A doubly linked list of *tokens*. A token stands for one thing whose outputs
//! have a place in the output: the unread rest of a split, a block that waits,
//! a task that runs. What a task puts out is inserted before the task's own
//! token; when the task has ended, its token is taken out. So the list is always
//! in input order, however many outputs a task has, and nothing has to be
//! numbered or sorted.
//!
//! A point that things pass in input order (a gate, the sink) is a *cursor*: it
//! stands on the first token that has not passed it. The list ends with a token
//! that stands for all that was not read yet.
//!
//! ```text
//!   cursor of the sink      cursor of gate 0
//!          ▼                       ▼
//!   [block at sink]─[task of op 2]─[block at gate 0]─[split 3, rest]─[end]
//! ```
//!
//! Every operation costs the same, however long the list is. The links lie apart
//! from the things, close together: whatever joins or leaves the list changes
//! those of its neighbors, which are long out of the processor's caches where
//! tens of thousands of tasks run. So tokens do not know which cursors stand on
//! them, either; the few cursors know where they stand.
//!
//! # Invariants
//!
//! 1. Before a cursor all tokens have passed its point, and none behind it has.
//! 2. Each cursor stands on exactly one token.

use crate::chunks::Chunks;
use crate::slab::{At, Key, Slab};

/// A list of tokens with something in each.
#[derive(Debug)]
pub(crate) struct Order<T> {
    values: Slab<T>,
    /// Of the token at the same place in `values`. The list is a ring: the end
    /// is before the first.
    links: Chunks<Link>,
    first: Key,
    end: Key,
    /// Where each cursor stands.
    positions: Vec<Key>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    prev: u32,
    next: u32,
}

/// A set of cursors, a bit each. The cursor of a point further downstream has
/// the higher number.
pub(crate) type Cursors = u64;

/// The most ordered points of a run.
pub(crate) const CURSORS_MAX: usize = 64;

impl<T> Order<T> {
    /// An empty list: all cursors stand on its end.
    pub(crate) fn new(end: T, n_cursors: usize) -> Self {
        assert!(n_cursors <= CURSORS_MAX, "too many ordered points");
        let mut values = Slab::default();
        let end = values.insert(end);
        let at = end.at() as u32;
        let mut links = Chunks::default();
        links.grow(|| Link { prev: at, next: at });
        Self {
            values,
            links,
            first: end,
            end,
            positions: vec![end; n_cursors],
        }
    }

    /// The token on which a cursor stands.
    pub(crate) fn position(&self, cursor: usize) -> Key {
        self.positions[cursor]
    }

    fn moved(&mut self, mut cursors: Cursors, to: Key) {
        while cursors != 0 {
            self.positions[cursors.trailing_zeros() as usize] = to;
            cursors &= cursors - 1;
        }
    }

    /// The token that stands for what was not read yet.
    pub(crate) fn end(&self) -> Key {
        self.end
    }

    pub(crate) fn first(&self) -> Key {
        self.first
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first == self.end
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len() - 1
    }

    pub(crate) fn get(&self, key: Key) -> &T {
        &self.values[key]
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> &mut T {
        &mut self.values[key]
    }

    pub(crate) fn key(&self, at: At) -> Key {
        self.values.key(at)
    }

    pub(crate) fn contains(&self, key: Key) -> bool {
        self.values.get(key).is_some()
    }

    /// The token behind `key`.
    pub(crate) fn after(&self, key: Key) -> Key {
        self.values.key_at(self.links[key.at()].next)
    }

    /// The cursors that stand on `key`: a look at all of them, 64 at the most and
    /// side by side, costs less than a set with each token.
    fn cursors(&self, key: Key) -> Cursors {
        let bits = self.positions.iter().enumerate();
        bits.fold(0, |set, (cursor, at)| {
            set | Cursors::from(*at == key) << cursor
        })
    }

    /// Inserts `value` before `at`; it has yet to pass the points `ahead`.
    pub(crate) fn insert_before(&mut self, at: Key, value: T, ahead: Cursors) -> Key {
        let cursors = self.cursors(at) & ahead;
        let key = self.values.insert(value);
        let here = key.at() as u32;
        let prev = std::mem::replace(&mut self.links[at.at()].prev, here);
        let link = Link {
            prev,
            next: at.at() as u32,
        };
        if key.at() >= self.links.len() {
            self.links.grow(|| link);
        }
        self.links[key.at()] = link;
        self.links[prev as usize].next = here;
        if at == self.first {
            self.first = key;
        }
        self.moved(cursors, key);
        key
    }

    /// Takes a token out. If cursors stood on it, they go on to the next;
    /// returns that token and these cursors.
    pub(crate) fn remove(&mut self, key: Key) -> Option<(Key, Cursors)> {
        assert!(key != self.end, "the end of the list stays");
        self.values.remove(key).expect("a token is removed once");
        let Link { prev, next } = self.links[key.at()];
        self.links[next as usize].prev = prev;
        self.links[prev as usize].next = next;
        if key == self.first {
            self.first = self.values.key_at(next);
        }
        let cursors = self.cursors(key);
        // Without a cursor nobody asks for the next: it is not even looked at.
        if cursors == 0 {
            return None;
        }
        let next = self.values.key_at(next);
        self.moved(cursors, next);
        Some((next, cursors))
    }

    /// The tokens from the first to the last; the end is not among them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        let mut at = self.first;
        std::iter::from_fn(move || {
            if at == self.end {
                return None;
            }
            let key = at;
            at = self.after(key);
            Some((key, self.get(key)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(order: &Order<&'static str>) -> Vec<&'static str> {
        order.iter().map(|(_, value)| *value).collect()
    }

    #[test]
    fn outputs_take_the_place_of_their_input() {
        let mut order = Order::new("end", 1);
        let a = order.insert_before(order.end(), "a", 1);
        let b = order.insert_before(order.end(), "b", 1);
        order.insert_before(b, "b1", 1);
        order.insert_before(b, "b2", 1);
        order.insert_before(a, "a1", 1);
        order.remove(b);
        order.remove(a);
        assert_eq!(values(&order), ["a1", "b1", "b2"]);
    }

    #[test]
    fn a_cursor_stands_on_the_first_that_has_not_passed() {
        let (gate, sink) = (1, 2);
        let mut order = Order::new("end", 2);
        let task = order.insert_before(order.end(), "task of the gate", gate | sink);
        assert_eq!(order.cursors(task), gate | sink);
        // Its output has passed the gate; the task itself has not.
        let output = order.insert_before(task, "output", sink);
        assert_eq!((order.cursors(output), order.cursors(task)), (sink, gate));
        assert_eq!(order.remove(task), Some((order.end(), gate)));
        assert_eq!(order.remove(output), Some((order.end(), sink)));
        assert!(order.is_empty());
    }
}
