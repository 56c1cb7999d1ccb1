//! Which configurations explain an event, by what the observer sees of it (LANGUAGE, "Observation").
//!
//! `total` sees each message sent and received in one instant, or the side that the line shows; `endpoint` sees what one
//! role sends and receives; `wire` sees sends, and each receive lies anywhere between then and the receiver's first act
//! that presupposes it: the receives of a role are explored before each of its own events.
//!
//! A `@pipelined` role sends ahead of what it still has to receive: what its type cannot take yet is kept in order, the
//! other side takes it at once, and the type catches up behind each of its receives. (Of a wire, which shows no
//! receives, nothing more is known: there it is taken like any other role.)

use std::sync::Arc;

use smallvec::SmallVec;

use super::{Event, Misfit, Refusal, Values};
use crate::{
    data::{Assumed, Externs, Value},
    id::{Id, MessageId, RoleId},
    machine::{
        End, Live, Program,
        live::{Passage, Refused, Seen, Sides, Straight, Time, Way, Why},
    },
    protocol::{Observer, Side},
};

/// With everything in sight, only the specification itself can leave open what happened.
const MAX_TOTAL: usize = 8;
/// As many explanations as are followed when receives are out of sight.
const MAX_WIRE: usize = 1_024;
/// A role sends this many messages ahead, at most.
const MAX_AHEAD: usize = 1 << 16;

/// Who watches, and whether lines show one side of a message.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    pub(super) observer: Observer,
    sided: bool,
    /// Roles that send ahead.
    pipelined: Box<[RoleId]>,
    /// What is said of extern predicates.
    host: Arc<dyn Externs + Send + Sync>,
}

impl Watch {
    pub(crate) fn new(observer: Observer, sided: bool, pipelined: &[RoleId]) -> Self {
        Self { observer, sided, pipelined: pipelined.into(), host: Arc::new(Assumed) }
    }

    /// The host is there to be asked.
    pub(crate) fn asking(self, host: Arc<dyn Externs + Send + Sync>) -> Self {
        Self { host, ..self }
    }

    pub(super) fn shows_receives(&self) -> bool {
        self.sided || matches!(self.observer, Observer::Endpoint(_))
    }

    fn most(&self) -> usize {
        if self.observer == Observer::Wire { MAX_WIRE } else { MAX_TOTAL }
    }

    pub(super) fn sides(&self, event: &Event<'_>) -> Sides {
        let local = event.from == event.to;
        if event.failed {
            return Sides::Attempt;
        }
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

/// A configuration, and what roles have sent ahead of it.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) live: Live,
    /// Oldest first.
    pub(super) ahead: Vec<Ahead>,
}

/// A message whose sender's type is behind.
#[derive(Clone, Debug)]
pub(crate) struct Ahead {
    role: RoleId,
    candidates: Arc<[Candidate]>,
}

impl From<Live> for Config {
    fn from(live: Live) -> Self {
        Self { live, ahead: Vec::new() }
    }
}

impl PartialEq for Config {
    fn eq(&self, other: &Self) -> bool {
        let same = |(a, b): (&Ahead, &Ahead)| a.role == b.role && Arc::ptr_eq(&a.candidates, &b.candidates);
        self.ahead.len() == other.ahead.len()
            && self.ahead.iter().zip(&other.ahead).all(same)
            && self.live == other.live
    }
}

/// A message that an event can be, with what its payload holds under its signature.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) message: MessageId,
    pub(crate) values: Result<Arc<Values>, Misfit>,
    pub(crate) content: u128,
    /// Which of its conditions are known to hold; only of the first configuration that is asked.
    pub(crate) known: u64,
}

/// All that an event can be.
pub(super) type Candidates = SmallVec<[Candidate; 2]>;

impl Candidate {
    fn seen<'s>(&'s self, watch: &'s Watch, values: &'s [Option<Value>], sides: Sides, now: Time) -> Seen<'s> {
        Seen { message: self.message, sides, payload: values, content: self.content, now, externs: &*watch.host }
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

    fn refusal(self) -> Refusal {
        self.0.map_or(Refusal::Nothing, |(_, refusal)| refusal)
    }
}

/// The configurations that explain an event after those of the set; the set stays as it is if there are none.
pub(crate) fn next(
    program: &Program,
    watch: &Watch,
    set: &mut Vec<Config>,
    event: &Event<'_>,
    candidates: Candidates,
    now: Time,
) -> Result<(), Refusal> {
    next_in(program, watch, set, event, &mut { candidates }, now, &mut Room::default())
}

/// Memory in which ways are put together, for one event after the other.
#[derive(Debug)]
pub(crate) struct Room {
    ways: [Way; 2],
    /// The transitions of the last event, if they are wanted and it was explained in one way.
    pub(super) trail: Option<Vec<Passage>>,
}

impl Default for Room {
    fn default() -> Self {
        Self { ways: [Way::blank(), Way::blank()], trail: None }
    }
}

impl Room {
    fn note(&mut self, way: &Way) {
        if let Some(trail) = &mut self.trail {
            trail.extend(way.trail());
        }
    }

    fn note_first(&mut self) {
        let [way, _] = &self.ways;
        if let Some(trail) = &mut self.trail {
            trail.extend(way.trail());
        }
    }
}

/// As [`next`], in memory that is used again.
pub(super) fn next_in(
    program: &Program,
    watch: &Watch,
    set: &mut Vec<Config>,
    event: &Event<'_>,
    candidates: &mut Candidates,
    now: Time,
    room: &mut Room,
) -> Result<(), Refusal> {
    let sides = watch.sides(event);
    let mut nearest = Nearest::default();
    if !watch.pipelined.is_empty() && matches!(sides, Sides::Both | Sides::Give | Sides::Take) {
        let found = pipelined(
            program,
            watch,
            set,
            event,
            &std::mem::take(candidates).into_iter().collect(),
            sides,
            now,
            &mut nearest,
            room,
        )?;
        if found.len() != 1
            && let Some(trail) = &mut room.trail
        {
            trail.clear();
        }
        return replace(set, found, nearest);
    }
    // The one configuration with the one explanation is changed in place.
    if let (Observer::Total | Observer::Endpoint(_), [config]) = (watch.observer, &mut **set) {
        let found = straight(program, watch, &config.live, candidates, sides, now, room);
        debug_assert!(
            agrees(program, found, room, &config.live, &briefly(program, watch, &config.live, candidates, sides, now)),
            "the straight way is another one"
        );
        let found = match found {
            Straight::One => {
                room.note_first();
                let [way, _] = &mut room.ways;
                config.live.take_last(program, way);
                return Ok(());
            }
            Straight::None => Vec::new(),
            Straight::Unsure => briefly(program, watch, &config.live, candidates, sides, now),
        };
        if let [way] = &*found {
            room.note(way);
            config.live.take(program, way);
            return Ok(());
        }
        // Only of what is refused it is asked why.
        if found.is_empty() && ways(program, watch, &config.live, candidates, sides, now, &mut nearest).is_empty() {
            return Err(nearest.refusal());
        }
    }
    let mut next: Vec<Config> = Vec::new();
    let mut taken = 0_usize;
    for config in &*set {
        let starts = match watch.observer {
            Observer::Wire => receives(program, &config.live, actor(event, sides), now)?,
            _ => Vec::new(),
        };
        for start in std::iter::once(&config.live).chain(&starts) {
            for way in ways(program, watch, start, candidates, sides, now, &mut nearest) {
                let mut after = start.clone();
                after.take(program, &way);
                room.note(&way);
                taken = taken.saturating_add(1);
                add(&mut next, after.into(), watch.most())?;
            }
        }
    }
    // Of what may have happened in several ways nothing is certain.
    if taken != 1
        && let Some(trail) = &mut room.trail
    {
        trail.clear();
    }
    replace(set, next, nearest)
}

fn replace(set: &mut Vec<Config>, next: Vec<Config>, nearest: Nearest) -> Result<(), Refusal> {
    if next.is_empty() {
        return Err(nearest.refusal());
    }
    *set = next;
    Ok(())
}

fn add(set: &mut Vec<Config>, config: Config, most: usize) -> Result<(), Refusal> {
    if !set.contains(&config) {
        set.push(config);
    }
    if set.len() > most { Err(Refusal::TooMany) } else { Ok(()) }
}

fn actor(event: &Event<'_>, sides: Sides) -> RoleId {
    if sides == Sides::Receive { event.to } else { event.from }
}

/// All ways in which an event may happen in a configuration.
fn ways(
    program: &Program,
    watch: &Watch,
    live: &Live,
    candidates: &[Candidate],
    sides: Sides,
    now: Time,
    nearest: &mut Nearest,
) -> Vec<Way> {
    let mut all: Vec<Way> = Vec::new();
    let excluded = |candidate: &&Candidate| {
        let values = candidate.values.as_ref();
        values.is_ok_and(|values| live.excludes(program, candidate.message, sides, values, now))
    };
    // First without what is out of the question; with all of it, to say why, only if nothing else is left.
    if candidates.len() > 1 {
        for candidate in candidates.iter().filter(|candidate| !excluded(candidate)) {
            let Ok(values) = &candidate.values else { continue };
            let found = live.admits(program, candidate.seen(watch, values, sides, now)).unwrap_or_default();
            if let Some(way) = found.iter().find(|way| way.is_duplicate()) {
                return vec![way.clone()];
            }
            all.extend(found);
        }
        if !all.is_empty() {
            return all;
        }
    }
    for candidate in candidates {
        let values = match &candidate.values {
            Ok(values) => values,
            Err(misfit) => {
                // Only of a message that might come here is it worth saying that its payload does not fit.
                match live.admits(program, candidate.seen(watch, &[], sides, now)) {
                    Err(refused)
                        if refused.why.rank() < Why::NEAR && !matches!(refused.why, Why::NoInstance { .. }) =>
                    {
                        nearest.refused(candidate.message, refused);
                    }
                    _ => nearest.note(Why::NEAR, || Refusal::Payload(candidate.message, misfit.clone())),
                }
                continue;
            }
        };
        match live.admits(program, candidate.seen(watch, values, sides, now)) {
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

/// The only way in which an event may happen in a configuration, if it is a straight one; it is then the first of the room.
fn straight(
    program: &Program,
    watch: &Watch,
    live: &Live,
    candidates: &[Candidate],
    sides: Sides,
    now: Time,
    room: &mut Room,
) -> Straight {
    let [first, second] = &mut room.ways;
    let mut found = Straight::None;
    for candidate in candidates {
        let Ok(values) = &candidate.values else { continue };
        let way = if found == Straight::One { &mut *second } else { &mut *first };
        match live.straight(program, &candidate.seen(watch, values, sides, now), candidate.known, way) {
            Straight::None => {}
            Straight::One if found == Straight::None => found = Straight::One,
            Straight::One | Straight::Unsure => return Straight::Unsure,
        }
    }
    found
}

/// Whether what was found the straight way is what is found the long way: of the steps too, unless there is too much to
/// compare. What is built for tests looks at that with every event.
fn agrees(program: &Program, found: Straight, room: &Room, live: &Live, ways: &[Way]) -> bool {
    let [straight, _] = &room.ways;
    match (found, ways) {
        (Straight::Unsure, _) | (Straight::None, []) => true,
        (Straight::One, [_]) if live.remembered() > 256 => true,
        (Straight::One, [way]) => {
            let (mut long, mut short) = (live.clone(), live.clone());
            long.take(program, way);
            short.take_last(program, &mut straight.clone());
            long == short
        }
        _ => false,
    }
}

/// As [`ways`], without reasons.
fn briefly(
    program: &Program,
    watch: &Watch,
    live: &Live,
    candidates: &[Candidate],
    sides: Sides,
    now: Time,
) -> Vec<Way> {
    let mut all: Vec<Way> = Vec::new();
    for candidate in candidates {
        let Ok(values) = &candidate.values else { continue };
        let found = live.ways(program, candidate.seen(watch, values, sides, now));
        if let Some(way) = found.iter().find(|way| way.is_duplicate()) {
            return vec![way.clone()];
        }
        if all.is_empty() {
            all = found;
        } else {
            all.extend(found);
        }
    }
    all
}

/// An event where some roles send ahead.
#[expect(clippy::too_many_arguments, reason = "what is seen, where, and what is known so far")]
fn pipelined(
    program: &Program,
    watch: &Watch,
    set: &[Config],
    event: &Event<'_>,
    candidates: &Arc<[Candidate]>,
    sides: Sides,
    now: Time,
    nearest: &mut Nearest,
    room: &mut Room,
) -> Result<Vec<Config>, Refusal> {
    let mut next: Vec<Config> = Vec::new();
    let sends_ahead = watch.pipelined.contains(&event.from) && sides != Sides::Take;
    for config in set {
        let waits = sends_ahead && config.ahead.iter().any(|ahead| ahead.role == event.from);
        let mut found: Vec<Config> = Vec::new();
        if !waits {
            for way in ways(program, watch, &config.live, candidates, sides, now, nearest) {
                let mut after = config.clone();
                after.live.take(program, &way);
                room.note(&way);
                found.push(after);
            }
        }
        // The other side takes it at once; the sender's type waits for what it has to receive first.
        if found.is_empty() && sends_ahead && awaits(program, &config.live, event.from) {
            if config.ahead.len() >= MAX_AHEAD {
                return Err(Refusal::TooMany);
            }
            let mut push = |mut after: Config| {
                after.ahead.push(Ahead { role: event.from, candidates: Arc::clone(candidates) });
                found.push(after);
            };
            if sides == Sides::Both && event.from != event.to {
                for way in ways(program, watch, &config.live, candidates, Sides::Early, now, nearest) {
                    let mut after = config.clone();
                    after.live.take(program, &way);
                    room.note(&way);
                    push(after);
                }
            } else {
                push(config.clone());
            }
        }
        for after in found {
            catch_up(program, watch, after, now, nearest, room, &mut next)?;
        }
    }
    Ok(next)
}

/// Whether a role's type can go on by a receive.
fn awaits(program: &Program, live: &Live, role: RoleId) -> bool {
    live.offers(program, role).iter().any(|offer| offer.end == End::To)
}

/// Lets the types of roles that have sent ahead take what they can.
fn catch_up(
    program: &Program,
    watch: &Watch,
    config: Config,
    now: Time,
    nearest: &mut Nearest,
    room: &mut Room,
    next: &mut Vec<Config>,
) -> Result<(), Refusal> {
    let mut todo = vec![config];
    while let Some(mut config) = todo.pop() {
        let mut stays = true;
        for &role in &watch.pipelined {
            let Some(at) = config.ahead.iter().position(|ahead| ahead.role == role) else { continue };
            let Some(candidates) = config.ahead.get(at).map(|ahead| Arc::clone(&ahead.candidates)) else { continue };
            let found = ways(program, watch, &config.live, &candidates, Sides::Behind, now, nearest);
            if !found.is_empty() {
                config.ahead.remove(at);
                for way in &found {
                    let mut after = config.clone();
                    after.live.take(program, way);
                    room.note(way);
                    todo.push(after);
                }
                stays = false;
                break;
            }
            // [caught up] nothing more comes before it, and still it may not be sent.
            if !awaits(program, &config.live, role) {
                stays = false;
                break;
            }
        }
        if stays {
            add(next, config, watch.most())?;
        }
        if todo.len() > MAX_WIRE {
            return Err(Refusal::TooMany);
        }
    }
    Ok(())
}

/// Every configuration that a role reaches by receiving what is on its way to it.
fn receives(program: &Program, live: &Live, role: RoleId, now: Time) -> Result<Vec<Live>, Refusal> {
    let mut all: Vec<Live> = Vec::new();
    let mut done = 0_usize;
    let mut at = live;
    loop {
        let mut found = Vec::new();
        for (message, payload) in at.heads(program, role) {
            let seen = Seen { message, sides: Sides::Receive, payload: &payload, content: 0, now, externs: &Assumed };
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
pub(crate) fn is_final(program: &Program, watch: &Watch, config: &Config) -> bool {
    let live = &config.live;
    config.ahead.is_empty()
        && match watch.observer {
            Observer::Total => live.is_final(program),
            Observer::Endpoint(role) => live.may_stop(program, role),
            Observer::Wire => drains(program, live),
        }
}

/// Whether all may stop when what is still on its way has been received; roles do not wait for each other to do so.
fn drains(program: &Program, live: &Live) -> bool {
    let mut at = live.clone();
    for _ in 0..=live.queued() {
        if at.is_final(program) {
            return true;
        }
        let roles = (0..program.roles()).map_while(|role| RoleId::new(role).ok());
        let step = roles.flat_map(|role| at.heads(program, role)).find_map(|(message, payload)| {
            let seen = Seen {
                message,
                sides: Sides::Receive,
                payload: &payload,
                content: 0,
                now: at.now(),
                externs: &Assumed,
            };
            at.admits(program, seen).ok()?.into_iter().next()
        });
        match step {
            Some(way) => at.take(program, &way),
            None => return false,
        }
    }
    false
}
