//! `anonymized_phone_number` replaces Chinese phone numbers.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::{Bounded, ORIGIN, replace_ranges};
use crate::no_params::NoParams;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<AnonymizedPhoneNumber>(
    "anonymized_phone_number",
    "Replaces phone numbers of mainland China by `<tel>`.",
)
.aliases(&["AnonymizedPhoneNumber"])
.details("Takes mobile numbers (`1[3-9]` and nine digits, in groups of 3, 4 and 4) and landlines (area code with or without its zero, then seven or eight digits), with or without `+86` in its usual forms; groups may be apart by one space or hyphen. Digits of any script count. There must be no digit on either side. As in the original, that is all that is asked: many numbers of 9 to 12 digits in code and tables look like landlines.")
.origin(ORIGIN)
.examples(&[Example {
    about: "replaces mobile and landline numbers",
    params: "{}",
    input: &[r#"{"text": "电话：+86 138-0013-8000 或 (010) 8888-6666，编号 1234"}"#],
    output: &[r#"{"text": "电话：<tel> 或 <tel>，编号 1234"}"#],
}]);

pub(crate) struct AnonymizedPhoneNumber {
    number: Bounded,
}

impl Configured for AnonymizedPhoneNumber {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        let country = r"(?:[(（]?\+?(?:00)?86[)）]?[- ]?)?";
        let mobile = r"1[3-9]\d[- ]?\d{4}[- ]?\d{4}";
        let two = r"[(（]?0?[12]\d[)）]?[ -]?[2-8]\d{3}[ -]?\d{4}";
        let three = r"[(（]?0?[3-9]\d{2}[)）]?[ -]?[2-8]\d{2}\d?[ -]?\d{4}";
        let pattern = format!("{country}(?:{mobile}|{two}|{three})");
        let number = Bounded::new(r"\D", &pattern, r"\D");
        Ok(Self { number })
    }
}

impl TextMapper for AnonymizedPhoneNumber {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        Ok(replace_ranges(text, self.number.find_all(text), "<tel>"))
    }
}
