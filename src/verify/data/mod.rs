//! What can be said of conditions without looking at runs.
//!
//! In: a program. Out: notes and warnings, each with values that show it where there are any:
//!
//! * a step whose conditions, with the sorts of what they speak of, exclude each other: it is never taken;
//! * a state in which one event can be two steps, so a monitor follows both;
//! * a state in which a role can only send, and all conditions can be false at once;
//! * an assignment after which the condition of the variable's sort may be false;
//! * an index that may be out of range;
//! * a label that may stand on an edge twice, once from a scope that was left (nothing is assumed of data).
//!
//! What a message requires a witness of is a condition here: without a witness the step is not taken.
//!
//! Those on states, assignments and indices speak of all values that the sorts admit, not only of those that a run reaches: what they find may never
//! happen, and the condition they name is the one that would have to be known (`var x: int{…}`). What they do not find
//! cannot happen: that is the inductive argument that [`super::Evidence::Unrolled`] rests on.

mod clash;
mod range;
mod stuck;

use std::sync::Arc;

pub(super) use stuck::may_be_stuck;

use rustc_hash::FxHashSet;

use crate::{
    data::{Node, Op, Slot, Sort, Value},
    diag::{Diagnostic, Span, catalogue::verdict as codes},
    id::{FrameId, MessageId, RoleId},
    machine::{Arm, End, Program},
    protocol::{Frame, Header, Names, PAYLOAD, Rule, place},
    solve::{Answer, Atoms, Formula, Outside, Term, decide_with},
};

/// More findings of one protocol help nobody.
const MAX_FOUND: usize = 50;
/// Where an assignment's new value is kept while it is reasoned about.
const NEW: Slot = Slot(u32::MAX - 1);

/// What a rule demands, with what the sorts say of all it speaks of.
#[derive(Clone)]
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

    /// What is declared of variables together with some that are spoken of.
    fn related(&mut self, world: &World<'_>, role: RoleId, frame: FrameId, message: MessageId) {
        let mut left: Vec<&Node> = Vec::new();
        for info in world.all(frame).filter(|info| info.roles.is_empty() || info.roles.contains(&role)) {
            left.extend(info.invariant.iter().map(crate::data::Code::tree));
        }
        loop {
            let speaks = |node: &Node| {
                let mut any = false;
                node.visit(&mut |node| any |= matches!(&node.op, Op::Slot(slot, _) if self.known.contains(slot)));
                any
            };
            let Some(at) = left.iter().position(|node| speaks(node)) else { return };
            let node = left.remove(at);
            self.hold(world, message, frame, node);
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

    fn ask(mut self, world: &World<'_>) -> Answer {
        decide_with(&mut self.atoms, Formula::All(self.parts), world.outside)
    }
}

struct World<'p> {
    program: &'p Program,
    names: &'p Names,
    header: &'p Header,
    outside: &'p Outside,
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

    /// All slots that can be seen from a frame.
    fn all(&self, frame: FrameId) -> impl Iterator<Item = &'p crate::protocol::SlotInfo> {
        let program = self.program;
        let frames = std::iter::successors(program.frames().entry(frame), move |frame| {
            frame.parent.and_then(|at| program.frames().entry(at))
        });
        frames.flat_map(|frame| &frame.slots)
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
pub(super) fn conditions(program: &Program, header: &Header, names: &Names, outside: &Outside) -> Vec<Diagnostic> {
    let world = World { program, names, header, outside };
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
                    range::indices(&world, frame, arm, &mut told, &mut found);
                }
            }
            overlaps(&world, role, frame, &row.arms, &mut told, &mut found);
        }
    }
    clash::clashes(&world, &mut found);
    found
}

/// A step that no values allow.
fn never(world: &World<'_>, frame: FrameId, arm: &Arm, found: &mut Vec<Diagnostic>) {
    if world.rule(arm.message).is_none_or(|rule| rule.demands().next().is_none()) {
        return;
    }
    if world.sending(arm.message, frame).ask(world) == Answer::No {
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
            if let Answer::Yes(values) = premises.ask(world)
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
            if let Answer::Yes(values) = premises.ask(world) {
                let text = format!("after this, `{}` may not satisfy `{condition}`", info.name);
                let diagnostic = Diagnostic::new(codes::MAY_BREAK, arm.span, text)
                    .label(info.span, "it is declared here")
                    .note(format!("for example with {}", shown(&values)));
                found.push(diagnostic.help("such an event is refused; say in a condition, or in the sort of a variable, why it does not happen"));
            }
        }
    }
}

/// `x = 1, y = "a"`, of names alone.
fn shown(values: &[(Term, Value)]) -> String {
    let one = |(term, value): &(Term, Value)| match term {
        Term::Slot(_, name) => Some(format!(
            "`{name}` = {}",
            crate::data::write(value, None, &crate::data::Redaction::new(b""), &|_| false)
        )),
        Term::Size(_, name) => Some(format!(
            "`size({name})` = {}",
            crate::data::write(value, None, &crate::data::Redaction::new(b""), &|_| false)
        )),
        Term::Present(..) | Term::Other(_) => None,
    };
    values.iter().filter_map(one).collect::<Vec<_>>().join(", ")
}
