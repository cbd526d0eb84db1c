//! What became of each file of a run over a list of files, in a database.
//!
//! Layer: 5.
