//! `usage_counter_mapper` adds up the tokens that a recorded model call used.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};
use wrasse_op::{Common, Configured, Example, Mapper, OpError, OpSpec, ParamError, Sample};

use crate::meta;
use crate::python::{first_true, is_true};
use crate::unicode;

pub(crate) const SPEC: OpSpec = OpSpec::mapper::<UsageCounterMapper>(
    "usage_counter_mapper",
    "Adds up the tokens that recorded model calls used.",
)
.details("Usage is looked for in `usage_key`, in `response_metadata_key`, and in each entry of the list `choices_key` and its `message` or `delta`: there in `usage`, `usage_metadata` or directly, as `prompt_tokens` and `completion_tokens` or as `input_tokens` and `output_tokens`. The sums go to `prompt_tokens` and `completion_tokens` of the field `__dj__meta__`.\n\n`total_tokens` is the first one that was found, not a sum, as in the original; if there is none, it is the sum of the other two, or null if both are 0. Numbers of tokens that are no numbers are an error of the sample.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "counts the same usage once",
        params: "{}",
        input: &[r#"{"usage": {"prompt_tokens": 10, "completion_tokens": 5}, "choices": [{"usage": {"prompt_tokens": 10, "completion_tokens": 5}}, {"message": {"usage": {"input_tokens": 1, "output_tokens": 2}}}]}"#],
        output: &[r#"{"usage": {"prompt_tokens": 10, "completion_tokens": 5}, "choices": [{"usage": {"prompt_tokens": 10, "completion_tokens": 5}}, {"message": {"usage": {"input_tokens": 1, "output_tokens": 2}}}], "__dj__meta__": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}}"#],
    },
    Example {
        about: "counts nothing where nothing is",
        params: "{}",
        input: &[r#"{"text": "a"}"#],
        output: &[r#"{"text": "a", "__dj__meta__": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": null}}"#],
    },
]);

/// Parameters of `usage_counter_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The field that lists the answers of the model.
    choices_key: String,
    /// The field that holds the usage.
    usage_key: String,
    /// The field of the answer's metadata, which may hold a usage.
    response_metadata_key: String,
    /// Count usages with the same numbers once: they are copies, as a rule.
    dedupe_identical_usage: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            choices_key: "choices".to_owned(),
            usage_key: "usage".to_owned(),
            response_metadata_key: "response_metadata".to_owned(),
            dedupe_identical_usage: true,
        }
    }
}

pub(crate) struct UsageCounterMapper(Params);

impl Configured for UsageCounterMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self(params))
    }
}

impl Mapper for UsageCounterMapper {
    fn map(&self, sample: &mut Sample) -> Result<(), OpError> {
        let mut usages = self.usages(sample)?;
        if self.0.dedupe_identical_usage {
            let mut seen = BTreeSet::new();
            usages.retain(|usage| seen.insert(usage.identity()));
        }
        let mut prompt = Count::Int(0);
        let mut completion = Count::Int(0);
        for usage in &usages {
            prompt = prompt.plus(Count::of(&usage.prompt, "prompt_tokens")?);
            completion = completion.plus(Count::of(&usage.completion, "completion_tokens")?);
        }
        let mut totals = usages.into_iter().map(|usage| usage.total);
        let total = match totals.find(|total| !total.is_null()) {
            Some(total) => total,
            None if prompt.is_zero() && completion.is_zero() => Value::Null,
            None => prompt.plus(completion).to_json(),
        };

        let mut entries = meta::read(sample)?;
        entries.insert("prompt_tokens".to_owned(), prompt.to_json());
        entries.insert("completion_tokens".to_owned(), completion.to_json());
        entries.insert("total_tokens".to_owned(), total);
        meta::write(sample, entries);
        Ok(())
    }
}

impl UsageCounterMapper {
    /// Every usage of a sample, copies included.
    fn usages(&self, sample: &Sample) -> Result<Vec<Usage>, OpError> {
        let mut usages = Vec::new();
        match sample.value(&self.0.usage_key)? {
            None => {}
            Some(Value::Object(usage)) => usages.push(Usage::of(&usage)),
            Some(_) => usages.push(Usage::of(&fields_of(sample)?)),
        }
        // Nothing counts as an object without fields. That adds nothing, but
        // another usage of zeros is a copy of it then.
        match sample.value(&self.0.response_metadata_key)? {
            Some(Value::Object(fields)) => usages.push(Usage::of(&fields)),
            Some(other) if is_true(&other) => {}
            _ => usages.push(Usage::of(&Map::new())),
        }
        if let Some(Value::Array(choices)) = sample.value(&self.0.choices_key)? {
            for choice in choices.iter().filter_map(Value::as_object) {
                usages.push(Usage::of(choice));
                let message = first_true(&[choice.get("message")]).or(choice.get("delta"));
                usages.extend(message.and_then(Value::as_object).map(Usage::of));
            }
        }
        Ok(usages)
    }
}

/// The fields of a sample that may be a usage.
fn fields_of(sample: &Sample) -> Result<Map<String, Value>, OpError> {
    let mut fields = Map::new();
    for name in [
        "usage",
        "usage_metadata",
        "prompt_tokens",
        "completion_tokens",
        "input_tokens",
        "output_tokens",
        "total_tokens",
    ] {
        if let Some(value) = sample.value(name)? {
            fields.insert(name.to_owned(), value);
        }
    }
    Ok(fields)
}

struct Usage {
    prompt: Value,
    completion: Value,
    total: Value,
}

impl Usage {
    fn of(object: &Map<String, Value>) -> Self {
        let has = |fields: &Map<String, Value>, name: &str| {
            fields.get(name).is_some_and(|value| !value.is_null())
        };
        let has_tokens = |fields| has(fields, "prompt_tokens") || has(fields, "completion_tokens");
        let none = Map::new();
        let nested = first_true(&[object.get("usage"), object.get("usage_metadata")])
            .and_then(Value::as_object)
            .unwrap_or(&none);
        let usage = match !has_tokens(nested) && has_tokens(object) {
            true => object,
            false => nested,
        };
        let tokens = |name: &str, other: &str| {
            first_true(&[usage.get(name), usage.get(other)])
                .cloned()
                .unwrap_or_else(|| 0.into())
        };
        Self {
            prompt: tokens("prompt_tokens", "input_tokens"),
            completion: tokens("completion_tokens", "output_tokens"),
            total: usage.get("total_tokens").cloned().unwrap_or_default(),
        }
    }

    /// What copies of a usage have in common.
    fn identity(&self) -> (i128, i128, i128) {
        let prompt = int(&self.prompt).unwrap_or(0);
        let completion = int(&self.completion).unwrap_or(0);
        let total = int(&self.total).unwrap_or(prompt.saturating_add(completion));
        (prompt, completion, total)
    }
}

/// Python's `int(value)`, none where that is an error.
fn int(value: &Value) -> Option<i128> {
    match value {
        Value::Bool(value) => Some((*value).into()),
        Value::Number(number) => number
            .as_i128()
            .or_else(|| number.as_f64().map(|value| value as i128)),
        Value::String(text) => unicode::strip(text).parse().ok(),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A number as Python adds it.
#[derive(Clone, Copy)]
enum Count {
    Int(i128),
    Float(f64),
}

impl Count {
    fn of(value: &Value, name: &str) -> Result<Self, OpError> {
        match value {
            value if !is_true(value) => Ok(Self::Int(0)),
            Value::Bool(_) => Ok(Self::Int(1)),
            Value::Number(number) => Ok(match (number.as_i128(), number.as_f64()) {
                (Some(value), _) => Self::Int(value),
                (None, value) => Self::Float(value.unwrap_or(0.0)),
            }),
            _ => Err(OpError::bad_sample(format!(
                "expected a number in `{name}`, found `{value}`"
            ))),
        }
    }

    fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Self::Int(a.saturating_add(b)),
            (a, b) => Self::Float(a.as_f64() + b.as_f64()),
        }
    }

    fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    fn is_zero(self) -> bool {
        self.as_f64() == 0.0
    }

    fn to_json(self) -> Value {
        match self {
            Self::Int(value) => match Number::from_i128(value) {
                Some(number) => number.into(),
                None => (value as f64).into(),
            },
            Self::Float(value) => value.into(),
        }
    }
}
