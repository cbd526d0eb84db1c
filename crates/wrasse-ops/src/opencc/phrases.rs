//! [`Phrases`]: the longest phrase at a place, and where none matters.

/// Entries of two and more characters.
#[derive(Default)]
pub(super) struct Phrases {
    /// What is known of phrases by a hash of their first two characters. Small
    /// enough to stay in the cache.
    known: Vec<Known>,
    /// For each hash of two characters, where in `phrases` those begin that begin
    /// with them; one more, where the last of them end.
    buckets: Vec<u32>,
    phrases: Vec<Phrase>,
    /// Values, each behind its phrase if the characters do not tell that.
    texts: Vec<u8>,
}

/// Two times 64 bits, in which a phrase of two characters has one by a hash of
/// these, and a longer one by a hash of its first three. Others may have the
/// same.
#[derive(Clone, Copy, Default)]
struct Known {
    any: u64,
    /// Without phrases of up to [`SHORT`] characters that become what these do
    /// one by one.
    special: u64,
}

/// What a phrase becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'d> {
    /// This, in UTF-8.
    Is(&'d [u8]),
    /// What its characters become one by one.
    OneByOne,
}

#[derive(Clone, Copy)]
struct Phrase {
    /// Its first characters.
    codes: u64,
    /// How many bits of `codes` are not its own.
    free_bits: u8,
    /// Whether there is more to it than `codes`.
    has_text: bool,
    /// How many bytes it and its value have.
    length: u8,
    value_length: u8,
    /// Where these are in `texts`.
    at: u32,
}

/// So many characters are looked at together: one for each bit of a word.
pub(super) const CHUNK: usize = u64::BITS as usize;

/// The characters of a chunk and the next few, see [`code`]; 0 behind them.
pub(super) type Codes = [u16; CHUNK + SHORT];

/// So many characters are compared at once.
pub(super) const SHORT: usize = 4;

const KNOWN_BITS: u32 = 14;
const BUCKET_BITS: u32 = 16;

/// What stands for a character: the code point of one of three bytes, else 0.
pub(super) fn code(c: char) -> u16 {
    match c {
        '\u{800}'..='\u{ffff}' => c as u16,
        _ => 0,
    }
}

/// A hash of two characters. The upper bits of it are the good ones.
#[inline(always)]
fn of_two(first: u16, second: u16) -> u32 {
    let two = u32::from(first) << 16 | u32::from(second);
    (two ^ two >> 15).wrapping_mul(0x9e37_79b1)
}

/// The bits of two and of three characters, the first two as their hash.
#[inline(always)]
fn bits(of_two: u32, third: u16) -> (u32, u32) {
    let of_three = (of_two ^ u32::from(third)).wrapping_mul(0x85eb_ca6b);
    (of_two % u64::BITS, of_three >> 26)
}

#[inline(always)]
fn upper(hash: u32, n_bits: u32) -> usize {
    (hash >> (u32::BITS - n_bits)) as usize
}

#[inline(always)]
fn side_by_side(codes: [u16; SHORT]) -> u64 {
    let [a, b, c, d] = codes.map(u64::from);
    a | b << 16 | c << 32 | d << 48
}

impl Phrases {
    /// Of phrases, with what they become, that a text begins with the first one
    /// counts.
    pub(super) fn new(phrases: &[(&str, Value<'_>)]) -> Self {
        if phrases.is_empty() {
            return Self::default();
        }
        let mut made = Self {
            known: vec![Known::default(); 1 << KNOWN_BITS],
            ..Self::default()
        };
        let hashed = phrases.iter().map(|(key, value)| {
            // What follows a character without a code is not seen in a text.
            let seen = key.chars().map(code).take_while(|code| *code != 0);
            let mut codes = [0; SHORT];
            for (code, seen) in codes.iter_mut().zip(seen) {
                *code = seen;
            }
            (of_two(codes[0], codes[1]), codes, *key, *value)
        });
        let mut hashed: Vec<_> = hashed.collect();
        hashed.sort_by_key(|(hash, ..)| upper(*hash, BUCKET_BITS));
        for (hash, codes, key, value) in hashed {
            let bucket = upper(hash, BUCKET_BITS);
            made.buckets.resize(bucket + 1, made.phrases.len() as u32);
            made.push(hash, codes, key, value);
        }
        let n = made.phrases.len() as u32;
        made.buckets.resize((1 << BUCKET_BITS) + 1, n);
        made
    }

    fn push(&mut self, of_two: u32, codes: [u16; SHORT], key: &str, value: Value<'_>) {
        let n = key.chars().count();
        let has_text = n > SHORT || codes[..n].contains(&0);
        let (two, three) = bits(of_two, codes[2]);
        let bit = 1 << if n == 2 { two } else { three };
        let known = &mut self.known[upper(of_two, KNOWN_BITS)];
        known.any |= bit;
        if has_text || value != Value::OneByOne {
            known.special |= bit;
        }
        let value = match value {
            Value::Is(value) => value,
            Value::OneByOne => &[],
        };
        let length = |n| u8::try_from(n).expect("an entry has a few characters");
        self.phrases.push(Phrase {
            codes: side_by_side(codes),
            free_bits: 16 * (SHORT - n.min(SHORT)) as u8,
            has_text,
            length: length(key.len()),
            value_length: length(value.len()),
            at: self.texts.len() as u32,
        });
        if has_text {
            self.texts.extend(key.as_bytes());
        }
        self.texts.extend(value);
    }

    /// A bit for each of the first `n` characters at which a phrase may begin.
    ///
    /// Unless `all` are wanted, without those that become what their characters
    /// do one by one and keep no other phrase from being found.
    #[inline]
    pub(super) fn may_begin(&self, codes: &Codes, n: usize, all: bool) -> u64 {
        let Some(known) = self.known.first_chunk::<{ 1 << KNOWN_BITS }>() else {
            return 0;
        };
        let (mut any, mut wanted) = (0, 0);
        for (i, three) in codes[..n + 2].windows(3).enumerate() {
            let hash = of_two(three[0], three[1]);
            let known = known[upper(hash, KNOWN_BITS)];
            let (two, three) = bits(hash, three[2]);
            any |= ((known.any >> two | known.any >> three) & 1) << i;
            wanted |= ((known.special >> two | known.special >> three) & 1) << i;
        }
        if all {
            return any;
        }
        if n == CHUNK {
            // What follows the chunk is not known.
            wanted |= any & u64::MAX << (CHUNK - (SHORT - 1));
        }
        loop {
            let behind = (1..SHORT).fold(0, |behind, n| behind | wanted >> n);
            let more = wanted | any & behind;
            if more == wanted {
                return wanted;
            }
            wanted = more;
        }
    }

    /// The phrase that counts of those that `text` begins with, whose first
    /// characters these are: its length and what it becomes.
    #[inline]
    pub(super) fn find(&self, text: &[u8], codes: [u16; SHORT]) -> Option<(usize, Value<'_>)> {
        let bucket = upper(of_two(codes[0], codes[1]), BUCKET_BITS);
        let &[start, end] = self.buckets.get(bucket..)?.first_chunk()?;
        let phrases = self.phrases.get(start as usize..end as usize)?;
        let codes = side_by_side(codes);
        phrases.iter().find_map(|phrase| {
            if (phrase.codes ^ codes) << phrase.free_bits != 0 {
                return None;
            }
            let mut rest = &self.texts[phrase.at as usize..];
            let length = usize::from(phrase.length);
            if phrase.has_text {
                rest = rest.strip_prefix(text.get(..length)?)?;
            }
            let value = match usize::from(phrase.value_length) {
                0 => Value::OneByOne,
                n => Value::Is(&rest[..n]),
            };
            Some((length, value))
        })
    }
}
