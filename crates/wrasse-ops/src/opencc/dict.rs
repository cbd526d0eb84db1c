//! [`Dict`]: the longest entry at the start of a text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;
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
pub(super) struct Dict {
    /// The entries of two characters and more; those that begin with the same
    /// two lie together, the longest first.
    phrases: Vec<(&'static str, Cow<'static, str>)>,
    by_pair: HashMap<u64, Range<u32>, BuildHasherDefault<PairHasher>>,
    /// For each block of 256 code points where its characters are in `first`;
    /// 0 is a block without entries.
    blocks: Vec<u16>,
    first: Vec<First>,
    /// Whether any entry begins with an ASCII character.
    pub(super) has_ascii: bool,
}

/// What a dictionary has for one character.
#[derive(Clone, Copy, Default)]
struct First {
    single: Option<(&'static str, &'static str)>,
    /// Whether phrases begin with it.
    has_phrases: bool,
}

const BLOCK: usize = 256;

impl Dict {
    /// Reads a file; `characters` gives the values that are left out.
    fn parse(text: &'static str, characters: Option<&Self>) -> Self {
        let mut dict = Self {
            phrases: Vec::new(),
            by_pair: HashMap::default(),
            blocks: vec![0; (char::MAX as usize + 1) / BLOCK],
            first: vec![First::default(); BLOCK],
            has_ascii: false,
        };
        for line in text.lines() {
            let (key, value) = line.split_once('\t').unwrap_or((line, ""));
            let mut chars = key.chars();
            let Some(c) = chars.next() else {
                continue;
            };
            dict.has_ascii |= c.is_ascii();
            if chars.next().is_none() {
                dict.first_mut(c).single = Some((key, value));
                continue;
            }
            dict.first_mut(c).has_phrases = true;
            let value = match characters {
                Some(characters) if value.is_empty() => characters.each(key).into(),
                _ => value.into(),
            };
            dict.phrases.push((key, value));
        }
        let by_length = |(key, _): &(&str, _)| (pair(key), std::cmp::Reverse(key.len()));
        dict.phrases.sort_by_key(by_length);
        for (i, (key, _)) in (0_u32..).zip(&dict.phrases) {
            if let Some(pair) = pair(key) {
                dict.by_pair.entry(pair).or_insert(i..i).end = i + 1;
            }
        }
        dict
    }

    /// The longest entry that `text` begins with, whose first character is
    /// `c`, and its value.
    #[inline]
    pub(super) fn longest(&self, text: &str, c: char) -> Option<(&str, &str)> {
        let first = self.first(c);
        if first.has_phrases
            && let Some(range) = pair(text).and_then(|pair| self.by_pair.get(&pair))
        {
            let phrases = &self.phrases[range.start as usize..range.end as usize];
            if let Some((key, value)) = phrases.iter().find(|(key, _)| text.starts_with(key)) {
                return Some((key, value));
            }
        }
        first.single
    }

    #[inline]
    fn first(&self, c: char) -> &First {
        let block = usize::from(self.blocks[c as usize / BLOCK]);
        &self.first[block * BLOCK + c as usize % BLOCK]
    }

    fn first_mut(&mut self, c: char) -> &mut First {
        let block = &mut self.blocks[c as usize / BLOCK];
        if *block == 0 {
            *block = (self.first.len() / BLOCK) as u16;
            self.first
                .resize(self.first.len() + BLOCK, First::default());
        }
        &mut self.first[usize::from(*block) * BLOCK + c as usize % BLOCK]
    }

    /// A text with its characters replaced one by one.
    fn each(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match self.first(c).single {
                Some((_, value)) => out.push_str(value),
                None => out.push(c),
            }
        }
        out
    }
}

/// The first two characters of a text.
#[inline]
fn pair(text: &str) -> Option<u64> {
    let mut chars = text.chars();
    Some(u64::from(chars.next()?) << 32 | u64::from(chars.next()?))
}

/// For keys that are pairs of characters, and come from our own files: nobody
/// can make them collide.
#[derive(Default)]
struct PairHasher(u64);

impl Hasher for PairHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64((*byte).into());
        }
    }

    fn write_u64(&mut self, value: u64) {
        // The high half of a product depends on all bits below it; the table
        // looks at both ends.
        let product = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ product >> 32;
    }
}
