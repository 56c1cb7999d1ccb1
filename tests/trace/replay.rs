//! Every verdict against replay by plain search over `System::enabled`: total, endpoint and wire, on wild systems.

use std::collections::BTreeSet;

use polylogue::{
    generate::{Rng, WildShape, channels, wild},
    id::{Id, LabelId, RoleId},
    machine::{Cells, Configuration, Move, Semantics, System},
    protocol::{Act, EdgeKind, Header, Names, Observer, Payload, Role},
    trace::{Checker, Finding, Judgement, Map, Session, Subject},
};

const SEMANTICS: Semantics = Semantics { bound: None };

/// The plain checker: the set of all configurations that may be, receives in every order.
struct Plain<'a> {
    system: &'a System,
    observer: Observer,
    set: Vec<Configuration>,
}

/// An event by its ends and label.
type Simple = (RoleId, RoleId, LabelId);

const MANY: usize = 3_000;

impl<'a> Plain<'a> {
    fn new(system: &'a System, observer: Observer) -> Option<Self> {
        let mut plain = Self { system, observer, set: vec![Configuration::initial(system)] };
        plain.close().then_some(plain)
    }

    fn moves(&self, at: &Configuration) -> Vec<Move> {
        let mut moves = Vec::new();
        self.system.enabled(SEMANTICS, at, &mut moves, |_, _| {});
        moves
    }

    fn after(&self, at: &Configuration, step: Move) -> Configuration {
        let mut next = at.clone();
        self.system.step(&mut next, step);
        next
    }

    /// Receives that nobody sees. False if there are too many configurations for a plain search.
    fn close(&mut self) -> bool {
        let mut at = 0;
        let mut known: std::collections::HashSet<Configuration> = self.set.drain(..).collect();
        self.set.extend(known.iter().cloned());
        while self.observer == Observer::Wire && at < self.set.len() {
            for step in self.moves(&self.set[at].clone()) {
                if matches!(step, Move::Receive { .. }) {
                    let next = self.after(&self.set[at], step);
                    if known.insert(next.clone()) {
                        self.set.push(next);
                    }
                }
            }
            at += 1;
            if self.set.len() > MANY {
                return false;
            }
        }
        self.set.len() <= MANY
    }

    fn is(&self, step: Move, event: Simple) -> bool {
        let ends = |message| {
            let message = self.system.messages()[message];
            let edge = self.system.edges()[message.edge];
            (edge.from, edge.to, message.label)
        };
        match step {
            Move::Send { message, .. } | Move::Sync { message, .. } => ends(message) == event,
            Move::Receive { .. } | Move::Lose { .. } => false,
            Move::Act { role, action, .. } => {
                (role, role, self.system.machines()[role].actions()[action].label) == event
            }
        }
    }

    fn next(&self, event: Simple) -> Vec<Configuration> {
        let mut next = Vec::new();
        for at in &self.set {
            if let Observer::Endpoint(own) = self.observer {
                let machine = &self.system.machines()[own];
                for offer in machine.offers(at.state(own)) {
                    let action = machine.actions()[offer.action];
                    let act = if event.0 == event.1 {
                        Act::Act
                    } else if event.0 == own {
                        Act::Send(event.1)
                    } else {
                        Act::Receive(event.0)
                    };
                    if action.act == act && action.label == event.2 {
                        let mut after = at.clone();
                        after.set_state(own, offer.then);
                        next.push(after);
                    }
                }
                continue;
            }
            for step in self.moves(at).into_iter().filter(|&step| self.is(step, event)) {
                let sent = self.after(at, step);
                match step {
                    Move::Send { message, .. } if self.observer == Observer::Total => {
                        for take in self.moves(&sent) {
                            if matches!(take, Move::Receive { message: m, .. } if m == message) {
                                next.push(self.after(&sent, take));
                            }
                        }
                    }
                    _ => next.push(sent),
                }
            }
        }
        next
    }

    /// All events that are allowed now.
    fn allowed(&self) -> BTreeSet<Simple> {
        let labels = self.system.machines().values().flat_map(|m| m.actions().values().map(|a| a.label));
        let labels: BTreeSet<LabelId> = labels.collect();
        let roles: Vec<RoleId> = self.system.machines().ids().collect();
        let mut allowed = BTreeSet::new();
        for &from in &roles {
            for &to in &roles {
                for &label in &labels {
                    let event = (from, to, label);
                    let seen = !matches!(self.observer, Observer::Endpoint(own) if own != from && own != to);
                    if seen && !self.next(event).is_empty() {
                        allowed.insert(event);
                    }
                }
            }
        }
        allowed
    }

    fn is_final(&self) -> bool {
        self.set.iter().any(|at| match self.observer {
            Observer::Endpoint(own) => self.system.machines()[own].may_stop(at.state(own)),
            _ => self.system.is_final(at),
        })
    }
}

fn line(header: &Header, names: &Names, (from, to, label): Simple) -> String {
    format!(
        "{{\"session\":\"s\",\"seq\":0,\"ts\":1,\"from\":\"{}\",\"to\":\"{}\",\"label\":\"{}\",\"payload\":{{}}}}\n",
        header.role_name(from),
        header.role_name(to),
        names.label_text(label)
    )
}

fn judge(subject: Subject<'_>, observer: Observer, log: &str) -> Session {
    let map = Map::default();
    let mut sessions = Vec::new();
    let mut checker = Checker::observed(subject, &map, observer);
    let mut found = |finding| match finding {
        Finding::Session(session) => sessions.push(*session),
        Finding::Line(bad) => panic!("{bad:?}"),
    };
    checker.feed(log.as_bytes(), &mut found);
    checker.finish(&mut found);
    assert_eq!(sessions.len(), 1);
    sessions.pop().unwrap()
}

#[derive(Default, Debug)]
struct Counts {
    conforms: usize,
    incomplete: usize,
    violates: usize,
    unknown: usize,
    legal: usize,
    sets: usize,
}

fn one(rng: &mut Rng, which: usize, counts: &mut Counts) {
    let shape = WildShape::any(rng);
    let mut locals = wild(rng, shape);
    // Wild roles seldom stop; here they often may.
    for local in locals.values_mut() {
        for state in local.states.values_mut().skip(1) {
            state.may_stop |= rng.chance(60);
        }
    }
    let mut channels = channels(rng, locals.len());
    // What loses or replaces is judged with what is beyond the kernel.
    channels.retain(|(.., kind)| !matches!(kind, EdgeKind::Lossy | EdgeKind::Latest));
    let kind =
        |from, to| channels.iter().find(|&&(f, t, _)| (f, t) == (from, to)).map_or(EdgeKind::Fifo, |&(.., kind)| kind);
    let system = System::of(&locals, kind).unwrap();
    let mut names = Names::new();
    for label in 0..shape.labels {
        names.label(&format!("label{label}")).unwrap();
    }
    names.sort(Some(Payload { open: true, ..Payload::default() })).unwrap();
    let roles = locals.ids().map(|role| Role {
        name: format!("r{}", role.index()).into(),
        span: Default::default(),
        unreliable: false,
    });
    let header = Header { name: "Wild".into(), roles: roles.collect(), ..Header::default() };
    let subject = Subject::new(&system, &names, &header).unwrap();
    let observer = match which {
        0 => Observer::Total,
        1 => Observer::Wire,
        _ => Observer::Endpoint(RoleId::new(rng.below(locals.len())).unwrap()),
    };
    let Some(mut plain) = Plain::new(&system, observer) else { return };
    let mut log = String::new();
    let mut refused = None;
    let mut at = 0;
    // More than a dozen messages on their way are too much for a plain search.
    let length = rng.between(1, 12);
    while at < length {
        let allowed: Vec<Simple> = plain.allowed().into_iter().collect();
        let spoil = rng.chance(12) || allowed.is_empty();
        let event = if spoil {
            let role = |rng: &mut Rng| RoleId::new(rng.below(locals.len())).unwrap();
            let mut event = (role(rng), role(rng), LabelId::new(rng.below(shape.labels)).unwrap());
            if let Observer::Endpoint(own) = observer
                && event.1 != own
            {
                event.0 = own;
            }
            event
        } else {
            *rng.pick(&allowed).unwrap()
        };
        let known = system.machines().values().any(|m| m.actions().values().any(|a| a.label == event.2));
        log += &line(&header, &names, event);
        let next = plain.next(event);
        assert!(spoil || !next.is_empty());
        if next.is_empty() || !known {
            // All that the fast checker expects is what the plain one would have allowed.
            refused = Some((at, allowed));
            break;
        }
        counts.legal += 1;
        counts.sets += usize::from(next.len() > 1);
        plain.set = next;
        if !plain.close() {
            return;
        }
        at += 1;
    }
    let session = judge(subject, observer, &log);
    if session.verdict == Judgement::Unknown {
        counts.unknown += 1;
        return;
    }
    match refused {
        Some((at, allowed)) => {
            assert_eq!((session.verdict, session.at), (Judgement::Violates, Some(at as u64)), "{observer:?}\n{log}");
            let role = |name: &str| header.role(name).unwrap();
            let expected: BTreeSet<Simple> = session
                .expected
                .iter()
                .map(|e| {
                    let (own, peer) = (role(&e.role), e.peer.as_deref().map_or(role(&e.role), role));
                    let label = names.find_label(&e.label).unwrap();
                    if e.way.word() == "receive" { (peer, own, label) } else { (own, peer, label) }
                })
                .collect();
            if session.code.unwrap().id() != "PL0616" {
                assert_eq!(expected, allowed.into_iter().collect(), "{observer:?}\n{log}");
                assert_eq!(session.may_end, plain.is_final());
            }
            assert_eq!(session.events as usize, at + 1);
            counts.violates += 1;
        }
        None => {
            let verdict = if plain.is_final() { Judgement::Conforms } else { Judgement::Incomplete };
            assert_eq!(session.verdict, verdict, "{observer:?}\n{log}");
            *if plain.is_final() { &mut counts.conforms } else { &mut counts.incomplete } += 1;
        }
    }
}

fn all(which: usize, seeds: u64) -> Counts {
    let mut counts = Counts::default();
    for seed in 0..seeds {
        one(&mut Rng::new(seed * 3 + which as u64), which, &mut counts);
    }
    println!("{counts:?}");
    counts
}

fn seeds() -> u64 {
    std::env::var("POLYLOGUE_TRACE_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(3_000)
}

#[test]
fn total_is_replay() {
    let counts = all(0, seeds());
    assert!(counts.violates > 500 && counts.legal > 500 && counts.sets > 20 && counts.conforms > 50);
}

#[test]
fn wire_is_replay_with_receives_anywhere() {
    let counts = all(1, seeds());
    assert!(counts.violates > 500 && counts.legal > 1_000 && counts.sets > 100 && counts.conforms > 50);
}

#[test]
fn endpoint_is_one_machine() {
    let counts = all(2, seeds());
    assert!(counts.violates > 500 && counts.legal > 1_000 && counts.conforms > 50);
}

/// Many sessions interleaved give what each gives alone.
#[test]
fn sessions_do_not_meet() {
    let text = "protocol P(role A, role B) { rec X { choice at A { A -> B: a(); B -> A: b(); continue X; } or { A -> B: \
                c(); } } }";
    let spec = super::common::spec(text);
    let machines = polylogue::trace::Machines::of(&spec, polylogue::trace::target(&spec, None).unwrap()).unwrap();
    let subject = machines.subject();
    let map = Map::default();
    let mut rng = Rng::new(5);
    let mut alone: Vec<Vec<String>> = Vec::new();
    for session in 0..300 {
        // Some names are longer than those that blocks hold.
        let name = format!("session-{session}{}", if session % 7 == 0 { "x".repeat(40) } else { String::new() });
        let events = ["A->B:a", "B->A:b", "A->B:c", "B->A:a"];
        let lines = (0..rng.below(9)).map(|at| {
            let event = if rng.chance(85) { events[at % 2] } else { rng.pick(&events).unwrap() };
            super::common::log(event).replace("\"s\"", &format!("{name:?}"))
        });
        alone.push(lines.collect());
    }
    let run = |log: &str| {
        let mut sessions = Vec::new();
        let report = polylogue::trace::conform(subject, &map, log.as_bytes());
        for mut session in report.sessions {
            // Lines are counted in the whole log.
            session.at = None;
            session.event = None;
            session.last.iter_mut().for_each(|past| past.at = 0);
            session.message = session.message.map(|text| text.split(" line ").next().unwrap().to_owned());
            sessions.push(session);
        }
        sessions.sort_by(|a, b| a.name.cmp(&b.name));
        sessions
    };
    let mut expected: Vec<Session> = alone.iter().flat_map(|lines| run(&lines.concat())).collect();
    expected.sort_by(|a, b| a.name.cmp(&b.name));
    let mut queues: Vec<_> = alone.into_iter().map(std::collections::VecDeque::from).collect();
    let mut mixed = String::new();
    while queues.iter().any(|queue| !queue.is_empty()) {
        let at = rng.below(queues.len());
        mixed += &queues[at].pop_front().unwrap_or_default();
    }
    assert_eq!(run(&mixed), expected);
    let verdicts: BTreeSet<_> = expected.iter().map(|session| session.verdict).collect();
    assert_eq!(verdicts.len(), 3);
}

#[test]
fn a_set_that_grows_is_unknown() {
    // Eight and more ways to read the same label: twins that never meet again.
    let mut states = vec!["s0 = Q!a(). s0".to_owned()];
    let mut system = String::from("system T(role P, role Q) { P = states { ");
    for n in 0..12 {
        states.push(format!("t{n} = Q!a(). t{n}"));
    }
    let arms: Vec<String> = (0..12).map(|n| format!("Q!a(). t{n}")).collect();
    system += &format!("start = +{{ {} }}; ", arms.join(", "));
    system += &states[1..].iter().map(|s| format!("{s}; ")).collect::<String>();
    system += "}; Q = rec X. P?a(). X; }";
    let report = super::common::check(&system, "", super::common::log("P->Q:a"));
    assert_eq!(super::common::text(&report), "s unknown 1 at 0 PL0621 too many configurations explain what was seen\n");
}
