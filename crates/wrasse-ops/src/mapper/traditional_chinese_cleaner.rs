//! `traditional_chinese_cleaner` turns traditional Chinese into simplified.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::{Edit, NoParams, ORIGIN, edit_chars, first_bytes, unless_same};
use crate::opencc::{Converter, Mode};
use crate::scan::FirstBytes;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<TraditionalChineseCleaner>(
    "traditional_chinese_cleaner",
    "Turns traditional Chinese into simplified Chinese.",
)
.aliases(&["TraditionalChineseCleaner"])
.details("Goes by OpenCC's tables for `t2s` (Apache-2.0). The original's package, zhconv, goes by MediaWiki's, whose licence does not allow them here; the two agree but for rare variants of characters and some words. What MediaWiki has beyond OpenCC and is common is done as well: corner brackets become quotation marks, `瞭` becomes `了`, and some variants in old texts, such as `廻` and `粧`, become standard characters.")
.origin(ORIGIN)
.examples(&[Example {
    about: "turns characters and quotation marks into those of the mainland",
    params: "{}",
    input: &[r#"{"text": "這是繁體中文，「乾坤」與乾燥。"}"#],
    output: &[r#"{"text": "这是繁体中文，“乾坤”与干燥。"}"#],
}]);

/// What MediaWiki's tables have and OpenCC's do not.
fn edit(c: char) -> Edit {
    Edit::Put(match c {
        '「' => '“',
        '」' => '”',
        '『' => '‘',
        '』' => '’',
        '牴' => '抵',
        '瞭' => '了',
        '効' => '效',
        '疎' => '疏',
        '徧' => '遍',
        '簷' => '檐',
        '慙' => '惭',
        '穽' => '阱',
        '趂' => '趁',
        '廻' => '回',
        '閙' => '闹',
        '瘖' => '喑',
        '媿' => '愧',
        '粧' => '妆',
        '乹' => '干',
        '廐' => '厩',
        '貍' => '狸',
        '遯' => '遁',
        '褭' => '袅',
        '頼' => '赖',
        '遶' => '绕',
        '秖' => '只',
        _ => return Edit::Keep,
    })
}

pub(crate) struct TraditionalChineseCleaner {
    first: FirstBytes,
    converter: Converter,
}

impl Configured for TraditionalChineseCleaner {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            first: first_bytes(edit),
            converter: Converter::new(Mode::T2s),
        })
    }
}

impl TextMapper for TraditionalChineseCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        if text.is_ascii() {
            return Ok(Cow::Borrowed(text));
        }
        let simplified = self.converter.convert(text);
        let simplified = edit_chars(&simplified, &self.first, edit).into_owned();
        Ok(unless_same(simplified, text))
    }
}
