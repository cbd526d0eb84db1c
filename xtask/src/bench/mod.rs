//! `cargo xtask bench`: what Wrasse takes for a job of eight steps, beside the
//! same operators in a bare loop and beside other tools.
//!
//! The rows are measured in turn, round after round, so that what else the
//! machine does meets all of them alike; figures are medians. Processor time
//! is the figure to compare: wall time on a machine that is shared is noise.
//! Nothing here is a test.

mod job;
mod lab;
mod ops;
mod peers;
mod python;
mod ray;
mod report;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ValueEnum;
use serde_json::{Value, json};

use lab::Lab;

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// The job of eight steps
    Job,
    /// Every operator alone
    Ops,
    /// Python operators in workers, beside the same functions in a bare Python loop
    Python,
    /// Near duplicates found by MinHash, beside the exact similarity of all pairs
    Near,
    /// The scheduler alone, with thousands of simulated workers
    Sched,
    /// The backend of Ray, beside Ray Data on the same cluster and the backend of
    /// threads; `--python` has `ray[data]`
    Ray,
}

/// How to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to measure
    #[arg(value_enum, default_value_t = What::Job)]
    what: What,
    /// Megabytes of input: the corpus, repeated if it is smaller
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(super) mb: u64,
    /// How often each row is measured
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// Folder of `*.jsonl` and `*.jsonl.zst` files [default: the development corpus if it is there, else the bundled example]
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// A Python that can import `data_juicer` and `datatrove`; for `python`, `pyarrow`
    #[arg(long, value_name = "PATH", default_value = "python3")]
    pub(super) python: PathBuf,
    /// Folder with DataMate's operator folders (`runtime/ops/mapper`), for `python`
    #[arg(long, value_name = "DIR")]
    datamate_operators: Option<PathBuf>,
    /// Megabytes of input for the other tools, which take minutes for 100
    #[arg(long, value_name = "N", default_value_t = 10)]
    peer_mb: u64,
    /// Measure peak memory at 100 MB and at `--memory-mb` too
    #[arg(long)]
    memory_test: bool,
    /// Megabytes of the large input of the memory test
    #[arg(long, value_name = "N", default_value_t = 2000)]
    memory_mb: u64,
    /// Measure the programs of the last release build as they are
    #[arg(long)]
    pub(super) no_build: bool,
    /// Measure these operators only
    #[arg(long = "op", value_name = "NAME")]
    ops: Vec<String>,
    /// The folder `runtime/ops` of DataMate's sources, whose operators are measured too
    #[arg(long, value_name = "DIR")]
    datamate: Option<PathBuf>,
    /// Write the operators' figures down for their pages
    #[arg(long)]
    record: bool,
    /// Let repeated samples keep their text, so that deduplication removes them
    #[arg(long)]
    same_text: bool,
}

/// All pairs of more are too many.
const NEAR_MB_MAX: u64 = 60;

pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    if !args.no_build {
        lab::build(root)?;
    }
    let lab = Lab::open(root, args.corpus.as_deref(), args.same_text)?;
    let machine = lab.machine()?;
    let (name, results) = match args.what {
        What::Sched => ("sched", json!({ "sched": lab.program(&["sched"])? })),
        What::Ray => ("ray", ray::rows(&lab, root, args)?),
        What::Job => ("results", job(&lab, args)?),
        What::Python => {
            let operators = args.datamate_operators.as_deref();
            let found = python::results(&lab, &args.python, args.mb, args.rounds, operators)?;
            ("python", found)
        }
        What::Near => {
            let input = lab.input("near", args.mb.min(NEAR_MB_MAX))?;
            let rows = ["0.5", "0.7", "0.8"].map(|t| lab.program(&["near", &input.path, t]));
            let rows: Vec<Value> = rows.into_iter().collect::<Result<_>>()?;
            ("near", json!({ "input": input.facts, "near": rows }))
        }
        What::Ops => {
            let input = lab.input("input", args.mb)?;
            let datamate = args.datamate.as_deref();
            let operators = ops::rows(&lab, &input, &args.python, datamate, &args.ops)?;
            (
                "operators",
                json!({ "input": input.facts, "operators": operators }),
            )
        }
    };
    let mut all = json!({ "version": 1, "machine": machine, "corpus": lab.corpus() });
    merge(&mut all, results);
    let text = match args.what {
        What::Sched => report::sched(&all),
        What::Ray => ray::report(&all),
        What::Job => report::job(&all),
        What::Ops => report::operators(&all),
        What::Near => report::near(&all),
        What::Python => python::report(&all),
    };
    print!("{text}");
    if args.record && args.what == What::Ops {
        ops::record(root, &all)?;
    }
    let folder = lab.run_folder()?;
    std::fs::write(folder.join(format!("{name}.json")), format!("{all:#}\n"))?;
    std::fs::write(folder.join(format!("{name}.md")), text)?;
    println!(
        "\nwritten to {}",
        folder.strip_prefix(root).unwrap_or(&folder).display()
    );
    Ok(())
}

fn job(lab: &Lab, args: &Args) -> Result<Value> {
    let mut results = json!({ "rounds": args.rounds });
    let input = lab.input("input", args.mb)?;
    merge(&mut results, job::rows(lab, &input, args.rounds)?);
    results["first_output"] = job::first_output(lab)?;
    results["peers"] = peers::rows(lab, &args.python, args.peer_mb)?;
    if args.memory_test {
        results["memory"] = job::memory(lab, &[100, args.memory_mb])?;
    }
    Ok(results)
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// The middle of the values; of two the lower.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values
        .get(values.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_middle_value() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.0);
        assert!(median(Vec::new()).is_nan());
    }
}
