//! The writer's thread: blocks in, notes out.

use crossbeam_channel::{Receiver, Sender};
use wrasse_run::{BlockState, Error, Writer, Written};
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

/// Writes until told to finish, or until orders end (an interrupted run).
pub(crate) fn write(
    mut writer: Writer,
    orders: &Receiver<Order>,
    notes: &Sender<Note>,
) -> Result<Written, Error> {
    match serve(&mut writer, orders, notes) {
        Ok(is_all) => writer.end(is_all),
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
