//! Documents to text, a module for each format: bytes in, text out, and
//! nothing else. Files, samples and recipes are the business of others.
//!
//! Any bytes give a [`Document`] or a [`DocError`], within [`Limits`]: what a
//! small file unpacks to is bounded, nothing recurses with the depth of the
//! input, and a panic of a library is an error of its document.

mod csv;
mod decode;
mod docx;
mod html;
mod json;
mod output;
mod package;
mod pdf;
mod pptx;
mod xlsx;
mod xml;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// A format of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// HTML; its main content.
    Html,
    /// Markdown, as it stands.
    Markdown,
    /// Plain text.
    Text,
    /// PDF.
    Pdf,
    /// Word (Office Open XML).
    Docx,
    /// PowerPoint (Office Open XML).
    Pptx,
    /// Excel (Office Open XML).
    Xlsx,
    /// Comma-separated values.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// XML of any vocabulary.
    Xml,
    /// JSON.
    Json,
}

impl Kind {
    /// The format that a file's suffix, in lower case, stands for.
    pub fn of_suffix(suffix: &str) -> Option<Self> {
        Some(match suffix {
            "html" | "htm" | "xhtml" => Self::Html,
            "md" | "markdown" => Self::Markdown,
            "txt" | "text" | "rst" | "log" => Self::Text,
            "pdf" => Self::Pdf,
            "docx" | "docm" => Self::Docx,
            "pptx" | "pptm" => Self::Pptx,
            "xlsx" | "xlsm" => Self::Xlsx,
            "csv" => Self::Csv,
            "tsv" | "tab" => Self::Tsv,
            "xml" => Self::Xml,
            "json" => Self::Json,
            _ => return None,
        })
    }

    /// The word for it, which is its usual suffix.
    pub fn name(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Markdown => "md",
            Self::Text => "txt",
            Self::Pdf => "pdf",
            Self::Docx => "docx",
            Self::Pptx => "pptx",
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Xml => "xml",
            Self::Json => "json",
        }
    }
}

/// Bounds that are kept whatever a file says.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of text that a document may have.
    pub text_bytes_max: usize,
    /// Bytes that the packed parts of a document may unpack to, in all.
    pub unpacked_bytes_max: usize,
}

/// The text of a document and what it says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// The text, lines ended by `\n`.
    pub text: String,
    /// Its title, if it has one.
    pub title: Option<String>,
    /// Its author, if it names one.
    pub author: Option<String>,
    /// Pages, slides or sheets.
    pub n_pages: Option<u64>,
}

/// Why a document has no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DocError(String);

impl DocError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// The text of a document.
///
/// # Errors
///
/// If the bytes are no document of this format, or one beyond the limits.
pub fn parse(kind: Kind, bytes: &[u8], limits: Limits) -> Result<Document, DocError> {
    let parse = || match kind {
        Kind::Html => html::parse(bytes, limits),
        Kind::Markdown => plain(bytes, limits, true),
        Kind::Text => plain(bytes, limits, false),
        Kind::Pdf => pdf::parse(bytes, limits),
        Kind::Docx => docx::parse(bytes, limits),
        Kind::Pptx => pptx::parse(bytes, limits),
        Kind::Xlsx => xlsx::parse(bytes, limits),
        Kind::Csv => csv::parse(bytes, b',', limits),
        Kind::Tsv => csv::parse(bytes, b'\t', limits),
        Kind::Xml => xml::parse(bytes, limits),
        Kind::Json => json::parse(bytes, limits),
    };
    catch_unwind(AssertUnwindSafe(parse)).unwrap_or_else(|_| {
        let kind = kind.name();
        Err(DocError::new(format!(
            "the parser of {kind} failed on this file"
        )))
    })
}

fn plain(bytes: &[u8], limits: Limits, is_markdown: bool) -> Result<Document, DocError> {
    let text = decode::text(bytes, None)?;
    let mut out = output::Output::new(limits);
    out.push(&text.replace("\r\n", "\n"))?;
    let heading = |line: &str| line.strip_prefix("# ").map(|title| title.trim().to_owned());
    Ok(Document {
        title: match is_markdown {
            true => text.lines().find_map(heading),
            false => None,
        },
        text: out.finish(),
        ..Document::default()
    })
}

#[cfg(test)]
mod tests;
