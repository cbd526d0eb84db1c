//! Wherever a file is cut, its rows are the same.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wrasse_fuzz::jsonl(data));
