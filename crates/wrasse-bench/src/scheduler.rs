//! What the scheduler costs: thousands of workers that do not exist.
//!
//! # Protocol
//!
//! The scheduler of a run, alone: an endless input, operators in a row that do
//! not fuse, workers shared out evenly among them, blocks of 1 MiB, a consumer
//! that takes at once. Every worker is busy; in each round some tasks end (any
//! of the oldest tenth: tasks end about in the order in which they began), and
//! the scheduler gives their workers the next. There are no processes, threads
//! or messages: it is the cost of deciding, and nothing else.
//!
//! The time of a round is that of all its events: a block and an end for each
//! task that ends, a start for each that begins, a taking for each that reaches
//! the consumer. A *step* is one event with all that is decided for it.
//!
//! The longest step is told twice: as the clock on the wall saw it, where a
//! machine that does something else in between makes milliseconds of it, and as
//! processor time of the thread, in a part of its own, since asking for that
//! takes as long as a step does.

use std::collections::VecDeque;
use std::sync::OnceLock;
use std::time::Instant;

use crate::reaction;
use serde_json::{Value, json};
use wrasse_sched::{
    BlockId, Command, Event, Limits, Metadata, OpConfig, OpKind, Place, PoolConfig, Resource,
    Resources, Scheduler, Settings, TaskId, Time, WorkerId,
};

const BLOCK: u64 = 1 << 20;

/// Finished tasks to measure, at the least.
const TASKS: u64 = 100_000;

/// Measures the whole grid.
pub(crate) fn run() -> Value {
    // Before the process has held anything else.
    let memory = memory();
    let mut rows = Vec::new();
    for actors in [false, true] {
        for ops in [1, 5, 15, 20] {
            for workers in [100, 500, 1_000, 5_000, 50_000] {
                for completions in [50, 500] {
                    rows.push(measure(ops, workers, actors, completions));
                }
            }
        }
    }
    json!({ "grid": rows, "memory": memory, "reaction": reaction::run() })
}

struct World {
    scheduler: Scheduler,
    running: VecDeque<TaskId>,
    events: VecDeque<Event>,
    /// What the consumer was given and takes next. Apart from the events, so
    /// that thousands of them do not push the scheduler's own out of the caches.
    emitted: VecDeque<BlockId>,
    commands: Vec<Command>,
    /// What steps are timed by.
    clock: fn() -> u64,
    random: u64,
    named: u64,
    workers: u32,
    /// Workers of each operator's pool.
    started: Vec<u32>,
    now: u64,
    finished: u64,
    longest_ns: u64,
    steps: Vec<u32>,
}

impl World {
    fn new(n_ops: usize, n_workers: u32, actors: bool) -> Self {
        let each = (n_workers / n_ops as u32).max(1);
        let ops: Vec<OpConfig> = (0..n_ops)
            .map(|op| OpConfig {
                kind: if op == 0 { OpKind::Source } else { OpKind::Map },
                task: Resources::millicpus(if actors { 0 } else { 1000 }),
                tasks_max: if actors { u32::MAX } else { each },
                output_bytes: BLOCK,
                pool: actors.then_some(PoolConfig {
                    worker: Resources::millicpus(1000),
                    workers_min: each,
                    workers_max: each,
                    slots: 2,
                }),
            })
            .collect();
        let limits = Limits {
            resources: Resources::millicpus(i64::from(n_workers + 20) * 1000)
                .with(Resource::BLOCKS, (BLOCK * u64::from(n_workers) * 64) as i64),
            blocks_in_flight: n_workers * 16,
            for_tasks: Resources::ZERO,
        };
        let scheduler = Scheduler::new(&ops, limits, Place::default(), Settings::default())
            .unwrap_or_else(|refusal| unreachable!("the limits are large: {refusal:?}"));
        // Of a size from the beginning: what a list that grows gives back, the
        // allocator hands to the system when it is next asked for something, in
        // the middle of a step.
        let n = n_workers as usize;
        Self {
            scheduler,
            running: VecDeque::with_capacity(2 * n + 1),
            events: VecDeque::with_capacity(n + 256),
            emitted: VecDeque::new(),
            clock: wall_ns,
            commands: Vec::with_capacity(1024),
            random: 0x9E37_79B9_7F4A_7C15,
            named: 0,
            workers: 0,
            started: vec![0; n_ops],
            now: 0,
            finished: 0,
            longest_ns: 0,
            steps: Vec::with_capacity(5 * (TASKS as usize + 2 * n)),
        }
    }

    fn below(&mut self, n: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random % n.max(1) as u64) as usize
    }

    /// Takes an event, and all that comes of it at once.
    fn take(&mut self, event: Event) {
        self.events.push_back(event);
        loop {
            let event = if let Some(event) = self.events.pop_front() {
                event
            } else if let Some(block) = self.emitted.pop_front() {
                Event::OutputTaken { block }
            } else if self.scheduler.is_behind() {
                Event::Tick
            } else {
                return;
            };
            self.now += 1_000;
            let start = (self.clock)();
            self.scheduler
                .step(event, Time(self.now), &mut self.commands);
            let ns = (self.clock)() - start;
            self.longest_ns = self.longest_ns.max(ns);
            self.steps.push(ns.min(u64::from(u32::MAX)) as u32);
            for i in 0..self.commands.len() {
                self.obey(self.commands[i]);
            }
            self.commands.clear();
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Submit { task, .. } => {
                self.running.push_back(task);
                self.events.push_back(Event::TaskStarted { task });
            }
            Command::Emit { block, .. } => self.emitted.push_back(block),
            Command::ScalePool { op, workers } => {
                while self.started[op] < workers {
                    self.started[op] += 1;
                    self.workers += 1;
                    let worker = WorkerId(self.workers);
                    self.events.push_back(Event::WorkerUp { op, worker });
                }
            }
            _ => {}
        }
    }

    /// Some tasks end.
    fn round(&mut self, completions: usize) {
        assert!(!self.running.is_empty(), "nothing runs any more");
        for _ in 0..completions.min(self.running.len()) {
            let i = self.below(self.running.len() / 10 + 1);
            self.running.swap(0, i);
            let Some(task) = self.running.pop_front() else {
                return;
            };
            self.named += 1;
            self.take(Event::BlockReady {
                task,
                data: self.named,
                metadata: Some(Metadata {
                    bytes: BLOCK,
                    rows: 1_000,
                    holder: None,
                }),
            });
            self.take(Event::TaskDrained { task });
            self.finished += 1;
        }
    }

    fn fill(&mut self) {
        self.take(Event::SplitsFound {
            op: 0,
            n: u32::MAX / 2,
            last: true,
        });
        // As many events as there are workers lay here, and never will again:
        // going round in that much room would cost as much as a step.
        self.events = VecDeque::with_capacity(256);
    }

    fn reset(&mut self) {
        self.longest_ns = 0;
        self.steps.clear();
        self.finished = 0;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "measuring time is what this is for"
)]
fn measure(ops: usize, workers: u32, actors: bool, completions: usize) -> Value {
    // Three times: the longest step of one run is as often the machine's doing
    // as ours.
    let mut fills = Vec::new();
    let mut longest = Vec::new();
    // The same by processor time, of the first fill and of the steps after it.
    let mut own = Vec::new();
    let mut cpu = Vec::new();
    let mut steps = Vec::new();
    let mut last = None;
    for _ in 0..3 {
        let mut world = World::new(ops, workers, actors);
        let start = Instant::now();
        world.fill();
        fills.push((start.elapsed().as_secs_f64() * 1e3, world.longest_ns));
        let filled = world.running.len();
        // Until blocks have come through all operators.
        let warm = u64::from(workers) * 2 + 10_000;
        while world.finished < warm {
            world.round(completions);
        }
        world.reset();
        let busy_workers = world.running.len();
        let before = thread_cpu_ns();
        while world.finished < TASKS {
            world.round(completions);
        }
        cpu.push((thread_cpu_ns() - before) as f64 / 1e3 / world.finished as f64);
        longest.push(world.longest_ns);
        steps.append(&mut world.steps);
        let mut fresh = World::new(ops, workers, actors);
        fresh.clock = thread_cpu_ns;
        fresh.fill();
        world.reset();
        world.clock = thread_cpu_ns;
        while world.finished < TASKS {
            world.round(completions);
        }
        own.push((fresh.longest_ns, world.longest_ns));
        world.clock = wall_ns;
        let idle = Instant::now();
        for _ in 0..1_000 {
            world.take(Event::Tick);
        }
        let idle_tick_ns = idle.elapsed().as_nanos() as f64 / 1e3;
        last = Some((filled, busy_workers, idle_tick_ns));
    }
    steps.sort_unstable();
    fills.sort_by_key(|fill| fill.1);
    longest.sort_unstable();
    let mut own_fill: Vec<u64> = own.iter().map(|longest| longest.0).collect();
    let mut own: Vec<u64> = own.iter().map(|longest| longest.1).collect();
    own_fill.sort_unstable();
    own.sort_unstable();
    cpu.sort_by(f64::total_cmp);
    let at = |share: f64| steps[((steps.len() - 1) as f64 * share) as usize];
    let (filled, busy_workers, idle_tick_ns) = last.unwrap_or_default();
    json!({
        "operators": ops,
        "workers": workers,
        "kind": if actors { "actors" } else { "tasks" },
        "completions": completions,
        "tasks_running": busy_workers,
        "cpu_us_per_task": cpu[1],
        "step_ns_p50": at(0.5),
        "step_ns_p99": at(0.99),
        "step_us_longest": longest[1] as f64 / 1e3,
        "step_us_longest_cpu": own[1] as f64 / 1e3,
        "fill_tasks": filled,
        "fill_ms": fills[1].0,
        "fill_step_us_longest": fills[1].1 as f64 / 1e3,
        "fill_step_us_longest_cpu": own_fill[1] as f64 / 1e3,
        "idle_tick_ns": idle_tick_ns,
    })
}

/// What stays of a million blocks that are gone.
fn memory() -> Value {
    let before = resident_bytes();
    let mut world = World::new(15, 5_000, false);
    world.fill();
    let mut resident = Vec::new();
    for _ in 0..3 {
        world.reset();
        while world.finished < 1_000_000 {
            world.round(500);
            world.steps.clear();
        }
        resident.push(resident_bytes());
    }
    json!({
        "operators": 15,
        "workers": 5_000,
        "resident_before": before,
        "resident_after_million_blocks": resident,
        "blocks_in_flight": world.scheduler.blocks(),
        "tokens_in_flight": world.scheduler.in_flight(),
    })
}

/// Time on the wall, since the first time it was asked for.
#[expect(
    clippy::disallowed_methods,
    reason = "measuring time is what this is for"
)]
fn wall_ns() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// Processor time of this thread.
fn thread_cpu_ns() -> u64 {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(0, |time| {
        time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
    })
}

fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}
