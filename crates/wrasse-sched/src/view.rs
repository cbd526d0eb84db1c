//! What can be seen of a scheduler: usage, budgets, reasons for waiting.

use std::time::Duration;

use crate::{OpIdx, Place, Resource, Resources, TaskId, Time};

/// How many of an operator's tasks that wait are told: those that do longest.
pub const TASKS_TOLD: usize = 3;

/// Why an operator, or one of its tasks, does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Nothing is in its queue.
    Input,
    /// A resource is in use.
    Resource(Resource),
    /// It uses the most that it can, or runs the most tasks that it may.
    AtMost,
    /// Block bytes: its outputs, or those that others have put out, have to be
    /// taken first.
    OutputBudget,
    /// Too many blocks are in flight, or too many that were read ahead.
    BlocksInFlight,
    /// An earlier block has to come first.
    Order(Place),
    /// All workers of its pool are busy, or are starting.
    Worker,
    /// The run was cancelled: nothing new is read.
    Cancelled,
    /// A task: it was submitted, and nobody has begun it.
    Start,
    /// A task: there is no room for its output, which nobody may read.
    ReadBudget,
    /// A task: what its output holds is not known yet.
    Metadata,
    /// A task: it failed, and is tried again then.
    Retry(Time),
    /// A task: the consumer has as many blocks as it may, or all that there is
    /// room for.
    Consumer,
    /// An exchange: it has all its input, and decides.
    Decision,
}

impl Wait {
    /// The reason in a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Resource(resource) => resource.name(),
            Self::AtMost => "concurrency",
            Self::OutputBudget => "output budget",
            Self::BlocksInFlight => "blocks in flight",
            Self::Order(_) => "order",
            Self::Worker => "worker",
            Self::Cancelled => "cancel",
            Self::Start => "start",
            Self::ReadBudget => "read budget",
            Self::Metadata => "metadata",
            Self::Retry(_) => "retry",
            Self::Consumer => "consumer",
            Self::Decision => "decision",
        }
    }

    /// Whether the operator is held back by others: has input, and could run.
    pub fn is_backpressure(self) -> bool {
        !matches!(self, Self::Input | Self::Cancelled)
    }
}

/// Counters of an operator; they only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Tasks submitted, attempts of one input each counted.
    pub tasks_submitted: u64,
    /// Tasks that a worker has begun.
    pub tasks_started: u64,
    /// Tasks that ended well.
    pub tasks_finished: u64,
    /// Tasks that failed.
    pub tasks_failed: u64,
    /// Inputs that were cut in two to find a sample that kills workers.
    pub inputs_bisected: u64,
    /// Samples that were rejected because they killed their workers.
    pub samples_poisonous: u64,
    /// Blocks put out.
    pub blocks_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
    /// Their rows.
    pub rows_out: u64,
    /// Time from start to end of finished tasks.
    pub task_completion: Duration,
    /// The same, without the time in which outputs waited to be read.
    pub task_completion_excl_backpressure: Duration,
    /// Time between submission and start of tasks.
    pub task_scheduling: Duration,
    /// Time in which tasks' outputs waited to be read.
    pub task_output_backpressure: Duration,
    /// Time in which the operator had input and could not submit.
    pub submission_backpressure: Duration,
}

/// An operator as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpView {
    /// Inputs in its queue.
    pub queued: usize,
    /// Tasks that were submitted and wait for a worker.
    pub tasks_submitted: u32,
    /// Tasks that run.
    pub tasks_running: u32,
    /// Tasks whose outputs may not be read now.
    pub tasks_unread: usize,
    /// Workers of its pool that are up, and how many were asked for.
    pub workers: Option<(u32, u32)>,
    /// Blocks that it put out and nobody released.
    pub output_blocks: u32,
    /// Their bytes.
    pub output_bytes: u64,
    /// What it holds, outputs included.
    pub usage: Resources,
    /// What it may hold.
    pub allocation: Resources,
    /// What it may still take.
    pub budget: Resources,
    /// Bytes of outputs that may be read now.
    pub readable_bytes: u64,
    /// Why it does not go on.
    pub wait: Option<WaitView>,
    /// Those of its tasks that wait longest, longest first.
    pub tasks_waiting: [Option<TaskWait>; TASKS_TOLD],
    /// What it did.
    pub metrics: Metrics,
}

/// A wait, with who is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitView {
    /// Why.
    pub reason: Wait,
    /// Since when.
    pub since: Time,
    /// The operator that holds most of what is waited for; that which has to
    /// put out the block that has to come first; the one upstream.
    pub holder: Option<OpIdx>,
}

/// A task that does not go on. It runs, will run, or has run and put out a block
/// that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskWait {
    /// The task; none of what the operator submits next.
    pub task: Option<TaskId>,
    /// Where its input comes from.
    pub place: Place,
    /// Why.
    pub reason: Wait,
    /// Since when.
    pub since: Time,
    /// Who holds what it waits for; none if nobody here does.
    pub holder: Option<Holder>,
}

/// Who holds what others wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The operator.
    pub op: OpIdx,
    /// Where the input comes from of what has to go on first, if that is one thing.
    pub place: Option<Place>,
    /// The task of that, if it has one.
    pub task: Option<TaskId>,
}

/// The operator that is stuck, if nothing has moved for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// The operator at the head of the order: all others wait for it.
    pub op: OpIdx,
    /// Where its input comes from; none if it has none.
    pub place: Option<Place>,
    /// What that waits for; none if a task of it runs, and nobody keeps it from
    /// going on.
    pub reason: Option<Wait>,
    /// Who holds what it waits for; none if nobody here does.
    pub holder: Option<Holder>,
    /// Since when such a task runs.
    pub begun: Option<Time>,
    /// For how long nothing has moved.
    pub since: Duration,
}
