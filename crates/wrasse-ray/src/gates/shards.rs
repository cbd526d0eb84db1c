//! [`Shards`]: what is said to the shards of a gate, and what their answers mean.
//!
//! # Model
//!
//! A gate's fingerprints are shared out by ranges of their bits; each range is a
//! *shard*, an actor of the cluster that knows those that were seen. An actor lives
//! once: when it dies, another one, of the next *life*, begins with nothing, and
//! what an earlier life says or said counts no more.
//!
//! A shard has one question at a time; what comes meanwhile goes with the next. So
//! questions need nobody to keep them in order, and under load they are few and
//! large. Of each shard there are
//!
//! ```text
//!   known: it has said that they were new    open: no answer yet, in input order
//!   ├───── taught ─────┤
//! ```
//!
//! Known ones are kept by who drives this (in any order: they are a set), and a new
//! life is taught them before it is asked anything. The open ones are asked, again
//! if a life ends meanwhile. Because no open one is known, a life gives the answers
//! that the one before it would have given.
//!
//! Objects are decided in the order in which they came: when each shard has answered
//! for as many fingerprints as the object has of it.
//!
//! # Invariants
//!
//! 1. What a life was taught and has judged is what is known, when it is asked.
//! 2. Each object is decided once.

use std::collections::VecDeque;
use std::sync::Arc;

use wrasse_op::Fingerprint;

/// Fingerprints of a question, at the most: 4 MiB.
pub(crate) const QUESTION_MAX: usize = 1 << 18;

/// Lives that end, one after the other, without having judged anything: then it is
/// no accident.
const DEATHS_MAX: u32 = 8;

/// The shards of one gate. Objects have names of `N`.
#[derive(Debug)]
pub(crate) struct Shards<N> {
    shards: Vec<Shard>,
    /// Objects that are not decided, in input order.
    waiting: VecDeque<Waiting<N>>,
}

/// What shall be done.
#[derive(Debug, PartialEq)]
pub(crate) enum Do<N> {
    /// Begin an actor that knows nothing.
    Begin { shard: usize, life: u32 },
    /// Tell it `n` fingerprints of those that are kept for it, from the `from`-th on.
    Teach {
        shard: usize,
        life: u32,
        from: u64,
        n: usize,
    },
    /// Ask it which of these are new.
    Judge {
        shard: usize,
        life: u32,
        prints: Vec<Fingerprint>,
    },
    /// Keep these too: it knows them.
    Keep {
        shard: usize,
        prints: Vec<Fingerprint>,
    },
    /// Of the samples of an object, these are the first of their kind.
    Decided { name: N, keep: Vec<bool> },
}

/// A shard dies again and again.
#[derive(Debug, PartialEq)]
pub(crate) struct Dies;

#[derive(Debug, Default)]
struct Shard {
    life: u32,
    /// How many lives have ended since one has judged something.
    deaths: u32,
    n_known: u64,
    n_taught: u64,
    asked: Option<Asked>,
    open: VecDeque<Fingerprint>,
    /// Answers that no object has taken.
    answers: VecDeque<bool>,
}

#[derive(Clone, Copy, Debug)]
enum Asked {
    Teach(usize),
    Judge(usize),
}

#[derive(Debug)]
struct Waiting<N> {
    name: N,
    prints: Arc<Vec<Fingerprint>>,
    /// Of each shard, how many.
    counts: Vec<usize>,
}

impl<N> Shards<N> {
    /// One for each number: of fingerprints that are kept for it.
    pub(crate) fn new(known: &[u64], out: &mut Vec<Do<N>>) -> Self {
        let shard = |n_known: &u64| Shard {
            n_known: *n_known,
            ..Shard::default()
        };
        let mut shards = Self {
            shards: known.iter().map(shard).collect(),
            waiting: VecDeque::new(),
        };
        for shard in 0..shards.shards.len() {
            out.push(Do::Begin { shard, life: 0 });
            shards.go_on(shard, out);
        }
        shards
    }

    /// An object has come, the next in input order.
    pub(crate) fn ask(&mut self, name: N, prints: Arc<Vec<Fingerprint>>, out: &mut Vec<Do<N>>) {
        let mut counts = vec![0; self.shards.len()];
        for print in prints.iter() {
            let shard = owner(*print, self.shards.len());
            self.shards[shard].open.push_back(*print);
            counts[shard] += 1;
        }
        self.waiting.push_back(Waiting {
            name,
            prints,
            counts,
        });
        for shard in 0..self.shards.len() {
            self.go_on(shard, out);
        }
        // It may be empty.
        self.decide(out);
    }

    /// A shard has answered: of what it was asked to judge, which are new.
    pub(crate) fn answered(&mut self, at: usize, life: u32, is_new: &[bool], out: &mut Vec<Do<N>>) {
        let Some(shard) = self.shards.get_mut(at).filter(|shard| shard.life == life) else {
            return;
        };
        match shard.asked.take() {
            Some(Asked::Teach(n)) => shard.n_taught += n as u64,
            Some(Asked::Judge(n)) => {
                let mut prints = Vec::new();
                for (print, is_new) in shard.open.drain(..n).zip(is_new) {
                    shard.answers.push_back(*is_new);
                    if *is_new {
                        prints.push(print);
                    }
                }
                shard.n_known += prints.len() as u64;
                shard.n_taught += prints.len() as u64;
                shard.deaths = 0;
                if !prints.is_empty() {
                    out.push(Do::Keep { shard: at, prints });
                }
                self.decide(out);
            }
            None => {}
        }
        self.go_on(at, out);
    }

    /// A life of a shard has ended.
    ///
    /// # Errors
    ///
    /// If that happens again and again.
    pub(crate) fn lost(&mut self, at: usize, life: u32, out: &mut Vec<Do<N>>) -> Result<(), Dies> {
        let Some(shard) = self.shards.get_mut(at).filter(|shard| shard.life == life) else {
            return Ok(());
        };
        shard.deaths += 1;
        if shard.deaths >= DEATHS_MAX {
            return Err(Dies);
        }
        shard.life += 1;
        shard.n_taught = 0;
        shard.asked = None;
        let life = shard.life;
        out.push(Do::Begin { shard: at, life });
        self.go_on(at, out);
        Ok(())
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.shards.len()
    }

    /// Asks a shard, if it is not at a question and there is one.
    fn go_on(&mut self, at: usize, out: &mut Vec<Do<N>>) {
        let shard = &mut self.shards[at];
        if shard.asked.is_some() {
            return;
        }
        let life = shard.life;
        let untaught = shard.n_known - shard.n_taught;
        if untaught > 0 {
            let n = untaught.min(QUESTION_MAX as u64) as usize;
            shard.asked = Some(Asked::Teach(n));
            out.push(Do::Teach {
                shard: at,
                life,
                from: shard.n_taught,
                n,
            });
        } else if !shard.open.is_empty() {
            let n = shard.open.len().min(QUESTION_MAX);
            shard.asked = Some(Asked::Judge(n));
            out.push(Do::Judge {
                shard: at,
                life,
                prints: shard.open.range(..n).copied().collect(),
            });
        }
    }

    /// Joins answers to verdicts, as far as they are there.
    fn decide(&mut self, out: &mut Vec<Do<N>>) {
        let shards = &mut self.shards;
        while let Some(first) = self.waiting.front()
            && let mut counts = first.counts.iter().zip(shards.iter())
            && counts.all(|(n, shard)| *n <= shard.answers.len())
            && let Some(first) = self.waiting.pop_front()
        {
            let n = shards.len();
            let mut answer = |print: &Fingerprint| {
                let answer = shards[owner(*print, n)].answers.pop_front();
                answer.expect("as many were counted")
            };
            let keep = first.prints.iter().map(&mut answer).collect();
            let name = first.name;
            out.push(Do::Decided { name, keep });
        }
    }
}

/// Whose a fingerprint is. By its upper half without the highest bits, which choose
/// between the parts of a [`wrasse_run::FingerprintSet`]: each shard has all of these.
pub(crate) fn owner(print: Fingerprint, n: usize) -> usize {
    let bits = ((print >> 64) as u64) << 8;
    ((u128::from(bits) * n as u128) >> 64) as usize
}

#[cfg(test)]
mod tests;
