//! The package of the office formats: a zip archive of XML parts.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::xml::{Item, walk};
use crate::{DocError, Document, Limits, decode};

/// An opened package. What all read parts unpack to is bounded.
pub(crate) struct Package<'b> {
    archive: ZipArchive<Cursor<&'b [u8]>>,
    bytes_left: usize,
    bytes_max: usize,
}

impl<'b> Package<'b> {
    pub(crate) fn open(bytes: &'b [u8], limits: Limits) -> Result<Self, DocError> {
        if bytes.starts_with(b"\xd0\xcf\x11\xe0") {
            let reason = "an old or an encrypted office document, which is not read";
            return Err(DocError::new(reason));
        }
        let archive = ZipArchive::new(Cursor::new(bytes))
            .map_err(|error| DocError::new(format!("damaged package: {error}")))?;
        Ok(Self {
            archive,
            bytes_left: limits.unpacked_bytes_max,
            bytes_max: limits.unpacked_bytes_max,
        })
    }

    /// The text of a part; `None` if there is no such part.
    pub(crate) fn part(&mut self, name: &str) -> Result<Option<String>, DocError> {
        let damaged = |error: &dyn std::fmt::Display| {
            DocError::new(format!("damaged part `{name}`: {error}"))
        };
        let file = match self.archive.by_name(name.trim_start_matches('/')) {
            Ok(file) => file,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(damaged(&error)),
        };
        let mut bytes = Vec::new();
        file.take(self.bytes_left as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| damaged(&error))?;
        let Some(left) = self.bytes_left.checked_sub(bytes.len()) else {
            return Err(DocError::new(format!(
                "the document unpacks to more than {} bytes",
                self.bytes_max
            )));
        };
        self.bytes_left = left;
        let named = decode::named(&bytes, b"encoding");
        Ok(Some(decode::text(&bytes, named)?.into_owned()))
    }

    /// The text of a part that must be there.
    pub(crate) fn required(&mut self, name: &str) -> Result<String, DocError> {
        self.part(name)?
            .ok_or_else(|| DocError::new(format!("the package has no part `{name}`")))
    }

    /// The targets of a part's relationships, by their ids, as names of parts.
    pub(crate) fn targets(
        &mut self,
        folder: &str,
        name: &str,
    ) -> Result<HashMap<String, String>, DocError> {
        let mut targets = HashMap::new();
        let Some(relationships) = self.part(&format!("{folder}/_rels/{name}.rels"))? else {
            return Ok(targets);
        };
        walk(&relationships, |item| {
            if let Item::Open("Relationship", attributes) = item
                && let (Some(id), Some(target)) = (attributes.get("Id"), attributes.get("Target"))
            {
                let part = match target.strip_prefix('/') {
                    Some(part) => part.to_owned(),
                    None => format!("{folder}/{target}"),
                };
                targets.insert(id, part);
            }
            Ok(())
        })?;
        Ok(targets)
    }

    /// Puts in the title and author that the package tells.
    pub(crate) fn describe(&mut self, document: &mut Document) -> Result<(), DocError> {
        let Some(core) = self.part("docProps/core.xml")? else {
            return Ok(());
        };
        let mut open = String::new();
        walk(&core, |item| {
            match item {
                Item::Open(name, _) => name.clone_into(&mut open),
                Item::Close(_) => open.clear(),
                Item::Text(text) => {
                    let field = match &*open {
                        "title" => &mut document.title,
                        "creator" => &mut document.author,
                        _ => return Ok(()),
                    };
                    field.get_or_insert_default().push_str(text);
                }
            }
            Ok(())
        })?;
        for field in [&mut document.title, &mut document.author] {
            if field.as_ref().is_some_and(|text| text.trim().is_empty()) {
                *field = None;
            }
        }
        Ok(())
    }
}
