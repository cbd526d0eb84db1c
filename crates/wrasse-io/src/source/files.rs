//! Reading lists of files: a sample a file, with what the list says of it and
//! its content.
//!
//! A file that is not there, is no text, or is of a type that is not read is a
//! bad row, the line of the list, and costs no other.
//!
//! Where blocks end follows from the list alone (the sizes that it states), so
//! that a resumed run finds the same blocks even if a file has grown since.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};
use wrasse_core::{Origin, Sample, write_string};
use wrasse_docs::Limits;

use super::block::{BadRow, Block, Piece, Row};
use super::document::limits_of;
use super::format::{self, BOM};
use super::{Inputs, ReadLimits, SplitReader};
use crate::Error;
use crate::files::{Content, base_name, content_of, field, plain_type, split_name};

/// What a file counts for whose size the list does not tell.
const SIZE_UNKNOWN: u64 = 64 << 10;

/// Reads the files of a share of a list.
pub(super) struct Reader {
    lines: Box<dyn SplitReader>,
    inputs: Arc<Inputs>,
    limits: ReadLimits,
    /// Rows of the list that were read and not yet given out.
    rows: Option<Box<dyn Iterator<Item = Row> + Send>>,
    /// Bytes of the list that no block accounts for yet.
    list_bytes: u64,
    /// A failure of the list behind what was given out.
    failed: Option<Error>,
}

impl Reader {
    /// Reads the files of the rows that `lines` gives.
    pub(super) fn new(
        lines: Box<dyn SplitReader>,
        inputs: Arc<Inputs>,
        limits: ReadLimits,
    ) -> Self {
        Self {
            lines,
            inputs,
            limits,
            rows: None,
            list_bytes: 0,
            failed: None,
        }
    }

    /// The next row of the list.
    fn next_row(&mut self) -> Option<Row> {
        loop {
            if let Some(row) = self.rows.as_mut().and_then(Iterator::next) {
                return Some(row);
            }
            if self.failed.is_some() {
                return None;
            }
            match self.lines.next_block() {
                Ok(Some(block)) => {
                    self.list_bytes += block.input_bytes;
                    self.rows = Some(Box::new(block.rows()));
                }
                Ok(None) => return None,
                Err(error) => self.failed = Some(error),
            }
        }
    }
}

impl SplitReader for Reader {
    fn next_block(&mut self) -> Result<Option<Block>, Error> {
        let mut text = Vec::new();
        let mut pieces = Vec::new();
        let mut counted = 0;
        while counted < self.limits.block_bytes as u64
            && let Some(row) = self.next_row()
        {
            let sample = match row {
                Row::Sample(sample) => sample,
                Row::Bad(bad) => {
                    counted += bad.raw.len() as u64;
                    pieces.push(Piece::Bad(bad));
                    continue;
                }
            };
            let start = text.len();
            let origin = sample.origin();
            let listed = Listed::of(&sample, &self.inputs, origin);
            let size = listed.as_ref().ok().and_then(|listed| listed.size);
            counted += size.filter(|size| *size > 0).unwrap_or(SIZE_UNKNOWN);
            let read = listed.and_then(|listed| listed.read(self.limits.row_bytes_max));
            pieces.push(match read {
                Ok(row) => {
                    row.write(&self.inputs.text_key, &mut text);
                    Piece::Json {
                        span: start..text.len(),
                        origin,
                    }
                }
                Err(reason) => {
                    let line = sample.line().map_or("", |line| line.as_str());
                    Piece::Bad(BadRow::new(origin, reason, line.as_bytes()))
                }
            });
        }
        if pieces.is_empty() {
            return match self.failed.take() {
                Some(error) => Err(error),
                None => Ok(None),
            };
        }
        let input_bytes = std::mem::take(&mut self.list_bytes);
        let text = String::from_utf8(text).expect("texts as JSON are text");
        Ok(Some(Block::pieces(text, pieces, input_bytes)))
    }
}

/// A file as the list has it.
struct Listed {
    fields: Map<String, Value>,
    path: PathBuf,
    kind: String,
    size: Option<u64>,
}

/// A sample in the making.
struct FileRow {
    fields: Map<String, Value>,
    text: String,
    data: String,
}

impl Listed {
    /// Fills in what the list does not say, and what follows from it.
    fn of(sample: &Sample, inputs: &Inputs, origin: Origin) -> Result<Self, String> {
        let line = sample.line().map_or("{}", |line| line.as_str());
        let mut fields: Map<String, Value> =
            serde_json::from_str(line).map_err(|error| error.to_string())?;
        let text = |fields: &Map<String, Value>, name: &str| {
            let text = fields.get(name).and_then(Value::as_str);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let Some(path) = text(&fields, field::PATH) else {
            return Err(format!(
                "the list names no file: `{}` is missing",
                field::PATH
            ));
        };
        let name = text(&fields, field::NAME).unwrap_or_else(|| base_name(&path).to_owned());
        let listed_kind = text(&fields, field::TYPE)
            .unwrap_or_else(|| split_name(&name).1.trim_start_matches('.').to_owned());
        let kind = plain_type(&listed_kind);
        let size = fields.get(field::SIZE).and_then(number);
        let list = inputs.files.get(origin.file as usize);
        let path = located(Path::new(&path), list.map(|list| Path::new(&list.path)));
        fields.insert(field::NAME.to_owned(), name.clone().into());
        fields.insert(field::TYPE.to_owned(), kind.clone().into());
        fields.insert(field::PATH.to_owned(), path.to_string_lossy().into());
        let id = fields.get(field::ID).cloned();
        for (source, value) in [
            (field::SOURCE_ID, id.filter(|id| !id.is_null())),
            (field::SOURCE_NAME, Some(name.into())),
            (field::SOURCE_TYPE, Some(listed_kind.into())),
            (field::SOURCE_SIZE, Some(size.unwrap_or(0).into())),
        ] {
            fields.extend(value.map(|value| (source.to_owned(), value)));
        }
        // As DataMate gives them to its operators.
        for (name, value) in [
            ("totalPageNum", Value::from(0)),
            ("extraFilePath", Value::Null),
            ("extraFileType", Value::Null),
        ] {
            fields.entry(name).or_insert(value);
        }
        for (name, value) in &inputs.fields {
            fields.insert(name.clone(), value.clone());
        }
        Ok(Self {
            fields,
            path,
            kind,
            size,
        })
    }

    fn read(mut self, bytes_max: usize) -> Result<FileRow, String> {
        let content = content_of(&self.kind).ok_or_else(|| match self.kind.as_str() {
            "" => "the file has no type: neither `fileType` nor a suffix".to_owned(),
            "doc" | "ppt" => format!(
                "files of the old format `{0}` are not read; save it as `{0}x`",
                self.kind
            ),
            kind => format!("files of type `{kind}` are not read"),
        })?;
        let (mut text, mut data) = (String::new(), String::new());
        if content != Content::Unread {
            let bytes = read_file(&self.path, bytes_max)?;
            match content {
                Content::Text => text = decode(bytes)?,
                Content::Data => data = BASE64.encode(bytes),
                Content::Document(kind) => {
                    let limits: Limits = limits_of(bytes_max);
                    text = wrasse_docs::parse(kind, &bytes, limits)
                        .map_err(|error| error.to_string())?
                        .text;
                }
                Content::Unread => {}
            }
        }
        self.fields.shift_remove(field::DATA);
        Ok(FileRow {
            fields: self.fields,
            text,
            data,
        })
    }
}

impl FileRow {
    fn write(&self, text_key: &str, out: &mut Vec<u8>) {
        out.push(b'{');
        for (name, value) in self.fields.iter().filter(|(name, _)| *name != text_key) {
            write_string(name, out);
            out.push(b':');
            out.extend_from_slice(value.to_string().as_bytes());
            out.push(b',');
        }
        // Empty, too: that it is text tells operators that it is Base64.
        for (name, value) in [(field::DATA, &self.data), (text_key, &self.text)] {
            if name == field::DATA && text_key == field::DATA {
                continue;
            }
            write_string(name, out);
            out.push(b':');
            write_string(value, out);
            out.push(b',');
        }
        out.pop();
        out.push(b'}');
    }
}

/// A number, or a text that is one.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value
            .as_u64()
            .or_else(|| value.as_f64().filter(|n| *n >= 0.0).map(|n| n as u64)),
    }
}

/// Paths count from the current folder; one that is not there is looked for
/// beside the list.
fn located(path: &Path, list: Option<&Path>) -> PathBuf {
    if path.is_absolute() || path.exists() {
        return path.to_owned();
    }
    match list.and_then(Path::parent).map(|folder| folder.join(path)) {
        Some(beside) if beside.exists() => beside,
        _ => path.to_owned(),
    }
}

fn read_file(path: &Path, bytes_max: usize) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("`{}` cannot be read: {error}", path.display());
    // Reading a pipe may never end.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(format!("`{}` is no plain file", path.display()));
    }
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0).min(bytes_max));
    file.take(bytes_max as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() > bytes_max {
        let path = path.display();
        return Err(format!(
            "`{path}` is longer than the limit of {bytes_max} bytes"
        ));
    }
    Ok(bytes)
}

/// Text as DataMate reads it: UTF-8 without its mark, lines ended by `\n`.
fn decode(mut bytes: Vec<u8>) -> Result<String, String> {
    if bytes.starts_with(BOM) {
        bytes.drain(..BOM.len());
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let bytes = error.into_bytes();
        format!("not UTF-8 at byte {at}: {}", format::guess(&bytes))
    })?;
    Ok(
        if memchr::memmem::find(text.as_bytes(), b"\r\n").is_some() {
            text.replace("\r\n", "\n")
        } else {
            text
        },
    )
}
