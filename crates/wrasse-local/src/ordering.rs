//! The thread for what needs its input in order: gates, and exchanges as long as
//! they collect. The scheduler gives each one block at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use crossbeam_channel::{Receiver, Sender};
use wrasse_run::{BlockState, ExchangeStore, FingerprintSet, Tally};
use wrasse_sched::{OpIdx, TaskId};

use crate::worker::{Note, Shared};

/// What the thread is told. Gates and exchanges have the number of the stage
/// before them.
pub(crate) enum Turn {
    /// Put a block through a gate.
    Gate {
        task: TaskId,
        gate: usize,
        state: Box<BlockState>,
    },
    /// Keep a block until all have come.
    Absorb {
        task: TaskId,
        exchange: usize,
        state: Box<BlockState>,
    },
    /// All have come. The splits before `start` were written by an earlier run.
    Close {
        op: OpIdx,
        exchange: usize,
        start: u32,
    },
}

/// Takes turns until there are no more. `seen` is what each gate has seen.
pub(crate) fn take_turns(
    shared: &Shared,
    mut seen: Vec<FingerprintSet>,
    turns: &Receiver<Turn>,
    notes: &Sender<Note>,
) {
    for turn in turns {
        let result = catch_unwind(AssertUnwindSafe(|| take(shared, &mut seen, turn)));
        let note = match result {
            Ok(Ok(note)) => note,
            Ok(Err(message)) => Note::Fatal(message),
            Err(_) => Note::Fatal("a decision panicked; this is a bug, please report it".into()),
        };
        let bytes: usize = seen.iter().map(FingerprintSet::memory_bytes).sum();
        shared
            .fingerprint_bytes
            .store(bytes as u64, Ordering::Relaxed);
        if notes.send(note).is_err() {
            return;
        }
    }
}

fn take(shared: &Shared, seen: &mut [FingerprintSet], turn: Turn) -> Result<Note, String> {
    match turn {
        Turn::Gate {
            task,
            gate,
            mut state,
        } => {
            shared.pass.decide(gate, &mut state, &mut seen[gate]);
            Ok(Note::Done {
                task,
                state: Some(state),
                rest: None,
                returned: None,
            })
        }
        Turn::Absorb {
            task,
            exchange,
            state,
        } => {
            let tally = state.tally.clone();
            with_store(shared, exchange, |store| store.absorb(*state))?;
            Ok(Note::Absorbed { task, tally })
        }
        Turn::Close {
            op,
            exchange,
            start,
        } => {
            // Nothing comes from the exchanges before this one any more.
            for earlier in 0..exchange {
                let store = shared.exchanges[earlier].write();
                *store.unwrap_or_else(PoisonError::into_inner) = None;
            }
            with_store(shared, exchange, |store| {
                let n = store.close(&shared.pass, shared.decision_bytes, shared.block_bytes())?;
                let mut written = Tally::default();
                for split in 0..start.min(n) {
                    written.add(&store.absorbed(split)?);
                }
                Ok(Note::Closed { op, n, written })
            })
        }
    }
}

fn with_store<T>(
    shared: &Shared,
    exchange: usize,
    work: impl FnOnce(&mut ExchangeStore) -> Result<T, String>,
) -> Result<T, String> {
    let store = shared.exchanges[exchange].write();
    let mut store = store.unwrap_or_else(PoisonError::into_inner);
    let result = work(store.as_mut().ok_or("the exchange is closed")?);
    drop(store);
    let (mut held, mut spilled) = (0, 0);
    for store in &shared.exchanges {
        let store = store.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = store.as_ref() {
            held += store.memory_bytes() as u64;
            spilled += store.disk_bytes();
        }
    }
    shared.exchange_bytes.store(held, Ordering::Relaxed);
    shared.spilled_bytes.store(spilled, Ordering::Relaxed);
    result
}
