//! [`Chunks`]: the bytes of a Parquet file, on a disk or in a store.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::Error;
use crate::source::{InputFile, Place, input};
use crate::store::Object;

/// Objects are asked for in pieces of this size: pages are far smaller.
const PIECE: u64 = 1 << 20;
/// Pieces that are kept. Columns are read side by side, so each needs one.
const PIECES_MAX: usize = 48;

/// Random access to the bytes of one file.
#[derive(Clone)]
pub(super) enum Chunks {
    Local(Arc<File>),
    Object(Arc<Pieces>),
}

/// An object and the pieces of it that were read last.
pub(super) struct Pieces {
    object: Object,
    recent: Mutex<VecDeque<(u64, Bytes)>>,
}

impl Chunks {
    pub(super) fn open(file: &InputFile) -> std::result::Result<Self, Error> {
        match &file.place {
            Place::Local(path) => {
                let opened = File::open(path)
                    .map_err(|cause| Error::io(&file.path, "cannot be opened", cause))?;
                input::check_unchanged(file, &opened)?;
                Ok(Self::Local(Arc::new(opened)))
            }
            Place::Object(object) => Ok(Self::Object(Arc::new(Pieces {
                object: object.clone(),
                recent: Mutex::default(),
            }))),
            Place::Stdin => {
                let error = Error::new(&file.path, "Parquet cannot be read from a stream");
                Err(error.with_hint("save it to a file first"))
            }
        }
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        match self {
            Self::Local(file) => file.len(),
            Self::Object(pieces) => pieces.object.size(),
        }
    }
}

impl ChunkReader for Chunks {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(match self {
            Self::Local(file) => Box::new(file.get_read(start)?),
            Self::Object(pieces) => Box::new(From {
                pieces: Arc::clone(pieces),
                at: start,
            }),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        match self {
            Self::Local(file) => {
                // A damaged footer may ask for more than there is.
                check_range(start, length, file.len())?;
                file.get_bytes(start, length)
            }
            Self::Object(pieces) => {
                check_range(start, length, pieces.object.size())?;
                let mut bytes = BytesMut::with_capacity(length);
                while bytes.len() < length {
                    let piece = pieces.from(start + bytes.len() as u64)?;
                    let n = piece.len().min(length - bytes.len());
                    bytes.extend_from_slice(&piece[..n]);
                }
                Ok(bytes.freeze())
            }
        }
    }
}

fn check_range(start: u64, length: usize, size: u64) -> Result<()> {
    match start.checked_add(length as u64) {
        Some(end) if end <= size => Ok(()),
        _ => Err(ParquetError::EOF(format!(
            "bytes {start}..+{length} lie beyond the end of the file at {size}"
        ))),
    }
}

impl Pieces {
    /// The bytes from `at` to the end of their piece; empty at the end.
    fn from(&self, at: u64) -> Result<Bytes> {
        let start = at / PIECE * PIECE;
        let within = (at - start) as usize;
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let known = recent.iter().position(|(known, _)| *known == start);
        let piece = match known.and_then(|i| recent.remove(i)) {
            Some((_, piece)) => piece,
            None => self
                .object
                .bytes(start..start + PIECE)
                .map_err(|error| ParquetError::External(Box::new(error)))?,
        };
        let rest = piece.slice(within.min(piece.len())..);
        recent.push_back((start, piece));
        if recent.len() > PIECES_MAX {
            recent.pop_front();
        }
        Ok(rest)
    }
}

/// Reads on from some place of an object.
struct From {
    pieces: Arc<Pieces>,
    at: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.pieces.object.size() {
            return Ok(0);
        }
        let rest = self.pieces.from(self.at).map_err(io::Error::other)?;
        let n = rest.len().min(buffer.len());
        buffer[..n].copy_from_slice(&rest[..n]);
        self.at += n as u64;
        Ok(n)
    }
}
