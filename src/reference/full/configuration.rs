//! Roles side by side, what is on its way between them, and what is remembered of all of them.

use std::collections::BTreeMap;

use super::{
    Full,
    place::{Entries, Frame, Letter, Seat, Stale, Time},
    rest::Way,
    rules::Rule,
    step::{Done, Here, Query, Side},
    view::{Copies, View},
};
use crate::{
    data::Value,
    id::{FrameId, Id, LabelId, MemoryId, RoleId, SortId},
    protocol::{EdgeKind, Memory, Payload, Stmt},
};

/// Which sides of a message are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sides {
    /// Send and receive in one instant; of a local action all there is.
    Both,
    /// The send.
    Send,
    /// The receive of the oldest message on the edge.
    Receive,
    /// An attempt by the sender that failed.
    Attempt,
}

/// What is seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// The sender, or who acts.
    pub from: RoleId,
    /// The receiver; the same for a local action.
    pub to: RoleId,
    /// The label.
    pub label: LabelId,
    /// The payload fields, as declared in a signature of which only the payload counts.
    pub like: SortId,
    /// Their values.
    pub values: Vec<Option<Value>>,
    /// Which sides.
    pub sides: Sides,
    /// When.
    pub now: Time,
}

/// A key that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Remembered {
    option: MemoryId,
    key: Vec<Value>,
    content: Content,
    at: Time,
}

/// What counts as the same message.
type Content = (RoleId, RoleId, LabelId, Vec<Option<Value>>);

/// Where every role is, what every queue holds, what is remembered. Equal configurations are equal values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Configuration {
    seats: Vec<Seat>,
    nobody: Frame,
    entered: Entries,
    queues: BTreeMap<(RoleId, RoleId), Vec<Letter>>,
    remembered: Vec<Remembered>,
    now: Time,
}

/// One way in which an event happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    /// Where it leads.
    pub then: Configuration,
    /// It repeats what was accepted before, and changes nothing.
    pub duplicate: bool,
    /// The arguments of the witnesses that it consumes, in the order of the rule.
    pub required: Vec<Vec<Value>>,
}

impl<'a> Full<'a> {
    /// Every role at its start.
    #[must_use]
    pub fn initial(&self, now: Time) -> Configuration {
        let empty = Seat {
            frame: Frame::new(),
            place: super::place::Place { rest: Vec::new(), open: None, left: Vec::new(), since: now },
            stale: Vec::new(),
            crashed: false,
            epoch: None,
            came: Entries::new(),
        };
        let mut conf = Configuration {
            seats: vec![empty; self.roles],
            nobody: Frame::new(),
            entered: Entries::new(),
            queues: BTreeMap::new(),
            remembered: Vec::new(),
            now,
        };
        let letter = Letter { label: LabelId::default(), sort: SortId::default(), values: Vec::new() };
        for role in 0..self.roles {
            let Ok(id) = RoleId::new(role) else { break };
            let Some(seat) = conf.seats.get(role).cloned() else { break };
            let q = Query {
                role: id,
                // The first role makes what nobody in particular makes.
                side: if role == 0 { Side::Gives } else { Side::Takes },
                from: id,
                to: id,
                letter: &letter,
                keys: &[],
                now,
                seat: &seat,
                late: false,
            };
            let mut copies = self.copies(&conf, &seat);
            let mut rest = self.whole();
            for passed in self.settle(&mut rest, id) {
                // What has no value at the start shows when it is read.
                let _ = self.pass(&q, &mut copies, &[passed]);
            }
            conf.nobody = copies.nobody;
            if let Some(slot) = conf.seats.get_mut(role) {
                slot.frame = copies.frames.into_iter().next().unwrap_or_default();
                slot.place.rest = rest;
            }
        }
        conf
    }

    fn copies(&self, conf: &Configuration, seat: &Seat) -> Copies {
        Copies {
            frames: vec![seat.frame.clone()],
            path: vec![FrameId::default()],
            nobody: conf.nobody.clone(),
            entered: conf.entered.clone(),
            came: seat.came.clone(),
            touched: Vec::new(),
            required: Vec::new(),
        }
    }

    /// Every way in which an event may happen; none, if it may not.
    #[must_use]
    pub fn successors(&self, conf: &Configuration, seen: &Seen) -> Vec<Next> {
        let now = seen.now.max(conf.now);
        let mut next: Vec<Next> = Vec::new();
        for sort in self.signatures(seen) {
            let letter = Letter { label: seen.label, sort, values: seen.values.clone() };
            for one in self.of_letter(conf, seen, &letter, now) {
                if !next.contains(&one) {
                    next.push(one);
                }
            }
        }
        next
    }

    /// The signatures that a label has between two roles, with such a payload.
    fn signatures(&self, seen: &Seen) -> Vec<SortId> {
        let payload: Option<&Payload> = self.names.payload(seen.like);
        let mut sorts = Vec::new();
        let blocks: Vec<_> = self.term.bodies.values().copied().collect();
        self.visit(&blocks, &mut |_, _, stmt| {
            let sort = match stmt {
                Stmt::Message { from, to, label, sort, .. }
                    if (*from, *label) == (seen.from, seen.label) && to.contains(&seen.to) =>
                {
                    *sort
                }
                Stmt::Act { role, label, sort, .. } if (*role, *role, *label) == (seen.from, seen.to, seen.label) => {
                    *sort
                }
                _ => return,
            };
            if self.names.payload(sort) == payload && !sorts.contains(&sort) {
                sorts.push(sort);
            }
        });
        sorts
    }

    fn of_letter(&self, conf: &Configuration, seen: &Seen, letter: &Letter, now: Time) -> Vec<Next> {
        let gives = seen.sides != Sides::Receive;
        let takes = seen.sides != Sides::Send && seen.from != seen.to;
        let rule = self.rule(letter.sort);
        // [retry]  what may fail, and could be done: nothing moves
        if seen.sides == Sides::Attempt {
            let keys = self.keys(conf, letter, now);
            let might = self.role_steps(conf, seen, (seen.from, Side::Gives), letter, &keys, now);
            if !rule.may_retry || might.is_empty() {
                return Vec::new();
            }
            self.fired.note(Rule::Retry);
            return vec![Next { then: Configuration { now, ..conf.clone() }, duplicate: false, required: Vec::new() }];
        }
        let mut remembered = conf.remembered.clone();
        if gives {
            // [duplicate]  the same message with the same key again is no step; another one with that key is none either
            for memory in &rule.idempotent {
                let Some(found) = self.remembered(conf, seen.from, memory, letter, now) else { continue };
                match found {
                    (_, Some(known)) if *known == self.content(seen, letter, memory) => {
                        self.fired.note(Rule::Duplicate);
                        return vec![Next {
                            then: Configuration { now, ..conf.clone() },
                            duplicate: true,
                            required: Vec::new(),
                        }];
                    }
                    (_, Some(_)) => return Vec::new(),
                    (key, None) => {
                        let content = self.content(seen, letter, memory);
                        remembered.push(Remembered { option: memory.id, key, content, at: now });
                    }
                }
            }
            // [unique]  a key that was accepted is no step
            for memory in &rule.unique {
                let Some((key, known)) = self.remembered(conf, seen.from, memory, letter, now) else { continue };
                if known.is_some() {
                    self.fired.note(Rule::Unique);
                    return Vec::new();
                }
                let content = self.content(seen, letter, memory);
                remembered.push(Remembered { option: memory.id, key, content, at: now });
            }
        }
        let mut conf = conf.clone();
        conf.now = now;
        conf.remembered = remembered;
        let keys = self.keys(&conf, letter, now);
        let here = |role, side| self.role_steps(&conf, seen, (role, side), letter, &keys, now);
        let gone = conf.seats.get(seen.to.index()).is_some_and(|seat| seat.crashed);
        // The witnesses are the sender's.
        let of = |done: &Option<Done<super::place::Place>>| {
            done.as_ref().map_or_else(Vec::new, |done| done.copies.required.clone())
        };
        let mut after = Vec::new();
        match (gives, takes) {
            // [act]  p: l(S).L --p:l--> L
            (true, _) if seen.from == seen.to => {
                self.fired.note(Rule::Act);
                for done in here(seen.from, Side::Gives) {
                    after.push((of(&done), self.becomes(&conf, (seen, letter), seen.from, done)));
                }
            }
            // [vanish]  what is sent to a role that crashed is gone
            (true, _) if gone => {
                for done in here(seen.from, Side::Gives) {
                    self.fired.note(Rule::Vanish);
                    after.push((of(&done), self.becomes(&conf, (seen, letter), seen.from, done)));
                }
            }
            // [both]  p -> q: l(S), send and receive at once
            (true, true) => {
                for sent in here(seen.from, Side::Gives) {
                    for received in here(seen.to, Side::Takes) {
                        self.fired.note(Rule::Both);
                        let then = self.becomes(&conf, (seen, letter), seen.from, sent.clone());
                        after.push((of(&sent), self.becomes(&then, (seen, letter), seen.to, received)));
                    }
                }
            }
            // [send]  p: q!l(S).L --p!q:l--> L,  pq := pq·l(S)       when pq has room
            (true, false) => {
                let queued = conf.queues.get(&(seen.from, seen.to)).map_or(0, Vec::len);
                if self.room(seen.from, seen.to).is_none_or(|room| queued < room) {
                    for done in here(seen.from, Side::Gives) {
                        self.fired.note(Rule::Send);
                        let required = of(&done);
                        let mut then = self.becomes(&conf, (seen, letter), seen.from, done);
                        let queue = then.queues.entry((seen.from, seen.to)).or_default();
                        // [replace]  the latest takes the place of what is there
                        if self.kind(seen.from, seen.to) == EdgeKind::Latest && !queue.is_empty() {
                            self.fired.note(Rule::Replace);
                            queue.clear();
                        }
                        queue.push(letter.clone());
                        after.push((required, then));
                    }
                }
            }
            // [receive]  q: p?l(S).L, pq = l(S)·w --q?p:l--> L,  pq := w
            (false, _) => {
                let queue = conf.queues.get(&(seen.from, seen.to)).cloned().unwrap_or_default();
                // [lose]  … or what is behind others, which a lossy edge has lost
                let place = queue.iter().position(|queued| queued == letter);
                let lossy = self.kind(seen.from, seen.to) == EdgeKind::Lossy;
                if let Some(place) = place.filter(|&place| place == 0 || lossy) {
                    if place > 0 {
                        self.fired.note(Rule::Lose);
                    }
                    for done in here(seen.to, Side::Takes) {
                        self.fired.note(Rule::Receive);
                        let mut then = self.becomes(&conf, (seen, letter), seen.to, done);
                        let rest = then.queues.remove(&(seen.from, seen.to)).unwrap_or_default();
                        let rest: Vec<Letter> = rest.into_iter().skip(place.saturating_add(1)).collect();
                        if !rest.is_empty() {
                            then.queues.insert((seen.from, seen.to), rest);
                        }
                        after.push((Vec::new(), then));
                    }
                }
            }
        }
        after.into_iter().map(|(required, then)| Next { then, duplicate: false, required }).collect()
    }

    /// One role's steps; none is a stale message that it discards.
    fn role_steps(
        &self,
        conf: &Configuration,
        seen: &Seen,
        (role, side): (RoleId, Side),
        letter: &Letter,
        keys: &[(u8, u16, Value)],
        now: Time,
    ) -> Vec<Option<Done<super::place::Place>>> {
        let Some(seat) = conf.seats.get(role.index()).filter(|seat| !seat.crashed) else { return Vec::new() };
        let copies = self.copies(conf, seat);
        let (from, to) = (seen.from, seen.to);
        // [epoch]  it was said in an abandoned scope, whatever else it could be; or it was not
        let message = (from, to, letter.label, letter.sort);
        let is_left = |stale: &&Stale| !stale.heard.contains(&from) && self.says(&stale.blocks, message);
        let epoch = self.epoch_of(letter).filter(|_| side == Side::Takes);
        let known = seat.stale.iter().filter(is_left).filter_map(|stale| epoch.zip(stale.epoch.as_ref()));
        let old: Vec<bool> = known.map(|(epoch, newest)| is_old(epoch, newest)).collect();
        if !old.is_empty() {
            self.fired.note(Rule::Epoch);
        }
        if old.contains(&true) {
            return vec![None];
        }
        let mut found = Vec::new();
        // What a role can take where it is does not belong to what it has left.
        for late in [false, true] {
            if found.is_empty() && (!late || side == Side::Takes) {
                let q = Query { role, side, from, to, letter, keys, now, seat, late };
                found = self.steps(&q, &seat.place, &copies, Here::In);
            }
        }
        if found.is_empty() && side == Side::Takes {
            // [stale]  what was said in an abandoned scope, before anything from beyond it, is discarded
            if seat.stale.iter().filter(is_left).any(|stale| epoch.is_none() || stale.epoch.is_none()) {
                self.fired.note(Rule::Stale);
                return vec![None];
            }
        }
        found.into_iter().map(Some).collect()
    }

    /// A role makes its step.
    fn becomes(
        &self,
        conf: &Configuration,
        (seen, letter): (&Seen, &Letter),
        role: RoleId,
        done: Option<Done<super::place::Place>>,
    ) -> Configuration {
        let mut then = conf.clone();
        let Some(done) = done else { return then };
        let epoch = self.epoch_of(letter);
        let Some(seat) = then.seats.get_mut(role.index()) else { return then };
        seat.frame = done.copies.frames.into_iter().next().unwrap_or_default();
        seat.place = done.at;
        seat.came = done.copies.came;
        if let Some(epoch) = epoch.filter(|epoch| !seat.epoch.as_ref().is_some_and(|newest| is_old(epoch, newest))) {
            seat.epoch = Some(epoch.clone());
        }
        let receives = role == seen.to && role != seen.from;
        if receives {
            for stale in seat.stale.iter_mut().filter(|stale| !stale.heard.contains(&seen.from)) {
                stale.heard.push(seen.from);
            }
        } else {
            then.nobody = done.copies.nobody;
            then.entered = done.copies.entered;
        }
        seat.stale.extend(done.stale);
        seat.stale.retain(|stale| stale.heard.len() < self.roles.saturating_sub(1));
        for role in done.crashed {
            self.fired.note(Rule::Crash);
            then = self.crash(&then, role);
        }
        then
    }

    /// `[crash]`: a role does nothing more, and what is on its way to it vanishes.
    #[must_use]
    pub fn crash(&self, conf: &Configuration, role: RoleId) -> Configuration {
        let mut then = conf.clone();
        if let Some(seat) = then.seats.get_mut(role.index()) {
            seat.crashed = true;
        }
        then.queues.retain(|&(_, to), _| to != role);
        then
    }

    /// Every role may stop, no round is open, and nothing is on its way.
    #[must_use]
    pub fn is_final(&self, conf: &Configuration) -> bool {
        conf.queues.keys().all(|&(from, to)| self.kind(from, to) == EdgeKind::Lossy)
            && conf.seats.iter().enumerate().all(|(role, seat)| {
                let Ok(role) = RoleId::new(role) else { return false };
                seat.crashed || self.ends(role, &seat.place, None).iter().any(|(way, _)| *way == Way::End)
            })
    }

    /// What may be received next from an edge, the oldest first: label, signature, values.
    #[must_use]
    pub fn arriving(
        &self,
        conf: &Configuration,
        from: RoleId,
        to: RoleId,
    ) -> Vec<(LabelId, SortId, Vec<Option<Value>>)> {
        let most = if self.kind(from, to) == EdgeKind::Lossy { usize::MAX } else { 1 };
        let queue = conf.queues.get(&(from, to)).into_iter().flatten().take(most);
        queue.map(|letter| (letter.label, letter.sort, letter.values.clone())).collect()
    }

    fn kind(&self, from: RoleId, to: RoleId) -> EdgeKind {
        let declared = self.channels.iter().rev().find(|&&(f, t, _)| (f, t) == (from, to));
        declared.map_or(EdgeKind::Fifo, |&(.., kind)| kind)
    }

    /// What an edge holds at most.
    fn room(&self, from: RoleId, to: RoleId) -> Option<usize> {
        match self.kind(from, to) {
            EdgeKind::Bounded(n) => Some(n as usize),
            _ => None,
        }
    }

    /// The keys that a message names; what has no value names nothing.
    fn keys(&self, conf: &Configuration, letter: &Letter, now: Time) -> Vec<(u8, u16, Value)> {
        let Some(seat) = conf.seats.first() else { return Vec::new() };
        let copies = Copies {
            frames: Vec::new(),
            path: Vec::new(),
            nobody: Frame::new(),
            entered: Entries::new(),
            came: Entries::new(),
            touched: Vec::new(),
            required: Vec::new(),
        };
        let view = View { full: self, seat, copies: &copies, payload: &letter.values, now };
        let mut keys: Vec<(u8, u16, Value)> = Vec::new();
        for key in &self.rule(letter.sort).keys {
            match view.value(&key.value) {
                Ok(value)
                    if value != Value::Unit && !keys.iter().any(|known| (known.0, known.1) == (key.depth, key.key)) =>
                {
                    keys.push((key.depth, key.key, value));
                }
                _ => {}
            }
        }
        keys
    }

    /// The key of a message under an option, and what was accepted under it; nothing if the key has no value.
    fn remembered<'c>(
        &self,
        conf: &'c Configuration,
        role: RoleId,
        memory: &Memory,
        letter: &Letter,
        now: Time,
    ) -> Option<(Vec<Value>, Option<&'c Content>)> {
        let seat = conf.seats.get(role.index())?;
        let copies = self.copies(conf, seat);
        let view = View { full: self, seat, copies: &copies, payload: &letter.values, now };
        let key: Option<Vec<Value>> = memory.by.iter().map(|code| view.value(code).ok()).collect();
        let key = key?;
        let lasts = memory.lasts.as_ref().and_then(|lasts| view.duration(lasts));
        let mut known = conf.remembered.iter().rev();
        let latest = known.find(|known| known.option == memory.id && known.key == key);
        let latest = latest.filter(|known| lasts.is_none_or(|lasts| now.saturating_sub(known.at) <= lasts));
        Some((key, latest.map(|known| &known.content)))
    }

    /// What the `@epoch` field of a message holds.
    fn epoch_of<'l>(&self, letter: &'l Letter) -> Option<&'l Value> {
        let payload = self.names.payload(letter.sort)?;
        let is_epoch = |name: &str| self.epoch.iter().any(|epoch| **epoch == *name);
        let at = payload.fields.iter().position(|field| field.name.as_deref().is_some_and(is_epoch))?;
        letter.values.get(at)?.as_ref()
    }

    fn content(&self, seen: &Seen, letter: &Letter, memory: &Memory) -> Content {
        let payload = self.names.payload(letter.sort);
        let mut values = letter.values.clone();
        for (at, value) in values.iter_mut().enumerate() {
            let name = payload.and_then(|payload| payload.fields.get(at)).and_then(|field| field.name.as_deref());
            if memory.except.iter().any(|except| Some(&**except) == name) {
                *value = None;
            }
        }
        (seen.from, seen.to, letter.label, values)
    }
}

/// Whether what has this `@epoch` was said no later than when the other was the newest. Texts have no order in time.
fn is_old(epoch: &Value, newest: &Value) -> bool {
    match epoch {
        Value::Text(_) | Value::Uuid(_) | Value::Bytes(_) => epoch == newest,
        _ => epoch <= newest,
    }
}
