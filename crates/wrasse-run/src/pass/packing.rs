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

/// Blocks as bytes.
///
/// # Errors
///
/// If a sample is of a kind that cannot leave its process.
pub fn pack(blocks: &[BlockState]) -> Result<Vec<u8>, String> {
    let held: usize = blocks.iter().map(BlockState::memory_bytes).sum();
    let bytes = Vec::with_capacity(held + held / 16 + 64);
    pack_into(bytes, blocks, false, &mut |_| {})
}

/// [`pack`], and how many bytes the samples of each block are.
pub(crate) fn pack_and_measure(blocks: &[BlockState]) -> Result<(Vec<u8>, Vec<u64>), String> {
    let held: usize = blocks.iter().map(BlockState::memory_bytes).sum();
    let bytes = Vec::with_capacity(held + held / 16 + 64);
    let mut sizes = Vec::with_capacity(blocks.len());
    let packed = pack_into(bytes, blocks, false, &mut |samples| {
        sizes.push(samples.bytes.len() as u64);
    })?;
    Ok((packed, sizes))
}

/// Blocks as bytes, without those of their rows, which stay where they are: what
/// was recorded, and how long each row is. None if samples wait for an operator,
/// or the rows are not lines.
///
/// # Errors
///
/// As [`pack`].
pub fn pack_hollow(blocks: &[BlockState]) -> Result<Option<Vec<u8>>, String> {
    let is_done = |block: &BlockState| {
        let rows = block.encoded.as_ref();
        block.samples.is_empty() && rows.is_none_or(|rows| rows.hollow().is_some())
    };
    match blocks.iter().all(is_done) {
        true => pack_into(Vec::new(), blocks, true, &mut |_| {}).map(Some),
        false => Ok(None),
    }
}

fn pack_into(
    mut bytes: Vec<u8>,
    blocks: &[BlockState],
    hollow: bool,
    each: &mut dyn FnMut(&PackedSamples),
) -> Result<Vec<u8>, String> {
    bytes = postcard::to_extend(&blocks.len(), bytes).map_err(|error| error.to_string())?;
    for block in blocks {
        let samples = PackedSamples::new(&block.samples)?;
        each(&samples);
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
        bytes = postcard::to_extend(&written, bytes).map_err(|error| error.to_string())?;
    }
    Ok(bytes)
}

/// The blocks in bytes that [`pack`] made.
///
/// # Errors
///
/// If the bytes are not such.
pub fn unpack(bytes: &[u8]) -> Result<Vec<BlockState>, String> {
    let wrong = |error: postcard::Error| format!("a packed block cannot be read: {error}");
    let (n, mut rest): (usize, _) = postcard::take_from_bytes(bytes).map_err(wrong)?;
    let mut blocks = Vec::new();
    for _ in 0..n {
        let (read, left): (Read<'_>, _) = postcard::take_from_bytes(rest).map_err(wrong)?;
        rest = left;
        let samples = samples(&read)?;
        blocks.push(BlockState {
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
        });
    }
    Ok(blocks)
}

fn samples(read: &Read<'_>) -> Result<Vec<Sample>, String> {
    unpack_samples(read.shared, &read.ends, read.samples)
}
