//! Inputs: the samples of some files of JSONL, mixed, again and again until
//! there is enough.

use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use wrasse_core::{Origin, Sample};

/// What the second and later copies of a sample are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copies {
    /// Samples with another `id` and a number behind the text, so that exact
    /// deduplication sees other texts.
    Distinct,
    /// Samples with another `id` and the same text.
    Same,
}

impl FromStr for Copies {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "distinct" => Ok(Self::Distinct),
            "same" => Ok(Self::Same),
            other => Err(format!("expected `distinct` or `same`, found `{other}`")),
        }
    }
}

/// Writes at least `bytes` of samples, up to the end of the line.
pub(crate) fn make(output: &Path, bytes: u64, copies: Copies, inputs: &[&str]) -> Result<Value> {
    let lines = lines(inputs)?;
    let mut out = BufWriter::new(File::create(output)?);
    let (mut rows, mut written, mut text_bytes) = (0_u64, 0_u64, 0_u64);
    let mut json = Vec::new();
    'enough: for copy in 0_u64.. {
        for i in 0..lines.len() {
            if written >= bytes {
                break 'enough;
            }
            let line = mixed(&lines, i);
            let mut sample = Sample::from_json(line.into(), Origin::default())?;
            if copy > 0 {
                vary(&mut sample, copy, copies);
            }
            text_bytes += sample.text("text").map_or(0, |text| text.len() as u64);
            json.clear();
            sample.write_json(&mut json);
            json.push(b'\n');
            out.write_all(&json)?;
            written += json.len() as u64;
            rows += 1;
        }
    }
    out.flush()?;
    Ok(
        json!({ "rows": rows, "bytes": written, "text_bytes": text_bytes, "once_rows": lines.len() }),
    )
}

/// The samples of some files.
pub(crate) fn lines(inputs: &[&str]) -> Result<Vec<String>> {
    let mut text = String::new();
    for input in inputs {
        read(input, &mut text).with_context(|| (*input).to_owned())?;
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    ensure!(!lines.is_empty(), "no samples in {inputs:?}");
    Ok(lines)
}

/// The lines in an order in which they are mixed.
pub(crate) fn mixed(lines: &[String], i: usize) -> &str {
    &lines[i * step(lines.len()) % lines.len()]
}

/// A step that goes around `n` lines and meets each once, so that also a part of
/// them is a mixture of all inputs.
fn step(n: usize) -> usize {
    let golden = (n as f64 * 0.618) as usize;
    (golden.max(1)..)
        .find(|step| gcd(*step, n) == 1)
        .unwrap_or(1)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn vary(sample: &mut Sample, copy: u64, copies: Copies) {
    if let Ok(Some(id)) = sample.value("id") {
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        sample.set_value("id", &Value::from(format!("{id}-{copy}")));
    }
    if copies == Copies::Distinct
        && let Ok(text) = sample.text("text")
    {
        let text = format!("{} {copy}", text.as_str());
        sample.set_text("text", text);
    }
}

fn read(path: &str, text: &mut String) -> Result<()> {
    let file = File::open(path)?;
    if path.ends_with(".zst") {
        zstd::Decoder::new(file)?.read_to_string(text)?;
    } else {
        std::io::BufReader::new(file).read_to_string(text)?;
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn made(bytes: u64, copies: Copies) -> (Value, String) {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in.jsonl");
        std::fs::write(
            &input,
            "{\"id\": 1, \"text\": \"a\", \"n\": 1e400}\n{\"text\": \"b\"}",
        )
        .unwrap();
        let output = folder.path().join("out.jsonl");
        let made = make(&output, bytes, copies, &[input.to_str().unwrap()]).unwrap();
        (made, std::fs::read_to_string(output).unwrap())
    }

    fn texts(jsonl: &str) -> BTreeSet<String> {
        jsonl
            .lines()
            .map(|line| {
                Sample::from_json(line.into(), Origin::default())
                    .unwrap()
                    .text("text")
                    .unwrap()
                    .as_str()
                    .to_owned()
            })
            .collect()
    }

    #[test]
    fn copies_are_other_samples_and_other_texts_if_asked() {
        let (made, distinct) = made(200, Copies::Distinct);
        assert_eq!(
            texts(&distinct).len() as u64,
            made["rows"].as_u64().unwrap()
        );
        assert_eq!(made["bytes"].as_u64().unwrap(), distinct.len() as u64);
        assert!(
            distinct.len() >= 200
                && distinct.contains(r#"{"id": "1-1", "text": "a 1", "n": 1e400}"#),
            "{distinct}"
        );
    }

    #[test]
    fn every_line_is_met_once() {
        for n in [1, 2, 3, 6, 10, 97, 1000] {
            let met: BTreeSet<usize> = (0..n).map(|i| i * step(n) % n).collect();
            assert_eq!(met.len(), n);
        }
    }

    #[test]
    fn copies_keep_their_text_if_asked() {
        let (_, same) = made(200, Copies::Same);
        assert_eq!(texts(&same).len(), 2);
        assert!(same.contains(r#""id": "1-2""#), "{same}");
    }
}
