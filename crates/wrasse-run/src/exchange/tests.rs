//! Samples that wait here, and samples that wait elsewhere: what comes out is the
//! same, with all that is recorded.

use std::sync::Arc;

use serde_json::Value;
use wrasse_core::{Origin, Sample};
use wrasse_io::{Format, Inputs, encoder};
use wrasse_op::{
    Common, Configured, Decision, Exchange, Keys, OpError, OpKind, OpSpec, ParamError, Rewrite,
    Spread,
};
use wrasse_plan::Plan;

use super::*;
use crate::pass::{PassSettings, pack, unpack as unpack_blocks};

/// Decides as its parameter says; keys are numbers.
struct Decides(String);

impl Configured for Decides {
    type Params = Value;

    fn new(params: Value, _: &Common) -> Result<Self, ParamError> {
        Ok(Self(params["how"].as_str().unwrap().to_owned()))
    }
}

/// Samples whose numbers are the same modulo seven are the same.
fn same(numbers: &[u32]) -> Decision {
    let first = |n: &u32| numbers.iter().position(|other| other % 7 == n % 7);
    let first = numbers.iter().map(|n| first(n).unwrap() as u32);
    Decision::Same(first.collect())
}

fn numbers(keys: &dyn Keys) -> Vec<u32> {
    let mut numbers = Vec::new();
    let number = |key: &[u8]| u32::from_le_bytes(key.try_into().unwrap());
    keys.scan(&mut |_, key| numbers.push(number(key))).unwrap();
    numbers
}

impl Exchange for Decides {
    fn key(&self, _: &mut Sample, _: &mut Vec<u8>) -> Result<(), OpError> {
        Ok(())
    }

    fn decide(&self, keys: &dyn Keys, _: usize) -> Result<Decision, OpError> {
        let n = keys.len();
        Ok(match self.0.as_str() {
            "order" => Decision::Order((0..n).rev().filter(|i| i % 3 > 0).collect()),
            "again" => Decision::Order((0..n / 2).chain(0..n / 4).chain(0..n / 2).collect()),
            "groups" => Decision::Groups((0..n / 2).map(|i| vec![i, n - 1 - i]).collect()),
            "rewrite" => Decision::Rewrite(Box::new(Says(n))),
            _ => same(&numbers(keys)),
        })
    }

    fn spread(&self) -> Option<&dyn Spread> {
        (self.0 == "spread").then_some(self)
    }

    fn unpack_rewrite(&self, packed: &[u8]) -> Result<Box<dyn Rewrite>, OpError> {
        Ok(Box::new(Says(u32::from_le_bytes(
            packed.try_into().unwrap(),
        ))))
    }
}

impl Spread for Decides {
    fn cut(&self, key: &[u8], _: u32, put: &mut dyn FnMut(u32, &[u8]), _: &mut Vec<u8>) {
        put(0, key);
    }

    fn weigh(&self, keys: &dyn Keys, _: usize, evidence: &mut Vec<u8>) -> Result<(), OpError> {
        let numbers = numbers(keys).into_iter();
        evidence.extend(numbers.flat_map(u32::to_le_bytes));
        Ok(())
    }

    fn join(&self, _: &dyn Keys, evidence: &[Vec<u8>]) -> Result<Decision, OpError> {
        let (numbers, _) = evidence[0].as_chunks::<4>();
        let numbers: Vec<u32> = numbers.iter().map(|n| u32::from_le_bytes(*n)).collect();
        Ok(same(&numbers))
    }
}

struct Says(u32);

impl Rewrite for Says {
    fn rewrite(&self, sample: &mut Sample) -> Result<(), OpError> {
        let text = sample.text("text")?.as_str().to_owned();
        match text.ends_with('3') {
            true => Err(OpError::bad_sample("not this one")),
            false => {
                sample.set_text("text", format!("{text} of {}", self.0));
                Ok(())
            }
        }
    }

    fn pack(&self) -> Vec<u8> {
        self.0.to_le_bytes().to_vec()
    }
}

static SPEC: OpSpec = OpSpec::exchange::<Decides>("decides", "Decides.", OpKind::Deduplicator);

fn pass(how: &str, traces: bool) -> Pass {
    let params = serde_json::json!({ "how": how });
    let operator = SPEC.build(&params, &Common::default()).unwrap();
    let settings = PassSettings {
        trace_dropped: traces,
        clusters: traces,
        examples_share: Some(2.0),
        ..PassSettings::default()
    };
    let plan = Arc::new(Plan::new(vec![operator]));
    let encoder = encoder(Format::Jsonl, "text");
    Pass::new(plan, Arc::new(Inputs::default()), encoder, settings)
}

/// Blocks of so many samples, each with something that was recorded before.
fn blocks(pass: &Pass) -> Vec<BlockState> {
    let mut at = 0;
    let mut block = |n: u64| {
        let mut state = pass.empty();
        state.tally.rows_in = n;
        for _ in 0..n {
            let origin = Origin {
                position: at * 100,
                ..Origin::default()
            };
            let line = format!(r#"{{"text": "sample {at}", "n": {at}}}"#);
            let sample = Sample::from_json(line.as_str().into(), origin).unwrap();
            state.samples.push(sample);
            state.keys.push((at as u32 * 5).to_le_bytes().to_vec());
            state.told.append(origin, |out| out.extend(b"told\n"));
            state
                .rejects
                .append(origin, |out| out.extend(b"rejected\n"));
            at += 1;
        }
        state
    };
    [5, 0, 40, 1, 90].map(&mut block).into()
}

/// What comes out of samples that wait here.
fn here(pass: &Pass, block_bytes: u64) -> Vec<Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    let mut store = ExchangeStore::new(0, dir.path(), 1 << 20);
    for block in blocks(pass) {
        store.absorb(block).unwrap();
    }
    let n = store.close(pass, 1 << 20, block_bytes).unwrap();
    let split = |split| pack(&[store.read(pass, split).unwrap()]).unwrap();
    (0..n).map(split).collect()
}

/// What comes out of samples that wait elsewhere, two blocks in an object.
fn elsewhere(pass: &Pass, block_bytes: u64) -> Vec<Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    let mut keys = ExchangeKeys::new(0, dir.path(), 1 << 20);
    let (mut objects, mut pieces, mut firsts) = (Vec::new(), Vec::new(), Vec::new());
    let mut blocks = blocks(pass);
    while !blocks.is_empty() {
        let mut object: Vec<BlockState> = blocks.drain(..2.min(blocks.len())).collect();
        let waiting = Waiting::new((pass, 0), &mut object, 1).unwrap();
        let absorbed = keys.absorb(&waiting.notes).unwrap();
        assert_eq!(absorbed.tallies.len(), object.len());
        firsts.push(absorbed.samples.start);
        pieces.extend(waiting.pieces);
        objects.push(waiting.object);
    }
    let evidence = is_spread(pass, 0).then(|| {
        let n = keys.n_samples();
        let mut piece = |at: usize| Ok(pieces[at].clone());
        vec![weigh((pass, 0), &firsts, &mut piece, (n, 1 << 20)).unwrap()]
    });
    let n = keys
        .close(pass, 1 << 20, block_bytes, evidence.as_deref())
        .unwrap();
    let exchange = pass.plan().operators()[0].exchange().unwrap();
    let rewrite = keys
        .rewrite()
        .map(|packed| exchange.unpack_rewrite(&packed).unwrap());
    let shares = [0..keys.n_runs() / 2, keys.n_runs() / 2..keys.n_runs()];
    let picks = keys.picks(&firsts, &shares).unwrap();
    let (mut block, mut out, mut picked) = (0, Vec::new(), Vec::new());
    for (object, which) in objects.iter().zip(&picks) {
        let mut states = unpack_blocks(object).unwrap();
        picked.push(pick(&states, which).unwrap());
        for state in &mut states {
            let ruling = keys.ruling(pass, block).unwrap();
            settle((pass, 0), &ruling, rewrite.as_deref(), state).unwrap();
            out.push(pack(std::slice::from_ref(state)).unwrap());
            block += 1;
        }
    }
    for (share, runs) in shares.into_iter().enumerate() {
        let of_share: Vec<Vec<u8>> = picked.iter().map(|of| of[share].clone()).collect();
        let runs = keys.runs(&firsts, runs).unwrap();
        for state in put_together((pass, 0), &runs, &of_share).unwrap() {
            out.push(pack(&[state]).unwrap());
        }
    }
    assert_eq!(out.len(), n as usize);
    out
}

#[test]
fn samples_that_wait_elsewhere_go_on_as_those_that_wait_here() {
    for how in ["same", "spread", "order", "again", "groups", "rewrite"] {
        for traces in [false, true] {
            let pass = pass(how, traces);
            let (mine, theirs) = (here(&pass, 300), elsewhere(&pass, 300));
            assert_eq!(mine.len(), theirs.len(), "{how} {traces}");
            for (at, (mine, theirs)) in mine.iter().zip(&theirs).enumerate() {
                assert!(mine == theirs, "{how} {traces}: split {at}");
            }
            let mut tally = Tally::default();
            for split in &mine {
                let state = unpack_blocks(split).unwrap().remove(0);
                tally.add(&state.tally);
                tally.rows_out += state.samples.len() as u64;
            }
            tally.operators[0].rows_in = tally.rows_in;
            assert_eq!(tally.check(), Ok(()), "{how} {traces}");
            let told = unpack_blocks(&mine[2]).unwrap().remove(0).told;
            assert_eq!(told.into_bytes(), b"told\n".repeat(40), "{how} {traces}");
        }
    }
}
