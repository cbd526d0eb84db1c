//! [`Hollow`]: rows that lie elsewhere, known by their lengths.

use serde::{Deserialize, Serialize};

/// Rows without their bytes.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Hollow {
    /// The object that holds them, and the number of the first one there.
    pub(super) object: u64,
    pub(super) first: u64,
    /// Bytes of each row.
    pub(super) lengths: Vec<u64>,
}

impl Hollow {
    pub(super) fn new(lengths: Vec<u64>) -> Self {
        Self {
            lengths,
            ..Self::default()
        }
    }

    pub(super) fn lie_in(&mut self, object: u64, first: u64) {
        (self.object, self.first) = (object, first);
    }

    pub(super) fn n_rows(&self) -> usize {
        self.lengths.len()
    }

    pub(super) fn row_bytes(&self) -> usize {
        self.lengths.iter().sum::<u64>() as usize
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.lengths.capacity() * size_of::<u64>()
    }

    pub(super) fn retain(&mut self, keep: &[bool]) {
        assert_eq!(keep.len(), self.lengths.len(), "one verdict a row");
        let mut keep = keep.iter();
        self.lengths.retain(|_| keep.next() == Some(&true));
    }
}
