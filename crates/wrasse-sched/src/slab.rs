//! [`Slab`]: things in flight, found by a small id that is never reused.

use std::num::NonZeroU32;

use crate::chunks::Chunks;

/// An id in a slab: a position, and which occupant of it is meant, from 1 on, so
/// that an id that may be absent takes no more room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    at: u32,
    generation: NonZeroU32,
}

impl Key {
    /// The position; it is used again when its value is gone.
    pub(crate) fn at(self) -> usize {
        self.at as usize
    }

    /// The id as one number, for a wire or a log.
    pub fn to_u64(self) -> u64 {
        u64::from(self.generation.get()) << 32 | u64::from(self.at)
    }
}

/// Where a value is that is known to be there: half of its id, for what is there
/// in thousands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At(NonZeroU32);

impl At {
    /// As a number that is not 0.
    pub(crate) fn to_word(self) -> u32 {
        self.0.get()
    }

    /// What [`At::to_word`] made a number; none of 0.
    pub(crate) fn from_word(word: u32) -> Option<Self> {
        NonZeroU32::new(word).map(Self)
    }

    /// From 0.
    fn index(self) -> u32 {
        self.0.get() - 1
    }
}

impl From<Key> for At {
    fn from(key: Key) -> Self {
        Self(NonZeroU32::MIN.saturating_add(key.at))
    }
}

/// Values in slots that are used again, so that memory follows what is in
/// flight and not what has ever been. An id whose value is gone finds nothing.
///
/// The next value goes where one was removed last, which the processor's caches
/// still hold.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    slots: Chunks<Slot<T>>,
    /// Slots that ever had a value; those behind them never did.
    n_used: u32,
    /// The slot that became free last.
    free: Option<u32>,
    len: usize,
}

#[derive(Debug)]
struct Slot<T> {
    generation: NonZeroU32,
    entry: Entry<T>,
}

#[derive(Debug)]
enum Entry<T> {
    Value(T),
    /// And which became free before it.
    Free(Option<u32>),
}

impl<T> Slot<T> {
    fn value(&self) -> Option<&T> {
        match &self.entry {
            Entry::Value(value) => Some(value),
            Entry::Free(_) => None,
        }
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            slots: Chunks::default(),
            n_used: 0,
            free: None,
            len: 0,
        }
    }
}

impl<T> Slab<T> {
    pub(crate) fn insert(&mut self, value: T) -> Key {
        self.len += 1;
        let at = match self.free {
            Some(at) => at,
            None => self.next(),
        };
        let slot = &mut self.slots[at as usize];
        if let Entry::Free(next) = slot.entry {
            self.free = next;
        }
        slot.entry = Entry::Value(value);
        Key {
            at,
            generation: slot.generation,
        }
    }

    /// A slot that never had a value.
    fn next(&mut self) -> u32 {
        let at = self.n_used;
        self.n_used += 1;
        if at as usize == self.slots.len() {
            self.slots.grow(|| Slot {
                generation: NonZeroU32::MIN,
                entry: Entry::Free(None),
            });
        }
        at
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let free = self.free;
        let slot = self.slot_mut(key).filter(|slot| slot.value().is_some())?;
        slot.generation = slot.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        let Entry::Value(value) = std::mem::replace(&mut slot.entry, Entry::Free(free)) else {
            unreachable!("it has a value");
        };
        self.free = Some(key.at);
        self.len -= 1;
        Some(value)
    }

    fn slot(&self, key: Key) -> Option<&Slot<T>> {
        let slot = self.slots.get(key.at())?;
        (slot.generation == key.generation).then_some(slot)
    }

    fn slot_mut(&mut self, key: Key) -> Option<&mut Slot<T>> {
        let slot = self.slots.get_mut(key.at())?;
        (slot.generation == key.generation).then_some(slot)
    }

    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        self.slot(key)?.value()
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        match &mut self.slot_mut(key)?.entry {
            Entry::Value(value) => Some(value),
            Entry::Free(_) => None,
        }
    }

    /// The id of a value.
    pub(crate) fn key(&self, at: At) -> Key {
        self.key_at(at.index())
    }

    /// The id of the value at a position that is taken.
    pub(crate) fn key_at(&self, at: u32) -> Key {
        let slot = &self.slots[at as usize];
        Key {
            at,
            generation: slot.generation,
        }
    }

    /// Positions of values, of those that were removed, too.
    pub(crate) fn places(&self) -> usize {
        self.n_used as usize
    }

    /// The value at a position, if there is one.
    pub(crate) fn at_mut(&mut self, at: usize) -> Option<(Key, &mut T)> {
        let slot = self.slots.get_mut(at)?;
        let generation = slot.generation;
        let at = at as u32;
        match &mut slot.entry {
            Entry::Value(value) => Some((Key { at, generation }, value)),
            Entry::Free(_) => None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(at, slot)| {
            let key = Key {
                at: at as u32,
                generation: slot.generation,
            };
            slot.value().map(|value| (key, value))
        })
    }
}

impl<T> std::ops::Index<Key> for Slab<T> {
    type Output = T;

    fn index(&self, key: Key) -> &T {
        self.get(key).expect("what is in flight is in the slab")
    }
}

impl<T> std::ops::IndexMut<Key> for Slab<T> {
    fn index_mut(&mut self, key: Key) -> &mut T {
        self.get_mut(key).expect("what is in flight is in the slab")
    }
}

impl<T> std::ops::Index<At> for Slab<T> {
    type Output = T;

    fn index(&self, at: At) -> &T {
        let value = self.slots[at.index() as usize].value();
        value.expect("what is in flight is in the slab")
    }
}

impl<T> std::ops::IndexMut<At> for Slab<T> {
    fn index_mut(&mut self, at: At) -> &mut T {
        match &mut self.slots[at.index() as usize].entry {
            Entry::Value(value) => value,
            Entry::Free(_) => unreachable!("what is in flight is in the slab"),
        }
    }
}
