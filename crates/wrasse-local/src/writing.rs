//! The writer's thread: blocks in, notes out.

use crossbeam_channel::{Receiver, Sender};
use wrasse_io::Finished;
use wrasse_run::{BlockState, Error, Examples, Tally, Writer};
use wrasse_sched::{BlockId, Place};

use crate::worker::Note;

/// What the writer is told.
pub(crate) enum Order {
    /// Append a block, the next in input order.
    Write {
        block: BlockId,
        state: Box<BlockState>,
    },
    /// All that comes from before this place is written.
    Advance(Place),
    /// All is written: complete the output.
    Finish,
}

/// How a writer ended.
pub(crate) struct Written {
    /// Set if the output is complete.
    pub(crate) finished: Option<Finished>,
    pub(crate) tally: Tally,
    pub(crate) examples: Examples,
}

/// Writes until told to finish, or until orders end (an interrupted run).
pub(crate) fn write(
    mut writer: Writer,
    orders: &Receiver<Order>,
    notes: &Sender<Note>,
) -> Result<Written, Error> {
    let result = serve(&mut writer, orders, notes);
    match result {
        Ok(true) => {
            let (finished, tally, examples) = writer.finish()?;
            Ok(Written {
                finished: Some(finished),
                tally,
                examples,
            })
        }
        Ok(false) => {
            writer.commit()?;
            Ok(Written {
                finished: None,
                tally: writer.tally().clone(),
                examples: writer.examples().clone(),
            })
        }
        Err(error) => {
            // Sending fails only if the coordinator is gone already.
            drop(notes.send(Note::WriterFailed));
            Err(error)
        }
    }
}

fn serve(
    writer: &mut Writer,
    orders: &Receiver<Order>,
    notes: &Sender<Note>,
) -> Result<bool, Error> {
    for order in orders {
        match order {
            Order::Finish => return Ok(true),
            Order::Write { block, state } => {
                let outcome = writer.write(*state)?;
                drop(notes.send(Note::Written { block, outcome }));
            }
            Order::Advance(to) => writer.advance((to.split, to.seq))?,
        }
    }
    Ok(false)
}
