//! LaTeX papers: their sources in archives, and as much of the syntax as it
//! takes to find figures and who cites them.
//!
//! Nothing is expanded and nothing is typeset: commands and environments are
//! found as text, comments and verbatim text included, as the original finds
//! them. Time grows with the length of a text, whatever it holds.

mod archive;
mod citations;
mod figures;
mod scan;

pub(crate) use archive::{Limits, tex_files};
pub(crate) use citations::{Citations, prose};
pub(crate) use figures::{Figure, Finder};
