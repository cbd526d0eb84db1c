//! A run in which nothing moves is told of, and ended: a real executor with a
//! backend that never answers.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::{Duration, Instant};

use wrasse_run::{Backend, Error, Guard, Pace, Running, StuckSnapshot, Watch, execute};
use wrasse_sched::{
    Command, Event, Limits, OpConfig, OpIdx, OpKind, Place, Resource, Resources, Scheduler,
    Settings, TaskId,
};

const LIMIT: i64 = 1 << 30;

/// Says that tasks have started, if `starts`, and nothing else, ever.
struct Silent {
    starts: bool,
    started: Vec<TaskId>,
    n_submitted: usize,
}

impl Backend for Silent {
    fn obey(&mut self, command: Command) -> Result<(), Error> {
        if let Command::Submit { task, .. } = command {
            self.started.push(task);
            self.n_submitted += 1;
        }
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "it has nothing else to wait for")]
    fn poll(&mut self, deadline: Instant) -> Result<Option<Event>, Error> {
        if self.starts
            && let Some(task) = self.started.pop()
        {
            return Ok(Some(Event::TaskStarted { task }));
        }
        std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
        Ok(None)
    }
}

/// Keeps what it was told; cancels when told `warnings_max` times.
#[derive(Default)]
struct Told {
    stuck: Vec<StuckSnapshot>,
    ends_after: Option<usize>,
}

impl Watch<Silent> for Told {
    fn look(&mut self, run: &Running<'_>, _: &mut Silent) -> Result<Option<Event>, Error> {
        if let Some(stuck) = run.stuck {
            let name = |op| self.name(op);
            self.stuck
                .push(StuckSnapshot::new(&stuck, run.gives_up, &[], &name));
        }
        match self.ends_after {
            Some(n) if self.stuck.len() >= n => Err(Error::failed("seen enough")),
            _ => Ok(None),
        }
    }

    fn name(&self, op: OpIdx) -> String {
        ["reader", "model"][op].to_owned()
    }
}

fn run(starts: bool, guard: Guard, ends_after: Option<usize>) -> (Result<Pace, Error>, Told) {
    let op = |kind| OpConfig {
        kind,
        task: Resources::millicpus(1000),
        tasks_max: 1,
        output_bytes: 1 << 20,
        pool: None,
    };
    let limits = Limits {
        resources: Resources::millicpus(2000).with(Resource::BLOCKS, LIMIT),
        blocks_in_flight: 8,
        for_tasks: Resources::ZERO,
    };
    let ops = [op(OpKind::Source), op(OpKind::Map)];
    let mut scheduler =
        Scheduler::new(&ops, limits, Place::default(), Settings::default()).unwrap();
    let mut backend = Silent {
        starts,
        started: Vec::new(),
        n_submitted: 0,
    };
    let mut told = Told {
        ends_after,
        ..Told::default()
    };
    let first = Event::SplitsFound {
        op: 0,
        n: 3,
        last: true,
    };
    let ended = execute(&mut scheduler, &mut backend, &mut told, &guard, first);
    assert_eq!(backend.n_submitted, 1);
    (ended, told)
}

#[test]
fn a_run_that_stands_still_is_told_of_and_then_ended() {
    let guard = Guard {
        warn_after: Duration::from_millis(150),
        end_after: Some(Duration::from_millis(700)),
    };
    let (ended, told) = run(true, guard, None);
    let error = ended.unwrap_err();
    assert!(
        error.message.starts_with("nothing has moved for 0.")
            && error
                .message
                .ends_with("s: `reader` waits for a task of its own, which runs"),
        "{}",
        error.message
    );
    assert!(
        error
            .hint
            .as_deref()
            .is_some_and(|hint| hint.contains("--resume"))
    );
    let (last, before) = told.stuck.split_last().unwrap();
    assert!(last.gives_up && last.lasts >= Duration::from_millis(700));
    assert!(before.len() >= 2, "{before:?}");
    assert!(
        before
            .iter()
            .all(|stuck| !stuck.gives_up && stuck.lasts >= Duration::from_millis(150))
    );
}

#[test]
fn a_task_that_no_worker_takes_is_not_called_running() {
    let guard = Guard {
        warn_after: Duration::from_secs(3600),
        end_after: Some(Duration::from_millis(200)),
    };
    let (ended, _) = run(false, guard, None);
    let message = ended.unwrap_err().message;
    assert!(
        message.ends_with("`reader` waits for a worker that starts its task"),
        "{message}"
    );
}

#[test]
fn a_run_may_stand_still_for_ever_if_told_so() {
    let guard = Guard {
        warn_after: Duration::from_millis(1),
        end_after: None,
    };
    let (ended, told) = run(true, guard, Some(8));
    assert_eq!(ended.unwrap_err().message, "seen enough");
    assert!(told.stuck.iter().all(|stuck| !stuck.gives_up));
}
