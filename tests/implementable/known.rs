//! Protocols of which it is known, by running all their machines, whether they can be implemented: what the conditions
//! say, what merging says, and what exploration says is held against that.
//!
//! A protocol in the class of the theory is implementable if and only if the machines of the subset construction
//! implement it. So these are run, event by event and with queues of any length: if they get stuck, or do what no run of
//! the protocol has, it is not implementable; if all their runs are looked at to the end, and none does, it is.

use std::{collections::BTreeMap, fmt::Write as _};

use polylogue::{
    event::Verdict,
    generate::Rng,
    load::Loaded,
    protocol::{Discipline, Graph, NoImports, Spec, Target, project},
    verify::{self, Options, Property, Subject},
};

use super::brute::{Whole, run_all};

fn long() -> bool {
    std::env::var_os("POLYLOGUE_LONG").is_some()
}

/// What is known of one protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    Implementable,
    /// No run went wrong, but not all were looked at to the end.
    NotSeenToFail,
    Wrong,
    /// Outside of the theory.
    Outside,
}

fn load(text: &str) -> Spec {
    let loaded = Loaded::new("test", text, &mut NoImports);
    assert!(!loaded.has_errors(), "{:?}\n{text}", loaded.diagnostics);
    loaded.spec
}

/// Holds everything against everything, for one protocol.
fn check(text: &str, depth: usize, counts: &mut BTreeMap<String, usize>) -> Known {
    let spec = load(text);
    let protocol = &spec.protocols[0];
    let header = &protocol.header;
    let (outcome, machines) = verify::complete(&spec, 0, &Options::default(), &mut |_| None).unwrap();
    let Some(machines) = machines else {
        assert!(matches!(outcome.verdict, Verdict::Unknown(_)), "{outcome:?}\n{text}");
        return Known::Outside;
    };
    let whole = Whole::of(&protocol.term, &spec.names);
    let literal: Vec<_> = header.roles.ids().map(|role| whole.machine(role)).collect();
    let (mut wrong, mut to_the_end) = run_all(&literal, &protocol.term, depth);
    // A failure may lie deeper.
    for depth in [depth + 3, depth + 7] {
        if wrong.is_none() && !to_the_end && matches!(outcome.verdict, Verdict::Violated(_)) {
            (wrong, to_the_end) = run_all(&literal, &protocol.term, depth);
        }
    }
    let known = match (&wrong, to_the_end) {
        (Some(_), _) => Known::Wrong,
        (None, true) => Known::Implementable,
        (None, false) => Known::NotSeenToFail,
    };
    let mut count = |what: &str| *counts.entry(format!("{known:?}: {what}")).or_default() += 1;
    match (&outcome.verdict, known) {
        (Verdict::Holds, Known::Implementable | Known::NotSeenToFail) => count("holds"),
        (Verdict::Violated(_), Known::Wrong) => count("violated"),
        // A failure may lie behind the depth.
        (Verdict::Violated(_), Known::NotSeenToFail) => count("violated"),
        _ => panic!("{known:?}, {wrong:?}, but {outcome:?}\n{text}"),
    }
    let implementable = outcome.verdict == Verdict::Holds;

    // Merging is sound, plain merge more so; only the complete projection may stop early.
    let graph = Graph::of(&protocol.term).unwrap();
    let merged = project::project_all(&graph, header.roles.len(), Discipline::Full);
    let plain = project::project_all(&graph, header.roles.len(), Discipline::Plain).is_ok();
    assert!(!plain || merged.is_ok(), "{text}");
    assert!(merged.is_err() || implementable, "projectable, not implementable\n{text}");
    count(if merged.is_ok() { "projectable" } else { "not projectable" });
    let strict = Options { projection: verify::Projection::Complete, ..Options::default() };
    let complete = verify::check(&spec, Property::Projectable, Target::Protocol(0), &strict, &mut |_| None).unwrap();
    let early = literal.iter().any(|machine| machine.stops_early());
    assert_eq!(complete.verdict == Verdict::Holds, implementable && !early, "{text}");
    assert!(merged.is_err() || complete.verdict == Verdict::Holds, "projectable by merge alone\n{text}");

    // What is implementable is clean under every bound; the machines do the same as those of merging.
    let subject = Subject::written(machines.locals.clone(), &[]);
    for bound in [0, 1, 2, 3] {
        let options = Options { bound: Some(bound), max_states: 50_000, ..Options::default() };
        let explored = verify::check_subject(&subject, Property::Safe, &options, &mut |_| None).unwrap();
        if implementable {
            assert!(!matches!(explored.verdict, Verdict::Violated(_)), "k = {bound}: {explored:?}\n{text}");
        } else if bound == 3 && matches!(explored.verdict, Verdict::Violated(_)) {
            count("goes wrong at 3");
        }
    }
    if let Ok(merged) = merged {
        let subject = Subject::written(merged, &[]);
        let options = Options { bound: Some(3), max_states: 50_000, ..Options::default() };
        let explored = verify::check_subject(&subject, Property::Safe, &options, &mut |_| None).unwrap();
        assert!(!matches!(explored.verdict, Verdict::Violated(_)), "{explored:?}\n{text}");
    }
    known
}

/// Every choice of `A` between two arms of up to three messages, among three roles and with two labels to begin with:
/// all of these protocols end, so everything about them is known.
#[test]
fn all_small_choices() {
    const ROLES: [&str; 3] = ["A", "B", "C"];
    let mut arms: Vec<String> = Vec::new();
    let letters: Vec<String> = (0..3)
        .flat_map(|from| (0..3).filter(move |to| *to != from).map(move |to| (from, to)))
        .map(|(from, to)| format!("{} -> {}: x();", ROLES[from], ROLES[to]))
        .collect();
    for first in ["A -> B: l();", "A -> B: r();", "A -> C: l();"] {
        arms.push(first.to_owned());
        for second in &letters {
            arms.push(format!("{first} {second}"));
            arms.extend(letters.iter().map(|third| format!("{first} {second} {third}")));
        }
    }
    let mut counts = BTreeMap::new();
    let mut known: BTreeMap<Known, usize> = BTreeMap::new();
    let (mut at, every) = (0_usize, if long() { 1 } else { 13 });
    for (n, one) in arms.iter().enumerate() {
        for other in arms.iter().skip(n + 1) {
            at += 1;
            if at.is_multiple_of(every) && one[..12] != other[..12] {
                let text = format!("protocol P(role A, role B, role C) {{ choice at A {{ {one} }} or {{ {other} }} }}");
                *known.entry(check(&text, 20, &mut counts)).or_default() += 1;
            }
        }
    }
    println!("{} protocols: {known:?}\n{counts:#?}", known.values().sum::<usize>());
    assert_eq!(known.get(&Known::NotSeenToFail), None);
    assert_eq!(known.get(&Known::Outside), None);
    assert!(known[&Known::Implementable] > 100 && known[&Known::Wrong] > 250);
}

/// A random protocol in the class of the theory, mostly: choices of one sender, to several receivers, and loops.
struct Writer<'a> {
    rng: &'a mut Rng,
    roles: usize,
    left: usize,
    out: String,
}

impl Writer<'_> {
    fn message(&mut self, from: usize, label: &str) {
        let to = (from + 1 + self.rng.below(self.roles - 1)) % self.roles;
        let _ = write!(self.out, "R{from} -> R{to}: {label}(); ");
    }

    fn block(&mut self, loops: usize, depth: usize) {
        for _ in 0..self.rng.between(0, 2) {
            if self.left == 0 {
                return;
            }
            self.left -= 1;
            let from = self.rng.below(self.roles);
            let label = if self.rng.chance(70) { "x" } else { "y" };
            self.message(from, label);
        }
        if self.left == 0 || depth > 3 {
            return;
        }
        self.left = self.left.saturating_sub(2);
        if self.rng.chance(35) {
            let _ = write!(self.out, "rec X{loops} {{ ");
            let from = self.rng.below(self.roles);
            self.choice(from, loops + 1, depth + 1);
            self.out.push_str("} ");
        } else if self.rng.chance(60) {
            let from = self.rng.below(self.roles);
            self.choice(from, loops, depth + 1);
        }
    }

    fn choice(&mut self, at: usize, loops: usize, depth: usize) {
        let _ = write!(self.out, "choice at R{at} {{ ");
        let told = self.rng.chance(55);
        for arm in ["l", "r"] {
            if arm == "r" {
                self.out.push_str("} or { ");
            }
            self.message(at, arm);
            if told {
                for other in (0..self.roles).filter(|other| *other != at) {
                    if self.rng.chance(80) {
                        let _ = write!(self.out, "R{at} -> R{other}: {arm}{arm}(); ");
                    }
                }
            }
            self.block(loops, depth);
            if loops > 0 && self.rng.chance(50) {
                let _ = write!(self.out, "continue X{}; ", self.rng.below(loops));
            }
        }
        self.out.push_str("} ");
    }
}

fn random(rng: &mut Rng) -> String {
    let roles = rng.between(2, 4);
    let left = rng.between(3, 8);
    let mut writer = Writer { rng, roles, left, out: String::new() };
    writer.block(0, 0);
    let at = writer.rng.below(roles);
    if writer.rng.chance(50) || writer.out.is_empty() {
        writer.choice(at, 0, 1);
    }
    let roles: Vec<String> = (0..roles).map(|role| format!("role R{role}")).collect();
    format!("protocol P({}) {{ {} }}", roles.join(", "), writer.out)
}

/// One thing changed: a receiver, a sender or a label of one message.
fn mutant(rng: &mut Rng, text: &str) -> String {
    let places: Vec<usize> = text.match_indices(" -> R").map(|(at, _)| at).collect();
    let Some(&at) = rng.pick(&places) else { return text.to_owned() };
    let mut bytes = text.as_bytes().to_vec();
    let roles = text.matches("role R").count();
    let digit = |rng: &mut Rng| b'0' + u8::try_from(rng.below(roles)).unwrap();
    match rng.below(3) {
        0 => bytes[at + 5] = digit(rng),
        1 => bytes[at - 1] = digit(rng),
        _ => bytes[at + 8] = if rng.chance(50) { b'x' } else { b'y' },
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn random_protocols_and_their_mutants() {
    let rounds = if long() { 40_000 } else { 1_500 };
    let mut counts = BTreeMap::new();
    let mut known: BTreeMap<Known, usize> = BTreeMap::new();
    let (mut mutants, mut spoiled) = (0, 0);
    for seed in 0..rounds {
        let mut rng = Rng::new(seed);
        let text = random(&mut rng);
        if Loaded::new("test", text.as_str(), &mut NoImports).has_errors() {
            continue;
        }
        let found = check(&text, 9, &mut counts);
        *known.entry(found).or_default() += 1;
        if matches!(found, Known::Wrong | Known::Outside) {
            continue;
        }
        let other = mutant(&mut rng, &text);
        let sound = !Loaded::new("test", other.as_str(), &mut NoImports).has_errors();
        if other != text && sound {
            mutants += 1;
            let found = check(&other, 9, &mut counts);
            spoiled += usize::from(found == Known::Wrong);
            *known.entry(found).or_default() += 1;
        }
    }
    println!("{} protocols: {known:?}\n{counts:#?}", known.values().sum::<usize>());
    println!("{mutants} mutants, {spoiled} of them spoiled");
    let count = |what: &str| counts.get(what).copied().unwrap_or(0);
    // What the conditions refuse is seen to fail, nearly always: by a run of a few events, or by exploration.
    let unseen = count("NotSeenToFail: violated") - count("NotSeenToFail: goes wrong at 3");
    assert!(unseen * 50 <= count("Wrong: violated"), "{unseen} failures were not seen");
    assert!(spoiled >= 20 && known[&Known::Implementable] > 100 && known[&Known::NotSeenToFail] > 100);
}

/// The families that the benchmark measures: each is implementable at every size, and not with one transition changed.
#[test]
fn families_and_near_misses() {
    use super::families::Family;
    for family in Family::ALL {
        for n in 4..=if long() { 14 } else { 9 } {
            for seed in [1, 2, 3] {
                for spoiled in [false, true] {
                    let spec = load(&family.text(n, seed, spoiled));
                    let Some(Target::Protocol(at)) = spec.find("P") else { panic!("no P") };
                    let (outcome, machines) = verify::complete(&spec, at, &Options::default(), &mut |_| None).unwrap();
                    let what = format!("{} {n} {seed} {spoiled}", family.name());
                    assert_eq!(outcome.verdict == Verdict::Holds, !spoiled, "{what}: {outcome:?}");
                    assert!(machines.is_some(), "{what}");
                    if spoiled && n < 6 && seed == 1 {
                        let whole = Whole::of(&spec.protocols[at].term, &spec.names);
                        let roles = spec.protocols[at].header.roles.ids();
                        let literal: Vec<_> = roles.map(|role| whole.machine(role)).collect();
                        let (wrong, _) = run_all(&literal, &spec.protocols[at].term, 2 * n + 8);
                        assert!(wrong.is_some(), "{what}: nothing goes wrong");
                    }
                }
            }
        }
    }
    // As deep as one likes, if it is written by calls.
    let text = Family::SharedTree.text(400, 5, false);
    let spec = load(&text);
    let Some(Target::Protocol(at)) = spec.find("P") else { panic!("no P") };
    let (outcome, machines) = verify::complete(&spec, at, &Options::default(), &mut |_| None).unwrap();
    assert_eq!(outcome.verdict, Verdict::Holds);
    assert!(machines.unwrap().locals.values().all(|local| local.states.len() <= 4 * 400));
}

/// Systems of two parts that never talk to each other: apart they get the verdicts that they get together.
#[test]
fn independent_parts() {
    use polylogue::{
        event::Limit,
        generate::{Global, GlobalShape, WildShape, wild},
        id::{Id, IdVec, RoleId},
        protocol::{Act, Local},
    };
    let rounds = if long() { 20_000 } else { 1_500 };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let (mut smaller, mut larger) = (0, 0);
    for seed in 0..rounds {
        let mut rng = Rng::new(seed);
        // The second system's roles stand behind those of the first.
        let mut locals: IdVec<RoleId, Local> = IdVec::new();
        for _ in 0..2 {
            let first = locals.len();
            let part: IdVec<RoleId, Local> = if rng.chance(70) {
                let shape = GlobalShape { roles: rng.between(2, 3), size: 6, ..GlobalShape::any(&mut rng) };
                let global = Global::any(&mut rng, shape);
                let Ok(graph) = Graph::of(&global.term()) else { continue };
                let roles = (0..global.roles()).map(|at| RoleId::new(at).unwrap());
                roles.map(|role| project::canonical(&graph, role).unwrap()).collect()
            } else {
                let shape = WildShape::any(&mut rng);
                wild(&mut rng, shape)
            };
            let moved = |role: RoleId| RoleId::new(role.index() + first).unwrap();
            for mut local in part.values().cloned() {
                local.role = moved(local.role);
                for arm in local.states.values_mut().flat_map(|state| &mut state.arms) {
                    arm.act = match arm.act {
                        Act::Send(peer) => Act::Send(moved(peer)),
                        Act::Receive(peer) => Act::Receive(moved(peer)),
                        other => other,
                    };
                }
                locals.push(local).unwrap();
            }
        }
        let subject = Subject::written(locals, &[]);
        for property in
            [Property::Safe, Property::DeadlockFree, Property::Live, Property::Terminating, Property::Bounded]
        {
            let options = Options {
                bound: (property != Property::Bounded).then_some(1),
                max_states: 20_000,
                ..Options::default()
            };
            let ask = |raw| {
                let options = Options { raw, max_bound: 2, ..options.clone() };
                verify::check_subject(&subject, property, &options, &mut |_| None).unwrap()
            };
            let (apart, together) = (ask(false), ask(true));
            let word = |verdict: &Verdict| match verdict {
                Verdict::Holds => "holds",
                Verdict::Violated(_) => "violated",
                Verdict::Unknown(Limit::States(_)) => "too large",
                Verdict::Unknown(_) => "unknown",
            };
            let (one, other) = (word(&apart.verdict), word(&together.verdict));
            *counts.entry(format!("{}: {one}, together {other}", property.name())).or_default() += 1;
            if other != "too large" && other != "unknown" {
                assert_eq!(one, other, "seed {seed}, {property:?}: {apart:?}\n{together:?}");
            }
            if one == "holds" && other == "holds" {
                smaller += usize::from(apart.configurations < together.configurations);
                larger += usize::from(apart.configurations > together.configurations);
            }
        }
    }
    println!("{counts:#?}\n{smaller} explorations are smaller apart, {larger} larger");
    assert!(smaller > 100 && larger * 3 < smaller);
}
