//! Any bytes as a trace: the fast and the exact scanner agree, and nothing panics.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| polylogue::fuzz::trace(bytes));
