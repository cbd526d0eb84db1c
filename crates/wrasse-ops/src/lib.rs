//! The operator library: one operator per file, each with its parameters,
//! documentation, examples and origin.
//!
//! Nothing here knows recipes, files or engines. Shared semantics (word
//! splitting, character sets, patterns) live beside the folders of operators.
//!
//! Layer: 2.

mod chars;
mod charset;
mod clean;
mod datamate;
mod deduplicator;
mod filter;
mod ftfy;
mod html;
mod links;
mod mapper;
mod ngrams;
mod opencc;
mod pattern;
mod scan;
mod slicer;
mod tables;
#[cfg(test)]
mod testing;
mod unicode;
mod words;

use wrasse_op::{Catalog, OpSpec};

/// Every operator of the library, by folder.
pub const SPECS: &[&[&OpSpec]] = &[
    mapper::SPECS,
    filter::SPECS,
    slicer::SPECS,
    deduplicator::SPECS,
];

/// The library as a catalog.
pub fn catalog() -> Catalog {
    SPECS
        .iter()
        .fold(Catalog::new(), |catalog, specs| catalog.with(specs))
}
