//! `key_value_grouper` makes one sample of those that have the same values.

use std::collections::HashMap;

use serde_json::Value;
use wrasse_op::{
    Common, Configured, Decision, Example, Exchange, Keys, OpError, OpKind, OpSpec, ParamError,
    Sample,
};

pub(crate) const SPEC: OpSpec = OpSpec::exchange::<KeyValueGrouper>(
    "key_value_grouper",
    "Makes one sample of all that have the same values of some fields.",
    OpKind::Grouper,
)
.details(
    "The fields of the new sample are the lists of its members' values, null where a member has \
     none. Groups come in the order of their first members. A field that a sample lacks counts \
     as null; 1, 1.0 and true are three values.\n\n\
     All samples are seen before one goes on; they wait on disk. The decision holds 16 bytes for \
     each distinct value and 4 a sample, and each group has to fit into memory.",
)
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "by language",
    params: r#"{"group_by_keys": ["meta.lang"]}"#,
    input: &[
        r#"{"text": "a", "meta": {"lang": "en"}}"#,
        r#"{"text": "b", "meta": {"lang": "de"}}"#,
        r#"{"text": "c", "meta": {"lang": "en"}}"#,
    ],
    output: &[
        r#"{"text": ["a", "c"], "meta": [{"lang": "en"}, {"lang": "en"}]}"#,
        r#"{"text": ["b"], "meta": [{"lang": "de"}]}"#,
    ],
}]);

/// Parameters of `key_value_grouper`.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The fields, with dots for fields inside others and numbers for members of
    /// lists; the text field if absent.
    group_by_keys: Option<Vec<String>>,
}

pub(crate) struct KeyValueGrouper(Vec<String>);

impl Configured for KeyValueGrouper {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        let keys = params.group_by_keys.filter(|keys| !keys.is_empty());
        Ok(Self(keys.unwrap_or_else(|| vec![common.text_key.clone()])))
    }
}

impl Exchange for KeyValueGrouper {
    fn key(&self, sample: &mut Sample, key: &mut Vec<u8>) -> Result<(), OpError> {
        let mut values = String::new();
        for path in &self.0 {
            let mut value = value_at(sample, path)?;
            value.sort_all_objects();
            values.push_str(&value.to_string());
            values.push('\n');
        }
        key.extend_from_slice(&md5::compute(values).0);
        Ok(())
    }

    fn decide(&self, keys: &dyn Keys, _: usize) -> Result<Decision, OpError> {
        let mut groups: Vec<Vec<u32>> = Vec::new();
        let mut known: HashMap<[u8; 16], usize> = HashMap::new();
        keys.scan(&mut |i, key| {
            let (hash, _) = key.as_chunks::<16>();
            let group = *known.entry(hash[0]).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[group].push(i);
        })?;
        Ok(Decision::Groups(groups))
    }
}

/// The value at a path that may lead into lists.
fn value_at(sample: &Sample, path: &str) -> Result<Value, OpError> {
    if let Some(value) = sample.value(path)? {
        return Ok(value);
    }
    let mut steps = path.split('.');
    let first = sample.value(steps.next().unwrap_or_default())?;
    let found = steps.try_fold(first.unwrap_or(Value::Null), |value, step| match value {
        Value::Array(list) => step.parse().ok().and_then(|i: usize| list.into_iter().nth(i)),
        Value::Object(mut object) => object.remove(step),
        _ => None,
    });
    Ok(found.unwrap_or(Value::Null))
}
