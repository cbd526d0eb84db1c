//! [`Sketch`]: how values are distributed, in little memory.
//!
//! Values are counted one by one as long as there are not too many different
//! ones, and from then on in bins a thousandth wide. The counts do not depend
//! on the order in which values come, nor on how they were shared out.

use std::collections::BTreeMap;

/// Different values that are told apart: at 16 bytes and the tree around
/// them, about a megabyte.
const EXACT_MAX: usize = 20_000;

/// The low bits of a number that a bin leaves out: ten of the fraction stay,
/// so that a bin is 1/1024 of its value wide.
const BIN_BITS: u32 = 42;

/// The distribution of a stat.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sketch {
    counts: BTreeMap<i64, u64>,
    is_binned: bool,
    range: Option<(i64, i64)>,
    n: u64,
    all_whole: Option<bool>,
}

/// A whole number for a value, in the same order.
pub(super) fn key_of(value: f64) -> i64 {
    // Minus zero is zero.
    let bits = (value + 0.0).to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// The value of a key.
pub(super) fn value_of(key: i64) -> f64 {
    f64::from_bits((key ^ (((key >> 63) as u64) >> 1) as i64) as u64)
}

impl Sketch {
    /// Counts a value; what is no number is left out.
    pub(crate) fn add(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        let key = key_of(value);
        self.range = Some(
            self.range
                .map_or((key, key), |(min, max)| (min.min(key), max.max(key))),
        );
        self.n += 1;
        self.all_whole = Some(self.all_whole.unwrap_or(true) && value.fract() == 0.0);
        *self.counts.entry(self.bin(key)).or_default() += 1;
        self.shrink();
    }

    /// Adds what another one has counted.
    pub(crate) fn join(&mut self, other: Self) {
        if other.is_binned {
            self.bin_all();
        }
        for (key, n) in other.counts {
            *self.counts.entry(self.bin(key)).or_default() += n;
        }
        self.range = match (self.range, other.range) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, other) => one.or(other),
        };
        self.all_whole = match (self.all_whole, other.all_whole) {
            (Some(one), Some(other)) => Some(one && other),
            (one, other) => one.or(other),
        };
        self.n += other.n;
        self.shrink();
    }

    fn bin(&self, key: i64) -> i64 {
        match self.is_binned {
            true => key >> BIN_BITS << BIN_BITS,
            false => key,
        }
    }

    fn shrink(&mut self) {
        if !self.is_binned && self.counts.len() > EXACT_MAX {
            self.bin_all();
        }
    }

    fn bin_all(&mut self) {
        if self.is_binned {
            return;
        }
        self.is_binned = true;
        for (key, n) in std::mem::take(&mut self.counts) {
            *self.counts.entry(self.bin(key)).or_default() += n;
        }
    }

    /// How many values there are.
    pub(crate) fn n(&self) -> u64 {
        self.n
    }

    /// Whether the values are told apart as they are, and not by a thousandth.
    pub(crate) fn is_exact(&self) -> bool {
        !self.is_binned
    }

    /// Whether all are whole numbers.
    pub(crate) fn is_whole(&self) -> bool {
        self.all_whole == Some(true)
    }

    /// The least and the greatest.
    pub(crate) fn range(&self) -> Option<(f64, f64)> {
        self.range.map(|(min, max)| (value_of(min), value_of(max)))
    }

    /// The values, each with its number, in order.
    pub(crate) fn values(&self) -> impl Iterator<Item = (f64, u64)> {
        let (min, max) = self.range.unwrap_or_default();
        self.counts.iter().map(move |(key, n)| {
            let middle = match self.is_binned {
                true => key + (1 << (BIN_BITS - 1)),
                false => *key,
            };
            (value_of(middle.clamp(min, max)), *n)
        })
    }

    /// The value that a share of all does not exceed.
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        let rank = ((share * self.n as f64).ceil() as u64).max(1);
        let mut seen = 0;
        for (value, n) in self.values() {
            seen += n;
            if seen >= rank {
                return Some(value);
            }
        }
        None
    }

    /// How many values are below `bound`.
    pub(crate) fn below(&self, bound: f64) -> u64 {
        self.values()
            .take_while(|(value, _)| *value < bound)
            .map(|(_, n)| n)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_values() {
        let values = [f64::MIN, -2.5, -1.0, 0.0, 1e-300, 0.5, 1.0, f64::MAX];
        for pair in values.windows(2) {
            assert!(key_of(pair[0]) < key_of(pair[1]), "{pair:?}");
            assert_eq!(value_of(key_of(pair[0])), pair[0]);
        }
        assert_eq!(key_of(-0.0), key_of(0.0));
    }

    #[test]
    fn few_values_are_exact_and_many_within_a_thousandth() {
        for (n, tolerance) in [(1_000u32, 0.0), (100_000, 0.001)] {
            let mut sketch = Sketch::default();
            (1..=n).rev().for_each(|i| sketch.add(f64::from(i)));
            assert_eq!(sketch.is_exact(), tolerance == 0.0);
            for share in [0.01, 0.5, 0.99] {
                let want = (f64::from(n) * share).ceil();
                let got = sketch.quantile(share).unwrap();
                assert!((got - want).abs() <= tolerance * want, "{got} {want}");
            }
            assert_eq!(sketch.range(), Some((1.0, f64::from(n))));
        }
    }

    #[test]
    fn sharing_out_does_not_show() {
        let values: Vec<f64> = (0..60_000u32)
            .map(|i| f64::from(i * 7919 % 60_001) / 7.0)
            .collect();
        let all = |shares: usize| {
            let mut sketches = vec![Sketch::default(); shares];
            for (i, value) in values.iter().enumerate() {
                sketches[i % shares].add(*value);
            }
            let mut all = Sketch::default();
            sketches.into_iter().for_each(|sketch| all.join(sketch));
            all.values().collect::<Vec<_>>()
        };
        assert_eq!(all(1), all(5));
    }
}
