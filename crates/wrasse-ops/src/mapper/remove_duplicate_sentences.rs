//! `remove_duplicate_sentences` removes lines that a text repeats.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use std::collections::HashMap;

use crate::unicode;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<RemoveDuplicateSentences>(
    "remove_duplicate_sentences",
    "Of lines that occur five times or more in a text only the first stays.",
)
.details(
    "Lines are compared without white space around them. Empty lines and lines that are a tag of a table \
     are left alone.",
)
.origin("DataMate")
.aliases(&["DuplicateSentencesFilter"])
.examples(&[Example {
    about: "the sixth is the first",
    params: "{}",
    input: &[r#"{"text": "x\nx\n x\ny\nx\nx"}"#],
    output: &[r#"{"text": "x\ny"}"#],
}]);

/// Parameters of `remove_duplicate_sentences`: none.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

pub(crate) struct RemoveDuplicateSentences;

impl Configured for RemoveDuplicateSentences {
    type Params = Params;

    fn new(_: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl TextMapper for RemoveDuplicateSentences {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let counted = |line: &&str| !LEFT_ALONE.contains(line);
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for line in text.split('\n').map(unicode::strip).filter(counted) {
            *counts.entry(line).or_default() += 1;
        }
        if counts.values().all(|n| *n < REPEATED) {
            return Ok(Cow::Borrowed(text));
        }
        let kept: Vec<&str> = text
            .split('\n')
            .filter(|line| match counts.get_mut(unicode::strip(line)) {
                Some(0) => false,
                Some(n) if *n >= REPEATED => {
                    *n = 0;
                    true
                }
                _ => true,
            })
            .collect();
        Ok(kept.join("\n").into())
    }
}

/// Lines that occur so often are repeated.
const REPEATED: usize = 5;

const LEFT_ALONE: [&str; 9] = [
    "", "<table>", "<tbody>", "<tr>", "<td>", "</table>", "</tbody>", "</tr>", "</td>",
];
