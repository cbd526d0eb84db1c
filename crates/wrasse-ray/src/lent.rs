//! [`Memory`]: the gateway's memory, in which objects lie that the engine wants.
//!
//! Through the socket each byte is copied into the system and out of it. Where the
//! system lets a process look into those that it has started, the gateway says where
//! an object lies, and keeps it there until it was read.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use crate::protocol::Probe;

/// The gateway's memory. It can be read, or was told apart from what can.
pub(crate) struct Memory(File);

impl Memory {
    /// The memory in which `probe` is as the gateway says; none, if the system does not
    /// let it be read, or if it is another process's: behind a script that starts the
    /// gateway, or in a container, numbers of processes are not what they seem.
    pub(crate) fn of(probe: &Probe) -> Option<Self> {
        let memory = Self(File::open(format!("/proc/{}/mem", probe.pid)).ok()?);
        let mut found = Vec::new();
        memory.read(probe.at, probe.token.len(), &mut found).ok()?;
        (!found.is_empty() && found == probe.token.as_bytes()).then_some(memory)
    }

    /// Reads so many bytes into `bytes`, in place of what it holds.
    pub(crate) fn read(&self, at: u64, n: usize, bytes: &mut Vec<u8>) -> io::Result<()> {
        bytes.resize(n, 0);
        self.0.read_exact_at(bytes, at)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_where_it_is_what_it_should_be() {
        let token = "a word that no other process has".to_owned();
        let mut probe = Probe {
            pid: std::process::id(),
            at: token.as_ptr() as u64,
            token: token.clone(),
        };
        let memory = Memory::of(&probe).unwrap();
        let mut bytes = vec![1; 64];
        memory.read(probe.at + 2, 4, &mut bytes).unwrap();
        assert_eq!(bytes, b"word");
        assert!(memory.read(0, 4, &mut bytes).is_err(), "nothing is there");
        probe.token.replace_range(0..1, "b");
        assert!(Memory::of(&probe).is_none(), "another process's");
    }
}
