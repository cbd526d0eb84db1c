//! [`dry_run`]: a sample of the input through the whole plan, writing nothing.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use wrasse_core::ByteCount;
use wrasse_io::{ReadLimits, SinkSpec, open, open_sink, splits};
use wrasse_job::{Job, exchanges, list, process};
use wrasse_plan::End;
use wrasse_pyhost::Single;
use wrasse_run::{BlockState, Error, ExchangeStore, FingerprintSet, Part, Pass, Tally, Work};

use crate::pools::Pools;
/// What a sample of the input told.
#[derive(Clone, Debug)]
pub struct DryRun {
    /// The accounting of the sample.
    pub tally: Tally,
    /// Bytes of input that were sampled, as stored.
    pub sampled_bytes: u64,
    /// Bytes of input in all, if known.
    pub bytes_total: Option<u64>,
    /// Input files.
    pub n_files: usize,
    /// Processor seconds that the sample took on one thread.
    pub cpu_s: f64,
    /// Lines of the reject file that a run would write for the sample.
    pub rejects: String,
    /// Things a user should know.
    pub warnings: Vec<String>,
}

impl DryRun {
    /// How many times larger the whole input is than the sample.
    pub fn factor(&self) -> Option<f64> {
        let total = self.bytes_total? as f64;
        (self.sampled_bytes > 0).then(|| total / self.sampled_bytes as f64)
    }
}

/// The input is cut this finely, so that a sample is spread over it.
const SPLIT: ByteCount = ByteCount(1 << 20);

/// Runs about `sample` of the input, taken in blocks at equal distances from
/// its beginning to its end, on this thread.
///
/// Duplicates are found within the sample alone: in the whole input there are
/// more.
///
/// # Errors
///
/// If the input cannot be read.
#[expect(clippy::disallowed_methods, reason = "measures what the sample costs")]
pub fn dry_run(job: &Job, sample: ByteCount) -> Result<DryRun, Error> {
    let inputs = Arc::new(list(job)?);
    let splits = splits(&inputs, SPLIT)?;
    let staging = std::env::temp_dir().join(format!("wrasse-dry-run-{}", std::process::id()));
    let spec = SinkSpec {
        path: staging.join("dry-run.jsonl").to_string_lossy().into_owned(),
        text_key: "text".to_owned(),
        format: None,
        part_bytes: None,
        staging: staging.clone(),
        replace: false,
    };
    let encoder = open_sink(&spec, None)?.encoder();
    std::fs::create_dir_all(&staging)
        .map_err(|error| Error::io(format!("cannot use {}", staging.display()), error))?;
    // Nothing is written there but samples that wait, in files without names.
    let _staging = Staging(staging.clone());
    let plan = Arc::clone(&job.plan);
    let pass = Pass::new(plan, Arc::clone(&inputs), encoder, job.pass.clone());
    let limits = ReadLimits {
        block_bytes: job.block_bytes.0.min(SPLIT.0) as usize,
        row_bytes_max: job.row_bytes_max.0 as usize,
    };
    let (exchanges, decision_bytes) = exchanges(job, &staging, ExchangeStore::new);
    let mut line = Line {
        pass: &pass,
        seen: (0..job.plan.n_boundaries())
            .map(|_| FingerprintSet::default())
            .collect(),
        exchanges,
        tally: Tally::new(job.plan.operators().len()),
        rejects: Vec::new(),
        pools: Pools::new(job)?,
        workers: HashMap::new(),
    };
    let wanted = (sample.0 / SPLIT.0).max(1) as usize;
    let step = splits.len().div_ceil(wanted).max(1);
    let began = Instant::now();
    let cpu_before = process::cpu_seconds();
    for split in splits.iter().step_by(step) {
        let mut reader = match open(&inputs, split, limits) {
            Ok(reader) => reader,
            Err(error) => {
                let mut state = pass.empty();
                state.damaged(&error);
                line.out(state);
                continue;
            }
        };
        let mut left = sample.0.div_ceil(wanted as u64).max(1);
        while left > 0 {
            let state = match reader.next_block() {
                Ok(Some(block)) => {
                    left = left.saturating_sub(block.input_bytes.max(1));
                    pass.run(0, Work::Rows(block, u64::MAX))
                        .map_err(Error::failed)?
                }
                Ok(None) => break,
                Err(error) => {
                    left = 0;
                    let mut state = pass.empty();
                    state.damaged(&error);
                    state
                }
            };
            line.go_on(0, state).map_err(Error::failed)?;
        }
    }
    line.close(decision_bytes, job.block_bytes.0)
        .map_err(Error::failed)?;
    let Line { tally, rejects, .. } = line;
    tally
        .check()
        .map_err(|what| Error::failed(format!("the books do not balance: {what}")))?;
    Ok(DryRun {
        sampled_bytes: tally.bytes_in,
        bytes_total: inputs.files.iter().map(|file| file.bytes).sum(),
        n_files: inputs.files.len(),
        tally,
        cpu_s: match (cpu_before, process::cpu_seconds()) {
            // The clock of the system ticks in hundredths: for less than a few
            // of them the time that passed says more.
            (Some(before), Some(after)) if after - before > 0.1 => after - before,
            _ => began.elapsed().as_secs_f64(),
        },
        rejects: String::from_utf8_lossy(&rejects).into_owned(),
        warnings: inputs.warnings.clone(),
    })
}

/// The way of blocks through the stages, one after the other.
struct Line<'a> {
    pass: &'a Pass,
    seen: Vec<FingerprintSet>,
    exchanges: Vec<Option<ExchangeStore>>,
    tally: Tally,
    rejects: Vec<u8>,
    pools: Pools,
    workers: HashMap<usize, Single>,
}

impl Line<'_> {
    /// Takes a block from the end of stage `stage` to the sink, or to where it
    /// has to wait for all others.
    fn go_on(&mut self, stage: usize, mut state: BlockState) -> Result<(), String> {
        for stage in stage.. {
            match self.pass.plan().stages()[stage].end {
                End::Sink => break,
                End::Next => {}
                End::Gate(_) => self.pass.decide(stage, &mut state, &mut self.seen[stage]),
                End::Exchange(_) => {
                    return match &mut self.exchanges[stage] {
                        Some(store) => store.absorb(state),
                        None => Err("an exchange is missing".to_owned()),
                    };
                }
            }
            state = self.run(stage + 1, state)?;
        }
        self.out(state);
        Ok(())
    }

    /// Lets every exchange decide, in order, and takes its output on.
    fn close(&mut self, decision_bytes: usize, block_bytes: u64) -> Result<(), String> {
        for stage in 0..self.exchanges.len() {
            let Some(mut store) = self.exchanges[stage].take() else {
                continue;
            };
            for split in 0..store.close(self.pass, decision_bytes, block_bytes)? {
                let state = store.read(self.pass, split)?;
                let state = self.run(stage + 1, state)?;
                self.go_on(stage + 1, state)?;
            }
        }
        Ok(())
    }

    fn run(&mut self, stage: usize, mut state: BlockState) -> Result<BlockState, String> {
        let Some(chain) = self.pools.chain(stage) else {
            return self.pass.run(stage, Work::State(Box::new(state)));
        };
        let worker = self
            .workers
            .entry(stage)
            .or_insert_with(|| Single::new(chain));
        let (samples, made) = worker.run(state.take_samples())?;
        let part = Part {
            stage,
            operators: self.pass.plan().stages()[stage].operators.clone(),
            ends_stage: true,
        };
        Ok(self.pass.settle(&part, state, samples, made))
    }

    fn out(&mut self, mut state: BlockState) {
        if let Some(rows) = state.take_encoded() {
            state.tally.bytes_out = rows.row_bytes() as u64;
        }
        self.tally.add(&state.tally);
        self.rejects.extend(state.rejects.into_bytes());
    }
}

/// A folder that goes when it is not used any more.
struct Staging(PathBuf);

impl Drop for Staging {
    fn drop(&mut self) {
        // A folder that stays does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
