//! [`Workers`]: has parts of the output written by the workers.
//!
//! The sink decides what is written (`wrasse-io`: `sink/parts.rs`); here its tasks
//! go to the gateway, and objects are kept until nobody needs their rows.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crossbeam_channel::{Receiver, Sender};
use wrasse_io::{Error as IoError, Hands, PartTask, WrittenFile};
use wrasse_run::Pass;

use crate::link::{Heard, Link};
use crate::near::{Desk, Near, Threads};
use crate::note::Note;
use crate::protocol::{Hear, Say};
use crate::wire::{Together, Verdict, WriteSpec, decode, encode};

/// Numbers of tasks that write begin behind this one; those of the scheduler's
/// tasks do not come so far.
const FIRST: u64 = 1 << 48;

/// Attempts that Ray makes by itself when a worker or a node dies.
const RETRIES: i32 = 3;

/// The name of the tasks.
const NAME: &str = "write parts";

/// Whether what the gateway says is about a task that writes.
pub(crate) fn is_about_writing(heard: &Hear) -> bool {
    match heard {
        Hear::Done { task, .. } | Hear::Failed { task, .. } => *task >= FIRST,
        _ => false,
    }
}

/// Who writes.
pub(crate) enum Who {
    /// Tasks that take their turn in the processes that work on samples.
    InTurn,
    /// Tasks that ask for no processor, for which Ray starts processes: those that work
    /// on samples may keep theirs until there is room, which there is when rows are
    /// written.
    Beside,
    /// Threads of this process, on the machine on which all objects are.
    Here(Arc<Pass>),
}

/// What is told to who has parts written.
pub(crate) enum Told {
    /// By the gateway; nothing, when it is gone.
    Heard(Option<Heard>),
    /// By a thread here.
    Wrote(u64, Result<WrittenFile, IoError>),
}

/// The objects that are needed to write.
pub(crate) struct Shelf {
    objects: Mutex<HashMap<u64, Object>>,
    who: OnceLock<Who>,
    /// Bytes of objects that threads here have read.
    pub(crate) fetched: AtomicU64,
    notes: Sender<Note>,
}

struct Object {
    users: usize,
    bytes: u64,
    verdict: Option<Verdict>,
}

impl Shelf {
    pub(crate) fn new(notes: Sender<Note>) -> Self {
        Self {
            objects: Mutex::default(),
            who: OnceLock::new(),
            fetched: AtomicU64::new(0),
            notes,
        }
    }

    /// Says who writes, before anything is written.
    pub(crate) fn is_written_by(&self, who: Who) {
        self.who.get_or_init(|| who);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Object>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an object of so many bytes, until it is released.
    pub(crate) fn put(&self, object: u64, bytes: u64, verdict: Option<Verdict>) {
        let users = 1;
        let kept = Object {
            users,
            bytes,
            verdict,
        };
        self.lock().insert(object, kept);
    }

    pub(crate) fn release(&self, object: u64) {
        let mut objects = self.lock();
        let Some(kept) = objects.get_mut(&object) else {
            return;
        };
        kept.users -= 1;
        if kept.users == 0 {
            objects.remove(&object);
            // At the end of a run nobody is there to hear it.
            drop(self.notes.send(Note::Unheld { object }));
        }
    }
}

/// The workers as those who write.
pub(crate) struct Workers {
    pub(crate) link: Arc<Link>,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) told: (Sender<Told>, Receiver<Told>),
    pub(crate) tasks_max: usize,
    /// Threads here, if they write.
    pub(crate) threads: Option<Threads>,
}

impl Workers {
    fn take(&self, told: Told) -> Result<(u64, WrittenFile), IoError> {
        let heard = match told {
            Told::Wrote(number, file) => return file.map(|file| (number, file)),
            Told::Heard(heard) => heard,
        };
        match heard {
            Some((Hear::Done { task, object, .. }, meta)) => {
                let objects = &[object];
                drop(self.link.say(&[Say::Free { objects }], &[]));
                let file = decode(&meta).map_err(failed)?;
                Ok((task - FIRST, file))
            }
            Some((Hear::Failed { message, .. }, _)) => {
                Err(failed(format!("a worker cannot write it: {message}")))
            }
            _ => Err(failed(self.link.gone().message)),
        }
    }
}

impl Hands for Workers {
    fn begin(&mut self, number: u64, task: &PartTask, objects: &[u64]) -> Result<(), IoError> {
        let verdicts = {
            let kept = self.shelf.lock();
            let verdict = |object| kept.get(object).and_then(|kept| kept.verdict.clone());
            objects.iter().map(verdict).collect()
        };
        let task = task.clone();
        let cpus = match self.shelf.who.get() {
            Some(Who::Here(pass)) => {
                let file = Near {
                    number,
                    task,
                    objects: objects.to_vec(),
                    verdicts,
                };
                let desk = || Desk {
                    link: Arc::clone(&self.link),
                    shelf: Arc::clone(&self.shelf),
                    pass: Arc::clone(pass),
                    told: self.told.0.clone(),
                };
                // At the end twice as many files are written at once.
                let n_max = 2 * self.tasks_max;
                let threads = self
                    .threads
                    .get_or_insert_with(|| Threads::new(desk(), n_max));
                return threads.begin(file);
            }
            Some(Who::InTurn) => 1.0,
            Some(Who::Beside) | None => 0.0,
        };
        let spec = Together::Write(Box::new(WriteSpec { task, verdicts }));
        let spec = encode(&spec).map_err(failed)?;
        let write = Say::Write {
            task: FIRST + number,
            spec: spec.len(),
            objects,
            piece: None,
            cpus,
            retries: RETRIES,
            name: NAME,
        };
        let said = self.link.say(&[write], &[&spec]);
        said.map_err(|error| failed(error.message))
    }

    fn done(&mut self, waits: bool) -> Result<Option<(u64, WrittenFile)>, IoError> {
        let told = match waits {
            true => self.told.1.recv().unwrap_or(Told::Heard(None)),
            false => match self.told.1.try_recv() {
                Ok(told) => told,
                Err(_) => return Ok(None),
            },
        };
        self.take(told).map(Some)
    }

    fn hold(&mut self, object: u64) {
        if let Some(kept) = self.shelf.lock().get_mut(&object) {
            kept.users += 1;
        }
    }

    fn release(&mut self, object: u64) {
        self.shelf.release(object);
    }

    fn held_bytes(&self) -> u64 {
        self.shelf.lock().values().map(|kept| kept.bytes).sum()
    }

    fn tasks_max(&self) -> usize {
        self.tasks_max
    }
}

fn failed(message: impl Into<String>) -> IoError {
    IoError::new("the output", message.into())
}
