//! Pools of worker processes: how many, what they take, and their threads.

use std::collections::HashMap;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use wrasse_core::Sample;
use wrasse_job::{Job, Pipeline, Step};
use wrasse_pyhost::{Chain, Job as Batch, Listener, drive};
use wrasse_run::{BlockState, Error, Made, Part, Pass};
use wrasse_sched::{OpIdx, PoolConfig, Resource, Resources, TaskId, WorkerId};

use crate::worker::{Note, Shared};

/// Blocks that a worker has at once: while it works on one, the next is made
/// ready.
const SLOTS: u32 = 2;

/// What runs outside, by the number of its stage.
#[derive(Debug, Default)]
pub(crate) struct Pools {
    chains: HashMap<usize, Arc<Chain>>,
    configs: HashMap<usize, PoolConfig>,
}

impl Pools {
    /// The pools that a job needs.
    ///
    /// # Errors
    ///
    /// If it needs Python and has none.
    pub(crate) fn new(job: &Job, threads: usize) -> Result<Self, Error> {
        let mut pools = Self::default();
        for (i, stage) in job.plan.stages().iter().enumerate() {
            if !stage.is_outside {
                continue;
            }
            let python = job.python.as_ref().ok_or_else(|| {
                Error::usage("the recipe has Python operators, and nothing to run them with")
            })?;
            let operators = &job.plan.operators()[stage.operators.clone()];
            let Some(chain) = Chain::of(python, operators, job.row_bytes_max.0) else {
                continue;
            };
            let pool = chain.pool();
            let millicpus = (pool.cpus * 1000.0) as i64;
            let fitting = (threads as i64 * 1000 / millicpus.max(1)).clamp(1, threads as i64);
            let workers = pool.workers.unwrap_or(fitting as u32);
            pools.configs.insert(
                i,
                PoolConfig {
                    worker: Resources::millicpus(millicpus),
                    workers_min: workers,
                    workers_max: workers,
                    slots: SLOTS,
                },
            );
            pools.chains.insert(i, Arc::new(chain));
        }
        Ok(pools)
    }

    pub(crate) fn config(&self, stage: usize) -> PoolConfig {
        self.configs[&stage]
    }

    /// What runs in a stage, if it runs outside.
    pub(crate) fn chain(&self, stage: usize) -> Option<&Arc<Chain>> {
        self.chains.get(&stage)
    }

    /// Worker processes at the most.
    pub(crate) fn n_workers(&self) -> usize {
        self.configs
            .values()
            .map(|pool| pool.workers_max as usize)
            .sum()
    }

    /// Processors for worker processes, in thousandths: beside those of threads,
    /// which mostly wait for them.
    pub(crate) fn millicpus(&self) -> i64 {
        let cpus = |pool: &PoolConfig| pool.worker[Resource::CPU] * i64::from(pool.workers_max);
        self.configs.values().map(cpus).sum()
    }
}

/// What goes with a block to its worker and comes back.
pub(crate) struct Tag {
    pub(crate) task: TaskId,
    pub(crate) part: Part,
    pub(crate) state: Box<BlockState>,
}

/// A thread is to start a worker, and to serve it until its blocks end.
pub(crate) struct Begin {
    worker: WorkerId,
    blocks: Receiver<Batch<Tag>>,
}

/// The workers of an operator, as the backend sees them.
pub(crate) struct Crew {
    begin: Sender<Begin>,
    begun: u32,
    doors: HashMap<WorkerId, Sender<Batch<Tag>>>,
    /// A worker that nobody has asked for yet, and whether it is ready.
    warm: Option<(WorkerId, bool)>,
}

impl Crew {
    /// Starts one worker ahead: it imports while the first block is read.
    fn new(begin: Sender<Begin>) -> Self {
        let mut crew = Self {
            begin,
            begun: 0,
            doors: HashMap::new(),
            warm: None,
        };
        crew.warm = Some((crew.begin(), false));
        crew
    }

    fn begin(&mut self) -> WorkerId {
        let worker = WorkerId(self.begun);
        self.begun += 1;
        let (door, blocks) = bounded(SLOTS as usize);
        self.doors.insert(worker, door);
        drop(self.begin.send(Begin { worker, blocks }));
        worker
    }

    /// Sees to it that there are so many workers. Returns one that is ready
    /// already.
    pub(crate) fn scale(&mut self, workers: u32) -> Option<WorkerId> {
        let warm = self.warm.take();
        while self.doors.len() < workers as usize {
            self.begin();
        }
        warm.and_then(|(worker, is_ready)| is_ready.then_some(worker))
    }

    /// A worker is ready: whether somebody waits for it.
    pub(crate) fn is_wanted(&mut self, worker: WorkerId) -> bool {
        match &mut self.warm {
            Some((warm, is_ready)) if *warm == worker => {
                *is_ready = true;
                false
            }
            _ => true,
        }
    }

    /// Ends a worker when it has done what it has.
    pub(crate) fn stop(&mut self, worker: WorkerId) {
        self.doors.remove(&worker);
    }

    /// Hands a block to a worker.
    pub(crate) fn submit(&self, worker: WorkerId, tag: Tag, samples: Vec<Sample>) {
        if let Some(door) = self.doors.get(&worker) {
            drop(door.send(Batch { tag, samples }));
        }
    }
}

/// The crews of a pipeline, and what their threads wait for.
pub(crate) fn crews(pipeline: &Pipeline, pools: &Pools) -> (HashMap<OpIdx, Crew>, Vec<Post>) {
    let mut crews = HashMap::new();
    let mut posts = Vec::new();
    for (op, step) in pipeline.steps.iter().enumerate() {
        let Step::Outside(part) = step else {
            continue;
        };
        let Some(chain) = pools.chain(part.stage) else {
            continue;
        };
        let workers = pools.config(part.stage).workers_max;
        let (begin, begins) = bounded(workers as usize);
        posts.extend((0..workers).map(|_| Post {
            op,
            chain: Arc::clone(chain),
            begins: begins.clone(),
        }));
        crews.insert(op, Crew::new(begin));
    }
    (crews, posts)
}

/// What a thread of a pool needs.
pub(crate) struct Post {
    op: OpIdx,
    chain: Arc<Chain>,
    begins: Receiver<Begin>,
}

impl Post {
    /// Serves one worker after the other, until no more are asked for.
    pub(crate) fn serve(&self, shared: &Shared, notes: &Sender<Note>) {
        for Begin { worker, blocks } in &self.begins {
            let mut teller = Teller {
                pass: &shared.pass,
                notes,
                op: self.op,
                worker,
            };
            if let Err(message) = drive(&self.chain, worker.0, &blocks, &mut teller) {
                drop(notes.send(Note::Fatal(message)));
                return;
            }
        }
    }
}

/// Tells the backend how blocks go. Sending fails only if it is gone.
struct Teller<'a> {
    pass: &'a Pass,
    notes: &'a Sender<Note>,
    op: OpIdx,
    worker: WorkerId,
}

impl Listener<Tag> for Teller<'_> {
    fn ready(&mut self) {
        let (op, worker) = (self.op, self.worker);
        drop(self.notes.send(Note::WorkerReady { op, worker }));
    }

    fn began(&mut self, tag: &Tag) {
        drop(self.notes.send(Note::Started { task: tag.task }));
    }

    fn done(&mut self, tag: Tag, samples: Vec<Sample>, made: Made) {
        let state = self.pass.settle(&tag.part, *tag.state, samples, made);
        drop(self.notes.send(Note::Done {
            task: tag.task,
            state: Some(Box::new(state)),
            rest: None,
            returned: None,
        }));
    }
}
