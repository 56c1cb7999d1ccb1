//! The reference semantics on small systems with known answers, counted by hand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use polylogue::{
    event::Event,
    id::{Id, RoleId},
    load::Loaded,
    protocol::{NoImports, SystemDecl},
    reference::{self, Bad, Explored, System, explore},
};

fn load(text: &str) -> (Loaded, SystemDecl) {
    let loaded = Loaded::new("test", text, &mut NoImports);
    let errors: Vec<_> = loaded.diagnostics.iter().filter(|found| found.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let system = loaded.spec.systems.first().cloned().unwrap_or_default();
    (loaded, system)
}

/// Configurations, deadlocks, orphans, unspecified receptions, configurations that are full; under a bound.
fn counts(text: &str, bound: Option<u32>) -> (Explored, [usize; 5]) {
    let (_, system) = load(text);
    let explored = explore(&System::new(&system.terms, &system.header.channels, bound), 1000);
    assert!(!explored.capped);
    let counts = [
        explored.configurations.len(),
        explored.count(Bad::Deadlock),
        explored.count(Bad::Orphan),
        explored.count(Bad::UnspecifiedReception),
        explored.full.len(),
    ];
    (explored, counts)
}

#[track_caller]
fn check(text: &str, bound: Option<u32>, expected: [usize; 5]) -> Explored {
    let (explored, counts) = counts(text, bound);
    assert_eq!(counts, expected, "{text}");
    explored
}

#[test]
fn ping_pong() {
    let text = "system S(role P, role Q) { P = rec X. Q!ping(). Q?pong(). X; Q = rec X. P?ping(). P!pong(). X; }";
    for bound in [None, Some(1), Some(2)] {
        check(text, bound, [4, 0, 0, 0, 0]);
    }
    // Synchronous: two configurations.
    check(text, Some(0), [2, 0, 0, 0, 0]);
}

#[test]
fn both_wait() {
    check("system S(role P, role Q) { P = Q?a(). end; Q = P?b(). end; }", None, [1, 1, 0, 0, 0]);
}

#[test]
fn nobody_takes_it() {
    // P may send; then Q, which has ended, has a message.
    let explored = check("system S(role P, role Q) { P = Q!a(). end; Q = end; }", None, [2, 1, 1, 0, 0]);
    assert_eq!(explored.run_to_bad(Bad::Orphan).unwrap().len(), 1);
    assert!(explored.finals.is_empty());
}

#[test]
fn a_mistyped_label() {
    let explored = check("system S(role P, role Q) { P = Q!a(). end; Q = P?b(). end; }", None, [2, 1, 0, 1, 0]);
    assert_eq!(explored.run_to_bad(Bad::UnspecifiedReception).unwrap().len(), 1);
    // The same label with another payload is another message.
    check("system S(role P, role Q) { P = Q!a(int). end; Q = P?a(string). end; }", None, [2, 1, 0, 1, 0]);
}

#[test]
fn one_of_two_heads_is_wrong() {
    // R waits for P or Q; only what P sends is wrong, so R is not stuck before Q's edge has a head that it does not take.
    let text = "system S(role P, role Q, role R) { P = R!x(). end; Q = R!b(). end; R = & { P?a(). end, Q?b(). end }; }";
    let (explored, counts) = counts(text, None);
    assert_eq!(counts[3], 0);
    assert!(explored.count(Bad::Orphan) > 0);
}

#[test]
fn a_full_edge_is_no_deadlock_at_the_bound_of_the_search() {
    let text = "system S(role P, role Q) { P = Q!a(). Q!a(). end; Q = P!b(). P!b(). end; }";
    // Each sends one and then lacks room: one configuration is full, and it is no deadlock; nobody ever receives.
    let explored = check(text, Some(1), [4, 0, 0, 0, 1]);
    assert_eq!(explored.cut.len(), 3);
    // A declared bound is a real one.
    let text = "system S(role P, role Q) {
        channel P -> Q: bounded(1); channel Q -> P: bounded(1);
        P = Q!a(). Q!a(). end; Q = P!b(). P!b(). end;
    }";
    let explored = check(text, Some(2), [4, 1, 0, 0, 0]);
    assert!(explored.cut.is_empty());
    check(text, Some(1), [4, 1, 0, 0, 0]);
}

#[test]
fn queues_are_first_in_first_out() {
    let text = "system S(role P, role Q) { P = Q!a(). Q!b(). end; Q = P?{ a(). P?b(). end, b(). P?a(). end }; }";
    let explored = check(text, None, [6, 0, 0, 0, 0]);
    assert_eq!(explored.finals.len(), 1);
}

#[test]
fn local_actions_are_seen_by_nobody() {
    let text = "system S(role P, role Q) { P = P: think(). Q!a(). end; Q = P?a(). end; }";
    let (loaded, system) = load(text);
    let reference = System::new(&system.terms, &[], None);
    let label = loaded.spec.names.find_label("think").unwrap();
    let mut start = reference.enabled(&reference.initial());
    let Some(Event::Act { role, label: found, .. }) = start.pop() else { panic!("{start:?}") };
    assert_eq!((role, found, start.len()), (RoleId::from_raw(0), label, 0));
    check(text, None, [4, 0, 0, 0, 0]);
}

#[test]
fn where_it_may_stop() {
    // Q may stop or go on; when P has nothing more to send, that is final.
    let text = "system S(role P, role Q) { P = end; Q = states { q = & { P?a(). q }; }; }";
    let (_, system) = load(text);
    check(text, None, [1, 1, 0, 0, 0]);
    let mut locals = system.locals.clone();
    let initial = locals[RoleId::from_raw(1)].initial;
    locals[RoleId::from_raw(1)].states[initial].may_stop = true;
    let terms = locals.values().map(|local| reference::equations(local).unwrap()).collect();
    let reference = System::new(&terms, &[], None);
    assert!(reference.is_final(&reference.initial()));
    assert!(reference.bad(&reference.initial()).is_empty());
}

#[test]
fn statements_behind_a_loop() {
    // The loop is left by falling off its end; what stands behind it, and behind the loop around it, follows.
    let text = "protocol G(role A, role B) {
        rec X { A -> B: a(); rec X { choice at A { A -> B: b(); continue X; } or { A -> B: c(); } } A -> B: d(); }
        A -> B: e();
    }";
    let (loaded, _) = load(text);
    let term = &loaded.spec.protocols[0].term;
    let global = reference::Global::new(term);
    let word = |text: &str| {
        let mut rests = vec![global.initial()];
        for letter in text.chars() {
            let wanted = loaded.spec.names.find_label(&letter.to_string()).unwrap();
            let takes = |event: &Event| matches!(event, Event::Sync { label, .. } if *label == wanted);
            rests = rests.iter().flat_map(|r| global.steps(r)).filter(|(e, _)| takes(e)).map(|(_, r)| r).collect();
        }
        (!rests.is_empty(), rests.iter().any(|rest| global.is_final(rest)))
    };
    assert_eq!(word("abbcde"), (true, true));
    assert_eq!(word("acde"), (true, true));
    assert_eq!(word("acd"), (true, false));
    assert_eq!(word("aba"), (false, false));
    assert_eq!(word("abcb"), (false, false));
}

#[test]
fn independent_messages_overtake() {
    let text = "protocol G(role A, role B, role C, role D) { A -> B: a(); C -> D: c(); A -> D: d(); }";
    let (loaded, _) = load(text);
    let global = reference::Global::new(&loaded.spec.protocols[0].term);
    let role = |at: u32| RoleId::from_raw(at);
    let label = |text: &str| loaded.spec.names.find_label(text).unwrap();
    let sort = polylogue::protocol::Names::empty();
    let send = |f, t, l: &str| Event::Send { from: role(f), to: role(t), label: label(l), sort };
    let receive = |f, t, l: &str| Event::Receive { from: role(f), to: role(t), label: label(l), sort };
    // C and A go on before B has received; D takes c before d.
    let run = [send(2, 3, "c"), send(0, 1, "a"), send(0, 3, "d"), receive(2, 3, "c"), receive(0, 3, "d")];
    assert_eq!(global.explain(&run).unwrap().len(), 3);
    assert_eq!(global.explain(&[send(0, 3, "d")]), None);
    assert_eq!(global.explain(&[send(2, 3, "c"), send(0, 1, "a"), receive(0, 3, "d")]), None);
}

#[test]
fn replay_says_where_a_run_stops() {
    let (loaded, system) = load("system S(role P, role Q) { P = Q!a(). end; Q = P?a(). end; }");
    let reference = System::new(&system.terms, &[], None);
    let (from, to, sort) = (RoleId::from_raw(0), RoleId::from_raw(1), polylogue::protocol::Names::empty());
    let label = loaded.spec.names.find_label("a").unwrap();
    let run = [Event::Send { from, to, label, sort }, Event::Receive { from, to, label, sort }];
    let ends = reference.replay(&run).unwrap();
    assert!(ends.len() == 1 && ends.iter().all(|end| reference.is_final(end)));
    assert_eq!(reference.replay(&[run[1], run[0]]), Err(0));
    assert_eq!(reference.replay(&[run[0], run[1], run[1]]), Err(2));
    assert_eq!(reference.replay(&[run[0], Event::Timeout { role: from }]), Err(1));
}
