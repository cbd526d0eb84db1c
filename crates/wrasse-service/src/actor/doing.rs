//! What the scheduler has decided, done: jobs are started, followed, held and
//! stopped. Whatever comes of it is a note to the thread.

use std::sync::Arc;
use std::time::Duration;

use super::{Actor, Ask};
use crate::board::End;
use crate::launch::{self, Outcome};
use crate::{FunctionWork, Job, JobId, State, Work};

/// A follower waits for a process and reads a file.
const FOLLOWER_STACK_BYTES: usize = 256 << 10;

impl Actor {
    pub(super) fn start(&mut self, id: &JobId) {
        let Some(job) = self.jobs.get(id) else { return };
        match &job.submission.work {
            Work::Run(_) | Work::Command(_) | Work::RayJob(_) => self.follow(id, launch::launch),
            Work::Function(function) => {
                let function = function.clone();
                self.call(id, &function);
            }
        }
    }

    /// Takes up a job that an earlier scheduler started.
    pub(super) fn adopt(&mut self, id: &JobId) {
        let Some(job) = self.jobs.get(id) else { return };
        match &job.submission.work {
            Work::Run(_) | Work::Command(_) | Work::RayJob(_) => self.follow(id, launch::adopt),
            Work::Function(_) => {
                let ended = Ask::Ended(id.clone(), job.launches, (End::Interrupted, None));
                self.shared.tell(&self.notes, ended);
            }
        }
    }

    /// Has a thread see to a process.
    fn follow(&mut self, id: &JobId, how: fn(&crate::Settings, &Job) -> Outcome) {
        let Some(job) = self.jobs.get(id) else { return };
        let (job, launch) = (job.clone(), job.launches);
        let (shared, notes) = (Arc::clone(&self.shared), self.notes.clone());
        let spawned = std::thread::Builder::new()
            .name("wrasse-follower".into())
            .stack_size(FOLLOWER_STACK_BYTES)
            .spawn(move || {
                let outcome = how(&shared.settings, &job);
                shared.tell(&notes, Ask::Ended(job.id, job.launches, outcome));
            });
        if let Err(error) = spawned {
            let error = format!("cannot start a thread: {error}");
            let end = End::Failed {
                error,
                may_help: true,
            };
            self.shared
                .tell(&self.notes, Ask::Ended(id.clone(), launch, (end, None)));
        }
    }

    fn call(&mut self, id: &JobId, function: &FunctionWork) {
        let Some(job) = self.jobs.get(id) else { return };
        let launch = job.launches;
        let running = match self.once.remove(id) {
            Some(once) => Some(once),
            None => self.functions.call(&function.name, function.args.clone()),
        };
        let Some(running) = running else {
            let error = format!("there is no function `{}` in this process", function.name);
            let end = End::Failed {
                error,
                may_help: false,
            };
            return self
                .shared
                .tell(&self.notes, Ask::Ended(id.clone(), launch, (end, None)));
        };
        let timeout = function.timeout_s.map(Duration::from_secs_f64);
        let call = self.runtime.spawn(async move {
            match timeout {
                None => Some(running.await),
                Some(timeout) => tokio::time::timeout(timeout, running).await.ok(),
            }
        });
        self.calls.insert(id.clone(), call.abort_handle());
        let (shared, notes, id) = (Arc::clone(&self.shared), self.notes.clone(), id.clone());
        self.runtime.spawn(async move {
            let failed = |error: String| {
                (
                    End::Failed {
                        error,
                        may_help: true,
                    },
                    None,
                )
            };
            let outcome = match call.await {
                Ok(Some(Ok(value))) => (End::Completed { partial: false }, Some(value)),
                Ok(Some(Err(error))) => failed(error),
                Ok(None) => failed("its time was up".to_owned()),
                Err(gone) if gone.is_panic() => failed("it panicked".to_owned()),
                Err(_) => failed("it was stopped".to_owned()),
            };
            shared.tell(&notes, Ask::Ended(id, launch, outcome));
        });
    }

    pub(super) fn stop(&mut self, id: &JobId) {
        let Some(job) = self.jobs.get(id) else { return };
        match &job.submission.work {
            Work::Run(_) | Work::Command(_) | Work::RayJob(_) => {
                // It will end by itself, or be asked again.
                let _ = launch::stop(&self.shared.settings, id, job.launches);
            }
            Work::Function(_) => {
                if let Some(call) = self.calls.get(id) {
                    call.abort();
                }
            }
        }
    }

    pub(super) fn hold(&mut self, id: &JobId, held: bool) {
        let Some(job) = self.jobs.get(id) else { return };
        if let Work::Command(_) = &job.submission.work {
            let _ = launch::hold(&self.shared.settings, id, job.launches, held);
        }
    }

    pub(super) fn tell_limits(&mut self, id: &JobId) {
        if let Some(job) = self.jobs.get(id)
            && job.state == State::Running
            && let Work::Run(run) = &job.submission.work
        {
            // Its next launch has them in any case.
            let _ = launch::limits(&self.shared.settings, id, job.launches, run);
        }
    }
}
