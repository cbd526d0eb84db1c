//! [`Careful`]: a share of the input whose workers die, searched for the samples
//! that kill them.
//!
//! Reading and operators run as one task, so that when its worker dies, again and
//! again, a sample may be the cause. The scheduler cuts blocks to find such a
//! sample, and cannot cut what was not read yet. So the share is read once more
//! without any operator, and the operators run over ranges of its samples, from
//! the first to the last: a range that kills is halved; a sample that kills alone,
//! twice, is rejected.

use std::collections::VecDeque;
use std::ops::Range;

/// Deaths that a single sample has to cause.
const DEATHS: u32 = 2;

/// Ranges that are left to do. The first one is under way.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Careful {
    ranges: VecDeque<Range<u32>>,
    /// Workers that died at the first range.
    deaths: u32,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Run the operators over these samples.
    Run(Range<u32>),
    /// Reject this sample: so many workers have died at it.
    Reject(Range<u32>, u32),
    /// All is done.
    Finish,
}

impl Careful {
    /// Nothing is known of `n` samples.
    pub(crate) fn new(n: u32) -> Self {
        let all = 0..n;
        Self {
            ranges: VecDeque::from([all]),
            deaths: 0,
        }
    }

    pub(crate) fn step(&self) -> Step {
        match self.ranges.front() {
            None => Step::Finish,
            Some(range) if self.deaths >= DEATHS => Step::Reject(range.clone(), self.deaths),
            Some(range) => Step::Run(range.clone()),
        }
    }

    /// The first range went well.
    pub(crate) fn survived(&mut self) {
        self.ranges.pop_front();
        self.deaths = 0;
    }

    /// A worker died at the first range.
    pub(crate) fn died(&mut self) {
        let Some(range) = self.ranges.front_mut() else {
            return;
        };
        if range.len() <= 1 {
            self.deaths += 1;
            return;
        }
        let middle = range.start + (range.end - range.start) / 2;
        let first = range.start..middle;
        range.start = middle;
        self.ranges.push_front(first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_done_once_and_in_order_but_for_those_that_kill() {
        for (n, killers) in [
            (100, vec![0, 41, 42, 99]),
            (1, vec![0]),
            (1, vec![]),
            (7, vec![6]),
        ] {
            let mut careful = Careful::new(n);
            let (mut done, mut rejected, mut deaths) = (Vec::new(), Vec::new(), 0);
            loop {
                match careful.step() {
                    Step::Finish => break,
                    Step::Reject(range, attempts) => {
                        assert_eq!(attempts, DEATHS);
                        rejected.extend(range);
                        careful.survived();
                    }
                    Step::Run(range) if killers.iter().any(|at| range.contains(at)) => {
                        deaths += 1;
                        careful.died();
                    }
                    Step::Run(range) => {
                        done.extend(range);
                        careful.survived();
                    }
                }
            }
            let all: Vec<u32> = (0..n).filter(|at| !killers.contains(at)).collect();
            assert_eq!((done, &rejected), (all, &killers));
            assert!(deaths <= killers.len() * 10, "{deaths}");
        }
    }

    #[test]
    fn nothing_is_one_empty_range() {
        let mut careful = Careful::new(0);
        assert_eq!(careful.step(), Step::Run(0..0));
        careful.survived();
        assert_eq!(careful.step(), Step::Finish);
    }
}
