//! What threads and gateway tell the backend.

use crossbeam_channel::Sender;
use wrasse_run::{Error, FetchMode, Fetcher, Outcome, Tally};
use wrasse_sched::{BlockId, OpIdx, TaskId};

use crate::link::Heard;
use crate::shares::Shares;
use crate::stream::Streamed;
use crate::wire::{Meta, Said, Verdict, decode};

/// A piece of news.
pub(crate) enum Note {
    /// The gateway said something, or is gone.
    Heard(Option<Heard>),
    /// What a task said of a block was looked through; if it cannot be, that comes
    /// back as it was.
    Fetched {
        block: BlockId,
        data: u64,
        found: Result<Box<Meta>, Vec<u8>>,
    },
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

/// Has a fetcher look through what tasks say, and tell what it found.
pub(crate) fn fetcher(mode: FetchMode, notes: Sender<Note>) -> Result<Fetcher<Said>, Error> {
    let fetch = |said: &Said| decode::<Meta>(&said.bytes).ok().map(Box::new);
    let answer = move |block, said: Said, found: Option<Box<Meta>>| {
        let Said { data, bytes } = said;
        // Nobody listens any more if the run ends.
        let _ = notes.send(Note::Fetched {
            block,
            data,
            found: found.ok_or(bytes),
        });
    };
    Fetcher::new(mode, fetch, answer)
}
