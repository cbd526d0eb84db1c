//! Names of the things that are scheduled.

/// A block: the `seq`-th of its split. The order of ids is the input order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId {
    /// Position of its split in the input.
    pub split: u32,
    /// Position in its split.
    pub seq: u32,
}

/// Index of a stage; the gate behind it has the same index.
pub type StageIdx = usize;
