//! The writer's thread: blocks in, notes out.

use crossbeam_channel::{Receiver, Sender};
use wrasse_io::Finished;
use wrasse_run::{BlockState, Error, Tally, Writer};
use wrasse_sched::BlockId;

use crate::worker::Note;

/// What the writer is told.
pub(crate) enum Order {
    /// Append a block, the next in input order.
    Write {
        block: BlockId,
        state: Box<BlockState>,
    },
    /// All is written: complete the output.
    Finish,
}

/// How a writer ended.
pub(crate) struct Written {
    /// Set if the output is complete.
    pub(crate) finished: Option<Finished>,
    pub(crate) tally: Tally,
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
            let (finished, tally) = writer.finish()?;
            Ok(Written {
                finished: Some(finished),
                tally,
            })
        }
        Ok(false) => {
            writer.commit()?;
            Ok(Written {
                finished: None,
                tally: writer.tally().clone(),
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
                // Behind damage nothing is left of a split; to come back there
                // would be to meet the damage again.
                let next = match state.tally.damages {
                    0 => (block.split, block.seq + 1),
                    _ => (block.split + 1, 0),
                };
                let outcome = writer.write(*state, next)?;
                drop(notes.send(Note::Written { block, outcome }));
            }
        }
    }
    Ok(false)
}
