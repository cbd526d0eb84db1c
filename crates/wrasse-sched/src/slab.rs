//! [`Slab`]: things in flight, found by a small id that is never reused.

use std::num::NonZeroU32;

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

    /// The id of [`Key::to_u64`].
    pub fn from_u64(id: u64) -> Self {
        Self {
            at: id as u32,
            generation: NonZeroU32::new((id >> 32) as u32).unwrap_or(NonZeroU32::MIN),
        }
    }
}

/// Values in slots that are used again, so that memory follows what is in
/// flight and not what has ever been. An id whose value is gone finds nothing.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    slots: Vec<(NonZeroU32, Option<T>)>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slab<T> {
    pub(crate) fn insert(&mut self, value: T) -> Key {
        match self.free.pop() {
            Some(at) => {
                let slot = &mut self.slots[at as usize];
                slot.1 = Some(value);
                Key {
                    at,
                    generation: slot.0,
                }
            }
            None => {
                let at = self.slots.len() as u32;
                let generation = NonZeroU32::MIN;
                self.slots.push((generation, Some(value)));
                Key { at, generation }
            }
        }
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let slot = self.slots.get_mut(key.at as usize)?;
        if slot.0 != key.generation {
            return None;
        }
        let value = slot.1.take()?;
        slot.0 = slot.0.checked_add(1).unwrap_or(NonZeroU32::MIN);
        self.free.push(key.at);
        Some(value)
    }

    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        self.slots
            .get(key.at as usize)
            .filter(|slot| slot.0 == key.generation)
            .and_then(|slot| slot.1.as_ref())
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.slots
            .get_mut(key.at as usize)
            .filter(|slot| slot.0 == key.generation)
            .and_then(|slot| slot.1.as_mut())
    }

    /// The id of the value at a position that is taken.
    pub(crate) fn key(&self, at: u32) -> Key {
        Key {
            at,
            generation: self.slots[at as usize].0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.slots.iter().enumerate().filter_map(|(at, slot)| {
            let key = Key {
                at: at as u32,
                generation: slot.0,
            };
            slot.1.as_ref().map(|value| (key, value))
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
