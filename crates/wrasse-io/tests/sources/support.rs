//! Reading a whole input, the way an engine does.

use std::path::Path;
use std::sync::Arc;

use wrasse_core::ByteCount;
use wrasse_io::{Error, Inputs, ReadLimits, Row, SourceSpec, discover, open, splits};

/// Bounds that no test's rows reach.
pub(crate) const LIMITS: ReadLimits = ReadLimits {
    block_bytes: 64 << 10,
    row_bytes_max: 16 << 20,
};

/// A sample or a bad row, as something that can be compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    Sample {
        file: u32,
        position: u64,
        json: String,
    },
    Bad {
        file: u32,
        position: u64,
        reason: String,
        raw: Vec<u8>,
        raw_bytes: u64,
    },
}

impl Seen {
    pub(crate) fn json(&self) -> Option<&str> {
        match self {
            Self::Sample { json, .. } => Some(json),
            Self::Bad { .. } => None,
        }
    }

    pub(crate) fn reason(&self) -> Option<&str> {
        match self {
            Self::Sample { .. } => None,
            Self::Bad { reason, .. } => Some(reason),
        }
    }

    pub(crate) fn position(&self) -> u64 {
        match self {
            Self::Sample { position, .. } | Self::Bad { position, .. } => *position,
        }
    }
}

/// What came of reading an input.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) rows: Vec<Seen>,
    pub(crate) errors: Vec<Error>,
    pub(crate) warnings: Vec<String>,
    pub(crate) input_bytes: u64,
    pub(crate) block_bytes_max: usize,
    pub(crate) n_splits: usize,
}

impl Read {
    pub(crate) fn samples(&self) -> Vec<&str> {
        self.rows.iter().filter_map(Seen::json).collect()
    }

    pub(crate) fn bad(&self) -> Vec<&str> {
        self.rows.iter().filter_map(Seen::reason).collect()
    }
}

pub(crate) fn spec(path: impl AsRef<Path>) -> SourceSpec {
    SourceSpec {
        paths: vec![path.as_ref().to_str().unwrap().to_owned()],
        ..SourceSpec::default()
    }
}

/// Reads all of one path in one go.
pub(crate) fn read(path: impl AsRef<Path>) -> Read {
    read_with(&spec(path), u64::MAX, LIMITS)
}

pub(crate) fn read_with(spec: &SourceSpec, target: u64, limits: ReadLimits) -> Read {
    match discover(spec) {
        Ok(inputs) => read_inputs(inputs, target, limits),
        Err(error) => Read {
            errors: vec![error],
            ..Read::default()
        },
    }
}

fn read_inputs(inputs: Inputs, target: u64, limits: ReadLimits) -> Read {
    let inputs = Arc::new(inputs);
    let mut read = Read {
        warnings: inputs.warnings.clone(),
        ..Read::default()
    };
    for (i, split) in splits(&inputs, ByteCount(target))
        .unwrap()
        .iter()
        .enumerate()
    {
        assert_eq!(split.index as usize, i);
        read.n_splits += 1;
        let mut reader = match open(&inputs, split, limits) {
            Ok(reader) => reader,
            Err(error) => {
                read.errors.push(error);
                continue;
            }
        };
        loop {
            match reader.next_block() {
                Ok(Some(block)) => {
                    read.input_bytes += block.input_bytes;
                    read.block_bytes_max = read.block_bytes_max.max(block.memory_bytes());
                    read.rows.extend(block.rows().map(seen));
                }
                Ok(None) => break,
                Err(error) => {
                    read.errors.push(error);
                    assert!(
                        reader.next_block().unwrap().is_none(),
                        "an error is the end"
                    );
                    break;
                }
            }
        }
    }
    read
}

fn seen(row: Row) -> Seen {
    match row {
        Row::Sample(sample) => {
            let mut json = Vec::new();
            sample.write_json(&mut json);
            Seen::Sample {
                file: sample.origin().file,
                position: sample.origin().position,
                json: String::from_utf8(json).unwrap(),
            }
        }
        Row::Bad(bad) => Seen::Bad {
            file: bad.origin.file,
            position: bad.origin.position,
            reason: bad.reason,
            raw: bad.raw,
            raw_bytes: bad.raw_bytes,
        },
    }
}
