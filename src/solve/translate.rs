//! From conditions to formulas over linear constraints.

use std::sync::Arc;

use indexmap::IndexSet;

use super::{
    Defined, Definition, Values,
    linear::{Bound, Linear, Relation},
};
use crate::data::{Builtin, Function, Node, Op, Operator, Slot, Sort, Value};

/// What conditions speak of: a name, or something that is taken as one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Term {
    /// A slot, with its name.
    Slot(Slot, Arc<str>),
    /// Whether a slot holds something.
    Present(Slot, Arc<str>),
    /// How much a collection in a slot holds.
    Size(Slot, Arc<str>),
    /// An expression that is no sum.
    Other(Box<Node>),
}

/// A formula in negation normal form.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    /// Always.
    True,
    /// Never.
    False,
    /// A constraint.
    Is(Bound),
    /// All of these.
    All(Vec<Formula>),
    /// One of these.
    Any(Vec<Formula>),
}

/// The atoms of formulas, numbered.
#[derive(Clone, Debug, Default)]
pub struct Atoms {
    terms: IndexSet<Term>,
    sorts: Vec<Kind>,
    /// Texts are numbers, each its own.
    texts: IndexSet<Arc<str>>,
    inexact: bool,
    /// What a slot means, in a condition about another value.
    renamed: Option<(Slot, Term)>,
    /// What slots are to be taken for, in a condition about what they will be.
    later: Vec<(Slot, Linear)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Integer,
    Natural,
    Decimal,
    Bool,
    Text,
    Enum(Box<[Arc<str>]>),
}

impl Formula {
    /// The opposite.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::All(parts) => Self::Any(parts.into_iter().map(Self::negated).collect()),
            Self::Any(parts) => Self::All(parts.into_iter().map(Self::negated).collect()),
            Self::Is(bound) => {
                let minus = |sum: &Linear| sum.times(-1);
                let flip = |is| match minus(&bound.sum) {
                    Some(sum) => Self::Is(Bound { sum, is }),
                    // Too large to turn round: anything goes.
                    None => Self::True,
                };
                match bound.is {
                    Relation::AtMost => flip(Relation::Below),
                    Relation::Below => flip(Relation::AtMost),
                    Relation::Zero => Self::Any(vec![
                        Self::Is(Bound { sum: bound.sum.clone(), is: Relation::Below }),
                        flip(Relation::Below),
                    ]),
                }
            }
        }
    }
}

fn is(sum: Option<Linear>, is: Relation) -> Option<Formula> {
    sum.map(|sum| Formula::Is(Bound { sum, is }))
}

impl Atoms {
    /// Whether some atom stands for more than a name, so that values of atoms need not be values of names.
    #[must_use]
    pub fn inexact(&self) -> bool {
        self.inexact
    }

    pub(super) fn is_integer(&self, var: u32) -> bool {
        self.sorts.get(var as usize).is_none_or(|kind| *kind != Kind::Decimal)
    }

    /// What is known of the atoms by their sorts.
    #[must_use]
    pub fn sorts(&self) -> Formula {
        let all = (0_u32..).zip(&self.sorts);
        Formula::All(all.flat_map(|(var, kind)| self.of_kind(var, kind)).collect())
    }

    fn of_kind(&self, var: u32, kind: &Kind) -> Vec<Formula> {
        let at = Linear::variable(var);
        let mut parts = Vec::new();
        match kind {
            Kind::Natural => parts.extend(is(at.times(-1), Relation::AtMost)),
            Kind::Bool => {
                parts.extend(is(at.times(-1), Relation::AtMost));
                parts.extend(is(at.plus(-1, &Linear::constant(1)), Relation::AtMost));
            }
            Kind::Enum(names) => {
                let one = names.iter().filter_map(|name| {
                    let number = self.texts.get_index_of(&**name)?;
                    is(at.plus(-1, &Linear::constant(i128::try_from(number).ok()?)), Relation::Zero)
                });
                parts.push(Formula::Any(one.collect()));
            }
            Kind::Integer | Kind::Decimal | Kind::Text => {}
        }
        parts
    }

    fn text(&mut self, text: &str) -> Linear {
        let (number, _) = self.texts.insert_full(text.into());
        Linear::constant(i128::try_from(number).unwrap_or(i128::MAX))
    }

    /// The size of what a slot holds, if that is a collection.
    fn size(&self, args: &[Node]) -> Option<Term> {
        let [of] = args else { return None };
        let Op::Slot(slot_of, name) = &of.op else { return None };
        if !matches!(of.sort.plain(), Sort::List(_) | Sort::Set(_) | Sort::Map(..)) {
            return None;
        }
        match &self.renamed {
            Some((from, Term::Slot(slot, name))) if from == slot_of => Some(Term::Size(*slot, Arc::clone(name))),
            _ => Some(Term::Size(*slot_of, Arc::clone(name))),
        }
    }

    fn atom(&mut self, node: &Node, kind: Kind) -> Linear {
        let term = match &node.op {
            Op::Slot(slot, name) => match &self.renamed {
                Some((from, term)) if from == slot => term.clone(),
                _ => Term::Slot(*slot, Arc::clone(name)),
            },
            Op::Has(of) if matches!(of.op, Op::Slot(..)) => match &of.op {
                Op::Slot(slot, name) => Term::Present(*slot, Arc::clone(name)),
                _ => Term::Other(Box::new(node.clone())),
            },
            Op::Call(Function::Size, args) if let Some(term) = self.size(args) => term,
            _ => {
                self.inexact = true;
                Term::Other(Box::new(node.clone()))
            }
        };
        // No size is below 0.
        let kind = if matches!(term, Term::Size(..)) { Kind::Natural } else { kind };
        if let Kind::Enum(names) = &kind {
            for name in names {
                self.text(name);
            }
        }
        let (at, new) = self.terms.insert_full(term);
        if new {
            self.sorts.push(kind);
        }
        Linear::variable(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// A condition; what is not understood is an unknown of its own.
    pub fn formula(&mut self, node: &Node) -> Formula {
        match &node.op {
            Op::Const(Value::Bool(true)) => Formula::True,
            Op::Const(Value::Bool(false)) => Formula::False,
            Op::Not(of) => self.formula(of).negated(),
            Op::All(parts) => Formula::All(parts.iter().map(|part| self.formula(part)).collect()),
            Op::Any(parts) => Formula::Any(parts.iter().map(|part| self.formula(part)).collect()),
            Op::Conditional(test, yes, no) => {
                let (test, yes, no) = (self.formula(test), self.formula(yes), self.formula(no));
                Formula::Any(vec![Formula::All(vec![test.clone(), yes]), Formula::All(vec![test.negated(), no])])
            }
            Op::Binary(operator, left, right) => match self.comparison(*operator, left, right) {
                Some(formula) => formula,
                None => self.unknown(node),
            },
            _ => self.unknown(node),
        }
    }

    /// The condition of a sort, about the value of a slot.
    pub fn formula_of(&mut self, condition: &Node, slot: Slot, name: &Arc<str>) -> Formula {
        self.formula_about(condition, Slot::THIS, slot, name)
    }

    /// A condition about a slot, said of another.
    pub fn formula_about(&mut self, condition: &Node, from: Slot, slot: Slot, name: &Arc<str>) -> Formula {
        self.renamed = Some((from, Term::Slot(slot, Arc::clone(name))));
        let formula = self.formula(condition);
        self.renamed = None;
        formula
    }

    /// A condition about what slots will hold.
    pub(crate) fn formula_later(&mut self, condition: &Node, later: Vec<(Slot, Linear)>) -> Formula {
        self.later = later;
        let formula = self.formula(condition);
        self.later = Vec::new();
        formula
    }

    /// An expression as a sum, if it is one.
    pub(crate) fn linear(&mut self, node: &Node) -> Option<Linear> {
        self.sum(node, false)
    }

    /// The same of what slots will hold.
    pub(crate) fn linear_later(&mut self, node: &Node, later: &[(Slot, Linear)]) -> Option<Linear> {
        self.later = later.to_vec();
        let sum = self.sum(node, false);
        self.later = Vec::new();
        sum
    }

    /// The atom of a slot, if it was spoken of as a number or text, and what its sort says of it.
    pub(crate) fn slot(&self, slot: Slot) -> Option<(u32, Formula)> {
        let at = self.terms.iter().position(|term| matches!(term, Term::Slot(known, _) if *known == slot))?;
        let var = u32::try_from(at).ok()?;
        let kind = self.sorts.get(at)?;
        Some((var, Formula::All(self.of_kind(var, kind))))
    }

    /// The name under which a slot is known here.
    pub(crate) fn name_of(&self, slot: Slot) -> Option<Arc<str>> {
        self.terms.iter().find_map(|term| match term {
            Term::Slot(known, name) if *known == slot => Some(Arc::clone(name)),
            _ => None,
        })
    }

    /// Whether a slot holds something.
    pub fn present(&mut self, slot: Slot, name: &Arc<str>) -> Formula {
        let (at, new) = self.terms.insert_full(Term::Present(slot, Arc::clone(name)));
        if new {
            self.sorts.push(Kind::Bool);
        }
        let atom = Linear::variable(u32::try_from(at).unwrap_or(u32::MAX));
        is(atom.plus(-1, &Linear::constant(1)), Relation::Zero).unwrap_or(Formula::True)
    }

    /// That a slot holds what an expression gives, if that is a sum.
    pub fn equal(&mut self, slot: Slot, name: &Arc<str>, node: &Node) -> Formula {
        let mut left = node.clone();
        left.op = Op::Slot(slot, Arc::clone(name));
        self.comparison(Operator::Eq, &left, node).unwrap_or_else(|| {
            self.inexact = true;
            Formula::True
        })
    }

    /// A boolean atom, true.
    fn unknown(&mut self, node: &Node) -> Formula {
        let atom = self.atom(node, Kind::Bool);
        is(atom.plus(-1, &Linear::constant(1)), Relation::Zero).unwrap_or(Formula::True)
    }

    fn comparison(&mut self, operator: Operator, left: &Node, right: &Node) -> Option<Formula> {
        if operator == Operator::In {
            let mut any = Vec::new();
            let mut one = |atoms: &mut Self, item: &Node| -> Option<()> {
                any.push(atoms.comparison(Operator::Eq, left, item)?);
                Some(())
            };
            let constant = |value: &Value| Node::constant(value.clone(), left.sort.clone());
            match &right.op {
                Op::List(items) | Op::Set(items) => items.iter().try_for_each(|item| one(self, item))?,
                Op::Const(Value::List(items)) => items.iter().try_for_each(|item| one(self, &constant(item)))?,
                Op::Const(Value::Set(items)) => items.iter().try_for_each(|item| one(self, &constant(item)))?,
                _ => return None,
            }
            return Some(Formula::Any(any));
        }
        if matches!(left.sort.plain(), Sort::Builtin(Builtin::Bool)) && matches!(operator, Operator::Eq | Operator::Ne)
        {
            let (a, b) = (self.formula(left), self.formula(right));
            let same = Formula::Any(vec![
                Formula::All(vec![a.clone(), b.clone()]),
                Formula::All(vec![a.negated(), b.negated()]),
            ]);
            return Some(if operator == Operator::Eq { same } else { same.negated() });
        }
        let ordered = !matches!(operator, Operator::Eq | Operator::Ne);
        let difference = self.sum(left, ordered)?.plus(-1, &self.sum(right, ordered)?);
        let less = |is_: Relation| is(difference.clone(), is_);
        let more = |is_: Relation| is(difference.as_ref().and_then(|sum| sum.times(-1)), is_);
        match operator {
            Operator::Eq => less(Relation::Zero),
            Operator::Ne => less(Relation::Zero).map(Formula::negated),
            Operator::Lt => less(Relation::Below),
            Operator::Le => less(Relation::AtMost),
            Operator::Gt => more(Relation::Below),
            Operator::Ge => more(Relation::AtMost),
            _ => None,
        }
    }

    /// A sum; of texts only where their order does not matter.
    fn sum(&mut self, node: &Node, ordered: bool) -> Option<Linear> {
        let kind = match node.sort.plain() {
            Sort::Builtin(Builtin::Int | Builtin::Timestamp | Builtin::Duration) => Kind::Integer,
            Sort::Builtin(Builtin::Uint) => Kind::Natural,
            Sort::Builtin(Builtin::Decimal) => Kind::Decimal,
            Sort::Builtin(Builtin::String | Builtin::Uuid | Builtin::Bytes) if !ordered => Kind::Text,
            Sort::Enum(names) if !ordered => Kind::Enum(names.clone()),
            Sort::Opaque(_) if !ordered => Kind::Text,
            _ => return None,
        };
        match &node.op {
            Op::Slot(slot, _) if self.later.iter().any(|(known, _)| known == slot) => {
                self.later.iter().find(|(known, _)| known == slot).map(|(_, later)| later.clone())
            }
            Op::Const(Value::Int(value)) => Some(Linear::constant(i128::from(*value))),
            Op::Const(Value::Timestamp(value) | Value::Duration(value)) => Some(Linear::constant(i128::from(*value))),
            Op::Const(Value::Text(text)) => Some(self.text(text)),
            Op::Const(_) => None,
            Op::Negate(of) => self.sum(of, ordered)?.times(-1),
            Op::Binary(Operator::Add, left, right) if kind != Kind::Text => {
                let left = self.sum(left, ordered)?;
                left.plus(1, &self.sum(right, ordered)?)
            }
            Op::Binary(Operator::Sub, left, right) => {
                let left = self.sum(left, ordered)?;
                left.plus(-1, &self.sum(right, ordered)?)
            }
            Op::Binary(Operator::Mul, left, right) => {
                let (a, b) = (self.sum(left, ordered), self.sum(right, ordered));
                match (a, b) {
                    (Some(a), Some(b)) if a.terms.is_empty() => b.times(a.constant),
                    (Some(a), Some(b)) if b.terms.is_empty() => a.times(b.constant),
                    _ => Some(self.atom(node, kind)),
                }
            }
            _ => Some(self.atom(node, kind)),
        }
    }

    /// What the atoms are that are products, quotients and remainders; what these are made of becomes atoms as well.
    pub(super) fn definitions(&mut self) -> Vec<Definition> {
        let mut found = Vec::new();
        let mut at = 0_usize;
        while let Some(term) = self.terms.get_index(at) {
            if let Term::Other(node) = term
                && let Op::Binary(operator, left, right) = &node.clone().op
                && let Ok(var) = u32::try_from(at)
                && let Some((a, b)) = self.sum(left, true).zip(self.sum(right, true))
            {
                let whole = |sum: &Linear| sum.terms.keys().all(|&var| self.is_integer(var));
                let by = (b.terms.is_empty() && b.constant > 0 && whole(&a)).then_some(b.constant);
                match (operator, by) {
                    (Operator::Mul, _) if !self.is_integer(var) || whole(&a) && whole(&b) => {
                        found.push((var, Defined::Product(a, b)));
                    }
                    (Operator::Div, Some(by)) => found.push((var, Defined::Quotient(a, by))),
                    (Operator::Rem, Some(by)) => found.push((var, Defined::Remainder(a, by))),
                    _ => {}
                }
            }
            at = at.saturating_add(1);
        }
        found
    }

    /// Whether all atoms are names, or made of names as the definitions say.
    pub(super) fn all_defined(&self, definitions: &[Definition]) -> bool {
        let mut terms = (0_u32..).zip(&self.terms);
        terms.all(|(at, term)| !matches!(term, Term::Other(_)) || definitions.iter().any(|(var, _)| *var == at))
    }

    /// Values of names, as the language writes them.
    pub(super) fn values(&self, values: &Values) -> Vec<(Term, Value)> {
        let mut found = Vec::new();
        for (at, (term, kind)) in (0_u32..).zip(self.terms.iter().zip(&self.sorts)) {
            let number = values.get(&at).copied().unwrap_or(super::linear::Ratio::whole(0));
            let value = match kind {
                Kind::Bool => Some(Value::Bool(number.over != 0)),
                Kind::Integer | Kind::Natural => i64::try_from(number.over).ok().map(Value::Int),
                Kind::Text | Kind::Enum(_) => {
                    let known = usize::try_from(number.over).ok().and_then(|at| self.texts.get_index(at));
                    Some(known.map_or_else(
                        || Value::text(&format!("text {}", number.over)),
                        |text| Value::Text(Arc::clone(text)),
                    ))
                }
                Kind::Decimal if number.under == 1 => i64::try_from(number.over).ok().map(Value::Int),
                Kind::Decimal => None,
            };
            if let Some(value) = value {
                found.push((term.clone(), value));
            }
        }
        found
    }
}
