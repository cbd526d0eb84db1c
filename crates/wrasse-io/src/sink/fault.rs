//! Failures of the system as messages that name the place and what to do.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::Error;

/// The failure `source` of doing `what` with `path`.
pub(super) fn fault(path: &Path, what: &str, source: io::Error) -> Error {
    let hint = match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "free some space and resume the run: what was committed is safe"
        }
        ErrorKind::PermissionDenied => {
            "check who owns the folder and whether this user may write to it"
        }
        ErrorKind::ReadOnlyFilesystem => {
            "the file system is mounted read-only; choose another place"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "a file stands where a folder is needed; remove it or choose another place"
        }
        ErrorKind::IsADirectory => {
            "a folder stands in its place; end the path with `/` to write parts into it"
        }
        ErrorKind::BrokenPipe => "the program that reads the output has ended",
        ErrorKind::NotFound => "was it removed while the run was going on?",
        _ => return Error::io(path.display().to_string(), what, source),
    };
    Error::io(path.display().to_string(), what, source).with_hint(hint)
}
