//! Which configurations explain an event, by what the observer sees of it (LANGUAGE, "Observation").
//!
//! `total` sees each message sent and received in one instant, or the side that the line shows; `endpoint` sees what one
//! role sends and receives; `wire` sees sends, and each receive lies anywhere between then and the receiver's first act
//! that presupposes it: the receives of a role are explored before each of its own events.

use std::sync::Arc;

use super::{Event, Misfit, Refusal, Values};
use crate::{
    data::Value,
    id::{Id, MessageId, RoleId},
    machine::{
        Live, Program,
        live::{Refused, Seen, Sides, Time, Way, Why},
    },
    protocol::{Observer, Side},
};

/// With everything in sight, only the specification itself can leave open what happened.
const MAX_TOTAL: usize = 8;
/// As many explanations as are followed when receives are out of sight.
const MAX_WIRE: usize = 1_024;

/// Who watches, and whether lines show one side of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    pub(super) observer: Observer,
    sided: bool,
}

impl Watch {
    pub(super) fn new(observer: Observer, sided: bool) -> Self {
        Self { observer, sided }
    }

    pub(super) fn shows_receives(self) -> bool {
        self.sided || matches!(self.observer, Observer::Endpoint(_))
    }

    fn most(self) -> usize {
        if self.observer == Observer::Wire { MAX_WIRE } else { MAX_TOTAL }
    }

    fn sides(self, event: &Event<'_>) -> Sides {
        let local = event.from == event.to;
        match (self.observer, event.side) {
            (Observer::Endpoint(own), side) if own == event.from && (local || side != Side::Receive) => Sides::Give,
            (Observer::Endpoint(_), _) => Sides::Take,
            (_, _) if local => Sides::Both,
            (_, Side::Receive) => Sides::Receive,
            (Observer::Wire, _) | (_, Side::Send) => Sides::Send,
            (Observer::Total, Side::Both) => Sides::Both,
        }
    }
}

/// A message that an event can be, with what its payload holds under its signature.
pub(super) struct Candidate {
    pub(super) message: MessageId,
    pub(super) values: Result<Arc<Values>, Misfit>,
    pub(super) content: u128,
}

impl Candidate {
    fn seen<'s>(&'s self, values: &'s [Option<Value>], sides: Sides, now: Time) -> Seen<'s> {
        Seen { message: self.message, sides, payload: values, content: self.content, now }
    }
}

/// The nearest miss so far.
#[derive(Default)]
struct Nearest(Option<(u8, Refusal)>);

impl Nearest {
    fn note(&mut self, rank: u8, refusal: impl FnOnce() -> Refusal) {
        if self.0.as_ref().is_none_or(|(known, _)| *known < rank) {
            self.0 = Some((rank, refusal()));
        }
    }

    fn refused(&mut self, message: MessageId, refused: Refused) {
        self.note(refused.why.rank(), || Refusal::Refused(message, refused));
    }
}

/// The configurations that explain an event after those of the set; the set stays as it is if there are none.
pub(super) fn next(
    program: &Program,
    watch: Watch,
    set: &mut Vec<Live>,
    event: &Event<'_>,
    candidates: &[Candidate],
    now: Time,
) -> Result<(), Refusal> {
    let sides = watch.sides(event);
    let mut nearest = Nearest::default();
    // The one configuration with the one explanation is changed in place.
    if let (Observer::Total | Observer::Endpoint(_), [live]) = (watch.observer, &mut **set) {
        let mut ways = ways(program, live, candidates, sides, now, &mut nearest);
        if ways.len() < 2 {
            return match ways.pop() {
                Some(way) => {
                    live.take(program, &way);
                    Ok(())
                }
                None => Err(nearest.0.map_or(Refusal::Nothing, |(_, refusal)| refusal)),
            };
        }
    }
    let mut next: Vec<Live> = Vec::new();
    for live in &*set {
        let starts = match watch.observer {
            Observer::Wire => receives(program, live, actor(event, sides), now)?,
            _ => Vec::new(),
        };
        for start in std::iter::once(live).chain(&starts) {
            for way in ways(program, start, candidates, sides, now, &mut nearest) {
                let mut after = start.clone();
                after.take(program, &way);
                if !next.contains(&after) {
                    next.push(after);
                }
                if next.len() > watch.most() {
                    return Err(Refusal::TooMany);
                }
            }
        }
    }
    if next.is_empty() {
        return Err(nearest.0.map_or(Refusal::Nothing, |(_, refusal)| refusal));
    }
    *set = next;
    Ok(())
}

fn actor(event: &Event<'_>, sides: Sides) -> RoleId {
    if sides == Sides::Receive { event.to } else { event.from }
}

/// All ways in which an event may happen in a configuration.
fn ways(
    program: &Program,
    live: &Live,
    candidates: &[Candidate],
    sides: Sides,
    now: Time,
    nearest: &mut Nearest,
) -> Vec<Way> {
    let mut all: Vec<Way> = Vec::new();
    for candidate in candidates {
        let values = match &candidate.values {
            Ok(values) => values,
            Err(misfit) => {
                // Only of a message that might come here is it worth saying that its payload does not fit.
                let rank = match live.admits(program, candidate.seen(&[], sides, now)) {
                    Ok(_) => Why::NEAR,
                    Err(refused) if refused.why.rank() >= Why::NEAR => Why::NEAR,
                    Err(refused) => {
                        nearest.refused(candidate.message, refused);
                        continue;
                    }
                };
                nearest.note(rank, || Refusal::Payload(candidate.message, misfit.clone()));
                continue;
            }
        };
        match live.admits(program, candidate.seen(values, sides, now)) {
            Ok(found) => {
                // A repetition changes nothing, whatever else the event might be.
                if let Some(way) = found.iter().find(|way| way.is_duplicate()) {
                    return vec![way.clone()];
                }
                all.extend(found);
            }
            Err(refused) => nearest.refused(candidate.message, refused),
        }
    }
    all
}

/// Every configuration that a role reaches by receiving what is on its way to it.
fn receives(program: &Program, live: &Live, role: RoleId, now: Time) -> Result<Vec<Live>, Refusal> {
    let mut all: Vec<Live> = Vec::new();
    let mut done = 0_usize;
    let mut at = live;
    loop {
        let mut found = Vec::new();
        for (message, payload) in at.heads(program, role) {
            let seen = Seen { message, sides: Sides::Receive, payload: &payload, content: 0, now };
            for way in at.admits(program, seen).unwrap_or_default() {
                let mut after = at.clone();
                after.take(program, &way);
                found.push(after);
            }
        }
        for after in found {
            if after != *live && !all.contains(&after) {
                all.push(after);
            }
        }
        if all.len() > MAX_WIRE {
            return Err(Refusal::TooMany);
        }
        match all.get(done) {
            Some(next) => at = next,
            None => return Ok(all),
        }
        done = done.saturating_add(1);
    }
}

/// Whether a session may be over in a configuration.
pub(super) fn is_final(program: &Program, watch: Watch, live: &Live) -> bool {
    match watch.observer {
        Observer::Total => live.is_final(program),
        Observer::Endpoint(role) => live.may_stop(program, role),
        Observer::Wire => {
            // What is still on its way is received in the end; roles do not wait for each other to do so.
            let mut at = live.clone();
            for _ in 0..MAX_WIRE.max(live.queued()) {
                if at.is_final(program) {
                    return true;
                }
                let roles = (0..program.roles()).map_while(|role| RoleId::new(role).ok());
                let step = roles.flat_map(|role| at.heads(program, role)).find_map(|(message, payload)| {
                    let now = at.now();
                    let seen = Seen { message, sides: Sides::Receive, payload: &payload, content: 0, now };
                    at.admits(program, seen).ok()?.into_iter().next()
                });
                match step {
                    Some(way) => at.take(program, &way),
                    None => return false,
                }
            }
            false
        }
    }
}
