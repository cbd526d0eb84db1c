//! The task scheduler over HTTP: DataMate's routes, a clean interface with its
//! description, a page, and a client.
//!
//! Layer: 7.
