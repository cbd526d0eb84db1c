//! [`CharSet`]: a set of characters that is asked about every character of a
//! text, and the sets that Data-Juicer's operators share.

use crate::tables;

/// A set of characters: one bit for each code point up to the last member.
///
/// A text touches few cache lines of it, and no branch depends on the text.
pub(crate) struct CharSet<const WORDS: usize> {
    words: [u64; WORDS],
    /// 1 for the members below 128; 0 for all bytes of other characters.
    ascii: [u8; 256],
}

/// Data-Juicer's `SPECIAL_CHARACTERS`.
///
/// It holds more than the name says: ASCII digits and white space, and letters
/// such as `一`, `上`, `士`, `ー`, `ツ`, `π` and `ø`. It goes by code point: `Г`
/// is special and `г` is not, and of an emoji that is a sequence the joiner
/// and the variation selector are not.
pub(crate) static SPECIAL: CharSet<{ n_words(tables::SPECIAL) }> =
    CharSet::from_flips(tables::SPECIAL);

/// Number of words of 64 bits that hold a set given by flips.
pub(crate) const fn n_words(flips: &[u32]) -> usize {
    (flips[flips.len() - 1] as usize).div_ceil(64)
}

impl<const WORDS: usize> CharSet<WORDS> {
    /// The set of a table of flips; see [`crate::tables`].
    pub(crate) const fn from_flips(flips: &[u32]) -> Self {
        let mut set = Self {
            words: [0; WORDS],
            ascii: [0; 256],
        };
        let mut i = 0;
        while i < flips.len() {
            let (mut from, end) = (flips[i], flips[i + 1]);
            while from < end {
                // Word by word: compile-time evaluation is slow.
                let stop = if end <= (from | 63) {
                    end
                } else {
                    (from | 63) + 1
                };
                let mask = (u64::MAX >> (64 - (stop - from))) << (from & 63);
                set.words[(from >> 6) as usize] |= mask;
                from = stop;
            }
            i += 2;
        }
        let mut byte = 0;
        while byte < 128 {
            set.ascii[byte] = (set.words[byte >> 6] >> (byte & 63) & 1) as u8;
            byte += 1;
        }
        set
    }

    /// Whether `c` is a member.
    #[inline]
    pub(crate) fn contains(&self, c: char) -> bool {
        let word = self.words.get(c as usize >> 6);
        word.is_some_and(|word| word >> (c as u32 & 63) & 1 == 1)
    }

    /// Whether a byte is a member below 128; bytes of other characters are not.
    #[inline]
    pub(crate) fn contains_ascii(&self, byte: u8) -> bool {
        self.ascii[usize::from(byte)] == 1
    }

    /// Number of characters of `text` that are members.
    pub(crate) fn count(&self, text: &str) -> usize {
        const BLOCK: usize = 16;
        let mut n = 0;
        let mut rest = text;
        while let Some(block) = rest.as_bytes().first_chunk::<BLOCK>() {
            if block.is_ascii() {
                let members: u8 = block.iter().map(|b| self.ascii[usize::from(*b)]).sum();
                n += usize::from(members);
                rest = &rest[BLOCK..];
            } else {
                let stop = rest.len() - BLOCK;
                let mut chars = rest.chars();
                while chars.as_str().len() > stop
                    && let Some(c) = chars.next()
                {
                    n += usize::from(self.contains(c));
                }
                rest = chars.as_str();
            }
        }
        n + rest.chars().filter(|c| self.contains(*c)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flips_become_members() {
        let flips = &[3, 5, 63, 65, 128, 192, 0x4e00, 0x4e01];
        const N: usize = 0x4e01usize.div_ceil(64);
        let set = CharSet::<N>::from_flips(flips);
        for c in '\0'..='\u{5000}' {
            let code = c as u32;
            let member = matches!(code, 3..5 | 63..65 | 128..192 | 0x4e00);
            assert_eq!(set.contains(c), member, "{code:#x}");
            assert_eq!(
                set.count(&c.to_string().repeat(40)),
                40 * usize::from(member)
            );
        }
        assert!(!set.contains(char::MAX));
    }

    #[test]
    fn counting_agrees_with_asking() {
        let text: String = ('\u{1}'..'\u{3400}').step_by(7).chain('a'..='z').collect();
        for from in (0..200).filter(|at| text.is_char_boundary(*at)) {
            for text in [&text[from..], &text[..from]] {
                let want = text.chars().filter(|c| SPECIAL.contains(*c)).count();
                assert_eq!(SPECIAL.count(text), want, "{text:?}");
            }
        }
    }

    #[test]
    fn special_is_the_set_of_the_original() {
        let members = ('\0'..=char::MAX).filter(|c| SPECIAL.contains(*c));
        let codes: Vec<u8> = members.flat_map(|c| (c as u32).to_le_bytes()).collect();
        assert_eq!(codes.len(), 4 * 1618);
        // hashlib.md5 over the sorted code points, little-endian.
        assert_eq!(
            format!("{:x}", md5::compute(codes)),
            "10add3f3f88b338933f727fe4ee2436e"
        );
    }
}
