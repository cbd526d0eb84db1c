//! Finding the bytes at which a mapper may have something to do.

/// The bytes at which some character that a mapper looks for may begin.
///
/// Most texts have few of them, so that most of a text is passed over in
/// blocks.
pub(crate) struct FirstBytes {
    is_first: [bool; 256],
    /// Whether an ASCII byte other than the tab is among them; blocks of
    /// ASCII cannot be passed over then.
    other_ascii: bool,
}

const BLOCK: usize = 32;

impl FirstBytes {
    /// The first bytes of these characters in UTF-8.
    pub(crate) fn of(chars: impl IntoIterator<Item = char>) -> Self {
        let mut is_first = [false; 256];
        for c in chars {
            is_first[usize::from(c.encode_utf8(&mut [0; 4]).as_bytes()[0])] = true;
        }
        let other_ascii = (0..128).any(|byte| byte != usize::from(b'\t') && is_first[byte]);
        Self {
            is_first,
            other_ascii,
        }
    }

    /// The first such byte at or after `from`; the length of `bytes` if none.
    pub(crate) fn find(&self, bytes: &[u8], from: usize) -> usize {
        let mut at = from;
        while at < bytes.len() {
            let end = (at + BLOCK).min(bytes.len());
            let block = &bytes[at..end];
            // Compiles to vector code, unlike a search with an early end.
            let plain = block.iter().fold(true, |plain, byte| {
                plain & (*byte < 0x80) & (*byte != b'\t')
            });
            if (self.other_ascii || !plain)
                && let Some(found) = block
                    .iter()
                    .position(|byte| self.is_first[usize::from(*byte)])
            {
                return at + found;
            }
            at = end;
        }
        at
    }
}

/// The first byte at or after `from` that `is_wanted`. The next few are looked
/// at in turn and the rest left to `search`, which is fast over long stretches
/// but slow to start.
#[inline]
pub(crate) fn find_byte(
    bytes: &[u8],
    from: usize,
    is_wanted: impl Fn(u8) -> bool,
    search: impl Fn(&[u8]) -> Option<usize>,
) -> Option<usize> {
    let near = bytes.len().min(from + 8);
    let found = bytes[from..near].iter().position(|byte| is_wanted(*byte));
    match found {
        Some(length) => Some(from + length),
        None => search(&bytes[near..]).map(|length| near + length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_passed_over() {
        let first = FirstBytes::of(['\t', '，', 'é']);
        for n in 0..100 {
            for c in ["\t", "，", "é"] {
                let text = "a".repeat(n) + c + "\t";
                assert_eq!(first.find(text.as_bytes(), 0), n, "{text:?}");
            }
            let text = "ア".repeat(n);
            assert_eq!(first.find(text.as_bytes(), 0), text.len());
        }
        assert_eq!(FirstBytes::of(['x']).find(b"aaaaxa", 0), 4);
        assert_eq!(FirstBytes::of(['x']).find(b"aaaaxa", 5), 6);
    }
}
