//! How often does either store allocate, and how many bytes does a session keep?

use std::{alloc::System, process::ExitCode};

use polylogue_peers::side::Allocated;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn counted() -> Allocated {
    let found = ALLOCATOR.stats();
    let signed = |bytes: usize| i64::try_from(bytes).expect("no process has allocated that much");
    // `bytes_allocated` and `bytes_deallocated` have the reallocations in them.
    Allocated {
        calls: (found.allocations + found.reallocations) as u64,
        live: signed(found.bytes_allocated) - signed(found.bytes_deallocated),
    }
}

fn main() -> ExitCode {
    let name = "stats_alloc 0.1.10 around std::alloc::System";
    polylogue_peers::harness::memory(&polylogue_peers::sides(), name, counted)
}
