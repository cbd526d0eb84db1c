//! What the tests of hand-written matchers share.

use serde_json::{Value, json};
use wrasse_op::{Common, OpSpec};

use crate::clean::Find;
use crate::pattern::{Dialect, Pattern};

/// The default pattern of a mapper.
pub(crate) fn compiled(pattern: &str) -> Pattern {
    Pattern::new("pattern", pattern, Dialect::RegexDotAll).unwrap()
}

/// Checks that `find` finds the matches of `pattern`, all of them.
pub(crate) fn agree(pattern: &Pattern, find: Find, text: &str) {
    let mut want = Vec::new();
    pattern
        .for_each_match(text, false, |spans| want.extend(spans[0]))
        .unwrap();
    let mut got = Vec::new();
    let mut at = 0;
    while let Some(found) = find(text, at) {
        at = found.end;
        got.push((found.start, found.end));
    }
    let shown: String = text.chars().take(200).collect();
    assert!(
        got == want,
        "{shown:?}\n got {:?}\nwant {:?}",
        &got[..got.len().min(9)],
        &want[..want.len().min(9)]
    );
}

/// Random texts of up to 24 pieces of an alphabet, always the same ones.
pub(crate) fn texts<'a>(alphabet: &'a [&'a str], n: usize) -> impl Iterator<Item = String> + 'a {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % below
    };
    (0..n).map(move |_| {
        let length = random(24) + 1;
        (0..length)
            .map(|_| alphabet[random(alphabet.len())])
            .collect()
    })
}

/// The rows that an operator makes of one text.
pub(crate) fn rows(
    spec: &'static OpSpec,
    params: &Value,
    text: &str,
) -> Result<Vec<Value>, String> {
    let op = spec
        .build(params, &Common::default())
        .map_err(|error| error.to_string())?;
    wrasse_op::testing::run(&op, &[json!({ "text": text })])
        .map(|ran| ran.rows)
        .map_err(|error| error.to_string())
}

/// The texts that an operator makes of one.
pub(crate) fn slice(
    spec: &'static OpSpec,
    params: &Value,
    text: &str,
) -> Result<Vec<String>, String> {
    let rows = rows(spec, params, text)?;
    let text = |row: &Value| row["text"].as_str().unwrap().to_owned();
    Ok(rows.iter().map(text).collect())
}
