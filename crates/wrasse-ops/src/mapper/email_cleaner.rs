//! `email_cleaner` puts `<email>` for e-mail addresses.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::Bounded;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<EmailCleaner>(
    "email_cleaner",
    "Replaces e-mail addresses that are valid by `<email>`.",
)
.details(
    "An address is valid if its local part and domain keep the rules of RFC 5322 without quotes and of \
     DNS, and the domain is none that is reserved (`test`, `local`, `invalid` and their like), as the \
     package `email-validator` sees it.",
)
.origin("DataMate")
.aliases(&["EmailNumberCleaner"])
.examples(&[Example {
    about: "one is no address",
    params: "{}",
    input: &[r#"{"text": "a.b@example.com, c@d"}"#],
    output: &[r#"{"text": "<email>, c@d"}"#],
}]);

/// Parameters of `email_cleaner`: none.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

pub(crate) struct EmailCleaner(Bounded);

impl Configured for EmailCleaner {
    type Params = Params;

    fn new(_: Params, _: &Common) -> Result<Self, ParamError> {
        const CLASS: &str = r"0-9a-zA-Z!#$%&'*+\-/=?^_`{|}~";
        let is_inner: fn(char) -> bool =
            |c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
        let pattern = r"[a-zA-Z\d.\-+_]+[\s\x1c-\x1f]?@[\s\x1c-\x1f]?[a-zA-Z\d.\-+_]+\.[a-zA-Z0-9]{2,6}";
        Ok(Self(Bounded::new(
            pattern,
            (CLASS, is_inner),
            (CLASS, is_inner),
        )))
    }
}

impl TextMapper for EmailCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let mut out = Cow::Borrowed(text.as_str());
        for (start, end) in self.0.spans(text) {
            let address = &text[start..end];
            if is_valid(address) {
                out = Cow::Owned(self.0.replace_literal(&out, address, "<email>", 1));
            }
        }
        Ok(out)
    }
}

/// Domains that no mail is sent to.
const RESERVED: [&str; 6] = ["arpa", "invalid", "local", "localhost", "onion", "test"];

fn is_valid(address: &str) -> bool {
    let Some((local, domain)) = address.split_once('@') else {
        return false;
    };
    let is_atom = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-+_".contains(&b))
    };
    let is_label = |label: &str| {
        let is_plain = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let is_encoded = label.len() >= 4 && &label[2..4] == "--";
        is_plain
            && (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && !is_encoded
    };
    let last = domain.rsplit('.').next().unwrap_or_default();
    let is_reserved = |name: &str| RESERVED.iter().any(|one| one.eq_ignore_ascii_case(name));
    local.len() <= 64
        && local.split('.').all(is_atom)
        && domain.is_ascii()
        && domain.len() <= 253
        && address.len() <= 254
        && domain.contains('.')
        && domain.split('.').all(is_label)
        && last.ends_with(|c: char| c.is_ascii_alphabetic())
        && !is_reserved(last)
}
