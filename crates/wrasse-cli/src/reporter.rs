//! [`Reporter`]: all who are told how a run goes, from the same snapshots: the
//! terminal, the event log, the task service, and whoever asks for metrics.

use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wrasse_local::{Job, RunResult};
use wrasse_run::{Error, EventLog, RunSnapshot, StuckSnapshot};

use crate::Exit;
use crate::args::ShowArgs;
use crate::failure::{Failure, say};
use crate::live::Live;
use crate::metrics_server::MetricsServer;
use crate::progress::Progress;

/// How long threads may take to end after the run was given up. What does not
/// move may be a thread, and would be waited for for ever.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// Tells how a run goes.
pub(crate) struct Reporter {
    progress: Progress,
    server: Option<MetricsServer>,
    run_dir: PathBuf,
    log: Log,
    live: Option<Live>,
    last: Option<RunSnapshot>,
    is_stuck: bool,
    /// Whether the program is ended if the run does not end by itself.
    ends_program: bool,
    /// Ends the program, unless it is dropped in time.
    deadline: Option<Sender<()>>,
}

/// The event log: opened with the first snapshot, when the run holds its
/// directory.
enum Log {
    Unopened,
    Open(Box<EventLog>),
    Failed,
}

impl Reporter {
    /// `ends_program`: whether the program is ended if a run that was given up
    /// does not end by itself.
    pub(crate) fn new(job: &Job, show: &ShowArgs, ends_program: bool) -> Result<Self, Failure> {
        let server = match show.metrics_addr {
            None => None,
            Some(address) => Some(MetricsServer::start(address).map_err(|error| {
                Failure::usage(format!("cannot serve metrics at {address}: {error}"))
                    .with_hint("with port 0, a free one is taken")
            })?),
        };
        if let Some(server) = &server {
            // A port that was chosen cannot be known otherwise.
            let is_chosen = show.metrics_addr.is_some_and(|asked| asked.port() == 0);
            if !show.quiet || is_chosen {
                say(&format!("metrics: http://{}/metrics", server.address()));
            }
        }
        Ok(Self {
            progress: Progress::new(show.quiet, show.verbose),
            server,
            run_dir: job.run_dir.clone(),
            log: Log::Unopened,
            live: show.live.as_deref().map(|dir| Live::new(dir, job)),
            last: None,
            is_stuck: false,
            ends_program,
            deadline: None,
        })
    }

    pub(crate) fn see(&mut self, snapshot: &RunSnapshot) {
        self.progress.show(snapshot);
        if let Some(server) = &self.server {
            server.show(snapshot);
        }
        if let Some(stuck) = &snapshot.stuck
            && !self.is_stuck
            && !stuck.gives_up
        {
            self.progress.warn(&format!("warning: {stuck}"));
        }
        self.is_stuck = snapshot.stuck.is_some();
        if matches!(self.log, Log::Unopened) {
            let opened = EventLog::open(&self.run_dir);
            self.log = self.checked(opened.map(|log| Log::Open(Box::new(log))));
        }
        if let Log::Open(log) = &mut self.log {
            let seen = log.see(snapshot, unix_time());
            if seen.is_err() {
                self.log = self.checked(seen.map(|()| Log::Failed));
            }
        }
        if let Some(live) = &mut self.live {
            live.see(snapshot);
        }
        self.last = Some(snapshot.clone());
        if let Some(stuck) = snapshot.stuck.as_ref().filter(|stuck| stuck.gives_up)
            && self.ends_program
        {
            self.expect_the_end(stuck);
        }
    }

    fn checked(&self, log: std::io::Result<Log>) -> Log {
        log.unwrap_or_else(|error| {
            let name = EventLog::NAME;
            let place = self.run_dir.join(name).display().to_string();
            self.progress
                .warn(&format!("warning: cannot write {place}: {error}"));
            Log::Failed
        })
    }

    /// Ends the program if the run, which was given up, does not end by itself.
    fn expect_the_end(&mut self, stuck: &StuckSnapshot) {
        let (ended, end) = channel::<()>();
        let error = format!("error: {stuck}; it did not end by itself either");
        let waits = std::thread::Builder::new().spawn(move || {
            if end.recv_timeout(ENDS_WITHIN) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                say(&error);
                say("hint: --resume goes on from the last commit");
                end_at_once(Exit::Failed);
            }
        });
        if waits.is_ok() {
            self.deadline = Some(ended);
        }
    }

    /// The run is over; says what the terminal still wants to show.
    pub(crate) fn end(&mut self, result: &Result<RunResult, Error>) {
        self.deadline = None;
        let (outcome, error) = match result {
            Ok(result) if result.too_many_rejects => ("too_many_rejects", None),
            Ok(result) if result.complete => ("done", None),
            Ok(_) => ("interrupted", None),
            Err(error) => ("failed", Some(error.to_string())),
        };
        if let (Log::Open(log), Some(last)) = (&mut self.log, &self.last) {
            let ended = log.end(last, unix_time(), outcome, error.as_deref());
            if ended.is_err() {
                self.log = self.checked(ended.map(|()| Log::Failed));
            }
        }
        if let (Some(live), Some(last)) = (&mut self.live, &self.last) {
            live.end(last);
        }
        self.progress.end(self.last.as_ref());
    }
}

/// Ends the program while threads run.
#[expect(
    clippy::exit,
    reason = "the threads that would have to end may be stuck"
)]
pub(crate) fn end_at_once(exit: Exit) -> ! {
    std::process::exit(exit as i32)
}

#[expect(
    clippy::disallowed_methods,
    reason = "events are dated for people; nothing depends on it"
)]
fn unix_time() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_millis() as f64 / 1000.0)
}
