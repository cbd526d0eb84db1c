//! `legend_cleaner` removes captions of figures and tables.

use std::borrow::Cow;

use regex::Regex;
use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::{ORIGIN, unless_same};
use crate::no_params::NoParams;
use crate::pattern::fixed;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<LegendCleaner>(
    "legend_cleaner",
    "Removes lines that are captions of figures and tables.",
)
.aliases(&["LegendCleaner"])
.details("A caption is a line that begins with `图`, `表`, `图片`, `表格`, `Figure`, `Table`, `Fig` or `Fig.` in any case, any number of spaces, a number (such as `3`, `2.1-4`, `S1` or `B.2`; one or two letters are a number, too, so that lines such as `Figures show that ...` and `Table of contents` go as well), and one space or more.")
.origin(ORIGIN)
.examples(&[Example {
    about: "removes captions",
    params: "{}",
    input: &[r#"{"text": "正文\n图 1.2 机器学习流程\nFigure 3: Overview\nTabular data\n"}"#],
    output: &[r#"{"text": "正文\nTabular data\n"}"#],
}]);

pub(crate) struct LegendCleaner {
    caption: Regex,
}

impl Configured for LegendCleaner {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        // In Python, `i` in any case is also `İ` and `ı`, and `s` is `ſ`.
        let caption = fixed(concat!(
            r"\A(?i:(?:图片?|表格?) *(?:\d+(?:[.-]\d+)*|[a-zİı]{1,2}(?:[.-]\d+)*) +",
            r"|(?:F[iİı]gure|Table|F[iİı]g\.?) *",
            r"(?:S?\d+(?:[.-]\d+)*|[a-zİı]{1,2}\d?(?:[.-]\d+)*)[.:]? +)",
        ));
        Ok(Self { caption })
    }
}

impl TextMapper for LegendCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let is_caption = |line: &str| {
            let first = line.chars().next();
            first.is_some_and(|c| matches!(c, '图' | '表' | 'F' | 'f' | 'T' | 't'))
                && self.caption.is_match(line)
        };
        let mut out = String::with_capacity(text.len() + 1);
        for line in text.split('\n').filter(|line| !is_caption(line)) {
            out.push_str(line);
            out.push('\n');
        }
        out.pop();
        Ok(unless_same(out, text))
    }
}
