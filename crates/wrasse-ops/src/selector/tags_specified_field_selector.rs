//! `tags_specified_field_selector` keeps samples with certain tags.

use serde_json::Value;
use wrasse_op::{
    Common, Configured, Example, Filter, OpError, OpKind, OpSpec, ParamError, Sample, Stat, Stats,
};

use crate::python;

pub(crate) const SPEC: OpSpec = OpSpec::filter::<TagsSpecifiedFieldSelector>(
    "tags_specified_field_selector",
    "Keeps samples whose value of a field is one of some tags.",
    &[],
)
.known_as(OpKind::Selector)
.details(
    "Values are texts, numbers or null and compared as they are, in upper and lower case; a \
     sample with another value is rejected. A field that a sample lacks is null. Without \
     `field_key` all samples stay.\n\n\
     No other sample is needed to decide, so that samples do not wait. (The original keeps a \
     dataset of one sample whatever its tag.)",
)
.decided_by(&["target_tags"])
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "by language",
    params: r#"{"field_key": "meta.lang", "target_tags": ["en"]}"#,
    input: &[
        r#"{"text": "a", "meta": {"lang": "en"}}"#,
        r#"{"text": "b", "meta": {"lang": "fr"}}"#,
    ],
    output: &[r#"{"text": "a", "meta": {"lang": "en"}}"#],
}]);

/// Parameters of `tags_specified_field_selector`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The field, with dots for fields inside others.
    #[serde(default)]
    field_key: String,
    /// The tags of samples that stay.
    target_tags: Vec<Value>,
}

pub(crate) struct TagsSpecifiedFieldSelector(Params);

impl Configured for TagsSpecifiedFieldSelector {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self(params))
    }
}

impl Filter for TagsSpecifiedFieldSelector {
    fn measure(&self, sample: &mut Sample) -> Result<(), OpError> {
        let value = self.value(sample)?;
        let path = self.0.field_key.clone();
        match label(&value) {
            Some(label) => sample.stats_mut().set(path, Stat::Text(label)),
            None => sample.stats_mut().remove(&path),
        }
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        match stats.get(&self.0.field_key) {
            Some(Stat::Text(label)) => self.keeps(&value_of(label)),
            stat => self.keeps(&stat.map_or(Value::Null, Stat::to_json)),
        }
    }

    /// Leaves no stat behind, as the original.
    fn decide(&self, sample: &mut Sample) -> Result<bool, OpError> {
        let value = self.value(sample)?;
        Ok(self.keeps(&value))
    }
}

/// A tag as a label, so that tags of different types are one stat: texts as they
/// are unless they read as JSON, all else as JSON. Null has none.
fn label(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if serde_json::from_str::<Value>(text).is_err() => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// The tag of a label.
fn value_of(label: &str) -> Value {
    serde_json::from_str(label).unwrap_or_else(|_| Value::String(label.to_owned()))
}

impl TagsSpecifiedFieldSelector {
    /// The tag of a sample; null without a field to look at.
    fn value(&self, sample: &Sample) -> Result<Value, OpError> {
        let path = self.0.field_key.as_str();
        if path.is_empty() {
            return Ok(Value::Null);
        }
        let value = sample.value(path)?.unwrap_or(Value::Null);
        if value.is_array() || value.is_object() {
            let message = format!("the field `{path}` is neither text, number nor null");
            return Err(OpError::bad_sample(message));
        }
        Ok(value)
    }

    fn keeps(&self, value: &Value) -> bool {
        let is_wanted = |tag| python::equal(tag, value);
        self.0.field_key.is_empty() || self.0.target_tags.iter().any(is_wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn labels_are_tags() {
        for tag in [json!("en"), json!("17"), json!(17), json!(1.5), json!(true), json!(""), json!("\"a\""), json!("null")] {
            assert_eq!(value_of(&label(&tag).unwrap()), tag);
        }
        assert_eq!(label(&json!("en")).unwrap(), "en");
        assert_eq!(label(&json!(null)), None);
    }
}
