//! All small machines, up to the names of their states.

use std::collections::{BTreeSet, HashMap};

use polylogue::{
    diag::Span,
    id::{Id, IdVec, RoleId, StateId},
    protocol::{Act, Arm, Header, Local, Names, Role, State},
    verify::{
        Options,
        subtype::{Answer, Meter, Pair, Part, Relation, decide},
    },
};

/// A state: what it does (`!`, `?`, `.` for the end), and where each label leads.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) does: char,
    pub(crate) arms: Vec<(usize, usize)>,
}

/// A machine; it begins in state 0.
pub(crate) type Auto = Vec<Row>;

/// All machines with up to so many states and labels, in which every state is reached, one for each up to the names of states.
pub(crate) fn all(states: usize, labels: usize) -> Vec<Auto> {
    let mut rows = vec![Row { does: '.', arms: Vec::new() }];
    for does in ['!', '?'] {
        let mut some: Vec<Vec<(usize, usize)>> = vec![Vec::new()];
        for label in 0..labels {
            let before = some.clone();
            for arms in before {
                for then in 0..states {
                    let mut more = arms.clone();
                    more.push((label, then));
                    some.push(more);
                }
            }
        }
        rows.extend(some.into_iter().filter(|arms| !arms.is_empty()).map(|arms| Row { does, arms }));
    }
    let mut found = BTreeSet::new();
    let mut digits = vec![0_usize; states];
    loop {
        let auto: Auto = digits.iter().map(|&digit| rows[digit].clone()).collect();
        found.insert(renamed(&auto));
        let Some(at) = digits.iter().position(|&digit| digit + 1 < rows.len()) else { break };
        digits[at] += 1;
        digits[..at].fill(0);
    }
    found.into_iter().collect()
}

/// With states in the order in which they are met, and only those.
pub(crate) fn renamed(auto: &Auto) -> Auto {
    let mut order = vec![0];
    let mut number = HashMap::from([(0, 0)]);
    let mut at = 0;
    while at < order.len() {
        for &(_, then) in &auto[order[at]].arms {
            number.entry(then).or_insert_with(|| {
                order.push(then);
                order.len() - 1
            });
        }
        at += 1;
    }
    let row = |&state: &usize| Row {
        does: auto[state].does,
        arms: auto[state].arms.iter().map(|&(label, then)| (label, number[&then])).collect(),
    };
    order.iter().map(row).collect()
}

/// What machines are written in.
pub(crate) struct World {
    pub(crate) names: Names,
    pub(crate) header: Header,
}

impl World {
    pub(crate) fn new() -> Self {
        let role = |name: &str| Role { name: name.into(), span: Span::default(), unreliable: false };
        let roles = IdVec::from(vec![role("Self"), role("P")]);
        Self { names: Names::new(), header: Header { roles, ..Header::default() } }
    }

    pub(crate) fn local(&mut self, auto: &Auto) -> Local {
        let mut states = vec![State::default()];
        for row in auto {
            let arms = row.arms.iter().map(|&(label, then)| Arm {
                act: if row.does == '!' { Act::Send(RoleId::from_raw(1)) } else { Act::Receive(RoleId::from_raw(1)) },
                label: self.names.label(["a", "b", "c", "d"][label]).unwrap(),
                sort: Names::empty(),
                then: StateId::new(then + 1).unwrap(),
                span: Span::default(),
            });
            states.push(State { arms: arms.collect(), may_stop: row.does == '.', span: Span::default() });
        }
        Local { role: RoleId::from_raw(0), initial: StateId::from_raw(1), states: states.into() }
    }

    /// The answer about two machines.
    pub(crate) fn ask(&self, sub: &Local, sup: &Local, relation: Relation) -> (Pair, Answer) {
        let part = |local| Part { names: &self.names, header: &self.header, local };
        // Not minimized, so that states are those of the definition.
        let pair = Pair::raw(part(sub), part(sup)).unwrap();
        let mut poll = |_: &polylogue::verify::Progress| None;
        let options = Options { max_states: 200_000, ..Options::default() };
        let answer = decide(&pair, relation, &mut Meter::new(&options, &mut poll));
        (pair, answer)
    }
}

/// What two machines do together by synchronous messages: whether nothing goes wrong.
pub(crate) fn safe_together(one: &Auto, other: &Auto) -> bool {
    let mut seen = BTreeSet::from([(0, 0)]);
    let mut open = vec![(0, 0)];
    while let Some((s, t)) = open.pop() {
        let (a, b) = (&one[s], &other[t]);
        let (sender, receiver) = match (a.does, b.does) {
            ('.', '.') => continue,
            ('!', '?') => (a, b),
            ('?', '!') => (b, a),
            _ => return false,
        };
        for (label, then) in &sender.arms {
            let Some((_, taken)) = receiver.arms.iter().find(|(known, _)| known == label) else { return false };
            let next = if a.does == '!' { (*then, *taken) } else { (*taken, *then) };
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    true
}
