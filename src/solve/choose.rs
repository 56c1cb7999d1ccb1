//! Whether a value can be chosen: a variable taken out of a formula.
//!
//! In: a formula and a variable. Out: a formula without it. What comes out is true only where a value for the variable makes the
//! formula true; where it is false, one may have been missed. Between what the variable is compared with nothing changes,
//! so a value at each of these, one less and one more are tried.

use super::{linear::Linear, translate::Formula};

/// Values that are tried.
const MAX_TRIES: usize = 24;

impl Formula {
    /// That some value of a variable makes it true; none if a number becomes too large.
    pub(crate) fn some(&self, var: u32) -> Option<Self> {
        if !self.mentions(var) {
            return Some(self.clone());
        }
        if let Self::Any(parts) = self {
            return Some(Self::Any(parts.iter().map(|part| part.some(var)).collect::<Option<_>>()?));
        }
        let mut tries = vec![Linear::constant(0)];
        self.each(&mut |bound| {
            let factor = bound.sum.terms.get(&var).copied().filter(|factor| factor.abs() == 1);
            let Some(factor) = factor.and_then(i128::checked_neg) else { return };
            let mut rest = bound.sum.clone();
            rest.terms.remove(&var);
            for more in [0, -1, 1] {
                let value = rest.times(factor).and_then(|value| value.plus(1, &Linear::constant(more)));
                if let Some(value) = value.filter(|value| tries.len() < MAX_TRIES && !tries.contains(value)) {
                    tries.push(value);
                }
            }
        });
        let with = |value: &Linear| self.map(&|sum| sum.substitute(&|at| (at == var).then(|| value.clone())));
        Some(Self::Any(tries.iter().map(with).collect::<Option<_>>()?))
    }
}
