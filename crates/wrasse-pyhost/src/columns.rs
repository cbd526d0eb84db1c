//! Samples as columns in Arrow's layout. `python/wrasse/worker/columns.py` is the
//! other side.

use std::collections::HashMap;

use wrasse_core::{Peek, Sample};

use crate::wire::{InColumn, Part};

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
