//! [`Examples`]: a few samples of what each operator did, for people.
//!
//! Of all candidates those with the lowest hashes of their origins stay: the
//! same ones however the input was cut, shared out and resumed.

use serde::{Deserialize, Serialize};
use wrasse_core::Origin;

/// Examples of each kind that are kept for an operator.
pub(crate) const EXAMPLES: usize = 3;
/// Characters of a text that is shown for itself.
const EXCERPT_CHARS: usize = 240;
/// Characters of a text that is shown beside another one.
pub const EXAMPLE_CHARS: usize = 320;
/// Characters in front of the first difference.
const CONTEXT_CHARS: usize = 40;

/// What operators did, shown on a few samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Examples {
    /// By operator, as far as there are any.
    pub operators: Vec<OpExamples>,
}

/// What one operator did, shown on a few samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OpExamples {
    /// Samples whose text it changed.
    pub changed: Vec<Example>,
    /// Samples that it dropped, duplicates among them.
    pub dropped: Vec<Example>,
    /// Samples that it failed on.
    pub rejected: Vec<Example>,
}

/// One sample.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Example {
    /// The hash of its origin.
    pub hash: u64,
    /// File and position.
    pub place: String,
    /// The text as it came, or a part of it.
    pub before: String,
    /// The same part as it went on, if it did.
    pub after: Option<String>,
    /// Why it did not.
    pub note: String,
}

/// The kinds of examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Did {
    Changed,
    Dropped,
    Rejected,
}

impl OpExamples {
    fn list(&mut self, did: Did) -> &mut Vec<Example> {
        match did {
            Did::Changed => &mut self.changed,
            Did::Dropped => &mut self.dropped,
            Did::Rejected => &mut self.rejected,
        }
    }
}

impl Examples {
    /// Whether an example with this hash would stay.
    pub(crate) fn want(&mut self, op: usize, did: Did, hash: u64) -> bool {
        let list = self.at(op).list(did);
        list.len() < EXAMPLES || list.last().is_some_and(|last| hash <= last.hash)
    }

    pub(crate) fn push(&mut self, op: usize, did: Did, example: Example) {
        let list = self.at(op).list(did);
        if let Err(at) = list.binary_search(&example) {
            list.insert(at, example);
            list.truncate(EXAMPLES);
        }
    }

    /// Takes those of another part of the run; returns the operators for which
    /// there is something new.
    pub(crate) fn add(&mut self, other: Self) -> Vec<usize> {
        let mut grown = Vec::new();
        for (op, theirs) in other.operators.into_iter().enumerate() {
            let before = self.at(op).clone();
            for (did, list) in [
                (Did::Changed, theirs.changed),
                (Did::Dropped, theirs.dropped),
                (Did::Rejected, theirs.rejected),
            ] {
                for example in list {
                    self.push(op, did, example);
                }
            }
            if *self.at(op) != before {
                grown.push(op);
            }
        }
        grown
    }

    /// Those of one operator.
    pub(crate) fn at(&mut self, op: usize) -> &mut OpExamples {
        if self.operators.len() <= op {
            self.operators.resize(op + 1, OpExamples::default());
        }
        &mut self.operators[op]
    }

    /// Bytes of memory held, about.
    pub(crate) fn memory_bytes(&self) -> usize {
        let lists = self
            .operators
            .iter()
            .flat_map(|op| [&op.changed, &op.dropped, &op.rejected]);
        let bytes = |one: &Example| {
            let after = one.after.as_ref().map_or(0, String::len);
            size_of::<Example>() + one.place.len() + one.before.len() + after + one.note.len()
        };
        lists.flatten().map(bytes).sum::<usize>() + self.operators.len() * size_of::<OpExamples>()
    }
}

impl Example {
    /// A sample that goes no further.
    pub(crate) fn gone(hash: u64, place: String, text: &str, note: String) -> Self {
        Self {
            hash,
            place,
            before: beginning(text, EXCERPT_CHARS).to_owned(),
            after: None,
            note: beginning(&note, EXCERPT_CHARS).to_owned(),
        }
    }

    /// A sample whose text was changed: the part around the first difference.
    pub(crate) fn changed(hash: u64, place: String, before: &str, after: &str) -> Self {
        let mut same = before
            .bytes()
            .zip(after.bytes())
            .position(|(old, new)| old != new)
            .unwrap_or(before.len().min(after.len()));
        while !before.is_char_boundary(same) {
            same -= 1;
        }
        let start = before[..same]
            .char_indices()
            .rev()
            .take(CONTEXT_CHARS)
            .last()
            .map_or(0, |(at, _)| at);
        // Both are the same up to there.
        let part = |text: &str| beginning(&text[start..], EXAMPLE_CHARS).to_owned();
        Self {
            hash,
            place,
            before: part(before),
            after: Some(part(after)),
            note: String::new(),
        }
    }
}

/// A number that looks random and is the same for the same origin.
pub(crate) fn hash_of(origin: Origin) -> u64 {
    // The finalizer of SplitMix64 over each part.
    let mix = |mut x: u64| {
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    let place = u64::from(origin.file) << 32 | u64::from(origin.piece);
    mix(mix(place.wrapping_add(0x9e37_79b9_7f4a_7c15)).wrapping_add(origin.position))
}

/// The beginning of a text, at most `chars` characters.
pub(crate) fn beginning(text: &str, chars: usize) -> &str {
    let end = text.char_indices().nth(chars);
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_spread_over_their_range() {
        let low = (0..1000u64)
            .filter(|position| {
                let origin = Origin {
                    position: position * 100,
                    ..Origin::default()
                };
                hash_of(origin) < u64::MAX / 4
            })
            .count();
        assert!((200..300).contains(&low), "{low}");
    }

    #[test]
    fn a_beginning_ends_between_characters() {
        assert_eq!(beginning("äöü", 2), "äö");
        assert_eq!(beginning("äöü", 3), "äöü");
        assert_eq!(beginning("", 3), "");
    }

    #[test]
    fn a_change_is_shown_from_a_little_before_it() {
        let parts = |before: &str, after: &str| {
            let example = Example::changed(0, String::new(), before, after);
            (example.before, example.after.unwrap())
        };
        let long = "ä".repeat(1000);
        let (before, after) = parts(&format!("{long}xé{long}"), &format!("{long}xe{long}"));
        assert!(
            before.starts_with("ää") && before.contains("xéä"),
            "{before}"
        );
        assert_eq!(before.chars().count(), EXAMPLE_CHARS);
        assert_eq!(before.replace('é', "e"), after);
        assert_eq!(parts("", "a"), (String::new(), "a".to_owned()));
        assert_eq!(parts("ab", ""), ("ab".to_owned(), String::new()));
        assert_eq!(parts("éa", "é"), ("éa".to_owned(), "é".to_owned()));
    }

    #[test]
    fn the_lowest_stay_in_whatever_order_they_come() {
        let example = |hash| Example::gone(hash, hash.to_string(), "text", String::new());
        let gather = |hashes: &[u64], parts: usize| {
            let mut all = Examples::default();
            for part in hashes.chunks(hashes.len().div_ceil(parts)) {
                let mut mine = Examples::default();
                for hash in part {
                    if mine.want(2, Did::Dropped, *hash) {
                        mine.push(2, Did::Dropped, example(*hash));
                    }
                }
                all.add(mine);
            }
            all
        };
        let one = gather(&[5, 9, 1, 7, 3, 8], 1);
        assert_eq!(one, gather(&[8, 7, 9, 3, 5, 1], 4));
        let hashes: Vec<u64> = one.operators[2].dropped.iter().map(|e| e.hash).collect();
        assert_eq!(hashes, [1, 3, 5]);
        let mut again = one.clone();
        assert_eq!(again.add(one), [0; 0], "nothing new");
    }
}
