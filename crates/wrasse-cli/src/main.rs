//! The `wrasse` program: the library's operators, and nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    wrasse_cli::main(&wrasse_ops::catalog())
}
