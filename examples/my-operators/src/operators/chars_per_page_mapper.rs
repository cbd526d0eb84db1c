//! `chars_per_page_mapper` reads one field, writes another, and has a bug.

use serde::Deserialize;
use wrasse_op::{Common, Configured, Example, Mapper, OpError, OpSpec, ParamError, Sample};

pub(crate) const SPEC: OpSpec = OpSpec::mapper::<CharsPerPageMapper>(
    "chars_per_page_mapper",
    "Writes how many characters a page has into a field.",
)
.details("The number of pages comes from the field `pages`; the result goes to `chars_per_page`, rounded down.")
.origin("my-operators")
.examples(&[
    Example {
        about: "the other fields stay as they are",
        params: "{}",
        input: &[r#"{"text": "twelve chars", "pages": 5}"#],
        output: &[r#"{"text": "twelve chars", "pages": 5, "chars_per_page": 2}"#],
    },
]);

/// Parameters of `chars_per_page_mapper`.
#[derive(Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {}

pub(crate) struct CharsPerPageMapper {
    text_key: String,
}

impl Configured for CharsPerPageMapper {
    type Params = Params;

    fn new(_: Params, common: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            text_key: common.text_key.clone(),
        })
    }
}

impl Mapper for CharsPerPageMapper {
    fn map(&self, sample: &mut Sample) -> Result<(), OpError> {
        let n_chars = sample.text(&self.text_key)?.n_chars();
        let pages = sample.value("pages")?.and_then(|pages| pages.as_u64());
        let Some(pages) = pages else {
            // What an operator foresees is an error with a message of its own.
            return Err(OpError::bad_sample("field `pages` is no whole number"));
        };
        // What it does not foresee, no pages at all, is a panic: a bug, left in to
        // show that it costs this sample and not the run.
        let chars_per_page = n_chars as u64 / pages;
        sample.set_value("chars_per_page", &chars_per_page.into());
        Ok(())
    }
}
