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
    /// A piece of this line, of which there are others.
    Piece(u32),
}

/// What samples of a block share: columnar batches that they are rows of, and lines that
/// they are pieces of, as samples that nobody has touched.
pub(crate) struct Shared {
    batches: Vec<Arc<dyn Columns>>,
    lines: Vec<Sample>,
}

/// Samples of one block, packed.
#[derive(Default)]
pub(crate) struct PackedSamples {
    /// What they share.
    pub(crate) shared: Vec<u8>,
    /// The samples, one behind the other.
    pub(crate) bytes: Vec<u8>,
    /// Where each ends.
    pub(crate) ends: Vec<u64>,
}

impl PackedSamples {
    pub(crate) fn new(samples: &[Sample]) -> Result<Self, String> {
        let mut batches: Vec<Arc<dyn Columns>> = Vec::new();
        let mut lines: Vec<&str> = Vec::new();
        let mut packed = Self::default();
        for (i, sample) in samples.iter().enumerate() {
            let row = match (sample.line(), sample.columns()) {
                (Some(line), _) => {
                    let line = line.as_str();
                    let is_of = |other: Option<&Sample>| {
                        let other = other.and_then(Sample::line);
                        other.is_some_and(|other| std::ptr::eq(other.as_str(), line))
                    };
                    let follows = is_of(i.checked_sub(1).and_then(|i| samples.get(i)));
                    if !follows && is_of(samples.get(i + 1)) {
                        lines.push(line);
                    }
                    match follows || is_of(samples.get(i + 1)) {
                        true => PackedRow::Piece(lines.len() as u32 - 1),
                        false => PackedRow::Line(line),
                    }
                }
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
        packed.shared =
            postcard::to_allocvec(&(borrowed, lines)).map_err(|error| error.to_string())?;
        Ok(packed)
    }
}

/// What the samples of a block share.
pub(crate) fn unpack_shared(bytes: &[u8]) -> Result<Shared, String> {
    let (batches, lines): (Vec<&Bytes>, Vec<&str>) =
        postcard::from_bytes(bytes).map_err(|error| error.to_string())?;
    let batches = batches.into_iter().map(|batch| unpack_columns(batch));
    let lines = lines.into_iter();
    let lines = lines.map(|line| Sample::from_json(line.into(), Origin::default()));
    Ok(Shared {
        batches: batches
            .collect::<Result<_, _>>()
            .map_err(|error| error.message)?,
        lines: lines
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?,
    })
}

/// All samples of a block, that end there.
pub(crate) fn unpack_samples(
    shared: &[u8],
    ends: &[u64],
    packed: &[u8],
) -> Result<Vec<Sample>, String> {
    let shared = unpack_shared(shared)?;
    let mut start = 0;
    let mut samples = Vec::with_capacity(ends.len());
    for end in ends {
        let end = usize::try_from(*end).unwrap_or(usize::MAX);
        let bytes = packed.get(start..end).ok_or("a sample is missing")?;
        samples.push(unpack(bytes, &shared)?);
        start = end;
    }
    Ok(samples)
}

/// One sample of a block whose samples share this.
pub(crate) fn unpack(bytes: &[u8], shared: &Shared) -> Result<Sample, String> {
    let packed: PackedSample<'_> =
        postcard::from_bytes(bytes).map_err(|error| error.to_string())?;
    let mut sample = match packed.row {
        PackedRow::Line(line) => {
            Sample::from_json(line.into(), packed.origin).map_err(|error| error.to_string())?
        }
        PackedRow::Columns(batch, row) => {
            let batch = shared.batches.get(batch as usize);
            let batch = batch.ok_or("a batch is missing")?;
            Sample::from_columns(Arc::clone(batch), row as usize, packed.origin)
        }
        PackedRow::Piece(line) => {
            let line = shared.lines.get(line as usize);
            line.ok_or("a line is missing")?.another(packed.origin)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_a_line_hold_it_once() {
        let read = |id: u32| {
            let line = format!(r#"{{"id":{id},"text":"{}"}}"#, "word ".repeat(200));
            let origin = Origin {
                position: u64::from(id),
                ..Origin::default()
            };
            Sample::from_json(line.as_str().into(), origin).unwrap()
        };
        let mut samples = vec![read(0)];
        for id in 1..3 {
            let whole = read(id);
            let piece = |piece| whole.piece("text", format!("piece {piece}"), piece);
            samples.extend((0..10).map(piece));
        }
        samples[5].remove("id");
        samples[6].stats_mut().set("length", Stat::Int(7));
        let packed = PackedSamples::new(&samples).unwrap();
        let bytes = packed.shared.len() + packed.bytes.len();
        assert!(bytes < 3 * 1100 + 20 * 60, "{bytes}");
        let unpacked = unpack_samples(&packed.shared, &packed.ends, &packed.bytes).unwrap();
        assert_eq!(unpacked.len(), samples.len());
        for (back, sample) in unpacked.iter().zip(&samples) {
            let json = |sample: &Sample| {
                let mut json = Vec::new();
                sample.write_json(&mut json);
                String::from_utf8(json).unwrap()
            };
            assert_eq!(json(back), json(sample));
            assert_eq!(
                back.line().unwrap().as_str(),
                sample.line().unwrap().as_str()
            );
            assert_eq!(
                (back.origin(), back.stats()),
                (sample.origin(), sample.stats())
            );
        }
    }
}
