//! The writer's thread: objects in, in input order; rows out.
//!
//! Objects are fetched a little ahead, so that one is on its way while another
//! is written.

use std::collections::VecDeque;

use crossbeam_channel::{Receiver, Sender, TryRecvError};
use wrasse_run::{Error, Outcome, Pass, Tally, Writer, Written, unpack};
use wrasse_sched::BlockId;

use crate::link::{Fetched, Link};
use crate::note::Note;
use crate::wire::Verdict;
use crate::worker::settle;

/// An order, with the object that it is about, if it is about one.
type Whole = (Order, Option<Vec<u8>>);

/// Objects on their way to the writer at once.
const AHEAD: usize = 2;

/// What the writer is told.
pub(crate) enum Order {
    /// Append the blocks of an object, the next in input order.
    Write {
        block: BlockId,
        object: u64,
        /// What its last gate has decided, if that was not heeded yet.
        verdict: Option<Verdict>,
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
    orders: &Receiver<Order>,
    notes: &Sender<Note>,
) -> Result<Written, Error> {
    let mut ahead = Ahead {
        orders,
        link,
        taken: VecDeque::new(),
        n_fetching: 0,
    };
    match serve(&mut writer, pass, &mut ahead, notes) {
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
    pass: &Pass,
    ahead: &mut Ahead<'_>,
    notes: &Sender<Note>,
) -> Result<bool, Error> {
    while let Some((order, bytes)) = ahead.next()? {
        match order {
            Order::Finish => return Ok(true),
            Order::Advance(split, seq) => writer.advance((split, seq))?,
            Order::Write { block, verdict, .. } => {
                let bytes = bytes.unwrap_or_default();
                let mut blocks = unpack(&bytes).map_err(Error::failed)?;
                drop(bytes);
                if let Some(verdict) = verdict {
                    settle(pass, verdict.gate as usize, &mut blocks, |first, n| {
                        verdict.of(first, n)
                    });
                }
                let mut tally = Tally::default();
                let mut outcome = Outcome::Written;
                for block in blocks {
                    tally.add(&block.tally);
                    if writer.write(block)? == Outcome::TooManyRejects {
                        outcome = Outcome::TooManyRejects;
                    }
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
    taken: VecDeque<(Order, Option<Receiver<Fetched>>)>,
    n_fetching: usize,
}

impl Ahead<'_> {
    /// The next order, with its bytes; none at the end.
    fn next(&mut self) -> Result<Option<Whole>, Error> {
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
                Order::Write { object, .. } => {
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
        let bytes = match fetched {
            Some(fetched) => {
                self.n_fetching -= 1;
                Some(self.link.wait(&fetched)?)
            }
            None => None,
        };
        Ok(Some((order, bytes)))
    }
}
