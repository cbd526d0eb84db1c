//! [`execute`]: drives a [`Backend`] with the scheduler.
//!
//! One thread owns the scheduler. It takes an event, asks what to do, has the
//! backend do it, and waits for the next event: completions and metadata alike
//! wake it, and nothing is polled. Time spent at work and time spent waiting
//! are counted apart.

use std::time::{Duration, Instant};

use wrasse_sched::{Command, Event, Failure, OpIdx, Phase, Place, Scheduler, Stuck, Time};

use crate::snapshot::task_name;
use crate::{Error, StuckSnapshot};

/// What runs tasks: threads, worker processes, a cluster.
///
/// # Contract
///
/// * [`Backend::obey`] never waits for work to be done.
/// * Every submitted task is reported drained or failed, once; outputs of a
///   task are reported in their order, before that.
/// * What a task puts out depends on its operator and input only.
pub trait Backend {
    /// Does what is commanded, or begins it.
    ///
    /// # Errors
    ///
    /// If the run cannot go on.
    fn obey(&mut self, command: Command) -> Result<(), Error>;

    /// The next event; none if there is none by `deadline`. A deadline that has
    /// passed is a look without waiting.
    ///
    /// # Errors
    ///
    /// If the run cannot go on.
    fn poll(&mut self, deadline: Instant) -> Result<Option<Event>, Error>;

    /// What a failed run died of, if the backend knows better.
    fn failure(&mut self) -> Option<Error> {
        None
    }
}

/// Who looks at a run from outside: shows it, changes its limits, cancels it.
pub trait Watch<B> {
    /// Called after events were taken and on every tick; what it returns is
    /// told to the scheduler.
    ///
    /// # Errors
    ///
    /// If the run has to end now.
    fn look(&mut self, run: &Running<'_>, backend: &mut B) -> Result<Option<Event>, Error>;

    /// What a person calls an operator.
    fn name(&self, op: OpIdx) -> String {
        format!("operator {op}")
    }

    /// The names of custom resources, in their order.
    fn custom_resources(&self) -> &[String] {
        &[]
    }
}

/// What is done about a run in which nothing moves: no task starts or ends,
/// no block comes or is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The watch is told after so long.
    pub warn_after: Duration,
    /// The run ends after so long, and can be resumed; never if none.
    pub end_after: Option<Duration>,
}

impl Default for Guard {
    /// Tells after a minute, ends after half an hour.
    fn default() -> Self {
        Self {
            warn_after: Duration::from_secs(60),
            end_after: Some(Duration::from_secs(1800)),
        }
    }
}

impl Guard {
    /// Who is stuck, once that lasts as long as a warning takes.
    fn stuck(&self, scheduler: &Scheduler, now: Time) -> Option<Stuck> {
        let least = self
            .end_after
            .map_or(self.warn_after, |end| end.min(self.warn_after));
        scheduler.stuck(now).filter(|stuck| stuck.since >= least)
    }
}

/// A run under way.
#[derive(Clone, Copy)]
pub struct Running<'a> {
    /// The scheduler, with usage, budgets and reasons for waiting.
    pub scheduler: &'a Scheduler,
    /// Time since the run began.
    pub now: Time,
    /// How busy the scheduling loop is.
    pub pace: &'a Pace,
    /// Whether this is a tick (ten a second) and not merely some events.
    pub is_tick: bool,
    /// Who is stuck, if nothing has moved for longer than the guard allows
    /// without a word. Looked for on ticks.
    pub stuck: Option<Stuck>,
    /// Whether the run ends because of that, after this look.
    pub gives_up: bool,
}

/// The scheduling loop's own time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Events taken.
    pub events: u64,
    /// Time spent on events and commands.
    pub busy: Duration,
    /// Time spent waiting for events.
    pub blocked: Duration,
    /// The longest single step: an event, and what was commanded for it.
    pub longest_step: Duration,
}

/// How often the watch is called when nothing happens.
const TICK: Duration = Duration::from_millis(100);

/// Events taken before the watch gets its turn, if they come without a pause.
const EVENTS_PER_TURN: usize = 256;

/// Runs to the end.
///
/// # Errors
///
/// If a task failed for good, the backend cannot go on, nothing moves for
/// longer than `guard` allows, or the watch says so.
#[expect(
    clippy::disallowed_methods,
    reason = "the executor is the scheduler's clock; the bytes do not depend on it"
)]
pub fn execute<B: Backend>(
    scheduler: &mut Scheduler,
    backend: &mut B,
    watch: &mut dyn Watch<B>,
    guard: &Guard,
    first: Event,
) -> Result<Pace, Error> {
    let began = Instant::now();
    let mut pace = Pace::default();
    let mut commands = Vec::new();
    let mut next_tick = began + TICK;
    let mut turn = Instant::now();
    let mut event = Some(first);
    let mut in_turn = 0;
    loop {
        if let Some(event) = event.take() {
            let step = Instant::now();
            let now = Time((step - began).as_nanos() as u64);
            scheduler.step(event, now, &mut commands);
            for command in commands.drain(..) {
                if let Command::Fail { op, place, failure } = command {
                    let error = || failed(failure, place, &watch.name(op));
                    return Err(backend.failure().unwrap_or_else(error));
                }
                backend.obey(command)?;
            }
            pace.events += 1;
            pace.longest_step = pace.longest_step.max(step.elapsed());
            if scheduler.phase() == Phase::Finished {
                pace.busy += turn.elapsed();
                return Ok(pace);
            }
        }
        in_turn += 1;
        let waits_from = Instant::now();
        let has_turn_ended = in_turn >= EVENTS_PER_TURN;
        if !has_turn_ended && let Some(next) = backend.poll(waits_from)? {
            event = Some(next);
            continue;
        }
        in_turn = 0;
        if scheduler.is_behind() {
            event = Some(Event::Tick);
            continue;
        }
        let is_tick = waits_from >= next_tick;
        let now = Time((waits_from - began).as_nanos() as u64);
        let stuck = match is_tick {
            true => guard.stuck(scheduler, now),
            false => None,
        };
        let over = stuck.filter(|stuck| guard.end_after.is_some_and(|end| stuck.since >= end));
        let running = Running {
            scheduler,
            now,
            pace: &pace,
            is_tick,
            stuck,
            gives_up: over.is_some(),
        };
        event = watch.look(&running, backend)?;
        if let Some(stuck) = over {
            let name = |op| watch.name(op);
            let custom = watch.custom_resources();
            let stuck = StuckSnapshot::new(&stuck, now, true, custom, &name);
            return Err(no_progress(&stuck));
        }
        if is_tick {
            next_tick = waits_from + TICK;
            event = event.or(Some(Event::Tick));
        }
        if event.is_some() {
            continue;
        }
        let retry = scheduler
            .next_deadline()
            .map(|time| began + Duration::from_nanos(time.0));
        let deadline = retry.map_or(next_tick, |retry| retry.min(next_tick));
        pace.busy += turn.elapsed();
        let waits_from = Instant::now();
        event = backend.poll(deadline)?;
        turn = Instant::now();
        pace.blocked += turn - waits_from;
        if event.is_none() && retry.is_some_and(|retry| turn >= retry) {
            event = Some(Event::Tick);
        }
    }
}

fn no_progress(stuck: &StuckSnapshot) -> Error {
    Error::failed(stuck.to_string()).with_hint(
        "--resume goes on from the last commit; --no-progress-timeout sets how long a run may \
         stand still",
    )
}

fn failed(failure: Failure, place: Place, op: &str) -> Error {
    Error::failed(match failure {
        Failure::Fatal => "a task failed".to_owned(),
        Failure::AttemptsExhausted { attempts } => {
            format!("a task failed {attempts} times")
        }
        Failure::MetadataLost { attempts } => {
            format!(
                "the metadata of a block of `{op}`, task {}, could not be fetched in {attempts} \
                 attempts",
                task_name(place)
            )
        }
    })
}
