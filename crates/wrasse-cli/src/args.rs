//! The arguments. Flags say how to run, the recipe says what.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use wrasse_core::ByteCount;
use wrasse_recipe::RejectLimit;
use wrasse_run::Guard;

use crate::Exit;

/// Cleans, filters, cuts and deduplicates text for language models.
#[derive(Debug, Parser)]
#[command(name = "wrasse", version, after_help = exit_codes())]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a recipe
    Run(RunArgs),
    /// Check a recipe without running it
    Check(CheckArgs),
    /// Show how a recipe would run: input, splits, stages, memory
    Explain(ExplainArgs),
    /// Measure what the filters of a recipe measure, and drop nothing
    Analyze(AnalyzeArgs),
    /// Tell what a recipe with other bounds would keep, from stats that
    /// `analyze` wrote
    Tune(TuneArgs),
    /// List the operators, or show one with parameters and examples
    Ops(OpsArgs),
    /// Print the JSON Schema of recipes, for editors
    Schema,
    /// Run the rejected samples of a run again, after a fix
    Replay(ReplayArgs),
}

/// The recipe, and changes to it.
#[derive(Debug, ClapArgs)]
pub(crate) struct RecipeArgs {
    /// The recipe, a YAML file (`-` for standard input)
    pub(crate) recipe: String,
    /// Change a value of the recipe, e.g. `process.text_length_filter.max_len=5000`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

/// How to run.
#[derive(Debug, ClapArgs)]
pub(crate) struct HowArgs {
    /// Worker threads [default: one a processor]
    #[arg(long, short = 'j', value_name = "N", value_parser = positive)]
    pub(crate) threads: Option<usize>,
    /// Keep the memory of the process below this, e.g. `512MiB`
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<ByteCount>,
    /// Stop after this many input samples
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// Fail if more samples are rejected than this number, or share (`0.5%`)
    #[arg(long, value_name = "N|P%")]
    pub(crate) max_rejects: Option<RejectLimit>,
    /// Record every dropped sample with the reason and the measured value
    #[arg(long)]
    pub(crate) trace_dropped: bool,
    /// Where manifest, rejects and report go [default: beside the output]
    #[arg(long, value_name = "DIR")]
    pub(crate) run_dir: Option<PathBuf>,
    /// Make the output safe after this much of it, besides every few seconds
    /// [default: 256MiB]
    #[arg(long, value_name = "SIZE", hide = true)]
    pub(crate) commit_bytes: Option<ByteCount>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) recipe: RecipeArgs,
    #[command(flatten)]
    pub(crate) how: HowArgs,
    /// Go on with an interrupted run
    #[arg(long, conflicts_with = "restart")]
    pub(crate) resume: bool,
    /// Discard an interrupted run and begin anew
    #[arg(long)]
    pub(crate) restart: bool,
    /// Replace an output that no run of Wrasse wrote
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Run a sample of the input (default 16MiB), write nothing, predict the rest
    #[arg(long, value_name = "SIZE", num_args = 0..=1, default_missing_value = "16MiB", require_equals = true)]
    pub(crate) dry_run: Option<ByteCount>,
    #[command(flatten)]
    pub(crate) show: ShowArgs,
}

/// What is told of a run, and to whom.
#[derive(Debug, ClapArgs)]
pub(crate) struct ShowArgs {
    /// No progress and no accounting; errors only
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Show what each stage holds, what it may hold, and why it waits
    #[arg(long, short, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// The form of the final report, on standard output if it is JSON
    #[arg(long, value_enum, default_value_t)]
    pub(crate) report: ReportForm,
    /// Write no `report.html`
    #[arg(long)]
    pub(crate) no_html: bool,
    /// Serve metrics for Prometheus at `http://ADDRESS/metrics` while the run
    /// lasts. A port alone is of this machine only; port 0 takes a free one and
    /// says which. Whoever reaches the address can read
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(crate) metrics_addr: Option<SocketAddr>,
    /// End the run, which then can be resumed, when nothing has moved for so
    /// many seconds; 0 for never. After a minute there is a warning
    #[arg(long, value_name = "SECONDS", default_value_t = 1800.0, value_parser = seconds)]
    pub(crate) no_progress_timeout: f64,
}

impl ShowArgs {
    /// What is done when nothing moves.
    pub(crate) fn guard(&self) -> Guard {
        Guard {
            end_after: (self.no_progress_timeout > 0.0)
                .then(|| Duration::from_secs_f64(self.no_progress_timeout)),
            ..Guard::default()
        }
    }
}

/// The form of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportForm {
    /// A table for people
    #[default]
    Text,
    /// JSON for programs
    Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) recipe: RecipeArgs,
    /// The form of the findings
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ReportForm,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) recipe: RecipeArgs,
    #[command(flatten)]
    pub(crate) how: HowArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct OpsArgs {
    /// Show this operator
    pub(crate) name: Option<String>,
    /// List operators whose name or description has all of these words
    #[arg(long, value_name = "WORDS")]
    pub(crate) search: Option<String>,
    /// Show what an operator costs, and whose it is
    #[arg(long)]
    pub(crate) long: bool,
    /// The form of the catalog
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ReportForm,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct AnalyzeArgs {
    #[command(flatten)]
    pub(crate) recipe: RecipeArgs,
    /// The folder for `stats.parquet` and what belongs to it
    /// [default: `<output>.analysis`]
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Worker threads [default: one a processor]
    #[arg(long, short = 'j', value_name = "N", value_parser = positive)]
    pub(crate) threads: Option<usize>,
    /// Keep the memory of the process below this, e.g. `512MiB`
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<ByteCount>,
    /// Stop after this many input samples
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// Go on with an interrupted analysis; otherwise it begins anew
    #[arg(long)]
    pub(crate) resume: bool,
    #[command(flatten)]
    pub(crate) show: ShowArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TuneArgs {
    /// The stats: `stats.parquet` of an analysis
    pub(crate) stats: String,
    /// The recipe: the one that was analyzed, with other bounds or fewer filters
    #[arg(long, value_name = "FILE")]
    pub(crate) recipe: String,
    /// Change a value of the recipe, e.g. `process.text_length_filter.max_len=5000`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Tell it as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Threads [default: one a processor]
    #[arg(long, short = 'j', value_name = "N", value_parser = positive)]
    pub(crate) threads: Option<usize>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    pub(crate) recipe: RecipeArgs,
    #[command(flatten)]
    pub(crate) how: HowArgs,
    /// Where the samples that pass now go [default: `<output>.replay<suffix>`]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<String>,
    #[command(flatten)]
    pub(crate) show: ShowArgs,
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a number from 1".to_owned()),
        Ok(n) => Ok(n),
    }
}

/// An address with a port, or a port of this machine: `9090`, `:9090`.
fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text);
    if let Ok(port) = port.parse() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    text.parse()
        .map_err(|_| "expected an address with a port, such as 127.0.0.1:9090".to_owned())
}

/// More seconds than this are a mistake, and would overflow.
const SECONDS_MAX: f64 = 1e9;

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(n) if (0.0..=SECONDS_MAX).contains(&n) => Ok(n),
        _ => Err("expected a number of seconds from 0".to_owned()),
    }
}

fn exit_codes() -> String {
    let mut text = String::from("Exit codes:\n");
    for (exit, meaning) in Exit::ALL {
        text.push_str(&format!("  {:>3}  {meaning}\n", exit as u8));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_of_this_machine() {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        assert_eq!(address("9090"), Ok(local(9090)));
        assert_eq!(address(":0"), Ok(local(0)));
        assert_eq!(address("127.0.0.1:80"), Ok(local(80)));
        assert_eq!(address("[::1]:80").unwrap().to_string(), "[::1]:80");
        assert!(address("localhost").is_err());
        assert!(address("70000").is_err());
    }

    #[test]
    fn seconds_are_finite() {
        assert_eq!(seconds("0.5"), Ok(0.5));
        for bad in ["-1", "nan", "inf", "1e300", "x"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
