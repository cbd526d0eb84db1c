//! Which tasks have many outputs.
//!
//! Such a task pauses, and keeps its processor, until what it has put out was taken.

use std::ops::Range;

use wrasse_io::{Inputs, Split};
use wrasse_job::{Pipeline, Step};
use wrasse_run::Part;

use crate::shares::Shares;

/// Whether a task that reads these splits has many outputs, of `target` bytes each.
pub(crate) fn reads_in_pieces(
    (pipeline, inputs): (&Pipeline, &Inputs),
    part: &Part,
    splits: &[Split],
    target: u64,
) -> bool {
    let bytes: u64 = splits.iter().map(|split| split.bytes).sum();
    let is_plain = splits.iter().all(|split| split.is_plain(inputs));
    !is_plain || bytes > 2 * target || pipeline.slices(part)
}

/// Whether any task of a run over these splits has many outputs. Standard input, which
/// comes last, is not read by tasks.
pub(crate) fn streams(
    (pipeline, inputs): (&Pipeline, &Inputs),
    splits: &[Split],
    target: u64,
) -> bool {
    let n = splits.iter().position(|split| split.is_stream(inputs));
    let splits = &splits[..n.unwrap_or(splits.len())];
    let shares = Shares::new(splits.iter().map(|split| split.bytes), target);
    pipeline.steps.iter().any(|step| match step {
        Step::Read(part) => (0..shares.len()).any(|share| {
            let Range { start, end } = shares.splits(share);
            let splits = &splits[start as usize..end as usize];
            reads_in_pieces((pipeline, inputs), part, splits, target)
        }),
        Step::Run(part) | Step::Outside(part) | Step::Exchange(_, part) => pipeline.slices(part),
        Step::Gate(_) => false,
    })
}
