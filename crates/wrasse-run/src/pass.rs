//! [`Pass`]: one stage over one block, sample by sample.
//!
//! A sample goes through all operators of the stage before the next one is
//! touched, so that its text stays hot in cache; what survives is encoded at
//! once if nothing but the sink comes after. Nothing here waits, and nothing
//! is shared but the operators: any thread can run any block.
//!
//! A sample that fails (an error, or a panic in an operator) becomes a reject
//! and costs nothing but itself.

mod measuring;
mod outside;
mod packing;
mod showing;

use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use wrasse_core::{Origin, STATS_FIELD, Sample};
use wrasse_io::{Block, BlockBuilder, Encoder, Inputs, OutBlock, Row};
use wrasse_op::{Fingerprint, OpError, OpErrorKind, Operator, Outcome};
use wrasse_plan::{End, Plan, Stage};

use crate::clusters::{Copies, Deduplicator};
use crate::examples::{Did, Example, Examples};
use crate::record::{Reject, file_name, write_dropped};
use crate::{FingerprintSet, Records, Tally};

pub use measuring::{Measuring, columns as stats_columns};
pub use outside::{Changes, Fate, FateEnd, Made, NewValue, Told};
pub use packing::{pack, pack_hollow, unpack};
use showing::{Watch, values};

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

/// The field that carries a document's hash when a recipe keeps hashes.
const HASH_FIELD: &str = "__dj__hash";

/// Of every 16 samples one is timed: reading the clock around every operator
/// of every sample would cost as much as a cheap operator.
const TIMED_EVERY: u32 = 16;

/// Attempts at a sample whose operator reports a transient failure.
const ATTEMPTS_MAX: u32 = 3;

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

/// A block between two stages, with all that was recorded on its way.
#[derive(Default)]
pub struct BlockState {
    /// The accounting of this block.
    pub tally: Tally,
    /// Lines for the reject file.
    pub rejects: Records,
    /// Lines for the file of dropped samples.
    pub dropped: Records,
    /// Lines for the file of what operators wrote down.
    pub told: Records,
    /// Lines for the file of clusters.
    pub(crate) clusters: Records,
    /// What gates compared, by gate, where clusters are recorded.
    pub(crate) copies: Vec<Copies>,
    /// Fingerprints that this block was the first to have, by gate.
    pub fresh: Vec<Vec<Fingerprint>>,
    /// What operators did, shown on a few samples.
    pub examples: Examples,
    /// Of samples that wait for a gate, what could be an example of a duplicate:
    /// by number.
    watched: Vec<(usize, Example)>,
    pub(crate) samples: Vec<Sample>,
    fingerprints: Vec<Fingerprint>,
    /// Where the samples with these fingerprints came from, if that is
    /// recorded.
    origins: Vec<Origin>,
    /// The keys of the samples, on their way to an exchange.
    pub(crate) keys: Vec<Vec<u8>>,
    encoded: Option<OutBlock>,
}

impl BlockState {
    /// Whether nothing but the sink is left for this block: its rows were
    /// encoded before the last gate.
    pub fn is_encoded(&self) -> bool {
        self.encoded.is_some()
    }

    /// Says of a block that came without its rows which object has them; `first`
    /// is the number of its first row there, and then of the next block's.
    pub fn lies_in(&mut self, object: u64, first: &mut u64) {
        if let Some(rows) = &mut self.encoded {
            rows.lies_in(object, *first);
            *first += rows.n_rows() as u64;
        }
    }

    /// The encoded rows, when all stages are done.
    pub fn take_encoded(&mut self) -> Option<OutBlock> {
        self.encoded.take()
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        let samples = Sample::held_by_all(&self.samples);
        let fingerprints = self.fingerprints.len() + self.fresh.iter().map(Vec::len).sum::<usize>();
        let key = |key: &Vec<u8>| key.capacity() + size_of::<Vec<u8>>();
        samples
            + self.keys.iter().map(key).sum::<usize>()
            + fingerprints * size_of::<Fingerprint>()
            + self.rejects.memory_bytes()
            + self.dropped.memory_bytes()
            + self.told.memory_bytes()
            + self.clusters.memory_bytes()
            + self
                .copies
                .iter()
                .map(|copies| copies.bytes().len())
                .sum::<usize>()
            + self.origins.len() * size_of::<Origin>()
            + self.examples.memory_bytes()
            + self.watched.len() * (size_of::<Example>() + WATCHED_BYTES)
            + self.encoded.as_ref().map_or(0, OutBlock::memory_bytes)
    }

    /// Takes out the samples that wait for their next operator.
    pub fn take_samples(&mut self) -> Vec<Sample> {
        std::mem::take(&mut self.samples)
    }

    /// What a gate decides by, if the block comes to one next.
    pub fn fingerprints(&self) -> &[Fingerprint] {
        &self.fingerprints
    }

    /// Samples that wait for their next operator.
    pub fn n_samples(&self) -> usize {
        self.samples.len()
    }

    /// Keeps these samples, by number, and leaves the others away. Without the
    /// first one, what was recorded is left away too: it goes with that.
    pub fn cut(&mut self, rows: Range<usize>) {
        self.samples.truncate(rows.end);
        if rows.start > 0 {
            *self = Self {
                tally: Tally::new(self.tally.operators.len()),
                fresh: vec![Vec::new(); self.fresh.len()],
                copies: vec![Copies::default(); self.copies.len()],
                samples: self.samples.split_off(rows.start.min(self.samples.len())),
                ..Self::default()
            };
        }
    }

    /// Records that the file of this block is damaged behind it.
    pub fn damaged(&mut self, error: &wrasse_io::Error) {
        self.tally.damages += 1;
        self.rejects
            .append(Origin::default(), |out| Reject::of_file(error).write(out));
    }
}

/// The stages of a run, ready to run on any thread.
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
                    rest = Some((taken, Box::new(left)));
                }
            }
        }
        flow.take_fingerprints()?;
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

enum Source {
    Rows(Block, u64),
    Samples(Vec<Sample>),
}

impl Source {
    /// Bytes of the rows, about.
    fn bytes(&self) -> usize {
        match self {
            Self::Rows(block, _) => block.memory_bytes(),
            Self::Samples(samples) => Sample::held_by_all(samples),
        }
    }
}

/// One stage over one block, under way.
struct Flow<'a> {
    pass: &'a Pass,
    part: &'a Part,
    /// What is computed last, and for which operator.
    end: End,
    builder: Option<Box<dyn BlockBuilder>>,
    state: &'a mut BlockState,
    tick: u32,
    waiting: Waiting,
}

/// Samples that wait for their fingerprints, which are taken of many at once.
#[derive(Default)]
struct Waiting {
    samples: Vec<Sample>,
    watches: Vec<Option<Watch>>,
    /// What the samples hold.
    bytes: usize,
}

/// So many samples, or bytes of them, wait for their fingerprints: they should
/// still be in the cache when they are written.
const WAITING_MAX: usize = 64;
const WAITING_BYTES: usize = 512 << 10;

impl Flow<'_> {
    fn rows(&mut self, block: Block, rows_max: u64) -> Result<(), String> {
        self.state.tally.bytes_in += block.input_bytes;
        let mut rows = block.rows();
        for _ in 0..rows_max {
            let clock = self.clock();
            let Some(row) = rows.next() else {
                break;
            };
            self.state.tally.read_ns += since(clock);
            self.state.tally.rows_in += 1;
            match row {
                Row::Sample(sample) => {
                    self.state.tally.row_bytes_in += sample.row_bytes() as u64;
                    self.sample(sample)?;
                }
                Row::Bad(row) => {
                    // Rejects are in the order of the samples.
                    self.take_fingerprints()?;
                    self.state.tally.unreadable += 1;
                    self.state.tally.row_bytes_in += row.raw_bytes;
                    let origin = row.origin;
                    let reject = Reject::of_row(row, &self.pass.inputs);
                    self.state.rejects.append(origin, |out| reject.write(out));
                }
            }
        }
        Ok(())
    }

    fn sample(&mut self, sample: Sample) -> Result<(), String> {
        self.tick = self.tick.wrapping_add(1);
        if let Some(measuring) = &self.pass.settings.measuring {
            return self.measure(measuring, sample);
        }
        self.from(self.part.operators.start, sample)
    }

    /// Takes a sample through the operators from `first` on.
    fn from(&mut self, first: usize, mut sample: Sample) -> Result<(), String> {
        let watch = self.watch(&sample);
        for at in first..self.part.operators.end {
            let pass = self.pass;
            let operator = &pass.plan.operators()[at];
            let revision = sample.revision();
            let mut pieces = Vec::new();
            let before = watch.and_then(|watch| self.before(at, watch, &mut sample));
            let clock = self.clock();
            let result = attempt(Operator::apply, operator, &mut sample, &mut pieces);
            let busy = since(clock);
            let tally = &mut self.state.tally.operators[at];
            tally.rows_in += 1;
            tally.bytes_in += sample.work_bytes() as u64;
            tally.busy_ns += busy;
            match result {
                Ok(Outcome::Kept) => {
                    tally.rows_out += 1;
                    let is_changed = sample.revision() != revision;
                    tally.changed += u64::from(is_changed);
                    if let Some((watch, before)) = watch.zip(before).filter(|_| is_changed) {
                        self.show_change(at, watch, &before, &mut sample);
                    }
                }
                Ok(Outcome::Dropped) => {
                    tally.dropped += 1;
                    if let Some(watch) = watch {
                        let note = values(&sample, operator.spec().stats);
                        self.show_gone(at, Did::Dropped, watch, &mut sample, note);
                    }
                    if pass.settings.trace_dropped {
                        let (reason, stats) = ("out of range", operator.spec().stats);
                        self.state.dropped.append(sample.origin(), |out| {
                            write_dropped(
                                &sample,
                                &pass.inputs,
                                operator.name(),
                                reason,
                                stats,
                                out,
                            );
                        });
                    }
                    return Ok(());
                }
                Ok(Outcome::Sliced(n)) => {
                    tally.sliced += 1;
                    tally.rows_out += n as u64;
                    for piece in pieces {
                        self.from(at + 1, piece)?;
                    }
                    return Ok(());
                }
                Err(error) => {
                    tally.rejected += 1;
                    // Rejects are in the order of the samples.
                    self.take_fingerprints()?;
                    if let Some(watch) = watch {
                        let note = error.message.clone();
                        self.show_gone(at, Did::Rejected, watch, &mut sample, note);
                    }
                    return self.reject(operator, &sample, &error);
                }
            }
        }
        self.end(sample, watch)
    }

    /// The end of the stage: fingerprint or key, then encode or wait.
    fn end(&mut self, mut sample: Sample, watch: Option<Watch>) -> Result<(), String> {
        let pass = self.pass;
        let Some(at) = self.end.operator() else {
            self.write(sample);
            return Ok(());
        };
        let operator = &pass.plan.operators()[at];
        let Some(exchange) = operator.exchange() else {
            self.waiting.bytes += sample.held_bytes(self.waiting.samples.last());
            self.waiting.samples.push(sample);
            self.waiting.watches.push(watch);
            let is_full = self.waiting.samples.len() == WAITING_MAX;
            return match is_full || self.waiting.bytes >= WAITING_BYTES {
                true => self.take_fingerprints(),
                false => Ok(()),
            };
        };
        let clock = self.clock();
        let result = guarded(|| {
            let mut key = Vec::new();
            exchange.key(&mut sample, &mut key)?;
            Ok(key)
        });
        self.count_in(at, &sample);
        self.state.tally.operators[at].busy_ns += since(clock);
        match result {
            Ok(key) => {
                self.state.keys.push(key);
                self.write(sample);
                Ok(())
            }
            Err(error) => self.reject_at(at, &sample, &error),
        }
    }

    /// Takes the fingerprints of all samples that wait for them, and writes these.
    fn take_fingerprints(&mut self) -> Result<(), String> {
        let mut waiting = std::mem::take(&mut self.waiting);
        let Some(at) = self.end.operator().filter(|_| !waiting.samples.is_empty()) else {
            return Ok(());
        };
        let operator = &self.pass.plan.operators()[at];
        let start = now();
        let n = waiting.samples.len();
        let together = guarded(|| Ok(operator.fingerprints(&mut waiting.samples)));
        let found = match together {
            Ok(Some(found)) if found.len() == n => found,
            // After a panic: who is to blame is found out one by one.
            _ => {
                let alone = |sample: &mut Sample| guarded(|| operator.fingerprint(sample));
                let prints = waiting.samples.iter_mut().map(alone);
                prints
                    .map(|print| print.map(Option::unwrap_or_default))
                    .collect()
            }
        };
        self.state.tally.operators[at].busy_ns += start.elapsed().as_nanos() as u64;
        let samples = waiting.samples.into_iter().zip(waiting.watches);
        for ((mut sample, watch), print) in samples.zip(found) {
            self.count_in(at, &sample);
            let print = match print {
                Ok(print) => print,
                Err(error) => {
                    self.reject_at(at, &sample, &error)?;
                    continue;
                }
            };
            if let Some(watch) = watch {
                self.watch_for_gate(at, watch, &mut sample);
            }
            if self.pass.settings.keep_hashes {
                sample.set_text(HASH_FIELD, format!("{print:032x}"));
            }
            self.state.fingerprints.push(print);
            if self.pass.settings.clusters {
                self.state.origins.push(sample.origin());
            }
            self.write(sample);
        }
        Ok(())
    }

    /// Counts a sample that came to the operator at which the stage ends.
    fn count_in(&mut self, at: usize, sample: &Sample) {
        let tally = &mut self.state.tally.operators[at];
        tally.rows_in += 1;
        tally.bytes_in += sample.work_bytes() as u64;
    }

    /// Rejects a sample at the operator at which the stage ends.
    fn reject_at(&mut self, at: usize, sample: &Sample, error: &OpError) -> Result<(), String> {
        self.state.tally.operators[at].rejected += 1;
        self.reject(&self.pass.plan.operators()[at], sample, error)
    }

    /// Encodes a sample, or lets it wait for the next stage.
    fn write(&mut self, mut sample: Sample) {
        let clock = self.clock();
        match &mut self.builder {
            Some(builder) => {
                if self.pass.settings.keep_stats && !sample.stats().is_empty() {
                    sample.set_json(STATS_FIELD, stats_json(&sample));
                }
                if let Err(error) = builder.push(&sample) {
                    self.state.tally.unwritable += 1;
                    if let Some(at) = self.end.operator() {
                        // The fingerprint goes with its row: the gate will not
                        // see either.
                        self.state.fingerprints.pop();
                        let n = self.state.fingerprints.len();
                        self.state.origins.truncate(n);
                        self.state.watched.retain(|(i, _)| *i < n);
                        self.state.tally.operators[at].rows_out += 1;
                    }
                    let reject = Reject::of_sample(&sample, &self.pass.inputs, "write", &error);
                    self.state
                        .rejects
                        .append(sample.origin(), |out| reject.write(out));
                }
            }
            None => {
                sample.forget_derived();
                self.state.samples.push(sample);
            }
        }
        self.state.tally.encode_ns += since(clock);
    }

    /// An error after which the run cannot go on.
    fn fatal(&self, op: &Operator, error: &OpError) -> Result<(), String> {
        match error.kind {
            OpErrorKind::Fatal => Err(format!("operator `{}` cannot go on: {error}", op.name())),
            _ => Ok(()),
        }
    }

    fn reject(&mut self, op: &Operator, sample: &Sample, error: &OpError) -> Result<(), String> {
        self.fatal(op, error)?;
        let mut reject = Reject::of_sample(sample, &self.pass.inputs, op.name(), &error.message);
        if error.kind == OpErrorKind::Transient {
            reject.attempts = ATTEMPTS_MAX;
        }
        self.state
            .rejects
            .append(sample.origin(), |out| reject.write(out));
        Ok(())
    }

    /// The time, if this sample is timed.
    fn clock(&self) -> Option<Instant> {
        self.tick.is_multiple_of(TIMED_EVERY).then(now)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "measures where the time goes; no result depends on it"
)]
fn now() -> Instant {
    Instant::now()
}

/// Bytes that the samples from `first` on hold.
fn held_since(samples: &[Sample], first: usize) -> usize {
    let before = |i: usize| i.checked_sub(1).and_then(|i| samples.get(i));
    (first..samples.len())
        .map(|i| samples[i].held_bytes(before(i)))
        .sum()
}

fn since(clock: Option<Instant>) -> u64 {
    clock.map_or(0, |start| {
        start.elapsed().as_nanos() as u64 * u64::from(TIMED_EVERY)
    })
}

/// Has an operator work; again if it says that the failure may pass.
fn attempt(
    work: impl Fn(&Operator, &mut Sample, &mut Vec<Sample>) -> Result<Outcome, OpError>,
    operator: &Operator,
    sample: &mut Sample,
    pieces: &mut Vec<Sample>,
) -> Result<Outcome, OpError> {
    let mut result = guarded(|| work(operator, sample, pieces));
    for _ in 1..ATTEMPTS_MAX {
        match &result {
            Err(error) if error.kind == OpErrorKind::Transient => {
                pieces.clear();
                result = guarded(|| work(operator, sample, pieces));
            }
            _ => break,
        }
    }
    result
}

/// Turns a panic of an operator into an error of its sample.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, OpError>) -> Result<T, OpError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(OpError::bad_sample(format!(
            "panicked: {}",
            message(&*panic)
        )))
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("for an unknown reason")
}

fn stats_json(sample: &Sample) -> String {
    let stats: Map<String, Value> = sample
        .stats()
        .iter()
        .map(|(name, stat)| (name.to_owned(), stat.to_json()))
        .collect();
    Value::Object(stats).to_string()
}
