//! Tests that hold for every operator, present and future.
//!
//! Nothing here names an operator: adding one adds its tests.

use serde_json::json;
use wrasse_core::{Origin, Sample};
use wrasse_op::Common;

#[test]
fn operators_keep_their_promises() {
    wrasse_op::testing::check(&wrasse_ops::SPECS.concat());
}

/// Keys of texts that share lines, and of which many are nearly the same.
#[test]
fn what_is_decided_over_pieces_of_keys_is_what_is_decided_over_keys() {
    let mut n_spread = 0;
    for spec in wrasse_ops::SPECS.concat() {
        let op = spec.build(&json!({}), &Common::default());
        let Some(exchange) = op.as_ref().ok().and_then(|op| op.exchange()) else {
            continue;
        };
        let mut keys = Vec::new();
        for i in 0..500_u64 {
            let line = |k: u64| {
                let words = (0..9).map(|word| format!("w{}", (k * k + word) % 97));
                words.collect::<Vec<String>>().join(" ")
            };
            let near = i % 60 * (i % 7);
            let lines: Vec<String> = (0..12).map(|k| line(near * 12 + k)).collect();
            let text = format!("{}\n{}", lines.join("\n"), line(i % 90));
            let row = json!({ "text": text, "__dj__uid": (i * 7919) % 1009 }).to_string();
            let mut sample = Sample::from_json(row.as_str().into(), Origin::default()).unwrap();
            let mut key = Vec::new();
            if exchange.key(&mut sample, &mut key).is_ok() {
                keys.push(key);
            }
        }
        n_spread += usize::from(exchange.spread().is_some());
        wrasse_op::testing::spread_agrees(exchange, &keys).unwrap();
    }
    assert!(n_spread > 0, "no operator's keys can be cut");
}
