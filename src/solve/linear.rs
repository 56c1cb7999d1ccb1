//! Conjunctions of linear constraints: names are eliminated one by one, values are found on the way back.

use std::collections::BTreeMap;

use super::{MAX_CONSTRAINTS, Values};

/// A sum of multiples of variables, and a constant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Linear {
    /// Per variable what it is multiplied by; never 0.
    pub terms: BTreeMap<u32, i128>,
    /// What is added.
    pub constant: i128,
}

/// What a sum has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// `= 0`
    Zero,
    /// `≤ 0`
    AtMost,
    /// `< 0`
    Below,
}

/// A constraint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bound {
    /// The sum.
    pub sum: Linear,
    /// What it has to be.
    pub is: Relation,
}

/// An exact number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ratio {
    pub(crate) over: i128,
    /// Positive.
    pub(crate) under: i128,
}

/// Values, or that there are none.
pub(crate) enum Solution {
    Values(Values),
    None,
    Unknown(&'static str),
}

const TOO_LARGE: &str = "numbers or constraints became too large";

impl Linear {
    /// A constant.
    #[must_use]
    pub fn constant(constant: i128) -> Self {
        Self { terms: BTreeMap::new(), constant }
    }

    /// A variable.
    #[must_use]
    pub fn variable(var: u32) -> Self {
        Self { terms: BTreeMap::from([(var, 1)]), constant: 0 }
    }

    /// `self + factor · other`, if it fits.
    #[must_use]
    pub fn plus(&self, factor: i128, other: &Self) -> Option<Self> {
        let mut sum = self.clone();
        sum.constant = sum.constant.checked_add(factor.checked_mul(other.constant)?)?;
        for (&var, &by) in &other.terms {
            let place = sum.terms.entry(var).or_insert(0);
            *place = place.checked_add(factor.checked_mul(by)?)?;
            if *place == 0 {
                sum.terms.remove(&var);
            }
        }
        Some(sum)
    }

    /// `factor · self`, if it fits.
    #[must_use]
    pub fn times(&self, factor: i128) -> Option<Self> {
        Self::default().plus(factor, self)
    }

    fn of(&self, var: u32) -> i128 {
        self.terms.get(&var).copied().unwrap_or(0)
    }
}

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a.checked_rem(b).unwrap_or(0));
    }
    i128::try_from(a).unwrap_or(1).max(1)
}

impl Ratio {
    pub(crate) fn new(over: i128, under: i128) -> Option<Self> {
        if under == 0 {
            return None;
        }
        let by = gcd(over, under);
        let sign = under.signum();
        Some(Self { over: over.checked_div(by)?.checked_mul(sign)?, under: under.checked_div(by)?.checked_mul(sign)? })
    }

    pub(crate) fn whole(value: i128) -> Self {
        Self { over: value, under: 1 }
    }

    pub(crate) fn negated(self) -> Option<Self> {
        Some(Self { over: self.over.checked_neg()?, under: self.under })
    }

    fn less(self, other: Self) -> Option<bool> {
        Some(self.over.checked_mul(other.under)? < other.over.checked_mul(self.under)?)
    }

    fn floor(self) -> i128 {
        self.over.div_euclid(self.under)
    }

    fn ceil(self) -> Option<i128> {
        self.over.checked_neg()?.div_euclid(self.under).checked_neg()
    }

    fn plus(self, other: Self) -> Option<Self> {
        let left = self.over.checked_mul(other.under)?;
        let right = other.over.checked_mul(self.under)?;
        Self::new(left.checked_add(right)?, self.under.checked_mul(other.under)?)
    }

    fn times(self, factor: i128) -> Option<Self> {
        Self::new(self.over.checked_mul(factor)?, self.under)
    }
}

impl Bound {
    /// Divides by what all terms share; for integers the constant is tightened. None if it can never hold.
    fn normal(mut self, integer: &dyn Fn(u32) -> bool) -> Result<Option<Self>, ()> {
        let whole = self.sum.terms.keys().all(|&var| integer(var));
        if whole && self.is == Relation::Below {
            self.is = Relation::AtMost;
            self.sum.constant = self.sum.constant.checked_add(1).ok_or(())?;
        }
        if self.sum.terms.is_empty() {
            let constant = self.sum.constant;
            let holds = match self.is {
                Relation::Zero => constant == 0,
                Relation::AtMost => constant <= 0,
                Relation::Below => constant < 0,
            };
            return if holds { Ok(None) } else { Err(()) };
        }
        let by = self.sum.terms.values().fold(0, |by, &term| if by == 0 { term.abs() } else { gcd(by, term) });
        if by > 1 {
            if whole {
                match self.is {
                    Relation::Zero if self.sum.constant.checked_rem(by) != Some(0) => return Err(()),
                    // ax ≤ -c with a multiple of `by` on the left
                    _ => {
                        let ceiling = Ratio { over: self.sum.constant, under: by }.ceil().ok_or(())?;
                        self.sum.constant = ceiling;
                    }
                }
            } else if self.sum.constant.checked_rem(by) == Some(0) {
                self.sum.constant = self.sum.constant.checked_div(by).ok_or(())?;
            } else {
                return Ok(Some(self));
            }
            for term in self.sum.terms.values_mut() {
                *term = term.checked_div(by).ok_or(())?;
            }
        }
        Ok(Some(self))
    }
}

/// How a variable was eliminated.
enum Gone {
    /// By an equation in which it has this factor.
    Equation(u32, Linear),
    /// Between these constraints.
    Between(u32, Vec<Bound>),
}

/// Values for all variables of some constraints.
pub(crate) fn solve(bounds: &[Bound], integer: &dyn Fn(u32) -> bool) -> Solution {
    // Variables from here on are made on the way; all of them are integers.
    let highest = bounds.iter().filter_map(|bound| bound.sum.terms.keys().next_back()).max();
    let Some(first) = highest.map_or(Some(0), |highest| highest.checked_add(1)) else {
        return Solution::Unknown(TOO_LARGE);
    };
    let integer = &|var: u32| var >= first || integer(var);
    let mut fresh = first;
    let mut left: Vec<Bound> = Vec::new();
    for bound in bounds {
        match bound.clone().normal(integer) {
            Ok(Some(bound)) => {
                if !left.contains(&bound) {
                    left.push(bound);
                }
            }
            Ok(None) => {}
            Err(()) => return Solution::None,
        }
    }
    let mut gone: Vec<Gone> = Vec::new();
    let mut exact = true;
    loop {
        if left.len() > MAX_CONSTRAINTS {
            return Solution::Unknown(TOO_LARGE);
        }
        let mut step = equation(&left, integer);
        if step.is_none()
            && let Some(smaller) = smaller(&left, integer, fresh)
        {
            step = Some(smaller);
            let Some(next) = fresh.checked_add(1) else { return Solution::Unknown(TOO_LARGE) };
            fresh = next;
        }
        let Some((var, by)) = step.or_else(|| inequality(&left)) else { break };
        let result = match by {
            Some(equation) => substitute(&mut left, var, &equation, integer).map(|()| Gone::Equation(var, equation)),
            None => eliminate(&mut left, var, integer, &mut exact).map(|taken| Gone::Between(var, taken)),
        };
        match result {
            Ok(step) => gone.push(step),
            Err(Stop::Never) => return Solution::None,
            Err(Stop::TooLarge) => return Solution::Unknown(TOO_LARGE),
        }
    }
    // Only equations of integers and decimals, without a factor of 1, can be left.
    if !left.is_empty() {
        return Solution::Unknown("an equation of integers and decimals was not solved");
    }
    match back(gone, integer) {
        Some(mut values) if holds(bounds, &values) => {
            values.retain(|&var, _| var < first);
            Solution::Values(values)
        }
        _ if exact => Solution::Unknown("values were not found, though no proof says there are none"),
        _ => Solution::Unknown("integers may lie between the bounds, or not"),
    }
}

enum Stop {
    Never,
    TooLarge,
}

/// An equation that gives a variable: one with a factor of 1, or any for a decimal.
fn equation(left: &[Bound], integer: &dyn Fn(u32) -> bool) -> Option<(u32, Option<Linear>)> {
    for bound in left.iter().filter(|bound| bound.is == Relation::Zero) {
        for (&var, &by) in &bound.sum.terms {
            if by.abs() == 1 || (!integer(var) && bound.sum.terms.keys().all(|&var| !integer(var))) {
                return Some((var, Some(bound.sum.clone())));
            }
        }
    }
    None
}

/// For an equation of integers alone, in which no factor is 1: with `a` the smallest, `a·x + Σ b·y + c = 0` is
/// `a·z + Σ (b mod a)·y + c = 0` for the integer `z = x + Σ (b div a)·y`, which says what `x` is (Euclid's algorithm).
fn smaller(left: &[Bound], integer: &dyn Fn(u32) -> bool, z: u32) -> Option<(u32, Option<Linear>)> {
    let equations = left.iter().filter(|bound| bound.is == Relation::Zero).map(|bound| &bound.sum);
    let sum = equations.into_iter().find(|sum| sum.terms.keys().all(|&var| integer(var)))?;
    let (&x, &a) = sum.terms.iter().min_by_key(|(_, by)| by.unsigned_abs())?;
    let mut says = Linear { terms: BTreeMap::from([(x, 1), (z, -1)]), constant: 0 };
    for (&y, &b) in sum.terms.iter().filter(|&(&y, _)| y != x) {
        let quotient = b.checked_div_euclid(a)?;
        if quotient != 0 {
            says.terms.insert(y, quotient);
        }
    }
    Some((x, Some(says)))
}

/// The variable of inequalities alone whose elimination makes the fewest new ones.
fn inequality(left: &[Bound]) -> Option<(u32, Option<Linear>)> {
    let mut count: BTreeMap<u32, (usize, usize)> = BTreeMap::new();
    let mut fixed: Vec<u32> = Vec::new();
    for bound in left {
        for (&var, &by) in &bound.sum.terms {
            if bound.is == Relation::Zero {
                fixed.push(var);
            }
            let place = count.entry(var).or_default();
            let side = if by > 0 { &mut place.0 } else { &mut place.1 };
            *side = side.saturating_add(1);
        }
    }
    let free = count.into_iter().filter(|(var, _)| !fixed.contains(var));
    free.min_by_key(|(_, (over, under))| over.saturating_mul(*under)).map(|(var, _)| (var, None))
}

/// `var` by an equation, in all constraints.
fn substitute(left: &mut Vec<Bound>, var: u32, equation: &Linear, integer: &dyn Fn(u32) -> bool) -> Result<(), Stop> {
    let own = equation.of(var);
    let mut next = Vec::with_capacity(left.len());
    for bound in left.drain(..) {
        let by = bound.sum.of(var);
        let sum = if by == 0 {
            bound.sum
        } else {
            // own·(bound) − by·(equation), with the sign of the bound kept.
            let scaled = bound.sum.times(own.abs()).ok_or(Stop::TooLarge)?;
            let factor = by.checked_mul(own.signum()).and_then(i128::checked_neg).ok_or(Stop::TooLarge)?;
            scaled.plus(factor, equation).ok_or(Stop::TooLarge)?
        };
        match (Bound { sum, is: bound.is }).normal(integer) {
            Ok(Some(bound)) => next.push(bound),
            Ok(None) => {}
            Err(()) => return Err(Stop::Never),
        }
    }
    *left = next;
    Ok(())
}

/// `var` between its bounds: every lower one is at most every upper one.
fn eliminate(
    left: &mut Vec<Bound>,
    var: u32,
    integer: &dyn Fn(u32) -> bool,
    exact: &mut bool,
) -> Result<Vec<Bound>, Stop> {
    let (taken, mut next): (Vec<Bound>, Vec<Bound>) = left.drain(..).partition(|bound| bound.sum.of(var) != 0);
    let uppers = taken.iter().filter(|bound| bound.sum.of(var) > 0);
    for upper in uppers {
        let a = upper.sum.of(var);
        for lower in taken.iter().filter(|bound| bound.sum.of(var) < 0) {
            let b = lower.sum.of(var).checked_neg().ok_or(Stop::TooLarge)?;
            let sum = upper.sum.times(b).and_then(|sum| sum.plus(a, &lower.sum)).ok_or(Stop::TooLarge)?;
            let strict = upper.is == Relation::Below || lower.is == Relation::Below;
            *exact &= !integer(var) || a == 1 || b == 1;
            let is = if strict { Relation::Below } else { Relation::AtMost };
            match (Bound { sum, is }).normal(integer) {
                Ok(Some(bound)) => {
                    if !next.contains(&bound) {
                        next.push(bound);
                    }
                }
                Ok(None) => {}
                Err(()) => return Err(Stop::Never),
            }
            if next.len() > MAX_CONSTRAINTS {
                return Err(Stop::TooLarge);
            }
        }
    }
    *left = next;
    Ok(taken)
}

/// What a sum is without one of its variables.
pub(super) fn rest(sum: &Linear, var: u32, values: &Values) -> Option<Ratio> {
    let mut total = Ratio::whole(sum.constant);
    for (&other, &by) in &sum.terms {
        if other != var {
            let value = values.get(&other).copied().unwrap_or(Ratio::whole(0));
            total = total.plus(value.times(by)?)?;
        }
    }
    Some(total)
}

/// Values, from the variable that was eliminated last to the first.
fn back(gone: Vec<Gone>, integer: &dyn Fn(u32) -> bool) -> Option<Values> {
    let mut values = Values::new();
    for step in gone.into_iter().rev() {
        match step {
            Gone::Equation(var, sum) => {
                let rest = rest(&sum, var, &values)?;
                let own = sum.of(var);
                let value = Ratio::new(rest.over.checked_neg()?, rest.under.checked_mul(own)?)?;
                if integer(var) && value.under != 1 {
                    return None;
                }
                values.insert(var, value);
            }
            Gone::Between(var, bounds) => {
                let mut low: Option<(Ratio, bool)> = None;
                let mut high: Option<(Ratio, bool)> = None;
                for bound in &bounds {
                    let rest = rest(&bound.sum, var, &values)?;
                    let own = bound.sum.of(var);
                    let at = Ratio::new(rest.over.checked_neg()?, rest.under.checked_mul(own)?)?;
                    let strict = bound.is == Relation::Below;
                    let side = if own > 0 { &mut high } else { &mut low };
                    let tighter = match side {
                        None => true,
                        Some((known, _)) if own > 0 => at.less(*known)? || (at == *known && strict),
                        Some((known, _)) => known.less(at)? || (at == *known && strict),
                    };
                    if tighter {
                        *side = Some((at, strict));
                    }
                }
                values.insert(var, between(low, high, integer(var))?);
            }
        }
    }
    Some(values)
}

/// A value between two bounds, small and whole where it can be.
fn between(low: Option<(Ratio, bool)>, high: Option<(Ratio, bool)>, integer: bool) -> Option<Ratio> {
    let fits = |value: Ratio| -> Option<bool> {
        let over = match low {
            None => true,
            Some((low, strict)) => low.less(value)? || (!strict && low == value),
        };
        let under = match high {
            None => true,
            Some((high, strict)) => value.less(high)? || (!strict && high == value),
        };
        Some(over && under)
    };
    let mut tries = vec![Ratio::whole(0)];
    if let Some((low, _)) = low {
        tries.push(Ratio::whole(low.ceil()?));
        tries.push(Ratio::whole(low.floor().checked_add(1)?));
    }
    if let Some((high, _)) = high {
        tries.push(Ratio::whole(high.floor()));
        tries.push(Ratio::whole(high.ceil()?.checked_sub(1)?));
    }
    if !integer && let (Some((low, _)), Some((high, _))) = (low, high) {
        let sum = low.plus(high)?;
        tries.push(Ratio::new(sum.over, sum.under.checked_mul(2)?)?);
        tries.push(low);
    }
    for value in tries {
        if fits(value)? {
            return Some(value);
        }
    }
    None
}

/// Whether values satisfy constraints; variables without one are 0.
fn holds(bounds: &[Bound], values: &Values) -> bool {
    bounds.iter().all(|bound| match rest(&bound.sum, u32::MAX, values) {
        None => false,
        Some(total) => match bound.is {
            Relation::Zero => total.over == 0,
            Relation::AtMost => total.over <= 0,
            Relation::Below => total.over < 0,
        },
    })
}
