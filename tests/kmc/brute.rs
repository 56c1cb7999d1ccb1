//! Small systems, all of them up to renaming; seeded samples of larger ones. Every condition of k-multiparty
//! compatibility against its definition ([`Space`](super::slow::Space)), the reduced graph against the full one, and the
//! theorem against the bounds k + 1 and k + 2.

use std::collections::BTreeMap;

use polylogue::{
    event::{Limit, Verdict},
    generate::{Rng, WildShape, wild_local},
    id::{Id, IdVec, LabelId, RoleId, SortId, StateId},
    protocol::{Act, Arm, Local, State},
    verify::{Detail, Evidence, Options, Outcome, Property},
};

use super::{
    common::{bound, check, raw, word},
    slow::Space,
};

pub(crate) fn long() -> bool {
    std::env::var_os("POLYLOGUE_LONG").is_some()
}

/// Steps: what is done, by whom, and where to.
type Steps = Vec<(Act, usize, usize)>;

/// What machines there are: how many states, for whom, among how many, with how many labels.
#[derive(Clone, Copy)]
struct Scope {
    roles: usize,
    states: usize,
    labels: usize,
    /// States may speak with several peers.
    several: bool,
    /// States may send and receive.
    mixed: bool,
}

/// What a state may do: a list of actions.
fn choices(scope: Scope, role: usize) -> Vec<Vec<(Act, usize)>> {
    let peers: Vec<RoleId> =
        (0..scope.roles).filter(|&peer| peer != role).map(|peer| RoleId::new(peer).unwrap()).collect();
    let mut all: Vec<(Act, usize)> = Vec::new();
    for &peer in &peers {
        for label in 0..scope.labels {
            all.extend([(Act::Send(peer), label), (Act::Receive(peer), label)]);
        }
    }
    let mut sets = Vec::new();
    for bits in 0..1u32 << all.len() {
        let set: Vec<(Act, usize)> = (0..all.len()).filter(|at| bits >> at & 1 == 1).map(|at| all[at]).collect();
        let sends = set.iter().filter(|(act, _)| matches!(act, Act::Send(_))).count();
        let one_peer = set.iter().all(|(act, _)| act == &set[0].0);
        if (scope.mixed || sends == 0 || sends == set.len()) && (scope.several || one_peer || scope.mixed) {
            sets.push(set);
        }
    }
    sets
}

/// Every machine whose states are all reached and numbered as they are met.
fn machines(scope: Scope, role: usize) -> Vec<Local> {
    let sets = choices(scope, role);
    let mut done = Vec::new();
    // States with what they do; targets are filled in breadth first.
    type Rows = Vec<Vec<(Act, usize, usize)>>;
    let mut open: Vec<(Rows, usize)> = vec![(Vec::new(), 1)];
    while let Some((rows, met)) = open.pop() {
        if rows.len() == met {
            done.push(rows);
            continue;
        }
        for set in &sets {
            let mut ways: Vec<(Steps, usize)> = vec![(Vec::new(), met)];
            for &(act, label) in set {
                let mut more = Vec::new();
                for (row, met) in &ways {
                    for then in 0..scope.states.min(met + 1) {
                        let mut row = row.clone();
                        row.push((act, label, then));
                        more.push((row, (*met).max(then + 1)));
                    }
                }
                ways = more;
            }
            for (row, met) in ways {
                let mut rows = rows.clone();
                rows.push(row);
                open.push((rows, met));
            }
        }
    }
    let role = RoleId::new(role).unwrap();
    let local = |rows: Rows| {
        let mut states = vec![State::default()];
        for row in rows {
            let arm = |&(act, label, then): &(Act, usize, usize)| Arm {
                act,
                label: LabelId::new(label).unwrap(),
                sort: SortId::from_raw(0),
                then: StateId::new(then + 1).unwrap(),
                span: Default::default(),
            };
            states.push(State { may_stop: row.is_empty(), arms: row.iter().map(arm).collect(), ..State::default() });
        }
        Local { role, initial: StateId::from_raw(1), states: states.into() }
    };
    done.into_iter().map(local).collect()
}

/// What was compared.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    systems: usize,
    compared: usize,
    holds: usize,
    by_theorem: usize,
    never: usize,
    never_independent: usize,
    /// Races of messages that are never both there.
    pub(crate) causal: usize,
    /// Right with states that receive from several.
    pub(crate) chained: usize,
    kinds: BTreeMap<&'static str, usize>,
    least: BTreeMap<u32, usize>,
    checked_beyond: usize,
}

fn kind(outcome: &Outcome) -> &'static str {
    match (&outcome.verdict, &outcome.detail) {
        (Verdict::Holds, _) => "holds",
        (Verdict::Unknown(Limit::States(_)), _) => "large",
        (Verdict::Unknown(_), _) => "unknown",
        (_, Some(Detail::Deadlock(_) | Detail::Orphan(_) | Detail::Unspecified { .. })) => "fault",
        (_, Some(Detail::Starved { .. } | Detail::Unreceived { .. })) => "unsafe",
        (_, Some(Detail::NoRoom { .. })) => "no room",
        (_, Some(Detail::HalfChoice { .. })) => "half choice",
        (_, Some(Detail::Race { .. })) => "race",
        other => panic!("{other:?}"),
    }
}

pub(crate) const LIMIT: usize = 3_000;

impl Tally {
    pub(crate) fn system(
        &mut self,
        locals: &IdVec<RoleId, Local>,
        bounds: std::ops::RangeInclusive<u32>,
        what: &dyn Fn() -> String,
    ) {
        self.systems += 1;
        let most = |options: Options| Options { max_states: 50_000, ..options };
        let mut safe = BTreeMap::new();
        for k in bounds.clone() {
            let Some(space) = Space::of(locals, k, LIMIT) else { continue };
            self.compared += 1;
            let faulty = super::slow::faulty(&space);
            let (is_safe, cut) = (space.is_safe(), space.is_cut());
            let exhaustive = !cut || space.is_exhaustive();
            let csa = super::slow::is_csa(&space.system);
            safe.insert(k, (is_safe, exhaustive));
            let independent = || space.is_output_independent();
            let chained = || space.is_chained(9, 20_000);
            let right = |outcome: &Outcome| match kind(outcome) {
                "fault" => faulty,
                "no room" => cut && !exhaustive,
                "unsafe" => !is_safe,
                "half choice" => cut && csa && is_safe && exhaustive && !independent(),
                // A long way may show what a short one does not.
                "race" => cut && csa && is_safe && exhaustive && !space.is_directed(),
                "unknown" => cut && is_safe && exhaustive && !csa,
                // What is not a session automaton may have no group that needs to be one.
                "holds" => is_safe && exhaustive && (!cut || !csa || independent() && chained() != Some(false)),
                _ => true,
            };
            let reduced =
                check(locals, &[], Property::Kmc, &most(bound(k))).unwrap_or_else(|e| panic!("{}: {e:?}", what()));
            let full =
                check(locals, &[], Property::Kmc, &raw(most(bound(k)))).unwrap_or_else(|e| panic!("{}: {e:?}", what()));
            for outcome in [&reduced, &full] {
                assert!(right(outcome), "{} k={k}: {}", what(), kind(outcome));
            }
            // Machines as they are written may be no session automata where the smallest ones are.
            let verdicts = [word(&reduced.verdict), word(&full.verdict)];
            assert!(
                verdicts[0] == verdicts[1] || !csa && verdicts.contains(&"unknown"),
                "{} k={k} {verdicts:?}",
                what()
            );
            if csa && kind(&full) == "race" {
                *self
                    .kinds
                    .entry(if chained() == Some(false) { "race, seen" } else { "race, not seen" })
                    .or_default() += 1;
            }
            self.causal += usize::from(matches!(full.detail, Some(Detail::Race { taken_at: Some(_), .. })));
            *self.kinds.entry(kind(&full)).or_default() += 1;
            if let (Verdict::Violated(ours), Verdict::Violated(shortest), true, true) = (
                &reduced.verdict,
                &full.verdict,
                reduced.shortest,
                kind(&full) == kind(&reduced) && kind(&full) != "race",
            ) {
                assert!(ours.run.len() <= shortest.run.len(), "{} k={k}", what());
            }
            if word(&full.verdict) == "holds" {
                self.holds += 1;
                let Some(Evidence::Compatible(found)) = full.evidence else { panic!("{}", what()) };
                self.by_theorem += usize::from(!found.whole);
                self.chained += usize::from(!found.whole && !found.directed);
                for more in [k + 1, k + 2] {
                    if let Some(space) = Space::of(locals, more, LIMIT) {
                        self.checked_beyond += 1;
                        assert!(
                            space.is_safe() && !super::slow::faulty(&space),
                            "{} k={k} says yes, but {more}",
                            what()
                        );
                        assert!(space.is_exhaustive(), "{} k={k} says yes, but {more} is not exhaustive", what());
                    }
                }
            }
        }
        let any = check(locals, &[], Property::Kmc, &Options { max_bound: 3, ..most(Options::default()) })
            .unwrap_or_else(|e| panic!("{}: {e:?}", what()));
        if let (Verdict::Holds, Some(Evidence::Compatible(found))) = (&any.verdict, &any.evidence) {
            assert!(safe.values().all(|&(safe, exhaustive)| safe || !exhaustive), "{}: safe?", what());
            *self.least.entry(found.bound).or_default() += 1;
            for k in 1..=found.bound.min(*bounds.end()) {
                let one = check(locals, &[], Property::Kmc, &most(bound(k))).unwrap();
                assert_eq!(word(&one.verdict) == "holds", k == found.bound, "{} k={k}: least {}", what(), found.bound);
            }
        }
        match &any.detail {
            Some(Detail::HalfChoice { always, .. }) => {
                assert!(*always, "{}", what());
                self.independent_for_none(locals, any.bound, what);
            }
            Some(Detail::Race { always, .. }) => {
                assert!(always.is_some(), "{}", what());
                self.independent_for_none(locals, any.bound, what);
            }
            Some(Detail::NoRoom { again, .. }) => {
                assert!(again.is_some(), "{}", what());
                self.never += 1;
                assert!(safe.values().all(|&(_, exhaustive)| !exhaustive), "{}: never exhaustive?", what());
            }
            Some(_) if kind(&any) == "unsafe" => {
                assert!(safe.values().any(|&(safe, _)| !safe) || any.bound > Some(*bounds.end()), "{}", what());
            }
            _ => {}
        }
    }
}

impl Tally {
    /// For every k on which the definitions can be tried, some send lacks room, and the system is not k-exhaustive or not
    /// independent.
    fn independent_for_none(&mut self, locals: &IdVec<RoleId, Local>, from: Option<u32>, what: &dyn Fn() -> String) {
        self.never_independent += 1;
        let from = from.unwrap_or_else(|| panic!("{}: for which k?", what()));
        for k in 1..=from + 3 {
            let Some(space) = Space::of(locals, k, LIMIT) else { continue };
            assert!(space.is_cut(), "{} k={k}: no send lacks room", what());
            let independent = || space.is_output_independent() && space.is_chained(9, 20_000) != Some(false);
            let right = !space.is_safe() || !space.is_exhaustive() || !independent();
            // Long ways are not looked at by `is_chained`.
            if !right {
                let one = check(locals, &[], Property::Kmc, &bound(k)).unwrap();
                assert!(matches!(one.detail, Some(Detail::Race { .. })), "{} k={k}: {one:?}", what());
            }
        }
    }
}

/// All combinations of one machine per role; every `skip`-th of them.
fn all(scope: Scope, skip: usize) -> Tally {
    let pools: Vec<Vec<Local>> = (0..scope.roles).map(|role| machines(scope, role)).collect();
    let count: usize = pools.iter().map(Vec::len).product();
    let mut tally = Tally::default();
    let mut at = 0;
    while at < count {
        let mut rest = at;
        let mut locals: IdVec<RoleId, Local> = IdVec::new();
        for pool in &pools {
            locals.push(pool[rest % pool.len()].clone()).unwrap();
            rest /= pool.len();
        }
        tally.system(&locals, 1..=2, &|| format!("system {at}: {locals:?}"));
        at += skip;
    }
    println!(
        "{:?} machines, every {skip} of {count} systems: {tally:?}",
        pools.iter().map(Vec::len).collect::<Vec<_>>()
    );
    tally
}

const CSA: Scope = Scope { roles: 2, states: 3, labels: 1, several: false, mixed: false };

#[test]
fn two_roles_three_states_one_label() {
    let tally = all(CSA, 1);
    assert!(tally.holds > 100 && tally.never > 0, "{tally:?}");
}

#[test]
fn two_roles_two_states_two_labels() {
    let tally = all(Scope { states: 2, labels: 2, ..CSA }, 1);
    assert!(tally.holds > 100, "{tally:?}");
}

#[test]
fn two_roles_two_states_one_label_mixed() {
    let tally = all(Scope { states: 2, mixed: true, ..CSA }, 1);
    assert!(tally.holds > 50, "{tally:?}");
}

#[test]
fn two_roles_four_states_one_label() {
    let tally = all(Scope { states: 4, ..CSA }, 1);
    assert!(tally.holds > 10, "{tally:?}");
}

#[test]
fn three_roles_two_states_one_label() {
    let tally = all(Scope { roles: 3, states: 2, ..CSA }, if long() { 1 } else { 5 });
    assert!(tally.holds > 10, "{tally:?}");
}

#[test]
fn three_roles_that_speak_with_both() {
    let tally = all(Scope { roles: 3, states: 2, several: true, ..CSA }, if long() { 41 } else { 997 });
    assert!(tally.holds > 10, "{tally:?}");
}

/// Larger ones, drawn: with twins, dead ends, optional termination, mixed states and local actions.
#[test]
fn wild_systems() {
    let mut tally = Tally::default();
    for seed in 0..if long() { 1_000_000 } else { 1_500 } {
        let mut rng = Rng::new(seed);
        let shape = WildShape { roles: rng.between(2, 3), size: rng.between(2, 4), labels: 2, sorts: 1, twins: 5 };
        let locals = (0..shape.roles).map(|role| wild_local(&mut rng, shape, RoleId::new(role).unwrap())).collect();
        tally.system(&locals, 1..=2, &|| format!("seed {seed}"));
    }
    println!("{tally:?}");
    assert!(tally.kinds.len() >= 5, "{tally:?}");
}

/// Larger ones that are session automata, and now and then right: one role's machine is another's turned round.
#[test]
fn session_automata() {
    let mut tally = Tally::default();
    for seed in 0..if long() { 1_000_000 } else { 3_000 } {
        let mut rng = Rng::new(seed);
        let locals = automata(&mut rng);
        tally.system(&locals, 1..=3, &|| format!("seed {seed}"));
    }
    println!("{tally:?}");
    assert!(tally.by_theorem > 10 && tally.never_independent > 10, "{tally:?}");
}

/// A word of messages between the roles, cut in loops, with the steps of each role in another order here and there.
fn automata(rng: &mut Rng) -> IdVec<RoleId, Local> {
    let roles = rng.between(2, 3);
    let mut words: Vec<Vec<(Act, usize)>> = vec![Vec::new(); roles];
    for _ in 0..rng.between(2, 5) {
        let from = rng.below(roles);
        let to = (from + rng.between(1, roles - 1)) % roles;
        let label = rng.below(2);
        words[from].push((Act::Send(RoleId::new(to).unwrap()), label));
        words[to].push((Act::Receive(RoleId::new(from).unwrap()), label));
    }
    let loops = rng.chance(60);
    let mut locals = IdVec::new();
    for (role, word) in words.iter_mut().enumerate() {
        // What is sent earlier is still received.
        for _ in 0..rng.below(4) {
            let at = rng.below(word.len().saturating_sub(1).max(1));
            if at + 1 < word.len() && matches!((word[at].0, word[at + 1].0), (Act::Receive(_), Act::Send(_))) {
                word.swap(at, at + 1);
            }
        }
        let mut states = vec![State::default()];
        let n = word.len();
        for (at, &(act, label)) in word.iter().enumerate() {
            let then = if at + 1 == n && loops { 1 } else { at + 2 };
            let arm = |act, label, then| Arm {
                act,
                label: LabelId::new(label).unwrap(),
                sort: SortId::from_raw(0),
                then: StateId::new(then).unwrap(),
                span: Default::default(),
            };
            let mut arms = vec![arm(act, label, then)];
            // Another label, or another peer, now and then.
            if rng.chance(30) {
                arms.push(arm(act, 1 - label, if rng.chance(50) { then } else { rng.between(1, n) }));
            }
            if rng.chance(10) && roles == 3 {
                let turn = |peer: RoleId| RoleId::new(3 - role - peer.index()).unwrap();
                let other = match act {
                    Act::Send(peer) => Act::Send(turn(peer)),
                    Act::Receive(peer) => Act::Receive(turn(peer)),
                    other => other,
                };
                arms.push(arm(other, label, then));
            }
            states.push(State { arms, ..State::default() });
        }
        states.push(State { may_stop: true, ..State::default() });
        let initial = StateId::from_raw(1);
        locals.push(Local { role: RoleId::new(role).unwrap(), initial, states: states.into() }).unwrap();
    }
    locals
}
