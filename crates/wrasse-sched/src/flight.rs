//! What is in flight: what tokens of the order stand for, tasks, blocks.
//!
//! There is an [`Item`] and a [`Task`] for each task, looked at when it begins
//! and when it ends. With tens of thousands of others in between, that costs
//! what it takes to fetch them from memory, more than all that is decided. So
//! they are narrow, that more of them lie in the caches, and what few of them
//! need lies elsewhere.

use std::time::Duration;

use crate::pool::Seat;
use crate::slab::{At, Key};
use crate::{OpIdx, Place, Rows, Time, WorkerId, config};

/// What a token of the order stands for.
#[derive(Clone, Copy, Debug)]
#[repr(C, packed(4))] // Of eight bytes' alignment it would be a fourth larger.
pub(crate) struct Item {
    pub(crate) born: u64,
    pub(crate) place: Place,
    /// The block, unless it is a share of a split.
    pub(crate) block: Option<At>,
    /// The task that puts it out, or works on it; see [`State`].
    pub(crate) task: Option<At>,
    /// Whose input it is, or is to be; the number of operators for the sink.
    pub(crate) op: u8,
    pub(crate) state: State,
    /// Whether a task of it has left a rest to another.
    pub(crate) gave_rest: bool,
    /// Whether the scheduler keeps a [`Past`] of it.
    pub(crate) has_past: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// An output of a task whose turn to be emitted has not come.
    Unemitted,
    Queued,
    /// A task works on it.
    Running,
    /// It failed and waits for its next attempt.
    BackingOff,
    /// It failed and is not tried again.
    GivenUp,
    /// The end of the list.
    End,
}

/// What befell an input that is not as it came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Past {
    /// Its rows, if it is a block.
    pub(crate) rows: Rows,
    /// Whether it is what a task left of a block: more blocks come of it.
    pub(crate) is_rest: bool,
    /// Attempts at it that failed in a way that may pass.
    pub(crate) attempts: u32,
    /// Workers that died over it.
    pub(crate) kills: u32,
    /// Outputs that failed attempts have put out already.
    pub(crate) put_out: u32,
    /// Whether it is one sample that is rejected, for what it costs. It stays so, even
    /// if a worker that only tells this dies.
    pub(crate) is_poisonous: bool,
    /// When it is tried again, if it waits for that.
    pub(crate) again: Time,
}

impl Past {
    /// Nothing.
    pub(crate) const NONE: Self = Self {
        rows: Rows::ALL,
        is_rest: false,
        attempts: 0,
        kills: 0,
        put_out: 0,
        is_poisonous: false,
        again: Time(0),
    };
}

impl Item {
    pub(crate) fn new(op: OpIdx, place: Place, born: u64, state: State) -> Self {
        Self {
            op: op as u8,
            place,
            born,
            state,
            task: None,
            block: None,
            gave_rest: false,
            has_past: false,
        }
    }

    pub(crate) fn op(&self) -> OpIdx {
        self.op.into()
    }

    /// The task that works on it.
    pub(crate) fn running(&self) -> Option<At> {
        self.task.filter(|_| self.state == State::Running)
    }
}

/// A task, until its last output is emitted.
#[derive(Clone, Copy, Debug)]
#[repr(C, packed(4))]
pub(crate) struct Task {
    /// When it was submitted, or began; how long it took, in nanoseconds. See
    /// [`Stage`].
    pub(crate) time: u64,
    pub(crate) output_bytes: u64,
    /// Bytes of outputs that it may still put out, by the estimate.
    pub(crate) pending: i64,
    /// What it works on; it stands until the task is drained.
    pub(crate) token: At,
    /// Where its worker sits in the operator's pool.
    pub(crate) seat: Option<Seat>,
    pub(crate) outputs: u32,
    pub(crate) unemitted: u32,
    pub(crate) op: u8,
    pub(crate) stage: Stage,
    /// Whether its outputs had to wait until they were read: the scheduler
    /// keeps an [`Unread`] of it.
    pub(crate) was_unread: bool,
    pub(crate) is_cancelled: bool,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Submitted,
    /// The same, and not lately: it stands in line (see `lines`).
    Late,
    Running,
    /// It has put out everything; it is finished when all is emitted.
    Drained,
    /// It failed, and is gone when all is emitted.
    Failed,
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
            token: token.into(),
            seat: None,
            stage: Stage::Submitted,
            time: now.0,
            unemitted: 0,
            output_bytes: 0,
            outputs: 0,
            pending: 0,
            was_unread: false,
            is_cancelled: false,
        }
    }

    pub(crate) fn op(&self) -> OpIdx {
        self.op.into()
    }

    pub(crate) fn is_drained(&self) -> bool {
        matches!(self.stage, Stage::Drained | Stage::Failed)
    }

    pub(crate) fn is_submitted(&self) -> bool {
        matches!(self.stage, Stage::Submitted | Stage::Late)
    }

    /// A worker has begun it, so long after it was submitted. None if it had
    /// already.
    pub(crate) fn begin(&mut self, now: Time) -> Option<Duration> {
        if !self.is_submitted() {
            return None;
        }
        let submitted = Time(self.time);
        (self.stage, self.time) = (Stage::Running, now.0);
        Some(now.since(submitted))
    }

    /// It puts out nothing more.
    pub(crate) fn drain(&mut self, now: Time) {
        let since = match self.stage {
            Stage::Running => self.time,
            _ => now.0,
        };
        (self.stage, self.time) = (Stage::Drained, now.0.saturating_sub(since));
    }

    /// How long it took, if it ended well.
    pub(crate) fn took(&self) -> Option<Duration> {
        (self.stage == Stage::Drained).then_some(Duration::from_nanos(self.time))
    }

    pub(crate) fn fail(&mut self) {
        self.stage = Stage::Failed;
    }
}

#[derive(Clone, Copy, Debug)]
#[repr(C, packed(4))]
pub(crate) struct Block {
    pub(crate) data: u64,
    /// Since when it has been in a queue.
    pub(crate) queued: Time,
    /// The task that put it out; it may be finished.
    pub(crate) task: Key,
    pub(crate) place: Place,
    /// What is charged for it: an estimate until the metadata is known.
    pub(crate) bytes: u64,
    /// What else its metadata say, once they are known.
    pub(crate) known: Option<Known>,
    /// Tokens that stand for it or for rows of it.
    pub(crate) users: u32,
    pub(crate) fetches: u8,
    pub(crate) producer: u8,
}

/// What is known of a block, besides its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) rows: u32,
    pub(crate) holder: Option<WorkerId>,
}

impl Block {
    pub(crate) fn new(data: u64, task: Key, producer: OpIdx, place: Place) -> Self {
        Self {
            data,
            queued: Time(0),
            task,
            producer: producer as u8,
            place,
            bytes: 0,
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
    // With what the slab adds, half a cache line, three quarters, and one.
    assert!(size_of::<Option<Item>>() <= 28);
    assert!(size_of::<Option<Task>>() <= 44);
    assert!(size_of::<Option<Block>>() <= 60);
};
