//! [`Stats`]: the named values that filters measured on a sample.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One measured value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Stat {
    /// A count.
    Int(i64),
    /// A ratio or an average.
    Float(f64),
    /// Whether something holds.
    Bool(bool),
    /// A label, such as a language.
    Text(String),
    /// One value per image, line, ...
    List(Vec<Stat>),
    /// What is none of these, an object or a list with nulls, as JSON.
    Json(String),
}

impl Stat {
    /// The value as a number; `None` for labels and lists.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(int) => Some(*int as f64),
            Self::Float(float) => Some(*float),
            Self::Bool(bool) => Some(f64::from(u8::from(*bool))),
            Self::Text(_) | Self::List(_) | Self::Json(_) => None,
        }
    }

    /// The value as JSON; numbers that JSON cannot hold become null.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Int(int) => Value::from(*int),
            Self::Float(float) => Value::from(*float),
            Self::Bool(bool) => Value::from(*bool),
            Self::Text(text) => Value::from(text.as_str()),
            Self::List(list) => list.iter().map(Self::to_json).collect(),
            Self::Json(json) => serde_json::from_str(json).unwrap_or(Value::Null),
        }
    }

    /// Reads a value back from JSON; `None` for null.
    pub fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Some(match number.as_i64() {
                Some(int) => Self::Int(int),
                None => Self::Float(number.as_f64()?),
            }),
            Value::String(text) => Some(Self::Text(text.clone())),
            Value::Array(list) => list
                .iter()
                .map(Self::from_json)
                .collect::<Option<_>>()
                .map(Self::List)
                .or_else(|| Some(Self::Json(value.to_string()))),
            Value::Bool(bool) => Some(Self::Bool(*bool)),
            Value::Object(_) => Some(Self::Json(value.to_string())),
            Value::Null => None,
        }
    }
}

impl From<f64> for Stat {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<usize> for Stat {
    fn from(value: usize) -> Self {
        Self::Int(value as i64)
    }
}

/// The values measured on one sample, by name, in the order of measuring.
///
/// A handful of entries: a list searched from its start beats a map.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats(Vec<(Cow<'static, str>, Stat)>);

impl Stats {
    /// Sets `name` to `value`, in place if it was there.
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Stat>) {
        let name = name.into();
        let value = value.into();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// The value of `name`, if it was measured.
    pub fn get(&self, name: &str) -> Option<&Stat> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// The value of `name` as a number, if it was measured and is one.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(Stat::as_f64)
    }

    /// Forgets `name`.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    /// The entries in the order of measuring.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Stat)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
