//! [`Staff`]: the threads of a run, and the channels between them and the
//! coordinator.

use std::io;
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, bounded};
use wrasse_job::Pipeline;
use wrasse_plan::Budget;
use wrasse_run::{Error, FingerprintSet, Running, Watch, Writer, Written};
use wrasse_sched::{Event, OpIdx};

use crate::backend::Local;
use crate::ordering::{Turn, take_turns};
use crate::pools::Post;
use crate::watch::{Watcher, blocks_in_flight};
use crate::worker::{Note, Shared, Task, work};
use crate::writing::{Order, write};

/// The coordinator's ends of channels.
pub(crate) struct Near {
    pub(crate) tasks: Sender<Task>,
    pub(crate) orders: Sender<Order>,
    pub(crate) turns: Sender<Turn>,
    pub(crate) notes: Receiver<Note>,
}

/// The threads' ends.
pub(crate) struct Far {
    tasks: Receiver<Task>,
    orders: Receiver<Order>,
    turns: Receiver<Turn>,
    notes: Sender<Note>,
}

/// Channels for a run that spends so much at the most, with `n_outside` worker
/// processes.
pub(crate) fn channels(pipeline: &Pipeline, most: &Budget, n_outside: usize) -> (Near, Far) {
    // Two tasks a worker, never more: the scheduler counts them.
    let (tasks, tasks_in) = bounded::<Task>(2 * most.threads);
    // The writer lags behind by blocks in flight at the most, each with the
    // place behind it.
    let in_flight = blocks_in_flight(most, pipeline) as usize;
    let (orders, orders_in) = bounded::<Order>(2 * in_flight + 2);
    // One turn for each gate and exchange, and one to close.
    let n_turns = pipeline.steps.len() + 1;
    let (turns, turns_in) = bounded::<Turn>(n_turns);
    // Three notes a task of two a worker, one a block at the writer.
    // Five of a worker process.
    let n_notes = 6 * most.threads + 5 * n_outside + in_flight + n_turns + 2;
    let (notes, notes_in) = bounded::<Note>(n_notes);
    let near = Near {
        tasks,
        orders,
        turns,
        notes: notes_in,
    };
    let far = Far {
        tasks: tasks_in,
        orders: orders_in,
        turns: turns_in,
        notes,
    };
    (near, far)
}

/// Who works beside those who run operators.
pub(crate) struct Staff {
    pub(crate) writer: Writer,
    /// What gates have seen, for the thread that decides in input order.
    pub(crate) seen: Vec<FingerprintSet>,
    /// Who serves worker processes.
    pub(crate) posts: Vec<Post>,
}

impl Staff {
    /// Has all work as long as `run` lasts, and then what they were told is done.
    /// Gives what `run` gives, and what the writer wrote.
    pub(crate) fn at_work<'a, R>(
        self,
        shared: &Shared,
        far: Far,
        watch: &mut Watcher<'a>,
        run: impl FnOnce(Manned<'_, 'a>) -> R,
    ) -> Result<(R, Result<Written, Error>), Error> {
        let Self {
            writer,
            seen,
            posts,
        } = self;
        let Far {
            tasks,
            orders,
            turns,
            notes,
        } = far;
        let fail = |error| Error::io("cannot start a thread", error);
        std::thread::scope(|scope| {
            // However this ends, the channels close before all are waited for.
            let run = run;
            let writer_notes = notes.clone();
            let writing = Builder::new()
                .name("wrasse-writer".into())
                .spawn_scoped(scope, move || write(writer, &orders, &writer_notes))
                .map_err(fail)?;
            let ordering_notes = notes.clone();
            Builder::new()
                .name("wrasse-ordering".into())
                .spawn_scoped(scope, move || {
                    take_turns(shared, seen, &turns, &ordering_notes);
                })
                .map_err(fail)?;
            // Wakes those that rest, however this ends.
            let _woken = shared.shift.until_dropped();
            let worker_notes = notes.clone();
            let threads = watch.budget.threads;
            let mut manned = Manned {
                watch,
                n: 0,
                hire: Box::new(move |i| {
                    let (tasks, notes) = (tasks.clone(), worker_notes.clone());
                    Builder::new()
                        .name(format!("wrasse-worker-{i}"))
                        .spawn_scoped(scope, move || work(shared, i, &tasks, &notes))
                        .map(drop)
                }),
            };
            manned.hire(threads)?;
            for post in posts {
                let notes = notes.clone();
                Builder::new()
                    .name("wrasse-python".into())
                    .spawn_scoped(scope, move || post.serve(shared, &notes))
                    .map_err(fail)?;
            }
            drop(notes);
            let ran = run(manned);
            let written = writing
                .join()
                .unwrap_or_else(|_| Err(Error::failed("the writer panicked; this is a bug")));
            Ok((ran, written))
        })
    }
}

/// Watches, and has as many workers as the run may use. Those that are too many
/// rest; none is sent away.
pub(crate) struct Manned<'w, 'a> {
    watch: &'w mut Watcher<'a>,
    /// Workers that there are.
    n: usize,
    hire: Box<dyn FnMut(usize) -> io::Result<()> + 'w>,
}

impl Manned<'_, '_> {
    fn hire(&mut self, n: usize) -> Result<(), Error> {
        while self.n < n {
            (self.hire)(self.n).map_err(|error| Error::io("cannot start a thread", error))?;
            self.n += 1;
        }
        Ok(())
    }
}

impl<'b> Watch<Local<'b>> for Manned<'_, '_> {
    fn look(&mut self, run: &Running<'_>, backend: &mut Local<'b>) -> Result<Option<Event>, Error> {
        let event = self.watch.look(run, backend)?;
        self.hire(self.watch.budget.threads)?;
        Ok(event)
    }

    fn name(&self, op: OpIdx) -> String {
        Watch::<Local<'b>>::name(self.watch, op)
    }
}
