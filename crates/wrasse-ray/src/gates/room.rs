//! [`Room`]: what shards may hold of the nodes' memory.
//!
//! It is kept for them from the beginning: each asks Ray for it, and operators that say
//! what memory they need have the rest. So a gate that moves out finds room.

use wrasse_job::{Pipeline, Step};

use crate::needs::Ledger;
use crate::protocol::Cluster;

/// Shards of a gate, at the most: each object costs a message for each.
const SHARDS_MAX: usize = 64;

/// What the shards of a node have of what Ray gives to tasks there, in percent: at the
/// most, and at the least where operators need the rest.
const PERCENT_MAX: u64 = 50;
const PERCENT_MIN: u64 = 10;

/// How many shards a gate has, and what each may hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Room {
    /// Of each gate: one on each node that works.
    pub(crate) n: usize,
    /// Bytes; none, if the nodes do not say what they have.
    pub(crate) each: Option<u64>,
}

impl Room {
    pub(crate) fn new(cluster: &Cluster, ledger: &Ledger, n_gates: usize) -> Self {
        let shapes = cluster.shapes.iter();
        let shapes = shapes.filter(|shape| shape.contains_key("CPU"));
        let memory = shapes.filter_map(|shape| shape.get("memory"));
        let least = memory.copied().reduce(f64::min).map(|bytes| bytes as u64);
        let each = least.map(|bytes| {
            let left = bytes.saturating_sub(ledger.memory_of_actors(bytes));
            let share = left.min(bytes / 100 * PERCENT_MAX);
            share.max(bytes / 100 * PERCENT_MIN) / n_gates.max(1) as u64
        });
        Self {
            n: cluster.workers.clamp(1, SHARDS_MAX),
            each,
        }
    }
}

/// What is kept for the shards of all gates: nothing where none will be. A cluster that
/// grows is asked for what others then lack.
pub(crate) fn reserved(
    cluster: &Cluster,
    ledger: &Ledger,
    pipeline: &Pipeline,
    wanted: Option<u64>,
) -> u64 {
    let gates = pipeline.steps.iter();
    let n_gates = gates.filter(|step| matches!(step, Step::Gate(_))).count();
    if n_gates == 0 || cluster.grows || !moves(cluster, wanted) {
        return 0;
    }
    let room = Room::new(cluster, ledger, n_gates);
    room.each.unwrap_or(0) * (room.n * n_gates) as u64
}

/// Whether what gates have seen ever moves out. On one machine it would be the same
/// memory, unless it is `wanted`.
pub(crate) fn moves(cluster: &Cluster, wanted: Option<u64>) -> bool {
    wanted.is_some() || cluster.machines > 1
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::needs::Needs;

    fn cluster(nodes: &[(f64, f64)]) -> Cluster {
        let shape = |(cpus, memory): &(f64, f64)| {
            let all = [("CPU", *cpus), ("memory", *memory)];
            let all = all.into_iter().filter(|(_, amount)| *amount > 0.0);
            all.map(|(name, amount)| (name.to_owned(), amount))
                .collect::<BTreeMap<_, _>>()
        };
        Cluster {
            workers: nodes.iter().filter(|(cpus, _)| *cpus > 0.0).count(),
            shapes: nodes.iter().map(shape).collect(),
            ..Cluster::default()
        }
    }

    fn ledger(memory: &[u64]) -> Ledger {
        let needs = |memory: &u64| Needs {
            memory: *memory,
            ..Needs::one_cpu()
        };
        Ledger {
            needs: memory.iter().map(needs).collect(),
            actors: vec![Some(1); memory.len()],
            exchanges: vec![0; memory.len()],
            custom: Vec::new(),
        }
    }

    #[test]
    fn shards_have_what_actors_leave_of_the_smallest_node_that_works() {
        let nodes = cluster(&[(0.0, 10.0), (1.0, 2000.0), (8.0, 9000.0)]);
        let each = |memory: &[u64], n_gates| {
            let room = Room::new(&nodes, &ledger(memory), n_gates);
            assert_eq!(room.n, 2);
            room.each
        };
        assert_eq!(each(&[], 1), Some(1000));
        assert_eq!(each(&[], 2), Some(500));
        assert_eq!(each(&[1200], 1), Some(800));
        // One that has no room on that node is not there.
        assert_eq!(each(&[1200, 5000], 1), Some(800));
        assert_eq!(each(&[1200, 700], 1), Some(200));
        let silent = cluster(&[(1.0, 0.0)]);
        assert_eq!(Room::new(&silent, &ledger(&[]), 1).each, None);
    }
}
