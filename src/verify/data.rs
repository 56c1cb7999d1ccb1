//! What can be said of conditions without looking at runs.
//!
//! In: a program. Out: notes and warnings, each with values that show it where there are any:
//!
//! * a step whose conditions, with the sorts of what they speak of, exclude each other: it is never taken;
//! * a state in which one event can be two steps, so a monitor follows both;
//! * a state in which a role can only send, and all conditions can be false at once;
//! * an assignment after which the condition of the variable's sort may be false.
//!
//! What a message requires a witness of is a condition here: without a witness the step is not taken.
//!
//! The last two speak of all values that the sorts admit, not only of those that a run reaches: what they find may never
//! happen, and the condition they name is the one that would have to be known (`var x: int{…}`). What they do not find
//! cannot happen: that is the inductive argument that [`super::Evidence::Unrolled`] rests on.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::{
    data::{Builtin, Code, Empty, Env, Node, Op, Operator, Slot, Sort, Value, fits},
    diag::{Diagnostic, Span, catalogue::verdict as codes},
    id::{FrameId, MessageId, RoleId},
    machine::{Arm, End, Program},
    protocol::{Frame, Header, Names, PAYLOAD, Rule, place},
    solve::{Answer, Atoms, Formula, Term, decide},
};

/// More findings of one protocol help nobody.
const MAX_FOUND: usize = 50;
/// Where an assignment's new value is kept while it is reasoned about.
const NEW: Slot = Slot(u32::MAX - 1);

/// What a rule demands, with what the sorts say of all it speaks of.
struct Premises {
    atoms: Atoms,
    parts: Vec<Formula>,
    known: FxHashSet<Slot>,
}

impl Premises {
    fn new() -> Self {
        Self { atoms: Atoms::default(), parts: Vec::new(), known: FxHashSet::default() }
    }

    /// A condition, and the sorts of its names.
    fn hold(&mut self, world: &World<'_>, message: MessageId, frame: FrameId, node: &Node) {
        self.sorts(world, message, frame, node);
        let formula = self.atoms.formula(node);
        self.parts.push(formula);
    }

    fn sorts(&mut self, world: &World<'_>, message: MessageId, frame: FrameId, node: &Node) {
        let mut slots: Vec<(Slot, Arc<str>)> = Vec::new();
        node.visit(&mut |node| {
            if let Op::Slot(slot, name) = &node.op {
                slots.push((*slot, Arc::clone(name)));
            }
        });
        for (slot, name) in slots {
            if slot == Slot::THIS || !self.known.insert(slot) {
                continue;
            }
            if let Some(sort) = world.sort(message, frame, slot) {
                // The condition of a sort speaks of a value that is there.
                let from = self.parts.len();
                self.refined(sort, slot, &name);
                if world.is_optional(message, slot) {
                    let conditions = Formula::All(self.parts.split_off(from));
                    let absent = self.atoms.present(slot, &name).negated();
                    self.parts.push(Formula::Any(vec![absent, conditions]));
                }
            }
            // What was declared of a variable holds before every step.
            let invariant = world.slot(frame, slot).and_then(|info| info.invariant.clone());
            if let Some(invariant) = invariant {
                self.hold(world, message, frame, invariant.tree());
            }
        }
    }

    fn refined(&mut self, sort: &Sort, slot: Slot, name: &Arc<str>) {
        let mut at = sort;
        loop {
            at = match at {
                Sort::Refined(of, condition) => {
                    let formula = self.atoms.formula_of(condition.tree(), slot, name);
                    self.parts.push(formula);
                    of
                }
                Sort::Secret(of) => of,
                _ => return,
            };
        }
    }

    fn ask(mut self) -> Answer {
        decide(&mut self.atoms, Formula::All(self.parts))
    }
}

struct World<'p> {
    program: &'p Program,
    names: &'p Names,
    header: &'p Header,
}

impl<'p> World<'p> {
    fn rule(&self, message: MessageId) -> Option<&'p Rule> {
        self.program.messages().entry(message).map(|travel| &*travel.rule)
    }

    fn frame(&self, frame: FrameId, depth: u8) -> Option<&'p Frame> {
        let mut at = Some(frame);
        while let Some(frame) = at.and_then(|at| self.program.frames().entry(at)) {
            if frame.depth == depth {
                return Some(frame);
            }
            at = frame.parent;
        }
        None
    }

    fn slot(&self, frame: FrameId, slot: Slot) -> Option<&'p crate::protocol::SlotInfo> {
        let (depth, index) = place(slot);
        self.frame(frame, depth)?.slots.get(index as usize)
    }

    fn sort(&self, message: MessageId, frame: FrameId, slot: Slot) -> Option<&'p Sort> {
        let (depth, index) = place(slot);
        if depth != PAYLOAD {
            return self.slot(frame, slot).map(|info| &info.sort);
        }
        let travel = self.program.messages().entry(message)?;
        self.names.payload(travel.sort)?.fields.get(index as usize).map(|field| &field.sort)
    }

    fn is_optional(&self, message: MessageId, slot: Slot) -> bool {
        let (depth, index) = place(slot);
        let travel = self.program.messages().entry(message).filter(|_| depth == PAYLOAD);
        let payload = travel.and_then(|travel| self.names.payload(travel.sort));
        payload.and_then(|payload| payload.fields.get(index as usize)).is_some_and(|field| field.optional)
    }

    /// The premises under which a message is sent.
    fn sending(&self, message: MessageId, frame: FrameId) -> Premises {
        let mut premises = Premises::new();
        for code in self.rule(message).into_iter().flat_map(Rule::demands) {
            premises.hold(self, message, frame, code.tree());
        }
        premises
    }

    fn label(&self, message: MessageId) -> &'p str {
        self.program.messages().entry(message).map_or("?", |travel| self.names.label_text(travel.label))
    }
}

/// Everything that is worth a word.
pub(super) fn conditions(program: &Program, header: &Header, names: &Names) -> Vec<Diagnostic> {
    let world = World { program, names, header };
    let mut found = Vec::new();
    let mut told: FxHashSet<Span> = FxHashSet::default();
    for (role, _, frame, automaton) in program.placed() {
        for row in automaton.rows.values() {
            if found.len() >= MAX_FOUND {
                return found;
            }
            for arm in row.arms.iter().filter(|arm| arm.end == End::From) {
                if told.insert(arm.span) {
                    never(&world, frame, arm, &mut found);
                    assignments(&world, frame, arm, &mut found);
                }
            }
            overlaps(&world, role, frame, &row.arms, &mut told, &mut found);
        }
    }
    found
}

/// A step that no values allow.
fn never(world: &World<'_>, frame: FrameId, arm: &Arm, found: &mut Vec<Diagnostic>) {
    if world.rule(arm.message).is_none_or(|rule| rule.demands().next().is_none()) {
        return;
    }
    if world.sending(arm.message, frame).ask() == Answer::No {
        let text = format!("`{}` can never happen here: its conditions exclude each other", world.label(arm.message));
        found.push(Diagnostic::new(codes::NEVER, arm.span, text).help("mend the conditions, or leave the step out"));
    }
}

/// Two steps that one event can be.
fn overlaps(
    world: &World<'_>,
    role: RoleId,
    frame: FrameId,
    arms: &[Arm],
    told: &mut FxHashSet<Span>,
    found: &mut Vec<Diagnostic>,
) {
    let sends: Vec<&Arm> = arms.iter().filter(|arm| arm.end == End::From).collect();
    for (at, one) in sends.iter().enumerate() {
        for other in sends.iter().skip(at.saturating_add(1)) {
            let (Some(a), Some(b)) =
                (world.program.messages().entry(one.message), world.program.messages().entry(other.message))
            else {
                continue;
            };
            let fields = |sort| world.names.payload(sort).map(|payload| &payload.fields);
            let same = (a.from, a.to, a.label) == (b.from, b.to, b.label) && fields(a.sort) == fields(b.sort);
            if !same || one.then == other.then || (a.rule.keys != b.rule.keys) {
                continue;
            }
            let mut premises = world.sending(one.message, frame);
            for condition in &other_conditions(world, other.message) {
                premises.hold(world, other.message, frame, condition);
            }
            if let Answer::Yes(values) = premises.ask()
                && told.insert(Span { end: one.span.end, ..other.span })
            {
                let text = format!(
                    "one `{}` of `{}` can be two steps",
                    world.label(one.message),
                    world.header.role_name(role)
                );
                let mut diagnostic =
                    Diagnostic::new(codes::OVERLAP, other.span, text).label(one.span, "the other one is here");
                let values = shown(&values);
                if !values.is_empty() {
                    diagnostic = diagnostic.note(format!("for example with {values}"));
                }
                found.push(
                    diagnostic.help("a monitor follows both; conditions that exclude each other are easier to read"),
                );
            }
        }
    }
}

fn other_conditions(world: &World<'_>, message: MessageId) -> Vec<Node> {
    world.rule(message).into_iter().flat_map(Rule::demands).map(|code| code.tree().clone()).collect()
}

/// Assignments that may break the sort of their variable.
fn assignments(world: &World<'_>, frame: FrameId, arm: &Arm, found: &mut Vec<Diagnostic>) {
    let Some(rule) = world.rule(arm.message) else { return };
    for set in &rule.sets {
        let Some(info) = world.slot(frame, set.slot) else { continue };
        let mut conditions = Vec::new();
        let mut at = &info.sort;
        while let Sort::Refined(of, condition) = at {
            conditions.push((condition.clone(), Slot::THIS));
            at = of;
        }
        // What is declared of this variable alone.
        if let Some(invariant) = info.invariant.as_ref().filter(|code| code.slots() == [set.slot]) {
            conditions.push((invariant.clone(), set.slot));
        }
        for (condition, about) in conditions {
            let mut premises = world.sending(arm.message, frame);
            premises.sorts(world, arm.message, frame, set.value.tree());
            let name: Arc<str> = format!("the new {}", info.name).into();
            let equal = premises.atoms.equal(NEW, &name, set.value.tree());
            let broken = premises.atoms.formula_about(condition.tree(), about, NEW, &name).negated();
            premises.parts.extend([equal, broken]);
            if let Answer::Yes(values) = premises.ask() {
                let text = format!("after this, `{}` may not satisfy `{condition}`", info.name);
                let diagnostic = Diagnostic::new(codes::MAY_BREAK, arm.span, text)
                    .label(info.span, "it is declared here")
                    .note(format!("for example with {}", shown(&values)));
                found.push(diagnostic.help("such an event is refused; say in a condition, or in the sort of a variable, why it does not happen"));
            }
        }
    }
}

/// A state in which a role can only send and all that it could send may be excluded.
pub(super) fn may_be_stuck(program: &Program, header: &Header, names: &Names) -> Option<Diagnostic> {
    let (role, span, values) = stuck(&World { program, names, header })?;
    let text = format!("`{}` can only send here, and all conditions can be false", header.role_name(role));
    let found = Diagnostic::new(codes::MAY_BE_STUCK, span, text);
    Some(if values.is_empty() { found } else { found.note(format!("for example with {values}")) })
}

fn stuck(world: &World<'_>) -> Option<(RoleId, Span, String)> {
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
                if left.is_empty() && rule.unique.is_empty() {
                    free = true;
                    break;
                }
                let mut all = Vec::new();
                for node in left {
                    premises.sorts(world, arm.message, frame, node);
                    all.push(premises.atoms.formula(node));
                }
                premises.parts.push(Formula::All(all).negated());
            }
            if free {
                continue;
            }
            match premises.ask() {
                Answer::No => {}
                Answer::Yes(values) => {
                    return Some((role, row.arms.first().map(|arm| arm.span).unwrap_or_default(), shown(&values)));
                }
                Answer::Unknown(_) => {
                    return Some((role, row.arms.first().map(|arm| arm.span).unwrap_or_default(), String::new()));
                }
            }
        }
    }
    None
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

/// `x = 1, y = "a"`, of names alone.
fn shown(values: &[(Term, Value)]) -> String {
    let one = |(term, value): &(Term, Value)| match term {
        Term::Slot(_, name) => Some(format!(
            "`{name}` = {}",
            crate::data::write(value, None, &crate::data::Redaction::new(b""), &|_| false)
        )),
        Term::Present(..) | Term::Other(_) => None,
    };
    values.iter().filter_map(one).collect::<Vec<_>>().join(", ")
}
