//! `sentence_split_mapper` puts each sentence on a line of its own.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::sentences::{Lines, sentences};

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<SentenceSplitMapper>(
    "sentence_split_mapper",
    "Puts each sentence of a text on a line of its own.",
)
.details("White space around sentences goes. Line ends within a sentence stay, as in the original; so a text can have more lines than sentences.\n\nSentences end by Unicode's rules (UAX #29) and a list of abbreviations, the same for all languages, and not by the weights that the original downloads for `lang`: the results differ from the original's where only those know an abbreviation. Unlike there, the stops of Chinese, Japanese and other scripts end sentences, too.\n\nTo make samples of sentences, use `sentence_chunk_mapper`.")
.origin("Data-Juicer 1.6, with Unicode's rules in place of NLTK's weights")
.examples(&[
    Example {
        about: "cuts at full stops, but for abbreviations",
        params: "{}",
        input: &[r#"{"text": "Dr. Lee came at 3.30. He sat (etc.) down.  \"Fine.\" "}"#],
        output: &[r#"{"text": "Dr. Lee came at 3.30.\nHe sat (etc.) down.\n\"Fine.\""}"#],
    },
    Example {
        about: "knows other scripts",
        params: r#"{"lang": "zh"}"#,
        input: &[r#"{"text": "天亮了。鸟叫！"}"#, r#"{"text": ""}"#],
        output: &[r#"{"text": "天亮了。\n鸟叫！"}"#, r#"{"text": ""}"#],
    },
]);

/// Parameters of `sentence_split_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The language of the samples. It chooses the original's weights, thus
    /// nothing here.
    #[serde(rename = "lang")]
    _lang: String,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            _lang: "en".to_owned(),
        }
    }
}

pub(crate) struct SentenceSplitMapper;

impl Configured for SentenceSplitMapper {
    type Params = Params;

    fn new(_: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl TextMapper for SentenceSplitMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let mut out = String::with_capacity(text.len());
        for sentence in sentences(text, Lines::Wrapped) {
            let sentence = sentence.trim();
            if !sentence.is_empty() {
                if !out.is_empty() {
                    out.push('\n');
                }
                out.push_str(sentence);
            }
        }
        Ok(Cow::Owned(out))
    }
}
