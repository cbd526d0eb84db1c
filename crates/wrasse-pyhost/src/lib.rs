//! Python operators in worker processes.
//!
//! A recipe's Python operators run in processes of their own: what they do to
//! themselves (crash, hang, leak, exit) costs a worker and at last one sample,
//! not the run.
//!
//! | module | what it does |
//! |---|---|
//! | `interpreter` | chooses the Python |
//! | `package` | puts the worker's program, which is part of this one, where Python finds it |
//! | `describe` | asks, before a run, what the operators of a recipe are |
//! | `columns` | samples as columns in Arrow's layout |
//! | `answer` | what became of them, with changed columns |
//! | `wire` | the messages, as `python/wrasse/worker/protocol.py` lists them |
//! | `process` | a process: starting, watching, ending it; what it prints |
//! | `worker` | a process that has its operators, and takes batches |
//! | `narrow` | which rows are tried again when a worker has died; pure |
//! | `drive` | a worker's thread: two batches under way, deaths survived |
//! | `single` | a worker for somebody who waits for each answer |
//! | `again` | a worker whose filter decides once more, on what it has measured |
//! | `guard` | ends the workers of an engine that was killed |
//!
//! Layer: 5.

mod again;
mod answer;
mod columns;
mod describe;
mod drive;
mod guard;
mod interpreter;
mod log;
mod narrow;
mod package;
mod process;
mod python;
mod single;
mod wire;
mod worker;

pub use again::{Again, Measured, Undecided};
pub use describe::Describer;
pub use drive::{Chain, Job, Listener, Seat, drive};
pub use interpreter::Interpreter;
pub use log::WorkerLog;
pub use package::lay_down;
pub use python::{Python, PythonSettings};
pub use single::Single;
