//! The `wrasse` program: the library's operators, and nothing else.

use std::process::ExitCode;

/// Blocks are freed on other threads than they were made on, in sizes from
/// bytes to megabytes: what this allocator is good at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    wrasse_cli::main(&wrasse_ops::catalog())
}
