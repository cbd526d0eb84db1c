//! `political_word_cleaner` masks words of a list.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::{ORIGIN, SensitiveWords, WordParams, masked, unless_same};

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<PoliticalWordCleaner>(
    "political_word_cleaner",
    "Replaces the characters of words of a list by asterisks.",
)
.aliases(&["PoliticalWordCleaner"])
.details("The list is `political.txt` in `words_dir`, a word a line, and `words`. Without either nothing is replaced: Wrasse brings no such list, and the current one of the original is empty. Within a word there may be spaces and punctuation (or what `special_symbols.txt` in the folder lists, a character a line); they are masked with it. A word is masked wherever it stands in the line in which it was found.\n\nThe search is that of the original with its errors: it may miss a word that is part of another, and mask what stands before a word that overlaps with one.")
.origin(ORIGIN)
.examples(&[Example {
    about: "masks words, with what stands within them",
    params: r#"{"words": ["secret plan"]}"#,
    input: &[r#"{"text": "a secretplan"}"#, r#"{"text": "the secret plan"}"#],
    output: &[r#"{"text": "a secretplan"}"#, r#"{"text": "the secret plan"}"#],
}, Example {
    about: "symbols within a word are no part of it",
    params: r#"{"words": ["改革历程"]}"#,
    input: &[r#"{"text": "特别字符：改革历程，改-革 历程"}"#],
    output: &[r#"{"text": "特别字符：****，******"}"#],
}]);

pub(crate) struct PoliticalWordCleaner(SensitiveWords);

impl Configured for PoliticalWordCleaner {
    type Params = WordParams;

    fn new(params: WordParams, _: &Common) -> Result<Self, ParamError> {
        SensitiveWords::new(params, &["political.txt"]).map(Self)
    }
}

impl TextMapper for PoliticalWordCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        if self.0.is_empty() {
            return Ok(Cow::Borrowed(text));
        }
        Ok(unless_same(masked(&self.0, text), text))
    }
}
