//! Systems that are drawn so that what is hard about k-multiparty compatibility comes up: messages that race although never
//! both are there, and queues that must be long but not without end.

use polylogue::{
    generate::Rng,
    id::{Id, IdVec, LabelId, RoleId, SortId, StateId},
    protocol::{Act, Arm, Local, State},
    verify::{Detail, Evidence, Options, Property},
};

use super::{
    brute::{LIMIT, Tally, long},
    common::{check, word},
    slow::Space,
};

/// What a role does: sends and receives with their labels.
type Word = Vec<(Act, usize)>;

fn role(at: usize) -> RoleId {
    RoleId::new(at).unwrap()
}

fn arm(act: Act, label: usize, then: usize) -> Arm {
    let then = StateId::new(then).unwrap();
    Arm { act, label: LabelId::new(label).unwrap(), sort: SortId::from_raw(0), then, span: Default::default() }
}

/// A role that does some things once, and others again and again, or ends.
fn local(own: usize, before: &Word, around: &Word) -> Local {
    let mut states = vec![State::default()];
    let n = before.len() + around.len();
    for (at, &(act, label)) in before.iter().chain(around).enumerate() {
        let then = if at + 1 == n && !around.is_empty() { before.len() + 1 } else { at + 2 };
        states.push(State { arms: vec![arm(act, label, then)], ..State::default() });
    }
    states.push(State { may_stop: true, ..State::default() });
    Local { role: role(own), initial: StateId::from_raw(1), states: states.into() }
}

/// Messages in some order, as each role sees them.
fn views(messages: &[(usize, usize, usize)], roles: usize) -> Vec<Word> {
    let mut words = vec![Word::new(); roles];
    for &(from, to, label) in messages {
        words[from].push((Act::Send(role(to)), label));
        words[to].push((Act::Receive(role(from)), label));
    }
    words
}

/// Messages again and again; a role takes two of them from different peers in either order.
fn diamond(rng: &mut Rng) -> Option<IdVec<RoleId, Local>> {
    let roles = rng.between(3, 4);
    let messages: Vec<(usize, usize, usize)> = (0..rng.between(3, 6))
        .map(|_| {
            let from = rng.below(roles);
            (from, (from + rng.between(1, roles - 1)) % roles, rng.below(2))
        })
        .collect();
    let words = views(&messages, roles);
    let places: Vec<(usize, usize)> = words
        .iter()
        .enumerate()
        .flat_map(|(own, word)| (1..word.len()).map(move |at| (own, at)))
        .filter(|&(own, at)| match (words[own][at - 1].0, words[own][at].0) {
            (Act::Receive(one), Act::Receive(other)) => one != other,
            _ => false,
        })
        .collect();
    let &(own, second) = rng.pick(&places)?;
    let mut locals = IdVec::new();
    for (at, word) in words.iter().enumerate() {
        let mut machine = local(at, &Word::new(), word);
        if at == own {
            let (first, other) = (word[second - 1], word[second]);
            let after = if second + 1 == word.len() { 1 } else { second + 2 };
            // The other one first, and then the first one.
            let new = machine.states.len();
            machine.states.push(State { arms: vec![arm(first.0, first.1, after)], ..State::default() }).unwrap();
            machine.states[StateId::new(second).unwrap()].arms.push(arm(other.0, other.1, new));
        }
        locals.push(machine).unwrap();
    }
    Some(locals)
}

#[test]
fn who_knows_of_a_reception() {
    let mut tally = Tally::default();
    for seed in 0..if long() { 200_000 } else { 4_000 } {
        let mut rng = Rng::new(seed);
        let Some(locals) = diamond(&mut rng) else { continue };
        tally.system(&locals, 1..=2, &|| format!("seed {seed}"));
    }
    println!("{tally:?}");
    assert!(tally.causal > 50 && tally.chained > 50, "{tally:?}");
}

/// Two or three roles that go round; some are ahead by some messages, and send before they receive.
fn ahead(rng: &mut Rng) -> IdVec<RoleId, Local> {
    let roles = if rng.chance(70) { 2 } else { 3 };
    let labels = rng.between(1, 2);
    let messages: Vec<(usize, usize, usize)> = (0..rng.between(1, 4))
        .map(|_| {
            let from = rng.below(roles);
            (from, (from + rng.between(1, roles - 1)) % roles, rng.below(labels))
        })
        .collect();
    let mut locals = IdVec::new();
    for (own, mut around) in views(&messages, roles).into_iter().enumerate() {
        for _ in 0..rng.below(4) {
            let at = rng.below(around.len().saturating_sub(1).max(1));
            if at + 1 < around.len() && matches!((around[at].0, around[at + 1].0), (Act::Receive(_), Act::Send(_))) {
                around.swap(at, at + 1);
            }
        }
        // What is sent in the first rounds, before anything is received; now and then something else.
        let sends: Word = around.iter().copied().filter(|(act, _)| matches!(act, Act::Send(_))).collect();
        let mut before = Word::new();
        if !sends.is_empty() && rng.chance(50) {
            let n = rng.below(6);
            before.extend(sends.iter().copied().cycle().take(n));
            if rng.chance(20) && n > 0 {
                before[rng.below(n)].1 = rng.below(labels);
            }
        }
        // More than the others take, or less, or something else.
        if !around.is_empty() && rng.chance(30) {
            let at = rng.below(around.len());
            match rng.below(3) {
                0 => around.insert(at, around[at]),
                1 if around.len() > 1 => drop(around.remove(at)),
                _ => around[at].1 = rng.below(labels),
            }
        }
        // It begins with something that comes once.
        if rng.chance(15) && !around.is_empty() {
            before.push(around[rng.below(around.len())]);
        }
        locals.push(local(own, &before, &around)).unwrap();
    }
    locals
}

#[test]
fn queues_that_must_be_long() {
    let (mut never, mut later, mut compared) = (0, 0, 0);
    for seed in 0..if long() { 300_000 } else { 6_000 } {
        let mut rng = Rng::new(seed);
        let locals = ahead(&mut rng);
        let options = Options { max_states: 20_000, max_bound: 16, ..Options::default() };
        let outcome = check(&locals, &[], Property::Kmc, &options).unwrap_or_else(|e| panic!("seed {seed}: {e:?}"));
        match (&outcome.detail, &outcome.evidence) {
            (Some(Detail::NoRoom { again, .. }), _) => {
                assert!(again.is_some(), "seed {seed}");
                never += 1;
                for k in 1..=10 {
                    let Some(space) = Space::of(&locals, k, LIMIT) else { continue };
                    compared += 1;
                    assert!(!space.is_exhaustive(), "seed {seed}: never exhaustive, but it is for {k}: {locals:?}");
                }
            }
            (_, Some(Evidence::Compatible(found))) if found.bound > 1 => {
                later += 1;
                for k in [found.bound - 1, found.bound] {
                    let Some(space) = Space::of(&locals, k, LIMIT) else { continue };
                    compared += 1;
                    assert_eq!(space.is_exhaustive() && space.is_safe(), k == found.bound, "seed {seed} k={k}");
                }
            }
            _ => assert_ne!(word(&outcome.verdict), "unknown", "seed {seed}: {:?}", outcome.verdict),
        }
    }
    println!("{never} never, {later} for larger bounds only, {compared} comparisons");
    assert!(never > 100 && later > 100, "{never} {later}");
}
