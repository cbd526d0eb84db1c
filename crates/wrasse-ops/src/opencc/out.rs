//! [`Out`]: text that is appended to, faster than a `String`.

/// UTF-8 with room behind it.
#[derive(Default)]
pub(super) struct Out {
    bytes: Vec<u8>,
    /// So many of them are written.
    n: usize,
}

impl Out {
    pub(super) fn with_capacity(n: usize) -> Self {
        Self {
            bytes: vec![0; n],
            n: 0,
        }
    }

    pub(super) fn clear(&mut self) {
        self.n = 0;
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.n]
    }

    pub(super) fn push(&mut self, text: &[u8]) {
        self.room(text.len())[..text.len()].copy_from_slice(text);
        self.n += text.len();
    }

    /// At least `n` bytes, to be written to.
    #[inline]
    pub(super) fn room(&mut self, n: usize) -> &mut [u8] {
        if self.bytes.len() < self.n + n {
            self.bytes
                .resize((self.n + n).max(self.bytes.len() * 3 / 2), 0);
        }
        &mut self.bytes[self.n..]
    }

    /// Takes over what was written to the first bytes of the room.
    #[inline]
    pub(super) fn advance(&mut self, n: usize) {
        self.n += n;
    }

    pub(super) fn into_string(self) -> String {
        let text = simdutf8::basic::from_utf8(self.as_bytes());
        text.expect("whole characters were written").to_owned()
    }
}
