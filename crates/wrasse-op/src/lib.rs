//! The operator SDK: what an operator is, and how it is described.
//!
//! An operator is one file with three things in it: a parameter struct, an
//! implementation of one of the traits below, and one [`OpSpec`] constant.
//! Everything else (recipe validation, the catalog, the reference page, the
//! tests) is derived from the [`OpSpec`], so an operator that compiles is an
//! operator that is documented and tested.
//!
//! | it takes | mapper | filter | slicer | deduplicator |
//! |---|---|---|---|---|
//! | one text field | [`TextMapper`] | [`TextFilter`] | [`TextSlicer`] | [`TextDeduplicator`] |
//! | whole samples | [`Mapper`] | [`Filter`] | [`Slicer`] | [`Deduplicator`] |
//!
//! What must see all samples before it decides (near duplicates, the best so
//! many, groups) is an [`Exchange`].
//!
//! This crate knows nothing of engines, files or recipes.
//!
//! Layer: 1.

#![deny(missing_docs)]

mod catalog;
mod common;
mod error;
mod exchange;
mod operator;
mod outside;
mod param;
mod spec;
pub mod testing;
mod traits;

pub use catalog::{Catalog, closest};
pub use common::{COMMON_PARAMS, Common, CommonParam, Effect, Interval};
pub use error::{OpError, OpErrorKind, ParamError};
pub use exchange::{Decision, Exchange, KeyList, Keys, Rewrite, Spread, merge};
pub use operator::{Operator, Outcome};
pub use outside::{
    Answer, Asked, Described, KEPT, Nobody, Outside, Outsiders, POOL_PARAMS, PoolParam, PoolParams,
    Site,
};
pub use param::Param;
pub use spec::{Example, OpKind, OpSpec};
pub use traits::{
    Configured, Deduplicator, Filter, Fingerprint, Mapper, Slicer, TextDeduplicator, TextFilter,
    TextMapper, TextSlicer,
};
pub use wrasse_core::{Derived, FieldError, Sample, Stat, Stats, Text};

/// Declares the operators of a folder: one `mod` and one catalog entry each.
///
/// ```text
/// wrasse_op::operators! { text_length_filter, words_num_filter }
/// ```
///
/// One line per operator declares the module *and* registers it, so the two
/// cannot drift apart. Operators are listed by hand, not by link-time
/// registration: a static library inside a Python wheel may lose link-time
/// entries, and a list can be read.
#[macro_export]
macro_rules! operators {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*
        /// The operators of this folder, in the order of the list.
        pub(crate) const SPECS: &[&$crate::OpSpec] = &[$(&$module::SPEC),*];
    };
}
