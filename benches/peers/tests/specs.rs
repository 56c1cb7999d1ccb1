//! The protocols of the rows are what polylogue takes for safe protocols.
#![allow(clippy::unwrap_used, reason = "tests")]

use polylogue::event::{Limit, Verdict};
use polylogue_peers::specs;

#[test]
fn every_protocol_is_projectable_and_safe() {
    for (name, text) in specs::all() {
        let spec = polylogue::parse(&text).unwrap_or_else(|errors| panic!("{name}: {errors}\n{text}"));
        for property in ["projectable", "safe"] {
            let answer = spec.check(property, name).unwrap();
            // A polylogue that does not know `requires` yet says so, and nothing else, about the protocol that has it.
            let waits =
                name == "Checked" && answer.outcome().verdict == Verdict::Unknown(Limit::NotSupported("PL0908"));
            assert!(answer.holds() || waits, "{property}({name}): {answer:?}");
        }
    }
}

#[test]
fn the_bounds_are_those_of_the_rows() {
    let bounded = format!("bounded({});", polylogue_peers::rows::BOUND);
    for (name, text) in specs::all() {
        let channels = text.lines().filter(|line| line.trim_start().starts_with("channel"));
        assert!(channels.clone().count() > 0 && channels.clone().all(|line| line.ends_with(&bounded)), "{name}");
    }
}
