//! What comes out of an exchange, as its operator decided: the same for samples
//! that waited here and for those that waited on another machine.

use wrasse_core::{Origin, Sample, Text};
use wrasse_op::{OpErrorKind, Rewrite, merge};

use super::settled::{Line, Lot};
use crate::clusters::write_line;
use crate::examples::{Did, Example, hash_of};
use crate::pass::{BlockState, Pass, guarded};
use crate::record::{Reject, write_dropped};

/// What was decided, as far as the samples of a block must know it.
pub(super) trait Rules {
    /// What becomes of a sample, by its number.
    fn lot(&self, i: u32) -> Lot<'_>;

    /// Where the sample is from that stands for a duplicate; none where nobody
    /// needs to know.
    fn original(&self, i: u32) -> Result<Option<Origin>, String>;

    /// The line of a cluster that begins at a sample.
    fn line(&self, i: u32) -> Result<Option<Line>, String>;
}

/// An exchange's output: blocks and runs of samples, on any thread.
pub(super) struct Output<'a> {
    pub(super) pass: &'a Pass,
    /// The operator, as an index into the plan's.
    pub(super) op: usize,
}

impl Output<'_> {
    /// Does to a block what was decided. `state` is what was recorded with it
    /// before, `samples` are its own, the first of which has the number `first`.
    pub(super) fn block(
        &self,
        rules: &dyn Rules,
        first: u32,
        samples: Vec<Sample>,
        state: &mut BlockState,
    ) -> Result<(), String> {
        let traces = self.pass.settings().trace_dropped;
        for (i, sample) in (first..).zip(samples) {
            self.record_cluster(rules.line(i)?, sample.origin(), state);
            match rules.lot(i) {
                Lot::Rewritten(rewrite) => self.rewrite(rewrite, sample, state)?,
                Lot::Stays => {
                    state.tally.operators[self.op].rows_out += 1;
                    state.samples.push(sample);
                }
                Lot::Duplicate => {
                    state.tally.operators[self.op].duplicates += 1;
                    self.show(rules, i, &sample, state)?;
                    if traces {
                        let of = rules.original(i)?.ok_or("a duplicate is one of nothing")?;
                        let reason = format!("duplicate of {}", self.pass.place(of));
                        self.trace(&sample, &reason, state);
                    }
                }
                Lot::Chosen => {}
                Lot::LeftOut => {
                    state.tally.operators[self.op].dropped += 1;
                    if traces {
                        self.trace(&sample, "not selected", state);
                    }
                }
            }
        }
        Ok(())
    }

    fn record_cluster(&self, line: Option<Line>, origin: Origin, state: &mut BlockState) {
        let Some(line) = line else {
            return;
        };
        let of = self.pass.deduplicator(self.op);
        let (kept, span) = (Some(line.kept), (line.from, line.n));
        state.clusters.append(origin, |out| {
            write_line(&of, self.pass.inputs(), kept, span, &line.duplicates, out);
        });
    }

    fn rewrite(
        &self,
        rewrite: &dyn Rewrite,
        mut sample: Sample,
        state: &mut BlockState,
    ) -> Result<(), String> {
        let operator = &self.pass.plan().operators()[self.op];
        let revision = sample.revision();
        let tally = &mut state.tally.operators[self.op];
        match guarded(|| rewrite.rewrite(&mut sample)) {
            Ok(()) => {
                tally.rows_out += 1;
                tally.changed += u64::from(sample.revision() != revision);
                state.samples.push(sample);
            }
            Err(error) if error.kind == OpErrorKind::Fatal => {
                return Err(format!(
                    "operator `{}` cannot go on: {error}",
                    operator.name()
                ));
            }
            Err(error) => {
                tally.rejected += 1;
                let name = operator.name();
                let reject = Reject::of_sample(&sample, self.pass.inputs(), name, &error.message);
                let origin = sample.origin();
                state.rejects.append(origin, |out| reject.write(out));
            }
        }
        Ok(())
    }

    /// Shows a duplicate.
    fn show(
        &self,
        rules: &dyn Rules,
        i: u32,
        sample: &Sample,
        state: &mut BlockState,
    ) -> Result<(), String> {
        let hash = hash_of(sample.origin());
        let is_asked_for = self.pass.settings().examples_share.is_some();
        if !is_asked_for || !state.examples.want(self.op, Did::Dropped, hash) {
            return Ok(());
        }
        let Some(original) = rules.original(i)? else {
            return Ok(());
        };
        let mut sample = sample.clone();
        let place = self.pass.place(sample.origin());
        let text_key = &self.pass.plan().operators()[self.op].common().text_key;
        let text = sample.text(text_key).map_or("", Text::as_str);
        let note = format!("duplicate of {}", self.pass.place(original));
        let example = Example::gone(hash, place, text, note);
        state.examples.push(self.op, Did::Dropped, example);
        Ok(())
    }

    fn trace(&self, sample: &Sample, reason: &str, state: &mut BlockState) {
        let name = self.pass.plan().operators()[self.op].name();
        state.dropped.append(sample.origin(), |out| {
            write_dropped(sample, self.pass.inputs(), name, reason, &[], out);
        });
    }

    /// A run of samples that were chosen, or chosen again.
    pub(super) fn chosen(&self, samples: Vec<Sample>, is_again: bool) -> BlockState {
        let mut state = self.pass.empty();
        let tally = &mut state.tally.operators[self.op];
        tally.rows_out += samples.len() as u64;
        if is_again {
            tally.again += samples.len() as u64;
        }
        state.samples = samples;
        state
    }

    /// A run of groups, each of which becomes one sample.
    pub(super) fn merged(
        &self,
        groups: impl Iterator<Item = Result<Vec<Sample>, String>>,
    ) -> Result<BlockState, String> {
        let mut state = self.pass.empty();
        let mut n_merged = 0;
        for members in groups {
            let members = members?;
            let name = self.pass.plan().operators()[self.op].name();
            let merged = merge(&members).map_err(|error| format!("operator `{name}`: {error}"))?;
            n_merged += members.len() as u64 - 1;
            state.samples.push(merged);
        }
        let tally = &mut state.tally.operators[self.op];
        tally.rows_out += state.samples.len() as u64;
        tally.merged += n_merged;
        Ok(state)
    }
}
