//! How soon a worker that is done gets its next task, with real threads.
//!
//! # Protocol
//!
//! The executor and channels of the local backend, with tasks that keep a processor busy: two
//! workers, one task of two seconds, and tasks of 20 ms beside it until it
//! ends. The gap is the time from the end of a task to the start of the next
//! on the same worker. The same again with tasks of no duration, on all
//! workers.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use serde_json::{Value, json};
use wrasse_run::{Backend, Error, Guard, Running, Watch, execute};
use wrasse_sched::{
    Command, Event, Input, Limits, Metadata, OpConfig, OpKind, Place, Resource, Resources,
    Scheduler, Settings, TaskId,
};

const WORKERS: usize = 2;
const LONG: Duration = Duration::from_secs(2);
const SHORT: Duration = Duration::from_millis(20);

pub(crate) fn run() -> Value {
    let mixed = measure(101, |split| if split == 0 { LONG } else { SHORT });
    let empty = measure(100_000, |_| Duration::ZERO);
    json!({ "workers": WORKERS, "one_long_beside_short": mixed, "no_work": empty })
}

struct Threads {
    tasks: Sender<(TaskId, Duration)>,
    notes: Receiver<TaskId>,
    known: VecDeque<Event>,
    duration: fn(u32) -> Duration,
    named: u64,
}

impl Backend for Threads {
    fn obey(&mut self, command: Command) -> Result<(), Error> {
        match command {
            Command::Submit {
                task,
                input: Input::Split(place),
                ..
            } => drop(self.tasks.send((task, (self.duration)(place.split)))),
            Command::Emit { block, .. } => self.known.push_back(Event::OutputTaken { block }),
            _ => {}
        }
        Ok(())
    }

    fn poll(&mut self, deadline: Instant) -> Result<Option<Event>, Error> {
        if let Some(event) = self.known.pop_front() {
            return Ok(Some(event));
        }
        let Ok(task) = self.notes.recv_deadline(deadline) else {
            return Ok(None);
        };
        self.named += 1;
        self.known.push_back(Event::TaskDrained { task });
        Ok(Some(Event::BlockReady {
            task,
            data: self.named,
            metadata: Some(Metadata {
                bytes: 1,
                rows: 1,
                holder: None,
            }),
        }))
    }
}

struct Nobody;

impl Watch<Threads> for Nobody {
    fn look(&mut self, _: &Running<'_>, _: &mut Threads) -> Result<Option<Event>, Error> {
        Ok(None)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "measuring time is what this is for"
)]
fn measure(n: u32, duration: fn(u32) -> Duration) -> Value {
    let (tasks, tasks_in) = bounded::<(TaskId, Duration)>(2 * WORKERS);
    let (notes, notes_in) = bounded::<TaskId>(2 * WORKERS);
    let op = OpConfig {
        kind: OpKind::Source,
        // One runs, one waits at the door.
        task: Resources::millicpus(500),
        tasks_max: u32::MAX,
        output_bytes: 1,
        pool: None,
    };
    let limits = Limits {
        resources: Resources::millicpus(WORKERS as i64 * 1000).with(Resource::BLOCKS, 1 << 40),
        blocks_in_flight: u32::MAX,
        for_tasks: Resources::ZERO,
    };
    let mut scheduler = match Scheduler::new(&[op], limits, Place::default(), Settings::default()) {
        Ok(scheduler) => scheduler,
        Err(refusal) => return json!({ "refused": format!("{refusal:?}") }),
    };
    let mut backend = Threads {
        tasks,
        notes: notes_in,
        known: VecDeque::new(),
        duration,
        named: 0,
    };
    let first = Event::SplitsFound {
        op: 0,
        n,
        last: true,
    };
    let (pace, took, workers) = std::thread::scope(|scope| {
        let mut backend_threads = Vec::new();
        for _ in 0..WORKERS {
            let (tasks_in, notes) = (tasks_in.clone(), notes.clone());
            backend_threads.push(scope.spawn(move || work(&tasks_in, &notes)));
        }
        let start = Instant::now();
        let pace = execute(
            &mut scheduler,
            &mut backend,
            &mut Nobody,
            &Guard::default(),
            first,
        );
        let took = start.elapsed();
        drop(backend);
        let workers: Vec<(Vec<u64>, Duration)> = backend_threads
            .into_iter()
            .filter_map(|thread| thread.join().ok())
            .collect();
        (pace, took, workers)
    });
    let mut gaps: Vec<u64> = workers.iter().flat_map(|(gaps, _)| gaps.clone()).collect();
    gaps.sort_unstable();
    let at = |share: f64| {
        let i = (gaps.len().saturating_sub(1) as f64 * share) as usize;
        gaps.get(i).copied().unwrap_or(0) as f64 / 1e3
    };
    let busy: Duration = workers.iter().map(|(_, busy)| *busy).sum();
    let pace = pace.unwrap_or_default();
    json!({
        "tasks": n,
        "wall_s": took.as_secs_f64(),
        "gap_us_p50": at(0.5),
        "gap_us_p99": at(0.99),
        "slots_used": busy.as_secs_f64() / (took.as_secs_f64() * WORKERS as f64),
        "loop_busy_s": pace.busy.as_secs_f64(),
        "loop_blocked_s": pace.blocked.as_secs_f64(),
        "loop_longest_step_us": pace.longest_step.as_secs_f64() * 1e6,
    })
}

/// Works as long as told; returns the gaps between tasks, in nanoseconds, and
/// the time that was worked.
#[expect(
    clippy::disallowed_methods,
    reason = "measuring time is what this is for"
)]
fn work(tasks: &Receiver<(TaskId, Duration)>, notes: &Sender<TaskId>) -> (Vec<u64>, Duration) {
    let (mut gaps, mut busy) = (Vec::new(), Duration::ZERO);
    let mut ended: Option<Instant> = None;
    for (task, duration) in tasks {
        let began = Instant::now();
        if let Some(ended) = ended {
            gaps.push((began - ended).as_nanos() as u64);
        }
        while began.elapsed() < duration {
            std::hint::spin_loop();
        }
        busy += began.elapsed();
        ended = Some(Instant::now());
        if notes.send(task).is_err() {
            break;
        }
    }
    (gaps, busy)
}
