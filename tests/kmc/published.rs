//! The published properties against their formulas, evaluated by going through all configurations until nothing changes.

use std::collections::{BTreeMap, BTreeSet};

use polylogue::{
    event::Verdict,
    generate::{Rng, WildShape, wild},
    id::Id,
    machine::{Cells, Move},
    protocol::Act,
    verify::Property,
};

use super::{
    common::{bound, check, raw, word},
    slow::{Space, actor},
};

/// What somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Goal {
    Role(usize),
    Edge(usize),
    Input(usize),
    Output(usize),
}

struct Formulas<'a> {
    space: &'a Space,
    sync: bool,
}

impl Formulas<'_> {
    fn met(&self, at: usize) -> BTreeSet<Goal> {
        let mut met = BTreeSet::new();
        for &(step, _) in &self.space.moves[at] {
            match step {
                Move::Sync { message, .. } if self.sync => {
                    met.insert(Goal::Input(self.space.system.messages()[message].edge.index()));
                    met.insert(Goal::Output(message.index()));
                }
                _ if self.sync => {}
                Move::Sync { sender, receiver, .. } => {
                    met.extend([Goal::Role(sender.0.index()), Goal::Role(receiver.0.index())]);
                }
                Move::Receive { role, edge, .. } => met.extend([Goal::Role(role.index()), Goal::Edge(edge.index())]),
                other => met.extend([Goal::Role(actor(other).index())]),
            }
        }
        met
    }

    fn needs(&self, at: usize) -> BTreeSet<Goal> {
        let system = &self.space.system;
        let conf = &self.space.all[at];
        let mut needs = BTreeSet::new();
        for (role, machine) in system.machines().iter() {
            let state = conf.state(role);
            if machine.may_stop(state) {
                continue;
            }
            if !self.sync {
                if !self.space.sends(at, role).iter().any(|&(_, room)| !room) {
                    needs.insert(Goal::Role(role.index()));
                }
                continue;
            }
            for offer in machine.offers(state) {
                let Some(message) = system.message_of(role, offer.action) else { continue };
                needs.insert(match machine.actions()[offer.action].act {
                    Act::Send(_) => Goal::Output(message.index()),
                    _ => Goal::Input(system.messages()[message].edge.index()),
                });
            }
        }
        if !self.sync {
            needs.extend(
                system.edges().ids().filter(|&edge| conf.queued(edge) > 0).map(|edge| Goal::Edge(edge.index())),
            );
        }
        needs
    }

    /// μY, from below.
    fn least(&self, grow: impl Fn(usize, &[bool]) -> bool) -> Vec<bool> {
        let n = self.space.all.len();
        let mut y = vec![false; n];
        loop {
            let next: Vec<bool> = (0..n).map(|at| y[at] || grow(at, &y)).collect();
            if next == y {
                return y;
            }
            y = next;
        }
    }

    fn reach(&self, from: usize, through: impl Fn(usize) -> bool) -> BTreeSet<usize> {
        let mut seen = BTreeSet::from([from]);
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            if through(at) {
                open.extend(self.space.moves[at].iter().map(|&(_, to)| to).filter(|&to| seen.insert(to)));
            }
        }
        seen
    }

    fn holds(&self, property: Property) -> bool {
        let n = self.space.all.len();
        let moves = &self.space.moves;
        let met: Vec<BTreeSet<Goal>> = (0..n).map(|at| self.met(at)).collect();
        let needs: Vec<BTreeSet<Goal>> = (0..n).map(|at| self.needs(at)).collect();
        let goals: BTreeSet<Goal> = needs.iter().flatten().copied().collect();
        match property {
            Property::NeverTerminating => (0..n).all(|at| !moves[at].is_empty() || self.full(at)),
            Property::FairTerminating => (0..n).all(|at| {
                let on = self.reach(at, |_| true);
                // Something ends well, or is stuck for want of room; or there is a way out of here.
                let bottom = on.iter().all(|&to| self.reach(to, |_| true).contains(&at));
                let ends = moves[at].is_empty() && (self.full(at) || self.space.system.is_final(&self.space.all[at]));
                !bottom || ends
            }),
            Property::CommunicationSafe => (0..n).all(|at| self.understood(at)),
            _ => goals.into_iter().all(|goal| {
                let is_met = |at: usize| met[at].contains(&goal);
                let sure = match property {
                    Property::LivePlusPlus => self
                        .least(|at, y| is_met(at) || !moves[at].is_empty() && moves[at].iter().all(|&(_, to)| y[to])),
                    Property::LivePlus => self.least(|at, y| {
                        let all = |role| {
                            let mut own = moves[at].iter().filter(|(step, _)| actor(*step) == role).peekable();
                            own.peek().is_some() && own.all(|&(_, to)| y[to])
                        };
                        is_met(at) || self.space.system.machines().ids().any(all)
                    }),
                    Property::FairLive => (0..n)
                        .map(|at| {
                            is_met(at)
                                || !self.reach(at, |to| !is_met(to)).into_iter().any(|to| {
                                    let on = self.reach(to, |_| true);
                                    on.iter().all(|&then| !is_met(then) && self.reach(then, |_| true).contains(&to))
                                })
                        })
                        .collect(),
                    other => panic!("{other:?}"),
                };
                (0..n).all(|at| sure[at] || !needs[at].contains(&goal))
            }),
        }
    }

    fn full(&self, at: usize) -> bool {
        !self.sync
            && self.space.system.machines().ids().any(|role| self.space.sends(at, role).iter().any(|&(_, room)| !room))
    }

    fn understood(&self, at: usize) -> bool {
        let system = &self.space.system;
        let conf = &self.space.all[at];
        system.edges().iter().all(|(id, edge)| {
            let offers = |role, wanted| {
                let machine: &polylogue::machine::Machine = &system.machines()[role];
                let offers = machine.offers(conf.state(role)).iter();
                let offers = offers.filter(|offer| machine.actions()[offer.action].act == wanted);
                offers.filter_map(|offer| system.message_of(role, offer.action)).collect::<BTreeSet<_>>()
            };
            let takes = offers(edge.to, Act::Receive(edge.from));
            let sent =
                if self.sync { offers(edge.from, Act::Send(edge.to)) } else { conf.head(id).into_iter().collect() };
            takes.is_empty() || sent.is_subset(&takes)
        })
    }
}

const ALL: [Property; 6] = [
    Property::LivePlus,
    Property::LivePlusPlus,
    Property::FairLive,
    Property::FairTerminating,
    Property::NeverTerminating,
    Property::CommunicationSafe,
];

#[test]
fn properties_are_those_of_their_formulas() {
    let rounds = if std::env::var_os("POLYLOGUE_LONG").is_some() { 200_000 } else { 2_500 };
    let (mut compared, mut verdicts, mut cycles) = (0, BTreeMap::<_, usize>::new(), 0);
    for seed in 0..rounds {
        let mut rng = Rng::new(seed);
        let mut shape = WildShape::any(&mut rng);
        shape.roles = shape.roles.min(3);
        shape.size = shape.size.min(4);
        let locals = wild(&mut rng, shape);
        for k in [0, 1, 2] {
            let Some(space) = Space::of(&locals, k, 120) else { continue };
            let formulas = Formulas { space: &space, sync: k == 0 };
            compared += 1;
            for property in ALL {
                let expected = formulas.holds(property);
                for options in [bound(k), raw(bound(k))] {
                    let outcome = check(&locals, &[], property, &options)
                        .unwrap_or_else(|error| panic!("seed {seed} k={k} {property:?}: {error:?}"));
                    let ours = word(&outcome.verdict);
                    assert_eq!(ours == "holds", expected, "seed {seed} k={k} {property:?} {outcome:?}");
                    assert_ne!(ours, "unknown", "seed {seed} k={k} {property:?}");
                    if let Verdict::Violated(run) = &outcome.verdict {
                        cycles += usize::from(run.cycle_at.is_some());
                    }
                    *verdicts.entry((property, ours)).or_default() += 1;
                }
            }
        }
    }
    println!("{compared} explorations, {cycles} lassos, {verdicts:?}");
    assert!(compared > 3000 && cycles > 300 && verdicts.values().all(|&n| n > 50), "{compared} {cycles} {verdicts:?}");
}

/// What is said without a bound is not taken back under a bound.
#[test]
fn verdicts_without_a_bound_hold_under_every_bound() {
    let mut verdicts = BTreeMap::<_, usize>::new();
    for seed in 0..800 {
        let mut rng = Rng::new(5_000_000 + seed);
        let shape = WildShape { roles: 2, size: 3, ..WildShape::any(&mut rng) };
        let locals = wild(&mut rng, shape);
        for property in ALL {
            let options = polylogue::verify::Options { max_states: 2_000, ..Default::default() };
            let free = check(&locals, &[], property, &options).unwrap();
            *verdicts.entry((property, word(&free.verdict))).or_default() += 1;
            for k in [3, 5, 9] {
                let options = polylogue::verify::Options { max_states: 2_000, ..bound(k) };
                let bounded = check(&locals, &[], property, &options).unwrap();
                let pair = (word(&free.verdict), word(&bounded.verdict));
                assert_ne!(pair, ("holds", "violated"), "seed {seed} k={k} {property:?}");
                assert!(pair != ("violated", "holds") || !bounded.exhaustive, "seed {seed} k={k} {property:?}");
            }
        }
    }
    println!("{verdicts:?}");
}
