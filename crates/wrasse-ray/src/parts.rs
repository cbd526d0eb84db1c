//! [`Workers`]: has parts of the output written by the workers.
//!
//! The sink decides what is written (`wrasse-io`: `sink/parts.rs`); here its tasks
//! go to the gateway, and objects are kept until nobody needs their rows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender};
use wrasse_io::{Error as IoError, Hands, PartTask, WrittenFile};

use crate::link::{Heard, Link};
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

/// The objects that are needed to write.
pub(crate) struct Shelf {
    objects: Mutex<HashMap<u64, Object>>,
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
            notes,
        }
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
    /// What the gateway says; nothing, when it is gone.
    pub(crate) heard: Receiver<Option<Heard>>,
    pub(crate) tasks_max: usize,
    /// Processors that a task asks for: one, to take its turn in the processes that work
    /// on samples. None, where these may keep theirs until there is room, which there is
    /// when rows are written.
    pub(crate) cpus: f64,
}

impl Workers {
    fn take(&self, heard: Option<Heard>) -> Result<(u64, WrittenFile), IoError> {
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
        let spec = Together::Write(Box::new(WriteSpec { task, verdicts }));
        let spec = encode(&spec).map_err(failed)?;
        let write = Say::Write {
            task: FIRST + number,
            spec: spec.len(),
            objects,
            piece: None,
            cpus: self.cpus,
            retries: RETRIES,
            name: NAME,
        };
        let said = self.link.say(&[write], &[&spec]);
        said.map_err(|error| failed(error.message))
    }

    fn done(&mut self, waits: bool) -> Result<Option<(u64, WrittenFile)>, IoError> {
        let heard = match waits {
            true => self.heard.recv().unwrap_or(None),
            false => match self.heard.try_recv() {
                Ok(heard) => heard,
                Err(_) => return Ok(None),
            },
        };
        self.take(heard).map(Some)
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
