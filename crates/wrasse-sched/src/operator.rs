//! [`Operator`]: what the scheduler keeps of one operator.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::chunks::Queue;
use crate::pool::Pool;
use crate::slab::Key;
use crate::view::{Metrics, Wait};
use crate::{Bounds, OpConfig, OpKind, Place, Resource, Resources, Time, Usage};

/// Something that waits in an operator's queue: the order of these is close
/// to the input order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Queued {
    pub(crate) place: Place,
    /// Outputs of one place in the order of their birth.
    pub(crate) born: u64,
    pub(crate) token: Key,
}

/// Where an operator waits to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parked {
    /// Until the pool of a resource holds this much.
    Pool(Resource, i64),
    /// Until this much of a resource is free.
    Free(Resource, i64),
    /// Until a block is released or the front moves on.
    Blocks,
}

#[derive(Debug)]
pub(crate) struct Operator {
    pub(crate) config: OpConfig,
    pub(crate) queue: BTreeSet<Queued>,
    /// The number of its cursor, if it takes things in order.
    pub(crate) cursor: Option<usize>,
    pub(crate) pool: Option<Pool>,
    /// Outputs whose metadata may be missing, in the order of reading.
    pub(crate) emits: Queue<Key>,
    /// Tasks with outputs that nobody may read now, earliest first.
    pub(crate) unread: BTreeSet<Queued>,
    /// Bytes of outputs that were allowed to be read and did not come yet.
    pub(crate) granted: u64,
    /// What its tasks hold, without what workers of a pool hold.
    pub(crate) held: Resources,
    pub(crate) output_bytes: i64,
    pub(crate) output_blocks: u32,
    pub(crate) n_submitted: u32,
    pub(crate) n_running: u32,
    /// An exchange: whether it has all its input, so that it now reads.
    pub(crate) is_closed: bool,
    /// Whether the command to close was given.
    pub(crate) is_closing: bool,
    pub(crate) parked: Option<Parked>,
    /// Whether it may be able to submit, or lacks nothing but what others
    /// would have to give back: only then it claims what it lends.
    pub(crate) is_able: bool,
    pub(crate) wait: Option<(Wait, Time)>,
    pub(crate) metrics: Metrics,
    /// Moving averages of what tasks put out and take; none before the first.
    pub(crate) mean_output_bytes: Option<u64>,
    pub(crate) mean_block_bytes: Option<u64>,
    pub(crate) mean_task: Option<Duration>,
}

impl Operator {
    pub(crate) fn new(config: OpConfig, cursor: Option<usize>) -> Self {
        Self {
            config,
            queue: BTreeSet::new(),
            cursor,
            pool: config.pool.map(Pool::new),
            emits: Queue::default(),
            unread: BTreeSet::new(),
            granted: 0,
            held: Resources::ZERO,
            output_bytes: 0,
            output_blocks: 0,
            n_submitted: 0,
            n_running: 0,
            is_closed: false,
            is_closing: false,
            parked: None,
            is_able: true,
            wait: None,
            metrics: Metrics::default(),
            mean_output_bytes: None,
            mean_block_bytes: None,
            mean_task: None,
        }
    }

    /// Whether its input is splits.
    pub(crate) fn reads(&self) -> bool {
        self.config.kind == OpKind::Source || self.is_closed
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.n_submitted + self.n_running
    }

    /// What a task takes, but for blocks: as long as an exchange collects, nothing,
    /// since that is done by who keeps things in order. (Readers that wait until they
    /// are read may hold all there is.)
    pub(crate) fn task(&self) -> Resources {
        match self.config.kind == OpKind::Exchange && !self.is_closed {
            true => Resources::ZERO,
            false => self.config.task,
        }
    }

    /// What the next task takes: measured averages in place of estimates.
    pub(crate) fn need(&self) -> Resources {
        let mut need = self.task();
        need[Resource::BLOCKS] = self.expected_output_bytes() as i64;
        need
    }

    pub(crate) fn expected_output_bytes(&self) -> u64 {
        if self.config.kind == OpKind::Exchange && !self.is_closed {
            return 0; // It keeps what it takes, and not as blocks.
        }
        self.mean_output_bytes.unwrap_or(self.config.output_bytes)
    }

    pub(crate) fn expected_block_bytes(&self) -> u64 {
        self.mean_block_bytes.unwrap_or(self.config.output_bytes)
    }

    /// What it needs at the least and can use at the most.
    pub(crate) fn bounds(&self, is_eligible: bool) -> Bounds {
        let need = self.need();
        let (mut least, mut most) = match &self.pool {
            Some(pool) => {
                let config = pool.config;
                let times = |n: u32| config.worker.map(|amount| amount * i64::from(n));
                let task = |n: u32| need.map(|amount| amount * i64::from(n.min(1 << 20)));
                (
                    times(config.workers_min.max(1)) + need,
                    times(config.workers_max)
                        + task(config.workers_max.saturating_mul(config.slots)),
                )
            }
            None => {
                let n = i64::from(self.config.tasks_max.min(1 << 20));
                (need, need.map(|amount| amount * n))
            }
        };
        // Outputs that wait are no task's: they are bounded by the limits.
        most[Resource::BLOCKS] = match self.config.kind {
            OpKind::Ordered => need[Resource::BLOCKS] * 4,
            _ => Resources::UNBOUNDED,
        };
        least[Resource::BLOCKS] = need[Resource::BLOCKS];
        Bounds {
            is_eligible,
            least,
            most,
            keeps_workers: self.pool.is_some(),
        }
    }

    /// What it uses, for the allocator.
    pub(crate) fn usage(&self, is_able: bool) -> Usage {
        let mut tasks = self.held;
        if let Some(pool) = &self.pool {
            tasks += pool
                .config
                .worker
                .map(|amount| amount * i64::from(pool.held()));
        }
        Usage {
            tasks,
            output_bytes: self.output_bytes,
            is_able,
        }
    }

    /// Learns from a finished task. One that put out nothing, of an empty split
    /// or after an attempt that had put out all, says nothing about the next.
    pub(crate) fn learn(&mut self, output_bytes: u64, took: Duration) {
        let mean = |old: Option<u64>, new: u64| old.map_or(new, |old| (old * 7 + new) / 8);
        if output_bytes > 0 {
            self.mean_output_bytes = Some(mean(self.mean_output_bytes, output_bytes));
        }
        let nanos = mean(
            self.mean_task.map(|mean| mean.as_nanos() as u64),
            took.as_nanos() as u64,
        );
        self.mean_task = Some(Duration::from_nanos(nanos));
    }

    /// Learns from a block.
    pub(crate) fn learn_block(&mut self, bytes: u64) {
        self.mean_block_bytes = Some(
            self.mean_block_bytes
                .map_or(bytes, |old| (old * 7 + bytes) / 8),
        );
    }
}
