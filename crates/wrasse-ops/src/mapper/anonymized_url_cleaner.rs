//! `anonymized_url_cleaner` replaces web addresses.

use std::borrow::Cow;

use regex::Regex;
use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::{ORIGIN, replace_ranges};
use crate::no_params::NoParams;
use crate::pattern::fixed;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<AnonymizedUrlCleaner>(
    "anonymized_url_cleaner",
    "Replaces web addresses by `<url>`.",
)
.aliases(&["AnonymizedUrlCleaner"])
.details("An address begins with `http://`, `https://`, `ftp://`, `file://`, or with `www.` behind anything but an ASCII letter, a hyphen or a point; it goes on as long as there are ASCII letters, digits and symbols that addresses have, except symbols that end a sentence (such as `.`, `,` and `)`) at its end. Schemes are in lower case.")
.origin(ORIGIN)
.examples(&[Example {
    about: "leaves what ends the sentence",
    params: "{}",
    input: &[r#"{"text": "见https://example.com/a?b=1，or (www.example.com/x). awww.x.y"}"#],
    output: &[r#"{"text": "见<url>，or (<url>). awww.x.y"}"#],
}]);

pub(crate) struct AnonymizedUrlCleaner {
    address: Regex,
}

impl Configured for AnonymizedUrlCleaner {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        // The longest stretch that ends well: what follows it cannot end one,
        // which the original asks for with a look-ahead.
        let address = fixed(
            r"(?:(?:https?|ftp|file)://|www\.)[-A-Za-z0-9+&@()#/%?=^~_|!:,.;]+[-A-Za-z0-9+&@#/%=~_|]",
        );
        Ok(Self { address })
    }
}

impl TextMapper for AnonymizedUrlCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let bytes = text.as_bytes();
        let mut at = 0;
        let addresses = std::iter::from_fn(|| {
            loop {
                let found = self.address.find_at(text, at)?;
                let is_inside =
                    |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'.');
                let before = found.start().checked_sub(1).map(|at| &bytes[at]);
                if bytes[found.start()] == b'w' && before.is_some_and(is_inside) {
                    at = found.start() + 1;
                    continue;
                }
                at = found.end();
                return Some(found.range());
            }
        });
        Ok(replace_ranges(text, addresses, "<url>"))
    }
}
