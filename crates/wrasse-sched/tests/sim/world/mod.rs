//! A world in virtual time: what the scheduler commands is done here, late, out
//! of order, and not always well.

mod tasks;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use wrasse_sched::{
    Command, Event, FailureClass, OpIdx, Phase, Place, Resource, Scheduler, Settings, TaskId, Time,
    WorkerId,
};

use self::tasks::Running;
use crate::lost::Lost;
use crate::random::Random;
use crate::scenario::{BLOCK_ROWS, Scenario};
use crate::told::Told;

const SUBMISSIONS_PER_STEP: u32 = 8;
const EMITS_PER_STEP: u32 = 2;
const EMITTED_MAX: u32 = 5;

pub(crate) struct World {
    pub(crate) scenario: Scenario,
    random: Random,
    pub(crate) scheduler: Scheduler,
    pub(crate) now: u64,
    agenda: BTreeMap<(u64, u64), Happening>,
    n: u64,
    tasks: BTreeMap<TaskId, Running>,
    blocks: BTreeMap<u64, Vec<u64>>,
    named: u64,
    workers: BTreeMap<OpIdx, BTreeSet<WorkerId>>,
    next_worker: u32,
    /// What an exchange has taken.
    taken: BTreeMap<OpIdx, Vec<u64>>,
    pub(crate) out: Vec<u64>,
    pub(crate) rejected: BTreeSet<(OpIdx, u64)>,
    pub(crate) advanced: Place,
    /// Rows that were out when the run advanced to a place.
    pub(crate) out_at: usize,
    pub(crate) commands: u64,
    pub(crate) log: Vec<Command>,
    pub(crate) keep_log: bool,
    pub(crate) steps: u64,
    pub(crate) check_every: u64,
    failed_before: BTreeSet<(OpIdx, Place, u64)>,
    fetch_failed: BTreeSet<u64>,
    last_ordered: BTreeMap<OpIdx, Place>,
    working: BTreeMap<WorkerId, TaskId>,
    doors: BTreeMap<WorkerId, VecDeque<TaskId>>,
    pub(crate) busy: u64,
    pub(crate) most_blocks: i64,
    told: Told,
    pub(crate) lost: Lost,
}

enum Happening {
    Event(Event),
    Start(TaskId),
    Step(TaskId),
    WorkerUp(OpIdx, WorkerId),
    Death(OpIdx, WorkerId),
}

impl World {
    pub(crate) fn new(seed: u64, scenario: Scenario) -> Self {
        let settings = Settings {
            backoff: Duration::from_nanos(50),
            pool_horizon: Duration::from_nanos(500),
            pool_grace: Duration::from_nanos(300),
            submissions_per_step: SUBMISSIONS_PER_STEP,
            emits_per_step: EMITS_PER_STEP,
            emitted_max: EMITTED_MAX,
            ..Settings::default()
        };
        let start = scenario.start;
        let scheduler =
            Scheduler::new(&scenario.ops, scenario.limits, start, settings).expect("it fits");
        Self {
            random: Random::new(seed),
            scheduler,
            now: 0,
            agenda: BTreeMap::new(),
            n: 0,
            tasks: BTreeMap::new(),
            blocks: BTreeMap::new(),
            named: 0,
            workers: BTreeMap::new(),
            next_worker: 0,
            taken: BTreeMap::new(),
            out: Vec::new(),
            rejected: BTreeSet::new(),
            advanced: start,
            out_at: 0,
            commands: 0,
            log: Vec::new(),
            keep_log: false,
            steps: 0,
            check_every: 1,
            failed_before: BTreeSet::new(),
            fetch_failed: BTreeSet::new(),
            last_ordered: BTreeMap::new(),
            working: BTreeMap::new(),
            doors: BTreeMap::new(),
            busy: 0,
            most_blocks: 0,
            told: Told::default(),
            lost: Lost::default(),
            scenario,
        }
    }

    /// Plays to the end. Panics if an invariant breaks.
    pub(crate) fn play(&mut self) {
        let n = self.scenario.splits.len() as u32;
        // Splits are found in two lots.
        let half = n / 2;
        self.later(
            20,
            Happening::Event(Event::SplitsFound {
                op: 0,
                n: n - half,
                last: true,
            }),
        );
        self.step(Event::SplitsFound {
            op: 0,
            n: half,
            last: false,
        });
        loop {
            while self.scheduler.is_behind() {
                self.step(Event::Tick);
            }
            if matches!(self.scheduler.phase(), Phase::Finished | Phase::Failed) {
                return;
            }
            let deadline = self.scheduler.next_deadline().map(|time| time.0);
            let next = self.agenda.first_key_value().map(|((time, _), _)| *time);
            let tick = match (deadline, next) {
                (Some(deadline), Some(next)) => deadline < next,
                (Some(_), None) => true,
                (None, None) => {
                    // Only a tick can help: of a pool that may be scaled.
                    self.step(Event::Tick);
                    let waits = self.agenda.is_empty() && !self.scheduler.is_behind();
                    let over = matches!(self.scheduler.phase(), Phase::Finished | Phase::Failed);
                    if waits && !over && !self.lost.is_empty() {
                        self.lost
                            .assert_named(&self.scheduler, self.now, &self.told);
                        return;
                    }
                    assert!(over || !waits, "stuck: {:#?}", self.stuck());
                    continue;
                }
                _ => false,
            };
            if tick {
                self.now = self.now.max(deadline.unwrap_or(0));
                self.step(Event::Tick);
                continue;
            }
            let ((time, _), happening) = self.agenda.pop_first().expect("there is a next");
            self.now = time;
            if self.random.once_in(self.scenario.losses) && self.lose(&happening) {
                continue;
            }
            match happening {
                Happening::Event(event) => self.step(event),
                Happening::Start(task) => self.start(task),
                Happening::Step(task) => self.go_on(task),
                Happening::Death(op, worker) => self.kill(op, worker),
                Happening::WorkerUp(op, worker) => {
                    self.workers.entry(op).or_default().insert(worker);
                    self.step(Event::WorkerUp { op, worker });
                }
            }
            self.meddle();
            assert!(self.steps < 3_000_000, "no end: {:#?}", self.stuck());
        }
    }

    /// Something does not happen, ever: whether that keeps the run from its end.
    fn lose(&mut self, happening: &Happening) -> bool {
        match happening {
            Happening::Event(event) => return self.lost.event(*event, &self.told),
            Happening::Start(task) | Happening::Step(task) => {
                let is_alive = self.tasks.get(task).is_some_and(|task| !task.is_over);
                if !is_alive {
                    return false;
                }
                self.lost.task(*task, !self.told.is_unbegun(*task));
            }
            Happening::WorkerUp(op, _) => self.lost.worker(*op),
            Happening::Death(..) => return false,
        }
        true
    }

    fn stuck(&self) -> impl std::fmt::Debug {
        let views: Vec<_> = (0..self.scheduler.n_operators())
            .map(|op| self.scheduler.view(op))
            .collect();
        (self.now, self.scheduler.stuck(Time(self.now)), views)
    }

    /// What happens by chance.
    fn meddle(&mut self) {
        if self.random.once_in(self.scenario.deaths) {
            let alive: Vec<(OpIdx, WorkerId)> = self
                .workers
                .iter()
                .flat_map(|(op, workers)| workers.iter().map(|worker| (*op, *worker)))
                .collect();
            if !alive.is_empty() {
                let (op, worker) = alive[self.random.below(alive.len() as u64) as usize];
                self.kill(op, worker);
            }
        }
        if self.random.once_in(self.scenario.limit_changes) {
            let mut limits = self.scenario.limits;
            let share = 1 + self.random.below(4) as i64;
            let least = self.least_blocks();
            let blocks = &mut limits.resources[Resource::BLOCKS];
            *blocks = (*blocks / share).max(least);
            self.step(Event::LimitsChanged(limits));
        }
        if self.scenario.cancel_at.is_some_and(|at| self.now >= at) {
            self.scenario.cancel_at = None;
            self.step(Event::Cancel);
            if self.random.once_in(2) {
                self.step(Event::Cancel);
            }
        }
    }

    fn least_blocks(&self) -> i64 {
        let largest = self.scenario.ops.iter().map(|op| op.output_bytes).max();
        largest.unwrap_or(0) as i64
    }

    fn kill(&mut self, op: OpIdx, worker: WorkerId) {
        let was_up = self
            .workers
            .get_mut(&op)
            .is_some_and(|workers| workers.remove(&worker));
        if !was_up {
            return;
        }
        for (id, task) in &mut self.tasks {
            if task.op == op && task.worker == Some(worker) {
                task.is_over = true;
                self.told.end(*id);
            }
        }
        self.step(Event::WorkerDown { op, worker });
    }

    fn later(&mut self, delay: u64, happening: Happening) {
        self.n += 1;
        self.agenda.insert((self.now + delay, self.n), happening);
    }

    fn step(&mut self, event: Event) {
        self.steps += 1;
        let mut commands = Vec::new();
        self.take(event, &mut commands);
        if self.random.once_in(self.scenario.duplicates)
            && !matches!(
                event,
                Event::SplitsFound { .. }
                    | Event::Cancel
                    | Event::WorkerUp { .. }
                    | Event::BlockReady { .. }
            )
        {
            // It was under way twice.
            self.take(event, &mut commands);
        }
        let n = |of: fn(&Command) -> bool| commands.iter().filter(|c| of(c)).count() as u32;
        let (submits, emits) = (
            n(|command| matches!(command, Command::Submit { .. })),
            n(|command| matches!(command, Command::Emit { .. })),
        );
        // Twice: an event that came twice made two steps.
        assert!(submits <= 2 * SUBMISSIONS_PER_STEP, "{submits} submitted");
        assert!(emits <= 2 * EMITS_PER_STEP, "{emits} emitted in one step");
        if self.steps.is_multiple_of(self.check_every) {
            self.scheduler.check();
            self.told
                .check(&self.scheduler, self.now, EMITTED_MAX as usize);
        }
        self.most_blocks = self
            .most_blocks
            .max(self.scheduler.used()[Resource::BLOCKS]);
        for command in commands {
            self.commands += 1;
            if self.keep_log {
                self.log.push(command);
            }
            self.obey(command);
        }
    }

    fn take(&mut self, event: Event, commands: &mut Vec<Command>) {
        self.told.hear(event, self.now);
        let n = commands.len();
        self.scheduler.step(event, Time(self.now), commands);
        for command in &commands[n..] {
            self.told.see(*command, self.now);
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Submit {
                task,
                op,
                input,
                place,
                worker,
                skip_outputs,
                poisoned_after,
            } => self.submit(task, op, input, place, worker, skip_outputs, poisoned_after),
            Command::Read { task, max_bytes } => {
                assert!(max_bytes > 0, "a read is of something");
                self.later(1, Happening::Step(task));
            }
            Command::FetchMetadata { block, data } => {
                let rows = self.blocks[&data].len();
                let fails = self.random.once_in(self.scenario.fetch_fails)
                    && self.fetch_failed.insert(data);
                let metadata = (!fails).then(|| self.metadata(rows));
                let delay = 1 + self.random.below(40);
                self.later(
                    delay,
                    Happening::Event(Event::MetadataReady { block, metadata }),
                );
            }
            Command::Emit { block, data, .. } => {
                self.out.extend(&self.blocks[&data]);
                let delay = self.random.below(self.scenario.consumer);
                self.later(delay, Happening::Event(Event::OutputTaken { block }));
            }
            Command::Advance { to } => {
                assert!(to > self.advanced || self.advanced == to, "it goes on");
                self.advanced = to;
                self.out_at = self.out.len();
            }
            Command::Release { data } => {
                let there = self.blocks.remove(&data).is_some();
                assert!(there, "a block is released once");
            }
            Command::Close { op } => self.close(op),
            Command::ScalePool { op, workers } => self.scale(op, workers),
            Command::StopWorker { op, worker } => {
                let was_up = self.workers.entry(op).or_default().remove(&worker);
                assert!(was_up, "a worker is stopped once");
                let busy = |task: &Running| task.worker == Some(worker) && !task.is_over;
                assert!(!self.tasks.values().any(busy), "an idle worker is stopped");
            }
            Command::Cancel { task } => {
                if self.tasks.contains_key(&task) {
                    self.end(task);
                    let class = FailureClass::Transient;
                    self.later(1, Happening::Event(Event::TaskFailed { task, class }));
                }
            }
            Command::Fail { .. } | Command::Finish => {}
        }
    }

    /// An exchange turns its input around.
    fn close(&mut self, op: OpIdx) {
        let rows = self.taken.entry(op).or_default();
        rows.reverse();
        let n = rows.len().div_ceil(BLOCK_ROWS) as u32;
        let event = Event::SplitsFound { op, n, last: true };
        self.later(10, Happening::Event(event));
    }

    fn scale(&mut self, op: OpIdx, wanted: u32) {
        let starting = |happening: &&Happening| matches!(happening, Happening::WorkerUp(other, _) if *other == op);
        let starting = self.agenda.values().filter(starting).count() as u32;
        let up = self.workers.entry(op).or_default().len() as u32;
        for _ in up + starting..wanted {
            self.next_worker += 1;
            let worker = WorkerId(self.next_worker);
            let delay = 30 + self.random.below(50);
            self.later(delay, Happening::WorkerUp(op, worker));
        }
    }

    /// What the output has to be.
    pub(crate) fn expected(&self) -> Vec<u64> {
        self.scenario.expected(&self.rejected)
    }

    /// At the end of a run that was not cancelled, nothing is left anywhere.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.scheduler.blocks(), 0, "blocks");
        assert_eq!(self.scheduler.in_flight(), 0, "in flight");
        assert!(self.blocks.is_empty(), "blocks of the backend");
        assert_eq!(self.scheduler.used()[Resource::BLOCKS], 0, "bytes");
    }
}
