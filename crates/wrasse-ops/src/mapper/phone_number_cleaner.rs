//! `phone_number_cleaner` puts `<tel>` for Chinese telephone numbers.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::chars::is_digit;
use crate::datamate::Bounded;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<PhoneNumberCleaner>(
    "phone_number_cleaner",
    "Replaces Chinese telephone numbers by `<tel>`.",
)
.details(
    "Mobile numbers (1, then 3 to 9, then nine digits, in groups of 3, 4 and 4) and fixed ones with their \
     area code, with or without 86 before them; no digit may stand before or behind. The pattern is the \
     original's, and a loose one: it takes other numbers of that length too.",
)
.origin("DataMate")
.aliases(&["AnonymizedPhoneNumber"])
.examples(&[Example {
    about: "a mobile number",
    params: "{}",
    input: &[r#"{"text": "call (86)138-1234-5678 now"}"#],
    output: &[r#"{"text": "call <tel> now"}"#],
}]);

/// Parameters of `phone_number_cleaner`: none.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

pub(crate) struct PhoneNumberCleaner(Bounded);

impl Configured for PhoneNumberCleaner {
    type Params = Params;

    fn new(_: Params, _: &Common) -> Result<Self, ParamError> {
        let prefix = r"([(（]?\+?(00)?86[)）]?[- ]?)?";
        let mobile = r"1[3-9]\d[- ]?\d{4}[- ]?\d{4}";
        let fixed = r"[(（]?(0?[12]\d)[)）]?[ -]?[2-8]\d{3}[ -]?\d{4}|[(（]?(0?[3-9]\d{2})[)）]?[ -]?[2-8]\d{2}\d?[ -]?\d{4}";
        let pattern = format!("{prefix}({mobile}|{fixed})");
        let digits: (&str, fn(char) -> bool) = (r"\d", is_digit);
        Ok(Self(Bounded::new(&pattern, digits, digits)))
    }
}

impl TextMapper for PhoneNumberCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        Ok(self.0.replace_all(text, "<tel>"))
    }
}
