//! Pools of worker processes: how many, what they take, and their threads.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use wrasse_core::{ByteCount, Sample};
use wrasse_job::{Job, Pipeline, PoolView, Step, budget};
use wrasse_op::PoolParams;
use wrasse_plan::Budget;
use wrasse_pyhost::{Chain, Job as Batch, Listener, Seat, drive};
use wrasse_run::{BlockState, Error, Made, Part, Pass};
use wrasse_sched::{OpIdx, PoolConfig, Resource, Resources, TaskId, WorkerId};

use crate::admission::{Ask, Sight, grant};
use crate::worker::{Note, Shared};

/// Blocks that a worker has at once: while it works on one, the next is made
/// ready.
const SLOTS: u32 = 2;

/// What runs outside, by the number of its stage.
#[derive(Debug)]
pub(crate) struct Pools {
    pools: BTreeMap<usize, Pool>,
    /// What is left of memory and threads beside their workers.
    pub(crate) budget: Budget,
}

#[derive(Debug)]
struct Pool {
    chain: Arc<Chain>,
    config: PoolConfig,
    wanted: u32,
    /// What each worker sees of accelerators.
    sights: Vec<Sight>,
}

impl Pools {
    /// The pools that a job needs, within its memory and accelerators.
    ///
    /// # Errors
    ///
    /// If it needs Python and has none, or if not even one worker of each fits.
    pub(crate) fn new(job: &Job) -> Result<Self, Error> {
        let mut chains = Vec::new();
        for (i, stage) in job.plan.stages().iter().enumerate() {
            if !stage.is_outside {
                continue;
            }
            let python = job.python.as_ref().ok_or_else(|| {
                Error::usage("the recipe has Python operators, and nothing to run them with")
            })?;
            let operators = &job.plan.operators()[stage.operators.clone()];
            let chain = Chain::of(python, operators, job.row_bytes_max.0);
            chains.extend(chain.map(|chain| (i, Arc::new(chain))));
        }
        let declared = chains.iter().filter_map(|(_, chain)| chain.pool().memory);
        let budget = budget(job, ByteCount(declared.map(|memory| memory.0).sum()))?;
        let asks: Vec<Ask> = { chains.iter() }
            .map(|(_, chain)| ask(chain, budget.threads as i64))
            .collect();
        let granted = grant(&asks, budget.left, &job.devices)?;
        let pools =
            { chains.into_iter().zip(asks).zip(granted) }.map(|(((stage, chain), ask), sights)| {
                let config = config(chain.pool(), sights.len() as u32);
                let pool = Pool {
                    chain,
                    config,
                    wanted: ask.wanted,
                    sights,
                };
                (stage, pool)
            });
        Ok(Self {
            pools: pools.collect(),
            budget,
        })
    }

    pub(crate) fn config(&self, stage: usize) -> PoolConfig {
        self.pools[&stage].config
    }

    /// What runs in a stage, if it runs outside.
    pub(crate) fn chain(&self, stage: usize) -> Option<&Arc<Chain>> {
        self.pools.get(&stage).map(|pool| &pool.chain)
    }

    /// Worker processes at the most.
    pub(crate) fn n_workers(&self) -> usize {
        let workers = |pool: &Pool| pool.config.workers_max as usize;
        self.pools.values().map(workers).sum()
    }

    /// What worker processes hold: processors beside those of threads, which mostly
    /// wait for them, accelerators, and memory as far as they say what they need.
    pub(crate) fn resources(&self) -> Resources {
        let held = |pool: &Pool| {
            let n = i64::from(pool.config.workers_max);
            pool.config.worker.map(|amount| amount * n)
        };
        let pools = self.pools.values().map(held);
        pools.fold(Resources::ZERO, |sum, one| sum + one)
    }

    /// For people.
    pub(crate) fn views(&self) -> Vec<PoolView> {
        let view = |pool: &Pool| PoolView {
            name: pool.chain.name(),
            workers: pool.config.workers_max,
            wanted: pool.wanted,
            memory: pool.chain.pool().memory,
            devices: { pool.sights.iter() }
                .filter(|sight| !sight.is_empty())
                .map(|sight| sight.iter().map(|(name, of)| format!("{name}={of}")))
                .map(|variables| variables.collect::<Vec<_>>().join(" "))
                .collect(),
        };
        self.pools.values().map(view).collect()
    }
}

fn ask(chain: &Chain, threads: i64) -> Ask {
    let pool = chain.pool();
    let fitting = (threads * 1000 / millicpus(pool).max(1)).clamp(1, threads);
    Ask {
        name: chain.name(),
        wanted: pool.workers.unwrap_or(fitting as u32),
        memory: pool.memory,
        gpus: pool.gpus,
        npus: pool.npus,
    }
}

fn millicpus(pool: &PoolParams) -> i64 {
    (pool.cpus * 1000.0) as i64
}

fn config(pool: &PoolParams, workers: u32) -> PoolConfig {
    let accelerators = (pool.gpus + pool.npus) * 1000.0;
    PoolConfig {
        worker: Resources::millicpus(millicpus(pool))
            .with(Resource::GPU, accelerators as i64)
            .with(
                Resource::MEMORY,
                pool.memory.map_or(0, |memory| memory.0 as i64),
            ),
        workers_min: workers,
        workers_max: workers,
        slots: SLOTS,
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
    chain: Arc<Chain>,
    begin: Sender<Begin>,
    begun: u32,
    doors: HashMap<WorkerId, Sender<Batch<Tag>>>,
    /// A worker that nobody has asked for yet, and whether it is ready.
    warm: Option<(WorkerId, bool)>,
    /// How many workers were asked for.
    wanted: u32,
    /// Whether it is not known what memory a worker needs, and there is a limit:
    /// then all but the first begin when [`Crew::grow`] finds room for them.
    is_measured: bool,
}

impl Crew {
    /// Starts one worker ahead: it imports while the first block is read.
    fn new(chain: &Arc<Chain>, begin: Sender<Begin>, has_limit: bool) -> Self {
        let mut crew = Self {
            chain: Arc::clone(chain),
            begin,
            begun: 0,
            doors: HashMap::new(),
            warm: None,
            wanted: 0,
            is_measured: has_limit && chain.pool().memory.is_none(),
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

    /// Sees to it that there are so many workers, or will be when there is room.
    /// Returns one that is ready already.
    pub(crate) fn scale(&mut self, workers: u32) -> Option<WorkerId> {
        let warm = self.warm.take();
        self.wanted = workers;
        let now = if self.is_measured { 1 } else { workers };
        while self.doors.len() < now as usize {
            self.begin();
        }
        warm.and_then(|(worker, is_ready)| is_ready.then_some(worker))
    }

    /// Begins workers that are waited for, as long as there is `room` for one of the
    /// size of the largest. Returns the room that is left.
    pub(crate) fn grow(&mut self, mut room: u64) -> u64 {
        let largest = self.chain.resident_bytes().into_iter().max();
        let Some(largest) = largest.filter(|_| self.is_measured) else {
            return room;
        };
        while self.doors.len() < self.wanted as usize && largest <= room {
            self.begin();
            room -= largest;
        }
        room
    }

    /// Bytes of memory that its workers take; and those that they count for: what
    /// they said to need, or what they take, of one that is not ready as much as of
    /// the largest that is.
    pub(crate) fn memory(&self) -> (u64, u64) {
        let resident = self.chain.resident_bytes();
        let takes = resident.iter().sum();
        let n = self.doors.len() as u64;
        let counts = match (self.chain.pool().memory, resident.iter().max()) {
            (Some(declared), _) => declared.0 * n,
            (None, Some(largest)) => takes + largest * n.saturating_sub(resident.len() as u64),
            (None, None) => 0,
        };
        (takes, counts)
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
        self.wanted = self.wanted.saturating_sub(1);
        if self.doors.is_empty() && self.wanted > 0 {
            self.begin();
        }
    }

    /// Hands a block to a worker.
    pub(crate) fn submit(&self, worker: WorkerId, tag: Tag, samples: Vec<Sample>) {
        if let Some(door) = self.doors.get(&worker) {
            drop(door.send(Batch { tag, samples }));
        }
    }
}

/// The crews of a pipeline, and what their threads wait for.
pub(crate) fn crews(
    pipeline: &Pipeline,
    pools: &Pools,
    has_limit: bool,
) -> (BTreeMap<OpIdx, Crew>, Vec<Post>) {
    let mut crews = BTreeMap::new();
    let mut posts = Vec::new();
    for (op, step) in pipeline.steps.iter().enumerate() {
        let Step::Outside(part) = step else {
            continue;
        };
        let Some(pool) = pools.pools.get(&part.stage) else {
            continue;
        };
        let (begin, begins) = bounded(pool.sights.len());
        posts.extend(pool.sights.iter().map(|sight| Post {
            op,
            chain: Arc::clone(&pool.chain),
            sight: sight.clone(),
            begins: begins.clone(),
        }));
        crews.insert(op, Crew::new(&pool.chain, begin, has_limit));
    }
    (crews, posts)
}

/// What a thread of a pool needs.
pub(crate) struct Post {
    op: OpIdx,
    chain: Arc<Chain>,
    sight: Sight,
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
            let seat = Seat {
                number: worker.0,
                environment: self.sight.clone(),
            };
            if let Err(message) = drive(&self.chain, &seat, &blocks, &mut teller) {
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
