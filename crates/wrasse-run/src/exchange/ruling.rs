//! [`Ruling`]: what was decided on the samples of a block that waits on another
//! machine.

use serde::{Deserialize, Serialize};
use wrasse_core::Origin;
use wrasse_op::Rewrite;

use super::output::{Output, Rules};
use super::settled::{Line, Lot};
use crate::pass::{BlockState, Pass};

/// What was decided on a block. Samples are numbered from its first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ruling {
    pub(super) kind: Kind,
    /// A bit a sample: it goes on. None where all are rewritten.
    #[serde(with = "serde_bytes")]
    pub(super) goes_on: Vec<u8>,
    /// Duplicates of which it has to be told where what they are duplicates of is
    /// from, in order.
    pub(super) originals: Vec<(u32, Origin)>,
    /// Lines of clusters, by the sample that they begin at, in order.
    pub(super) lines: Vec<(u32, Line)>,
}

/// What those become that do not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    Duplicates,
    LeftOut,
    Rewritten,
}

/// A ruling, with what samples are rewritten by.
struct Ruled<'a> {
    ruling: &'a Ruling,
    rewrite: Option<&'a dyn Rewrite>,
}

impl Rules for Ruled<'_> {
    fn lot(&self, i: u32) -> Lot<'_> {
        if let Some(rewrite) = self.rewrite {
            return Lot::Rewritten(rewrite);
        }
        let goes_on = self.ruling.goes_on.get(i as usize / 8);
        let goes_on = goes_on.is_some_and(|bits| bits >> (i % 8) & 1 == 1);
        match (self.ruling.kind, goes_on) {
            (Kind::LeftOut, true) => Lot::Chosen,
            (Kind::LeftOut, false) => Lot::LeftOut,
            (_, true) => Lot::Stays,
            (_, false) => Lot::Duplicate,
        }
    }

    fn original(&self, i: u32) -> Result<Option<Origin>, String> {
        Ok(found(&self.ruling.originals, i).copied())
    }

    fn line(&self, i: u32) -> Result<Option<Line>, String> {
        Ok(found(&self.ruling.lines, i).cloned())
    }
}

fn found<T>(list: &[(u32, T)], i: u32) -> Option<&T> {
    let at = list.binary_search_by_key(&i, |(i, _)| *i).ok()?;
    Some(&list[at].1)
}

/// Does to a block what the operator at `op` of the plan has decided on it.
/// `rewrite` is what samples are rewritten by, if they are.
///
/// # Errors
///
/// If the operator reports a fatal failure: the run cannot go on.
pub fn settle(
    (pass, op): (&Pass, usize),
    ruling: &Ruling,
    rewrite: Option<&dyn Rewrite>,
    state: &mut BlockState,
) -> Result<(), String> {
    if (ruling.kind == Kind::Rewritten) != rewrite.is_some() {
        return Err("what samples are rewritten by is missing".to_owned());
    }
    let samples = state.take_samples();
    let rules = Ruled { ruling, rewrite };
    Output { pass, op }.block(&rules, 0, samples, state)
}
