//! Machine and reference take and refuse the same events.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| polylogue::fuzz::lockstep(bytes));
