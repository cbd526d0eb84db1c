//! [`drive`]: a worker's thread. It keeps two batches with its worker, and when
//! the worker dies it starts another and finds out which row is to blame.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use serde_json::{Map, Value};
use wrasse_core::Sample;
use wrasse_op::{Operator, Outside, PoolParams};
use wrasse_run::{Fate, FateEnd, Made, OpTally, Told};

use crate::answer::decode;
use crate::narrow::{KILLS_MAX, Next, Range, narrow};
use crate::process::resident_bytes;
use crate::python::Python;
use crate::wire::Refusal;
use crate::worker::{Lost, SLOTS, StartError, Worker};

/// Attempts at starting a worker, one after the other, before the run ends.
const STARTS_MAX: u32 = 3;

/// Workers that may die one after the other, without an answer between them. That
/// many rows in a row do not kill: something else is wrong with them all.
const DEATHS_MAX: u32 = 200;

/// Operators that run in the same workers, one after the other.
#[derive(Debug)]
pub struct Chain {
    pub(crate) python: Arc<Python>,
    /// With their names in the recipe.
    pub(crate) operators: Vec<(String, Outside)>,
    pub(crate) pool: PoolParams,
    pub(crate) text_key: String,
    pub(crate) row_bytes_max: u64,
    /// Of a filter that decides once more: the parameters that it has measured with.
    pub(crate) measured_with: Option<Map<String, Value>>,
    /// The processes of workers that are ready.
    ready: Mutex<Vec<u32>>,
}

impl Chain {
    /// `operators` with their names in the recipe; none without one. All have the
    /// same [`PoolParams`]. A row that comes back has `row_bytes_max` at the most.
    pub fn new(
        python: &Arc<Python>,
        operators: Vec<(String, Outside)>,
        text_key: &str,
        row_bytes_max: u64,
    ) -> Option<Self> {
        let pool = operators.first()?.1.pool.clone();
        Some(Self {
            python: Arc::clone(python),
            operators,
            pool,
            text_key: text_key.to_owned(),
            row_bytes_max,
            measured_with: None,
            ready: Mutex::default(),
        })
    }

    /// The operators of a stage that runs outside, see [`Chain::new`]; none if it does not.
    pub fn of(python: &Arc<Python>, stage: &[Operator], row_bytes_max: u64) -> Option<Self> {
        let text_key = &stage.first()?.common().text_key;
        let operators: Option<Vec<_>> = stage
            .iter()
            .map(|op| Some((op.name().to_owned(), op.runs_outside()?.clone())))
            .collect();
        Self::new(python, operators?, text_key, row_bytes_max)
    }

    /// What its workers need.
    pub fn pool(&self) -> &PoolParams {
        &self.pool
    }

    /// Bytes of memory that each of its ready workers takes right now.
    pub fn resident_bytes(&self) -> Vec<u64> {
        let ready = self.of_ready(|ready| ready.clone());
        ready.into_iter().filter_map(resident_bytes).collect()
    }

    pub(crate) fn of_ready<R>(&self, does: impl FnOnce(&mut Vec<u32>) -> R) -> R {
        does(&mut self.ready.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The names of the operators.
    pub fn name(&self) -> String {
        let names: Vec<&str> = self
            .operators
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        names.join("+")
    }
}

/// Samples for the operators, and whatever goes with them.
#[derive(Debug)]
pub struct Job<T> {
    /// Comes back with the samples.
    pub tag: T,
    /// The samples.
    pub samples: Vec<Sample>,
}

/// A job that is not done yet.
struct Open<T> {
    number: u64,
    tag: T,
    samples: Vec<Sample>,
    made: Made,
    /// Rows without a fate.
    left: u32,
}

/// Who is told how jobs go.
pub trait Listener<T> {
    /// The worker has constructed its operators.
    fn ready(&mut self);
    /// The worker has the first samples of a job.
    fn began(&mut self, tag: &T);
    /// A job is done: what became of its samples.
    fn done(&mut self, tag: T, samples: Vec<Sample>, made: Made);
}

/// Who a worker is among those of its chain.
#[derive(Clone, Debug, Default)]
pub struct Seat {
    /// Its number, which what it prints goes under.
    pub number: u32,
    /// Variables of its environment, such as which accelerators it sees.
    pub environment: Vec<(&'static str, String)>,
}

/// Runs jobs until there are no more.
///
/// # Errors
///
/// If no worker can be started.
pub fn drive<T>(
    chain: &Arc<Chain>,
    seat: &Seat,
    jobs: &Receiver<Job<T>>,
    listener: &mut dyn Listener<T>,
) -> Result<(), String> {
    let Some(worker) = start(chain, seat)? else {
        return Ok(());
    };
    listener.ready();
    let mut driver = Driver {
        chain,
        seat,
        worker: Some(worker),
        open: VecDeque::new(),
        todo: VecDeque::new(),
        flight: VecDeque::new(),
        batches: 0,
        jobs_taken: 0,
        deaths: 0,
    };
    while driver.fill(jobs, listener)? {
        driver.take_answer()?;
        driver.finish(listener);
    }
    Ok(())
}

struct Driver<'a, T> {
    chain: &'a Arc<Chain>,
    seat: &'a Seat,
    /// None: it has died, and the next is started when there is work.
    worker: Option<Worker>,
    open: VecDeque<Open<T>>,
    todo: VecDeque<Range>,
    /// Batches with the worker: their numbers, and what is in them.
    flight: VecDeque<(u64, Range)>,
    batches: u64,
    jobs_taken: u64,
    /// Deaths since the last answer.
    deaths: u32,
}

impl<T> Driver<'_, T> {
    /// Gives the worker what it can have; false when there is nothing left.
    fn fill(
        &mut self,
        jobs: &Receiver<Job<T>>,
        listener: &mut dyn Listener<T>,
    ) -> Result<bool, String> {
        while self.flight.len() < SLOTS {
            if self.chain.python.is_stopped() {
                return Ok(false);
            }
            let Some(range) = self.todo.pop_front() else {
                let is_idle = self.flight.is_empty();
                match self.next_job(jobs, is_idle) {
                    Some(job) if job.samples.is_empty() => {
                        // Nobody waits for a worker, nor for the next job.
                        listener.began(&job.tag);
                        listener.done(job.tag, job.samples, self.nothing());
                    }
                    Some(job) => self.take(job),
                    None if is_idle => return Ok(false),
                    None => break,
                }
                continue;
            };
            let Some(mut worker) = self
                .worker
                .take()
                .map_or_else(|| start(self.chain, self.seat), |worker| Ok(Some(worker)))?
            else {
                return Ok(false);
            };
            self.batches += 1;
            let open = self.open.iter().find(|open| open.number == range.job);
            if let Some(open) = open
                && range.from == 0
                && range.kills == 0
            {
                listener.began(&open.tag);
            }
            let samples = open.map_or(&[][..], |open| {
                &open.samples[range.from as usize..range.to as usize]
            });
            self.flight.push_back((self.batches, range));
            // A worker that is gone is noticed when its answer is waited for.
            let _ = worker.send(self.batches, samples);
            self.worker = Some(worker);
        }
        Ok(true)
    }

    /// The next job; waits for one if `waits`.
    fn next_job(&self, jobs: &Receiver<Job<T>>, waits: bool) -> Option<Job<T>> {
        if !waits {
            return jobs.try_recv().ok();
        }
        loop {
            match jobs.recv_timeout(Duration::from_millis(100)) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) if self.chain.python.is_stopped() => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Cuts a job into batches.
    fn take(&mut self, job: Job<T>) {
        let number = self.jobs_taken;
        self.jobs_taken += 1;
        let pool = &self.chain.pool;
        let (mut from, mut bytes) = (0, 0);
        for (row, sample) in job.samples.iter().enumerate() {
            bytes += sample.work_bytes() as u64;
            let to = row + 1;
            let is_full = to - from >= pool.batch_rows || bytes >= pool.batch_bytes.0;
            if is_full || to == job.samples.len() {
                self.todo.push_back(Range {
                    job: number,
                    from: from as u32,
                    to: to as u32,
                    kills: 0,
                });
                (from, bytes) = (to, 0);
            }
        }
        self.open.push_back(Open {
            number,
            tag: job.tag,
            left: job.samples.len() as u32,
            samples: job.samples,
            made: self.nothing(),
        });
    }

    /// What was made of no rows.
    fn nothing(&self) -> Made {
        Made {
            counts: vec![OpTally::default(); self.chain.operators.len()],
            ..Made::default()
        }
    }

    /// Waits for the answer to the oldest batch.
    fn take_answer(&mut self) -> Result<(), String> {
        let (Some((batch, range)), Some(worker)) = (self.flight.front().copied(), &mut self.worker)
        else {
            return Ok(());
        };
        let answer = worker.receive(batch).and_then(|done| {
            let file = worker.answer(batch);
            decode(done, range.to - range.from, file)
                .map_err(|error| worker.lose(error.to_string()))
        });
        match answer {
            Ok(made) => {
                self.deaths = 0;
                self.flight.pop_front();
                self.settle(range, made);
            }
            Err(lost) => {
                self.deaths += 1;
                if self.deaths >= DEATHS_MAX {
                    return Err(format!(
                        "{DEATHS_MAX} workers of `{}` have died one after the other, whatever \
                         they were given; the last: {}\n{}",
                        self.chain.name(),
                        lost.cause,
                        lost.last_words
                    ));
                }
                self.recover(range, batch, &lost);
            }
        }
        Ok(())
    }

    fn settle(&mut self, range: Range, made: Made) {
        let Some(open) = self.open.iter_mut().find(|open| open.number == range.job) else {
            return;
        };
        open.left -= range.to - range.from;
        open.made
            .fates
            .extend(made.fates.into_iter().map(|fate| Fate {
                sample: fate.sample + range.from,
                ..fate
            }));
        open.made
            .told
            .extend(made.told.into_iter().map(|told| Told {
                sample: told.sample + range.from,
                ..told
            }));
        for (sum, count) in open.made.counts.iter_mut().zip(&made.counts) {
            sum.add(count);
        }
    }

    /// The worker has died over the oldest batch; the other one waited.
    fn recover(&mut self, range: Range, batch: u64, lost: &Lost) {
        self.worker = None;
        let flight = std::mem::take(&mut self.flight);
        for (_, waited) in flight.into_iter().skip(1).rev() {
            self.todo.push_front(waited);
        }
        if self.chain.python.is_stopped() {
            return;
        }
        let progress = lost
            .progress
            .filter(|progress| u64::try_from(progress.batch) == Ok(batch));
        let at = progress.and_then(|progress| u32::try_from(progress.row).ok());
        match narrow(range, at.map(|row| range.from + row)) {
            Next::Try(parts) => {
                for part in parts.into_iter().rev() {
                    self.todo.push_front(part);
                }
            }
            Next::Reject => {
                let operator = progress.map_or(0, |progress| progress.operator.max(0) as usize);
                let operator = operator.min(self.chain.operators.len() - 1);
                self.settle(range, rejected(self.chain.operators.len(), operator, lost));
            }
        }
    }

    /// Hands over the jobs that are done.
    fn finish(&mut self, listener: &mut dyn Listener<T>) {
        while let Some(at) = self.open.iter().position(|open| open.left == 0) {
            let Some(mut open) = self.open.remove(at) else {
                return;
            };
            open.made.fates.sort_by_key(|fate| fate.sample);
            open.made.told.sort_by_key(|told| told.sample);
            listener.done(open.tag, open.samples, open.made);
        }
    }
}

/// The end of a row that has cost its workers: operators before the one that it
/// was at have passed it on.
fn rejected(n_operators: usize, operator: usize, lost: &Lost) -> Made {
    let count = |at: usize| match at.cmp(&operator) {
        std::cmp::Ordering::Less => OpTally {
            rows_in: 1,
            rows_out: 1,
            whole: 1,
            ..OpTally::default()
        },
        std::cmp::Ordering::Equal => OpTally {
            rows_in: 1,
            rejected: 1,
            ..OpTally::default()
        },
        std::cmp::Ordering::Greater => OpTally::default(),
    };
    let fate = Fate {
        sample: 0,
        piece: None,
        end: FateEnd::Rejected {
            operator,
            error: lost.cause.clone(),
            trace: Some(lost.last_words.clone()).filter(|words| !words.is_empty()),
            attempts: KILLS_MAX,
        },
    };
    Made {
        fates: vec![fate],
        counts: (0..n_operators).map(count).collect(),
        told: Vec::new(),
    }
}

/// Starts a worker, again if it dies; `None` if the run ends.
fn start(chain: &Arc<Chain>, seat: &Seat) -> Result<Option<Worker>, String> {
    let mut last = String::new();
    for _ in 0..STARTS_MAX {
        match Worker::start(chain, seat) {
            Ok(worker) => return Ok(Some(worker)),
            Err(StartError::Stopped) => return Ok(None),
            Err(StartError::Refused(refusal)) => return Err(told(chain, &refusal)),
            Err(StartError::Lost(error)) => last = error,
        }
    }
    Err(format!(
        "no worker for `{}` could be started with the Python at {} (named by {}): {last}",
        chain.name(),
        chain.python.program().display(),
        chain.python.interpreter().named_by,
    ))
}

fn told(chain: &Chain, refusal: &Refusal) -> String {
    let trace = refusal.traceback.as_deref().unwrap_or_default();
    let trace = trace.trim_end();
    format!(
        "the operators `{}` cannot be constructed: {}{}{trace}",
        chain.name(),
        refusal.refused,
        if trace.is_empty() { "" } else { "\n" }
    )
}
