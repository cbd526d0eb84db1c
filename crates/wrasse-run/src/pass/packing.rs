//! Blocks as bytes, and back, with all that was recorded on their way: for
//! backends whose workers are other processes.

use serde::{Deserialize, Serialize};
use serde_bytes::Bytes;
use wrasse_core::{Origin, Sample};
use wrasse_io::OutBlock;
use wrasse_op::Fingerprint;

use super::BlockState;
use crate::clusters::Copies;
use crate::examples::Example;
use crate::exchange::packed::{PackedSamples, unpack_samples};
use crate::{Examples, Records, Tally};

/// A block, borrowed where that spares a copy. The order of the fields is the
/// format, the same as that of [`Read`]: writer and reader are of one version.
#[derive(Serialize)]
struct Written<'a> {
    tally: &'a Tally,
    rejects: &'a Records,
    dropped: &'a Records,
    told: &'a Records,
    clusters: &'a Records,
    copies: &'a [Copies],
    fresh: &'a [Vec<Fingerprint>],
    examples: &'a Examples,
    watched: &'a [(usize, Example)],
    fingerprints: &'a [Fingerprint],
    origins: &'a [Origin],
    encoded: &'a Option<OutBlock>,
    shared: &'a Bytes,
    ends: &'a [u64],
    samples: &'a Bytes,
}

#[derive(Deserialize)]
struct Read<'a> {
    tally: Tally,
    rejects: Records,
    dropped: Records,
    told: Records,
    clusters: Records,
    copies: Vec<Copies>,
    fresh: Vec<Vec<Fingerprint>>,
    examples: Examples,
    watched: Vec<(usize, Example)>,
    fingerprints: Vec<Fingerprint>,
    origins: Vec<Origin>,
    encoded: Option<OutBlock>,
    #[serde(borrow)]
    shared: &'a Bytes,
    ends: Vec<u64>,
    samples: &'a Bytes,
}

/// What packed blocks begin with.
const BEGINS: u8 = 1;

/// Blocks on their way into bytes, one after the other: each is packed while it is in the
/// cache, and need not be kept.
pub struct Packing {
    bytes: Vec<u8>,
    /// Without their rows: what was recorded, and how long each row is. None if that is not
    /// wanted, samples wait for an operator, or the rows are not lines.
    hollow: Option<Vec<u8>>,
}

impl Packing {
    /// With room for so many bytes; without rows too, if that is wanted.
    pub fn new(room: usize, hollow: bool) -> Self {
        let mut bytes = Vec::with_capacity(room + 1);
        bytes.push(BEGINS);
        Self {
            bytes,
            hollow: hollow.then(|| vec![BEGINS]),
        }
    }

    /// # Errors
    ///
    /// If a sample is of a kind that cannot leave its process.
    pub fn push(&mut self, block: &BlockState) -> Result<(), String> {
        self.measure(block)?;
        self.hollow = match self.hollow.take().filter(|_| is_done(block)) {
            Some(hollow) => Some(append(hollow, block, &PackedSamples::new(&[])?, true)?),
            None => None,
        };
        Ok(())
    }

    /// The blocks as bytes, with and without their rows.
    pub fn finish(self) -> (Vec<u8>, Option<Vec<u8>>) {
        (self.bytes, self.hollow)
    }

    /// Appends a block with its rows; how many bytes its samples are.
    fn measure(&mut self, block: &BlockState) -> Result<u64, String> {
        let samples = PackedSamples::new(&block.samples)?;
        self.bytes = append(std::mem::take(&mut self.bytes), block, &samples, false)?;
        Ok(samples.bytes.len() as u64)
    }

    fn for_all(blocks: &[BlockState]) -> Self {
        let held: usize = blocks.iter().map(BlockState::memory_bytes).sum();
        Self::new(held + held / 16 + 64, false)
    }
}

/// Blocks as bytes.
///
/// # Errors
///
/// If a sample is of a kind that cannot leave its process.
pub fn pack(blocks: &[BlockState]) -> Result<Vec<u8>, String> {
    pack_and_measure(blocks).map(|(packed, _)| packed)
}

/// [`pack`], and how many bytes the samples of each block are.
pub(crate) fn pack_and_measure(blocks: &[BlockState]) -> Result<(Vec<u8>, Vec<u64>), String> {
    let mut packing = Packing::for_all(blocks);
    let sizes = blocks.iter().map(|block| packing.measure(block));
    let sizes = sizes.collect::<Result<_, _>>()?;
    Ok((packing.bytes, sizes))
}

/// Whether of a block nothing is left but its rows, of which lengths tell.
fn is_done(block: &BlockState) -> bool {
    let rows = block.encoded.as_ref();
    block.samples.is_empty() && rows.is_none_or(|rows| rows.hollow().is_some())
}

fn append(
    bytes: Vec<u8>,
    block: &BlockState,
    samples: &PackedSamples,
    hollow: bool,
) -> Result<Vec<u8>, String> {
    let lengths = block.encoded.as_ref().filter(|_| hollow);
    let lengths = lengths.and_then(OutBlock::hollow);
    let written = Written {
        tally: &block.tally,
        rejects: &block.rejects,
        dropped: &block.dropped,
        told: &block.told,
        clusters: &block.clusters,
        copies: &block.copies,
        fresh: &block.fresh,
        examples: &block.examples,
        watched: &block.watched,
        fingerprints: &block.fingerprints,
        origins: &block.origins,
        encoded: match hollow {
            true => &lengths,
            false => &block.encoded,
        },
        shared: Bytes::new(&samples.shared),
        ends: &samples.ends,
        samples: Bytes::new(&samples.bytes),
    };
    postcard::to_extend(&written, bytes).map_err(|error| error.to_string())
}

/// The blocks in bytes that [`pack`] made.
///
/// # Errors
///
/// If the bytes are not such.
pub fn unpack(bytes: &[u8]) -> Result<Vec<BlockState>, String> {
    Packed::new(bytes)?.collect()
}

/// The blocks in bytes that [`pack`] made, one after the other: each is done with while it is
/// in the cache, and its memory is the next one's.
pub struct Packed<'a>(&'a [u8]);

impl<'a> Packed<'a> {
    /// # Errors
    ///
    /// If the bytes are not such.
    pub fn new(bytes: &'a [u8]) -> Result<Self, String> {
        let rest = bytes.strip_prefix(&[BEGINS]);
        rest.map(Self)
            .ok_or_else(|| "bytes that are no packed blocks".to_owned())
    }
}

impl Iterator for Packed<'_> {
    type Item = Result<BlockState, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let read = postcard::take_from_bytes(self.0).map_err(wrong);
        // What cannot be read is told once.
        self.0 = read.as_ref().map_or(&[], |(_, rest)| *rest);
        Some(read.and_then(|(read, _)| state(read)))
    }
}

fn wrong(error: postcard::Error) -> String {
    format!("a packed block cannot be read: {error}")
}

fn state(read: Read<'_>) -> Result<BlockState, String> {
    let samples = samples(&read)?;
    Ok(BlockState {
        // What is measured is measured where it is.
        ended: Default::default(),
        tally: read.tally,
        rejects: read.rejects,
        dropped: read.dropped,
        told: read.told,
        clusters: read.clusters,
        copies: read.copies,
        fresh: read.fresh,
        examples: read.examples,
        watched: read.watched,
        samples,
        fingerprints: read.fingerprints,
        origins: read.origins,
        // They travel apart.
        keys: Vec::new(),
        encoded: read.encoded,
    })
}

fn samples(read: &Read<'_>) -> Result<Vec<Sample>, String> {
    unpack_samples(read.shared, &read.ends, read.samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_told_once() {
        let mut packed = pack(&[BlockState::default(), BlockState::default()]).unwrap();
        assert_eq!(Packed::new(&packed).unwrap().count(), 2);
        packed.pop();
        let found: Vec<bool> = Packed::new(&packed).unwrap().map(|b| b.is_ok()).collect();
        assert_eq!(found, [true, false]);
        assert!(Packed::new(&[]).is_err());
        assert_eq!(
            pack(&[]).map(|packed| unpack(&packed).unwrap().len()),
            Ok(0)
        );
    }
}
