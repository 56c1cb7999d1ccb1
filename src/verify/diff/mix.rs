//! Systems of which some machines are new and some old, explored.
//!
//! Comes in: the two versions of a declaration. Goes out: whether anything goes wrong with one role new and the others old
//! ([`Mixed`]), and an order in which all can be upgraded.
//!
//! The machines are put into one table of names, those of the old version first. A message of the new version whose payload is a subtype
//! of the old one's takes its place there, or the exploration would find two different messages. Roles that one
//! version lacks do nothing in it. If the old version by itself is not safe, mixing says nothing.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
};

use super::Version;
use crate::{
    event::{Event, Verdict},
    id::{Id, IdVec, RoleId, SortId, StateId},
    protocol::{Act, Arm, EdgeKind, Header, Local, Names, Origin, State},
    verify::{
        Options, Property, Subject,
        check::check_subject,
        search::Poll,
        subtype::{Fit, Meter, Relation, Way},
    },
};

/// What a system does of which some machines are new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mixed {
    /// Nothing goes wrong, however long queues are.
    Safe,
    /// Something does.
    Wrong {
        /// What, in one line.
        text: String,
        /// A run that leads there: `A ! B: order(item: string)`.
        run: Vec<String>,
    },
    /// It was not decided, and why.
    Unknown(String),
}

/// All messages of a version, as `A -> B: label`; local actions as `A: label`.
pub(super) fn messages(version: &Version<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let name = |role: RoleId| version.header.role_name(role);
    for (role, local) in &version.locals {
        for arm in local.states.values().flat_map(|state| &state.arms) {
            let label = version.spec.names.label_text(arm.label);
            match arm.act {
                Act::Send(to) => _ = found.insert(format!("{} -> {}: {label}", name(*role), name(to))),
                Act::Receive(from) => _ = found.insert(format!("{} -> {}: {label}", name(from), name(*role))),
                Act::Act => _ = found.insert(format!("{}: {label}", name(*role))),
                Act::Scope(_) | Act::Leave(..) | Act::Exit(..) => {}
            }
        }
    }
    found
}

/// More roles than this are not upgraded in all orders.
const MOST_ROLES: usize = 6;

/// The machines of two versions, to be mixed.
pub(super) struct Mixes<'a> {
    before: &'a Version<'a>,
    after: &'a Version<'a>,
    options: &'a Options,
    /// The machines in one table of names; none if the versions cannot be mixed.
    table: Option<Rc<Table>>,
    made: bool,
    known: BTreeMap<BTreeSet<RoleId>, Option<Mixed>>,
}

struct Table {
    header: Header,
    names: Names,
    old: IdVec<RoleId, Local>,
    new: IdVec<RoleId, Local>,
    /// Some message of the new version has taken the place of an old one with another payload.
    replaced: bool,
}

impl<'a> Mixes<'a> {
    pub(super) fn new(before: &'a Version<'a>, after: &'a Version<'a>, options: &'a Options) -> Self {
        Self { before, after, options, table: None, made: false, known: BTreeMap::new() }
    }

    /// What happens with one role new and the others old; none if that cannot be said.
    pub(super) fn with(&mut self, name: &str, poll: &mut Poll<'_>) -> Option<Mixed> {
        let table = self.table(poll)?;
        let role = table.header.role(name)?;
        if self.explore(&BTreeSet::new(), poll)? != Mixed::Safe {
            return None;
        }
        self.explore(&BTreeSet::from([role]), poll)
    }

    /// An order in which all roles can be upgraded one by one.
    pub(super) fn order(&mut self, poll: &mut Poll<'_>) -> Option<Vec<Box<str>>> {
        let table = self.table(poll)?;
        let roles: Vec<RoleId> = table.header.roles.ids().collect();
        if roles.len() > MOST_ROLES || table.replaced {
            return None;
        }
        let mut open = VecDeque::from([Vec::new()]);
        let mut seen = BTreeSet::from([BTreeSet::new()]);
        while let Some(order) = open.pop_front() {
            let upgraded: BTreeSet<RoleId> = order.iter().copied().collect();
            if self.explore(&upgraded, poll)? != Mixed::Safe {
                continue;
            }
            if order.len() == roles.len() {
                return Some(order.iter().map(|role| table.header.role_name(*role).into()).collect());
            }
            for &role in &roles {
                let mut more = upgraded.clone();
                if more.insert(role) && seen.insert(more) {
                    open.push_back(order.iter().copied().chain([role]).collect());
                }
            }
        }
        None
    }

    fn explore(&mut self, upgraded: &BTreeSet<RoleId>, poll: &mut Poll<'_>) -> Option<Mixed> {
        if let Some(known) = self.known.get(upgraded) {
            return known.clone();
        }
        let table = self.table(poll)?;
        let local = |role: RoleId| if upgraded.contains(&role) { &table.new } else { &table.old };
        let locals: IdVec<RoleId, Local> = table.header.roles.ids().map(|role| local(role)[role].clone()).collect();
        let channels = &table.header.channels;
        let subject = Subject { header: Some(&table.header), locals, terms: None, channels, origin: Origin::Written };
        let options = Options { bound: None, raw: false, ..self.options.clone() };
        let found = match check_subject(&subject, Property::Safe, &options, poll) {
            Ok(outcome) => match outcome.verdict {
                Verdict::Holds => Mixed::Safe,
                Verdict::Unknown(limit) => Mixed::Unknown(super::standing::words(&limit)),
                Verdict::Violated(counterexample) => {
                    let text = outcome.detail.map(|detail| detail.text(&table.header, &table.names));
                    let run = counterexample.run.iter().map(|&event| table.event(event)).collect();
                    Mixed::Wrong { text: text.unwrap_or_else(|| "it is not safe".to_owned()), run }
                }
            },
            Err(_) => Mixed::Unknown("the mixed system cannot be explored".to_owned()),
        };
        self.known.insert(upgraded.clone(), Some(found.clone()));
        Some(found)
    }

    fn table(&mut self, poll: &mut Poll<'_>) -> Option<Rc<Table>> {
        if !self.made {
            self.made = true;
            self.table = self.make(poll).map(Rc::new);
        }
        self.table.clone()
    }

    fn make(&self, poll: &mut Poll<'_>) -> Option<Table> {
        let (before, after) = (self.before, self.after);
        if !before.plain || !after.plain {
            return None;
        }
        let (old, new) = (before.whole()?, after.whole()?);
        let mut header = before.header.clone();
        for role in after.header.roles.values().filter(|role| before.header.role(&role.name).is_none()) {
            header.roles.push(role.clone()).ok()?;
        }
        let map: IdVec<RoleId, RoleId> =
            after.header.roles.values().map(|role| header.role(&role.name)).collect::<Option<Vec<_>>>()?.into();
        for &(from, to, kind) in &after.header.channels {
            let (from, to) = (map[from], map[to]);
            if header.edge_kind(from, to) == EdgeKind::Fifo && kind != EdgeKind::Fifo {
                header.channels.push((from, to, kind));
            }
        }
        let mut names = before.spec.names.clone();
        let mut replaced = false;
        let idle = |role: RoleId| Local {
            role,
            initial: StateId::from_raw(1),
            states: vec![State::default(), State { may_stop: true, ..State::default() }].into(),
        };
        let mut table_old: IdVec<RoleId, Local> = header.roles.ids().map(idle).collect();
        let mut table_new = table_old.clone();
        for (role, local) in old.iter() {
            table_old[role] = local.clone();
        }
        for (role, local) in new.iter() {
            let own = map[role];
            let was = old.entry(own);
            let sorts = match was {
                Some(was) => self.sorts(local, was, poll)?,
                None => BTreeMap::new(),
            };
            let mut moved = local.clone();
            moved.role = own;
            let mut states = Vec::new();
            for state in local.states.values() {
                let mut arms = Vec::new();
                for arm in &state.arms {
                    let text = after.spec.names.label_text(arm.label);
                    let label = names.label(text).ok()?;
                    let act = match arm.act {
                        Act::Send(to) => Act::Send(map[to]),
                        Act::Receive(from) => Act::Receive(map[from]),
                        Act::Act => Act::Act,
                        Act::Scope(_) | Act::Leave(..) | Act::Exit(..) => return None,
                    };
                    let sort = match sorts.get(&(arm.act, text.to_owned(), arm.sort)) {
                        Some(&sort) => {
                            replaced = true;
                            sort
                        }
                        None => {
                            let payload = after.spec.names.payload(arm.sort).cloned();
                            let rule = after.spec.names.rule(arm.sort).cloned().unwrap_or_default();
                            names.signature(payload, rule).ok()?
                        }
                    };
                    arms.push(Arm { act, label, sort, ..*arm });
                }
                states.push(State { arms, ..state.clone() });
            }
            moved.states = states.into();
            table_new[own] = moved;
        }
        Some(Table { header, names, old: table_old, new: table_new, replaced })
    }

    /// Signatures of old messages for those of the new version of a role that fit them and are not the same.
    fn sorts(&self, is: &Local, was: &Local, poll: &mut Poll<'_>) -> Option<BTreeMap<(Act, String, SortId), SortId>> {
        let mut meter = Meter::new(self.options, poll);
        let (after, before) = (self.after, self.before);
        let pair = super::pair((after, is), (before, was), Relation::Sync, self.options, &mut meter).ok()?;
        let mut found = BTreeMap::new();
        let (new_names, old_names) = (&after.spec.names, &before.spec.names);
        for (a, b) in pair.shared() {
            if a == b || pair.fit(a, b) != Fit::Yes {
                continue;
            }
            let (x, y) = (pair.letter(a)?, pair.letter(b)?);
            let (own, other) = (pair.content(x.content)?, pair.content(y.content)?);
            let sort = |names: &Names, content: &crate::verify::subtype::Content| {
                names.sorts().find(|&sort| {
                    names.payload(sort) == content.payload.as_ref() && names.rule(sort) == Some(&*content.rule)
                })
            };
            let (own, other) = (sort(new_names, own)?, sort(old_names, other)?);
            let peer = pair.peers().get(x.peer as usize)?;
            let act = match x.way {
                Way::Send => Act::Send(after.header.role(peer)?),
                Way::Receive => Act::Receive(after.header.role(peer)?),
                Way::Act => Act::Act,
            };
            found.insert((act, pair.labels().get(x.label as usize)?.to_string(), own), other);
        }
        Some(found)
    }
}

impl Table {
    /// An event with names.
    fn event(&self, event: Event) -> String {
        let name = |role: RoleId| self.header.role_name(role);
        let message = |label, sort| self.names.message(label, sort);
        match event {
            Event::Send { from, to, label, sort } => format!("{} ! {}: {}", name(from), name(to), message(label, sort)),
            Event::Receive { from, to, label, sort } => {
                format!("{} ? {}: {}", name(to), name(from), message(label, sort))
            }
            Event::Sync { from, to, label, sort } => {
                format!("{} -> {}: {}", name(from), name(to), message(label, sort))
            }
            Event::Act { role, label, sort } => format!("{}: {}", name(role), message(label, sort)),
            Event::Timeout { role } | Event::Lapse { role } | Event::Crash { role } | Event::Interrupt { role, .. } => {
                format!("{} leaves", name(role))
            }
        }
    }
}
