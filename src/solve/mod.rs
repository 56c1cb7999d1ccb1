//! Whether conditions can be true: linear arithmetic over integers and decimals, booleans, and equality of texts.
//!
//! In: conditions as checked expressions ([`Node`]). Out: [`Answer`]: values that make all of them true, a proof that
//! there are none, or neither. Atoms of other kinds (a function, a member of a map, a product of two names) are taken as
//! unknowns of their own: if even then nothing fits, nothing fits.
//!
//! The method: which disjuncts hold is tried out, with what they exclude dropped early; in each conjunction equations are solved and
//! names eliminated one after the other (Fourier and Motzkin; for integers with the tightening and the dark shadow of
//! Pugh, "The Omega test", 1991). What is found is put into the constraints again before it is told.
//!
//! What is not decided can be put to another solver ([`Outside`]), which is reached by whoever has one.
//!
//! Everything is bounded: more than [`MAX_CASES`] cases or [`MAX_CONSTRAINTS`] constraints give no answer.

mod choose;
mod linear;
mod outside;
mod smtlib;
mod split;
mod translate;

use std::collections::BTreeMap;

pub(crate) use linear::Solution;
pub use linear::{Bound, Linear, Relation};
pub use outside::{Oracle, Outside, Reply};
pub(crate) use smtlib::{Defined, Definition, Question};
pub(crate) use split::solve;
pub use translate::{Atoms, Formula, Term};

use crate::data::{Node, Value};

/// Cases of a disjunction that are looked at.
pub const MAX_CASES: usize = 4_096;
/// Constraints of one case.
pub const MAX_CONSTRAINTS: usize = 300;

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
    decide_with(atoms, formula, &Outside::default())
}

/// The same, with another solver for what is not decided.
#[must_use]
pub fn decide_with(atoms: &mut Atoms, formula: Formula, outside: &Outside) -> Answer {
    let formula = Formula::All(vec![formula, atoms.sorts()]);
    let answer = own(atoms, &formula);
    if !outside.is_there() || !matches!(answer, Answer::Unknown(_)) {
        return answer;
    }
    // What its own atoms are made of, made known.
    let definitions = atoms.definitions();
    let formula = Formula::All(vec![formula, atoms.sorts()]);
    let whole = |var| atoms.is_integer(var);
    match outside.solve(Question { formula: &formula, whole: &whole, definitions: &definitions }) {
        Some(linear::Solution::None) => Answer::No,
        Some(linear::Solution::Values(values)) if atoms.all_defined(&definitions) => Answer::Yes(atoms.values(&values)),
        _ => answer,
    }
}

fn own(atoms: &Atoms, formula: &Formula) -> Answer {
    match split::solve(formula, &|var| atoms.is_integer(var)) {
        linear::Solution::Values(_) if atoms.inexact() => {
            Answer::Unknown("it depends on what is beyond linear arithmetic")
        }
        linear::Solution::Values(values) => Answer::Yes(atoms.values(&values)),
        linear::Solution::None => Answer::No,
        linear::Solution::Unknown(why) => Answer::Unknown(why),
    }
}

/// Values of variables.
pub(crate) type Values = BTreeMap<u32, linear::Ratio>;
