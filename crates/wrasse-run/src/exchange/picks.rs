//! Samples that go on in another order, where they wait on many machines: of each
//! object those that a share of the output wants are picked, and each share is
//! then put together of what was picked for it.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_bytes::Bytes;
use wrasse_core::Sample;
use wrasse_op::Decision;

use super::elsewhere::ExchangeKeys;
use super::output::Output;
use super::packed::{PackedSamples, unpack_samples};
use super::unreadable;
use crate::pass::{BlockState, Pass};

/// A split of the output: of which objects its samples are, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Run {
    /// They go on as they are.
    Chosen(Vec<u32>),
    /// They go on once more.
    Again(Vec<u32>),
    /// Each of these groups becomes one sample.
    Groups(Vec<Vec<u32>>),
}

/// Samples that were picked of an object for a share.
#[derive(Serialize, Deserialize)]
struct Picked<'a> {
    #[serde(borrow)]
    shared: &'a Bytes,
    ends: Vec<u64>,
    samples: &'a Bytes,
}

impl ExchangeKeys {
    /// The samples of some runs, one after the other.
    fn chosen(&self, runs: Range<u32>) -> Result<Vec<&[u32]>, String> {
        let settled = self.settled()?;
        let runs = &settled.runs[runs.start as usize..runs.end as usize];
        Ok(match &settled.decision {
            Decision::Order(order) => runs.iter().map(|run| &order[run.clone()]).collect(),
            Decision::Groups(groups) => {
                let groups = runs.iter().flat_map(|run| &groups[run.clone()]);
                groups.map(Vec::as_slice).collect()
            }
            Decision::Same(_) | Decision::Rewrite(_) => Vec::new(),
        })
    }

    /// What is to be picked of each object for the runs of each share: samples by
    /// their numbers in the object, in the order in which they are wanted. Object
    /// `i` has the samples from `firsts[i]` on.
    ///
    /// # Errors
    ///
    /// If the exchange is not closed.
    pub fn picks(
        &self,
        firsts: &[u32],
        shares: &[Range<u32>],
    ) -> Result<Vec<Vec<Vec<u32>>>, String> {
        let mut picks = vec![vec![Vec::new(); shares.len()]; firsts.len()];
        for (share, runs) in shares.iter().enumerate() {
            for i in self.chosen(runs.clone())?.into_iter().flatten() {
                let object = object_of(firsts, *i);
                picks[object][share].push(*i - firsts[object]);
            }
        }
        Ok(picks)
    }

    /// How the runs of a share are put together of what was picked of objects.
    ///
    /// # Errors
    ///
    /// If the exchange is not closed.
    pub fn runs(&self, firsts: &[u32], runs: Range<u32>) -> Result<Vec<Run>, String> {
        let settled = self.settled()?;
        let objects = |numbers: &[u32]| {
            let objects = numbers.iter().map(|i| object_of(firsts, *i) as u32);
            objects.collect::<Vec<u32>>()
        };
        let run = |run: &Range<usize>| match &settled.decision {
            Decision::Order(order) if settled.is_again(run) => {
                Run::Again(objects(&order[run.clone()]))
            }
            Decision::Order(order) => Run::Chosen(objects(&order[run.clone()])),
            Decision::Groups(groups) => {
                let groups = groups[run.clone()].iter();
                Run::Groups(groups.map(|group| objects(group)).collect())
            }
            Decision::Same(_) | Decision::Rewrite(_) => Run::Chosen(Vec::new()),
        };
        let runs = &settled.runs[runs.start as usize..runs.end as usize];
        Ok(runs.iter().map(run).collect())
    }
}

fn object_of(firsts: &[u32], i: u32) -> usize {
    // Of objects without samples the last one that begins there has it.
    firsts
        .partition_point(|first| *first <= i)
        .saturating_sub(1)
}

/// Picks samples of an object's blocks, by their numbers in it: for each share,
/// packed.
///
/// # Errors
///
/// If there are no such samples.
pub fn pick(blocks: &[BlockState], which: &[Vec<u32>]) -> Result<Vec<Vec<u8>>, String> {
    let samples: Vec<&Sample> = blocks.iter().flat_map(|block| &block.samples).collect();
    let share = |numbers: &Vec<u32>| {
        let picked = numbers.iter().map(|i| samples.get(*i as usize).copied());
        let picked: Option<Vec<Sample>> = picked.map(|sample| sample.cloned()).collect();
        let packed = PackedSamples::new(&picked.ok_or("there is no such sample")?)?;
        let picked = Picked {
            shared: Bytes::new(&packed.shared),
            ends: packed.ends,
            samples: Bytes::new(&packed.bytes),
        };
        postcard::to_allocvec(&picked).map_err(|error| error.to_string())
    };
    which.iter().map(share).collect()
}

/// Puts runs together of what was picked for them of each object.
///
/// # Errors
///
/// If samples are missing, or a group cannot become one.
pub fn put_together(
    (pass, op): (&Pass, usize),
    runs: &[Run],
    picked: &[impl AsRef<[u8]>],
) -> Result<Vec<BlockState>, String> {
    let unpacked = picked.iter().map(|bytes| {
        let picked: Picked<'_> = postcard::from_bytes(bytes.as_ref()).map_err(unreadable)?;
        let samples = unpack_samples(picked.shared, &picked.ends, picked.samples)?;
        Ok(samples.into_iter())
    });
    let mut objects = unpacked.collect::<Result<Vec<_>, String>>()?;
    let mut take = |numbers: &[u32]| {
        let samples = numbers.iter().map(|object| {
            let samples = objects.get_mut(*object as usize);
            let next = samples.and_then(Iterator::next);
            next.ok_or_else(|| "a sample was not picked".to_owned())
        });
        samples.collect::<Result<Vec<Sample>, String>>()
    };
    let output = Output { pass, op };
    let block = |run: &Run| match run {
        Run::Chosen(objects) => Ok(output.chosen(take(objects)?, false)),
        Run::Again(objects) => Ok(output.chosen(take(objects)?, true)),
        Run::Groups(groups) => output.merged(groups.iter().map(|group| take(group))),
    };
    runs.iter().map(block).collect()
}
