//! The protocol between driver and gateway, a Unix socket pair.
//!
//! # Frames
//!
//! ```text
//!   bytes of the header, u32 | bytes of the payload, u64 | header | payload
//! ```
//!
//! Numbers have their little end first. The header is a JSON array of messages;
//! bytes that they speak of (tasks, objects, metadata) follow one another in the
//! payload, in the order of the messages. One frame carries whatever there is to
//! say at the moment: on both sides that is what makes a message cheap.
//!
//! The first frame of the driver is `hello`, with [`VERSION`]; the gateway
//! answers `ready` or `fatal`. A side that hears the socket close ends: the
//! gateway with its tasks, and with the local Ray if it has started one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::needs::Needs;

/// Raised with every change of the messages. Also in `gateway.py`.
pub(crate) const VERSION: u32 = 8;

/// What the driver says.
#[derive(Debug, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Say<'a> {
    /// Join a cluster, or start a local one.
    Hello {
        version: u32,
        wrasse: &'a str,
        #[serde(flatten)]
        options: Hello<'a>,
    },
    /// What every worker must know: so many bytes.
    Setup { bytes: usize },
    /// Run a task. Its spec is in the payload.
    Submit {
        task: u64,
        spec: usize,
        /// The objects that it works on: of each this piece, if one is named.
        objects: &'a [u64],
        piece: Option<u32>,
        /// What it puts out comes in an object and so many pieces, which are kept
        /// as long as that.
        pieces: u32,
        /// Whether outputs come one by one, each after a `pull`.
        streams: bool,
        #[serde(flatten)]
        needs: &'a Needs,
        /// The actor that shall do it, which is idle.
        actor: Option<u32>,
        /// Attempts that Ray makes by itself when a worker or a node dies.
        retries: i32,
        name: &'a str,
    },
    /// Begin an actor that keeps the operators of this stage.
    Hire {
        actor: u32,
        stage: usize,
        #[serde(flatten)]
        needs: &'a Needs,
        name: &'a str,
    },
    /// An actor, which is idle, is not needed any more.
    Dismiss { actor: u32 },
    /// Keep so many bytes as an object, under this number.
    Put { object: u64, bytes: usize },
    /// Write rows of these objects, or weigh this piece of each: a task whose output
    /// is metadata alone.
    Write {
        task: u64,
        spec: usize,
        objects: &'a [u64],
        piece: Option<u32>,
        cpus: f64,
        retries: i32,
        name: &'a str,
    },
    /// The next output of a streaming task is wanted.
    Pull { task: u64 },
    /// Send an object, or lend it: say where it lies, and leave it there.
    Fetch { object: u64, lend: bool },
    /// What was lent was read.
    Taken { object: u64 },
    /// Objects are not needed any more.
    Free { objects: &'a [u64] },
    /// Stop a task.
    Cancel { task: u64 },
    /// Begin an actor that holds fingerprints, up to so many bytes, in place of that of
    /// an earlier life.
    Shard {
        shard: u32,
        life: u32,
        memory: Option<u64>,
    },
    /// Ask such an actor: so many bytes.
    Ask { shard: u32, life: u32, bytes: usize },
    /// Have the cluster grow until tasks fit that take so much: all that the run
    /// could use now, in place of what was asked for before.
    Request { bundles: &'a [Wanted] },
}

/// So many tasks that take this much, by Ray's names.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Wanted {
    pub(crate) bundle: BTreeMap<String, f64>,
    pub(crate) n: u32,
}

/// How to come to a cluster.
#[derive(Debug, Serialize)]
pub(crate) struct Hello<'a> {
    /// The cluster to join; a local one is started if none.
    pub(crate) address: Option<&'a str>,
    /// Processors of the local one.
    pub(crate) cpus: usize,
    /// A folder for the local one's files. Ours to remove; the gateway's, if we
    /// are gone.
    pub(crate) scratch: &'a str,
    /// Bytes of the local one's object store.
    pub(crate) object_store: Option<u64>,
    /// Workers lack the package `wrasse`: give them the gateway's.
    pub(crate) ship: bool,
    /// Ask for completions instead of being called.
    pub(crate) polls: bool,
}

/// What the gateway says.
#[derive(Debug, Deserialize)]
#[serde(tag = "ev", rename_all = "snake_case")]
pub(crate) enum Hear {
    /// The cluster is there.
    Ready {
        #[serde(flatten)]
        cluster: Cluster,
        /// If it can lend what is fetched.
        #[serde(default)]
        probe: Option<Probe>,
    },
    /// Nodes have come or gone.
    Cluster(Cluster),
    /// A task has put out all that it will: so many bytes of metadata, and an
    /// object.
    Done { task: u64, object: u64, meta: usize },
    /// A streaming task has put out an object, and waits for a `pull`.
    Item { task: u64, object: u64, meta: usize },
    /// A streaming task has put out all that it will.
    End { task: u64 },
    /// A task has failed.
    Failed {
        task: u64,
        kind: Failed,
        message: String,
    },
    /// An actor has its operators.
    Up { actor: u32 },
    /// An actor is gone and does not come again; what it was at was not done.
    Down { actor: u32, message: String },
    /// An actor that holds fingerprints has answered: so many bytes.
    Answered { shard: u32, life: u32, bytes: usize },
    /// Such an actor is gone, with what it was asked.
    ShardLost {
        shard: u32,
        life: u32,
        message: String,
    },
    /// The bytes of an object.
    Data { object: u64, bytes: usize },
    /// Where the bytes of an object lie in the gateway's memory, until they are taken.
    Lent { object: u64, bytes: usize, at: u64 },
    /// An object is gone and cannot be made again.
    Lost { object: u64, message: String },
    /// The gateway cannot go on.
    Fatal {
        message: String,
        hint: Option<String>,
    },
}

/// By what the gateway's memory is known.
#[derive(Debug, Deserialize)]
pub(crate) struct Probe {
    /// The gateway's process, as it knows itself.
    pub(crate) pid: u32,
    /// Where the token lies.
    pub(crate) at: u64,
    /// What nobody else has.
    pub(crate) token: String,
}

/// How a task failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Failed {
    /// Its worker or node died, as often as Ray tries.
    WorkerLost,
    /// What it works on is gone.
    ObjectLost,
    /// It cannot be done.
    Error,
    /// It was stopped.
    Cancelled,
}

/// What a cluster has.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(crate) struct Cluster {
    /// Resources by Ray's names: `CPU`, `GPU`, `memory`, `object_store_memory`.
    pub(crate) resources: BTreeMap<String, f64>,
    /// Nodes that are up.
    pub(crate) nodes: usize,
    /// Of these, such with processors.
    #[serde(default)]
    pub(crate) workers: usize,
    /// Machines that these are on, as far as their addresses tell.
    pub(crate) machines: usize,
    /// What single nodes have: of nodes that have the same, one.
    #[serde(default)]
    pub(crate) shapes: Vec<BTreeMap<String, f64>>,
    /// Whether it has an autoscaler.
    #[serde(default)]
    pub(crate) grows: bool,
    /// What it can have then; nothing if that is not known.
    #[serde(default)]
    pub(crate) most: BTreeMap<String, f64>,
}

impl Cluster {
    pub(crate) fn amount(&self, name: &str) -> f64 {
        self.resources.get(name).copied().unwrap_or(0.0).max(0.0)
    }

    /// Processors, in thousandths.
    pub(crate) fn millicpus(&self) -> i64 {
        (self.amount("CPU") * 1000.0) as i64
    }

    /// Bytes of all object stores.
    pub(crate) fn store_bytes(&self) -> u64 {
        self.amount("object_store_memory") as u64
    }
}
