//! What is printed parses back to the same tree, and prints the same again.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| polylogue::fuzz::round_trip(bytes));
