//! [`Needs`]: what a task or an actor takes of the cluster; [`Ledger`]: the same
//! in the scheduler's books, and whether the cluster can ever give it.
//!
//! Of processors a task is charged half: while one task has them another waits
//! at the door. One that has many outputs is charged all: it keeps them while it waits
//! until it is read, and who takes what it puts out needs others. An actor is charged all that it has, for as long as it lives.
//!
//! One processor is left by all actors together, for tasks: what actors wait for
//! may have to be made again. Where there are not as many processors as one actor
//! of each stage and one task need, actors ask for none, and share those of the
//! tasks, as worker processes share those of threads.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use wrasse_job::{Pipeline, Step};
use wrasse_plan::Plan;
use wrasse_run::Error;
use wrasse_sched::{Limits, Need, OpConfig, PoolConfig, Resource, Resources, admit};

use crate::protocol::Cluster;

/// What Ray calls the accelerators of `num_npus`.
const ASCEND: &str = "NPU";

/// Resources with names of their own, beside Ray's, that a run may ask for.
const CUSTOM_MAX: usize = 4;

/// Actors of a stage at the most, if nothing else says how many.
const ACTORS_MAX: u32 = 10_000;

/// What a task takes while it runs, or an actor while it lives.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Needs {
    /// Processors.
    pub(crate) cpus: f64,
    /// Accelerators.
    pub(crate) gpus: f64,
    /// Bytes.
    pub(crate) memory: u64,
    /// All else, by the cluster's names.
    pub(crate) resources: BTreeMap<String, f64>,
}

impl Needs {
    /// What the engine itself takes: a processor.
    pub(crate) fn one_cpu() -> Self {
        Self {
            cpus: 1.0,
            ..Self::default()
        }
    }

    fn of(step: &Step, plan: &Plan) -> Self {
        let part = match step {
            Step::Outside(part) => part,
            Step::Gate(_) => return Self::default(),
            _ => return Self::one_cpu(),
        };
        let operators = &plan.operators()[part.operators.clone()];
        let outside = operators.first().and_then(|op| op.runs_outside());
        outside.map_or_else(Self::one_cpu, |outside| {
            let pool = &outside.pool;
            let mut resources = pool.resources.clone();
            if pool.npus > 0.0 {
                resources.insert(ASCEND.to_owned(), pool.npus);
            }
            Self {
                cpus: pool.cpus,
                gpus: pool.gpus,
                memory: pool.memory.map_or(0, |bytes| bytes.0),
                resources,
            }
        })
    }

    /// By Ray's names, without what is nothing.
    pub(crate) fn bundle(&self) -> BTreeMap<String, f64> {
        let own = [
            ("CPU", self.cpus),
            ("GPU", self.gpus),
            ("memory", self.memory as f64),
        ];
        let own = own.map(|(name, amount)| (name.to_owned(), amount));
        let all = own.into_iter().chain(self.resources.clone());
        all.filter(|(_, amount)| *amount > 0.0).collect()
    }
}

/// What each of the pipeline's operators needs, and what the books call it.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// A task of each operator, or an actor.
    pub(crate) needs: Vec<Needs>,
    /// Of those that run in actors: how many of these there may be.
    pub(crate) actors: Vec<Option<u32>>,
    /// Exchanges before each: what is before and behind one does not work at one time.
    pub(crate) exchanges: Vec<u32>,
    /// Names of what is no resource of Ray's own; in the books by position.
    pub(crate) custom: Vec<String>,
}

impl Ledger {
    /// What the steps of a pipeline need.
    ///
    /// # Errors
    ///
    /// If they ask for too many kinds of things.
    pub(crate) fn new(pipeline: &Pipeline, plan: &Plan) -> Result<Self, Error> {
        let steps = pipeline.steps.iter();
        let needs: Vec<Needs> = steps.clone().map(|step| Needs::of(step, plan)).collect();
        let actors = steps.clone().map(|step| actors_max(step, plan)).collect();
        let mut n = 0;
        let exchanges = steps.map(|step| {
            n += u32::from(matches!(step, Step::Exchange(..)));
            n
        });
        let exchanges = exchanges.collect();
        let custom: BTreeSet<&String> = needs.iter().flat_map(|n| n.resources.keys()).collect();
        if custom.len() > CUSTOM_MAX {
            return Err(Error::usage(format!(
                "the recipe asks for {} kinds of `resources`, and a run may have {CUSTOM_MAX}",
                custom.len()
            )));
        }
        let custom = custom.into_iter().cloned().collect();
        Ok(Self {
            needs,
            actors,
            exchanges,
            custom,
        })
    }

    /// What is called so in the books: processors and things in thousandths.
    fn amounts(&self, of: impl Fn(&str) -> f64) -> Resources {
        let thousandths = |name: &str| (of(name) * 1000.0).round() as i64;
        let mut amounts = Resources::millicpus(thousandths("CPU"))
            .with(Resource::GPU, thousandths("GPU"))
            .with(Resource::MEMORY, of("memory") as i64);
        for (at, name) in self.custom.iter().enumerate() {
            amounts[Resource::custom(at as u8)] = thousandths(name);
        }
        amounts
    }

    /// All that a task of an operator takes.
    fn whole(&self, op: usize) -> Resources {
        let bundle = self.needs[op].bundle();
        self.amounts(|name| bundle.get(name).copied().unwrap_or(0.0))
    }

    /// What one actor of each stage holds, of those that work at one time.
    fn of_actors(&self) -> Resources {
        let last = self.exchanges.iter().max().copied().unwrap_or(0);
        let sum = |exchanges: u32| {
            let at_once = self.at_once(exchanges);
            at_once.fold(Resources::ZERO, |sum, op| sum + self.whole(op))
        };
        (0..=last).map(sum).fold(Resources::ZERO, Resources::max)
    }

    /// Operators that run in actors behind so many exchanges.
    fn at_once(&self, exchanges: u32) -> impl Iterator<Item = usize> {
        let all = 0..self.needs.len();
        all.filter(move |op| self.actors[*op].is_some() && self.exchanges[*op] == exchanges)
    }

    /// The most that a task of any operator takes.
    fn of_a_task(&self) -> Resources {
        let tasks = (0..self.needs.len()).filter(|op| self.actors[*op].is_none());
        tasks.fold(Resources::ZERO, |most, op| most.max(self.whole(op)))
    }

    /// Processors for one actor of each stage and what they leave, in thousandths.
    pub(crate) fn cpus_least(&self, cluster: &Cluster) -> i64 {
        (self.of_actors() + self.for_tasks(cluster))[Resource::CPU]
    }

    /// What a cluster has, as far as operators can ask for it.
    pub(crate) fn of_cluster(&self, cluster: &Cluster) -> Resources {
        let has = self.amounts(|name| cluster.amount(name));
        match cluster.grows {
            // What is not there yet is asked for by who waits for it.
            true => has.max(self.of_actors() + self.of_a_task()),
            false => has,
        }
    }

    /// What all actors together leave to tasks: a processor, and of each node one if
    /// those that are left could be parts of some.
    pub(crate) fn for_tasks(&self, cluster: &Cluster) -> Resources {
        let actors = (0..self.needs.len()).filter(|op| self.actors[*op].is_some());
        let mut cpus = actors.map(|op| self.whole(op)[Resource::CPU]);
        let n = match cpus.all(|cpus| cpus % 1000 == 0) {
            true => 1,
            false => cluster.nodes.max(1) as i64,
        };
        Resources::ZERO.with(Resource::CPU, self.of_a_task()[Resource::CPU] * n)
    }

    /// Has tasks of the scheduler's operators take what they are charged, and those
    /// that run in actors have such, within `limits`. Those that are `streaming` have
    /// tasks with many outputs.
    pub(crate) fn charge(&self, configs: &mut [OpConfig], limits: &Limits, streaming: &[bool]) {
        let room = limits.resources.less(limits.for_tasks);
        for (op, config) in configs.iter_mut().enumerate() {
            let whole = self.whole(op);
            let Some(workers_max) = self.actors[op] else {
                let at_once = if streaming[op] { 1 } else { 2 };
                config.task = whole.with(Resource::CPU, whole[Resource::CPU] / at_once);
                continue;
            };
            let n = self.at_once(self.exchanges[op]).count() as i64;
            let held = || Resource::all().filter(|r| whole[*r] > 0);
            let cpus = (limits.resources[Resource::CPU] / 1000).max(1) as u32;
            let workers_max = match held().all(|r| r == Resource::MEMORY) {
                // What there is a processor for, though it does not ask for one.
                true => workers_max.min(cpus),
                false => workers_max,
            };
            // An equal share is there as soon as there is something to do; half of one
            // of what tasks need too.
            let shared = self.of_a_task();
            let each = held().map(|r| room[r] / whole[r] / n / if shared[r] > 0 { 2 } else { 1 });
            let each = each.min();
            let each = each.map_or(1, |each| each.clamp(1, i64::from(ACTORS_MAX)) as u32);
            config.task = Resources::ZERO;
            config.pool = Some(PoolConfig {
                worker: whole,
                workers_min: each.min(workers_max),
                workers_max,
                slots: 1,
            });
        }
    }

    /// Refuses what a cluster can never give, within `limits` of processors.
    /// Actors ask for no processors from here on if there are too few.
    ///
    /// # Errors
    ///
    /// If one actor of each stage, and beside them a task of any, need more than all
    /// nodes have together, or one of them more than any node has.
    pub(crate) fn admit(
        &mut self,
        pipeline: &Pipeline,
        cluster: &Cluster,
        limits: &Resources,
    ) -> Result<(), Error> {
        let most = match cluster.grows {
            true if cluster.most.is_empty() => return Ok(()),
            true => self.amounts(|name| cluster.most.get(name).copied().unwrap_or(0.0)),
            false => *limits,
        };
        let misfit = match cluster.grows {
            true => None,
            false => (0..self.needs.len()).find(|op| !self.fits_a_node(*op, cluster)),
        };
        let misfit = misfit.map(|op| self.misfit(op, pipeline));
        if self.cpus_least(cluster) > most[Resource::CPU] {
            let actors = self.needs.iter_mut().zip(&self.actors);
            for (needs, _) in actors.filter(|(_, actors)| actors.is_some()) {
                needs.cpus = 0.0;
            }
        }
        let needs = (0..self.needs.len()).map(|op| {
            let (workers, task) = match self.actors[op] {
                Some(_) => (self.whole(op), Resources::ZERO),
                None => (Resources::ZERO, self.whole(op)),
            };
            Need {
                exchanges_before: self.exchanges[op],
                workers,
                task,
            }
        });
        let needs: Vec<Need> = needs.collect();
        let most = most.with(Resource::BLOCKS, Resources::UNBOUNDED);
        if let Err(refusal) = admit(&most, &needs) {
            let named = |op: &usize| format!("`{}`", pipeline.names[*op]);
            let actors: Vec<String> = refusal.workers.iter().map(|(op, _)| named(op)).collect();
            let actors = (!actors.is_empty()).then(|| format!("an actor of {}", actors.join(", ")));
            let task = refusal
                .task
                .map(|(op, _)| format!("a task of {}", named(&op)));
            let by: Vec<String> = actors.into_iter().chain(task).collect();
            let what = refusal.resource;
            let error = format!(
                "the recipe needs {} of {} at the least, for {}, and the cluster {} {}",
                self.amount(what, refusal.sum),
                self.name(what),
                by.join(" and "),
                if cluster.grows { "can have" } else { "has" },
                self.amount(what, refusal.limit),
            );
            return Err(Error::usage(error).with_hint(self.hint(what)));
        }
        misfit.map_or(Ok(()), Err)
    }

    /// Whether a node has what an operator needs.
    fn fits_a_node(&self, op: usize, cluster: &Cluster) -> bool {
        let bundle = self.needs[op].bundle();
        let has = |node: &BTreeMap<String, f64>, name: &str| node.get(name).copied();
        cluster.shapes.is_empty()
            || cluster.shapes.iter().any(|node| {
                let enough = |(name, amount): (&String, &f64)| {
                    has(node, name).unwrap_or(0.0) + 1e-6 >= *amount
                };
                bundle.iter().all(enough)
            })
    }

    fn misfit(&self, op: usize, pipeline: &Pipeline) -> Error {
        let who = match self.actors[op] {
            Some(_) => "an actor",
            None => "a task",
        };
        Error::usage(format!(
            "{who} of `{}` needs {} on one node, and no node of the cluster has that",
            pipeline.names[op],
            self.words(op)
        ))
        .with_hint("`num_cpus`, `num_gpus`, `mem_required` and `resources` say what it needs")
    }

    fn hint(&self, resource: Resource) -> String {
        match resource {
            Resource::CPU => "`num_cpus` of the operator says how many; `ray status` shows them",
            Resource::GPU => "`num_gpus` of the operator says how many; `ray status` shows them",
            Resource::MEMORY => "`mem_required` of the operator says how much",
            _ => "`resources` of the operator says how much; nodes have what `ray start --resources` says",
        }
        .to_owned()
    }

    fn name(&self, resource: Resource) -> &str {
        let custom = resource.as_custom().and_then(|at| self.custom.get(at));
        custom.map_or(resource.name(), String::as_str)
    }

    fn amount(&self, resource: Resource, amount: i64) -> String {
        match resource {
            Resource::MEMORY | Resource::BLOCKS => {
                wrasse_core::ByteCount(amount.max(0) as u64).to_string()
            }
            _ => (amount as f64 / 1000.0).to_string(),
        }
    }

    /// `cpu 4, npu 1`.
    fn words(&self, op: usize) -> String {
        let whole = self.whole(op);
        let parts = Resource::all().filter(|resource| whole[*resource] > 0);
        let parts = parts.map(|resource| {
            let amount = self.amount(resource, whole[resource]);
            format!("{} {amount}", self.name(resource))
        });
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// How many actors a step may have, if it runs in such.
fn actors_max(step: &Step, plan: &Plan) -> Option<u32> {
    let Step::Outside(part) = step else {
        return None;
    };
    let outside = plan.operators()[part.operators.start].runs_outside();
    let workers = outside.and_then(|outside| outside.pool.workers);
    Some(workers.unwrap_or(ACTORS_MAX))
}
