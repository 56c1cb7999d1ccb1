//! Families: which instance a message belongs to.
//!
//! What a message names is compared with every live instance, oldest first; all keys that were ever given are a list.

use super::{
    Full,
    place::{Family, Frame, Instance, Open, Parts, Place, Round, Time},
    rest::Way,
    rules::Rule,
    scope::with,
    step::{Done, Here, Query, Side},
    view::{Copies, is_unset},
};
use crate::{
    data::Value,
    id::FrameId,
    protocol::{self, Key, KeyUse, Scope},
};

/// The keys of one family that a message names.
type Named = Vec<(u16, Value)>;

impl Full<'_> {
    /// Every way to take a message in a family.
    pub(super) fn family(
        &self,
        q: &Query<'_>,
        family: &Family,
        (frame, round): (FrameId, &protocol::Round),
        copies: &Copies,
        (opens, since): (bool, Time),
    ) -> Vec<Done<Round>> {
        let Some(declared) = self.term.frames.entry(frame) else { return Vec::new() };
        let named: Named = q
            .keys
            .iter()
            .filter(|(depth, ..)| *depth == declared.depth)
            .map(|(_, key, value)| (*key, value.clone()))
            .collect();
        let inner = q.keys.iter().any(|(depth, ..)| *depth > declared.depth);
        let meant: Vec<usize> = (0..family.live.len())
            .filter(|&at| {
                let instance = family.live.get(at);
                instance.is_some_and(|one| named.iter().any(|(key, value)| one.keys.get(key) == Some(value)))
            })
            .collect();
        match *meant.as_slice() {
            [] => {}
            // [named]  any key that is bound names the instance; what it lacks is given to it
            [at] => {
                let Some(instance) = family.live.get(at) else { return Vec::new() };
                let fits = named.iter().all(|(key, value)| match instance.keys.get(key) {
                    Some(held) => held == value,
                    None => self.is_free(family, &declared.keys, *key, value),
                });
                let mut found = Vec::new();
                if fits {
                    found = self.instance(q, family, (frame, at), &named, None, (copies, true));
                    self.fired.note(Rule::Named);
                }
                // A key that may come again does so after the end of what it named.
                let reusable = declared.keys.iter().all(|key| key.use_ == KeyUse::Reusable);
                let ended = self.ends(q.role, &instance.place, None).contains(&(Way::End, None));
                if reusable && ended && opens {
                    found.extend(self.open(q, family, (frame, round), &named, (copies, true), since));
                }
                return found;
            }
            // Keys of two instances name neither.
            _ => return Vec::new(),
        }
        // [inner key]  only the key of a family inside: whichever instance has that
        if named.is_empty() && inner {
            let mut found = Vec::new();
            let mut any = false;
            for (at, instance) in family.live.iter().enumerate() {
                if self.holds(q, &instance.place) {
                    any = true;
                    self.fired.note(Rule::InnerKey);
                    found.extend(self.instance(q, family, (frame, at), &named, None, (copies, true)));
                }
            }
            if any {
                return found;
            }
        }
        // [used]  a key that was given must not come again
        if named.iter().any(|(key, value)| !self.is_free(family, &declared.keys, *key, value)) {
            self.fired.note(Rule::Used);
            return Vec::new();
        }
        // [late key]  the oldest instance that lacks a key and whose next step and condition admit it; else a new one.
        // A receiver, whose copies may be older, prefers those whose condition is not false for it.
        let waits = |one: &Instance| one.keys.len() < declared.keys.len();
        let doubts = q.side == Side::Takes && family.live.iter().any(waits);
        for doubtful in if doubts { &[false, true][..] } else { &[true] } {
            for (at, instance) in family.live.iter().enumerate() {
                if waits(instance) && named.iter().all(|(key, _)| !instance.keys.contains_key(key)) {
                    let found = self.instance(q, family, (frame, at), &named, None, (copies, *doubtful));
                    if !found.is_empty() {
                        self.fired.note(Rule::LateKey);
                        return found;
                    }
                }
            }
            if opens {
                let found = self.open(q, family, (frame, round), &named, (copies, *doubtful), since);
                if !found.is_empty() {
                    return found;
                }
            }
        }
        Vec::new()
    }

    /// `[open]`: a new instance begins.
    fn open(
        &self,
        q: &Query<'_>,
        family: &Family,
        (frame, round): (FrameId, &protocol::Round),
        named: &Named,
        (copies, doubtful): (&Copies, bool),
        since: Time,
    ) -> Vec<Done<Round>> {
        let mut family = family.clone();
        // What has the same keys has ended.
        family.live.retain(|one| !named.iter().any(|(key, value)| one.keys.get(key) == Some(value)));
        let at = family.live.len();
        let place = Self::fresh(round.body, since);
        family.live.push(Instance { keys: Default::default(), frame: Frame::new(), place });
        let found = self.instance(q, &family, (frame, at), named, Some(round), (copies, doubtful));
        if !found.is_empty() {
            self.fired.note(Rule::Open);
        }
        found
    }

    /// A step of an instance, which gets the keys that it lacks; the first of one that begins with it.
    fn instance(
        &self,
        q: &Query<'_>,
        family: &Family,
        (frame, at): (FrameId, usize),
        named: &Named,
        begun: Option<&protocol::Round>,
        (copies, doubtful): (&Copies, bool),
    ) -> Vec<Done<Round>> {
        let (Some(instance), Some(declared)) = (family.live.get(at), self.term.frames.entry(frame)) else {
            return Vec::new();
        };
        let mut copies = copies.clone();
        copies.frames.push(instance.frame.clone());
        copies.path.push(frame);
        let mut keys = instance.keys.clone();
        let mut used = family.used.clone();
        for (key, value) in named {
            if let Some(info) = declared.keys.get(usize::from(*key))
                && !keys.contains_key(key)
            {
                keys.insert(*key, value.clone());
                used.push((*key, value.clone()));
                self.put(&mut copies, info.slot, Some(value.clone()));
            }
        }
        if !doubtful && !self.may_be_meant(q, &copies) {
            return Vec::new();
        }
        let depth = copies.frames.len();
        let mut found = Vec::new();
        for mut done in self.steps(q, &instance.place, &copies, Here::In) {
            let until = match begun {
                Some(round) => self.beat(q, family.until, round, &done.copies),
                None => Some(family.until),
            };
            let Some(until) = until else { continue };
            let own = done.copies.frames.get(depth.saturating_sub(1)).cloned().unwrap_or_default();
            done.copies.frames.truncate(depth.saturating_sub(1));
            done.copies.path.truncate(depth.saturating_sub(1));
            let (keys, used) = (keys.clone(), used.clone());
            found.push(done.map(|place| {
                let over = self.is_over(q.role, &place);
                let mut live = with(&family.live, at, Instance { keys, frame: own, place });
                // [close]  an instance ends with its block
                if over {
                    self.fired.note(Rule::Close);
                    live.remove(at);
                }
                Round::Family(Family { live, used, until })
            }));
        }
        found
    }

    fn may_be_meant(&self, q: &Query<'_>, copies: &Copies) -> bool {
        self.rule(q.letter.sort).conditions.iter().all(|condition| match self.view(q, copies).value(&condition.code) {
            Ok(Value::Bool(held)) => held,
            Ok(_) => false,
            Err(fault) => is_unset(&fault),
        })
    }

    fn is_free(&self, family: &Family, keys: &[Key], key: u16, value: &Value) -> bool {
        let mut used = family.used.iter().filter(|(other, _)| *other == key).map(|(_, value)| value);
        match keys.get(usize::from(key)).map(|key| key.use_).unwrap_or_default() {
            KeyUse::Once => used.all(|other| other != value),
            KeyUse::Reusable => true,
            KeyUse::Rising => used.all(|other| value > other),
        }
    }

    /// Whether a family inside has a live instance with one of the keys that a message names.
    fn holds(&self, q: &Query<'_>, at: &Place) -> bool {
        at.open.as_deref().into_iter().chain(&at.left).any(|open| self.holds_in(q, open))
    }

    fn holds_in(&self, q: &Query<'_>, open: &Open) -> bool {
        match (&open.parts, self.term.scopes.entry(open.scope)) {
            (Parts::Par(parts), _) => parts.iter().any(|part| self.holds(q, part)),
            (Parts::Try { place, .. }, _) => self.holds(q, place),
            (Parts::During { main, rounds }, Some(Scope::During { rounds: declared, .. })) => {
                let deeper = rounds.iter().zip(declared).any(|(round, declared)| match round {
                    Round::One(one, _) => one.as_ref().is_some_and(|one| self.holds(q, one)),
                    Round::Family(family) => {
                        let depth = declared.family.and_then(|frame| self.term.frames.entry(frame)).map(depth);
                        family.live.iter().any(|one| {
                            let own = |(at, key, value): &(u8, u16, Value)| {
                                Some(*at) == depth && one.keys.get(key) == Some(value)
                            };
                            q.keys.iter().any(own) || self.holds(q, &one.place)
                        })
                    }
                });
                deeper || main.as_ref().is_some_and(|main| self.holds(q, main))
            }
            _ => false,
        }
    }
}

fn depth(frame: &protocol::Frame) -> u8 {
    frame.depth
}
