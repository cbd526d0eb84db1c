//! What comes out of an exchange, as its operator decided.

use std::collections::HashMap;
use std::ops::Range;

use wrasse_core::{Origin, Sample, Text};
use wrasse_op::{Decision, OpErrorKind, Rewrite, merge};

use super::{ExchangeStore, Settled, is_in};
use crate::clusters::{line_at, write_line};
use crate::examples::{Did, Example, hash_of};
use crate::pass::{BlockState, Pass, guarded};
use crate::record::{Reject, write_dropped};

impl ExchangeStore {
    /// Split `split` of the output.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn read(&self, pass: &Pass, split: u32) -> Result<BlockState, String> {
        let settled = self.settled.as_ref().ok_or("the exchange is not closed")?;
        let split = split as usize;
        let mut state = pass.empty();
        if let Some(run) = split.checked_sub(self.blocks.len()) {
            let run = settled.runs.get(run).ok_or("there is no such split")?;
            self.read_run(pass, &settled.decision, run.clone(), &mut state)?;
            return Ok(state);
        }
        let block = &self.blocks[split];
        let head = self.head(block)?;
        state.tally = head.tally;
        state.rejects = head.rejects;
        state.dropped = head.dropped;
        state.clusters = head.clusters;
        state.copies = head.copies;
        state.examples = head.examples;
        let in_order = matches!(settled.decision, Decision::Same(_) | Decision::Rewrite(_));
        let traces = pass.settings().trace_dropped;
        if !in_order && !traces {
            let numbers = block.first..block.first + block.n_samples;
            let n = numbers.filter(|i| is_in(&settled.left_out, *i)).count();
            state.tally.operators[self.op].dropped += n as u64;
            return Ok(state);
        }
        for (i, sample) in (block.first..).zip(self.samples(block)?) {
            self.record_cluster(pass, settled, i, sample.origin(), &mut state)?;
            match &settled.decision {
                Decision::Rewrite(rewrite) => {
                    self.rewrite(pass, rewrite.as_ref(), sample, &mut state)?
                }
                Decision::Same(first) if first[i as usize] == i => {
                    state.tally.operators[self.op].rows_out += 1;
                    state.samples.push(sample);
                }
                Decision::Same(first) => {
                    state.tally.operators[self.op].duplicates += 1;
                    self.show(pass, &sample, first[i as usize], &mut state)?;
                    if traces {
                        let of = self.origin(first[i as usize])?;
                        let reason = format!("duplicate of {}", pass.place(of));
                        self.trace(pass, &sample, &reason, &mut state);
                    }
                }
                Decision::Order(_) | Decision::Groups(_) => {
                    if is_in(&settled.left_out, i) {
                        state.tally.operators[self.op].dropped += 1;
                        self.trace(pass, &sample, "not selected", &mut state);
                    }
                }
            }
        }
        Ok(state)
    }

    /// Writes the line of a cluster that begins at sample `i`, the one that
    /// stays or, in a large cluster, one of its duplicates.
    fn record_cluster(
        &self,
        pass: &Pass,
        settled: &Settled,
        i: u32,
        origin: Origin,
        state: &mut BlockState,
    ) -> Result<(), String> {
        let Decision::Same(first) = &settled.decision else {
            return Ok(());
        };
        let (kept, duplicates) = (first[i as usize], &settled.duplicates);
        let start = duplicates.partition_point(|at| first[*at as usize] < kept);
        let of_kept = &duplicates[start..];
        let of_kept = &of_kept[..of_kept.partition_point(|at| first[*at as usize] == kept)];
        let from = match i == kept {
            true => 0,
            false => of_kept.partition_point(|at| *at < i),
        };
        let is_first_line = from == 0;
        let Some(line) = line_at(from, of_kept.len()).filter(|_| is_first_line == (i == kept))
        else {
            return Ok(());
        };
        let places = of_kept[line].iter().map(|at| self.origin(*at));
        let places: Vec<Origin> = places.collect::<Result<_, _>>()?;
        let of = pass.deduplicator(self.op);
        let kept = Some(self.origin(kept)?);
        let span = (from, of_kept.len());
        state.clusters.append(origin, |out| {
            write_line(&of, pass.inputs(), kept, span, &places, out);
        });
        Ok(())
    }

    fn rewrite(
        &self,
        pass: &Pass,
        rewrite: &dyn Rewrite,
        mut sample: Sample,
        state: &mut BlockState,
    ) -> Result<(), String> {
        let operator = &pass.plan().operators()[self.op];
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
                let reject = Reject::of_sample(&sample, pass.inputs(), name, &error.message);
                let origin = sample.origin();
                state.rejects.append(origin, |out| reject.write(out));
            }
        }
        Ok(())
    }

    /// Shows a duplicate of sample `first`.
    fn show(
        &self,
        pass: &Pass,
        sample: &Sample,
        first: u32,
        state: &mut BlockState,
    ) -> Result<(), String> {
        let hash = hash_of(sample.origin());
        let is_asked_for = pass.settings().examples_share.is_some();
        if !is_asked_for || !state.examples.want(self.op, Did::Dropped, hash) {
            return Ok(());
        }
        let mut sample = sample.clone();
        let place = pass.place(sample.origin());
        let text_key = &pass.plan().operators()[self.op].common().text_key;
        let text = sample.text(text_key).map_or("", Text::as_str);
        let note = format!("duplicate of {}", pass.place(self.origin(first)?));
        let example = Example::gone(hash, place, text, note);
        state.examples.push(self.op, Did::Dropped, example);
        Ok(())
    }

    fn trace(&self, pass: &Pass, sample: &Sample, reason: &str, state: &mut BlockState) {
        let name = pass.plan().operators()[self.op].name();
        state.dropped.append(sample.origin(), |out| {
            write_dropped(sample, pass.inputs(), name, reason, &[], out);
        });
    }

    fn read_run(
        &self,
        pass: &Pass,
        decision: &Decision,
        run: Range<usize>,
        state: &mut BlockState,
    ) -> Result<(), String> {
        let mut at_hand = HashMap::new();
        let mut n_merged = 0;
        match decision {
            Decision::Order(order) => {
                for i in &order[run] {
                    state.samples.push(self.sample(*i, &mut at_hand)?);
                }
            }
            Decision::Groups(groups) => {
                for group in &groups[run] {
                    let members: Vec<Sample> = group
                        .iter()
                        .map(|i| self.sample(*i, &mut at_hand))
                        .collect::<Result<_, _>>()?;
                    let name = pass.plan().operators()[self.op].name();
                    let merged =
                        merge(&members).map_err(|error| format!("operator `{name}`: {error}"))?;
                    n_merged += members.len() as u64 - 1;
                    state.samples.push(merged);
                }
            }
            Decision::Same(_) | Decision::Rewrite(_) => {}
        }
        let tally = &mut state.tally.operators[self.op];
        tally.rows_out += state.samples.len() as u64;
        tally.merged += n_merged;
        Ok(())
    }
}
