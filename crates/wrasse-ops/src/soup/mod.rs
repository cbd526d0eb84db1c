//! HTML as Beautiful Soup reads it with Python's own parser: tags as they
//! stand, without the elements that the HTML standard implies or moves.
//!
//! [`parser`] follows `html.parser` of Python 3.11, in what it takes for a tag
//! and in what it makes of damage; [`tree`] follows Beautiful Soup 4 in what
//! it builds of that; [`output`] writes a part of the tree as it would.

mod attributes;
mod entities;
mod output;
mod parser;
mod tree;

pub(crate) use entities::numbered;
pub(crate) use parser::parse;
pub(crate) use tree::{NodeId, Soup};
