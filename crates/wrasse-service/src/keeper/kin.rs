//! Processes: who they are, and whose children.
//!
//! A number names a process only as long as it is not used again; with the
//! time at which it began, it always does.

use std::path::Path;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    /// Its number.
    pub(crate) pid: i32,
    /// When it began, in the system's own units; 0 where that is not told.
    pub(crate) began: u64,
}

impl Process {
    /// The process of this number now.
    pub(crate) fn of(pid: i32) -> Self {
        Self {
            pid,
            began: Stat::read(pid).map_or(0, |stat| stat.began),
        }
    }

    /// The one that a file names.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }

    /// Whether it is still there.
    pub(crate) fn is_alive(self) -> bool {
        match Stat::read(self.pid) {
            Some(stat) => stat.began == self.began && stat.state != b'Z',
            None => self.began == 0 && kill(Pid::from_raw(self.pid), None).is_ok(),
        }
    }

    /// Sends it a signal, if it is still there.
    pub(crate) fn signal(self, signal: Signal) {
        if self.is_alive() {
            // It may go in this very moment.
            let _ = kill(Pid::from_raw(self.pid), signal);
        }
    }

    /// Sends its group a signal, if it is still there.
    pub(crate) fn signal_group(self, signal: Signal) {
        if self.is_alive() {
            let _ = killpg(Pid::from_raw(self.pid), signal);
        }
    }
}

/// What Linux tells of a process.
struct Stat {
    parent: i32,
    state: u8,
    began: u64,
}

impl Stat {
    fn read(pid: i32) -> Option<Self> {
        let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        // The name, in parentheses, may have anything in it.
        let behind = text.iter().rposition(|&byte| byte == b')')? + 1;
        let rest = std::str::from_utf8(&text[behind..]).ok()?;
        let fields: Vec<_> = rest.split_ascii_whitespace().collect();
        Some(Self {
            state: *fields.first()?.as_bytes().first()?,
            parent: fields.get(1)?.parse().ok()?,
            began: fields.get(19)?.parse().ok()?,
        })
    }
}

/// All that come from process `root`, as far as the system tells.
pub(crate) fn descendants(root: i32) -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let mut parents = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.parse::<i32>().ok());
        if let Some(pid) = pid
            && let Some(stat) = Stat::read(pid)
        {
            parents.push((pid, stat.parent));
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        next += 1;
        found.extend(
            parents
                .iter()
                .filter(|one| one.1 == parent)
                .map(|one| one.0),
        );
    }
    found.into_iter().skip(1).map(Pid::from_raw).collect()
}

/// Sends all that come from this process a signal, and the group that `child`
/// leads.
pub(crate) fn signal_all(child: Pid, signal: Signal) {
    // The number of a group is not used again while it has members.
    let _ = killpg(child, signal);
    for pid in descendants(nix::unistd::getpid().as_raw()) {
        let _ = kill(pid, signal);
    }
}
