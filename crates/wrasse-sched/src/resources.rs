//! [`Resources`]: amounts of cpu, gpu, memory, block bytes and custom things.

use std::fmt;
use std::ops::{Add, AddAssign, Index, IndexMut, Sub, SubAssign};

/// A kind of resource: an index into [`Resources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource(u8);

impl Resource {
    /// Processors, in thousandths.
    pub const CPU: Self = Self(0);
    /// Accelerators, in thousandths.
    pub const GPU: Self = Self(1);
    /// Heap memory of tasks and workers, in bytes.
    pub const MEMORY: Self = Self(2);
    /// Blocks between operators (the object store), in bytes.
    pub const BLOCKS: Self = Self(3);
    /// How many kinds there are, custom ones included.
    pub const COUNT: usize = 8;

    /// The `i`-th custom resource (an npu, a licence...), in thousandths; its
    /// name is kept by whoever made the configuration.
    ///
    /// # Panics
    ///
    /// If `i` is not below 4, the most that a run may name.
    pub fn custom(i: u8) -> Self {
        assert!(i < 4, "a run has at most four custom resources");
        Self(4 + i)
    }

    /// Which custom resource it is, if it is one.
    pub fn as_custom(self) -> Option<usize> {
        self.index().checked_sub(4)
    }

    /// All kinds, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT as u8).map(Self)
    }

    /// Its position, from 0.
    pub fn index(self) -> usize {
        self.0.into()
    }

    /// Its name; custom ones are named by their position.
    pub fn name(self) -> &'static str {
        const NAMES: [&str; Resource::COUNT] = [
            "cpu", "gpu", "memory", "blocks", "custom 0", "custom 1", "custom 2", "custom 3",
        ];
        NAMES[self.index()]
    }
}

/// An amount of every resource: thousandths of processors and devices, bytes
/// of memory.
///
/// Whole numbers, so that sums kept by deltas never drift from sums computed
/// anew.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Resources([i64; Resource::COUNT]);

impl Resources {
    /// Nothing.
    pub const ZERO: Self = Self([0; Resource::COUNT]);
    /// More than any machine has; sums of a few thousand of it do not overflow.
    pub const UNBOUNDED: i64 = i64::MAX / (1 << 16);

    /// As much as can be of everything.
    pub fn unbounded() -> Self {
        Self([Self::UNBOUNDED; Resource::COUNT])
    }

    /// So many thousandths of processors, and nothing else.
    pub fn millicpus(n: i64) -> Self {
        Self::ZERO.with(Resource::CPU, n)
    }

    /// With `amount` of `resource`.
    #[must_use]
    pub fn with(mut self, resource: Resource, amount: i64) -> Self {
        self[resource] = amount;
        self
    }

    /// What happens to each amount.
    #[must_use]
    pub fn map(self, f: impl Fn(i64) -> i64) -> Self {
        Self(self.0.map(f))
    }

    /// Pairwise.
    #[must_use]
    pub fn zip(self, other: Self, f: impl Fn(i64, i64) -> i64) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }

    /// The smaller of each.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        self.zip(other, i64::min)
    }

    /// The larger of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        self.zip(other, i64::max)
    }

    /// What is left after `other` is taken, never below nothing.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        self.zip(other, |a, b| (a - b).max(0))
    }

    /// Whether each amount is at most that of `room`.
    pub fn fits(&self, room: &Self) -> bool {
        self.0.iter().zip(room.0).all(|(a, b)| *a <= b)
    }
}

impl Index<Resource> for Resources {
    type Output = i64;

    fn index(&self, resource: Resource) -> &i64 {
        &self.0[resource.index()]
    }
}

impl IndexMut<Resource> for Resources {
    fn index_mut(&mut self, resource: Resource) -> &mut i64 {
        &mut self.0[resource.index()]
    }
}

impl Add for Resources {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
}

impl Sub for Resources {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
}

impl AddAssign for Resources {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Resources {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

/// Only what is there: `cpu 1.5, blocks 1048576`.
impl fmt::Debug for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for resource in Resource::all().filter(|r| self[*r] != 0) {
            if !first {
                f.write_str(", ")?;
            }
            first = false;
            let amount = self[resource];
            match resource {
                _ if amount >= Self::UNBOUNDED => write!(f, "{} unbounded", resource.name())?,
                Resource::MEMORY | Resource::BLOCKS => write!(f, "{} {amount}", resource.name())?,
                _ => write!(f, "{} {}", resource.name(), amount as f64 / 1000.0)?,
            }
        }
        if first {
            f.write_str("nothing")?;
        }
        Ok(())
    }
}
