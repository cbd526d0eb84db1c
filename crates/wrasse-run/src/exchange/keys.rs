//! The keys of an exchange as its operator sees them.

use wrasse_op::{Keys, OpError};

use super::ExchangeStore;

/// Keys are read in pieces of so many bytes.
const SCAN_BYTES: usize = 1 << 20;

/// The keys as the operator sees them.
pub(super) struct KeysOf<'a>(pub(super) &'a ExchangeStore);

impl Keys for KeysOf<'_> {
    fn len(&self) -> u32 {
        self.0.n_samples
    }

    fn bytes(&self) -> u64 {
        self.0.keys.len() - u64::from(self.0.n_samples) * 4
    }

    fn scan(&self, each: &mut dyn FnMut(u32, &[u8])) -> Result<(), OpError> {
        let keys = &self.0.keys;
        let (mut offset, mut number) = (0, 0);
        let mut window: Vec<u8> = Vec::new();
        // Bytes of the window that were shown.
        let mut shown = 0;
        while number < self.0.n_samples {
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
