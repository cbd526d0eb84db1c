//! [`Single`]: one worker for somebody who waits for each answer.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use wrasse_core::Sample;
use wrasse_run::Made;

use crate::drive::{Chain, Job, Listener, Seat, drive};

/// What became of samples.
type Answer = Result<(Vec<Sample>, Made), String>;

/// A worker on a thread of its own, which ends with this.
#[derive(Debug)]
pub struct Single {
    door: Sender<Job<()>>,
    done: Receiver<Answer>,
}

impl Single {
    /// Starts it.
    pub fn new(chain: &Arc<Chain>) -> Self {
        let (door, jobs) = bounded(1);
        let (tell, done) = bounded(1);
        let chain = Arc::clone(chain);
        std::thread::spawn(move || {
            if let Err(message) = drive(&chain, &Seat::default(), &jobs, &mut Handover(&tell)) {
                drop(tell.send(Err(message)));
            }
        });
        Self { door, done }
    }

    /// Has samples go through the operators.
    ///
    /// # Errors
    ///
    /// If no worker can be started.
    pub fn run(&self, samples: Vec<Sample>) -> Answer {
        drop(self.door.send(Job { tag: (), samples }));
        let gone = |_| Err("the worker is gone".to_owned());
        self.done.recv().unwrap_or_else(gone)
    }
}

struct Handover<'a>(&'a Sender<Answer>);

impl Listener<()> for Handover<'_> {
    fn ready(&mut self) {}

    fn began(&mut self, (): &()) {}

    fn done(&mut self, (): (), samples: Vec<Sample>, made: Made) {
        drop(self.0.send(Ok((samples, made))));
    }
}
