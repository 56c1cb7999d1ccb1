//! Two local types as machines over one common alphabet: the ground that all relations stand on.
//!
//! Comes in: two local types, of one specification or of two ([`Part`]). Goes out: a [`Pair`] of [`Half`]s whose arms
//! are letters of one alphabet. Peers and labels are the same if they have the same text, payloads if they have the same
//! structure, wherever they are declared. Both sides are minimized first.
//!
//! A [`Letter`] is a way (send, receive, local action), a peer, a label and a content (payload and rule). Which letter of
//! the one side stands for which of the other is [`Pair::fit`]: letters that are equal do, letters of one *symbol* (way,
//! peer and label) with different contents may, by payload subtyping; all others do not.
//!
//! INVARIANT (closed): `initial` and every arm's `then` are states, every arm's `letter` is a letter; arms of a state are
//! sorted by letter. INVARIANT (grouped): letters of one symbol (way, peer, label) are
//! adjacent.
//!
//! It does not say what any relation demands, and it has no dead state: states are `0..len()`.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::payload;
use crate::{
    diag::Span,
    id::{IdVec, LabelId, RoleId, SortId, StateId, TooMany},
    machine,
    protocol::{Act, Header, Local, Names, Payload, Rule},
};

/// A local type and what its ids mean.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Labels and payloads.
    pub names: &'a Names,
    /// Roles.
    pub header: &'a Header,
    /// The automaton.
    pub local: &'a Local,
}

/// What a letter does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// `p!`
    Send,
    /// `p?`
    Receive,
    /// A local action; its peer is the role itself.
    Act,
}

/// One thing that a local type can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Letter {
    /// What.
    pub way: Way,
    /// With whom: an index of [`Pair::peers`].
    pub peer: u32,
    /// An index of [`Pair::labels`].
    pub label: u32,
    /// An index of [`Pair::contents`].
    pub content: u32,
}

/// A payload, and what the message demands and changes besides.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Content {
    /// The payload; nothing is known about that of a bare label.
    pub payload: Option<Payload>,
    /// What else it demands and changes.
    pub rule: Arc<Rule>,
}

impl Content {
    /// Whether nothing but the payload belongs to it.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self.rule == Rule::default()
    }
}

/// Whether a letter of the smaller type can stand for one of the larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fit {
    /// It can.
    Yes,
    /// It cannot.
    No,
    /// Not decided.
    Unknown,
}

/// A transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arm {
    /// An index of [`Pair::letters`].
    pub letter: u32,
    /// Where it leads.
    pub then: u32,
}

/// What a state does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It has no arms.
    End,
    /// It sends, all to this peer.
    Select(u32),
    /// It receives, all from this peer.
    Branch(u32),
    /// It sends, to several peers.
    SelectMany,
    /// It receives, from several peers.
    BranchMany,
    /// Something else: sends and receives, or local actions.
    Mixed,
}

/// One side, as a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Half {
    initial: u32,
    arms: Vec<Arm>,
    /// Arms of state `s` are `arms[first[s]..first[s + 1]]`.
    first: Vec<u32>,
    kinds: Vec<Kind>,
    may_stop: Vec<bool>,
    spans: Vec<Span>,
}

impl Half {
    /// Where it begins.
    #[must_use]
    pub fn initial(&self) -> u32 {
        self.initial
    }

    /// How many states it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether it has no states; no side of a pair has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// The arms of a state, sorted by letter.
    #[inline]
    #[must_use]
    pub fn arms(&self, state: u32) -> &[Arm] {
        let at = state as usize;
        match (self.first.get(at), self.first.get(at.saturating_add(1))) {
            (Some(&from), Some(&to)) => self.arms.get(from as usize..to as usize).unwrap_or(&[]),
            _ => &[],
        }
    }

    /// What a state does.
    #[inline]
    #[must_use]
    pub fn kind(&self, state: u32) -> Kind {
        self.kinds.get(state as usize).copied().unwrap_or(Kind::End)
    }

    /// Whether the role may stop in a state.
    #[inline]
    #[must_use]
    pub fn may_stop(&self, state: u32) -> bool {
        self.may_stop.get(state as usize).copied().unwrap_or(false)
    }

    /// Where a state is entered in the specification.
    #[must_use]
    pub fn span(&self, state: u32) -> Span {
        self.spans.get(state as usize).copied().unwrap_or_default()
    }

    /// Whether no state has two arms with one letter.
    #[must_use]
    pub fn is_deterministic(&self) -> bool {
        (0..).zip(&self.kinds).all(|(state, _)| {
            let arms = self.arms(state);
            arms.iter().zip(arms.iter().skip(1)).all(|(a, b)| a.letter != b.letter)
        })
    }

    /// How many arms there are.
    #[must_use]
    pub fn size(&self) -> usize {
        self.arms.len()
    }
}

/// Two local types over one alphabet; `sub` is the one that should stand for `sup`.
#[derive(Clone, Debug)]
pub struct Pair {
    peers: Vec<Box<str>>,
    labels: Vec<Box<str>>,
    contents: Vec<Content>,
    letters: Vec<Letter>,
    symbols: Vec<u32>,
    /// Of letters of one symbol that are not equal or were settled otherwise, smaller type's first.
    fits: FxHashMap<(u32, u32), Fit>,
    /// Why they do not fit, or were not decided.
    whys: FxHashMap<(u32, u32), String>,
    /// Whether every message of one content is one of another, where that is not to be seen from the contents alone.
    settled: Settled,
    /// Whether the sides were exchanged since.
    turned: bool,
    /// The smaller type.
    pub sub: Half,
    /// The larger type.
    pub sup: Half,
}

/// Whether every message of one content is one of another: the smaller, the larger, whether the smaller one is of the smaller
/// type; and why it is no yes.
pub(super) type Settled = FxHashMap<(u32, u32, bool), (Fit, String)>;

/// Why two local types cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PairError {
    /// More states than ids.
    TooMany(TooMany),
    /// One of them enters or leaves scopes.
    Scopes,
}

impl From<TooMany> for PairError {
    fn from(error: TooMany) -> Self {
        Self::TooMany(error)
    }
}

/// Texts by number, and the numbers of ids of one specification.
#[derive(Default)]
struct Interner {
    peers: Vec<Box<str>>,
    peer_of: FxHashMap<Box<str>, u32>,
    labels: Vec<Box<str>>,
    label_of: FxHashMap<Box<str>, u32>,
    contents: Vec<Content>,
    content_of: FxHashMap<Content, u32>,
}

fn number<K: Clone + Eq + std::hash::Hash>(all: &mut Vec<K>, of: &mut FxHashMap<K, u32>, key: K) -> u32 {
    if let Some(&known) = of.get(&key) {
        return known;
    }
    // There are fewer of them than arms, which have 32-bit numbers.
    let new = u32::try_from(all.len()).unwrap_or(u32::MAX);
    all.push(key.clone());
    of.insert(key, new);
    new
}

/// A state: letters and where they lead, whether the role may stop, and where it is entered.
type Row = (Vec<(Letter, u32)>, bool, Span);

/// A side before letters are numbered.
struct Draft {
    initial: u32,
    rows: Vec<Row>,
}

impl Draft {
    fn of(part: Part<'_>, local: &Local, known: &mut Interner) -> Result<Self, PairError> {
        let mut peers: FxHashMap<RoleId, u32> = FxHashMap::default();
        let mut labels: FxHashMap<LabelId, u32> = FxHashMap::default();
        let mut contents: FxHashMap<SortId, u32> = FxHashMap::default();
        let mut numbers: IdVec<StateId, u32> = IdVec::filled(0, local.states.len());
        // Without the dead state, unless it begins there.
        let dead = StateId::default();
        let live = || local.states.iter().filter(|&(state, _)| state != dead || local.initial == dead);
        for (at, (state, _)) in (0u32..).zip(live()) {
            numbers[state] = at;
        }
        let mut rows = Vec::with_capacity(local.states.len());
        for (_, state) in live() {
            let mut row = Vec::with_capacity(state.arms.len());
            for arm in &state.arms {
                let (way, role) = match arm.act {
                    Act::Send(to) => (Way::Send, to),
                    Act::Receive(from) => (Way::Receive, from),
                    Act::Act => (Way::Act, local.role),
                    Act::Scope(_) | Act::Leave(..) | Act::Exit(..) => return Err(PairError::Scopes),
                };
                // The own role may be called otherwise on the other side.
                let peer = *peers.entry(role).or_insert_with(|| {
                    let text = if way == Way::Act { "" } else { part.header.role_name(role) };
                    number(&mut known.peers, &mut known.peer_of, text.into())
                });
                let label = *labels.entry(arm.label).or_insert_with(|| {
                    number(&mut known.labels, &mut known.label_of, part.names.label_text(arm.label).into())
                });
                let content = *contents.entry(arm.sort).or_insert_with(|| {
                    let payload = part.names.payload(arm.sort).cloned();
                    let rule = part.names.shared_rule(arm.sort).cloned().unwrap_or_default();
                    number(&mut known.contents, &mut known.content_of, Content { payload, rule })
                });
                row.push((Letter { way, peer, label, content }, numbers.entry(arm.then).copied().unwrap_or(0)));
            }
            rows.push((row, state.may_stop, state.span));
        }
        if rows.is_empty() {
            rows.push((Vec::new(), false, Span::default()));
        }
        let initial = numbers.entry(local.initial).copied().unwrap_or(0);
        Ok(Self { initial, rows })
    }

    fn half(self, letters: &[Letter]) -> Half {
        let mut half = Half { initial: self.initial, first: vec![0], ..Half::default() };
        for (row, may_stop, span) in self.rows {
            let arms = row.iter().map(|(letter, then)| {
                let at = letters.binary_search(letter).expect("every letter of a row was put into the alphabet");
                Arm { letter: u32::try_from(at).unwrap_or(u32::MAX), then: *then }
            });
            let mut arms: Vec<Arm> = arms.collect();
            arms.sort_unstable_by_key(|arm| (arm.letter, arm.then));
            arms.dedup();
            half.arms.extend(arms);
            half.first.push(u32::try_from(half.arms.len()).unwrap_or(u32::MAX));
            half.kinds.push(kind(&row));
            half.may_stop.push(may_stop);
            half.spans.push(span);
        }
        half
    }
}

fn kind(row: &[(Letter, u32)]) -> Kind {
    let Some(((first, _), rest)) = row.split_first() else { return Kind::End };
    let one_way = rest.iter().all(|(letter, _)| letter.way == first.way);
    let one_peer = rest.iter().all(|(letter, _)| letter.peer == first.peer);
    match (first.way, one_way, one_peer) {
        (Way::Send, true, true) => Kind::Select(first.peer),
        (Way::Receive, true, true) => Kind::Branch(first.peer),
        (Way::Send, true, false) => Kind::SelectMany,
        (Way::Receive, true, false) => Kind::BranchMany,
        _ => Kind::Mixed,
    }
}

impl Pair {
    /// The pair of two local types, minimized.
    pub fn of(sub: Part<'_>, sup: Part<'_>) -> Result<Self, PairError> {
        Self::raw(
            Part { local: &machine::minimize(sub.local)?, ..sub },
            Part { local: &machine::minimize(sup.local)?, ..sup },
        )
    }

    /// The pair of two local types state by state as they stand. O(arms · log letters).
    pub fn raw(sub: Part<'_>, sup: Part<'_>) -> Result<Self, PairError> {
        let mut known = Interner::default();
        let smaller = Draft::of(sub, sub.local, &mut known)?;
        let larger = Draft::of(sup, sup.local, &mut known)?;
        let rows = smaller.rows.iter().chain(&larger.rows);
        let mut letters: Vec<Letter> = rows.flat_map(|(row, ..)| row).map(|&(letter, _)| letter).collect();
        letters.sort_unstable();
        letters.dedup();
        let mut symbols = Vec::with_capacity(letters.len());
        let mut last: Option<(Way, u32, u32)> = None;
        let mut symbol = 0u32;
        for letter in &letters {
            let key = (letter.way, letter.peer, letter.label);
            if last.is_some_and(|last| last != key) {
                symbol = symbol.saturating_add(1);
            }
            last = Some(key);
            symbols.push(symbol);
        }
        let mut pair = Self {
            sub: smaller.half(&letters),
            sup: larger.half(&letters),
            peers: known.peers,
            labels: known.labels,
            contents: known.contents,
            letters,
            symbols,
            fits: FxHashMap::default(),
            whys: FxHashMap::default(),
            settled: Settled::default(),
            turned: false,
        };
        pair.compare();
        Ok(pair)
    }

    /// The pair the other way round.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let mut pair = Self { sub: self.sup.clone(), sup: self.sub.clone(), turned: !self.turned, ..self.clone() };
        pair.compare();
        pair
    }

    /// The dual types the other way round: what is sent is received. Letters keep their numbers.
    #[must_use]
    pub fn dual(&self) -> Self {
        let flip = |half: &Half| {
            let kinds = half.kinds.iter().map(|kind| match *kind {
                Kind::Select(peer) => Kind::Branch(peer),
                Kind::Branch(peer) => Kind::Select(peer),
                Kind::SelectMany => Kind::BranchMany,
                Kind::BranchMany => Kind::SelectMany,
                other => other,
            });
            Half { kinds: kinds.collect(), ..half.clone() }
        };
        let letters = self.letters.iter().map(|&letter| {
            let way = match letter.way {
                Way::Send => Way::Receive,
                Way::Receive => Way::Send,
                Way::Act => Way::Act,
            };
            Letter { way, ..letter }
        });
        Self {
            sub: flip(&self.sup),
            sup: flip(&self.sub),
            letters: letters.collect(),
            fits: self.fits.iter().map(|(&(a, b), &fit)| ((b, a), fit)).collect(),
            whys: self.whys.iter().map(|(&(a, b), why)| ((b, a), why.clone())).collect(),
            ..self.clone()
        }
    }

    /// Compares the contents of letters of one symbol, each of the smaller type with each of the larger.
    fn compare(&mut self) {
        let mut fits = FxHashMap::default();
        let mut whys = FxHashMap::default();
        for (a, b) in self.shared() {
            let (Some(x), Some(y)) = (self.letter(a), self.letter(b)) else { continue };
            let (small, large) = if x.way == Way::Receive { (y.content, x.content) } else { (x.content, y.content) };
            let of_sub = (x.way != Way::Receive) != self.turned;
            let (fit, why) = match self.settled.get(&(small, large, of_sub)) {
                Some((fit, why)) => (*fit, why.clone()),
                None if a == b => continue,
                None => {
                    let (Some(small), Some(large)) = (self.content(small), self.content(large)) else { continue };
                    payload::below(small, large)
                }
            };
            fits.insert((a, b), fit);
            if fit != Fit::Yes {
                whys.insert((a, b), why);
            }
        }
        (self.fits, self.whys) = (fits, whys);
    }

    /// The letters of one symbol, each of the smaller type with each of the larger.
    #[must_use]
    pub fn shared(&self) -> Vec<(u32, u32)> {
        let of = |half: &Half| {
            let mut found: Vec<u32> = half.arms.iter().map(|arm| arm.letter).collect();
            found.sort_unstable();
            found.dedup();
            found
        };
        let (subs, sups) = (of(&self.sub), of(&self.sup));
        let mut found = Vec::new();
        for &a in &subs {
            let from = sups.partition_point(|&b| self.symbol(b) < self.symbol(a));
            let there = sups.iter().skip(from).take_while(|&&b| self.symbol(b) == self.symbol(a));
            found.extend(there.map(|&b| (a, b)));
        }
        found
    }

    /// Takes for settled whether every message of one content is one of another, whichever side they are of.
    pub(super) fn settle(&mut self, settled: Settled) {
        self.settled = settled;
        self.compare();
    }

    /// Whether a letter of the smaller type can stand for one of the larger. O(1).
    #[inline]
    #[must_use]
    pub fn fit(&self, sub: u32, sup: u32) -> Fit {
        let plain = if sub == sup { Fit::Yes } else { Fit::No };
        if self.fits.is_empty() {
            return plain;
        }
        self.fits.get(&(sub, sup)).copied().unwrap_or(plain)
    }

    /// Why a letter does not stand for one of the same symbol, or why it was not decided.
    #[must_use]
    pub fn why(&self, sub: u32, sup: u32) -> Option<&str> {
        self.whys.get(&(sub, sup)).map(String::as_str)
    }

    /// The names of peers; of local actions it is empty.
    #[must_use]
    pub fn peers(&self) -> &[Box<str>] {
        &self.peers
    }

    /// The texts of labels.
    #[must_use]
    pub fn labels(&self) -> &[Box<str>] {
        &self.labels
    }

    /// Payloads and rules.
    #[must_use]
    pub fn contents(&self) -> &[Content] {
        &self.contents
    }

    /// The alphabet; letters of one symbol are adjacent.
    #[must_use]
    pub fn letters(&self) -> &[Letter] {
        &self.letters
    }

    /// A letter.
    #[inline]
    #[must_use]
    pub fn letter(&self, letter: u32) -> Option<Letter> {
        self.letters.get(letter as usize).copied()
    }

    /// The number of a letter's (way, peer, label).
    #[inline]
    #[must_use]
    pub fn symbol(&self, letter: u32) -> u32 {
        self.symbols.get(letter as usize).copied().unwrap_or(u32::MAX)
    }

    /// A payload with its rule.
    #[must_use]
    pub fn content(&self, content: u32) -> Option<&Content> {
        self.contents.get(content as usize)
    }

    /// Whether some letter has more than a payload: conditions, time, witnesses, names that are used later.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.contents.iter().all(Content::is_plain)
    }

    /// `p!label(x: int)`
    #[must_use]
    pub fn text(&self, letter: u32) -> String {
        let Some(Letter { way, peer, label, content }) = self.letter(letter) else { return "?".to_owned() };
        let peer = self.peers.get(peer as usize).map_or("?", |text| text);
        let label = self.labels.get(label as usize).map_or("?", |text| text);
        let payload = self.content(content).and_then(|content| content.payload.as_ref());
        let payload = payload.map_or_else(String::new, ToString::to_string);
        match way {
            Way::Send => format!("{peer}!{label}{payload}"),
            Way::Receive => format!("{peer}?{label}{payload}"),
            Way::Act => format!("{label}{payload}"),
        }
    }
}
