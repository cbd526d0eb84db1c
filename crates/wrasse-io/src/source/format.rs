//! [`Format`]: what a file holds, told by its name and its first bytes.

use std::path::Path;

use serde::{Deserialize, Serialize};
use wrasse_docs::Kind;

/// A format of files, without its compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Format {
    /// One JSON object a line; also a JSON array of objects.
    Jsonl,
    /// Apache Parquet.
    Parquet,
    /// Comma-separated values with a header line.
    Csv,
    /// Tab-separated values with a header line.
    Tsv,
    /// One sample a file: the file's text and its path.
    Text,
    /// One sample a file: the text of the document that it holds (HTML, PDF,
    /// office formats, tables, ...), its path and what it says of itself. Only
    /// if asked for, since many of these files can be read in another way.
    Document,
    /// A list of files in JSON Lines, as DataMate has them: one sample a file,
    /// with its content. As an output, one file a sample. Only if asked for.
    Files,
}

/// Suffixes of files that are text: one sample a file. Documents, then source
/// code and configuration.
const TEXT_SUFFIXES: &[&str] = &[
    "txt", "text", "md", "markdown", "rst", "tex", "html", "htm", "xhtml", "xml", "adoc", "org",
    "srt", "vtt", "log", //
    "asm", "bat", "c", "cc", "cfg", "cmake", "cmd", "conf", "cpp", "cs", "css", "cxx", "dart", "f",
    "f90", "go", "h", "hh", "hpp", "hs", "ini", "java", "jl", "js", "jsx", "kt", "less", "lua",
    "m", "php", "pl", "pm", "proto", "ps1", "py", "r", "rb", "rs", "s", "scala", "scss", "sh",
    "sql", "svelte", "swift", "toml", "ts", "tsx", "v", "vb", "vue", "yaml", "yml", "zig",
];

/// The kind of document that a suffix stands for.
pub(crate) fn document_of_suffix(suffix: &str) -> Option<Kind> {
    let is_text = || TEXT_SUFFIXES.contains(&suffix).then_some(Kind::Text);
    Kind::of_suffix(suffix).or_else(is_text)
}

/// The kind of document that the first bytes of a file suggest whose name
/// tells nothing.
pub(crate) fn document_of_content(head: &[u8]) -> Kind {
    let start = head[..head.len().min(256)].trim_ascii_start();
    let is = |word: &[u8]| {
        let start = &start[..start.len().min(word.len())];
        start.eq_ignore_ascii_case(word)
    };
    if is(b"%PDF-") {
        Kind::Pdf
    } else if is(b"<!doctype html") || is(b"<html") {
        Kind::Html
    } else if is(b"<?xml") {
        Kind::Xml
    } else {
        Kind::Text
    }
}

/// A compression of whole files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// The suffix of a name in lower case, with the compression's suffix taken off.
pub(crate) fn suffix(name: &str) -> (String, Packing) {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let (name, packing) = match Path::new(name).extension().and_then(|ext| ext.to_str()) {
        Some(ext) if matches!(&*ext.to_ascii_lowercase(), "gz" | "gzip") => {
            (&name[..name.len() - ext.len() - 1], Packing::Gzip)
        }
        Some(ext) if matches!(&*ext.to_ascii_lowercase(), "zst" | "zstd") => {
            (&name[..name.len() - ext.len() - 1], Packing::Zstd)
        }
        _ => (name, Packing::Plain),
    };
    let suffix = Path::new(name).extension().and_then(|ext| ext.to_str());
    (suffix.unwrap_or("").to_ascii_lowercase(), packing)
}

/// The format that a suffix stands for.
pub(crate) fn of_suffix(suffix: &str) -> Option<Format> {
    Some(match suffix {
        "jsonl" | "ndjson" | "jsonlines" | "json" => Format::Jsonl,
        "parquet" | "pq" => Format::Parquet,
        "csv" => Format::Csv,
        "tsv" | "tab" => Format::Tsv,
        _ if TEXT_SUFFIXES.contains(&suffix) => Format::Text,
        _ => return None,
    })
}

/// The compression that the first bytes of a file show.
pub(crate) fn packing_of(head: &[u8]) -> Packing {
    match head {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Packing::Zstd,
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Packing::Zstd,
        _ => Packing::Plain,
    }
}

/// The UTF-8 byte order mark.
pub(crate) const BOM: &[u8] = b"\xef\xbb\xbf";

/// The first byte that is neither white space nor part of a byte order mark.
pub(crate) fn first_byte(head: &[u8]) -> Option<u8> {
    let head = head.strip_prefix(BOM).unwrap_or(head);
    head.trim_ascii_start().first().copied()
}

/// Whether the first bytes are those of Parquet, its footer encrypted or not.
pub(crate) fn is_parquet(head: &[u8]) -> bool {
    head.starts_with(b"PAR1") || head.starts_with(b"PARE")
}

/// The format that the content of a file without a telling name suggests.
pub(crate) fn of_content(head: &[u8]) -> Option<Format> {
    if packing_of(head) != Packing::Plain || head.is_empty() {
        return Some(Format::Jsonl);
    }
    match (first_byte(head), std::str::from_utf8(head)) {
        (Some(b'{' | b'['), _) => Some(Format::Jsonl),
        (_, Ok(_)) => Some(Format::Text),
        // A character may be cut at the end of the head.
        (_, Err(error)) if error.error_len().is_none() => Some(Format::Text),
        _ => None,
    }
}

/// Whether plain JSON is a row a line: no array, and, if it is named `.json`,
/// no object that is spread over lines.
pub(crate) fn is_lines(name: &str, head: &[u8]) -> bool {
    if wide_encoding(head).is_some() {
        return false;
    }
    match first_byte(head) {
        Some(b'[') => false,
        Some(b'{') if suffix(name).0 == "json" => !is_spread(head),
        _ => true,
    }
}

/// Whether the first line starts an object that it does not end.
fn is_spread(head: &[u8]) -> bool {
    let head = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start();
    match memchr::memchr(b'\n', head) {
        Some(end) => serde_json::from_slice::<serde::de::IgnoredAny>(&head[..end]).is_err(),
        None => false,
    }
}

/// The encoding of text that is no UTF-8, as far as its first bytes tell: the
/// name that `iconv` knows it by.
///
/// A text in UTF-16 or UTF-32 without a mark is told by the zeros that ASCII
/// characters have in them.
pub(crate) fn wide_encoding(head: &[u8]) -> Option<&'static str> {
    match head {
        [0xff, 0xfe, 0, 0, ..] => return Some("UTF-32LE"),
        [0, 0, 0xfe, 0xff, ..] => return Some("UTF-32BE"),
        [0xff, 0xfe, ..] => return Some("UTF-16LE"),
        [0xfe, 0xff, ..] => return Some("UTF-16BE"),
        _ => {}
    }
    let head = &head[..head.len().min(64) / 4 * 4];
    if head.len() < 8 {
        return None;
    }
    let all = |zero: [bool; 4]| {
        head.chunks_exact(4).all(|four| {
            four.iter()
                .zip(zero)
                .all(|(byte, zero)| (*byte == 0) == zero)
        })
    };
    if all([false, true, true, true]) {
        Some("UTF-32LE")
    } else if all([true, true, true, false]) {
        Some("UTF-32BE")
    } else if all([false, true, false, true]) {
        Some("UTF-16LE")
    } else if all([true, false, true, false]) {
        Some("UTF-16BE")
    } else {
        None
    }
}

/// What bytes that are not UTF-8 look like, as a phrase with a way out.
pub(crate) fn guess(bytes: &[u8]) -> String {
    const KNOWN: [(&[u8], &str); 9] = [
        (b"%PDF", "a PDF document"),
        (b"PK\x03\x04", "a zip archive or an office document"),
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"\x7fELF", "a program"),
        (b"\xd0\xcf\x11\xe0", "an old office document"),
        (b"SQLite format 3", "a database"),
        (b"PAR1", "a Parquet file"),
    ];
    if let Some((_, what)) = KNOWN.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return format!("it is {what}, not text");
    }
    if let Some(encoding) = wide_encoding(bytes) {
        return format!("it looks like {encoding}; convert it: iconv -f {encoding} -t UTF-8");
    }
    let head = &bytes[..bytes.len().min(4096)];
    let is_control = |byte: &&u8| **byte < 0x20 && !matches!(**byte, b'\t' | b'\n' | b'\r' | 0x0c);
    let n_control = head.iter().filter(is_control).count();
    if n_control * 50 > head.len() {
        return "it looks like binary data, or text in UTF-16 without a mark".to_owned();
    }
    "it looks like text in another encoding (Latin-1, GB18030, Shift_JIS, ...); \
     convert it: iconv -f ENCODING -t UTF-8"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_format_and_compression() {
        for (name, format, packing) in [
            ("a/b.jsonl", Some(Format::Jsonl), Packing::Plain),
            ("B.JSON.GZ", Some(Format::Jsonl), Packing::Gzip),
            ("x.tar.zst", None, Packing::Zstd),
            ("part.0001.parquet", Some(Format::Parquet), Packing::Plain),
            ("notes.md", Some(Format::Text), Packing::Plain),
            ("a.b/noext", None, Packing::Plain),
        ] {
            let (suffix, found) = suffix(name);
            assert_eq!((of_suffix(&suffix), found), (format, packing), "{name}");
        }
    }

    #[test]
    fn wide_texts_are_told_from_narrow_ones() {
        let utf16: Vec<u8> = "{\"text\": 1}"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        assert_eq!(wide_encoding(&utf16), Some("UTF-16BE"));
        assert_eq!(wide_encoding(b"{\"text\": \"abc\"}"), None);
        assert_eq!(wide_encoding(&[0; 64]), None);
    }
}
