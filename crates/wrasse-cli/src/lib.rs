//! The command line: arguments, settings, progress, reports, exit codes.
//!
//! A program of one's own is one line: [`main`] with a catalog that has more
//! operators than the library (`examples/my-operators` shows it).
//!
//! This is the only crate that knows the terminal, the environment and exit
//! codes. Standard output carries data and reports; all else goes to standard
//! error.
//!
//! Layer: 8.

mod again;
mod allocator;
mod analysis;
mod analyze;
mod args;
mod backend;
mod check;
mod devices;
mod dry_run;
pub mod embedded;
mod exit;
mod explain;
mod failure;
mod live;
mod load;
mod metrics_server;
mod operators;
mod ops;
mod page;
mod progress;
mod python;
mod replay;
mod report;
mod reporter;
mod results;
mod run;
mod script;
mod serve;
mod settings;
mod stages;
mod stats_table;
mod submit;
mod table;
mod task;
mod test_op;
mod tune;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use wrasse_op::Catalog;

use crate::args::{Args, Command};
pub use crate::exit::Exit;
use crate::failure::Failure;

/// The whole program, with the operators of `catalog`.
pub fn main(catalog: &Catalog) -> ExitCode {
    program(std::env::args_os(), catalog).into()
}

/// The whole program within another one, as which it reads standard input,
/// writes, and takes over signals. `args` begin with the program's name.
pub fn program(args: impl IntoIterator<Item = OsString>, catalog: &Catalog) -> Exit {
    allocator::start();
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            let failed = error.use_stderr();
            // A terminal that is gone cannot be told.
            let _ = error.print();
            return if failed { Exit::Usage } else { Exit::Done };
        }
    };
    let result = match args.command {
        Command::Run(args) => run::run(&args, catalog),
        Command::Check(args) => check::check(&args, catalog),
        Command::Explain(args) => explain::explain(&args, catalog),
        Command::Ops(args) => ops::ops(&args, catalog),
        Command::Schema => ops::schema(catalog),
        Command::Analyze(args) => analyze::analyze(&args, catalog),
        Command::Tune(args) => tune::tune(&args, catalog),
        Command::Replay(args) => replay::replay(&args, catalog),
        Command::Serve(args) => serve::serve(&args, catalog),
        Command::Task(args) => task::task(&args),
        Command::Submit(args) => submit::submit(&args, catalog),
        Command::FollowRayJob(args) => serve::follow_ray_job(&args),
        Command::Keep(args) => match wrasse_service::keep(&args.dir) {
            Ok(()) => Ok(Exit::Done),
            Err(error) => Err(Failure::usage(format!("{}: {error}", args.dir.display()))),
        },
        Command::TestOp(args) => test_op::test_op(&args),
        Command::Script(args) => script::script(&args),
    };
    match result {
        Ok(exit) => exit,
        Err(failure) => {
            failure.print();
            failure.exit
        }
    }
}

/// The commands with their flags, for a generated reference.
pub fn command() -> clap::Command {
    Args::command()
}
