//! [`Kind`]: what a column holds, as far as its values were seen.
//!
//! Kinds are joined as values come: absent and null go with everything,
//! integers widen to floats where every one of them is exact as a float, and
//! whatever does not go together becomes JSON text, which holds anything
//! without loss. Lists and objects are joined within, so that one odd leaf does
//! not spoil its neighbors.
//!
//! | values | column |
//! |---|---|
//! | only nulls | text |
//! | integers of 64 bits | int64 |
//! | integers up to 2^53, and floats | float64 |
//! | integers beyond that, and floats | JSON text |
//! | a number beyond 64 bits, or beyond a double | JSON text |
//! | text and anything else | JSON text |
//! | lists, objects | list, struct |
//! | objects without keys, or with more than 1000; nesting deeper than 12 | JSON text |
//! | a column of Parquet, alone | its own type |
//! | a column of Parquet with others | as for JSON, if it has such a kind |

use arrow_schema::{DataType, Field, Fields};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{Conflict, object};

/// Integers up to this magnitude are exact as floats.
pub(super) const EXACT_INT: i64 = 1 << 53;
/// Levels of lists and objects that become lists and structs.
const DEPTH_MAX: usize = 12;
/// Keys of an object below the top level that become fields.
const KEYS_MAX: usize = 1000;

/// What a column holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) enum Kind {
    #[default]
    Null,
    Bool,
    /// `wide`: some are not exact as floats.
    Int {
        wide: bool,
    },
    /// `ints`: some were written as integers.
    Float {
        ints: bool,
    },
    Text,
    List(Box<Kind>),
    Struct(IndexMap<String, Kind>),
    /// Columns that came with this type, untouched. `wide` as for integers.
    Exact {
        data_type: DataType,
        wide: bool,
    },
    Json(Seen),
}

/// What met in a column of JSON text, as a set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Seen(u16);

impl Seen {
    const BOOL: Self = Self(1);
    const INT: Self = Self(1 << 1);
    const WIDE: Self = Self(1 << 2);
    const BIG: Self = Self(1 << 3);
    const FLOAT: Self = Self(1 << 4);
    const HUGE: Self = Self(1 << 5);
    const TEXT: Self = Self(1 << 6);
    const LIST: Self = Self(1 << 7);
    const STRUCT: Self = Self(1 << 8);
    const DEEP: Self = Self(1 << 9);
    const MANY: Self = Self(1 << 10);
    const OTHER: Self = Self(1 << 11);

    const WORDS: [&str; 12] = [
        "booleans",
        "integers",
        "integers beyond 2^53",
        "integers beyond 64 bits",
        "floats",
        "numbers beyond a double",
        "text",
        "lists",
        "objects",
        "deep nesting",
        "objects of more than 1000 keys",
        "values of other column types",
    ];

    fn words(self) -> String {
        let words = Self::WORDS.iter().enumerate();
        let seen: Vec<&str> = words
            .filter(|(i, _)| self.0 & (1 << i) != 0)
            .map(|(_, word)| *word)
            .collect();
        match seen.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
            None => String::new(),
        }
    }
}

impl Kind {
    /// Takes a value into account: valid JSON without half surrogates.
    pub(super) fn observe(&mut self, raw: &str) {
        self.observe_at(raw, 0);
    }

    fn observe_at(&mut self, raw: &str, depth: usize) {
        let first = raw.as_bytes().first();
        match (first, &mut *self) {
            (Some(b'n'), _) => {}
            (Some(b'"'), Self::Text) => {}
            (Some(b'"'), _) => self.join(Self::Text),
            (Some(b't' | b'f'), _) => self.join(Self::Bool),
            (Some(b'[' | b'{'), _) if depth >= DEPTH_MAX => self.join(Self::Json(Seen::DEEP)),
            (Some(b'['), Self::List(item)) => {
                for raw in object::items(raw).unwrap_or_default() {
                    item.observe_at(raw.get(), depth + 1);
                }
            }
            (Some(b'{'), Self::Struct(fields)) => {
                observe_fields(fields, raw, depth);
                if depth > 0 && fields.len() > KEYS_MAX {
                    *self = Self::Json(Seen::MANY);
                }
            }
            (Some(b'['), Self::Null) => {
                *self = Self::List(Box::default());
                self.observe_at(raw, depth);
            }
            (Some(b'{'), Self::Null) => {
                *self = Self::Struct(IndexMap::new());
                self.observe_at(raw, depth);
            }
            (Some(b'[' | b'{'), _) => {
                let mut other = Self::Null;
                other.observe_at(raw, depth);
                self.join(other);
            }
            (Some(_), _) => self.join(Self::of_number(raw)),
            (None, _) => {}
        }
    }

    fn of_number(raw: &str) -> Self {
        if raw.bytes().any(|b| matches!(b, b'.' | b'e' | b'E')) {
            return match raw.parse::<f64>() {
                Ok(float) if float.is_finite() => Self::Float { ints: false },
                _ => Self::Json(Seen::HUGE),
            };
        }
        match raw.parse::<i64>() {
            Ok(int) => Self::Int {
                wide: !(-EXACT_INT..=EXACT_INT).contains(&int),
            },
            Err(_) => Self::Json(Seen::BIG),
        }
    }

    /// Takes into account what `other` has seen.
    pub(super) fn join(&mut self, other: Self) {
        *self = match (std::mem::take(self), other) {
            (Self::Null, kind) | (kind, Self::Null) => kind,
            (Self::Bool, Self::Bool) => Self::Bool,
            (Self::Text, Self::Text) => Self::Text,
            (Self::Int { wide: a }, Self::Int { wide: b }) => Self::Int { wide: a || b },
            (Self::Float { ints: a }, Self::Float { ints: b }) => Self::Float { ints: a || b },
            (Self::Int { wide: false }, Self::Float { .. })
            | (Self::Float { .. }, Self::Int { wide: false }) => Self::Float { ints: true },
            (Self::List(mut a), Self::List(b)) => {
                a.join(*b);
                Self::List(a)
            }
            (Self::Struct(mut a), Self::Struct(b)) => {
                for (name, kind) in b {
                    a.entry(name).or_default().join(kind);
                }
                Self::Struct(a)
            }
            (
                Self::Exact {
                    data_type: a,
                    wide: a_wide,
                },
                Self::Exact {
                    data_type: b,
                    wide: b_wide,
                },
            ) => join_exact((a, a_wide), (b, b_wide)),
            (Self::Exact { data_type, wide }, Self::Text)
            | (Self::Text, Self::Exact { data_type, wide })
                if is_text(&data_type) =>
            {
                Self::Exact { data_type, wide }
            }
            (Self::Exact { data_type, wide }, other) | (other, Self::Exact { data_type, wide }) => {
                match loosened(&data_type, wide) {
                    Some(mut kind) => {
                        kind.join(other);
                        kind
                    }
                    None => Self::Json(Seen(Seen::OTHER.0 | other.seen().0)),
                }
            }
            (a, b) => Self::Json(Seen(a.seen().0 | b.seen().0)),
        };
    }

    fn seen(&self) -> Seen {
        match self {
            Self::Null => Seen(0),
            Self::Bool => Seen::BOOL,
            Self::Int { wide: false } => Seen::INT,
            Self::Int { wide: true } => Seen::WIDE,
            Self::Float { ints: false } => Seen::FLOAT,
            Self::Float { ints: true } => Seen(Seen::FLOAT.0 | Seen::INT.0),
            Self::Text => Seen::TEXT,
            Self::List(_) => Seen::LIST,
            Self::Struct(_) => Seen::STRUCT,
            Self::Exact { data_type, wide } => {
                loosened(data_type, *wide).map_or(Seen::OTHER, |kind| kind.seen())
            }
            Self::Json(seen) => *seen,
        }
    }

    /// The type of the column.
    pub(super) fn data_type(&self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int { .. } => DataType::Int64,
            Self::Float { .. } => DataType::Float64,
            Self::List(item) => DataType::List(item.field("element").into()),
            Self::Struct(fields) if !fields.is_empty() => DataType::Struct(fields_of(fields)),
            Self::Exact { data_type, .. } => data_type.clone(),
            Self::Null | Self::Text | Self::Struct(_) | Self::Json(_) => DataType::Utf8,
        }
    }

    pub(super) fn field(&self, name: &str) -> Field {
        Field::new(name, self.data_type(), true)
    }

    /// Tells which columns were widened; `path` is the column's name.
    pub(super) fn conflicts(&self, path: &str, out: &mut Vec<Conflict>) {
        let mut tell = |resolution: String| {
            out.push(Conflict {
                column: path.to_owned(),
                resolution,
            });
        };
        match self {
            Self::Json(seen) => tell(format!("{} became JSON text", seen.words())),
            Self::Float { ints: true } => tell("integers and floats became float64".to_owned()),
            Self::Struct(fields) if fields.is_empty() => {
                tell("objects without keys became JSON text".to_owned());
            }
            Self::List(item) => item.conflicts(&format!("{path}[]"), out),
            Self::Struct(fields) => {
                for (name, kind) in fields {
                    kind.conflicts(&format!("{path}.{name}"), out);
                }
            }
            _ => {}
        }
    }
}

/// The fields of a struct.
pub(super) fn fields_of(kinds: &IndexMap<String, Kind>) -> Fields {
    kinds.iter().map(|(name, kind)| kind.field(name)).collect()
}

/// Takes the fields of an object into account; of repeated keys the last.
fn observe_fields(kinds: &mut IndexMap<String, Kind>, raw: &str, depth: usize) {
    let fields = object::fields(raw).unwrap_or_default();
    let mut values: Vec<Option<&str>> = vec![None; kinds.len()];
    for (key, value) in fields {
        let at = match kinds.get_index_of(key.as_ref()) {
            Some(at) => at,
            None => kinds.insert_full(key.into_owned(), Kind::Null).0,
        };
        values.resize(kinds.len(), None);
        values[at] = Some(value);
    }
    for (kind, value) in kinds.values_mut().zip(values) {
        if let Some(value) = value {
            kind.observe_at(value, depth + 1);
        }
    }
}

pub(super) fn is_text(data_type: &DataType) -> bool {
    use DataType::{LargeUtf8, Utf8, Utf8View};
    matches!(data_type, Utf8 | LargeUtf8 | Utf8View)
}

/// The kind that JSON has for a column type.
pub(super) fn loosened(data_type: &DataType, wide: bool) -> Option<Kind> {
    use DataType as T;
    let exact = |data_type: &DataType| Kind::Exact {
        data_type: data_type.clone(),
        wide: true,
    };
    Some(match data_type {
        T::Null => Kind::Null,
        T::Boolean => Kind::Bool,
        T::Int8 | T::Int16 | T::Int32 | T::UInt8 | T::UInt16 | T::UInt32 => {
            Kind::Int { wide: false }
        }
        T::Int64 => Kind::Int { wide },
        T::Float16 | T::Float32 | T::Float64 => Kind::Float { ints: false },
        T::Utf8 | T::LargeUtf8 | T::Utf8View => Kind::Text,
        T::List(item) | T::LargeList(item) => Kind::List(Box::new(exact(item.data_type()))),
        T::Struct(fields) => Kind::Struct(
            fields
                .iter()
                .map(|field| (field.name().clone(), exact(field.data_type())))
                .collect(),
        ),
        T::Dictionary(_, values) => exact(values),
        _ => return None,
    })
}

fn join_exact(a: (DataType, bool), b: (DataType, bool)) -> Kind {
    if a.0 == b.0 {
        return Kind::Exact {
            data_type: a.0,
            wide: a.1 || b.1,
        };
    }
    if is_text(&a.0) && is_text(&b.0) {
        return Kind::Exact {
            data_type: DataType::LargeUtf8,
            wide: false,
        };
    }
    match (loosened(&a.0, a.1), loosened(&b.0, b.1)) {
        (Some(mut a), Some(b)) => {
            a.join(b);
            a
        }
        (a, b) => {
            let seen = |kind: Option<Kind>| kind.map_or(Seen::OTHER, |kind| kind.seen());
            Kind::Json(Seen(seen(a).0 | seen(b).0))
        }
    }
}
