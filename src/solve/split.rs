//! Formulas: which of their disjuncts hold is tried out, one disjunction after the other, and dropped as soon as the
//! constraints that are left exclude each other.
//!
//! In: a formula. Out: [`Solution`]. Values that satisfy the constraints met so far are put into the disjunctions first:
//! one that holds under them anyway needs no trying.

use super::{
    MAX_CASES, MAX_CONSTRAINTS, Values,
    linear::{self, Bound, Linear, Ratio, Relation, Solution},
    translate::Formula,
};

/// Disjunctions inside each other.
const MAX_DEPTH: usize = 400;

struct Split<'a> {
    integer: &'a dyn Fn(u32) -> bool,
    /// Conjunctions that may still be looked at.
    left: usize,
    unknown: Option<&'static str>,
}

/// Values under which a formula is true, or that there are none.
pub(crate) fn solve(formula: &Formula, integer: &dyn Fn(u32) -> bool) -> Solution {
    let mut split = Split { integer, left: MAX_CASES, unknown: None };
    match split.branch(vec![formula], Vec::new(), Vec::new(), 0) {
        Some(values) => Solution::Values(values),
        None => split.unknown.map_or(Solution::None, Solution::Unknown),
    }
}

impl Split<'_> {
    fn branch<'f>(
        &mut self,
        mut todo: Vec<&'f Formula>,
        mut bounds: Vec<Bound>,
        mut open: Vec<&'f [Formula]>,
        depth: usize,
    ) -> Option<Values> {
        while let Some(formula) = todo.pop() {
            match formula {
                Formula::True => {}
                Formula::False => return None,
                Formula::Is(bound) => {
                    if !bounds.contains(bound) {
                        bounds.push(bound.clone());
                    }
                }
                Formula::All(parts) => todo.extend(parts.iter().rev()),
                Formula::Any(parts) => match parts.as_slice() {
                    [] => return None,
                    [one] => todo.push(one),
                    parts => open.push(parts),
                },
            }
        }
        if bounds.len() > MAX_CONSTRAINTS || depth > MAX_DEPTH {
            self.unknown = Some("there are too many cases");
            return None;
        }
        if self.left == 0 {
            self.unknown = Some("there are too many cases");
            return None;
        }
        self.left = self.left.saturating_sub(1);
        let values = match linear::solve(&bounds, self.integer) {
            Solution::None => return None,
            Solution::Values(values) => Some(values),
            Solution::Unknown(why) => {
                if open.is_empty() {
                    self.unknown = Some(why);
                    return None;
                }
                None
            }
        };
        let fails =
            |parts: &&[Formula]| values.as_ref().is_none_or(|values| !parts.iter().any(|part| part.holds(values)));
        // The one with the fewest ways, of those that do not hold by themselves.
        let next = (0..open.len()).filter(|&at| open.get(at).is_some_and(fails));
        let Some(next) = next.min_by_key(|&at| open.get(at).map_or(0, |parts| parts.len())) else {
            return values;
        };
        let parts = open.swap_remove(next);
        for part in parts {
            let found = self.branch(vec![part], bounds.clone(), open.clone(), depth.saturating_add(1));
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

impl Formula {
    /// Whether it is true of values; what has none is 0.
    pub(crate) fn holds(&self, values: &Values) -> bool {
        match self {
            Self::True => true,
            Self::False => false,
            Self::Is(bound) => bound.holds(values),
            Self::All(parts) => parts.iter().all(|part| part.holds(values)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(values)),
        }
    }

    /// The same of other sums; none if a number becomes too large.
    pub(crate) fn map(&self, change: &dyn Fn(&Linear) -> Option<Linear>) -> Option<Self> {
        Some(match self {
            Self::True => Self::True,
            Self::False => Self::False,
            Self::Is(bound) => {
                let sum = change(&bound.sum)?;
                if !sum.terms.is_empty() {
                    return Some(Self::Is(Bound { sum, is: bound.is }));
                }
                let holds = match bound.is {
                    Relation::Zero => sum.constant == 0,
                    Relation::AtMost => sum.constant <= 0,
                    Relation::Below => sum.constant < 0,
                };
                if holds { Self::True } else { Self::False }
            }
            Self::All(parts) => {
                let mut all = Vec::with_capacity(parts.len());
                for part in parts {
                    match part.map(change)? {
                        Self::True => {}
                        Self::False => return Some(Self::False),
                        Self::All(more) => all.extend(more),
                        part => all.push(part),
                    }
                }
                if all.is_empty() { Self::True } else { Self::All(all) }
            }
            Self::Any(parts) => {
                let mut any = Vec::with_capacity(parts.len());
                for part in parts {
                    match part.map(change)? {
                        Self::False => {}
                        Self::True => return Some(Self::True),
                        Self::Any(more) => any.extend(more),
                        part => any.push(part),
                    }
                }
                if any.is_empty() { Self::False } else { Self::Any(any) }
            }
        })
    }

    /// Every constraint in it.
    pub(crate) fn each(&self, see: &mut dyn FnMut(&Bound)) {
        match self {
            Self::True | Self::False => {}
            Self::Is(bound) => see(bound),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.each(see)),
        }
    }

    /// Whether a variable is in it.
    pub(crate) fn mentions(&self, var: u32) -> bool {
        let mut found = false;
        self.each(&mut |bound| found |= bound.sum.terms.contains_key(&var));
        found
    }
}

impl Linear {
    /// The sum with other sums for its variables; none if a number becomes too large.
    pub(crate) fn substitute(&self, by: &dyn Fn(u32) -> Option<Linear>) -> Option<Self> {
        let mut sum = Self::constant(self.constant);
        for (&var, &factor) in &self.terms {
            sum = match by(var) {
                Some(other) => sum.plus(factor, &other)?,
                None => sum.plus(factor, &Self::variable(var))?,
            };
        }
        Some(sum)
    }

    /// What it is for values; what has none is 0.
    pub(crate) fn value(&self, values: &Values) -> Option<Ratio> {
        linear::rest(self, u32::MAX, values)
    }
}

impl Bound {
    fn holds(&self, values: &Values) -> bool {
        self.sum.value(values).is_some_and(|total| match self.is {
            Relation::Zero => total.over == 0,
            Relation::AtMost => total.over <= 0,
            Relation::Below => total.over < 0,
        })
    }
}
