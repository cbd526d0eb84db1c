//! [`keep`]: a keeper's life.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use super::kin::{Process, signal_all};
use super::log::pump;
use super::{CHILD, Cause, EXIT, Exit, HOLD, LOCK, SPEC, STARTED, STOP, Spec, write_whole};

/// How often those that outlive a SIGKILL, or are born meanwhile, get another.
const KILL_AGAIN: Duration = Duration::from_millis(20);
/// What cannot be killed in this time hangs in the kernel; there is no more to do.
const KILL_PATIENCE: Duration = Duration::from_secs(10);
/// After all are gone, nobody can hold the log's other end, but for those that
/// fled where the system does not tell of them.
const LOG_PATIENCE: Duration = Duration::from_secs(2);

/// Keeps the process that `dir` describes: the whole life of a keeper.
///
/// # Errors
///
/// If the folder is not one for keepers, or cannot be written.
pub fn keep(dir: &Path) -> io::Result<()> {
    // Of its own session: what ends the scheduler's terminal is not for it.
    let _ = nix::unistd::setsid();
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join(LOCK))?;
    if lock.try_lock().is_err() || dir.join(STARTED).exists() {
        return Ok(()); // Whoever started it is no longer interested.
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let spec: Spec = serde_json::from_slice(&std::fs::read(dir.join(SPEC))?)?;
    let exit = runtime.block_on(attend(dir, &spec))?;
    write_whole(&dir.join(EXIT), &serde_json::to_vec(&exit)?)?;
    drop(lock);
    Ok(())
}

async fn attend(dir: &Path, spec: &Spec) -> io::Result<Exit> {
    // Before anyone can know of us.
    let mut look = signal(SignalKind::user_defined1())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut child_ended = signal(SignalKind::child())?;
    adopt_orphans();
    let me = Process::of(std::process::id() as i32);
    write_whole(&dir.join(STARTED), &serde_json::to_vec(&me)?)?;
    if dir.join(STOP).exists() {
        return Ok(Exit {
            cause: Cause::Stopped,
            code: None,
            signal: None,
            error: None,
            log_error: None,
        });
    }
    let (child, log) = match begin(dir, spec) {
        Ok(begun) => begun,
        Err(error) => {
            return Ok(Exit {
                cause: Cause::Unstartable,
                code: None,
                signal: None,
                error: Some(error.to_string()),
                log_error: None,
            });
        }
    };
    let now = Instant::now();
    let timeout = spec.timeout_ms.map(|ms| now + Duration::from_millis(ms));
    let mut ward = Ward {
        child,
        spec,
        status: None,
        cause: Cause::Ended,
        is_held: false,
        kill_at: None,
        give_up_at: None,
    };
    ward.hold(dir.join(HOLD).exists());
    // Wakes when there is nothing to wait for, which is refused.
    let far = now + Duration::from_secs(1 << 30);
    while !ward.reap() {
        if ward.give_up_at.is_some_and(|at| at <= Instant::now()) {
            break;
        }
        let deadline = match (ward.kill_at, timeout) {
            (Some(at), _) => at,
            (None, Some(at)) if ward.status.is_none() => at,
            _ => far,
        };
        tokio::select! {
            _ = child_ended.recv() => {}
            _ = look.recv() => {
                if dir.join(STOP).exists() {
                    ward.end(Cause::Stopped);
                } else {
                    ward.hold(dir.join(HOLD).exists());
                }
            }
            _ = terminate.recv() => ward.end(Cause::Stopped),
            _ = interrupt.recv() => ward.end(Cause::Stopped),
            _ = hang_up.recv() => ward.end(Cause::Stopped),
            () = sleep_until(deadline) => match ward.kill_at {
                Some(_) => ward.kill(),
                None => ward.end(Cause::TimedOut),
            },
        }
    }
    let log_error = match log.recv_timeout(LOG_PATIENCE) {
        Ok(error) => error,
        Err(_) => Some("someone still holds the log".to_owned()),
    };
    let (code, signal) = ward.status.unwrap_or((None, None));
    Ok(Exit {
        cause: ward.cause,
        code,
        signal,
        error: None,
        log_error,
    })
}

/// Starts the process, and the thread that writes its log, which says at last
/// what went wrong with that.
fn begin(dir: &Path, spec: &Spec) -> io::Result<(Pid, mpsc::Receiver<Option<String>>)> {
    let (program, arguments) = spec
        .argv
        .split_first()
        .ok_or_else(|| io::Error::other("no program is named"))?;
    let (said, says) = io::pipe()?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .envs(&spec.env)
        .stdin(Stdio::null())
        .stdout(says.try_clone()?)
        .stderr(says)
        .process_group(0);
    for name in &spec.env_remove {
        command.env_remove(name);
    }
    if let Some(cwd) = &spec.cwd {
        command.current_dir(cwd);
    }
    // What it was started from holds the log's other end too.
    let child = command.spawn().map_err(|error| match &spec.cwd {
        Some(cwd) if !cwd.is_dir() => io::Error::new(
            error.kind(),
            format!("there is no folder `{}`", cwd.display()),
        ),
        _ => io::Error::new(error.kind(), format!("cannot start `{program}`: {error}")),
    })?;
    drop(command);
    let pid = child.id() as i32;
    write_whole(&dir.join(CHILD), &serde_json::to_vec(&Process::of(pid))?)?;
    let (tell, log) = mpsc::channel();
    let (dir, spec) = (dir.to_owned(), spec.clone());
    std::thread::Builder::new()
        .name("wrasse-log".into())
        .spawn(move || {
            let copy = spec.log_copy.as_deref();
            let error = pump(said, &dir, spec.log_bytes, spec.log_files, copy);
            let _ = tell.send(error);
        })?;
    Ok((Pid::from_raw(pid), log))
}

/// The process that is kept, and all that come from it.
struct Ward<'a> {
    child: Pid,
    spec: &'a Spec,
    /// Exit code and signal, once it ended.
    status: Option<(Option<i32>, Option<i32>)>,
    cause: Cause,
    is_held: bool,
    /// When whoever is left is killed (again).
    kill_at: Option<Instant>,
    give_up_at: Option<Instant>,
}

impl Ward<'_> {
    /// Takes notice of those that ended; whether nobody is left.
    fn reap(&mut self) -> bool {
        loop {
            let (pid, status) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => (pid, (Some(code), None)),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, (None, Some(signal as i32))),
                Ok(WaitStatus::StillAlive) => {
                    // Those it left behind are asked to end, too.
                    if self.status.is_some() && self.kill_at.is_none() {
                        self.ask(true);
                    }
                    return false;
                }
                Ok(_) | Err(Errno::EINTR) => continue,
                Err(_) => return true,
            };
            if pid == self.child {
                self.status = Some(status);
            }
        }
    }

    /// Begins to end it.
    fn end(&mut self, cause: Cause) {
        if self.kill_at.is_none() {
            self.cause = cause;
            self.ask(!self.spec.is_orderly);
        }
    }

    fn ask(&mut self, all: bool) {
        match all {
            true => signal_all(self.child, Signal::SIGTERM),
            false => drop(kill(self.child, Signal::SIGTERM)),
        }
        // Who stands still does not hear.
        signal_all(self.child, Signal::SIGCONT);
        self.kill_at = Some(Instant::now() + Duration::from_millis(self.spec.grace_ms));
    }

    fn kill(&mut self) {
        signal_all(self.child, Signal::SIGKILL);
        let now = Instant::now();
        self.kill_at = Some(now + KILL_AGAIN);
        self.give_up_at.get_or_insert(now + KILL_PATIENCE);
    }

    fn hold(&mut self, held: bool) {
        if held != self.is_held && self.kill_at.is_none() {
            self.is_held = held;
            let signal = if held {
                Signal::SIGSTOP
            } else {
                Signal::SIGCONT
            };
            signal_all(self.child, signal);
        }
    }
}

/// Those whose parents end become children of this process, wherever the
/// system can do that.
fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_child_subreaper(true);
}
