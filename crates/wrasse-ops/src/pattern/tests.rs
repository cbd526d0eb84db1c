//! Tests of patterns. The wanted results are those of Python's packages.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
use super::*;

fn sub(pattern: &str, repl: &str, text: &str) -> String {
    let pattern = Pattern::new("pattern", pattern, Dialect::RegexDotAll).unwrap();
    let template = Template::new("repl", repl, &pattern).unwrap();
    pattern.replace_all(text, &template).unwrap().into_owned()
}
