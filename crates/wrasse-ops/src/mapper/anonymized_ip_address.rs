//! `anonymized_ip_address` replaces IP addresses.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr_iter;
use regex::Regex;
use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::chars::is_digit;
use crate::datamate::{ORIGIN, replace_ranges, unless_same};
use crate::no_params::NoParams;
use crate::pattern::fixed;
use crate::unicode::strip;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<AnonymizedIpAddress>(
    "anonymized_ip_address",
    "Replaces IP addresses of versions 4 and 6 by `<ip>`.",
)
.aliases(&["AnonymizedIpAddress"])
.details("An address of version 4 has neither a digit nor a point beside it. One of four single digits may be the number of a section: a line's addresses of that kind are replaced only if one of them stands behind `ip`, `ip地址`, `ip address` or `ipv4` in any case and any spaces and colons. An address of version 6 has neither a hexadecimal digit nor a colon beside it; of a mixed notation the parts are looked at apart. Quirks of the original that are kept: whatever reads as an address is one, such as `d::` in `std::vector` and a bare `::`; and every line loses white space at both ends.")
.origin(ORIGIN)
.examples(&[
    Example {
        about: "replaces addresses",
        params: "{}",
        input: &[r#"{"text": "from 192.168.0.1 to fe80::1%eth0, 10.0.0.300"}"#],
        output: &[r#"{"text": "from <ip> to <ip>%eth0, 10.0.0.300"}"#],
    },
    Example {
        about: "asks for the word where it may be a section",
        params: "{}",
        input: &[r#"{"text": "  see 1.2.3.4\nIP地址：8.8.8.8 and 1.1.1.1"}"#],
        output: &[r#"{"text": "see 1.2.3.4\nIP地址：<ip> and <ip>"}"#],
    },
]);

pub(crate) struct AnonymizedIpAddress {
    /// What stands before an address and says that it is one.
    word: Regex,
}

impl Configured for AnonymizedIpAddress {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        // In Python, `i` in any case is also `İ` and `ı`.
        let word = fixed(r"(?i:[iİı]p)(?:地址|(?i: address|v4))?[ :：]*\z");
        Ok(Self { word })
    }
}

impl TextMapper for AnonymizedIpAddress {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let mut out = String::with_capacity(text.len());
        for line in text.split('\n') {
            let line = replace_ranges(line, self.version_4(line), "<ip>");
            let line = replace_ranges(&line, version_6(&line), "<ip>");
            out.push_str(strip(&line));
            out.push('\n');
        }
        out.pop();
        Ok(unless_same(out, text))
    }
}

impl AnonymizedIpAddress {
    fn version_4(&self, line: &str) -> Vec<Range<usize>> {
        let mut addresses = Vec::new();
        let mut are_sections = true;
        for run in runs(line, b'.', |c| c == '.' || is_digit(c)) {
            let address = &line[run.clone()];
            if is_short(address) {
                let may_be_one = address.is_ascii();
                if may_be_one && are_sections && self.word.is_match(&line[..run.start]) {
                    are_sections = false;
                }
                addresses.push(run);
            } else if is_version_4(address) {
                addresses.push(run);
            }
        }
        if are_sections {
            addresses.retain(|run| !is_short(&line[run.clone()]));
        }
        addresses
    }
}

fn version_6(line: &str) -> Vec<Range<usize>> {
    runs(line, b':', |c| c == ':' || c.is_ascii_hexdigit())
        .filter(|run| is_version_6(&line[run.clone()]))
        .collect()
}

/// The longest stretches of characters of a class that hold `mark`.
fn runs(
    line: &str,
    mark: u8,
    is_member: impl Fn(char) -> bool,
) -> impl Iterator<Item = Range<usize>> {
    let mut done = 0;
    memchr_iter(mark, line.as_bytes()).filter_map(move |at| {
        if at < done {
            return None;
        }
        let start = line[..at].trim_end_matches(&is_member).len();
        done = line.len() - line[at..].trim_start_matches(&is_member).len();
        Some(start..done)
    })
}

/// Whether this is four single digits, of any script.
fn is_short(run: &str) -> bool {
    let mut parts = run.split('.');
    parts
        .by_ref()
        .take(4)
        .filter(|part| part.chars().count() == 1)
        .count()
        == 4
        && parts.next().is_none()
}

/// Whether Python's `ipaddress` takes it.
fn is_version_4(run: &str) -> bool {
    let is_octet = |part: &str| {
        matches!(part.len(), 1..=3)
            && (part.len() == 1 || !part.starts_with('0'))
            && part.parse::<u8>().is_ok()
    };
    run.split('.').count() == 4 && run.split('.').all(is_octet)
}

/// Whether Python's `ipaddress` takes it. Unlike the parser of the standard
/// library, that takes `::` in the place of no less than one group, too.
fn is_version_6(run: &str) -> bool {
    let parts: Vec<&str> = run.split(':').collect();
    let n = parts.len();
    if !(3..=9).contains(&n) || parts.iter().any(|part| part.len() > 4) {
        return false;
    }
    let mut gaps = (1..n - 1).filter(|i| parts[*i].is_empty());
    match (gaps.next(), gaps.next()) {
        (_, Some(_)) => false,
        (None, None) => n == 8 && !parts[0].is_empty() && !parts[n - 1].is_empty(),
        (Some(gap), None) => {
            let (mut before, mut after) = (gap, n - gap - 1);
            if parts[0].is_empty() {
                before -= 1;
                if before > 0 {
                    return false;
                }
            }
            if parts[n - 1].is_empty() {
                after -= 1;
                if after > 0 {
                    return false;
                }
            }
            before + after < 8
        }
    }
}
