//! `duplicate_sentences_filter` removes lines that a text repeats.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::ORIGIN;
use crate::no_params::NoParams;
use crate::hashing::FastMap;
use crate::lines::split_at_newlines;
use crate::unicode::strip;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<DuplicateSentencesFilter>(
    "duplicate_sentences_filter",
    "Removes lines that a text has five times or more, but for the first.",
)
.aliases(&["DuplicateSentencesFilter"])
.details("Lines are compared without white space at both ends; empty lines and the bare tags of tables (`<table>`, `<tbody>`, `<tr>`, `<td>` and what closes them) always stay. A filter by name only: it rewrites texts.")
.origin(ORIGIN)
.examples(&[Example {
    about: "keeps the first of five",
    params: "{}",
    input: &[r#"{"text": "a\nx\n x\nb\nb\nx\nx \nx"}"#],
    output: &[r#"{"text": "a\nx\nb\nb"}"#],
}]);

const N_REPEATED: usize = 5;

pub(crate) struct DuplicateSentencesFilter;

impl Configured for DuplicateSentencesFilter {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl TextMapper for DuplicateSentencesFilter {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let Some(may_repeat) = candidates(text) else {
            return Ok(Cow::Borrowed(text));
        };
        let lines = || split_at_newlines(text).zip(&may_repeat);
        let mut counts: FastMap<&str, usize> = FastMap::default();
        let mut is_repeated = false;
        for (line, _) in lines().filter(|(_, may_repeat)| **may_repeat) {
            let count = counts.entry(strip(line)).or_default();
            *count += 1;
            is_repeated |= *count == N_REPEATED;
        }
        if !is_repeated {
            return Ok(Cow::Borrowed(text));
        }
        let mut out = String::with_capacity(text.len() + 1);
        for (line, may_repeat) in lines() {
            let count = may_repeat.then(|| counts.get_mut(strip(line))).flatten();
            match count {
                // The first is kept, and says so to the others.
                Some(count) if *count >= N_REPEATED => *count = 0,
                Some(0) => continue,
                _ => {}
            }
            out.push_str(line);
            out.push('\n');
        }
        out.pop();
        Ok(Cow::Owned(out))
    }
}

/// Of each line whether there may be enough like it: lines of the same length,
/// beginning and end. None if that is true of no line, as mostly.
fn candidates(text: &str) -> Option<Vec<bool>> {
    let n_lines = memchr::memchr_iter(b'\n', text.as_bytes()).count() + 1;
    if n_lines < N_REPEATED {
        return None;
    }
    let bits = (n_lines * 2).next_power_of_two().trailing_zeros().min(24);
    let mut counts = vec![0_u8; 1 << bits];
    let mut kinds = Vec::with_capacity(n_lines);
    let mut is_enough = false;
    for line in split_at_newlines(text) {
        let line = strip(line);
        let kind = match is_trusted(line) {
            true => None,
            false => Some((kind(line) >> (u64::BITS - bits)) as usize),
        };
        kinds.push(kind);
        if let Some(kind) = kind {
            counts[kind] = counts[kind].saturating_add(1);
            is_enough |= usize::from(counts[kind]) >= N_REPEATED;
        }
    }
    let is_enough_like = |kind| usize::from(counts[kind]) >= N_REPEATED;
    is_enough.then(|| kinds.into_iter().map(|kind| kind.is_some_and(is_enough_like)).collect())
}

/// A hash of length, beginning, middle and end.
fn kind(line: &str) -> u64 {
    const MIXER: u64 = 0x9e37_79b9_7f4a_7c15;
    let bytes = line.as_bytes();
    let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let half = |bytes: Option<&[u8; 4]>| bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let (first, last) = match bytes.len() {
        0 => (0, 0),
        n @ 1..4 => (u64::from(bytes[0]) << 16 | u64::from(bytes[n / 2]) << 8, bytes[n - 1].into()),
        4..8 => (half(bytes.first_chunk()).into(), half(bytes.last_chunk()).into()),
        n => {
            let middle = word(bytes[n / 2 - 4..].first_chunk());
            (
                word(bytes.first_chunk()) ^ middle.rotate_left(17),
                word(bytes.last_chunk()),
            )
        }
    };
    let mixed = (first ^ bytes.len() as u64).wrapping_mul(MIXER) ^ last;
    (mixed ^ mixed >> 29).wrapping_mul(MIXER)
}

fn is_trusted(line: &str) -> bool {
    let tag = line.strip_prefix("</").or_else(|| line.strip_prefix('<'));
    line.is_empty() || tag.is_some_and(|tag| matches!(tag, "table>" | "tbody>" | "tr>" | "td>"))
}
