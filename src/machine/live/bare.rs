//! Steps without data, and configurations of one role as they look without it.

use smallvec::SmallVec;

use super::{
    Activation, Attempt, Inside, Live, Parts, Round, Sides, Stale,
    env::Pending,
    family::Family,
    find::Finder,
    place::{Epoch, Hit, Hop, Keys, in_body},
    step::{Taken, Way},
};
use crate::{
    data::Value,
    id::{Id, MessageId, RoleId},
    machine::program::{End, Program, ScopeParts},
    protocol::{Trigger, place},
};

/// A role's tree of activations, without data and times: equal for equal behaviour.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tree(Box<[u32]>);

impl Live {
    /// Every way in which a role can take a message that names keys, whatever its rule says.
    #[must_use]
    pub fn bare(
        &self,
        program: &Program,
        role: RoleId,
        message: MessageId,
        end: End,
        keyed: &[(u8, u16, Value)],
    ) -> Vec<Way> {
        let keys: Keys = keyed.iter().cloned().collect();
        let sides = if end == End::From { Sides::Give } else { Sides::Take };
        let mut found: Vec<Taken> = Vec::new();
        let mut best: Option<u32> = None;
        let mut each = |hit: &Hit<'_, '_>| {
            if hit.rank > 0 {
                best = Some(best.map_or(hit.rank, |best| best.min(hit.rank)));
            }
            // INVARIANT (keys) of flat automata: who opens an instance takes the smallest free key.
            if end == End::From && hit.hops.iter().any(|hop| matches!(hop, Hop::Create(_))) {
                let passed = |(depth, key, value): &(u8, u16, Value)| {
                    let Value::Int(value) = value else { return false };
                    let fresh = hit.path.len() == usize::from(*depth).saturating_add(1);
                    fresh && *value > 1 && !self.used(program, role, *depth, *key, value.saturating_sub(1))
                };
                if keys.iter().any(passed) {
                    return;
                }
            }
            let mut taken = Taken::at(role, end, hit);
            for (depth, key, value) in &keys {
                let declared = hit.path.get(usize::from(*depth)).and_then(|&frame| program.frames.entry(frame));
                let Some(slot) = declared.and_then(|frame| frame.keys.get(usize::from(*key))).map(|key| key.slot)
                else {
                    continue;
                };
                let held = hit.frames.get(usize::from(*depth)).and_then(|frame| frame.get(place(slot).1 as usize));
                if held.is_none_or(Option::is_none) {
                    taken.pending.push(Pending::value(slot, Some(value.clone())));
                    taken.names.push((*depth, *key, value.clone()));
                }
            }
            found.push(taken);
        };
        let mut finder = Finder::new(program, self, role, message, end, &keys, i64::MAX, &mut each);
        // Without data it is not known from before or behind an interrupt it comes.
        if program.messages.entry(message).is_some_and(|travel| travel.epoch.is_some()) {
            finder.epoch = Epoch::Unknown;
        }
        finder.run();
        let best = |taken: &Taken| taken.rank == 0 || Some(taken.rank) == best;
        found.into_iter().filter(best).map(|taken| Way::of_one(message, sides, taken)).collect()
    }

    fn used(&self, program: &Program, role: RoleId, depth: u8, key: u16, value: i64) -> bool {
        let Some(seat) = self.seats.entry(role) else { return false };
        let value = Value::Int(value);
        let mut found = false;
        seat.act.visit(&mut |inside| {
            for family in families(program, inside).filter(|(at, _)| *at == depth).map(|(_, family)| family) {
                let key = usize::from(key);
                found |= family.named(key, &value).is_some()
                    || family.used.get(key).is_some_and(|used| used.contains(&value))
                    || family.highest.get(key).is_some_and(|highest| highest.as_ref() >= Some(&value));
            }
        });
        found
    }

    /// A role learns that another crashed: it leaves every innermost scope that handles that for the handler. `all` says
    /// which handlers are those of crashes.
    pub fn learn(&mut self, all: &Program, role: RoleId, gone: RoleId) {
        let now = self.now;
        if let Some(seat) = self.seats.entry_mut(role) {
            let mut stale = Vec::new();
            learn(all, role, gone, &mut seat.act, now, &mut stale);
            seat.stale.extend(stale);
        }
    }

    /// Whether some family of a role has seen more instances than this, those that wait for their keys included.
    #[must_use]
    pub fn crowded(&self, role: RoleId, most: usize) -> bool {
        let Some(seat) = self.seats.entry(role) else { return false };
        let mut crowded = false;
        seat.act.visit(&mut |inside| {
            let Parts::During { rounds, .. } = &inside.parts else { return };
            for round in rounds {
                if let Round::Family(family) = round {
                    let seen = family.used.iter().map(|used| used.len()).max().unwrap_or(0);
                    let seen = seen.saturating_add(family.waiting.len());
                    crowded |= seen > most || family.live.len() > most;
                }
            }
        });
        crowded
    }

    /// A role's tree, without data.
    #[must_use]
    pub fn tree(&self, program: &Program, role: RoleId) -> Tree {
        let mut out = Vec::new();
        if let Some(seat) = self.seats.entry(role) {
            activation(program, &seat.act, &mut out);
            for stale in &seat.stale {
                out.push(u32::MAX);
                out.extend(stale.regions.iter().map(|region| region.raw()));
                out.push(u32::MAX);
                let mut heard: SmallVec<[u32; 4]> = stale.heard.iter().map(|role| role.raw()).collect();
                heard.sort_unstable();
                out.extend(heard);
            }
            out.push(u32::from(seat.crashed));
        }
        Tree(out.into())
    }
}

/// The families of a scope, with their depths.
fn families<'i>(program: &'i Program, inside: &'i Inside) -> impl Iterator<Item = (u8, &'i Family)> + 'i {
    let infos = program.scopes.entry(inside.scope).and_then(Option::as_ref);
    let rounds = match &inside.parts {
        Parts::During { rounds, .. } => rounds.as_slice(),
        _ => &[],
    };
    let infos = infos.map(|info| match &info.parts {
        ScopeParts::During(_, infos) => &**infos,
        _ => &[],
    });
    rounds.iter().zip(infos.unwrap_or_default()).filter_map(|(round, info)| match round {
        Round::Family(family) => {
            let depth = program.frames.entry(info.family?)?.depth;
            Some((depth, &**family))
        }
        Round::One { .. } => None,
    })
}

/// What is written for a value that serves as a key.
fn number(value: Option<&Value>) -> u32 {
    match value {
        Some(Value::Int(value)) => u32::try_from(*value).unwrap_or(u32::MAX),
        _ => 0,
    }
}

/// Recurses once per nested scope.
fn activation(program: &Program, act: &Activation, out: &mut Vec<u32>) {
    out.extend([act.region.raw(), act.state.raw()]);
    out.push(u32::try_from(act.lingering().len()).unwrap_or(u32::MAX));
    for inside in act.inside.as_deref().into_iter().chain(act.lingering()) {
        scope(program, inside, out);
    }
    out.push(u32::MAX);
}

fn scope(program: &Program, inside: &Inside, out: &mut Vec<u32>) {
    out.push(inside.scope.raw());
    let mut heard: SmallVec<[u32; 4]> = inside.heard.iter().map(|role| role.raw()).collect();
    heard.sort_unstable();
    out.push(u32::try_from(heard.len()).unwrap_or(u32::MAX));
    out.extend(heard);
    match &inside.parts {
        Parts::Par(parts) => parts.iter().for_each(|part| activation(program, part, out)),
        Parts::During { main, rounds } => {
            main.iter().for_each(|main| activation(program, main, out));
            let mut families = families(program, inside).map(|(_, family)| family);
            for round in rounds {
                match round {
                    Round::One { act: None, .. } => out.push(0),
                    Round::One { act: Some(act), .. } => {
                        out.push(1);
                        activation(program, act, out);
                    }
                    Round::Family(_) => {
                        if let Some(family) = families.next() {
                            instances(program, family, out);
                        }
                    }
                }
            }
        }
        Parts::Try { at, act, .. } => {
            out.push(match at {
                Attempt::Body => 0,
                Attempt::Handler(number) => u32::try_from(number.saturating_add(1)).unwrap_or(u32::MAX),
                Attempt::Expired(number) => u32::try_from(number.saturating_add(1)).map_or(u32::MAX, |number| !number),
            });
            activation(program, act, out);
        }
    }
}

/// The instances of a family in the order of their keys, then those that wait for one, oldest first.
fn instances(program: &Program, family: &Family, out: &mut Vec<u32>) {
    let mut named: Vec<(Vec<u32>, u32)> = Vec::new();
    for (id, _) in family.live.iter() {
        named.push((family.keys_of(id).map(number).collect(), id));
    }
    named.sort_unstable();
    named.sort_by_key(|(keys, id)| {
        let waits = family.waiting.iter().position(|waiting| waiting == id);
        (waits.is_some(), waits, keys.clone())
    });
    out.push(u32::try_from(named.len()).unwrap_or(u32::MAX));
    for (keys, id) in named {
        out.extend(keys);
        if let Some(instance) = family.live.get(id) {
            activation(program, &instance.act, out);
        }
    }
    for used in &family.used {
        let mut used: Vec<u32> = used.iter().map(|value| number(Some(value))).collect();
        used.sort_unstable();
        out.push(u32::MAX);
        out.extend(used);
    }
    out.extend(family.highest.iter().map(|highest| number(highest.as_ref())));
}

/// Whether the crash was handled somewhere inside.
fn learn(all: &Program, role: RoleId, gone: RoleId, act: &mut Activation, now: i64, stale: &mut Vec<Stale>) -> bool {
    let Some(inside) = act.inside.as_deref_mut() else { return false };
    let mut inner = |act: &mut Activation| learn(all, role, gone, act, now, stale);
    let handled = match &mut inside.parts {
        // All of them learn of it, whoever handles it.
        Parts::Par(parts) => parts.iter_mut().map(&mut inner).fold(false, |found, more| found | more),
        Parts::During { main, rounds } => {
            let mut found = main.as_mut().is_some_and(&mut inner);
            for round in rounds {
                found |= match round {
                    Round::One { act, .. } => act.as_mut().is_some_and(&mut inner),
                    Round::Family(family) => {
                        family.live.values_mut().map(|one| inner(&mut one.act)).fold(false, |found, more| found | more)
                    }
                };
            }
            found
        }
        Parts::Try { act, .. } => inner(act),
    };
    if handled {
        return true;
    }
    let scope = all.scopes.entry(inside.scope).and_then(Option::as_ref);
    let (Some(ScopeParts::Try(body, handlers)), Parts::Try { at, act, .. }) =
        (scope.map(|scope| &scope.parts), &mut inside.parts)
    else {
        return false;
    };
    let number = handlers.iter().position(|handler| matches!(handler.trigger, Trigger::Crash(role) if role == gone));
    let Some((number, handler)) = number.and_then(|number| Some((number, handlers.get(number)?))) else { return false };
    if number >= at.open(handlers.len()) {
        return false;
    }
    let mut regions = if in_body(*at) { vec![*body] } else { Vec::new() };
    regions.extend(handlers.iter().skip(number.saturating_add(1)).map(|handler| handler.region));
    stale.push(Stale { regions: regions.into(), heard: Vec::new(), epoch: None });
    *at = Attempt::Handler(number);
    *act = Activation::start(all, role, handler.region, now);
    true
}
