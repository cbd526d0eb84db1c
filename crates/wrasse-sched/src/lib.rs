//! Pure scheduling: what happened goes in, what to do comes out.
//!
//! [`Scheduler::step`] takes one [`Event`] and the time, and appends
//! [`Command`]s. It knows no clock, thread, file or randomness, so the same
//! events give the same commands, a simulation of 50,000 workers runs in
//! moments, and a failure replays from its seed. A backend does what the
//! commands say and reports what became of it.
//!
//! # Model
//!
//! ```text
//!   splits ─▶ operator 0 ─▶ operator 1 ─▶ ... ─▶ sink
//!             (source)      (map, ordered, exchange)
//! ```
//!
//! A *task* takes a share of a split, or a block, and puts out blocks; it may
//! leave a rest of its input to another task, so that what one task puts out
//! is bounded even where inputs grow a hundredfold. Blocks reach the sink, and
//! operators that ask for it, in input order: see [`order`](self) below.
//!
//! | module | decides or keeps |
//! |---|---|
//! | `allocator` | who may use how much |
//! | `flight` | what is in flight: tasks, blocks, what waits |
//! | `order` | the same in input order |
//! | `dispatch` | who submits next; what the others wait for |
//! | `reading` | splits, and what tasks leave of their input |
//! | `tasks`, `blocks` | their states; what is charged for them |
//! | `emit` | where blocks go, and when |
//! | `failure` | retries; the poisonous sample |
//! | `workers`, `pool` | how many workers an operator has, and what each does |
//! | `ending` | when the run is done, cancelled or failed |
//! | `ahead` | how much was read ahead of the front |
//! | `lines`, `oldest`, `waiting` | who waits longest; for what, and who holds it |
//! | `inspect`, `view` | what can be seen; the check of the books |
//!
//! # Invariants
//!
//! 1. Ordered operators and the sink see blocks in input order, each once.
//! 2. Limits hold, but for the head of the order, for blocks that are larger
//!    than expected, and after a limit was lowered.
//! 3. A task is finished once, after its last output was emitted.
//! 4. Every sample of the input ends once: in the output, or rejected.
//! 5. A run that is not cancelled ends, if every command is answered.
//! 6. The cost of an event does not depend on how many operators, tasks,
//!    workers and blocks there are, but for a logarithm.
//!
//! Books are kept by deltas where they change; [`Scheduler::check`] computes
//! them anew and asserts that they agree.
//!
//! Layer: 1. No dependencies.

mod ahead;
mod allocator;
mod blocks;
mod chunks;
mod config;
mod dispatch;
mod emit;
mod ending;
mod event;
mod failure;
mod flight;
mod inspect;
mod lines;
mod oldest;
mod operator;
mod opset;
mod order;
mod pool;
mod reading;
mod resources;
mod scheduler;
mod slab;
mod tasks;
mod view;
mod waiting;
mod workers;

pub use allocator::{Allocator, Bounds, Need, Refusal, Reservations, Shortage, Usage, admit};
pub use config::{
    Limits, OPERATORS_MAX, ORDERED_MAX, OpConfig, OpIdx, OpKind, PoolConfig, Settings,
};
pub use event::{
    BlockId, Command, Event, Failure, FailureClass, Input, Metadata, Place, Rows, TaskId, Time,
    WorkerId,
};
pub use resources::{Resource, Resources};
pub use scheduler::{Phase, Scheduler};
pub use slab::Key;
pub use view::{Holder, Metrics, OpView, Stuck, TASKS_TOLD, TaskWait, Wait, WaitView};
