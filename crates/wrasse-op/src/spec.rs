//! [`OpSpec`]: everything that the rest of the system knows of an operator.

use std::fmt;

use schemars::{Schema, schema_for};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::operator::Action;
use crate::traits::OnText;
use crate::{
    Common, Configured, Deduplicator, Exchange, Filter, Mapper, Operator, ParamError, Slicer,
    TextDeduplicator, TextFilter, TextMapper, TextSlicer,
};

/// The shape of an operator: how many samples come out for one that goes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OpKind {
    /// Exactly one.
    Mapper,
    /// None or one, and the one is unchanged.
    Filter,
    /// Any number.
    Slicer,
    /// None or one, decided over all samples.
    Deduplicator,
    /// Some of all samples, perhaps in another order.
    Selector,
    /// One for many: a sample whose fields are lists.
    Grouper,
}

impl OpKind {
    /// The kind that a word stands for.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Mapper,
            Self::Filter,
            Self::Slicer,
            Self::Deduplicator,
            Self::Selector,
            Self::Grouper,
        ]
        .into_iter()
        .find(|kind| kind.name() == name)
    }

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mapper => "mapper",
            Self::Filter => "filter",
            Self::Slicer => "slicer",
            Self::Deduplicator => "deduplicator",
            Self::Selector => "selector",
            Self::Grouper => "grouper",
        }
    }
}

impl fmt::Display for OpKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// A worked example: shown on the reference page, and run as a test.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// What the example shows, as a phrase.
    pub about: &'static str,
    /// The parameters, as a JSON object.
    pub params: &'static str,
    /// The samples that go in, as JSON.
    pub input: &'static [&'static str],
    /// The samples that come out, as JSON.
    pub output: &'static [&'static str],
}

/// The description of one operator.
#[derive(Clone, Copy)]
pub struct OpSpec {
    /// The name that recipes use.
    pub name: &'static str,
    /// Other names by which users know it, such as a DataMate raw_id.
    pub aliases: &'static [&'static str],
    /// The shape of the operator.
    pub kind: OpKind,
    /// One sentence for catalogs.
    pub summary: &'static str,
    /// What a user must know beyond the summary: rules, units, quirks of the
    /// original that are kept. Paragraphs, in Markdown.
    pub details: &'static str,
    /// Where the semantics come from, such as `Data-Juicer 1.6`.
    pub origin: &'static str,
    /// The names of the values that a filter measures.
    pub stats: &'static [&'static str],
    /// Parameters that are called like bounds and change what is measured.
    pub measured_by: &'static [&'static str],
    /// Parameters that are called otherwise and only decide.
    pub decided_by: &'static [&'static str],
    /// Parameters that are lists of pairs, the second of which only decides.
    pub decided_by_second: &'static [&'static str],
    /// At least one; see [`Example`].
    pub examples: &'static [Example],
    schema: fn() -> Schema,
    build: fn(Value, &Common) -> Result<Action, ParamError>,
}

impl OpSpec {
    /// Describes a [`TextMapper`].
    pub const fn text_mapper<O: TextMapper>(name: &'static str, summary: &'static str) -> Self {
        Self::describe::<O>(name, summary, OpKind::Mapper, |params, common| {
            Ok(Action::Mapper(Box::new(on_text::<O>(params, common)?)))
        })
    }

    /// Describes a [`TextFilter`].
    pub const fn text_filter<O: TextFilter>(name: &'static str, summary: &'static str) -> Self {
        let spec = Self::describe::<O>(name, summary, OpKind::Filter, |params, common| {
            Ok(Action::Filter(Box::new(on_text::<O>(params, common)?)))
        });
        Self {
            stats: O::STATS,
            ..spec
        }
    }

    /// Describes a [`TextSlicer`].
    pub const fn text_slicer<O: TextSlicer>(name: &'static str, summary: &'static str) -> Self {
        Self::describe::<O>(name, summary, OpKind::Slicer, |params, common| {
            Ok(Action::Slicer(Box::new(on_text::<O>(params, common)?)))
        })
    }

    /// Describes a [`TextDeduplicator`].
    pub const fn text_deduplicator<O: TextDeduplicator>(
        name: &'static str,
        summary: &'static str,
    ) -> Self {
        Self::describe::<O>(name, summary, OpKind::Deduplicator, |params, common| {
            Ok(Action::Deduplicator(Box::new(on_text::<O>(
                params, common,
            )?)))
        })
    }

    /// Describes a [`Mapper`] of whole samples.
    pub const fn mapper<O: Configured + Mapper>(name: &'static str, summary: &'static str) -> Self {
        Self::describe::<O>(name, summary, OpKind::Mapper, |params, common| {
            Ok(Action::Mapper(Box::new(configure::<O>(params, common)?)))
        })
    }

    /// Describes a [`Filter`] of whole samples, with the values it measures.
    pub const fn filter<O: Configured + Filter>(
        name: &'static str,
        summary: &'static str,
        stats: &'static [&'static str],
    ) -> Self {
        let spec = Self::describe::<O>(name, summary, OpKind::Filter, |params, common| {
            Ok(Action::Filter(Box::new(configure::<O>(params, common)?)))
        });
        Self { stats, ..spec }
    }

    /// Describes a [`Slicer`] of whole samples.
    pub const fn slicer<O: Configured + Slicer>(name: &'static str, summary: &'static str) -> Self {
        Self::describe::<O>(name, summary, OpKind::Slicer, |params, common| {
            Ok(Action::Slicer(Box::new(configure::<O>(params, common)?)))
        })
    }

    /// Describes a [`Deduplicator`] of whole samples.
    pub const fn deduplicator<O: Configured + Deduplicator>(
        name: &'static str,
        summary: &'static str,
    ) -> Self {
        Self::describe::<O>(name, summary, OpKind::Deduplicator, |params, common| {
            Ok(Action::Deduplicator(Box::new(configure::<O>(
                params, common,
            )?)))
        })
    }

    /// Describes an [`Exchange`]: a deduplicator, selector or grouper that
    /// decides when it has seen all samples.
    pub const fn exchange<O: Configured + Exchange>(
        name: &'static str,
        summary: &'static str,
        kind: OpKind,
    ) -> Self {
        Self::describe::<O>(name, summary, kind, |params, common| {
            Ok(Action::Exchange(Box::new(configure::<O>(params, common)?)))
        })
    }

    /// Describes an operator that another program runs: nothing is known of its
    /// parameters here. It lives as long as the process.
    pub fn outside(name: &str, summary: &str, kind: OpKind) -> &'static Self {
        let keep = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        Box::leak(Box::new(Self {
            name: keep(name),
            aliases: &[],
            kind,
            summary: keep(summary),
            details: "",
            origin: "Python",
            stats: &[],
            measured_by: &[],
            decided_by: &[],
            decided_by_second: &[],
            examples: &[],
            schema: || schema_for!(Map<String, Value>),
            build: |_, _| {
                Err(ParamError::contradiction(
                    "the operator runs in another program",
                ))
            },
        }))
    }

    /// Adds the text below the summary.
    #[must_use]
    pub const fn details(self, details: &'static str) -> Self {
        Self { details, ..self }
    }

    /// Adds where the semantics come from.
    #[must_use]
    pub const fn origin(self, origin: &'static str) -> Self {
        Self { origin, ..self }
    }

    /// Says that users know it as another kind: a selector that needs no other
    /// sample to decide is built like a filter.
    #[must_use]
    pub const fn known_as(self, kind: OpKind) -> Self {
        Self { kind, ..self }
    }

    /// Names parameters that are called like bounds (`min_...`, `max_...`) and
    /// change what a filter measures.
    #[must_use]
    pub const fn measured_by(self, measured_by: &'static [&'static str]) -> Self {
        Self {
            measured_by,
            ..self
        }
    }

    /// Names parameters that only decide, but are not called like bounds.
    #[must_use]
    pub const fn decided_by(self, decided_by: &'static [&'static str]) -> Self {
        Self { decided_by, ..self }
    }

    /// Names parameters that are lists of pairs: what is measured, and a bound.
    #[must_use]
    pub const fn decided_by_second(self, decided_by_second: &'static [&'static str]) -> Self {
        Self {
            decided_by_second,
            ..self
        }
    }

    /// Adds other names.
    #[must_use]
    pub const fn aliases(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// Adds worked examples.
    #[must_use]
    pub const fn examples(self, examples: &'static [Example]) -> Self {
        Self { examples, ..self }
    }

    /// The JSON schema of the operator's own parameters.
    pub fn schema(&self) -> Schema {
        (self.schema)()
    }

    /// Whether parameter `name` only decides what is kept, and changes nothing of
    /// what is measured: bounds, by their names (`min_...`, `max_...`), how they
    /// are meant, and what the operator lists. What is not known to be a bound
    /// counts as measuring.
    pub fn decides_by(&self, name: &str) -> bool {
        let is_bound = name.starts_with("min_")
            || name.starts_with("max_")
            || matches!(name, "reversed_range");
        let is_bound = self.kind == OpKind::Filter && is_bound && !self.measured_by.contains(&name);
        is_bound || self.decided_by.contains(&name)
    }

    /// What of parameter `name` with its `value` matters where a filter measures.
    pub fn measures_by(&self, name: &str, value: &Value) -> Option<Value> {
        if self.decides_by(name) {
            return None;
        }
        match value {
            Value::Array(pairs) if self.decided_by_second.contains(&name) => {
                Some(pairs.iter().map(|pair| pair[0].clone()).collect())
            }
            value => Some(value.clone()),
        }
    }

    /// Checks `params` (an object, or null for all defaults) and builds the
    /// operator. `defaults` are the recipe's common parameters.
    ///
    /// # Errors
    ///
    /// If a parameter is unknown, missing, of the wrong type or out of range.
    pub fn build(&'static self, params: &Value, defaults: &Common) -> Result<Operator, ParamError> {
        let mut params = match params {
            Value::Null => Map::new(),
            Value::Object(params) => params.clone(),
            other => {
                return Err(ParamError::contradiction(format!(
                    "expected parameters as `name: value`, found `{other}`"
                )));
            }
        };
        let schema = self.schema();
        let declared = schema.get("properties").and_then(Value::as_object);
        let common = defaults.take_from(&mut params, |name| {
            declared.is_some_and(|own| own.contains_key(name))
        })?;
        let action = (self.build)(Value::Object(params), &common)?;
        Ok(Operator::new(self, common, action))
    }

    const fn describe<O: Configured>(
        name: &'static str,
        summary: &'static str,
        kind: OpKind,
        build: fn(Value, &Common) -> Result<Action, ParamError>,
    ) -> Self {
        Self {
            name,
            aliases: &[],
            kind,
            summary,
            details: "",
            origin: "Wrasse",
            stats: &[],
            measured_by: &[],
            decided_by: &[],
            decided_by_second: &[],
            examples: &[],
            schema: || schema_for!(O::Params),
            build,
        }
    }
}

impl fmt::Debug for OpSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OpSpec")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

fn on_text<O: Configured>(params: Value, common: &Common) -> Result<OnText<O>, ParamError> {
    Ok(OnText {
        op: configure(params, common)?,
        common: common.clone(),
    })
}

fn configure<O: Configured>(params: Value, common: &Common) -> Result<O, ParamError> {
    O::new(parse(params)?, common)
}

fn parse<P: DeserializeOwned>(params: Value) -> Result<P, ParamError> {
    serde_path_to_error::deserialize(params).map_err(|error| {
        let path = error.path().to_string();
        let message = error.inner().to_string();
        if path == "." {
            ParamError::contradiction(message)
        } else {
            ParamError::new(path, message)
        }
    })
}
