//! How much of a cluster a run may use, and how large its tasks are.

use wrasse_io::Split;
use wrasse_sched::{Limits, Resource, Resources};

use super::{OnCluster, Options};
use crate::needs::Ledger;
use crate::protocol::Cluster;
use crate::shares::Shares;

/// Bytes of an output, where there is room: a task costs about a millisecond of
/// this process, and as many bytes take a second to work on.
const TARGET_BYTES: u64 = 64 << 20;
const TARGET_BYTES_MIN: u64 = 1 << 20;

/// Bytes of a task's output for each shard that keys are cut into: pieces of a
/// few hundred kilobytes, which Ray keeps in its stores. Smaller ones would lie in
/// the gateway.
const SHARD_BYTES: u64 = 4 << 20;
const SHARDS_MAX: u64 = 64;

/// What objects may hold of the object stores, in percent: the rest is for what
/// tasks put out beyond their estimate, and for copies on other nodes.
const STORE_PERCENT: u64 = 50;

/// Objects that wait for their turn, for each processor: so many tasks may be done
/// while an earlier one is not. Their bytes are bounded by those of the stores.
const WAITING_PER_CPU: usize = 32;

/// If a cluster does not say how large its stores are.
const STORE_BYTES: u64 = 1 << 30;

impl OnCluster<'_> {
    /// In how many shards keys are weighed, where they are cut.
    pub(super) fn n_shards(&self, cluster: &Cluster) -> u32 {
        let cpus = (millicpus(self.options.cpus_max, cluster) / 1000) as u64;
        let most = (target_bytes(self.options, cluster) / SHARD_BYTES).min(SHARDS_MAX);
        cpus.min(most).max(1) as u32
    }

    /// A limited run reads share by share, so that exactly the first rows count.
    pub(super) fn limits(&self, cluster: &Cluster, cpus_max: Option<usize>, target: u64) -> Limits {
        let millicpus = millicpus(cpus_max, cluster);
        let in_flight = WAITING_PER_CPU * (millicpus / 1000) as usize + 1;
        let store = store_bytes(cluster).max(3 * target);
        let resources = resources(&self.ledger, cpus_max, cluster);
        // A run that was told to use less still needs what actors hold.
        let least = self.ledger.cpus_least(cluster).min(cluster.millicpus());
        Limits {
            resources: resources
                .with(Resource::CPU, resources[Resource::CPU].max(least))
                .with(Resource::BLOCKS, store as i64),
            blocks_in_flight: match self.job.limit {
                Some(_) => 1,
                None => (in_flight * self.pipeline.n_running()) as u32,
            },
            for_tasks: self.ledger.for_tasks(cluster),
        }
    }
}

/// Bytes of an output: four for each processor have to fit.
pub(super) fn target_bytes(options: &Options, cluster: &Cluster) -> u64 {
    let cpus = (millicpus(options.cpus_max, cluster) / 1000) as u64;
    let room = store_bytes(cluster) / (4 * cpus.max(1));
    let fitting = room.clamp(TARGET_BYTES_MIN, TARGET_BYTES);
    options.task_bytes.map_or(fitting, |bytes| bytes.max(1))
}

/// What objects may hold of the object stores, in bytes.
pub(super) fn store_bytes(cluster: &Cluster) -> u64 {
    let bytes = match cluster.store_bytes() {
        0 => STORE_BYTES,
        bytes => bytes,
    };
    bytes / 100 * STORE_PERCENT
}

/// Processors that a run uses of a cluster, in thousandths.
pub(super) fn millicpus(cpus_max: Option<usize>, cluster: &Cluster) -> i64 {
    let most = cpus_max.map(|cpus| cpus as i64 * 1000);
    let cpus = cluster.millicpus();
    most.map_or(cpus, |most| cpus.min(most)).max(1000)
}

/// What the books begin with, but for blocks.
pub(super) fn resources(ledger: &Ledger, cpus_max: Option<usize>, cluster: &Cluster) -> Resources {
    let has = ledger.of_cluster(cluster);
    let cpus = millicpus(cpus_max, cluster);
    let cpus = match cluster.grows {
        true => has[Resource::CPU].max(cpus),
        false => cpus,
    };
    has.with(Resource::CPU, cpus)
}

pub(super) fn shares(splits: &[Split], target: u64) -> Shares {
    Shares::new(splits.iter().map(|split| split.bytes), target)
}
