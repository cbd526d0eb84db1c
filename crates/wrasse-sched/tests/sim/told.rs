//! What is told of tasks that wait is true: what a task is said to wait for is
//! really not there, and nobody waits longer who is not told of.

use std::collections::{BTreeMap, BTreeSet};

use wrasse_sched::{
    BlockId, Command, Event, Limits, OpConfig, OpIdx, OpKind, Phase, Place, Resource, Resources,
    Scheduler, Settings, TASKS_TOLD, TaskId, TaskWait, Time, Wait,
};

use crate::random::Random;

/// What the world knows of who waits, from events and commands alone.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Tasks that were submitted and have not begun: when.
    unbegun: BTreeMap<TaskId, (OpIdx, u64)>,
    /// Tasks whose output nobody was told to read, since when.
    unread: BTreeMap<TaskId, u64>,
    /// Blocks whose metadata has not come, with their tasks.
    fetching: BTreeMap<BlockId, (TaskId, u64)>,
    outputs: BTreeMap<u64, TaskId>,
    /// When tasks of a place failed.
    failed: BTreeSet<(OpIdx, Place, u64)>,
    tasks: BTreeMap<TaskId, (OpIdx, Place)>,
    /// The same of all that ever were.
    known: BTreeMap<TaskId, (OpIdx, Place)>,
    /// When the first input of an operator came from a place.
    came: BTreeMap<(OpIdx, Place), u64>,
    /// Blocks with the consumer.
    emitted: BTreeSet<BlockId>,
    /// What was told last.
    before: BTreeMap<(OpIdx, TaskId, Place, &'static str), u64>,
}

impl Told {
    pub(crate) fn hear(&mut self, event: Event, now: u64) {
        if let Event::BlockReady { task, .. }
        | Event::RestReady { task, .. }
        | Event::TaskFailed { task, .. } = event
            && let Some((op, place)) = self.tasks.get(&task)
        {
            let rest = Place {
                seq: place.seq + 1,
                ..*place
            };
            for key in [(*op, *place), (*op, rest), (op + 1, *place)] {
                self.came.entry(key).or_insert(now);
            }
        }
        match event {
            Event::OutputWaiting { task } if self.tasks.contains_key(&task) => {
                self.unread.entry(task).or_insert(now);
            }
            Event::TaskStarted { task } => drop(self.unbegun.remove(&task)),
            Event::BlockReady { task, data, .. } => {
                self.unbegun.remove(&task);
                self.unread.remove(&task);
                self.outputs.insert(data, task);
            }
            Event::TaskDrained { task } => self.end(task),
            Event::TaskFailed { task, .. } => {
                if let Some((op, place)) = self.tasks.get(&task) {
                    self.failed.insert((*op, *place, now));
                }
                self.end(task);
            }
            Event::MetadataReady {
                block,
                metadata: Some(_),
            } => drop(self.fetching.remove(&block)),
            Event::OutputTaken { block } => drop(self.emitted.remove(&block)),
            _ => {}
        }
    }

    /// The operator and the place of a task.
    pub(crate) fn of(&self, task: TaskId) -> (OpIdx, Place) {
        self.known[&task]
    }

    /// The task whose output's metadata is under way.
    pub(crate) fn fetched_for(&self, block: BlockId) -> Option<TaskId> {
        Some(self.fetching.get(&block)?.0)
    }

    pub(crate) fn is_unread(&self, task: TaskId) -> bool {
        self.unread.contains_key(&task)
    }

    /// Whether a task was handed over and has not begun.
    pub(crate) fn is_unbegun(&self, task: TaskId) -> bool {
        self.unbegun.contains_key(&task)
    }

    /// A task is over; or its worker is, and it with that.
    pub(crate) fn end(&mut self, task: TaskId) {
        self.unbegun.remove(&task);
        self.unread.remove(&task);
        self.tasks.remove(&task);
    }

    pub(crate) fn see(&mut self, command: Command, now: u64) {
        match command {
            Command::Submit {
                task, op, place, ..
            } => {
                self.unbegun.insert(task, (op, now));
                self.tasks.insert(task, (op, place));
                self.known.insert(task, (op, place));
            }
            Command::Read { task, .. } => drop(self.unread.remove(&task)),
            Command::FetchMetadata { block, data } => {
                let task = self.outputs[&data];
                self.fetching.entry(block).or_insert((task, now));
            }
            Command::Emit { block, .. } => drop(self.emitted.insert(block)),
            _ => {}
        }
    }

    pub(crate) fn check(&mut self, scheduler: &Scheduler, now: u64, emitted_max: usize) {
        let mut told_now = BTreeMap::new();
        for op in 0..scheduler.n_operators() {
            let view = scheduler.view(op);
            let waits: Vec<TaskWait> = view.tasks_waiting.into_iter().flatten().collect();
            assert!(waits.is_sorted_by_key(|wait| wait.since), "{waits:?}");
            for wait in &waits {
                assert!(wait.since.0 <= now, "{wait:?} at {now}");
                let holder = wait.holder;
                let is_true = match (wait.reason, wait.task) {
                    (Wait::Start, Some(task)) => {
                        self.unbegun.get(&task) == Some(&(op, wait.since.0))
                    }
                    (Wait::ReadBudget, Some(task)) => self.unread.get(&task) == Some(&wait.since.0),
                    (Wait::Metadata, Some(task)) => {
                        self.fetching.values().any(|of| *of == (task, wait.since.0))
                    }
                    (Wait::Retry(at), None) => {
                        (at.0 >= now || scheduler.is_behind())
                            && self.failed.contains(&(op, wait.place, wait.since.0))
                    }
                    (Wait::Consumer, Some(_)) => self.emitted.len() >= emitted_max,
                    (Wait::Order(place), _) => {
                        let held = holder.and_then(|holder| holder.task);
                        let lacks_metadata = self.fetching.values().any(|of| Some(of.0) == held);
                        let is_end = holder.is_some_and(|holder| holder.place.is_none());
                        lacks_metadata || is_end || place <= wait.place
                    }
                    (reason, None) => {
                        let came = self.came.get(&(op, wait.place)).copied();
                        view.queued > 0
                            && came.is_some_and(|came| came <= wait.since.0)
                            && view
                                .wait
                                .is_some_and(|of| of.reason == reason && of.since <= wait.since)
                    }
                    _ => false,
                };
                assert!(
                    is_true,
                    "operator {op} at {now}: {wait:?}, {view:?}, {self:?}"
                );
                // One that is told on does not become younger but for a new wait. (A task
                // may have many blocks that wait for those before them.)
                let task = wait.task.filter(|_| !matches!(wait.reason, Wait::Order(_)));
                let key = task.map(|task| (op, task, wait.place, wait.reason.name()));
                if let Some(key) = key {
                    let since = wait.since.0;
                    let before = self.before.get(&key).copied().unwrap_or(0);
                    assert!(before <= since, "{wait:?} was told since {before}");
                    let least = told_now.entry(key).or_insert(since);
                    *least = since.min(*least);
                }
            }
            let oldest_told = waits.first().map(|wait| wait.since.0);
            let of_op = |task: &TaskId| self.tasks.get(task).is_some_and(|of| of.0 == op);
            let unbegun = self.unbegun.values().filter(|of| of.0 == op).map(|of| of.1);
            let unread = self.unread.iter().filter(|of| of_op(of.0)).map(|of| *of.1);
            if let Some(oldest) = unbegun.chain(unread).min()
                && scheduler.phase() == Phase::Running
            {
                let is_told = oldest_told.is_some_and(|told| told <= oldest);
                assert!(is_told, "operator {op} at {now}: since {oldest}, {view:?}");
            }
        }
        self.before = told_now;
    }
}

/// Of a thousand tasks that do not begin, the three that wait longest are told.
#[test]
fn the_longest_of_a_thousand_waits_to_begin() {
    let n = 1_000;
    let source = OpConfig {
        kind: OpKind::Source,
        task: Resources::ZERO,
        tasks_max: n,
        output_bytes: 1,
        pool: None,
    };
    let limits = Limits {
        resources: Resources::millicpus(1).with(Resource::BLOCKS, 1_000_000),
        blocks_in_flight: 10 * n,
        for_tasks: Resources::ZERO,
    };
    let (start, settings) = (Place::default(), Settings::default());
    let scheduler = Scheduler::new(&[source], limits, start, settings);
    let mut scheduler = scheduler.expect("the limits are large");
    let mut event = Event::SplitsFound {
        op: 0,
        n,
        last: true,
    };
    let (mut waiting, mut now) = (Vec::new(), 0);
    while event != Event::Tick || scheduler.is_behind() {
        let mut commands = Vec::new();
        scheduler.step(event, Time(now), &mut commands);
        for command in commands {
            if let Command::Submit { task, .. } = command {
                waiting.push((Time(now), task));
            }
        }
        (event, now) = (Event::Tick, now + 1);
    }
    assert_eq!(waiting.len(), n as usize);
    let mut dice = Random::new(1);
    while !waiting.is_empty() {
        // About in the order in which they were submitted.
        let (_, task) = waiting.remove(dice.below(waiting.len().min(100) as u64) as usize);
        scheduler.step(Event::TaskStarted { task }, Time(now), &mut Vec::new());
        let told = scheduler.view(0).tasks_waiting.into_iter().flatten();
        let told: Vec<(Time, TaskId)> = told
            .filter_map(|wait| Some((wait.since, wait.task?)))
            .collect();
        assert_eq!(told, waiting[..waiting.len().min(TASKS_TOLD)]);
    }
}
