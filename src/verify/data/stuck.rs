//! Where a role can only send, and all that it could send may be excluded.
//!
//! In: a program. Out: the first such place, with values where there are any, and a condition that would exclude it if it
//! always held. A step is excluded if a condition is false, or if an assignment of the sender would break what is declared
//! of a variable: such an event is refused, and that is why what is declared may be taken to hold before every step.

use std::sync::Arc;

use super::{Premises, World, shown};
use crate::{
    data::{Builtin, Code, Empty, Env, Node, Op, Operator, Slot, Sort, Value, fits},
    diag::{Diagnostic, Span, catalogue::verdict as codes},
    id::{FrameId, MessageId, RoleId},
    machine::{Arm, End, Program},
    protocol::{Header, Names, PAYLOAD, Rule, Set, Who, place},
    solve::{Answer, Formula, Linear, Outside},
};

/// Where the new values of what is no sum are kept: below this.
const NEW: u32 = u32::MAX - 2;
/// Conditions that are tried as what might always hold.
const MAX_GUESSES: usize = 24;

/// Such a place.
pub(in crate::verify) struct Stuck {
    /// What to tell.
    pub(in crate::verify) found: Diagnostic,
    /// What would exclude it if it always held.
    pub(in crate::verify) wanted: Option<String>,
}

/// A state in which a role can only send and all that it could send may be excluded.
pub(in crate::verify) fn may_be_stuck(
    program: &Program,
    header: &Header,
    names: &Names,
    outside: &Outside,
) -> Option<Stuck> {
    let (role, span, values, wanted) = stuck(&World { program, names, header, outside })?;
    let text = format!("`{}` can only send here, and all conditions can be false", header.role_name(role));
    let mut found = Diagnostic::new(codes::MAY_BE_STUCK, span, text);
    if !values.is_empty() {
        found = found.note(format!("for example with {values}"));
    }
    if let Some(wanted) = &wanted {
        found = found.help(format!("it cannot if `{wanted}` always holds: declare it of a variable"));
    }
    Some(Stuck { found, wanted })
}

fn stuck(world: &World<'_>) -> Option<(RoleId, Span, String, Option<String>)> {
    let optional = world.program.optional();
    for (role, region, frame, automaton) in world.program.placed() {
        for (state, row) in automaton.rows.iter() {
            if state == automaton.initial && optional.contains(&region) {
                continue;
            }
            let quiet = !row.exits.is_empty() || !row.scopes.is_empty() || !row.leaves.is_empty();
            if row.arms.is_empty() || quiet || row.arms.iter().any(|arm| arm.end == End::To) {
                continue;
            }
            let mut premises = Premises::new();
            let mut free = false;
            for arm in &row.arms {
                let Some(rule) = world.rule(arm.message) else { continue };
                let left = not_of_its_choosing(world, frame, arm.message, rule);
                let keeps = keeps(world, role, frame, arm.message, rule, &mut premises);
                if left.is_empty() && keeps.is_none() && rule.unique.is_empty() {
                    free = true;
                    break;
                }
                let possible = possible(world, frame, arm.message, rule, &left, keeps, &mut premises);
                premises.parts.push(possible.negated());
            }
            if free {
                continue;
            }
            premises.related(world, role, frame, row.arms.first()?.message);
            let span = row.arms.first().map(|arm| arm.span).unwrap_or_default();
            let values = match premises.clone().ask(world) {
                Answer::No => continue,
                Answer::Yes(values) => shown(&values),
                Answer::Unknown(_) => String::new(),
            };
            return Some((role, span, values, wanted(world, frame, &row.arms, &premises)));
        }
    }
    None
}

/// That a step can be made, as far as conditions and assignments go; `left` are the conditions that are not satisfied by
/// choosing fields alone.
fn possible(
    world: &World<'_>,
    frame: FrameId,
    message: MessageId,
    rule: &Rule,
    left: &[&Node],
    keeps: Option<Formula>,
    premises: &mut Premises,
) -> Formula {
    // Only once, so it may have happened already.
    let once = if rule.unique.is_empty() { Formula::True } else { Formula::False };
    let mut nodes: Vec<&Node> = left.to_vec();
    if keeps.is_some() {
        // What is assigned may depend on what the conditions say of any field.
        nodes.clear();
        rule.demands().for_each(|code| conjuncts(code.tree(), &mut nodes));
    }
    let mut all = vec![once];
    let mut chosen: Vec<Slot> = rule.sets.iter().flat_map(|set| fields(set.value.tree())).collect();
    for node in nodes {
        premises.sorts(world, message, frame, node);
        all.push(premises.atoms.formula(node));
        chosen.extend(fields(node));
    }
    all.extend(keeps);
    chosen.sort_unstable();
    chosen.dedup();
    chosen.retain(|&field| !world.is_optional(message, field));
    // What the sorts say of the fields goes with them.
    let mut vars = Vec::new();
    for field in chosen {
        if let Some((var, domain)) = premises.atoms.slot(field) {
            all.push(domain);
            let from = premises.parts.len();
            // Under the name by which it is known: else it would be another.
            if let (Some(sort), Some(name)) = (world.sort(message, frame, field), premises.atoms.name_of(field)) {
                premises.refined(sort, field, &name);
            }
            all.extend(premises.parts.split_off(from));
            vars.push(var);
        }
    }
    let whole = Formula::All(all);
    let some = vars.into_iter().try_fold(whole, |formula, var| formula.some(var));
    // A number that is too large: nothing is known of it.
    some.unwrap_or(Formula::False)
}

/// That the sender's assignments keep what is declared of the variables; none if nothing is.
fn keeps(
    world: &World<'_>,
    role: RoleId,
    frame: FrameId,
    message: MessageId,
    rule: &Rule,
    premises: &mut Premises,
) -> Option<Formula> {
    let mut now: Vec<(Slot, Linear)> = Vec::new();
    let mut parts = Vec::new();
    let fresh = |premises: &mut Premises, sort: &Sort, at: usize| {
        let slot = Slot(NEW.saturating_sub(u32::try_from(at).unwrap_or(u32::MAX)));
        premises.atoms.linear(&named(slot, "new", sort))
    };
    let mine = |set: &&Set| {
        let info = world.slot(frame, set.slot);
        match &set.who {
            Who::Ends => info.is_none_or(|info| info.roles.is_empty() || info.roles.contains(&role)),
            Who::Roles(roles) => roles.is_empty() || roles.contains(&role),
        }
    };
    let mut made = 0_usize;
    // What is assigned behind the step depends on what earlier conditions left true, which is not followed here.
    for group in std::iter::once(&rule.sets) {
        let mut next = now.clone();
        let mut changed = Vec::new();
        for set in group.iter().filter(mine) {
            let Some(info) = world.slot(frame, set.slot) else { continue };
            premises.sorts(world, message, frame, set.value.tree());
            made = made.saturating_add(1);
            let value = premises.atoms.linear_later(set.value.tree(), &now);
            let value = value.or_else(|| fresh(premises, &info.sort, made));
            next.retain(|(slot, _)| *slot != set.slot);
            changed.push((set.slot, info, value.clone()));
            next.extend(value.map(|value| (set.slot, value)));
        }
        for (_, info, value) in &changed {
            let mut at = &info.sort;
            loop {
                at = match at {
                    Sort::Refined(of, condition) => {
                        parts.push(match value {
                            Some(value) => {
                                let mut later = next.clone();
                                later.push((Slot::THIS, value.clone()));
                                premises.atoms.formula_later(condition.tree(), later)
                            }
                            None => unsure(premises, &mut made),
                        });
                        of
                    }
                    Sort::Secret(of) => of,
                    _ => break,
                };
            }
            // A natural number is one by its sort alone.
            if let (Sort::Builtin(Builtin::Uint), Some(value)) = (info.sort.plain(), value) {
                parts.extend(value.times(-1).map(at_most));
            }
        }
        for info in world.all(frame) {
            let Some(invariant) = &info.invariant else { continue };
            let touched = |(slot, ..): &&(Slot, _, _)| invariant.slots().contains(slot);
            let mut touched = changed.iter().filter(touched).peekable();
            if touched.peek().is_none() {
                continue;
            }
            if touched.any(|(.., value)| value.is_none()) {
                parts.push(unsure(premises, &mut made));
                continue;
            }
            premises.sorts(world, message, frame, invariant.tree());
            parts.push(premises.atoms.formula_later(invariant.tree(), next.clone()));
        }
        now = next;
    }
    (!parts.is_empty()).then_some(Formula::All(parts))
}

fn at_most(sum: Linear) -> Formula {
    Formula::Is(crate::solve::Bound { sum, is: crate::solve::Relation::AtMost })
}

/// Something that may be so or not.
fn unsure(premises: &mut Premises, made: &mut usize) -> Formula {
    *made = made.saturating_add(1);
    let slot = Slot(NEW.saturating_sub(u32::try_from(*made).unwrap_or(u32::MAX)));
    premises.atoms.formula(&named(slot, "new", &Sort::Builtin(Builtin::Bool)))
}

fn named(slot: Slot, name: &str, sort: &Sort) -> Node {
    let mut node = Node::constant(Value::Unit, sort.clone());
    node.op = Op::Slot(slot, Arc::from(name));
    node
}

/// A condition that excludes the place if it always holds: one of those that the steps' conditions compare, or that one of the
/// steps' conditions is true.
fn wanted(world: &World<'_>, frame: FrameId, arms: &[Arm], premises: &Premises) -> Option<String> {
    let mut guesses: Vec<Node> = Vec::new();
    let mut texts: Vec<String> = Vec::new();
    let mut known = true;
    for arm in arms {
        let demands: Vec<&Code> = world.rule(arm.message).into_iter().flat_map(Rule::demands).collect();
        known &= demands.iter().all(|code| fields(code.tree()).is_empty() && code.externals().is_empty());
        texts.push(demands.iter().map(|code| code.to_string()).collect::<Vec<_>>().join(" && "));
        for code in demands {
            code.tree().visit(&mut |node| {
                let Op::Binary(_, a, b) = &node.op else { return };
                let ordered = matches!(
                    a.sort.plain(),
                    Sort::Builtin(Builtin::Int | Builtin::Uint | Builtin::Decimal | Builtin::Duration)
                );
                if !ordered || text(a).is_none() || text(b).is_none() {
                    return;
                }
                for operator in [Operator::Le, Operator::Ge, Operator::Lt, Operator::Gt, Operator::Eq, Operator::Ne] {
                    let mut guess = node.clone();
                    guess.op = Op::Binary(operator, a.clone(), b.clone());
                    if guesses.len() < MAX_GUESSES && !guesses.contains(&guess) {
                        guesses.push(guess);
                    }
                }
            });
        }
    }
    for guess in guesses {
        let Op::Binary(operator, a, b) = &guess.op else { continue };
        let Some((left, right)) = text(a).zip(text(b)) else { continue };
        let mut with = premises.clone();
        let formula = with.atoms.formula(&guess);
        with.parts.push(formula);
        // It must not exclude everything else as well.
        let message = arms.first().map(|arm| arm.message)?;
        let mut alone = Premises::new();
        alone.hold(world, message, frame, &guess);
        if with.ask(world) == Answer::No && alone.ask(world) != Answer::No {
            return Some(format!("{left} {} {right}", operator.text()));
        }
    }
    (known && !texts.is_empty() && texts.iter().all(|text| !text.is_empty())).then(|| texts.join(" || "))
}

/// A variable or a number, as it is written.
fn text(node: &Node) -> Option<String> {
    match &node.op {
        Op::Slot(slot, name) if place(*slot).0 != PAYLOAD => Some(name.to_string()),
        Op::Const(Value::Int(value)) => Some(value.to_string()),
        _ => None,
    }
}

/// The payload fields that an expression reads.
fn fields(node: &Node) -> Vec<Slot> {
    let mut fields = Vec::new();
    node.visit(&mut |node| {
        if let Op::Slot(at, _) = &node.op
            && place(*at).0 == PAYLOAD
            && *at != Slot::THIS
        {
            fields.push(*at);
        }
    });
    fields
}

/// The conditions of a rule but for those that the sender satisfies by the choice of a field that nothing else binds:
/// `n == x + 1` for a field `n` of its own that may be any integer; and those that speak of nothing but one field, if a
/// value is found that satisfies them all.
fn not_of_its_choosing<'r>(world: &World<'_>, frame: FrameId, message: MessageId, rule: &'r Rule) -> Vec<&'r Node> {
    let mut left: Vec<&'r Code> = rule.demands().collect();
    // Whether a field can have any value, and whether its values are ordered without end.
    let open = |slot: Slot| match world.sort(message, frame, slot) {
        Some(Sort::Builtin(Builtin::Int | Builtin::Decimal)) => Some(true),
        Some(Sort::Builtin(Builtin::String | Builtin::Json)) => Some(false),
        _ => None,
    };
    loop {
        let chosen = left.iter().position(|code| {
            let Op::Binary(operator, a, b) = &code.tree().op else { return false };
            [(a, b), (b, a)].iter().any(|(own, rest)| {
                let Op::Slot(at, _) = &own.op else { return false };
                let any = match operator {
                    Operator::Eq | Operator::Ne => open(*at).is_some(),
                    Operator::Lt | Operator::Le | Operator::Gt | Operator::Ge => open(*at) == Some(true),
                    _ => false,
                };
                any && place(*at).0 == PAYLOAD
                    && !fields(rest).contains(at)
                    && left.iter().filter(|other| fields(other.tree()).contains(at)).count() == 1
            })
        });
        match chosen {
            Some(at) => drop(left.remove(at)),
            None => break,
        }
    }
    // Conditions of one field alone.
    let alone = |code: &Code| -> Option<Slot> {
        let &[slot] = code.slots() else { return None };
        let free = place(slot).0 == PAYLOAD && !code.reads_now() && code.externals().is_empty();
        free.then_some(slot)
    };
    let mut satisfied: Vec<Slot> = Vec::new();
    for slot in left.iter().filter_map(|code| alone(code)) {
        let mine: Vec<&Code> = left.iter().copied().filter(|code| fields(code.tree()).contains(&slot)).collect();
        if satisfied.contains(&slot) || mine.iter().any(|code| alone(code) != Some(slot)) {
            continue;
        }
        let holds = |value: &Value| mine.iter().all(|code| code.holds(&One(slot, value)) == Ok(true));
        let fits =
            |value: &Value| world.sort(message, frame, slot).is_none_or(|sort| fits(sort, value, &Empty).is_ok());
        if candidates(&mine).iter().any(|value| fits(value) && holds(value)) {
            satisfied.push(slot);
        }
    }
    left.retain(|code| alone(code).is_none_or(|slot| !satisfied.contains(&slot)));
    let mut nodes = Vec::new();
    left.into_iter().for_each(|code| conjuncts(code.tree(), &mut nodes));
    nodes
}

/// One field has a value, nothing else.
struct One<'v>(Slot, &'v Value);

impl Env for One<'_> {
    fn slot(&self, slot: Slot) -> Option<&Value> {
        (slot == self.0).then_some(self.1)
    }
}

/// Values that may satisfy conditions: what they compare with and its neighbours, small numbers, short and long texts.
fn candidates(conditions: &[&Code]) -> Vec<Value> {
    let mut all = vec![Value::Bool(true), Value::Bool(false)];
    let mut numbers: Vec<i64> = vec![0, 1];
    for condition in conditions {
        condition.tree().visit(&mut |node| match &node.op {
            Op::Const(Value::Int(value)) => {
                numbers.extend([value.saturating_sub(1), *value, value.saturating_add(1)]);
            }
            Op::Const(Value::List(list)) => all.extend(list.iter().cloned()),
            Op::Const(Value::Set(set)) => all.extend(set.iter().cloned()),
            Op::Const(value) => all.push(value.clone()),
            _ => {}
        });
    }
    for number in numbers {
        all.push(Value::Int(number));
        if let Ok(length) = usize::try_from(number)
            && length <= 256
        {
            all.push(Value::text(&"a".repeat(length)));
            all.push(Value::text(&"0".repeat(length)));
        }
    }
    all
}

fn conjuncts<'n>(node: &'n Node, out: &mut Vec<&'n Node>) {
    match &node.op {
        Op::All(parts) => parts.iter().for_each(|part| conjuncts(part, out)),
        Op::Const(Value::Bool(true)) => {}
        _ => out.push(node),
    }
}
