//! What a keeper is told, and what it tells.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What to start, and how to end it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// The program and its arguments.
    pub(crate) argv: Vec<String>,
    /// The folder it runs in.
    pub(crate) cwd: Option<PathBuf>,
    /// Variables to set.
    pub(crate) env: BTreeMap<String, String>,
    /// Variables to take away.
    pub(crate) env_remove: Vec<String>,
    /// Ended after so many milliseconds.
    pub(crate) timeout_ms: Option<u64>,
    /// Milliseconds between SIGTERM and SIGKILL.
    pub(crate) grace_ms: u64,
    /// Whether only the process itself gets the SIGTERM, and sees to its own
    /// children.
    pub(crate) is_orderly: bool,
    /// Bytes after which a new log file is begun.
    pub(crate) log_bytes: u64,
    /// Log files that are kept.
    pub(crate) log_files: u32,
    /// A further place for the log, of which one old file is kept as `.1`.
    pub(crate) log_copy: Option<PathBuf>,
}

/// Why it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cause {
    /// By itself.
    Ended,
    /// Its time was up.
    TimedOut,
    /// Someone asked.
    Stopped,
    /// It could not be started.
    Unstartable,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exit {
    /// Why.
    pub(crate) cause: Cause,
    /// Its exit code.
    pub(crate) code: Option<i32>,
    /// The number of the signal that ended it.
    pub(crate) signal: Option<i32>,
    /// Why it could not be started.
    pub(crate) error: Option<String>,
    /// What is wrong with the log, if it is not whole.
    pub(crate) log_error: Option<String>,
}

/// Writes a file that is there as a whole or not at all.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(bytes)?;
    drop(file);
    std::fs::rename(&beside, path)
}
