//! `punctuation_normalization_mapper` turns Unicode punctuation into ASCII.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::no_params::NoParams;
use crate::scan::FirstBytes;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<PunctuationNormalizationMapper>(
    "punctuation_normalization_mapper",
    "Turns Chinese and typographic punctuation into its ASCII counterpart.",
)
.details("Three replacements are longer than what they replace: `—` becomes ` - `, `．` becomes `. ` and `…` becomes `...`. Like the original, this turns the full-width digit `１` into `\"` (its other digits stay) and the enumeration comma `、` into `,`; single opening quotes (`‘`) stay.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "turns punctuation into ASCII",
        params: "{}",
        input: &[r#"{"text": "他说：“好！”（笑）…"}"#],
        output: &[r#"{"text": "他说:\"好!\"(笑)..."}"#],
    },
    Example {
        about: "keeps the original's mistake",
        params: "{}",
        input: &[r#"{"text": "１２—３"}"#],
        output: &[r#"{"text": "\"２ - ３"}"#],
    },
]);

pub(crate) struct PunctuationNormalizationMapper {
    mapped: FirstBytes,
}

impl Configured for PunctuationNormalizationMapper {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        let chars = (0..0x1_0000).filter_map(char::from_u32);
        Ok(Self {
            mapped: FirstBytes::of(chars.filter(|c| replacement(*c).is_some())),
        })
    }
}

impl TextMapper for PunctuationNormalizationMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let text = text.as_str();
        let bytes = text.as_bytes();
        let mut out = String::new();
        let mut copied = 0;
        let mut at = self.mapped.find(bytes, 0);
        while let Some(c) = text[at..].chars().next() {
            let end = at + c.len_utf8();
            if let Some(ascii) = replacement(c) {
                out.reserve(text.len() - copied);
                out.push_str(&text[copied..at]);
                out.push_str(ascii);
                copied = end;
            }
            at = self.mapped.find(bytes, end);
        }
        if copied == 0 {
            return Ok(Cow::Borrowed(text));
        }
        out.push_str(&text[copied..]);
        Ok(Cow::Owned(out))
    }
}

/// Data-Juicer's `punctuation_unicode`.
fn replacement(c: char) -> Option<&'static str> {
    Some(match c {
        '，' | '、' => ",",
        '。' => ".",
        '„' | '”' | '“' | '«' | '»' | '１' | '」' | '「' | '《' | '》' => "\"",
        '´' | '’' => "'",
        '∶' | '：' => ":",
        '？' => "?",
        '！' => "!",
        '（' => "(",
        '）' => ")",
        '；' => ";",
        '–' | '━' | '►' => "-",
        '—' => " - ",
        '．' => ". ",
        '～' => "~",
        '…' => "...",
        '〈' => "<",
        '〉' => ">",
        '【' => "[",
        '】' => "]",
        '％' => "%",
        _ => return None,
    })
}
