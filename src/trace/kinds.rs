//! What the names of an event mean, looked up once for each combination.
//!
//! Comes in: the texts of `from`, `to` and `label`. Goes out: a [`Kind`], by number: what the map makes of them and
//! which messages of the system they can be. Combinations are remembered, so that an ordinary event costs one hash and
//! one comparison; INVARIANT (bounded): no more than [`MOST_KINDS`] of them, and [`MOST_BYTES`] of names. Beyond,
//! combinations are looked up anew each time, under the number [`SPARE`].

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::{
    index::{Index, Key},
    map::{Derive, Map, listed},
    near::near,
    subject::Subject,
};
use crate::{
    diag::{Code, catalogue::trace as codes},
    id::{IdVec, LabelId, MessageId, RoleId, SortId},
    protocol::{Act, Observer},
};

/// Pieces that are compared before any is looked up.
const FIRST: usize = 8;
const MOST_KINDS: usize = 1 << 16;
const MOST_BYTES: usize = 1 << 24;
/// So many derivations are compared before names are looked up.
const MOST_DERIVED: usize = 32;
/// The longest value of one of them.
const LONGEST: usize = 64;
/// The number of what is not remembered.
pub(crate) const SPARE: u32 = 0;

/// What an event is.
#[derive(Clone, Debug)]
pub(crate) enum Class {
    /// None of the protocol's.
    Dropped,
    /// Its label depends on the line, by this rule of the map.
    Derived(u32),
    /// A local action, with the payloads that it has in the system.
    Act { role: RoleId, label: LabelId, sorts: Box<[SortId]>, messages: Box<[MessageId]> },
    /// A message.
    Message { from: RoleId, to: RoleId, label: LabelId, messages: Box<[MessageId]> },
    /// Not a message: a role crashes, or notices that its time is over.
    Happens { crash: bool, role: RoleId },
    /// Nothing that the protocol has.
    Unknown(Box<Unknown>),
}

/// Why names mean nothing.
#[derive(Clone, Debug)]
pub(crate) struct Unknown {
    pub(crate) code: Code,
    pub(crate) text: String,
    pub(crate) help: Option<String>,
}

/// A combination of names.
#[derive(Clone, Debug)]
pub(crate) struct Kind {
    pub(crate) class: Class,
    /// As in the log, but for a derived label.
    pub(crate) from: Box<str>,
    pub(crate) to: Box<str>,
    pub(crate) label: Box<str>,
    /// `from` is `to`.
    pub(crate) own: bool,
    /// The map's numbers of payload fields that come from elsewhere in the line.
    pub(crate) sources: Box<[usize]>,
    /// Payload fields that come from the names, with their JSON texts.
    pub(crate) fixed: Box<[(Box<str>, Box<str>)]>,
    /// The line says the id by which its session can be joined, or asks for one to join.
    pub(crate) joint: Joint,
}

/// Whether a line has to do with the joining of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Joint {
    #[default]
    None,
    Name,
    With,
}

#[derive(Default)]
struct Memo {
    index: Index,
    /// By kind; what is not under its own number here is in the other memo.
    keys: FxHashMap<u32, Box<[u8]>>,
}

impl Memo {
    fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        self.index.find(hash, |kind| self.keys.get(&kind).is_some_and(|known| **known == *key))
    }

    fn insert(&mut self, hash: u64, key: &[u8], kind: u32) {
        self.keys.insert(kind, key.into());
        self.index.insert(hash, kind);
    }
}

/// All kinds met so far.
pub(crate) struct Kinds<'a> {
    subject: Subject<'a>,
    map: &'a Map,
    observer: Observer,
    messages: FxHashMap<(RoleId, RoleId, LabelId), Vec<MessageId>>,
    acts: FxHashMap<(RoleId, LabelId), Vec<SortId>>,
    /// The same in a program.
    deeds: FxHashMap<(RoleId, LabelId), Vec<MessageId>>,
    /// Labels that stand for all with a beginning.
    patterns: Vec<(Box<str>, LabelId)>,
    kinds: Vec<Kind>,
    key: Key,
    /// Keyed by a piece of a line.
    pieces: Vec<(Box<[u8]>, u32)>,
    piece_index: Index,
    /// What kinds became with values, or without one.
    derivations: Vec<(u32, Option<Box<str>>, u32)>,
    /// Keyed by the names.
    names: Memo,
    bytes: usize,
}

impl<'a> Kinds<'a> {
    pub(crate) fn new(subject: Subject<'a>, map: &'a Map, observer: Observer) -> Self {
        let system = subject.system;
        let mut messages: FxHashMap<_, Vec<MessageId>> = FxHashMap::default();
        for (id, message) in system.messages().iter() {
            let edge = system.edges()[message.edge];
            messages.entry((edge.from, edge.to, message.label)).or_default().push(id);
        }
        let mut acts: FxHashMap<_, Vec<SortId>> = FxHashMap::default();
        for (role, machine) in system.machines().iter() {
            for action in machine.actions().values().filter(|action| action.act == Act::Act && action.twin == 0) {
                acts.entry((role, action.label)).or_default().push(action.sort);
            }
        }
        let mut deeds: FxHashMap<_, Vec<MessageId>> = FxHashMap::default();
        for (id, travel) in subject.program.into_iter().flat_map(|program| program.messages().iter()) {
            if travel.from == travel.to {
                acts.entry((travel.from, travel.label)).or_default().push(travel.sort);
                deeds.entry((travel.from, travel.label)).or_default().push(id);
            } else {
                messages.entry((travel.from, travel.to, travel.label)).or_default().push(id);
            }
        }
        let spare = Kind {
            class: Class::Dropped,
            from: "".into(),
            to: "".into(),
            label: "".into(),
            own: true,
            sources: Box::default(),
            fixed: Box::default(),
            joint: Joint::None,
        };
        let labels = messages.keys().map(|&(.., label)| label).chain(acts.keys().map(|&(_, label)| label));
        let mut patterns: Vec<(Box<str>, LabelId)> = labels
            .filter_map(|label| Some((subject.names.label_text(label).strip_suffix('*')?.into(), label)))
            .collect();
        patterns.sort_unstable();
        patterns.dedup();
        Self {
            subject,
            map,
            observer,
            patterns,
            messages,
            acts,
            deeds,
            kinds: vec![spare],
            key: Key::default(),
            pieces: Vec::new(),
            piece_index: Index::default(),
            derivations: Vec::new(),
            names: Memo::default(),
            bytes: 0,
        }
    }

    /// A kind by its number.
    #[inline]
    pub(crate) fn get(&self, kind: u32) -> &Kind {
        self.kinds
            .get(kind as usize)
            .expect("by INVARIANT (bounded): numbers are only given out for kinds that are kept")
    }

    /// The kind of a piece of a line that was met before.
    #[inline]
    pub(crate) fn of_piece(&self, piece: &[u8]) -> Option<u32> {
        let hash = self.key.hash(piece);
        let known =
            self.piece_index.find(hash, |at| self.pieces.get(at as usize).is_some_and(|(key, _)| **key == *piece));
        known.and_then(|at| self.pieces.get(at as usize)).map(|&(_, kind)| kind)
    }

    /// The kind of one of the [`FIRST`] pieces and its length, if the text goes on with it and a quote.
    #[inline]
    pub(crate) fn begins(&self, text: &[u8]) -> Option<(u32, usize)> {
        for (piece, kind) in self.pieces.iter().take(FIRST) {
            // Pieces differ in their ends, if at all.
            let end = piece.last_chunk::<8>()?;
            if let Some((head, rest)) = text.split_at_checked(piece.len())
                && head.last_chunk::<8>() == Some(end)
                && rest.first() == Some(&b'"')
                && *head == **piece
            {
                return Some((*kind, piece.len()));
            }
        }
        None
    }

    /// Remembers what a piece of a line means.
    pub(crate) fn remember(&mut self, piece: &[u8], kind: u32) {
        if let (Ok(at), true) = (u32::try_from(self.pieces.len()), kind != SPARE) {
            self.pieces.push((piece.into(), kind));
            self.piece_index.insert(self.key.hash(piece), at);
        }
    }

    /// The kind of an event by its names.
    pub(crate) fn of(&mut self, from: &str, to: &str, label: &str) -> u32 {
        self.of_names(from, to, label, false)
    }

    /// The kind of an event whose label is told apart by a rule: by a value in its line, if it has one.
    pub(crate) fn derived(&mut self, kind: u32, rule: &Derive, value: Option<&str>) -> u32 {
        let known = self.derivations.iter().find(|(of, with, _)| *of == kind && with.as_deref() == value);
        if let Some((.., derived)) = known {
            return *derived;
        }
        let Kind { from, to, label, .. } = self.get(kind).clone();
        let named = value.map(|value| rule.apply(&label, value));
        let derived = self.of_names(&from, &to, named.as_deref().unwrap_or(&label), true);
        let short = value.is_none_or(|value| value.len() <= LONGEST);
        if kind != SPARE && derived != SPARE && short && self.derivations.len() < MOST_DERIVED {
            self.derivations.push((kind, value.map(Into::into), derived));
        }
        derived
    }

    fn of_names(&mut self, from: &str, to: &str, label: &str, derived: bool) -> u32 {
        let mut key = format!("{} {} {} ", u8::from(derived), from.len(), to.len()).into_bytes();
        for part in [from, to, label] {
            key.extend_from_slice(part.as_bytes());
        }
        let hash = self.key.hash(&key);
        if let Some(kind) = self.names.find(hash, &key) {
            return kind;
        }
        let kind = self.resolve(from, to, label, derived);
        self.bytes = self.bytes.saturating_add(key.len());
        match u32::try_from(self.kinds.len()) {
            Ok(number) if self.kinds.len() < MOST_KINDS && self.bytes < MOST_BYTES => {
                self.kinds.push(kind);
                self.names.insert(hash, &key, number);
                number
            }
            _ => {
                if let Some(spare) = self.kinds.first_mut() {
                    *spare = kind;
                }
                SPARE
            }
        }
    }

    fn resolve(&self, from: &str, to: &str, label: &str, derived: bool) -> Kind {
        let header = self.subject.header;
        let renamed = self.map.rename_label(label);
        let given_to = to;
        let to = if self.map.is_local(renamed) { from } else { to };
        let sender = header.role(self.map.rename_role(from));
        let receiver = header.role(self.map.rename_role(to));
        let known = self.find_label(renamed, sender, receiver);
        let happens = self
            .map
            .happens(label)
            .and_then(|happens| Some(Class::Happens { crash: happens.crash, role: header.role(&happens.role.text)? }));
        let class = if let Some(happens) = happens {
            happens
        } else if self.map.drops(label, known.is_some()) {
            Class::Dropped
        } else if let Some(rule) = self.map.derives(label).filter(|_| !derived) {
            Class::Derived(rule)
        } else if matches!(self.observer, Observer::Endpoint(own) if sender != Some(own) && receiver != Some(own)) {
            // Out of this observer's sight; but a line that it is said to have recorded itself cannot be.
            match self.map.recorder() {
                Some(_) if sender.is_some() && receiver.is_some() => self.unseen(from, renamed),
                Some(_) => self.class(from, to, renamed, (sender, receiver, known)),
                None => Class::Dropped,
            }
        } else {
            self.class(from, to, renamed, (sender, receiver, known))
        };
        let joint = match self.map.join() {
            Some(join) if *join.name.0.text == *label => Joint::Name,
            Some(join) if *join.with.0.text == *label => Joint::With,
            _ => Joint::None,
        };
        // A derived label is not the line's.
        let by_names = |at: &usize| {
            let (field, source) = self.map.source(*at).filter(|_| !derived)?;
            Some((field.text.clone(), source.of_names(from, given_to, label)?))
        };
        let sources = self.map.sources_of(renamed);
        let (fixed, sources): (Vec<_>, Vec<_>) =
            sources.iter().map(|at| (by_names(at), *at)).partition(|(fixed, _)| fixed.is_some());
        Kind {
            class,
            from: from.into(),
            to: to.into(),
            label: label.into(),
            own: from == to,
            sources: sources.into_iter().map(|(_, at)| at).collect(),
            fixed: fixed.into_iter().filter_map(|(fixed, _)| fixed).collect(),
            joint,
        }
    }

    /// The label of the specification with this text; else the longest beginning and `*` that it meets, between these
    /// roles if there is one.
    fn find_label(&self, text: &str, from: Option<RoleId>, to: Option<RoleId>) -> Option<LabelId> {
        let names = self.subject.names;
        if let Some(exact) = names.find_label(text).filter(|&label| self.has(label)) {
            return Some(exact);
        }
        let met = self.patterns.iter().filter(|(beginning, _)| text.starts_with(&**beginning));
        let here = |label: LabelId| match (from, to) {
            (Some(from), Some(to)) if from == to => self.acts.contains_key(&(from, label)),
            (Some(from), Some(to)) => self.messages.contains_key(&(from, to, label)),
            _ => false,
        };
        let best = met.max_by_key(|(beginning, label)| (here(*label), beginning.len()));
        best.map(|&(_, label)| label).or_else(|| names.find_label(text))
    }

    /// The beginnings with `*` that stand for a label.
    fn patterns_of(&self, text: &str) -> impl Iterator<Item = LabelId> {
        self.patterns.iter().filter(move |(beginning, _)| text.starts_with(&**beginning)).map(|&(_, label)| label)
    }

    /// Whether a message or a local action has this label.
    fn has(&self, label: LabelId) -> bool {
        self.messages.keys().any(|&(.., known)| known == label) || self.acts.keys().any(|&(_, known)| known == label)
    }

    /// A line that its recorder cannot have seen.
    fn unseen(&self, from: &str, label: &str) -> Class {
        let own = match self.observer {
            Observer::Endpoint(own) => self.subject.header.role_name(own),
            _ => "?",
        };
        let text = format!("`{own}` does not see `{label}` of `{from}`");
        Class::Unknown(Box::new(Unknown { code: codes::MESSAGE, text, help: None }))
    }

    fn class(
        &self,
        from: &str,
        to: &str,
        label: &str,
        found: (Option<RoleId>, Option<RoleId>, Option<LabelId>),
    ) -> Class {
        let Subject { names, header, .. } = self.subject;
        let unknown = |code, text, help| Class::Unknown(Box::new(Unknown { code, text, help }));
        let mean = |near: Option<&str>| near.map(|near| format!("did you mean `{near}`?"));
        let roles = || header.roles.values().map(|role| &*role.name);
        for (role, name) in [(found.0, from), (found.1, to)] {
            if role.is_none() {
                let text = format!("`{}` has no role `{name}`", header.name);
                let help = mean(near(name, roles())).or_else(|| Some(format!("its roles are {}", listed(roles()))));
                return unknown(codes::ROLE, text, help);
            }
        }
        let (Some(sender), Some(receiver)) = (found.0, found.1) else {
            return Class::Dropped;
        };
        // Only labels that this system uses can be meant.
        let used = || {
            let sent = self.messages.keys().map(|&(.., label)| label);
            let done = self.acts.keys().map(|&(_, label)| label);
            let mut all: Vec<LabelId> = sent.chain(done).collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        let Some(id) = found.2.filter(|&id| self.has(id)) else {
            let text = format!("`{}` has no message `{label}`", header.name);
            let candidates = used();
            let texts = candidates.iter().map(|&label| names.label_text(label));
            return unknown(codes::LABEL, text, mean(near(label, texts)));
        };
        // A label, and every beginning with `*` that stands for it.
        let labels: Vec<LabelId> =
            std::iter::once(id).chain(self.patterns_of(label).filter(|&other| other != id)).collect();
        if sender == receiver {
            let of = |label: &LabelId| self.acts.get(&(sender, *label)).into_iter().flatten().copied();
            let sorts: Vec<SortId> = labels.iter().flat_map(of).collect();
            let of = |label: &LabelId| self.deeds.get(&(sender, *label)).into_iter().flatten().copied();
            return match sorts.is_empty() {
                false => Class::Act {
                    role: sender,
                    label: id,
                    sorts: sorts.into(),
                    messages: labels.iter().flat_map(of).collect(),
                },
                true => unknown(codes::MESSAGE, format!("`{label}` is no local action of `{from}`"), None),
            };
        }
        let of = |label: &LabelId| self.messages.get(&(sender, receiver, *label)).into_iter().flatten().copied();
        let messages: Vec<MessageId> = labels.iter().flat_map(of).collect();
        match Some(messages).filter(|messages| !messages.is_empty()) {
            Some(messages) => Class::Message { from: sender, to: receiver, label: id, messages: messages.into() },
            None => {
                let text = format!("`{from}` never sends `{label}` to `{to}`");
                unknown(codes::MESSAGE, text, self.elsewhere(id))
            }
        }
    }

    /// Between which roles a label is exchanged.
    fn elsewhere(&self, wanted: LabelId) -> Option<String> {
        let mut pairs: Vec<(RoleId, RoleId)> =
            self.messages.keys().filter(|&&(.., label)| label == wanted).map(|&(from, to, _)| (from, to)).collect();
        pairs.sort_unstable();
        let name = |role| self.subject.header.role_name(role);
        let &(from, to) = pairs.first()?;
        let more: Cow<'_, str> = match pairs.len() {
            1 => "".into(),
            n => format!(", and {} other pairs do", n.saturating_sub(1)).into(),
        };
        Some(format!("`{}` sends it to `{}`{more}", name(from), name(to)))
    }

    /// Every payload signature that an event can have.
    pub(crate) fn sorts(&self) -> Vec<SortId> {
        let sent = self.subject.system.messages().values().map(|message| message.sort);
        let travels = self.subject.program.into_iter().flat_map(|program| program.messages().values());
        let sent = sent.chain(travels.map(|travel| travel.sort));
        let mut all: Vec<SortId> = sent.chain(self.acts.values().flatten().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// What [`Kinds::sorts`] gives, by id.
pub(crate) type Shapes = IdVec<SortId, super::payload::Shape>;
