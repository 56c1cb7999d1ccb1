//! What names stand for while an instance is walked: variables and payload fields, the frames that hold them, and the
//! environments in which they are seen.
//!
//! A payload field is bound *lazily*: it gets a slot when an expression first uses its name, and only then does its
//! message remember it. Where the arms of a choice meet, a name that each of them binds goes on as a [`Kind::Join`],
//! whose slot all of them fill.
//!
//! INVARIANT (visible): a binding in an environment has a value in every run that comes there, but for optional fields.

use std::{collections::BTreeSet, rc::Rc, sync::Arc};

use rustc_hash::FxHashMap;

use crate::{
    data::{Code, Place, Slot, Sort},
    diag::Span,
    id::{FrameId, IdVec, RoleId},
    protocol::rule::{Frame, SlotInfo, slot},
};

/// A name's meaning, by number.
pub(super) type BindingId = usize;

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    pub(super) name: Arc<str>,
    pub(super) kind: Kind,
    pub(super) frame: FrameId,
    pub(super) sort: Sort,
    /// Who has a copy; nobody in particular if empty.
    pub(super) roles: Box<[RoleId]>,
    pub(super) span: Span,
    pub(super) slot: Option<Slot>,
}

/// Which kind of meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Declared by `var` or `rec`.
    Variable,
    /// A key of a family.
    Key,
    /// A field of the message of this number.
    Field {
        /// The message.
        site: usize,
        /// The field.
        field: u32,
    },
    /// Bound in each of several ways to come here.
    Join(Box<[BindingId]>),
    /// It may have no value here: bound on some ways only.
    Lost,
}

/// What a message remembers: its number, the field, and where.
pub(super) type Remembered = (usize, u32, Slot);

/// All bindings and frames of one term.
#[derive(Default)]
pub(super) struct Table {
    pub(super) bindings: Vec<Binding>,
    pub(super) frames: IdVec<FrameId, Frame>,
    pub(super) remembered: Vec<Remembered>,
}

impl Table {
    /// A new binding without a slot.
    pub(super) fn bind(&mut self, binding: Binding) -> BindingId {
        self.bindings.push(binding);
        self.bindings.len().saturating_sub(1)
    }

    pub(super) fn get(&self, id: BindingId) -> Option<&Binding> {
        self.bindings.get(id)
    }

    /// The depth of a frame.
    pub(super) fn depth(&self, frame: FrameId) -> u8 {
        self.frames.entry(frame).map_or(0, |frame| frame.depth)
    }

    /// A new variable, key or other binding that has its slot from the beginning.
    pub(super) fn declare(&mut self, binding: Binding) -> BindingId {
        let id = self.bind(binding);
        self.place(id);
        id
    }

    /// The slot of a binding, which is given one if it has none.
    pub(super) fn place(&mut self, id: BindingId) -> Option<Place> {
        let binding = self.bindings.get(id)?;
        if let Some(slot) = binding.slot {
            return Some(Place { slot, sort: binding.sort.clone() });
        }
        if binding.kind == Kind::Lost {
            return None;
        }
        let binding = binding.clone();
        let depth = self.depth(binding.frame);
        let frame = self.frames.entry_mut(binding.frame)?;
        let index = u32::try_from(frame.slots.len()).ok().filter(|&index| index <= crate::protocol::rule::MAX_INDEX)?;
        frame.slots.push(SlotInfo {
            name: (&*binding.name).into(),
            sort: binding.sort.clone(),
            invariant: None,
            roles: binding.roles.clone(),
            variable: binding.kind == Kind::Variable,
            span: binding.span,
        });
        let slot = slot(depth, index);
        let mut todo = vec![id];
        let mut seen = BTreeSet::new();
        while let Some(next) = todo.pop() {
            if !seen.insert(next) {
                continue;
            }
            match self.bindings.get(next).map(|binding| &binding.kind) {
                Some(&Kind::Field { site, field }) => self.remembered.push((site, field, slot)),
                Some(Kind::Join(of)) => todo.extend(of.iter().copied()),
                _ => {}
            }
        }
        if let Some(binding) = self.bindings.get_mut(id) {
            binding.slot = Some(slot);
        }
        Some(Place { slot, sort: binding.sort })
    }

    /// States what must hold of a variable whenever it is assigned.
    pub(super) fn invariant(&mut self, id: BindingId, code: Code) {
        let Some((frame, slot)) = self.bindings.get(id).and_then(|b| Some((b.frame, b.slot?))) else { return };
        let (_, index) = crate::protocol::rule::place(slot);
        let info = self.frames.entry_mut(frame).and_then(|frame| frame.slots.get_mut(usize::try_from(index).ok()?));
        if let Some(info) = info {
            info.invariant = Some(code);
        }
    }

    /// What names mean where several ways meet; nothing if none comes here.
    pub(super) fn join(&mut self, mut ways: Vec<Env>) -> Option<Env> {
        let first = ways.pop()?;
        if ways.is_empty() {
            return Some(first);
        }
        ways.push(first);
        ways.reverse();
        let mut names: BTreeSet<Arc<str>> = BTreeSet::new();
        let same = ways.windows(2).all(|pair| matches!(pair, [a, b] if Rc::ptr_eq(&a.names, &b.names)));
        let mut joined = ways.first().cloned()?;
        if !same {
            names.extend(ways.iter().flat_map(|way| way.names.keys().cloned()));
            for name in names {
                let ids: Vec<Option<BindingId>> = ways.iter().map(|way| way.names.get(&name).copied()).collect();
                let Some(meaning) = self.meet(&name, &ids, &joined) else {
                    Rc::make_mut(&mut joined.names).remove(&name);
                    continue;
                };
                Rc::make_mut(&mut joined.names).insert(name, meaning);
            }
        }
        let lent: BTreeSet<BindingId> = ways.iter().flat_map(|way| way.lent.iter().copied()).collect();
        if lent != *joined.lent {
            joined.lent = Rc::new(lent);
        }
        Some(joined)
    }

    fn meet(&mut self, name: &Arc<str>, ids: &[Option<BindingId>], joined: &Env) -> Option<BindingId> {
        let mut known: Vec<BindingId> = ids.iter().copied().flatten().collect();
        let everywhere = known.len() == ids.len();
        known.sort_unstable();
        known.dedup();
        let first = self.get(*known.first()?)?.clone();
        if let ([one], true) = (known.as_slice(), everywhere) {
            return Some(*one);
        }
        let alike = known.iter().all(|&id| {
            self.get(id).is_some_and(|binding| {
                matches!(binding.kind, Kind::Field { .. } | Kind::Join(_))
                    && binding.frame == first.frame
                    && binding.sort == first.sort
            })
        });
        if everywhere && alike {
            let mut roles: Vec<RoleId> = first.roles.to_vec();
            for &id in &known {
                let with = self.get(id).map(|binding| binding.roles.clone()).unwrap_or_default();
                roles.retain(|role| with.contains(role));
            }
            let kind = Kind::Join(known.into());
            return Some(self.bind(Binding { kind, roles: roles.into(), slot: None, ..first }));
        }
        // A field that hides a variable on some ways only: behind them the name is the variable again.
        if let Some(&variable) = joined.variables.get(name) {
            return Some(variable);
        }
        Some(self.bind(Binding { kind: Kind::Lost, slot: None, ..first }))
    }
}

/// What is seen at a place.
#[derive(Clone, Debug, Default)]
pub(super) struct Env {
    /// Payload fields, variables and keys.
    pub(super) names: Rc<FxHashMap<Arc<str>, BindingId>>,
    /// Variables and keys alone, also those that a field hides.
    pub(super) variables: Rc<FxHashMap<Arc<str>, BindingId>>,
    pub(super) families: Rc<FxHashMap<Arc<str>, FrameId>>,
    /// What was lent and did not come back.
    pub(super) lent: Rc<BTreeSet<BindingId>>,
}

impl Env {
    pub(super) fn variable(&mut self, name: &str, id: BindingId) {
        let name: Arc<str> = name.into();
        Rc::make_mut(&mut self.names).insert(Arc::clone(&name), id);
        Rc::make_mut(&mut self.variables).insert(name, id);
    }

    pub(super) fn field(&mut self, name: &Arc<str>, id: BindingId) {
        Rc::make_mut(&mut self.names).insert(Arc::clone(name), id);
    }

    /// Leaves a block: its variables are no longer seen, what its messages bound is.
    pub(super) fn leave(mut self, outer: &Self) -> Self {
        if !Rc::ptr_eq(&self.variables, &outer.variables) {
            for (name, own) in self.variables.iter() {
                if outer.variables.get(name) != Some(own) && self.names.get(name) == Some(own) {
                    match outer.names.get(name) {
                        Some(&id) => Rc::make_mut(&mut self.names).insert(Arc::clone(name), id),
                        None => Rc::make_mut(&mut self.names).remove(name),
                    };
                }
            }
            self.variables = Rc::clone(&outer.variables);
        }
        self.families = Rc::clone(&outer.families);
        self
    }

    /// The content, so that equal environments can be told.
    pub(super) fn key(&self) -> Vec<(Arc<str>, u8, usize)> {
        let mut key: Vec<(Arc<str>, u8, usize)> = Vec::new();
        key.extend(self.names.iter().map(|(name, &id)| (Arc::clone(name), 0, id)));
        key.extend(self.variables.iter().map(|(name, &id)| (Arc::clone(name), 1, id)));
        key.extend(self.families.iter().map(|(name, &id)| (Arc::clone(name), 2, crate::id::Id::index(id))));
        key.sort();
        key
    }
}
