//! `remove_non_chinese_character_mapper` keeps Chinese characters, and little
//! else.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<RemoveNonChineseCharacterMapper>(
    "remove_non_chinese_character_mapper",
    "Removes all but Chinese characters and, if wanted, letters, digits and punctuation.",
)
.details("Chinese characters are those from U+4E00 to U+9FA5. Letters are `A-Z` and `a-z`, digits `0-9`, and punctuation is the plain space and `.,-%*/&()+:!` with `，。《》•、＆（—）：？！“”·`; half-width `?`, `:` and `;` are not among it. Line ends and tabs are always removed.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "keeps letters, digits and punctuation by default",
        params: "{}",
        input: &[r#"{"text": "特殊♡符号 é, 123!\n（日本のだ）"}"#],
        output: &[r#"{"text": "特殊符号 , 123!（日本）"}"#],
    },
    Example {
        about: "keeps Chinese characters alone",
        params: r#"{"keep_alphabet": false, "keep_number": false, "keep_punc": false}"#,
        input: &[r#"{"text": "数据 data 2024，好。"}"#],
        output: &[r#"{"text": "数据好"}"#],
    },
]);

/// Parameters of `remove_non_chinese_character_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// Keep the letters `A-Z` and `a-z`.
    keep_alphabet: bool,
    /// Keep the digits `0-9`.
    keep_number: bool,
    /// Keep spaces and punctuation.
    keep_punc: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            keep_alphabet: true,
            keep_number: true,
            keep_punc: true,
        }
    }
}

pub(crate) struct RemoveNonChineseCharacterMapper {
    /// Which ASCII characters stay.
    ascii: [bool; 128],
    keep_punc: bool,
}

impl Configured for RemoveNonChineseCharacterMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        let mut ascii = [false; 128];
        for (byte, keeps) in (0_u8..).zip(&mut ascii) {
            *keeps = params.keep_alphabet && byte.is_ascii_alphabetic()
                || params.keep_number && byte.is_ascii_digit()
                || params.keep_punc && b". ,-%*/&()+!".contains(&byte);
        }
        Ok(Self {
            ascii,
            keep_punc: params.keep_punc,
        })
    }
}

impl RemoveNonChineseCharacterMapper {
    #[inline]
    fn keeps(&self, c: char) -> bool {
        match c {
            '\0'..='\x7f' => self.ascii[c as usize],
            '\u{4e00}'..='\u{9fa5}' => true,
            '，' | '。' | '《' | '》' | '•' | '、' | '＆' | '—' | '（' | '）' | '：' | '？' | '！'
            | '“' | '”' | '·' => self.keep_punc,
            _ => false,
        }
    }
}

impl TextMapper for RemoveNonChineseCharacterMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let text = text.as_str();
        let Some(first) = text.find(|c| !self.keeps(c)) else {
            return Ok(Cow::Borrowed(text));
        };
        let mut out = String::with_capacity(text.len());
        out.push_str(&text[..first]);
        let mut rest = &text[first..];
        while let Some(start) = rest.find(|c| self.keeps(c)) {
            let kept = &rest[start..];
            let end = kept.find(|c| !self.keeps(c)).unwrap_or(kept.len());
            out.push_str(&kept[..end]);
            rest = &kept[end..];
        }
        Ok(Cow::Owned(out))
    }
}
