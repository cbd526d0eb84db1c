//! Opening the bytes of a file, wherever they lie.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::{InputFile, Place};
use crate::Error;

/// The bytes of `file` as stored, from `start` on, most likely up to `until`.
pub(super) fn stored_bytes(
    file: &InputFile,
    start: u64,
    until: u64,
) -> Result<Box<dyn Read + Send>, Error> {
    let fail = |cause| Error::io(&file.path, "cannot open the file", cause);
    match &file.place {
        Place::Local(path) => {
            let mut opened = File::open(path).map_err(fail)?;
            check_unchanged(file, &opened)?;
            opened.seek(SeekFrom::Start(start)).map_err(fail)?;
            let left = file.bytes.unwrap_or(u64::MAX).saturating_sub(start);
            Ok(Box::new(Exact { file: opened, left }))
        }
        Place::Object(object) => Ok(Box::new(object.reader(start, until))),
        Place::Stdin => Ok(Box::new(io::stdin())),
    }
}

/// Refuses a file that is no longer the one that was listed: its splits would
/// be cut in the wrong places.
pub(super) fn check_unchanged(file: &InputFile, opened: &File) -> Result<(), Error> {
    let metadata = opened
        .metadata()
        .map_err(|cause| Error::io(&file.path, "cannot open the file", cause))?;
    if super::discover::fingerprint(&metadata) == file.fingerprint {
        return Ok(());
    }
    Err(Error::new(
        &file.path,
        "the file changed since the run began",
    ))
}

/// The error of a read that failed at `offset` of the decompressed bytes.
pub(super) fn damage(path: &str, offset: u64, cause: io::Error) -> Error {
    Error::io(path, format!("cannot be read on from byte {offset}"), cause)
}

/// A file of a known size: to end early is an error, to grow is not seen.
struct Exact {
    file: File,
    left: u64,
}

impl Read for Exact {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = most.min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let n = self.file.read(&mut buffer[..most])?;
        if n == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file became shorter while it was read",
            ));
        }
        self.left -= n as u64;
        Ok(n)
    }
}
