//! The keeper: a process between the scheduler and a job's own.
//!
//! A keeper starts one process, keeps its log, ends it when its time is up or
//! someone asks, sees to it that nothing of it is left, and writes down how it
//! ended. So a scheduler that dies loses nothing: the next one finds either a
//! keeper that is alive or what it wrote. Keeper and scheduler share a folder:
//!
//! | file | by | says |
//! |---|---|---|
//! | `spec.json` | scheduler | what to start |
//! | `lock` | keeper | locked as long as it is alive |
//! | `started` | keeper | something was begun; who keeps it. Without it and with the lock free, nothing was, and the scheduler puts it there itself to keep it so |
//! | `child` | keeper | the process it started |
//! | `stop`, `hold` | scheduler | the process is to be ended, to stand still; SIGUSR1 has the keeper look |
//! | `exit.json` | keeper | how it ended |
//! | `log-<offset>` | keeper | what it said, from that byte on |

mod kin;
mod log;
mod run;
mod spec;

pub use log::{LogPiece, read_log};
pub use run::keep;

pub(crate) use kin::Process;
pub(crate) use spec::{Cause, Exit, Spec, write_whole};

/// The files.
pub(crate) const SPEC: &str = "spec.json";
pub(crate) const LOCK: &str = "lock";
pub(crate) const STARTED: &str = "started";
pub(crate) const CHILD: &str = "child";
pub(crate) const STOP: &str = "stop";
pub(crate) const HOLD: &str = "hold";
pub(crate) const EXIT: &str = "exit.json";
