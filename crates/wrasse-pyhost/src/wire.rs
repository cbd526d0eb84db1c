//! The messages between engine and worker: JSON, each behind its length (32
//! bits, little-endian). `python/wrasse/worker/protocol.py` is the other side.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// The version of the protocol; both sides must have the same.
pub(crate) const VERSION: u32 = 3;

/// The beginning of the first file to the engine is the worker's [`Progress`].
pub(crate) const PROGRESS_BYTES: u64 = 64;

/// A longer message is a sign that nobody is talking sense.
const MESSAGE_BYTES_MAX: usize = 1 << 30;

/// Where something lies in a file: its place and its length.
pub(crate) type Part = (u64, u64);

/// The first message of a worker.
#[derive(Debug, Deserialize)]
pub(crate) struct Hello {
    pub(crate) hello: u32,
}

/// The first message to a worker.
#[derive(Debug, Serialize)]
pub(crate) struct Start<'a> {
    pub(crate) version: u32,
    pub(crate) operators: Vec<Value>,
    pub(crate) inbox: [&'a str; 2],
    pub(crate) outbox: [&'a str; 2],
    pub(crate) row_bytes_max: u64,
    pub(crate) text_key: &'a str,
    pub(crate) settings: &'a Value,
}

/// Whether a worker could construct its operators.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Ready {
    Ready { ready: Vec<String> },
    Refused(Refusal),
}

/// Why an operator cannot be had.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) refused: String,
    #[serde(default)]
    pub(crate) traceback: Option<String>,
}

/// Rows lie in a file.
#[derive(Debug, Serialize)]
pub(crate) struct Batch {
    pub(crate) batch: u64,
    pub(crate) slot: usize,
    pub(crate) rows: usize,
    pub(crate) bytes: u64,
    pub(crate) columns: Vec<InColumn>,
}

/// A column that goes to a worker.
#[derive(Debug, Serialize)]
pub(crate) struct InColumn {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) data: Part,
    /// Texts of nothing but ASCII.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) ascii: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offsets: Option<Part>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) valid: Option<Part>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nulls: Option<Part>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) absent: Option<Part>,
}

/// A row that was dropped: sample, operator, stats, piece.
pub(crate) type Dropped = (u32, usize, Map<String, Value>, Option<u32>);

/// What became of a batch.
#[derive(Debug, Deserialize)]
pub(crate) struct Done {
    pub(crate) done: u64,
    pub(crate) rows: usize,
    pub(crate) parents: Option<Part>,
    pub(crate) columns: Vec<OutColumn>,
    /// Which piece of its sample each row is, if samples were cut.
    pub(crate) pieces: Option<Part>,
    pub(crate) dropped: Vec<Dropped>,
    /// What was done to those of them that are pieces.
    pub(crate) gone: Vec<OutColumn>,
    /// Sample, operator, reason, traceback, piece.
    pub(crate) failed: Vec<(u32, usize, String, String, Option<u32>)>,
    /// Sample, operator, kind, record.
    pub(crate) told: Vec<(u32, usize, String, Value)>,
    pub(crate) stats: Vec<(usize, Map<String, Value>)>,
    /// Rows in, rows out, dropped, rejected, sliced, changed, nanoseconds.
    pub(crate) counts: Vec<[u64; 7]>,
}

/// Changes of a field.
#[derive(Debug, Deserialize)]
pub(crate) struct OutColumn {
    pub(crate) name: String,
    pub(crate) kinds: Part,
    pub(crate) offsets: Part,
    pub(crate) data: Part,
}

/// Where a worker is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) batch: i64,
    pub(crate) operator: i64,
    /// -1 if nobody knows.
    pub(crate) row: i64,
    /// Counted up with every batch and operator.
    pub(crate) step: i64,
}

impl Progress {
    pub(crate) fn read(bytes: &[u8; 32]) -> Self {
        let number = |at: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[at * 8..at * 8 + 8]);
            i64::from_ne_bytes(number)
        };
        Self {
            batch: number(0),
            operator: number(1),
            row: number(2),
            step: number(3),
        }
    }
}

/// Sends a message.
pub(crate) fn send(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = u32::try_from(bytes.len() - 4).map_err(io::Error::other)?;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    to.write_all(&bytes)
}

/// A message on its way in. It comes in pieces; between them somebody looks
/// whether the worker still lives.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    bytes: Vec<u8>,
}

impl Incoming {
    /// Reads on. `None`: there is no more for the moment.
    pub(crate) fn read<M: DeserializeOwned>(
        &mut self,
        from: &mut impl Read,
    ) -> io::Result<Option<M>> {
        loop {
            let wanted = match self.bytes.first_chunk::<4>() {
                None => 4,
                Some(length) => 4 + u32::from_le_bytes(*length) as usize,
            };
            if wanted > MESSAGE_BYTES_MAX {
                return Err(io::Error::other("a message is too long"));
            }
            let has = self.bytes.len();
            if has >= 4 && has == wanted {
                let message = serde_json::from_slice(&self.bytes[4..])?;
                self.bytes.clear();
                return Ok(Some(message));
            }
            self.bytes.resize(wanted, 0);
            let result = from.read(&mut self.bytes[has..]);
            self.bytes.truncate(has + *result.as_ref().unwrap_or(&0));
            match result {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
    }
}
