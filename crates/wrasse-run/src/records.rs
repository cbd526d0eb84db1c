//! [`Records`]: lines about samples, in the order of the input.

use serde::{Deserialize, Serialize};
use wrasse_core::Origin;

/// Lines about the samples of one block, for the reject file or that of dropped
/// samples.
///
/// A block is worked on in stages, so that lines come in another order than
/// their samples, one that depends on where blocks end. They are written in the
/// order of the samples: then the files depend on the input alone.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Records {
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
    /// Where each line came from, and where it ends.
    ends: Vec<(Origin, usize)>,
}

impl Records {
    /// Appends the lines that `write` writes about the sample from `origin`.
    pub(crate) fn append(&mut self, origin: Origin, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push((origin, self.bytes.len()));
    }

    /// Bytes of memory held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes.len() + self.ends.len() * size_of::<(Origin, usize)>()
    }

    /// The lines, in the order of the input.
    pub fn into_bytes(self) -> Vec<u8> {
        let key = |origin: &Origin| (origin.file, origin.position, origin.piece);
        if self.ends.is_sorted_by_key(|(origin, _)| key(origin)) {
            return self.bytes;
        }
        let mut start = 0;
        let mut lines = Vec::with_capacity(self.ends.len());
        for (origin, end) in &self.ends {
            lines.push((key(origin), &self.bytes[start..*end]));
            start = *end;
        }
        lines.sort_by_key(|(key, _)| *key);
        lines
            .into_iter()
            .flat_map(|(_, line)| line)
            .copied()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_in_the_order_of_their_samples() {
        let mut records = Records::default();
        for (file, position, piece) in [(1, 5, 0), (0, 9, 1), (0, 9, 0), (0, 9, 1), (0, 70, 0)] {
            let n = records.ends.len();
            let origin = Origin {
                file,
                position,
                piece,
            };
            records.append(origin, |out| {
                out.extend_from_slice(format!("{file} {position} {piece} #{n}\n").as_bytes());
            });
        }
        let text = String::from_utf8(records.into_bytes()).unwrap();
        assert_eq!(text, "0 9 0 #2\n0 9 1 #1\n0 9 1 #3\n0 70 0 #4\n1 5 0 #0\n");
    }
}
