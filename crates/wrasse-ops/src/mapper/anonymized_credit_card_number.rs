//! `anonymized_credit_card_number` replaces credit card numbers.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::chars::{digit_value, is_digit};
use crate::datamate::{Bounded, ORIGIN, replace_ranges};
use crate::no_params::NoParams;
use crate::pii::luhn;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<AnonymizedCreditCardNumber>(
    "anonymized_credit_card_number",
    "Replaces credit card numbers by `<credit_card_number>`.",
)
.aliases(&["AnonymizedCreditCardNumber"])
.details("Takes numbers of American Express, China UnionPay, Diners Club, Discover, JCB, Mastercard and Visa (16 digits), in groups that may be apart by a space or a hyphen, whose check digit is right (Luhn). There must be no digit on either side. As in the original, whose pattern for JCB has an *or* too many, any eight digits whose check digit is right count as well: one in ten dates such as `20240102` does.")
.origin(ORIGIN)
.examples(&[Example {
    about: "replaces numbers whose check digit is right",
    params: "{}",
    input: &[r#"{"text": "卡号4111-1111-1111-1111，不是 4111111111111112"}"#],
    output: &[r#"{"text": "卡号<credit_card_number>，不是 4111111111111112"}"#],
}]);

const PATTERN: &str = concat!(
    // American Express
    "3[47][0-9]{2}[- ]?[0-9]{6}[- ]?[0-9]{5}",
    // China UnionPay
    r"|6[02]\d{2}(?:[- ]?\d{4}){3}",
    // Diners Club
    r"|(?:30[0-5]\d|3[689]\d{2}|3095)[- ]?[0-9]{6}[- ]?[0-9]{4}",
    // Discover
    r"|(?:64[4-9]\d|65\d{2}|6011)(?:[- ]?\d{4}){3}",
    // JCB, and eight digits
    r"|(?:352[89]|35[3-8]\d)[- ]?[0-9]{4}(?:[- ]?\d{4}){2}|[- ]?[0-9]{8}",
    // Mastercard
    r"|(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)(?:[- ]?\d{4}){3}",
    // Visa
    r"|4\d{3}(?:[- ]?\d{4}){3}",
);

pub(crate) struct AnonymizedCreditCardNumber {
    number: Bounded,
}

impl Configured for AnonymizedCreditCardNumber {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        let number = Bounded::new(r"\D", PATTERN, r"\D");
        Ok(Self { number })
    }
}

impl TextMapper for AnonymizedCreditCardNumber {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let mut ranks = HashMap::new();
        for found in self.number.find_all(text) {
            let number = &text[found];
            if is_checked(number) {
                let rank = ranks.len();
                ranks.entry(number).or_insert(rank);
            }
        }
        if ranks.is_empty() {
            return Ok(Cow::Borrowed(text));
        }
        let places = places(text, &ranks);
        Ok(replace_ranges(text, places, "<credit_card_number>"))
    }
}

/// Whether the check digit is right.
fn is_checked(number: &str) -> bool {
    luhn(number.chars().rev().filter_map(digit_value))
}

/// Where numbers stand by themselves, each also where another match hid it.
/// They are looked for in the order in which they were found, so that of two
/// that overlap the first of that order is taken.
fn places(text: &str, ranks: &HashMap<&str, usize>) -> Vec<Range<usize>> {
    let lengths: HashSet<usize> = ranks.keys().map(|number| number.len()).collect();
    let mut lengths: Vec<usize> = lengths.into_iter().collect();
    lengths.sort_unstable();
    let mut places = Vec::new();
    let mut after_digit = false;
    for (start, c) in text.char_indices() {
        let now_digit = is_digit(c);
        if !after_digit && (now_digit || matches!(c, ' ' | '-')) {
            for length in &lengths {
                let end = start + length;
                let rank = text.get(start..end).and_then(|number| ranks.get(number));
                let is_end = |rest: &str| !rest.chars().next().is_some_and(is_digit);
                if let Some(rank) = rank
                    && is_end(&text[end..])
                {
                    places.push((*rank, start..end));
                }
            }
        }
        after_digit = now_digit;
    }
    places.sort_by_key(|(rank, place)| (*rank, place.start));
    let mut taken: std::collections::BTreeMap<usize, usize> = Default::default();
    for (_, place) in places {
        let before = taken.range(..place.end).next_back();
        if before.is_none_or(|(_, end)| *end <= place.start) {
            taken.insert(place.start, place.end);
        }
    }
    taken.into_iter().map(|(start, end)| start..end).collect()
}
