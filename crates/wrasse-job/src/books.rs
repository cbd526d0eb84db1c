//! [`Books`]: the accounting of a run that is under way.

use std::collections::HashMap;

use wrasse_run::{Tally, Written};
use wrasse_sched::BlockId;

use crate::{Cancel, Job, Pipeline, RunResult};

/// The accounting of what is under way.
pub struct Books {
    /// What was done to blocks that are not written yet, by their names.
    pub in_flight: HashMap<u64, Tally>,
    /// Blocks with the writer.
    pub writing: HashMap<BlockId, Tally>,
    /// Blocks that wait at exchanges, in all.
    pub absorbed: Tally,
    /// Blocks that are written, in all.
    pub written: Tally,
    /// Rows that a limited run has still to read.
    pub rows_left: u64,
    /// Whether all rows were read that a limited run reads.
    pub has_read_all: bool,
    /// Whether the limit on rejects was passed.
    pub too_many_rejects: bool,
}

impl Books {
    /// Of a run that begins, or goes on behind what is `written`.
    pub fn new(job: &Job, pipeline: &Pipeline, written: Tally) -> Self {
        // What is before an exchange is done once more by a resumed run.
        let rows_done = match pipeline.has_exchange() {
            true => 0,
            false => written.rows_in,
        };
        let rows_left = job
            .limit
            .map_or(u64::MAX, |limit| limit.saturating_sub(rows_done));
        Self {
            in_flight: HashMap::new(),
            writing: HashMap::new(),
            absorbed: Tally::default(),
            written,
            rows_left,
            has_read_all: rows_left == 0 && !pipeline.has_exchange(),
            too_many_rejects: false,
        }
    }

    /// What was done in all.
    pub fn tally(&self) -> Tally {
        let mut tally = self.written.clone();
        tally.add(&self.absorbed);
        for under_way in self.in_flight.values().chain(self.writing.values()) {
            tally.add(under_way);
        }
        tally
    }

    /// Whether the output is complete when the scheduler has come to its end.
    pub fn is_complete(&self, cancel: &Cancel) -> bool {
        !self.too_many_rejects && (!cancel.is_cancelled() || self.has_read_all)
    }

    /// How the run went, as far as the books tell; times and sizes are left at
    /// nothing.
    pub fn result(&self, job: &Job, written: Written) -> RunResult {
        let complete = written.finished.is_some();
        let finished = written.finished.unwrap_or_default();
        RunResult {
            too_many_rejects: self.too_many_rejects
                || (complete && job.max_rejects.is_exceeded(&written.tally)),
            tally: written.tally,
            examples: written.examples,
            parts: finished.parts,
            conflicts: finished.conflicts,
            warnings: Vec::new(),
            complete,
            was_done: false,
            resumed: false,
            elapsed_s: 0.0,
            cpu_s: None,
            peak_bytes: 0,
            threads: 0,
        }
    }
}
