//! The programs that `cargo xtask bench` measures with and against; it builds
//! and calls them, people need not.
//!
//! ```text
//! wrasse-bench corpus OUTPUT BYTES distinct|same INPUT...   makes an input
//! wrasse-bench documents OUTPUT BYTES SIZE INPUT...         documents of one size
//! wrasse-bench files FOLDER N SIZE EXPORT INPUT...          a folder of small files
//! wrasse-bench measure STDOUT -- COMMAND...                 measures a command
//! wrasse-bench loop RECIPE INPUT OUTPUT                     the bare loop
//! wrasse-bench operators INPUT [NAME...]                    each operator alone
//! wrasse-bench answers                                      operators on rows, for peers/differ.py
//! wrasse-bench near INPUT THRESHOLD                         near duplicates, beside all pairs
//! wrasse-bench transport INPUT PYTHON OPERATOR              engine to worker and back
//! wrasse-bench sched                                        the scheduler alone
//! ```
//!
//! Each prints one line of JSON.
//!
//! Layer: 9.

mod answers;
mod bare_loop;
mod corpus;
mod measure;
mod near;
mod operators;
mod pieces;
mod reaction;
mod scheduler;
mod transport;

use std::io::Write as _;

use anyhow::{Context as _, Result, bail};

/// That of `wrasse` itself: the bare loop is to differ in the engine alone.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        ["corpus", output, bytes, copies, inputs @ ..] => {
            let copies = copies.parse().map_err(anyhow::Error::msg)?;
            let bytes = bytes.parse().context("BYTES is no number")?;
            corpus::make(output.as_ref(), bytes, copies, inputs)?
        }
        ["documents", output, bytes, size, inputs @ ..] => {
            let bytes = bytes.parse().context("BYTES is no number")?;
            let size = size.parse().context("SIZE is no number")?;
            pieces::documents(output.as_ref(), bytes, size, inputs)?
        }
        ["files", folder, n, size, export, inputs @ ..] => {
            let n = n.parse().context("N is no number")?;
            let size = size.parse().context("SIZE is no number")?;
            pieces::files(folder.as_ref(), n, size, export, inputs)?
        }
        ["transport", input, python, operator] => {
            transport::run(input.as_ref(), python.as_ref(), operator)?
        }
        ["measure", stdout, "--", program, args @ ..] => {
            measure::measure(stdout.as_ref(), program, args)?
        }
        ["loop", recipe, input, output] => bare_loop::run(recipe, input.as_ref(), output.as_ref())?,
        ["answers"] => answers::run()?,
        ["reaction"] => reaction::run(),
        ["sched"] => scheduler::run(),
        ["near", input, threshold] => {
            let threshold = threshold.parse().context("THRESHOLD is no number")?;
            near::run(input.as_ref(), threshold)?
        }
        ["operators", input, names @ ..] => operators::run(input.as_ref(), names)?,
        _ => bail!("wrong arguments; see the head of `crates/wrasse-bench/src/main.rs`"),
    };
    writeln!(std::io::stdout().lock(), "{result}")?;
    Ok(())
}
