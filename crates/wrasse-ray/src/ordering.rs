//! The thread for what needs its input in order: gates, by fingerprints alone,
//! and exchanges, by keys.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender};
use wrasse_run::{Part, Tally};
use wrasse_sched::{OpIdx, TaskId};

use crate::exchanging::{Exchanging, Tasks};
use crate::gates::{Gates, News};
use crate::needs::Needs;
use crate::note::Note;
use crate::protocol::Say;
use crate::wire::{Spec, encode};

/// What the thread is told. Gates and exchanges have the number of the stage
/// before them.
pub(crate) enum Turn {
    /// Something about gates.
    Gate(News),
    /// An object stays where it is until all have come; the exchange is told this.
    Absorb {
        task: TaskId,
        exchange: usize,
        object: u64,
        notes: Arc<Vec<u8>>,
    },
    /// All have come.
    Close { op: OpIdx, exchange: usize },
    /// Have a task go on with a share of an exchange's output.
    ReadBack(ReadBack),
}

/// A task that goes on with a share of an exchange's output.
pub(crate) struct ReadBack {
    pub(crate) task: TaskId,
    pub(crate) number: u64,
    pub(crate) op: OpIdx,
    pub(crate) part: Part,
    pub(crate) exchange: usize,
    pub(crate) share: u32,
    pub(crate) streams: Streams,
    pub(crate) skip_outputs: u32,
    /// In how many pieces the keys of what is put out are cut.
    pub(crate) pieces: u32,
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
    /// Memory that gates hold here.
    pub(crate) fingerprints: AtomicU64,
    /// Memory that their shards hold, and how many these are.
    pub(crate) sharded: AtomicU64,
    pub(crate) shards: AtomicU64,
    /// Memory that exchanges hold.
    pub(crate) exchanges: AtomicU64,
    /// Bytes of objects that the writer has fetched, of keys and what was found in
    /// them.
    pub(crate) fetched: AtomicU64,
    /// What exchanges have on disk.
    pub(crate) spilled: AtomicU64,
    /// Whether the run has ended.
    pub(crate) is_over: AtomicBool,
}

/// What the thread works with.
pub(crate) struct Orderer<'a> {
    pub(crate) tasks: Tasks<'a>,
    pub(crate) gates: Gates<'a>,
    pub(crate) exchanges: Vec<Option<Exchanging>>,
    /// Bytes of memory that an exchange may use to decide.
    pub(crate) decision_bytes: usize,
    /// Bytes of a block, and of what a task puts out.
    pub(crate) block_bytes: u64,
    pub(crate) target: u64,
    pub(crate) names: &'a [String],
    pub(crate) held: &'a Held,
}

impl Orderer<'_> {
    /// Takes turns until there are no more.
    pub(crate) fn take_turns(&mut self, turns: &Receiver<Turn>, notes: &Sender<Note>) {
        for turn in turns {
            let result = catch_unwind(AssertUnwindSafe(|| self.take(turn)));
            let told = match result {
                Ok(Ok(told)) => told,
                Ok(Err(message)) => vec![Note::Fatal(message)],
                Err(_) => vec![Note::Fatal(
                    "a decision panicked; this is a bug, please report it".into(),
                )],
            };
            self.account();
            for note in told {
                if notes.send(note).is_err() {
                    return;
                }
            }
        }
    }

    fn account(&self) {
        self.gates.account();
        let stores = || self.exchanges.iter().flatten();
        let held: usize = stores().map(Exchanging::memory_bytes).sum();
        let spilled: u64 = stores().map(Exchanging::disk_bytes).sum();
        self.held.exchanges.store(held as u64, Ordering::Relaxed);
        self.held.spilled.store(spilled, Ordering::Relaxed);
    }

    fn take(&mut self, turn: Turn) -> Result<Vec<Note>, String> {
        match turn {
            Turn::Gate(news) => self.gates.take(news),
            Turn::Absorb {
                task,
                exchange,
                object,
                notes,
            } => {
                let store = self.exchanges[exchange].as_mut();
                let store = store.ok_or("the exchange is closed")?;
                let tally = store.absorb(object, &notes, &self.tasks)?;
                Ok(vec![Note::Absorbed { task, tally }])
            }
            Turn::Close { op, exchange } => {
                // Nothing comes from the exchanges before this one any more.
                for earlier in &mut self.exchanges[..exchange] {
                    if let Some(earlier) = earlier.take() {
                        earlier.end(&self.tasks);
                    }
                }
                let store = self.exchanges[exchange].as_mut();
                let store = store.ok_or("the exchange is closed")?;
                let bounds = (self.decision_bytes, self.block_bytes, self.target);
                let (shares, written) = store.close(&mut self.tasks, &self.names[op], bounds)?;
                Ok(vec![Note::Closed {
                    op,
                    shares,
                    written,
                }])
            }
            Turn::ReadBack(back) => self.read_back(back).map(|()| Vec::new()),
        }
    }

    fn read_back(&mut self, asked: ReadBack) -> Result<(), String> {
        let store = self.exchanges[asked.exchange].as_ref();
        let store = store.ok_or("the exchange is closed")?;
        let back = store.read(self.tasks.pass, &asked)?;
        let name = format!("{} (stage {})", self.names[asked.op], asked.part.stage);
        let spec = encode(&Spec {
            part: asked.part,
            work: back.work,
            output_bytes: asked.streams.output_bytes,
            skip_outputs: asked.skip_outputs,
        })?;
        let submit = Say::Submit {
            task: asked.number,
            spec: spec.len(),
            objects: &back.objects,
            piece: back.piece,
            pieces: asked.pieces,
            streams: asked.streams.output_bytes.is_some(),
            needs: &Needs::one_cpu(),
            actor: None,
            retries: asked.streams.retries,
            name: &name,
        };
        // First, so that it is known before the task is done.
        drop(self.tasks.notes.send(Note::Returned {
            task: asked.task,
            tally: match asked.skip_outputs {
                0 => back.tally,
                // It was taken away with the first output.
                _ => Tally::default(),
            },
            last_use_of: back.last_use_of,
        }));
        let said = self.tasks.link.say(&[submit], &[&spec]);
        said.map_err(|error| error.message)
    }
}
