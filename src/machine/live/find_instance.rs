//! Where an event can happen in a family: which instance its keys name, which wait for a key, and whether a new one may
//! begin.

use super::{
    Activation, Parts, Round,
    ends::exits,
    family::{Family, Instance},
    find::{Finder, short},
    place::{At, Hop, Keys, info},
    why::{Why, nearer},
};
use crate::{
    data::Value,
    id::FrameId,
    machine::program::{Program, RoundInfo, ScopeParts},
    protocol::Key,
};

impl<'a> Finder<'a, '_> {
    pub(super) fn family(
        &mut self,
        number: usize,
        info: &'a RoundInfo,
        frame: FrameId,
        family: Option<&'a Family>,
        opens: bool,
        depth: usize,
    ) {
        let Some(declared) = self.program.frames.entry(frame) else { return };
        let keys = self.keys;
        let mine = || keys.iter().filter(|(at, ..)| *at == declared.depth);
        let rank = self.rank;
        let mut named = None;
        if let Some(family) = family {
            for (_, key, value) in mine() {
                match (family.named(usize::from(*key), value), named) {
                    (Some(id), None) => named = Some(id),
                    // Keys of two instances name neither.
                    (Some(id), Some(other)) if id != other => return,
                    _ => {}
                }
            }
            if let Some(instance) = named.and_then(|id| family.live.get(id)) {
                let fits = |(_, key, value): &(u8, u16, Value)| {
                    family.named(usize::from(*key), value).is_some()
                        || declared.keys.get(usize::from(*key)).is_some_and(|declared| {
                            self.lacks(instance, declared) && family.is_free(usize::from(*key), value, declared.use_)
                        })
                };
                if mine().all(fits) {
                    self.instance(number, frame, named.unwrap_or_default(), instance, depth);
                }
                // A key may come again only after the end of what it named.
                let reusable = declared.keys.iter().all(|key| key.use_ == crate::protocol::KeyUse::Reusable);
                if !(reusable && exits(self.program, self.role, At::Live(&instance.act)).contains(&0)) {
                    return;
                }
            } else if mine().next().is_none() && keys.iter().any(|(at, ..)| *at > declared.depth) {
                // Only an inner family's key: it names one inner instance, of whichever outer one.
                let mut found = false;
                for (id, instance) in family.live.iter() {
                    if inner_named(self.program, &instance.act, keys) {
                        found = true;
                        self.instance(number, frame, id, instance, depth);
                    }
                }
                if found {
                    return;
                }
            }
            if named.is_none() {
                for (age, &id) in family.waiting.iter().enumerate() {
                    if let Some(instance) = family.live.get(id)
                        && mine().all(|(_, key, value)| {
                            declared.keys.get(usize::from(*key)).is_some_and(|declared| {
                                self.lacks(instance, declared)
                                    && family.is_free(usize::from(*key), value, declared.use_)
                            })
                        })
                    {
                        self.rank = u32::try_from(age.saturating_add(1)).unwrap_or(u32::MAX);
                        self.instance(number, frame, id, instance, depth);
                        self.rank = rank;
                    }
                }
            }
        }
        let used = |(_, key, value): &&(u8, u16, Value)| {
            let declared = declared.keys.get(usize::from(*key));
            !declared.is_none_or(|declared| {
                family.is_none_or(|family| family.is_free(usize::from(*key), value, declared.use_))
            })
        };
        if let Some((_, _, key)) = mine().find(used) {
            // A key that was used is to blame only for a message with which an instance may begin.
            let initial = self.program.automaton_of(self.role, info.region).map(|automaton| automaton.initial);
            let row = initial.and_then(|initial| self.program.row(self.role, info.region, initial));
            let begins =
                row.is_some_and(|row| !row.scopes.is_empty() || row.arms(self.message, self.end).next().is_some());
            let why = Why::NoInstance { family: frame, key: key.clone(), used: begins };
            nearer(&mut self.miss, self.role, why);
            return;
        }
        if opens {
            self.rank = if named.is_none() && family.is_some_and(|family| !family.waiting.is_empty()) {
                u32::MAX
            } else {
                rank
            };
            let hits = self.hits;
            // A fresh instance has assigned nothing.
            self.frames.push(&[]);
            self.path.push(frame);
            self.begin_round(Hop::Create(short(number)), info, family.map(|family| family.beat), depth);
            self.path.pop();
            self.frames.pop();
            self.rank = rank;
            if self.hits > hits {
                return;
            }
        }
        if named.is_none()
            && let Some((_, _, key)) = mine().next()
        {
            let why = Why::NoInstance { family: frame, key: key.clone(), used: false };
            nearer(&mut self.miss, self.role, why);
        }
    }

    fn lacks(&self, instance: &Instance, key: &Key) -> bool {
        let (_, at) = crate::protocol::place(key.slot);
        instance.frame.get(at as usize).is_none_or(Option::is_none)
    }

    fn instance(&mut self, number: usize, frame: FrameId, id: u32, instance: &'a Instance, depth: usize) {
        self.frames.push(&instance.frame);
        self.path.push(frame);
        self.hop(Hop::Instance(short(number), id), At::Live(&instance.act), false, depth);
        self.path.pop();
        self.frames.pop();
    }
}

/// Whether some key of an inner family names an instance in an activation.
fn inner_named(program: &Program, act: &Activation, keys: &Keys) -> bool {
    let mut found = false;
    act.visit(&mut |inside| {
        let Some(info) = info(program, inside.scope) else { return };
        let (Parts::During { rounds, .. }, ScopeParts::During(_, infos)) = (&inside.parts, &info.parts) else {
            return;
        };
        for (info, round) in infos.iter().zip(rounds) {
            let depth = info.family.and_then(|frame| program.frames.entry(frame)).map(|frame| frame.depth);
            if let (Round::Family(family), Some(depth)) = (round, depth) {
                found |= keys
                    .iter()
                    .any(|(at, key, value)| *at == depth && family.named(usize::from(*key), value).is_some());
            }
        }
    });
    found
}
