//! Small machines by hand, at random, and all of them.

use std::collections::BTreeMap;

use polylogue::{
    diag::Span,
    id::{Id, IdVec, RoleId, StateId},
    protocol::{Act, Arm, Header, Local, Names, Role, State},
    verify::subtype::{Pair, Part},
};

/// What a state does: nothing, or one direction with one peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum S {
    End,
    Send(usize, Vec<(usize, usize)>),
    Receive(usize, Vec<(usize, usize)>),
}

/// States; it begins in the first. Arms are label and target.
pub(crate) type M = Vec<S>;

/// Names for peers and labels.
pub(crate) struct World {
    pub(crate) names: Names,
    pub(crate) header: Header,
    labels: Vec<polylogue::id::LabelId>,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut header = Header::default();
        for name in ["Self", "P", "Q", "R"] {
            header.roles.push(Role { name: name.into(), span: Span::default(), unreliable: false }).unwrap();
        }
        let mut names = Names::new();
        let labels = ["a", "b", "c", "d", "e", "f"].map(|text| names.label(text).unwrap()).to_vec();
        Self { names, header, labels }
    }

    /// The automaton of a machine of a role; peer `p` of the machine is role `peers[p]`.
    pub(crate) fn local_at(&self, machine: &M, role: usize, peers: &[usize]) -> Local {
        let mut states = vec![State::default()];
        for state in machine {
            let mut made = State::default();
            let (act, arms): (Option<Act>, &[(usize, usize)]) = match state {
                S::End => (None, &[]),
                S::Send(peer, arms) => (Some(Act::Send(RoleId::new(peers[*peer]).unwrap())), arms),
                S::Receive(peer, arms) => (Some(Act::Receive(RoleId::new(peers[*peer]).unwrap())), arms),
            };
            for &(label, then) in arms {
                let then = StateId::new(then + 1).unwrap();
                let label = self.labels[label];
                made.arms.push(Arm { act: act.unwrap(), label, sort: Names::empty(), then, span: Span::default() });
            }
            made.may_stop = act.is_none();
            states.push(made);
        }
        Local { role: RoleId::new(role).unwrap(), initial: StateId::from_raw(1), states: IdVec::from(states) }
    }

    pub(crate) fn local(&self, machine: &M) -> Local {
        self.local_at(machine, 0, &[1, 2, 3])
    }

    pub(crate) fn pair(&self, sub: &M, sup: &M) -> Pair {
        let (sub, sup) = (self.local(sub), self.local(sup));
        let part = |local| Part { names: &self.names, header: &self.header, local };
        Pair::of(part(&sub), part(&sup)).unwrap()
    }
}

/// Random numbers (splitmix64).
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// A random machine.
pub(crate) fn random(rng: &mut Rng, states: usize, peers: usize, labels: usize) -> M {
    (0..states)
        .map(|_| {
            if rng.one_in(5) {
                return S::End;
            }
            let peer = rng.below(peers);
            let mut arms: BTreeMap<usize, usize> = BTreeMap::new();
            for _ in 0..=rng.below(labels) {
                arms.insert(rng.below(labels), rng.below(states));
            }
            let arms = arms.into_iter().collect();
            if rng.one_in(2) { S::Send(peer, arms) } else { S::Receive(peer, arms) }
        })
        .collect()
}

/// What is reachable, numbered breadth-first: one machine for each up to renaming of states.
pub(crate) fn canonical(machine: &M) -> M {
    let mut order = vec![0usize];
    let mut at = 0;
    while at < order.len() {
        if let S::Send(_, arms) | S::Receive(_, arms) = &machine[order[at]] {
            for (_, then) in arms {
                if !order.contains(then) {
                    order.push(*then);
                }
            }
        }
        at += 1;
    }
    let number = |state: usize| order.iter().position(|&s| s == state).unwrap();
    let arms = |arms: &[(usize, usize)]| arms.iter().map(|&(label, then)| (label, number(then))).collect();
    order
        .iter()
        .map(|&state| match &machine[state] {
            S::End => S::End,
            S::Send(peer, all) => S::Send(*peer, arms(all)),
            S::Receive(peer, all) => S::Receive(*peer, arms(all)),
        })
        .collect()
}

/// All machines with up to so many states, peers and labels, up to renaming of states.
pub(crate) fn all(states: usize, peers: usize, labels: usize) -> Vec<M> {
    let mut kinds = vec![S::End];
    // Every non-empty set of labels, and a target for each.
    let mut arms: Vec<Vec<(usize, usize)>> = vec![Vec::new()];
    for label in 0..labels {
        let mut more = Vec::new();
        for known in &arms {
            more.push(known.clone());
            for then in 0..states {
                let mut longer = known.clone();
                longer.push((label, then));
                more.push(longer);
            }
        }
        arms = more;
    }
    arms.retain(|arms| !arms.is_empty());
    for peer in 0..peers {
        for some in &arms {
            kinds.push(S::Send(peer, some.clone()));
            kinds.push(S::Receive(peer, some.clone()));
        }
    }
    let mut found = std::collections::BTreeSet::new();
    let total = kinds.len().pow(u32::try_from(states).unwrap());
    for mut code in 0..total {
        let machine: M = (0..states)
            .map(|_| {
                let kind = kinds[code % kinds.len()].clone();
                code /= kinds.len();
                kind
            })
            .collect();
        found.insert(canonical(&machine));
    }
    found.into_iter().collect()
}

/// The other party of a machine with one peer.
pub(crate) fn dual(machine: &M) -> M {
    machine
        .iter()
        .map(|state| match state {
            S::End => S::End,
            S::Send(peer, arms) => S::Receive(*peer, arms.clone()),
            S::Receive(peer, arms) => S::Send(*peer, arms.clone()),
        })
        .collect()
}
