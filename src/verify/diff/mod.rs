//! Two versions of a specification: which roles can be replaced, what breaks, and for whom.
//!
//! Comes in: two specifications, the old and the new. Goes out: a [`Diff`]: of every protocol, system and local type that both
//! have, of every role, whether the new local type can stand for the old ([`Role::replaces`]: one who upgrades first) and
//! the old for the new ([`Role::stays`]: one who upgrades last), and what the machines do where some are new and some
//! old.
//!
//! ```text
//! standing   the subtyping of one role, in words, with a shortest word that tells the two apart and its places
//! mix        systems of new and old machines, explored; an order in which roles can be upgraded one by one
//! ```
//!
//! A role is *same* if the two types are subtypes of each other synchronously; *compatible* if the new one is a subtype of
//! the old, or if it is not, but nothing goes wrong among the others as they are; *breaking* if not; *unknown* where
//! neither subtyping nor exploration knows.
//!
//! Names are what is compared: what was renamed is something removed and something added. Of a declaration with data that steers it,
//! or with scopes, it is known that it is the same if its text is; else its messages are compared, and what fits is
//! unknown.

mod mix;
mod standing;

pub use mix::Mixed;
pub use standing::{Parting, Standing};

use super::{
    Options,
    search::Poll,
    subtype::{Meter, Pair, PairError, Part, Relation, settle},
};
use crate::{
    id::{IdVec, RoleId},
    protocol::{EdgeKind, Header, Local, Origin, Spec, Target},
};

/// What changed between two specifications.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diff {
    /// What both have.
    pub changed: Vec<Changed>,
    /// What only the new one has.
    pub added: Vec<Declared>,
    /// What only the old one has.
    pub removed: Vec<Declared>,
}

/// Something with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// `protocol`, `system`, `local type`.
    pub what: &'static str,
    /// Its name.
    pub name: Box<str>,
}

/// Something that both specifications have.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// What it is.
    pub declared: Declared,
    /// Its roles, in the order of the old one; of a local type its own.
    pub roles: Vec<Role>,
    /// Roles that only the new one has.
    pub added_roles: Vec<Box<str>>,
    /// Roles that only the old one has.
    pub removed_roles: Vec<Box<str>>,
    /// Messages that only the new one has, as `A -> B: label`.
    pub added_messages: Vec<String>,
    /// Messages that only the old one has.
    pub removed_messages: Vec<String>,
    /// An order in which all roles can be upgraded one after the other with nothing going wrong in between, where some
    /// role must not be the first.
    pub order: Option<Vec<Box<str>>>,
    /// Why its roles cannot be compared.
    pub limit: Option<String>,
}

/// A role in two versions.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// Its name.
    pub name: Box<str>,
    /// What became of it.
    pub change: Change,
    /// Whether the new type can stand where the old is expected.
    pub replaces: Standing,
    /// Whether the old type can stand where the new is expected.
    pub stays: Standing,
    /// What the new role does among the old others.
    pub mixed: Option<Mixed>,
}

/// What became of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Nothing that anybody could tell.
    Same,
    /// The new may replace the old.
    Compatible,
    /// Not known.
    Unknown,
    /// The new may not replace the old.
    Breaking,
}

impl Change {
    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Compatible => "compatible",
            Self::Unknown => "unknown",
            Self::Breaking => "breaking",
        }
    }
}

impl Changed {
    /// The worst that became of any role; a role that is gone is missed.
    #[must_use]
    pub fn change(&self) -> Change {
        let gone = if self.removed_roles.is_empty() { Change::Same } else { Change::Breaking };
        let limit = if self.limit.is_some() { Change::Unknown } else { Change::Same };
        self.roles.iter().map(|role| role.change).fold(gone.max(limit), Change::max)
    }
}

impl Diff {
    /// The worst of all; what is gone is missed.
    #[must_use]
    pub fn change(&self) -> Change {
        let gone = if self.removed.is_empty() { Change::Same } else { Change::Breaking };
        self.changed.iter().map(Changed::change).fold(gone, Change::max)
    }
}

/// One of the two versions of a declaration: the local types that are compared.
struct Version<'a> {
    spec: &'a Spec,
    header: &'a Header,
    /// By role; of a local type alone only its own.
    locals: Vec<(RoleId, Local)>,
    /// Nothing but messages: what machines do is what the protocol does.
    plain: bool,
}

impl Version<'_> {
    fn find(&self, name: &str) -> Option<(RoleId, &Local)> {
        let role = self.header.role(name)?;
        self.locals.iter().find(|(own, _)| *own == role).map(|(role, local)| (*role, local))
    }

    /// All local types, if there is one for every role.
    fn whole(&self) -> Option<IdVec<RoleId, Local>> {
        (self.locals.len() == self.header.roles.len())
            .then(|| self.locals.iter().map(|(_, local)| local.clone()).collect())
    }
}

/// Compares two specifications, unrolled by [`super::expand`] where they have scopes or data. `unchanged` says of a name whether
/// what it is declared as, with all that it uses, has the same text in both; `wanted` which names are asked about.
pub fn diff(
    old: &Spec,
    new: &Spec,
    unchanged: &dyn Fn(&str) -> bool,
    wanted: &dyn Fn(&str) -> bool,
    options: &Options,
    poll: &mut Poll<'_>,
) -> Diff {
    let mut diff = Diff::default();
    let (before, after) = (declared(old), declared(new));
    for (declared, was) in before.iter().filter(|(declared, _)| wanted(&declared.name)) {
        match after.iter().find(|(other, _)| other == declared) {
            Some((_, is)) => {
                diff.changed.push(changed(declared, (old, *was), (new, *is), unchanged(&declared.name), options, poll));
            }
            None => diff.removed.push(declared.clone()),
        }
    }
    let is_new = |declared: &Declared| !before.iter().any(|(other, _)| other == declared);
    diff.added = after.into_iter().map(|(one, _)| one).filter(|one| is_new(one) && wanted(&one.name)).collect();
    diff
}

/// What a specification declares for others to use.
fn declared(spec: &Spec) -> Vec<(Declared, Target)> {
    let named = |what, header: &Header, target| (Declared { what, name: header.name.clone() }, target);
    let protocols = spec.protocols.iter().enumerate().filter(|(_, own)| !own.aux);
    let protocols = protocols.map(|(at, own)| named("protocol", &own.header, Target::Protocol(at)));
    let systems = spec.systems.iter().enumerate().map(|(at, own)| named("system", &own.header, Target::System(at)));
    let locals = spec.locals.iter().enumerate().map(|(at, own)| named("local type", &own.header, Target::Local(at)));
    protocols.chain(systems).chain(locals).collect()
}

/// The local types of a declaration; in words, why there are none.
fn version(spec: &Spec, target: Target) -> Result<Version<'_>, String> {
    let header = spec.header(target).ok_or_else(|| "it is not declared".to_owned())?;
    if let Target::Local(at) = target {
        header.usable().map_err(|why| why.to_string())?;
        let own = spec.locals.get(at).ok_or_else(|| "it is not declared".to_owned())?;
        let local = own
            .local
            .clone()
            .ok_or_else(|| "it has scopes or data that a local type alone does not show".to_owned())?;
        return Ok(Version { spec, header, locals: vec![(own.role, local)], plain: own.graph.is_none() });
    }
    let endpoints = spec.endpoints(target).map_err(|why| why.to_string())?;
    let (mut plain, mut left_out) = (header.is_plain(), Vec::new());
    match &endpoints.origin {
        Origin::Written | Origin::Projected => {}
        Origin::Unrolled(flat) => {
            plain = false;
            if let Some(limit) = &flat.limit {
                return Err(limit.clone());
            }
            left_out.clone_from(&flat.roles);
        }
        Origin::Canonical { roles, .. } => left_out.clone_from(roles),
    }
    if let Some(&role) = left_out.first() {
        return Err(format!("role `{}` does not project", header.role_name(role)));
    }
    let locals: Vec<(RoleId, Local)> = endpoints.locals.iter().map(|(role, local)| (role, local.clone())).collect();
    Ok(Version { spec, header, locals, plain })
}

fn changed(
    declared: &Declared,
    (old, was): (&Spec, Target),
    (new, is): (&Spec, Target),
    unchanged: bool,
    options: &Options,
    poll: &mut Poll<'_>,
) -> Changed {
    let mut changed = Changed {
        declared: declared.clone(),
        roles: Vec::new(),
        added_roles: Vec::new(),
        removed_roles: Vec::new(),
        added_messages: Vec::new(),
        removed_messages: Vec::new(),
        order: None,
        limit: None,
    };
    let (before, after) = match (version(old, was), version(new, is)) {
        (Ok(before), Ok(after)) => (before, after),
        (Err(why), _) => {
            changed.limit = Some(format!("the old `{}`: {why}", declared.name));
            return changed;
        }
        (_, Err(why)) => {
            changed.limit = Some(format!("the new `{}`: {why}", declared.name));
            return changed;
        }
    };
    let names = |own: &Version<'_>| {
        own.locals.iter().map(|(role, _)| own.header.role_name(*role).into()).collect::<Vec<Box<str>>>()
    };
    let (had, has) = (names(&before), names(&after));
    changed.added_roles = has.iter().filter(|name| !had.contains(name)).cloned().collect();
    changed.removed_roles = had.iter().filter(|name| !has.contains(name)).cloned().collect();
    let (said, says) = (mix::messages(&before), mix::messages(&after));
    changed.added_messages = says.difference(&said).cloned().collect();
    changed.removed_messages = said.difference(&says).cloned().collect();
    let mut mixes = mix::Mixes::new(&before, &after, options);
    for name in had.iter().filter(|name| has.contains(name)) {
        let (Some((_, own)), Some((_, other))) = (before.find(name), after.find(name)) else { continue };
        let role = if unchanged {
            Role {
                name: name.clone(),
                change: Change::Same,
                replaces: Standing::Yes,
                stays: Standing::Yes,
                mixed: None,
            }
        } else {
            role(name, (&before, own), (&after, other), &mut mixes, options, poll)
        };
        changed.roles.push(role);
    }
    if changed.roles.iter().any(|role| role.change == Change::Breaking) {
        changed.order = mixes.order(poll);
    }
    changed
}

fn role(
    name: &str,
    (before, was): (&Version<'_>, &Local),
    (after, is): (&Version<'_>, &Local),
    mixes: &mut mix::Mixes<'_>,
    options: &Options,
    poll: &mut Poll<'_>,
) -> Role {
    let unbounded = |version: &Version<'_>| {
        version.header.channels.iter().all(|(.., kind)| *kind == EdgeKind::Fifo) && version.plain
    };
    let ahead = unbounded(before) && unbounded(after);
    let forward = standing::of((after, is, "new"), (before, was, "old"), ahead, options, poll);
    let backward = standing::of((before, was, "old"), (after, is, "new"), ahead, options, poll);
    let same = forward.same && backward.same;
    let (replaces, stays) = (forward.standing, backward.standing);
    let plain = before.plain && after.plain;
    // Where payloads were not decided, machines cannot be held against each other.
    let mixed = if same || !plain || forward.open { None } else { mixes.with(name, poll) };
    let change = match (&replaces, &mixed) {
        _ if same && plain => Change::Same,
        (Standing::Yes, _) if plain => Change::Compatible,
        (Standing::No(_) | Standing::Unknown(_), Some(Mixed::Safe)) => Change::Compatible,
        (Standing::No(_), _) | (Standing::Unknown(_), Some(Mixed::Wrong { .. })) => Change::Breaking,
        _ => Change::Unknown,
    };
    let shown = |standing: Standing| match standing {
        Standing::Yes if !plain => {
            Standing::Unknown("its messages fit, but variables, times and scopes are not compared".to_owned())
        }
        other => other,
    };
    Role { name: name.into(), change, replaces: shown(replaces), stays: shown(stays), mixed }
}

/// The pair of a role's types, with payloads settled.
fn pair(
    (sub, small): (&Version<'_>, &Local),
    (sup, large): (&Version<'_>, &Local),
    relation: Relation,
    options: &Options,
    meter: &mut Meter<'_, '_>,
) -> Result<Pair, String> {
    let small = Part { names: &sub.spec.names, header: sub.header, local: small };
    let large = Part { names: &sup.spec.names, header: sup.header, local: large };
    let mut pair = Pair::of(small, large).map_err(|why| match why {
        PairError::TooMany(error) => error.to_string(),
        PairError::Scopes => "its scopes were not unrolled".to_owned(),
    })?;
    settle(&mut pair, sub.spec, sup.spec, relation, &options.outside, meter);
    Ok(pair)
}
