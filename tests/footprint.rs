//! How much memory live sessions take.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use polylogue::{
    Loaded,
    data::{Assumed, Value},
    machine::{
        Live, Program,
        live::{Seen, Sides},
    },
    protocol::NoImports,
};

const JOBS: &str = "protocol Jobs(role client, role server) {
  during interleave jobs each job: int {
    var left: int = 3;
    client -> server: start(job: int);
    server -> client: progress(job: int) set left = left - 1;
    server -> client: done(job: int);
  }
}";

/// A session with as many open jobs.
fn open(jobs: i64) -> Live {
    let loaded = Loaded::new("jobs", JOBS.to_owned(), &mut NoImports);
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    let protocol = &loaded.spec.protocols[0];
    let program =
        Program::of(&loaded.spec.names, &protocol.header, &protocol.term, protocol.graph.as_ref().unwrap()).unwrap();
    let start = program.messages().iter().find(|(_, travel)| loaded.spec.names.label_text(travel.label) == "start");
    let (message, _) = start.unwrap();
    let mut live = Live::new(&program, 0);
    for job in 0..jobs {
        let payload = [Some(Value::Int(job))];
        let seen = Seen { message, sides: Sides::Both, payload: &payload, content: 0, now: 0, externs: &Assumed };
        let ways = live.ways(&program, seen);
        assert_eq!(ways.len(), 1);
        live.take(&program, &ways[0]);
    }
    live
}

#[test]
fn an_instance_is_small() {
    for jobs in [1_000, 5_000, 20_000] {
        let footprint = open(jobs).footprint();
        // Each of the two roles has its own copy.
        assert_eq!(footprint.instances, 2 * usize::try_from(jobs).unwrap());
        assert!(footprint.each() <= 64, "{jobs} instances: {footprint:?}, {} bytes each", footprint.each());
        // The key and the variable.
        assert_eq!(footprint.variables / footprint.instances, 2 * size_of::<Option<Value>>());
    }
}
