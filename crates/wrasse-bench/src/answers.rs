//! What operators make of rows, for who compares them with their originals.

use std::io::{BufRead as _, Write as _};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use wrasse_op::{Common, testing};

/// Answers each line of the standard input, `{"op", "params", "rows"}`, with a
/// line that has for each row, taken alone, what came of it: `rows`, `kept` and
/// `stats`, or an `error`; or one `error` if there is no such operator.
pub(crate) fn run() -> Result<Value> {
    let catalog = wrasse_ops::catalog();
    let mut out = std::io::stdout().lock();
    let mut n = 0;
    for line in std::io::stdin().lock().lines() {
        let asked: Value = serde_json::from_str(&line?)?;
        let name = asked["op"].as_str().context("`op` is missing")?;
        let built = match catalog.find(name) {
            Some(spec) => spec
                .build(&asked["params"], &Common::default())
                .map_err(|error| error.to_string()),
            None => Err(format!("there is no operator `{name}`")),
        };
        let answer = match built {
            Err(error) => json!({ "error": error }),
            Ok(op) => {
                let rows = asked["rows"].as_array().context("`rows` is no list")?;
                let one = |row: &Value| match testing::run(&op, std::slice::from_ref(row)) {
                    Ok(ran) => json!({ "rows": ran.rows, "kept": ran.kept, "stats": ran.stats }),
                    Err(error) => json!({ "error": error.to_string() }),
                };
                rows.iter().map(one).collect()
            }
        };
        writeln!(out, "{answer}")?;
        n += 1;
    }
    Ok(json!({ "answered": n }))
}
