//! Examples of what operators do, taken on the way.
//!
//! A drop or a reject shows the text that is there anyway. To show a change the
//! text is copied before the operator works, so that only a share of the samples
//! is watched: large inputs cost no more than small ones.

use wrasse_core::{Sample, Text};
use wrasse_op::OpKind;

use super::flow::Flow;
use crate::examples::{Did, Example, hash_of};

/// What is known of a sample that could become an example.
#[derive(Clone, Copy)]
pub(super) struct Watch {
    hash: u64,
    /// Where its hash lies from 0 to 1, by the share that is watched: watched
    /// below 1.
    rank: f64,
}

/// What waits for a gate holds its excerpt meanwhile: at one for so many bytes
/// of text that is a thirtieth of the text.
const BYTES_PER_EXCERPT: f64 = 16384.0;

impl Flow<'_> {
    /// Whether the sample could become an example.
    pub(super) fn watch(&self, sample: &Sample) -> Option<Watch> {
        let share = self.pass.settings.examples_share?;
        let hash = hash_of(sample.origin());
        Some(Watch {
            hash,
            rank: hash as f64 / u64::MAX as f64 / share,
        })
    }

    /// The text before operator `at` works, if its change shall be shown.
    pub(super) fn before(&mut self, at: usize, watch: Watch, sample: &mut Sample) -> Option<Text> {
        let operator = &self.pass.plan.operators()[at];
        let wanted = operator.spec().kind == OpKind::Mapper
            && watch.rank < 1.0
            && self.state.examples.want(at, Did::Changed, watch.hash);
        let text = || sample.text(&operator.common().text_key).ok().cloned();
        wanted.then(text).flatten()
    }

    pub(super) fn show_change(
        &mut self,
        at: usize,
        watch: Watch,
        before: &Text,
        sample: &mut Sample,
    ) {
        let pass = self.pass;
        let place = pass.place(sample.origin());
        let text_key = &pass.plan.operators()[at].common().text_key;
        // Another field may be what was changed.
        let Some(after) = sample
            .text(text_key)
            .ok()
            .filter(|after| after.as_str() != before.as_str())
        else {
            return;
        };
        let example = Example::changed(watch.hash, place, before, after);
        self.state.examples.push(at, Did::Changed, example);
    }

    pub(super) fn show_gone(
        &mut self,
        at: usize,
        did: Did,
        watch: Watch,
        sample: &mut Sample,
        note: String,
    ) {
        if self.state.examples.want(at, did, watch.hash) {
            let example = self.gone(at, watch, sample, note);
            self.state.examples.push(at, did, example);
        }
    }

    /// A sample that will wait for the gate of operator `at`, which may find it
    /// to be a duplicate when its row is encoded already.
    pub(super) fn watch_for_gate(&mut self, at: usize, watch: Watch, sample: &mut Sample) {
        let text_key = &self.pass.plan.operators()[at].common().text_key;
        let bytes = sample.text(text_key).map_or(0, |text| text.len());
        if watch.rank < bytes as f64 / BYTES_PER_EXCERPT {
            let note = "equal to an earlier sample".to_owned();
            let example = self.gone(at, watch, sample, note);
            let number = self.state.fingerprints.len();
            self.state.watched.push((number, example));
        }
    }

    fn gone(&self, at: usize, watch: Watch, sample: &mut Sample, note: String) -> Example {
        let place = self.pass.place(sample.origin());
        let text_key = &self.pass.plan.operators()[at].common().text_key;
        let text = sample.text(text_key).map_or("", Text::as_str);
        Example::gone(watch.hash, place, text, note)
    }
}

/// `text_len 12, num_words 3`.
pub(super) fn values(sample: &Sample, names: &[&str]) -> String {
    let stats = names.iter().filter_map(|name| {
        let stat = sample.stats().get(name)?;
        Some(format!("{name} {}", stat.to_json()))
    });
    stats.collect::<Vec<_>>().join(", ")
}
