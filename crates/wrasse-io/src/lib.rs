//! Sources and sinks: files of samples on local disks and object stores.
//!
//! Reading: [`discover`] lists the files that a recipe names, [`splits`] cuts
//! them into deterministic shares, [`open`] reads one share as [`Block`]s of
//! rows. Writing: a [`Sink`] takes blocks of encoded rows in input order; the
//! encoding itself ([`Encoder`]) runs beside the operators, on any thread.
//!
//! This crate decides nothing about order, retries or memory limits; it states
//! sizes and obeys bounds.
//!
//! Layer: 2.

mod error;
mod files;
mod sink;
mod source;
mod store;

pub use error::Error;
pub use sink::{
    BlockBuilder, Conflict, EXPORTS, Encoder, ExportSource, Exported, Finished, Hands, OutBlock,
    Part, PartTask, Sink, SinkSpec, StreamForm, WrittenFile, clear_staging, encoder, exported,
    exports_committed, missing_export, open_parts, open_sink, output_format, stream,
};
pub use source::{
    BadRow, Block, Format, InputFile, Inputs, ReadLimits, Row, SourceSpec, Split, SplitReader,
    discover, open, pack_columns, splits, unpack_columns,
};
