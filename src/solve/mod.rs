//! Whether conditions can be true: linear arithmetic over integers and decimals, booleans, and equality of texts.
//!
//! In: conditions as checked expressions ([`Node`]). Out: [`Answer`]: values that make all of them true, a proof that
//! there are none, or neither. Atoms of other kinds (a function, a member of a map, a product of two names) are taken as
//! unknowns of their own: if even then nothing fits, nothing fits.
//!
//! The method: conditions become a disjunction of conjunctions of linear constraints; in each, equations are solved and
//! names eliminated one after the other (Fourier and Motzkin; for integers with the tightening and the dark shadow of
//! Pugh, "The Omega test", 1991). What is found is put into the constraints again before it is told.
//!
//! Everything is bounded: more than [`MAX_CASES`] cases or [`MAX_CONSTRAINTS`] constraints give no answer.

mod linear;
mod translate;

use std::collections::BTreeMap;

pub use linear::{Bound, Linear};
pub use translate::{Atoms, Formula, Term};

use crate::data::{Node, Value};

/// Cases of a disjunction that are looked at.
pub const MAX_CASES: usize = 4_096;
/// Constraints of one case.
pub const MAX_CONSTRAINTS: usize = 2_000;

/// Whether conditions can be true together.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// With these values of what they speak of.
    Yes(Vec<(Term, Value)>),
    /// With none.
    No,
    /// It was not decided; why.
    Unknown(&'static str),
}

/// Whether all of some conditions can be true at once, and all of others false.
#[must_use]
pub fn satisfiable<'n>(hold: impl IntoIterator<Item = &'n Node>, fail: impl IntoIterator<Item = &'n Node>) -> Answer {
    let mut atoms = Atoms::default();
    let mut parts: Vec<Formula> = hold.into_iter().map(|node| atoms.formula(node)).collect();
    parts.extend(fail.into_iter().map(|node| atoms.formula(node).negated()));
    decide(&mut atoms, Formula::All(parts))
}

/// Whether a formula over atoms can be true.
#[must_use]
pub fn decide(atoms: &mut Atoms, formula: Formula) -> Answer {
    let formula = Formula::All(vec![formula, atoms.sorts()]);
    let Some(cases) = cases(formula) else { return Answer::Unknown("there are too many cases") };
    let mut unknown = None;
    for case in cases {
        match linear::solve(&case, &|var| atoms.is_integer(var)) {
            linear::Solution::Values(values) => {
                if atoms.inexact() {
                    unknown = Some("it depends on what is beyond linear arithmetic");
                    continue;
                }
                return Answer::Yes(atoms.values(&values));
            }
            linear::Solution::None => {}
            linear::Solution::Unknown(why) => unknown = Some(why),
        }
    }
    unknown.map_or(Answer::No, Answer::Unknown)
}

/// The cases of a formula: each a conjunction of constraints.
fn cases(formula: Formula) -> Option<Vec<Vec<Bound>>> {
    let all = match formula {
        Formula::True => vec![Vec::new()],
        Formula::False => Vec::new(),
        Formula::Is(bound) => vec![vec![bound]],
        Formula::Any(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(cases(part)?);
                if all.len() > MAX_CASES {
                    return None;
                }
            }
            all
        }
        Formula::All(parts) => {
            let mut all: Vec<Vec<Bound>> = vec![Vec::new()];
            for part in parts {
                let more = cases(part)?;
                if all.len().saturating_mul(more.len()) > MAX_CASES {
                    return None;
                }
                let mut next = Vec::with_capacity(all.len().saturating_mul(more.len()));
                for left in &all {
                    for right in &more {
                        let mut both = left.clone();
                        both.extend(right.iter().cloned());
                        if both.len() > MAX_CONSTRAINTS {
                            return None;
                        }
                        next.push(both);
                    }
                }
                all = next;
            }
            all
        }
    };
    Some(all)
}

/// Values of variables.
pub(crate) type Values = BTreeMap<u32, linear::Ratio>;
