//! [`Allocator`]: which operator may use how much of what there is.
//!
//! # Model
//!
//! Every operator has a *reservation*: a share that others cannot take. What is
//! not reserved is the *pool*. An operator's *claim* is what it has not yet used
//! of its reservation; it may take its claim, and from the pool as long as the
//! pool is not empty:
//!
//! ```text
//!   limits = used + claims + pool          (pool may be negative: overdraft)
//!   budget(op) = claim(op) + pool, within what is really free and what the
//!                operator can use at the most
//!   allocation(op) = usage(op) + budget(op)
//! ```
//!
//! So one number for each resource, the pool, decides for all operators; a
//! change of one operator's usage changes that number and its own claim, and
//! nothing else has to be computed. (Ray Data's allocator, whose terms these
//! are, computes all budgets anew for each question.)
//!
//! # Blocks
//!
//! Half of an operator's reserved block bytes is for outputs that lie in queues
//! already, half for those that its tasks will make. Outputs beyond their half
//! count against the operator's tasks: it is held back, not its neighbors.
//!
//! # Lending
//!
//! Processors, devices and task memory come back when a task ends, whatever
//! happens downstream. So an operator that could not use them, because it has
//! no input or is held back by something else, lends its reservation of them;
//! block bytes, and what workers of a pool hold, are never lent.
//!
//! # Order
//!
//! Where not even the least that each operator needs fits, those nearest to
//! the sink are served first: they empty the queues. The others run on what is
//! lent. The scheduler asks in the same order, so the pool goes downstream
//! first too.

use crate::{OpIdx, Resource, Resources};

/// What an operator needs and can use, as far as it is known now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Whether it takes part: not finished, and not behind an exchange that
    /// still collects. What others hold is taken from the limits as it is.
    pub is_eligible: bool,
    /// The least with which it makes progress.
    pub least: Resources,
    /// The most that it can use.
    pub most: Resources,
    /// Whether it keeps workers, whose resources it does not lend.
    pub keeps_workers: bool,
}

/// What an operator holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// By its tasks and workers; of block bytes, what running tasks are
    /// expected to put out.
    pub tasks: Resources,
    /// Bytes of its outputs that were put out and not released.
    pub output_bytes: i64,
    /// Whether it could use what it has a claim to: input waits for it, and
    /// nothing else is in its way.
    pub is_able: bool,
}

/// Why a task may not be submitted now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortage {
    /// The operator uses the most that it can.
    AtMost(Resource),
    /// There is not enough in the pool: it has to hold this much.
    Pool(Resource, i64),
    /// Its own claim would do, but what is free does not: it has to be this
    /// much.
    Free(Resource, i64),
}

impl Shortage {
    /// The resource that is short.
    pub fn resource(self) -> Resource {
        match self {
            Self::AtMost(resource) | Self::Pool(resource, _) | Self::Free(resource, _) => resource,
        }
    }
}

/// Divides resources among operators. All that a decision depends on is given
/// to it: limits, bounds and usages.
pub trait Allocator {
    /// Divides `limits` anew: they, the bounds, or who is eligible changed.
    fn reserve(&mut self, limits: Resources, bounds: &[Bounds]);

    /// Takes down what operator `op` uses now. The cost does not depend on the
    /// number of operators.
    fn set_usage(&mut self, op: OpIdx, usage: Usage);

    /// Whether `op` may submit a task that takes `need`.
    ///
    /// # Errors
    ///
    /// What is short.
    fn can_submit_new_task(&self, op: OpIdx, need: &Resources) -> Result<(), Shortage>;

    /// How many bytes of outputs of `op`'s tasks may be taken into its queue.
    fn max_task_output_bytes_to_read(&self, op: OpIdx) -> u64;

    /// What `op` may still take.
    fn budget(&self, op: OpIdx) -> Resources;

    /// What `op` uses and may still take.
    fn allocation(&self, op: OpIdx) -> Resources;

    /// What nobody uses or has a claim to.
    fn pool(&self) -> Resources;

    /// What nobody uses.
    fn free(&self) -> Resources;

    /// Computes the books anew and asserts that the running ones agree.
    ///
    /// # Panics
    ///
    /// If they do not.
    fn check(&self);
}

/// The [`Allocator`] of this module's documentation.
#[derive(Clone, Debug)]
pub struct Reservations {
    /// Share of the limits that is reserved, in percent.
    reserved_percent: i64,
    limits: Resources,
    ops: Vec<Account>,
    /// Sum of what operators hold, outputs included.
    used: Resources,
    /// Sum of what operators are charged against their reservations.
    charged: Resources,
    claimed: Resources,
    /// Sum of what is reserved for outputs.
    reserved_output: i64,
}

#[derive(Clone, Copy, Debug)]
struct Account {
    bounds: Bounds,
    usage: Usage,
    reserved: Resources,
    reserved_output: i64,
    charge: Resources,
    claim: Resources,
}

impl Account {
    fn new(bounds: Bounds, usage: Usage) -> Self {
        Self {
            bounds,
            usage,
            reserved: Resources::ZERO,
            reserved_output: 0,
            charge: Resources::ZERO,
            claim: Resources::ZERO,
        }
        .computed()
    }

    /// With charge and claim computed from the rest.
    fn computed(mut self) -> Self {
        let excess = (self.usage.output_bytes - self.reserved_output).max(0);
        self.charge = self.usage.tasks;
        self.charge[Resource::BLOCKS] += excess;
        self.claim = self.reserved.less(self.charge);
        if !self.usage.is_able && !self.bounds.keeps_workers {
            self.claim = Resources::ZERO.with(Resource::BLOCKS, self.claim[Resource::BLOCKS]);
        }
        self
    }

    fn held(&self) -> Resources {
        let mut held = self.usage.tasks;
        held[Resource::BLOCKS] += self.usage.output_bytes;
        held
    }
}

impl Reservations {
    /// Reserves `percent` of the limits for the operators, in equal shares.
    pub fn new(percent: u8) -> Self {
        Self {
            reserved_percent: percent.min(100).into(),
            limits: Resources::ZERO,
            ops: Vec::new(),
            used: Resources::ZERO,
            charged: Resources::ZERO,
            claimed: Resources::ZERO,
            reserved_output: 0,
        }
    }

    /// What is reserved for `op`'s tasks, and for its outputs, in bytes.
    pub fn reservation(&self, op: OpIdx) -> (Resources, i64) {
        (self.ops[op].reserved, self.ops[op].reserved_output)
    }

    fn sum(&mut self) {
        let zero = Resources::ZERO;
        self.used = self.ops.iter().fold(zero, |sum, op| sum + op.held());
        self.charged = self.ops.iter().fold(zero, |sum, op| sum + op.charge);
        self.claimed = self.ops.iter().fold(zero, |sum, op| sum + op.claim);
        self.reserved_output = self.ops.iter().map(|op| op.reserved_output).sum();
    }
}

impl Allocator for Reservations {
    fn reserve(&mut self, limits: Resources, bounds: &[Bounds]) {
        let usage = |op: OpIdx| self.ops.get(op).map(|op| op.usage).unwrap_or_default();
        let mut ops: Vec<Account> = bounds
            .iter()
            .enumerate()
            .map(|(op, bounds)| Account::new(*bounds, usage(op)))
            .collect();
        let n = ops.iter().filter(|op| op.bounds.is_eligible).count() as i64;
        let share = limits.map(|limit| limit / 100 * self.reserved_percent / n.max(1));
        let mut left = limits;
        for op in ops.iter_mut().rev().filter(|op| op.bounds.is_eligible) {
            let outputs = share[Resource::BLOCKS] / 2;
            let outputs = outputs.min(op.bounds.most[Resource::BLOCKS]);
            let mut tasks = share;
            tasks[Resource::BLOCKS] -= outputs;
            let mut tasks = tasks.max(op.bounds.least).min(op.bounds.most);
            let room = left.less(Resources::ZERO.with(Resource::BLOCKS, outputs));
            if !tasks.fits(&room) {
                // Its blocks as far as they go; the rest it borrows.
                let blocks = tasks[Resource::BLOCKS].min(room[Resource::BLOCKS]);
                tasks = Resources::ZERO.with(Resource::BLOCKS, blocks);
            }
            op.reserved = tasks;
            op.reserved_output = outputs.min(left[Resource::BLOCKS]);
            left = left
                .less(tasks)
                .less(Resources::ZERO.with(Resource::BLOCKS, op.reserved_output));
            *op = op.computed();
        }
        self.ops = ops;
        self.limits = limits;
        self.sum();
    }

    fn set_usage(&mut self, op: OpIdx, usage: Usage) {
        let account = &mut self.ops[op];
        if account.usage == usage {
            return;
        }
        let old = *account;
        account.usage = usage;
        *account = account.computed();
        self.used += account.held() - old.held();
        self.charged += account.charge - old.charge;
        self.claimed += account.claim - old.claim;
    }

    fn can_submit_new_task(&self, op: OpIdx, need: &Resources) -> Result<(), Shortage> {
        let account = &self.ops[op];
        let (pool, free) = (self.pool(), self.free());
        for resource in Resource::all().filter(|r| need[*r] > 0) {
            let need = need[resource];
            let beyond = need - account.claim[resource];
            if account.charge[resource] + need > account.bounds.most[resource] {
                return Err(Shortage::AtMost(resource));
            }
            if need > free[resource] {
                return Err(Shortage::Free(resource, need));
            }
            if beyond > 0 && beyond > pool[resource] {
                return Err(Shortage::Pool(resource, beyond));
            }
        }
        Ok(())
    }

    fn max_task_output_bytes_to_read(&self, op: OpIdx) -> u64 {
        let account = &self.ops[op];
        let own = (account.reserved_output - account.usage.output_bytes).max(0);
        (self.budget(op)[Resource::BLOCKS] + own).max(0) as u64
    }

    fn budget(&self, op: OpIdx) -> Resources {
        let account = &self.ops[op];
        let pool = self.pool().max(Resources::ZERO);
        (account.claim + pool)
            .min(self.free().max(Resources::ZERO))
            .min(account.bounds.most.less(account.charge))
    }

    fn allocation(&self, op: OpIdx) -> Resources {
        self.budget(op) + self.ops[op].held()
    }

    fn pool(&self) -> Resources {
        let mut pool = self.limits - self.charged - self.claimed;
        pool[Resource::BLOCKS] -= self.reserved_output;
        pool
    }

    fn free(&self) -> Resources {
        self.limits - self.used
    }

    fn check(&self) {
        let mut anew = self.clone();
        for op in &mut anew.ops {
            *op = op.computed();
        }
        anew.sum();
        assert_eq!(self.used, anew.used, "resources in use");
        assert_eq!(self.charged, anew.charged, "resources charged");
        assert_eq!(self.claimed, anew.claimed, "resources claimed");
        assert_eq!(self.reserved_output, anew.reserved_output, "outputs' share");
    }
}

/// Whether a recipe's least needs fit: what workers of pools hold at one time, and
/// beside it the largest single task of any operator. Pools before an exchange have
/// nothing to do any more when those behind it begin.
///
/// # Errors
///
/// The resource that does not fit, with the sum.
pub fn admit(limits: &Resources, needs: &[Need]) -> Result<(), Refusal> {
    let last = needs.iter().map(|need| need.exchanges_before).max();
    for resource in Resource::all() {
        let largest = needs.iter().map(|need| need.task[resource]).max();
        let largest = largest.unwrap_or(0);
        let held_by = |exchanges: u32| {
            let at_once = needs.iter().enumerate();
            at_once
                .filter(move |(_, need)| need.exchanges_before == exchanges)
                .map(|(op, need)| (op, need.workers[resource]))
                .filter(|(_, amount)| *amount > 0)
        };
        let sum = |exchanges: &u32| held_by(*exchanges).map(|(_, amount)| amount).sum::<i64>();
        let most = (0..=last.unwrap_or(0)).rev().max_by_key(sum).unwrap_or(0);
        let sum = sum(&most) + largest;
        if sum > limits[resource] {
            return Err(Refusal {
                resource,
                limit: limits[resource],
                workers: held_by(most).collect(),
                task: needs
                    .iter()
                    .enumerate()
                    .max_by_key(|(_, need)| need.task[resource])
                    .map(|(op, need)| (op, need.task[resource]))
                    .filter(|(_, amount)| *amount > 0),
                sum,
            });
        }
    }
    Ok(())
}

/// The least that an operator needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// Exchanges that collect all before it has input.
    pub exchanges_before: u32,
    /// For the least number of workers of its pool.
    pub workers: Resources,
    /// For one task.
    pub task: Resources,
}

/// A recipe that cannot run within the limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What does not fit.
    pub resource: Resource,
    /// How much there is.
    pub limit: i64,
    /// What the operators' pools need that work at one time, operator by operator.
    pub workers: Vec<(OpIdx, i64)>,
    /// The largest task, with its operator.
    pub task: Option<(OpIdx, i64)>,
    /// The sum of both.
    pub sum: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPU: Resource = Resource::CPU;
    const BLOCKS: Resource = Resource::BLOCKS;

    fn res(cpu: i64, blocks: i64) -> Resources {
        Resources::ZERO.with(CPU, cpu).with(BLOCKS, blocks)
    }

    fn bounds(least: Resources) -> Bounds {
        Bounds {
            is_eligible: true,
            least,
            most: Resources::unbounded(),
            keeps_workers: false,
        }
    }

    fn usage(cpu: i64, pending: i64, output_bytes: i64, is_able: bool) -> Usage {
        Usage {
            tasks: res(cpu, pending),
            output_bytes,
            is_able,
        }
    }

    fn two(limits: Resources) -> Reservations {
        let mut books = Reservations::new(50);
        books.reserve(limits, &[bounds(res(1000, 10)), bounds(res(1000, 10))]);
        books
    }

    #[test]
    fn each_operator_has_its_share_and_the_pool_is_for_all() {
        let books = two(res(4000, 800));
        // Half of 800 for two: 200 each, of them 100 for outputs.
        assert_eq!(books.reservation(0), (res(1000, 100), 100));
        assert_eq!(books.pool()[BLOCKS], 400);
        assert_eq!(books.max_task_output_bytes_to_read(1), 600);
    }

    #[test]
    fn outputs_that_outgrow_their_share_hold_back_their_own_operator() {
        let mut books = two(res(4000, 800));
        books.set_usage(0, usage(0, 0, 600, true));
        // 600 = 100 of its outputs' share, 100 of its tasks', 400 of the pool.
        assert_eq!(books.pool()[BLOCKS], 0);
        let error = books.can_submit_new_task(0, &res(1000, 10)).unwrap_err();
        assert_eq!(error, Shortage::Pool(BLOCKS, 10));
        assert_eq!(books.max_task_output_bytes_to_read(0), 0);
        assert_eq!(books.can_submit_new_task(1, &res(1000, 100)), Ok(()));
        assert_eq!(books.max_task_output_bytes_to_read(1), 200);
        books.check();
    }

    #[test]
    fn an_operator_without_input_lends_its_processors_but_not_its_blocks() {
        let mut books = two(res(2000, 800));
        books.set_usage(0, usage(1000, 0, 0, true));
        assert_eq!(books.can_submit_new_task(0, &res(1000, 0)), Ok(()));
        books.set_usage(1, usage(0, 0, 0, true));
        let error = books.can_submit_new_task(0, &res(1000, 0)).unwrap_err();
        assert_eq!(error, Shortage::Pool(CPU, 1000), "now they are claimed");
        books.check();
    }

    #[test]
    fn what_was_lent_is_given_back_one_by_one() {
        let mut books = Reservations::new(50);
        books.reserve(res(2000, 800), &[bounds(res(1000, 1)); 3]);
        books.set_usage(0, usage(2000, 0, 0, true));
        books.set_usage(1, usage(0, 0, 0, true));
        books.set_usage(2, usage(0, 0, 0, true));
        let need = res(1000, 0);
        assert_eq!(
            books.can_submit_new_task(2, &need),
            Err(Shortage::Free(CPU, 1000))
        );
        books.set_usage(0, usage(1000, 0, 0, true));
        assert_eq!(books.can_submit_new_task(2, &need), Ok(()));
        assert!(books.can_submit_new_task(0, &need).is_err());
    }

    #[test]
    fn nearest_to_the_sink_is_served_first_where_not_all_fit() {
        let mut books = Reservations::new(50);
        books.reserve(res(1000, 100), &[bounds(res(1000, 1)); 3]);
        assert_eq!(books.reservation(2).0[CPU], 1000);
        assert_eq!(books.reservation(0).0[CPU], 0);
        // The last has no input: the first runs on what is lent.
        books.set_usage(0, usage(0, 0, 0, true));
        assert_eq!(books.can_submit_new_task(0, &res(1000, 1)), Ok(()));
    }

    #[test]
    fn nobody_is_given_more_than_it_can_use() {
        let mut books = Reservations::new(50);
        let mut small = bounds(res(0, 0));
        small.most = res(0, 20);
        books.reserve(res(4000, 800), &[bounds(res(1000, 10)), small]);
        assert_eq!(books.reservation(1), (res(0, 20), 20));
        assert_eq!(
            books.can_submit_new_task(1, &res(0, 21)),
            Err(Shortage::AtMost(BLOCKS))
        );
    }

    #[test]
    fn a_finished_operator_gives_up_its_share_but_what_it_holds_is_gone() {
        let mut books = two(res(4000, 800));
        books.set_usage(0, usage(0, 0, 300, false));
        let mut finished = bounds(res(1000, 10));
        finished.is_eligible = false;
        books.reserve(res(4000, 800), &[finished, bounds(res(1000, 10))]);
        assert_eq!(books.free()[BLOCKS], 500);
        assert_eq!(books.max_task_output_bytes_to_read(1), 500);
        books.check();
    }

    #[test]
    fn needs_that_do_not_fit_are_refused_with_the_sum() {
        let pool = |cpus| Need {
            workers: res(cpus, 0),
            task: res(0, 10),
            ..Need::default()
        };
        let read = Need {
            exchanges_before: 0,
            workers: Resources::ZERO,
            task: res(1000, 10),
        };
        assert_eq!(admit(&res(2500, 10), &[read, pool(1500)]), Ok(()));
        let refusal = admit(&res(2000, 10), &[read, pool(1500)]).unwrap_err();
        assert_eq!(refusal.sum, 2500);
        assert_eq!(refusal.workers, [(1, 1500)]);
        assert_eq!(refusal.task, Some((0, 1000)));
        let behind = |cpus| Need {
            exchanges_before: 1,
            ..pool(cpus)
        };
        let needs = [read, pool(500), behind(700), behind(800)];
        assert_eq!(admit(&res(2500, 10), &needs), Ok(()));
        let refusal = admit(&res(2400, 10), &needs).unwrap_err();
        assert_eq!(refusal.workers, [(2, 700), (3, 800)]);
        assert_eq!(refusal.sum, 2500);
    }
}
