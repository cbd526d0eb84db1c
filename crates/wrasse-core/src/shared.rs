//! [`SharedStr`]: a piece of a larger text that keeps the whole alive.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// A sub-string of a shared buffer: cheap to clone, and never copied.
///
/// A block of lines is read into one buffer; each sample, and each field of it
/// that holds no escapes, is a `SharedStr` into that buffer. The buffer lives
/// as long as one of its pieces does.
#[derive(Clone)]
pub struct SharedStr {
    buffer: Arc<String>,
    range: Range<usize>,
}

impl SharedStr {
    /// The whole of `text`.
    pub fn new(text: String) -> Self {
        let range = 0..text.len();
        Self {
            buffer: Arc::new(text),
            range,
        }
    }

    /// A piece of `buffer`.
    ///
    /// # Panics
    ///
    /// If `range` does not lie on character boundaries of `buffer`.
    pub fn slice_of(buffer: &Arc<String>, range: Range<usize>) -> Self {
        assert!(
            buffer.get(range.clone()).is_some(),
            "a slice lies on character boundaries"
        );
        Self {
            buffer: Arc::clone(buffer),
            range,
        }
    }

    /// A piece of this piece; `range` counts from its start.
    ///
    /// # Panics
    ///
    /// If `range` does not lie on character boundaries of this piece.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        assert!(
            self.as_str().get(range.clone()).is_some(),
            "a slice lies on character boundaries"
        );
        Self {
            buffer: Arc::clone(&self.buffer),
            range: self.range.start + range.start..self.range.start + range.end,
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.buffer[self.range.clone()]
    }
}

impl Deref for SharedStr {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for SharedStr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(formatter)
    }
}

impl From<&str> for SharedStr {
    fn from(text: &str) -> Self {
        Self::new(text.to_owned())
    }
}
