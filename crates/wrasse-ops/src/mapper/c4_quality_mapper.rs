//! `c4_quality_mapper` removes the lines that C4 removes.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::c4::{Line, Params};
use crate::unicode::strip;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<C4QualityMapper>(
    "c4_quality_mapper",
    "Removes lines that are no prose by the rules of C4, and citations.",
)
.details(
    "Lines that end without a stop mark, are short, mention JavaScript or cookies, or have a \
     word without end are removed; the others are stripped of white space and of citations. The \
     rules and their order are those of `c4_quality_filter`, which decides about whole samples \
     by the same lines; put it before this mapper. Lines for which it would drop the sample are \
     removed as well; `min_num_sentences` has no effect here.",
)
.origin("datatrove 0.10, Raffel et al. 2020 (C4)")
.examples(&[Example {
    about: "keeps lines that are prose",
    params: "{}",
    input: &[r#"{"text": "Home | About\n The plan was good.[3]\nThis site uses cookies to work.\nOops."}"#],
    output: &[r#"{"text": "The plan was good."}"#],
}]);

pub(crate) struct C4QualityMapper {
    params: Params,
}

impl Configured for C4QualityMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        params.check()?;
        Ok(Self { params })
    }
}

impl TextMapper for C4QualityMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let mut kept = String::with_capacity(text.len());
        self.params.for_each_line(text, |line| {
            if let Line::Counts(line) = line {
                if !kept.is_empty() {
                    kept.push(self.params.separator());
                }
                kept.push_str(&line);
            }
        });
        Ok(Cow::Owned(strip(&kept).to_owned()))
    }
}
