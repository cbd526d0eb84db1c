//! [`Pass`]: one stage over one block, sample by sample.
//!
//! A sample goes through all operators of the stage before the next one is
//! touched, so that its text stays hot in cache; what survives is encoded at
//! once if nothing but the sink comes after. Nothing here waits, and nothing
//! is shared but the operators: any thread can run any block.
//!
//! A sample that fails (an error, or a panic in an operator) becomes a reject
//! and costs nothing but itself.

mod flow;
mod measuring;
mod outside;
mod packing;
mod showing;
mod state;

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wrasse_core::Origin;
use wrasse_io::{Block, BlockBuilder, Encoder, Inputs};
use wrasse_plan::{End, Plan, Stage};

use crate::clusters::{Copies, Deduplicator};
use crate::examples::Did;
use crate::record::{Reject, file_name, write_dropped};
use crate::{FingerprintSet, Tally};

pub(crate) use flow::guarded;
use flow::{Flow, Source, Waiting, held_since};
pub use measuring::{Measuring, columns as stats_columns};
pub use outside::{Changes, Fate, FateEnd, Made, NewValue, Told};
pub(crate) use packing::pack_and_measure;
pub use packing::{Packed, Packing, pack, unpack};
pub use state::BlockState;

/// What a recipe asks of the pass beyond its operators.
#[derive(Clone, Debug, Default)]
pub struct PassSettings {
    /// Write measured values with each sample (`keep_stats_in_res_ds`).
    pub keep_stats: bool,
    /// Write fingerprints with each sample (`keep_hashes_in_res_ds`).
    pub keep_hashes: bool,
    /// Record every dropped sample with the reason.
    pub trace_dropped: bool,
    /// Record which samples are duplicates of which.
    pub clusters: bool,
    /// Measure and decide nothing: a row of stats for each sample instead of the
    /// sample. The plan then has no gates and exchanges.
    pub measuring: Option<Arc<Measuring>>,
    /// Keep a few examples of what each operator does. Changes and duplicates,
    /// for which texts are copied, are looked for in this share of the samples;
    /// above 1 for inputs so small that all can be.
    pub examples_share: Option<f64>,
}

/// Bytes of a watched sample's excerpt, about.
const WATCHED_BYTES: usize = 300;

/// What a stage works on.
pub enum Work {
    /// A block as read, of which at most this many rows are taken.
    Rows(Block, u64),
    /// A block that came through a gate.
    State(Box<BlockState>),
}

/// What runs as one task: the operators of a stage, or some of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The stage.
    pub stage: usize,
    /// Its operators that run, as indices into the plan's.
    pub operators: Range<usize>,
    /// Whether the stage ends here: with fingerprints, or encoded rows.
    pub ends_stage: bool,
}

/// What a task made of its block.
pub struct Ran {
    /// The output.
    pub state: BlockState,
    /// Samples that are left, because the output is large enough, and how many
    /// were taken before them.
    pub rest: Option<(usize, Box<BlockState>)>,
}

/// The stages of a run, ready to run on any thread.
#[derive(Clone)]
pub struct Pass {
    plan: Arc<Plan>,
    inputs: Arc<Inputs>,
    encoder: Arc<dyn Encoder>,
    settings: PassSettings,
}

impl Pass {
    /// The stages of `plan`, with rows encoded by `encoder`.
    pub fn new(
        plan: Arc<Plan>,
        inputs: Arc<Inputs>,
        encoder: Arc<dyn Encoder>,
        settings: PassSettings,
    ) -> Self {
        Self {
            plan,
            inputs,
            encoder,
            settings,
        }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The input files.
    pub(crate) fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// What a recipe asks beyond its operators.
    pub fn settings(&self) -> &PassSettings {
        &self.settings
    }

    /// The place that a sample came from, for people.
    pub(crate) fn place(&self, origin: Origin) -> String {
        let file = file_name(&self.inputs, origin);
        match origin.piece {
            0 => format!("{file}:{}", origin.position),
            piece => format!("{file}:{} piece {piece}", origin.position),
        }
    }

    /// A deduplicator as the lines of its clusters name it.
    pub(crate) fn deduplicator(&self, op: usize) -> Deduplicator {
        Deduplicator {
            operator: self.plan.operators()[op].name().to_owned(),
            step: op + 1,
        }
    }

    /// The deduplicators by gate, as [`crate::Gates`] has them.
    pub fn deduplicators(&self) -> Vec<Option<Deduplicator>> {
        let of = |stage: &Stage| match stage.end {
            End::Gate(op) => Some(self.deduplicator(op)),
            End::Exchange(_) | End::Sink | End::Next => None,
        };
        let stages = &self.plan.stages()[..self.plan.n_boundaries()];
        stages.iter().map(of).collect()
    }

    /// A block without rows.
    pub fn empty(&self) -> BlockState {
        BlockState {
            tally: Tally::new(self.plan.operators().len()),
            fresh: vec![Vec::new(); self.plan.n_boundaries()],
            copies: vec![Copies::default(); self.plan.n_boundaries()],
            ..BlockState::default()
        }
    }

    /// Runs a stage over a block.
    ///
    /// # Errors
    ///
    /// If an operator reports a fatal failure: the run cannot go on.
    pub fn run(&self, stage: usize, work: Work) -> Result<BlockState, String> {
        let part = Part {
            stage,
            operators: self.plan.stages()[stage].operators.clone(),
            ends_stage: true,
        };
        Ok(self.run_part(&part, work, usize::MAX)?.state)
    }

    /// Runs operators over a block until the output holds `bytes_max`; the
    /// sample that crosses the limit is done whole. A block as read is always
    /// done whole.
    ///
    /// # Errors
    ///
    /// If an operator reports a fatal failure: the run cannot go on.
    pub fn run_part(&self, part: &Part, work: Work, bytes_max: usize) -> Result<Ran, String> {
        let (mut state, source) = match work {
            Work::Rows(block, rows_max) => (self.empty(), Source::Rows(block, rows_max)),
            Work::State(mut state) => {
                let samples = std::mem::take(&mut state.samples);
                state.fingerprints.clear();
                state.origins.clear();
                state.watched.clear();
                state.keys.clear();
                (*state, Source::Samples(samples))
            }
        };
        if let Source::Samples(samples) = &source
            && samples.is_empty()
            && state.encoded.is_some()
        {
            return Ok(Ran { state, rest: None });
        }
        let encodes = part.ends_stage && self.encodes_in(part.stage);
        let mut flow = Flow {
            pass: self,
            part,
            end: match part.ends_stage {
                true => self.plan.stages()[part.stage].end,
                false => End::Sink,
            },
            builder: encodes.then(|| self.encoder.start()),
            state: &mut state,
            tick: 0,
            waiting: Waiting::default(),
        };
        if let Some(builder) = &mut flow.builder {
            // Rows hardly grow; a little room spares the next doubling.
            let bytes = source.bytes();
            builder.reserve((bytes + bytes / 16).min(bytes_max));
        }
        flow.sort_ended();
        let mut rest = None;
        match source {
            Source::Rows(block, rows_max) => flow.rows(block, rows_max)?,
            Source::Samples(samples) => {
                let (mut taken, mut out) = (0, 0);
                let mut samples = samples.into_iter();
                for sample in samples.by_ref() {
                    let before = flow.state.samples.len();
                    flow.sample(sample)?;
                    taken += 1;
                    out += held_since(&flow.state.samples, before);
                    if out + flow.waiting.bytes + flow.builder.as_ref().map_or(0, |b| b.row_bytes())
                        >= bytes_max
                    {
                        break;
                    }
                }
                if samples.len() > 0 {
                    let mut left = self.empty();
                    left.samples = samples.collect();
                    // They stand between these.
                    left.ended = std::mem::take(&mut flow.state.ended);
                    rest = Some((taken, Box::new(left)));
                }
            }
        }
        flow.take_fingerprints()?;
        flow.put_ended(None)?;
        let encoded = flow.builder.map(BlockBuilder::finish);
        if let Some(encoded) = encoded {
            state.tally.rows_out += encoded.n_rows() as u64;
            state.encoded = Some(encoded);
        }
        Ok(Ran { state, rest })
    }

    /// Rejects the samples of a block, each of which has killed `attempts` workers
    /// when it was to go through `part`: with the first operator to blame, since
    /// nobody can say which.
    ///
    /// # Errors
    ///
    /// If there is no operator to blame.
    pub fn poisoned(
        &self,
        part: &Part,
        state: &mut BlockState,
        attempts: u32,
    ) -> Result<(), String> {
        let at = part.operators.start;
        let operator = self.plan.operators().get(at);
        let operator = operator.ok_or("samples cannot be written: they kill their workers")?;
        for sample in std::mem::take(&mut state.samples) {
            let tally = &mut state.tally.operators[at];
            tally.rows_in += 1;
            tally.bytes_in += sample.work_bytes() as u64;
            tally.rejected += 1;
            let error = "the worker died at it each time";
            let reject = Reject {
                attempts,
                ..Reject::of_sample(&sample, &self.inputs, operator.name(), error)
            };
            state
                .rejects
                .append(sample.origin(), |out| reject.write(out));
        }
        Ok(())
    }

    /// Puts a block through gate `gate`. Must be called in input order.
    pub fn decide(&self, gate: usize, state: &mut BlockState, seen: &mut FingerprintSet) {
        let keep = seen.judge(&state.fingerprints);
        self.let_pass(gate, state, keep);
    }

    /// Does to a block what was decided at gate `gate` by its fingerprints, with
    /// one verdict each: wherever the block is.
    pub fn let_pass(&self, gate: usize, state: &mut BlockState, keep: Vec<bool>) {
        let End::Gate(op) = self.plan.stages()[gate].end else {
            return;
        };
        let fingerprints = std::mem::take(&mut state.fingerprints);
        let origins = std::mem::take(&mut state.origins);
        let watched = std::mem::take(&mut state.watched);
        debug_assert_eq!(keep.len(), fingerprints.len());
        for ((print, origin), keep) in fingerprints.iter().zip(&origins).zip(&keep) {
            state.copies[gate].push(*print, *origin, *keep);
        }
        for (i, example) in watched {
            if keep.get(i) == Some(&false) {
                state.examples.push(op, Did::Dropped, example);
            }
        }
        let kept = keep.iter().filter(|keep| **keep).count() as u64;
        let tally = &mut state.tally.operators[op];
        tally.rows_out += kept;
        tally.duplicates += keep.len() as u64 - kept;
        // What is before an exchange is done once more by a resumed run.
        if self.plan.last_exchange().is_none_or(|last| last < gate) {
            state.fresh[gate] = fingerprints
                .iter()
                .zip(&keep)
                .filter_map(|(print, keep)| keep.then_some(*print))
                .collect();
        }
        if let Some(encoded) = &mut state.encoded {
            encoded.retain(&keep);
            state.tally.rows_out = kept;
            return;
        }
        let name = self.plan.operators()[op].name();
        let samples = std::mem::take(&mut state.samples);
        for ((sample, keep), print) in samples.into_iter().zip(keep).zip(fingerprints) {
            if keep {
                state.samples.push(sample);
            } else if self.settings.trace_dropped {
                let reason = format!("duplicate of an earlier sample with hash {print:032x}");
                state.dropped.append(sample.origin(), |out| {
                    write_dropped(&sample, &self.inputs, name, &reason, &[], out);
                });
            }
        }
    }

    /// Whether rows are encoded in stage `stage`: in the last one, or before
    /// its gate if nothing comes after but the sink. (A traced duplicate is
    /// needed whole.)
    fn encodes_in(&self, stage: usize) -> bool {
        let last = self.plan.stages().len() - 1;
        stage == last
            || (stage + 1 == last
                && self.plan.encodes_before(stage)
                && !self.settings.trace_dropped)
    }
}
