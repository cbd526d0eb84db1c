//! The operator library: one operator per file, each with its parameters,
//! documentation, examples and origin.
//!
//! Nothing here knows recipes, files or engines. Shared semantics (word
//! splitting, character sets, patterns) live beside the folders of operators.
//!
//! Layer: 2.

mod c4;
mod chars;
mod charset;
mod chunks;
mod clean;
mod clusters;
mod condition;
mod costs;
mod datamate;
mod deduplicator;
mod dialog;
#[cfg(test)]
mod dice;
mod digest;
mod english;
mod field;
mod filter;
mod ftfy;
mod grouper;
mod hashing;
mod html;
mod imaging;
mod latex;
mod lines;
mod links;
mod mapper;
mod markdown;
mod meta;
mod minhash;
mod ngrams;
mod no_params;
mod opencc;
mod pattern;
mod pii;
mod python;
mod random;
mod scan;
mod segment;
mod selector;
mod sentences;
mod shingles;
mod slicer;
mod soup;
mod tables;
#[cfg(test)]
mod testing;
mod tokenizer;
mod unicode;
mod whole;
mod word_lists;
mod words;

use wrasse_op::{Catalog, OpSpec};

pub use costs::{Cost, Costs, costs, rounded};

/// Every operator of the library, by folder.
pub const SPECS: &[&[&OpSpec]] = &[
    mapper::SPECS,
    filter::SPECS,
    slicer::SPECS,
    deduplicator::SPECS,
    selector::SPECS,
    grouper::SPECS,
];

/// The library as a catalog.
pub fn catalog() -> Catalog {
    SPECS
        .iter()
        .fold(Catalog::new(), |catalog, specs| catalog.with(specs))
}
