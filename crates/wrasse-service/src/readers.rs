//! [`Readers`]: connections to the store, for those who read what was written.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Settings;
use crate::error::StoreError;
use crate::scheduler::Shared;
use crate::store::{self, Read, Store};

/// Idle connections to the store that are kept.
const READERS_MAX: usize = 8;

/// See the module's documentation.
pub(crate) struct Readers {
    shared: Arc<Shared>,
    /// Makes connections; opened by the first who reads.
    store: Mutex<Option<Box<dyn Store>>>,
    idle: Mutex<Vec<Box<dyn Read>>>,
}

impl Readers {
    /// None are there yet.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            store: Mutex::default(),
            idle: Mutex::default(),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Box<dyn Read>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that is there, and reads a row without waiting for anyone.
    pub(crate) fn take_quick(&self) -> Option<Box<dyn Read>> {
        let mut idle = self.idle();
        idle.last()?.is_quick().then(|| idle.pop())?
    }

    /// Takes a connection back.
    pub(crate) fn give(&self, read: Box<dyn Read>) {
        let mut idle = self.idle();
        if idle.len() < READERS_MAX {
            idle.push(read);
        }
    }

    /// A connection.
    ///
    /// # Errors
    ///
    /// If the store cannot be opened.
    pub(crate) fn take(&self) -> Result<Box<dyn Read>, StoreError> {
        if let Some(read) = self.idle().pop() {
            return Ok(read);
        }
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *store {
            Some(store) => store.reader(),
            none => none.insert(open(&self.shared.settings)?).reader(),
        }
    }
}

impl Drop for Readers {
    /// Connections have runtimes of their own, which must not end within ours.
    fn drop(&mut self) {
        let store = std::mem::take(&mut *self.store.lock().unwrap_or_else(PoisonError::into_inner));
        let idle = std::mem::take(&mut *self.idle());
        let _ = std::thread::Builder::new().spawn(move || drop((store, idle)));
    }
}

/// Opens the store of a scheduler.
///
/// # Errors
///
/// If it cannot be opened.
pub(crate) fn open(settings: &Settings) -> Result<Box<dyn Store>, StoreError> {
    store::open(settings.store.as_deref(), &settings.database())
}
