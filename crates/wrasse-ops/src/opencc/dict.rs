//! The dictionaries of OpenCC, as lists of entries.

use std::borrow::Cow;
use std::collections::HashMap;

macro_rules! dictionaries {
    ($($name:ident = $file:literal $(by $characters:ident)?),* $(,)?) => {
        /// A dictionary of OpenCC.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Name {
            $($name),*
        }

        impl Name {
            /// The text of its file, and which dictionary gives values that are
            /// left out.
            fn file(self) -> (&'static str, Option<Self>) {
                match self {
                    $(Self::$name => {
                        let characters: &[Self] = &[$(Self::$characters)?];
                        let text = include_str!(concat!("../../data/opencc/", $file, ".txt"));
                        (text, characters.first().copied())
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

/// What is found, and what it becomes.
pub(super) type Entry = (&'static str, Cow<'static, str>);

impl Name {
    /// The entries, sorted.
    pub(super) fn entries(self) -> Vec<Entry> {
        let (text, characters) = self.file();
        let characters: HashMap<char, Cow<'static, str>> = characters
            .into_iter()
            .flat_map(Self::entries)
            .filter_map(|(key, value)| Some((key.chars().next()?, value)))
            .collect();
        let entry = |line: &'static str| match line.split_once('\t') {
            Some((key, value)) => (key, Cow::Borrowed(value)),
            None => {
                let mut value = String::with_capacity(line.len());
                for c in line.chars() {
                    match characters.get(&c) {
                        Some(becomes) => value.push_str(becomes),
                        None => value.push(c),
                    }
                }
                (line, Cow::Owned(value))
            }
        };
        text.lines().map(entry).collect()
    }

    pub(super) fn has_phrases(self) -> bool {
        self.entries()
            .iter()
            .any(|(key, _)| key.chars().nth(1).is_some())
    }

    pub(super) fn has_characters(self) -> bool {
        self.entries()
            .iter()
            .any(|(key, _)| key.chars().nth(1).is_none())
    }
}
