//! Compiled expressions: what rules carry.

use std::{
    collections::BTreeSet,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use super::{
    ExternId, FamilyId, Node, Op, Slot, Sort, Value,
    bytecode::{self, Program},
    fault::{Fault, Why},
    quick::Quick,
    tree, walk,
};

/// What a compiled expression reads.
pub trait Env {
    /// What a slot holds, if it holds something: an unset variable and an absent optional field do not.
    fn slot(&self, slot: Slot) -> Option<&Value>;

    /// The event's time, in microseconds since 1970.
    fn now(&self) -> Option<i64> {
        None
    }

    /// What the host says of an extern predicate; `None` if it does not answer.
    fn external(&self, _id: ExternId, _args: &[Value]) -> Option<bool> {
        None
    }

    /// Whether a family has a live instance with these keys.
    fn lives(&self, _family: FamilyId, _keys: &[Value]) -> bool {
        false
    }

    /// A variable of a live instance.
    fn instance(&self, _family: FamilyId, _keys: &[Value], _variable: u32) -> Option<&Value> {
        None
    }
}

impl<E: Env + ?Sized> Env for &E {
    fn slot(&self, slot: Slot) -> Option<&Value> {
        (**self).slot(slot)
    }

    fn now(&self) -> Option<i64> {
        (**self).now()
    }

    fn external(&self, id: ExternId, args: &[Value]) -> Option<bool> {
        (**self).external(id, args)
    }

    fn lives(&self, family: FamilyId, keys: &[Value]) -> bool {
        (**self).lives(family, keys)
    }

    fn instance(&self, family: FamilyId, keys: &[Value], variable: u32) -> Option<&Value> {
        (**self).instance(family, keys, variable)
    }
}

/// An expression that was checked; immutable, and cheap to clone.
///
/// Two are equal if they compute the same by the same steps: places and texts do not count, so that equal rules can share.
#[derive(Clone)]
pub struct Code(Arc<Inner>);

struct Inner {
    tree: Node,
    program: Program,
    quick: Option<Quick>,
    text: Box<str>,
    slots: Box<[Slot]>,
    now: bool,
    externals: Box<[ExternId]>,
    families: Box<[FamilyId]>,
}

impl Code {
    /// Of a checked tree, and the text it was written as.
    pub(super) fn new(tree: Node, text: &str) -> Self {
        let (mut slots, mut externals, mut families) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut now = false;
        tree.visit(&mut |node| {
            let mut of_sort = |sort: &Sort| {
                let mut found = Vec::new();
                tree::conditions(sort, &mut found);
                now |= found.iter().any(|code| code.reads_now());
                externals.extend(found.iter().flat_map(|code| code.externals().iter().copied()));
            };
            match &node.op {
                Op::Slot(slot, _) => {
                    slots.insert(*slot);
                }
                Op::Cast { sort, .. } | Op::Is(_, sort) => of_sort(sort),
                Op::Now => now = true,
                Op::Extern(id, _) => {
                    externals.insert(*id);
                }
                Op::Lives(id, _) | Op::Instance(id, ..) => {
                    families.insert(*id);
                }
                _ => {}
            }
        });
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ").into();
        let program = Program::new(&tree);
        let quick = Quick::new(&tree);
        Self(Arc::new(Inner {
            tree,
            program,
            quick,
            text,
            slots: slots.into_iter().collect(),
            now,
            externals: externals.into_iter().collect(),
            families: families.into_iter().collect(),
        }))
    }

    /// The expression, for those who reason about it.
    #[must_use]
    pub fn tree(&self) -> &Node {
        &self.0.tree
    }

    /// The sort of what it gives.
    #[must_use]
    pub fn sort(&self) -> &Sort {
        &self.0.tree.sort
    }

    /// The slots that it may read, in order.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.0.slots
    }

    /// Whether it reads the event's time.
    #[must_use]
    pub fn reads_now(&self) -> bool {
        self.0.now
    }

    /// The extern predicates that it may ask.
    #[must_use]
    pub fn externals(&self) -> &[ExternId] {
        &self.0.externals
    }

    /// The families that it may look into.
    #[must_use]
    pub fn families(&self) -> &[FamilyId] {
        &self.0.families
    }

    /// As the author wrote it, on one line.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// What it gives.
    pub fn eval<E: Env>(&self, env: &E) -> Result<Value, Fault> {
        match self.0.quick.as_ref().and_then(|quick| quick.eval(env)) {
            Some(value) => Ok(value),
            None => bytecode::run(&self.0.program, env),
        }
    }

    /// Whether it holds: a fault is never "true".
    pub fn holds<E: Env>(&self, env: &E) -> Result<bool, Fault> {
        if let Some(value) = self.0.quick.as_ref().and_then(|quick| quick.truth(env)) {
            return Ok(value);
        }
        match bytecode::run(&self.0.program, env)? {
            Value::Bool(value) => Ok(value),
            other => Err(Fault::new(Why::Not { wanted: "a boolean", found: other.kind() }, self.0.tree.spot)),
        }
    }

    /// Whether it holds, if that is had without a program.
    pub(super) fn quickly<E: Env>(&self, env: &E) -> Option<bool> {
        self.0.quick.as_ref()?.truth(env)
    }

    /// As [`Code::eval`], by the bytecode alone.
    pub fn run<E: Env>(&self, env: &E) -> Result<Value, Fault> {
        bytecode::run(&self.0.program, env)
    }

    /// As [`Code::eval`], by walking the tree: slow and plain, to judge the other by.
    pub fn walk(&self, env: &dyn Env) -> Result<Value, Fault> {
        walk::eval(&self.0.tree, env)
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.tree == other.0.tree
    }
}

impl Eq for Code {}

impl Hash for Code {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.tree.hash(state);
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({})", self.0.text)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}
