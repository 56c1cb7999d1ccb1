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
//! Cost: one state per tree that can be reached, which concurrent regions multiply; [`Limits`] end it.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::{
    live::{Live, Tree},
    program::{End, Program},
};
use crate::{
    data::Value,
    id::{IdVec, MessageId, RoleId, SortId, StateId, TooMany},
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
    let mut states: IdVec<StateId, State> = IdVec::new();
    states.push(State::default())?;
    let live = Live::new(program, 0);
    let mut known: FxHashMap<Tree, StateId> = FxHashMap::default();
    let initial = states.push(State::default())?;
    known.insert(live.tree(program, role), initial);
    let mut todo: VecDeque<(StateId, Live)> = VecDeque::from([(initial, live)]);
    let mut arms_left = limits.arms;
    while let Some((state, live)) = todo.pop_front() {
        let mut arms = Vec::new();
        for (message, end, keyed, sort) in &moves {
            let Some(travel) = program.messages().entry(*message) else { continue };
            for way in live.bare(program, role, *message, *end, keyed) {
                let mut next = live.clone();
                next.take(program, &way);
                if next.crowded(role, limits.keys as usize) {
                    continue;
                }
                let tree = next.tree(program, role);
                let then = match known.get(&tree) {
                    Some(&then) => then,
                    None => {
                        if states.len() > limits.states {
                            return Err(FlattenError::States(limits.states));
                        }
                        let then = states.push(State::default())?;
                        known.insert(tree, then);
                        todo.push_back((then, next));
                        then
                    }
                };
                let act = match end {
                    _ if travel.from == travel.to => Act::Act,
                    End::From => Act::Send(travel.to),
                    End::To => Act::Receive(travel.from),
                };
                arms.push(Arm { act, label: travel.label, sort: *sort, then, span: way.span() });
            }
        }
        arms_left = arms_left.checked_sub(arms.len()).ok_or(FlattenError::Arms(limits.arms))?;
        let span = arms.first().map(|arm| arm.span).unwrap_or_default();
        let may_stop = live.may_stop(program, role);
        states[state] = State { arms, may_stop, span };
    }
    Ok(Local { role, initial, states })
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
