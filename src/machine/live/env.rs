//! What expressions read: one role's copies of the frames on its way, the payload, and what is about to be assigned.

use smallvec::SmallVec;

use super::{Frame, Inside, Live, Parts, Round, Seat, Time, family::Family};
use crate::{
    data::{Change, Env, ExternId, Externs, FamilyId, Slot, Value},
    id::{FrameId, Id, RoleId},
    machine::program::{Program, ScopeParts},
    protocol::{PAYLOAD, place},
};

/// The frames by depth; the last is that of the innermost family.
pub(super) type Frames<'a> = SmallVec<[&'a Frame; 4]>;

/// An assignment that is not made yet.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) slot: Slot,
    pub(super) new: New,
}

/// What is assigned.
#[derive(Clone, Debug)]
pub(super) enum New {
    /// This value; none takes the old one away.
    Value(Option<Value>),
    /// The old value, changed. By INVARIANT (deferred) of edits nothing reads it before.
    Change(Change),
}

impl Pending {
    pub(super) fn value(slot: Slot, value: Option<Value>) -> Self {
        Self { slot, new: New::Value(value) }
    }

    /// Makes it, for the last time.
    pub(super) fn give(&mut self, cell: &mut Option<Value>) {
        match &mut self.new {
            New::Value(value) => *cell = value.take(),
            New::Change(change) => change.apply_last(cell),
        }
    }

    /// Makes it.
    pub(super) fn make(&self, cell: &mut Option<Value>) {
        match &self.new {
            New::Value(value) => cell.clone_from(value),
            New::Change(change) => change.apply(cell),
        }
    }
}

/// One role's view.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) program: &'a Program,
    pub(super) live: &'a Live,
    /// Whose copies; none for what nobody knows.
    pub(super) role: Option<RoleId>,
    pub(super) frames: &'a [&'a Frame],
    /// The latest come last and count.
    pub(super) pending: &'a [Pending],
    pub(super) payload: &'a [Option<Value>],
    pub(super) now: Time,
    /// What the host says.
    pub(super) externs: &'a dyn Externs,
}

impl<'a> View<'a> {
    /// With what is about to be assigned.
    pub(super) fn with(self, pending: &'a [Pending]) -> Self {
        Self { pending, ..self }
    }

    fn seat(&self) -> Option<&Seat> {
        self.live.seats.entry(self.role?)
    }

    fn family(&self, id: FamilyId) -> Option<&Family> {
        let wanted = FrameId::from_raw(id.0);
        find_family(self.program, self.seat()?, wanted)
    }
}

fn family_in<'i>(program: &Program, inside: &'i Inside, wanted: FrameId) -> Option<&'i Family> {
    let Parts::During { rounds, .. } = &inside.parts else { return None };
    let Some(Some(info)) = program.scopes.entry(inside.scope) else { return None };
    let ScopeParts::During(_, infos) = &info.parts else { return None };
    infos.iter().zip(rounds).find_map(|(info, round)| match round {
        Round::Family(family) if info.family == Some(wanted) => Some(&**family),
        _ => None,
    })
}

fn find_family<'s>(program: &Program, seat: &'s Seat, wanted: FrameId) -> Option<&'s Family> {
    let mut todo = vec![&seat.act];
    while let Some(act) = todo.pop() {
        for inside in act.scopes() {
            if let Some(family) = family_in(program, inside, wanted) {
                return Some(family);
            }
            inside.activations(&mut todo);
        }
    }
    None
}

impl Env for View<'_> {
    #[inline]
    fn slot(&self, slot: Slot) -> Option<&Value> {
        let (depth, index) = place(slot);
        let at = index as usize;
        if depth == PAYLOAD {
            return self.payload.get(at)?.as_ref();
        }
        if let Some(pending) = self.pending.iter().rev().find(|pending| pending.slot == slot)
            && let New::Value(value) = &pending.new
        {
            return value.as_ref();
        }
        if depth == 0 && self.program.is_nobodys(at) {
            return self.live.nobody.get(at)?.as_ref();
        }
        self.frames.get(usize::from(depth))?.get(at)?.as_ref()
    }

    fn now(&self) -> Option<i64> {
        Some(self.now)
    }

    fn external(&self, id: ExternId, args: &[Value]) -> Option<bool> {
        self.externs.ask(id, args)
    }

    fn lives(&self, family: FamilyId, keys: &[Value]) -> bool {
        let Some(found) = self.family(family) else { return false };
        keys.first().is_some_and(|key| found.named(0, key).is_some())
    }

    fn instance(&self, family: FamilyId, keys: &[Value], variable: u32) -> Option<&Value> {
        let found = self.family(family)?;
        let instance = found.live.get(found.named(0, keys.first()?)?)?;
        instance.frame.get(variable as usize)?.as_ref()
    }
}
