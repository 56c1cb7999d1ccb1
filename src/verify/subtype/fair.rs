//! Fair asynchronous subtyping (Bravetti, Lange, Zavattaro, "Fair refinement for asynchronous session types", 2021).
//!
//! Comes in: a [`Pair`]. Goes out: a certificate that the smaller type is a fair subtype, a shortest word that shows that it is
//! none, or what was tried.
//!
//! Whoever is right for the larger type, so that together they can always come to their ends, is right for the
//! smaller as well. The smaller may send ahead of what it still has to receive, even of unboundedly much, since the partner
//! will not stay in a loop for ever; but it must be able to send whatever the larger may send, or a partner could wait for
//! it in vain.
//!
//! The published relation, in which the larger type is an input context with the larger's states in its holes, as a game:
//! a configuration is a state of the smaller type, one of the larger, and the word that the smaller has sent ahead. The
//! states of both are [`controllable`](super::control); what is not is left out of the larger type first.
//!
//! ```text
//! [out]   s sends: each of its choices is put behind the word
//! [catch] the larger sends and the word is not empty: it offers exactly what was offered to choose from when the head of
//!         the word was chosen, and takes the head
//! [in]    s receives: so does the larger; whatever it takes the smaller takes, and both go on
//! [end]   s has ended: so has the larger, and the word is empty
//! ```
//!
//! A type is a fair subtype if no configuration is reached that has no move. In the published relation a choice is
//! compared with all that the larger may send behind whatever it still receives, at once; here when it comes to it. That
//! is the same, since the smaller, being controllable, takes all that the larger receives before it ends.
//!
//! There are infinitely many words. That none fails is shown by regular sets of words, one for each pair of states, closed under the
//! moves ([`ahead`](mod@super::ahead)); that one does, by a search for the shortest.
//!
//! Between several peers the word is one, so what is sent to different peers is compared in one order: no answer "no" is
//! given there.

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Answer, Certificate, Fit, Kind, Meter, Pair, Refutation, Tried, Way, Why, ahead, control::controllable};
use crate::event::Limit;

/// A choice that the smaller type made when it sent: its state there, and what it chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Choice {
    /// The state.
    pub at: u32,
    /// The letter.
    pub letter: u32,
}

/// Of the smaller and of the larger.
type Both = (u32, u32);

/// A letter of the smaller and where both go.
type Offer = (u32, u32, u32);

/// What both sides must bear with, prepared.
pub(super) struct Game<'p> {
    pub(super) pair: &'p Pair,
    sub: Vec<bool>,
    sup: Vec<bool>,
    undecided: Option<String>,
    offers: FxHashMap<(u32, u32), Result<Vec<Offer>, Why>>,
}

/// Configurations that are looked at before a proof is tried.
const GLANCE: usize = 2_000;

/// What is remembered of words: how many of the last choices.
const DEPTHS: [usize; 4] = [1, 2, 3, 4];

/// Whether the smaller type is a fair asynchronous subtype of the larger.
#[must_use]
pub fn decide(pair: &Pair, meter: &mut Meter<'_, '_>) -> Answer {
    let unknown = |limit| Answer::Unknown(vec![Tried { what: "fair subtyping".to_owned(), limit }]);
    if let Some(why) = outside(pair) {
        return unknown(Limit::Undecided(why));
    }
    let mut game = Game::new(pair);
    if !game.is_live(false, pair.sup.initial()) {
        return Answer::Yes(Certificate::Uncontrollable);
    }
    if !game.is_live(true, pair.sub.initial()) {
        let why = Why::Endless { sub: pair.sub.initial() };
        return Answer::No(Refutation { sub: Vec::new(), sup: Vec::new(), cycle: None, why });
    }
    let mut tried = Vec::new();
    match game.search(GLANCE, meter) {
        Ok(Some(refutation)) => return game.refuse(refutation),
        Ok(None) => {}
        Err(limit) => return unknown(limit),
    }
    for depth in DEPTHS {
        match ahead::prove(&mut game, depth, meter) {
            Ok(Some(sets)) => {
                return match game.undecided.take() {
                    Some(why) => unknown(Limit::Undecided(why)),
                    None => Answer::Yes(Certificate::Ahead(sets)),
                };
            }
            Ok(None) => {}
            Err(limit) => {
                let what = format!("sets of words by their last {depth} letters");
                tried.push(Tried { what, limit });
                break;
            }
        }
    }
    match game.search(usize::MAX, meter) {
        Ok(Some(refutation)) => return game.refuse(refutation),
        Ok(None) => {}
        Err(limit) => tried.push(Tried { what: "a search for a refuting word".to_owned(), limit }),
    }
    if tried.is_empty() {
        let deepest = DEPTHS.last().copied().unwrap_or_default();
        let why = format!("no set of words told by its last {deepest} letters is closed");
        tried.push(Tried { what: "fair subtyping".to_owned(), limit: Limit::Undecided(why) });
    }
    Answer::Unknown(tried)
}

/// Why the relation says nothing about a pair of types.
fn outside(pair: &Pair) -> Option<String> {
    for half in [&pair.sub, &pair.sup] {
        if !half.is_deterministic() {
            return Some("in one of the types one message leads to two states".to_owned());
        }
        for state in (0_u32..).take(half.len()) {
            if half.kind(state) == Kind::Mixed {
                return Some("one of the types has a state that sends and receives, or acts alone".to_owned());
            }
            if half.may_stop(state) && half.kind(state) != Kind::End {
                return Some("one of the types may stop where it could go on".to_owned());
            }
        }
    }
    None
}

/// A configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct At {
    sub: u32,
    sup: u32,
    word: VecDeque<Choice>,
}

impl<'p> Game<'p> {
    pub(super) fn new(pair: &'p Pair) -> Self {
        let (sub, sup) = (controllable(&pair.sub), controllable(&pair.sup));
        Self { pair, sub, sup, undecided: None, offers: FxHashMap::default() }
    }

    /// Whether a state is controllable, of the smaller type or of the larger.
    pub(super) fn is_live(&self, of_sub: bool, state: u32) -> bool {
        let live = if of_sub { &self.sub } else { &self.sup };
        live.get(state as usize).copied().unwrap_or(false)
    }

    /// Whether all that is sent and received is between two roles.
    fn is_binary(&self) -> bool {
        let mut peers = self.pair.letters().iter().map(|letter| letter.peer);
        let first = peers.next();
        peers.all(|peer| Some(peer) == first)
    }

    fn refuse(&self, refutation: Refutation) -> Answer {
        if self.is_binary() {
            return Answer::No(refutation);
        }
        let why = "what is sent to several peers was compared in one order".to_owned();
        Answer::Unknown(vec![Tried { what: "fair subtyping".to_owned(), limit: Limit::Undecided(why) }])
    }

    fn fits(&mut self, a: u32, b: u32) -> bool {
        match self.pair.fit(a, b) {
            Fit::Yes => true,
            Fit::No => false,
            Fit::Unknown => {
                let pair = self.pair;
                self.undecided
                    .get_or_insert_with(|| format!("`{}`: {}", pair.text(a), pair.why(a, b).unwrap_or("not decided")));
                true
            }
        }
    }

    /// What the two do where the smaller chose at `s` and the larger is to choose at `t`: letters of the smaller and of the
    /// larger, and where the larger goes with them.
    pub(super) fn choices(&mut self, s: u32, t: u32) -> Result<Vec<(u32, u32, u32)>, Why> {
        if let Some(known) = self.offers.get(&(s, t)) {
            return known.clone();
        }
        let pair = self.pair;
        let mut found = Ok(Vec::new());
        for arm in pair.sub.arms(s) {
            let other = pair.sup.arms(t).iter().find(|other| self.fits(arm.letter, other.letter));
            match (&mut found, other) {
                (Ok(all), Some(other)) => all.push((arm.letter, other.letter, other.then)),
                (Ok(_), None) => found = Err(Why::Extra { letter: arm.letter, at: t }),
                (Err(_), _) => {}
            }
        }
        if let Ok(all) = &found {
            let sent = |letter: u32| all.iter().any(|&(_, theirs, _)| theirs == letter);
            if let Some(left) = pair.sup.arms(t).iter().find(|arm| !sent(arm.letter)) {
                found = Err(Why::Dropped { letter: left.letter, at: s });
            }
        }
        self.offers.insert((s, t), found.clone());
        found
    }

    /// What both take where both wait: letters of the smaller and of the larger, and where they go.
    pub(super) fn takes(&mut self, s: u32, t: u32) -> Result<Vec<(Both, Both)>, Why> {
        let pair = self.pair;
        let mut found = Vec::new();
        for other in pair.sup.arms(t) {
            if !self.is_live(false, other.then) {
                continue;
            }
            let arm = pair.sub.arms(s).iter().find(|arm| self.fits(arm.letter, other.letter));
            let Some(arm) = arm else { return Err(Why::Unhandled { letter: other.letter, at: s }) };
            if !self.is_live(true, arm.then) {
                return Err(Why::Endless { sub: arm.then });
            }
            found.push(((arm.letter, other.letter), (arm.then, other.then)));
        }
        Ok(found)
    }

    /// Lets the larger type catch up with the word. The letters that it takes.
    fn catch(&mut self, at: &mut At) -> Result<Vec<u32>, Why> {
        let mut taken = Vec::new();
        while let Some(&head) = at.word.front() {
            match does(self.pair.sup.kind(at.sup)) {
                Does::Send => {
                    let all = self.choices(head.at, at.sup)?;
                    let chosen = all.iter().find(|&&(own, ..)| own == head.letter);
                    let &(_, theirs, then) = chosen.expect("a choice is one of those of its state");
                    taken.push(theirs);
                    at.sup = then;
                    at.word.pop_front();
                }
                Does::Receive => break,
                Does::End => return Err(Why::Extra { letter: head.letter, at: at.sup }),
            }
        }
        Ok(taken)
    }

    /// The shortest refuting word, if one is found among so many configurations.
    fn search(&mut self, most: usize, meter: &mut Meter<'_, '_>) -> Result<Option<Refutation>, Limit> {
        let pair = self.pair;
        let start = At { sub: pair.sub.initial(), sup: pair.sup.initial(), word: VecDeque::new() };
        let mut seen = FxHashSet::from_iter([start.clone()]);
        // Whence, by which letter of the smaller type, and what the larger does then.
        let mut met: Vec<(usize, Option<u32>, Vec<u32>)> = vec![(0, None, Vec::new())];
        let mut open = VecDeque::from([(0_usize, start)]);
        let mut bytes = 0_usize;
        while let Some((number, at)) = open.pop_front() {
            meter.step(open.len(), bytes)?;
            if met.len() > most {
                return Ok(None);
            }
            let next = match self.next(&at) {
                Ok(next) => next,
                Err(why) => return Ok(Some(Self::refutation(&met, number, None, why))),
            };
            for (letter, theirs, mut then) in next {
                let mut taken: Vec<u32> = theirs.into_iter().collect();
                match self.catch(&mut then) {
                    Ok(more) => taken.extend(more),
                    Err(why) => return Ok(Some(Self::refutation(&met, number, Some((letter, taken)), why))),
                }
                if seen.insert(then.clone()) {
                    bytes = bytes.saturating_add(then.word.len().saturating_mul(16).saturating_add(128));
                    open.push_back((met.len(), then));
                    met.push((number, Some(letter), taken));
                }
            }
        }
        Ok(None)
    }

    /// The moves of a configuration in which the larger type has caught up.
    fn next(&mut self, at: &At) -> Result<Vec<(u32, Option<u32>, At)>, Why> {
        let pair = self.pair;
        let (sub, sup) = (does(pair.sub.kind(at.sub)), does(pair.sup.kind(at.sup)));
        match (sub, sup) {
            (Does::End, Does::End) => Ok(Vec::new()),
            (Does::End, _) | (Does::Receive, Does::End) => Err(Why::Ends { sub: at.sub, sup: at.sup }),
            (Does::Receive, Does::Send) => Err(Why::Overtakes { sub: at.sub, sup: at.sup }),
            (Does::Receive, Does::Receive) => {
                let both = self.takes(at.sub, at.sup)?;
                let go = |((own, theirs), (sub, sup))| (own, Some(theirs), At { sub, sup, word: at.word.clone() });
                Ok(both.into_iter().map(go).collect())
            }
            (Does::Send, _) => {
                let go = |arm: &super::Arm| {
                    let mut word = at.word.clone();
                    word.push_back(Choice { at: at.sub, letter: arm.letter });
                    (arm.letter, None, At { sub: arm.then, sup: at.sup, word })
                };
                Ok(pair.sub.arms(at.sub).iter().map(go).collect())
            }
        }
    }

    fn refutation(
        met: &[(usize, Option<u32>, Vec<u32>)],
        mut at: usize,
        last: Option<(u32, Vec<u32>)>,
        why: Why,
    ) -> Refutation {
        let (mut sub, mut sup) = (Vec::new(), Vec::new());
        if let Some((letter, taken)) = last {
            sub.push(letter);
            sup.extend(taken.into_iter().rev());
        }
        while let Some((from, Some(letter), taken)) = met.get(at) {
            sub.push(*letter);
            sup.extend(taken.iter().rev());
            at = *from;
        }
        sub.reverse();
        sup.reverse();
        Refutation { sub, sup, cycle: None, why }
    }
}

/// What a state does, whoever the peers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    Send,
    Receive,
    End,
}

pub(super) fn does(kind: Kind) -> Does {
    match kind {
        Kind::Select(_) | Kind::SelectMany => Does::Send,
        Kind::Branch(_) | Kind::BranchMany => Does::Receive,
        // Types with mixed states were sent away before.
        Kind::End | Kind::Mixed => Does::End,
    }
}

/// Whether a word refutes fair subtyping: it is run again, and what is said to go wrong goes wrong.
#[must_use]
pub fn refutes(pair: &Pair, refutation: &Refutation) -> bool {
    let mut game = Game::new(pair);
    if outside(pair).is_some() || !game.is_live(false, pair.sup.initial()) || !game.is_binary() {
        return false;
    }
    if !game.is_live(true, pair.sub.initial()) {
        return refutation.sub.is_empty() && refutation.why == Why::Endless { sub: pair.sub.initial() };
    }
    let mut at = At { sub: pair.sub.initial(), sup: pair.sup.initial(), word: VecDeque::new() };
    let mut theirs = refutation.sup.iter().copied();
    for &letter in &refutation.sub {
        let receives = pair.letter(letter).is_some_and(|letter| letter.way == Way::Receive);
        let other = if receives { theirs.next() } else { None };
        let Ok(moves) = game.next(&at) else { return false };
        let Some((.., mut then)) = moves.into_iter().find(|(own, taken, _)| (*own, *taken) == (letter, other)) else {
            return false;
        };
        match game.catch(&mut then) {
            Ok(taken) => {
                if !taken.iter().all(|&letter| theirs.next() == Some(letter)) {
                    return false;
                }
            }
            Err(why) => return why == refutation.why && game.undecided.is_none(),
        }
        at = then;
    }
    game.next(&at).err() == Some(refutation.why)
}
