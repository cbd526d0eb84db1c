//! [`FileResult`]: what became of one file.

use std::path::Path;

use serde_json::{Value, json};
use wrasse_io::{ExportSource, Exported};
use xxhash_rust::xxh3::xxh3_128;

use crate::Task;

/// What became of one file, or of one piece of it.
#[derive(Clone, Debug, PartialEq)]
pub struct FileResult {
    /// Where it came from.
    pub source: ExportSource,
    /// What became of it.
    pub outcome: Outcome,
    /// Its number, if an operator gave it one that recorded it itself.
    pub number: Option<String>,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was exported.
    Exported(Destination),
    /// An operator dropped it, or left nothing of it.
    Filtered {
        /// The operator, if it is known which.
        operator: String,
        /// Why.
        reason: String,
    },
    /// It could not be processed.
    Failed {
        /// The operator that failed.
        operator: String,
        /// What it said.
        reason: String,
    },
}

/// An exported file.
#[derive(Clone, Debug, PartialEq)]
pub struct Destination {
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// Its suffix, without the dot.
    pub kind: String,
    /// Bytes of it.
    pub bytes: u64,
}

impl FileResult {
    /// The result of a line of the list of exports.
    pub(crate) fn of_export(exported: Exported, task: &Task) -> Self {
        let outcome = match exported.name {
            Some(name) => Outcome::Exported(Destination::new(
                &task.export_path.join(&name),
                exported.bytes,
            )),
            None => Outcome::Filtered {
                operator: String::new(),
                reason: "nothing is left of the file".to_owned(),
            },
        };
        Self {
            source: exported.source,
            outcome,
            number: None,
        }
    }

    /// `COMPLETED` or `FAILED`, as in DataMate: a file that is filtered is one
    /// that was processed.
    pub(crate) fn status(&self) -> &'static str {
        match self.outcome {
            Outcome::Failed { .. } => "FAILED",
            Outcome::Exported(_) | Outcome::Filtered { .. } => "COMPLETED",
        }
    }

    /// What DataMate calls the reason, as JSON: `{}` if there is none.
    pub(crate) fn reason(&self) -> Value {
        match &self.outcome {
            Outcome::Exported(_) => json!({}),
            Outcome::Filtered { operator, reason } => {
                json!({ "op_name": operator, "error_code": "", "reason": reason })
            }
            Outcome::Failed { operator, reason } => json!({
                "op_name": operator,
                "error_code": error_code(reason),
                "reason": reason,
            }),
        }
    }

    /// A number for the result that is the same whenever it is recorded.
    pub(crate) fn id(&self, task: &Task) -> String {
        if let Some(number) = &self.number {
            return number.clone();
        }
        let ExportSource {
            position,
            piece,
            id,
            ..
        } = &self.source;
        let key = format!("{}\0{id}\0{position}\0{piece}", task.instance_id);
        let digits = format!("{:032x}", xxh3_128(key.as_bytes()));
        // A UUID of version 8: one's own digits.
        let (a, rest) = digits.split_at(8);
        let (b, rest) = rest.split_at(4);
        let (c, rest) = rest.split_at(4);
        let (d, e) = rest.split_at(4);
        format!("{a}-{b}-8{}-a{}-{e}", &c[1..], &d[1..])
    }
}

impl Destination {
    /// The file at `path`.
    pub(crate) fn new(path: &Path, bytes: u64) -> Self {
        let text = |part: Option<&std::ffi::OsStr>| {
            part.map_or_else(String::new, |part| part.to_string_lossy().into_owned())
        };
        Self {
            name: text(path.file_name()),
            kind: text(path.extension()).to_ascii_lowercase(),
            path: path.to_string_lossy().into_owned(),
            bytes,
        }
    }
}

/// DataMate's codes, by the kind of Python's exceptions.
const CODES: &[(&str, u16)] = &[
    ("ImportError", 1),
    ("ModuleNotFoundError", 2),
    ("NameError", 3),
    ("KeyError", 4),
    ("IndexError", 5),
    ("ValueError", 6),
    ("UnicodeDecodeError", 6),
    ("UnicodeEncodeError", 6),
    ("TypeError", 7),
    ("SyntaxError", 8),
    ("AttributeError", 9),
    ("ArithmeticError", 10),
    ("OverflowError", 10),
    ("ZeroDivisionError", 10),
    ("MemoryError", 11),
    ("OSError", 12),
    ("FileNotFoundError", 13),
    ("NotADirectoryError", 14),
    ("PermissionError", 15),
    ("TimeoutError", 16),
];

/// DataMate's code of a failure: by the exception that it begins with, else
/// that of an unknown one.
fn error_code(reason: &str) -> String {
    let name = reason.split(':').next().unwrap_or_default();
    let known = CODES.iter().find(|(known, _)| *known == name);
    format!("ops.{:04}", known.map_or(9999, |(_, code)| *code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_datamate() {
        assert_eq!(error_code("FileNotFoundError: no such file"), "ops.0013");
        assert_eq!(error_code("ZeroDivisionError"), "ops.0010");
        assert_eq!(error_code("not UTF-8 at byte 3: text"), "ops.9999");
    }

    #[test]
    fn ids_tell_results_apart_and_stay() {
        let task = Task::default();
        let result = |position, piece| FileResult {
            source: ExportSource {
                position,
                piece,
                ..ExportSource::default()
            },
            outcome: Outcome::Filtered {
                operator: String::new(),
                reason: String::new(),
            },
            number: None,
        };
        let id = result(1, 0).id(&task);
        assert_eq!(id.len(), 36);
        assert_eq!(id, result(1, 0).id(&task));
        assert_ne!(id, result(2, 0).id(&task));
        assert_ne!(id, result(1, 1).id(&task));
    }
}
