//! [`FingerprintSet`]: which fingerprints a gate has seen.

use wrasse_op::Fingerprint;

/// A set of 128-bit fingerprints in little more than 16 bytes each.
///
/// Open addressing with linear probing, filled up to 15 slots of 16. The
/// fingerprints are hashes already, so their bits choose the slot. The set is
/// split into shards that grow one at a time, and by a third instead of by
/// twofold, so that growing never needs a second copy of the whole: at a
/// hundred million fingerprints it holds 17 to 23 bytes for each.
#[derive(Debug)]
pub struct FingerprintSet {
    shards: Vec<Shard>,
    has_zero: bool,
    len: usize,
}

#[derive(Debug, Default)]
struct Shard {
    /// Zero marks a free slot; the zero fingerprint is kept apart.
    slots: Vec<Fingerprint>,
    len: usize,
}

const N_SHARDS: usize = 256;

impl Default for FingerprintSet {
    fn default() -> Self {
        Self {
            shards: (0..N_SHARDS).map(|_| Shard::default()).collect(),
            has_zero: false,
            len: 0,
        }
    }
}

impl FingerprintSet {
    /// Adds a fingerprint; `true` if it was not there.
    pub fn insert(&mut self, fingerprint: Fingerprint) -> bool {
        let is_new = if fingerprint == 0 {
            !std::mem::replace(&mut self.has_zero, true)
        } else {
            self.shards[(fingerprint >> 120) as usize].insert(fingerprint)
        };
        self.len += usize::from(is_new);
        is_new
    }

    /// Adds fingerprints in order, and says of each whether it was not there.
    pub fn judge(&mut self, fingerprints: &[Fingerprint]) -> Vec<bool> {
        fingerprints
            .iter()
            .map(|print| self.insert(*print))
            .collect()
    }

    /// Adds fingerprints as they are kept on disk: 16 bytes each, little end
    /// first. Bytes behind the last whole one are passed over.
    pub fn extend_from_bytes(&mut self, bytes: &[u8]) {
        for bytes in bytes.chunks_exact(size_of::<Fingerprint>()) {
            let mut print = [0; size_of::<Fingerprint>()];
            print.copy_from_slice(bytes);
            self.insert(Fingerprint::from_le_bytes(print));
        }
    }

    /// All fingerprints, in an order that another set can grow by: in that of their
    /// slots, they would crowd at the beginning of a smaller table.
    pub fn iter(&self) -> impl Iterator<Item = Fingerprint> {
        let spread = |shard: &'_ Shard| {
            let n = shard.slots.len();
            let step = stride(n);
            (0..n).map(move |i| (i as u128 * step as u128 % n as u128) as usize)
        };
        let zero = self.has_zero.then_some(0);
        let shards = self.shards.iter();
        shards
            .flat_map(move |shard| spread(shard).map(|slot| shard.slots[slot]))
            .filter(|print| *print != 0)
            .chain(zero)
    }

    /// Number of fingerprints.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        let slots: usize = self.shards.iter().map(|shard| shard.slots.capacity()).sum();
        slots * size_of::<Fingerprint>() + self.shards.len() * size_of::<Shard>()
    }
}

impl Shard {
    fn insert(&mut self, fingerprint: Fingerprint) -> bool {
        if (self.len + 1) * 16 > self.slots.len() * 15 {
            self.grow();
        }
        let is_new = self.place(fingerprint);
        self.len += usize::from(is_new);
        is_new
    }

    fn place(&mut self, fingerprint: Fingerprint) -> bool {
        let n = self.slots.len();
        // The upper half scaled to the table: any size will do, not only
        // powers of two.
        let home = ((fingerprint as u64 as u128 * n as u128) >> 64) as usize;
        let mut slot = home;
        loop {
            match self.slots[slot] {
                0 => {
                    self.slots[slot] = fingerprint;
                    return true;
                }
                known if known == fingerprint => return false,
                _ => slot = if slot + 1 == n { 0 } else { slot + 1 },
            }
        }
    }

    fn grow(&mut self) {
        let n = (self.slots.len() + self.slots.len() / 3).max(16);
        let old = std::mem::replace(&mut self.slots, vec![0; n]);
        for fingerprint in old.into_iter().filter(|fingerprint| *fingerprint != 0) {
            self.place(fingerprint);
        }
    }
}

/// A step that leads through all of `n` places, each one far from those before it.
fn stride(n: usize) -> usize {
    let golden = (n as f64 * 0.618_033_988_75) as usize;
    let is_coprime = |step: &usize| {
        let (mut a, mut b) = (n, *step);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a == 1
    };
    (golden.max(1)..).find(is_coprime).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn it_is_a_set() {
        let mut set = FingerprintSet::default();
        let mut model = BTreeSet::new();
        let mut state: u128 = 1;
        for i in 0..200_000_u128 {
            state = state
                .wrapping_mul(0x0002_d99d_12c5_2e87_a3f4_5b1d_9e37_79b9)
                .wrapping_add(i);
            // Every third is one that was there already, now and then zero.
            let fingerprint = match i % 3 {
                0 => state,
                1 => state % 1000,
                _ => (state >> 100) << 100,
            };
            assert_eq!(set.insert(fingerprint), model.insert(fingerprint), "{i}");
        }
        assert_eq!(set.len(), model.len());
        assert_eq!(set.iter().collect::<BTreeSet<_>>(), model);
        assert_eq!(set.iter().count(), model.len());
    }

    #[test]
    fn the_first_of_a_set_are_spread_like_all() {
        let mut set = FingerprintSet::default();
        let mut state: u128 = 7;
        for _ in 0..100_000 {
            state = state
                .wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645)
                .wrapping_add(11);
            set.insert((state ^ (state >> 64)) & (u128::MAX >> 8));
        }
        let mut quarters = [0; 4];
        for print in set.iter().take(10_000) {
            quarters[(print as u64 >> 62) as usize] += 1;
        }
        assert!(
            quarters.iter().all(|n| (2_000..3_000).contains(n)),
            "{quarters:?}"
        );
        assert_eq!([0, 1, 2, 16, 1000].map(stride), [1, 1, 1, 9, 619]);
    }

    #[test]
    fn a_fingerprint_costs_little_more_than_its_bits() {
        let mut set = FingerprintSet::default();
        let mut state: u128 = 7;
        for _ in 0..1_000_000 {
            state = state
                .wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645)
                .wrapping_add(11);
            set.insert(state ^ (state >> 64));
        }
        let each = set.memory_bytes() as f64 / set.len() as f64;
        assert!(each < 24.0, "{each} bytes for each fingerprint");
    }
}
