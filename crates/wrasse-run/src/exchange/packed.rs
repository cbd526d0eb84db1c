//! Samples as bytes, and back, with nothing lost: the row as it was read, what
//! operators changed, what was measured, and where it came from.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_bytes::Bytes;
use wrasse_core::{Columns, Origin, Sample, Stat};
use wrasse_io::{pack_columns, unpack_columns};

/// A sample. Borrowed, so that packing copies each byte once.
#[derive(Serialize, Deserialize)]
struct PackedSample<'a> {
    origin: Origin,
    #[serde(borrow)]
    row: PackedRow<'a>,
    changes: Vec<(&'a str, Option<std::borrow::Cow<'a, str>>)>,
    stats: Vec<(&'a str, std::borrow::Cow<'a, Stat>)>,
}

#[derive(Serialize, Deserialize)]
enum PackedRow<'a> {
    Line(&'a str),
    /// Of this batch this row.
    Columns(u32, u32),
}

/// Samples of one block, packed.
#[derive(Default)]
pub(crate) struct PackedSamples {
    /// The columnar batches that samples are rows of.
    pub(crate) batches: Vec<u8>,
    /// The samples, one behind the other.
    pub(crate) bytes: Vec<u8>,
    /// Where each ends.
    pub(crate) ends: Vec<u64>,
}

impl PackedSamples {
    pub(crate) fn new(samples: &[Sample]) -> Result<Self, String> {
        let mut batches: Vec<Arc<dyn Columns>> = Vec::new();
        let mut packed = Self::default();
        for sample in samples {
            let row = match (sample.line(), sample.columns()) {
                (Some(line), _) => PackedRow::Line(line.as_str()),
                (None, Some((batch, row))) => {
                    let same = |other: &Arc<dyn Columns>| {
                        std::ptr::addr_eq(Arc::as_ptr(other), Arc::as_ptr(batch))
                    };
                    let at = batches.iter().rposition(same).unwrap_or_else(|| {
                        batches.push(Arc::clone(batch));
                        batches.len() - 1
                    });
                    PackedRow::Columns(at as u32, row as u32)
                }
                (None, None) => return Err("a sample is neither line nor row".to_owned()),
            };
            let one = PackedSample {
                origin: sample.origin(),
                row,
                changes: sample
                    .changed_paths()
                    .map(|path| (path, sample.json(path)))
                    .collect(),
                stats: sample
                    .stats()
                    .iter()
                    .map(|(name, stat)| (name, std::borrow::Cow::Borrowed(stat)))
                    .collect(),
            };
            packed.bytes = postcard::to_extend(&one, std::mem::take(&mut packed.bytes))
                .map_err(|error| error.to_string())?;
            packed.ends.push(packed.bytes.len() as u64);
        }
        let batches = batches
            .iter()
            .map(|batch| pack_columns(batch.as_ref()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| error.message)?;
        let borrowed: Vec<&Bytes> = batches.iter().map(|batch| Bytes::new(batch)).collect();
        packed.batches = postcard::to_allocvec(&borrowed).map_err(|error| error.to_string())?;
        Ok(packed)
    }
}

/// The batches of a block.
pub(crate) fn unpack_batches(bytes: &[u8]) -> Result<Vec<Arc<dyn Columns>>, String> {
    let batches: Vec<&Bytes> = postcard::from_bytes(bytes).map_err(|error| error.to_string())?;
    batches
        .into_iter()
        .map(|batch| unpack_columns(batch).map_err(|error| error.message))
        .collect()
}

/// All samples of a block, that end there.
pub(crate) fn unpack_samples(
    batches: &[u8],
    ends: &[u64],
    packed: &[u8],
) -> Result<Vec<Sample>, String> {
    let batches = unpack_batches(batches)?;
    let mut start = 0;
    let mut samples = Vec::with_capacity(ends.len());
    for end in ends {
        let end = usize::try_from(*end).unwrap_or(usize::MAX);
        let bytes = packed.get(start..end).ok_or("a sample is missing")?;
        samples.push(unpack(bytes, &batches)?);
        start = end;
    }
    Ok(samples)
}

/// One sample of a block with these batches.
pub(crate) fn unpack(bytes: &[u8], batches: &[Arc<dyn Columns>]) -> Result<Sample, String> {
    let packed: PackedSample<'_> =
        postcard::from_bytes(bytes).map_err(|error| error.to_string())?;
    let mut sample = match packed.row {
        PackedRow::Line(line) => {
            Sample::from_json(line.into(), packed.origin).map_err(|error| error.to_string())?
        }
        PackedRow::Columns(batch, row) => {
            let batch = batches.get(batch as usize).ok_or("a batch is missing")?;
            Sample::from_columns(Arc::clone(batch), row as usize, packed.origin)
        }
    };
    for (path, json) in packed.changes {
        match json {
            Some(json) => sample.set_json(path, json),
            None => sample.remove(path),
        }
    }
    let stats = sample.stats_mut();
    *stats = wrasse_core::Stats::default();
    for (name, stat) in packed.stats {
        stats.set(name.to_owned(), stat.into_owned());
    }
    Ok(sample)
}
