//! [`Stage`]: finds and replaces the entries of dictionaries.
//!
//! Chinese text is worked on in chunks of characters of three bytes. A table
//! says what each character becomes; another where a phrase may begin, for all
//! characters of a chunk before any phrase is looked up, so that the processor
//! need not guess at each.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use crate::scan::{FirstBytes, Hits};

use super::dict::Entry;
use super::out::Out;
use super::phrases::{CHUNK, Codes, Phrases, SHORT, Value, code};

/// Dictionaries that are asked one after the other, as one.
pub(super) struct Stage {
    /// The first bytes of their entries.
    first: FirstBytes,
    /// For each character of three bytes what it becomes, by its code point: in
    /// UTF-8, the first byte lowest; 0 if that is not of three or four bytes.
    singles: Box<[u32; 1 << 16]>,
    /// What characters become that have nothing in `singles`.
    others: HashMap<char, Box<str>>,
    phrases: Phrases,
}

/// What stands at a place of a text.
enum Part<'t> {
    /// Where no entry begins.
    Same(&'t [u8]),
    /// Characters of three bytes, see [`code`], which are replaced one by one.
    Singles(&'t [u16]),
    /// Another character, where no phrase begins.
    Other(char),
    /// A phrase from here to there, and what it becomes.
    Phrase(usize, usize, Value<'t>),
}

impl Stage {
    /// Of dictionaries, each a list of entries, the first one counts that has one
    /// at a place, and its longest.
    pub(super) fn new(dicts: &[Vec<Entry>]) -> Self {
        let keys = dicts.iter().flatten().map(|(key, _)| key);
        let itself = |code: usize| match char::from_u32(code as u32) {
            Some(c) => packed(c.encode_utf8(&mut [0; 4])),
            None => 0,
        };
        let mut stage = Self {
            first: FirstBytes::of(keys.filter_map(|key| key.chars().next())),
            singles: Box::new(std::array::from_fn(itself)),
            others: HashMap::new(),
            phrases: Phrases::default(),
        };
        let mut phrases = Vec::new();
        // Behind a dictionary with the character itself none is asked.
        let mut known = HashSet::new();
        for (nth, dict) in dicts.iter().enumerate() {
            let mut singles = Vec::new();
            for (key, value) in dict {
                let mut chars = key.chars();
                match (chars.next(), chars.as_str()) {
                    (Some(c), _) if known.contains(&c) => {}
                    (Some(c), "") => singles.push((c, value)),
                    _ => phrases.push((nth, Reverse(key.len()), *key, &**value)),
                }
            }
            for (c, value) in singles {
                known.insert(c);
                stage.set_single(c, value);
            }
        }
        phrases.sort_unstable();
        let valued = phrases.into_iter().map(|(_, _, key, value)| {
            match stage.one_by_one(key).as_bytes() == value.as_bytes() {
                true => (key, Value::OneByOne),
                false => (key, Value::Is(value.as_bytes())),
            }
        });
        let valued: Vec<_> = valued.collect();
        stage.phrases = Phrases::new(&valued);
        stage
    }

    fn set_single(&mut self, c: char, value: &str) {
        let is_wide = code(c) != 0;
        if is_wide {
            self.singles[usize::from(code(c))] = packed(value);
        }
        if !is_wide || packed(value) == 0 {
            self.others.insert(c, value.into());
        }
    }

    fn one_by_one(&self, text: &str) -> Out {
        let mut out = Out::default();
        self.push_one_by_one(text.as_bytes(), &mut out);
        out
    }

    /// Whether no entry can be in the text.
    pub(super) fn has_nothing_in(&self, text: &[u8]) -> bool {
        Hits::new(&self.first, text).next_from(0).is_none()
    }

    /// Appends the text after this stage.
    pub(super) fn replace(&self, text: &[u8], out: &mut Out) {
        self.for_each_part(text, false, |part| match part {
            Part::Same(bytes) => out.push(bytes),
            Part::Singles(codes) => self.push_singles(codes, out),
            Part::Other(c) => self.push_other(c, out),
            Part::Phrase(_, _, Value::Is(value)) => out.push(value),
            Part::Phrase(at, end, Value::OneByOne) => self.push_one_by_one(&text[at..end], out),
        });
    }

    /// Calls `each` for all phrases, left to right, with start, end, and what they
    /// become.
    pub(super) fn for_each_phrase(
        &self,
        text: &[u8],
        mut each: impl FnMut(usize, usize, Value<'_>),
    ) {
        self.for_each_part(text, true, |part| {
            if let Part::Phrase(at, end, value) = part {
                each(at, end, value);
            }
        });
    }

    /// Calls `each` with all parts of a text, left to right. Unless `all` phrases
    /// are wanted, what becomes what its characters do may come as these.
    #[inline]
    fn for_each_part(&self, text: &[u8], all: bool, mut each: impl FnMut(Part<'_>)) {
        let mut hits = Hits::new(&self.first, text);
        let mut at = 0;
        while let Some(hit) = hits.next_from(at) {
            if at < hit {
                each(Part::Same(&text[at..hit]));
            }
            at = self.chunk(text, hit, all, &mut each);
        }
        each(Part::Same(&text[at..]));
    }

    /// Calls `each` with the parts from `start` on, of a chunk; returns where they
    /// end.
    #[inline]
    fn chunk(
        &self,
        text: &[u8],
        start: usize,
        all: bool,
        each: &mut impl FnMut(Part<'_>),
    ) -> usize {
        let mut codes: Codes = [0; _];
        let n = wide_codes(&text[start..], &mut codes).min(CHUNK);
        if n == 0 {
            return self.other(text, start, each);
        }
        let mut may_begin = self.phrases.may_begin(&codes, n, all);
        // So many characters have been told.
        let mut told = 0;
        while may_begin != 0 {
            let i = may_begin.trailing_zeros() as usize;
            let at = start + 3 * i;
            let ahead = codes[i..].first_chunk::<SHORT>();
            let found = ahead.and_then(|codes| self.phrases.find(&text[at..], *codes));
            let Some((length, value)) = found else {
                may_begin &= may_begin - 1;
                continue;
            };
            let end = i + length / 3;
            // One that has other characters too has them behind the chunk's.
            let is_within = end < n;
            if all || !is_within || value != Value::OneByOne {
                each(Part::Singles(&codes[told..i]));
                each(Part::Phrase(at, at + length, value));
                told = end;
            }
            if !is_within {
                return at + length;
            }
            may_begin &= u64::MAX << end;
        }
        each(Part::Singles(&codes[told..n]));
        start + 3 * n
    }

    /// The same for a character that is not of three bytes.
    fn other(&self, text: &[u8], start: usize, each: &mut impl FnMut(Part<'_>)) -> usize {
        let end = text.len().min(start + char::MAX.len_utf8());
        let Some(c) = chars(&text[start..end]).next() else {
            return text.len();
        };
        if let Some((length, value)) = self.phrases.find(&text[start..], [0; _]) {
            each(Part::Phrase(start, start + length, value));
            return start + length;
        }
        each(Part::Other(c));
        start + c.len_utf8()
    }

    #[inline]
    fn push_singles(&self, codes: &[u16], out: &mut Out) {
        let room = out.room(codes.len() * size_of::<u32>());
        let mut n = 0;
        for (i, code) in codes.iter().enumerate() {
            let packed = self.singles[usize::from(*code)];
            if packed == 0 {
                out.advance(n);
                self.push_other(char::from_u32((*code).into()).unwrap_or_default(), out);
                return self.push_singles(&codes[i + 1..], out);
            }
            room[n..n + size_of::<u32>()].copy_from_slice(&packed.to_le_bytes());
            n += if packed >> 24 == 0 { 3 } else { 4 };
        }
        out.advance(n);
    }

    fn push_one_by_one(&self, text: &[u8], out: &mut Out) {
        for c in chars(text) {
            match code(c) {
                0 => self.push_other(c, out),
                code => self.push_singles(&[code], out),
            }
        }
    }

    fn push_other(&self, c: char, out: &mut Out) {
        match self.others.get(&c) {
            Some(value) => out.push(value.as_bytes()),
            None => out.push(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// A value as it is in `singles`.
fn packed(value: &str) -> u32 {
    match *value.as_bytes() {
        [a, b, c] => u32::from_le_bytes([a, b, c, 0]),
        [a, b, c, d] => u32::from_le_bytes([a, b, c, d]),
        _ => 0,
    }
}

/// The characters of three bytes that a text begins with, as many as there is
/// room for; returns how many.
#[inline]
fn wide_codes(text: &[u8], codes: &mut Codes) -> usize {
    let mut n = 0;
    for (code, bytes) in codes.iter_mut().zip(text.as_chunks::<3>().0) {
        let [a, b, c] = bytes.map(u16::from);
        if a & 0xf0 != 0xe0 {
            break;
        }
        *code = a << 12 | (b & 0x3f) << 6 | c & 0x3f;
        n += 1;
    }
    n
}

fn chars(text: &[u8]) -> impl Iterator<Item = char> {
    text.utf8_chunks().flat_map(|chunk| chunk.valid().chars())
}
