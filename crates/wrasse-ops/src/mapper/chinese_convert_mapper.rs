//! `chinese_convert_mapper` converts between variants of Chinese.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::opencc::{Converter, Mode};

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<ChineseConvertMapper>(
    "chinese_convert_mapper",
    "Converts between simplified and traditional Chinese, their regional variants, and Japanese kanji.",
)
.details("The dictionaries and their order are those of OpenCC 1.1.9. Modes: `s2t` and `t2s` (simplified and traditional), `s2tw` and `tw2s` (Taiwan), `s2hk` and `hk2s` (Hong Kong), `s2twp` and `tw2sp` (Taiwan, with its words for things), `t2tw`, `tw2t`, `t2hk` and `hk2t` (between traditional variants), `t2jp` and `jp2t` (old and new Japanese kanji).\n\nAs in the original, a text ends at its first U+0000: what stands behind it is lost.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "converts phrases, not characters alone",
        params: "{}",
        input: &[r#"{"text": "头发和发现，皇后在后面。"}"#],
        output: &[r#"{"text": "頭髮和發現，皇后在後面。"}"#],
    },
    Example {
        about: "takes over Taiwan's words",
        params: r#"{"mode": "s2twp"}"#,
        input: &[r#"{"text": "鼠标和软件"}"#],
        output: &[r#"{"text": "滑鼠和軟體"}"#],
    },
]);

/// Parameters of `chinese_convert_mapper`.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// From what into what to convert.
    mode: Mode,
}

pub(crate) struct ChineseConvertMapper(Converter);

impl Configured for ChineseConvertMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self(Converter::new(params.mode)))
    }
}

impl TextMapper for ChineseConvertMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let text = text.as_str();
        let text = &text[..memchr::memchr(0, text.as_bytes()).unwrap_or(text.len())];
        Ok(self.0.convert(text))
    }
}
