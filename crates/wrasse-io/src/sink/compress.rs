//! Compression of lines, frame by frame.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use flate2::GzBuilder;

use super::fault::fault;
use super::frames::{Pack, Packed, Rows};
use super::rows::RowSlice;
use super::target::Compression;
use crate::Error;

/// The level of zstd: its own default.
const ZSTD_LEVEL: i32 = 3;

/// Lines that become a frame.
#[derive(Default)]
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    n_rows: usize,
}

impl Text {
    pub(super) fn push(&mut self, rows: RowSlice<'_>) {
        self.bytes.extend_from_slice(rows.bytes());
        self.n_rows += rows.n_rows();
    }
}

impl Rows for Text {
    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn n_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn save(&self) -> Result<Vec<u8>, Error> {
        Ok(self.bytes.clone())
    }

    fn load(bytes: Vec<u8>) -> Result<Self, Error> {
        let n_rows = memchr::memchr_iter(b'\n', &bytes).count();
        Ok(Self { bytes, n_rows })
    }
}

/// Makes gzip members or zstd frames.
pub(super) fn packer(compression: Compression) -> Arc<Pack<Text, ()>> {
    Arc::new(move |text: &Text| {
        let bytes = compress(compression, &text.bytes)?;
        Ok(Packed { bytes, about: () })
    })
}

/// `bytes` as one frame.
pub(super) fn compress(compression: Compression, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    match compression {
        Compression::Gzip => gzip(bytes),
        Compression::Zstd => zstd(bytes, ZSTD_LEVEL),
        Compression::None => Ok(bytes.to_vec()),
    }
    .map_err(|e| fault(Path::new("the output"), "cannot compress", e))
}

/// A gzip member without a time or a name, which would differ between runs.
fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let out = Vec::with_capacity(bytes.len() / 3);
    let mut encoder = GzBuilder::new().write(out, flate2::Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// A zstd frame that tells its size and ends with a checksum.
pub(super) fn zstd(bytes: &[u8], level: i32) -> io::Result<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::new(level)?;
    compressor.include_checksum(true)?;
    compressor.compress(bytes)
}
