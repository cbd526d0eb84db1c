//! Which tasks have many outputs, and so pause until these are taken.

use std::ops::Range;

use wrasse_io::{Inputs, Split};
use wrasse_job::{Pipeline, Step};
use wrasse_run::Part;

use crate::shares::Shares;

/// Whether a task of each operator may have many outputs. Such a task pauses, and
/// keeps its processor, until what it has put out was taken. Asked before anything is
/// read.
pub(crate) fn streaming(
    pipeline: &Pipeline,
    shares: &Shares,
    (inputs, splits): (&Inputs, &[Split]),
    target: u64,
) -> Vec<bool> {
    let steps = pipeline.steps.iter().map(|step| match step {
        Step::Read(part) => (0..shares.len()).any(|share| {
            let Range { start, end } = shares.splits(share);
            let splits = &splits[start as usize..end as usize];
            reads_in_pieces(pipeline, part, (inputs, splits), target)
        }),
        Step::Run(part) | Step::Outside(part) | Step::Exchange(_, part) => pipeline.slices(part),
        Step::Gate(_) => false,
    });
    steps.collect()
}

/// Whether any task of a run over these splits has many outputs. Standard input, which
/// comes last, is not read by tasks.
pub(crate) fn streams(
    pipeline: &Pipeline,
    (inputs, splits): (&Inputs, &[Split]),
    target: u64,
) -> bool {
    let n = splits.iter().position(|split| split.is_stream(inputs));
    let splits = &splits[..n.unwrap_or(splits.len())];
    let shares = Shares::new(splits.iter().map(|split| split.bytes), target);
    streaming(pipeline, &shares, (inputs, splits), target).contains(&true)
}

/// Whether a task that reads these splits has many outputs.
pub(crate) fn reads_in_pieces(
    pipeline: &Pipeline,
    part: &Part,
    (inputs, splits): (&Inputs, &[Split]),
    target: u64,
) -> bool {
    let bytes: u64 = splits.iter().map(|split| split.bytes).sum();
    let is_plain = splits.iter().all(|split| split.is_plain(inputs));
    !is_plain || bytes > 2 * target || pipeline.slices(part)
}
