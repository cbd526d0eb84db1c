//! What driver and workers tell each other, past the gateway, which does not
//! look into it. Both are of one version: it is compared when a worker starts.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use wrasse_io::{Format, Inputs, PartTask, Split};
use wrasse_op::{Common, Fingerprint, OpKind, OpSpec, Operator, Outside};
use wrasse_run::{BlockState, Part, PassSettings, Ruling, Run, Tally};

use crate::sources::{Sources, below};

/// What a worker must know of a run. Sent once to each worker.
#[derive(Serialize, Deserialize)]
pub(crate) struct Setup {
    /// The version of Wrasse.
    pub(crate) version: String,
    /// The recipe's steps in canonical form, as JSON: the plan is made of them.
    pub(crate) process: String,
    /// The steps that are not among these: Python's.
    pub(crate) outside: Vec<OutsideStep>,
    /// What these are made of.
    pub(crate) sources: Sources,
    /// Where Python looks for modules, and whether it is strict.
    pub(crate) python: Option<(Vec<PathBuf>, bool)>,
    /// The fields that hold text, of which the first is the default.
    pub(crate) text_keys: Vec<String>,
    /// The field whose text is written, where each sample becomes a file.
    pub(crate) text_key: String,
    pub(crate) inputs: Inputs,
    /// The format of the output.
    pub(crate) format: Format,
    pub(crate) settings: PassForm,
    /// Bytes of rows in a block.
    pub(crate) block_bytes: u64,
    /// The longest row.
    pub(crate) row_bytes_max: u64,
    /// Whether workers write the output.
    pub(crate) writes: bool,
    /// In how many shards keys are cut, where they are.
    pub(crate) n_shards: u32,
}

/// A step that Python does.
#[derive(Serialize, Deserialize)]
pub(crate) struct OutsideStep {
    at: usize,
    name: String,
    summary: String,
    kind: String,
    text_key: String,
    /// As JSON: it holds values of any form.
    outside: String,
}

impl OutsideStep {
    pub(crate) fn new(at: usize, operator: &Operator, outside: &Outside) -> Result<Self, String> {
        Ok(Self {
            at,
            name: operator.name().to_owned(),
            summary: operator.spec().summary.to_owned(),
            kind: operator.spec().kind.name().to_owned(),
            text_key: operator.common().text_key.clone(),
            outside: serde_json::to_string(outside).map_err(|error| error.to_string())?,
        })
    }

    /// Puts the operator in its place among the others, which come in order. Its
    /// files are below `folder`, if it is given.
    pub(crate) fn insert_into(
        &self,
        operators: &mut Vec<Operator>,
        folder: Option<&Path>,
    ) -> Result<(), String> {
        let kind = OpKind::from_name(&self.kind).ok_or("a step is of no kind")?;
        let mut common = Common::default();
        common.text_key.clone_from(&self.text_key);
        let spec = OpSpec::outside(&self.name, &self.summary, kind);
        let mut outside: Outside =
            serde_json::from_str(&self.outside).map_err(|error| error.to_string())?;
        if let Some(folder) = folder {
            outside.reference = below(folder, &outside.reference);
        }
        if self.at > operators.len() {
            return Err("a step has no place".to_owned());
        }
        operators.insert(self.at, Operator::outside(spec, common, outside));
        Ok(())
    }
}

/// [`PassSettings`], but for measuring, which is done locally.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct PassForm {
    keep_stats: bool,
    keep_hashes: bool,
    trace_dropped: bool,
    clusters: bool,
    examples_share: Option<f64>,
}

impl From<&PassSettings> for PassForm {
    fn from(settings: &PassSettings) -> Self {
        Self {
            keep_stats: settings.keep_stats,
            keep_hashes: settings.keep_hashes,
            trace_dropped: settings.trace_dropped,
            clusters: settings.clusters,
            examples_share: settings.examples_share,
        }
    }
}

impl From<PassForm> for PassSettings {
    fn from(form: PassForm) -> Self {
        Self {
            keep_stats: form.keep_stats,
            keep_hashes: form.keep_hashes,
            trace_dropped: form.trace_dropped,
            clusters: form.clusters,
            examples_share: form.examples_share,
            measuring: None,
        }
    }
}

/// What a task shall do.
#[derive(Serialize, Deserialize)]
pub(crate) struct Spec {
    pub(crate) part: Part,
    pub(crate) work: Work,
    /// An output is put out when it holds so many bytes; all in one, if none.
    pub(crate) output_bytes: Option<u64>,
    /// Outputs that an earlier attempt has put out: not again.
    pub(crate) skip_outputs: u32,
}

/// What a task works on.
#[derive(Serialize, Deserialize)]
pub(crate) enum Work {
    /// These splits, without the first blocks of the first one.
    Read {
        splits: Vec<Split>,
        skip: u32,
        rows_max: u64,
    },
    /// The blocks of an object.
    Blocks {
        verdict: Option<Verdict>,
        /// Only these samples.
        rows: Option<Range<u32>>,
        /// See [`wrasse_sched::Command::Submit`].
        poisoned_after: u32,
    },
    /// The blocks of an object, without the first ones, as the exchange at `op` has
    /// decided on them, unless that was done. Behind the object may be what samples
    /// are rewritten by.
    Settle {
        op: usize,
        skip: u32,
        rulings: Option<Vec<Ruling>>,
    },
    /// Of an object these samples for each share, by number. What is put out is what
    /// is left of its blocks.
    Pick {
        op: usize,
        rulings: Vec<Ruling>,
        which: Vec<Vec<u32>>,
    },
    /// Blocks of samples that were picked of objects.
    Runs { op: usize, runs: Vec<Run> },
}

/// What a gate has decided on the samples of an object, in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) gate: u32,
    /// A bit a sample: it goes on.
    pub(crate) bits: Vec<u8>,
}

impl Verdict {
    pub(crate) fn new(gate: usize, keep: &[bool]) -> Self {
        Self {
            gate: gate as u32,
            bits: pack_bits(keep),
        }
    }

    /// The verdicts on `n` samples from the `first` on.
    pub(crate) fn of(&self, first: usize, n: usize) -> Vec<bool> {
        unpack_bits(&self.bits, first, n)
    }
}

/// Eight answers a byte, the first in the lowest bit.
pub(crate) fn pack_bits(answers: &[bool]) -> Vec<u8> {
    let mut bits = vec![0; answers.len().div_ceil(8)];
    for (i, _) in answers.iter().enumerate().filter(|(_, answer)| **answer) {
        bits[i / 8] |= 1 << (i % 8);
    }
    bits
}

/// `n` of them from the `first` on; what is not there is `false`.
pub(crate) fn unpack_bits(bits: &[u8], first: usize, n: usize) -> Vec<bool> {
    let is_set = |i: usize| bits.get(i / 8).is_some_and(|bits| bits >> (i % 8) & 1 == 1);
    (first..first + n).map(is_set).collect()
}

/// What the driver is told of an output.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Meta {
    /// Bytes of the object.
    pub(crate) bytes: u64,
    /// Samples that wait for their next operator.
    pub(crate) rows: u32,
    /// Whether the rows are encoded.
    pub(crate) is_encoded: bool,
    pub(crate) tally: Tally,
    /// Where workers write the output: blocks that are done, without their rows.
    pub(crate) hollow: Option<Vec<u8>>,
    /// Where an exchange is behind the stage: what that is told.
    pub(crate) notes: Option<Vec<u8>>,
    /// What the gate behind the stage decides by.
    pub(crate) fingerprints: Vec<Fingerprint>,
}

impl Meta {
    /// Tells of one more block.
    pub(crate) fn add(&mut self, block: &BlockState) {
        self.rows += block.n_samples() as u32;
        self.is_encoded |= block.is_encoded();
        self.tally.add(&block.tally);
        self.fingerprints.extend_from_slice(block.fingerprints());
    }
}

/// What is done with many objects at once.
#[derive(Serialize, Deserialize)]
pub(crate) enum Together {
    /// Write a file.
    Write(Box<WriteSpec>),
    /// Weigh pieces of keys for the exchange at `op`: of each object, whose first
    /// sample has this number.
    Weigh {
        op: usize,
        firsts: Vec<u32>,
        n_samples: u32,
        /// Bytes of memory.
        memory: u64,
    },
}

/// What a task said of a block, as it came: a [`Meta`].
pub(crate) struct Said {
    /// The backend's name of the block.
    pub(crate) data: u64,
    pub(crate) bytes: Vec<u8>,
}

/// A file that a worker shall write.
#[derive(Serialize, Deserialize)]
pub(crate) struct WriteSpec {
    pub(crate) task: PartTask,
    /// What gates have decided on each object's samples.
    pub(crate) verdicts: Vec<Option<Verdict>>,
}

pub(crate) fn encode(value: &impl Serialize) -> Result<Vec<u8>, String> {
    postcard::to_allocvec(value).map_err(|error| format!("a message cannot be sent: {error}"))
}

pub(crate) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    postcard::from_bytes(bytes).map_err(|error| format!("a message cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_survive_as_bits() {
        let keep: Vec<bool> = (0..21).map(|i| i % 3 == 0).collect();
        let verdict = Verdict::new(1, &keep);
        assert_eq!(verdict.of(0, 21), keep);
        assert_eq!(verdict.of(9, 4), keep[9..13]);
    }
}
