//! Opening the bytes of a file: wherever they lie, unpacked.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::format::{self, Packing};
use super::{InputFile, Place, gzip, zstd};
use crate::Error;

/// Bytes that a decompressor asks for at a time.
const PACKED_READ: usize = 128 << 10;
/// Memory taken before it is known to be needed; a block may be larger.
const RESERVE_MAX: usize = 4 << 20;
/// How many unpacked bytes tell what a stream holds.
const HEAD: u64 = 64 << 10;

/// A sequence of unpacked bytes with its place.
pub(super) struct Source {
    /// Path or address, for messages.
    pub(super) path: String,
    /// Index of the file.
    pub(super) file: u32,
    /// Offset of the first byte in the unpacked file.
    pub(super) start: u64,
    reader: Box<dyn Read + Send>,
    /// Bytes as stored, where they are not the bytes that are read.
    stored: Option<Stored>,
}

/// Counts the bytes that a decompressor takes in.
struct Stored {
    taken: Arc<AtomicU64>,
    reported: u64,
    /// Bytes that are this source's to report; what a reader takes beyond
    /// them belongs to the next share.
    most: u64,
}

impl Source {
    /// The plain bytes of `file` from `start` on, most likely up to `until`.
    pub(super) fn plain(
        file: &InputFile,
        index: u32,
        start: u64,
        until: u64,
    ) -> Result<Self, Error> {
        Ok(Self {
            path: file.path.clone(),
            file: index,
            start,
            reader: stored_bytes(file, start, until)?,
            stored: None,
        })
    }

    /// The whole of `file`, unpacked as its first bytes demand, and the first
    /// unpacked bytes.
    ///
    /// # Errors
    ///
    /// If it cannot be opened, needs more memory to unpack than is allowed, or
    /// is text of an encoding other than UTF-8.
    pub(super) fn whole(file: &InputFile, index: u32) -> Result<(Self, Vec<u8>), Error> {
        let (source, head) = Self::unpacked(file, index)?;
        check_encoding(&file.path, &head)?;
        Ok((source, head))
    }

    /// The same for a document, which may be of any encoding.
    pub(super) fn document(file: &InputFile, index: u32) -> Result<Self, Error> {
        Self::unpacked(file, index).map(|(source, _)| source)
    }

    fn unpacked(file: &InputFile, index: u32) -> Result<(Self, Vec<u8>), Error> {
        let taken = Arc::new(AtomicU64::new(0));
        let stored = Counted {
            inner: stored_bytes(file, 0, u64::MAX)?,
            taken: Arc::clone(&taken),
        };
        let (head, stored) = Peeked::new(stored, 64);
        let packing = format::packing_of(&head);
        let unpacked: Box<dyn Read + Send> = match packing {
            Packing::Plain => Box::new(stored),
            Packing::Gzip => Box::new(gzip::Unpacker::new(buffered(stored))),
            Packing::Zstd => {
                zstd::check_window(&file.path, 0, &head)?;
                Box::new(zstd::unpacker(&file.path, buffered(stored))?)
            }
        };
        let (head, unpacked) = Peeked::new(unpacked, HEAD);
        let source = Self {
            path: file.path.clone(),
            file: index,
            start: 0,
            reader: Box::new(unpacked),
            stored: (packing != Packing::Plain).then_some(Stored {
                taken,
                reported: 0,
                most: u64::MAX,
            }),
        };
        Ok((source, head))
    }

    /// The zstd frames of `file` that start at the stored offset `from`, which
    /// is `start` in the unpacked file; the next share starts at `to`.
    pub(super) fn frames(
        file: &InputFile,
        index: u32,
        from: u64,
        to: u64,
        start: u64,
    ) -> Result<Self, Error> {
        let taken = Arc::new(AtomicU64::new(0));
        let stored = Counted {
            inner: stored_bytes(file, from, to)?,
            taken: Arc::clone(&taken),
        };
        let (head, stored) = Peeked::new(stored, 64);
        zstd::check_window(&file.path, from, &head)?;
        Ok(Self {
            path: file.path.clone(),
            file: index,
            start,
            reader: Box::new(zstd::unpacker(&file.path, buffered(stored))?),
            stored: Some(Stored {
                taken,
                reported: 0,
                most: to - from,
            }),
        })
    }

    /// Appends up to `n` bytes; fewer only at the end, which is `true`, or
    /// before a failure.
    pub(super) fn read(&mut self, n: usize, buffer: &mut Vec<u8>) -> io::Result<bool> {
        buffer.reserve_exact(n.min(RESERVE_MAX));
        let read = Read::take(&mut self.reader, n as u64).read_to_end(buffer)?;
        Ok(read < n)
    }

    /// Appends all that is left, up to `n` bytes.
    pub(super) fn read_all(&mut self, n: usize, buffer: &mut Vec<u8>) -> io::Result<usize> {
        Read::take(&mut self.reader, n as u64).read_to_end(buffer)
    }

    /// The stored bytes behind `plain` bytes that are given out; all that
    /// were not reported yet at the end of the share.
    pub(super) fn account(&mut self, plain: u64, at_end: bool) -> u64 {
        let Some(stored) = &mut self.stored else {
            return plain;
        };
        let taken = if at_end && stored.most != u64::MAX {
            stored.most
        } else {
            stored.taken.load(Ordering::Relaxed).min(stored.most)
        };
        let before = std::mem::replace(&mut stored.reported, taken);
        taken.saturating_sub(before)
    }

    /// The error of a read that failed at `offset` of the unpacked bytes.
    pub(super) fn damage(&self, offset: u64, cause: io::Error) -> Error {
        damage(&self.path, offset, cause)
    }
}

/// The error of a read that failed at `offset` of the unpacked bytes of `path`.
pub(super) fn damage(path: &str, offset: u64, cause: io::Error) -> Error {
    let what = match cause.kind() {
        io::ErrorKind::UnexpectedEof => format!("is truncated: it breaks off at byte {offset}"),
        _ => format!("cannot be read on from byte {offset}"),
    };
    Error::io(path, what, cause)
}

/// Refuses text in an encoding other than UTF-8 as a whole, so that it does
/// not become a bad row a line.
pub(super) fn check_encoding(path: &str, head: &[u8]) -> Result<(), Error> {
    match format::wide_encoding(head) {
        None => Ok(()),
        Some(encoding) => {
            let error = Error::new(path, format!("is {encoding} text, expected UTF-8"));
            Err(error.with_hint(format!("convert it: iconv -f {encoding} -t UTF-8")))
        }
    }
}

/// Refuses a file that is no longer the one that was listed: its splits would
/// be cut in the wrong places.
pub(super) fn check_unchanged(file: &InputFile, opened: &File) -> Result<(), Error> {
    let metadata = opened
        .metadata()
        .map_err(|cause| Error::io(&file.path, "cannot be opened", cause))?;
    if super::discover::fingerprint(&metadata) == file.fingerprint {
        return Ok(());
    }
    Err(Error::new(
        &file.path,
        "the file changed since the run began",
    ))
}

fn buffered<R: Read>(reader: R) -> BufReader<R> {
    BufReader::with_capacity(PACKED_READ, reader)
}

fn stored_bytes(file: &InputFile, start: u64, until: u64) -> Result<Box<dyn Read + Send>, Error> {
    let fail = |cause| Error::io(&file.path, "cannot be opened", cause);
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

/// Counts what is read through it.
struct Counted<R> {
    inner: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.taken.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// A reader whose first bytes were looked at; it gives them again. A failure
/// while looking comes after the bytes before it.
struct Peeked<R> {
    head: io::Cursor<Vec<u8>>,
    failed: Option<io::Error>,
    inner: R,
}

impl<R: Read> Peeked<R> {
    fn new(mut inner: R, n: u64) -> (Vec<u8>, Self) {
        let mut head = Vec::new();
        let failed = Read::take(&mut inner, n).read_to_end(&mut head).err();
        let peeked = Self {
            head: io::Cursor::new(head.clone()),
            failed,
            inner,
        };
        (head, peeked)
    }
}

impl<R: Read> Read for Peeked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.head.read(buffer)? {
            0 => match self.failed.take() {
                Some(error) => Err(error),
                None => self.inner.read(buffer),
            },
            n => Ok(n),
        }
    }
}
