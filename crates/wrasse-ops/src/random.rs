//! Numbers that look random, as NumPy's `default_rng` draws them: PCG64, seeded
//! by a `SeedSequence`.

/// A generator.
pub(crate) struct Random {
    state: u128,
    increment: u128,
    /// The upper half of the last number, if only the lower was used.
    kept: Option<u32>,
}

const MULTIPLIER: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;

impl Random {
    /// `default_rng(seed)`.
    pub(crate) fn new(seed: u64) -> Self {
        let words = seed_words(seed);
        let wide = |i: usize| u128::from(words[i]) << 64 | u128::from(words[i + 1]);
        let mut random = Self {
            state: 0,
            increment: wide(2) << 1 | 1,
            kept: None,
        };
        random.step();
        random.state = random.state.wrapping_add(wide(0));
        random.step();
        random
    }

    fn step(&mut self) {
        self.state = self
            .state
            .wrapping_mul(MULTIPLIER)
            .wrapping_add(self.increment);
    }

    fn next_u64(&mut self) -> u64 {
        self.step();
        let folded = (self.state >> 64) as u64 ^ self.state as u64;
        folded.rotate_right((self.state >> 122) as u32)
    }

    fn next_u32(&mut self) -> u32 {
        if let Some(kept) = self.kept.take() {
            return kept;
        }
        let next = self.next_u64();
        self.kept = Some((next >> 32) as u32);
        next as u32
    }

    /// A number up to `most`, that included: masked, and drawn again while it is
    /// larger.
    fn up_to(&mut self, most: u32) -> u32 {
        let mask = u32::MAX.checked_shr(most.leading_zeros()).unwrap_or(0);
        loop {
            let drawn = self.next_u32() & mask;
            if drawn <= most {
                return drawn;
            }
        }
    }

    /// `permutation(n)`.
    pub(crate) fn permutation(&mut self, n: u32) -> Vec<u32> {
        let mut numbers: Vec<u32> = (0..n).collect();
        for i in (1..n).rev() {
            numbers.swap(i as usize, self.up_to(i) as usize);
        }
        numbers
    }
}

/// `SeedSequence(seed).generate_state(4, uint64)`.
fn seed_words(seed: u64) -> [u64; 4] {
    let mut constant = 0x43b0_d7e5_u32;
    let mut hash = |value: u32| {
        let value = value ^ constant;
        constant = constant.wrapping_mul(0x931e_8875);
        let value = value.wrapping_mul(constant);
        value ^ value >> 16
    };
    let mix = |x: u32, y: u32| {
        let mixed = x
            .wrapping_mul(0xca01_f9dd)
            .wrapping_sub(y.wrapping_mul(0x4973_f715));
        mixed ^ mixed >> 16
    };
    let mut pool = [seed as u32, (seed >> 32) as u32, 0, 0].map(&mut hash);
    for from in 0..4 {
        for to in (0..4).filter(|to| *to != from) {
            pool[to] = mix(pool[to], hash(pool[from]));
        }
    }
    let mut constant = 0x8b51_f9dd_u32;
    let mut words = [0_u32; 8];
    for (i, word) in words.iter_mut().enumerate() {
        let value = pool[i % 4] ^ constant;
        constant = constant.wrapping_mul(0x58f3_8ded);
        let value = value.wrapping_mul(constant);
        *word = value ^ value >> 16;
    }
    let at = |i: usize| u64::from(words[2 * i + 1]) << 32 | u64::from(words[2 * i]);
    [at(0), at(1), at(2), at(3)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutations_are_those_of_numpy() {
        assert_eq!(
            Random::new(42).permutation(10),
            [5, 6, 0, 7, 3, 2, 4, 9, 1, 8]
        );
        assert_eq!(Random::new(0).permutation(5), [2, 4, 3, 0, 1]);
        assert_eq!(
            Random::new(1099511627783).permutation(12),
            [8, 2, 6, 1, 11, 9, 3, 7, 4, 5, 0, 10]
        );
        let many: Vec<u8> = Random::new(42)
            .permutation(100_000)
            .into_iter()
            .flat_map(u32::to_le_bytes)
            .collect();
        assert_eq!(
            format!("{:x}", md5::compute(many)),
            "a67099b278e2833559a055b98252a9d9"
        );
    }
}
