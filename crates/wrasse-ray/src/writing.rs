//! The writer's thread: objects in, in input order; rows out.
//!
//! Objects are fetched a little ahead, so that one is on its way while another
//! is written. Those whose rows workers write are not fetched.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::{Receiver, Sender, TryRecvError};
use wrasse_run::{Error, Outcome, Packed, Pass, Tally, Writer, Written};
use wrasse_sched::BlockId;

use crate::link::{Fetched, Link};
use crate::note::Note;
use crate::ordering::Held;
use crate::parts::Shelf;
use crate::wire::Verdict;

/// Objects on their way to the writer at once.
const AHEAD: usize = 2;

/// What the writer is told.
pub(crate) enum Order {
    /// Append the blocks of an object, the next in input order.
    Write {
        block: BlockId,
        object: u64,
        /// Its bytes.
        bytes: u64,
        /// What its last gate has decided, if that was not heeded yet.
        verdict: Option<Verdict>,
        /// Where workers write its rows: all the rest of it.
        hollow: Option<Arc<Vec<u8>>>,
    },
    /// All that comes from before this split, and of it so many blocks, is
    /// written.
    Advance(u32, u32),
    /// All is written: complete the output.
    Finish,
}

/// Writes until told to finish, or until orders end (an interrupted run).
pub(crate) fn write(
    mut writer: Writer,
    (pass, link): (&Pass, &Link),
    (shelf, held): (&Shelf, &Held),
    orders: &Receiver<Order>,
    notes: &Sender<Note>,
) -> Result<Written, Error> {
    let mut ahead = Ahead {
        orders,
        link,
        held,
        taken: VecDeque::new(),
        n_fetching: 0,
    };
    match serve(&mut writer, (pass, shelf), &mut ahead, notes) {
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
    (pass, shelf): (&Pass, &Shelf),
    ahead: &mut Ahead<'_>,
    notes: &Sender<Note>,
) -> Result<bool, Error> {
    let mut bytes = Vec::new();
    while let Some(order) = ahead.next(&mut bytes)? {
        match order {
            Order::Finish => return Ok(true),
            Order::Advance(split, seq) => writer.advance((split, seq))?,
            Order::Write {
                block,
                object,
                bytes: size,
                verdict,
                hollow,
            } => {
                let is_hollow = hollow.is_some();
                let packed = match &hollow {
                    Some(hollow) => {
                        shelf.put(object, size, verdict.clone());
                        hollow
                    }
                    None => &bytes,
                };
                let (mut first_sample, mut first_row) = (0, 0);
                let mut tally = Tally::default();
                let before = writer.tally().bytes_out;
                let mut outcome = Outcome::Written;
                for block in Packed::new(packed).map_err(Error::failed)? {
                    let mut block = block.map_err(Error::failed)?;
                    if let Some(verdict) = &verdict {
                        verdict.settle_next(pass, &mut block, &mut first_sample);
                    }
                    if is_hollow {
                        block.lies_in(object, &mut first_row);
                    }
                    tally.add(&block.tally);
                    if writer.write(block)? == Outcome::TooManyRejects {
                        outcome = Outcome::TooManyRejects;
                    }
                }
                tally.bytes_out = writer.tally().bytes_out - before;
                if is_hollow {
                    shelf.release(object);
                }
                drop(notes.send(Note::Written {
                    block,
                    tally,
                    outcome,
                }));
            }
        }
    }
    Ok(false)
}

/// Orders, with their objects on the way.
struct Ahead<'a> {
    orders: &'a Receiver<Order>,
    link: &'a Link,
    held: &'a Held,
    taken: VecDeque<(Order, Option<Receiver<Fetched>>)>,
    n_fetching: usize,
}

impl Ahead<'_> {
    /// The next order; none at the end. The object that it is about, if it was fetched,
    /// takes the place of what `bytes` holds.
    fn next(&mut self, bytes: &mut Vec<u8>) -> Result<Option<Order>, Error> {
        while self.n_fetching < AHEAD {
            let order = match self.orders.try_recv() {
                Ok(order) => order,
                Err(TryRecvError::Empty) if self.taken.is_empty() => match self.orders.recv() {
                    Ok(order) => order,
                    Err(_) => break,
                },
                Err(_) => break,
            };
            let fetched = match &order {
                Order::Write {
                    object,
                    hollow: None,
                    ..
                } => {
                    self.n_fetching += 1;
                    Some(self.link.fetch(*object)?)
                }
                _ => None,
            };
            self.taken.push_back((order, fetched));
        }
        let Some((order, fetched)) = self.taken.pop_front() else {
            return Ok(None);
        };
        if let Some(fetched) = fetched {
            self.n_fetching -= 1;
            self.link.wait(&fetched, bytes)?;
            let n = bytes.len() as u64;
            self.held.fetched.fetch_add(n, Ordering::Relaxed);
        }
        Ok(Some(order))
    }
}
