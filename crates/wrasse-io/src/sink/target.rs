//! [`Target`]: what an output path means.
//!
//! | path | files |
//! |---|---|
//! | `x.jsonl` | one file |
//! | `x.jsonl` with a part size | `x-00-of-04.jsonl`, ... as Data-Juicer names them |
//! | `x/`, or no suffix, or a folder that exists | `x/part-00000.jsonl`, ... |
//! | `-` | standard output |
//!
//! A part is full with the row that takes it to the part size, counted in
//! bytes of rows before compression and encoding, so that the cuts depend on
//! the rows alone.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::SinkSpec;
use crate::Error;
use crate::source::Format;
use crate::store::is_address;

/// The size of a part in a folder unless the recipe says another: 512 MiB.
const PART_BYTES: u64 = 512 << 20;

/// How the bytes of a text format are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// How many files there are, and how they are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Stdout,
    File,
    /// Parts whose names hold their total number: named when all are written.
    Counted,
    /// Parts in a folder, each named when it is full.
    Folder,
}

/// An output path, understood.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) shape: Shape,
    pub(super) format: Format,
    pub(super) compression: Compression,
    /// Whether it is the address of a store.
    pub(super) remote: bool,
    /// Bytes of rows at which a part is full.
    pub(super) part_bytes: u64,
    /// The path up to and with the last `/`.
    folder: String,
    /// The file name without its suffix.
    stem: String,
    /// `.jsonl.gz` and the like.
    suffix: String,
}

impl Target {
    /// Understands the path of `spec`.
    pub(super) fn of(spec: &SinkSpec) -> Result<Self, Error> {
        let path = spec.path.as_str();
        if path.is_empty() {
            return Err(Error::new(path, "the output path is empty"));
        }
        let remote = is_address(path);
        let (folder, name) = match path.rfind('/') {
            Some(at) => path.split_at(at + 1),
            None => ("", path),
        };
        let is_folder =
            name.is_empty() || !has_suffix(name) || (!remote && Path::new(path).is_dir());
        let shape = match (path, is_folder, spec.part_bytes) {
            ("-", ..) => Shape::Stdout,
            (_, true, _) => Shape::Folder,
            (_, false, Some(_)) => Shape::Counted,
            (_, false, None) => Shape::File,
        };
        let (stem, known, compression) = if is_folder {
            ("part", None, Compression::None)
        } else {
            split_suffix(name)
        };
        let Some(format) = spec.format.or(known).or(is_folder.then_some(Format::Jsonl)) else {
            return Err(Error::new(path, "the suffix tells no output format").with_hint(
                "use .jsonl, .jsonl.gz, .jsonl.zst, .parquet, .csv or .tsv, or name the format; \
                 a folder ends in `/`",
            ));
        };
        let (folder, suffix) = if is_folder {
            let slash = if path.ends_with('/') { "" } else { "/" };
            (format!("{path}{slash}"), suffix_of(format).to_owned())
        } else {
            (folder.to_owned(), name[stem.len()..].to_owned())
        };
        if matches!(format, Format::Text | Format::Document) {
            return Err(Error::new(path, "one text file a sample cannot be written")
                .with_hint("write .jsonl, .parquet, .csv or .tsv, or name the format `files`"));
        }
        if format == Format::Parquet && compression != Compression::None {
            return Err(
                Error::new(path, "a Parquet file is not compressed as a whole")
                    .with_hint("its columns are compressed; let the name end in .parquet"),
            );
        }
        let part_bytes = match (shape, spec.part_bytes) {
            (Shape::Stdout | Shape::File, _) => u64::MAX,
            (_, Some(bytes)) => bytes.0.max(1),
            (_, None) => PART_BYTES,
        };
        Ok(Self {
            shape,
            format,
            compression,
            remote,
            part_bytes,
            folder,
            stem: stem.to_owned(),
            suffix,
        })
    }

    /// The folder that the files go to: an address, or a path; empty for the
    /// current folder.
    pub(super) fn folder(&self) -> &str {
        &self.folder
    }

    /// The path as a user would write it.
    pub(super) fn path(&self) -> String {
        match self.shape {
            Shape::Folder => self.folder.clone(),
            _ => format!("{}{}{}", self.folder, self.stem, self.suffix),
        }
    }

    /// The name of part `index`; `total` counts in [`Shape::Counted`] only.
    pub(super) fn name(&self, index: usize, total: usize) -> String {
        let Self { stem, suffix, .. } = self;
        match self.shape {
            Shape::Stdout | Shape::File => format!("{stem}{suffix}"),
            Shape::Counted => {
                let width = total.to_string().len() + 1;
                format!("{stem}-{index:0width$}-of-{total:0width$}{suffix}")
            }
            Shape::Folder => format!("{stem}-{index:05}{suffix}"),
        }
    }

    /// The name of part `index` while it is unfinished or waits for its name.
    pub(super) fn staged_name(&self, index: usize) -> String {
        format!(".{}-{index:05}{}.partial", self.stem, self.suffix)
    }

    /// Whether `name` is one of [`Target::staged_name`].
    pub(super) fn is_staged_name(&self, name: &str) -> bool {
        let index = name
            .strip_prefix(&format!(".{}-", self.stem))
            .and_then(|rest| rest.strip_suffix(&format!("{}.partial", self.suffix)));
        index.is_some_and(|index| index.len() >= 5 && index.bytes().all(|b| b.is_ascii_digit()))
    }

    /// The names of files that workers write for part `index`, before and behind
    /// what makes each of them another.
    pub(super) fn worker_name(&self, index: usize) -> (String, String) {
        let before = format!(".{}-{index:05}.by-", self.stem);
        (before, format!("{}.partial", self.suffix))
    }

    /// Whether `name` is one of [`Target::worker_name`].
    pub(super) fn is_worker_name(&self, name: &str) -> bool {
        let index = name
            .strip_prefix(&format!(".{}-", self.stem))
            .and_then(|rest| rest.strip_suffix(&format!("{}.partial", self.suffix)))
            .and_then(|rest| rest.split_once(".by-"));
        index.is_some_and(|(index, by)| {
            let is_own = |b: u8| b.is_ascii_digit() || b == b'-';
            index.len() >= 5 && index.bytes().all(|b| b.is_ascii_digit()) && by.bytes().all(is_own)
        })
    }

    /// Whether `name` is one that a part in this folder could have.
    pub(super) fn is_part_name(&self, name: &str) -> bool {
        let is_number = |text: &str, width: usize| {
            text.len() >= width && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        let index = name
            .strip_prefix(&format!("{}-", self.stem))
            .and_then(|rest| rest.strip_suffix(&self.suffix));
        match (self.shape, index) {
            (Shape::Folder, Some(index)) => is_number(index, 5),
            (Shape::Counted, Some(index)) => index
                .split_once("-of-")
                .is_some_and(|(index, total)| is_number(index, 2) && is_number(total, 2)),
            _ => false,
        }
    }

    /// A word for what is written, to recognize a position as ours.
    pub(super) fn kind(&self) -> String {
        let shape = match self.shape {
            Shape::Stdout => "a stream of",
            Shape::File => "one file of",
            Shape::Counted => "counted parts of",
            Shape::Folder => "a folder of",
        };
        format!("{shape} {} ({:?})", self.suffix, self.format)
    }
}

fn has_suffix(name: &str) -> bool {
    name.trim_start_matches('.').contains('.')
}

fn suffix_of(format: Format) -> &'static str {
    match format {
        Format::Parquet => ".parquet",
        Format::Csv => ".csv",
        Format::Tsv => ".tsv",
        Format::Jsonl | Format::Text | Format::Document | Format::Files => ".jsonl",
    }
}

/// The stem of a file name, and what its suffix tells.
fn split_suffix(name: &str) -> (&str, Option<Format>, Compression) {
    let (rest, compression) = match name.rsplit_once('.') {
        Some((rest, last)) if last.eq_ignore_ascii_case("gz") => (rest, Compression::Gzip),
        Some((rest, last)) if ["zst", "zstd"].iter().any(|s| last.eq_ignore_ascii_case(s)) => {
            (rest, Compression::Zstd)
        }
        _ => (name, Compression::None),
    };
    let known = rest.rsplit_once('.').and_then(|(stem, last)| {
        let format = match last.to_ascii_lowercase().as_str() {
            "jsonl" | "json" | "ndjson" => Format::Jsonl,
            "parquet" | "pq" => Format::Parquet,
            "csv" => Format::Csv,
            "tsv" => Format::Tsv,
            _ => return None,
        };
        Some((stem, format))
    });
    match known {
        Some((stem, format)) => (stem, Some(format), compression),
        None => {
            let stem = rest.rsplit_once('.').map_or(rest, |(stem, _)| stem);
            (stem, None, compression)
        }
    }
}
