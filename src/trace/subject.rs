//! What a trace is checked against.

use std::fmt;

use crate::{
    machine::System,
    protocol::{Header, Names, Unsupported},
};

/// A system with its names.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub(crate) system: &'a System,
    pub(crate) names: &'a Names,
    pub(crate) header: &'a Header,
}

/// Why nothing can be checked against a protocol or system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoSubject {
    /// It has errors.
    Broken,
    /// It has parameters without values.
    Generic,
    /// It has constructs without a meaning yet, on which the verdict would depend.
    Unsupported(Vec<Unsupported>),
}

impl fmt::Display for NoSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken => f.write_str("it has errors"),
            Self::Generic => f.write_str("it has parameters without values"),
            Self::Unsupported(all) => match all.first() {
                Some(first) => write!(f, "`{}` has no meaning yet ({})", first.what, first.code),
                None => f.write_str("some of it has no meaning yet"),
            },
        }
    }
}

impl std::error::Error for NoSubject {}

impl<'a> Subject<'a> {
    /// A system, the names of its specification, and what declares it: its roles have the ids of the system's.
    pub fn new(system: &'a System, names: &'a Names, header: &'a Header) -> Result<Self, NoSubject> {
        if header.broken {
            return Err(NoSubject::Broken);
        }
        if header.generic {
            return Err(NoSubject::Generic);
        }
        if !header.unsupported.is_empty() {
            return Err(NoSubject::Unsupported(header.unsupported.clone()));
        }
        Ok(Self { system, names, header })
    }
}
