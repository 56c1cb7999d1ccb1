//! Steps: what was found to be possible, with all that it assigns, is made. What may happen is decided in `look`.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{
    Frame, Live, Queued, Seat, Sides, Time,
    env::{Pending, View},
    evaluate::deadline,
    memory::Digest,
    mover::Mover,
    place::{Hit, Hop, Keys, Passed, is_old},
    witness::Required,
};
use crate::{
    data::{Externs, Slot, Value},
    diag::Span,
    id::{MessageId, RegionId, RoleId, StateId},
    machine::program::{End, Program},
    protocol::{EdgeKind, place},
};

/// A way in which an event may happen, with all that it changes.
#[derive(Clone, Debug)]
pub struct Way {
    pub(super) message: MessageId,
    pub(super) sides: Sides,
    pub(super) now: Time,
    /// What goes on its way.
    pub(super) payload: Option<Arc<[Option<Value>]>>,
    /// The sender's part, then the receiver's.
    pub(super) taken: Vec<Taken>,
    pub(super) remember: SmallVec<[(Digest, u128); 1]>,
    /// How many messages in front of it were lost.
    pub(super) before: usize,
    pub(super) duplicate: bool,
}

impl Way {
    /// Of nothing yet: memory for [`Live::straight`].
    #[must_use]
    pub fn blank() -> Self {
        Self {
            message: MessageId::default(),
            sides: Sides::Both,
            now: 0,
            payload: None,
            taken: Vec::new(),
            remember: SmallVec::new(),
            before: 0,
            duplicate: false,
        }
    }

    /// The transitions that its roles take; none if it is a repetition or an attempt that failed.
    pub fn trail(&self) -> impl Iterator<Item = Passage> {
        let moves = !self.duplicate && self.sides != Sides::Attempt;
        self.taken.iter().filter(move |taken| moves && !taken.discard).map(|taken| Passage {
            role: taken.role,
            region: taken.region,
            message: self.message,
            end: taken.end,
            then: taken.then,
            span: taken.span,
        })
    }

    /// Whether it is a repetition that changes nothing.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        self.duplicate
    }

    /// One role's step, without data.
    pub(super) fn of_one(message: MessageId, sides: Sides, taken: Taken) -> Self {
        Self {
            message,
            sides,
            now: 0,
            payload: None,
            taken: vec![taken],
            remember: SmallVec::new(),
            before: 0,
            duplicate: false,
        }
    }

    /// Where the step is written, as the role that takes it first sees it.
    #[must_use]
    pub fn span(&self) -> Span {
        self.taken.first().map(|taken| taken.span).unwrap_or_default()
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> MessageId {
        self.message
    }
}

/// In what time something has to happen, and where that is written.
pub(super) type Owed = Option<(Time, Span)>;

/// A transition of a role's automaton of a region: by what it says and where it leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Passage {
    /// Whose.
    pub role: RoleId,
    /// Of which region.
    pub region: RegionId,
    /// Which message.
    pub message: MessageId,
    /// Which side of it.
    pub end: End,
    /// Where to.
    pub then: StateId,
    /// Where it is written.
    pub span: Span,
}

/// One role's part of a step.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) role: RoleId,
    pub(super) end: End,
    pub(super) hops: SmallVec<[Hop; 8]>,
    pub(super) region: RegionId,
    pub(super) then: StateId,
    pub(super) span: Span,
    pub(super) pending: Vec<Pending>,
    pub(super) names: Keys,
    /// Witnesses that it consumes.
    pub(super) required: Vec<Required>,
    /// Durations of what is owed in the scopes that are entered, in order.
    pub(super) limits: Vec<Vec<Owed>>,
    /// In what time the next of the rounds that are begun must begin.
    pub(super) beats: SmallVec<[Owed; 1]>,
    /// Until when the state behind must be left, and what is owed.
    pub(super) deadline: Owed,
    pub(super) rank: u32,
    /// The role doubts whether this instance is meant.
    pub(super) doubtful: bool,
    pub(super) discard: bool,
    pub(super) passed: SmallVec<[Passed; 2]>,
    /// What its `@epoch` field holds.
    pub(super) epoch: Option<Value>,
}

impl Taken {
    /// No step yet.
    pub(super) fn blank() -> Self {
        Self {
            role: RoleId::default(),
            end: End::From,
            hops: SmallVec::new(),
            region: RegionId::default(),
            then: StateId::default(),
            span: Span::default(),
            pending: Vec::new(),
            names: SmallVec::new(),
            required: Vec::new(),
            limits: Vec::new(),
            beats: SmallVec::new(),
            deadline: None,
            rank: 0,
            doubtful: false,
            discard: false,
            passed: SmallVec::new(),
            epoch: None,
        }
    }

    /// It is a step at a place, before anything is assigned; the memory that it has is used again.
    pub(super) fn move_to(&mut self, role: RoleId, end: End, hit: &Hit<'_, '_>) {
        self.role = role;
        self.end = end;
        self.hops.clear();
        self.hops.extend_from_slice(hit.hops);
        self.region = hit.region;
        self.then = hit.then;
        self.span = hit.span;
        self.pending.clear();
        self.names.clear();
        self.required.clear();
        self.limits.clear();
        self.beats.clear();
        self.deadline = None;
        self.rank = hit.rank;
        self.doubtful = false;
        self.discard = hit.discard;
        self.passed.clear();
        self.passed.extend_from_slice(hit.passed);
        self.epoch = None;
    }

    /// A step at a place, before anything is assigned.
    pub(super) fn at(role: RoleId, end: End, hit: &Hit<'_, '_>) -> Self {
        Self {
            role,
            end,
            hops: SmallVec::from_slice(hit.hops),
            region: hit.region,
            then: hit.then,
            span: hit.span,
            pending: Vec::new(),
            names: SmallVec::new(),
            required: Vec::new(),
            limits: Vec::new(),
            beats: SmallVec::new(),
            deadline: None,
            rank: hit.rank,
            doubtful: false,
            discard: hit.discard,
            passed: SmallVec::from_slice(hit.passed),
            epoch: None,
        }
    }
}

impl Live {
    /// Assigns what stands in front of every role's first step.
    pub(super) fn begin(&mut self, program: &Program, externs: &dyn Externs) {
        // What is at the start of the protocol itself holds from its start, not from a role's first step.
        let mut roots: Vec<RegionId> = self.seats.ids().map(|role| program.root(role)).collect();
        roots.dedup();
        let entries = roots.into_iter().filter_map(|root| program.regions.entry(root)).flat_map(|root| &root.entry);
        for (who, sets) in entries {
            let mut made: Vec<(Slot, Option<Value>)> = Vec::new();
            {
                let role = who.or_else(|| self.seats.ids().next());
                let Some(seat) = role.and_then(|role| self.seats.entry(role)) else { continue };
                let frames = [&*seat.frame];
                let view = View {
                    program,
                    live: self,
                    role: *who,
                    frames: &frames,
                    pending: &[],
                    payload: &[],
                    now: self.now,
                    externs,
                };
                for set in sets {
                    made.push((set.slot, set.value.eval(&view).ok()));
                }
            }
            for (slot, value) in made {
                let (_, at) = place(slot);
                let frame = match who {
                    Some(role) => self.seats.entry_mut(*role).map(|seat| &mut seat.frame),
                    None => Some(&mut self.nobody),
                };
                if let Some(cell) = frame.and_then(|frame| frame.get_mut(at as usize)) {
                    *cell = value;
                }
            }
        }
        let owed: Vec<(RoleId, Owed)> =
            self.seats.iter().map(|(role, seat)| (role, self.at_first(program, role, seat, externs))).collect();
        for (role, owed) in owed {
            if let (Some((deadline, span)), Some(seat)) = (owed, self.seats.entry_mut(role)) {
                seat.act.arm(self.timers.arm(role, deadline, span));
            }
        }
    }

    /// What a role owes from the start.
    fn at_first(&self, program: &Program, role: RoleId, seat: &Seat, externs: &dyn Externs) -> Owed {
        let frames = [&*seat.frame];
        let view = View {
            program,
            live: self,
            role: Some(role),
            frames: &frames,
            pending: &[],
            payload: &[],
            now: self.now,
            externs,
        };
        deadline(role, seat.act.region, seat.act.state, self.now, view)
    }

    /// Makes a step that was admitted in this very configuration.
    pub fn take(&mut self, program: &Program, way: &Way) {
        self.enter(program, way);
        if let Some(from) = self.moves(program, way) {
            way.taken.iter().for_each(|taken| self.take_one(program, taken, from));
        }
    }

    /// As [`Live::take`], of a way that is not asked for again: what it assigns is moved to where it belongs.
    pub fn take_last(&mut self, program: &Program, way: &mut Way) {
        self.enter(program, way);
        let Some(from) = self.moves(program, way) else { return };
        for taken in &mut way.taken {
            let mut deeper = false;
            if !taken.discard
                && let Some(seat) = self.seats.entry_mut(taken.role)
            {
                for pending in &mut taken.pending {
                    match cell(program, &mut self.nobody, &mut seat.frame, pending.slot) {
                        Some(cell) => pending.give(cell),
                        None => deeper = true,
                    }
                }
            }
            if deeper {
                taken.pending.retain(|pending| place(pending.slot).0 != 0);
            } else {
                taken.pending.clear();
            }
            self.take_one(program, taken, from);
            taken.pending.clear();
            taken.names.clear();
        }
    }

    /// Who sent what a way is about, if it moves anything.
    fn moves(&self, program: &Program, way: &Way) -> Option<RoleId> {
        let travel = program.messages.entry(way.message)?;
        (!way.duplicate && way.sides != Sides::Attempt).then_some(travel.from)
    }

    /// What is remembered of a step, and what it does to the queues.
    fn enter(&mut self, program: &Program, way: &Way) {
        self.now = self.now.max(way.now);
        if way.duplicate || way.sides == Sides::Attempt {
            return;
        }
        let Some(travel) = program.messages.entry(way.message) else { return };
        for (key, content) in &way.remember {
            self.memory.remember(*key, *content, self.now);
        }
        let gone = self.seats.entry(travel.to).is_some_and(|seat| seat.crashed);
        let kind = travel.edge.and_then(|edge| program.edges.entry(edge)).map(|(_, _, kind)| *kind);
        let keeps_latest = kind == Some(EdgeKind::Latest);
        if let Some(queue) = travel.edge.and_then(|edge| self.queues.entry_mut(edge)) {
            match way.sides {
                Sides::Send if gone => {}
                Sides::Send => {
                    let payload = way.payload.clone().unwrap_or_default();
                    if keeps_latest {
                        queue.clear();
                    }
                    queue.push_back(Queued { message: way.message, payload });
                }
                Sides::Receive if way.before == 0 => drop(queue.pop_front()),
                Sides::Receive => drop(queue.drain(..way.before.saturating_add(1).min(queue.len()))),
                Sides::Both | Sides::Take | Sides::Give | Sides::Early | Sides::Behind | Sides::Attempt => {}
            }
        }
    }

    fn take_one(&mut self, program: &Program, taken: &Taken, from: RoleId) {
        if taken.discard {
            return;
        }
        let now = self.now;
        for &place in &taken.passed {
            self.come_by(taken.role, place, taken.end == End::From);
        }
        let Some(seat) = self.seats.entry_mut(taken.role) else { return };
        for pending in &taken.pending {
            if let Some(cell) = cell(program, &mut self.nobody, &mut seat.frame, pending.slot) {
                pending.make(cell);
            }
        }
        let mut mover = Mover {
            program,
            taken,
            now,
            timers: &mut self.timers,
            limits: taken.limits.iter(),
            beats: taken.beats.iter(),
            stale: Vec::new(),
            received: (taken.end == End::To && from != taken.role).then_some(from),
            epoch: seat.epoch.clone(),
            since: now,
            crashed: Vec::new(),
        };
        mover.region(&mut seat.act, &taken.hops, 0);
        let (stale, crashed) = (mover.stale, mover.crashed);
        if !stale.is_empty() {
            seat.stale.extend(stale);
        }
        if let Some(epoch) = &taken.epoch
            && !seat.epoch.as_ref().is_some_and(|newest| is_old(epoch, newest))
        {
            seat.epoch = Some(epoch.clone());
        }
        if taken.end == End::To && from != taken.role && !seat.stale.is_empty() {
            for stale in &mut seat.stale {
                if !stale.heard.contains(&from) {
                    stale.heard.push(from);
                }
            }
            seat.stale.retain(|stale| stale.heard.len() < program.roles().saturating_sub(1));
        }
        crashed.into_iter().for_each(|role| self.crash(program, role));
    }

    /// A role crashed: it does nothing more, and what is on its way to it vanishes.
    pub fn crash(&mut self, program: &Program, role: RoleId) {
        if let Some(seat) = self.seats.entry_mut(role) {
            seat.crashed = true;
        }
        self.timers.release(role);
        for (edge, queue) in program.edges.values().zip(self.queues.values_mut()) {
            if edge.1 == role {
                queue.clear();
            }
        }
    }
}

/// Where a variable of the session is.
fn cell<'f>(program: &Program, nobody: &'f mut Frame, own: &'f mut Frame, slot: Slot) -> Option<&'f mut Option<Value>> {
    let (depth, at) = place(slot);
    let frame = if program.is_nobodys(at as usize) { nobody } else { own };
    frame.get_mut(at as usize).filter(|_| depth == 0)
}
