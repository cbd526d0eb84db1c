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
    /// Serve jobs over HTTP: submit, watch, cancel; they survive a restart
    Serve(ServeArgs),
    /// Submit jobs to a service, and watch them
    Task(TaskArgs),
    /// Hand a run to a Ray cluster as a job, and follow it
    Submit(RaySubmitArgs),
    /// Keep a process of the task service: for the service alone
    #[command(hide = true)]
    Keep(KeepArgs),
    /// Follow a job of a Ray cluster: for the task service alone
    #[command(hide = true)]
    FollowRayJob(KeepArgs),
    /// Try an operator in Python outside of a run: its example, settings, time,
    /// memory, and what it opens, connects to and starts
    TestOp(TestOpArgs),
}

/// The recipe, and changes to it.
#[derive(Debug, Default, ClapArgs)]
pub(crate) struct RecipeArgs {
    /// The recipe, a YAML file (`-` for standard input)
    pub(crate) recipe: String,
    /// Change a value of the recipe, e.g. `process.text_length_filter.max_len=5000`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    #[command(flatten)]
    pub(crate) python: PythonArgs,
    /// The text of the recipe, if it is not in a file.
    #[arg(skip)]
    pub(crate) text: Option<Vec<u8>>,
}

/// Python operators.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct PythonArgs {
    /// The Python that runs Python operators [default: that of the active
    /// environment, else `python3`]
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) python: Option<PathBuf>,
    /// Look for operator folders in this folder, by name or raw_id; can be
    /// repeated
    #[arg(long, value_name = "DIR")]
    pub(crate) operators: Vec<PathBuf>,
    /// Operators of DataMate behave as there, defects included
    #[arg(long)]
    pub(crate) strict: bool,
    /// The Python that this program is part of, if it is.
    #[arg(skip)]
    pub(crate) own: Option<PathBuf>,
}

/// How to run.
#[derive(Debug, ClapArgs)]
pub(crate) struct HowArgs {
    /// Worker threads [default: one a processor]
    #[arg(long, short = 'j', value_name = "N", value_parser = positive)]
    pub(crate) threads: Option<usize>,
    /// Keep the memory of the process, and of the worker processes of Python
    /// operators, below this, e.g. `512MiB`
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<ByteCount>,
    /// Accelerators (CUDA) for Python operators [default: those of
    /// `CUDA_VISIBLE_DEVICES`, else all]
    #[arg(long, value_name = "N")]
    pub(crate) gpus: Option<usize>,
    /// Accelerators (Ascend) for Python operators [default: those of
    /// `ASCEND_RT_VISIBLE_DEVICES`, else all]
    #[arg(long, value_name = "N")]
    pub(crate) npus: Option<usize>,
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

/// What runs the tasks.
#[derive(Clone, Debug, Default, ClapArgs)]
#[command(next_help_heading = "Backend")]
pub(crate) struct BackendArgs {
    /// What runs the tasks
    #[arg(long, value_enum, default_value_t)]
    pub(crate) backend: BackendName,
    /// Join this cluster (`auto`, or `host:port` of its head); otherwise a Ray of
    /// this machine's own is started for the run, with `--threads` processors
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) ray_address: Option<String>,
    /// Memory for blocks in a Ray of this machine's own [default: Ray decides]
    #[arg(long, value_name = "SIZE", conflicts_with = "ray_address")]
    pub(crate) ray_object_store: Option<ByteCount>,
    /// Paths lead to the same files on every machine of the cluster
    #[arg(long)]
    pub(crate) ray_shared_paths: bool,
    /// Give workers this program's package `wrasse`, which they lack
    #[arg(long)]
    pub(crate) ray_ship: bool,
    /// The Python that has `wrasse[ray]` [default: `$WRASSE_PYTHON`, that of the
    /// active environment, the one beside this program, or `python3`]
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) ray_python: Option<PathBuf>,
    /// Bytes of input in a task, about [default: 64MiB, less where stores are
    /// small]
    #[arg(long, value_name = "SIZE")]
    pub(crate) ray_task_bytes: Option<ByteCount>,
    /// Ask Ray for completions instead of being called back by it
    #[arg(long, hide = true)]
    pub(crate) ray_polling: bool,
}

/// What runs the tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackendName {
    /// Threads of this program
    #[default]
    Local,
    /// Ray: this machine, or a cluster
    Ray,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) recipe: RecipeArgs,
    #[command(flatten)]
    pub(crate) how: HowArgs,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
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
    /// Where a task of DataMate (process.yaml) records what became of each
    /// file: a file of SQLite, `postgres://user:password@host/database` with
    /// DataMate's own tables, `postgres` for the one that PG_HOST, PG_PORT,
    /// PG_USER, PG_PASSWORD and PG_DATABASE name, or `none`
    /// [default: `results.sqlite` in the run directory]
    #[arg(long, value_name = "PLACE")]
    pub(crate) results: Option<String>,
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
    /// Tell in files of this folder what the run is, where it stands and what
    /// came of it: for the task service
    #[arg(long, value_name = "DIR", hide = true)]
    pub(crate) live: Option<PathBuf>,
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
    #[command(flatten)]
    pub(crate) python: PythonArgs,
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

/// The secrets of a service come from files or the environment
/// (`WRASSE_TOKEN`, `WRASSE_READ_TOKEN`): arguments can be seen by others.
#[derive(Debug, ClapArgs)]
pub(crate) struct ServeArgs {
    /// Where to listen. A port alone is of this machine only; port 0 takes a
    /// free one and says which. Elsewhere, a token is needed
    #[arg(long, value_name = "ADDRESS", default_value = "7070", value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// The service's own folder: all jobs, and their logs
    #[arg(long, value_name = "DIR", default_value = "wrasse-state")]
    pub(crate) state: PathBuf,
    /// Where jobs are stored: `postgres://user@host/name`, without TLS
    /// [default: `$WRASSE_STORE`, or a file of SQLite in the service's folder]
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// A folder, or an address such as `s3://bucket/prefix`, where jobs may read
    /// and write [default: the current folder]
    #[arg(long = "root", value_name = "DIR")]
    pub(crate) roots: Vec<String>,
    /// Where DataMate puts `<task>/process.yaml`
    #[arg(long, value_name = "DIR")]
    pub(crate) flows: Option<PathBuf>,
    /// So many jobs run at once
    #[arg(long, value_name = "N", default_value = "4", value_parser = positive)]
    pub(crate) max_concurrent: usize,
    /// Seconds between SIGTERM and SIGKILL when a job is cancelled
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds)]
    pub(crate) grace: f64,
    /// Let jobs be programs of any kind; needs a token
    #[arg(long)]
    pub(crate) allow_commands: bool,
    /// The dashboard of the Ray cluster that jobs of Ray go to, e.g.
    /// `http://127.0.0.1:8265`; needs a token. If the cluster wants a token of its
    /// own, that is `$RAY_AUTH_TOKEN`
    #[arg(long, value_name = "URL")]
    pub(crate) ray_address: Option<String>,
    /// A file with the token that opens everything [default: `$WRASSE_TOKEN`]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// A file with the token that opens what only looks
    /// [default: `$WRASSE_READ_TOKEN`]
    #[arg(long, value_name = "FILE")]
    pub(crate) read_token_file: Option<PathBuf>,
    /// Requests a second of one client
    #[arg(long, value_name = "N", default_value = "1000", value_parser = positive)]
    pub(crate) rate: usize,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TaskArgs {
    /// The service [default: `$WRASSE_URL`, or http://127.0.0.1:7070]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// A file with the token [default: `$WRASSE_TOKEN`]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Tell it as JSON, as the service does
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: TaskCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TaskCommand {
    /// Submit a run of a recipe, or a command behind `--`
    Submit(Box<SubmitArgs>),
    /// List jobs, the latest first
    List {
        /// Of this state
        #[arg(long, value_parser = ["pending", "running", "completed", "failed", "cancelled"])]
        state: Option<String>,
        /// So many at the most
        #[arg(long, short = 'n', default_value = "20", value_parser = positive)]
        limit: usize,
    },
    /// Show a job
    Show {
        /// The job
        id: String,
    },
    /// Print what a job said
    Logs {
        /// The job
        id: String,
        /// Go on until the job comes to its end
        #[arg(long, short)]
        follow: bool,
    },
    /// Ask for a job's end
    Cancel {
        /// The job
        id: String,
    },
    /// Wait for a job's end; exit code 0 if it is completed, 3 if it failed,
    /// 130 if it was cancelled
    Wait {
        /// The job
        id: String,
        /// Not longer than so many seconds; then exit code 1
        #[arg(long, value_name = "SECONDS", value_parser = seconds)]
        timeout: Option<f64>,
    },
    /// Have a job that came to its end begin again
    Retry {
        /// The job
        id: String,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SubmitArgs {
    /// The recipe, a file that the service can read
    #[arg(required_unless_present = "command", conflicts_with = "command")]
    pub(crate) recipe: Option<PathBuf>,
    /// Change a value of the recipe, e.g. `process.text_length_filter.max_len=5000`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Worker threads
    #[arg(long, short = 'j', value_name = "N", value_parser = positive)]
    pub(crate) threads: Option<usize>,
    /// Keep the memory of the run below this, e.g. `512MiB`
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<String>,
    /// The job's name; submitted twice, it runs once
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// What it is called in lists
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// Higher goes first
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub(crate) priority: i32,
    /// Attempts in all
    #[arg(long, value_name = "N", default_value = "1", value_parser = positive)]
    pub(crate) attempts: usize,
    /// Jobs that have to be completed first
    #[arg(long, value_name = "ID")]
    pub(crate) after: Vec<String>,
    /// End it after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<f64>,
    /// Wait for its end
    #[arg(long)]
    pub(crate) wait: bool,
    /// Have the service's Ray cluster run the program behind `--`, as a job of Ray
    #[arg(long, requires = "command")]
    pub(crate) ray: bool,
    /// What that job needs around it, as Ray has it in JSON: `working_dir`, `pip`,
    /// `env_vars`; places are such as the cluster can reach
    #[arg(long, value_name = "JSON", requires = "ray", value_parser = json_object)]
    pub(crate) runtime_env: Option<serde_json::Value>,
    /// End that job after so many seconds without a new word in its log [default: 3600]
    #[arg(long, value_name = "SECONDS", requires = "ray", value_parser = seconds)]
    pub(crate) stall: Option<f64>,
    /// A program and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RaySubmitArgs {
    /// The recipe; its paths are paths on the cluster
    pub(crate) recipe: String,
    /// Where the cluster takes jobs, e.g. `http://127.0.0.1:8265`
    #[arg(long, value_name = "URL")]
    pub(crate) address: String,
    /// Give the job this folder, to run in; otherwise it gets the recipe alone
    #[arg(long, value_name = "DIR")]
    pub(crate) working_dir: Option<PathBuf>,
    /// Give the cluster this program's package `wrasse`, which it lacks
    #[arg(long)]
    pub(crate) ray_ship: bool,
    /// Do not wait for the end
    #[arg(long)]
    pub(crate) detach: bool,
    /// The Python that has `wrasse[ray]` [default: `$WRASSE_PYTHON`, that of the
    /// active environment, the one beside this program, or `python3`]
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) ray_python: Option<PathBuf>,
    /// Flags of `wrasse run`, after `--`
    #[arg(last = true, value_name = "FLAGS")]
    pub(crate) flags: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct KeepArgs {
    /// The folder that it shares with the service
    pub(crate) dir: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TestOpArgs {
    /// An operator folder of DataMate, `file.py:Name`, `package.module:Name`, or
    /// `data_juicer:name`
    pub(crate) reference: String,
    /// A setting of the operator, JSON or text
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Tell it as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Texts to time, at most [default: 200]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) rows: Option<usize>,
    /// End after so many seconds, and tell where it hangs [default: 300]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<f64>,
    /// The interpreter [default: that of the active environment, else python3]
    #[arg(long, value_name = "FILE")]
    pub(crate) python: Option<PathBuf>,
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

fn json_object(text: &str) -> Result<serde_json::Value, String> {
    match serde_json::from_str(text) {
        Ok(value @ serde_json::Value::Object(_)) => Ok(value),
        Ok(_) => Err("expected an object, `{...}`".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

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
