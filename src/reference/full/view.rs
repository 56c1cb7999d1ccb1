//! What expressions read: a role's own copies, what nobody knows, the message at hand, the families that the role sees.

use super::{
    Full,
    place::{Entries, Family, Frame, Open, Parts, Place, Round, Seat, Time},
};
use crate::{
    data::{Code, Env, ExternId, FamilyId, Fault, Slot, Sort, Value, Why},
    id::{FrameId, Id},
    protocol::{PAYLOAD, Scope, place},
};

/// The copies of one role on its way to a step: the session's frame first, then those of the instances around.
#[derive(Clone, Debug)]
pub(super) struct Copies {
    pub(super) frames: Vec<Frame>,
    /// Which frames these are.
    pub(super) path: Vec<FrameId>,
    /// What nobody knows, of the session.
    pub(super) nobody: Frame,
    /// How often a scope was entered whose head assigns what nobody knows, and which of these times the role was there.
    pub(super) entered: Entries,
    pub(super) came: Entries,
    /// What was assigned in this step.
    pub(super) touched: Vec<Slot>,
    /// The arguments of the witnesses that this step consumes.
    pub(super) required: Vec<Vec<Value>>,
}

/// One evaluation.
pub(super) struct View<'a> {
    pub(super) full: &'a Full<'a>,
    pub(super) seat: &'a Seat,
    pub(super) copies: &'a Copies,
    pub(super) payload: &'a [Option<Value>],
    pub(super) now: Time,
}

impl View<'_> {
    /// By walking the tree, never the bytecode.
    pub(super) fn value(&self, code: &Code) -> Result<Value, Fault> {
        code.walk(self)
    }

    /// A span of time; without a value, or of another sort, none.
    pub(super) fn duration(&self, code: &Code) -> Option<Time> {
        match self.value(code) {
            Ok(Value::Duration(micros)) => Some(micros),
            _ => None,
        }
    }

    /// Whether a value satisfies the condition of a sort; that it is of the sort otherwise was checked when it was written.
    pub(super) fn fits(&self, value: &Value, sort: &Sort) -> Option<()> {
        match sort {
            Sort::Secret(of) => self.fits(value, of),
            Sort::Option(_) if *value == Value::Unit => Some(()),
            Sort::Option(of) => self.fits(value, of),
            Sort::Refined(of, condition) => {
                self.fits(value, of)?;
                let held = condition.walk(&This { this: value, around: self });
                (held == Ok(Value::Bool(true))).then_some(())
            }
            _ => Some(()),
        }
    }

    fn family(&self, id: FamilyId) -> Option<&Family> {
        self.full.find_family(&self.seat.place, FrameId::from_raw(id.0))
    }

    fn found(&self, id: FamilyId, keys: &[Value]) -> Option<&Frame> {
        let key = keys.first()?;
        let mut live = self.family(id)?.live.iter();
        live.find(|instance| instance.keys.get(&0) == Some(key)).map(|instance| &instance.frame)
    }
}

/// What the condition of a sort reads.
struct This<'a> {
    this: &'a Value,
    around: &'a View<'a>,
}

impl Env for This<'_> {
    fn slot(&self, slot: Slot) -> Option<&Value> {
        (slot == Slot::THIS).then_some(self.this)
    }

    fn now(&self) -> Option<i64> {
        self.around.now()
    }

    fn external(&self, id: ExternId, args: &[Value]) -> Option<bool> {
        self.around.external(id, args)
    }
}

impl Env for View<'_> {
    fn slot(&self, slot: Slot) -> Option<&Value> {
        let (depth, index) = place(slot);
        if depth == PAYLOAD {
            return self.payload.get(index as usize)?.as_ref();
        }
        if depth == 0 && self.full.is_nobodys(&self.copies.path, slot) {
            return self.copies.nobody.get(&index);
        }
        self.copies.frames.get(usize::from(depth))?.get(&index)
    }

    fn now(&self) -> Option<i64> {
        Some(self.now)
    }

    fn external(&self, _: ExternId, _: &[Value]) -> Option<bool> {
        Some(true)
    }

    fn lives(&self, family: FamilyId, keys: &[Value]) -> bool {
        self.found(family, keys).is_some()
    }

    fn instance(&self, family: FamilyId, keys: &[Value], variable: u32) -> Option<&Value> {
        self.found(family, keys)?.get(&variable)
    }
}

impl<'a> Full<'a> {
    /// Whether nobody knows what a slot holds.
    pub(super) fn is_nobodys(&self, path: &[FrameId], slot: Slot) -> bool {
        self.slot_info(path, slot).is_some_and(|info| info.roles.is_empty())
    }

    pub(super) fn slot_info(&self, path: &[FrameId], slot: Slot) -> Option<&'a crate::protocol::SlotInfo> {
        let (depth, index) = place(slot);
        let frame = self.term.frames.entry(*path.get(usize::from(depth))?)?;
        frame.slots.get(index as usize)
    }

    fn find_family<'p>(&self, at: &'p Place, wanted: FrameId) -> Option<&'p Family> {
        at.open.as_deref().into_iter().chain(&at.left).find_map(|open| self.family_in(open, wanted))
    }

    fn family_in<'p>(&self, open: &'p Open, wanted: FrameId) -> Option<&'p Family> {
        match (&open.parts, self.term.scopes.entry(open.scope)) {
            (Parts::Par(parts), _) => parts.iter().find_map(|part| self.find_family(part, wanted)),
            (Parts::Try { place, .. }, _) => self.find_family(place, wanted),
            (Parts::During { main, rounds }, Some(Scope::During { rounds: declared, .. })) => {
                let own = rounds.iter().zip(declared).find_map(|(round, declared)| match round {
                    Round::Family(family) if declared.family == Some(wanted) => Some(family),
                    _ => None,
                });
                let inner = || {
                    rounds.iter().find_map(|round| match round {
                        Round::One(place, _) => self.find_family(place.as_ref()?, wanted),
                        Round::Family(family) => {
                            family.live.iter().find_map(|one| self.find_family(&one.place, wanted))
                        }
                    })
                };
                own.or_else(|| self.find_family(main.as_ref()?, wanted)).or_else(inner)
            }
            _ => None,
        }
    }
}

/// Whether a name held nothing.
pub(super) fn is_unset(fault: &Fault) -> bool {
    matches!(fault.why(), Why::Unset(_))
}
