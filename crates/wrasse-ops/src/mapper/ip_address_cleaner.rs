//! `ip_address_cleaner` puts `<ip>` for IP addresses.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use regex::Regex;

use crate::chars::is_digit;
use crate::datamate::Bounded;
use crate::pattern::fixed;
use crate::unicode;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<IpAddressCleaner>(
    "ip_address_cleaner",
    "Replaces IP addresses by `<ip>`, and removes white space around lines.",
)
.details(
    "Addresses of versions 4 and 6 that are valid. Of four single digits (`1.2.3.4`), which may be the \
     number of a section, only those are replaced in whose line one follows the word IP.",
)
.origin("DataMate")
.aliases(&["AnonymizedIpAddress"])
.examples(&[Example {
    about: "the number of a section stays",
    params: "{}",
    input: &[r#"{"text": "1.2.3.4 Setup\n  host 10.0.0.1, fe80::1\nip: 8.8.8.8"}"#],
    output: &[r#"{"text": "1.2.3.4 Setup\nhost <ip>, <ip>\nip: <ip>"}"#],
}]);

/// Parameters of `ip_address_cleaner`: none.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

pub(crate) struct IpAddressCleaner {
    v4: Bounded,
    single_digits: Bounded,
}

impl Configured for IpAddressCleaner {
    type Params = Params;

    fn new(_: Params, _: &Common) -> Result<Self, ParamError> {
        let class: (&str, fn(char) -> bool) = (r"\d.", |c| c == '.' || is_digit(c));
        let v4 = r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}";
        Ok(Self {
            v4: Bounded::new(v4, class, class),
            single_digits: Bounded::new(r"\d\.\d\.\d\.\d", class, class),
        })
    }
}

impl TextMapper for IpAddressCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let lines: Vec<Cow<'_, str>> = text.split('\n').map(|line| self.line(line)).collect();
        if lines.iter().zip(text.split('\n')).all(|(new, old)| new.len() == old.len()) {
            return Ok(Cow::Borrowed(text));
        }
        Ok(lines.join("\n").into())
    }
}

/// The word before an address of single digits.
static PREFIX: LazyLock<Regex> =
    LazyLock::new(|| fixed(r"(?i)ip(?:地址| address|v4)?[ :：]*$"));

impl IpAddressCleaner {
    fn line<'t>(&self, line: &'t str) -> Cow<'t, str> {
        let mut out = Cow::Borrowed(line);
        let spans = match line.contains('.') {
            true => self.v4.spans(line),
            false => Vec::new(),
        };
        for (start, end) in spans {
            let address = &line[start..end];
            if address.parse::<Ipv4Addr>().is_err() {
                continue;
            }
            let new = if address.len() > "1.2.3.4".len() {
                self.v4.replace_literal(&out, address, "<ip>", usize::MAX)
            } else if self.is_announced(&out, address) {
                self.single_digits.replace_all(&out, "<ip>").into_owned()
            } else {
                continue;
            };
            out = Cow::Owned(new);
        }
        let out = match out {
            Cow::Borrowed(line) => v6(line),
            Cow::Owned(line) => Cow::Owned(v6(&line).into_owned()),
        };
        match out {
            Cow::Borrowed(line) => Cow::Borrowed(unicode::strip(line)),
            Cow::Owned(line) => Cow::Owned(unicode::strip(&line).to_owned()),
        }
    }

    /// Whether an address stands somewhere behind the word IP.
    fn is_announced(&self, line: &str, address: &str) -> bool {
        let mut at = 0;
        while let Some(found) = line[at..].find(address) {
            let (start, end) = (at + found, at + found + address.len());
            let before = &line[..start];
            let is_free = |c: char| c == '.' || is_digit(c);
            if !before.ends_with(is_free)
                && !line[end..].starts_with(is_free)
                && PREFIX.is_match(before)
            {
                return true;
            }
            at = start + 1;
        }
        false
    }
}

/// Replaces runs of hexadecimal digits and colons that are addresses.
fn v6(line: &str) -> Cow<'_, str> {
    if !line.contains(':') {
        return Cow::Borrowed(line);
    }
    let is_part = |c: char| c.is_ascii_hexdigit() || c == ':';
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = line[at..].find(is_part) {
        let start = at + found;
        let rest = &line[start..];
        let end = start + rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let run = &line[start..end];
        if run.contains(':') && run.parse::<Ipv6Addr>().is_ok() {
            out.push_str(&line[copied..start]);
            out.push_str("<ip>");
            copied = end;
        }
        at = end;
    }
    if copied == 0 {
        return Cow::Borrowed(line);
    }
    out.push_str(&line[copied..]);
    Cow::Owned(out)
}
