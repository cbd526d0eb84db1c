//! [`OpSet`]: a set of operators, of which the nearest to the sink comes first.

use crate::OpIdx;

/// A bit for each operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OpSet(u128);

impl OpSet {
    pub(crate) fn insert(&mut self, op: OpIdx) {
        self.0 |= 1 << op;
    }

    pub(crate) fn remove(&mut self, op: OpIdx) {
        self.0 &= !(1 << op);
    }

    pub(crate) fn contains(self, op: OpIdx) -> bool {
        self.0 & 1 << op != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The operator nearest to the sink.
    pub(crate) fn last(self) -> Option<OpIdx> {
        (self.0 != 0).then(|| 127 - self.0.leading_zeros() as OpIdx)
    }

    /// From the sink to the source.
    pub(crate) fn iter(mut self) -> impl Iterator<Item = OpIdx> {
        std::iter::from_fn(move || {
            let op = self.last()?;
            self.remove(op);
            Some(op)
        })
    }
}
