//! What is no valid request, or cannot be answered: said with what there is instead. A refusal of the store is not this.

use serde::Serialize;

use crate::{
    session::{Refused, Returned},
    syntax::nearest,
};

/// Why a request is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Wrong {
    /// Which kind of mistake it is, for programs.
    pub(super) code: &'static str,
    /// What is wrong, in one line.
    pub(super) message: String,
    /// What could have been said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) known: Vec<String>,
}

impl Wrong {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), known: Vec::new() }
    }

    /// A name that there is not, with the nearest that there is.
    pub(super) fn unknown(code: &'static str, what: &str, named: &str, known: Vec<String>) -> Self {
        let lower: Vec<String> = known.iter().map(|name| name.to_lowercase()).collect();
        let words: Vec<&str> = lower.iter().map(String::as_str).collect();
        let near = nearest(&named.to_lowercase(), &words).and_then(|near| lower.iter().position(|name| name == near));
        let near =
            near.and_then(|at| known.get(at)).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let named: String = named.chars().take(80).collect();
        Self { code, message: format!("there is no {what} `{named}`{near}"), known }
    }
}

/// Why there is no result.
#[derive(Debug)]
pub(super) enum No {
    /// The store refuses.
    Refused(Refused),
    /// The request is none.
    Wrong(Wrong),
}

impl From<Refused> for No {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Wrong> for No {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl<T> From<Box<Returned<T>>> for No {
    fn from(returned: Box<Returned<T>>) -> Self {
        Self::Refused(returned.refused)
    }
}
