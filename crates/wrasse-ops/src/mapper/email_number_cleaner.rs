//! `email_number_cleaner` replaces e-mail addresses.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use memchr::memmem;
use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::{Bounded, ORIGIN, is_address, replace_ranges};
use crate::no_params::NoParams;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<EmailNumberCleaner>(
    "email_number_cleaner",
    "Replaces valid e-mail addresses by `<email>`.",
)
.aliases(&["EmailNumberCleaner"])
.details("An address has ASCII letters, digits, `.`, `-`, `+` and `_` on both sides of the `@`, and a last part of two to six letters and digits; none of the characters that addresses have stands beside it, but a point may. It is replaced if it is valid: no point at the ends or twice in a row, labels of the domain of 1 to 63 letters, digits and inner hyphens, a top-level domain that ends with a letter and is not `arpa`, `invalid`, `local`, `localhost`, `onion` or `test`, not more than 254 characters in all. Domains with characters beyond ASCII (digits of other scripts) are taken as not valid.")
.origin(ORIGIN)
.examples(&[Example {
    about: "replaces valid addresses",
    params: "{}",
    input: &[r#"{"text": "联系a.b+c@example.com或 x@y_z.com, root@localhost.local."}"#],
    output: &[r#"{"text": "联系<email>或 x@y_z.com, root@localhost.local."}"#],
}]);

const BESIDE: &str = r"[^0-9a-zA-Z!#$%&'*+\-/=?\^_`{|}~]";

pub(crate) struct EmailNumberCleaner {
    address: Bounded,
}

impl Configured for EmailNumberCleaner {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        // White space as Python has it.
        let space = r"[\s\x1c-\x1f]?";
        let pattern =
            format!(r"[a-zA-Z\d.\-+_]+{space}@{space}[a-zA-Z\d.\-+_]+\.[a-zA-Z0-9]{{2,6}}");
        let address = Bounded::new(BESIDE, &pattern, BESIDE);
        Ok(Self { address })
    }
}

impl TextMapper for EmailNumberCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        if memchr::memchr(b'@', text.as_bytes()).is_none() {
            return Ok(Cow::Borrowed(text));
        }
        let found = self.address.find_all(text);
        Ok(replace_ranges(text, places(text, &found), "<email>"))
    }
}

/// What is replaced: for each valid address the first place where it stands,
/// which need not be where it was found.
fn places(text: &str, found: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut places: Vec<Range<usize>> = Vec::new();
    // An earlier place can only begin within a match that was not replaced.
    let mut first_left = None;
    let mut next: HashMap<&str, usize> = HashMap::new();
    for range in found {
        let address = &text[range.clone()];
        let place = is_address(address).then(|| {
            let from = first_left.unwrap_or(range.start).min(range.start);
            let from = *next.get(address).unwrap_or(&from);
            first_place(text, address, from, &places)
        });
        if let Some(Some(place)) = place {
            next.insert(address, place.end);
            if place != *range {
                first_left.get_or_insert(range.start);
            }
            let at = places.partition_point(|other| other.start < place.start);
            places.insert(at, place);
        } else {
            first_left.get_or_insert(range.start);
        }
    }
    places
}

/// Where `address` stands by itself at or after `from`, apart from what is
/// `taken`.
fn first_place(
    text: &str,
    address: &str,
    from: usize,
    taken: &[Range<usize>],
) -> Option<Range<usize>> {
    // Places may overlap: `a.b@a.b@a.b` has two of `a.b@a.b`.
    let after = |at: usize| {
        memmem::find(&text.as_bytes()[at..], address.as_bytes()).map(|found| at + found)
    };
    std::iter::successors(after(from), |at| after(at + 1))
        .map(|at| at..at + address.len())
        .find(|place| {
            let at = taken.partition_point(|other| other.end <= place.start);
            let is_free = taken.get(at).is_none_or(|other| other.start >= place.end);
            let ends_before = at > 0 && taken[at - 1].end == place.start;
            let begins_behind = taken.get(at).is_some_and(|other| other.start == place.end);
            is_free
                && (ends_before
                    || text[..place.start]
                        .chars()
                        .next_back()
                        .is_none_or(is_beside))
                && (begins_behind || text[place.end..].chars().next().is_none_or(is_beside))
        })
}

fn is_beside(c: char) -> bool {
    !c.is_ascii_alphanumeric() && !"!#$%&'*+-/=?^_`{|}~".contains(c)
}
