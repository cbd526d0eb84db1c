//! `naive_reverse_grouper` takes a sample of lists apart.

use serde_json::{Map, Value};
use wrasse_op::{
    Common, Configured, Example, OpError, OpSpec, ParamError, Sample, Slicer,
};

pub(crate) const SPEC: OpSpec = OpSpec::slicer::<NaiveReverseGrouper>(
    "naive_reverse_grouper",
    "Takes a sample whose fields are lists apart, into one sample for each place in them.",
)
.details(
    "All fields have to be lists of the same length; other samples are rejected. The field \
     `__dj__batch_meta__` goes.",
)
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "two samples in one",
    params: "{}",
    input: &[r#"{"text": ["a", "b"], "id": [1, 2]}"#],
    output: &[r#"{"text": "a", "id": 1}"#, r#"{"text": "b", "id": 2}"#],
}]);

/// What groupers of the original leave about a whole group.
const BATCH_META: &str = "__dj__batch_meta__";

/// Parameters of `naive_reverse_grouper`.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// Not supported: the original writes `__dj__batch_meta__` of all samples
    /// to this file.
    batch_meta_export_path: Option<String>,
}

pub(crate) struct NaiveReverseGrouper;

impl Configured for NaiveReverseGrouper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        if params.batch_meta_export_path.is_some() {
            return Err(ParamError::new(
                "batch_meta_export_path",
                "operators write no files of their own here",
            )
            .with_hint("take the parameter away: `__dj__batch_meta__` is then dropped"));
        }
        Ok(Self)
    }
}

impl Slicer for NaiveReverseGrouper {
    fn slice(&self, sample: &mut Sample, pieces: &mut Vec<Sample>) -> Result<(), OpError> {
        let mut lists = Vec::new();
        for name in sample.field_names() {
            if name == BATCH_META {
                continue;
            }
            match sample.value(&name)? {
                Some(Value::Array(list)) => lists.push((name.into_owned(), list)),
                _ => {
                    let message = format!("the field `{name}` is no list");
                    return Err(OpError::bad_sample(message));
                }
            }
        }
        let n = lists.first().map_or(0, |(_, list)| list.len());
        if let Some((name, list)) = lists.iter().find(|(_, list)| list.len() != n) {
            return Err(OpError::bad_sample(format!(
                "the list `{name}` has {} members, and `{}` has {n}",
                list.len(),
                lists[0].0
            )));
        }
        let mut lists: Vec<_> = lists
            .into_iter()
            .map(|(name, list)| (name, list.into_iter()))
            .collect();
        for i in 0..n {
            let fields = lists.iter_mut();
            let row: Map<String, Value> = fields
                .map(|(name, list)| (name.clone(), list.next().unwrap_or(Value::Null)))
                .collect();
            let line = Value::Object(row).to_string();
            let mut origin = sample.origin();
            origin.piece = i as u32;
            let piece = Sample::from_json(line.as_str().into(), origin)
                .map_err(|error| OpError::bad_sample(error.to_string()))?;
            pieces.push(piece);
        }
        Ok(())
    }
}
