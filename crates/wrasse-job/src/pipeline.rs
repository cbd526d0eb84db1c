//! [`Pipeline`]: the plan's stages and gates as the scheduler's operators.
//!
//! A stage runs as one operator, with one exception: what reads the input does
//! not run a slicer, for which one block of input may be a hundred of output.
//! It hands its samples on, and the slicer's operator takes as many of them at
//! a time as fill a block.

use wrasse_op::OpKind as Shape;
use wrasse_plan::{End, Plan};
use wrasse_run::{Error, Part, PassSettings};
use wrasse_sched::{OPERATORS_MAX, ORDERED_MAX, OpConfig, OpKind, PoolConfig, Resources};

/// What an operator of the scheduler runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Reads blocks, and runs operators over them.
    Read(Part),
    /// Runs operators over blocks.
    Run(Part),
    /// Has worker processes run operators over blocks.
    Outside(Part),
    /// Decides what passes the gate behind this stage.
    Gate(usize),
    /// Keeps blocks at the exchange behind this stage until all have come; then
    /// reads what was decided, and runs operators over it.
    Exchange(usize, Part),
}

/// The scheduler's operators, from the source on.
#[derive(Debug)]
pub struct Pipeline {
    /// What each of them runs.
    pub steps: Vec<Step>,
    /// What a person reads: the names of what runs.
    pub names: Vec<String>,
    /// The plan's operators that cut samples, in order.
    slicers: Vec<usize>,
    /// The plan's operators that decide behind each stage.
    deciders: Vec<Option<usize>>,
}

/// What a task takes of a thread, in thousandths: while one runs another waits
/// at the door, so that no thread waits for the scheduler to hear and decide.
const HALF_A_THREAD: i64 = 500;

impl Pipeline {
    /// The steps of `plan`. Where dropped samples are traced, rows are not
    /// encoded before the last gate. Where stats are written instead of samples,
    /// pieces are small rows, and what was measured cannot be handed on; nor does
    /// a slicer stand alone where tasks can put out block after block.
    pub fn new(plan: &Plan, settings: &PassSettings, tasks_stream: bool) -> Self {
        let mut steps = Vec::new();
        for (i, stage) in plan.stages().iter().enumerate() {
            let all = Part {
                stage: i,
                operators: stage.operators.clone(),
                ends_stage: true,
            };
            if stage.is_outside {
                steps.push(Step::Outside(all));
                continue;
            }
            let reads = |part| match i.checked_sub(1).map(|before| plan.stages()[before].end) {
                None => Some(Step::Read(part)),
                Some(End::Exchange(_)) => Some(Step::Exchange(i - 1, part)),
                Some(_) => None,
            };
            let slicer = stage
                .operators
                .clone()
                .find(|op| plan.operators()[*op].spec().kind == Shape::Slicer);
            let slicer = slicer.filter(|_| settings.measuring.is_none() && !tasks_stream);
            let before_slicer = slicer.and_then(|slicer| {
                reads(Part {
                    operators: all.operators.start..slicer,
                    ends_stage: false,
                    ..all.clone()
                })
            });
            match (before_slicer, slicer) {
                (Some(reading), Some(slicer)) => {
                    steps.push(reading);
                    steps.push(Step::Run(Part {
                        operators: slicer..all.operators.end,
                        ..all
                    }));
                }
                _ => match reads(all.clone()) {
                    Some(reading) => steps.push(reading),
                    // All is encoded already.
                    None if plan.encodes_before(i - 1) && !settings.trace_dropped => {}
                    None => steps.push(Step::Run(all)),
                },
            }
            if matches!(stage.end, End::Gate(_)) {
                steps.push(Step::Gate(i));
            }
        }
        let names = steps.iter().map(|step| name(plan, step)).collect();
        let is_slicer = |op: &usize| plan.operators()[*op].spec().kind == Shape::Slicer;
        Self {
            steps,
            names,
            slicers: (0..plan.operators().len()).filter(is_slicer).collect(),
            deciders: plan.stages().iter().map(|s| s.end.operator()).collect(),
        }
    }

    /// Whether the scheduler can hold so many operators.
    ///
    /// # Errors
    ///
    /// If not.
    pub fn check(&self) -> Result<(), Error> {
        let ordered = |step: &&Step| matches!(step, Step::Gate(_) | Step::Exchange(..));
        let n_gates = self.steps.iter().filter(ordered).count();
        if n_gates > ORDERED_MAX || self.steps.len() > OPERATORS_MAX {
            return Err(Error::usage(format!(
                "the recipe has {n_gates} deduplicators, selectors and groupers, and a run may have {ORDERED_MAX}"
            ))
            .with_hint("split it into two recipes, the second over the output of the first"));
        }
        Ok(())
    }

    /// Whether a part puts out many samples for one.
    pub fn slices(&self, part: &Part) -> bool {
        let first = self
            .slicers
            .partition_point(|op| *op < part.operators.start);
        self.slicers
            .get(first)
            .is_some_and(|op| *op < part.operators.end)
    }

    /// What a person calls the gate behind each of the first `n` stages; none where
    /// no gate is.
    pub fn gate_names(&self, n: usize) -> Vec<Option<String>> {
        let mut names = vec![None; n];
        for (step, name) in self.steps.iter().zip(&self.names) {
            if let Step::Gate(stage) = step {
                names[*stage] = Some(name.clone());
            }
        }
        names
    }

    /// The plan's operator that decides at a gate of the scheduler's.
    pub fn gate_operator(&self, op: usize) -> Option<usize> {
        match self.steps.get(op)? {
            Step::Gate(stage) => self.deciders[*stage],
            _ => None,
        }
    }

    /// The last exchange, if there is one, as an operator of the scheduler.
    pub fn last_exchange(&self) -> Option<usize> {
        let is_exchange = |step: &Step| matches!(step, Step::Exchange(..));
        self.steps.iter().rposition(is_exchange)
    }

    /// Whether there is an exchange.
    pub fn has_exchange(&self) -> bool {
        self.last_exchange().is_some()
    }

    /// Operators that run on threads.
    pub fn n_running(&self) -> usize {
        let runs = |step: &&Step| !matches!(step, Step::Gate(_));
        self.steps.iter().filter(runs).count()
    }

    /// The operators as the scheduler takes them. `block_bytes` is what a block
    /// is expected to hold, until it is measured; `pool` says which workers a stage
    /// has that runs outside, unless its tasks run wherever there is room.
    pub fn configs(
        &self,
        pool: impl Fn(usize) -> Option<PoolConfig>,
        block_bytes: u64,
    ) -> Vec<OpConfig> {
        let config = |step: &Step| {
            let pool = match step {
                Step::Outside(part) => pool(part.stage),
                _ => None,
            };
            let (kind, millicpus, tasks_max) = match step {
                Step::Read(_) => (OpKind::Source, HALF_A_THREAD, u32::MAX),
                // What its workers take is theirs for as long as they live.
                Step::Outside(_) if pool.is_some() => (OpKind::Map, 0, u32::MAX),
                Step::Run(_) | Step::Outside(_) => (OpKind::Map, HALF_A_THREAD, u32::MAX),
                // By the thread for what needs its input in order.
                Step::Gate(_) => (OpKind::Ordered, 0, 1),
                Step::Exchange(..) => (OpKind::Exchange, HALF_A_THREAD, u32::MAX),
            };
            OpConfig {
                kind,
                task: Resources::millicpus(millicpus),
                tasks_max,
                output_bytes: block_bytes,
                pool,
            }
        };
        self.steps.iter().map(config).collect()
    }
}

fn name(plan: &Plan, step: &Step) -> String {
    let part = |first: &str, part: &Part| {
        let names = part.operators.clone().map(|op| plan.operators()[op].name());
        let names: Vec<&str> = std::iter::once(first)
            .filter(|first| !first.is_empty())
            .chain(names)
            .collect();
        match names.is_empty() {
            true => "encode".to_owned(),
            false => names.join(" > "),
        }
    };
    let boundary = |stage: usize| {
        let op = plan.stages()[stage].end.operator();
        op.map_or("", |op| plan.operators()[op].name())
    };
    match step {
        Step::Read(read) => part("read", read),
        Step::Run(run) | Step::Outside(run) => part("", run),
        Step::Gate(gate) => boundary(*gate).to_owned(),
        Step::Exchange(exchange, run) => part(boundary(*exchange), run),
    }
}
