//! Everything that can happen, and everything that can be commanded.

use std::time::Duration;

use crate::{Limits, OpIdx, slab::Key};

/// A moment: nanoseconds since the run began. Whoever drives the scheduler
/// has the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub u64);

impl Time {
    /// The time since `earlier`; none if that is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This moment, and `delay` more.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(delay.as_nanos() as u64))
    }
}

/// A task, from its submission to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub Key);

/// A block, from its task to its release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId(pub Key);

/// A worker of a pool; the backend numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub u32);

/// A place in the input: what comes from the `seq`-th share of a split.
///
/// Places are in input order; a run that stops can be resumed at one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Position of the split in the input.
    pub split: u32,
    /// Position of the share in its split.
    pub seq: u32,
}

/// Rows of a block, from the first to before the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rows {
    /// The first row.
    pub from: u32,
    /// The row behind the last.
    pub to: u32,
}

impl Rows {
    /// Those of a block that was not cut.
    pub(crate) const ALL: Self = Self {
        from: 0,
        to: u32::MAX,
    };

    /// These, if they are not all.
    pub(crate) fn cut(self) -> Option<Self> {
        (self != Self::ALL).then_some(self)
    }
}

/// What a task works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The next share of a split, of this place.
    Split(Place),
    /// A block.
    Block {
        /// The block.
        block: BlockId,
        /// The backend's name of it.
        data: u64,
        /// Only these rows, if it was cut to find a sample that kills workers.
        rows: Option<Rows>,
    },
}

/// What is known of a block, besides its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Bytes that it holds.
    pub bytes: u64,
    /// Its rows.
    pub rows: u32,
    /// The worker that has it at hand.
    pub holder: Option<WorkerId>,
}

/// How a task failed. Samples that fail by themselves do not fail their task:
/// they are rejects in its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureClass {
    /// It may go well if tried again later.
    Transient,
    /// Its worker died, was killed or hung. The input may be the cause.
    WorkerLost,
    /// Its worker was taken from it, by nobody's fault: at once again, however
    /// often that happens.
    Displaced,
    /// The run cannot go on.
    Fatal,
}

/// Everything that can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The input has `n` more splits; `last` if these are all. (After
    /// [`Command::Close`]: the exchange's output.)
    SplitsFound {
        /// The operator that reads them.
        op: OpIdx,
        /// How many more.
        n: u32,
        /// Whether there will be no more.
        last: bool,
    },
    /// A submitted task has a worker and runs.
    TaskStarted {
        /// The task.
        task: TaskId,
    },
    /// What a task leaves of its input is there for another task. At most once
    /// a task, before it is drained.
    RestReady {
        /// The task.
        task: TaskId,
        /// The first row of its block that it leaves; of no meaning where the
        /// input is a split.
        from: u32,
    },
    /// A task has an output that can be read. It may pause until it is.
    OutputWaiting {
        /// The task.
        task: TaskId,
    },
    /// An output was read; outputs of a task come in their order.
    BlockReady {
        /// The task that put it out.
        task: TaskId,
        /// The backend's name of it.
        data: u64,
        /// What is known of it, if that needs no fetching.
        metadata: Option<Metadata>,
    },
    /// The metadata of a block was fetched, or could not be.
    MetadataReady {
        /// The block.
        block: BlockId,
        /// The metadata; none if fetching failed.
        metadata: Option<Metadata>,
    },
    /// A task has put out all that it will; its worker is free.
    TaskDrained {
        /// The task.
        task: TaskId,
    },
    /// A task has failed; its worker is free or gone.
    TaskFailed {
        /// The task.
        task: TaskId,
        /// How.
        class: FailureClass,
    },
    /// The consumer has taken an emitted block.
    OutputTaken {
        /// The block.
        block: BlockId,
    },
    /// A worker of an operator's pool is ready.
    WorkerUp {
        /// The operator.
        op: OpIdx,
        /// The worker.
        worker: WorkerId,
    },
    /// A worker of a pool is gone, with all that ran on it.
    WorkerDown {
        /// The operator.
        op: OpIdx,
        /// The worker.
        worker: WorkerId,
    },
    /// The user or the backend changed the limits: nodes came or went, memory
    /// is needed elsewhere.
    LimitsChanged(Limits),
    /// Read nothing new; finish what runs, emit what is whole, end. The second
    /// time: cancel what runs, too.
    Cancel,
    /// Time has passed, or commands were held back (see
    /// [`Scheduler::is_behind`](crate::Scheduler::is_behind)).
    Tick,
}

/// What the backend shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Run a task. It puts out blocks in an order that only its input decides.
    Submit {
        /// The task.
        task: TaskId,
        /// The operator.
        op: OpIdx,
        /// The input.
        input: Input,
        /// Where the input comes from.
        place: Place,
        /// The worker of the operator's pool, if it has one.
        worker: Option<WorkerId>,
        /// Outputs that an earlier attempt has put out: not again.
        skip_outputs: u32,
        /// The input, one sample, has killed its workers: reject it with this
        /// number of attempts instead of running it. 0 otherwise.
        poisoned_after: u32,
    },
    /// Read outputs of a task until they hold this many bytes; the one that
    /// crosses the limit is read whole.
    Read {
        /// The task.
        task: TaskId,
        /// Bytes.
        max_bytes: u64,
    },
    /// Fetch a block's metadata, without keeping the scheduler waiting.
    FetchMetadata {
        /// The block.
        block: BlockId,
        /// The backend's name of it.
        data: u64,
    },
    /// Give a block to the consumer, in this order.
    Emit {
        /// The block.
        block: BlockId,
        /// The backend's name of it.
        data: u64,
        /// Where it comes from.
        place: Place,
    },
    /// All that comes from before this place was emitted. It is a place of the
    /// last operator that reads: the source, or the last exchange.
    Advance {
        /// The place.
        to: Place,
    },
    /// Nobody needs a block any more.
    Release {
        /// The backend's name of it.
        data: u64,
    },
    /// An exchange has all its input: decide, and report the output as splits.
    Close {
        /// The operator.
        op: OpIdx,
    },
    /// Start workers of a pool until it has so many, those that are starting
    /// already counted.
    ScalePool {
        /// The operator.
        op: OpIdx,
        /// Workers.
        workers: u32,
    },
    /// End a worker of a pool: it is idle, and gets no more tasks.
    StopWorker {
        /// The operator.
        op: OpIdx,
        /// The worker.
        worker: WorkerId,
    },
    /// Stop a task; report it as failed or drained.
    Cancel {
        /// The task.
        task: TaskId,
    },
    /// The run cannot go on. Nothing more is commanded.
    Fail {
        /// The operator.
        op: OpIdx,
        /// Where the input came from.
        place: Place,
        /// Why.
        failure: Failure,
    },
    /// Nothing is left to do.
    Finish,
}

/// Why a run cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A task failed for good.
    Fatal,
    /// A task failed in a way that may pass, as often as was allowed.
    AttemptsExhausted {
        /// How often it was tried.
        attempts: u32,
    },
    /// A block's metadata could not be fetched, as often as was allowed.
    MetadataLost {
        /// How often it was tried.
        attempts: u32,
    },
}
