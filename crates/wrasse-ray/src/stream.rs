//! Standard input, which this process alone can read: two threads.
//!
//! One only reads, and nobody waits for it: if a person types there, it cannot be
//! told to end. The other collects a share of the input when the backend wants
//! one. Which blocks make up a share does not show in the output.

use std::collections::HashMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded, select};
use wrasse_io::{Block, Inputs, ReadLimits, Split, open};
use wrasse_run::{BlockState, Error, Part, Pass, Work as Input, pack};
use wrasse_sched::TaskId;

use crate::note::Note;
use crate::worker::{resumed, timed};

/// Bytes of a share at the most: it passes through this process.
const SHARE_BYTES: u64 = 8 << 20;

/// What is done to the rows here: nothing.
pub(crate) const READS: Part = Part {
    stage: 0,
    operators: 0..0,
    ends_stage: false,
};

/// A task wants the next share, of so many rows at the most.
pub(crate) struct Wanted {
    pub(crate) task: TaskId,
    pub(crate) rows_max: u64,
}

/// A share of standard input.
pub(crate) struct Streamed {
    /// The packed blocks, which hold samples that no operator has seen.
    pub(crate) data: Vec<u8>,
    /// Blocks in it.
    pub(crate) blocks: u32,
    /// Samples in it.
    pub(crate) rows: u32,
    /// Nothing comes behind it.
    pub(crate) is_last: bool,
}

/// Numbers of objects that are the driver's to give begin here; those below are the
/// gateway's.
const PUT_FIRST: u64 = 1 << 48;

/// Standard input, as the backend knows it.
pub(crate) struct Stream {
    /// Which split it is.
    pub(crate) split: u32,
    /// Its shares so far: the last one is not there yet, until it has ended.
    pub(crate) shares: Range<u32>,
    pub(crate) wanted: Sender<Wanted>,
    /// What has come of it and is not done with: objects, with their samples.
    pub(crate) objects: HashMap<u32, (u64, u32)>,
    pub(crate) n_put: u64,
}

impl Stream {
    /// The split, whose first share is `share`.
    pub(crate) fn new(split: u32, share: u32, wanted: Sender<Wanted>) -> Self {
        Self {
            split,
            shares: share..share + 1,
            wanted,
            objects: HashMap::new(),
            n_put: PUT_FIRST,
        }
    }
}

/// What was read.
pub(crate) enum Read {
    /// A block, and the nanoseconds that it took.
    Block(Block, u64),
    /// The input is damaged from here on.
    Damaged(wrasse_io::Error),
    /// The run cannot go on.
    Failed(String),
}

/// Starts to read a split, without its first blocks. At its end the channel is
/// closed.
pub(crate) fn read(
    inputs: &Arc<Inputs>,
    split: &Split,
    limits: ReadLimits,
    skip: u32,
) -> Result<Receiver<Read>, Error> {
    let (give, rows) = bounded(1);
    let (inputs, split) = (Arc::clone(inputs), split.clone());
    std::thread::Builder::new()
        .name("wrasse-stdin".into())
        .spawn(move || {
            let reading = || read_all(&inputs, &split, limits, skip, &give);
            let failed = match catch_unwind(AssertUnwindSafe(reading)) {
                Ok(Ok(())) => return,
                Ok(Err(message)) => message,
                Err(_) => "a reader panicked; this is a bug, please report it".to_owned(),
            };
            // Nobody listens any more if the run has ended.
            drop(give.send(Read::Failed(failed)));
        })
        .map_err(|error| Error::io("cannot start a thread", error))?;
    Ok(rows)
}

fn read_all(
    inputs: &Arc<Inputs>,
    split: &Split,
    limits: ReadLimits,
    skip: u32,
    give: &Sender<Read>,
) -> Result<(), String> {
    let opened = match skip {
        0 => open(inputs, split, limits),
        _ => Ok(resumed(inputs, split, limits, skip)?),
    };
    let mut reader = match opened {
        Ok(reader) => reader,
        Err(error) => {
            drop(give.send(Read::Damaged(error)));
            return Ok(());
        }
    };
    loop {
        let (block, took_ns) = timed(|| reader.next_block());
        let (read, is_end) = match block {
            Ok(Some(block)) => (Read::Block(block, took_ns), false),
            Ok(None) => return Ok(()),
            Err(error) => (Read::Damaged(error), true),
        };
        if give.send(read).is_err() || is_end {
            return Ok(());
        }
    }
}

/// Collects shares.
pub(crate) struct Streamer<'a> {
    pub(crate) pass: &'a Pass,
    pub(crate) rows: Receiver<Read>,
    /// Bytes that a task works on.
    pub(crate) target: u64,
}

impl Streamer<'_> {
    /// Collects what is wanted, until nothing is any more.
    pub(crate) fn collect(&self, wanted: &Receiver<Wanted>, notes: &Sender<Note>) {
        for Wanted { task, rows_max } in wanted {
            let note = match self.share(rows_max, wanted) {
                Ok(Some(share)) => Note::Streamed { task, share },
                Ok(None) => return,
                Err(message) => Note::Fatal(message),
            };
            if notes.send(note).is_err() {
                return;
            }
        }
    }

    /// The next share; none if the run ends meanwhile.
    fn share(&self, rows_max: u64, wanted: &Receiver<Wanted>) -> Result<Option<Streamed>, String> {
        let bytes_max = self.target.min(SHARE_BYTES);
        let mut blocks: Vec<BlockState> = Vec::new();
        let (mut bytes, mut rows_left, mut is_last) = (0, rows_max, false);
        while !is_last && bytes < bytes_max && rows_left > 0 {
            let read = select! {
                recv(self.rows) -> read => read.ok(),
                // The next share is wanted when this one is there, so that this is
                // the end.
                recv(wanted) -> _ => return Ok(None),
            };
            let state = match read {
                None => {
                    is_last = true;
                    break;
                }
                Some(Read::Failed(message)) => return Err(message),
                Some(Read::Damaged(error)) => {
                    is_last = true;
                    let mut state = self.pass.empty();
                    state.damaged(&error);
                    state
                }
                Some(Read::Block(block, took_ns)) => {
                    let work = Input::Rows(block, rows_left);
                    let ran = self.pass.run_part(&READS, work, usize::MAX)?;
                    let mut state = ran.state;
                    state.tally.read_ns += took_ns;
                    state
                }
            };
            rows_left -= state.tally.rows_in;
            bytes += state.memory_bytes() as u64;
            blocks.push(state);
        }
        Ok(Some(Streamed {
            data: pack(&blocks)?,
            blocks: blocks.len() as u32,
            rows: blocks.iter().map(BlockState::n_samples).sum::<usize>() as u32,
            is_last,
        }))
    }
}
