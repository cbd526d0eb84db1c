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
//! Every operation costs the same, however long the list is.
//!
//! # Invariants
//!
//! 1. Before a cursor all tokens have passed its point, and none behind it has.
//! 2. Each cursor stands on exactly one token.

use crate::slab::{Key, Slab};

/// A list of tokens with something in each.
#[derive(Debug)]
pub(crate) struct Order<T> {
    tokens: Slab<Token<T>>,
    first: Key,
    end: Key,
    /// Where each cursor stands.
    positions: Vec<Key>,
}

#[derive(Debug)]
struct Token<T> {
    value: T,
    prev: Option<Key>,
    next: Option<Key>,
    /// The cursors that stand here: a bit each.
    cursors: Cursors,
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
        let mut tokens = Slab::default();
        let end = tokens.insert(Token {
            value: end,
            prev: None,
            next: None,
            cursors: Cursors::MAX >> (CURSORS_MAX - n_cursors),
        });
        Self {
            tokens,
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
        self.tokens.len() - 1
    }

    pub(crate) fn get(&self, key: Key) -> &T {
        &self.tokens[key].value
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> &mut T {
        &mut self.tokens[key].value
    }

    pub(crate) fn contains(&self, key: Key) -> bool {
        self.tokens.get(key).is_some()
    }

    /// The token behind `key`.
    pub(crate) fn after(&self, key: Key) -> Key {
        self.tokens[key].next.unwrap_or(self.end)
    }

    pub(crate) fn cursors(&self, key: Key) -> Cursors {
        self.tokens[key].cursors
    }

    /// Inserts `value` before `at`; it has yet to pass the points `ahead`.
    pub(crate) fn insert_before(&mut self, at: Key, value: T, ahead: Cursors) -> Key {
        let next = &mut self.tokens[at];
        let cursors = next.cursors & ahead;
        next.cursors &= !ahead;
        let prev = next.prev;
        let key = self.tokens.insert(Token {
            value,
            prev,
            next: Some(at),
            cursors,
        });
        self.tokens[at].prev = Some(key);
        match prev {
            Some(prev) => self.tokens[prev].next = Some(key),
            None => self.first = key,
        }
        self.moved(cursors, key);
        key
    }

    /// Takes a token out: its cursors go on to the next. Returns that token,
    /// and the cursors that came to it.
    pub(crate) fn remove(&mut self, key: Key) -> (T, Key, Cursors) {
        assert!(key != self.end, "the end of the list stays");
        let token = self.tokens.remove(key).expect("a token is removed once");
        let next = token.next.unwrap_or(self.end);
        let after = &mut self.tokens[next];
        after.prev = token.prev;
        after.cursors |= token.cursors;
        match token.prev {
            Some(prev) => self.tokens[prev].next = Some(next),
            None => self.first = next,
        }
        self.moved(token.cursors, next);
        (token.value, next, token.cursors)
    }

    /// The tokens from the first to the last; the end is not among them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        let mut at = self.first;
        std::iter::from_fn(move || {
            if at == self.end {
                return None;
            }
            let key = at;
            let token = &self.tokens[key];
            at = token.next?;
            Some((key, &token.value))
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
        let (_, next, came) = order.remove(task);
        assert_eq!((next, came), (order.end(), gate));
        let (_, next, came) = order.remove(output);
        assert_eq!((next, came), (order.end(), sink));
        assert!(order.is_empty());
    }
}
