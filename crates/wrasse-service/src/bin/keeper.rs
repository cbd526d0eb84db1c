//! The keeper as a program of its own, for programs that are none themselves.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(dir) = std::env::args_os().nth(1) else {
        return ExitCode::from(2);
    };
    match wrasse_service::keep(dir.as_ref()) {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody reads what it says; that nothing was written down is told.
        Err(_) => ExitCode::FAILURE,
    }
}
