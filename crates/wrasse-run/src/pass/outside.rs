//! Samples that another program took through operators: what became of them is
//! booked here as if they had been taken through in the pass.

use std::sync::Arc;

use serde_json::{Map, Value};
use wrasse_core::{Sample, Stat};

use super::flow::{Flow, Waiting};
use super::showing::values;
use super::{BlockState, Part, Pass, WATCHED_BYTES};
use crate::examples::Did;
use crate::record::{Reject, Why, write_dropped, write_told};
use crate::{OpTally, Tally};
use wrasse_plan::End;

/// What another program made of samples.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// What became of them, sample by sample. Of a sample that was cut there are
    /// several; of one that was cut into nothing, none.
    pub fates: Vec<Fate>,
    /// What each operator did.
    pub counts: Vec<OpTally>,
    /// What operators wrote down beside.
    pub told: Vec<Told>,
}

/// A record that an operator wrote down while it was at a sample.
#[derive(Clone, Debug)]
pub struct Told {
    /// The number of the sample.
    pub sample: u32,
    /// The operator.
    pub operator: usize,
    /// What it is a record of.
    pub kind: String,
    /// The record.
    pub record: Value,
}

/// What became of a sample, or of a piece of it.
#[derive(Clone, Debug)]
pub struct Fate {
    /// The number of the sample.
    pub sample: u32,
    /// Which piece of it, if it was cut.
    pub piece: Option<u32>,
    /// What became of it.
    pub end: FateEnd,
}

/// How a sample ended. Operators are numbered from the first of the stage.
#[derive(Clone, Debug)]
pub enum FateEnd {
    /// It goes on.
    On(Changes),
    /// An operator dropped it.
    Dropped {
        /// The operator.
        operator: usize,
        /// What it measured, and of a piece what it had become.
        changes: Changes,
    },
    /// An operator failed.
    Rejected {
        /// The operator.
        operator: usize,
        /// What went wrong, in a line.
        error: String,
        /// Where in the operator's code.
        trace: Option<String>,
        /// How often it was tried.
        attempts: u32,
    },
}

/// What was done to a sample that goes on.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// New values, by the names of their fields.
    pub fields: Vec<(Arc<str>, NewValue)>,
    /// What was measured.
    pub stats: Map<String, Value>,
}

/// What a field has become.
#[derive(Clone, Debug)]
pub enum NewValue {
    /// A text.
    Text(String),
    /// Another value, as JSON.
    Json(Box<str>),
    /// It is gone.
    Removed,
}

impl Changes {
    pub(super) fn apply(self, sample: &mut Sample) {
        for (name, value) in self.fields {
            match value {
                NewValue::Text(text) => sample.set_text(&name, text),
                NewValue::Json(json) => sample.set_json(&name, json),
                NewValue::Removed => sample.remove(&name),
            }
        }
        for (name, value) in self.stats {
            if let Some(stat) = Stat::from_json(&value) {
                sample.stats_mut().set(name, stat);
            }
        }
    }
}

impl Pass {
    /// Books what became of the samples of a block: `samples` as they went, in
    /// the order of their numbers.
    pub fn settle(
        &self,
        part: &Part,
        mut state: BlockState,
        samples: Vec<Sample>,
        made: Made,
    ) -> BlockState {
        let first = part.operators.start;
        let came: u64 = samples
            .iter()
            .map(|sample| sample.work_bytes() as u64)
            .sum();
        let mut tally = Tally::new(self.plan.operators().len());
        let measuring = self.settings.measuring.as_deref();
        for (at, count) in made.counts.into_iter().enumerate() {
            tally.operators[first + at] = match measuring {
                None => count,
                // Samples are counted as they are measured.
                Some(_) => OpTally {
                    changed: count.changed,
                    busy_ns: count.busy_ns,
                    ..OpTally::default()
                },
            };
            tally.operators[first + at].bytes_in = came;
        }
        state.tally.add(&tally);
        let mut flow = Flow {
            pass: self,
            part,
            end: End::Next,
            builder: None,
            state: &mut state,
            tick: 0,
            waiting: Waiting::default(),
        };
        for told in made.told {
            let Some(sample) = samples.get(told.sample as usize) else {
                continue;
            };
            let name = self.plan.operators()[first + told.operator].name();
            let origin = sample.origin();
            flow.state.told.append(origin, |out| {
                let (kind, record) = (&told.kind, &told.record);
                write_told(&self.inputs, origin, (name, kind, record), out);
            });
        }
        let mut fates = made.fates.into_iter().peekable();
        for (number, sample) in samples.into_iter().enumerate() {
            let number = number as u32;
            if let Some(measuring) = measuring {
                let its = std::iter::from_fn(|| fates.next_if(|fate| fate.sample == number));
                flow.measured_outside(measuring, sample, its.collect());
                continue;
            }
            let mut sample = Some(sample);
            while let Some(fate) = fates.next_if(|fate| fate.sample == number) {
                let is_last = fates.peek().is_none_or(|next| next.sample != number);
                // The last takes the sample itself.
                let whole = if is_last {
                    sample.take()
                } else {
                    sample.clone()
                };
                if let Some(mut whole) = whole {
                    if let Some(piece) = fate.piece {
                        whole.set_piece(piece);
                    }
                    flow.end_of(whole, fate.end);
                }
            }
        }
        state
    }
}

impl Flow<'_> {
    /// Takes a sample to its end.
    fn end_of(&mut self, mut sample: Sample, end: FateEnd) {
        let first = self.part.operators.start;
        let pass = self.pass;
        let watch = self.watch(&sample);
        match end {
            FateEnd::On(changes) => {
                let before = watch
                    .filter(|_| !changes.fields.is_empty())
                    .and_then(|watch| Some((watch, self.before(first, watch, &mut sample)?)));
                changes.apply(&mut sample);
                if let Some((watch, before)) = before {
                    self.show_change(first, watch, &before, &mut sample);
                }
                sample.forget_derived();
                self.state.samples.push(sample);
            }
            FateEnd::Dropped { operator, changes } => {
                let at = first + operator;
                let names: Vec<String> = changes.stats.keys().cloned().collect();
                changes.apply(&mut sample);
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                if let Some(watch) = watch {
                    let note = values(&sample, &names);
                    self.show_gone(at, Did::Dropped, watch, &mut sample, note);
                }
                if pass.settings.trace_dropped {
                    let name = pass.plan.operators()[at].name();
                    self.state.dropped.append(sample.origin(), |out| {
                        write_dropped(&sample, &pass.inputs, name, "dropped", &names, out);
                    });
                }
            }
            FateEnd::Rejected {
                operator,
                error,
                trace,
                attempts,
            } => {
                let at = first + operator;
                let name = pass.plan.operators()[at].name();
                if let Some(watch) = watch {
                    let note = error.chars().take(WATCHED_BYTES).collect();
                    self.show_gone(at, Did::Rejected, watch, &mut sample, note);
                }
                let why = Why {
                    error: &error,
                    trace: trace.as_deref(),
                    attempts,
                };
                let reject = Reject::because(&sample, &pass.inputs, name, &why);
                self.state
                    .rejects
                    .append(sample.origin(), |out| reject.write(out));
            }
        }
    }
}
