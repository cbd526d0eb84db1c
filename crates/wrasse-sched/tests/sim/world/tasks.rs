//! What a world does with tasks: they wait at doors, run, put out blocks, fail, and
//! kill those who run them.

use std::collections::VecDeque;

use wrasse_sched::{
    Event, FailureClass, Input, Metadata, OpIdx, OpKind, Place, Rows, TaskId, WorkerId,
};

use super::{Happening, World};
use crate::scenario::{BLOCK_ROWS, ROW_BYTES};

/// A task that was submitted.
pub(super) struct Running {
    pub(super) op: OpIdx,
    pub(super) worker: Option<WorkerId>,
    /// Outputs that are not put out yet.
    outputs: VecDeque<Vec<u64>>,
    pub(super) is_over: bool,
    fails: bool,
    /// The worker that dies over it.
    deadly: Option<WorkerId>,
}

impl World {
    #[expect(clippy::too_many_arguments, reason = "the fields of a command")]
    pub(super) fn submit(
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
            && rows.iter().any(|row| self.scenario.is_poison(*row));
        if is_deadly {
            running.deadly = worker;
        }
        self.tasks.insert(task, running);
        let delay = self.random.below(5);
        self.later(delay, Happening::Start(task));
    }

    /// The rows of a share of a split.
    fn share(&self, op: OpIdx, place: Place) -> Vec<u64> {
        if op == 0 {
            return self.scenario.source(place);
        }
        let all = &self.taken[&op];
        let at = place.split as usize * BLOCK_ROWS;
        all[at..(at + BLOCK_ROWS).min(all.len())].to_vec()
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
            all.extend(self.scenario.effect(op, *row));
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

    pub(super) fn start(&mut self, task: TaskId) {
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
    pub(super) fn end(&mut self, task: TaskId) {
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
    pub(super) fn go_on(&mut self, task: TaskId) {
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

    pub(super) fn metadata(&mut self, rows: usize) -> Metadata {
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
}
