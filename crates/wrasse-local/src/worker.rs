//! Workers: threads that read blocks and run operators over them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};
use wrasse_io::{Inputs, ReadLimits, Split, SplitReader, open};
use wrasse_run::{BlockState, ExchangeStore, Outcome, Part, Pass, Ran, Tally, Work};
use wrasse_sched::{BlockId, OpIdx, TaskId, WorkerId};

/// What a worker is told to do.
pub(crate) enum Task {
    /// Read the next block and run operators over it.
    Read {
        task: TaskId,
        part: Part,
        split: Split,
        reader: Reader,
        /// Rows to take at the most.
        rows_max: u64,
    },
    /// Read a split of an exchange and run operators over it.
    ReadBack {
        task: TaskId,
        part: Part,
        /// The number of the stage before it.
        exchange: usize,
        split: u32,
    },
    /// Run operators over a block.
    Run {
        task: TaskId,
        part: Part,
        state: Box<BlockState>,
    },
}

/// The reader of a split.
pub(crate) enum Reader {
    /// Not opened yet; this many blocks are to be passed over (by a resumed
    /// run).
    Fresh { skip: u32 },
    /// Open, behind the blocks that were read.
    Open(Box<dyn SplitReader>),
}

/// What workers and the writer tell the backend.
pub(crate) enum Note {
    /// A worker has begun.
    Started { task: TaskId },
    /// A block was read; the reader is free for the next.
    Read {
        task: TaskId,
        reader: Box<dyn SplitReader>,
    },
    /// A task is done. No block: its split had no more. A rest: the output is
    /// large enough, and these samples, with so many before them, are left.
    Done {
        task: TaskId,
        state: Option<Box<BlockState>>,
        rest: Option<(usize, Box<BlockState>)>,
        /// What an exchange had taken in and now gave back.
        returned: Option<Tally>,
    },
    /// An exchange has taken a block.
    Absorbed { task: TaskId, tally: Tally },
    /// An exchange has decided: its output has `n` splits. What was done to
    /// blocks that an earlier run has written is in `written`.
    Closed { op: OpIdx, n: u32, written: Tally },
    /// A worker process has constructed its operators.
    WorkerReady { op: OpIdx, worker: WorkerId },
    /// The run cannot go on.
    Fatal(String),
    /// The writer took a block.
    Written { block: BlockId, outcome: Outcome },
    /// The writer failed and is gone.
    WriterFailed,
}

/// What every worker needs.
pub(crate) struct Shared {
    pub(crate) pass: Pass,
    pub(crate) inputs: Arc<Inputs>,
    pub(crate) limits: ReadLimits,
    /// What waits at each exchange, by the number of the stage before it.
    pub(crate) exchanges: Vec<RwLock<Option<ExchangeStore>>>,
    /// Bytes of memory that an exchange may use to decide.
    pub(crate) decision_bytes: usize,
    /// Which workers work.
    pub(crate) shift: Shift,
    /// Bytes of memory that gates hold.
    pub(crate) fingerprint_bytes: AtomicU64,
    /// Bytes of memory that exchanges hold.
    pub(crate) exchange_bytes: AtomicU64,
    /// Bytes that exchanges have on disk.
    pub(crate) spilled_bytes: AtomicU64,
}

impl Shared {
    /// Bytes that a block shall have.
    pub(crate) fn block_bytes(&self) -> u64 {
        self.limits.block_bytes as u64
    }
}

/// How many of the workers work; those of higher numbers rest.
pub(crate) struct Shift {
    n: Mutex<usize>,
    changed: Condvar,
}

impl Shift {
    pub(crate) fn new(n: usize) -> Self {
        Self {
            n: Mutex::new(n),
            changed: Condvar::new(),
        }
    }

    pub(crate) fn set(&self, n: usize) {
        *self.n.lock().unwrap_or_else(PoisonError::into_inner) = n;
        self.changed.notify_all();
    }

    /// Rests as long as worker `i` is one too many.
    fn rest(&self, i: usize) {
        let n = self.n.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_while(n, |n| i >= *n));
    }

    /// All work once this is dropped, so that they find that there is no more.
    pub(crate) fn until_dropped(&self) -> impl Drop {
        struct Woken<'a>(&'a Shift);
        impl Drop for Woken<'_> {
            fn drop(&mut self) {
                self.0.set(usize::MAX);
            }
        }
        Woken(self)
    }
}

/// Works until there are no more tasks, as worker number `i`.
pub(crate) fn work(shared: &Shared, i: usize, tasks: &Receiver<Task>, notes: &Sender<Note>) {
    loop {
        shared.shift.rest(i);
        let Ok(task) = tasks.recv() else { return };
        let result = catch_unwind(AssertUnwindSafe(|| perform(shared, task, notes)));
        let fatal = match result {
            Ok(Ok(())) => continue,
            Ok(Err(message)) => message,
            Err(_) => "a reader or writer panicked; this is a bug, please report it".to_owned(),
        };
        if notes.send(Note::Fatal(fatal)).is_err() {
            return;
        }
    }
}

fn perform(shared: &Shared, task: Task, notes: &Sender<Note>) -> Result<(), String> {
    // Sending fails only if the coordinator is gone, and then nobody cares.
    let tell = |note| drop(notes.send(note));
    match task {
        Task::Read {
            task,
            part,
            split,
            reader,
            rows_max,
        } => {
            tell(Note::Started { task });
            if rows_max == 0 {
                tell(done(task, None));
                return Ok(());
            }
            let reader = resumed(shared, &split, reader)?;
            let (rows, took_ns) = timed(|| next_block(shared, &split, reader));
            let mut state = match rows {
                Ok(Some((rows, reader))) => {
                    tell(Note::Read { task, reader });
                    let work = Work::Rows(rows, rows_max);
                    shared.pass.run_part(&part, work, usize::MAX)?.state
                }
                Ok(None) => {
                    tell(done(task, None));
                    return Ok(());
                }
                Err(error) => {
                    let mut state = shared.pass.empty();
                    state.damaged(&error);
                    state
                }
            };
            state.tally.read_ns += took_ns;
            tell(done(task, Some(Box::new(state))));
        }
        Task::ReadBack {
            task,
            part,
            exchange,
            split,
        } => {
            tell(Note::Started { task });
            let store = shared.exchanges[exchange].read();
            let store = store.unwrap_or_else(PoisonError::into_inner);
            let store = store.as_ref().ok_or("the exchange is closed")?;
            let state = store.read(&shared.pass, split)?;
            let returned = store.absorbed(split)?;
            let work = Work::State(Box::new(state));
            let state = shared.pass.run_part(&part, work, usize::MAX)?.state;
            tell(Note::Done {
                task,
                state: Some(Box::new(state)),
                rest: None,
                returned: Some(returned),
            });
        }
        Task::Run { task, part, state } => {
            tell(Note::Started { task });
            // A block that grows a little is not worth two tasks.
            let bytes_max = shared.limits.block_bytes * 2;
            let Ran { state, rest } = shared.pass.run_part(&part, Work::State(state), bytes_max)?;
            tell(Note::Done {
                task,
                state: Some(Box::new(state)),
                rest,
                returned: None,
            });
        }
    }
    Ok(())
}

fn done(task: TaskId, state: Option<Box<BlockState>>) -> Note {
    Note::Done {
        task,
        state,
        rest: None,
        returned: None,
    }
}

/// Passes over the blocks that a resumed run has written. They were read once,
/// so that a failure here is no damage to be recorded and passed by.
fn resumed(shared: &Shared, split: &Split, reader: Reader) -> Result<Reader, String> {
    let skip = match reader {
        Reader::Fresh { skip } if skip > 0 => skip,
        _ => return Ok(reader),
    };
    let open = || {
        let mut reader = open(&shared.inputs, split, shared.limits)?;
        for _ in 0..skip {
            reader.next_block()?;
        }
        Ok(Reader::Open(reader))
    };
    open().map_err(|error: wrasse_io::Error| {
        let cause = error
            .source
            .as_ref()
            .map_or(String::new(), |cause| format!(": {cause}"));
        format!("the input cannot be read again up to where the run stopped: {error}{cause}")
    })
}

type Rows = (wrasse_io::Block, Box<dyn SplitReader>);

fn next_block(
    shared: &Shared,
    split: &Split,
    reader: Reader,
) -> Result<Option<Rows>, wrasse_io::Error> {
    let mut reader = match reader {
        Reader::Open(reader) => reader,
        Reader::Fresh { .. } => open(&shared.inputs, split, shared.limits)?,
    };
    Ok(reader.next_block()?.map(|block| (block, reader)))
}

#[expect(
    clippy::disallowed_methods,
    reason = "measures where the time goes; no result depends on it"
)]
fn timed<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed().as_nanos() as u64)
}
