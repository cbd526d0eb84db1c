//! [`Text`]: one decoded field, with what was derived from it.

use std::any::{Any, TypeId};
use std::cell::OnceCell;
use std::fmt;
use std::ops::Deref;

use crate::{SharedStr, n_chars};

/// A value that is computed from a text alone.
///
/// Operators that need the same derived value (the words, the lines) share one
/// computation per text version: see [`Text::derived`].
pub trait Derived: Send + 'static {
    /// Computes the value.
    fn derive(text: &str) -> Self;
}

/// One version of one text field.
///
/// Immutable: a mapper that changes the text makes a new `Text`, so that
/// derived values can never be stale.
pub struct Text {
    repr: Repr,
    chars: OnceCell<usize>,
    derived: OnceCell<Box<Node>>,
}

enum Repr {
    /// A piece of the line it was read from.
    Shared(SharedStr),
    /// Decoded from escapes, or written by a mapper.
    Owned(String),
}

/// A list, so that references into it stay valid while it grows.
struct Node {
    kind: TypeId,
    value: Box<dyn Any + Send>,
    next: OnceCell<Box<Node>>,
}

impl Text {
    /// A text of its own.
    pub fn new(text: impl Into<String>) -> Self {
        Self::from(Repr::Owned(text.into()))
    }

    /// A text within a shared buffer.
    pub fn shared(text: SharedStr) -> Self {
        Self::from(Repr::Shared(text))
    }

    fn from(repr: Repr) -> Self {
        Self {
            repr,
            chars: OnceCell::new(),
            derived: OnceCell::new(),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        match &self.repr {
            Repr::Shared(text) => text,
            Repr::Owned(text) => text,
        }
    }

    /// Number of Unicode scalar values (Python's `len`), counted once.
    pub fn n_chars(&self) -> usize {
        *self.chars.get_or_init(|| n_chars(self.as_str()))
    }

    /// The value of type `T` derived from this text, computed once.
    pub fn derived<T: Derived>(&self) -> &T {
        let kind = TypeId::of::<T>();
        let mut slot = &self.derived;
        loop {
            let node = slot.get_or_init(|| {
                Box::new(Node {
                    kind,
                    value: Box::new(T::derive(self.as_str())),
                    next: OnceCell::new(),
                })
            });
            if node.kind == kind {
                return node
                    .value
                    .downcast_ref()
                    .expect("a node holds the type that it is filed under");
            }
            slot = &node.next;
        }
    }

    /// Bytes of memory that this text owns (0 while it is a piece of a line).
    pub(crate) fn owned_bytes(&self) -> usize {
        match &self.repr {
            Repr::Shared(_) => 0,
            Repr::Owned(text) => text.capacity(),
        }
    }

    /// Forgets the derived values, when the text will be held for long.
    pub fn forget_derived(&mut self) {
        self.derived = OnceCell::new();
    }
}

impl Clone for Text {
    /// Clones the text alone: derived values are computed anew where needed.
    fn clone(&self) -> Self {
        Self::from(match &self.repr {
            Repr::Shared(text) => Repr::Shared(text.clone()),
            Repr::Owned(text) => Repr::Owned(text.clone()),
        })
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Lines(usize);
    impl Derived for Lines {
        fn derive(text: &str) -> Self {
            Self(text.lines().count())
        }
    }
    struct Bytes(usize);
    impl Derived for Bytes {
        fn derive(text: &str) -> Self {
            Self(text.len())
        }
    }

    #[test]
    fn derived_values_are_kept_by_type() {
        let text = Text::new("a\nbé");
        let lines: *const Lines = text.derived::<Lines>();
        assert_eq!(text.derived::<Bytes>().0, 5);
        assert_eq!(text.derived::<Lines>().0, 2);
        assert!(
            std::ptr::eq(lines, text.derived::<Lines>()),
            "computed once"
        );
        assert_eq!(text.n_chars(), 4);
    }
}
