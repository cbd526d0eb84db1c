//! However much becomes possible at once, a step does a bounded part of it and
//! says that it is behind.

use wrasse_sched::{
    BlockId, Command, Event, FailureClass, Metadata, OpConfig, OpKind, Place, PoolConfig, Resource,
    Resources, Scheduler, Settings, TaskId, Time, WorkerId,
};

const TASKS: u32 = 1_000;
const BLOCK: u64 = 100;

/// A source that has a thousand tasks, and an operator that has none.
struct Many {
    scheduler: Scheduler,
    tasks: Vec<TaskId>,
    now: u64,
}

impl Many {
    fn new() -> Self {
        Self::of(None)
    }

    /// The same, where each task has a worker of its own, which all are up.
    fn with_pool() -> Self {
        Self::of(Some(PoolConfig {
            worker: Resources::ZERO,
            workers_min: TASKS,
            workers_max: TASKS,
            slots: 1,
        }))
    }

    fn of(pool: Option<PoolConfig>) -> Self {
        let op = |kind, tasks_max| OpConfig {
            kind,
            task: Resources::ZERO,
            tasks_max,
            output_bytes: BLOCK,
            pool: pool.filter(|_| kind == OpKind::Source),
        };
        let ops = [op(OpKind::Source, TASKS), op(OpKind::Map, 0)];
        let (start, settings) = (Place::default(), Settings::default());
        let scheduler = Scheduler::new(&ops, limits(1_000_000), start, settings);
        let mut many = Self {
            scheduler: scheduler.expect("the limits are large"),
            tasks: Vec::new(),
            now: 0,
        };
        let found = Event::SplitsFound {
            op: 0,
            n: TASKS,
            last: true,
        };
        let mut commands = many.all_of(found);
        for worker in (0..TASKS).filter(|_| pool.is_some()).map(WorkerId) {
            commands.extend(many.all_of(Event::WorkerUp { op: 0, worker }));
        }
        for command in commands {
            if let Command::Submit { task, .. } = command {
                many.tasks.push(task);
            }
        }
        for task in many.tasks.clone() {
            many.step(Event::TaskStarted { task });
        }
        many
    }

    fn step(&mut self, event: Event) -> Vec<Command> {
        let queued = |many: &Self| {
            (0..2)
                .map(|op| many.scheduler.view(op).queued)
                .sum::<usize>()
        };
        let before = queued(self);
        let mut commands = Vec::new();
        self.scheduler.step(event, Time(self.now), &mut commands);
        self.scheduler.check();
        let n = commands.len() + queued(self).saturating_sub(before);
        assert!(n <= 2 * 64, "{n} things done for {event:?}");
        commands
    }

    /// Takes an event, and goes on until all is done that it made possible.
    fn all_of(&mut self, event: Event) -> Vec<Command> {
        let mut commands = self.step(event);
        while self.scheduler.is_behind() {
            commands.extend(self.step(Event::Tick));
        }
        commands
    }
}

fn limits(blocks: i64) -> wrasse_sched::Limits {
    wrasse_sched::Limits {
        resources: Resources::millicpus(1_000).with(Resource::BLOCKS, blocks),
        blocks_in_flight: 10 * TASKS,
        for_tasks: Resources::ZERO,
    }
}

#[test]
fn a_thousand_blocks_that_waited_for_one() {
    let mut many = Many::new();
    let mut blocks: Vec<BlockId> = Vec::new();
    for (task, data) in many.tasks.clone().into_iter().zip(1..) {
        let ready = Event::BlockReady {
            task,
            data,
            metadata: None,
        };
        for command in many.step(ready) {
            if let Command::FetchMetadata { block, .. } = command {
                blocks.push(block);
            }
        }
    }
    let metadata = Some(Metadata {
        bytes: BLOCK,
        rows: 1,
        holder: None,
    });
    for block in blocks.into_iter().rev() {
        many.all_of(Event::MetadataReady { block, metadata });
    }
    assert_eq!(many.scheduler.view(1).queued, TASKS as usize);
}

#[test]
fn a_thousand_outputs_for_which_there_is_room_again() {
    let mut many = Many::new();
    many.all_of(Event::LimitsChanged(limits(1)));
    let mut n = 0;
    let is_read = |command: &Command| matches!(command, Command::Read { .. });
    for task in many.tasks.clone() {
        let reads = many.step(Event::OutputWaiting { task });
        n += reads.iter().filter(|command| is_read(command)).count();
    }
    let reads = many.all_of(Event::LimitsChanged(limits(1_000_000)));
    n += reads.iter().filter(|command| is_read(command)).count();
    assert_eq!(n, TASKS as usize);
}

#[test]
fn where_nothing_moves_an_output_is_read_for_which_there_is_no_room() {
    let mut many = Many::new();
    many.all_of(Event::LimitsChanged(limits(1)));
    // The last one seems to run: others may hold what it needs.
    let last = many.tasks.pop().expect("there are many");
    for task in many.tasks.clone() {
        many.step(Event::OutputWaiting { task });
    }
    let is_read = |command: &&Command| matches!(command, Command::Read { .. });
    let reads_at = |many: &mut Many, seconds: u64| {
        many.now = seconds * 1_000_000_000;
        let commands = many.all_of(Event::Tick);
        commands.iter().filter(is_read).count()
    };
    for (seconds, n) in [(9, 0), (10, 1), (11, 0), (20, 1), (39, 0), (40, 1), (79, 0)] {
        assert_eq!(reads_at(&mut many, seconds), n, "after {seconds} s");
    }
    // A task is done: patience is what it was.
    let again = many.tasks.pop().expect("there are many");
    many.step(Event::TaskDrained { task: again });
    for (seconds, n) in [(88, 0), (89, 1)] {
        assert_eq!(reads_at(&mut many, seconds), n, "after {seconds} s");
    }
    many.step(Event::TaskDrained { task: last });
}

#[test]
fn a_thousand_tasks_that_failed_at_once() {
    let mut many = Many::new();
    let class = FailureClass::Transient;
    for task in many.tasks.clone() {
        many.step(Event::TaskFailed { task, class });
    }
    many.now = u64::MAX / 2;
    let again = many.all_of(Event::Tick);
    let is_submit = |command: &&Command| matches!(command, Command::Submit { .. });
    assert_eq!(again.iter().filter(is_submit).count(), TASKS as usize);
}

#[test]
fn a_thousand_workers_that_are_needed_no_more() {
    let mut many = Many::with_pool();
    let begin = many.all_of(Event::Tick);
    assert!(begin.is_empty(), "{begin:?}");
    // The last one keeps the run from its end.
    for task in many.tasks.split_off(1) {
        many.step(Event::TaskDrained { task });
    }
    many.step(Event::Tick);
    many.now = u64::MAX / 2;
    let stopped = many.all_of(Event::Tick);
    let is_stop = |command: &&Command| matches!(command, Command::StopWorker { .. });
    assert_eq!(stopped.iter().filter(is_stop).count(), TASKS as usize - 1);
}

#[test]
fn a_thousand_tasks_that_are_cancelled() {
    let mut many = Many::new();
    many.step(Event::Cancel);
    let cancelled: Vec<TaskId> = many
        .all_of(Event::Cancel)
        .into_iter()
        .filter_map(|command| match command {
            Command::Cancel { task } => Some(task),
            _ => None,
        })
        .collect();
    assert_eq!(cancelled.len(), many.tasks.len());
    assert!(many.tasks.iter().all(|task| cancelled.contains(task)));
}
