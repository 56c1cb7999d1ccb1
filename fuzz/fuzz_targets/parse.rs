//! Any bytes: a tree and diagnostics, never a panic.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| polylogue::fuzz::parse(bytes));
