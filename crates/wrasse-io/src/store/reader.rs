//! [`Reader`]: an object as a stream of bytes.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::ObjectStoreExt;

use super::{Object, Pending, start, wait};

/// Bytes of one request.
const CHUNK: u64 = 4 << 20;
/// The same beyond the share that the reader was opened for.
const CHUNK_BEYOND: u64 = 256 << 10;

/// Reads an object from some place on, range by range.
pub(super) struct Reader {
    object: Object,
    /// Where the next request starts.
    next: u64,
    until: u64,
    chunk: Bytes,
    ahead: Option<Pending<Bytes>>,
    /// The whole object, from the end of `chunk` on, if there are no ranges.
    whole: Option<Chunks>,
    /// Where the bytes after `chunk` start.
    given: u64,
}

type Chunks = BoxStream<'static, object_store::Result<Bytes>>;

impl Reader {
    /// Reads from `start` on; most likely up to `until`.
    pub(super) fn new(object: Object, start: u64, until: u64) -> Self {
        Self {
            object,
            next: start,
            until,
            chunk: Bytes::new(),
            ahead: None,
            whole: None,
            given: start,
        }
    }

    fn request(&mut self) -> io::Result<Option<Pending<Bytes>>> {
        let length = if self.next < self.until {
            CHUNK.min(self.until - self.next)
        } else {
            CHUNK_BEYOND
        };
        let range = self.next..(self.next + length).min(self.object.size);
        if range.is_empty() {
            return Ok(None);
        }
        self.next = range.end;
        let store = Arc::clone(&self.object.store.inner);
        let path = self.object.path.clone();
        start(async move { store.get_range(&path, range).await }).map(Some)
    }

    fn next_range(&mut self) -> io::Result<Bytes> {
        let pending = match self.ahead.take() {
            Some(pending) => Some(pending),
            None => self.request()?,
        };
        let Some(pending) = pending else {
            return Ok(Bytes::new());
        };
        if self.next < self.until {
            self.ahead = self.request()?;
        }
        match pending.wait() {
            Err(object_store::Error::NotSupported { .. }) => {
                self.ahead = None;
                self.open_whole()?;
                self.next_of_whole()
            }
            answer => Ok(answer?),
        }
    }

    /// Asks for the whole object, and passes over what is not wanted.
    fn open_whole(&mut self) -> io::Result<()> {
        let store = Arc::clone(&self.object.store.inner);
        let path = self.object.path.clone();
        let skip = self.given;
        let stream = wait(async move {
            let mut stream = store.get(&path).await?.into_stream();
            let mut left = usize::try_from(skip).unwrap_or(usize::MAX);
            while left > 0
                && let Some(mut chunk) = stream.try_next().await?
            {
                let rest = chunk.split_off(left.min(chunk.len()));
                left -= chunk.len();
                if !rest.is_empty() {
                    stream = futures_util::stream::iter([Ok(rest)]).chain(stream).boxed();
                    break;
                }
            }
            Ok(stream)
        })?;
        self.whole = Some(stream);
        Ok(())
    }

    fn next_of_whole(&mut self) -> io::Result<Bytes> {
        let Some(mut stream) = self.whole.take() else {
            return Ok(Bytes::new());
        };
        let (chunk, stream) = wait(async move {
            let chunk = stream.try_next().await?;
            Ok((chunk, stream))
        })?;
        self.whole = Some(stream);
        Ok(chunk.unwrap_or_default())
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.chunk.is_empty() {
            self.chunk = match self.whole {
                Some(_) => self.next_of_whole()?,
                None => self.next_range()?,
            };
            self.given += self.chunk.len() as u64;
            if self.chunk.is_empty() && self.given < self.object.size {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the store ended its answer early",
                ));
            }
        }
        let n = self.chunk.len().min(buffer.len());
        buffer[..n].copy_from_slice(&self.chunk.split_to(n));
        Ok(n)
    }
}
