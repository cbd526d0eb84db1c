//! `fix_unicode_mapper` mends mojibake and other damage to text.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::ftfy::{Fixer, Form};

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<FixUnicodeMapper>(
    "fix_unicode_mapper",
    "Mends mojibake and other damage to text, and normalizes it.",
)
.details(
    "Does what ftfy 6.3 does with its default settings, line by line until nothing changes: \
     decodes HTML entities, undoes mojibake (also of several layers, and in parts of a line), \
     takes C1 control characters for Windows-1252, breaks up Latin ligatures, gives full-width \
     letters and half-width Katakana their usual width, makes curly quotation marks straight and \
     line ends plain, removes terminal commands and control characters, and normalizes.\n\n\
     Entities stay from the first line on that holds a `<`: such a text is HTML.\n\n\
     Quotation marks and full-width punctuation change, too: `，` becomes `,` and the \
     ideographic space a plain one, which Chinese and Japanese text may not want.\n\n\
     The original normalizes by the Unicode version of its Python, this by a current one: they \
     can differ in characters that are younger than that Python. A line that is not stable after \
     1,000 rounds stays as it is then; the original would go on.",
)
.origin("Data-Juicer 1.6, ftfy 6.3")
.examples(&[
    Example {
        about: "undoes mojibake and straightens quotation marks",
        params: "{}",
        input: &[r#"{"text": "L’Ã©tÃ©: â€œÃ§a vaâ€\u009d"}"#],
        output: &[r#"{"text": "L'été: \"ça va\""}"#],
    },
    Example {
        about: "decodes entities, unless the text is HTML",
        params: "{}",
        input: &[r#"{"text": "5 &gt; 3"}"#, r#"{"text": "<p>5 &gt; 3"}"#],
        output: &[r#"{"text": "5 > 3"}"#, r#"{"text": "<p>5 &gt; 3"}"#],
    },
    Example {
        about: "replaces compatibility characters on request",
        params: r#"{"normalization": "NFKC"}"#,
        input: &[r#"{"text": "x² ﬁn ①"}"#],
        output: &[r#"{"text": "x2 fin 1"}"#],
    },
]);

/// How to mend text.
#[derive(Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The Unicode normalization of the result: `NFC`, `NFKC`, `NFD` or `NFKD`,
    /// in any case. Default: `NFC`.
    #[serde(default, deserialize_with = "normalization")]
    #[schemars(with = "Option<String>")]
    normalization: Option<Form>,
}

fn normalization<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Form>, D::Error> {
    let name = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    match name.to_uppercase().as_str() {
        "" => Ok(None),
        "NFC" => Ok(Some(Form::Nfc)),
        "NFD" => Ok(Some(Form::Nfd)),
        "NFKC" => Ok(Some(Form::Nfkc)),
        "NFKD" => Ok(Some(Form::Nfkd)),
        _ => Err(serde::de::Error::custom(format!(
            "expected `NFC`, `NFKC`, `NFD` or `NFKD`, found `{name}`"
        ))),
    }
}

pub(crate) struct FixUnicodeMapper {
    fixer: Fixer,
}

impl Configured for FixUnicodeMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            fixer: Fixer::new(params.normalization.unwrap_or(Form::Nfc)),
        })
    }
}

impl TextMapper for FixUnicodeMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        Ok(self.fixer.fix(text))
    }
}
