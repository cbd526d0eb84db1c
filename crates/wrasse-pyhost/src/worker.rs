//! [`Worker`]: a process that has its operators and takes batches.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::NamedTempFile;
use wrasse_core::{ByteCount, Sample};

use crate::columns::{Buffer, encode};
use crate::drive::{Chain, Seat};
use crate::process::{Process, deadline, describe, has_come};
use crate::wire::{Batch, Done, Hello, Incoming, Progress, Ready, Refusal, Start, VERSION, send};

/// How often somebody looks whether a busy worker still lives.
const LOOK: Duration = Duration::from_millis(50);

/// How long importing and constructing operators may take: models are loaded.
const START_MAX: Duration = Duration::from_secs(1800);

/// Batches that a worker has at once: one that it works on, one at its door.
pub(crate) const SLOTS: usize = 2;

/// A worker is gone, or had to be ended.
#[derive(Clone, Debug)]
pub(crate) struct Lost {
    /// How it died, in words.
    pub(crate) cause: String,
    /// Where it was, if it had begun on the batch.
    pub(crate) progress: Option<Progress>,
    /// The last that it printed.
    pub(crate) last_words: String,
}

/// Why a worker could not be started.
#[derive(Debug)]
pub(crate) enum StartError {
    /// It may go well the next time.
    Lost(String),
    /// It will not.
    Refused(Refusal),
    /// The run ends.
    Stopped,
}

/// A process that has its operators.
pub(crate) struct Worker {
    process: Process,
    chain: Arc<Chain>,
    inbox: [File; SLOTS],
    outbox: [File; SLOTS],
    incoming: Incoming,
    buffer: Buffer,
    /// The progress that was last seen, and until when there must be another.
    sign: (Progress, Instant),
}

impl Worker {
    /// Starts a process and waits until it has constructed its operators.
    pub(crate) fn start(chain: &Arc<Chain>, seat: &Seat) -> Result<Self, StartError> {
        let lost = |error: io::Error| StartError::Lost(format!("cannot start a worker: {error}"));
        let python = &chain.python;
        let who = format!("{}#{}", chain.name(), seat.number);
        let guard = python.guard().map_err(lost)?;
        let mut command = python.command();
        command.envs(seat.environment.iter().map(|(name, value)| (name, value)));
        let mut process = Process::start(command, &guard, &python.log(), who).map_err(lost)?;
        process.socket.set_read_timeout(Some(LOOK)).map_err(lost)?;
        let mut boxes = Vec::new();
        for _ in 0..2 * SLOTS {
            boxes.push(shared_file().map_err(lost)?);
        }
        let mut incoming = Incoming::default();
        let until = deadline(START_MAX);
        let hello: Hello = expect(&mut process, &mut incoming, chain, until)?;
        if hello.hello != VERSION {
            return Err(StartError::Lost(format!(
                "the worker speaks version {} of the protocol, and the engine version {VERSION}",
                hello.hello
            )));
        }
        let paths: Vec<String> = boxes
            .iter()
            .map(|file| file.path().to_string_lossy().into_owned())
            .collect();
        let start = Start {
            version: VERSION,
            operators: { chain.operators.iter() }
                .map(|operator| about(operator, chain))
                .collect(),
            inbox: [&paths[0], &paths[1]],
            outbox: [&paths[2], &paths[3]],
            row_bytes_max: chain.row_bytes_max,
            text_key: &chain.text_key,
            settings: &python.settings(),
        };
        send(&mut process.socket, &start).map_err(lost)?;
        match expect(&mut process, &mut incoming, chain, until)? {
            Ready::Ready { ready } if ready.len() == chain.operators.len() => {}
            Ready::Ready { .. } => {
                return Err(StartError::Lost(
                    "the worker has other operators".to_owned(),
                ));
            }
            Ready::Refused(refusal) => return Err(StartError::Refused(refusal)),
        }
        // Both have the files open; nobody else needs their names.
        let [in_0, in_1, out_0, out_1] = <[NamedTempFile; 4]>::try_from(boxes)
            .map_err(|_| StartError::Lost("files are missing".to_owned()))?
            .map(NamedTempFile::into_file);
        chain.of_ready(|ready| ready.push(process.id()));
        Ok(Self {
            process,
            chain: Arc::clone(chain),
            inbox: [in_0, in_1],
            outbox: [out_0, out_1],
            incoming,
            buffer: Buffer::default(),
            sign: (Progress::default(), deadline(chain.pool.timeout)),
        })
    }

    /// Sends a batch. An error means that the worker is gone.
    pub(crate) fn send(&mut self, batch: u64, samples: &[Sample]) -> io::Result<()> {
        let slot = slot_of(batch);
        let columns = encode(samples, &mut self.buffer);
        self.inbox[slot].write_all_at(&self.buffer.bytes, 0)?;
        let message = Batch {
            batch,
            slot,
            rows: samples.len(),
            bytes: self.buffer.bytes.len() as u64,
            columns,
        };
        send(&mut self.process.socket, &message)
    }

    /// Waits for the answer to a batch.
    pub(crate) fn receive(&mut self, batch: u64) -> Result<Done, Lost> {
        self.sign.1 = deadline(self.chain.pool.timeout);
        loop {
            match self.incoming.read::<Done>(&mut self.process.socket) {
                Ok(Some(done)) if done.done == batch => return Ok(done),
                Ok(Some(done)) => {
                    return Err(self.lose(format!(
                        "the worker answered batch {} instead of {batch}",
                        done.done
                    )));
                }
                Ok(None) => {}
                Err(error) => {
                    // The socket may end a moment before the process does.
                    let until = deadline(Duration::from_millis(500));
                    while self.process.has_ended().is_none() && !has_come(until) {
                        std::thread::yield_now();
                    }
                    return Err(self.lose(format!("the worker closed its socket: {error}")));
                }
            }
            if let Some(cause) = self.trouble() {
                return Err(self.lose(cause));
            }
        }
    }

    /// The file with the answer to a batch.
    pub(crate) fn answer(&self, batch: u64) -> &File {
        &self.outbox[slot_of(batch)]
    }

    /// Why a busy worker has to be ended, if it has.
    fn trouble(&mut self) -> Option<String> {
        if self.chain.python.is_stopped() {
            return Some("the run has ended".to_owned());
        }
        if self.process.has_ended().is_some() {
            return Some(String::new());
        }
        if let Some(limit) = self.chain.pool.memory
            && let Some(bytes) = self
                .process
                .resident_bytes()
                .filter(|bytes| *bytes > limit.0)
        {
            return Some(format!(
                "the worker process took {} of memory, and may take {limit}",
                ByteCount(bytes)
            ));
        }
        let progress = self.progress();
        if progress != self.sign.0 {
            self.sign = (progress, deadline(self.chain.pool.timeout));
        } else if has_come(self.sign.1) {
            let seconds = self.chain.pool.timeout.as_secs_f64();
            return Some(format!(
                "no sign of life for {seconds} s (timeout_s); the worker process was ended"
            ));
        }
        None
    }

    fn progress(&self) -> Progress {
        let mut bytes = [0; 32];
        match self.outbox[0].read_exact_at(&mut bytes, 0) {
            Ok(()) => Progress::read(&bytes),
            Err(_) => Progress::default(),
        }
    }

    /// Ends the process, if it has not ended, and says what is known.
    pub(crate) fn lose(&mut self, cause: String) -> Lost {
        let progress = self.progress();
        let ended = self.process.kill();
        self.process.hear_out();
        Lost {
            cause: ended.map_or(cause, describe),
            progress: Some(progress).filter(|progress| progress.batch > 0),
            last_words: self.process.last_words(),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let id = self.process.id();
        self.chain.of_ready(|ready| ready.retain(|one| *one != id));
    }
}

fn slot_of(batch: u64) -> usize {
    (batch % SLOTS as u64) as usize
}

fn about(operator: &(String, wrasse_op::Outside), chain: &Chain) -> Value {
    let mut about = json!({ "reference": operator.1.reference, "params": operator.1.params });
    if let Some(params) = &chain.measured_with {
        about["measured_with"] = Value::Object(params.clone());
    }
    about
}

/// The next message of a worker that starts.
fn expect<M: serde::de::DeserializeOwned>(
    process: &mut Process,
    incoming: &mut Incoming,
    chain: &Chain,
    until: Instant,
) -> Result<M, StartError> {
    loop {
        let cause = match incoming.read(&mut process.socket) {
            Ok(Some(message)) => return Ok(message),
            Ok(None) if chain.python.is_stopped() => return Err(StartError::Stopped),
            Ok(None) if has_come(until) => "it takes too long".to_owned(),
            Ok(None) => continue,
            Err(error) => error.to_string(),
        };
        let cause = process.kill().map_or(cause, describe);
        process.hear_out();
        let words = process.last_words();
        return Err(StartError::Lost(format!(
            "{cause}{}{words}",
            if words.is_empty() { "" } else { "\n" }
        )));
    }
}

/// A file in memory, where there is such a thing, that a worker can open by name.
fn shared_file() -> io::Result<NamedTempFile> {
    let builder = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix("wrasse-");
        builder
    };
    match builder().tempfile_in("/dev/shm") {
        Ok(file) => Ok(file),
        Err(_) => builder().tempfile(),
    }
}
