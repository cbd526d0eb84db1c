//! [`Settled`]: what an exchange has decided, checked, and cut into splits.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use wrasse_core::Origin;
use wrasse_op::{Decision, Exchange, Keys, OpError, Rewrite};

use crate::clusters::line_at;
use crate::pass::{Pass, guarded};

/// What was decided.
pub(super) struct Settled {
    pub(super) decision: Decision,
    /// The runs of [`Decision::Order`] or [`Decision::Groups`] that are a split
    /// each.
    pub(super) runs: Vec<Range<usize>>,
    /// From where on [`Decision::Order`] has samples that it had before; a run is
    /// on one side of it.
    again_from: usize,
    /// Samples that are in none of them, by number: a bit each.
    left_out: Vec<u64>,
    /// Duplicates by number, those of one sample together and in order, if
    /// clusters are recorded.
    duplicates: Vec<u32>,
}

/// What becomes of a sample.
#[derive(Clone, Copy)]
pub(super) enum Lot<'a> {
    Stays,
    /// Another one stands for it.
    Duplicate,
    Rewritten(&'a dyn Rewrite),
    /// It goes on in a split of its own kind.
    Chosen,
    LeftOut,
}

/// The line of a cluster: duplicates from number `from` on of `n`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) kept: Origin,
    pub(super) from: usize,
    pub(super) n: usize,
    pub(super) duplicates: Vec<Origin>,
}

impl std::fmt::Debug for Settled {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let runs = self.runs.len();
        write!(formatter, "Settled({runs} runs)")
    }
}

/// Has the operator at `op` of the plan decide over keys.
pub(super) fn decide(
    pass: &Pass,
    op: usize,
    keys: &dyn Keys,
    memory: usize,
) -> Result<Decision, String> {
    by_operator(pass, op, |exchange| exchange.decide(keys, memory))
}

/// Has the operator at `op` of the plan do something over all samples.
pub(super) fn by_operator<T>(
    pass: &Pass,
    op: usize,
    work: impl FnOnce(&dyn Exchange) -> Result<T, OpError>,
) -> Result<T, String> {
    let operator = &pass.plan().operators()[op];
    let exchange = operator.exchange().ok_or("not an exchange")?;
    guarded(|| work(exchange)).map_err(|error| format!("operator `{}`: {error}", operator.name()))
}

impl Settled {
    /// What the operator at `op` has decided over `n_samples`, which are
    /// `sample_bytes` when packed, in runs of about `block_bytes`.
    ///
    /// # Errors
    ///
    /// If it makes no sense.
    pub(super) fn new(
        (pass, op): (&Pass, usize),
        decision: Decision,
        (n_samples, sample_bytes): (u32, u64),
        block_bytes: u64,
    ) -> Result<Self, String> {
        let name = pass.plan().operators()[op].name();
        let wrong = || format!("operator `{name}` decided wrongly; this is a bug");
        let n = n_samples as usize;
        let mean = (sample_bytes / u64::from(n_samples.max(1))).max(1);
        let per_run = usize::try_from(block_bytes / mean)
            .unwrap_or(usize::MAX)
            .max(1);
        let (mut left_out, mut duplicates) = (Vec::new(), Vec::new());
        let mut again_from = usize::MAX;
        let runs = match &decision {
            Decision::Rewrite(_) => Vec::new(),
            Decision::Same(first) => {
                let stands = |i: u32| first.get(i as usize) == Some(&i);
                if first.len() != n || !first.iter().all(|at| stands(*at)) {
                    return Err(wrong());
                }
                if pass.settings().clusters {
                    let numbers = 0..n_samples;
                    duplicates = numbers.filter(|i| first[*i as usize] != *i).collect();
                    duplicates.sort_unstable_by_key(|i| (first[*i as usize], *i));
                }
                Vec::new()
            }
            Decision::Order(order) => {
                left_out = all(n);
                let n_once = {
                    let mut take = taker(&mut left_out, &wrong);
                    order.iter().take_while(|i| take(**i).is_ok()).count()
                };
                let was_there = |i: &u32| *i < n_samples && !is_in(&left_out, *i);
                if !order[n_once..].iter().all(was_there) {
                    return Err(wrong());
                }
                again_from = n_once;
                let runs = |range: Range<usize>| {
                    let end = range.end;
                    let starts = range.step_by(per_run);
                    starts.map(move |start| start..(start + per_run).min(end))
                };
                runs(0..n_once).chain(runs(n_once..order.len())).collect()
            }
            Decision::Groups(groups) => {
                left_out = all(n);
                let mut take = taker(&mut left_out, &wrong);
                groups.iter().flatten().try_for_each(|i| take(*i))?;
                let (mut runs, mut start, mut held) = (Vec::new(), 0, 0);
                for (i, group) in groups.iter().enumerate() {
                    held += group.len();
                    if held >= per_run || i + 1 == groups.len() {
                        runs.push(start..i + 1);
                        (start, held) = (i + 1, 0);
                    }
                }
                runs
            }
        };
        Ok(Self {
            decision,
            runs,
            again_from,
            left_out,
            duplicates,
        })
    }

    /// Bytes of memory held.
    pub(super) fn memory_bytes(&self) -> usize {
        let decided = match &self.decision {
            Decision::Same(numbers) | Decision::Order(numbers) => numbers.len() * 4,
            Decision::Groups(groups) => groups.iter().map(|group| 24 + group.len() * 4).sum(),
            Decision::Rewrite(_) => 0,
        };
        decided + self.left_out.len() * 8 + self.duplicates.len() * 4
    }

    /// What becomes of a sample.
    pub(super) fn lot(&self, i: u32) -> Lot<'_> {
        match &self.decision {
            Decision::Rewrite(rewrite) => Lot::Rewritten(rewrite.as_ref()),
            Decision::Same(first) if first[i as usize] == i => Lot::Stays,
            Decision::Same(_) => Lot::Duplicate,
            Decision::Order(_) | Decision::Groups(_) if is_in(&self.left_out, i) => Lot::LeftOut,
            Decision::Order(_) | Decision::Groups(_) => Lot::Chosen,
        }
    }

    /// The sample that stands for this one.
    pub(super) fn original(&self, i: u32) -> u32 {
        match &self.decision {
            Decision::Same(first) => first[i as usize],
            _ => i,
        }
    }

    /// Whether a run is of samples that went on before.
    pub(super) fn is_again(&self, run: &Range<usize>) -> bool {
        run.start >= self.again_from
    }

    /// Whether samples go on in the order and the blocks that they came in.
    pub(super) fn is_in_order(&self) -> bool {
        matches!(self.decision, Decision::Same(_) | Decision::Rewrite(_))
    }

    /// The line of a cluster that begins at sample `i`, the one that stays or, in
    /// a large cluster, one of its duplicates.
    pub(super) fn line(
        &self,
        i: u32,
        origin: impl Fn(u32) -> Result<Origin, String>,
    ) -> Result<Option<Line>, String> {
        let Decision::Same(first) = &self.decision else {
            return Ok(None);
        };
        let (kept, duplicates) = (first[i as usize], &self.duplicates);
        let start = duplicates.partition_point(|at| first[*at as usize] < kept);
        let of_kept = &duplicates[start..];
        let of_kept = &of_kept[..of_kept.partition_point(|at| first[*at as usize] == kept)];
        let from = match i == kept {
            true => 0,
            false => of_kept.partition_point(|at| *at < i),
        };
        let is_first_line = from == 0;
        let Some(line) = line_at(from, of_kept.len()).filter(|_| is_first_line == (i == kept))
        else {
            return Ok(None);
        };
        Ok(Some(Line {
            kept: origin(kept)?,
            from,
            n: of_kept.len(),
            duplicates: of_kept[line]
                .iter()
                .map(|at| origin(*at))
                .collect::<Result<_, _>>()?,
        }))
    }
}

/// All of `n` samples, a bit each.
fn all(n: usize) -> Vec<u64> {
    let mut bits = vec![u64::MAX; n.div_ceil(64)];
    if let Some(last) = bits.last_mut()
        && !n.is_multiple_of(64)
    {
        *last = (1 << (n % 64)) - 1;
    }
    bits
}

fn is_in(bits: &[u64], i: u32) -> bool {
    bits.get(i as usize / 64)
        .is_some_and(|word| word >> (i % 64) & 1 == 1)
}

/// Takes samples out of `bits`, each once.
fn taker<'a>(
    bits: &'a mut [u64],
    wrong: &'a dyn Fn() -> String,
) -> impl FnMut(u32) -> Result<(), String> + 'a {
    |i| {
        let bit = 1 << (i % 64);
        match bits.get_mut(i as usize / 64) {
            Some(word) if *word & bit != 0 => {
                *word &= !bit;
                Ok(())
            }
            _ => Err(wrong()),
        }
    }
}
