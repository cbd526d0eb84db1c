//! Records of the run directory: rejected and dropped samples, one JSON object
//! a line.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};
use wrasse_core::{Origin, Sample};
use wrasse_io::{BadRow, Inputs};

/// A sample or row that could not be processed.
#[derive(Clone, Debug, PartialEq)]
pub struct Reject {
    /// The operator that failed; `read` and `write` for source and sink.
    pub operator: String,
    /// What went wrong.
    pub error: String,
    /// The file the row came from.
    pub file: String,
    /// Byte offset (line formats) or row (Parquet, CSV), as in [`Origin`].
    pub position: u64,
    /// Which piece of a sliced sample it was; 0 if it was whole.
    pub piece: u32,
    /// Where in the operator's code, if it told.
    pub trace: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// The row as it was read (cut at 1 MiB; `raw_bytes` tells the length).
    pub raw: Vec<u8>,
    /// How many bytes the row has.
    pub raw_bytes: u64,
}

/// Why a sample could not be processed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Why<'a> {
    pub(crate) error: &'a str,
    pub(crate) trace: Option<&'a str>,
    pub(crate) attempts: u32,
}

impl Reject {
    /// A sample that an operator failed on, with all that is known.
    pub(crate) fn because(sample: &Sample, inputs: &Inputs, operator: &str, why: &Why<'_>) -> Self {
        Self {
            trace: why.trace.map(str::to_owned),
            attempts: why.attempts,
            ..Self::of_sample(sample, inputs, operator, why.error)
        }
    }

    /// A sample that an operator failed on.
    pub(crate) fn of_sample(sample: &Sample, inputs: &Inputs, operator: &str, error: &str) -> Self {
        let raw = original(sample);
        Self {
            raw_bytes: raw.len() as u64,
            raw,
            ..Self::at(sample.origin(), inputs, operator, error)
        }
    }

    /// A row that is no sample.
    pub(crate) fn of_row(row: BadRow, inputs: &Inputs) -> Self {
        Self {
            raw_bytes: row.raw_bytes,
            raw: row.raw,
            ..Self::at(row.origin, inputs, "read", &row.reason)
        }
    }

    /// A file whose rest cannot be read.
    pub(crate) fn of_file(error: &wrasse_io::Error) -> Self {
        let cause = error
            .source
            .as_ref()
            .map_or(String::new(), |source| format!(": {source}"));
        Self {
            operator: "read".to_owned(),
            error: format!("damaged file: {}{cause}", error.message),
            file: error.path.clone(),
            position: 0,
            piece: 0,
            trace: None,
            attempts: 1,
            raw: Vec::new(),
            raw_bytes: 0,
        }
    }

    fn at(origin: Origin, inputs: &Inputs, operator: &str, error: &str) -> Self {
        Self {
            operator: operator.to_owned(),
            error: error.to_owned(),
            file: file_name(inputs, origin),
            position: origin.position,
            piece: origin.piece,
            trace: None,
            attempts: 1,
            raw: Vec::new(),
            raw_bytes: 0,
        }
    }

    /// Appends the record as a line. Raw bytes that are no text go as Base64,
    /// under `raw_base64`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut record = Map::new();
        record.insert("operator".into(), json!(self.operator));
        record.insert("error".into(), json!(self.error));
        record.insert("file".into(), json!(self.file));
        record.insert("position".into(), json!(self.position));
        if self.piece > 0 {
            record.insert("piece".into(), json!(self.piece));
        }
        if let Some(trace) = &self.trace {
            record.insert("traceback".into(), json!(trace));
        }
        record.insert("attempts".into(), json!(self.attempts));
        record.insert("raw_bytes".into(), json!(self.raw_bytes));
        match std::str::from_utf8(&self.raw) {
            Ok(raw) => record.insert("raw".into(), json!(raw)),
            Err(_) => record.insert("raw_base64".into(), json!(BASE64.encode(&self.raw))),
        };
        write_line(&record, out);
    }

    fn read(record: &Value) -> Option<Self> {
        let raw = match (&record["raw"], &record["raw_base64"]) {
            (Value::String(raw), _) => raw.clone().into_bytes(),
            (_, Value::String(raw)) => BASE64.decode(raw).ok()?,
            _ => return None,
        };
        Some(Self {
            operator: record["operator"].as_str()?.to_owned(),
            error: record["error"].as_str()?.to_owned(),
            file: record["file"].as_str()?.to_owned(),
            position: record["position"].as_u64()?,
            piece: record["piece"].as_u64().unwrap_or(0) as u32,
            trace: record["traceback"].as_str().map(str::to_owned),
            attempts: record["attempts"].as_u64()? as u32,
            raw_bytes: record["raw_bytes"].as_u64()?,
            raw,
        })
    }
}

/// Reads the lines of a reject file; the error is the number of the first line
/// that is no reject.
///
/// # Errors
///
/// The number of the line, from 1.
pub fn read_rejects(text: &str) -> Result<Vec<Reject>, usize> {
    text.lines()
        .enumerate()
        .map(|(i, line)| {
            serde_json::from_str(line)
                .ok()
                .and_then(|record| Reject::read(&record))
                .ok_or(i + 1)
        })
        .collect()
}

/// Appends the record of a sample that a filter or deduplicator dropped: the
/// operator, the values it measured, the place and the sample.
pub(crate) fn write_dropped(
    sample: &Sample,
    inputs: &Inputs,
    operator: &str,
    reason: &str,
    stats: &[&str],
    out: &mut Vec<u8>,
) {
    let origin = sample.origin();
    let measured: Map<String, Value> = stats
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), sample.stats().get(name)?.to_json())))
        .collect();
    let mut record = Map::new();
    record.insert("operator".into(), json!(operator));
    record.insert("reason".into(), json!(reason));
    if !measured.is_empty() {
        record.insert("stats".into(), Value::Object(measured));
    }
    record.insert("file".into(), json!(file_name(inputs, origin)));
    record.insert("position".into(), json!(origin.position));
    if origin.piece > 0 {
        record.insert("piece".into(), json!(origin.piece));
    }
    let mut json = Vec::new();
    sample.write_json(&mut json);
    record.insert("sample".into(), json!(String::from_utf8_lossy(&json)));
    write_line(&record, out);
}

/// Appends a record that an operator wrote down: by whom, of what kind, and what.
pub(crate) fn write_told(
    inputs: &Inputs,
    origin: Origin,
    (operator, kind, told): (&str, &str, &Value),
    out: &mut Vec<u8>,
) {
    let mut record = Map::new();
    record.insert("operator".into(), json!(operator));
    record.insert("kind".into(), json!(kind));
    record.insert("file".into(), json!(file_name(inputs, origin)));
    record.insert("position".into(), json!(origin.position));
    if origin.piece > 0 {
        record.insert("piece".into(), json!(origin.piece));
    }
    record.insert("record".into(), told.clone());
    write_line(&record, out);
}

fn write_line(record: &Map<String, Value>, out: &mut Vec<u8>) {
    serde_json::to_writer(&mut *out, record).expect("writing to memory does not fail");
    out.push(b'\n');
}

pub(crate) fn file_name(inputs: &Inputs, origin: Origin) -> String {
    inputs
        .files
        .get(origin.file as usize)
        .map_or_else(|| "-".to_owned(), |file| file.path.clone())
}

/// The row that the sample came from, as it was read.
fn original(sample: &Sample) -> Vec<u8> {
    match (sample.line(), sample.columns()) {
        (Some(line), _) => line.as_bytes().to_vec(),
        (None, Some((batch, row))) => {
            let untouched =
                Sample::from_columns(std::sync::Arc::clone(batch), row, sample.origin());
            let mut json = Vec::new();
            untouched.write_json(&mut json);
            json
        }
        (None, None) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_survive_the_round_trip_even_if_they_are_no_text() {
        for raw in [&b"{\"text\": nul"[..], &b"\xff\xfe{"[..]] {
            let reject = Reject {
                operator: "read".into(),
                error: "not JSON".into(),
                file: "a.jsonl".into(),
                position: 17,
                piece: 2,
                trace: Some("File \"ops.py\", line 3".into()),
                attempts: 1,
                raw: raw.to_vec(),
                raw_bytes: raw.len() as u64,
            };
            let mut line = Vec::new();
            reject.write(&mut line);
            let text = String::from_utf8(line).unwrap();
            assert_eq!(read_rejects(&text), Ok(vec![reject]));
        }
        assert_eq!(read_rejects("{}\n"), Err(1));
    }
}
