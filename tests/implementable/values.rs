//! Runs that go wrong under conditions: `violated` with values under which they can be made, and never without.

use polylogue::{
    data::Value,
    event::{Event, Verdict},
    generate::{Probe, Rich, Rng},
    load::Loaded,
    protocol::{NoImports, Target},
    reference::full::{Configuration, Full, Seen, Sides},
    verify::{self, Detail, Options, Outcome, Property},
};

fn safe(loaded: &mut Loaded, target: Target) -> Outcome {
    verify::expand(&mut loaded.spec, Some(2), &polylogue::solve::Outside::default());
    let options = Options { max_states: 20_000, max_bound: 2, ..Options::default() };
    verify::check(&loaded.spec, Property::Safe, target, &options, &mut |_| None).unwrap()
}

fn ask(text: &str) -> Outcome {
    let mut loaded = Loaded::new("test", text, &mut NoImports);
    let errors: Vec<_> = loaded.diagnostics.iter().filter(|found| found.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let target = loaded.spec.find("P").unwrap();
    safe(&mut loaded, target)
}

#[test]
fn values_are_found() {
    let outcome = ask("system P(role A, role B) {
           A = B!m(x: int) where (x > 40 && x < 43). end;
           B = A?m(x: int). A?more(). end;
         }");
    assert!(matches!(outcome.verdict, Verdict::Violated(_)), "{outcome:?}");
    let first = outcome.payloads[0][0].clone().unwrap();
    assert!([41, 42].contains(&format!("{first:?}").trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()));
    // The second value must be the first one's successor.
    let outcome = ask("system P(role A, role B) {
           var n<A>: int = 0;
           A = B!m(x: int) where (x > 6) set n = (x). B!again(y: int) where (y == n + 1). end;
           B = A?m(x: int). A?again(y: int). A?more(). end;
         }");
    assert!(matches!(outcome.verdict, Verdict::Violated(_)), "{:?}", outcome.verdict);
}

#[test]
fn what_cannot_be_made_stays_unknown() {
    let outcome = ask("system P(role A, role B) {
           A = B!m(x: int) where (x > 3 && x < 2). end;
           B = A?m(x: int). A?more(). end;
         }");
    assert!(matches!(outcome.verdict, Verdict::Unknown(_)), "{:?}", outcome.verdict);
    assert!(outcome.suspect.is_some() && outcome.payloads.is_empty());
}

/// Makes a counterexample by the reference.
fn replay(full: &Full<'_>, outcome: &Outcome) -> Vec<Configuration> {
    let Verdict::Violated(counterexample) = &outcome.verdict else { panic!("not violated") };
    assert_eq!(counterexample.run.len(), outcome.payloads.len());
    let mut at = vec![full.initial(0)];
    for (event, values) in counterexample.run.iter().zip(&outcome.payloads) {
        let (from, to, label, like, sides) = match *event {
            Event::Send { from, to, label, sort } => (from, to, label, sort, Sides::Send),
            Event::Receive { from, to, label, sort } => (from, to, label, sort, Sides::Receive),
            Event::Sync { from, to, label, sort } => (from, to, label, sort, Sides::Both),
            Event::Act { role, label, sort } => (role, role, label, sort, Sides::Both),
            _ => panic!("{event:?}"),
        };
        let seen = Seen { from, to, label, like, values: values.clone(), sides, now: 0 };
        at = at.iter().flat_map(|conf| full.successors(conf, &seen)).map(|next| next.then).collect();
        assert!(!at.is_empty(), "the reference refuses {event:?}");
    }
    at
}

/// Drawn protocols: what is violated under conditions is made again by the reference, with its values, and is stuck
/// there; what holds is never stuck in random runs.
#[test]
fn drawn_protocols() {
    let (mut violated, mut suspects, mut holds, mut steps) = (0, 0, 0, 0);
    let rounds = if std::env::var_os("POLYLOGUE_LONG").is_some() { 6_000 } else { 300 };
    for seed in 0..rounds {
        let mut rng = Rng::new(seed);
        let size = rng.between(1, 8);
        let rich = Rich::draw(&mut rng, size);
        let mut loaded = Loaded::new("drawn", rich.text.as_str(), &mut NoImports);
        if loaded.diagnostics.iter().any(|found| found.is_error()) || loaded.spec.protocols[0].graph.is_none() {
            continue;
        }
        let outcome = safe(&mut loaded, Target::Protocol(0));
        let protocol = &loaded.spec.protocols[0];
        let header = &protocol.header;
        let full = Full::new(&protocol.term, &loaded.spec.names, header);
        suspects += usize::from(outcome.suspect.is_some());
        match &outcome.verdict {
            Verdict::Violated(_) if !outcome.payloads.is_empty() => {
                let stuck = matches!(
                    outcome.detail,
                    Some(Detail::Deadlock(_) | Detail::Unspecified { .. } | Detail::Orphan(_))
                );
                assert!(stuck, "seed {seed}");
                let ends = replay(&full, &outcome);
                assert!(ends.iter().any(|end| !full.is_final(end)), "seed {seed}: {}", rich.text);
                violated += 1;
            }
            Verdict::Violated(_) => {
                // Without conditions and time nothing had to be found.
                let flat = protocol.flat.as_ref().unwrap();
                assert!(!flat.conditions && !flat.timed, "seed {seed}: {}", rich.text);
            }
            Verdict::Holds => {
                holds += 1;
                // Crashes and the passing of time are not drawn here.
                let flat = protocol.flat.as_ref().unwrap();
                if flat.timed || header.roles.values().any(|role| role.unreliable) {
                    continue;
                }
                let probe = Probe::of(&protocol.term, &loaded.spec.names);
                let mut at = full.initial(0);
                let mut past: Vec<Seen> = Vec::new();
                for _ in 0..16 {
                    let next = (0..8).find_map(|_| {
                        let mut events = probe.events(&mut rng, &loaded.spec.names, &past, 12);
                        for event in &mut events {
                            event.sides = if event.from == event.to { Sides::Both } else { Sides::Send };
                        }
                        for from in header.roles.ids() {
                            for to in header.roles.ids() {
                                for (label, like, values) in full.arriving(&at, from, to) {
                                    let now = past.last().map_or(0, |seen| seen.now);
                                    let sides = Sides::Receive;
                                    events.push(Seen { from, to, label, like, values, sides, now });
                                }
                            }
                        }
                        // A sender may choose any number; the probe draws few.
                        for far in [-1_000, 1_000] {
                            let mut more: Vec<Seen> =
                                events.iter().filter(|event| event.sides != Sides::Receive).cloned().collect();
                            for event in &mut more {
                                for value in event.values.iter_mut().flatten() {
                                    if matches!(value, Value::Int(_)) {
                                        *value = Value::Int(far);
                                    }
                                }
                            }
                            events.extend(more);
                        }
                        let mut all: Vec<(Seen, Configuration)> = Vec::new();
                        for seen in events {
                            let then = full.successors(&at, &seen).into_iter().filter(|next| !next.duplicate);
                            all.extend(then.map(|next| (seen.clone(), next.then)));
                        }
                        (!all.is_empty()).then(|| all.swap_remove(rng.below(all.len())))
                    });
                    let Some((seen, then)) = next else {
                        assert!(full.is_final(&at), "seed {seed}: stuck after {past:?}\n{}", rich.text);
                        break;
                    };
                    steps += 1;
                    past.push(seen);
                    at = then;
                }
            }
            Verdict::Unknown(_) => {}
        }
    }
    println!("{violated} violated with values, {suspects} suspects, {holds} hold over {steps} steps");
    assert!(holds > 5 && steps > 50);
}
