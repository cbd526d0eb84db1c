//! The field in which operators leave what they found out about a sample.

use serde_json::{Map, Value};
use wrasse_op::{OpError, Sample};

/// Data-Juicer's name of the field.
pub(crate) const META_FIELD: &str = "__dj__meta__";

/// The entries of the field, none if the sample does not have it.
///
/// # Errors
///
/// If the field is no object.
pub(crate) fn read(sample: &Sample) -> Result<Map<String, Value>, OpError> {
    match sample.value(META_FIELD)? {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(entries)) => Ok(entries),
        Some(_) => Err(OpError::bad_sample(format!(
            "expected an object in `{META_FIELD}`"
        ))),
    }
}

/// Replaces the entries of the field.
pub(crate) fn write(sample: &mut Sample, entries: Map<String, Value>) {
    sample.set_value(META_FIELD, &Value::Object(entries));
}
