//! Edits of a sample are those of a plain JSON object.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wrasse_fuzz::sample(data));
