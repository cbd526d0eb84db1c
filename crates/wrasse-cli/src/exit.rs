//! [`Exit`]: the exit codes.

use std::process::ExitCode;

/// How the program ended, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All is done.
    Done = 0,
    /// The run came to its end, but rejected more than `max_rejects` allows,
    /// or some input file is damaged.
    Rejects = 1,
    /// The arguments or the recipe are wrong; nothing was started.
    Usage = 2,
    /// The run could not go on (disk full, memory limit, a fatal operator);
    /// `--resume` goes on from the last commit.
    Failed = 3,
    /// The run was interrupted; `--resume` goes on.
    Interrupted = 130,
}

impl Exit {
    /// Every code with what it means, for the help text.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Done, "all is done"),
        (Self::Rejects, "done, but more rejects than `max_rejects` allows, or a damaged input file"),
        (Self::Usage, "wrong arguments or a wrong recipe; nothing was started"),
        (Self::Failed, "the run could not go on; `--resume` continues from the last commit"),
        (Self::Interrupted, "interrupted; `--resume` continues"),
    ];
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
