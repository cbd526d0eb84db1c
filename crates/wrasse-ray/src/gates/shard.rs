//! [`Shard`]: what an actor does that knows a range of a gate's fingerprints.

use serde::{Deserialize, Serialize};
use wrasse_op::Fingerprint;
use wrasse_run::FingerprintSet;

use crate::wire::{decode, encode, pack_bits};

/// What a shard is told.
#[derive(Serialize, Deserialize)]
pub(super) struct Question {
    /// Whether an answer is wanted; otherwise it only learns.
    pub(super) judges: bool,
    /// 16 bytes each, little end first.
    pub(super) prints: Vec<u8>,
}

impl Question {
    pub(super) fn new(judges: bool, prints: &[Fingerprint]) -> Self {
        let bytes = prints.iter().flat_map(|print| print.to_le_bytes());
        Self {
            judges,
            prints: bytes.collect(),
        }
    }
}

/// What it answers.
#[derive(Serialize, Deserialize)]
pub(super) struct Answer {
    /// A bit for each fingerprint: it was not there.
    pub(super) is_new: Vec<u8>,
    /// Bytes of memory that it holds.
    pub(super) memory_bytes: u64,
}

/// A range of a gate's fingerprints.
#[derive(Debug, Default)]
pub struct Shard(FingerprintSet);

impl Shard {
    /// One that knows nothing yet, of a driver of this version.
    ///
    /// # Errors
    ///
    /// If this is another version.
    pub fn new(version: &str) -> Result<Self, String> {
        let ours = env!("CARGO_PKG_VERSION");
        match version == ours {
            true => Ok(Self::default()),
            false => Err(format!(
                "the driver is Wrasse {version}, and this node has {ours}"
            )),
        }
    }

    /// Answers a question of the driver's.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn ask(&mut self, question: &[u8]) -> Result<Vec<u8>, String> {
        let Question { judges, prints } = decode(question)?;
        let mut is_new = Vec::new();
        if judges {
            let prints = prints.chunks_exact(size_of::<Fingerprint>());
            let prints = prints.map(|bytes| {
                let mut print = [0; size_of::<Fingerprint>()];
                print.copy_from_slice(bytes);
                Fingerprint::from_le_bytes(print)
            });
            is_new = prints.map(|print| self.0.insert(print)).collect();
        } else {
            self.0.extend_from_bytes(&prints);
        }
        encode(&Answer {
            is_new: pack_bits(&is_new),
            memory_bytes: self.0.memory_bytes() as u64,
        })
    }
}
