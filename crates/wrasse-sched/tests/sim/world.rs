//! A world in virtual time: what the scheduler commands is done here, late, out
//! of order, and not always well.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use wrasse_sched::{
    Command, Event, FailureClass, Input, Limits, Metadata, OpConfig, OpIdx, OpKind, Phase, Place,
    Resource, Rows, Scheduler, Settings, TaskId, Time, WorkerId,
};

use crate::lost::Lost;
use crate::random::{Random, mix};
use crate::told::Told;

/// Rows of a block, unless one row gives more.
pub(crate) const BLOCK_ROWS: usize = 8;
/// Bytes of a row, where nobody lies.
pub(crate) const ROW_BYTES: u64 = 10;

const SUBMISSIONS_PER_STEP: u32 = 8;
const EMITS_PER_STEP: u32 = 2;
const EMITTED_MAX: u32 = 5;

/// What an operator does to rows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Effect {
    Keep,
    /// Keeps one in so many.
    Filter(u64),
    /// Makes so many of one.
    Slice(u64),
}

/// How the world behaves.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) ops: Vec<OpConfig>,
    pub(crate) effects: Vec<Effect>,
    /// Whether tasks of the operator pause until their outputs are read.
    pub(crate) streams: Vec<bool>,
    /// Mean duration of a task of the operator.
    pub(crate) durations: Vec<u64>,
    /// Shares of each split.
    pub(crate) splits: Vec<u32>,
    pub(crate) limits: Limits,
    /// Metadata comes later, by itself.
    pub(crate) background: bool,
    /// Once in so many: a task fails, a fetch fails, an event comes twice, a
    /// row kills its worker, a worker dies, limits change, a size is a lie.
    pub(crate) transient: u64,
    pub(crate) fetch_fails: u64,
    pub(crate) duplicates: u64,
    pub(crate) poison: u64,
    pub(crate) deaths: u64,
    pub(crate) limit_changes: u64,
    pub(crate) lies: u64,
    /// The same: something is lost for ever.
    pub(crate) losses: u64,
    pub(crate) consumer: u64,
    /// Rows of an output block at the most.
    pub(crate) output_rows: usize,
    pub(crate) cancel_at: Option<u64>,
    pub(crate) start: Place,
}

struct Running {
    op: OpIdx,
    worker: Option<WorkerId>,
    /// Outputs that are not put out yet.
    outputs: VecDeque<Vec<u64>>,
    is_over: bool,
    fails: bool,
    /// The worker that dies over it.
    deadly: Option<WorkerId>,
}

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

    #[expect(clippy::too_many_arguments, reason = "the fields of a command")]
    fn submit(
        &mut self,
        task: TaskId,
        op: OpIdx,
        input: Input,
        place: Place,
        worker: Option<WorkerId>,
        skip: u32,
        poisoned_after: u32,
    ) {
        let config = self.scenario.ops[op];
        if let Some(worker) = worker {
            assert!(self.workers[&op].contains(&worker), "the worker is up");
        }
        let is_reading = matches!(input, Input::Split(_));
        if matches!(config.kind, OpKind::Ordered | OpKind::Exchange) && !is_reading {
            let last = self.last_ordered.insert(op, place);
            assert!(last <= Some(place), "operator {op} sees {place:?} too late");
        }
        let rows = match input {
            Input::Split(place) => self.share(op, place),
            Input::Block { data, rows, .. } => {
                let all = &self.blocks[&data];
                let Rows { from, to } = rows.unwrap_or(Rows {
                    from: 0,
                    to: all.len() as u32,
                });
                all[from as usize..(to as usize).min(all.len())].to_vec()
            }
        };
        let mut running = Running {
            op,
            worker,
            outputs: VecDeque::new(),
            is_over: false,
            fails: false,
            deadly: None,
        };
        if poisoned_after > 0 {
            assert!(rows.len() <= 1, "a poisonous sample is alone");
            self.rejected.extend(rows.iter().map(|row| (op, *row)));
            if skip == 0 {
                running.outputs.push_back(Vec::new());
            }
            self.tasks.insert(task, running);
            self.later(1, Happening::Start(task));
            return;
        }
        let is_absorbing = config.kind == OpKind::Exchange && !is_reading;
        if is_absorbing {
            self.taken.entry(op).or_default().extend(&rows);
        } else {
            running.outputs = self.outputs(op, &rows, is_reading, task, input);
            for _ in 0..skip {
                running.outputs.pop_front();
            }
        }
        let key = (op, place, rows.first().copied().unwrap_or(0));
        running.fails = !is_absorbing
            && self.random.once_in(self.scenario.transient)
            && self.failed_before.insert(key);
        let is_deadly = worker.is_some()
            && config.pool.is_some()
            && rows.iter().any(|row| self.is_poison(*row));
        if is_deadly {
            running.deadly = worker;
        }
        self.tasks.insert(task, running);
        let delay = self.random.below(5);
        self.later(delay, Happening::Start(task));
    }

    pub(crate) fn is_poison(&self, row: u64) -> bool {
        self.scenario.poison > 0 && mix(row ^ 0xDEAD).is_multiple_of(self.scenario.poison)
    }

    /// The rows of a share of a split.
    pub(crate) fn share(&self, op: OpIdx, place: Place) -> Vec<u64> {
        if op == 0 {
            let n = self.scenario.splits[place.split as usize];
            return if place.seq < n {
                let first =
                    (u64::from(place.split) << 24) + u64::from(place.seq) * BLOCK_ROWS as u64;
                (first..first + BLOCK_ROWS as u64).collect()
            } else {
                Vec::new()
            };
        }
        let all = &self.taken[&op];
        let at = place.split as usize * BLOCK_ROWS;
        all[at..(at + BLOCK_ROWS).min(all.len())].to_vec()
    }

    pub(crate) fn effect(&self, op: OpIdx, row: u64) -> Vec<u64> {
        match self.scenario.effects[op] {
            Effect::Keep => vec![row],
            Effect::Filter(n) => {
                if mix(row ^ op as u64).is_multiple_of(n) {
                    vec![row]
                } else {
                    Vec::new()
                }
            }
            Effect::Slice(n) => (0..n)
                .map(|i| mix(row.wrapping_add(i << 40)) >> 1)
                .collect(),
        }
    }

    /// What a task puts out, in blocks; a rest is left where that is a lot.
    fn outputs(
        &mut self,
        op: OpIdx,
        rows: &[u64],
        is_reading: bool,
        task: TaskId,
        input: Input,
    ) -> VecDeque<Vec<u64>> {
        let mut all = Vec::new();
        let mut taken = 0;
        for row in rows {
            all.extend(self.effect(op, *row));
            taken += 1;
            if !is_reading && all.len() >= self.scenario.output_rows {
                break;
            }
        }
        let delay = 1 + self.random.below(3);
        let rest = match input {
            Input::Split(place) => {
                let more = op == 0 && place.seq + 1 < self.scenario.splits[place.split as usize];
                more.then_some(0)
            }
            Input::Block { rows: range, .. } => {
                let from = range.map_or(0, |range| range.from);
                (taken < rows.len()).then_some(from + taken as u32)
            }
        };
        if let Some(from) = rest {
            let event = Event::RestReady { task, from };
            self.later(delay, Happening::Event(event));
        }
        match all.is_empty() {
            true => VecDeque::new(),
            false => all
                .chunks(self.scenario.output_rows * 2)
                .map(<[u64]>::to_vec)
                .collect(),
        }
    }

    fn start(&mut self, task: TaskId) {
        let Some(running) = self.tasks.get(&task) else {
            return;
        };
        if running.is_over {
            return;
        }
        let (op, deadly) = (running.op, running.deadly);
        if let Some(worker) = running.worker {
            // One runs, others wait at the door.
            if self.working.contains_key(&worker) {
                self.doors.entry(worker).or_default().push_back(task);
                return;
            }
            self.working.insert(worker, task);
        }
        let duration = 4 + self.random.below(self.scenario.durations[op]);
        self.busy += duration;
        self.step(Event::TaskStarted { task });
        if let Some(worker) = deadly {
            // In the middle of its work.
            self.later(duration, Happening::Death(op, worker));
            return;
        }
        let streams = self.tasks.get(&task).map(|t| self.scenario.streams[t.op]);
        let is_empty = self.tasks.get(&task).is_none_or(|t| t.outputs.is_empty());
        if streams == Some(true) && !is_empty {
            self.later(duration, Happening::Event(Event::OutputWaiting { task }));
        } else {
            self.later(duration, Happening::Step(task));
        }
    }

    /// A task is over: the next at the door of its worker begins.
    fn end(&mut self, task: TaskId) {
        let running = self.tasks.remove(&task);
        let Some(worker) = running.and_then(|running| running.worker) else {
            return;
        };
        if self.working.get(&worker) == Some(&task) {
            self.working.remove(&worker);
        }
        if let Some(door) = self.doors.get_mut(&worker)
            && let Some(next) = door.pop_front()
        {
            self.later(1, Happening::Start(next));
        }
    }

    /// A task puts out its next block, or all of them, and ends.
    fn go_on(&mut self, task: TaskId) {
        loop {
            let Some(running) = self.tasks.get_mut(&task) else {
                return;
            };
            if running.is_over {
                return;
            }
            let op = running.op;
            if running.fails && self.random.once_in(2) {
                self.end(task);
                let class = FailureClass::Transient;
                self.step(Event::TaskFailed { task, class });
                return;
            }
            let Some(running) = self.tasks.get_mut(&task) else {
                return;
            };
            match running.outputs.pop_front() {
                Some(rows) => {
                    self.named += 1;
                    let data = self.named;
                    let metadata = (!self.scenario.background).then(|| self.metadata(rows.len()));
                    self.blocks.insert(data, rows);
                    self.step(Event::BlockReady {
                        task,
                        data,
                        metadata,
                    });
                    if self.scenario.streams[op] {
                        let delay = 1 + self.random.below(5);
                        let is_last = self.tasks.get(&task).is_none_or(|t| t.outputs.is_empty());
                        let next = if is_last {
                            Happening::Step(task)
                        } else {
                            Happening::Event(Event::OutputWaiting { task })
                        };
                        self.later(delay, next);
                        return;
                    }
                }
                None => {
                    let fails = running.fails;
                    self.end(task);
                    if fails {
                        let class = FailureClass::Transient;
                        self.step(Event::TaskFailed { task, class });
                    } else {
                        self.step(Event::TaskDrained { task });
                    }
                    return;
                }
            }
        }
    }

    fn metadata(&mut self, rows: usize) -> Metadata {
        let lie = if self.random.once_in(self.scenario.lies) {
            1 + self.random.below(20)
        } else {
            1
        };
        Metadata {
            bytes: rows as u64 * ROW_BYTES * lie,
            rows: rows as u32,
            holder: None,
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

    /// What the output has to be: the operators one after the other, on all
    /// rows in order. Rows that kill workers are left out.
    pub(crate) fn expected(&self) -> Vec<u64> {
        let mut rows: Vec<u64> = Vec::new();
        for (split, n) in self.scenario.splits.iter().enumerate() {
            for seq in 0..*n {
                let place = Place {
                    split: split as u32,
                    seq,
                };
                if place >= self.scenario.start {
                    rows.extend(self.share(0, place));
                }
            }
        }
        for (op, config) in self.scenario.ops.iter().enumerate() {
            if config.kind == OpKind::Exchange {
                rows.reverse();
            }
            rows = rows
                .into_iter()
                .filter(|row| config.pool.is_none() || !self.rejected.contains(&(op, *row)))
                .flat_map(|row| self.effect(op, row))
                .collect();
        }
        rows
    }

    /// At the end of a run that was not cancelled, nothing is left anywhere.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.scheduler.blocks(), 0, "blocks");
        assert_eq!(self.scheduler.in_flight(), 0, "in flight");
        assert!(self.blocks.is_empty(), "blocks of the backend");
        assert_eq!(self.scheduler.used()[Resource::BLOCKS], 0, "bytes");
    }
}
