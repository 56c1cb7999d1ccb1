//! Systems whose configurations were counted by hand.

use polylogue::{
    event::{Limit, Verdict},
    protocol::EdgeKind,
    verify::{Detail, Evidence, Options, Property},
};

use super::common::{Machines, bound, counterexample, machines, raw, word};

fn ping_pong() -> Machines {
    machines("P: q0 = +{ Q!ping. q1 }; q1 = &{ Q?pong. q0 }\n Q: q0 = &{ P?ping. q1 }; q1 = +{ P!pong. q0 }")
}

fn flood() -> Machines {
    machines("P: q0 = +{ Q!a. q0 }\n Q: q0 = &{ P?a. q0 }")
}

/// Every property of one system without a bound: verdict, configurations.
fn table(machines: &Machines) -> Vec<(&'static str, usize)> {
    [Property::Safe, Property::DeadlockFree, Property::Terminating, Property::Live, Property::Bounded]
        .iter()
        .map(|&property| machines.check(property, &Options::default()))
        .map(|outcome| (word(&outcome.verdict), outcome.configurations))
        .collect()
}

#[test]
fn ping_pong_has_four_configurations() {
    let all = table(&ping_pong());
    assert_eq!(all, [("holds", 4), ("holds", 4), ("violated", 4), ("holds", 4), ("holds", 4)]);
    let outcome = ping_pong().check(Property::Safe, &Options::default());
    assert_eq!((outcome.bound, outcome.exhaustive), (None, true));
    assert_eq!(outcome.evidence, Some(Evidence::Exhaustive));
    let sync = ping_pong().check(Property::Safe, &bound(0));
    assert_eq!((sync.configurations, sync.bound, sync.exhaustive), (2, Some(0), false));
    let endless = ping_pong().check(Property::Terminating, &Options::default());
    let run = counterexample(&endless);
    assert_eq!(ping_pong().text(&run.run), "P!Q:ping Q?P:ping Q!P:pong P?Q:pong");
    assert_eq!((run.cycle_at, run.cone.as_slice()), (Some(0), [0, 1, 2, 3].as_slice()));
}

#[test]
fn a_flood_is_cut_at_every_bound() {
    for k in [1, 2, 3, 7] {
        let outcome = flood().check(Property::Safe, &bound(k));
        assert_eq!((word(&outcome.verdict), outcome.configurations), ("holds", k as usize + 1));
        assert_eq!((outcome.bound, outcome.exhaustive), (Some(k), false));
        assert_eq!(outcome.evidence, Some(Evidence::Bounded(k)));
    }
    // Without a bound of the user's, a theorem speaks for all; where it says nothing, the levels are all there is.
    let outcome = flood().check(Property::Safe, &Options::default());
    assert_eq!((word(&outcome.verdict), outcome.bound), ("holds", None));
    assert!(matches!(outcome.evidence, Some(Evidence::Compatible(found)) if found.bound == 1 && !found.whole));
    let outcome = flood().check(Property::Terminating, &Options { max_bound: 4, ..Options::default() });
    assert_eq!(word(&outcome.verdict), "violated");
    // One message more with every turn of a cycle of one event.
    let outcome = flood().check(Property::Bounded, &Options::default());
    let run = counterexample(&outcome);
    assert_eq!((flood().text(&run.run).as_str(), run.cycle_at), ("P!Q:a", Some(0)));
    assert!(matches!(outcome.detail, Some(Detail::Unbounded { .. })));
    let outcome = flood().check(Property::Bounded, &bound(2));
    assert_eq!(flood().text(&counterexample(&outcome).run), "P!Q:a P!Q:a P!Q:a");
    let outcome = flood().check(Property::Bounded, &bound(0));
    assert_eq!(flood().text(&counterexample(&outcome).run), "P!Q:a");
    let declared = flood().channel("P", "Q", EdgeKind::Bounded(3));
    assert_eq!(table(&declared), [("holds", 4), ("holds", 4), ("violated", 2), ("holds", 4), ("holds", 4)]);
    // A declared bound larger than the bounds that are tried is still explored to its end.
    let declared = flood().channel("P", "Q", EdgeKind::Bounded(100));
    assert_eq!(table(&declared)[0], ("holds", 101));
}

#[test]
fn a_queue_of_several_words() {
    // 200 messages of two labels do not fit one word.
    let two = machines("P: q0 = +{ Q!a. q1 }; q1 = +{ Q!b. q0 }\n Q: q0 = &{ P?a. q1 }; q1 = &{ P?b. q0 }");
    let outcome = two.check(Property::Safe, &raw(bound(200)));
    assert_eq!((word(&outcome.verdict), outcome.configurations), ("holds", 402));
    assert_eq!(outcome.counts.full, 0);
    // More than 64 words, of which those that are 0 are not stored.
    let outcome = two.check(Property::Safe, &raw(bound(5000)));
    assert_eq!((word(&outcome.verdict), outcome.configurations), ("holds", 10_002));
    // A token that goes round 1,000 roles: held by one of them, or on its way.
    let role = |n: usize| {
        let (before, after) = ((n + 999) % 1000, (n + 1) % 1000);
        let (take, give) = (format!("&{{ R{before}?t. "), format!("+{{ R{after}!t. "));
        let (first, second) = if n == 0 { (give, take) } else { (take, give) };
        format!("R{n}: q0 = {first}q1 }}; q1 = {second}q0 }}\n")
    };
    let ring = machines(&(0..1000).map(role).collect::<String>());
    let outcome = ring.check(Property::Safe, &Options::default());
    assert_eq!((word(&outcome.verdict), outcome.configurations, outcome.exhaustive), ("holds", 2000, true));
    assert_eq!(word(&ring.check(Property::Live, &Options::default()).verdict), "holds");
    // Three labels and a receiver that takes them in another order after 40 have piled up.
    let chain: String = (0..40).map(|n| format!("q{n} = +{{ Q!{}. q{} }}; ", ["a", "b", "c"][n % 3], n + 1)).collect();
    let takes: String = (0..40).map(|n| format!("q{n} = &{{ P?{}. q{} }}; ", ["a", "b", "c"][n % 3], n + 1)).collect();
    let text = format!("P: {chain}q40 = +{{ Q!go. q41 }}; q41 = end\n Q: {takes}q40 = &{{ P?go. q41 }}; q41 = end");
    let long = machines(&text);
    let outcome = long.check(Property::Safe, &bound(64));
    // Any number of the 41 messages sent, any number of those received.
    assert_eq!((word(&outcome.verdict), outcome.configurations, outcome.exhaustive), ("holds", 42 * 43 / 2, true));
}

#[test]
fn each_fault_by_itself() {
    let cycle = machines("P: q0 = &{ Q?a. q1 }; q1 = end\n Q: q0 = &{ P?b. q1 }; q1 = end");
    let outcome = cycle.check(Property::Safe, &Options::default());
    assert_eq!(counterexample(&outcome).run, []);
    assert_eq!(cycle.detail(&outcome), "deadlock: `P` waits for `a()` from `Q`; `Q` waits for `b()` from `P`");

    let lost = machines("P: q0 = +{ Q!a. q1 }; q1 = +{ Q!b. q2 }; q2 = end\n Q: q0 = &{ P?a. q1 }; q1 = end");
    let outcome = lost.check(Property::Safe, &Options::default());
    let run = counterexample(&outcome);
    assert_eq!(lost.text(&run.run), "P!Q:a Q?P:a P!Q:b");
    assert_eq!(run.cone, [0, 1, 2]);
    assert_eq!(lost.detail(&outcome), "orphan message: `b()` from `P` is left when `Q` has ended");
    // The search stops at the fault; `--raw` goes on.
    assert_eq!(table(&lost)[..2], [("violated", 4), ("holds", 5)]);
    assert_eq!(lost.check(Property::Safe, &raw(bound(2))).configurations, 5);

    let wrong = machines("P: q0 = +{ Q!a. q1 }; q1 = end\n Q: q0 = &{ P?b. q1 }; q1 = end");
    let outcome = wrong.check(Property::Safe, &Options::default());
    assert_eq!(wrong.text(&counterexample(&outcome).run), "P!Q:a");
    assert_eq!(
        wrong.detail(&outcome),
        "unspecified reception: `Q` waits for `b()` from `P`, but next is `a()` from `P`"
    );
    // A full declared queue is a deadlock, one that is only full at the exploration's bound is none.
    let fill = "P: q0 = +{ Q!a. q1 }; q1 = +{ Q!a. q2 }; q2 = +{ R!go. q3 }; q3 = end\n \
        Q: q0 = &{ R?go. q1 }; q1 = &{ P?a. q2 }; q2 = &{ P?a. q3 }; q3 = end\n \
        R: q0 = &{ P?go. q1 }; q1 = +{ Q!go. q2 }; q2 = end";
    let outcome = machines(fill).check(Property::Safe, &bound(1));
    assert_eq!((word(&outcome.verdict), outcome.exhaustive, outcome.counts.full), ("holds", false, 1));
    assert_eq!(word(&machines(fill).check(Property::Safe, &Options::default()).verdict), "holds");
    let narrow = machines(fill).channel("P", "Q", EdgeKind::Bounded(1));
    let outcome = narrow.check(Property::DeadlockFree, &Options::default());
    assert_eq!(narrow.text(&counterexample(&outcome).run), "P!Q:a");
}

#[test]
fn a_shorter_run_that_needs_more_room_is_found() {
    // With room for one message P must let Q take the first before it can send the second; the shortest way to the
    // fault sends both at once.
    let text = "P: q0 = +{ Q!a. q1 }; q1 = +{ Q!a. q2 }; q2 = +{ R!x. q3 }; q3 = end\n \
        Q: q0 = &{ P?a. q1 }; q1 = &{ P?a. q2 }; q2 = end\n \
        R: q0 = &{ P?y. q1 }; q1 = end";
    let machines = machines(text);
    let outcome = machines.check(Property::Safe, &bound(1));
    assert_eq!(machines.text(&counterexample(&outcome).run), "P!Q:a Q?P:a P!Q:a P!R:x");
    let outcome = machines.check(Property::Safe, &Options::default());
    let run = counterexample(&outcome);
    assert_eq!(machines.text(&run.run), "P!Q:a P!Q:a P!R:x");
    assert_eq!(run.cone, [0, 1, 2]);
}

#[test]
fn the_cone_leaves_out_what_the_failure_does_not_depend_on() {
    let text = "P: q0 = +{ Q!a. q1 }; q1 = end\n Q: q0 = &{ P?b. q1 }; q1 = end\n \
        R: q0 = +{ S!x. q1 }; q1 = end\n S: q0 = &{ R?x. q1 }; q1 = end";
    let machines = machines(text);
    let outcome = machines.check(Property::DeadlockFree, &Options::default());
    let run = counterexample(&outcome);
    assert_eq!(run.run.len(), 3);
    let cone: Vec<_> = run.cone.iter().map(|&at| run.run[at]).collect();
    assert_eq!(machines.text(&cone), "P!Q:a");
    assert_eq!(outcome.roles.len(), 1);
}

#[test]
fn starvation() {
    // R waits for a word that comes only if P does not choose to go on with Q for ever.
    let text = "P: q0 = +{ Q!go. q1, Q!loop. q2 }; q1 = +{ R!go. q3 }; q2 = +{ Q!more. q2a }; q2a = &{ Q?ok. q2 }; q3 = end\n \
        Q: q0 = &{ P?go. q1, P?loop. q2 }; q1 = end; q2 = &{ P?more. q3 }; q3 = +{ P!ok. q2 }\n \
        R: q0 = &{ P?go. q1 }; q1 = end";
    let machines = machines(text);
    assert_eq!(word(&machines.check(Property::Safe, &Options::default()).verdict), "holds");
    let outcome = machines.check(Property::Live, &Options::default());
    let run = counterexample(&outcome);
    assert_eq!(machines.text(&run.run), "P!Q:loop Q?P:loop P!Q:more Q?P:more Q!P:ok P?Q:ok");
    assert_eq!(run.cycle_at, Some(2));
    assert!(matches!(outcome.detail, Some(Detail::Starved { lost_at: 2, .. })), "{:?}", outcome.detail);
    assert_eq!(
        machines.detail(&outcome),
        "starvation: `R` waits for `go()` from `P`, and nothing can serve it any more"
    );
}

#[test]
fn starvation_beside_a_flood_is_seen_although_every_level_is_cut() {
    let text =
        "P: q0 = +{ Q!a. q0 }\n Q: q0 = &{ P?a. q0 }\n R: q0 = &{ S?x. q1 }; q1 = end\n S: q0 = &{ R?y. q1 }; q1 = end";
    let machines = machines(text);
    let outcome = machines.check(Property::Live, &Options::default());
    assert_eq!(word(&outcome.verdict), "violated", "{outcome:?}");
    // Nobody sends to R from the start; the flood goes on for ever beside it.
    let run = counterexample(&outcome);
    assert_eq!((machines.text(&run.run).as_str(), run.cycle_at), ("P!Q:a Q?P:a", Some(0)));
    assert!(matches!(outcome.detail, Some(Detail::Starved { lost_at: 0, .. })), "{:?}", outcome.detail);
}

#[test]
fn pumps() {
    // The loop takes an answer and sends two questions.
    let text = "P: q0 = +{ Q!a. q1 }; q1 = +{ Q!a. q2 }; q2 = &{ Q?b. q0 }\n Q: q0 = &{ P?a. q1 }; q1 = +{ P!b. q0 }";
    let two = machines(text);
    let outcome = two.check(Property::Bounded, &Options::default());
    let run = counterexample(&outcome);
    assert_eq!(two.text(&run.run), "P!Q:a Q?P:a P!Q:a Q!P:b P?Q:b");
    assert_eq!(run.cycle_at, Some(0));
    // A loop whose second turn receives something else than the first left: no pump.
    let text = "P: q0 = +{ Q!a. q1 }; q1 = +{ Q!b. q0 }\n Q: q0 = &{ P?a. q1 }; q1 = &{ P?a. q0 }";
    let outcome = machines(text).check(Property::Bounded, &Options::default());
    // P alone floods the queue, so it is unbounded, but by the loop of P.
    assert_eq!(counterexample(&outcome).run.len(), 2);
}

#[test]
fn optional_termination() {
    let text = "P: q0 = +{ stop, Q!a. q0 }\n Q: q0 = &{ stop, P?a. q0 }";
    let machines = machines(text);
    let outcome = machines.check(Property::Safe, &bound(1));
    assert_eq!((word(&outcome.verdict), outcome.configurations), ("holds", 2));
    // All may stop, Q has not ended, and nobody will ever take the message: lost, though nobody waits.
    let text = "P: q0 = +{ Q!a. q1 }; q1 = end\n Q: q0 = &{ stop, R?b. q1 }; q1 = end\n R: q0 = end";
    let left = super::common::machines(text);
    let outcome = left.check(Property::Safe, &Options::default());
    assert_eq!(left.text(&counterexample(&outcome).run), "P!Q:a");
    assert!(matches!(outcome.detail, Some(Detail::Orphan(_))));
    assert_eq!(word(&left.check(Property::DeadlockFree, &Options::default()).verdict), "holds");
    assert_eq!(word(&left.check(Property::Terminating, &Options::default()).verdict), "violated");
}

#[test]
fn limits() {
    let flood = flood().channel("P", "Q", EdgeKind::Bounded(1_000_000));
    let options = Options { max_states: 1000, ..Options::default() };
    let outcome = flood.check(Property::Safe, &options);
    assert_eq!(outcome.verdict, Verdict::Unknown(Limit::States(1000)));
    let options = Options { max_memory: 100_000, ..Options::default() };
    let outcome = flood.check(Property::Safe, &options);
    assert_eq!(outcome.verdict, Verdict::Unknown(Limit::Memory(100_000)));
    let outcome = flood.check(Property::Live, &options);
    assert_eq!(outcome.verdict, Verdict::Unknown(Limit::Memory(100_000)));
    // A queue that does not even fit the layout.
    let huge = flood.check(Property::Safe, &bound(u32::MAX));
    assert!(
        matches!(huge.verdict, Verdict::Unknown(Limit::Memory(_) | Limit::States(_))) || word(&huge.verdict) == "holds"
    );
    // A large bound costs nothing where queues stay short.
    let outcome = ping_pong().check(Property::Safe, &bound(u32::MAX));
    assert_eq!((word(&outcome.verdict), outcome.configurations, outcome.exhaustive), ("holds", 4, true));
    let mut calls = 0;
    let subject = polylogue::verify::Subject::written(flood.locals.clone(), &[]);
    let outcome = polylogue::verify::check_subject(&subject, Property::Safe, &bound(1 << 20), &mut |progress| {
        calls += 1;
        (progress.configurations > 5000).then_some(Limit::Interrupted)
    });
    assert_eq!(outcome.unwrap().verdict, Verdict::Unknown(Limit::Interrupted));
    assert!(calls > 3, "{calls}");
}
