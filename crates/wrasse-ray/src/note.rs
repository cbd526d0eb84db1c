//! What threads and gateway tell the backend.

use wrasse_run::{Outcome, Tally};
use wrasse_sched::{BlockId, OpIdx, TaskId};

use crate::link::Heard;
use crate::shares::Shares;
use crate::stream::Streamed;
use crate::wire::Verdict;

/// A piece of news.
pub(crate) enum Note {
    /// The gateway said something, or is gone.
    Heard(Option<Heard>),
    /// A gate has decided on an object: how many samples it lets on.
    Judged {
        task: TaskId,
        verdict: Verdict,
        kept: u64,
    },
    /// A gate has asked its shards about an object: the next one may come, and what
    /// is decided on this follows.
    Asked { task: TaskId },
    /// What a task wanted of standard input has come.
    Streamed { task: TaskId, share: Streamed },
    /// An exchange has taken an object.
    Absorbed { task: TaskId, tally: Tally },
    /// An exchange has decided: its output has these shares. What was done to
    /// splits that an earlier run has written is in `written`.
    Closed {
        op: OpIdx,
        shares: Shares,
        written: Tally,
    },
    /// A share of an exchange was handed to the gateway; this is what it had
    /// taken in for it, and the object that is not needed when that is done.
    Returned {
        task: TaskId,
        tally: Tally,
        last_use_of: Option<u64>,
    },
    /// Writer or exchange do not need an object any more.
    Unheld { object: u64 },
    /// The writer took an object.
    Written {
        block: BlockId,
        tally: Tally,
        outcome: Outcome,
    },
    /// The writer failed and is gone.
    WriterFailed,
    /// The run cannot go on.
    Fatal(String),
}
