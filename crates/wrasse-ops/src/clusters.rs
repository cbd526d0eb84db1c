//! Clusters of samples that are duplicates of each other, or of each other's
//! duplicates.

use std::collections::HashMap;

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

/// A column's number as it lies in a piece of a key: the column, and the number.
const PIECE_BYTES: usize = 2 + 8;

/// Columns that a key may have to be cut, at the most.
pub(crate) const COLUMNS_MAX: usize = 1 << 16;

/// Cuts a key, a row of `n_columns` 64-bit numbers that look random, so that equal
/// numbers come into one shard.
pub(crate) fn cut_columns(
    key: &[u8],
    n_columns: usize,
    n_shards: u32,
    put: &mut dyn FnMut(u32, &[u8]),
) {
    let (numbers, _) = key.as_chunks::<8>();
    for (column, number) in (0_u16..).zip(&numbers[..n_columns.min(numbers.len())]) {
        let place = u128::from(u64::from_le_bytes(*number)) * u128::from(n_shards);
        let mut piece = [0; PIECE_BYTES];
        piece[..2].copy_from_slice(&column.to_le_bytes());
        piece[2..].copy_from_slice(number);
        put((place >> 64) as u32, &piece);
    }
}

/// Finds samples that agree in at least one column, among pieces of one shard:
/// pairs of them, 8 bytes each, that join all that belong together and are no more
/// than needed for that. Scans the pieces as often as `memory` bytes demand.
pub(crate) fn pairs_in_some_column(
    pieces: &dyn Keys,
    memory: usize,
    pairs: &mut Vec<u8>,
) -> Result<(), OpError> {
    let n = pieces.bytes() / PIECE_BYTES as u64;
    let n_scans = (n * size_of::<(u64, u16, u32)>() as u64).div_ceil(memory.max(1) as u64);
    // A share of all numbers each time, told by their low bits.
    let n_scans = n_scans.clamp(1, 1 << 12);
    let mut found = Forest::default();
    for scan in 0..n_scans {
        let mut entries: Vec<(u64, u16, u32)> = Vec::new();
        pieces.scan(&mut |i, piece| {
            let (numbers, _) = piece.as_chunks::<PIECE_BYTES>();
            for [column_low, column_high, number @ ..] in numbers {
                let number = u64::from_le_bytes(*number);
                if number % n_scans == scan {
                    let column = u16::from_le_bytes([*column_low, *column_high]);
                    entries.push((number, column, i));
                }
            }
        })?;
        entries.sort_unstable();
        for pair in entries.windows(2) {
            let ((number, column, a), (other, other_column, b)) = (pair[0], pair[1]);
            if (number, column) == (other, other_column) && found.join(a, b) {
                pairs.extend_from_slice(&a.to_le_bytes());
                pairs.extend_from_slice(&b.to_le_bytes());
            }
        }
    }
    Ok(())
}

/// Joins the samples of pairs that [`pairs_in_some_column`] has found in each shard.
pub(crate) fn join_pairs(n: u32, evidence: &[Vec<u8>]) -> Result<Vec<u32>, OpError> {
    let mut clusters = Clusters::new(n);
    for pairs in evidence {
        let (pairs, rest) = pairs.as_chunks::<8>();
        for [a0, a1, a2, a3, b @ ..] in pairs {
            let a = u32::from_le_bytes([*a0, *a1, *a2, *a3]);
            let b = u32::from_le_bytes(*b);
            if a >= n || b >= n {
                return Err(OpError::fatal("a pair of samples is none"));
            }
            clusters.join(a, b);
        }
        if !rest.is_empty() {
            return Err(OpError::fatal("pairs of samples are cut short"));
        }
    }
    Ok(clusters.first_of_each())
}

/// [`Clusters`] of few samples out of many.
#[derive(Default)]
struct Forest(HashMap<u32, u32>);

impl Forest {
    /// Puts two samples into one cluster; whether they were in two.
    fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        if a != b {
            self.0.insert(a.max(b), a.min(b));
        }
        a != b
    }

    fn root(&mut self, mut i: u32) -> u32 {
        while let Some(up) = self.0.get(&i).copied() {
            if let Some(above) = self.0.get(&up).copied() {
                self.0.insert(i, above);
            }
            i = up;
        }
        i
    }
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
