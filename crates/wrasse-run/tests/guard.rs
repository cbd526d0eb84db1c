//! A run in which nothing moves is told of, and ended: a real executor with a
//! backend that never answers.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use wrasse_run::{Backend, Error, Guard, Pace, Running, StuckSnapshot, Watch, execute};
use wrasse_sched::{
    Command, Event, Limits, Metadata, OpConfig, OpIdx, OpKind, Place, Resource, Resources,
    Scheduler, Settings,
};

const LIMIT: i64 = 1 << 30;

/// How far a task comes before nothing is heard of it any more.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Until {
    Submitted,
    Started,
    PutOut,
    Emitted,
}

/// Says that tasks have come so far, and nothing else, ever.
struct Silent {
    until: Until,
    events: VecDeque<Event>,
    n_submitted: usize,
}

impl Backend for Silent {
    fn obey(&mut self, command: Command) -> Result<(), Error> {
        let Command::Submit { task, .. } = command else {
            return Ok(());
        };
        self.n_submitted += 1;
        if self.until >= Until::Started {
            self.events.push_back(Event::TaskStarted { task });
        }
        if self.until >= Until::PutOut {
            self.events.push_back(Event::BlockReady {
                task,
                data: 1,
                metadata: (self.until == Until::Emitted).then_some(Metadata {
                    bytes: 1,
                    rows: 1,
                    holder: None,
                }),
            });
            self.events.push_back(Event::TaskDrained { task });
        }
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "it has nothing else to wait for")]
    fn poll(&mut self, deadline: Instant) -> Result<Option<Event>, Error> {
        if let Some(event) = self.events.pop_front() {
            return Ok(Some(event));
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
            self.stuck.push(StuckSnapshot::new(
                &stuck,
                run.now,
                run.gives_up,
                &[],
                &name,
            ));
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

fn run(until: Until, guard: Guard, ends_after: Option<usize>) -> (Result<Pace, Error>, Told) {
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
    // What is put out goes to the consumer.
    let ops = match until {
        Until::Emitted => vec![op(OpKind::Source)],
        _ => vec![op(OpKind::Source), op(OpKind::Map)],
    };
    let mut scheduler =
        Scheduler::new(&ops, limits, Place::default(), Settings::default()).unwrap();
    let mut backend = Silent {
        until,
        events: VecDeque::new(),
        n_submitted: 0,
    };
    let mut told = Told {
        ends_after,
        ..Told::default()
    };
    let first = Event::SplitsFound {
        op: 0,
        n: 1,
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
    let (ended, told) = run(Until::Started, guard, None);
    let error = ended.unwrap_err();
    assert!(
        error.message.starts_with("nothing has moved for 0.")
            && error
                .message
                .contains("s: task 0.0 of `reader` has been running for 0."),
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
fn what_is_lost_for_ever_is_named() {
    let guard = Guard {
        warn_after: Duration::from_secs(3600),
        end_after: Some(Duration::from_millis(200)),
    };
    for (until, waits_for) in [
        (
            Until::Submitted,
            "task 0.0 of `reader` waits for a worker that starts it",
        ),
        (
            Until::PutOut,
            "task 0.0 of `reader` waits for the metadata of what it put out",
        ),
        (
            Until::Emitted,
            "`reader` waits for whoever takes its output",
        ),
    ] {
        let (ended, _) = run(until, guard, None);
        let message = ended.unwrap_err().message;
        assert!(message.ends_with(waits_for), "{until:?}: {message}");
    }
}

#[test]
fn a_run_may_stand_still_for_ever_if_told_so() {
    let guard = Guard {
        warn_after: Duration::from_millis(1),
        end_after: None,
    };
    let (ended, told) = run(Until::Started, guard, Some(8));
    assert_eq!(ended.unwrap_err().message, "seen enough");
    assert!(told.stuck.iter().all(|stuck| !stuck.gives_up));
}
