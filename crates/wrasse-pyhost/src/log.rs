//! [`WorkerLog`]: what workers print, in one file.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Lines that a worker may print in a second; the others are counted.
const LINES_PER_S: u32 = 500;

/// The file grows to this size and no further.
const BYTES_MAX: u64 = 64 << 20;

/// The longest part of a line that is kept.
pub(crate) const LINE_BYTES_MAX: usize = 4096;

/// A file for what workers print, a line each with who printed it.
#[derive(Debug, Default)]
pub struct WorkerLog(Mutex<Option<Open>>);

#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
}

impl WorkerLog {
    /// Appends to the file at `path`.
    ///
    /// # Errors
    ///
    /// If it cannot be opened.
    pub fn append_to(path: &Path) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self(Mutex::new(Some(Open { file, bytes }))))
    }

    /// Adds a line.
    pub(crate) fn add(&self, who: &str, line: &str) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(log) = open.as_mut() else {
            return;
        };
        let line = format!("[{who}] {line}\n");
        log.bytes += line.len() as u64;
        let is_full = log.bytes > BYTES_MAX;
        let line = if is_full {
            "the log is full; nothing more is written\n"
        } else {
            &line
        };
        // A log that cannot be written must not end the run.
        if log.file.write_all(line.as_bytes()).is_err() || is_full {
            *open = None;
        }
    }
}

/// How much one worker prints.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    second: u64,
    lines: u32,
    left_out: u32,
}

impl Rate {
    /// Whether a line at this second is kept; and how many were not, to be told
    /// before it.
    pub(crate) fn allow(&mut self, second: u64) -> (bool, Option<u32>) {
        let mut told = None;
        if second != self.second {
            told = Some(self.left_out).filter(|n| *n > 0);
            *self = Self {
                second,
                ..Self::default()
            };
        }
        self.lines += 1;
        let is_kept = self.lines <= LINES_PER_S;
        self.left_out += u32::from(!is_kept);
        (is_kept, told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_prints_too_much_is_cut_and_told() {
        let mut rate = Rate::default();
        let kept = (0..LINES_PER_S + 7).filter(|_| rate.allow(1).0).count();
        assert_eq!(kept as u32, LINES_PER_S);
        assert_eq!(rate.allow(2), (true, Some(7)));
        assert_eq!(rate.allow(3), (true, None));
    }
}
