//! Measures one operator: MB of text per CPU-second, in one thread.
//!
//! ```text
//! cargo run --release -p wrasse-ops --example op_speed -- \
//!     character_repetition_filter '{"rep_len": 10}' documents.jsonl
//! ```
//!
//! Samples are read and their texts decoded beforehand; what is measured is the
//! operator alone, with cold derived values, in the best of five rounds. CPU
//! time is that of the kernel's scheduler, so Linux only.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a tool for developers that may stop at the first surprise"
)]

use serde_json::Value;
use wrasse_core::{Origin, Sample};
use wrasse_op::{Common, Operator};

const ROUNDS: usize = 5;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [name, params, path] = args.as_slice() else {
        panic!("expected an operator, its parameters as JSON, and a JSONL file");
    };
    let catalog = wrasse_ops::catalog();
    let spec = catalog.find(name).expect("an operator of the catalog");
    let params: Value = serde_json::from_str(params).expect("parameters as JSON");
    let op = spec.build(&params, &Common::default()).unwrap();

    let mut bytes = 0;
    let mut samples: Vec<Sample> = Vec::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let mut sample = Sample::from_json(line.into(), Origin::default()).unwrap();
        if let Ok(text) = sample.text(&op.common().text_key) {
            bytes += text.len();
            samples.push(sample);
        }
    }

    let (best, n_out) = (0..ROUNDS)
        .map(|_| round(&op, samples.clone()))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .unwrap();
    let megabytes = bytes as f64 / 1e6;
    println!(
        "{name}: {:.0} MB per CPU-second ({} samples, {megabytes:.1} MB, {n_out} out, {best:.3} s)",
        megabytes / best,
        samples.len(),
    );
}

/// Seconds for all samples, and how many came out.
fn round(op: &Operator, mut samples: Vec<Sample>) -> (f64, usize) {
    let mut pieces = Vec::new();
    let mut fingerprints = std::collections::HashSet::new();
    let mut n_out = 0;
    let start = cpu_seconds();
    // So many get their fingerprints at once, as in a run.
    for samples in samples.chunks_mut(64) {
        if let Some(prints) = op.fingerprints(samples) {
            let prints = prints.into_iter().flatten();
            n_out += prints.filter(|print| fingerprints.insert(*print)).count();
            continue;
        }
        for sample in samples {
            n_out += match op.apply(sample, &mut pieces) {
                Ok(wrasse_op::Outcome::Kept) => 1,
                Ok(wrasse_op::Outcome::Sliced(n_pieces)) => n_pieces,
                Ok(wrasse_op::Outcome::Dropped) | Err(_) => 0,
            };
            pieces.clear();
        }
    }
    (cpu_seconds() - start, n_out)
}

/// CPU time of this thread so far.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds: u64 = stat.split(' ').next().unwrap().parse().unwrap();
    nanoseconds as f64 / 1e9
}
