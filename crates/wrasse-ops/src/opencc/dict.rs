//! [`Dict`]: the longest entry at the start of a text.

use std::borrow::Cow;
use std::sync::LazyLock;

macro_rules! dictionaries {
    ($($name:ident = $file:literal $(by $characters:ident)?),* $(,)?) => {
        /// A dictionary of OpenCC.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Name {
            $($name),*
        }

        impl Dict {
            /// The dictionary of this name, read when it is first asked for.
            pub(super) fn get(name: Name) -> &'static Self {
                match name {
                    $(Name::$name => {
                        static DICT: LazyLock<Dict> = LazyLock::new(|| {
                            let characters: &[Name] = &[$(Name::$characters)?];
                            let text = include_str!(concat!("../../data/opencc/", $file, ".txt"));
                            Dict::parse(text, characters.first().map(|name| Dict::get(*name)))
                        });
                        &DICT
                    })*
                }
            }
        }
    };
}

dictionaries! {
    HkVariants = "HKVariants",
    HkVariantsRev = "HKVariantsRev",
    HkVariantsRevPhrases = "HKVariantsRevPhrases",
    JpShinjitaiCharacters = "JPShinjitaiCharacters",
    JpShinjitaiPhrases = "JPShinjitaiPhrases",
    JpVariants = "JPVariants",
    JpVariantsRev = "JPVariantsRev",
    StCharacters = "STCharacters",
    StPhrases = "STPhrases" by StCharacters,
    TsCharacters = "TSCharacters",
    TsPhrases = "TSPhrases" by TsCharacters,
    TwPhrases = "TWPhrases",
    TwPhrasesRev = "TWPhrasesRev",
    TwVariants = "TWVariants",
    TwVariantsRev = "TWVariantsRev",
    TwVariantsRevPhrases = "TWVariantsRevPhrases",
}

/// A dictionary, by the first two characters of its entries.
///
/// What a lookup reads lies close together: it is the memory that takes its
/// time.
pub(super) struct Dict {
    /// The entries, each as its length and that of its value, a character each,
    /// and both. Of entries of two characters and more, those that begin with
    /// the same two lie together, without these, the longest first; a NUL ends
    /// them.
    entries: String,
    /// For pairs of characters that entries begin with, where these are.
    pairs: Pairs,
    /// For each block of 256 code points where its characters are in `singles`;
    /// 0 is a block without entries.
    blocks: Vec<u16>,
    /// Where the entry is that is the character alone; 0 is none.
    singles: Vec<u32>,
    first_chars: Vec<char>,
}

const BLOCK: usize = 256;

/// An entry and its value, and where the next begins.
type Entry<'d> = (&'d str, &'d str, usize);

impl Dict {
    /// Reads a file; `characters` gives the values that are left out.
    fn parse(text: &'static str, characters: Option<&Self>) -> Self {
        let mut dict = Self {
            // Nothing is at 0.
            entries: "\0".to_owned(),
            pairs: Pairs::default(),
            blocks: vec![0; (char::MAX as usize + 1) / BLOCK],
            singles: vec![0; BLOCK],
            first_chars: Vec::new(),
        };
        let mut phrases = Vec::new();
        for line in text.lines() {
            let (key, value) = line.split_once('\t').unwrap_or((line, ""));
            let mut chars = key.chars();
            let Some(c) = chars.next() else {
                continue;
            };
            dict.first_chars.push(c);
            let Some(second) = chars.next() else {
                *dict.single_mut(c) = dict.entries.len() as u32;
                dict.push(key, value);
                continue;
            };
            let value = match characters {
                Some(characters) if value.is_empty() => characters.each(key).into(),
                _ => Cow::Borrowed(value),
            };
            phrases.push(((c, second), chars.as_str(), value));
        }
        phrases.sort_by_key(|(pair, rest, _)| (*pair, std::cmp::Reverse(rest.len())));
        let of_pairs = phrases.chunk_by(|(one, ..), (other, ..)| one == other);
        dict.pairs = Pairs::with_room(of_pairs.clone().count());
        for same in of_pairs {
            dict.pairs.insert(same[0].0, dict.entries.len());
            for (_, rest, value) in same {
                dict.push(rest, value);
            }
            dict.entries.push('\0');
        }
        dict
    }

    fn push(&mut self, key: &str, value: &str) {
        // One more, since a rest may be empty.
        for n in [key.len() + 1, value.len()] {
            assert!(n < 128, "an entry has a few characters");
            self.entries.push(char::from(n as u8));
        }
        self.entries.push_str(key);
        self.entries.push_str(value);
    }

    /// The entry at a place.
    #[inline]
    fn entry(&self, at: usize) -> Option<Entry<'_>> {
        let lengths = self.entries.as_bytes()[at..].first_chunk::<2>()?;
        let key_end = at + 2 + usize::from(lengths[0]).checked_sub(1)?;
        let end = key_end + usize::from(lengths[1]);
        Some((
            &self.entries[at + 2..key_end],
            &self.entries[key_end..end],
            end,
        ))
    }

    /// The characters that entries begin with.
    pub(super) fn first_chars(&self) -> impl Iterator<Item = char> {
        self.first_chars.iter().copied()
    }

    /// Whether it has no entries but those of one character.
    pub(super) fn has_no_phrases(&self) -> bool {
        self.pairs.slots.is_empty()
    }

    /// How long the longest entry is that `text` begins with, whose first
    /// character is `c`, and its value.
    #[inline]
    pub(super) fn longest(&self, text: &str, c: char) -> Option<(usize, &str)> {
        if !self.has_no_phrases()
            && let Some(second) = text[c.len_utf8()..].chars().next()
            && let Some(mut at) = self.pairs.get((c, second))
        {
            let n_pair = c.len_utf8() + second.len_utf8();
            let rest = &text[n_pair..];
            while let Some((key, value, next)) = self.entry(at) {
                if rest.starts_with(key) {
                    return Some((n_pair + key.len(), value));
                }
                at = next;
            }
        }
        self.single(c).map(|value| (c.len_utf8(), value))
    }

    #[inline]
    fn single(&self, c: char) -> Option<&str> {
        let block = usize::from(self.blocks[c as usize / BLOCK]);
        match self.singles[block * BLOCK + c as usize % BLOCK] {
            0 => None,
            at => self.entry(at as usize).map(|(_, value, _)| value),
        }
    }

    fn single_mut(&mut self, c: char) -> &mut u32 {
        let block = &mut self.blocks[c as usize / BLOCK];
        if *block == 0 {
            *block = (self.singles.len() / BLOCK) as u16;
            self.singles.resize(self.singles.len() + BLOCK, 0);
        }
        &mut self.singles[usize::from(*block) * BLOCK + c as usize % BLOCK]
    }

    /// A text with its characters replaced one by one.
    fn each(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match self.single(c) {
                Some(value) => out.push_str(value),
                None => out.push(c),
            }
        }
        out
    }
}

/// A table of pairs of characters, eight bytes for each slot.
#[derive(Default)]
struct Pairs {
    /// The pair above [`Pairs::AT_BITS`], and its place below; 0 is free. At
    /// least a quarter of them are.
    slots: Vec<u64>,
    /// A bit for each pair, at a place that others may have too: small enough
    /// for the cache, so that most are known to be none without the slots.
    may_be: Vec<u64>,
}

impl Pairs {
    const CHAR_BITS: u32 = 21;
    const AT_BITS: u32 = u64::BITS - 2 * Self::CHAR_BITS;
    const MAY_BE_BITS: u32 = 19;

    fn with_room(n: usize) -> Self {
        match n {
            0 => Self::default(),
            n => Self {
                slots: vec![0; (n * 4 / 3 + 1).next_power_of_two()],
                may_be: vec![0; (1 << Self::MAY_BE_BITS) / u64::BITS as usize],
            },
        }
    }

    /// The pair as the upper bits of a slot, and a hash of it.
    #[inline]
    fn hash((c, second): (char, char)) -> (u64, u64) {
        let pair = (u64::from(c) << Self::CHAR_BITS | u64::from(second)) << Self::AT_BITS;
        // The highest bits of a product depend on all of the pair's.
        (pair, pair.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// The first slot for a hash.
    #[inline]
    fn slot(&self, hash: u64) -> usize {
        hash.unbounded_shr(u64::BITS - self.slots.len().trailing_zeros()) as usize
    }

    /// The word and the bit of a hash in `may_be`.
    #[inline]
    fn bit(hash: u64) -> (usize, u64) {
        let place = hash >> (u64::BITS - Self::MAY_BE_BITS);
        ((place / 64) as usize, 1 << (place % 64))
    }

    fn insert(&mut self, pair: (char, char), at: usize) {
        assert!(at < 1 << Self::AT_BITS, "dictionaries are a few megabytes");
        let (pair, hash) = Self::hash(pair);
        let (word, bit) = Self::bit(hash);
        self.may_be[word] |= bit;
        let mut slot = self.slot(hash);
        while self.slots[slot] != 0 {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.slots[slot] = pair | at as u64;
    }

    #[inline]
    fn get(&self, pair: (char, char)) -> Option<usize> {
        let (pair, hash) = Self::hash(pair);
        let (word, bit) = Self::bit(hash);
        if self.may_be[word] & bit == 0 {
            return None;
        }
        let mut slot = self.slot(hash);
        loop {
            match self.slots[slot] {
                0 => return None,
                found if found >> Self::AT_BITS == pair >> Self::AT_BITS => {
                    return Some((found ^ pair) as usize);
                }
                _ => slot = (slot + 1) & (self.slots.len() - 1),
            }
        }
    }
}
