//! From samples to the names and contents of files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wrasse_core::Sample;

use super::list::ExportSource;
use crate::files::{Export, base_name, export_of, field, plain_type, split_name};
use crate::sink::{BlockBuilder, Encoder, OutBlock, Payload};

/// The longest file name, with room for a number behind the stem: systems
/// allow 255 bytes.
const NAME_BYTES_MAX: usize = 244;

/// Files in the making.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::sink) struct Files {
    pub(super) bytes: Vec<u8>,
    pub(super) entries: Vec<Entry>,
}

/// One of them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Where its content ends in the block's bytes.
    pub(super) end: usize,
    /// The name that it shall have, stem and suffix; `None` for no file.
    pub(super) name: Option<(String, String)>,
    pub(super) source: ExportSource,
}

impl Files {
    pub(in crate::sink) fn n_rows(&self) -> usize {
        self.entries.len()
    }

    pub(in crate::sink) fn memory_bytes(&self) -> usize {
        let held = |entry: &Entry| entry.source.file.len() * 2 + entry.source.id.len();
        self.bytes.capacity()
            + self.entries.capacity() * size_of::<Entry>()
            + self.entries.iter().map(held).sum::<usize>()
    }

    pub(in crate::sink) fn row_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Keeps the rows for which `keep` holds.
    pub(in crate::sink) fn retain(&mut self, keep: &[bool]) {
        assert_eq!(keep.len(), self.entries.len(), "one verdict a row");
        let bytes = std::mem::take(&mut self.bytes);
        let mut start = 0;
        let entries = std::mem::take(&mut self.entries);
        for (mut entry, keep) in entries.into_iter().zip(keep) {
            let content = &bytes[start..entry.end];
            start = entry.end;
            if *keep {
                self.bytes.extend_from_slice(content);
                entry.end = self.bytes.len();
                self.entries.push(entry);
            }
        }
    }
}

/// Makes files of samples.
pub(in crate::sink) struct FilesEncoder {
    text_key: String,
}

impl FilesEncoder {
    pub(in crate::sink) fn new(text_key: &str) -> Self {
        let text_key = text_key.to_owned();
        Self { text_key }
    }
}

struct Builder {
    text_key: String,
    files: Files,
}

impl Encoder for FilesEncoder {
    fn start(&self) -> Box<dyn BlockBuilder> {
        Box::new(Builder {
            text_key: self.text_key.clone(),
            files: Files::default(),
        })
    }
}

impl BlockBuilder for Builder {
    fn reserve(&mut self, bytes: usize) {
        self.files.bytes.reserve(bytes);
    }

    fn push(&mut self, sample: &Sample) -> Result<(), String> {
        let content = content(sample, &self.text_key)?;
        let name = match &content {
            Some((_, kind)) => Some(name(sample, kind)?),
            None => None,
        };
        if let Some((bytes, _)) = &content {
            self.files.bytes.extend_from_slice(bytes);
        }
        let origin = sample.origin();
        self.files.entries.push(Entry {
            end: self.files.bytes.len(),
            name,
            source: ExportSource::of(origin.position, origin.piece, |field| {
                sample.value(field).ok().flatten()
            }),
        });
        Ok(())
    }

    fn row_bytes(&self) -> usize {
        self.files.row_bytes()
    }

    fn finish(self: Box<Self>) -> OutBlock {
        OutBlock(Payload::Files(self.files))
    }
}

/// What is written of a sample, and the type of that; `None` if it has no
/// content.
fn content(sample: &Sample, text_key: &str) -> Result<Option<(Vec<u8>, String)>, String> {
    let kind = plain_type(&string(sample, field::TYPE)?);
    let export = export_of(&kind).ok_or_else(|| match kind.as_str() {
        "" => format!("a sample without `{}` cannot be exported", field::TYPE),
        kind => format!("files of type `{kind}` cannot be exported"),
    })?;
    let text = || string(sample, text_key).map(String::into_bytes);
    let data = || {
        let data = string(sample, field::DATA)?;
        let bytes = BASE64.decode(data);
        bytes.map_err(|error| format!("field `{}`: no bytes in base64: {error}", field::DATA))
    };
    let target = string(sample, field::TARGET_TYPE)?;
    let (bytes, kind) = match export {
        Export::Text if target.is_empty() => (text()?, "txt".to_owned()),
        Export::Text | Export::Data => {
            let data = data()?;
            let bytes = if data.is_empty() { text()? } else { data };
            (bytes, if target.is_empty() { kind } else { target })
        }
        Export::Medical => (data()?, "png".to_owned()),
    };
    Ok((!bytes.is_empty()).then_some((bytes, kind)))
}

/// The stem and the suffix of a sample's file.
fn name(sample: &Sample, kind: &str) -> Result<(String, String), String> {
    let listed = string(sample, field::NAME)?;
    let base = base_name(&listed);
    let (stem, _) = split_name(base);
    // Pieces are called like DataMate's: by the number of the file and their own.
    let piece = sample.origin().piece;
    let id = string(sample, field::ID)?;
    let stem = match piece {
        0 => stem.to_owned(),
        _ if id.is_empty() => format!("{stem}_{piece}"),
        _ => format!("{}_{piece}", base_name(&id)),
    };
    let suffix = format!(".{kind}");
    if stem.is_empty() || stem.contains('\0') || kind.contains(['/', '\\', '\0']) {
        return Err(format!("`{listed}` as `{kind}` is no file name"));
    }
    let bytes = stem.len() + suffix.len();
    if bytes > NAME_BYTES_MAX {
        return Err(format!(
            "the file name `{stem}{suffix}` has {bytes} bytes; at most {NAME_BYTES_MAX} are possible"
        ));
    }
    Ok((stem, suffix))
}

/// The text of a field; empty if it is absent or null.
fn string(sample: &Sample, name: &str) -> Result<String, String> {
    let Some(raw) = sample.json(name) else {
        return Ok(String::new());
    };
    match serde_json::from_str(&raw) {
        Ok(Value::String(text)) => Ok(text),
        Ok(Value::Null) => Ok(String::new()),
        Ok(Value::Number(number)) => Ok(number.to_string()),
        Ok(_) => Err(format!("field `{name}` is no text")),
        Err(error) => Err(format!("field `{name}` holds no valid text: {error}")),
    }
}
