//! What was written, read again.

use std::sync::Arc;

use wrasse_core::{ByteCount, Sample};
use wrasse_io::{ReadLimits, Row, SourceSpec, discover, open, splits};

/// The samples of all files at a path.
pub(crate) fn samples_at(path: String) -> Vec<Sample> {
    let spec = SourceSpec {
        paths: vec![path],
        ..SourceSpec::default()
    };
    let inputs = Arc::new(discover(&spec).unwrap());
    let limits = ReadLimits {
        block_bytes: 4_000,
        row_bytes_max: 1 << 20,
    };
    let mut samples = Vec::new();
    for split in splits(&inputs, ByteCount(1 << 30)).unwrap() {
        let mut reader = open(&inputs, &split, limits).unwrap();
        while let Some(block) = reader.next_block().unwrap() {
            samples.extend(block.rows().map(|row| match row {
                Row::Sample(sample) => sample,
                row => panic!("{row:?} is no sample"),
            }));
        }
    }
    samples
}
