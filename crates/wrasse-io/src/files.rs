//! Lists of files: what source and sink of `files` have in common.
//!
//! A list is JSON Lines, a file a line, as DataMate writes it:
//! `{"fileId": "1", "fileName": "a.txt", "filePath": "/data/a.txt", "fileType":
//! "txt", "fileSize": 5}`. The type decides how a file is read and what comes
//! out of it.

use wrasse_docs::Kind;

/// The names of the fields that lists, samples and exports share.
pub(crate) mod field {
    pub(crate) const ID: &str = "fileId";
    pub(crate) const NAME: &str = "fileName";
    pub(crate) const PATH: &str = "filePath";
    pub(crate) const TYPE: &str = "fileType";
    pub(crate) const SIZE: &str = "fileSize";
    pub(crate) const SOURCE_ID: &str = "sourceFileId";
    pub(crate) const SOURCE_NAME: &str = "sourceFileName";
    pub(crate) const SOURCE_TYPE: &str = "sourceFileType";
    pub(crate) const SOURCE_SIZE: &str = "sourceFileSize";
    pub(crate) const TARGET_TYPE: &str = "target_type";
    pub(crate) const DATA: &str = "data";
}

/// What a file of some type holds for operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Text in UTF-8, as it stands.
    Text,
    /// A document whose text is taken out.
    Document(Kind),
    /// Bytes.
    Data,
    /// Nothing that is read: operators open the file.
    Unread,
}

/// How a file of a type (see [`plain_type`]) is read; `None` if it is not.
pub(crate) fn content_of(kind: &str) -> Option<Content> {
    Some(match kind {
        "txt" | "markdown" | "xml" | "html" | "json" | "jsonl" => Content::Text,
        "docx" => Content::Document(Kind::Docx),
        "pptx" => Content::Document(Kind::Pptx),
        "xlsx" => Content::Document(Kind::Xlsx),
        "csv" => Content::Document(Kind::Csv),
        "md" => Content::Document(Kind::Markdown),
        "pdf" => Content::Document(Kind::Pdf),
        "jpg" | "jpeg" | "png" | "bmp" => Content::Data,
        "svs" | "tif" | "tiff" => Content::Unread,
        _ => return None,
    })
}

/// What is written of a sample whose file has a type (see [`plain_type`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Export {
    /// The text, as `txt`; with a `target_type` data or else text, as that.
    Text,
    /// Data or else text, as `target_type` or the same type.
    Data,
    /// Data, as `png`.
    Medical,
}

/// What is written for a type; `None` if it cannot be exported.
pub(crate) fn export_of(kind: &str) -> Option<Export> {
    Some(match kind {
        "txt" | "html" | "md" | "markdown" | "xlsx" | "xls" | "csv" | "pptx" | "ppt" | "xml"
        | "json" | "jsonl" | "doc" | "docx" | "pdf" => Export::Text,
        "jpg" | "jpeg" | "png" | "bmp" => Export::Data,
        "svs" | "tif" | "tiff" => Export::Medical,
        _ => return None,
    })
}

/// The suffix that a type stands for: `text/plain` and `.TXT` are `txt`.
pub(crate) fn plain_type(kind: &str) -> String {
    let kind = kind.trim().to_ascii_lowercase();
    let office = "application/vnd.openxmlformats-officedocument.";
    let suffix = match kind.as_str() {
        "text/plain" => "txt",
        "text/html" => "html",
        "text/markdown" => "md",
        "text/csv" => "csv",
        "text/xml" | "application/xml" => "xml",
        "application/json" => "json",
        "application/pdf" => "pdf",
        "image/jpeg" | "image/jpg" => "jpg",
        "image/png" => "png",
        "image/bmp" | "image/x-ms-bmp" => "bmp",
        "image/tiff" => "tiff",
        _ => match kind.strip_prefix(office) {
            Some("wordprocessingml.document") => "docx",
            Some("presentationml.presentation") => "pptx",
            Some("spreadsheetml.sheet") => "xlsx",
            _ => kind.strip_prefix('.').unwrap_or(&kind),
        },
    };
    suffix.to_owned()
}

/// A file name in its stem and its suffix (with the dot), as Python's
/// `os.path.splitext` cuts it: leading dots begin no suffix.
pub(crate) fn split_name(name: &str) -> (&str, &str) {
    let start = name.len() - name.trim_start_matches('.').len();
    match name[start..].rfind('.') {
        Some(at) => name.split_at(start + at),
        None => (name, ""),
    }
}

/// The last part of a path, whatever the separator: a name must not lead out
/// of its folder.
pub(crate) fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_suffixes_in_the_end() {
        for (kind, plain) in [
            ("text/plain", "txt"),
            (".TXT", "txt"),
            ("PDF", "pdf"),
            (
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                "docx",
            ),
            ("application/x-what", "application/x-what"),
        ] {
            assert_eq!(plain_type(kind), plain);
        }
    }

    #[test]
    fn names_are_cut_as_python_cuts_them() {
        for (name, parts) in [
            ("a.b.txt", ("a.b", ".txt")),
            ("a", ("a", "")),
            (".bashrc", (".bashrc", "")),
            ("..a.b", ("..a", ".b")),
            ("", ("", "")),
            ("数据.md", ("数据", ".md")),
        ] {
            assert_eq!(split_name(name), parts);
        }
        assert_eq!(base_name("../../etc/passwd"), "passwd");
    }
}
