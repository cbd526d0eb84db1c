//! What is in flight: what tokens of the order stand for, tasks, blocks.
//!
//! There is an [`Item`] and a [`Task`] for each task, looked at when it begins
//! and when it ends. With tens of thousands of others in between, that costs
//! what it takes to fetch them from memory, more than all that is decided. So
//! they are narrow, a cache line each in their slabs, and what few of them need
//! lies elsewhere.

use std::time::Duration;

use crate::pool::Seat;
use crate::slab::Key;
use crate::{OpIdx, Place, Rows, Time, WorkerId, config};

/// What a token of the order stands for.
#[derive(Debug)]
pub(crate) struct Item {
    /// Whose input it is, or is to be; the number of operators for the sink.
    pub(crate) op: u8,
    pub(crate) place: Place,
    pub(crate) born: u64,
    pub(crate) state: State,
    /// The block, unless it is a share of a split.
    pub(crate) block: Option<Key>,
    /// Its rows, if it is one.
    pub(crate) rows: Rows,
    /// Attempts at it that failed in a way that may pass.
    pub(crate) attempts: u16,
    /// Workers that died over it.
    pub(crate) kills: u16,
    /// Whether a task of it has left a rest to another.
    pub(crate) gave_rest: bool,
    /// Outputs that failed attempts have put out already.
    pub(crate) put_out: u32,
    /// Whether it is what a task left of a block: more blocks come of it.
    pub(crate) is_rest: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// An output whose turn to be emitted has not come.
    Unemitted {
        task: Key,
    },
    Queued,
    Running(Key),
    /// It failed and waits for its next attempt.
    BackingOff,
    /// It failed and is not tried again.
    GivenUp,
    /// The end of the list.
    End,
}

impl Item {
    pub(crate) fn new(op: OpIdx, place: Place, born: u64, state: State) -> Self {
        Self {
            op: op as u8,
            place,
            born,
            state,
            block: None,
            rows: Rows::ALL,
            attempts: 0,
            kills: 0,
            gave_rest: false,
            put_out: 0,
            is_rest: false,
        }
    }

    pub(crate) fn op(&self) -> OpIdx {
        self.op.into()
    }
}

/// A task, until its last output is emitted.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) op: u8,
    /// What it works on; it stands until the task is drained.
    pub(crate) token: Key,
    /// Whether it reads a share of a split.
    pub(crate) reads: bool,
    /// Where its worker sits in the operator's pool.
    pub(crate) seat: Option<Seat>,
    pub(crate) phase: TaskPhase,
    pub(crate) is_failed: bool,
    pub(crate) unemitted: u32,
    pub(crate) output_bytes: u64,
    pub(crate) outputs: u32,
    /// Bytes of outputs that it may still put out, by the estimate.
    pub(crate) pending: i64,
    /// Of one that had to wait until its outputs were read.
    pub(crate) unread: Option<Box<Unread>>,
    pub(crate) is_cancelled: bool,
}

/// How far a task is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TaskPhase {
    /// Since when.
    Submitted(Time),
    /// Since when.
    Running(Time),
    /// It has put out everything, or failed, after so long; it is finished when
    /// all is emitted.
    Drained(Duration),
}

/// How long the outputs of a task waited to be read.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    /// Since when they do.
    pub(crate) since: Option<Time>,
    /// In all, before.
    pub(crate) total: Duration,
    /// Bytes that one allowed reading is expected to bring.
    pub(crate) granted: u64,
}

impl Task {
    pub(crate) fn new(op: OpIdx, token: Key, now: Time) -> Self {
        Self {
            op: op as u8,
            token,
            reads: false,
            seat: None,
            phase: TaskPhase::Submitted(now),
            is_failed: false,
            unemitted: 0,
            output_bytes: 0,
            outputs: 0,
            pending: 0,
            unread: None,
            is_cancelled: false,
        }
    }

    pub(crate) fn op(&self) -> OpIdx {
        self.op.into()
    }

    pub(crate) fn is_drained(&self) -> bool {
        matches!(self.phase, TaskPhase::Drained(_))
    }

    pub(crate) fn is_submitted(&self) -> bool {
        matches!(self.phase, TaskPhase::Submitted(_))
    }

    /// It puts out nothing more.
    pub(crate) fn drain(&mut self, now: Time) {
        let took = match self.phase {
            TaskPhase::Running(since) => now.since(since),
            TaskPhase::Submitted(_) => Duration::ZERO,
            TaskPhase::Drained(took) => took,
        };
        self.phase = TaskPhase::Drained(took);
    }

    /// Whether outputs wait to be read.
    pub(crate) fn is_unread(&self) -> bool {
        self.unread
            .as_ref()
            .is_some_and(|unread| unread.since.is_some())
    }

    /// Takes back the leave to read.
    pub(crate) fn take_granted(&mut self) -> u64 {
        match &mut self.unread {
            Some(unread) => std::mem::take(&mut unread.granted),
            None => 0,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) data: u64,
    /// The task that put it out; it may be finished.
    pub(crate) task: Key,
    pub(crate) producer: u8,
    pub(crate) place: Place,
    /// What is charged for it: an estimate until the metadata is known.
    pub(crate) bytes: u64,
    /// What else its metadata say, once they are known.
    pub(crate) known: Option<Known>,
    pub(crate) fetches: u32,
    /// Tokens that stand for it or for rows of it.
    pub(crate) users: u32,
}

/// What is known of a block, besides its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) rows: u32,
    pub(crate) holder: Option<WorkerId>,
}

impl Block {
    pub(crate) fn new(data: u64, task: Key, producer: OpIdx, place: Place, bytes: u64) -> Self {
        Self {
            data,
            task,
            producer: producer as u8,
            place,
            bytes,
            known: None,
            fetches: 0,
            users: 1,
        }
    }

    /// The operator whose task put it out.
    pub(crate) fn producer(&self) -> OpIdx {
        self.producer.into()
    }
}

const _: () = {
    assert!(config::OPERATORS_MAX <= u8::MAX as usize);
    // With what the slab adds, a cache line, or little more.
    assert!(size_of::<Option<Item>>() <= 56);
    assert!(size_of::<Option<Task>>() <= 72);
    assert!(size_of::<Option<Block>>() <= 56);
};
