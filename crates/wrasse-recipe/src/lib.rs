//! Recipes: from YAML to steps that can run.
//!
//! ```text
//! bytes ──parse──▶ nodes ──set──▶ nodes ──check──▶ Recipe
//!        (syntax)        (--set)        (catalog)
//! ```
//!
//! [`check`] reads a [`Source`] against a [`Catalog`] and reports everything
//! that is wrong with it at once, each [`Diagnostic`] with its place. Data-Juicer
//! recipes are read as they are, and so are tasks of DataMate (`process.yaml`, a
//! [`Task`]); [`KEYS`] lists what each of their keys does here.
//!
//! # How values are read
//!
//! The type that a key expects decides what an unquoted word means, so that no
//! dialect of YAML has to be guessed:
//!
//! * `yes`, `no`, `on`, `off` (and `true`, `false`) are booleans where a boolean
//!   is expected, as in Data-Juicer (YAML 1.1); elsewhere they are text, so that
//!   `lang: no` means Norwegian.
//! * Numbers are those of YAML 1.1 and `1e5`: `1_000`, `0x1F`, `010` (octal: 8),
//!   `+.5`. Where a whole number is expected, `1e5` and `2.0` are whole numbers.
//!   Times such as `1:30` and dates stay text; `.inf` and `.nan` are refused.
//! * Numbers are text where only text is expected: `dataset_path: 2024`.
//! * Quoted words are always text.
//!
//! This crate opens no file: it sees the text that it is given. It is the only
//! one that knows YAML.
//!
//! Layer: 2.

mod canonical;
mod check;
mod conform;
mod datamate;
mod diagnostic;
mod input;
mod keys;
mod node;
mod overrides;
mod params;
mod parse;
mod recipe;
mod scalar;
mod schema;
mod settings;
mod source;
mod steps;

pub use canonical::{Canonical, diff};
pub use check::{Checked, check, check_with};
pub use datamate::{operators_dirs, raw_id};
pub use diagnostic::{Diagnostic, Severity};
pub use keys::{KEYS, Key, Meaning};
pub use recipe::{
    FileChoice, Input, InputEntry, Output, Recipe, RejectLimit, Settings, Step, Task,
};
pub use schema::schema;
pub use source::{Origin, Place, Source};
pub use wrasse_op::Catalog;
