//! Clusters of samples that are duplicates of each other, or of each other's
//! duplicates.

use wrasse_op::{Keys, OpError};

/// Which samples belong together: a union-find whose roots are the first
/// samples of their clusters. 4 bytes a sample.
pub(crate) struct Clusters(Vec<u32>);

impl Clusters {
    /// Every sample for itself.
    pub(crate) fn new(n: u32) -> Self {
        Self((0..n).collect())
    }

    /// Puts two samples into one cluster.
    pub(crate) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b) as usize] = a.min(b);
    }

    fn root(&mut self, mut i: u32) -> u32 {
        while self.0[i as usize] != i {
            // Halving the way keeps it short.
            let up = self.0[self.0[i as usize] as usize];
            self.0[i as usize] = up;
            i = up;
        }
        i
    }

    /// For each sample the first of its cluster.
    pub(crate) fn first_of_each(mut self) -> Vec<u32> {
        for i in 0..self.0.len() as u32 {
            // Those before it point to their first already.
            let up = self.0[i as usize];
            self.0[i as usize] = self.0[up as usize];
        }
        self.0
    }
}

/// Bytes for each sample while a column is looked at.
const ENTRY_BYTES: usize = size_of::<(u64, u32)>();

/// Joins samples whose keys, rows of `n_columns` 64-bit numbers, agree in at
/// least one column. Scans the keys as often as `memory` bytes demand, at most
/// once for each column.
pub(crate) fn same_in_some_column(
    keys: &dyn Keys,
    n_columns: usize,
    memory: usize,
    clusters: &mut Clusters,
) -> Result<(), OpError> {
    let n = keys.len() as usize;
    let at_once = (memory / (n * ENTRY_BYTES).max(1)).clamp(1, n_columns);
    for first in (0..n_columns).step_by(at_once) {
        let n_taken = at_once.min(n_columns - first);
        let mut columns: Vec<Vec<(u64, u32)>> = vec![Vec::with_capacity(n); n_taken];
        keys.scan(&mut |i, key| {
            let (numbers, _) = key.as_chunks::<8>();
            for (column, number) in columns.iter_mut().zip(&numbers[first..]) {
                column.push((u64::from_le_bytes(*number), i));
            }
        })?;
        for mut column in columns {
            column.sort_unstable();
            for pair in column.windows(2) {
                if pair[0].0 == pair[1].0 {
                    clusters.join(pair[0].1, pair[1].1);
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wrasse_op::KeyList;

    #[test]
    fn duplicates_of_duplicates_are_one_cluster_however_little_memory_there_is() {
        let rows: [[u64; 3]; 6] = [
            [1, 10, 100],
            [2, 20, 200],
            [3, 30, 300],
            [9, 20, 300],
            [1, 11, 200],
            [4, 40, 400],
        ];
        let key = |row: &[u64; 3]| row.iter().flat_map(|n| n.to_le_bytes()).collect();
        let keys = KeyList(rows.iter().map(key).collect());
        for memory in [0, 200, 1 << 20] {
            let mut clusters = Clusters::new(6);
            same_in_some_column(&keys, 3, memory, &mut clusters).unwrap();
            assert_eq!(clusters.first_of_each(), [0, 0, 0, 0, 0, 5], "{memory}");
        }
    }
}
