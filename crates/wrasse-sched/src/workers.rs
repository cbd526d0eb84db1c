//! Workers of pools: who comes, who goes, how many are asked for.

use crate::allocator::Allocator;
use crate::scheduler::{Phase, Scheduler};
use crate::{Command, FailureClass, OpIdx, OpKind, Resource, Resources, WorkerId};

impl<A: Allocator> Scheduler<A> {
    pub(crate) fn worker_up(&mut self, op: OpIdx, worker: WorkerId) {
        if let Some(pool) = &mut self.ops[op].pool {
            pool.add(worker);
            self.moved = self.now;
            self.book(op);
        }
    }

    pub(crate) fn worker_down(&mut self, op: OpIdx, worker: WorkerId, out: &mut Vec<Command>) {
        let Some(pool) = &mut self.ops[op].pool else {
            return;
        };
        if !pool.has(worker) {
            return;
        }
        let tasks = pool.lose(worker);
        pool.wanted = pool.wanted.saturating_sub(1).max(pool.up());
        for task in tasks {
            let task = Self::task_id(self.tasks.key(task));
            self.task_failed(task, FailureClass::WorkerLost, out);
        }
        self.book(op);
        self.scale_pool(op, out);
    }

    /// Asks for more or fewer workers, if a pool needs them. (On ticks: once
    /// for each pool.) A bounded number are ended; the next ticks go on.
    pub(crate) fn scale_pools(&mut self, out: &mut Vec<Command>) {
        for op in 0..self.ops.len() {
            self.scale_pool(op, out);
        }
    }

    pub(crate) fn scale_pool(&mut self, op: OpIdx, out: &mut Vec<Command>) {
        let budget = self.allocator.budget(op);
        let left = self.left_by_workers(op);
        let (now, settings) = (self.now, self.settings);
        // What is before an exchange that has collected all gets no input any more.
        let is_over = op < self.reader || self.phase == Phase::Draining;
        let is_done = is_over && !self.has_input(op);
        let unread = match op == self.reader && self.phase == Phase::Running {
            true => (self.n_splits - self.unopened.split) as usize,
            false => 0,
        };
        let operator = &mut self.ops[op];
        let tasks = operator.queue.len() + operator.in_flight() as usize + unread;
        let mean = operator.mean_task;
        let Some(pool) = &mut operator.pool else {
            return;
        };
        let fit = |amounts: Resources| {
            let needed = Resource::all().filter(|r| pool.config.worker[*r] > 0);
            let each = needed.map(|r| amounts[r] / pool.config.worker[r]);
            each.min()
                .map_or(u32::MAX, |n| n.clamp(0, i64::from(u32::MAX)) as u32)
        };
        let most = fit(left).max(1);
        let room = fit(budget).min(most.saturating_sub(pool.held()));
        let room = room.min(pool.config.workers_max);
        let desired = if is_done {
            0
        } else {
            pool.desired(tasks, mean, room, &settings, now)
        };
        let before = pool.wanted;
        self.shrinking.remove(op);
        while pool.wanted > desired && pool.has_idle() {
            if self.stops_left == 0 {
                self.shrinking.insert(op);
                self.is_behind = true;
                break;
            }
            self.stops_left -= 1;
            let worker = pool.retire();
            out.extend(worker.map(|worker| Command::StopWorker { op, worker }));
        }
        if desired < before && !self.shrinking.contains(op) {
            pool.has_shrunk();
        }
        if desired > pool.wanted {
            pool.wanted = desired;
            out.push(Command::ScalePool {
                op,
                workers: desired,
            });
        }
        if pool.wanted != before {
            self.book(op);
        }
    }

    /// What the workers of a pool may hold, beside those of others and what is for
    /// tasks. Other pools count with one at the least, unless nothing comes to them
    /// before an exchange has collected all.
    fn left_by_workers(&self, op: OpIdx) -> Resources {
        let limits = self.limits.resources;
        if self.limits.for_tasks == Resources::ZERO {
            return limits;
        }
        let is_open =
            |op: &OpIdx| *op <= self.reader || self.ops[*op].config.kind != OpKind::Exchange;
        let at_once = (self.reader..self.ops.len()).take_while(is_open);
        let others = at_once.filter(|other| *other != op);
        let held = others.filter_map(|other| {
            let pool = self.ops[other].pool.as_ref()?;
            let n = i64::from(pool.held().max(1));
            Some(pool.config.worker.map(|amount| amount * n))
        });
        held.fold(limits - self.limits.for_tasks, |left, held| left - held)
    }
}
