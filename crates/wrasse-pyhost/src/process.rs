//! A worker's process: starting it, what it prints, how it died, ending it.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::guard::Guard;
use crate::log::{LINE_BYTES_MAX, Rate, WorkerLog};

/// Lines of a worker that are told when it dies.
const LAST_WORDS: usize = 5;

/// How long a worker may take to end by itself when it is not needed any more.
const GRACE: Duration = Duration::from_secs(2);

/// A process in a group of its own, with a socket as its standard input.
pub(crate) struct Process {
    child: Child,
    pub(crate) socket: UnixStream,
    guard: Arc<Guard>,
    words: Arc<Mutex<VecDeque<String>>>,
    listener: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts `command`. What it prints goes to `log`, under the name `who`.
    pub(crate) fn start(
        mut command: Command,
        guard: &Arc<Guard>,
        log: &Arc<WorkerLog>,
        who: String,
    ) -> io::Result<Self> {
        let (socket, theirs) = UnixStream::pair()?;
        let (printed, prints) = io::pipe()?;
        let child = command
            .stdin(OwnedFd::from(theirs))
            .stdout(prints.try_clone()?)
            .stderr(Stdio::from(prints))
            .process_group(0)
            .spawn()?;
        // It holds the other ends of socket and pipe.
        drop(command);
        guard.add(child.id());
        let words = Arc::new(Mutex::new(VecDeque::new()));
        let (log, heard) = (Arc::clone(log), Arc::clone(&words));
        let listener = std::thread::Builder::new()
            .name("wrasse-listener".into())
            .spawn(move || listen(printed, &who, &log, &heard))?;
        Ok(Self {
            child,
            socket,
            guard: Arc::clone(guard),
            words,
            listener: Some(listener),
        })
    }

    /// Bytes of memory that it takes, if the system says.
    pub(crate) fn resident_bytes(&self) -> Option<u64> {
        resident_bytes(self.id())
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Ends it, and all of its group, at once; how it ended, if it had before.
    pub(crate) fn kill(&mut self) -> Option<ExitStatus> {
        let before = self.has_ended();
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // What it has started goes with it; of a group that is gone nothing.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
        self.guard.remove(self.child.id());
        // Somebody who left the group may hold the pipe; nobody waits for that.
        if self.listener.as_ref().is_some_and(JoinHandle::is_finished) {
            drop(self.listener.take().map(JoinHandle::join));
        }
        before
    }

    /// The last that it printed.
    pub(crate) fn last_words(&self) -> String {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        words.join("\n")
    }

    /// Waits for what was printed before the end, but not for long.
    pub(crate) fn hear_out(&self) {
        let until = deadline(Duration::from_millis(200));
        while self
            .listener
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
            && !has_come(until)
        {
            rest();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The end of the socket tells it to end.
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
        let until = deadline(GRACE);
        while self.has_ended().is_none() && !has_come(until) {
            rest();
        }
        self.kill();
    }
}

/// Bytes of memory that a process takes, if there is one and the system says.
pub(crate) fn resident_bytes(process: u32) -> Option<u64> {
    let statm = std::fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// How a process ended, in words.
pub(crate) fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("the worker process ended by itself, with code {code}"),
        (None, Some(signal)) => {
            let name = match signal {
                4 => " (SIGILL)",
                6 => " (SIGABRT)",
                7 => " (SIGBUS)",
                8 => " (SIGFPE)",
                9 => " (SIGKILL; perhaps for want of memory)",
                11 => " (SIGSEGV)",
                15 => " (SIGTERM)",
                _ => "",
            };
            format!("the worker process was ended by signal {signal}{name}")
        }
        (None, None) => "the worker process ended".to_owned(),
    }
}

/// Takes in what a worker prints, to its end.
fn listen(printed: impl Read, who: &str, log: &WorkerLog, words: &Mutex<VecDeque<String>>) {
    let mut printed = BufReader::new(printed);
    let mut rate = Rate::default();
    let began = now();
    let mut line = Vec::new();
    loop {
        line.clear();
        match printed
            .by_ref()
            .take(LINE_BYTES_MAX as u64)
            .read_until(b'\n', &mut line)
        {
            Ok(0) => return,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        let (is_kept, left_out) = rate.allow(began.elapsed().as_secs());
        if let Some(n) = left_out {
            log.add(who, &format!("... {n} lines left out"));
        }
        if is_kept {
            log.add(who, text);
        }
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        if words.len() == LAST_WORDS {
            words.pop_front();
        }
        words.push_back(text.chars().take(300).collect());
    }
}

/// The moment so long from now.
pub(crate) fn deadline(wait: Duration) -> Instant {
    now() + wait
}

/// Whether a moment has come.
pub(crate) fn has_come(moment: Instant) -> bool {
    now() >= moment
}

#[expect(
    clippy::disallowed_methods,
    reason = "processes are outside, where there is time; no result depends on it"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A moment's rest, while a process ends.
#[expect(
    clippy::disallowed_methods,
    reason = "the system has no event for the end of a process and its group"
)]
fn rest() {
    std::thread::sleep(Duration::from_millis(2));
}
