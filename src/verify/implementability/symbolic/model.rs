//! The protocol with data as formulas: what each step demands of the registers and its payload, and what it leaves.
//!
//! In: the automaton, the rules of its messages, the frame of its variables. Out: a [`Model`], or what is beyond linear
//! arithmetic. A *register* is one role's copy of a variable or bound name, or what nobody knows; only those are kept
//! that some condition depends on. In a step's formulas the registers come first, then the fields of the payload, then
//! the results of what is no sum ([`App`]): a product, a remainder. Of these it is known that equal arguments have equal
//! results.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::super::automaton::{Automaton, Transition};
use crate::{
    data::{Builtin, Code, Node, Op, Operator, Slot, Sort, Value},
    id::{NodeId, RoleId},
    protocol::{Frame, Graph, Names, PAYLOAD, Rule, Set, SlotInfo, Who, place},
    solve::{Bound, Formula, Linear, Outside, Relation},
};

/// Whose, and which.
pub(super) type Register = (Option<RoleId>, Slot);

/// What is beyond this.
pub(super) struct Beyond(pub(super) String);

/// What is no sum of its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Function {
    Product,
    /// By a constant.
    Quotient(i128),
    Remainder(i128),
}

/// Something that is no sum, with its arguments.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct App {
    pub(super) function: Function,
    pub(super) args: Vec<Linear>,
}

/// What a step demands and changes.
#[derive(Clone, Debug)]
pub(super) struct Ruled {
    pub(super) guard: Formula,
    /// Of each field, whether it is a whole number (or taken as one).
    pub(super) fields: Vec<bool>,
    pub(super) apps: Vec<App>,
    /// The registers afterwards.
    pub(super) after: Vec<Linear>,
}

/// A protocol as formulas.
pub(super) struct Model<'a> {
    pub(super) automaton: &'a Automaton,
    pub(super) registers: Vec<Register>,
    /// Of each register, whether it is a whole number.
    pub(super) whole: Vec<bool>,
    /// What the sorts say of the registers.
    pub(super) domain: Formula,
    pub(super) rules: FxHashMap<NodeId, Ruled>,
    /// The registers at the start; a register without a value is itself.
    pub(super) start: Vec<Linear>,
    pub(super) texts: IndexSet<Arc<str>, FxBuildHasher>,
    /// How many questions were asked about it.
    pub(super) asked: std::rc::Rc<std::cell::Cell<usize>>,
    /// Who is asked what is not decided here.
    pub(super) outside: Outside,
}

struct Maker<'a> {
    names: &'a Names,
    frame: Option<&'a Frame>,
    registers: IndexMap<Register, bool, FxBuildHasher>,
    texts: IndexSet<Arc<str>, FxBuildHasher>,
}

/// What the names in an expression are, and what is made on the way.
struct View<'v> {
    slot: &'v dyn Fn(Slot) -> Option<Linear>,
    apps: &'v mut Vec<App>,
    /// Where the results of `apps` begin.
    base: usize,
    /// What holds of the results.
    facts: &'v mut Vec<Formula>,
}

pub(super) fn var(index: usize) -> Linear {
    Linear::variable(u32::try_from(index).unwrap_or(u32::MAX))
}

pub(super) fn is(sum: Option<Linear>, is: Relation) -> Option<Formula> {
    sum.map(|sum| Formula::Is(Bound { sum, is }))
}

/// That two sums are equal.
pub(super) fn equal(one: &Linear, other: &Linear) -> Option<Formula> {
    is(one.plus(-1, other), Relation::Zero)
}

fn large() -> Beyond {
    Beyond("a number is too large".to_owned())
}

fn whole(sort: &Sort) -> bool {
    !matches!(sort.plain(), Sort::Builtin(Builtin::Decimal | Builtin::Float))
}

impl<'a> Model<'a> {
    /// The formulas of a protocol without scopes.
    pub(super) fn of(
        automaton: &'a Automaton,
        graph: &Graph,
        names: &Names,
        frame: Option<&Frame>,
        outside: &Outside,
    ) -> Result<Self, Beyond> {
        let mut maker = Maker { names, frame, registers: IndexMap::default(), texts: IndexSet::default() };
        let steps: Vec<Transition> =
            automaton.order.iter().flat_map(|&state| automaton.steps(state)).copied().collect();
        let entry = graph.regions.values().next().map_or(&[][..], |region| &region.entry);
        maker.relevant(&steps, entry)?;
        let mut domain = Vec::new();
        for at in 0..maker.registers.len() {
            let Some((&(_, slot), _)) = maker.registers.get_index(at) else { continue };
            if let Some(sort) = maker.info(slot).map(|info| info.sort.clone()) {
                domain.extend(maker.base(&sort, &var(at)));
            }
        }
        let mut rules = FxHashMap::default();
        for step in &steps {
            rules.insert(step.node, maker.ruled(step)?);
        }
        let mut start: Vec<Linear> = (0..maker.registers.len()).map(var).collect();
        let mut apps = Vec::new();
        let mut facts = Vec::new();
        for (role, sets) in entry {
            let who: Vec<RoleId> = role.iter().copied().collect();
            maker.assign(sets, &who, None, &mut start, &mut apps, &mut facts, 0)?;
        }
        if !apps.is_empty() {
            return Err(Beyond("a first value is a product".to_owned()));
        }
        let whole = maker.registers.values().copied().collect();
        let registers = maker.registers.keys().copied().collect();
        let texts = maker.texts;
        Ok(Self {
            automaton,
            registers,
            whole,
            domain: Formula::All(domain),
            rules,
            start,
            texts,
            asked: std::rc::Rc::default(),
            outside: outside.clone(),
        })
    }
}

impl Maker<'_> {
    fn info(&self, slot: Slot) -> Option<&SlotInfo> {
        let (depth, index) = place(slot);
        if depth != 0 { None } else { self.frame?.slots.get(index as usize) }
    }

    /// The register that a role reads.
    fn register(&self, role: Option<RoleId>, slot: Slot) -> Register {
        let nobodys = self.info(slot).is_some_and(|info| info.roles.is_empty());
        if nobodys { (None, slot) } else { (role, slot) }
    }

    /// Who assigns, and the register: of the roles at hand.
    fn targets(&self, set: &Set, ends: &[RoleId]) -> Vec<(Option<RoleId>, Register)> {
        let info = self.info(set.slot);
        if info.is_some_and(|info| info.roles.is_empty()) {
            return vec![(ends.first().copied(), (None, set.slot))];
        }
        let mine = |role: &RoleId| match &set.who {
            Who::Ends => info.is_none_or(|info| info.roles.contains(role)),
            Who::Roles(roles) => roles.contains(role),
        };
        ends.iter().copied().filter(mine).map(|role| (Some(role), (Some(role), set.slot))).collect()
    }

    /// Finds the registers that conditions depend on.
    fn relevant(&mut self, steps: &[Transition], entry: &[(Option<RoleId>, Box<[Set]>)]) -> Result<(), Beyond> {
        let mut todo: Vec<Register> = Vec::new();
        for step in steps {
            let rule = self.rule(step);
            refuse(rule)?;
            for condition in &rule.conditions {
                for &slot in condition.code.slots() {
                    if place(slot).0 != PAYLOAD {
                        todo.push(self.register(Some(step.from), slot));
                    }
                }
            }
            // Conditions of sorts refuse an assignment.
            let ends = ends(step);
            for set in rule.sets.iter().chain(rule.after.iter().flatten()) {
                if self.info(set.slot).is_some_and(|info| !refinements(&info.sort).is_empty()) {
                    todo.extend(self.targets(set, &ends).into_iter().map(|(_, register)| register));
                }
            }
        }
        if let Some(frame) = self.frame {
            for info in &frame.slots {
                if let Some(invariant) = &info.invariant {
                    for &slot in invariant.slots() {
                        let roles = info.roles.iter().map(|&role| Some(role));
                        let nobody = info.roles.is_empty().then_some(None);
                        for role in roles.chain(nobody) {
                            todo.push(self.register(role, slot));
                        }
                    }
                }
            }
        }
        while let Some(register) = todo.pop() {
            if place(register.1).0 != 0 {
                return Err(Beyond("a variable of a family".to_owned()));
            }
            let is_whole = self.info(register.1).is_none_or(|info| whole(&info.sort));
            if self.registers.insert(register, is_whole).is_some() {
                continue;
            }
            let mut reads = |maker: &Self, set: &Set, ends: &[RoleId]| {
                for (role, target) in maker.targets(set, ends) {
                    if target == register {
                        let slots = set.value.slots().iter().filter(|&&slot| place(slot).0 != PAYLOAD);
                        todo.extend(slots.map(|&slot| maker.register(role, slot)));
                    }
                }
            };
            for step in steps {
                let rule = self.rule(step);
                for set in rule.sets.iter().chain(rule.after.iter().flatten()) {
                    reads(self, set, &ends(step));
                }
            }
            for (role, sets) in entry {
                let who: Vec<RoleId> = role.iter().copied().collect();
                sets.iter().for_each(|set| reads(self, set, &who));
            }
        }
        Ok(())
    }

    fn rule(&self, step: &Transition) -> &Rule {
        self.names.rule(step.sort).unwrap_or(&EMPTY)
    }

    fn ruled(&mut self, step: &Transition) -> Result<Ruled, Beyond> {
        let rule = self.rule(step).clone();
        let payload = self.names.payload(step.sort).cloned().unwrap_or_default();
        let count = self.registers.len();
        let base = count.saturating_add(payload.fields.len());
        let field = |at: usize| var(count.saturating_add(at));
        let mut apps = Vec::new();
        let mut parts = Vec::new();
        let mut facts = Vec::new();
        for (at, info) in payload.fields.iter().enumerate() {
            parts.extend(self.base(&info.sort, &field(at)));
            for condition in refinements(&info.sort) {
                let slot = |slot: Slot| (slot == Slot::THIS).then(|| field(at));
                let mut view = View { slot: &slot, apps: &mut apps, base, facts: &mut facts };
                parts.push(self.formula(condition.tree(), &mut view)?);
            }
        }
        let mut after: Vec<Linear> = (0..count).map(var).collect();
        for condition in &rule.conditions {
            if payload_of(&condition.code, &payload.fields) {
                return Err(Beyond(format!("`{}`, of a field that may be absent", condition.code)));
            }
            parts.push(self.with(
                &condition.code,
                Some(step.from),
                &after,
                Some(&field),
                &mut apps,
                base,
                &mut facts,
            )?);
        }
        let ends = ends(step);
        let refined = self.assign(&rule.sets, &ends, Some(&field), &mut after, &mut apps, &mut facts, base)?;
        parts.extend(refined);
        for &(index, slot) in &rule.binds {
            for &role in &ends {
                let register = self.register(Some(role), slot);
                if let Some(place) = self.registers.get_index_of(&register)
                    && let Some(place) = after.get_mut(place)
                {
                    *place = field(index as usize);
                }
            }
        }
        for group in &rule.after {
            let refined = self.assign(group, &ends, Some(&field), &mut after, &mut apps, &mut facts, base)?;
            parts.extend(refined);
        }
        let frame = self.frame;
        for info in frame.iter().flat_map(|frame| &frame.slots) {
            let Some(invariant) = &info.invariant else { continue };
            let roles: Vec<Option<RoleId>> = match &*info.roles {
                [] => vec![None],
                roles => roles.iter().copied().filter(|role| ends.contains(role)).map(Some).collect(),
            };
            for role in roles {
                parts.push(self.with(invariant, role, &after, None, &mut apps, base, &mut facts)?);
            }
        }
        parts.extend(facts);
        let fields = payload.fields.iter().map(|field| whole(&field.sort)).collect();
        Ok(Ruled { guard: Formula::All(parts), fields, apps, after })
    }

    /// A condition, with a role's registers as they are.
    #[expect(clippy::too_many_arguments, reason = "what, whose, and what is made on the way")]
    fn with(
        &mut self,
        code: &Code,
        role: Option<RoleId>,
        now: &[Linear],
        field: Option<&dyn Fn(usize) -> Linear>,
        apps: &mut Vec<App>,
        base: usize,
        facts: &mut Vec<Formula>,
    ) -> Result<Formula, Beyond> {
        let places = self.places(code, role);
        let slot = |slot: Slot| look(slot, &places, now, field);
        self.formula(code.tree(), &mut View { slot: &slot, apps, base, facts })
    }

    fn places(&self, code: &Code, role: Option<RoleId>) -> Vec<(Slot, Option<usize>)> {
        let slots = code.slots().iter();
        slots.map(|&slot| (slot, self.registers.get_index_of(&self.register(role, slot)))).collect()
    }

    /// Simultaneous assignments; out come the conditions of the sorts of what is assigned.
    #[expect(clippy::too_many_arguments, reason = "what, whose, and what is made on the way")]
    fn assign(
        &mut self,
        sets: &[Set],
        ends: &[RoleId],
        field: Option<&dyn Fn(usize) -> Linear>,
        now: &mut [Linear],
        apps: &mut Vec<App>,
        facts: &mut Vec<Formula>,
        base: usize,
    ) -> Result<Vec<Formula>, Beyond> {
        let mut changes = Vec::new();
        let mut conditions = Vec::new();
        for set in sets {
            for (role, register) in self.targets(set, ends) {
                let Some(target) = self.registers.get_index_of(&register) else { continue };
                let places = self.places(&set.value, role);
                let slot = |slot: Slot| look(slot, &places, now, field);
                let value = self.value(set.value.tree(), &mut View { slot: &slot, apps, base, facts })?;
                let sort = self.info(set.slot).map(|info| info.sort.clone());
                for condition in sort.iter().flat_map(refinements) {
                    let slot = |slot: Slot| (slot == Slot::THIS).then(|| value.clone());
                    conditions.push(self.formula(condition.tree(), &mut View { slot: &slot, apps, base, facts })?);
                }
                conditions.extend(sort.and_then(|sort| self.base(&sort, &value)));
                changes.push((target, value));
            }
        }
        for (target, value) in changes {
            if let Some(place) = now.get_mut(target) {
                *place = value;
            }
        }
        Ok(conditions)
    }

    fn text(&mut self, text: &str) -> Linear {
        let (number, _) = self.texts.insert_full(text.into());
        Linear::constant(i128::try_from(number).unwrap_or(i128::MAX))
    }

    /// What a sort says of a value without its conditions.
    fn base(&mut self, sort: &Sort, at: &Linear) -> Option<Formula> {
        match sort.plain() {
            Sort::Builtin(Builtin::Uint) => is(at.times(-1), Relation::AtMost),
            Sort::Builtin(Builtin::Bool) => {
                let low = is(at.times(-1), Relation::AtMost)?;
                let high = is(at.plus(-1, &Linear::constant(1)), Relation::AtMost)?;
                Some(Formula::All(vec![low, high]))
            }
            Sort::Builtin(Builtin::Unit) => equal(at, &Linear::constant(0)),
            Sort::Enum(names) => {
                let names: Vec<Linear> = names.iter().map(|name| self.text(name)).collect();
                Some(Formula::Any(names.iter().filter_map(|name| equal(at, name)).collect()))
            }
            _ => None,
        }
    }

    fn formula(&mut self, node: &Node, view: &mut View<'_>) -> Result<Formula, Beyond> {
        let all = |maker: &mut Self, parts: &[Node], view: &mut View<'_>| {
            parts.iter().map(|part| maker.formula(part, view)).collect::<Result<Vec<_>, _>>()
        };
        match &node.op {
            Op::Const(Value::Bool(true)) => Ok(Formula::True),
            Op::Const(Value::Bool(false)) => Ok(Formula::False),
            Op::Not(of) => Ok(self.formula(of, view)?.negated()),
            Op::All(parts) => Ok(Formula::All(all(self, parts, view)?)),
            Op::Any(parts) => Ok(Formula::Any(all(self, parts, view)?)),
            Op::Conditional(test, yes, no) => {
                let (test, yes, no) = (self.formula(test, view)?, self.formula(yes, view)?, self.formula(no, view)?);
                let negated = test.clone().negated();
                Ok(Formula::Any(vec![Formula::All(vec![test, yes]), Formula::All(vec![negated, no])]))
            }
            Op::Slot(..) => {
                let value = self.value(node, view)?;
                equal(&value, &Linear::constant(1)).ok_or_else(large)
            }
            Op::Binary(Operator::In, left, right) => {
                let constant = |value: &Value| Node::constant(value.clone(), left.sort.clone());
                let items: Vec<Node> = match &right.op {
                    Op::List(items) | Op::Set(items) => items.clone(),
                    Op::Const(Value::List(items)) => items.iter().map(constant).collect(),
                    Op::Const(Value::Set(items)) => items.iter().map(constant).collect(),
                    _ => return Err(beyond(node)),
                };
                let left = self.value(left, view)?;
                let mut any = Vec::with_capacity(items.len());
                for item in &items {
                    let item = self.value(item, view)?;
                    any.push(equal(&left, &item).ok_or_else(large)?);
                }
                Ok(Formula::Any(any))
            }
            Op::Binary(operator, left, right) => {
                if left.sort.builtin() == Some(Builtin::Bool) {
                    let (a, b) = (self.formula(left, view)?, self.formula(right, view)?);
                    let (c, d) = (a.clone().negated(), b.clone().negated());
                    let same = Formula::Any(vec![Formula::All(vec![a, b]), Formula::All(vec![c, d])]);
                    return match operator {
                        Operator::Eq => Ok(same),
                        Operator::Ne => Ok(same.negated()),
                        _ => Err(beyond(node)),
                    };
                }
                let ordered = !matches!(operator, Operator::Eq | Operator::Ne);
                let comparable = |node: &Node| {
                    matches!(
                        node.sort.builtin(),
                        Some(Builtin::Int | Builtin::Uint | Builtin::Decimal | Builtin::Timestamp | Builtin::Duration)
                    )
                };
                if ordered && !(comparable(left) && comparable(right)) {
                    return Err(beyond(node));
                }
                let (left, right) = (self.value(left, view)?, self.value(right, view)?);
                let difference = left.plus(-1, &right);
                let opposite = difference.as_ref().and_then(|sum| sum.times(-1));
                let formula = match operator {
                    Operator::Eq => is(difference, Relation::Zero),
                    Operator::Ne => is(difference, Relation::Zero).map(Formula::negated),
                    Operator::Lt => is(difference, Relation::Below),
                    Operator::Le => is(difference, Relation::AtMost),
                    Operator::Gt => is(opposite, Relation::Below),
                    Operator::Ge => is(opposite, Relation::AtMost),
                    _ => return Err(beyond(node)),
                };
                formula.ok_or_else(large)
            }
            _ => Err(beyond(node)),
        }
    }

    /// A value as a sum; of texts, the number of a text.
    fn value(&mut self, node: &Node, view: &mut View<'_>) -> Result<Linear, Beyond> {
        let number = matches!(
            node.sort.builtin(),
            Some(Builtin::Int | Builtin::Uint | Builtin::Decimal | Builtin::Timestamp | Builtin::Duration)
        );
        match &node.op {
            Op::Slot(slot, _) => (view.slot)(*slot).ok_or_else(|| beyond(node)),
            Op::Const(Value::Int(value) | Value::Timestamp(value) | Value::Duration(value)) => {
                Ok(Linear::constant(i128::from(*value)))
            }
            Op::Const(Value::Bool(value)) => Ok(Linear::constant(i128::from(*value))),
            Op::Const(Value::Unit) => Ok(Linear::constant(0)),
            Op::Const(Value::Text(text)) => Ok(self.text(text)),
            Op::Negate(of) if number => self.value(of, view)?.times(-1).ok_or_else(large),
            Op::Binary(Operator::Add, a, b) if number => {
                let a = self.value(a, view)?;
                a.plus(1, &self.value(b, view)?).ok_or_else(large)
            }
            Op::Binary(Operator::Sub, a, b) if number => {
                let a = self.value(a, view)?;
                a.plus(-1, &self.value(b, view)?).ok_or_else(large)
            }
            Op::Binary(Operator::Mul, a, b) if number => {
                let (a, b) = (self.value(a, view)?, self.value(b, view)?);
                if a.terms.is_empty() {
                    return b.times(a.constant).ok_or_else(large);
                }
                if b.terms.is_empty() {
                    return a.times(b.constant).ok_or_else(large);
                }
                Ok(app(view, Function::Product, vec![a, b]))
            }
            Op::Binary(operator @ (Operator::Rem | Operator::Div), a, b)
                if node.sort.builtin() == Some(Builtin::Int) =>
            {
                let (a, b) = (self.value(a, view)?, self.value(b, view)?);
                if !b.terms.is_empty() || b.constant <= 0 {
                    return Err(beyond(node));
                }
                divided(view, *operator, &a, b.constant).ok_or_else(large)
            }
            _ => Err(beyond(node)),
        }
    }
}

/// `a / by` or `a % by`: towards zero, the sign of the remainder is that of `a`.
fn divided(view: &mut View<'_>, operator: Operator, a: &Linear, by: i128) -> Option<Linear> {
    let quotient = app(view, Function::Quotient(by), vec![a.clone()]);
    let rest = app(view, Function::Remainder(by), vec![a.clone()]);
    let below = |sum: &Linear| is(sum.plus(-1, &Linear::constant(by)), Relation::Below);
    let at_least = |sum: &Linear| is(sum.times(-1), Relation::AtMost);
    let up = Formula::All(vec![at_least(a)?, at_least(&rest)?, below(&rest)?]);
    let (minus_a, minus_rest) = (a.times(-1)?, rest.times(-1)?);
    let down = Formula::All(vec![at_least(&minus_a)?, at_least(&minus_rest)?, below(&minus_rest)?]);
    view.facts.push(equal(a, &rest.plus(by, &quotient)?)?);
    view.facts.push(Formula::Any(vec![up, down]));
    Some(if operator == Operator::Div { quotient } else { rest })
}

fn app(view: &mut View<'_>, function: Function, args: Vec<Linear>) -> Linear {
    let app = App { function, args };
    let at = view.apps.iter().position(|known| *known == app).unwrap_or_else(|| {
        view.apps.push(app);
        view.apps.len().saturating_sub(1)
    });
    var(view.base.saturating_add(at))
}

fn beyond(node: &Node) -> Beyond {
    let text = match &node.op {
        Op::Slot(_, name) => format!("`{name}`"),
        Op::Now => "the time".to_owned(),
        Op::Extern(..) => "an extern predicate".to_owned(),
        Op::Binary(operator, ..) => format!("this `{}`", operator.text()),
        Op::Call(..) | Op::Apply(..) | Op::Macro(..) | Op::Matches(..) => "a function".to_owned(),
        _ => "an expression of another kind".to_owned(),
    };
    Beyond(text)
}

/// What a slot is: a field, or what a register holds now.
fn look(
    slot: Slot,
    places: &[(Slot, Option<usize>)],
    now: &[Linear],
    field: Option<&dyn Fn(usize) -> Linear>,
) -> Option<Linear> {
    let (depth, index) = place(slot);
    if depth == PAYLOAD && slot != Slot::THIS {
        return field.map(|field| field(index as usize));
    }
    let (_, at) = places.iter().find(|(known, _)| *known == slot)?;
    now.get((*at)?).cloned()
}

/// The roles whose copies a step changes.
fn ends(step: &Transition) -> Vec<RoleId> {
    if step.from == step.to { vec![step.from] } else { vec![step.from, step.to] }
}

/// Whether a condition reads a field that may be absent.
fn payload_of(code: &Code, fields: &[crate::data::Field]) -> bool {
    let optional = |slot: &Slot| {
        let (depth, index) = place(*slot);
        depth == PAYLOAD && fields.get(index as usize).is_some_and(|field| field.optional)
    };
    code.slots().iter().any(optional)
}

/// The conditions at the top of a sort.
fn refinements(sort: &Sort) -> Vec<Code> {
    let mut found = Vec::new();
    let mut at = sort;
    loop {
        match at {
            Sort::Refined(of, condition) => {
                found.push(condition.clone());
                at = of;
            }
            Sort::Secret(of) => at = of,
            _ => return found,
        }
    }
}

/// What a rule demands that is not said in formulas.
fn refuse(rule: &Rule) -> Result<(), Beyond> {
    if !rule.unique.is_empty() || !rule.idempotent.is_empty() {
        return Err(Beyond("`unique by` and `idempotent by`".to_owned()));
    }
    if !rule.keys.is_empty() {
        return Err(Beyond("the keys of a family".to_owned()));
    }
    Ok(())
}

static EMPTY: std::sync::LazyLock<Rule> = std::sync::LazyLock::new(Rule::default);
