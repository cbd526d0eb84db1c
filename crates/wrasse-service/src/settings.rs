//! [`Settings`]: how a scheduler works.

use std::path::{Path, PathBuf};

/// How a scheduler works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its folder: the store, and a folder for each job. One scheduler at a
    /// time.
    pub state: PathBuf,
    /// Where jobs are stored: `postgres://user@host/name`; a file of SQLite in
    /// the folder if not given.
    pub store: Option<String>,
    /// The program that keeps processes ([`crate::keep`]), with the arguments
    /// that come before the folder.
    pub keeper: Vec<String>,
    /// The program that runs recipes (`wrasse`), and follows jobs of Ray.
    pub wrasse: PathBuf,
    /// The dashboard of the Ray cluster that jobs of Ray go to, if they name
    /// none, such as `http://127.0.0.1:8265`.
    pub ray_address: Option<String>,
    /// So many jobs run at once.
    pub max_concurrent: usize,
    /// Milliseconds between SIGTERM and SIGKILL.
    pub grace_ms: u64,
    /// Bytes after which a new log file is begun.
    pub log_bytes: u64,
    /// Log files that are kept of a process.
    pub log_files: u32,
    /// Variables that jobs must not see: secrets of the service.
    pub env_remove: Vec<String>,
}

impl Settings {
    /// Four at once, 10 s of grace, 8 files of 8 MiB of log for each process.
    pub fn new(state: impl Into<PathBuf>, keeper: Vec<String>, wrasse: impl Into<PathBuf>) -> Self {
        Self {
            state: state.into(),
            store: None,
            keeper,
            wrasse: wrasse.into(),
            ray_address: None,
            max_concurrent: 4,
            // A run commits before it ends; a slow disk takes its time.
            grace_ms: 10_000,
            log_bytes: 8 << 20,
            log_files: 8,
            env_remove: Vec::new(),
        }
    }

    /// The store's file.
    pub fn database(&self) -> PathBuf {
        self.state.join("jobs.sqlite")
    }

    /// Where jobs have their folders.
    pub(crate) fn jobs(&self) -> PathBuf {
        self.state.join("jobs")
    }

    /// Held by the scheduler.
    pub(crate) fn lock(&self) -> PathBuf {
        self.state.join("lock")
    }
}

/// The folder of a launch.
pub(crate) fn launch_dir(jobs: &Path, id: &crate::JobId, launch: u32) -> PathBuf {
    jobs.join(id.as_str()).join(launch.to_string())
}
