//! Tree sessions of many protocols, a few for each construct, under random steps: whatever the reference takes in exactly
//! one way the store takes, and nothing else; what is refused changes nothing.

use std::{collections::BTreeMap, sync::Arc};

use polylogue::{
    data::Value,
    generate::{Probe, Rng},
    id::RoleId,
    protocol::EdgeKind,
    reference::full::{Full, Seen, Sides},
    session::{Act, Code, Compat, Config, Owner, Payload, PlanOptions, Readiness, Receive, Scope, Send, Step, Store},
};

#[path = "../lockstep_full/hand.rs"]
mod hand;

/// What no text of that list has: a role that may crash, and one witness for a step.
const MORE: &str = "
  def fair(cost: int, left: int) = 0 < cost && cost <= left;
  protocol P(role A, role B, unreliable role R) {
    var left<A, B>: int = 4;
    try { R -> B: news(); } on crash R { }
    rec X {
      choice at A { A -> B: pay(cost: int) requires fair(cost, left) set left = left - cost; continue X; }
      or { A -> B: bye(); }
    }
  }";

/// Constructs that must have stepped, by a word that stands in the text.
const CONSTRUCTS: [&str; 9] =
    [" set ", "each k", "requires", "within", "try {", "idempotent", "par {", "rising", "where"];

#[derive(Default)]
struct Tally {
    taken: u64,
    repeated: u64,
    witnessed: u64,
    several: u64,
    crashed: u64,
    codes: BTreeMap<Code, u64>,
    /// Steps of protocols with each construct.
    by: BTreeMap<&'static str, u64>,
}

/// One session of a protocol, and where the reference has it.
fn walk(text: &'static str, seed: u64, tally: &mut Tally) -> bool {
    let spec = polylogue::parse(text).unwrap_or_else(|errors| panic!("{errors}"));
    let loaded = &spec.loaded().spec;
    let mut walked = false;
    for protocol in &loaded.protocols {
        let header = &protocol.header;
        // Offers and what may be lost on the way have tests of their own.
        if header.channels.iter().any(|(.., kind)| !matches!(kind, EdgeKind::Fifo | EdgeKind::Bounded(_))) {
            continue;
        }
        let Ok(plan) = spec.plan_with(&protocol.header.name, &Compat::Unchecked, PlanOptions::default()) else {
            continue;
        };
        if plan.is_table() {
            continue;
        }
        walked = true;
        let externs = Arc::new(|_, _: &[Value]| Some(true));
        let (mut store, _supervisor) = Store::new(Config { externs, ..Config::default() });
        let (session, opener) = store.open(&plan, 0).unwrap();
        let cap = store.claim(&opener, Owner(1), &Scope::Session).unwrap();
        let full = Full::new(&protocol.term, &loaded.names, header);
        let mut conf = full.initial(0);
        let mut rng = Rng::new(seed);
        let probe = Probe::of(&protocol.term, &loaded.names);
        let mut past: Vec<Seen> = Vec::new();
        let mut crashed: Vec<RoleId> = Vec::new();
        for _ in 0..30 {
            if rng.chance(3) {
                let role = *rng.pick(&plan.roles().collect::<Vec<_>>()).unwrap();
                let now = past.last().map_or(0, |seen| seen.now);
                match store.crash(&opener, role, now) {
                    Ok(_) => {
                        assert!(!crashed.contains(&role), "{text}");
                        conf = full.crash(&conf, role);
                        crashed.push(role);
                        tally.crashed += 1;
                    }
                    Err(refused) => *tally.codes.entry(refused.code()).or_default() += 1,
                }
            }
            let mut events = probe.events(&mut rng, &loaded.names, &past, 2);
            for event in &mut events {
                event.sides = if event.from == event.to { Sides::Both } else { Sides::Send };
            }
            let now = events.iter().map(|event| event.now).max().unwrap_or(0);
            for (from, to) in plan.roles().flat_map(|from| plan.roles().map(move |to| (from, to))) {
                let arriving = full.arriving(&conf, from, to);
                assert_eq!(store.has_message(session, from, to), !arriving.is_empty(), "{text}");
                let receive =
                    |(label, like, values)| Seen { from, to, label, like, values, sides: Sides::Receive, now };
                // Also where nothing waits.
                let other = events.first().cloned().filter(|_| from != to && arriving.is_empty() && rng.chance(10));
                events.extend(other.map(|event| Seen { from, to, sides: Sides::Receive, now, ..event }));
                events.extend(arriving.into_iter().map(receive));
            }
            rng.shuffle(&mut events);
            // Refusals first, as many as there are; then one that is taken.
            for event in events {
                let next = full.successors(&conf, &event);
                let before = store.digest(session);
                let witnesses = match next.first() {
                    Some(next) => witnesses(&mut store, &cap, loaded, &event, &next.required),
                    None => Vec::new(),
                };
                let issued = !witnesses.is_empty();
                let brought: Vec<&Readiness> = witnesses.iter().collect();
                let step = step(&event, &brought);
                let got = store.step(&cap, step);
                let ways = if event.sides == Sides::Receive && !waits(&full, &conf, &event) { 0 } else { next.len() };
                match got {
                    Ok(done) => {
                        assert_eq!(ways, 1, "{event:?} was taken\n{text}");
                        let next = next.into_iter().next().unwrap();
                        assert_eq!(done.repeated, next.duplicate, "{event:?}\n{text}");
                        tally.taken += 1;
                        tally.repeated += u64::from(done.repeated);
                        tally.witnessed += u64::from(issued);
                        tally.several += u64::from(brought.len() > 1);
                        for word in CONSTRUCTS.iter().filter(|word| text.contains(**word)) {
                            *tally.by.entry(word).or_default() += 1;
                        }
                        conf = next.then;
                        past.push(event);
                        break;
                    }
                    Err(refused) => {
                        *tally.codes.entry(refused.code()).or_default() += 1;
                        assert_ne!(ways, 1, "{event:?} was refused: {refused}\n{text}");
                        assert!(issued || store.digest(session) == before, "{event:?} changed something\n{text}");
                    }
                }
            }
        }
    }
    walked
}

/// What waits at the head of the queue is what is asked for.
fn waits(full: &Full<'_>, conf: &polylogue::reference::full::Configuration, event: &Seen) -> bool {
    let arriving = full.arriving(conf, event.from, event.to);
    arriving
        .first()
        .is_some_and(|(label, like, values)| (*label, *like, values) == (event.label, event.like, &event.values))
}

/// The witnesses that a step requires.
fn witnesses(
    store: &mut Store,
    cap: &polylogue::session::Capability,
    spec: &polylogue::protocol::Spec,
    event: &Seen,
    required: &[Vec<Value>],
) -> Vec<Readiness> {
    if required.is_empty() || event.sides == Sides::Receive {
        return Vec::new();
    }
    // The signature that has the rule is one with this payload.
    let rules = spec.names.sorts().filter(|sort| spec.names.payload(*sort) == spec.names.payload(event.like));
    let rules = rules.filter_map(|sort| spec.names.rule(sort)).filter(|rule| rule.requires.len() == required.len());
    let name = |at: usize| {
        spec.protocols.iter().find_map(|protocol| protocol.header.predicates.get(at)).map(|known| known.name.clone())
    };
    for rule in rules {
        let needs = rule.requires.iter().zip(required);
        let issued: Option<Vec<Readiness>> =
            needs.map(|(need, args)| store.issue_readiness(cap, &name(need.predicate)?, args, None).ok()).collect();
        if let Some(issued) = issued {
            return issued;
        }
    }
    Vec::new()
}

fn step<'a>(event: &'a Seen, witnesses: &'a [&'a Readiness]) -> Step<'a> {
    let (label, at, payload) = (event.label, event.now, Payload::Values(&event.values));
    match event.sides {
        Sides::Receive => Step::Receive(Receive { role: event.to, from: event.from, at }),
        _ if event.from == event.to => Step::Act(Act { role: event.from, label, payload, witnesses, at }),
        _ => Step::Send(Send { from: event.from, to: event.to, label, payload, witnesses, at }),
    }
}

#[test]
fn trees_are_the_reference() {
    let mut tally = Tally::default();
    let mut walked = 0;
    for text in hand::TEXTS.iter().map(|(_, text)| *text).chain([MORE]) {
        let walks = (0..12).filter(|&seed| walk(text, seed, &mut tally)).count();
        walked += u64::from(walks > 0);
    }
    println!(
        "{walked} protocols, {} steps taken, {} repeated, {} with a witness, {} with several, {} crashes; {:?}\nrefused: {:?}",
        tally.taken, tally.repeated, tally.witnessed, tally.several, tally.crashed, tally.by, tally.codes
    );
    assert!(walked >= 15 && tally.taken > 1_000 && tally.crashed > 0 && tally.repeated > 0 && tally.witnessed > 0);
    assert!(tally.several > 10, "{}", tally.several);
    assert!(tally.by.len() >= 7, "{:?}", tally.by);
}
