//! The shapes of operator, for one text field and for whole samples.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use wrasse_core::{Sample, Stats, Text};

use crate::{Common, OpError, ParamError};

/// How an operator is made from the parameters of a recipe's step.
pub trait Configured: Sized + Send + Sync + 'static {
    /// The parameters. Doc comments become the reference page; derive
    /// `#[serde(deny_unknown_fields)]`, so that typos are found.
    type Params: DeserializeOwned + JsonSchema;

    /// Checks what the types cannot (ranges, exclusive options, patterns), so
    /// that the work has nothing to check.
    ///
    /// # Errors
    ///
    /// If the parameters make no sense; the message names the parameter.
    fn new(params: Self::Params, common: &Common) -> Result<Self, ParamError>;
}

/// Rewrites one text field.
///
/// # Contract
///
/// * **Pure.** The result depends on the text and the parameters only. The
///   engine may call it twice for one sample (a retry) or never (a resumed
///   run), and on any thread.
/// * **Bounded.** Nothing of a text is kept beyond the call.
/// * **Quiet.** No printing and no logging; return an [`OpError`].
///
/// `wrasse-ops/src/mapper/whitespace_normalization_mapper.rs` is a short
/// example.
pub trait TextMapper: Configured {
    /// The new text; borrowed from the old one where it stays the same.
    ///
    /// # Errors
    ///
    /// If this text cannot be processed.
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError>;
}

/// Decides by one text field what stays, in two parts: measure, then keep.
///
/// The contract is that of [`TextMapper`]. Measured values are shared: a value
/// that the sample carries already is not measured again (unless
/// `recompute_stats` asks for it), and `wrasse analyze` measures without
/// keeping.
pub trait TextFilter: Configured {
    /// The names of the values that `measure` sets, as users know them.
    const STATS: &'static [&'static str];

    /// Measures the text.
    ///
    /// # Errors
    ///
    /// If this text cannot be measured.
    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError>;

    /// Whether a sample with these values stays.
    fn keep(&self, stats: &Stats) -> bool;
}

/// Cuts one text field into pieces; all other fields go with each piece.
///
/// The contract is that of [`TextMapper`].
pub trait TextSlicer: Configured {
    /// Appends the pieces of the text, in order.
    ///
    /// # Errors
    ///
    /// If this text cannot be cut.
    fn slice(&self, text: &Text, pieces: &mut Vec<String>) -> Result<(), OpError>;
}

/// What a deduplicator compares: equal fingerprints are duplicates.
pub type Fingerprint = u128;

/// Finds duplicates by one text field.
///
/// The contract is that of [`TextMapper`]. Which copy survives is not its
/// business: the engine keeps the first in input order.
pub trait TextDeduplicator: Configured {
    /// The fingerprint of the text.
    ///
    /// # Errors
    ///
    /// If this text has none.
    fn fingerprint(&self, text: &Text) -> Result<Fingerprint, OpError>;

    /// The fingerprints of several texts, in their order: the same ones. To be
    /// given where many together are done faster.
    fn fingerprints(&self, texts: &[&Text]) -> Vec<Result<Fingerprint, OpError>> {
        texts.iter().map(|text| self.fingerprint(text)).collect()
    }

    /// The hash that goes with the text where a recipe keeps hashes, and is
    /// compared there: its fingerprint, unless it is known by another one.
    fn kept_hash(&self, _text: &Text, fingerprint: Fingerprint) -> Fingerprint {
        fingerprint
    }
}

/// Rewrites whole samples. See [`TextMapper`] for the contract.
pub trait Mapper: Send + Sync + 'static {
    /// Rewrites one sample. After an error the sample may be half rewritten.
    ///
    /// # Errors
    ///
    /// If this sample cannot be processed.
    fn map(&self, sample: &mut Sample) -> Result<(), OpError>;
}

/// Decides by whole samples what stays. See [`TextFilter`].
pub trait Filter: Send + Sync + 'static {
    /// Measures a sample, into its stats.
    ///
    /// # Errors
    ///
    /// If this sample cannot be measured.
    fn measure(&self, sample: &mut Sample) -> Result<(), OpError>;

    /// Whether a sample with these values stays.
    fn keep(&self, stats: &Stats) -> bool;

    /// Whether [`Filter::keep`] is all that decides. Not so for a filter with a
    /// [`Filter::decide`] of its own.
    fn decides_by_stats(&self) -> bool {
        true
    }

    /// Measures a sample and says whether it stays. To be given by a filter that
    /// decides by more than the values it measures.
    ///
    /// # Errors
    ///
    /// If this sample cannot be measured.
    fn decide(&self, sample: &mut Sample) -> Result<bool, OpError> {
        self.measure(sample)?;
        Ok(self.keep(sample.stats()))
    }
}

/// Cuts whole samples into any number of samples, in order.
pub trait Slicer: Send + Sync + 'static {
    /// Appends the pieces of `sample`.
    ///
    /// # Errors
    ///
    /// If this sample cannot be cut.
    fn slice(&self, sample: &mut Sample, pieces: &mut Vec<Sample>) -> Result<(), OpError>;
}

/// Finds duplicates by whole samples. See [`TextDeduplicator`].
pub trait Deduplicator: Send + Sync + 'static {
    /// The fingerprint of a sample.
    ///
    /// # Errors
    ///
    /// If this sample has none.
    fn fingerprint(&self, sample: &mut Sample) -> Result<Fingerprint, OpError>;

    /// The fingerprints of several samples, in their order. See
    /// [`TextDeduplicator::fingerprints`].
    fn fingerprints(&self, samples: &mut [Sample]) -> Vec<Result<Fingerprint, OpError>> {
        let samples = samples.iter_mut();
        samples.map(|sample| self.fingerprint(sample)).collect()
    }

    /// The hash that goes with a sample of this fingerprint where a recipe keeps
    /// hashes. See [`TextDeduplicator::kept_hash`].
    ///
    /// # Errors
    ///
    /// If the sample has none.
    fn kept_hash(
        &self,
        _sample: &mut Sample,
        fingerprint: Fingerprint,
    ) -> Result<Fingerprint, OpError> {
        Ok(fingerprint)
    }
}

/// The common parameters beside an operator for one text field: what makes
/// it an operator for samples.
pub(crate) struct OnText<O> {
    pub(crate) op: O,
    pub(crate) common: Common,
}

impl<O: TextMapper> Mapper for OnText<O> {
    fn map(&self, sample: &mut Sample) -> Result<(), OpError> {
        let text = sample.text(&self.common.text_key)?;
        let new = match self.op.map(text)? {
            // A borrowed text of the same length is the text itself.
            Cow::Borrowed(new) if new.len() == text.len() => return Ok(()),
            new => new.into_owned(),
        };
        sample.set_text(&self.common.text_key, new);
        Ok(())
    }
}

impl<O: TextFilter> Filter for OnText<O> {
    fn measure(&self, sample: &mut Sample) -> Result<(), OpError> {
        let known = |name: &&str| sample.stats().get(name).is_some();
        if !self.common.recompute_stats && O::STATS.iter().all(known) {
            return Ok(());
        }
        let mut stats = std::mem::take(sample.stats_mut());
        let result = match sample.text(&self.common.text_key) {
            Ok(text) => self.op.measure(text, &mut stats),
            Err(error) => Err(error.into()),
        };
        *sample.stats_mut() = stats;
        result
    }

    fn keep(&self, stats: &Stats) -> bool {
        self.op.keep(stats)
    }
}

impl<O: TextSlicer> Slicer for OnText<O> {
    fn slice(&self, sample: &mut Sample, pieces: &mut Vec<Sample>) -> Result<(), OpError> {
        let mut texts = Vec::new();
        self.op
            .slice(sample.text(&self.common.text_key)?, &mut texts)?;
        for (i, text) in texts.into_iter().enumerate() {
            pieces.push(sample.piece(&self.common.text_key, text, i as u32));
        }
        Ok(())
    }
}

impl<O: TextDeduplicator> Deduplicator for OnText<O> {
    fn fingerprint(&self, sample: &mut Sample) -> Result<Fingerprint, OpError> {
        self.op.fingerprint(sample.text(&self.common.text_key)?)
    }

    fn fingerprints(&self, samples: &mut [Sample]) -> Vec<Result<Fingerprint, OpError>> {
        let samples = samples.iter_mut();
        let found: Vec<Result<&Text, _>> = samples
            .map(|sample| sample.text(&self.common.text_key))
            .collect();
        let texts: Vec<&Text> = found.iter().flatten().copied().collect();
        let mut prints = self.op.fingerprints(&texts).into_iter();
        let missing = || Err(OpError::fatal("fewer fingerprints than texts"));
        let of = |found: Result<&Text, wrasse_core::FieldError>| match found {
            Ok(_) => prints.next().unwrap_or_else(missing),
            Err(error) => Err(error.into()),
        };
        found.into_iter().map(of).collect()
    }

    fn kept_hash(
        &self,
        sample: &mut Sample,
        fingerprint: Fingerprint,
    ) -> Result<Fingerprint, OpError> {
        let text = sample.text(&self.common.text_key)?;
        Ok(self.op.kept_hash(text, fingerprint))
    }
}
