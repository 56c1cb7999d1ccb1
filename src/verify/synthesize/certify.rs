//! The last look at a synthesized protocol: its text is read, projected, and held against the machines.
//!
//! Nothing is shared with what made the text but the parser: roles, labels and sorts are compared by their texts.

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};

use super::product::{Why, own_event};
use crate::{
    diag::{Diagnostic, Sources},
    event::{Event, Limit, Verdict},
    id::{IdVec, RoleId, SortId, StateId},
    machine::minimize,
    protocol::{self, Act, Arm, Header, Local, Names, NoImports, Spec},
    syntax::{self, Style},
    verify::{Options, check::Error, complete, search::Poll},
};

/// How a role's machine compares with the projection of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// They are the same, up to minimization.
    Equal,
    /// The machine also takes messages that never come, and else is the same: it can stand where the projection is
    /// expected, by synchronous subtyping.
    TakesMore,
}

/// Why a text is no answer.
pub(super) enum Refused {
    None(Box<Why>),
    Limit(Limit),
}

/// A text in canonical form; an error, if it is none.
pub(super) fn canonical(text: &str) -> Result<String, Error> {
    let (tree, found) = syntax::parse(crate::id::FileId::default(), text);
    match found.first() {
        None => Ok(syntax::print(&tree, text, Style::Arrows)),
        Some(found) => Err(Error::Bug(format!("what was synthesized does not parse: {}: {text}", found.text))),
    }
}

/// Reads a text and compares the projections of its protocol with the machines of some roles.
pub(super) fn certify(
    text: &str,
    machines: &IdVec<RoleId, Local>,
    part: &[RoleId],
    header: &Header,
    names: &Names,
    poll: &mut Poll<'_>,
) -> Result<Result<Vec<(RoleId, Certificate)>, Refused>, Error> {
    let text = canonical(text)?;
    let spec = read(&text)?;
    let (outcome, projected) = complete::complete(&spec, 0, &Options::default(), poll)?;
    let projected = match (outcome.verdict, projected) {
        (Verdict::Holds, Some(projected)) => projected,
        (Verdict::Unknown(limit), _) => return Ok(Err(Refused::Limit(limit))),
        _ => {
            let why = outcome.diagnostics.first().map_or_else(String::new, |found| found.text.clone());
            return Ok(Err(Refused::None(Box::new(Why::NotImplementable(why.into())))));
        }
    };
    let Some(other) = spec.protocols.first().map(|protocol| &protocol.header) else {
        return Err(Error::Bug("what was synthesized declares no protocol".to_owned()));
    };
    let mut certificates = Vec::with_capacity(part.len());
    for &role in part {
        let there = other.role(header.role_name(role)).and_then(|role| projected.locals.entry(role));
        let Some(there) = there.and_then(|local| minimize(local).ok()) else {
            return Err(Error::Bug(format!("`{}` was lost on the way", header.role_name(role))));
        };
        let given = Side { local: &machines[role], header, names };
        match compare(&given, &Side { local: &there, header: other, names: &spec.names }, role) {
            Ok(certificate) => certificates.push((role, certificate)),
            Err(why) => return Ok(Err(Refused::None(why))),
        }
    }
    Ok(Ok(certificates))
}

fn read(text: &str) -> Result<Spec, Error> {
    let mut sources = Sources::new();
    let bug = |why: String| Error::Bug(format!("what was synthesized has errors: {why}: {text}"));
    let file = sources.add("synthesized", text).map_err(|error| bug(format!("{error:?}")))?;
    let (_, spec, found) = protocol::read(&mut sources, file, &mut NoImports);
    match found.iter().find(|found| Diagnostic::is_error(found)) {
        None => Ok(spec),
        Some(found) => Err(bug(found.text.clone())),
    }
}

/// A machine and what it is written in.
struct Side<'a> {
    local: &'a Local,
    header: &'a Header,
    names: &'a Names,
}

/// An action by its texts: send, receive or act; with whom, which label, and the sorts of its fields.
type Action = (u8, String, String, String);

impl Side<'_> {
    fn action(&self, arm: &Arm) -> Action {
        let (act, peer) = match arm.act {
            Act::Send(peer) => (0, self.header.role_name(peer)),
            Act::Receive(peer) => (1, self.header.role_name(peer)),
            _ => (2, ""),
        };
        (act, peer.to_owned(), self.names.label_text(arm.label).to_owned(), self.payload(arm.sort))
    }

    fn payload(&self, sort: SortId) -> String {
        let Some(payload) = self.names.payload(sort) else { return "bare".to_owned() };
        let fields = payload.fields.iter().map(|field| format!("{}{}", u8::from(field.optional), field.sort));
        format!("({}{})", fields.collect::<Vec<_>>().join(", "), if payload.open { "..." } else { "" })
    }

    fn actions(&self, state: StateId) -> FxHashMap<Action, Arm> {
        let arms = self.local.states.entry(state).map_or(&[][..], |state| &state.arms);
        arms.iter().map(|arm| (self.action(arm), *arm)).collect()
    }

    fn may_stop(&self, state: StateId) -> bool {
        self.local.states.entry(state).is_some_and(|state| state.may_stop)
    }
}

/// Whether two deterministic machines do the same, but for messages that only the first takes.
fn compare(given: &Side<'_>, projected: &Side<'_>, role: RoleId) -> Result<Certificate, Box<Why>> {
    let mut certificate = Certificate::Equal;
    let start = (given.local.initial, projected.local.initial);
    let mut seen = FxHashSet::from_iter([start]);
    let mut open: VecDeque<((StateId, StateId), Option<usize>)> = VecDeque::from([(start, None)]);
    // How each pair was met: the event, and the entry before it.
    let mut ways: Vec<(Event, Option<usize>)> = Vec::new();
    while let Some((pair, way)) = open.pop_front() {
        let (here, there) = (given.actions(pair.0), projected.actions(pair.1));
        let stops = (given.may_stop(pair.0), projected.may_stop(pair.1));
        let receives = |actions: &FxHashMap<Action, Arm>| actions.keys().all(|action| action.0 == 1);
        let missing = there.keys().any(|action| !here.contains_key(action));
        let more = here.keys().any(|action| !there.contains_key(action));
        // What is over cannot be told from what takes messages that never come.
        let unused = more && receives(&here) && receives(&there) && !there.is_empty();
        if stops.0 != stops.1 || missing || (more && !unused) {
            return Err(Box::new(differs(role, &here, &there, stops, &ways, way)));
        }
        if more {
            certificate = Certificate::TakesMore;
        }
        let mut both: Vec<(&Action, &Arm)> = here.iter().filter(|(action, _)| there.contains_key(*action)).collect();
        both.sort_unstable_by_key(|(action, _)| *action);
        for (action, arm) in both {
            let Some(other) = there.get(action) else { continue };
            let next = (arm.then, other.then);
            if seen.insert(next) {
                let event = own_event(role, arm);
                ways.extend(event.map(|event| (event, way)));
                open.push_back((next, ways.len().checked_sub(1)));
            }
        }
    }
    Ok(certificate)
}

fn differs(
    role: RoleId,
    here: &FxHashMap<Action, Arm>,
    there: &FxHashMap<Action, Arm>,
    stops: (bool, bool),
    ways: &[(Event, Option<usize>)],
    mut way: Option<usize>,
) -> Why {
    let mut word = Vec::new();
    while let Some(&(event, before)) = way.and_then(|at| ways.get(at)) {
        word.push(event);
        way = before;
    }
    word.reverse();
    let only = |one: &FxHashMap<Action, Arm>, other: &FxHashMap<Action, Arm>, stops: bool| {
        let mut only: Vec<&Action> = one.keys().filter(|action| !other.contains_key(*action)).collect();
        only.sort_unstable();
        let acts = only.into_iter().map(|(act, peer, label, _)| match act {
            0 => format!("send `{label}` to `{peer}`"),
            1 => format!("take `{label}` from `{peer}`"),
            _ => format!("do `{label}`"),
        });
        stops.then(|| "stop".to_owned()).into_iter().chain(acts).collect::<Vec<_>>()
    };
    let only_given = only(here, there, stops.0 && !stops.1);
    let only_projected = only(there, here, stops.1 && !stops.0);
    Why::Differs { role, word, only_given, only_projected }
}
