//! The task scheduler: jobs that are submitted, watched and cancelled, and
//! survive the death of whoever submitted them.
//!
//! * [`TaskScheduler`] is the face: submit, wait, cancel, list.
//! * The board (`board`) decides who runs next; it is pure.
//! * The [`Store`] has all jobs; every transition is in it before anything
//!   follows from it.
//! * Processes run under keepers ([`keep`]), which outlive a scheduler.
//!
//! One thread owns board and store; whoever wants something sends it a note.
//!
//! Layer: 6.

mod actor;
mod board;
mod clock;
mod error;
mod functions;
mod job;
mod keeper;
mod launch;
mod ray;
mod readers;
mod scheduler;
mod settings;
mod store;
mod work;

pub use board::Change;
pub use error::{Error, StoreError};
pub use functions::{Functions, Given};
pub use job::{Job, JobId, Millis, Retry, State, Submission};
pub use keeper::{LogPiece, keep, read_log};
pub use ray::{RayEnd, RayOrder};
pub use scheduler::{Statistics, Submitted, TaskScheduler};
pub use settings::Settings;
pub use store::{Filter, Postgres, Read, Sqlite, Store, Transition, Write};
pub use work::{CommandWork, Existing, FunctionWork, RayWork, RunWork, Work};
