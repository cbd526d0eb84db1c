//! Sources, on files made for the purpose.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "sources/support.rs"]
mod support;

#[path = "sources/discover.rs"]
mod discover;
#[path = "sources/documents.rs"]
mod documents;
#[path = "sources/hostile.rs"]
mod hostile;
#[path = "sources/jsonl.rs"]
mod jsonl;
#[path = "sources/packed.rs"]
mod packed;
#[path = "sources/stream.rs"]
mod stream;
#[path = "sources/tables.rs"]
mod tables;
#[path = "sources/text.rs"]
mod text;
