//! `duplicate_sentences_filter` removes lines that a text repeats.

use std::borrow::Cow;
use std::collections::HashMap;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::{NoParams, ORIGIN};
use crate::unicode::strip;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<DuplicateSentencesFilter>(
    "duplicate_sentences_filter",
    "Removes lines that a text has five times or more, but for the first.",
)
.aliases(&["DuplicateSentencesFilter"])
.details("Lines are compared without white space at both ends; empty lines and the bare tags of tables (`<table>`, `<tbody>`, `<tr>`, `<td>` and what closes them) always stay. A filter by name only: it rewrites texts.")
.origin(ORIGIN)
.examples(&[Example {
    about: "keeps the first of five",
    params: "{}",
    input: &[r#"{"text": "a\nx\n x\nb\nb\nx\nx \nx"}"#],
    output: &[r#"{"text": "a\nx\nb\nb"}"#],
}]);

const N_REPEATED: usize = 5;

pub(crate) struct DuplicateSentencesFilter;

impl Configured for DuplicateSentencesFilter {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl TextMapper for DuplicateSentencesFilter {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let mut is_repeated = false;
        for line in text.split('\n') {
            let key = strip(line);
            if !is_trusted(key) {
                let count = counts.entry(key).or_default();
                *count += 1;
                is_repeated |= *count == N_REPEATED;
            }
        }
        if !is_repeated {
            return Ok(Cow::Borrowed(text));
        }
        let mut out = String::with_capacity(text.len());
        for line in text.split('\n') {
            match counts.get_mut(strip(line)) {
                // The first is kept, and says so to the others.
                Some(count) if *count >= N_REPEATED => *count = 0,
                Some(0) => continue,
                _ => {}
            }
            out.push_str(line);
            out.push('\n');
        }
        out.pop();
        Ok(Cow::Owned(out))
    }
}

fn is_trusted(line: &str) -> bool {
    let tag = line.strip_prefix("</").or_else(|| line.strip_prefix('<'));
    line.is_empty() || tag.is_some_and(|tag| matches!(tag, "table>" | "tbody>" | "tr>" | "td>"))
}
