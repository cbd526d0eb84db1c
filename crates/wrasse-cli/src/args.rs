//! The arguments. Flags say how to run, the recipe says what.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use wrasse_core::ByteCount;
use wrasse_recipe::RejectLimit;
use wrasse_run::{FetchMode, Guard};

use self::values::{address, positive, seconds};
use crate::Exit;

pub(crate) use service::{ServeArgs, SubmitArgs, TaskArgs, TaskCommand};

mod service;
mod values;

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
    /// Run a Python script of Ray Data or datatrove, unmodified, with its data going
    /// through Wrasse
    Script(ScriptArgs),
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
    /// Memory for what deduplicators have seen, before it moves from this process
    /// to actors on the nodes; 0: at once [default: a fourth of `--memory`, or 1GiB; no
    /// bound where the cluster is one machine]
    #[arg(long, value_name = "SIZE")]
    pub(crate) ray_gate_bytes: Option<ByteCount>,
    /// Who looks through what tasks tell of their outputs [default: background]
    #[arg(long, value_name = "MODE")]
    pub(crate) ray_metadata: Option<MetadataMode>,
    /// Ask Ray for completions instead of being called back by it
    #[arg(long, hide = true)]
    pub(crate) ray_polling: bool,
}

/// Who looks through what tasks tell of their outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MetadataMode {
    /// A thread of its own: the scheduler never waits
    Background,
    /// The scheduler itself
    Inline,
}

impl From<MetadataMode> for FetchMode {
    fn from(mode: MetadataMode) -> Self {
        match mode {
            MetadataMode::Background => Self::Background,
            MetadataMode::Inline => Self::Inline,
        }
    }
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

#[derive(Debug, ClapArgs)]
#[command(
    override_usage = "wrasse script [--python FILE] [FLAGS OF `wrasse run`] FILE.py [ARGS]..."
)]
pub(crate) struct ScriptArgs {
    /// The interpreter [default: that of the active environment, else python3]
    #[arg(long, value_name = "FILE")]
    pub(crate) python: Option<PathBuf>,
    /// Flags of `wrasse run` that say how its runs go (`--threads 4`), the script, and
    /// what the script gets as `sys.argv`
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "FILE.py"
    )]
    pub(crate) words: Vec<OsString>,
}

fn exit_codes() -> String {
    let mut text = String::from("Exit codes:\n");
    for (exit, meaning) in Exit::ALL {
        text.push_str(&format!("  {:>3}  {meaning}\n", exit as u8));
    }
    text
}
