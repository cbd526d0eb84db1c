//! Filters that another program runs, and that decide once more: with the
//! parameters of `wrasse tune`, on the stats of an analysis.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use wrasse_op::{KEPT, Operator, Outside};
use wrasse_pyhost::{Again, Measured, Python, Undecided};

use crate::failure::Failure;
use crate::stats_table::{StatsRow, StatsTable};
use crate::tune::{columns_of, value};

/// Samples whose stats a worker gets at a time: some hundred KB.
const BATCH_ROWS: usize = 4096;

/// What a filter has decided, by split of the stats and row in it. Of samples
/// that did not come to it nothing is said.
pub(crate) struct Decisions(Vec<Vec<bool>>);

impl Decisions {
    pub(crate) fn keeps(&self, row: &StatsRow<'_>) -> bool {
        let kept = self.0.get(row.split).and_then(|rows| rows.get(row.number));
        kept.copied().unwrap_or(true)
    }
}

/// A filter whose parameters are others than those that it has measured with.
pub(crate) struct DecidesAgain<'a> {
    pub(crate) python: &'a Arc<Python>,
    pub(crate) operator: &'a Operator,
    /// Its number in the recipe, from 1.
    pub(crate) step: usize,
    /// Its number in the recipe that was analyzed.
    pub(crate) measured_as: u64,
    pub(crate) measured_with: &'a Map<String, Value>,
}

impl DecidesAgain<'_> {
    /// Its decisions on all stats, made by up to `threads` workers, each with
    /// splits of its own.
    pub(crate) fn over(&self, table: &StatsTable, threads: usize) -> Result<Decisions, Failure> {
        let Some(outside) = self.operator.runs_outside() else {
            return Ok(Decisions(Vec::new()));
        };
        let workers = outside
            .pool
            .workers
            .map_or(threads, |n| threads.min(n as usize));
        let next = AtomicUsize::new(0);
        let decided = Mutex::new(Ok(vec![Vec::new(); table.n_splits()]));
        let work = || {
            let result = self.work(outside, table, &next, &|split, kept| {
                let mut decided = decided.lock().unwrap_or_else(PoisonError::into_inner);
                if let Ok(decided) = decided.as_mut() {
                    decided[split] = kept;
                }
            });
            if let Err(failure) = result {
                // The others need not go on.
                next.store(table.n_splits(), Ordering::Relaxed);
                *decided.lock().unwrap_or_else(PoisonError::into_inner) = Err(failure);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..workers.min(table.n_splits()) {
                scope.spawn(work);
            }
            work();
        });
        let decided = decided.into_inner();
        decided
            .unwrap_or_else(PoisonError::into_inner)
            .map(Decisions)
    }

    /// Decides on splits, one after the other, until there are no more.
    fn work(
        &self,
        outside: &Outside,
        table: &StatsTable,
        next: &AtomicUsize,
        done: &dyn Fn(usize, Vec<bool>),
    ) -> Result<(), Failure> {
        let mut worker = None;
        loop {
            let split = next.fetch_add(1, Ordering::Relaxed);
            if split >= table.n_splits() {
                return Ok(());
            }
            let worker = match &mut worker {
                Some(worker) => worker,
                none => none.insert(self.start(outside)?),
            };
            done(split, self.split(table, split, worker)?);
        }
    }

    fn start(&self, outside: &Outside) -> Result<Again, Failure> {
        let name = self.operator.name();
        Again::start(self.python, name, outside, self.measured_with)
            .map_err(|why| self.failure(why))
    }

    fn split(
        &self,
        table: &StatsTable,
        split: usize,
        worker: &mut Again,
    ) -> Result<Vec<bool>, Failure> {
        let columns = columns_of(table, self.operator, self.measured_as);
        let mut kept = Vec::new();
        let (mut waiting, mut places) = (Vec::new(), Vec::new());
        let mut failed = None;
        let mut decide =
            |waiting: &mut Vec<Measured>, places: &mut Vec<usize>, kept: &mut Vec<bool>| {
                match worker.decide(std::mem::take(waiting)) {
                    Ok(answers) => {
                        for (place, answer) in std::mem::take(places).into_iter().zip(answers) {
                            kept[place] = answer;
                        }
                    }
                    Err(why) => failed = Some(self.failure(why)),
                }
                failed.is_none()
            };
        table.rows(split, &mut |row| {
            kept.push(true);
            if let Some(measured) = measured(row, &columns) {
                waiting.push(measured);
                places.push(row.number);
            }
            waiting.len() < BATCH_ROWS || decide(&mut waiting, &mut places, &mut kept)
        })?;
        if !waiting.is_empty() {
            decide(&mut waiting, &mut places, &mut kept);
        }
        failed.map_or(Ok(kept), Err)
    }

    fn failure(&self, why: Undecided) -> Failure {
        let step = format!("step {} (`{}`)", self.step, self.operator.name());
        match why {
            Undecided::Refused(reason) => Failure::usage(format!(
                "{step} cannot be decided again on its stats: {reason}"
            ))
            .with_hint("run `wrasse analyze` with this recipe first"),
            Undecided::Broken(error) => Failure::usage(format!(
                "{step} cannot be decided again on its stats: its worker failed: {error}"
            )),
        }
    }
}

/// What was measured on a sample; `None` if it did not come to the filter.
fn measured(row: &StatsRow<'_>, columns: &[(String, Vec<usize>)]) -> Option<Measured> {
    let mut stats = Map::new();
    let mut kept = None;
    for (name, columns) in columns {
        let Some(stat) = value(row, columns) else {
            continue;
        };
        if name == KEPT {
            kept = stat.as_f64().map(|kept| kept != 0.0);
        } else {
            stats.insert(name.clone(), stat.to_json());
        }
    }
    kept.map(|kept| Measured { stats, kept })
}
