//! What an expression may speak of: the side of whoever compiles one.

use std::{hash::Hash, sync::Arc};

use super::{Node, Sort, Value};
use crate::{
    diag::{Diagnostic, Span},
    syntax::tree::Expr,
};

/// A place that holds a value, or nothing yet. Only its owner knows what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub u32);

impl Slot {
    /// The value that the condition of a sort speaks of as `this`.
    pub const THIS: Self = Self(u32::MAX);
}

/// An extern predicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExternId(pub u32);

/// A family of instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FamilyId(pub u32);

/// A slot with the sort of what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The slot.
    pub slot: Slot,
    /// The sort.
    pub sort: Sort,
}

/// What a plain name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// What a slot holds.
    Slot(Place),
    /// A constant, such as a `const` parameter.
    Const(Value, Sort),
}

/// An extern predicate as declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// Its id.
    pub id: ExternId,
    /// The sorts of its arguments.
    pub params: Vec<Sort>,
}

/// A family as an expression sees it: a read-only map over its live instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// Its id.
    pub id: FamilyId,
    /// The sorts of its keys. One key is written `k in f`, `f[k]`; several as a list, `[k, l] in f`, `f[[k, l]]`.
    pub keys: Vec<Sort>,
    /// The variables of an instance, by the numbers that [`super::Env::instance`] is asked for.
    pub variables: Vec<(Arc<str>, u32, Sort)>,
}

/// Resolves the names of expressions.
pub trait Scope {
    /// A plain name: a bound payload field, else a variable, else a constant.
    fn resolve(&self, name: &str) -> Option<Named>;

    /// `var.x`: a variable, also one that a field hides.
    fn variable(&self, _name: &str) -> Option<Place> {
        None
    }

    /// A `def`.
    fn def(&self, _name: &str) -> Option<Arc<Def>> {
        None
    }

    /// An extern predicate.
    fn external(&self, _name: &str) -> Option<External> {
        None
    }

    /// A declared type, for `x is T`; built-in sorts without arguments need not be known.
    fn sort(&self, _name: &str) -> Option<Sort> {
        None
    }

    /// A family.
    fn family(&self, _name: &str) -> Option<Family> {
        None
    }

    /// What to say of a name that [`Scope::resolve`] does not know, if there is something better to say than that.
    fn unknown(&self, _name: &str, _span: Span) -> Option<Diagnostic> {
        None
    }

    /// Names that can be meant by one that is not known.
    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A scope in which nothing has a name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl Scope for Nothing {
    fn resolve(&self, _name: &str) -> Option<Named> {
        None
    }
}

/// The scope of a condition inside a sort: `this`, and what the scope around has besides plain names.
pub struct This<'a> {
    /// The sort of `this`.
    pub sort: &'a Sort,
    /// Where `def`s, types and constants are found.
    pub around: &'a dyn Scope,
}

impl Scope for This<'_> {
    fn resolve(&self, name: &str) -> Option<Named> {
        match name {
            "this" => Some(Named::Slot(Place { slot: Slot::THIS, sort: self.sort.clone() })),
            _ => self.around.resolve(name),
        }
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

    fn unknown(&self, name: &str, span: Span) -> Option<Diagnostic> {
        self.around.unknown(name, span)
    }

    fn names(&self) -> Vec<String> {
        let mut names = self.around.names();
        names.push("this".to_owned());
        names
    }
}

/// A `def`, checked: a pure function of its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Def {
    pub(super) name: Box<str>,
    pub(super) params: Box<[(Box<str>, Sort)]>,
    pub(super) body: Node,
    /// How many nodes it has, and how deep they nest, with those of all `def`s it calls.
    pub(super) nodes: u32,
    pub(super) depth: u32,
}

impl Def {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its parameters: the locals 0, 1 … of its body.
    #[must_use]
    pub fn params(&self) -> &[(Box<str>, Sort)] {
        &self.params
    }

    /// What it gives.
    #[must_use]
    pub fn body(&self) -> &Node {
        &self.body
    }

    /// The sort of what it gives.
    #[must_use]
    pub fn sort(&self) -> &Sort {
        &self.body.sort
    }
}

/// A `def` as declared, its sorts resolved.
#[derive(Clone, Debug)]
pub struct Definition<'t> {
    /// Its name.
    pub name: &'t str,
    /// Where the name stands.
    pub span: Span,
    /// Its parameters.
    pub params: Vec<(Box<str>, Sort)>,
    /// What it gives.
    pub body: &'t Expr,
}
