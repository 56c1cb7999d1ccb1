//! What an expression of a message or variable may speak of, and who needs to know it.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use super::{
    expr::Around,
    frames::{BindingId, Env, Kind, Table},
};
use crate::{
    data::{Def, External, Family, FamilyId, Named, Payload, Place, Scope, Sort},
    diag::{Diagnostic, Span, catalogue::data},
    id::{FrameId, Id},
    protocol::rule::{PAYLOAD, slot},
};

/// The names at a place, innermost first: payload, surroundings of the message, those of the option, constants.
pub(super) struct Here<'a, 't> {
    pub(super) around: Around<'a, 't>,
    pub(super) table: &'a RefCell<Table>,
    pub(super) env: &'a Env,
    /// Where the option is written, if that is elsewhere.
    pub(super) outer: Option<&'a Env>,
    /// The payload of the message at hand.
    pub(super) payload: Option<&'a Payload>,
    /// What `this` is.
    pub(super) this: Option<Place>,
    /// Which bindings were used.
    pub(super) used: RefCell<Vec<BindingId>>,
    /// Something could not be compiled.
    pub(super) failed: Cell<bool>,
}

impl<'a, 't> Here<'a, 't> {
    pub(super) fn new(around: Around<'a, 't>, table: &'a RefCell<Table>, env: &'a Env) -> Self {
        Self {
            around,
            table,
            env,
            outer: None,
            payload: None,
            this: None,
            used: RefCell::default(),
            failed: Cell::new(false),
        }
    }

    fn use_(&self, id: BindingId) -> Option<Place> {
        let place = self.table.borrow_mut().place(id)?;
        let mut used = self.used.borrow_mut();
        if !used.contains(&id) {
            used.push(id);
        }
        Some(place)
    }

    fn field(&self, name: &str) -> Option<Place> {
        let payload = self.payload?;
        let (at, field) = payload.fields.iter().enumerate().find(|(_, field)| field.name.as_deref() == Some(name))?;
        Some(Place { slot: slot(PAYLOAD, u32::try_from(at).ok()?), sort: field.sort.clone() })
    }

    /// The binding that a name which is no payload field stands for.
    pub(super) fn binding(&self, name: &str) -> Option<BindingId> {
        let outer = || self.outer.and_then(|outer| outer.names.get(name));
        self.env.names.get(name).or_else(outer).copied()
    }

    fn frame(&self, name: &str) -> Option<FrameId> {
        let outer = || self.outer.and_then(|outer| outer.families.get(name));
        self.env.families.get(name).or_else(outer).copied()
    }
}

impl Scope for Here<'_, '_> {
    fn resolve(&self, name: &str) -> Option<Named> {
        if name == "this" {
            return self.this.clone().map(Named::Slot);
        }
        if let Some(place) = self.field(name) {
            return Some(Named::Slot(place));
        }
        match self.binding(name) {
            Some(id) => self.use_(id).map(Named::Slot),
            None => self.around.resolve(name),
        }
    }

    fn variable(&self, name: &str) -> Option<Place> {
        let outer = || self.outer.and_then(|outer| outer.variables.get(name));
        let id = self.env.variables.get(name).or_else(outer).copied()?;
        self.use_(id)
    }

    fn def(&self, name: &str) -> Option<Arc<Def>> {
        self.around.def(name)
    }

    fn external(&self, name: &str) -> Option<External> {
        self.around.external(name)
    }

    fn sort(&self, name: &str) -> Option<Sort> {
        self.around.sort(name)
    }

    fn family(&self, name: &str) -> Option<Family> {
        let id = self.frame(name)?;
        let table = self.table.borrow();
        let frame = table.frames.entry(id)?;
        let variables = frame.slots.iter().enumerate().filter(|(_, slot)| slot.variable);
        let variables = variables
            .filter_map(|(at, slot)| Some((Arc::from(&*slot.name), u32::try_from(at).ok()?, slot.sort.clone())))
            .collect();
        let keys = frame.keys.iter().map(|key| key.sort.clone()).collect();
        Some(Family { id: FamilyId(id.raw()), keys, variables })
    }

    fn unknown(&self, name: &str, span: Span) -> Option<Diagnostic> {
        let id = self.binding(name)?;
        let table = self.table.borrow();
        let binding = table.get(id).filter(|binding| binding.kind == Kind::Lost)?;
        let text = format!("`{name}` may have no value here: not every way to this place gives it one");
        let found = Diagnostic::new(data::LOST_NAME, span, text).label(binding.span, "one that does begins here");
        Some(found.help("let a message on each of the ways carry it, or keep it in a variable"))
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.env.names.keys().map(|name| name.to_string()).collect();
        names.extend(self.outer.iter().flat_map(|outer| outer.names.keys()).map(|name| name.to_string()));
        let fields = self.payload.iter().flat_map(|payload| &payload.fields);
        names.extend(fields.filter_map(|field| field.name.as_deref()).map(str::to_owned));
        names.extend(self.around.names());
        names
    }
}
