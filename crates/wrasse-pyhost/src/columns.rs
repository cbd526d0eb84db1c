//! Samples as columns in Arrow's layout, and changed columns back.
//! `python/wrasse/worker/columns.py` is the other side.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use wrasse_core::{Peek, Sample};
use wrasse_run::{Changes, Fate, FateEnd, Made, NewValue, OpTally, Told};

use crate::wire::{Done, Dropped, InColumn, OutColumn, PROGRESS_BYTES, Part};

/// What lies in a file, made before it is written there.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    pub(crate) bytes: Vec<u8>,
}

impl Buffer {
    /// Appends; the next one begins at a multiple of 8.
    fn add(&mut self, bytes: &[u8]) -> Part {
        let at = self.bytes.len() as u64;
        self.bytes.extend_from_slice(bytes);
        let filling = self.bytes.len().next_multiple_of(8);
        self.bytes.resize(filling, 0);
        (at, bytes.len() as u64)
    }

    fn numbers(&mut self, numbers: &[u32]) -> Option<Part> {
        if numbers.is_empty() {
            return None;
        }
        let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_ne_bytes()).collect();
        Some(self.add(&bytes))
    }
}

/// What values of a column have been seen.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    text: bool,
    integer: bool,
    float: bool,
    other: bool,
}

/// A column under way. Texts lie decoded, other values as JSON, one behind the
/// other.
#[derive(Debug, Default)]
struct Column {
    name: String,
    data: String,
    /// Where each value ends.
    ends: Vec<u32>,
    /// Whether a value is a text.
    texts: Vec<bool>,
    nulls: Vec<u32>,
    absent: Vec<u32>,
    seen: Seen,
}

impl Column {
    /// A column of which the rows so far have nothing.
    fn new(name: &str, rows: usize) -> Self {
        let mut column = Self {
            name: name.to_owned(),
            ..Self::default()
        };
        for _ in 0..rows {
            column.skip();
        }
        column
    }

    fn skip(&mut self) {
        self.absent.push(self.ends.len() as u32);
        self.end(false);
    }

    fn end(&mut self, is_text: bool) {
        self.ends.push(self.data.len() as u32);
        self.texts.push(is_text);
    }

    fn push(&mut self, value: &Peek<'_>) {
        match value {
            Peek::Text(text) => self.text(text),
            Peek::Json(json) => match json.as_bytes().first() {
                Some(b'"') => self.json_text(json),
                Some(b'n') => {
                    self.nulls.push(self.ends.len() as u32);
                    self.end(false);
                }
                Some(b'-' | b'0'..=b'9') => {
                    let is_float = json.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
                    match () {
                        () if is_float => self.seen.float = true,
                        () if json.parse::<i64>().is_ok() => self.seen.integer = true,
                        () => self.seen.other = true,
                    }
                    self.data.push_str(json);
                    self.end(false);
                }
                _ => {
                    self.seen.other = true;
                    self.data.push_str(json);
                    self.end(false);
                }
            },
        }
    }

    fn text(&mut self, text: &str) {
        self.seen.text = true;
        self.data.push_str(text);
        self.end(true);
    }

    /// A text that is at hand as JSON.
    fn json_text(&mut self, json: &str) {
        let inner = json
            .get(1..json.len().saturating_sub(1))
            .unwrap_or_default();
        if !inner.as_bytes().contains(&b'\\') {
            self.text(inner);
            return;
        }
        match serde_json::from_str::<String>(json) {
            Ok(text) => self.text(&text),
            // Half of a surrogate pair: Python has a text for it.
            Err(_) => {
                self.seen.other = true;
                self.data.push_str(json);
                self.end(false);
            }
        }
    }

    fn kind(&self) -> &'static str {
        match self.seen {
            Seen {
                text: true,
                integer: false,
                float: false,
                other: false,
            } => "text",
            Seen {
                text: false,
                integer: true,
                float: false,
                other: false,
            } => "int",
            Seen {
                text: false,
                integer: false,
                float: true,
                other: false,
            } => "float",
            _ => "json",
        }
    }

    fn values(&self) -> impl Iterator<Item = &str> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins
            .zip(&self.ends)
            .map(|(begin, end)| &self.data[begin as usize..*end as usize])
    }

    /// Lays the column down.
    fn finish(self, out: &mut Buffer) -> InColumn {
        let kind = self.kind();
        let (data, offsets) = match kind {
            "int" => {
                let number = |value: &str| value.parse::<i64>().unwrap_or_default();
                let bytes: Vec<u8> = self
                    .values()
                    .flat_map(|v| number(v).to_ne_bytes())
                    .collect();
                (out.add(&bytes), None)
            }
            "float" => {
                let number = |value: &str| value.parse::<f64>().unwrap_or_default();
                let bytes: Vec<u8> = self
                    .values()
                    .flat_map(|v| number(v).to_ne_bytes())
                    .collect();
                (out.add(&bytes), None)
            }
            "json" => (out.add(self.json_array().as_bytes()), None),
            _ => (
                out.add(self.data.as_bytes()),
                Some(offsets(&self.ends, out)),
            ),
        };
        InColumn {
            kind,
            data,
            ascii: kind == "text" && self.data.is_ascii(),
            offsets,
            valid: self.valid(out),
            nulls: out.numbers(&self.nulls),
            absent: out.numbers(&self.absent),
            name: self.name,
        }
    }

    /// All values as one JSON array, null where there is none.
    fn json_array(&self) -> String {
        let mut json = String::with_capacity(self.data.len() + 8 * self.ends.len() + 2);
        json.push('[');
        for (row, (value, is_text)) in self.values().zip(&self.texts).enumerate() {
            if row > 0 {
                json.push(',');
            }
            match (is_text, value) {
                (true, text) => json.push_str(&serde_json::Value::from(text).to_string()),
                (false, "") => json.push_str("null"),
                (false, value) => json.push_str(value),
            }
        }
        json.push(']');
        json
    }

    /// A bit for each row, set if it has a value; none if all have.
    fn valid(&self, out: &mut Buffer) -> Option<Part> {
        if self.nulls.is_empty() && self.absent.is_empty() {
            return None;
        }
        let mut bits = vec![0xff_u8; self.ends.len().div_ceil(8)];
        for row in self.nulls.iter().chain(&self.absent) {
            bits[*row as usize / 8] &= !(1 << (row % 8));
        }
        Some(out.add(&bits))
    }
}

fn offsets(ends: &[u32], out: &mut Buffer) -> Part {
    let all = std::iter::once(0).chain(ends.iter().copied());
    let bytes: Vec<u8> = all.flat_map(u32::to_ne_bytes).collect();
    out.add(&bytes)
}

/// The fields of samples as columns, in the order in which they first appear.
pub(crate) fn encode(samples: &[Sample], out: &mut Buffer) -> Vec<InColumn> {
    out.bytes.clear();
    let mut columns: Vec<Column> = Vec::new();
    let mut by_name: HashMap<String, usize> = HashMap::new();
    for (row, sample) in samples.iter().enumerate() {
        let mut next = 0;
        sample.each_field(|name, value| {
            // Rows of one file mostly have the same fields in the same order.
            let at = match columns.get(next) {
                Some(column) if column.name == name => next,
                _ => match by_name.get(name) {
                    Some(at) => *at,
                    None => {
                        columns.push(Column::new(name, row));
                        by_name.insert(name.to_owned(), columns.len() - 1);
                        columns.len() - 1
                    }
                },
            };
            columns[at].push(&value);
            next = at + 1;
        });
        for column in &mut columns {
            if column.ends.len() == row {
                column.skip();
            }
        }
    }
    columns
        .into_iter()
        .map(|column| column.finish(out))
        .collect()
}

/// What became of `n` rows, from a worker's answer and its file.
///
/// # Errors
///
/// If the answer makes no sense.
pub(crate) fn decode(done: Done, n: u32, file: &File) -> io::Result<Made> {
    let n_operators = done.counts.len();
    let wrong = |what: &str| io::Error::other(format!("{what} of its answer makes no sense"));
    let parents: Vec<u32> = match done.parents {
        None if done.rows == n as usize => (0..n).collect(),
        None => return Err(wrong("the number of rows")),
        Some(part) => numbers(file, part)?
            .map(|parent| u32::try_from(parent).ok().filter(|parent| *parent < n))
            .collect::<Option<_>>()
            .filter(|parents: &Vec<u32>| parents.len() == done.rows)
            .ok_or_else(|| wrong("the origin of rows"))?,
    };
    let mut changes: Vec<Changes> = Vec::new();
    changes.resize_with(done.rows, Changes::default);
    for column in done.columns {
        read_column(file, column, &mut changes)?;
    }
    for (row, stats) in done.stats {
        changes
            .get_mut(row)
            .ok_or_else(|| wrong("the stats"))?
            .stats = stats;
    }
    let pieces: Vec<Option<u32>> = match done.pieces {
        None => vec![None; done.rows],
        Some(part) => { numbers(file, part)? }
            .map(|piece| u32::try_from(piece).ok())
            .collect(),
    };
    if pieces.len() != done.rows {
        return Err(wrong("the pieces"));
    }
    let on = parents.into_iter().zip(pieces).zip(changes);
    let on = on.map(|((sample, piece), changes)| Fate {
        sample,
        piece,
        end: FateEnd::On(changes),
    });
    let mut fates: Vec<Fate> = on.collect();
    let is_piece = |dropped: &&Dropped| dropped.3.is_some();
    let mut gone: Vec<Changes> = Vec::new();
    gone.resize_with(
        done.dropped.iter().filter(is_piece).count(),
        Changes::default,
    );
    for column in done.gone {
        read_column(file, column, &mut gone)?;
    }
    let mut gone = gone.into_iter();
    fates.extend(
        done.dropped
            .into_iter()
            .map(|(sample, operator, stats, piece)| Fate {
                sample,
                piece,
                end: FateEnd::Dropped {
                    operator,
                    changes: Changes {
                        stats,
                        ..piece.and_then(|_| gone.next()).unwrap_or_default()
                    },
                },
            }),
    );
    fates.extend(
        done.failed
            .into_iter()
            .map(|(sample, operator, error, trace, piece)| Fate {
                sample,
                piece,
                end: FateEnd::Rejected {
                    operator,
                    error,
                    trace: Some(trace),
                    attempts: 1,
                },
            }),
    );
    let knows = |fate: &Fate| match &fate.end {
        FateEnd::On(_) => true,
        FateEnd::Dropped { operator, .. } | FateEnd::Rejected { operator, .. } => {
            *operator < n_operators
        }
    };
    if !fates.iter().all(|fate| fate.sample < n && knows(fate)) {
        return Err(wrong("a drop or a failure"));
    }
    let told = { done.told.into_iter() }.map(|(sample, operator, kind, record)| Told {
        sample,
        operator,
        kind,
        record,
    });
    let told: Vec<Told> = told.collect();
    if !told
        .iter()
        .all(|one| one.sample < n && one.operator < n_operators)
    {
        return Err(wrong("a record"));
    }
    fates.sort_by_key(|fate| fate.sample);
    let counts = done.counts.into_iter().map(|count| {
        let [
            rows_in,
            rows_out,
            dropped,
            rejected,
            sliced,
            changed,
            busy_ns,
        ] = count;
        OpTally {
            rows_in,
            rows_out,
            dropped,
            rejected,
            sliced,
            // What neither went nor was cut.
            whole: rows_in.saturating_sub(dropped + rejected + sliced),
            changed,
            busy_ns,
            ..OpTally::default()
        }
    });
    Ok(Made {
        fates,
        counts: counts.collect(),
        told,
    })
}

fn read_column(file: &File, column: OutColumn, changes: &mut [Changes]) -> io::Result<()> {
    let wrong = || io::Error::other(format!("the column `{}` makes no sense", column.name));
    let kinds = read(file, column.kinds)?;
    let ends: Vec<i64> = numbers(file, column.offsets)?.collect();
    let data = String::from_utf8(read(file, column.data)?).map_err(|_| wrong())?;
    if kinds.len() != changes.len() || ends.len() != kinds.len() + 1 {
        return Err(wrong());
    }
    let name: Arc<str> = column.name.as_str().into();
    for (row, kind) in kinds.into_iter().enumerate() {
        let value = || {
            let (begin, end) = (usize::try_from(ends[row]), usize::try_from(ends[row + 1]));
            data.get(begin.ok()?..end.ok()?)
        };
        let new = match kind {
            0 => continue,
            1 => NewValue::Text(value().ok_or_else(wrong)?.to_owned()),
            2 => NewValue::Json(value().ok_or_else(wrong)?.into()),
            _ => NewValue::Removed,
        };
        changes[row].fields.push((Arc::clone(&name), new));
    }
    Ok(())
}

fn read(file: &File, (at, len): Part) -> io::Result<Vec<u8>> {
    // What is not there is not made room for.
    if at.saturating_add(len).saturating_add(PROGRESS_BYTES) > file.metadata()?.len() {
        return Err(io::Error::other("a part of its answer is missing"));
    }
    let mut bytes = vec![0; len as usize];
    file.read_exact_at(&mut bytes, PROGRESS_BYTES + at)?;
    Ok(bytes)
}

fn numbers(file: &File, part: Part) -> io::Result<impl Iterator<Item = i64>> {
    let bytes = read(file, part)?;
    let numbers: Vec<i64> = bytes
        .chunks_exact(8)
        .map(|eight| i64::from_ne_bytes(eight.try_into().unwrap_or_default()))
        .collect();
    Ok(numbers.into_iter())
}

#[cfg(test)]
mod tests {
    use wrasse_core::{Origin, SharedStr};

    use super::*;

    fn samples(lines: &[&str]) -> Vec<Sample> {
        let sample =
            |line: &&str| Sample::from_json(SharedStr::from(*line), Origin::default()).unwrap();
        lines.iter().map(sample).collect()
    }

    #[test]
    fn a_column_has_the_narrowest_kind_that_holds_all_its_values() {
        let rows = samples(&[
            r#"{"t":"a","i":1,"f":1.5,"m":1,"b":true,"x":"\u00e9"}"#,
            r#"{"t":null,"i":-2,"f":2e3,"m":"two","n":[1, 2]}"#,
        ]);
        let mut out = Buffer::default();
        let columns = encode(&rows, &mut out);
        let kinds: Vec<(&str, &str)> = columns.iter().map(|c| (&*c.name, c.kind)).collect();
        let expected = [
            ("t", "text"),
            ("i", "int"),
            ("f", "float"),
            ("m", "json"),
            ("b", "json"),
            ("x", "text"),
            ("n", "json"),
        ];
        assert_eq!(kinds, expected);
        let part = |(at, len): Part| &out.bytes[at as usize..(at + len) as usize];
        assert_eq!(part(columns[3].data), br#"[1,"two"]"#);
        assert_eq!(part(columns[6].data), b"[null,[1, 2]]");
        assert!(columns[0].ascii && !columns[5].ascii);
        assert_eq!(part(columns[5].data), "é".as_bytes());
        assert_eq!(part(columns[0].nulls.unwrap()), 1_u32.to_ne_bytes());
        assert_eq!(part(columns[4].absent.unwrap()), 1_u32.to_ne_bytes());
        assert_eq!(part(columns[6].absent.unwrap()), 0_u32.to_ne_bytes());
    }
}
