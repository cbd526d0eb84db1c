//! [`explore`]: a small fuzzer for a stable toolchain, seeded and bounded.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// An input for which a property does not hold.
#[derive(Debug)]
pub struct Finding {
    /// The input, made as short as it easily could be.
    pub input: Vec<u8>,
    /// What the property said.
    pub message: String,
}

/// Runs `property` on the seeds and on `n` inputs made of them. The same
/// `start` gives the same inputs.
///
/// # Errors
///
/// The first input for which the property panics.
pub fn explore(
    start: u64,
    n: usize,
    seeds: &[&str],
    words: &[&str],
    property: fn(&[u8]),
) -> Result<(), Finding> {
    let mut random = Random(start | 1);
    let made = (0..n).map(|_| make(&mut random, seeds, words));
    let all = seeds
        .iter()
        .map(|seed| seed.as_bytes().to_vec())
        .chain(made);
    for input in all {
        if let Some(message) = fails(property, &input) {
            let input = shorten(property, input);
            let message = fails(property, &input).unwrap_or(message);
            return Err(Finding { input, message });
        }
    }
    Ok(())
}

/// What the property says of an input if it does not hold.
fn fails(property: fn(&[u8]), input: &[u8]) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(|| property(input))).err()?;
    let text = panic.downcast_ref::<String>().map(String::as_str);
    Some(
        text.or(panic.downcast_ref::<&str>().copied())
            .unwrap_or("a panic")
            .to_owned(),
    )
}

/// Leaves out what the failure does not need.
fn shorten(property: fn(&[u8]), mut input: Vec<u8>) -> Vec<u8> {
    let mut len = input.len() / 2;
    while len > 0 {
        let mut at = 0;
        while at + len <= input.len() {
            let mut shorter = input.clone();
            shorter.drain(at..at + len);
            if fails(property, &shorter).is_some() {
                input = shorter;
            } else {
                at += len;
            }
        }
        len /= 2;
    }
    input
}

/// A seed with up to eight changes.
fn make(random: &mut Random, seeds: &[&str], words: &[&str]) -> Vec<u8> {
    let mut input = seeds[random.below(seeds.len())].as_bytes().to_vec();
    for _ in 0..=random.below(8) {
        let at = random.below(input.len() + 1);
        let end = (at + random.below(12)).min(input.len());
        match random.below(7) {
            0 => drop(input.drain(at..end)),
            1 if at < input.len() => input[at] ^= 1 << random.below(8),
            2 if at < input.len() => input[at] = random.next() as u8,
            3 => {
                let piece = input[at..end].to_vec();
                let to = random.below(input.len() + 1);
                input.splice(to..to, piece);
            }
            4 => {
                let other = seeds[random.below(seeds.len())].as_bytes();
                let from = random.below(other.len() + 1);
                let to = (from + random.below(40)).min(other.len());
                input.splice(at..at, other[from..to].iter().copied());
            }
            _ => {
                let word = words[random.below(words.len())];
                input.splice(at..end.min(at + word.len()), word.bytes());
            }
        }
    }
    input
}

/// Numbers that look random (xorshift, 64 bits).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 16) as usize % n.max(1)
    }
}
