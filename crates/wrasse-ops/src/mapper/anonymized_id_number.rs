//! `anonymized_id_number` replaces Chinese identity numbers.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::{Bounded, ORIGIN, replace_ranges};
use crate::no_params::NoParams;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<AnonymizedIdNumber>(
    "anonymized_id_number",
    "Replaces identity numbers of mainland China by `<id>`.",
)
.aliases(&["AnonymizedIdNumber"])
.details("Takes 18 characters that look like an identity number: an area code within the ranges in use, a date of birth from 1800 to 2099, and three digits and a check character. There must be no ASCII digit before, and neither a digit nor an `x` behind. The original computes the check character, too, but takes numbers that fail it all the same; so does this.")
.origin(ORIGIN)
.examples(&[Example {
    about: "replaces identity numbers, the check character right or wrong",
    params: "{}",
    input: &[r#"{"text": "身份证11010519491231002X，或 110105194912310021；1101051949123100"}"#],
    output: &[r#"{"text": "身份证<id>，或 <id>；1101051949123100"}"#],
}]);

const PATTERN: &str = concat!(
    "(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|81|82)",
    "(?:[0-2][0-9]|3[0-4]|4[0-3]|5[1-3]|90)",
    "(?:[0-3][0-9]|4[0-3]|5[1-7]|6[1-4]|7[1-4]|8[1-7])",
    r"(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])",
    r"\d{3}[0-9xX]",
);

pub(crate) struct AnonymizedIdNumber {
    number: Bounded,
}

impl Configured for AnonymizedIdNumber {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        let number = Bounded::new("[^0-9]", PATTERN, "[^0-9xX]");
        Ok(Self { number })
    }
}

impl TextMapper for AnonymizedIdNumber {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        Ok(replace_ranges(text, self.number.find_all(text), "<id>"))
    }
}
