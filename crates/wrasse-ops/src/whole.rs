//! Whole numbers as parameters, which may be written `10.0` as well, and bounds
//! of that kind, which may be null: as Data-Juicer takes them.

use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer};
use serde_json::Number;
use wrasse_op::{Common, Interval};

/// Reads a whole number or null.
pub(crate) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(number) = Option::<Number>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let float = number.as_f64().filter(|float| float.fract() == 0.0);
    // What is too large for an integer is as good as the largest.
    match number.as_i64().or(float.map(|float| float as i64)) {
        Some(whole) => Ok(Some(whole)),
        None => Err(D::Error::custom(format!(
            "expected a whole number, found `{number}`"
        ))),
    }
}

/// The range of counts that a filter keeps.
pub(crate) fn range(common: &Common, min: Option<i64>, max: Option<i64>) -> Interval {
    let bound = |bound: Option<i64>| bound.map(|bound| bound as f64);
    common.interval(bound(min), bound(max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn whole_numbers_may_have_a_point() {
        for (value, want) in [
            (json!(null), Some(None)),
            (json!(-3), Some(Some(-3))),
            (json!(10.0), Some(Some(10))),
            (json!(i64::MAX), Some(Some(i64::MAX))),
            (json!(1e30), Some(Some(i64::MAX))),
            (json!(2.5), None),
            (json!("10"), None),
            (json!(true), None),
        ] {
            let got: Result<Option<i64>, serde_json::Error> = whole::<Value>(value.clone());
            assert_eq!(got.ok(), want, "{value}");
        }
    }
}
