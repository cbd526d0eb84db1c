//! `wrasse`, with operators of one's own.

mod operators;

use std::process::ExitCode;

fn main() -> ExitCode {
    wrasse_cli::main(&wrasse_ops::catalog().with(operators::SPECS))
}
