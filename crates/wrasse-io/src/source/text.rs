//! Reading files of text and documents: one sample a file, its text and its
//! path.
//!
//! A file that is no text, or cannot be read, is a bad row and costs no other.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;
use wrasse_core::{Origin, write_string};

use super::block::{BadRow, Block, Piece, RAW_MAX};
use super::document;
use super::format::{self, BOM, Format};
use super::input::Source;
use super::{InputFile, Inputs, ReadLimits, SplitReader};
use crate::Error;

/// The field that holds the path of the file, unless it is the one of the text.
const PATH_KEY: &str = "path";

/// The field that holds what a document says of itself, unless it is the one
/// of the text.
const META_KEY: &str = "meta";

/// What a file gives.
pub(super) struct Content {
    pub(super) text: String,
    pub(super) meta: Option<Value>,
}

/// Reads a run of files.
pub(super) struct Reader {
    pub(super) inputs: Arc<Inputs>,
    /// The files that are not done.
    pub(super) files: Range<u32>,
    pub(super) limits: ReadLimits,
}

impl SplitReader for Reader {
    fn next_block(&mut self) -> Result<Option<Block>, Error> {
        let mut text = Vec::new();
        let mut pieces = Vec::new();
        let mut bad_bytes = 0;
        let mut input_bytes = 0;
        while text.len() + bad_bytes < self.limits.block_bytes
            && let Some(index) = self.files.next()
        {
            let file = &self.inputs.files[index as usize];
            let origin = Origin {
                file: index,
                piece: 0,
                position: 0,
            };
            input_bytes += file.bytes.unwrap_or(0);
            let start = text.len();
            let read = read(file, index, self.limits.row_bytes_max, file.format);
            pieces.push(match read {
                Ok(content) => {
                    write_row(&self.inputs.text_key, &content, &file.path, &mut text);
                    Piece::Json {
                        span: start..text.len(),
                        origin,
                    }
                }
                Err(refusal) => {
                    bad_bytes += refusal.raw.len();
                    Piece::Bad(BadRow {
                        origin,
                        reason: refusal.reason,
                        raw_bytes: file.bytes.unwrap_or(refusal.raw.len() as u64),
                        raw: refusal.raw,
                    })
                }
            });
        }
        if pieces.is_empty() {
            return Ok(None);
        }
        let text = String::from_utf8(text).expect("texts as JSON are text");
        Ok(Some(Block::pieces(text, pieces, input_bytes)))
    }
}

/// Why a file is no sample, and the start of it.
struct Refusal {
    reason: String,
    raw: Vec<u8>,
}

fn read(
    file: &InputFile,
    index: u32,
    bytes_max: usize,
    format: Format,
) -> Result<Content, Refusal> {
    let unreadable = |error: Error| {
        let cause = error.source.map(|cause: io::Error| format!(": {cause}"));
        Refusal {
            reason: format!("{}{}", error.message, cause.unwrap_or_default()),
            raw: Vec::new(),
        }
    };
    let mut bytes = Vec::new();
    let opened = match format {
        Format::Document => Source::document(file, index),
        _ => Source::whole(file, index).map(|(source, _)| source),
    };
    let mut source = opened.map_err(unreadable)?;
    let expected = file.bytes.and_then(|bytes| usize::try_from(bytes).ok());
    bytes.reserve(expected.unwrap_or(0).min(bytes_max));
    let read = source.read_all(bytes_max.saturating_add(1), &mut bytes);
    if let Err(cause) = read {
        return Err(unreadable(source.damage(bytes.len() as u64, cause)));
    }
    let refuse = |reason: String, mut raw: Vec<u8>| {
        raw.truncate(RAW_MAX);
        raw.shrink_to_fit();
        Err(Refusal { reason, raw })
    };
    if bytes.len() > bytes_max {
        let reason = format!("the text is longer than the limit of {bytes_max} bytes");
        return refuse(reason, bytes);
    }
    if format == Format::Document {
        return match document::read(&file.path, &bytes, bytes_max) {
            Ok(content) => Ok(content),
            Err(reason) => refuse(reason, bytes),
        };
    }
    if bytes.starts_with(BOM) {
        bytes.drain(..BOM.len());
    }
    String::from_utf8(bytes)
        .map(|text| Content { text, meta: None })
        .or_else(|error| {
            let at = error.utf8_error().valid_up_to();
            let bytes = error.into_bytes();
            let reason = format!("not UTF-8 at byte {at}: {}", format::guess(&bytes));
            refuse(reason, bytes)
        })
}

fn write_row(text_key: &str, content: &Content, path: &str, out: &mut Vec<u8>) {
    out.push(b'{');
    write_string(text_key, out);
    out.push(b':');
    write_string(&content.text, out);
    if text_key != PATH_KEY {
        out.push(b',');
        write_string(PATH_KEY, out);
        out.push(b':');
        write_string(path, out);
    }
    if let Some(meta) = &content.meta
        && text_key != META_KEY
    {
        out.push(b',');
        write_string(META_KEY, out);
        out.push(b':');
        out.extend_from_slice(meta.to_string().as_bytes());
    }
    out.push(b'}');
}
