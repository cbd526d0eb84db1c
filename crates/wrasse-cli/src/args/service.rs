//! The arguments of the service and of its clients.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::values::{address, json_object, positive, seconds};

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
