//! Roles that can be exchanged: one configuration for all that differ in who is who, against all of them.

use std::collections::{BTreeMap, BTreeSet};

use polylogue::{
    diag::Span,
    event::Verdict,
    generate::{Rng, Twist, family},
    id::{Id, IdVec, LabelId, RoleId, SortId, StateId},
    protocol::{Act, Arm, Local, State},
    verify::{Options, Property},
};

use super::common::{bound, check, machines, word};

/// Whom a step of a pattern is with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum With {
    Hub,
    /// The member's own second role, or of a second role the first.
    Own,
    /// Any other member.
    Any,
}

/// Sends, with whom, label, next state.
type Pattern = Vec<Vec<(bool, With, u32, usize)>>;

fn pattern(rng: &mut Rng, states: usize, with: &[With]) -> Pattern {
    let mut pattern: Pattern = Vec::new();
    for at in 0..states {
        let arms = if at + 1 == states && rng.chance(60) { 0 } else { 1 + rng.below(2) };
        let sends = rng.chance(50);
        let mut state = Vec::new();
        for _ in 0..arms {
            let sends = if rng.chance(15) { !sends } else { sends };
            let step = (sends, *rng.pick(with).unwrap(), rng.below(2) as u32, rng.below(states));
            // One step of each name, so that there are no twins.
            if !state.iter().any(|&(s, w, l, _)| (s, w, l) == (step.0, step.1, step.2)) {
                state.push(step);
            }
        }
        pattern.push(state);
    }
    pattern
}

fn dual(pattern: &Pattern) -> Pattern {
    pattern.iter().map(|state| state.iter().map(|&(s, w, l, to)| (!s, w, l, to)).collect()).collect()
}

fn arm(sends: bool, peer: usize, label: u32, then: usize) -> Arm {
    let peer = RoleId::new(peer).unwrap();
    let act = if sends { Act::Send(peer) } else { Act::Receive(peer) };
    let then = StateId::new(then + 1).unwrap();
    Arm { act, label: LabelId::from_raw(label), sort: SortId::from_raw(0), then, span: Span::default() }
}

fn local(role: usize, states: Vec<Vec<Arm>>) -> Local {
    let mut all = vec![State::default()];
    all.extend(states.into_iter().map(|arms| State { may_stop: arms.is_empty(), arms, ..State::default() }));
    Local { role: RoleId::new(role).unwrap(), initial: StateId::from_raw(1), states: all.into() }
}

/// A system with `n` members, and the roles of each; the hub, if there is one, is the last role.
fn draw(rng: &mut Rng) -> (Vec<Local>, Vec<Vec<usize>>) {
    let kind = rng.below(4);
    let n = 2 + rng.below(if kind == 1 { 2 } else { 3 });
    let each = if kind == 3 { 2 } else { 1 };
    // Members and their second roles in any order of numbers.
    let mut numbers: Vec<usize> = (0..n * each).collect();
    rng.shuffle(&mut numbers);
    let members: Vec<Vec<usize>> = numbers.chunks(each).map(<[usize]>::to_vec).collect();
    let hub = n * each;
    let size = 2 + rng.below(2);
    let with: &[With] = match kind {
        2 => &[With::Any, With::Any, With::Hub],
        3 => &[With::Hub, With::Own],
        _ => &[With::Hub],
    };
    let first = pattern(rng, size, with);
    let mut own = dual(&first);
    for state in &mut own {
        state.retain(|&(_, with, ..)| with == With::Own);
    }
    let second = if rng.chance(70) { own } else { pattern(rng, size, &[With::Own]) };
    let mut towards: Pattern = dual(&first);
    for state in &mut towards {
        state.retain(|&(_, with, ..)| with == With::Hub);
    }
    if rng.chance(30) {
        towards = pattern(rng, size, &[With::Hub]);
    }
    let mut locals = Vec::new();
    let expand = |of: &Pattern, member: usize, place: usize| {
        let state = |steps: &Vec<(bool, With, u32, usize)>| {
            let mut arms = Vec::new();
            for &(sends, with, label, then) in steps {
                match with {
                    With::Hub => arms.push(arm(sends, hub, label, then)),
                    With::Own => arms.push(arm(sends, members[member][1 - place], label, then)),
                    With::Any => {
                        let others = (0..n).filter(|&other| other != member);
                        arms.extend(others.map(|other| arm(sends, members[other][0], label, then)));
                    }
                }
            }
            arms
        };
        local(members[member][place], of.iter().map(state).collect())
    };
    for member in 0..n {
        locals.push(expand(&first, member, 0));
        if each == 2 {
            locals.push(expand(&second, member, 1));
        }
    }
    let mut states: Vec<Vec<Arm>> = Vec::new();
    if kind == 1 {
        // Any mixture of what it does with each.
        for all in 0..size.pow(n as u32) {
            let digit = |member: usize| all / size.pow(member as u32) % size;
            let mut arms = Vec::new();
            for (member, roles) in members.iter().enumerate() {
                for &(sends, _, label, then) in &towards[digit(member)] {
                    let next = all + then * size.pow(member as u32) - digit(member) * size.pow(member as u32);
                    arms.push(arm(sends, roles[0], label, next));
                }
            }
            states.push(arms);
        }
    } else {
        // One at a time, until it is where it began.
        states.push(Vec::new());
        let place = |member: usize, state: usize| if state == 0 { 0 } else { 1 + member * (size - 1) + state - 1 };
        for _ in 0..n * (size - 1) {
            states.push(Vec::new());
        }
        for (member, roles) in members.iter().enumerate() {
            for (at, steps) in towards.iter().enumerate() {
                for &(sends, _, label, then) in steps {
                    states[place(member, at)].push(arm(sends, roles[0], label, place(member, then)));
                }
            }
        }
    }
    locals.push(local(hub, states));
    locals.sort_by_key(|local| local.role);
    (locals, members)
}

#[test]
fn generated_families() {
    let (mut verdicts, mut compared, mut lengths) = (BTreeMap::<_, usize>::new(), 0, 0);
    let (mut all, mut fewer, mut found, mut spoilt) = (0usize, 0usize, [0; 2], 0);
    for seed in 0..2_400u64 {
        let mut rng = Rng::new(9_000_000 + seed);
        let (mut locals, members) = draw(&mut rng);
        // One member that is not like the others.
        let bad = seed % 3 == 2;
        if bad {
            let role = members[rng.below(members.len())][0];
            let arms: Vec<(StateId, usize)> = locals[role]
                .states
                .iter()
                .flat_map(|(id, state)| (0..state.arms.len()).map(move |arm| (id, arm)))
                .collect();
            let Some(&(state, nth)) = arms.get(rng.below(arms.len().max(1))) else { continue };
            locals[role].states[state].arms[nth].label = LabelId::from_raw(2);
            spoilt += 1;
        }
        let locals: IdVec<RoleId, Local> = locals.into_iter().collect();
        let property = if seed % 2 == 0 { Property::Safe } else { Property::DeadlockFree };
        for base in [bound(1 + (seed % 3) as u32), Options { max_bound: 2, ..Options::default() }] {
            let what = format!("seed {seed}, {property:?}, bound {:?}", base.bound);
            let full = Options { symmetry: false, max_states: 30_000, ..base.clone() };
            let whole = check(&locals, &[], property, &full).expect(&what);
            let threads = if seed % 5 == 0 { 3 } else { 1 };
            let one = check(&locals, &[], property, &Options { symmetry: true, threads, chunk: 2, ..full });
            let one = one.expect(&what);
            assert!(whole.families.is_empty(), "{what}");
            if word(&whole.verdict) == "unknown" {
                continue;
            }
            compared += 1;
            *verdicts.entry(word(&whole.verdict)).or_default() += 1;
            assert_eq!(word(&whole.verdict), word(&one.verdict), "{what}: {one:?}");
            if let (Verdict::Violated(run), Verdict::Violated(image)) = (&whole.verdict, &one.verdict) {
                // What is known to be shortest stays known.
                assert!(one.shortest || !whole.shortest, "{what}");
                lengths += usize::from(whole.shortest);
                assert!(!whole.shortest || run.run.len() == image.run.len(), "{what}: a shortest run");
            } else {
                assert_eq!(whole.exhaustive, one.exhaustive, "{what}");
            }
            for family in &one.families {
                let roles: BTreeSet<usize> = family.iter().map(|role| role.index()).collect();
                assert!(roles.len() == family.len() && roles.len() > 1, "{what}");
            }
            if one.families.is_empty() {
                assert_eq!(whole.configurations, one.configurations, "{what}");
            } else {
                found[usize::from(bad)] += 1;
                if word(&whole.verdict) == "holds" {
                    assert!(one.configurations <= whole.configurations, "{what}");
                    (all, fewer) = (all + whole.configurations, fewer + one.configurations);
                }
            }
        }
    }
    println!("{compared} compared, {verdicts:?}, families in {found:?}, {spoilt} with one that is not like the others");
    println!("what holds: {all} configurations, {fewer} up to exchange");
    assert!(verdicts["holds"] > 300 && verdicts["violated"] > 300 && found[0] > 1_000, "{verdicts:?} {found:?}");
    assert!(lengths > 300, "{lengths}");
    assert!(fewer * 3 < all * 2, "{fewer} of {all}");
}

/// How many configurations a pool of `n` has: all, and up to exchange.
fn pool(n: usize, twist: Twist) -> [polylogue::verify::Outcome; 2] {
    let text = family("workers", &[n], twist).unwrap();
    let system = machines(text.split("\ncheck").next().unwrap());
    [false, true].map(|symmetry| system.check(Property::Safe, &Options { symmetry, ..Options::default() }))
}

#[test]
fn a_pool_of_workers() {
    let mut table = Vec::new();
    for n in 1..=6 {
        for seed in [None, Some(1), Some(2)] {
            let twist = Twist { seed, ..Twist::default() };
            let [whole, one] = pool(n, twist);
            assert_eq!((word(&whole.verdict), word(&one.verdict)), ("holds", "holds"), "{n}");
            assert!(whole.exhaustive && one.exhaustive);
            assert_eq!(one.families.iter().map(Vec::len).collect::<Vec<_>>(), if n > 1 { vec![n] } else { vec![] });
            if seed.is_none() {
                table.push((whole.configurations, one.configurations));
            } else {
                assert_eq!(Some(&(whole.configurations, one.configurations)), table.last(), "{n} {seed:?}");
            }
            let [whole, one] = pool(n, Twist { near_miss: true, ..twist });
            let (Verdict::Violated(run), Verdict::Violated(image)) = (&whole.verdict, &one.verdict) else {
                panic!("{n} {seed:?}: {whole:?} {one:?}")
            };
            assert_eq!(run.run.len(), image.run.len());
            // The one that is sent something else is like no other.
            assert_eq!(one.families.iter().map(Vec::len).sum::<usize>(), if n > 2 { n - 1 } else { 0 });
        }
    }
    println!("{table:?}");
    // A worker with its queues and what the pool does with it is in one of w situations, w + v while it is served. Of n
    // workers at most one is served: w^n + n v w^(n-1); up to exchange, multisets.
    let (w, v) = (table[0].0 - served(&table), served(&table));
    let choose = |n: usize, k: usize| (0..k).fold(1, |all, at| all * (n - at) / (at + 1));
    for (at, &(whole, one)) in table.iter().enumerate() {
        let n = at + 1;
        assert_eq!(whole, w.pow(n as u32) + n * v * w.pow(at as u32), "{n}");
        assert_eq!(one, choose(n + w - 1, n) + v * choose(at + w - 1, at), "{n}");
    }
}

/// In how many situations a worker is that is served, by the first two counts.
fn served(table: &[(usize, usize)]) -> usize {
    // w + v = a and w² + 2vw = b, so w² - 2aw + b = 0.
    let (a, b) = (table[0].0, table[1].0);
    let w = (1..=a).find(|&w| w * w + b == 2 * a * w).expect("a whole number of situations");
    a - w
}

#[test]
fn the_corpus() {
    let Some(text) = crate::shared::text("corpus/systems.jsonl") else { return };
    let (mut rows, mut found) = (0, BTreeMap::new());
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let machines = machines(row["mpst"].as_str().unwrap());
        for property in [Property::Safe, Property::DeadlockFree] {
            for base in [bound(1), bound(2), Options { max_bound: 4, ..Options::default() }] {
                let full = Options { symmetry: false, max_states: 20_000, ..base };
                let whole = machines.check(property, &full);
                let one = machines.check(property, &Options { symmetry: true, ..full });
                if word(&whole.verdict) == "unknown" {
                    continue;
                }
                rows += 1;
                assert_eq!(word(&whole.verdict), word(&one.verdict), "{}", row["id"]);
                if let (Verdict::Violated(run), Verdict::Violated(image)) = (&whole.verdict, &one.verdict) {
                    let shortest = whole.shortest && one.shortest;
                    assert!(!shortest || run.run.len() == image.run.len(), "{}", row["id"]);
                }
                if !one.families.is_empty() {
                    found.insert(row["id"].to_string(), (whole.configurations, one.configurations));
                }
            }
        }
    }
    println!("{rows} compared; with families: {found:?}");
    assert!(rows > 400, "{rows}");
}
