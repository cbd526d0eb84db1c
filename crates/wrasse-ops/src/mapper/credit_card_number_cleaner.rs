//! `credit_card_number_cleaner` puts `<credit_card_number>` for credit card numbers.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::chars::is_digit;
use crate::datamate::Bounded;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<CreditCardNumberCleaner>(
    "credit_card_number_cleaner",
    "Replaces credit card numbers whose check digit is right by `<credit_card_number>`.",
)
.details(
    "American Express, China UnionPay, Diners Club, Discover, JCB, Mastercard and Visa, in groups with \
     spaces or hyphens between or without; the check digit is that of Luhn. No digit may stand before or \
     behind.",
)
.origin("DataMate")
.aliases(&["AnonymizedCreditCardNumber"])
.examples(&[Example {
    about: "the check digit decides",
    params: "{}",
    input: &[r#"{"text": "4111 1111 1111 1111 or 4111 1111 1111 1112"}"#],
    output: &[r#"{"text": "<credit_card_number> or 4111 1111 1111 1112"}"#],
}]);

/// Parameters of `credit_card_number_cleaner`: none.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

pub(crate) struct CreditCardNumberCleaner(Bounded);

impl Configured for CreditCardNumberCleaner {
    type Params = Params;

    fn new(_: Params, _: &Common) -> Result<Self, ParamError> {
        let s = "([- ]?)";
        let brands = [
            format!(r"3[47][0-9]{{2}}{s}[0-9]{{6}}{s}[0-9]{{5}}"),
            format!(r"(6[02]\d{{2}})({s}\d{{4}}){{3}}"),
            format!(r"(30[0-5]\d|3[689]\d{{2}}|3095){s}[0-9]{{6}}{s}[0-9]{{4}}"),
            format!(r"(64[4-9]\d|65\d{{2}}|6011)({s}\d{{4}}){{3}}"),
            format!(r"(352[89]|35[3-8]\d){s}[0-9]{{4}}(({s}\d{{4}}){{2}})|{s}[0-9]{{8}}"),
            format!(
                r"(5[1-5]\d{{2}}|222[1-9]|22[3-9]\d|2[3-6]\d{{2}}|27[01]\d|2720)({s}\d{{4}}){{3}}"
            ),
            format!(r"4\d{{3}}({s}\d{{4}}){{3}}"),
        ];
        let digits: (&str, fn(char) -> bool) = (r"\d", is_digit);
        Ok(Self(Bounded::new(&brands.join("|"), digits, digits)))
    }
}

impl TextMapper for CreditCardNumberCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let mut out = Cow::Borrowed(text.as_str());
        for (start, end) in self.0.spans(text) {
            let number = &text[start..end];
            if is_luhn(number) {
                let new = self.0.replace_literal(&out, number, "<credit_card_number>", usize::MAX);
                out = Cow::Owned(new);
            }
        }
        Ok(out)
    }
}

/// Whether the last digit is the check digit of those before it.
fn is_luhn(number: &str) -> bool {
    let digits = number.chars().rev().filter_map(|c| c.to_digit(10));
    let sum: u32 = digits
        .enumerate()
        .map(|(i, digit)| match i % 2 {
            0 => digit,
            _ => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}
