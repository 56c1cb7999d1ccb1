//! Typed expressions: what the checker makes of a syntax tree, what the walker evaluates and the bytecode is made from.
//!
//! Names are resolved: a [`Node`] speaks of slots, of locals (the parameter of a `def` or the variable of a macro, by its
//! level: the outermost is 0) and of ids. Spans are for faults alone and no part of equality. Every node has its
//! static [`Sort`]; where what is known of a value only when it is there must be of a sort, there is an [`Op::Cast`].

use std::{hash::Hash, sync::Arc};

use super::{Builtin, Code, Def, ExternId, FamilyId, Slot, Sort, Value, function::Function};
use crate::diag::Span;

/// A place in a source text, which no comparison sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spot(pub Span);

impl PartialEq for Spot {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Spot {}

impl Hash for Spot {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

/// An expression of known sort.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// What it computes.
    pub op: Op,
    /// Of which sort.
    pub sort: Sort,
    /// Where it is written.
    pub spot: Spot,
    /// How many levels there are, `def`s and conditions of sorts written out.
    pub(super) depth: u32,
}

/// What a node computes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// This value.
    Const(Value),
    /// What a slot holds; a fault if it holds nothing. The text is its name, for the fault.
    Slot(Slot, Arc<str>),
    /// A parameter of a `def`, or the variable of a macro.
    Local(u32),
    /// The event's time.
    Now,
    /// Whether it is there: a slot, or a member of a member of …; false as soon as one on the way is not.
    Has(Box<Node>),
    /// `a.x`
    Member(Box<Node>, Arc<str>),
    /// `a[i]`
    Index(Box<Node>, Box<Node>),
    /// `!a`
    Not(Box<Node>),
    /// `-a`
    Negate(Box<Node>),
    /// `a && b && …`: false if one is, whatever becomes of the others; else the first fault.
    All(Vec<Node>),
    /// `a || b || …`: true if one is, whatever becomes of the others; else the first fault.
    Any(Vec<Node>),
    /// `a + b` and so on.
    Binary(Operator, Box<Node>, Box<Node>),
    /// `c ? a : b`
    Conditional(Box<Node>, Box<Node>, Box<Node>),
    /// `[a, b]`
    List(Vec<Node>),
    /// `[a, b]` where a set is wanted.
    Set(Vec<Node>),
    /// `{k: v}`
    Map(Vec<(Node, Node)>),
    /// `{"x": v}` where a record is wanted or the keys are literals, in the order of the names.
    Record(Vec<(Arc<str>, Node)>),
    /// A built-in function.
    Call(Function, Vec<Node>),
    /// `matches(s, regex)` with a literal expression, compiled.
    Matches(Box<Node>, Pattern),
    /// `xs.all(x, p)` and its like; the last node is in the scope of one local more.
    Macro(Macro, Box<Node>, Box<Node>),
    /// A `def`, whose body sees the arguments as its locals and nothing else.
    Apply(Arc<Def>, Vec<Node>),
    /// An extern predicate.
    Extern(ExternId, Vec<Node>),
    /// The value as one of a sort, or a fault; if soft, the value itself where it does not fit.
    Cast {
        /// What is taken as the sort.
        of: Box<Node>,
        /// The sort.
        sort: Sort,
        /// Whether a value that does not fit is left as it is.
        soft: bool,
    },
    /// `a is T`
    Is(Box<Node>, Sort),
    /// `k in f`: whether the family has a live instance with these keys.
    Lives(FamilyId, Vec<Node>),
    /// `f[k].v`: a variable of an instance, by its number.
    Instance(FamilyId, Vec<Node>, u32, Arc<str>),
}

/// An operator between two values; `&&` and `||` are not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operator {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `in`
    In,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/` of integers: towards zero.
    Div,
    /// `/` of decimals: exact.
    Quotient,
    /// `%`: the sign is that of the dividend.
    Rem,
}

impl Operator {
    /// As it is written.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::In => "in",
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div | Self::Quotient => "/",
            Self::Rem => "%",
        }
    }
}

/// What is asked of all elements of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Macro {
    /// True for all of them.
    All,
    /// True for one of them.
    Exists,
    /// Those for which it is true.
    Filter,
    /// What it gives for each.
    Map,
}

/// A regular expression; two are equal if their texts are.
#[derive(Clone, Debug)]
pub struct Pattern(pub(super) Arc<regex::Regex>);

impl Pattern {
    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.as_str()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text().hash(state);
    }
}

impl Node {
    /// A value.
    #[must_use]
    pub fn constant(value: Value, sort: Sort) -> Self {
        Self { op: Op::Const(value), sort, spot: Spot::default(), depth: 1 }
    }

    /// `null`
    pub(super) fn unit() -> Self {
        let sort = Sort::Builtin(Builtin::Unit);
        Self { op: Op::Const(Value::Unit), sort, spot: Spot::default(), depth: 1 }
    }

    /// The nodes right below, in the order of evaluation.
    pub fn children(&self) -> Vec<&Node> {
        match &self.op {
            Op::Const(_) | Op::Slot(..) | Op::Local(_) | Op::Now => Vec::new(),
            Op::Has(of)
            | Op::Member(of, _)
            | Op::Not(of)
            | Op::Negate(of)
            | Op::Matches(of, _)
            | Op::Cast { of, .. }
            | Op::Is(of, _) => vec![of],
            Op::Index(a, b) | Op::Binary(_, a, b) | Op::Macro(_, a, b) => vec![a, b],
            Op::Conditional(a, b, c) => vec![a, b, c],
            Op::All(of)
            | Op::Any(of)
            | Op::List(of)
            | Op::Set(of)
            | Op::Call(_, of)
            | Op::Apply(_, of)
            | Op::Extern(_, of)
            | Op::Lives(_, of)
            | Op::Instance(_, of, ..) => of.iter().collect(),
            Op::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
            Op::Record(fields) => fields.iter().map(|(_, value)| value).collect(),
        }
    }

    /// Calls a function with the node and all below it, bodies of `def`s included.
    pub fn visit<'n>(&'n self, see: &mut dyn FnMut(&'n Node)) {
        see(self);
        for child in self.children() {
            child.visit(see);
        }
        if let Op::Apply(def, _) = &self.op {
            def.body().visit(see);
        }
    }
}

/// The conditions inside a sort.
pub(super) fn conditions<'s>(sort: &'s Sort, found: &mut Vec<&'s Code>) {
    match sort {
        Sort::Refined(of, condition) => {
            found.push(condition);
            conditions(of, found);
        }
        Sort::List(of) | Sort::Set(of) | Sort::Option(of) | Sort::Secret(of) => conditions(of, found),
        Sort::Map(key, value) => {
            conditions(key, found);
            conditions(value, found);
        }
        Sort::Record(payload) => payload.fields.iter().for_each(|field| conditions(&field.sort, found)),
        Sort::Builtin(_) | Sort::Opaque(_) | Sort::Enum(_) => {}
    }
}
