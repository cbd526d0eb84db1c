//! Tests that hold for every operator, for use in the tests of any crate that
//! registers some.
//!
//! ```text
//! #[test]
//! fn operators_keep_their_promises() {
//!     wrasse_op::testing::check(my_ops::SPECS);
//! }
//! ```

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use wrasse_core::{Origin, Sample};

use crate::{Common, Decision, Exchange, KeyList, Keys, OpError, OpSpec, Operator, Outcome, merge};

/// Checks names, documentation, parameters and examples of every operator.
///
/// # Panics
///
/// If an operator breaks a promise; the message names it.
pub fn check(specs: &[&'static OpSpec]) {
    let mut names = BTreeSet::new();
    for spec in specs {
        for name in std::iter::once(&spec.name).chain(spec.aliases) {
            assert!(names.insert(*name), "`{name}` is registered twice");
        }
        assert!(
            spec.name
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')),
            "`{}` is not in snake_case",
            spec.name
        );
        assert!(
            spec.summary.ends_with('.'),
            "`{}`: the summary is no sentence",
            spec.name
        );
        let typo = json!({ "no_such_parameter": 1 });
        assert!(
            spec.build(&typo, &Common::default()).is_err(),
            "`{}` swallows typos in recipes (deny_unknown_fields)",
            spec.name
        );
        documented(spec);
        examples_hold(spec);
        bounds_only_decide(spec);
    }
}

fn documented(spec: &OpSpec) {
    let schema = spec.schema();
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        assert!(
            property.get("description").is_some(),
            "`{}`: parameter `{name}` has no doc comment",
            spec.name
        );
    }
}

fn examples_hold(spec: &'static OpSpec) {
    assert!(!spec.examples.is_empty(), "`{}` has no example", spec.name);
    for example in spec.examples {
        let context = format!("`{}`, example \"{}\"", spec.name, example.about);
        let params = parse(example.params, &context);
        let op = spec
            .build(&params, &Common::default())
            .unwrap_or_else(|error| panic!("{context}: {error}"));
        let rows: Vec<Value> = example
            .input
            .iter()
            .map(|row| parse(row, &context))
            .collect();
        let want: Vec<Value> = example
            .output
            .iter()
            .map(|row| parse(row, &context))
            .collect();
        let got = run(&op, &rows).unwrap_or_else(|error| panic!("{context}: {error}"));
        assert_eq!(got.rows, want, "{context}");
    }
}

/// What [`OpSpec::measures_by`] says: another bound measures the same.
fn bounds_only_decide(spec: &'static OpSpec) {
    let schema = spec.schema();
    let properties = schema.get("properties").and_then(Value::as_object);
    let no_properties = Map::new();
    let properties = properties.unwrap_or(&no_properties);
    for name in spec.decided_by.iter().chain(spec.decided_by_second) {
        let has = properties.contains_key(*name);
        assert!(
            has,
            "`{}` has no parameter `{name}` to decide by",
            spec.name
        );
    }
    for (name, property) in properties {
        let bounds = match spec.decided_by_second.contains(&name.as_str()) {
            true => other_bounds(&property["default"]),
            false if spec.decides_by(name) => vec![
                json!(0),
                json!(1),
                json!(0.5),
                json!(1000),
                json!([0, 5]),
                json!(["zh"]),
                json!("all"),
                json!(true),
            ],
            false => continue,
        };
        let is_listed = !(name.starts_with("min_") || name.starts_with("max_"));
        let mut is_tried = false;
        for example in spec.examples {
            let context = format!("`{}`, example \"{}\"", spec.name, example.about);
            let rows = example.input.iter();
            let rows: Vec<Value> = rows.map(|row| parse(row, &context)).collect();
            let mut params = match parse(example.params, &context) {
                Value::Object(params) => params,
                _ => Map::new(),
            };
            let measured = |params: &Map<String, Value>| {
                let op = spec.build(&json!(params), &Common::default()).ok()?;
                run(&op, &rows).ok().map(|ran| ran.stats)
            };
            let before = measured(&params);
            for bound in &bounds {
                params.insert(name.clone(), bound.clone());
                // What is no bound of this filter is refused.
                if let Some(after) = measured(&params) {
                    is_tried = true;
                    assert_eq!(
                        Some(after),
                        before,
                        "{context}: `{name}` counts as a bound and changes what is measured"
                    );
                }
            }
        }
        assert!(
            is_tried || !is_listed,
            "`{}`: no value was found for `{name}`",
            spec.name
        );
    }
}

/// Pairs with other second values.
fn other_bounds(pairs: &Value) -> Vec<Value> {
    let second = |bound: Value| {
        let pairs = pairs.as_array().into_iter().flatten();
        pairs.map(|pair| json!([pair[0], bound])).collect::<Value>()
    };
    vec![second(json!(0)), second(json!(0.5))]
}

fn parse(json: &str, context: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{context}: {error}: {json}"))
}

/// What [`run`] saw.
#[derive(Debug)]
pub struct Ran {
    /// The rows that came out.
    pub rows: Vec<Value>,
    /// For each row that went in, whether it (or a piece of it) came out.
    pub kept: Vec<bool>,
    /// For each row that went in, what was measured on it, as JSON.
    pub stats: Vec<Value>,
    /// For each row that went in, its fingerprint if the operator has one.
    pub fingerprints: Vec<Option<u128>>,
    /// For each row that went in, the hash that goes with it if hashes are kept.
    pub kept_hashes: Vec<Option<u128>>,
    /// For each row that went in, its key if the operator is an exchange.
    pub keys: Vec<Vec<u8>>,
}

/// Runs an operator on rows, one after the other; of duplicates the first stays.
///
/// # Errors
///
/// The first error of the operator.
///
/// # Panics
///
/// If a row is no object.
pub fn run(op: &Operator, rows: &[Value]) -> Result<Ran, OpError> {
    let mut ran = Ran {
        rows: Vec::new(),
        kept: Vec::new(),
        stats: Vec::new(),
        fingerprints: Vec::new(),
        kept_hashes: Vec::new(),
        keys: Vec::new(),
    };
    let mut samples: Vec<Sample> = rows.iter().map(sample).collect();
    if let Some(exchange) = op.exchange() {
        let out = run_exchange(exchange, &mut samples, &mut ran)?;
        ran.rows = out.iter().map(json_of).collect();
        return Ok(ran);
    }
    let mut seen = BTreeSet::new();
    for sample in &mut samples {
        let fingerprint = op.fingerprint(sample)?;
        let mut out = Vec::new();
        if let Some(fingerprint) = fingerprint {
            if seen.insert(fingerprint) {
                out.push(sample.clone());
            }
        } else if op.apply(sample, &mut out)? == Outcome::Kept {
            out.push(sample.clone());
        }
        ran.fingerprints.push(fingerprint);
        let hash = fingerprint.map(|fingerprint| op.kept_hash(sample, fingerprint));
        ran.kept_hashes.push(hash.transpose()?);
        ran.kept.push(!out.is_empty());
        ran.stats.push(
            sample
                .stats()
                .iter()
                .map(|(name, stat)| (name.to_owned(), stat.to_json()))
                .collect(),
        );
        ran.rows.extend(out.iter().map(json_of));
    }
    Ok(ran)
}

fn run_exchange(
    exchange: &dyn Exchange,
    samples: &mut [Sample],
    ran: &mut Ran,
) -> Result<Vec<Sample>, OpError> {
    for sample in &mut *samples {
        let mut key = Vec::new();
        exchange.key(sample, &mut key)?;
        ran.keys.push(key);
    }
    spread_agrees(exchange, &ran.keys)?;
    let keys = KeyList(ran.keys.clone());
    ran.kept = vec![false; samples.len()];
    // Little memory, so that what can be done in several scans is.
    Ok(match exchange.decide(&keys, 1 << 10)? {
        Decision::Same(first) => {
            assert_eq!(first.len(), samples.len());
            let stays = |i: usize| first[i] as usize == i;
            ran.kept = (0..samples.len()).map(stays).collect();
            let kept = samples.iter().zip(&ran.kept);
            kept.filter(|(_, kept)| **kept)
                .map(|(sample, _)| sample.clone())
                .collect()
        }
        Decision::Order(order) => {
            let mut kept = |i: &u32| !std::mem::replace(&mut ran.kept[*i as usize], true);
            let n_once = order.iter().take_while(|i| kept(i)).count();
            for i in &order[n_once..] {
                let before = ran.kept[*i as usize];
                assert!(before, "sample {i} comes first behind others' second time");
            }
            order.iter().map(|i| samples[*i as usize].clone()).collect()
        }
        Decision::Groups(groups) => {
            let mut out = Vec::new();
            for group in groups {
                let members = group.iter().map(|i| samples[*i as usize].clone());
                out.push(merge(&members.collect::<Vec<_>>())?);
                for i in group {
                    ran.kept[i as usize] = true;
                }
            }
            out
        }
        Decision::Rewrite(rewrite) => {
            ran.kept = vec![true; samples.len()];
            for sample in &mut *samples {
                rewrite.rewrite(sample)?;
            }
            samples.to_vec()
        }
    })
}

/// Checks that an exchange whose keys can be cut decides the same over pieces of
/// these keys as over all of them, for several numbers of shards.
///
/// # Errors
///
/// The first error of the operator.
///
/// # Panics
///
/// If it decides otherwise.
pub fn spread_agrees(exchange: &dyn Exchange, keys: &[Vec<u8>]) -> Result<(), OpError> {
    /// Pieces of one shard, by sample.
    struct Pieces(Vec<Vec<u8>>);

    impl Keys for Pieces {
        fn len(&self) -> u32 {
            self.0.len() as u32
        }

        fn bytes(&self) -> u64 {
            self.0.iter().map(|piece| piece.len() as u64).sum()
        }

        fn scan(&self, each: &mut dyn FnMut(u32, &[u8])) -> Result<(), OpError> {
            let pieces = self.0.iter().enumerate();
            pieces
                .filter(|(_, piece)| !piece.is_empty())
                .for_each(|(i, piece)| each(i as u32, piece));
            Ok(())
        }
    }

    let Some(spread) = exchange.spread() else {
        return Ok(());
    };
    let want = shown(exchange, exchange.decide(&KeyList(keys.to_vec()), 1 << 20)?)?;
    for (n_shards, memory) in [(1, 1 << 20), (2, 1 << 10), (7, 0)] {
        let mut shards: Vec<Vec<Vec<u8>>> = vec![vec![Vec::new(); keys.len()]; n_shards];
        let mut rests = Vec::new();
        for (i, key) in keys.iter().enumerate() {
            let mut rest = Vec::new();
            let mut put = |shard: u32, piece: &[u8]| {
                shards[shard as usize][i].extend_from_slice(piece);
            };
            spread.cut(key, n_shards as u32, &mut put, &mut rest);
            rests.push(rest);
        }
        let evidence = shards.into_iter().map(|shard| {
            let mut evidence = Vec::new();
            spread.weigh(&Pieces(shard), memory, &mut evidence)?;
            Ok(evidence)
        });
        let evidence = evidence.collect::<Result<Vec<Vec<u8>>, OpError>>()?;
        let got = shown(exchange, spread.join(&KeyList(rests), &evidence)?)?;
        assert!(got == want, "with {n_shards} shards it decides otherwise");
    }
    Ok(())
}

/// A decision, to be compared; what rewrites has been packed and unpacked.
fn shown(exchange: &dyn Exchange, decision: Decision) -> Result<String, OpError> {
    Ok(match decision {
        Decision::Same(first) => format!("same {first:?}"),
        Decision::Order(order) => format!("order {order:?}"),
        Decision::Groups(groups) => format!("groups {groups:?}"),
        Decision::Rewrite(rewrite) => {
            let packed = rewrite.pack();
            let again = exchange.unpack_rewrite(&packed)?.pack();
            assert!(
                packed == again,
                "what it rewrites by does not survive packing"
            );
            format!("rewrite {packed:?}")
        }
    })
}

fn sample(row: &Value) -> Sample {
    let line = row.to_string();
    Sample::from_json(line.as_str().into(), Origin::default())
        .unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn json_of(sample: &Sample) -> Value {
    let mut json = Vec::new();
    sample.write_json(&mut json);
    serde_json::from_slice(&json).expect("a sample writes JSON")
}
