//! Programs as flat automata, for those who look at all runs: what is beyond the kernel, unrolled.
//!
//! In: a program, a role, and how many keys a family may see. Out: a [`Local`] whose states are the role's trees of
//! activations, and whose messages say which instance they belong to. Data is left out: a condition may be true or
//! false, a time limit may run out at any moment. So whatever a role does under its rules it does here as well; what
//! goes wrong here may be excluded by a rule.
//!
//! INVARIANT (keys): the key of an instance is one of `1..=keys`; who opens an instance takes the smallest that is free,
//! whoever else sees it takes it as it comes.
//!
//! An unreliable role whose crash is handled somewhere may crash wherever it has something to do: its last message on
//! every edge is [`CRASH`], and what is sent to it afterwards vanishes. Whoever takes that message leaves its innermost
//! scope that handles the crash for the handler, and finds later such scopes to be their handlers alone.
//!
//! Cost: one state per tree that can be reached, which concurrent regions multiply; [`Limits`] end it.

use std::{collections::VecDeque, sync::Arc};

use rustc_hash::FxHashMap;

use super::{
    live::{Live, Tree},
    program::{End, Program},
};
use crate::{
    data::Value,
    diag::Span,
    id::{Id, IdVec, LabelId, MessageId, RoleId, SortId, StateId, TooMany},
    protocol::{Act, Arm, Local, Names, State},
};

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Keys per family.
    pub keys: u32,
    /// States of one role.
    pub states: usize,
    /// Arms of one role.
    pub arms: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { keys: 2, states: 20_000, arms: 400_000 }
    }
}

/// Why a role has no flat automaton.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlattenError {
    /// More of something than ids.
    TooMany(TooMany),
    /// More states than the limit.
    States(usize),
    /// More arms than the limit.
    Arms(usize),
}

impl From<TooMany> for FlattenError {
    fn from(error: TooMany) -> Self {
        Self::TooMany(error)
    }
}

/// A message with the keys that it names: depth, number and value.
type Keyed = Vec<(u8, u16, Value)>;

/// Every way to give keys to a message.
fn keyings(program: &Program, message: MessageId, keys: u32) -> Vec<Keyed> {
    let mut named: Vec<(u8, u16)> = Vec::new();
    if let Some(travel) = program.messages().entry(message) {
        named.extend(travel.rule.keys.iter().map(|key| (key.depth, key.key)));
    }
    named.sort_unstable();
    named.dedup();
    let mut all: Vec<Keyed> = vec![Vec::new()];
    for (depth, key) in named {
        let mut more = Vec::new();
        for keyed in &all {
            for value in 1..=keys {
                let mut keyed = keyed.clone();
                keyed.push((depth, key, Value::Int(i64::from(value))));
                more.push(keyed);
            }
        }
        all = more;
    }
    all
}

/// The flat automaton of a role. New signatures, one per message and keys, are put into `names`.
pub fn flatten(program: &Program, role: RoleId, names: &mut Names, limits: Limits) -> Result<Local, FlattenError> {
    let mut moves: Vec<(MessageId, End, Keyed, SortId)> = Vec::new();
    for (message, travel) in program.messages().iter() {
        for (end, who) in [(End::From, travel.from), (End::To, travel.to)] {
            if who != role || (end == End::To && travel.from == travel.to) {
                continue;
            }
            for keyed in keyings(program, message, limits.keys) {
                let sort = match keyed.is_empty() {
                    true => travel.sort,
                    false => names.instance(travel.sort, &text(program, &keyed))?,
                };
                moves.push((message, end, keyed, sort));
            }
        }
    }
    let crashing = program.crashing();
    let told = program.told_of_crashes();
    let mut unroll = Unroll {
        all: program,
        role,
        limits,
        moves,
        crash: (names.label(CRASH)?, Names::empty()),
        programs: FxHashMap::default(),
        states: vec![State::default()].into(),
        known: FxHashMap::default(),
        todo: VecDeque::new(),
    };
    unroll.programs.insert(Box::default(), Arc::new(told));
    let initial = unroll.state(Live::new(program, 0), Box::default())?;
    let mut arms_left = limits.arms;
    while let Some((state, live, gone)) = unroll.todo.pop_front() {
        let place = unroll.row(&live, &gone, &crashing)?;
        arms_left = arms_left.checked_sub(place.arms.len()).ok_or(FlattenError::Arms(limits.arms))?;
        unroll.states[state] = place;
    }
    if crashing.contains(&role) {
        unroll.crash(program.roles())?;
    }
    Ok(Local { role, initial, states: unroll.states })
}

/// The label of the last message on every edge of a role that crashed.
pub const CRASH: &str = "#crash";

/// Roles that are known to have crashed, sorted.
type Gone = Box<[RoleId]>;

struct Unroll<'p> {
    all: &'p Program,
    role: RoleId,
    limits: Limits,
    moves: Vec<(MessageId, End, Keyed, SortId)>,
    crash: (LabelId, SortId),
    /// What is left of the program for those who know who is gone.
    programs: FxHashMap<Gone, Arc<Program>>,
    states: IdVec<StateId, State>,
    known: FxHashMap<(Tree, Gone), StateId>,
    todo: VecDeque<(StateId, Live, Gone)>,
}

impl Unroll<'_> {
    fn state(&mut self, live: Live, gone: Gone) -> Result<StateId, FlattenError> {
        let tree = live.tree(self.all, self.role);
        if let Some(&known) = self.known.get(&(tree.clone(), gone.clone())) {
            return Ok(known);
        }
        if self.states.len() > self.limits.states {
            return Err(FlattenError::States(self.limits.states));
        }
        let state = self.states.push(State::default())?;
        self.known.insert((tree, gone.clone()), state);
        self.todo.push_back((state, live, gone));
        Ok(state)
    }

    fn row(&mut self, live: &Live, gone: &Gone, crashing: &[RoleId]) -> Result<State, FlattenError> {
        let Some(program) = self.programs.get(gone).map(Arc::clone) else { return Ok(State::default()) };
        let mut arms = Vec::new();
        for at in 0..self.moves.len() {
            let Some((message, end, keyed, sort)) = self.moves.get(at).cloned() else { break };
            let Some(travel) = self.all.messages().entry(message) else { continue };
            let (from, to, label) = (travel.from, travel.to, travel.label);
            for way in live.bare(&program, self.role, message, end, &keyed) {
                let mut next = live.clone();
                next.take(&program, &way);
                if next.crowded(self.role, self.limits.keys as usize) {
                    continue;
                }
                let then = self.state(next, gone.clone())?;
                let act = match end {
                    _ if from == to => Act::Act,
                    End::From => Act::Send(to),
                    End::To => Act::Receive(from),
                };
                arms.push(Arm { act, label, sort, then, span: way.span() });
            }
        }
        let span = arms.first().map(|arm| arm.span).unwrap_or_default();
        let may_stop = live.may_stop(&program, self.role);
        let role = self.role;
        for &other in crashing.iter().filter(|&&other| other != role && !gone.contains(&other)) {
            let mut next = live.clone();
            next.learn(self.all, self.role, other);
            let mut more: Vec<RoleId> = gone.iter().copied().chain([other]).collect();
            more.sort_unstable();
            let more: Gone = more.into();
            if !self.programs.contains_key(&more) {
                let left = program.without(other, self.all);
                self.programs.insert(more.clone(), Arc::new(left));
            }
            let then = self.state(next, more)?;
            arms.push(Arm { act: Act::Receive(other), label: self.crash.0, sort: self.crash.1, then, span });
        }
        Ok(State { arms, may_stop, span })
    }

    /// The role may crash wherever it has something to do: it tells everybody, takes whatever comes, and does nothing
    /// more.
    fn crash(&mut self, roles: usize) -> Result<(), FlattenError> {
        let others: Vec<RoleId> =
            (0..roles).map_while(|at| RoleId::new(at).ok()).filter(|&other| other != self.role).collect();
        let alive: Vec<StateId> = self.states.ids().skip(1).collect();
        let mut takes: Vec<(RoleId, LabelId, SortId)> = self
            .moves
            .iter()
            .filter(|(_, end, ..)| *end == End::To)
            .filter_map(|(message, _, _, sort)| {
                let travel = self.all.messages().entry(*message)?;
                Some((travel.from, travel.label, *sort))
            })
            .collect();
        let crashing = self.all.crashing();
        takes.extend(
            crashing.into_iter().filter(|&other| other != self.role).map(|other| (other, self.crash.0, self.crash.1)),
        );
        takes.sort_unstable();
        takes.dedup();
        let mut first: Option<StateId> = None;
        let mut then: Option<StateId> = None;
        let (label, sort) = self.crash;
        // From the last to the first: told everybody, told all but the last, and so on.
        for told in (0..=others.len()).rev() {
            let state = self.states.push(State::default())?;
            let mut arms: Vec<Arm> = takes
                .iter()
                .map(|&(from, label, sort)| Arm {
                    act: Act::Receive(from),
                    label,
                    sort,
                    then: state,
                    span: Span::default(),
                })
                .collect();
            if let (Some(&to), Some(then)) = (others.get(told), then) {
                arms.push(Arm { act: Act::Send(to), label, sort, then, span: Span::default() });
            }
            self.states[state] = State { arms, may_stop: told == others.len(), span: Span::default() };
            then = Some(state);
            if told == 1 || others.is_empty() {
                first = Some(state);
            }
        }
        if let (Some(first), Some(&to)) = (first, others.first()) {
            for state in alive {
                let place = &mut self.states[state];
                if !place.arms.is_empty() {
                    let span = place.span;
                    place.arms.push(Arm { act: Act::Send(to), label, sort, then: first, span });
                }
            }
        }
        Ok(())
    }
}

/// `job_id: 1`
fn text(program: &Program, keyed: &Keyed) -> String {
    let name = |depth: u8, key: u16| {
        let frame = program.frames().values().find(|frame| frame.depth == depth && frame.keys.len() > usize::from(key));
        frame.and_then(|frame| frame.keys.get(usize::from(key))).map_or("key", |key| &key.name)
    };
    let parts = keyed.iter().map(|(depth, key, value)| match value {
        Value::Int(value) => format!("{}: #{value}", name(*depth, *key)),
        _ => name(*depth, *key).to_owned(),
    });
    parts.collect::<Vec<_>>().join(", ")
}
