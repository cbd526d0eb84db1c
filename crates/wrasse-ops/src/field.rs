//! The values of a field by which samples are selected.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wrasse_op::{Keys, OpError, Sample};

use crate::python;

/// A value that selectors sort or group by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Key {
    Null,
    Int(i64),
    Float(f64),
    Text(String),
}

impl Key {
    /// The value at `path` as it is; an error for values without an order.
    pub(crate) fn exact(sample: &Sample, path: &str) -> Result<Self, OpError> {
        match sample.value(path)? {
            None | Some(Value::Null) => Ok(Self::Null),
            Some(Value::Bool(bool)) => Ok(Self::Int(i64::from(bool))),
            Some(Value::Number(number)) => Ok(match number.as_i64() {
                Some(int) => Self::Int(int),
                None => Self::Float(number.as_f64().unwrap_or(f64::INFINITY)),
            }),
            Some(Value::String(text)) => Ok(Self::Text(text)),
            Some(Value::Array(_) | Value::Object(_)) => Err(OpError::bad_sample(format!(
                "the field `{path}` is neither text, number nor null"
            ))),
        }
    }

    /// The value at `path` as a number: texts are read as one, of lists the mean
    /// is taken, and what is no number is `otherwise`.
    pub(crate) fn number(sample: &Sample, path: &str, otherwise: f64) -> Result<Self, OpError> {
        let value = sample.value(path)?;
        let number = value.as_ref().and_then(as_number).unwrap_or(otherwise);
        Ok(Self::Float(number))
    }

    pub(crate) fn write(&self, key: &mut Vec<u8>) -> Result<(), OpError> {
        *key = postcard::to_extend(self, std::mem::take(key))
            .map_err(|error| OpError::bad_sample(error.to_string()))?;
        Ok(())
    }

    fn read(bytes: &[u8]) -> Result<Self, OpError> {
        postcard::from_bytes(bytes).map_err(|error| OpError::fatal(error.to_string()))
    }

    /// The same key for what is equal in Python: 1 and 1.0.
    pub(crate) fn equal_to_python(self) -> Self {
        const EXACT: f64 = (1_i64 << 53) as f64;
        match self {
            Self::Float(float) if float.fract() == 0.0 && float.abs() < EXACT => {
                Self::Int(float as i64)
            }
            other => other,
        }
    }

    /// As Python orders them; null comes first, and texts behind numbers.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        let rank = |key: &Self| match key {
            Self::Null => 0,
            Self::Int(_) | Self::Float(_) => 1,
            Self::Text(_) => 2,
        };
        let float = |key: &Self| match key {
            Self::Int(int) => *int as f64,
            Self::Float(float) => *float,
            Self::Null | Self::Text(_) => 0.0,
        };
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            _ if rank(self) != rank(other) => rank(self).cmp(&rank(other)),
            // Of zeros neither is less.
            _ => (float(self) + 0.0).total_cmp(&(float(other) + 0.0)),
        }
    }
}

/// The largest Python integer that is a machine word: what the original sorts
/// values by that are no number.
pub(crate) const EXTREME: f64 = i64::MAX as f64;

/// A number, a text that Python's `float` reads, or the mean of a list.
fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Null | Value::Object(_) => None,
        Value::Bool(bool) => Some(f64::from(u8::from(*bool))),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => python::float(text),
        Value::Array(list) => {
            let mut numbers = Vec::new();
            let mut shape = None;
            flatten(list, &mut numbers, &mut shape, 0)?;
            (!numbers.is_empty()).then(|| pairwise_sum(&numbers) / numbers.len() as f64)
        }
    }
}

/// The numbers of a list of lists, all of the same depth and lengths.
fn flatten(
    list: &[Value],
    numbers: &mut Vec<f64>,
    shape: &mut Option<Vec<usize>>,
    depth: usize,
) -> Option<()> {
    let known = shape.get_or_insert_default();
    match known.get(depth) {
        Some(n) if *n != list.len() => return None,
        Some(_) => {}
        None if numbers.is_empty() => known.push(list.len()),
        None => return None,
    }
    for value in list {
        match value {
            Value::Array(inner) => flatten(inner, numbers, shape, depth + 1)?,
            Value::Number(_) | Value::Bool(_) => {
                if shape.as_ref().is_some_and(|known| known.len() > depth + 1) {
                    return None;
                }
                numbers.push(as_number(value)?);
            }
            _ => return None,
        }
    }
    Some(())
}

/// As NumPy sums: in blocks of 128, by eight, pairwise.
fn pairwise_sum(numbers: &[f64]) -> f64 {
    match numbers.len() {
        0..8 => numbers.iter().sum(),
        8..=128 => {
            let (eights, rest) = numbers.as_chunks::<8>();
            let mut sums = [0.0; 8];
            for eight in eights {
                for (sum, number) in sums.iter_mut().zip(eight) {
                    *sum += number;
                }
            }
            let [a, b, c, d, e, f, g, h] = sums;
            let all = ((a + b) + (c + d)) + ((e + f) + (g + h));
            rest.iter().fold(all, |sum, number| sum + number)
        }
        n => {
            let half = n / 2 / 8 * 8;
            pairwise_sum(&numbers[..half]) + pairwise_sum(&numbers[half..])
        }
    }
}

/// The first `n` samples by their keys, ties in input order: what sorting all
/// and taking `n` gives. Holds twice as many keys as are wanted, but no more
/// than there are.
pub(crate) fn first_by_key(
    keys: &dyn Keys,
    n: usize,
    descending: bool,
) -> Result<Vec<(Key, u32)>, OpError> {
    let order = |a: &(Key, u32), b: &(Key, u32)| {
        let by_key = match descending {
            true => b.0.order(&a.0),
            false => a.0.order(&b.0),
        };
        by_key.then(a.1.cmp(&b.1))
    };
    let mut best: Vec<(Key, u32)> = Vec::new();
    let mut failed = None;
    keys.scan(&mut |i, key| match Key::read(key) {
        Ok(key) => {
            best.push((key, i));
            if best.len() >= n.saturating_mul(2).max(1 << 10) {
                if n > 0 && n < best.len() {
                    best.select_nth_unstable_by(n - 1, order);
                }
                best.truncate(n);
            }
        }
        Err(error) => failed = Some(error),
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    best.sort_unstable_by(order);
    best.truncate(n);
    Ok(best)
}

/// The samples by the value of their keys, groups and their members in the order
/// of their first coming.
pub(crate) fn groups(keys: &dyn Keys) -> Result<Vec<Vec<u32>>, OpError> {
    let mut groups: Vec<Vec<u32>> = Vec::new();
    let mut known: std::collections::HashMap<Box<[u8]>, usize> = Default::default();
    keys.scan(&mut |i, key| match known.get(key) {
        Some(group) => groups[*group].push(i),
        None => {
            known.insert(key.into(), groups.len());
            groups.push(vec![i]);
        }
    })?;
    Ok(groups)
}

/// How many are to be taken of `n`, if that is limited: the smaller one of a
/// share and a count. A share of 0 counts as none, as in the original.
pub(crate) fn n_taken(n: usize, ratio: Option<f64>, count: Option<usize>) -> Option<usize> {
    let ratio = ratio.filter(|ratio| *ratio != 0.0);
    let count = count.filter(|count| *count > 0);
    let share = ratio.map(|ratio| ratio * n as f64);
    match (share, count) {
        (None, None) => None,
        (None, Some(count)) => Some(count.min(n)),
        (Some(share), Some(count)) if (count as f64) < share => Some(count.min(n)),
        (Some(share), _) => Some((share as usize).min(n)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_read_as_the_original_reads_them() {
        for (value, want) in [
            (json!(" 1_0.5 "), Some(10.5)),
            (json!("٣.１"), Some(3.1)),
            (json!("③"), None),
            (json!("1__0"), None),
            (json!("_1"), None),
            (json!("-Infinity"), Some(f64::NEG_INFINITY)),
            (json!("x"), None),
            (json!([1, 2.5, true]), Some(1.5)),
            (json!([[1, 2], [3, 4]]), Some(2.5)),
            (json!([[1, 2], [3]]), None),
            (json!([1, [2]]), None),
            (json!([[1], 2]), None),
            (json!([]), None),
            (json!(["1"]), None),
            (json!({"a": 1}), None),
            (json!(null), None),
        ] {
            assert_eq!(as_number(&value), want, "{value}");
        }
        let tenths: Vec<f64> = (0..300).map(|i| f64::from(i) * 0.1).collect();
        // numpy.array([i * 0.1 for i in range(300)]).sum()
        assert_eq!(pairwise_sum(&tenths), 4485.0);
    }

    #[test]
    fn the_first_are_those_that_sorting_gives() {
        let numbers: Vec<i64> = (0..5_000).map(|i| i * 7_919 % 501).collect();
        let key = |n: &i64| {
            let mut key = Vec::new();
            Key::Int(*n).write(&mut key).unwrap();
            key
        };
        let keys = wrasse_op::KeyList(numbers.iter().map(key).collect());
        for n in [0, 1, 700, 5_000, 9_000] {
            for descending in [false, true] {
                let mut want: Vec<u32> = (0..5_000).collect();
                want.sort_by_key(|i| numbers[*i as usize] * if descending { -1 } else { 1 });
                want.truncate(n);
                let got = first_by_key(&keys, n, descending).unwrap();
                let got: Vec<u32> = got.into_iter().map(|(_, i)| i).collect();
                assert_eq!(got, want);
            }
        }
    }
}
