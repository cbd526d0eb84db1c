//! [`Origin`]: where a sample came from.

use serde::{Deserialize, Serialize};

/// The place a sample was read from.
///
/// `position` is a byte offset in the (decompressed) file for line formats and
/// a row number, from 0, for Parquet and CSV; 0 for formats with one sample a
/// file. Pieces cut from a sample share its origin and count in `piece`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// Index of the file in the run's list of inputs.
    pub file: u32,
    /// Index of the piece among those cut from one sample; 0 if it was not cut.
    pub piece: u32,
    /// Byte offset or row number; see above.
    pub position: u64,
}
