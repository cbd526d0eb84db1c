//! Any bytes are a recipe, or are told to be none.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wrasse_fuzz::recipe(data));
