//! Two runs made again with their values, by the rules themselves instead of by formulas.
//!
//! In: runs with values. Out: the same in words, or what the rules refuse: then the formulas were wrong, which is a bug
//! of ours.

use rustc_hash::FxHashMap;

use super::{
    World,
    model::{Model, Register},
    search::{Run, Shown},
};
use crate::{
    data::{Builtin, Code, Empty, Env, Redaction, Slot, Sort, Value, fits, write},
    id::{NodeId, RoleId},
    protocol::{Node, PAYLOAD, Set, Step, Who, place},
    solve::{Linear, Values},
    verify::implementability::{Condition, Indistinct},
};

/// Makes both runs, and what is done behind them.
pub(super) fn replay(world: World<'_>, model: &Model<'_>, shown: &Shown) -> Result<Indistinct, String> {
    let Shown { open, values, runs, does, but } = shown;
    let mut told = Vec::new();
    let mut ends = Vec::new();
    for run in runs {
        let mut state = State { world, model, values, held: FxHashMap::default() };
        state.begin()?;
        state.run(run, &mut told)?;
        ends.push(state);
    }
    let [first, second] = ends.as_mut_slice() else { return Err("there are two runs".to_owned()) };
    first.run(std::slice::from_ref(does), &mut told)?;
    if open.condition == Condition::SendValidity {
        // At once the same cannot be done; that it cannot be done later either is what the solver has proved.
        for step in model.automaton.steps(open.pair.1).iter().filter(|step| step.letter == open.one.letter) {
            let mut copy = State { world, model, values, held: second.held.clone() };
            if copy.run(&[(step.node, does.1.clone())], &mut Vec::new()).is_ok() {
                return Err("what cannot be sent can be sent".to_owned());
            }
        }
    } else {
        second.run(but, &mut told)?;
    }
    let nodes = |run: &Run| run.iter().map(|(node, _)| *node).collect::<Vec<_>>();
    let [one, other] = runs;
    let then = but.get(1..).unwrap_or(&[]).iter().map(|(node, _)| *node).collect();
    Ok(Indistinct {
        role: open.role,
        condition: open.condition,
        first: nodes(one),
        second: nodes(other),
        does: does.0,
        but: but.first().map(|(node, _)| *node),
        then,
        values: told,
    })
}

struct State<'a> {
    world: World<'a>,
    model: &'a Model<'a>,
    values: &'a Values,
    held: FxHashMap<Register, Value>,
}

/// What a role sees.
struct View<'v> {
    held: &'v FxHashMap<Register, Value>,
    role: Option<RoleId>,
    payload: &'v [Option<Value>],
}

impl Env for View<'_> {
    fn slot(&self, slot: Slot) -> Option<&Value> {
        let (depth, index) = place(slot);
        if depth == PAYLOAD {
            return self.payload.get(index as usize)?.as_ref();
        }
        self.held.get(&(None, slot)).or_else(|| self.held.get(&(self.role, slot)))
    }
}

impl State<'_> {
    fn begin(&mut self) -> Result<(), String> {
        let entry = self.world.graph.regions.values().next().map_or(&[][..], |region| &region.entry);
        for (role, sets) in entry {
            let who: Vec<RoleId> = role.iter().copied().collect();
            self.assign(sets, &who, &[])?;
        }
        Ok(())
    }

    fn run(&mut self, run: &[(NodeId, Vec<Linear>)], told: &mut Vec<String>) -> Result<(), String> {
        for (node, fields) in run {
            self.step(*node, fields, told)?;
        }
        Ok(())
    }

    fn step(&mut self, node: NodeId, fields: &[Linear], told: &mut Vec<String>) -> Result<(), String> {
        let Node::Step { step, sort, .. } = self.world.graph.nodes[node] else {
            return Err("a run goes through steps alone".to_owned());
        };
        let ends = match step {
            Step::Message { from, to } => vec![from, to],
            Step::Act(role) => vec![role],
            _ => return Err("a run goes through messages and local actions alone".to_owned()),
        };
        let from = ends.first().copied();
        let declared = self.world.names.payload(sort).map_or(&[][..], |payload| &payload.fields);
        let payload: Vec<Option<Value>> =
            declared.iter().zip(fields).map(|(field, value)| self.value(&field.sort, value)).collect();
        let refuses = |what: String| Err(format!("the rules refuse a step of the run: {what}"));
        for (field, value) in declared.iter().zip(&payload) {
            if let Some(value) = value
                && let Err(why) = fits(&field.sort, value, &Empty)
            {
                return refuses(why.to_string());
            }
        }
        let name = |at: usize| declared.get(at).and_then(|field| field.name.as_deref());
        let shown = payload.iter().enumerate().filter_map(|(at, value)| {
            let text = write(value.as_ref()?, None, &Redaction::new(b""), &|_| false);
            Some(name(at).map_or(text.clone(), |name| format!("{name} = {text}")))
        });
        told.push(shown.collect::<Vec<_>>().join(", "));
        let Some(rule) = self.world.names.rule(sort) else { return Ok(()) };
        for condition in &rule.conditions {
            if !self.holds(&condition.code, from, &payload) {
                return refuses(format!("`{}` is not true", condition.code));
            }
        }
        self.assign(&rule.sets, &ends, &payload)?;
        for &(field, slot) in &rule.binds {
            for &role in &ends {
                let register = if self.nobodys(slot) { (None, slot) } else { (Some(role), slot) };
                match payload.get(field as usize).cloned().flatten() {
                    Some(value) => drop(self.held.insert(register, value)),
                    None => drop(self.held.remove(&register)),
                }
            }
        }
        for group in &rule.after {
            self.assign(group, &ends, &payload)?;
        }
        Ok(())
    }

    fn holds(&self, code: &Code, role: Option<RoleId>, payload: &[Option<Value>]) -> bool {
        code.holds(&View { held: &self.held, role, payload }) == Ok(true)
    }

    fn nobodys(&self, slot: Slot) -> bool {
        let (depth, index) = place(slot);
        let info = self.world.frame.filter(|_| depth == 0).and_then(|frame| frame.slots.get(index as usize));
        info.is_some_and(|info| info.roles.is_empty())
    }

    /// Simultaneous assignments of what the formulas speak of.
    fn assign(&mut self, sets: &[Set], ends: &[RoleId], payload: &[Option<Value>]) -> Result<(), String> {
        let mut changes = Vec::new();
        for set in sets {
            let (_, index) = place(set.slot);
            let info = self.world.frame.and_then(|frame| frame.slots.get(index as usize));
            let registers: Vec<(Option<RoleId>, Register)> = if self.nobodys(set.slot) {
                vec![(ends.first().copied(), (None, set.slot))]
            } else {
                let mine = |role: &&RoleId| match &set.who {
                    Who::Ends => info.is_none_or(|info| info.roles.contains(role)),
                    Who::Roles(roles) => roles.contains(role),
                };
                ends.iter().filter(mine).map(|&role| (Some(role), (Some(role), set.slot))).collect()
            };
            for (role, register) in registers.into_iter().filter(|(_, at)| self.model.registers.contains(at)) {
                let view = View { held: &self.held, role, payload };
                let value = set.value.eval(&view).map_err(|why| format!("`{}` has no value: {why}", set.value))?;
                if let Some(info) = info
                    && let Err(why) = fits(&info.sort, &value, &view)
                {
                    return Err(format!("the rules refuse a step of the run: {why}"));
                }
                changes.push((register, value));
            }
        }
        self.held.extend(changes);
        Ok(())
    }

    /// What a sum is, as a value of a sort; none where any value does.
    fn value(&self, sort: &Sort, value: &Linear) -> Option<Value> {
        let number = value.value(self.values)?;
        let whole = (number.under == 1).then_some(number.over);
        match sort.plain() {
            Sort::Builtin(Builtin::Int | Builtin::Uint) => whole?.try_into().ok().map(Value::Int),
            Sort::Builtin(Builtin::Decimal) => whole?.try_into().ok().map(Value::Int),
            Sort::Builtin(Builtin::Bool) => Some(Value::Bool(number.over != 0)),
            Sort::Builtin(Builtin::Timestamp) => whole?.try_into().ok().map(Value::Timestamp),
            Sort::Builtin(Builtin::Duration) => whole?.try_into().ok().map(Value::Duration),
            Sort::Builtin(Builtin::String) | Sort::Enum(_) => {
                let at = whole?;
                let known = usize::try_from(at).ok().and_then(|at| self.model.texts.get_index(at));
                Some(known.map_or_else(|| Value::text(&format!("text {at}")), |text| Value::Text(text.clone())))
            }
            _ => None,
        }
    }
}
