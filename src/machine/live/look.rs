//! Whether an event may happen, and in which ways: both sides of a message looked for, and the keys that it must not
//! repeat. What each place assigns is told by `evaluate`, and made by `step`.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{
    Live, Refused, Seen, Sides, Time, Why,
    env::View,
    evaluate::duration,
    find::Finder,
    memory::{Digest, Known, digest},
    place::{Epoch, Hit, Keys},
    step::{Taken, Way},
    why::nearer,
};
use crate::{
    data::{Externs, Value},
    id::{EdgeId, MessageId, RoleId},
    machine::{
        Shared,
        program::{End, Program, Travel},
    },
    protocol::{Memory, Rule},
};

/// Whether a message may be out of the question early, seen from these sides.
fn decides(travel: &Travel, sides: Sides) -> bool {
    let sends = matches!(sides, Sides::Both | Sides::Send | Sides::Give | Sides::Attempt);
    // A repetition is recognized before conditions are looked at.
    sends && !travel.early.is_empty() && travel.rule.idempotent.is_empty()
}

impl Live {
    /// Whether a message is out of the question wherever its place might be: one of its conditions is false that depends
    /// on the session's own variables and, if it is given, the payload. A quick look before [`Live::admits`], which
    /// would say the same, and why.
    #[must_use]
    pub fn excludes(
        &self,
        program: &Program,
        message: MessageId,
        sides: Sides,
        payload: &[Option<Value>],
        now: Time,
    ) -> bool {
        let Some(travel) = program.messages.entry(message) else { return true };
        if !decides(travel, sides) {
            return false;
        }
        let (_, sighted) = travel.early.split_at(travel.blind.min(travel.early.len()));
        self.hold(program, travel, sighted, payload, now.max(self.now), 0).is_none()
    }

    /// The same before the payload is read. If it is not out of the question, which of its conditions hold, by their
    /// numbers: wherever the message stands, and whatever its payload says. They need not be looked at again, as long as
    /// the configuration stays what it is and the message is seen at this time. What is found is also noted for other
    /// messages that are seen at this time.
    #[must_use]
    pub fn blindly(
        &self,
        program: &Program,
        message: MessageId,
        sides: Sides,
        now: Time,
        shared: &mut Shared,
    ) -> Option<u64> {
        let travel = program.messages.entry(message)?;
        if !decides(travel, sides) {
            return Some(0);
        }
        let mut holds = 0_u64;
        for (at, number) in travel.early.iter().zip(&travel.shared) {
            let bit = u32::try_from(*at).ok().and_then(|at| 1_u64.checked_shl(at)).unwrap_or_default();
            match shared.get(*number) {
                Some(true) => holds |= bit,
                Some(false) => return None,
                None => {
                    let found = self.hold(program, travel, std::slice::from_ref(at), &[], now.max(self.now), 0);
                    match found {
                        None => {
                            shared.set(*number, false);
                            return None;
                        }
                        Some(found) if found & bit != 0 => {
                            shared.set(*number, true);
                            holds |= bit;
                        }
                        // What cannot be computed is not known.
                        Some(_) => {}
                    }
                }
            }
        }
        Some(holds)
    }

    /// Every way in which an event may happen; if there is none, why the nearest one fails.
    pub fn admits(&self, program: &Program, seen: Seen<'_>) -> Result<Vec<Way>, Refused> {
        self.look(program, seen, false)
    }

    /// As [`Live::admits`], for whoever does not ask why: what cannot be is given up sooner.
    #[must_use]
    pub fn ways(&self, program: &Program, seen: Seen<'_>) -> Vec<Way> {
        self.look(program, seen, true).unwrap_or_default()
    }

    fn look(&self, program: &Program, seen: Seen<'_>, brief: bool) -> Result<Vec<Way>, Refused> {
        let Some(travel) = program.messages.entry(seen.message) else {
            return Err(Refused { why: Why::NotHere, role: RoleId::default() });
        };
        let now = seen.now.max(self.now);
        let rule = &*travel.rule;
        let mut remember: SmallVec<[(Digest, u128); 1]> = SmallVec::new();
        let sends = matches!(seen.sides, Sides::Both | Sides::Send | Sides::Give | Sides::Behind | Sides::Attempt);
        // Whoever is seen first remembers; of a message that is seen twice the second side does not.
        let remembers = matches!(seen.sides, Sides::Both | Sides::Send | Sides::Give | Sides::Take | Sides::Early);
        let watched = if sends { travel.from } else { travel.to };
        if remembers {
            for (option, memory) in rule.idempotent.iter().enumerate() {
                let Some((key, lasts)) = self.key_of(program, watched, memory, &seen, now) else { continue };
                match self.memory.known(key, seen.content, now, lasts) {
                    Known::Same => {
                        return Ok(vec![Way {
                            message: seen.message,
                            sides: seen.sides,
                            now,
                            payload: None,
                            taken: Vec::new(),
                            remember: SmallVec::new(),
                            before: 0,
                            duplicate: true,
                        }]);
                    }
                    Known::Other => return Err(Refused { why: Why::OtherContent { option }, role: travel.from }),
                    Known::New if self.memory.is_full() => {
                        return Err(Refused { why: Why::MemoryFull, role: travel.from });
                    }
                    Known::New => remember.push((key, seen.content)),
                }
            }
        }
        let keys = self.keys(program, rule, &seen, now);
        let mut miss: Option<Refused> = None;
        // The sender's parts, then the receiver's.
        let mut taken: Vec<Taken> = Vec::new();
        let local = travel.from == travel.to;
        let mut before = 0;
        if sends {
            if seen.sides == Sides::Send && travel.edge.is_some_and(|edge| !self.has_room(program, edge)) {
                return Err(Refused { why: Why::Full, role: travel.from });
            }
            // What cannot be wherever it stands need not be looked for; and what holds, holds there too.
            let holds = if brief { self.early(program, travel, seen.payload, now, 0) } else { Some(0) };
            let Some(holds) = holds else { return Err(Refused { why: Why::NotNow, role: travel.from }) };
            self.side(program, &seen, (travel.from, End::From), &keys, (now, brief, holds), &mut miss, &mut taken);
            if taken.is_empty() {
                return Err(miss.unwrap_or(Refused { why: Why::NotHere, role: travel.from }));
            }
            if seen.sides == Sides::Attempt {
                if !rule.may_retry {
                    return Err(Refused { why: Why::MayNotFail, role: travel.from });
                }
                // What failed has consumed nothing.
                taken.iter_mut().for_each(|one| one.required.clear());
            }
        }
        let senders = taken.len();
        // What is sent to a role that crashed vanishes.
        let gone = sends && self.seats.entry(travel.to).is_some_and(|seat| seat.crashed);
        if !local && !gone && matches!(seen.sides, Sides::Both | Sides::Receive | Sides::Take | Sides::Early) {
            if seen.sides == Sides::Receive {
                match travel.edge.and_then(|edge| self.taken_from(program, edge, &seen)) {
                    Some(at) => before = at,
                    None => return Err(Refused { why: Why::NotSent, role: travel.to }),
                }
            }
            let mut miss = None;
            self.side(program, &seen, (travel.to, End::To), &keys, (now, brief, 0), &mut miss, &mut taken);
            if taken.len() == senders {
                return Err(miss.unwrap_or(Refused { why: Why::NotHere, role: travel.to }));
            }
        }
        if remembers {
            for (option, memory) in rule.unique.iter().enumerate() {
                let Some((key, lasts)) = self.key_of(program, watched, memory, &seen, now) else { continue };
                match self.memory.known(key, seen.content, now, lasts) {
                    Known::New if self.memory.is_full() => {
                        return Err(Refused { why: Why::MemoryFull, role: travel.from });
                    }
                    Known::New => remember.push((key, seen.content)),
                    Known::Same | Known::Other => {
                        return Err(Refused { why: Why::NotUnique { option }, role: travel.from });
                    }
                }
            }
        }
        let payload: Option<Arc<[Option<Value>]>> = (seen.sides == Sides::Send).then(|| seen.payload.into());
        let way = |taken: Vec<Taken>| Way {
            message: seen.message,
            sides: seen.sides,
            now,
            payload: payload.clone(),
            taken,
            remember: remember.clone(),
            before,
            duplicate: false,
        };
        let mut ways = Vec::with_capacity(1);
        match (senders, taken.len().saturating_sub(senders)) {
            (1, 1) | (0, 1) | (1, 0) => ways.push(way(taken)),
            (0, _) | (_, 0) => ways.extend(taken.into_iter().map(|one| way(vec![one]))),
            _ => {
                let (senders, receivers) = taken.split_at(senders);
                for sender in senders {
                    for receiver in receivers {
                        ways.push(way(vec![sender.clone(), receiver.clone()]));
                    }
                }
            }
        }
        Ok(ways)
    }

    /// How many messages are in front of one that is received: none, unless the edge may have lost them.
    fn taken_from(&self, program: &Program, edge: EdgeId, seen: &Seen<'_>) -> Option<usize> {
        let queue = self.queues.entry(edge)?;
        if !self.is_lossy(program, edge) {
            return queue.front().filter(|head| head.message == seen.message).map(|_| 0);
        }
        // Of equal ones the first: it leaves open what the others do, and more.
        let mut same = queue.iter().enumerate().filter(|(_, queued)| queued.message == seen.message);
        let exact = same.clone().find(|(_, queued)| *queued.payload == *seen.payload);
        exact.or_else(|| same.next()).map(|(at, _)| at)
    }

    /// The places where one side can take a message, with what each assigns.
    #[expect(clippy::too_many_arguments, reason = "what is seen, and by whom")]
    fn side(
        &self,
        program: &Program,
        seen: &Seen<'_>,
        (role, end): (RoleId, End),
        keys: &Keys,
        (now, brief, holds): (Time, bool, u64),
        miss: &mut Option<Refused>,
        taken: &mut Vec<Taken>,
    ) {
        let known = taken.len();
        let mut each = |hit: &Hit<'_, '_>| {
            let mut one = Taken::blank();
            match self.evaluate(program, seen, role, end, keys, (now, holds), hit, &mut one) {
                Ok(()) => {
                    // Most often it is the one, and the other side's comes behind it.
                    if taken.is_empty() {
                        taken.reserve_exact(2);
                    }
                    taken.push(one);
                }
                Err(why) => nearer(miss, role, why),
            }
        };
        let mut finder = Finder::new(program, self, role, seen.message, end, keys, now, &mut each);
        finder.brief = brief;
        let epoch = program.messages.entry(seen.message).and_then(|travel| travel.epoch);
        if let Some(value) = epoch.and_then(|at| seen.payload.get(at)?.as_ref()) {
            finder.epoch = Epoch::Known(value);
        }
        let missed = finder.run();
        if taken.len() == known {
            if let Some(missed) = missed {
                nearer(miss, missed.role, missed.why);
            }
            return;
        }
        // Of instances that wait for a key, and a new one, the first that fits.
        let place = |one: &Taken| (one.doubtful, one.rank);
        if let Some(best) = taken.iter().skip(known).filter(|one| one.rank > 0).map(place).min() {
            let mut at = 0_usize;
            taken.retain(|one| {
                at = at.saturating_add(1);
                at <= known || one.rank == 0 || place(one) == best
            });
        }
    }

    /// Which conditions hold wherever the message stands, by their numbers; none if one of them is false. Those beyond
    /// the 64th, and those that cannot be computed, are left to be looked at there. Those that are known to hold are not
    /// looked at.
    pub(super) fn early(
        &self,
        program: &Program,
        travel: &Travel,
        payload: &[Option<Value>],
        now: Time,
        known: u64,
    ) -> Option<u64> {
        self.hold(program, travel, &travel.early, payload, now, known)
    }

    fn hold(
        &self,
        program: &Program,
        travel: &Travel,
        asked: &[usize],
        payload: &[Option<Value>],
        now: Time,
        known: u64,
    ) -> Option<u64> {
        let mut holds = known;
        if asked.is_empty() {
            return Some(holds);
        }
        let seat = self.seats.entry(travel.from)?;
        let frames = [&*seat.frame];
        // Only slots of the session and of the payload are read, and the host is not asked.
        let externs: &dyn Externs = &|_, _: &[Value]| None;
        let role = Some(travel.from);
        let view = View { program, live: self, role, frames: &frames, pending: &[], payload, now, externs };
        for &at in asked {
            if at < 64 && known & (1 << at) != 0 {
                continue;
            }
            let Some(condition) = travel.rule.conditions.get(at) else { continue };
            match condition.code.holds(&view) {
                Ok(false) => return None,
                Ok(true) if at < 64 => holds |= 1 << at,
                Ok(true) | Err(_) => {}
            }
        }
        Some(holds)
    }

    /// The keys that a message names; what has no value names nothing.
    pub(super) fn keys(&self, program: &Program, rule: &Rule, seen: &Seen<'_>, now: Time) -> Keys {
        let (payload, externs) = (seen.payload, seen.externs);
        let mut keys = Keys::new();
        for key in &rule.keys {
            let view = View { program, live: self, role: None, frames: &[], pending: &[], payload, now, externs };
            if let Ok(value) = key.value.eval(&view)
                && value != Value::Unit
                && !keys.iter().any(|(depth, number, _)| (*depth, *number) == (key.depth, key.key))
            {
                keys.push((key.depth, key.key, value));
            }
        }
        keys
    }

    /// The digest of a remembered key, and for how long; none if a part of it is absent.
    pub(super) fn key_of(
        &self,
        program: &Program,
        role: RoleId,
        memory: &Memory,
        seen: &Seen<'_>,
        now: Time,
    ) -> Option<(Digest, Option<Time>)> {
        let seat = self.seats.entry(role)?;
        let frames = [&*seat.frame];
        let (payload, externs) = (seen.payload, seen.externs);
        let view = View { program, live: self, role: Some(role), frames: &frames, pending: &[], payload, now, externs };
        let mut values: SmallVec<[Value; 4]> = SmallVec::new();
        for code in &memory.by {
            values.push(code.eval(&view).ok()?);
        }
        let lasts = memory.lasts.as_ref().and_then(|code| duration(code.eval(&view)).ok());
        Some(((memory.id, digest(values.iter())), lasts))
    }
}
