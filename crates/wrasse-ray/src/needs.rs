//! [`Needs`]: what a task takes of the cluster; [`Ledger`]: the same in the
//! scheduler's books, and whether the cluster can ever give it.
//!
//! Of processors a task is charged half: while one task has them another waits
//! at the door. Of what is rarer (accelerators, memory, what a cluster has names
//! of its own for) it is charged all, so that the books show who has it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use wrasse_job::{Pipeline, Step};
use wrasse_plan::Plan;
use wrasse_run::Error;
use wrasse_sched::{Need, OpConfig, Resource, Resources, admit};

use crate::protocol::Cluster;

/// What Ray calls the accelerators of `num_npus`.
const ASCEND: &str = "NPU";

/// Resources with names of their own, beside Ray's, that a run may ask for.
const CUSTOM_MAX: usize = 4;

/// What a task takes while it runs.
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
    /// A task of each operator.
    pub(crate) needs: Vec<Needs>,
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
        let needs: Vec<Needs> = steps.map(|step| Needs::of(step, plan)).collect();
        let custom: BTreeSet<&String> = needs.iter().flat_map(|n| n.resources.keys()).collect();
        if custom.len() > CUSTOM_MAX {
            return Err(Error::usage(format!(
                "the recipe asks for {} kinds of `resources`, and a run may have {CUSTOM_MAX}",
                custom.len()
            )));
        }
        let custom = custom.into_iter().cloned().collect();
        Ok(Self { needs, custom })
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

    /// What a cluster has, as far as operators can ask for it.
    pub(crate) fn of_cluster(&self, cluster: &Cluster) -> Resources {
        let has = self.amounts(|name| cluster.amount(name));
        match cluster.grows {
            // What is not there yet is asked for by a task that waits for it.
            true => (0..self.needs.len()).fold(has, |has, op| has.max(self.whole(op))),
            false => has,
        }
    }

    /// Has tasks of the scheduler's operators take what they are charged.
    pub(crate) fn charge(&self, configs: &mut [OpConfig]) {
        for (op, config) in configs.iter_mut().enumerate() {
            let whole = self.whole(op);
            config.task = whole.with(Resource::CPU, whole[Resource::CPU] / 2);
        }
    }

    /// Refuses what a cluster can never give, within `limits` of processors.
    ///
    /// # Errors
    ///
    /// If an operator's tasks need more than all nodes have together, or more
    /// than any of them has.
    pub(crate) fn admit(
        &self,
        pipeline: &Pipeline,
        cluster: &Cluster,
        limits: &Resources,
    ) -> Result<(), Error> {
        let needs = (0..self.needs.len()).map(|op| Need {
            workers: Resources::ZERO,
            task: self.whole(op),
        });
        let needs: Vec<Need> = needs.collect();
        let most = match cluster.grows {
            true if cluster.most.is_empty() => return Ok(()),
            true => self.amounts(|name| cluster.most.get(name).copied().unwrap_or(0.0)),
            false => *limits,
        };
        let most = most.with(Resource::BLOCKS, Resources::UNBOUNDED);
        if let Err(refusal) = admit(&most, &needs) {
            let by = refusal.task.map_or("", |(op, _)| &pipeline.names[op]);
            let what = refusal.resource;
            let error = format!(
                "the recipe needs {} of {} at the least, for a task of `{by}`, and the cluster {} {}",
                self.amount(what, refusal.sum),
                self.name(what),
                if cluster.grows { "can have" } else { "has" },
                self.amount(what, refusal.limit),
            );
            return Err(Error::usage(error).with_hint(self.hint(what)));
        }
        let fits = |op: usize| {
            let bundle = self.needs[op].bundle();
            let has = |node: &BTreeMap<String, f64>, name: &str| node.get(name).copied();
            cluster.grows
                || cluster.shapes.is_empty()
                || cluster.shapes.iter().any(|node| {
                    let enough = |(name, amount): (&String, &f64)| {
                        has(node, name).unwrap_or(0.0) + 1e-6 >= *amount
                    };
                    bundle.iter().all(enough)
                })
        };
        match (0..self.needs.len()).find(|op| !fits(*op)) {
            None => Ok(()),
            Some(op) => Err(Error::usage(format!(
                "a task of `{}` needs {} on one node, and no node of the cluster has that",
                pipeline.names[op],
                self.words(op)
            ))
            .with_hint("`num_cpus`, `num_gpus`, `mem_required` and `resources` say what it needs")),
        }
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
