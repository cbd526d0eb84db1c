//! [`Staff`]: the threads of this process beside the coordinator's.

use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender};
use wrasse_run::{Error, Pass, Writer, Written};

use crate::link::Link;
use crate::note::Note;
use crate::ordering::{Held, Orderer, Turn};
use crate::parts::Shelf;
use crate::stream::{Streamer, Wanted};
use crate::writing::{Order, write};

/// Who works beside the coordinator, and on what.
pub(super) struct Staff<'a> {
    pub(super) writer: Writer,
    pub(super) kept: (&'a Shelf, &'a Held),
    pub(super) of: (&'a Pass, &'a Link),
    pub(super) orders: Receiver<Order>,
    pub(super) orderer: Orderer<'a>,
    pub(super) turns: Receiver<Turn>,
    /// Who collects standard input, if it is read.
    pub(super) streamer: Option<Streamer<'a>>,
    pub(super) wanted: Receiver<Wanted>,
}

impl Staff<'_> {
    /// Has all work as long as `run` lasts, and then what they were told is done.
    /// Gives what `run` gives, and what the writer wrote.
    pub(super) fn at_work<R>(
        self,
        notes: Sender<Note>,
        run: impl FnOnce() -> R,
    ) -> Result<(R, Result<Written, Error>), Error> {
        let Self {
            writer,
            kept,
            of,
            orders,
            mut orderer,
            turns,
            streamer,
            wanted,
        } = self;
        let thread = |name: &str| Builder::new().name(name.into());
        let fail = |error| Error::io("cannot start a thread", error);
        std::thread::scope(|scope| {
            // However this ends, the channels close before all are waited for.
            let run = run;
            let writer_notes = notes.clone();
            let writing = thread("wrasse-writer")
                .spawn_scoped(scope, move || {
                    write(writer, of, kept, &orders, &writer_notes)
                })
                .map_err(fail)?;
            if let Some(streamer) = streamer {
                let notes = notes.clone();
                thread("wrasse-stream")
                    .spawn_scoped(scope, move || streamer.collect(&wanted, &notes))
                    .map_err(fail)?;
            }
            thread("wrasse-ordering")
                .spawn_scoped(scope, move || orderer.take_turns(&turns, &notes))
                .map_err(fail)?;
            let ran = run();
            let written = writing
                .join()
                .unwrap_or_else(|_| Err(Error::failed("the writer panicked; this is a bug")));
            Ok((ran, written))
        })
    }
}
