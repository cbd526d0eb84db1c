//! The log of a process: files named after the offset of their first byte, so
//! that an offset stays where it was when old files go.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

const PREFIX: &str = "log-";

/// Large enough for a busy process, small enough to be shown at once.
const CHUNK: usize = 64 << 10;

/// Copies what `from` says into the log of `dir` until it ends.
///
/// What cannot be written is read nevertheless: a process must not hang for
/// its log. The first error is returned.
pub(crate) fn pump(
    mut from: impl Read,
    dir: &Path,
    file_bytes: u64,
    files: u32,
    copy: Option<&Path>,
) -> Option<String> {
    let mut log = Rotating::open(dir, file_bytes, files);
    let mut copy = copy.map(|path| Copy::open(path, file_bytes));
    let mut error = None;
    let mut buffer = vec![0; CHUNK];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return error,
            Ok(n) => {
                let written = log.write(&buffer[..n]);
                let copied = copy
                    .as_mut()
                    .map_or(Ok(()), |copy| copy.write(&buffer[..n]));
                if let Err(new) = written.and(copied) {
                    error.get_or_insert(new.to_string());
                }
            }
            Err(again) if again.kind() == io::ErrorKind::Interrupted => {}
            Err(last) => return error.or(Some(last.to_string())),
        }
    }
}

/// The files of a log, the latest open.
struct Rotating {
    dir: PathBuf,
    file_bytes: u64,
    files: u32,
    offset: u64,
    open: Option<(File, u64)>,
}

impl Rotating {
    fn open(dir: &Path, file_bytes: u64, files: u32) -> Self {
        Self {
            dir: dir.to_owned(),
            file_bytes,
            files,
            offset: 0,
            open: None,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let is_full = self
            .open
            .as_ref()
            .is_some_and(|(_, n)| *n >= self.file_bytes);
        if self.open.is_none() || is_full {
            let path = self.dir.join(format!("{PREFIX}{:020}", self.offset));
            self.open = Some((OpenOptions::new().create(true).append(true).open(path)?, 0));
            let starts = starts(&self.dir)?;
            let n_old = starts.len().saturating_sub(self.files.max(1) as usize);
            for start in &starts[..n_old] {
                std::fs::remove_file(self.dir.join(format!("{PREFIX}{start:020}")))?;
            }
        }
        // What is lost for want of space still counts: offsets go on.
        self.offset += bytes.len() as u64;
        if let Some((file, n)) = &mut self.open {
            file.write_all(bytes)?;
            *n += bytes.len() as u64;
        }
        Ok(())
    }
}

/// The log in another place: a file, and the one before it.
struct Copy {
    path: PathBuf,
    file_bytes: u64,
    open: Option<(File, u64)>,
}

impl Copy {
    fn open(path: &Path, file_bytes: u64) -> Self {
        Self {
            path: path.to_owned(),
            file_bytes,
            open: None,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self
            .open
            .as_ref()
            .is_some_and(|(_, n)| *n >= self.file_bytes)
        {
            let mut old = self.path.as_os_str().to_owned();
            old.push(".1");
            std::fs::rename(&self.path, old)?;
            self.open = None;
        }
        if self.open.is_none() {
            let file = OpenOptions::new()
                .create(true)
                .append(true)
                .open(&self.path)?;
            let n = file.metadata()?.len();
            self.open = Some((file, n));
        }
        if let Some((file, n)) = &mut self.open {
            file.write_all(bytes)?;
            *n += bytes.len() as u64;
        }
        Ok(())
    }
}

/// The offsets at which files begin, in order.
fn starts(dir: &Path) -> io::Result<Vec<u64>> {
    let mut starts = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name();
        let start = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        starts.extend(start.and_then(|start| start.parse::<u64>().ok()));
    }
    starts.sort_unstable();
    Ok(starts)
}

/// A piece of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPiece {
    /// Where it begins: later than asked for, if that is no longer kept.
    pub offset: u64,
    /// What it says.
    pub bytes: Vec<u8>,
}

/// Reads at most `n` bytes of the log in `dir`, from byte `offset` on; of a log
/// that does not exist, nothing. An offset from the end is negative.
///
/// # Errors
///
/// If it cannot be read.
pub fn read_log(dir: &Path, offset: i64, n: usize) -> io::Result<LogPiece> {
    let starts = match starts(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(LogPiece::default()),
        starts => starts?,
    };
    let (Some(&first), Some(&last)) = (starts.first(), starts.last()) else {
        return Ok(LogPiece::default());
    };
    let path = |start: u64| dir.join(format!("{PREFIX}{start:020}"));
    let offset = match u64::try_from(offset) {
        Ok(offset) => offset,
        Err(_) => {
            let end = last + std::fs::metadata(path(last))?.len();
            end.saturating_sub(offset.unsigned_abs())
        }
    };
    let offset = offset.max(first);
    let mut piece = LogPiece {
        offset,
        bytes: Vec::new(),
    };
    for (i, &start) in starts.iter().enumerate() {
        let next = starts.get(i + 1).copied().unwrap_or(u64::MAX);
        let at = offset + piece.bytes.len() as u64;
        if at < start || at >= next || piece.bytes.len() >= n {
            continue;
        }
        let mut file = match File::open(path(start)) {
            // It went while we were looking.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            file => file?,
        };
        file.seek(SeekFrom::Start(at - start))?;
        file.take((n - piece.bytes.len()) as u64)
            .read_to_end(&mut piece.bytes)?;
    }
    Ok(piece)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says so many bytes at a time.
    struct Drops<'a>(&'a [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(self.0.len());
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    #[test]
    fn offsets_stay_when_old_files_go() {
        let dir = tempfile::tempdir().unwrap();
        let copy = dir.path().join("copy.log");
        let said: Vec<u8> = (0..10_000_u32)
            .flat_map(|i| format!("{i:04}\n").into_bytes())
            .collect();
        let error = pump(Drops(&said, 7), dir.path(), 1_000, 3, Some(&copy));
        assert_eq!(error, None);
        let kept = starts(dir.path()).unwrap();
        assert_eq!(kept.len(), 3);
        let piece = read_log(dir.path(), 0, usize::MAX).unwrap();
        assert_eq!(piece.offset, kept[0]);
        assert_eq!(piece.bytes, said[kept[0] as usize..]);
        let piece = read_log(dir.path(), kept[1] as i64 - 5, 12).unwrap();
        assert_eq!(piece.bytes, said[kept[1] as usize - 5..][..12]);
        let piece = read_log(dir.path(), -20, 100).unwrap();
        assert_eq!(piece.bytes, said[said.len() - 20..]);
        assert_eq!(read_log(dir.path(), 1 << 40, 9).unwrap().bytes, b"");
        assert_eq!(
            read_log(&dir.path().join("none"), 0, 9).unwrap(),
            LogPiece::default()
        );
        let copied = std::fs::read(&copy).unwrap();
        assert!(said.ends_with(&copied) && copied.len() <= 1_007);
    }

    #[test]
    fn a_log_that_cannot_be_written_stops_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let nowhere = dir.path().join("none");
        let mut from = Drops(b"words", 2);
        assert!(pump(&mut from, &nowhere, 1_000, 3, None).is_some());
        assert_eq!(from.0, b"");
    }
}
