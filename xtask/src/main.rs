//! `cargo xtask`: the chores of this workspace.
//!
//! Exit codes: 0 done, 1 failed or something is stale, 2 wrong arguments.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal of a developer"
)]

mod bench;
mod generate;
mod new_op;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The chores of the Wrasse workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Write what is generated from the code: `docs/reference`
    Gen {
        /// Write nothing; fail if something is stale
        #[arg(long)]
        check: bool,
    },
    /// Write the file of a new operator and register it
    NewOp {
        /// The shape of the operator
        kind: new_op::Kind,
        /// Its name in recipes, with the ending of its kind: `emoji_ratio_filter`
        name: String,
    },
    /// Replay one seed of the scheduler's simulation, as a failed test names it
    Sim {
        /// The seed
        #[arg(long)]
        seed: u64,
    },
    /// Measure the speed and the memory of Wrasse; results go to `benches/runs`
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let Err(error) = run(Args::parse().chore) else {
        return ExitCode::SUCCESS;
    };
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

fn run(chore: Chore) -> anyhow::Result<()> {
    match chore {
        Chore::Gen { check: false } => generate::write(&root()),
        Chore::Gen { check: true } => generate::check(&root()),
        Chore::NewOp { kind, name } => new_op::create(&root(), kind, &name),
        Chore::Sim { seed } => sim(seed),
        Chore::Bench(args) => bench::run(&root(), &args),
    }
}

/// Plays one world, with the books checked after every step.
fn sim(seed: u64) -> anyhow::Result<()> {
    let status = std::process::Command::new("cargo")
        .args(["test", "-p", "wrasse-sched", "--test", "sim", "one_seed"])
        .env("WRASSE_SIM_SEED", seed.to_string())
        .current_dir(root())
        .status()?;
    anyhow::ensure!(status.success(), "seed {seed} fails");
    Ok(())
}

/// The folder of the workspace.
fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}
