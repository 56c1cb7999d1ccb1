//! Sessions that messages hand over (`P@R`): whether one can be given where another was promised.
//!
//! Comes in: a [`Pair`] and the specifications of its sides. Goes out: the pair, with payloads settled that hand over sessions, and
//! those that ask the host.
//!
//! A session that is handed over is *used* by whoever gets it. So where `Q@S` was promised, `P@R` may be given if a process
//! that is written for `Q@S` can stand where `P@R` is expected: the pair of types is the other way round. Types that hand
//! over one another are compared together: all pairs of sessions that can be reached are taken for good until one
//! fails.
//!
//! Inside, types are compared synchronously. For the synchronous relations that is the definition; for the others it suffices,
//! and where it fails nothing is known.

use rustc_hash::FxHashMap;

use super::{
    Answer, Fit, Meter, Pair, Part, Relation, Tried,
    pair::{Content, Settled, Way},
    payload::{self, Common},
    sync,
};
use crate::{
    data::Sort,
    id::RoleId,
    protocol::{Local, Origin, Spec, Target},
    solve::Outside,
};

/// More than so many pairs of sessions are not looked at.
const MAX_SESSIONS: usize = 500;

/// Two sessions: a process for the first must be able to stand where the second is expected.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Handed {
    sub: Box<str>,
    sup: Box<str>,
    /// Whether the first is of the supertype's specification.
    turned: bool,
}

/// What is known of two sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Nothing speaks against it.
    Holds,
    Fails,
    Open(String),
}

struct Known<'a> {
    sides: [&'a Spec; 2],
    common: Common,
    outside: &'a Outside,
    number: FxHashMap<Handed, usize>,
    all: Vec<(Handed, Option<Pair>, State)>,
}

/// Settles which payloads fit, for a pair of types of these specifications.
pub fn settle(
    pair: &mut Pair,
    sub: &Spec,
    sup: &Spec,
    relation: Relation,
    outside: &Outside,
    meter: &mut Meter<'_, '_>,
) {
    let externs = sub.externs == sup.externs;
    let common = Common { sessions: std::ptr::eq(sub, sup), externs };
    let mut known = Known { sides: [sub, sup], common, outside, number: FxHashMap::default(), all: Vec::new() };
    known.note(pair, false);
    if known.all.is_empty() && !outside.is_there() && externs {
        return;
    }
    let mut at = 0_usize;
    while let Some((handed, ..)) = known.all.get(at) {
        let (handed, full) = (handed.clone(), known.all.len() > MAX_SESSIONS);
        let made = if full { Err(format!("more than {MAX_SESSIONS} pairs of sessions")) } else { known.pair(&handed) };
        match made {
            Ok(own) => {
                known.note(&own, handed.turned);
                if let Some(place) = known.all.get_mut(at) {
                    place.1 = Some(own);
                }
            }
            Err(why) => {
                if let Some(place) = known.all.get_mut(at) {
                    place.2 = State::Open(why);
                }
            }
        }
        if full {
            break;
        }
        at = at.saturating_add(1);
    }
    known.refute(relation == Relation::Fair, meter);
    let exact = matches!(relation, Relation::Sync | Relation::Channel);
    let settled = known.settled(pair, false, exact);
    pair.settle(settled);
}

impl Known<'_> {
    /// The pair of types of two sessions.
    fn pair(&self, handed: &Handed) -> Result<Pair, String> {
        let [left, right] = self.sides;
        let (own, other) = if handed.turned { (right, left) } else { (left, right) };
        let local = |spec: &Spec, name: &str| {
            let found = find(spec, name).ok_or_else(|| format!("`{name}` is not declared here"))?;
            local_of(spec, found).map(|local| (found.0, local)).map_err(|why| format!("`{name}`: {why}"))
        };
        let ((first, a), (second, b)) = (local(own, &handed.sub)?, local(other, &handed.sup)?);
        let header = |spec, target| Spec::header(spec, target).ok_or_else(|| "it is not declared here".to_owned());
        let sub = Part { names: &own.names, header: header(own, first)?, local: &a };
        let sup = Part { names: &other.names, header: header(other, second)?, local: &b };
        Pair::of(sub, sup).map_err(|_| "its type has scopes, or is too large".to_owned())
    }

    fn compare(&self, pair: &Pair, (small, large): (u32, u32)) -> Option<payload::Below> {
        let (small, large): (&Content, &Content) = (pair.content(small)?, pair.content(large)?);
        Some(payload::compare(small, large, self.common, self.outside))
    }

    /// Notes the sessions that a pair's messages hand over. Whether its first type is of the supertype's specification is
    /// said by `turned`; which of the two contents is the first type's does not matter, as long as it is one of each.
    fn note(&mut self, pair: &Pair, turned: bool) {
        for (a, b) in pair.shared() {
            let Some(handed) = self.handed(pair, (a, b), turned) else { continue };
            for handed in handed {
                if !self.number.contains_key(&handed) {
                    self.number.insert(handed.clone(), self.all.len());
                    self.all.push((handed, None, State::Holds));
                }
            }
        }
    }

    /// The sessions of two letters.
    fn handed(&self, pair: &Pair, (a, b): (u32, u32), turned: bool) -> Option<Vec<Handed>> {
        let (x, y) = (pair.letter(a)?, pair.letter(b)?);
        let sends = x.way != Way::Receive;
        let contents = if sends { (x.content, y.content) } else { (y.content, x.content) };
        if a == b && self.common.sessions || ![contents.0, contents.1].iter().all(|&at| has_session(pair.content(at))) {
            return None;
        }
        // What was promised comes from the other side than what is given.
        let turned = turned != sends;
        let found = self.compare(pair, contents)?.sessions;
        Some(found.into_iter().map(|(given, promised)| Handed { sub: promised, sup: given, turned }).collect())
    }

    /// What is known of the payloads of a pair.
    fn settled(&self, pair: &Pair, turned: bool, exact: bool) -> Settled {
        let mut found = Settled::default();
        for (a, b) in pair.shared() {
            let (Some(x), Some(y)) = (pair.letter(a), pair.letter(b)) else { continue };
            let sends = x.way != Way::Receive;
            let (small, large) = if sends { (x.content, y.content) } else { (y.content, x.content) };
            if small == large && self.common.sessions && self.common.externs {
                continue;
            }
            let Some(below) = self.compare(pair, (small, large)) else { continue };
            let (mut fit, mut why) = (below.fit, below.why);
            for handed in self.handed(pair, (a, b), turned).into_iter().flatten() {
                let state = self.number.get(&handed).and_then(|&at| self.all.get(at)).map(|(.., state)| state);
                let text = format!("a process for `{}` cannot stand for `{}`", handed.sub, handed.sup);
                match state {
                    Some(State::Holds) => {}
                    Some(State::Fails) if exact => (fit, why) = (Fit::No, text),
                    _ if fit != Fit::Yes => {}
                    Some(State::Open(reason)) => (fit, why) = (Fit::Unknown, format!("a session: {reason}")),
                    _ => (fit, why) = (Fit::Unknown, format!("{text} synchronously")),
                }
            }
            found.insert((small, large, sends), (fit, why));
        }
        found
    }

    /// Finds out which pairs of sessions fail, until no more do.
    fn refute(&mut self, all_sent: bool, meter: &mut Meter<'_, '_>) {
        loop {
            let mut changed = false;
            for at in 0..self.all.len() {
                let Some((handed, Some(pair), State::Holds | State::Open(_))) = self.all.get(at) else { continue };
                let mut own = pair.clone();
                own.settle(self.settled(pair, handed.turned, true));
                let state = match sync::decide(&own, all_sent, meter) {
                    Answer::Yes(_) => State::Holds,
                    Answer::No(_) => State::Fails,
                    Answer::Unknown(tried) => State::Open(tried.iter().map(Tried::text).collect::<Vec<_>>().join("; ")),
                };
                if let Some(place) = self.all.get_mut(at)
                    && place.2 != state
                {
                    // A failure makes others fail, what is open makes others open; nothing gets better again.
                    changed = true;
                    place.2 = state;
                }
            }
            if !changed {
                return;
            }
        }
    }
}

/// Whether a payload hands over a session at its top or below.
fn has_session(content: Option<&Content>) -> bool {
    fn within(sort: &Sort) -> bool {
        match sort {
            Sort::Opaque(name) => payload::is_session(name),
            Sort::List(of) | Sort::Set(of) | Sort::Option(of) | Sort::Secret(of) | Sort::Refined(of, _) => within(of),
            Sort::Map(key, of) => within(key) || within(of),
            Sort::Record(payload) => payload.fields.iter().any(|field| within(&field.sort)),
            Sort::Builtin(_) | Sort::Enum(_) => false,
        }
    }
    content
        .and_then(|content| content.payload.as_ref())
        .is_some_and(|payload| payload.fields.iter().any(|f| within(&f.sort)))
}

/// The session that a name `P@R` means in a specification.
fn find(spec: &Spec, name: &str) -> Option<(Target, RoleId)> {
    let (protocol, role) = name.split_once('@')?;
    let target = spec.find(protocol)?;
    Some((target, spec.header(target)?.role(role)?))
}

/// The local type of one role.
fn local_of(spec: &Spec, (target, role): (Target, RoleId)) -> Result<Local, String> {
    if let Target::Local(at) = target {
        let own = spec.locals.get(at).filter(|own| own.role == role && own.graph.is_none());
        let own = own.filter(|own| own.header.usable().is_ok());
        return own
            .and_then(|own| own.local.clone())
            .ok_or_else(|| "it has no local type that can be compared".to_owned());
    }
    let endpoints = spec.endpoints(target).map_err(|why| why.to_string())?;
    if let Origin::Canonical { roles, .. } = &endpoints.origin
        && roles.contains(&role)
    {
        return Err(format!("role `{}` does not project", endpoints.header.role_name(role)));
    }
    endpoints.locals.entry(role).cloned().ok_or_else(|| "there is no such role".to_owned())
}
