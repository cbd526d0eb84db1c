//! [`Fetcher`]: metadata of blocks, fetched inline or in the background.
//!
//! For backends whose blocks live elsewhere: to learn what a block holds takes a
//! message, or a look through one. Inline, that is done when it is commanded, and
//! the scheduling loop waits; in the background, a thread does it, and the answer
//! wakes the loop like any other event. The mode can be changed while a run
//! lasts; fetches under way are answered all the same. A fetch that fails, be it
//! by a panic, is one block's failure and is reported as such.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use wrasse_sched::BlockId;

use crate::Error;

/// When metadata is fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FetchMode {
    /// At once, by the thread that schedules: less to go wrong.
    Inline,
    /// By a thread of its own: the loop never waits.
    #[default]
    Background,
}

/// Fetches metadata for one backend, which asks for it by requests `R`: names of
/// blocks, or what is to be looked through.
pub struct Fetcher<R> {
    mode: FetchMode,
    fetch: Arc<Fetch<R>>,
    /// Unbounded, and yet no longer than there are blocks in flight, which the
    /// scheduler bounds.
    requests: Sender<(BlockId, R)>,
}

type Fetch<R> = dyn Fn(BlockId, R) + Send + Sync;

impl<R: Send + 'static> Fetcher<R> {
    /// A fetcher that calls `fetch` with each request, and `answer` with what
    /// came of it, and the request itself, which may be made again: from its own
    /// thread in background mode, from the caller's in inline mode.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started. It ends with the fetcher.
    pub fn new<T>(
        mode: FetchMode,
        fetch: impl Fn(&R) -> Option<T> + Send + Sync + 'static,
        answer: impl Fn(BlockId, R, Option<T>) + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let fetch: Arc<Fetch<R>> = Arc::new(move |block, request: R| {
            let found = catch_unwind(AssertUnwindSafe(|| fetch(&request)));
            answer(block, request, found.ok().flatten());
        });
        let (requests, requested): (_, Receiver<(BlockId, R)>) = channel();
        let its = Arc::clone(&fetch);
        std::thread::Builder::new()
            .name("wrasse-metadata".into())
            .spawn(move || {
                requested
                    .iter()
                    .for_each(|(block, request)| its(block, request))
            })
            .map_err(|error| Error::io("cannot start a thread", error))?;
        Ok(Self {
            mode,
            fetch,
            requests,
        })
    }

    /// Changes the mode for what is commanded from now on.
    pub fn set_mode(&mut self, mode: FetchMode) {
        self.mode = mode;
    }

    /// Fetches the metadata of a block, or has it fetched.
    pub fn fetch(&self, block: BlockId, request: R) {
        let request = match self.mode {
            FetchMode::Inline => Some((block, request)),
            FetchMode::Background => self.requests.send((block, request)).err().map(|e| e.0),
        };
        // A thread that is gone is replaced by ours.
        if let Some((block, request)) = request {
            (self.fetch)(block, request);
        }
    }
}
