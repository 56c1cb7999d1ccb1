//! Nested and shadowed recursion: the store's runs are the reference's.

use std::fmt::Write as _;

use polylogue::{
    event::Event,
    generate::Rng,
    id::RoleId,
    protocol::{EdgeKind, Target},
    reference,
    session::{
        Act, Capability, Code, Compat, Config, Direction, OpenPlan, Opener, Owner, PlanOptions, QueuePolicy, Scope,
        Send, SessionId, Store,
    },
};

struct Played {
    store: Store,
    cap: Capability,
    session: SessionId,
    _opener: Opener,
}

fn open(plan: &OpenPlan) -> Played {
    let (mut store, _supervisor) = Store::new(Config::default());
    let (session, opener) = store.open(plan, 0).unwrap();
    let cap = store.claim(&opener, Owner(1), &Scope::Session).unwrap();
    Played { store, cap, session, _opener: opener }
}

impl Played {
    /// Asks for an event; a synchronous one is offered and taken.
    fn take(&mut self, event: Event) -> Result<(), Code> {
        let send = |from, to, label| Send { from, to, label, payload: Default::default(), witnesses: &[], at: 1 };
        match event {
            Event::Send { from, to, label, .. } => {
                let done = self.store.send(&self.cap, send(from, to, label)).map_err(|refused| refused.code())?;
                assert!(!done.offered);
            }
            Event::Receive { from, to, .. } => {
                self.store.receive(&self.cap, to, from, 1).map_err(|refused| refused.code())?;
            }
            Event::Sync { from, to, label, .. } => {
                assert!(self.store.send(&self.cap, send(from, to, label)).map_err(|refused| refused.code())?.offered);
                self.store.receive(&self.cap, to, from, 1).map_err(|refused| refused.code())?;
            }
            Event::Act { role, label, .. } => {
                let act = Act { role, label, payload: Default::default(), witnesses: &[], at: 1 };
                self.store.act(&self.cap, act).map_err(|refused| refused.code())?;
            }
            _ => panic!("no rule of a table"),
        }
        Ok(())
    }

    /// Everything that is enabled and ready, as events.
    fn ready(&self, plan: &OpenPlan, kind: impl Fn(RoleId, RoleId) -> EdgeKind) -> Vec<Event> {
        let mut out = Vec::new();
        for role in plan.roles() {
            for one in self.store.enabled(self.session, role) {
                let (label, sort) = (one.label, one.sort);
                out.extend(match one.direction {
                    Direction::Send if kind(role, one.peer) == EdgeKind::Sync => None,
                    Direction::Send => one.ready.then_some(Event::Send { from: role, to: one.peer, label, sort }),
                    Direction::Receive => one.ready.then_some(Event::Receive { from: one.peer, to: role, label, sort }),
                    Direction::Act => Some(Event::Act { role, label, sort }),
                });
            }
        }
        out.sort_unstable();
        out
    }
}

#[derive(Default, Debug)]
struct Tally {
    systems: u64,
    ambiguous: u64,
    several: u64,
    steps: u64,
    refused: u64,
    stuck: u64,
}

/// A random run of a declared system on both; everything that one admits the other does, and what one refuses as well.
fn run(text: &str, name: &str, seed: u64, steps: usize, tally: &mut Tally) {
    let spec = polylogue::parse(text).unwrap_or_else(|errors| panic!("{name}: {errors}"));
    let loaded = &spec.loaded().spec;
    let Some(Target::System(at)) = loaded.find(name) else { panic!("{name} is no system") };
    let system = &loaded.systems[at];
    let options = PlanOptions { queue: QueuePolicy::Grow(3), ..PlanOptions::default() };
    let plan = match spec.plan_with(name, &Compat::Unchecked, options) {
        Ok(plan) => plan,
        Err(error) => {
            let error = error.to_string();
            assert!(error.contains("in two ways from one state"), "{name}: {error}");
            tally.ambiguous += 1;
            return;
        }
    };
    assert!(plan.is_table());
    // What the plan holds to is a bound of the reference, too.
    let channels: Vec<_> = plan
        .edges()
        .values()
        .map(|edge| {
            (
                edge.from,
                edge.to,
                if edge.kind == EdgeKind::Sync { EdgeKind::Sync } else { EdgeKind::Bounded(edge.bound) },
            )
        })
        .collect();
    let kind = |from, to| channels.iter().find(|one| (one.0, one.1) == (from, to)).map_or(EdgeKind::Fifo, |one| one.2);
    let by_reference = reference::System::new(&system.terms, &channels, None);
    let mut conf = by_reference.initial();
    let mut played = open(&plan);
    let mut rng = Rng::new(seed);
    tally.systems += 1;
    // Every event of the alphabet, to be refused where it is not enabled.
    let all = polylogue::machine::System::of(&system.locals, |from, to| system.header.edge_kind(from, to)).unwrap();
    let alphabet: Vec<Event> = all
        .messages()
        .iter()
        .flat_map(|(id, message)| {
            let edge = all.edges()[message.edge];
            if edge.kind == EdgeKind::Sync {
                vec![all.sync_event(id)]
            } else {
                vec![all.send_event(id), all.receive_event(id)]
            }
        })
        .collect();
    for _ in 0..steps {
        let enabled = by_reference.enabled(&conf);
        let asynchronous: Vec<Event> =
            enabled.iter().copied().filter(|event| !matches!(event, Event::Sync { .. })).collect();
        let mut ready = played.ready(&plan, kind);
        ready.dedup();
        assert_eq!(ready, asynchronous, "{name}, seed {seed}\n{text}");
        for role in plan.roles() {
            let _ = played.store.local_type(played.session, role).unwrap();
        }
        for _ in 0..3 {
            let Some(&event) = rng.pick(&alphabet) else { break };
            let label_is_shared = alphabet.iter().filter(|other| same_but_sort(**other, event)).count() > 1;
            if label_is_shared || enabled.contains(&event) {
                tally.several += u64::from(label_is_shared);
                continue;
            }
            // A head that is another message is received as what it is.
            if let Event::Receive { from, to, label, sort } = event
                && conf.queue(from, to).next().is_some_and(|head| head != (label, sort))
            {
                continue;
            }
            let before = played.store.digest(played.session);
            let code = played.take(event).expect_err("the reference refuses it");
            if matches!(event, Event::Sync { .. }) {
                // It may have been offered: then it is its receiver who cannot take it.
                let Event::Sync { from, to, .. } = event else { continue };
                let _ = played.store.withdraw(&played.cap, from, to);
            }
            assert_eq!(played.store.digest(played.session), before, "{name}: {event:?} {code:?}");
            tally.refused += 1;
        }
        let Some(&event) = rng.pick(&enabled) else {
            tally.stuck += 1;
            break;
        };
        let successors = by_reference.successors(&conf, event);
        assert_eq!(successors.len(), 1, "{name}: a system with twins has no plan");
        played.take(event).unwrap_or_else(|code| panic!("{name}, seed {seed}: {event:?} is refused: {code:?}\n{text}"));
        conf = successors.into_iter().next().unwrap();
        tally.steps += 1;
        for (edge, ends) in plan.edges().iter() {
            assert_eq!(played.store.queue_len(played.session, edge), conf.queue(ends.from, ends.to).count());
        }
    }
    let finished = plan.roles().all(|role| played.store.is_finished(played.session, role));
    assert_eq!(finished && conf.is_quiet(), by_reference.is_final(&conf), "{name}");
}

fn same_but_sort(one: Event, other: Event) -> bool {
    let of = |event| match event {
        Event::Send { from, to, label, .. } => Some((0, from, to, label)),
        Event::Receive { from, to, label, .. } => Some((1, from, to, label)),
        Event::Sync { from, to, label, .. } => Some((2, from, to, label)),
        _ => None,
    };
    of(one) == of(other)
}

#[test]
fn the_corpus_of_systems() {
    let Some(text) = crate::shared::text("corpus/systems.jsonl") else { return };
    let mut tally = Tally::default();
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = row["mpst"].as_str().unwrap();
        let spec = polylogue::parse(text).unwrap();
        let name = spec.loaded().spec.systems[0].header.name.to_string();
        for seed in 0..4 {
            run(text, &name, seed, 60, &mut tally);
        }
    }
    println!("{tally:?}");
    assert!(tally.systems > 300 && tally.steps > 5_000 && tally.refused > 5_000);
}

/// A local type of up to four loops in each other, whose names may shadow each other, and its dual.
struct Nested<'r> {
    rng: &'r mut Rng,
    labels: usize,
    loops: usize,
}

impl Nested<'_> {
    /// The text of both ends.
    fn draw(&mut self, open: &mut Vec<String>, depth: usize) -> (String, String) {
        if self.loops < 4 && depth < 8 && (open.is_empty() || self.rng.chance(45)) {
            self.loops += 1;
            let name = ["X", "Y", "Z"][self.rng.below(3)].to_owned();
            open.push(name.clone());
            // What is right behind a `rec` must be a message.
            let (one, other) = self.message(open, depth + 1);
            open.pop();
            return (format!("rec {name}. {one}"), format!("rec {name}. {other}"));
        }
        if depth > 3 && self.rng.chance(60) {
            if self.rng.chance(15) {
                return ("end".to_owned(), "end".to_owned());
            }
            let at = self.rng.below(open.len());
            return (open[at].clone(), open[at].clone());
        }
        self.message(open, depth)
    }

    fn message(&mut self, open: &mut Vec<String>, depth: usize) -> (String, String) {
        let gives = self.rng.chance(60);
        let (mut one, mut other) = (String::new(), String::new());
        let arms = self.rng.between(1, 3);
        for arm in 0..arms {
            let label = format!("l{}", self.labels % 4 + arm * 4);
            self.labels += 1;
            let (here, there) = self.draw(open, depth + 1);
            let comma = if arm == 0 { "" } else { ", " };
            write!(one, "{comma}{label}(). {here}").unwrap();
            write!(other, "{comma}{label}(). {there}").unwrap();
        }
        match gives {
            true => (format!("B!{{ {one} }}"), format!("A?{{ {other} }}")),
            false => (format!("B?{{ {one} }}"), format!("A!{{ {other} }}")),
        }
    }
}

#[test]
fn loops_in_loops() {
    let mut tally = Tally::default();
    let mut shadowed = 0;
    let mut deep = 0;
    for seed in 0..400 {
        let mut rng = Rng::new(seed);
        let mut nested = Nested { rng: &mut rng, labels: 0, loops: 0 };
        let (a, b) = nested.draw(&mut Vec::new(), 0);
        deep += u64::from(nested.loops == 4);
        shadowed += u64::from(["rec X", "rec Y", "rec Z"].iter().any(|name| a.matches(name).count() > 1));
        let text = format!("system Nested(role A, role B) {{ A = {a}; B = {b}; }}");
        run(&text, "Nested", seed, 40, &mut tally);
    }
    println!("{tally:?}, {shadowed} with a name that stands twice, {deep} with four loops");
    assert!(tally.systems > 300 && shadowed > 100 && deep > 50 && tally.steps > 8_000);
}

/// The case on which a published store goes wrong: after `a, c` it is `a` again.
#[test]
fn the_outer_loop_begins_with_its_own_message() {
    for text in [
        "protocol P(role A, role B) { rec X { A -> B: a(); rec Y { A -> B: { c() => { continue X; }, b() => { continue Y; } } } } }",
        "system P(role A, role B) { A = rec X. B!a(). rec Y. B!{ c(). X, b(). Y }; B = rec X. A?a(). rec Y. A?{ c(). X, b(). Y }; }",
    ] {
        let spec = polylogue::parse(text).unwrap();
        let plan = spec.plan_with("P", &Compat::Unchecked, PlanOptions::default()).unwrap();
        let mut played = open(&plan);
        let (a, b) = (plan.role("A").unwrap(), plan.role("B").unwrap());
        let mut send = |label: &str| {
            let label = plan.label(label).unwrap();
            let send = Send { from: a, to: b, label, payload: Default::default(), witnesses: &[], at: 1 };
            played.store.send(&played.cap, send).map(drop).map_err(|refused| refused.to_string())
        };
        assert!(send("c").is_err());
        send("a").unwrap();
        send("c").unwrap();
        let refused = send("c").unwrap_err();
        assert!(refused.starts_with("not-enabled") && refused.contains("expected A!B:a()"), "{refused}");
        assert!(send("b").is_err());
        send("a").unwrap();
        send("b").unwrap();
        send("b").unwrap();
        assert!(send("a").is_err());
        send("c").unwrap();
        send("a").unwrap();
    }
}
