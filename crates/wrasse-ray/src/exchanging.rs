//! Exchanges as the driver has them: keys, and of the samples where they lie.
//! See ADR 13.
//!
//! Blocks that come to an exchange stay in the object stores. Of an object the
//! driver is told how many samples it has and what the decision needs of them. When
//! all have come, keys that were cut are weighed by tasks, a shard each; the
//! decision is made here. Then each object is a share of the output: its task gets
//! object and ruling. Where samples go on in another order, tasks pick of each
//! object what each share of the output wants.

use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use wrasse_run::{ExchangeKeys, Pass, Tally, is_spread};

use crate::link::{Heard, Link};
use crate::needs::Needs;
use crate::note::Note;
use crate::ordering::{Held, ReadBack};
use crate::protocol::{Hear, Say};
use crate::shares::Shares;
use crate::wire::{Spec, Together, Work, encode};

/// Numbers of tasks that decide, or pick, begin behind this one.
const FIRST: u64 = 1 << 56;

/// Numbers of objects that are given here, those with what samples are rewritten by.
const REWRITES: u64 = 1 << 56;

/// Attempts that Ray makes by itself when a worker or a node dies.
const RETRIES: i32 = 3;

/// Bytes of memory that a task may use to weigh a shard.
const WEIGHING_BYTES: u64 = 512 << 20;

/// Shares of samples that were chosen, at the most: what is picked of each object
/// is an object for each of them.
const PICKED_MAX: usize = 128;

/// How often it is seen whether the run has ended meanwhile.
const LOOK: Duration = Duration::from_millis(200);

/// Whether what the gateway says is about a task that decides.
pub(crate) fn is_about_deciding(heard: &Hear) -> bool {
    match heard {
        Hear::Done { task, .. } | Hear::Failed { task, .. } => *task >= FIRST,
        _ => false,
    }
}

/// In how many pieces the keys of each stage's samples are cut, of so many shards.
pub(crate) fn pieces(pass: &Pass, n_shards: u32) -> Vec<u32> {
    let stages = pass.plan().stages().iter();
    let of = |end| match end {
        wrasse_plan::End::Exchange(op) if is_spread(pass, op) => n_shards,
        _ => 0,
    };
    stages.map(|stage| of(stage.end)).collect()
}

/// Who has tasks for exchanges done.
pub(crate) struct Tasks<'a> {
    pub(crate) pass: &'a Pass,
    pub(crate) link: &'a Link,
    pub(crate) notes: &'a Sender<Note>,
    /// What the gateway says of them; nothing, when it is gone.
    pub(crate) heard: &'a Receiver<Option<Heard>>,
    pub(crate) held: &'a Held,
    pub(crate) begun: u64,
}

/// One exchange.
#[derive(Debug)]
pub(crate) struct Exchanging {
    keys: ExchangeKeys,
    objects: Vec<Object>,
    /// Splits of the output that an earlier run has written.
    begin: u32,
    /// What was done to these before they came here.
    written: Tally,
    /// In how many pieces keys are cut.
    n_pieces: u32,
    closed: Option<Closed>,
}

/// Blocks in the object stores.
#[derive(Debug)]
struct Object {
    object: u64,
    blocks: Range<u32>,
    /// The number of its first sample.
    first: u32,
    /// What was done to its blocks, but for those that were written before.
    tally: Tally,
}

/// What was decided.
#[derive(Debug)]
struct Closed {
    shares: Shares,
    /// The object with what samples are rewritten by.
    rewrite: Option<u64>,
    /// Of samples in another order: the runs of each share, and what was picked of
    /// each object.
    picked: Option<(Vec<Range<u32>>, Vec<u64>)>,
}

/// What a task reads back.
pub(crate) struct Back {
    pub(crate) work: Work,
    pub(crate) objects: Vec<u64>,
    pub(crate) piece: Option<u32>,
    /// What had been done to it before it came here.
    pub(crate) tally: Tally,
    /// The object that nobody needs when that is done.
    pub(crate) last_use_of: Option<u64>,
}

impl Exchanging {
    /// The output up to split `begin` was written by an earlier run.
    pub(crate) fn new(keys: ExchangeKeys, begin: u32, n_pieces: u32) -> Self {
        Self {
            keys,
            objects: Vec::new(),
            begin,
            written: Tally::default(),
            n_pieces,
            closed: None,
        }
    }

    /// Bytes of memory held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.keys.memory_bytes() + self.objects.len() * size_of::<Object>()
    }

    /// Bytes on disk.
    pub(crate) fn disk_bytes(&self) -> u64 {
        self.keys.disk_bytes()
    }

    /// Takes in the next object, of which this is told; what was done to it before.
    pub(crate) fn absorb(
        &mut self,
        object: u64,
        told: &[u8],
        tasks: &Tasks<'_>,
    ) -> Result<Tally, String> {
        tasks.came(told.len());
        let first_block = self.keys.n_blocks();
        let absorbed = self.keys.absorb(told)?;
        let (mut all, mut left) = (Tally::default(), Tally::default());
        for (block, tally) in (first_block..).zip(&absorbed.tallies) {
            all.add(tally);
            match block < self.begin {
                true => self.written.add(tally),
                false => left.add(tally),
            }
        }
        if absorbed.tallies.is_empty() {
            tasks.unhold(object);
            return Ok(all);
        }
        self.objects.push(Object {
            object,
            blocks: first_block..self.keys.n_blocks(),
            first: absorbed.samples.start,
            tally: left,
        });
        Ok(all)
    }

    /// All have come: decides. The output's shares, and what was done to blocks
    /// that were written before.
    pub(crate) fn close(
        &mut self,
        tasks: &mut Tasks<'_>,
        name: &str,
        (memory, block_bytes, target): (usize, u64, u64),
    ) -> Result<(Shares, Tally), String> {
        let evidence = match self.n_pieces {
            0 => None,
            _ => Some(self.weigh(tasks, name)?),
        };
        let evidence = evidence.as_deref();
        let n = self.keys.close(tasks.pass, memory, block_bytes, evidence)?;
        let rewrite = self.keys.rewrite();
        let rewrite = rewrite.map(|bytes| tasks.put(REWRITES + self.keys.op() as u64, &bytes));
        let n_blocks = self.keys.n_blocks();
        let runs = run_shares(self.keys.n_runs(), self.begin.saturating_sub(n_blocks), {
            usize::try_from(target / block_bytes.max(1)).unwrap_or(usize::MAX)
        });
        let picked = match self.keys.is_in_order() {
            true => None,
            false => Some((runs.clone(), self.pick(tasks, name, &runs)?)),
        };
        let ends = self.objects.iter().map(|object| object.blocks.end);
        let shares = Shares::ending(
            self.begin.min(n),
            ends.chain(runs.iter().map(|run| n_blocks + run.end)),
        );
        if picked.is_none() {
            let written = self.objects.iter();
            written
                .filter(|object| object.blocks.end <= self.begin)
                .for_each(|object| tasks.unhold(object.object));
        }
        self.closed = Some(Closed {
            shares: shares.clone(),
            rewrite: rewrite.transpose()?,
            picked,
        });
        Ok((shares, std::mem::take(&mut self.written)))
    }

    /// Has the pieces of each shard weighed by a task.
    fn weigh(&self, tasks: &mut Tasks<'_>, name: &str) -> Result<Vec<Vec<u8>>, String> {
        let spec = encode(&Together::Weigh {
            op: self.keys.op(),
            firsts: self.objects.iter().map(|object| object.first).collect(),
            n_samples: self.keys.n_samples(),
            memory: WEIGHING_BYTES,
        })?;
        let objects: Vec<u64> = self.objects.iter().map(|object| object.object).collect();
        let name = format!("decide: {name}");
        let first = tasks.next(self.n_pieces as usize);
        for piece in 0..self.n_pieces {
            tasks.say(
                Say::Write {
                    task: first + u64::from(piece),
                    spec: spec.len(),
                    objects: &objects,
                    piece: Some(piece),
                    cpus: 1.0,
                    retries: RETRIES,
                    name: &name,
                },
                &spec,
            )?;
        }
        let found = tasks.wait(first, self.n_pieces as usize)?;
        for (object, evidence) in &found {
            tasks.came(evidence.len());
            tasks.free(*object);
        }
        Ok(found.into_iter().map(|(_, evidence)| evidence).collect())
    }

    /// Has tasks pick what each share wants of each object. What is left of the
    /// objects takes their place.
    fn pick(
        &mut self,
        tasks: &mut Tasks<'_>,
        name: &str,
        runs: &[Range<u32>],
    ) -> Result<Vec<u64>, String> {
        let firsts = self.firsts();
        let picks = self.keys.picks(&firsts, runs)?;
        let name = format!("pick: {name}");
        let first = tasks.next(self.objects.len());
        for ((number, object), which) in (first..).zip(&self.objects).zip(picks) {
            let spec = encode(&Spec {
                part: crate::stream::READS,
                work: Work::Pick {
                    op: self.keys.op(),
                    rulings: self.rulings(tasks.pass, object.blocks.clone())?,
                    which,
                },
                output_bytes: None,
                skip_outputs: 0,
            })?;
            tasks.say(
                Say::Submit {
                    task: number,
                    spec: spec.len(),
                    objects: &[object.object],
                    piece: None,
                    pieces: runs.len() as u32,
                    streams: false,
                    needs: &Needs::one_cpu(),
                    actor: None,
                    retries: RETRIES,
                    name: &name,
                },
                &spec,
            )?;
        }
        let found = tasks.wait(first, self.objects.len())?;
        let mut picked = Vec::with_capacity(found.len());
        for (object, (rest, _)) in self.objects.iter_mut().zip(found) {
            tasks.unhold(std::mem::replace(&mut object.object, rest));
            picked.push(rest);
        }
        Ok(picked)
    }

    fn firsts(&self) -> Vec<u32> {
        self.objects.iter().map(|object| object.first).collect()
    }

    fn rulings(&self, pass: &Pass, blocks: Range<u32>) -> Result<Vec<wrasse_run::Ruling>, String> {
        blocks.map(|block| self.keys.ruling(pass, block)).collect()
    }

    /// What a task needs that goes on with a share of the output.
    pub(crate) fn read(&self, pass: &Pass, back: &ReadBack) -> Result<Back, String> {
        let closed = self.closed.as_ref().ok_or("the exchange is not closed")?;
        let splits = closed.shares.splits(back.share);
        let n_blocks = self.keys.n_blocks();
        let op = self.keys.op();
        if let Some(run) = splits.start.checked_sub(n_blocks) {
            let (runs, picked) = closed.picked.as_ref().ok_or("there are no runs")?;
            let piece = runs.partition_point(|share| share.end <= run);
            let share = runs.get(piece).ok_or("there is no such share")?;
            return Ok(Back {
                work: Work::Runs {
                    op,
                    runs: self.keys.runs(&self.firsts(), share.clone())?,
                },
                objects: picked.clone(),
                piece: Some(piece as u32),
                tally: Tally::default(),
                last_use_of: None,
            });
        }
        let at = self
            .objects
            .partition_point(|object| object.blocks.end <= splits.start);
        let object = self.objects.get(at).ok_or("there is no such share")?;
        let is_left = closed.picked.is_some();
        let blocks = splits.start..object.blocks.end;
        Ok(Back {
            work: Work::Settle {
                op,
                skip: splits.start - object.blocks.start,
                rulings: match is_left {
                    true => None,
                    false => Some(self.rulings(pass, blocks)?),
                },
            },
            objects: std::iter::once(object.object)
                .chain(closed.rewrite)
                .collect(),
            piece: None,
            tally: object.tally.clone(),
            last_use_of: (!is_left).then_some(object.object),
        })
    }

    /// Nobody reads from it any more.
    pub(crate) fn end(self, tasks: &Tasks<'_>) {
        let Some(closed) = self.closed else {
            return;
        };
        let (_, picked) = closed.picked.unwrap_or_default();
        picked
            .into_iter()
            .chain(closed.rewrite)
            .for_each(|object| tasks.free(object));
    }
}

/// Runs from the `first` on, shared out: about `per_share` in a share.
fn run_shares(n: u32, first: u32, per_share: usize) -> Vec<Range<u32>> {
    let left = n.saturating_sub(first) as usize;
    let per_share = per_share
        .clamp(1, left.max(1))
        .max(left.div_ceil(PICKED_MAX));
    let starts = (first..n).step_by(per_share);
    starts
        .map(|start| start..n.min(start.saturating_add(per_share as u32)))
        .collect()
}

impl Tasks<'_> {
    /// Bytes came here.
    fn came(&self, bytes: usize) {
        self.held.fetched.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// An object of the scheduler's is not needed here any more.
    fn unhold(&self, object: u64) {
        // At the end of a run nobody is there to hear it.
        drop(self.notes.send(Note::Unheld { object }));
    }

    fn free(&self, object: u64) {
        let objects = &[object];
        // A gateway that is gone holds nothing, and is told of elsewhere.
        drop(self.link.say(&[Say::Free { objects }], &[]));
    }

    fn put(&self, object: u64, data: &[u8]) -> Result<u64, String> {
        let bytes = data.len();
        let said = self.link.say(&[Say::Put { object, bytes }], &[data]);
        said.map(|()| object).map_err(|error| error.message)
    }

    fn say(&self, say: Say<'_>, spec: &[u8]) -> Result<(), String> {
        self.link
            .say(&[say], &[spec])
            .map_err(|error| error.message)
    }

    /// Numbers for so many tasks: the first.
    fn next(&mut self, n: usize) -> u64 {
        let first = FIRST + self.begun;
        self.begun += n as u64;
        first
    }

    /// Waits for so many tasks from number `first` on: their objects, and what they
    /// tell.
    fn wait(&self, first: u64, n: usize) -> Result<Vec<(u64, Vec<u8>)>, String> {
        let mut found: Vec<Option<(u64, Vec<u8>)>> = vec![None; n];
        let mut left = n;
        while left > 0 {
            match self.heard.recv_timeout(LOOK) {
                Ok(Some((Hear::Done { task, object, .. }, told))) => {
                    let at = task.checked_sub(first).unwrap_or(u64::MAX);
                    let place = usize::try_from(at).ok().and_then(|at| found.get_mut(at));
                    let place = place.ok_or("a task was done that nobody waits for")?;
                    left -= usize::from(place.replace((object, told)).is_none());
                }
                Ok(Some((Hear::Failed { message, .. }, _))) => {
                    return Err(format!(
                        "what all samples decide cannot be found: {message}"
                    ));
                }
                Ok(Some(_)) | Err(RecvTimeoutError::Timeout) => {
                    if self.held.is_over.load(Ordering::Relaxed) {
                        return Err("the run has ended".to_owned());
                    }
                }
                Ok(None) | Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.link.gone().message);
                }
            }
        }
        Ok(found.into_iter().flatten().collect())
    }
}
