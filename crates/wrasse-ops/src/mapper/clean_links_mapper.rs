//! `clean_links_mapper` removes links.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::clean::Clean;
use crate::links;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<CleanLinksMapper>(
    "clean_links_mapper",
    "Removes links, or replaces them.",
)
.details("Patterns and replacements are those of `replace_content_mapper`. The default pattern is the original's: anything with a scheme (`https:`, `mailto:`, but also `note:this` and `std::vec`), what begins with `www.`, and host names with a path (`t.co/abc`). It ends at white space, `<`, `>` or an unpaired parenthesis, and leaves punctuation at its end. Chinese text without a space after a link goes with it, and a link right behind a Chinese character stays, since both are word characters.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "removes links and leaves punctuation",
        params: "{}",
        input: &[r#"{"text": "See https://example.org/a_(b)?c=d, www.example.org and t.co/abc."}"#],
        output: &[r#"{"text": "See ,  and ."}"#],
    },
    Example {
        about: "replaces links",
        params: r#"{"repl": "<\\1>"}"#,
        input: &[r#"{"text": "(HTTP://A.EXAMPLE)"}"#],
        output: &[r#"{"text": "(<HTTP://A.EXAMPLE>)"}"#],
    },
]);

/// Parameters of `clean_links_mapper`.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The pattern of what to remove, in Python's syntax; if null the
    /// original's pattern for links.
    pattern: Option<String>,
    /// What to put in its place.
    repl: String,
}

pub(crate) struct CleanLinksMapper(Clean);

impl Configured for CleanLinksMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        // The first group of the pattern is the whole link.
        Clean::new(
            params.pattern.as_deref(),
            &params.repl,
            links::PATTERN,
            links::find,
            2,
        )
        .map(Self)
    }
}

impl TextMapper for CleanLinksMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        self.0.map(text)
    }
}
