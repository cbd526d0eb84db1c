//! Who duplicates whom: the lines of `clusters.jsonl`, and how those of gates
//! are found.
//!
//! An exchange knows its clusters when it has decided; their lines go with the
//! samples that stay. A gate holds 16 bytes for each sample and does not know
//! which sample they came from. So each block takes along what was compared
//! and where it came from ([`Copies`], on disk until the run ends), and at the
//! end duplicates are brought together with what they are duplicates of, a
//! bounded number of them at a time.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use wrasse_core::Origin;
use wrasse_io::Inputs;
use wrasse_op::Fingerprint;

use crate::record::file_name;

/// Duplicates in one line; a larger cluster has more lines.
const LINE_MAX: usize = 256;

/// Duplicates that are brought together at a time: some 50 MB.
const JOINED_MAX: u64 = 1 << 20;

/// A deduplicator, as the lines of its clusters name it.
#[derive(Clone, Debug)]
pub struct Deduplicator {
    /// Its name.
    pub operator: String,
    /// Which step of the recipe it is, from 1.
    pub step: usize,
}

/// What a gate compared, in input order: 32 bytes a sample.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Copies(#[serde(with = "serde_bytes")] Vec<u8>);

/// A sample that came to a gate.
struct Copy {
    print: Fingerprint,
    origin: Origin,
    /// Whether it was the first of its kind.
    stays: bool,
}

const COPY_BYTES: usize = 32;

/// Marks a sample that stays, in the number of its piece: no row has so many.
const STAYS: u32 = 1 << 31;

impl Copies {
    pub(crate) fn push(&mut self, print: Fingerprint, origin: Origin, stays: bool) {
        let piece = origin.piece & !STAYS | if stays { STAYS } else { 0 };
        self.0.extend_from_slice(&print.to_le_bytes());
        self.0.extend_from_slice(&origin.file.to_le_bytes());
        self.0.extend_from_slice(&piece.to_le_bytes());
        self.0.extend_from_slice(&origin.position.to_le_bytes());
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Copy {
    fn read(bytes: &[u8; COPY_BYTES]) -> Self {
        let number = |at: Range<usize>| {
            let bytes = bytes[at].iter().rev();
            bytes.fold(0, |number: u128, byte| number << 8 | u128::from(*byte))
        };
        let piece = number(20..24) as u32;
        Self {
            print: number(0..16),
            origin: Origin {
                file: number(16..20) as u32,
                piece: piece & !STAYS,
                position: number(24..32) as u64,
            },
            stays: piece & STAYS != 0,
        }
    }
}

/// What lines a cluster has: which of its duplicates each holds. `n` is how
/// many there are.
pub(crate) fn lines_of(n: usize) -> impl Iterator<Item = Range<usize>> {
    let starts = (0..n).step_by(LINE_MAX);
    starts.map(move |start| start..(start + LINE_MAX).min(n))
}

/// The line of a cluster of `n` duplicates that begins at its duplicate `from`.
pub(crate) fn line_at(from: usize, n: usize) -> Option<Range<usize>> {
    let begins = from < n && from.is_multiple_of(LINE_MAX);
    begins.then(|| from..(from + LINE_MAX).min(n))
}

/// Appends a line: `duplicates`, the ones from number `from` on of `n`, are
/// duplicates of `kept`.
pub(crate) fn write_line(
    of: &Deduplicator,
    inputs: &Inputs,
    kept: Option<Origin>,
    (from, n): (usize, usize),
    duplicates: &[Origin],
    out: &mut Vec<u8>,
) {
    let mut line = Map::new();
    line.insert("operator".into(), json!(of.operator));
    line.insert("step".into(), json!(of.step));
    line.insert(
        "kept".into(),
        kept.map_or(Value::Null, |at| place(inputs, at)),
    );
    line.insert("n".into(), json!(n));
    if from > 0 {
        line.insert("from".into(), json!(from));
    }
    let places = duplicates.iter().map(|at| place(inputs, *at)).collect();
    line.insert("duplicates".into(), Value::Array(places));
    serde_json::to_writer(&mut *out, &line).expect("writing to memory does not fail");
    out.push(b'\n');
}

fn place(inputs: &Inputs, origin: Origin) -> Value {
    let mut place = Map::new();
    place.insert("file".into(), json!(file_name(inputs, origin)));
    place.insert("position".into(), json!(origin.position));
    if origin.piece > 0 {
        place.insert("piece".into(), json!(origin.piece));
    }
    Value::Object(place)
}

/// Brings the duplicates among the copies in `file` together with what they
/// are duplicates of, and has each line written. `n_duplicates` is about how
/// many there are: above a million, they are taken apart by their fingerprints
/// into files without a name in `dir`, and the lines come part by part.
pub(crate) fn join(
    of: &Deduplicator,
    inputs: &Inputs,
    file: &File,
    dir: &Path,
    n_duplicates: u64,
    write: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let n_parts = n_duplicates.div_ceil(JOINED_MAX).next_power_of_two();
    if n_parts <= 1 {
        return join_part(of, inputs, file, write);
    }
    let parts = (0..n_parts).map(|_| Ok(BufWriter::new(tempfile::tempfile_in(dir)?)));
    let mut parts: Vec<BufWriter<File>> = parts.collect::<io::Result<_>>()?;
    let shift = u128::BITS - n_parts.trailing_zeros();
    scan(file, |_, copy, bytes| {
        parts[(copy.print >> shift) as usize].write_all(bytes)
    })?;
    for part in parts {
        let part = part.into_inner().map_err(io::IntoInnerError::into_error)?;
        join_part(of, inputs, &part, write)?;
    }
    Ok(())
}

fn join_part(
    of: &Deduplicator,
    inputs: &Inputs,
    file: &File,
    write: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut duplicates: Vec<(Fingerprint, u64, Origin)> = Vec::new();
    scan(file, |i, copy, _| {
        if !copy.stays {
            duplicates.push((copy.print, i, copy.origin));
        }
        Ok(())
    })?;
    duplicates.sort_unstable_by_key(|(print, i, _)| (*print, *i));
    let run_of = |print: Fingerprint| {
        let start = duplicates.partition_point(|(other, ..)| *other < print);
        let n = duplicates[start..].partition_point(|(other, ..)| *other == print);
        start..start + n
    };
    // The clusters in the order of the samples that stay. Where none does, an
    // earlier run had it, and the first duplicate stands for the order.
    let mut clusters: Vec<(u64, Option<Origin>, Range<usize>)> = Vec::new();
    scan(file, |i, copy, _| {
        let run = run_of(copy.print);
        if copy.stays && !run.is_empty() {
            clusters.push((i, Some(copy.origin), run));
        }
        Ok(())
    })?;
    let mut with_kept: Vec<usize> = clusters.iter().map(|(.., run)| run.start).collect();
    with_kept.sort_unstable();
    let mut start = 0;
    while let Some((print, i, _)) = duplicates.get(start) {
        let run = run_of(*print);
        if with_kept.binary_search(&start).is_err() {
            clusters.push((*i, None, run.clone()));
        }
        start = run.end;
    }
    clusters.sort_unstable_by_key(|(i, ..)| *i);
    let mut out = Vec::new();
    for (_, kept, run) in clusters {
        for part in lines_of(run.len()) {
            let members = &duplicates[run.start + part.start..run.start + part.end];
            let members: Vec<Origin> = members.iter().map(|(.., origin)| *origin).collect();
            out.clear();
            write_line(
                of,
                inputs,
                kept,
                (part.start, run.len()),
                &members,
                &mut out,
            );
            write(&out)?;
        }
    }
    Ok(())
}

/// Shows each copy with its number and its bytes.
fn scan(
    mut file: &File,
    mut each: impl FnMut(u64, &Copy, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut bytes = [0; COPY_BYTES];
    for i in 0.. {
        match reader.read_exact(&mut bytes) {
            Ok(()) => each(i, &Copy::read(&bytes), &bytes)?,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(position: u64) -> Origin {
        Origin {
            position,
            piece: 3,
            file: 0,
        }
    }

    fn joined(copies: &[(u128, u64, bool)], n_duplicates: u64) -> Vec<Value> {
        let dir = tempfile::tempdir().unwrap();
        let mut all = Copies::default();
        for (print, position, stays) in copies {
            all.push(*print, at(*position), *stays);
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(all.bytes()).unwrap();
        let of = Deduplicator {
            operator: "document_deduplicator".into(),
            step: 4,
        };
        let mut out = Vec::new();
        join(
            &of,
            &Inputs::default(),
            &file,
            dir.path(),
            n_duplicates,
            &mut |line| {
                out.extend_from_slice(line);
                Ok(())
            },
        )
        .unwrap();
        let text = String::from_utf8(out).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn duplicates_find_what_they_are_duplicates_of() {
        let copies = [
            (7 << 100, 0, true),
            (u128::MAX, 10, true),
            (1, 20, true),
            (u128::MAX, 30, false),
            // Known from an earlier run.
            (9, 40, false),
            (7 << 100, 50, false),
            (u128::MAX, 60, false),
        ];
        let lines = joined(&copies, 3);
        let short = |line: &Value| {
            let places = line["duplicates"].as_array().unwrap().iter();
            let places: Vec<u64> = places.map(|at| at["position"].as_u64().unwrap()).collect();
            (line["kept"]["position"].as_u64(), places)
        };
        let got: Vec<_> = lines.iter().map(short).collect();
        assert_eq!(
            got,
            [
                (Some(0), vec![50]),
                (Some(10), vec![30, 60]),
                (None, vec![40])
            ]
        );
        assert_eq!(lines[1]["n"], 2);
        assert_eq!(lines[1]["step"], 4);
        assert_eq!(lines[1]["kept"]["piece"], 3);
        // Taken apart, they are the same clusters.
        let mut parts: Vec<_> = joined(&copies, 3 * JOINED_MAX).iter().map(short).collect();
        parts.sort_by_key(|(kept, _)| kept.unwrap_or(u64::MAX));
        assert_eq!(parts, got);
    }

    #[test]
    fn large_clusters_have_several_lines() {
        let copies: Vec<_> = (0..600).map(|i| (5, i, i == 0)).collect();
        let lines = joined(&copies, 599);
        let heads: Vec<_> = lines
            .iter()
            .map(|line| (&line["n"], &line["from"], line["duplicates"].as_array()))
            .map(|(n, from, list)| (n.as_u64(), from.as_u64(), list.unwrap().len()))
            .collect();
        let n = Some(599);
        assert_eq!(
            heads,
            [(n, None, 256), (n, Some(256), 256), (n, Some(512), 87)]
        );
        assert_eq!(line_at(256, 599), Some(256..512));
        assert_eq!(line_at(512, 599), Some(512..599));
        assert_eq!(line_at(513, 599), None);
    }
}
