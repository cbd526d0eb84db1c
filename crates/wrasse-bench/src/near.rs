//! How well MinHash finds near duplicates: beside the exact similarity of all
//! pairs.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use serde_json::{Value, json};
use wrasse_core::{Origin, Sample};
use wrasse_op::{Common, Decision, KeyList};

const OPERATOR: &str = "document_minhash_deduplicator";

/// Words in a shingle, as the operator has them by default.
const WINDOW: usize = 5;

/// Compares the operator, with its defaults, with the exact Jaccard similarity
/// of the texts' shingles; clusters by single link in both.
pub(crate) fn run(input: &Path, threshold: f64) -> Result<Value> {
    let spec = wrasse_ops::catalog().find(OPERATOR).context(OPERATOR)?;
    let op = spec.build(
        &json!({ "jaccard_threshold": threshold }),
        &Common::default(),
    )?;
    let exchange = op.exchange().context("no exchange")?;
    let (mut keys, mut sets) = (Vec::new(), Vec::new());
    for line in BufReader::new(File::open(input)?).lines() {
        let mut sample = Sample::from_json(line?.as_str().into(), Origin::default())?;
        let Ok(text) = sample.text("text") else {
            continue;
        };
        let set = shingles(text.as_str());
        // Texts without shingles are alike to MinHash and to nothing else.
        if set.is_empty() {
            continue;
        }
        let mut key = Vec::new();
        exchange.key(&mut sample, &mut key)?;
        keys.push(key);
        sets.push(set);
    }
    let Decision::Same(found) = exchange.decide(&KeyList(keys), usize::MAX)? else {
        return Err(anyhow!("`{OPERATOR}` removes nothing"));
    };
    let (similar, n_pairs) = similar(&sets, threshold);
    let removed = |first: &[u32]| -> HashSet<usize> {
        let mine = first.iter().enumerate();
        mine.filter(|(i, first)| **first as usize != *i)
            .map(|(i, _)| i)
            .collect()
    };
    let (found, truth) = (removed(&found), removed(&similar));
    let both = found.intersection(&truth).count();
    let share = |n: usize, of: usize| n as f64 / of.max(1) as f64;
    Ok(json!({
        "documents": sets.len(),
        "threshold": threshold,
        "similar_pairs": n_pairs,
        "removable": truth.len(),
        "removed": found.len(),
        "both": both,
        "recall": share(both, truth.len()),
        "precision": share(both, found.len()),
    }))
}

fn shingles(text: &str) -> Vec<u64> {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(' ').filter(|word| !word.is_empty()).collect();
    let mut set: Vec<u64> = words
        .windows(WINDOW)
        .map(|words| hasher.hash_one(words))
        .collect();
    set.sort_unstable();
    set.dedup();
    set
}

/// For each document the first of its cluster, and how many pairs are similar.
fn similar(sets: &[Vec<u64>], threshold: f64) -> (Vec<u32>, u64) {
    let mut first: Vec<u32> = (0..sets.len() as u32).collect();
    let mut holders: HashMap<u64, Vec<u32>> = HashMap::new();
    let mut n_pairs = 0;
    // How many shingles each earlier document shares, and which do.
    let mut shared = vec![0_usize; sets.len()];
    let mut touched: Vec<u32> = Vec::new();
    for (i, set) in sets.iter().enumerate() {
        for shingle in set {
            let holders = holders.entry(*shingle).or_default();
            for other in holders.iter() {
                if shared[*other as usize] == 0 {
                    touched.push(*other);
                }
                shared[*other as usize] += 1;
            }
            holders.push(i as u32);
        }
        for other in touched.drain(..) {
            let n = std::mem::take(&mut shared[other as usize]);
            let union = set.len() + sets[other as usize].len() - n;
            if n as f64 >= threshold * union as f64 {
                n_pairs += 1;
                let (a, b) = (root(&first, i as u32), root(&first, other));
                first[a.max(b) as usize] = a.min(b);
            }
        }
    }
    let all = (0..sets.len() as u32).map(|i| root(&first, i)).collect();
    (all, n_pairs)
}

fn root(first: &[u32], mut i: u32) -> u32 {
    while first[i as usize] != i {
        i = first[i as usize];
    }
    i
}
