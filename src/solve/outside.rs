//! Another solver, for what this one does not decide.
//!
//! In: a [`Question`] that was not decided. Out: a [`Solution`]. That there are no values is believed, and counted
//! ([`Outside::believed`]), so that a verdict can say whose word it rests on; values are only taken if they satisfy what was
//! asked. How the other solver is reached is not known here: whoever has one implements [`Oracle`].

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::Rc,
};

use super::{
    linear::Solution,
    smtlib::{Question, read},
};

/// What another solver says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// There are values; with what it prints after that.
    Sat(String),
    /// There are none.
    Unsat,
    /// It does not know, or gave no answer in time, or none that can be read.
    Unknown,
}

/// Another solver.
pub trait Oracle {
    /// Answers a script in SMT-LIB 2, which has one `(check-sat)` and perhaps a `(get-value …)` behind it.
    fn ask(&mut self, smtlib: &str) -> Reply;
}

/// Another solver, if there is one; copies share it.
#[derive(Clone, Default)]
pub struct Outside {
    oracle: Option<Rc<RefCell<dyn Oracle>>>,
    believed: Rc<Cell<usize>>,
}

impl Outside {
    /// One that is there.
    #[must_use]
    pub fn new(oracle: Rc<RefCell<dyn Oracle>>) -> Self {
        Self { oracle: Some(oracle), believed: Rc::default() }
    }

    /// How often it was believed so far that there are no values.
    #[must_use]
    pub fn believed(&self) -> usize {
        self.believed.get()
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.oracle.is_some()
    }

    /// Asks it; none if there is no other solver, or it has no answer either.
    pub(crate) fn solve(&self, question: Question<'_>) -> Option<Solution> {
        let oracle = self.oracle.as_ref()?;
        let mut script = question.script()?;
        let reply = oracle.borrow_mut().ask(&script);
        match reply {
            Reply::Unsat => {
                self.believed.set(self.believed.get().saturating_add(1));
                Some(Solution::None)
            }
            Reply::Sat(_) => {
                script.push_str(&question.values());
                let Reply::Sat(text) = oracle.borrow_mut().ask(&script) else { return None };
                let values = read(&text).filter(|values| question.holds(values))?;
                Some(Solution::Values(values))
            }
            Reply::Unknown => None,
        }
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_there() { "Outside" } else { "nothing" })
    }
}

/// The same solver.
impl PartialEq for Outside {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.believed, &other.believed) || !self.is_there() && !other.is_there()
    }
}

impl Eq for Outside {}
