//! The backend of Ray: the same plan over a cluster.
//!
//! The engine stays a program without Python. It starts one Python process, the
//! *gateway* (`python/wrasse/ray/gateway.py`), which holds Ray's handles and is
//! spoken to over a socket; workers of Ray load the engine as an extension module
//! and run stages ([`WorkerJob`]). Blocks lie in Ray's object stores; the driver
//! hears of each how large it is, what was counted, and what gates decide by.
//!
//! | module | what |
//! |---|---|
//! | `run` | a run: who does what, limits from the cluster's resources |
//! | `backend` | commands into tasks, news into events |
//! | `actors` | who keeps the operators of Python's stages |
//! | `ordering`, `writing` | the threads for gates and exchanges, and for the writer |
//! | `gates` | what deduplicators have seen, here or in actors of the cluster |
//! | `exchanging` | exchanges: keys, rulings, and tasks that weigh and pick |
//! | `needs` | what tasks take of the cluster, in its words and in the books |
//! | `asking` | what an autoscaler is asked for |
//! | `parts` | parts of the output that workers write |
//! | `careful` | a share of the input whose workers die |
//! | `link`, `protocol` | the gateway's process, and what is said to it |
//! | `lent` | objects that are read in the gateway's memory |
//! | `stream` | standard input, which the driver reads |
//! | `outputs` | which tasks have many outputs |
//! | `wire` | what driver and workers tell each other past the gateway |
//! | `worker` | what a worker does; for exchanges, `settling` |
//! | `sources` | the files of Python's operators, for nodes that lack them |
//! | `shares` | splits put together into tasks |
//!
//! Layer: 7. Which blocks make up an object depends on the cluster; the bytes
//! that come out do not.

mod actors;
mod asking;
mod backend;
mod careful;
mod exchanging;
mod gates;
mod lent;
mod link;
mod needs;
mod note;
mod ordering;
mod outputs;
mod parts;
mod protocol;
mod run;
mod settling;
mod shares;
mod sources;
mod stream;
mod wire;
mod worker;
mod writing;

pub use gates::Shard;
pub use run::{Options, run};
pub use worker::{Output, TaskRun, WorkerJob};
