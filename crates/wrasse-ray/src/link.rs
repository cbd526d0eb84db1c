//! [`Link`]: the gateway's process, and what is said to and by it.
//!
//! Whoever has something to say writes it, a frame at a time. One thread hears
//! the gateway: objects go to who waits for them, all else becomes notes.

use std::collections::HashMap;
use std::io::{self, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use wrasse_run::Error;

use crate::lent::Memory;
use crate::protocol::{Hear, Probe, Say};

/// How long the gateway may take to end a local Ray after the socket is closed.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// How long after its socket its end may be seen.
const SEEN_WITHIN: Duration = Duration::from_secs(2);

/// A frame larger than this is no frame.
const HEADER_MAX: usize = 1 << 30;

/// How to start the gateway.
#[derive(Clone, Debug)]
pub(crate) struct Gateway {
    /// The Python that has Ray.
    pub(crate) python: PathBuf,
    /// Where it writes what it says besides: the place to look when it dies.
    pub(crate) log: PathBuf,
}

/// An object that was fetched.
pub(crate) enum Found {
    Sent(Vec<u8>),
    /// So many bytes here in the gateway's memory.
    Lent {
        object: u64,
        at: u64,
        bytes: usize,
    },
}

/// An object, or why it cannot be had.
pub(crate) type Fetched = Result<Found, String>;

/// What the gateway says, with its bytes.
pub(crate) type Heard = (Hear, Vec<u8>);

/// The gateway, from outside. Ends it when dropped.
pub(crate) struct Link {
    to: Mutex<UnixStream>,
    waiting: Arc<Mutex<HashMap<u64, Sender<Fetched>>>>,
    child: Mutex<Child>,
    log: PathBuf,
    /// The gateway's memory, where it can be read.
    memory: OnceLock<Memory>,
}

impl Link {
    /// Starts the gateway, and a thread that hears it: `hear` gets what it says,
    /// and at last nothing.
    pub(crate) fn start(
        gateway: &Gateway,
        hear: impl Fn(Option<Heard>) + Send + 'static,
    ) -> Result<Self, Error> {
        let fail = |error| Error::io("cannot start the gateway to Ray", error);
        let (mine, theirs) = UnixStream::pair().map_err(fail)?;
        let log = std::fs::File::create(&gateway.log).map_err(|error| {
            Error::io(format!("cannot create {}", gateway.log.display()), error)
        })?;
        let child = Command::new(&gateway.python)
            .args(["-m", "wrasse.ray.gateway"])
            // The terminal's signals are for this process: it ends the other.
            .process_group(0)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(log.try_clone().map_err(fail)?))
            .stderr(Stdio::from(log))
            .spawn()
            .map_err(|error| {
                let python = gateway.python.display();
                Error::io(format!("cannot start {python}"), error)
                    .with_hint("--ray-python names the Python that has wrasse[ray]")
            })?;
        let waiting: Arc<Mutex<HashMap<u64, Sender<Fetched>>>> = Arc::default();
        let from = mine.try_clone().map_err(fail)?;
        let wanted = Arc::clone(&waiting);
        std::thread::Builder::new()
            .name("wrasse-ray-link".into())
            .spawn(move || {
                listen(from, &wanted, &hear);
                // Whoever still waits hears that the other side is gone.
                lock(&wanted).clear();
                hear(None);
            })
            .map_err(|error| Error::io("cannot start a thread", error))?;
        Ok(Self {
            to: Mutex::new(mine),
            waiting,
            child: Mutex::new(child),
            log: gateway.log.clone(),
            memory: OnceLock::new(),
        })
    }

    /// Says something, with its bytes.
    pub(crate) fn say(&self, say: &[Say<'_>], payload: &[&[u8]]) -> Result<(), Error> {
        let header = serde_json::to_vec(say)
            .map_err(|error| Error::failed(format!("a message cannot be written: {error}")))?;
        let bytes: usize = payload.iter().map(|part| part.len()).sum();
        let mut front = Vec::with_capacity(12 + header.len());
        front.extend_from_slice(&(header.len() as u32).to_le_bytes());
        front.extend_from_slice(&(bytes as u64).to_le_bytes());
        front.extend_from_slice(&header);
        let mut to = lock(&self.to);
        let mut write = || {
            to.write_all(&front)?;
            payload.iter().try_for_each(|part| to.write_all(part))
        };
        write().map_err(|_| self.gone())
    }

    /// Reads objects where they lie from now on, if that can be done.
    pub(crate) fn look_into(&self, probe: Option<&Probe>) {
        if let Some(memory) = probe.and_then(Memory::of) {
            self.memory.get_or_init(|| memory);
        }
    }

    /// Asks for an object.
    pub(crate) fn fetch(&self, object: u64) -> Result<Receiver<Fetched>, Error> {
        let (sender, receiver) = bounded(1);
        lock(&self.waiting).insert(object, sender);
        let lend = self.memory.get().is_some();
        self.say(&[Say::Fetch { object, lend }], &[])?;
        Ok(receiver)
    }

    /// Waits for what was fetched. Its bytes take the place of what `bytes` holds.
    pub(crate) fn wait(
        &self,
        fetched: &Receiver<Fetched>,
        bytes: &mut Vec<u8>,
    ) -> Result<(), Error> {
        match fetched.recv() {
            Ok(Ok(Found::Sent(sent))) => {
                *bytes = sent;
                Ok(())
            }
            Ok(Ok(Found::Lent {
                object,
                at,
                bytes: n,
            })) => {
                let memory = self.memory.get().ok_or_else(|| self.gone())?;
                memory.read(at, n, bytes).map_err(|_| self.gone())?;
                self.say(&[Say::Taken { object }], &[])
            }
            Ok(Err(message)) => Err(Error::failed(message)
                .with_hint("--resume goes on from the last commit; what was lost is made again")),
            Err(_) => Err(self.gone()),
        }
    }

    /// The error of a gateway that is not there any more.
    pub(crate) fn gone(&self) -> Error {
        // Its socket closes a moment before it has ended.
        let how = match self.end_within(SEEN_WITHIN) {
            Some(status) => format!("the gateway to Ray has ended ({status})"),
            None => "the gateway to Ray does not answer any more".to_owned(),
        };
        Error::failed(how).with_hint(format!(
            "{} may say why; --resume goes on from the last commit",
            self.log.display()
        ))
    }
}

/// A folder for the files of a local Ray, gone with this.
#[derive(Debug)]
pub(crate) struct Scratch(tempfile::TempDir);

/// The names of Ray's sockets must fit into 107 bytes; they begin with the
/// folder's.
const FOLDER_BYTES_MAX: usize = 24;

impl Scratch {
    pub(crate) fn new() -> Result<Self, Error> {
        let usual = std::env::temp_dir();
        let short = match usual.as_os_str().len() > FOLDER_BYTES_MAX {
            true => PathBuf::from("/tmp"),
            false => usual,
        };
        tempfile::Builder::new()
            .prefix("wrasse-ray-")
            .tempdir_in(short)
            .map(Self)
            .map_err(|error| Error::io("cannot make a folder for Ray", error))
    }

    pub(crate) fn path(&self) -> std::borrow::Cow<'_, str> {
        self.0.path().to_string_lossy()
    }
}

impl Drop for Scratch {
    /// If the gateway was killed, Ray ends a moment later, and writes until then.
    #[expect(
        clippy::disallowed_methods,
        reason = "what writes there is no child of ours"
    )]
    fn drop(&mut self) {
        const STEP: Duration = Duration::from_millis(100);
        for _ in 0..ENDS_WITHIN.as_millis() / STEP.as_millis() {
            if std::fs::remove_dir_all(self.0.path()).is_ok() || !self.0.path().exists() {
                // Someone may have written while it was being removed.
                std::thread::sleep(STEP);
                if !self.0.path().exists() {
                    return;
                }
            }
            std::thread::sleep(STEP);
        }
    }
}

impl Link {
    /// How the gateway has ended; none if it has not in time.
    #[expect(
        clippy::disallowed_methods,
        reason = "the end of a process cannot be waited for with a deadline"
    )]
    fn end_within(&self, time: Duration) -> Option<ExitStatus> {
        const STEP: Duration = Duration::from_millis(20);
        for _ in 0..time.as_millis() / STEP.as_millis() {
            match lock(&self.child).try_wait() {
                Ok(Some(status)) => return Some(status),
                _ => std::thread::sleep(STEP),
            }
        }
        None
    }
}

impl Drop for Link {
    /// Closes the socket, which the gateway hears, and waits for its end.
    fn drop(&mut self) {
        let _ = lock(&self.to).shutdown(std::net::Shutdown::Both);
        if self.end_within(ENDS_WITHIN).is_none() {
            let mut child = lock(&self.child);
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn listen(
    from: UnixStream,
    waiting: &Mutex<HashMap<u64, Sender<Fetched>>>,
    hear: &dyn Fn(Option<Heard>),
) {
    let mut from = BufReader::new(from);
    while let Ok((messages, mut payload)) = read_frame(&mut from) {
        // Large objects come alone: their bytes are not copied once more.
        let is_alone = messages.len() == 1;
        let mut at = 0;
        for message in messages {
            let bytes = match &message {
                Hear::Done { meta, .. } | Hear::Item { meta, .. } => *meta,
                Hear::Data { bytes, .. } | Hear::Answered { bytes, .. } => *bytes,
                _ => 0,
            };
            let end = (at + bytes).min(payload.len());
            let part = match is_alone {
                true => std::mem::take(&mut payload),
                false => payload[at..end].to_vec(),
            };
            at = end;
            match message {
                Hear::Data { object, .. } => answer(waiting, object, Ok(Found::Sent(part))),
                Hear::Lent { object, at, bytes } => {
                    answer(waiting, object, Ok(Found::Lent { object, at, bytes }));
                }
                Hear::Lost { object, message } => answer(waiting, object, Err(message)),
                other => hear(Some((other, part))),
            }
        }
    }
}

fn answer(waiting: &Mutex<HashMap<u64, Sender<Fetched>>>, object: u64, fetched: Fetched) {
    if let Some(sender) = lock(waiting).remove(&object) {
        // Nobody waits any more if the run ends.
        let _ = sender.send(fetched);
    }
}

fn read_frame(from: &mut impl Read) -> io::Result<(Vec<Hear>, Vec<u8>)> {
    let mut front = [0; 12];
    from.read_exact(&mut front)?;
    let (header, payload) = front.split_at(4);
    let header = u32::from_le_bytes(header.try_into().unwrap_or_default()) as usize;
    let payload = u64::from_le_bytes(payload.try_into().unwrap_or_default()) as usize;
    if header > HEADER_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut text = vec![0; header];
    from.read_exact(&mut text)?;
    let messages = serde_json::from_slice(&text).map_err(io::Error::other)?;
    let mut bytes = Vec::with_capacity(payload);
    from.take(payload as u64).read_to_end(&mut bytes)?;
    if bytes.len() < payload {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((messages, bytes))
}
