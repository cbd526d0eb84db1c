//! [`Fetcher`]: metadata of blocks, fetched inline or in the background.
//!
//! For backends whose blocks live elsewhere: to learn what a block holds takes
//! a message. Inline, it is fetched when it is commanded, and the scheduling
//! loop waits; in the background, a thread fetches it, and the answer is an
//! event like any other, which wakes the loop. The mode can be changed while a
//! run lasts; fetches under way are answered all the same. A fetch that fails
//! is one block's failure and is reported as such.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use wrasse_sched::{BlockId, Event, Metadata};

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

/// Fetches the metadata of the block that the backend has named so; none if it
/// cannot be had.
pub type Fetch = dyn Fn(u64) -> Option<Metadata> + Send + Sync;

/// Fetches metadata for one backend.
pub struct Fetcher {
    mode: FetchMode,
    fetch: Arc<Fetch>,
    answer: Arc<dyn Fn(Event) + Send + Sync>,
    /// Unbounded, and yet no longer than there are blocks in flight, which the
    /// scheduler bounds.
    requests: Sender<(BlockId, u64)>,
}

impl Fetcher {
    /// A fetcher that calls `fetch`, and `answer` with each result: from its
    /// own thread in background mode, from the caller's in inline mode.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started. It ends with the fetcher.
    pub fn new(
        mode: FetchMode,
        fetch: impl Fn(u64) -> Option<Metadata> + Send + Sync + 'static,
        answer: impl Fn(Event) + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let fetch: Arc<Fetch> = Arc::new(fetch);
        let answer: Arc<dyn Fn(Event) + Send + Sync> = Arc::new(answer);
        let (requests, requested): (_, Receiver<(BlockId, u64)>) = channel();
        let (its_fetch, its_answer) = (Arc::clone(&fetch), Arc::clone(&answer));
        std::thread::Builder::new()
            .name("wrasse-metadata".into())
            .spawn(move || {
                for (block, data) in requested {
                    let metadata = its_fetch(data);
                    its_answer(Event::MetadataReady { block, metadata });
                }
            })
            .map_err(|error| Error::io("cannot start a thread", error))?;
        Ok(Self {
            mode,
            fetch,
            answer,
            requests,
        })
    }

    /// Changes the mode for what is commanded from now on.
    pub fn set_mode(&mut self, mode: FetchMode) {
        self.mode = mode;
    }

    /// Fetches the metadata of a block, or has it fetched.
    pub fn fetch(&self, block: BlockId, data: u64) {
        let is_taken =
            self.mode == FetchMode::Background && self.requests.send((block, data)).is_ok();
        // A thread that is gone, because a fetch panicked, is replaced by ours.
        if !is_taken {
            let metadata = (self.fetch)(data);
            (self.answer)(Event::MetadataReady { block, metadata });
        }
    }
}
