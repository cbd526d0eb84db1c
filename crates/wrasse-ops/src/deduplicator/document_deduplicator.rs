//! `document_deduplicator` removes texts that were there before, character by character.

use std::borrow::Cow;

use regex::Regex;
use wrasse_op::{
    Common, Configured, Example, Fingerprint, OpError, OpSpec, ParamError, Text, TextDeduplicator,
};

use crate::digest::tree_md5_of_all;
use crate::unicode;

pub(crate) const SPEC: OpSpec = OpSpec::text_deduplicator::<DocumentDeduplicator>(
    "document_deduplicator",
    "Removes samples whose text equals that of an earlier sample.",
)
.details(
    "Compared is a hash of the text, after `lowercase` and `ignore_non_character`, without white \
     space at both ends: MD5 of texts up to 2 KiB; of longer ones, MD5 of the hashes of their \
     parts, which are taken side by side. Where a recipe keeps hashes, it is the MD5 of the whole: \
     the original's `__dj__hash`. All empty texts are equal to each other.\n\n\
     Unlike the original, a `__dj__hash` that the sample carries already is not trusted: the \
     text is what is compared. MD5 is no defense against texts made to collide.",
)
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "the first copy stays; white space at the ends makes no difference",
        params: "{}",
        input: &[
            r#"{"text": "same", "id": 1}"#,
            r#"{"text": " same\n", "id": 2}"#,
            r#"{"text": "Same", "id": 3}"#,
        ],
        output: &[r#"{"text": "same", "id": 1}"#, r#"{"text": "Same", "id": 3}"#],
    },
    Example {
        about: "compares letters alone",
        params: r#"{"lowercase": true, "ignore_non_character": true}"#,
        input: &[r#"{"text": "Chapter 1: A"}"#, r#"{"text": "chapter 2, a"}"#],
        output: &[r#"{"text": "Chapter 1: A"}"#],
    },
]);

/// Parameters of `document_deduplicator`.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// Ignore case.
    lowercase: bool,
    /// Ignore white space and digits of all scripts, and ASCII punctuation;
    /// other punctuation counts.
    ignore_non_character: bool,
}

pub(crate) struct DocumentDeduplicator {
    lowercase: bool,
    ignored: Option<Regex>,
}

impl Configured for DocumentDeduplicator {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        let ignored = params
            .ignore_non_character
            .then(|| Regex::new(r"[\s\d[:punct:]]+"))
            .transpose()
            .map_err(|error| ParamError::new("ignore_non_character", error.to_string()))?;
        Ok(Self {
            lowercase: params.lowercase,
            ignored,
        })
    }
}

impl DocumentDeduplicator {
    /// What is compared of a text, with white space at both ends.
    fn compared<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut compared = Cow::Borrowed(text);
        if self.lowercase {
            compared = unicode::lower(text);
        }
        if let Some(ignored) = &self.ignored
            && let Cow::Owned(letters) = ignored.replace_all(&compared, "")
        {
            compared = Cow::Owned(letters);
        }
        compared
    }
}

impl TextDeduplicator for DocumentDeduplicator {
    fn fingerprint(&self, text: &Text) -> Result<Fingerprint, OpError> {
        let digest = tree_md5_of_all(&[unicode::strip(&self.compared(text)).as_bytes()])[0];
        Ok(Fingerprint::from_be_bytes(digest))
    }

    fn fingerprints(&self, texts: &[&Text]) -> Vec<Result<Fingerprint, OpError>> {
        let compared: Vec<Cow<'_, str>> = texts.iter().map(|text| self.compared(text)).collect();
        let messages: Vec<&[u8]> = compared
            .iter()
            .map(|text| unicode::strip(text).as_bytes())
            .collect();
        let digests = tree_md5_of_all(&messages).into_iter();
        digests.map(|digest| Ok(Fingerprint::from_be_bytes(digest))).collect()
    }

    fn kept_hash(&self, text: &Text, _: Fingerprint) -> Fingerprint {
        let digest = md5::compute(unicode::strip(&self.compared(text)));
        Fingerprint::from_be_bytes(digest.0)
    }
}
