//! [`Operator`]: an operator with its parameters, ready to run.

use std::fmt;

use wrasse_core::{Sample, Stats};

use crate::{
    Common, Deduplicator, Exchange, Filter, Fingerprint, KEPT, Mapper, OpError, OpKind, OpSpec,
    Outside, Slicer,
};

/// What became of a sample that went through an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It goes on, rewritten or as it was.
    Kept,
    /// A filter dropped it; its stats say why.
    Dropped,
    /// A slicer replaced it by this many pieces.
    Sliced(usize),
}

/// What an operator does, by its shape.
pub(crate) enum Action {
    Mapper(Box<dyn Mapper>),
    Filter(Box<dyn Filter>),
    Slicer(Box<dyn Slicer>),
    Deduplicator(Box<dyn Deduplicator>),
    Exchange(Box<dyn Exchange>),
    Outside(Box<Outside>),
}

/// An operator with its parameters, ready to run on any thread.
pub struct Operator {
    spec: &'static OpSpec,
    common: Common,
    action: Action,
}

impl Operator {
    pub(crate) fn new(spec: &'static OpSpec, common: Common, action: Action) -> Self {
        Self {
            spec,
            common,
            action,
        }
    }

    /// An operator that another program runs.
    pub fn outside(spec: &'static OpSpec, common: Common, outside: Outside) -> Self {
        Self::new(spec, common, Action::Outside(Box::new(outside)))
    }

    /// Its description.
    pub fn spec(&self) -> &'static OpSpec {
        self.spec
    }

    /// Its name in recipes.
    pub fn name(&self) -> &'static str {
        self.spec.name
    }

    /// The common parameters that it was given.
    pub fn common(&self) -> &Common {
        &self.common
    }

    /// Runs a mapper, filter or slicer on one sample. Pieces of a slicer go to
    /// `pieces`; in every other case the sample itself is the result.
    ///
    /// # Errors
    ///
    /// If the operator cannot process this sample.
    ///
    /// # Panics
    ///
    /// For an operator that decides over many samples (see
    /// [`Operator::fingerprint`] and [`Operator::exchange`]), and for one that
    /// another program runs ([`Operator::runs_outside`]).
    pub fn apply(&self, sample: &mut Sample, pieces: &mut Vec<Sample>) -> Result<Outcome, OpError> {
        match &self.action {
            Action::Mapper(mapper) => mapper.map(sample).map(|()| Outcome::Kept),
            Action::Filter(filter) => Ok(match filter.decide(sample)? {
                true => Outcome::Kept,
                false => Outcome::Dropped,
            }),
            Action::Slicer(slicer) => {
                let before = pieces.len();
                slicer.slice(sample, pieces)?;
                Ok(Outcome::Sliced(pieces.len() - before))
            }
            Action::Deduplicator(_) | Action::Exchange(_) => {
                panic!("`{}` decides over many samples", self.spec.name)
            }
            Action::Outside(_) => panic!("`{}` runs in another program", self.spec.name),
        }
    }

    /// The measuring half of [`Operator::apply`]: a filter measures and does not
    /// decide, and the sample always goes on.
    ///
    /// # Errors
    ///
    /// As [`Operator::apply`].
    ///
    /// # Panics
    ///
    /// As [`Operator::apply`].
    pub fn measure(
        &self,
        sample: &mut Sample,
        pieces: &mut Vec<Sample>,
    ) -> Result<Outcome, OpError> {
        match &self.action {
            Action::Filter(filter) => filter.measure(sample).map(|()| Outcome::Kept),
            _ => self.apply(sample, pieces),
        }
    }

    /// The deciding half: whether a filter keeps a sample with these values;
    /// `None` for other kinds, and for filters that decide by more. A filter that
    /// another program runs has decided already, see [`KEPT`].
    pub fn keep(&self, stats: &Stats) -> Option<bool> {
        match &self.action {
            Action::Filter(filter) if filter.decides_by_stats() => Some(filter.keep(stats)),
            Action::Outside(_) if self.spec.kind == OpKind::Filter => {
                Some(stats.number(KEPT).is_none_or(|kept| kept != 0.0))
            }
            _ => None,
        }
    }

    /// The fingerprint by which a deduplicator compares; `None` for other kinds.
    ///
    /// # Errors
    ///
    /// If the deduplicator cannot process this sample.
    pub fn fingerprint(&self, sample: &mut Sample) -> Result<Option<Fingerprint>, OpError> {
        match &self.action {
            Action::Deduplicator(deduplicator) => deduplicator.fingerprint(sample).map(Some),
            _ => Ok(None),
        }
    }

    /// The fingerprints of several samples, in their order; `None` for other
    /// kinds. Faster than one after the other, where the deduplicator can be.
    pub fn fingerprints(
        &self,
        samples: &mut [Sample],
    ) -> Option<Vec<Result<Fingerprint, OpError>>> {
        match &self.action {
            Action::Deduplicator(deduplicator) => Some(deduplicator.fingerprints(samples)),
            _ => None,
        }
    }

    /// The hash that goes with a sample where a recipe keeps hashes: its
    /// fingerprint, unless the deduplicator has another one for the purpose.
    ///
    /// # Errors
    ///
    /// If the deduplicator cannot process this sample.
    pub fn kept_hash(
        &self,
        sample: &mut Sample,
        fingerprint: Fingerprint,
    ) -> Result<Fingerprint, OpError> {
        match &self.action {
            Action::Deduplicator(deduplicator) => deduplicator.kept_hash(sample, fingerprint),
            _ => Ok(fingerprint),
        }
    }

    /// Whether it decides over each sample and those before it: it needs its
    /// samples in input order, and has a [`Operator::fingerprint`].
    pub fn decides_in_order(&self) -> bool {
        matches!(self.action, Action::Deduplicator(_))
    }

    /// What another program needs to run it, if one does.
    pub fn runs_outside(&self) -> Option<&Outside> {
        match &self.action {
            Action::Outside(outside) => Some(outside),
            _ => None,
        }
    }

    /// The operator as one that decides over all samples, if it is such.
    pub fn exchange(&self) -> Option<&dyn Exchange> {
        match &self.action {
            Action::Exchange(exchange) => Some(exchange.as_ref()),
            _ => None,
        }
    }
}

impl fmt::Debug for Operator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Operator")
            .field("name", &self.spec.name)
            .field("common", &self.common)
            .finish_non_exhaustive()
    }
}
