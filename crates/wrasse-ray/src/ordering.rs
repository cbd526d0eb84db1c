//! The thread for what needs its input in order: gates, by fingerprints alone,
//! and exchanges, which collect their samples here.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender};
use wrasse_op::Fingerprint;
use wrasse_run::{ExchangeStore, FingerprintSet, Part, Pass, Tally, pack, unpack};
use wrasse_sched::{OpIdx, TaskId};

use crate::link::Link;
use crate::needs::Needs;
use crate::note::Note;
use crate::protocol::Say;
use crate::wire::{Spec, Verdict, Work, encode};

/// What the thread is told. Gates and exchanges have the number of the stage
/// before them.
pub(crate) enum Turn {
    /// Decide on the samples of an object.
    Gate {
        task: TaskId,
        gate: usize,
        fingerprints: Arc<Vec<Fingerprint>>,
    },
    /// Keep an object's samples until all have come.
    Absorb {
        task: TaskId,
        exchange: usize,
        object: u64,
        verdict: Option<Verdict>,
    },
    /// All have come. The splits before `start` were written by an earlier run.
    Close {
        op: OpIdx,
        exchange: usize,
        start: u32,
    },
    /// Hand splits of an exchange's output to the gateway, for a task.
    ReadBack {
        task: TaskId,
        number: u64,
        part: Part,
        exchange: usize,
        splits: Range<u32>,
        streams: Streams,
        skip_outputs: u32,
    },
}

/// How a task's outputs come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streams {
    /// The bytes of each; all in one, if none.
    pub(crate) output_bytes: Option<u64>,
    /// Attempts that Ray makes by itself.
    pub(crate) retries: i32,
}

/// Bytes that are looked at from outside.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Memory that gates hold.
    pub(crate) fingerprints: AtomicU64,
    /// Memory that exchanges hold.
    pub(crate) exchanges: AtomicU64,
    /// Bytes of objects that the writer has fetched.
    pub(crate) fetched: AtomicU64,
    /// What exchanges have on disk.
    pub(crate) spilled: AtomicU64,
}

/// What the thread works with.
pub(crate) struct Orderer<'a> {
    pub(crate) pass: &'a Pass,
    pub(crate) link: &'a Link,
    pub(crate) seen: Vec<FingerprintSet>,
    pub(crate) exchanges: Vec<Option<ExchangeStore>>,
    /// Bytes of memory that an exchange may use to decide.
    pub(crate) decision_bytes: usize,
    /// Bytes of a block.
    pub(crate) block_bytes: u64,
    pub(crate) names: &'a [String],
    pub(crate) held: &'a Held,
}

impl Orderer<'_> {
    /// Takes turns until there are no more.
    pub(crate) fn take_turns(&mut self, turns: &Receiver<Turn>, notes: &Sender<Note>) {
        for turn in turns {
            let result = catch_unwind(AssertUnwindSafe(|| self.take(turn)));
            let note = match result {
                Ok(Ok(note)) => note,
                Ok(Err(message)) => Note::Fatal(message),
                Err(_) => {
                    Note::Fatal("a decision panicked; this is a bug, please report it".into())
                }
            };
            self.account();
            if notes.send(note).is_err() {
                return;
            }
        }
    }

    fn account(&self) {
        let seen: usize = self.seen.iter().map(FingerprintSet::memory_bytes).sum();
        let stores = || self.exchanges.iter().flatten();
        let held: usize = stores().map(ExchangeStore::memory_bytes).sum();
        let spilled: u64 = stores().map(ExchangeStore::disk_bytes).sum();
        self.held.fingerprints.store(seen as u64, Ordering::Relaxed);
        self.held.exchanges.store(held as u64, Ordering::Relaxed);
        self.held.spilled.store(spilled, Ordering::Relaxed);
    }

    fn take(&mut self, turn: Turn) -> Result<Note, String> {
        match turn {
            Turn::Gate {
                task,
                gate,
                fingerprints,
            } => {
                let keep = self.seen[gate].judge(&fingerprints);
                Ok(Note::Judged {
                    task,
                    verdict: Verdict::new(gate, &keep),
                    kept: keep.iter().filter(|keep| **keep).count() as u64,
                })
            }
            Turn::Absorb {
                task,
                exchange,
                object,
                verdict,
            } => {
                let mut bytes = Vec::new();
                let mut fetch = || {
                    let fetched = self.link.fetch(object)?;
                    self.link.wait(&fetched, &mut bytes)
                };
                fetch().map_err(|error| error.message)?;
                let mut blocks = unpack(&bytes)?;
                drop(bytes);
                if let Some(verdict) = verdict {
                    verdict.settle(self.pass, &mut blocks);
                }
                let mut tally = Tally::default();
                let store = self.exchanges[exchange].as_mut();
                let store = store.ok_or("the exchange is closed")?;
                for block in blocks {
                    tally.add(&block.tally);
                    store.absorb(block)?;
                }
                Ok(Note::Absorbed { task, tally })
            }
            Turn::Close {
                op,
                exchange,
                start,
            } => {
                // Nothing comes from the exchanges before this one any more.
                self.exchanges[..exchange].fill_with(|| None);
                let store = self.exchanges[exchange].as_mut();
                let store = store.ok_or("the exchange is closed")?;
                let n = store.close(self.pass, self.decision_bytes, self.block_bytes)?;
                let mut written = Tally::default();
                for split in 0..start.min(n) {
                    written.add(&store.absorbed(split)?);
                }
                Ok(Note::Closed { op, n, written })
            }
            Turn::ReadBack {
                task,
                number,
                part,
                exchange,
                splits,
                streams,
                skip_outputs,
            } => {
                let store = self.exchanges[exchange].as_ref();
                let store = store.ok_or("the exchange is closed")?;
                let mut tally = Tally::default();
                let mut blocks = Vec::new();
                for split in splits {
                    tally.add(&store.absorbed(split)?);
                    blocks.push(store.read(self.pass, split)?);
                }
                let data = pack(&blocks)?;
                drop(blocks);
                let name = format!("{} (stage {})", self.names[exchange], part.stage);
                let spec = encode(&Spec {
                    part,
                    work: Work::Blocks {
                        verdict: None,
                        rows: None,
                        poisoned_after: 0,
                    },
                    output_bytes: streams.output_bytes,
                    skip_outputs,
                })?;
                let submit = Say::Submit {
                    task: number,
                    spec: spec.len(),
                    object: None,
                    data: Some(data.len()),
                    streams: streams.output_bytes.is_some(),
                    needs: &Needs::one_cpu(),
                    actor: None,
                    retries: streams.retries,
                    name: &name,
                };
                let said = self.link.say(&[submit], &[&spec, &data]);
                said.map_err(|error| error.message)?;
                Ok(Note::Returned { task, tally })
            }
        }
    }
}
