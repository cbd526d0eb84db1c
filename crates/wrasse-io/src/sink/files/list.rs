//! The list of exports: a line for each sample, in the order of the input.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;
use crate::files::field;
use crate::sink::fault::fault;

/// The list of exports, beside the staging folder.
pub const EXPORTS: &str = "exports.jsonl";

/// Those of runs before, over other lists.
pub(super) const EARLIER: &str = "exports.earlier.jsonl";

/// A line of the list of exports: what became of one sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exported {
    /// What the list of files says of the file that it came from.
    #[serde(flatten)]
    pub source: ExportSource,
    /// The name of the file in the output folder; `None` if the sample had no
    /// content in the end.
    pub name: Option<String>,
    /// Bytes of it.
    pub bytes: u64,
    /// XXH3-64 of these bytes, in hex.
    pub xxh3: String,
}

/// Where an exported sample came from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExportSource {
    /// Byte offset of the file's line in the list.
    pub position: u64,
    /// Which piece of the file it is; 0 if it was not cut.
    pub piece: u32,
    /// `sourceFileId`.
    pub id: String,
    /// `sourceFileName`.
    pub file: String,
    /// `sourceFileType`.
    pub kind: String,
    /// `sourceFileSize`, in bytes.
    pub size: u64,
}

impl ExportSource {
    /// What a sample says of its file. `get` gives the value of a field.
    pub fn of(position: u64, piece: u32, get: impl Fn(&str) -> Option<Value>) -> Self {
        let text = |names: [&str; 2]| match names.into_iter().find_map(&get) {
            Some(Value::String(text)) => text,
            None | Some(Value::Null) => String::new(),
            Some(other) => other.to_string(),
        };
        let size = [field::SOURCE_SIZE, field::SIZE].into_iter().find_map(&get);
        Self {
            position,
            piece,
            id: text([field::SOURCE_ID, field::ID]),
            file: text([field::SOURCE_NAME, field::NAME]),
            kind: text([field::SOURCE_TYPE, field::TYPE]),
            size: match size {
                Some(Value::String(text)) => text.parse().unwrap_or(0),
                Some(value) => value.as_u64().unwrap_or(0),
                None => 0,
            },
        }
    }
}

/// The lines of a list of exports, without one that is torn; none if there is
/// no list.
///
/// # Errors
///
/// If it cannot be read, or holds something else.
pub fn exported(path: &Path) -> Result<Vec<Exported>, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(fault(path, "cannot be read", error)),
    };
    let mut found = Vec::new();
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line);
        read.map_err(|error| fault(path, "cannot be read", error))?;
        if line.last() != Some(&b'\n') {
            return Ok(found);
        }
        let exported = serde_json::from_slice(&line).map_err(|error| {
            Error::io(
                path.display().to_string(),
                "cannot be understood",
                error.into(),
            )
            .with_hint("pass --restart to begin anew")
        })?;
        found.push(exported);
    }
}

/// Keeps what a run over another list exported.
pub(super) fn remember(list: &Path, exported: &[&Exported]) -> Result<(), Error> {
    let mut lines = Vec::new();
    for exported in exported {
        serde_json::to_writer(&mut lines, exported).expect("writing to memory does not fail");
        lines.push(b'\n');
    }
    if lines.is_empty() {
        return Ok(());
    }
    let path = list.with_file_name(EARLIER);
    let mut options = OpenOptions::new();
    let written = options.create(true).append(true).open(&path);
    written
        .and_then(|mut file| file.write_all(&lines).and_then(|()| file.sync_data()))
        .map_err(|error| fault(&path, "cannot write", error))
}

/// Opens a list of exports, cut to `bytes`, for appending.
pub(super) fn open_list(path: &Path, bytes: u64) -> io::Result<File> {
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    file.set_len(bytes)?;
    file.seek(SeekFrom::End(0))?;
    Ok(file)
}
