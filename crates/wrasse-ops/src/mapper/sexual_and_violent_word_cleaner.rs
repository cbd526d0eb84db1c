//! `sexual_and_violent_word_cleaner` masks words of two lists.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::{ORIGIN, SensitiveWords, WordParams, masked, unless_same};

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<SexualAndViolentWordCleaner>(
    "sexual_and_violent_word_cleaner",
    "Replaces the characters of words of two lists by asterisks.",
)
.aliases(&["SexualAndViolentWordCleaner"])
.details("The lists are `violent.txt` and `sexual.txt` in `words_dir`, a word a line, and `words`. Without them nothing is replaced: Wrasse brings no such list, and the current ones of the original are empty. All else is as for `political_word_cleaner`.")
.origin(ORIGIN)
.examples(&[Example {
    about: "masks words",
    params: r#"{"words": ["炸药", "dynamite"]}"#,
    input: &[r#"{"text": "特别字符：炸药\ndyna-mite, Dynamite"}"#],
    output: &[r#"{"text": "特别字符：**\n*********, Dynamite"}"#],
}]);

pub(crate) struct SexualAndViolentWordCleaner(SensitiveWords);

impl Configured for SexualAndViolentWordCleaner {
    type Params = WordParams;

    fn new(params: WordParams, _: &Common) -> Result<Self, ParamError> {
        SensitiveWords::new(params, &["violent.txt", "sexual.txt"]).map(Self)
    }
}

impl TextMapper for SexualAndViolentWordCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        if self.0.is_empty() {
            return Ok(Cow::Borrowed(text));
        }
        Ok(unless_same(masked(&self.0, text), text))
    }
}
