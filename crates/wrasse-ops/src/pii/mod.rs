//! What can tell who somebody is, or let others in: how each kind of it is
//! found in a text.
//!
//! The patterns are Data-Juicer's. Those that look at single characters or at
//! what stands around a match are searched by hand ([`find`], [`keyed`]).

mod checked;
mod find;
mod keyed;
mod kinds;
mod redactor;

pub(crate) use checked::luhn;
pub(crate) use kinds::Kind;
pub(crate) use redactor::Redactor;
