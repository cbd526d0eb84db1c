//! Documents of one size, and folders of small files: the texts of samples, cut.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use wrasse_core::{Origin, Sample};

use crate::corpus;

/// Writes samples with texts of about `size` bytes, until there are `bytes`.
pub(crate) fn documents(output: &Path, bytes: u64, size: usize, inputs: &[&str]) -> Result<Value> {
    let mut out = BufWriter::new(File::create(output)?);
    let (mut rows, mut written, mut text_bytes) = (0_u64, 0_u64, 0_u64);
    pieces(inputs, size, |text, source| {
        let text = match rows < source.once {
            true => text.to_owned(),
            false => format!("{text} {rows}"),
        };
        let row = json!({
            "id": format!("doc-{rows}"),
            "text": text,
            "meta": { "source": source.id, "piece": source.piece },
        });
        let line = format!("{row}\n");
        out.write_all(line.as_bytes())?;
        rows += 1;
        written += line.len() as u64;
        text_bytes += text.len() as u64;
        Ok(written < bytes)
    })?;
    out.flush()?;
    Ok(json!({ "rows": rows, "bytes": written, "text_bytes": text_bytes }))
}

/// Writes `n` files of text of about `size` bytes into a folder, and beside it
/// the list of them (`<folder>.jsonl`), as DataMate has it. They are to be
/// exported to `export`.
pub(crate) fn files(
    folder: &Path,
    n: u64,
    size: usize,
    export: &str,
    inputs: &[&str],
) -> Result<Value> {
    std::fs::create_dir_all(folder)?;
    let mut list = BufWriter::new(File::create(folder.with_extension("jsonl"))?);
    let (mut rows, mut text_bytes) = (0_u64, 0_u64);
    pieces(inputs, size, |text, _| {
        let name = format!("file-{rows:05}.txt");
        let path = folder.join(&name);
        std::fs::write(&path, text)?;
        let about = json!({
            "fileId": rows.to_string(),
            "fileName": name,
            "filePath": path,
            "fileType": "txt",
            "fileSize": text.len(),
            "export_path": export,
        });
        writeln!(list, "{about}")?;
        rows += 1;
        text_bytes += text.len() as u64;
        Ok(rows < n)
    })?;
    list.flush()?;
    Ok(json!({ "rows": rows, "bytes": text_bytes, "text_bytes": text_bytes }))
}

/// Where a piece is from.
struct Source<'a> {
    id: &'a str,
    piece: usize,
    /// Pieces that there are before they come again; none known yet if 0.
    once: u64,
}

/// Gives the texts of the samples of some files, cut, one after the other and
/// again and again, until `take` has enough.
fn pieces(
    inputs: &[&str],
    size: usize,
    mut take: impl FnMut(&str, &Source<'_>) -> Result<bool>,
) -> Result<()> {
    let lines = corpus::lines(inputs)?;
    let mut once = u64::MAX;
    loop {
        let mut n = 0;
        for i in 0..lines.len() {
            let line = corpus::mixed(&lines, i);
            let mut sample = Sample::from_json(line.into(), Origin::default())?;
            let id = sample.value("id")?.unwrap_or_default();
            let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
            let Ok(text) = sample.text("text") else {
                continue;
            };
            // A file of text has one kind of line end.
            let text = text.as_str().trim_start_matches('\u{feff}');
            let text = text.replace("\r\n", "\n").replace('\r', "\n");
            for (piece, text) in cut(&text, size).enumerate() {
                n += 1;
                let id = id.as_str();
                if !take(text, &Source { id, piece, once })? {
                    return Ok(());
                }
            }
        }
        ensure!(n > 0, "no text of {size} bytes in {inputs:?}");
        once = once.min(n);
    }
}

/// Pieces of about `size` bytes; what is left at the end is left out, unless
/// it is all.
fn cut(text: &str, size: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.len() < size {
            return None;
        }
        let at = (size..=rest.len()).find(|at| rest.is_char_boundary(*at))?;
        let (piece, behind) = rest.split_at(at);
        rest = behind;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        let pieces: Vec<&str> = cut("ab\u{e9}cd\u{e9}\u{e9}x", 3).collect();
        assert_eq!(pieces, ["ab\u{e9}", "cd\u{e9}", "\u{e9}x"]);
        assert_eq!(cut("ab", 3).count(), 0);
    }

    #[test]
    fn documents_and_files_are_made_until_there_are_enough() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in.jsonl");
        std::fs::write(
            &input,
            "{\"id\": 1, \"text\": \"aaabbbc\"}\n{\"text\": 2}\n",
        )
        .unwrap();
        let inputs = [input.to_str().unwrap()];
        let output = folder.path().join("out.jsonl");
        let made = documents(&output, 200, 3, &inputs).unwrap();
        let jsonl = std::fs::read_to_string(&output).unwrap();
        let texts: Vec<Value> = jsonl
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["text"].take())
            .collect();
        assert_eq!(texts[..4], ["aaa", "bbb", "aaa 2", "bbb 3"]);
        assert_eq!(made["bytes"], jsonl.len());

        let made = files(&folder.path().join("files"), 3, 3, "/out", &inputs).unwrap();
        assert_eq!(made["rows"], 3);
        let list = std::fs::read_to_string(folder.path().join("files.jsonl")).unwrap();
        let last: Value = serde_json::from_str(list.lines().last().unwrap()).unwrap();
        let path = last["filePath"].as_str().unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "aaa");
    }
}
