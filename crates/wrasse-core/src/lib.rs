//! The nouns of Wrasse: samples, their texts, where they came from, byte counts.
//!
//! A [`Sample`] is one record on its way through the operators. It keeps the
//! bytes it was read from; only the fields that an operator names are decoded,
//! and only the fields that changed are written anew. A [`Text`] is one decoded
//! field with the values derived from it, each computed once per version.
//!
//! This crate knows no files, threads, clocks or operators.
//!
//! Layer: 0.

mod bytes;
mod chars;
mod columns;
mod error;
mod json;
mod origin;
mod sample;
mod shared;
mod stats;
mod text;

pub use bytes::{ByteCount, ParseByteCountError};
pub use chars::n_chars;
pub use columns::{Cell, Columns};
pub use error::FieldError;
pub use json::{NotASample, write_string};
pub use origin::Origin;
pub use sample::{Peek, STATS_FIELD, Sample};
pub use shared::SharedStr;
pub use stats::{Stat, Stats};
pub use text::{Derived, Text};
