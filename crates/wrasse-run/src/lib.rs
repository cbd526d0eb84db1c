//! What every backend shares: the fused pass over a block, the run directory
//! with its manifest, the ordered writer, the accounting.
//!
//! A backend brings threads or a cluster; [`execute`] drives it with the
//! scheduler. What a block goes through ([`Pass`]), what is written and in
//! which order ([`Writer`]), and what survives a crash ([`RunDir`]) is the same
//! for all.
//!
//! Layer: 4. The clock is read here for the scheduler, and to say which
//! operator takes how much time; no result depends on it.

mod clusters;
mod error;
mod event_log;
mod examples;
mod exchange;
mod executor;
mod fetcher;
mod fingerprints;
mod manifest;
mod metrics;
mod pass;
mod record;
mod records;
mod rundir;
mod seen;
mod snapshot;
mod snapshot_json;
mod stuck;
mod tally;
mod writer;

pub use clusters::{Copies, Deduplicator};
pub use error::{Error, ErrorKind};
pub use event_log::EventLog;
pub use examples::{EXAMPLE_CHARS, Example, Examples, OpExamples};
pub use exchange::{
    Absorbed, ExchangeKeys, ExchangeStore, Ruling, Run, Spool, Waiting, is_spread, pick,
    put_together, settle, weigh,
};
pub use executor::{Backend, Guard, Pace, Running, Watch, execute};
pub use fetcher::{FetchMode, Fetcher};
pub use fingerprints::FingerprintSet;
pub use manifest::{Commit, Done, Header, Resume};
pub use metrics::{Metric, MetricInfo, MetricKind};
pub use pass::{
    BlockState, Changes, Fate, FateEnd, Made, Measuring, NewValue, Packed, Packing, Part, Pass,
    PassSettings, Ran, Told, Work, pack, stats_columns, unpack,
};
pub use record::{Reject, read_rejects};
pub use records::Records;
pub use rundir::{Existing, Places, ReportPlace, RunDir};
pub use seen::Seen;
pub use snapshot::{MemorySnapshot, OpSnapshot, RunSnapshot, StageSnapshot, task_name};
pub use stuck::StuckSnapshot;
pub use tally::{OpTally, Tally};
pub use writer::{Gates, MaxRejects, Outcome, Writer, WriterSettings, Written};
