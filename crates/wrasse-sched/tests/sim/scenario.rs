//! [`Scenario`]: what a world is made of, and what has to come out of it.

use std::collections::BTreeSet;

use wrasse_sched::{Limits, OpConfig, OpIdx, OpKind, Place};

use crate::random::mix;

/// Rows of a block, unless one row gives more.
pub(crate) const BLOCK_ROWS: usize = 8;
/// Bytes of a row, where nobody lies.
pub(crate) const ROW_BYTES: u64 = 10;

/// What an operator does to rows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Effect {
    Keep,
    /// Keeps one in so many.
    Filter(u64),
    /// Makes so many of one.
    Slice(u64),
}

/// How the world behaves.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) ops: Vec<OpConfig>,
    pub(crate) effects: Vec<Effect>,
    /// Whether tasks of the operator pause until their outputs are read.
    pub(crate) streams: Vec<bool>,
    /// Mean duration of a task of the operator.
    pub(crate) durations: Vec<u64>,
    /// Shares of each split.
    pub(crate) splits: Vec<u32>,
    pub(crate) limits: Limits,
    /// Metadata comes later, by itself.
    pub(crate) background: bool,
    /// Once in so many: a task fails, a fetch fails, an event comes twice, a
    /// row kills its worker, a worker dies, limits change, a size is a lie.
    pub(crate) transient: u64,
    pub(crate) fetch_fails: u64,
    pub(crate) duplicates: u64,
    pub(crate) poison: u64,
    pub(crate) deaths: u64,
    pub(crate) limit_changes: u64,
    pub(crate) lies: u64,
    /// The same: something is lost for ever.
    pub(crate) losses: u64,
    pub(crate) consumer: u64,
    /// Rows of an output block at the most.
    pub(crate) output_rows: usize,
    pub(crate) cancel_at: Option<u64>,
    pub(crate) start: Place,
}

impl Scenario {
    /// The rows of a share of the input.
    pub(crate) fn source(&self, place: Place) -> Vec<u64> {
        if place.seq >= self.splits[place.split as usize] {
            return Vec::new();
        }
        let first = (u64::from(place.split) << 24) + u64::from(place.seq) * BLOCK_ROWS as u64;
        (first..first + BLOCK_ROWS as u64).collect()
    }

    /// Whether a row kills its worker.
    pub(crate) fn is_poison(&self, row: u64) -> bool {
        self.poison > 0 && mix(row ^ 0xDEAD).is_multiple_of(self.poison)
    }

    /// What the operator makes of a row.
    pub(crate) fn effect(&self, op: OpIdx, row: u64) -> Vec<u64> {
        match self.effects[op] {
            Effect::Keep => vec![row],
            Effect::Filter(n) => {
                if mix(row ^ op as u64).is_multiple_of(n) {
                    vec![row]
                } else {
                    Vec::new()
                }
            }
            Effect::Slice(n) => (0..n)
                .map(|i| mix(row.wrapping_add(i << 40)) >> 1)
                .collect(),
        }
    }

    /// What the output has to be: the operators one after the other, on all
    /// rows in order. `rejected` are left out, by the operator
    /// that they failed at.
    pub(crate) fn expected(&self, rejected: &BTreeSet<(OpIdx, u64)>) -> Vec<u64> {
        let mut rows: Vec<u64> = Vec::new();
        for (split, n) in self.splits.iter().enumerate() {
            for seq in 0..*n {
                let place = Place {
                    split: split as u32,
                    seq,
                };
                if place >= self.start {
                    rows.extend(self.source(place));
                }
            }
        }
        for (op, config) in self.ops.iter().enumerate() {
            if config.kind == OpKind::Exchange {
                rows.reverse();
            }
            rows = rows
                .into_iter()
                .filter(|row| config.pool.is_none() || !rejected.contains(&(op, *row)))
                .flat_map(|row| self.effect(op, row))
                .collect();
        }
        rows
    }
}
