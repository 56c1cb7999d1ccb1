//! The slow way: a protocol as a list of states, what each role sees of it as sets of them, and all runs of the machines
//! one by one. Nothing here is shared with what is tested but the reference semantics of the term.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use polylogue::{
    diag::Span,
    event::Event,
    id::{Id, IdVec, LabelId, RoleId, SortId, StateId},
    machine::minimize,
    protocol::{Act, Arm, Local, Names, State, Term},
    reference,
};

/// Who, to whom, what: a local action has the same role twice. Sorts of fields count, their names do not.
type Letter = (RoleId, RoleId, LabelId, String);

/// A whole protocol.
pub(crate) struct Whole {
    states: Vec<Vec<(Letter, SortId, usize)>>,
    last: Vec<bool>,
}

fn payload(names: &Names, sort: SortId) -> String {
    names.payload(sort).map_or_else(String::new, |payload| {
        let fields: Vec<String> =
            payload.fields.iter().map(|field| format!("{} {}", field.optional, field.sort)).collect();
        format!("({})", fields.join(","))
    })
}

impl Whole {
    /// By rewriting the term.
    pub(crate) fn of(term: &Term, names: &Names) -> Self {
        let global = reference::Global::new(term);
        let mut number = BTreeMap::from([(global.initial(), 0)]);
        let mut order = vec![global.initial()];
        let (mut states, mut last) = (Vec::new(), Vec::new());
        // One signature per letter, whatever its fields are called.
        let mut signatures: BTreeMap<Letter, SortId> = BTreeMap::new();
        while let Some(rest) = order.get(states.len()).cloned() {
            last.push(global.is_final(&rest));
            let mut steps = Vec::new();
            for (event, then) in global.steps(&rest) {
                let (from, to, label, sort) = match event {
                    Event::Sync { from, to, label, sort } => (from, to, label, sort),
                    Event::Act { role, label, sort } => (role, role, label, sort),
                    other => panic!("{other:?}"),
                };
                let fresh = number.len();
                let then = *number.entry(then.clone()).or_insert(fresh);
                if then == fresh {
                    order.push(global.steps(&rest).into_iter().nth(steps.len()).unwrap().1);
                }
                let letter = (from, to, label, payload(names, sort));
                let sort = *signatures.entry(letter.clone()).or_insert(sort);
                steps.push((letter, sort, then));
            }
            states.push(steps);
        }
        Self { states, last }
    }

    /// States that do the same made one, by refinement until nothing changes.
    pub(crate) fn smallest(&self) -> Self {
        let mut class: Vec<usize> = self.last.iter().map(|last| usize::from(*last)).collect();
        loop {
            let mut known = BTreeMap::new();
            let next: Vec<usize> = (0..self.states.len())
                .map(|at| {
                    let does: BTreeSet<_> =
                        self.states[at].iter().map(|(letter, _, then)| (letter.clone(), class[*then])).collect();
                    let fresh = known.len();
                    *known.entry((class[at], does)).or_insert(fresh)
                })
                .collect();
            if next.iter().collect::<BTreeSet<_>>().len() == class.iter().collect::<BTreeSet<_>>().len() {
                break;
            }
            class = next;
        }
        // The class of the start first.
        let mut number: BTreeMap<usize, usize> = BTreeMap::new();
        for of in &class {
            let fresh = number.len();
            number.entry(*of).or_insert(fresh);
        }
        let mut states = vec![Vec::new(); number.len()];
        let mut last = vec![false; number.len()];
        for (at, of) in class.iter().enumerate() {
            let place = number[of];
            if states[place].is_empty() {
                states[place] = self.states[at]
                    .iter()
                    .map(|(letter, sort, then)| (letter.clone(), *sort, number[&class[*then]]))
                    .collect();
            }
            last[place] |= self.last[at];
        }
        Self { states, last }
    }

    /// What can be reached without the role.
    fn close(&self, role: RoleId, from: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        let mut set: BTreeSet<usize> = from.into_iter().collect();
        let mut open: Vec<usize> = set.iter().copied().collect();
        while let Some(at) = open.pop() {
            for ((from, to, ..), _, then) in &self.states[at] {
                if *from != role && *to != role && set.insert(*then) {
                    open.push(*then);
                }
            }
        }
        set
    }

    /// The subset construction, to the letter.
    pub(crate) fn machine(&self, role: RoleId) -> Machine {
        let start = self.close(role, [0]);
        let mut number = BTreeMap::from([(start.clone(), 0)]);
        let mut order = vec![start];
        let mut machine = Machine { role, states: Vec::new(), last: Vec::new() };
        while let Some(set) = order.get(machine.states.len()).cloned() {
            let mut moves: BTreeMap<Letter, (SortId, Vec<usize>)> = BTreeMap::new();
            for (letter, sort, then) in set.iter().flat_map(|at| &self.states[*at]) {
                if letter.0 == role || letter.1 == role {
                    moves.entry(letter.clone()).or_insert((*sort, Vec::new())).1.push(*then);
                }
            }
            let mut arms = Vec::new();
            for (letter, (sort, then)) in moves {
                let then = self.close(role, then);
                let fresh = number.len();
                let then = *number.entry(then.clone()).or_insert_with(|| {
                    order.push(then);
                    fresh
                });
                arms.push((letter, sort, then));
            }
            let over = set.iter().any(|at| self.last[*at]) || arms.is_empty();
            machine.last.push(over);
            machine.states.push(arms);
        }
        machine
    }
}

/// What one role does.
pub(crate) struct Machine {
    pub(crate) role: RoleId,
    states: Vec<Vec<(Letter, SortId, usize)>>,
    last: Vec<bool>,
}

impl Machine {
    /// Whether it may stop where it could go on.
    pub(crate) fn stops_early(&self) -> bool {
        self.states.iter().zip(&self.last).any(|(arms, last)| *last && !arms.is_empty())
    }

    /// For the verifier.
    pub(crate) fn local(&self) -> Local {
        let mut states: IdVec<StateId, State> = vec![State::default()].into();
        for (arms, last) in self.states.iter().zip(&self.last) {
            let arm = |((from, to, label, _), sort, then): &(Letter, SortId, usize)| {
                let act = match (*from == self.role, *to == self.role) {
                    (true, true) => Act::Act,
                    (true, false) => Act::Send(*to),
                    _ => Act::Receive(*from),
                };
                Arm { act, label: *label, sort: *sort, then: StateId::new(then + 1).unwrap(), span: Span::default() }
            };
            let arms = arms.iter().map(arm).collect();
            states.push(State { arms, may_stop: *last, span: Span::default() }).unwrap();
        }
        Local { role: self.role, initial: StateId::from_raw(1), states }
    }

    /// Panics unless the other one does the same.
    pub(crate) fn does_the_same(&self, local: &Local, names: &Names) {
        let small = minimize(local).unwrap();
        let mut seen = BTreeSet::new();
        let mut open = vec![(0, small.initial)];
        while let Some((here, there)) = open.pop() {
            if !seen.insert((here, there)) {
                continue;
            }
            let state = &small.states[there];
            assert_eq!(self.last[here], state.may_stop, "{:?} may stop", self.role);
            assert_eq!(self.states[here].len(), state.arms.len(), "{:?} does as much", self.role);
            for ((from, to, label, sort), _, then) in &self.states[here] {
                let arm = state.arms.iter().find(|arm| {
                    let act = match arm.act {
                        Act::Send(peer) => (*from, *to) == (self.role, peer),
                        Act::Receive(peer) => (*from, *to) == (peer, self.role),
                        _ => from == to,
                    };
                    act && arm.label == *label && payload(names, arm.sort) == *sort
                });
                open.push((*then, arm.expect("the other one does this too").then));
            }
        }
    }
}

/// What goes wrong when machines run together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Nothing can happen, and it is not over.
    Stuck(Vec<Event>),
    /// No run of the protocol has what the roles did.
    Foreign(Vec<Event>),
}

type Queues = BTreeMap<(RoleId, RoleId), VecDeque<(LabelId, String)>>;

/// All runs of the machines together, with queues of any length, up to so many events: the first that goes wrong, and
/// whether all runs were looked at to their ends. Runs in which every role did the same are one.
pub(crate) fn run_all(machines: &[Machine], term: &Term, depth: usize) -> (Option<Wrong>, bool) {
    type Words = Vec<Vec<(Letter, bool)>>;
    let global = reference::Global::new(term);
    let mut seen: BTreeSet<Words> = BTreeSet::new();
    let start: (Vec<usize>, Queues, Vec<Event>, Words) =
        (vec![0; machines.len()], Queues::new(), Vec::new(), vec![Vec::new(); machines.len()]);
    let mut open = VecDeque::from([start]);
    let mut whole = true;
    while let Some((at, queues, run, did)) = open.pop_front() {
        if !seen.insert(did.clone()) {
            continue;
        }
        if global.explain(&run).is_none() {
            return (Some(Wrong::Foreign(run)), whole);
        }
        if run.len() >= depth {
            whole = false;
            continue;
        }
        let mut moved = false;
        for machine in machines {
            let own = machine.role.index();
            for (letter, sort, then) in &machine.states[at[own]] {
                let (from, to, label, fields) = letter.clone();
                let sends = from == machine.role;
                let mut queues = queues.clone();
                let event = match (sends, from == to) {
                    (true, true) => Event::Act { role: from, label, sort: *sort },
                    (true, false) => {
                        queues.entry((from, to)).or_default().push_back((label, fields));
                        Event::Send { from, to, label, sort: *sort }
                    }
                    _ => {
                        let Some(queue) = queues.get_mut(&(from, to)) else { continue };
                        if queue.front() != Some(&(label, fields)) {
                            continue;
                        }
                        queue.pop_front();
                        if queue.is_empty() {
                            queues.remove(&(from, to));
                        }
                        Event::Receive { from, to, label, sort: *sort }
                    }
                };
                moved = true;
                let mut next = at.clone();
                next[own] = *then;
                let mut run = run.clone();
                run.push(event);
                let mut did = did.clone();
                did[own].push((letter.clone(), sends));
                open.push_back((next, queues, run, did));
            }
        }
        let over = queues.is_empty() && machines.iter().all(|machine| machine.last[at[machine.role.index()]]);
        if !moved && !over {
            return (Some(Wrong::Stuck(run)), whole);
        }
    }
    (None, whole)
}
