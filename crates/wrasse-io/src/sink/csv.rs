//! CSV and TSV: a header line, and each row quoted where it must be.
//!
//! Columns are all top-level fields, in the order in which they first appear.
//! Numbers, booleans and nested values are written as the JSON they were, digit
//! for digit; text as it is, quoted if it holds the delimiter, a quote or a line
//! end. Null and absent are empty; an empty text is `""`. Of repeated fields the
//! last counts. Lines end in a line feed.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use super::compress;
use super::kind::Kind;
use super::object;
use super::pool::Ordered;
use super::stage::{self, Chunk, FrameAt};
use super::staged::{Staged, StagedPosition};
use super::target::Compression;
use crate::Error;

/// How the rows are spelled.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) delimiter: u8,
    pub(super) compression: Compression,
}

/// Writes staged rows to `out`.
pub(super) fn write(
    rows: &Arc<Vec<PathBuf>>,
    frames: &[FrameAt],
    columns: &Arc<IndexMap<String, Kind>>,
    style: Style,
    mut out: Staged,
    threads: NonZeroUsize,
) -> Result<StagedPosition, Error> {
    let mut header = Vec::new();
    for (i, name) in columns.keys().enumerate() {
        if i > 0 {
            header.push(style.delimiter);
        }
        push_text(name, style.delimiter, &mut header);
    }
    header.push(b'\n');
    if frames.is_empty() {
        out.write(&compress::compress(style.compression, &header)?)?;
    }
    let mut pool = Ordered::new(threads);
    for &frame in frames {
        let text = std::mem::take(&mut header);
        let (rows, columns) = (Arc::clone(rows), Arc::clone(columns));
        pool.push(move || spell(&rows, frame, &columns, style, text))?;
        while pool.is_full() {
            write_oldest(&mut pool, &mut out)?;
        }
    }
    while pool.n_waiting() > 0 {
        write_oldest(&mut pool, &mut out)?;
    }
    out.sync()
}

fn write_oldest(pool: &mut Ordered<Result<Vec<u8>, Error>>, out: &mut Staged) -> Result<(), Error> {
    match pool.pop() {
        Some(text) => out.write(&text??),
        None => Ok(()),
    }
}

/// The rows of a frame after `text`, compressed.
fn spell(
    rows: &[PathBuf],
    frame: FrameAt,
    columns: &IndexMap<String, Kind>,
    style: Style,
    mut text: Vec<u8>,
) -> Result<Vec<u8>, Error> {
    for chunk in stage::read(rows, frame)?.chunks {
        let Chunk::Lines(bytes) = chunk else {
            unreachable!("the encoder of CSV makes lines");
        };
        for line in stage::lines(&bytes) {
            push_row(line, columns, style.delimiter, &mut text);
        }
    }
    compress::compress(style.compression, &text)
}

fn push_row(line: &str, columns: &IndexMap<String, Kind>, delimiter: u8, out: &mut Vec<u8>) {
    let mut values: Vec<Option<&str>> = vec![None; columns.len()];
    for (key, value) in object::fields(line).unwrap_or_default() {
        if let Some(at) = columns.get_index_of(key.as_ref()) {
            values[at] = Some(value).filter(|value| *value != "null");
        }
    }
    if let [None] = values[..] {
        // An empty line would be no row.
        out.extend_from_slice(b"\"\"");
    }
    for (i, value) in values.into_iter().enumerate() {
        if i > 0 {
            out.push(delimiter);
        }
        match value {
            None => {}
            Some(raw) => match object::text(raw) {
                Some(text) => push_text(&text, delimiter, out),
                None => push_text(raw, delimiter, out),
            },
        }
    }
    out.push(b'\n');
}

fn push_text(text: &str, delimiter: u8, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let plain = memchr::memchr3(b'"', b'\n', b'\r', bytes).is_none()
        && memchr::memchr(delimiter, bytes).is_none();
    if plain && !bytes.is_empty() {
        out.extend_from_slice(bytes);
        return;
    }
    out.push(b'"');
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(b'"', rest) {
        out.extend_from_slice(&rest[..=at]);
        out.push(b'"');
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}
