//! [`Flow`]: one stage over one block, under way.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use serde_json::{Map, Value};
use wrasse_core::{STATS_FIELD, Sample};
use wrasse_io::{Block, BlockBuilder, Row};
use wrasse_op::{OpError, OpErrorKind, Operator, Outcome};
use wrasse_plan::End;

use super::showing::{Watch, values};
use super::{BlockState, Part, Pass};
use crate::examples::Did;
use crate::record::{Reject, write_dropped};

/// The field that carries a document's hash when a recipe keeps hashes.
const HASH_FIELD: &str = "__dj__hash";

/// Of every 16 samples one is timed: reading the clock around every operator
/// of every sample would cost as much as a cheap operator.
const TIMED_EVERY: u32 = 16;

/// Attempts at a sample whose operator reports a transient failure.
const ATTEMPTS_MAX: u32 = 3;

/// What a stage takes its samples from.
pub(super) enum Source {
    Rows(Block, u64),
    Samples(Vec<Sample>),
}

impl Source {
    /// Bytes of the rows, about.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Rows(block, _) => block.memory_bytes(),
            Self::Samples(samples) => Sample::held_by_all(samples),
        }
    }
}

/// One stage over one block, under way.
pub(super) struct Flow<'a> {
    pub(super) pass: &'a Pass,
    pub(super) part: &'a Part,
    /// What is computed last, and for which operator.
    pub(super) end: End,
    pub(super) builder: Option<Box<dyn BlockBuilder>>,
    pub(super) state: &'a mut BlockState,
    pub(super) tick: u32,
    pub(super) waiting: Waiting,
}

/// Samples that wait for their fingerprints, which are taken of many at once.
#[derive(Default)]
pub(super) struct Waiting {
    samples: Vec<Sample>,
    watches: Vec<Option<Watch>>,
    /// What the samples hold.
    pub(super) bytes: usize,
}

/// So many samples, or bytes of them, wait for their fingerprints: they should
/// still be in the cache when they are written.
const WAITING_MAX: usize = 64;
const WAITING_BYTES: usize = 512 << 10;

impl Flow<'_> {
    pub(super) fn rows(&mut self, block: Block, rows_max: u64) -> Result<(), String> {
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

    pub(super) fn sample(&mut self, sample: Sample) -> Result<(), String> {
        self.tick = self.tick.wrapping_add(1);
        if let Some(measuring) = &self.pass.settings.measuring {
            return self.measure(measuring, sample);
        }
        self.from(self.part.operators.start, sample)
    }

    /// Takes a sample through the operators from `first` on.
    pub(super) fn from(&mut self, first: usize, mut sample: Sample) -> Result<(), String> {
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
    pub(super) fn end(&mut self, mut sample: Sample, watch: Option<Watch>) -> Result<(), String> {
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
    pub(super) fn take_fingerprints(&mut self) -> Result<(), String> {
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
            // A hash that is kept is also what is compared.
            let print = print.and_then(|print| match self.pass.settings.keep_hashes {
                true => guarded(|| operator.kept_hash(&mut sample, print)),
                false => Ok(print),
            });
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
    pub(super) fn write(&mut self, mut sample: Sample) {
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
    pub(super) fn fatal(&self, op: &Operator, error: &OpError) -> Result<(), String> {
        match error.kind {
            OpErrorKind::Fatal => Err(format!("operator `{}` cannot go on: {error}", op.name())),
            _ => Ok(()),
        }
    }

    pub(super) fn reject(
        &mut self,
        op: &Operator,
        sample: &Sample,
        error: &OpError,
    ) -> Result<(), String> {
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
    pub(super) fn clock(&self) -> Option<Instant> {
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
pub(super) fn held_since(samples: &[Sample], first: usize) -> usize {
    let before = |i: usize| i.checked_sub(1).and_then(|i| samples.get(i));
    (first..samples.len())
        .map(|i| samples[i].held_bytes(before(i)))
        .sum()
}

pub(super) fn since(clock: Option<Instant>) -> u64 {
    clock.map_or(0, |start| {
        start.elapsed().as_nanos() as u64 * u64::from(TIMED_EVERY)
    })
}

/// Has an operator work; again if it says that the failure may pass.
pub(super) fn attempt(
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
