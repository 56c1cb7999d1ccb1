//! Questions to the solver, in terms of runs of the model.
//!
//! In: states of registers as sums of a question's own variables. Out: formulas in them. A step is *fired*: its fields
//! are new variables, its guard and what the registers are afterwards are sums of what they were before.

use rustc_hash::FxHashSet;

use super::model::{Function, Model, Ruled, equal, is};
use crate::{
    id::NodeId,
    solve::{self, Bound, Defined, Definition, Formula, Linear, Outside, Question, Relation, Solution},
};

/// Formulas larger than this are not looked at.
const MAX_ATOMS: usize = 4_000;
/// Values that are tried for a field somebody else chooses.
const MAX_TRIES: usize = 40;

/// Questions about one protocol.
const MAX_QUESTIONS: usize = 20_000;

/// What is asked.
#[derive(Clone, Default)]
pub(super) struct Query {
    /// How much was asked so far, by all questions about a protocol.
    asked: std::rc::Rc<std::cell::Cell<usize>>,
    outside: Outside,
    /// Of each variable, whether it is a whole number.
    pub(super) whole: Vec<bool>,
    pub(super) parts: Vec<Formula>,
    apps: Vec<(Function, Vec<Linear>, Linear)>,
}

/// A step that was fired.
pub(super) struct Fired {
    pub(super) guard: Formula,
    pub(super) fields: Vec<Linear>,
    pub(super) after: Vec<Linear>,
}

impl Query {
    /// A question about a protocol.
    pub(super) fn about(model: &Model<'_>) -> Self {
        Self { asked: std::rc::Rc::clone(&model.asked), outside: model.outside.clone(), ..Self::default() }
    }

    fn fresh(&mut self, whole: bool) -> Linear {
        let at = self.whole.len();
        self.whole.push(whole);
        super::model::var(at)
    }

    /// One state of the registers, each a variable, with what the sorts say.
    pub(super) fn registers(&mut self, model: &Model<'_>) -> Option<Vec<Linear>> {
        let all: Vec<Linear> = model.whole.iter().map(|&whole| self.fresh(whole)).collect();
        let domain = place(&model.domain, &all)?;
        self.parts.push(domain);
        Some(all)
    }

    pub(super) fn add(&mut self, formula: Formula) {
        self.parts.push(formula);
    }

    /// Values for all of it, or that there are none.
    pub(super) fn ask(&self, more: &[Formula]) -> Solution {
        let asked = self.asked.get();
        if asked >= MAX_QUESTIONS {
            return Solution::Unknown("there are too many questions");
        }
        self.asked.set(asked.saturating_add(1));
        let mut parts = self.parts.clone();
        parts.extend_from_slice(more);
        for (at, (function, args, result)) in self.apps.iter().enumerate() {
            for (other, others, its) in self.apps.iter().skip(at.saturating_add(1)) {
                if function != other {
                    continue;
                }
                // Equal arguments have equal results.
                let mut any: Vec<Formula> = Vec::new();
                for (a, b) in args.iter().zip(others) {
                    match equal(a, b) {
                        Some(same) => any.push(same.negated()),
                        None => return Solution::Unknown("a number is too large"),
                    }
                }
                any.extend(equal(result, its));
                parts.push(Formula::Any(any));
            }
        }
        let formula = Formula::All(parts);
        let Some(formula) = formula.map(&|sum| Some(sum.clone())) else {
            return Solution::Unknown("a number is too large");
        };
        let mut atoms = 0_usize;
        formula.each(&mut |_| atoms = atoms.saturating_add(1));
        let whole = |var: u32| self.whole.get(var as usize).copied().unwrap_or(true);
        let own = if atoms > MAX_ATOMS {
            Solution::Unknown("there are too many constraints")
        } else {
            solve::solve(&formula, &whole)
        };
        if matches!(own, Solution::None) || matches!(own, Solution::Values(_)) && self.apps.is_empty() {
            return own;
        }
        let definitions = self.definitions();
        let question = Question { formula: &formula, whole: &whole, definitions: &definitions };
        let own = match own {
            // For it products were anything: values may be none when they are what they are.
            Solution::Values(values) => match question.repaired(values) {
                Some(values) => return Solution::Values(values),
                None => Solution::Unknown("it depends on what a product or quotient is"),
            },
            own => own,
        };
        self.outside.solve(question).unwrap_or(own)
    }

    /// What is no sum, as another solver understands it.
    fn definitions(&self) -> Vec<Definition> {
        let mut found = Vec::with_capacity(self.apps.len());
        for (function, args, result) in &self.apps {
            let Some(&var) = result.terms.keys().next() else { continue };
            let is = match (function, args.as_slice()) {
                (Function::Product, [a, b]) => Defined::Product(a.clone(), b.clone()),
                (Function::Quotient(by), [a]) => Defined::Quotient(a.clone(), *by),
                (Function::Remainder(by), [a]) => Defined::Remainder(a.clone(), *by),
                _ => continue,
            };
            found.push((var, is));
        }
        found
    }

    /// Whether it has no values at all.
    pub(super) fn never(&self, more: &[Formula]) -> bool {
        matches!(self.ask(more), Solution::None)
    }

    /// Fires a step from a state, with fields that are given or any; none if a number becomes too large.
    pub(super) fn fire(&mut self, rule: &Ruled, before: &[Linear], fields: Option<&[Linear]>) -> Option<Fired> {
        let fields: Vec<Linear> = match fields {
            Some(fields) => fields.to_vec(),
            None => rule.fields.iter().map(|&whole| self.fresh(whole)).collect(),
        };
        let mut local: Vec<Linear> = before.iter().chain(&fields).cloned().collect();
        for app in &rule.apps {
            let args = app.args.iter().map(|arg| sum(arg, &local)).collect::<Option<Vec<_>>>()?;
            let known = self.apps.iter().find(|(function, known, _)| *function == app.function && *known == args);
            let result = match known {
                Some((.., result)) => result.clone(),
                None => {
                    // Products of decimals need not be whole.
                    let part = |var: &u32| self.whole.get(*var as usize).copied().unwrap_or(true);
                    let whole = args.iter().all(|arg: &Linear| arg.terms.keys().all(part));
                    let result = self.fresh(whole);
                    self.apps.push((app.function, args, result.clone()));
                    result
                }
            };
            local.push(result);
        }
        let guard = place(&rule.guard, &local)?;
        let after = rule.after.iter().map(|value| sum(value, &local)).collect::<Option<Vec<_>>>()?;
        Some(Fired { guard, fields, after })
    }

    /// Whether something in a formula that is no sum depends on a variable.
    fn is_argument(&self, var: u32, formula: &Formula) -> bool {
        let mut of = vec![var];
        for (_, args, result) in &self.apps {
            if args.iter().any(|arg| of.iter().any(|var| arg.terms.contains_key(var))) {
                of.extend(result.terms.keys());
            }
        }
        of.iter().skip(1).any(|&result| formula.mentions(result))
    }
}

fn sum(of: &Linear, local: &[Linear]) -> Option<Linear> {
    of.substitute(&|var| local.get(var as usize).cloned())
}

/// A formula with sums in the place of its variables.
pub(super) fn place(formula: &Formula, local: &[Linear]) -> Option<Formula> {
    formula.map(&|bound| sum(bound, local))
}

/// What a role may do from a state after steps without it.
pub(super) struct Can<'a> {
    pub(super) model: &'a Model<'a>,
    /// Whose steps are not taken on the way; none: it is asked whether anything can happen at all.
    pub(super) role: Option<crate::id::RoleId>,
    /// The formula is true only where it can be done; without this it may also be false where it can.
    pub(super) exact: bool,
    pub(super) on_way: FxHashSet<NodeId>,
}

impl Can<'_> {
    /// That a letter with these fields can be done from a state.
    pub(super) fn letter(
        &mut self,
        query: &mut Query,
        state: NodeId,
        before: &[Linear],
        letter: u32,
        fields: &[Linear],
    ) -> Option<Formula> {
        let model = self.model;
        let mut any = Vec::new();
        if !self.on_way.insert(state) {
            self.exact = false;
            return Some(Formula::False);
        }
        for step in model.automaton.steps(state) {
            let Some(rule) = model.rules.get(&step.node) else { continue };
            if step.letter == letter {
                any.push(query.fire(rule, before, Some(fields))?.guard);
            } else if self.role.is_none_or(|role| !step.involves(role)) && reaches(model, step.then, self.role, letter)
            {
                let fired = query.fire(rule, before, None)?;
                let rest = self.letter(query, step.then, &fired.after, letter, fields)?;
                let body = Formula::All(vec![fired.guard, rest]);
                any.push(self.exists(query, body, &fired.fields)?);
            }
        }
        self.on_way.remove(&state);
        Some(Formula::Any(any))
    }

    /// That something can happen in a state.
    pub(super) fn anything(&mut self, query: &mut Query, state: NodeId, before: &[Linear]) -> Option<Formula> {
        let model = self.model;
        let mut any = Vec::new();
        for step in model.automaton.steps(state) {
            let Some(rule) = model.rules.get(&step.node) else { continue };
            let fired = query.fire(rule, before, None)?;
            any.push(self.exists(query, fired.guard, &fired.fields)?);
        }
        Some(Formula::Any(any))
    }

    /// That there are values for fields.
    fn exists(&mut self, query: &Query, mut formula: Formula, fields: &[Linear]) -> Option<Formula> {
        for field in fields {
            let Some(&var) = field.terms.keys().next() else { continue };
            let whole = query.whole.get(var as usize).copied().unwrap_or(true);
            formula = formula.map(&|sum| Some(sum.clone()))?;
            if query.is_argument(var, &formula) {
                // What is no sum cannot be chosen by choosing its arguments.
                self.exact = false;
                return Some(Formula::False);
            }
            formula = self.one(query, formula, var, whole)?;
        }
        Some(formula)
    }

    fn one(&mut self, query: &Query, formula: Formula, var: u32, whole: bool) -> Option<Formula> {
        if !formula.mentions(var) {
            return Some(formula);
        }
        match formula {
            Formula::Any(parts) => {
                let parts =
                    parts.into_iter().map(|part| self.one(query, part, var, whole)).collect::<Option<Vec<_>>>()?;
                Some(Formula::Any(parts))
            }
            Formula::All(parts) => {
                let (mine, mut rest): (Vec<Formula>, Vec<Formula>) =
                    parts.into_iter().partition(|part| part.mentions(var));
                let given = mine.iter().find_map(|part| match part {
                    Formula::Is(bound) if bound.is == Relation::Zero => value_of(&bound.sum, var),
                    _ => None,
                });
                let mine = Formula::All(mine);
                rest.push(match given {
                    Some(value) => with(&mine, var, &value)?,
                    None => self.tries(query, &mine, var, whole)?,
                });
                Some(Formula::All(rest))
            }
            formula => self.tries(query, &formula, var, whole),
        }
    }

    /// Going up from below, a formula becomes true, if at all, at a value that something is to be at least, above one
    /// that something is to be more than, or where something is to be equal; or it is true as far below as one likes.
    /// And the same going down (Cooper, 1972; for decimals Loos and Weispfenning, 1993).
    fn tries(&mut self, query: &Query, formula: &Formula, var: u32, whole: bool) -> Option<Formula> {
        let is_whole = |var: &u32| query.whole.get(*var as usize).copied().unwrap_or(true);
        let (mut odd, mut mixed) = (false, false);
        let (mut lower, mut upper): (Vec<Point>, Vec<Point>) = (Vec::new(), Vec::new());
        formula.each(&mut |bound| {
            let Some(&factor) = bound.sum.terms.get(&var) else { return };
            mixed |= whole && !bound.sum.terms.keys().all(is_whole);
            let Some(value) = value_of(&bound.sum, var) else {
                odd = true;
                return;
            };
            let point = Point { value, beyond: bound.is == Relation::Below };
            for (side, own) in [(&mut lower, factor < 0), (&mut upper, factor > 0)] {
                if (own || bound.is == Relation::Zero) && !side.contains(&point) {
                    side.push(point.clone());
                }
            }
        });
        if mixed {
            // Whole numbers between decimals.
            self.exact = false;
            return Some(Formula::False);
        }
        let (points, up) = if lower.len() <= upper.len() { (&lower, true) } else { (&upper, false) };
        if odd || points.len() > MAX_TRIES {
            return self.some(formula, var, lower.iter().chain(&upper).map(|point| &point.value));
        }
        let mut any = vec![far(formula, var, up)];
        for Point { value, beyond } in points {
            any.push(match (beyond, whole) {
                (false, _) => with(formula, var, value)?,
                (true, true) => with(formula, var, &value.plus(if up { 1 } else { -1 }, &Linear::constant(1))?)?,
                (true, false) => beside(formula, var, value, up)?,
            });
        }
        Some(Formula::Any(any))
    }

    /// Some values, of which none need be right.
    fn some<'l>(&mut self, formula: &Formula, var: u32, near: impl Iterator<Item = &'l Linear>) -> Option<Formula> {
        self.exact = false;
        let mut values: Vec<Linear> = vec![Linear::constant(0)];
        for value in near {
            for more in [-1, 0, 1] {
                if let Some(value) = value.plus(1, &Linear::constant(more))
                    && values.len() < MAX_TRIES
                    && !values.contains(&value)
                {
                    values.push(value);
                }
            }
        }
        let any = values.iter().map(|value| with(formula, var, value)).collect::<Option<Vec<_>>>()?;
        Some(Formula::Any(any))
    }
}

/// Where a formula may become true.
#[derive(Clone, PartialEq)]
struct Point {
    value: Linear,
    /// Only beyond it.
    beyond: bool,
}

/// The formula with other formulas for its constraints; none if one has none.
fn replace(formula: &Formula, by: &dyn Fn(&Bound) -> Option<Formula>) -> Option<Formula> {
    Some(match formula {
        Formula::True | Formula::False => formula.clone(),
        Formula::Is(bound) => by(bound)?,
        Formula::All(parts) => Formula::All(parts.iter().map(|part| replace(part, by)).collect::<Option<_>>()?),
        Formula::Any(parts) => Formula::Any(parts.iter().map(|part| replace(part, by)).collect::<Option<_>>()?),
    })
}

/// What it is where a variable is less (or more) than anything.
fn far(formula: &Formula, var: u32, below: bool) -> Formula {
    let at = |bound: &Bound| {
        Some(match bound.sum.terms.get(&var) {
            None => Formula::Is(bound.clone()),
            Some(&factor) if bound.is != Relation::Zero && (factor > 0) == below => Formula::True,
            Some(_) => Formula::False,
        })
    };
    replace(formula, &at).unwrap_or(Formula::False)
}

/// What it is where a variable is a little more (or less) than a value.
fn beside(formula: &Formula, var: u32, value: &Linear, more: bool) -> Option<Formula> {
    let at = |bound: &Bound| {
        let Some(&factor) = bound.sum.terms.get(&var) else { return Some(Formula::Is(bound.clone())) };
        if bound.is == Relation::Zero {
            return Some(Formula::False);
        }
        let sum = bound.sum.substitute(&|at| (at == var).then(|| value.clone()))?;
        // Towards the bound some room is needed, away from it none.
        is(Some(sum), if (factor > 0) == more { Relation::Below } else { Relation::AtMost })
    };
    replace(formula, &at)
}

/// `x` by `±x + rest = 0`.
fn value_of(sum: &Linear, var: u32) -> Option<Linear> {
    let factor = sum.terms.get(&var).copied()?;
    if factor.abs() != 1 {
        return None;
    }
    let mut rest = sum.clone();
    rest.terms.remove(&var);
    rest.times(factor.checked_neg()?)
}

fn with(formula: &Formula, var: u32, value: &Linear) -> Option<Formula> {
    formula.map(&|sum| sum.substitute(&|at| (at == var).then(|| value.clone())))
}

/// Whether a letter can be reached by steps without a role, whatever the data.
pub(super) fn reaches(model: &Model<'_>, state: NodeId, role: Option<crate::id::RoleId>, letter: u32) -> bool {
    let mut seen = FxHashSet::default();
    let mut todo = vec![state];
    while let Some(state) = todo.pop() {
        if !seen.insert(state) {
            continue;
        }
        for step in model.automaton.steps(state) {
            if step.letter == letter {
                return true;
            }
            if role.is_none_or(|role| !step.involves(role)) {
                todo.push(step.then);
            }
        }
    }
    false
}

/// That sums are pairwise equal.
pub(super) fn same(one: &[Linear], other: &[Linear]) -> Option<Formula> {
    let parts = one.iter().zip(other).map(|(a, b)| is(a.plus(-1, b), Relation::Zero)).collect::<Option<Vec<_>>>()?;
    Some(Formula::All(parts))
}
