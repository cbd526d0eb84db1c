//! [`KeyStore`]: the keys of an exchange, as they come and as its operator sees
//! them.

use std::io;
use std::path::PathBuf;

use wrasse_op::{Keys, OpError};

use super::spool::Spool;

/// Keys are read in pieces of so many bytes.
const SCAN_BYTES: usize = 1 << 20;

/// Keys in the order of the input, each with its length before it.
#[derive(Debug)]
pub(super) struct KeyStore {
    spool: Spool,
    n: u32,
}

impl KeyStore {
    /// Keeps up to `memory_max` bytes in memory, and beyond that all in a file
    /// in `dir`.
    pub(super) fn new(dir: PathBuf, memory_max: usize) -> Self {
        Self {
            spool: Spool::new(dir, memory_max),
            n: 0,
        }
    }

    /// Appends keys.
    pub(super) fn append<K: AsRef<[u8]>>(&mut self, keys: &[K]) -> io::Result<()> {
        for key in keys {
            let key = key.as_ref();
            self.spool.append(&(key.len() as u32).to_le_bytes())?;
            self.spool.append(key)?;
        }
        self.n += keys.len() as u32;
        Ok(())
    }

    /// All have come.
    pub(super) fn seal(&mut self) -> io::Result<()> {
        self.spool.seal()
    }

    /// Forgets them.
    pub(super) fn clear(&mut self) {
        *self = Self::new(PathBuf::new(), 0);
    }

    /// Bytes of memory held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.spool.memory_bytes()
    }

    /// Bytes on disk.
    pub(super) fn disk_bytes(&self) -> u64 {
        self.spool.disk_bytes()
    }
}

impl Keys for KeyStore {
    fn len(&self) -> u32 {
        self.n
    }

    fn bytes(&self) -> u64 {
        self.spool.len() - u64::from(self.n) * 4
    }

    fn scan(&self, each: &mut dyn FnMut(u32, &[u8])) -> Result<(), OpError> {
        let keys = &self.spool;
        let (mut offset, mut number) = (0, 0);
        let mut window: Vec<u8> = Vec::new();
        // Bytes of the window that were shown.
        let mut shown = 0;
        while number < self.n {
            let rest = &window[shown..];
            let whole = rest
                .split_first_chunk::<4>()
                .and_then(|(length, rest)| rest.get(..u32::from_le_bytes(*length) as usize));
            if let Some(key) = whole {
                each(number, key);
                number += 1;
                shown += 4 + key.len();
                continue;
            }
            window.drain(..shown);
            shown = 0;
            let n = (keys.len() - offset).min(SCAN_BYTES as u64) as usize;
            if n == 0 {
                return Err(OpError::fatal("the keys of samples are cut short"));
            }
            let start = window.len();
            window.resize(start + n, 0);
            keys.read(offset, &mut window[start..])
                .map_err(|error| OpError::fatal(format!("keys cannot be read: {error}")))?;
            offset += n as u64;
        }
        Ok(())
    }
}
