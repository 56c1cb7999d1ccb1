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
//! The published relation, in which the larger type is an input context with the larger's states in its holes, as a game,
//! channel by channel as in the precise relation (see `explore`): a configuration is a state of the smaller type, one
//! of the larger, the word that the smaller has sent ahead to each peer, and the word of what the larger has passed over
//! from each, because the smaller waits for another one. The states of both are [`controllable`](super::control); what is
//! not is left out of the larger type first.
//!
//! ```text
//! [catch] the larger sends to p and the word for p is not empty: it offers exactly what was offered to choose from when
//!         the head of the word was chosen, and takes the head
//! [out]   s sends: each of its choices is put behind the word for its peer
//! [take]  s waits for p, and something from p was passed over: s takes it
//! [in]    s waits for p, and the larger receives: what is from p the smaller takes, and both go on; the rest is passed over
//! [end]   s has ended: so has the larger, and all words are empty
//! ```
//!
//! A type is a fair subtype if no configuration is reached that has no move. In the published relation, which is about two
//! roles, a choice is compared with all that the larger may send behind whatever it still receives, at once; here when it
//! comes to it. That is the same, since the smaller, being controllable, takes all that the larger receives before it ends.
//! With two roles nothing is ever passed over.
//!
//! There are infinitely many words. That none fails is shown by regular sets of words, one for each pair of states, closed
//! under the moves ([`ahead`](mod@super::ahead) if all that is sent is one word, [`regular`](mod@super::regular) for
//! several peers); that one does, by a search for the shortest.
//!
//! Where the smaller type waits for several peers at once, or the larger selects among several, there is a choice that the
//! game does not know: what is sent is then compared in one order, and no answer "no" is given.

use std::collections::{BTreeMap, VecDeque};

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    Answer, Certificate, Fit, Kind, Meter, Pair, Refutation, Tried, Why, ahead,
    control::controllable,
    explore::{ahead as ahead_of, passed},
    regular,
};
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

/// Configurations that are looked at before a proof is tried, and before a harder one is.
const GLANCES: [usize; 2] = [64, 2_000];

/// What is remembered of words: how many of the last choices.
const DEPTHS: [usize; 4] = [1, 2, 3, 4];

/// How many rows of regular sets are looked at.
const LOOKS: usize = 2_000;

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
    let mut glances = GLANCES.into_iter();
    for depth in DEPTHS {
        if let Some(glance) = glances.next() {
            match game.search(glance, meter) {
                Ok(Some(refutation)) => return Answer::No(refutation),
                Ok(None) => {}
                Err(limit) => return unknown(limit),
            }
        }
        match game.prove(depth, meter) {
            Ok(Some(certificate)) => {
                return match game.undecided.take() {
                    Some(why) => unknown(Limit::Undecided(why)),
                    None => Answer::Yes(certificate),
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
        Ok(Some(refutation)) => return Answer::No(refutation),
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
pub(super) fn outside(pair: &Pair) -> Option<String> {
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

/// A configuration: the words of queues that are not empty. Of what is sent ahead the smaller type's state belongs to a
/// choice, of what is passed over the larger's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct At {
    sub: u32,
    sup: u32,
    queues: BTreeMap<u32, VecDeque<Choice>>,
}

impl At {
    fn start(pair: &Pair) -> Self {
        Self { sub: pair.sub.initial(), sup: pair.sup.initial(), queues: BTreeMap::new() }
    }

    fn push(&mut self, queue: u32, choice: Choice) {
        self.queues.entry(queue).or_default().push_back(choice);
    }

    fn head(&self, queue: u32) -> Option<Choice> {
        self.queues.get(&queue)?.front().copied()
    }

    fn pop(&mut self, queue: u32) {
        if let Some(word) = self.queues.get_mut(&queue) {
            word.pop_front();
            if word.is_empty() {
                self.queues.remove(&queue);
            }
        }
    }
}

/// A letter of the smaller type, one of the larger, and where they lead.
type Step = (Option<u32>, Option<u32>, At);

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

    /// Whether there is no choice in the game but the adversary's: the smaller type waits for one peer at a time, and the
    /// larger selects to one at a time.
    fn is_directed(&self) -> bool {
        let never = |half: &super::Half, kind| (0u32..).take(half.len()).all(|state| half.kind(state) != kind);
        never(&self.pair.sub, Kind::BranchMany) && never(&self.pair.sup, Kind::SelectMany)
    }

    /// That no word fails.
    fn prove(&mut self, depth: usize, meter: &mut Meter<'_, '_>) -> Result<Option<Certificate>, Limit> {
        if let Some(sets) = ahead::prove(self, depth, meter)? {
            return Ok(Some(Certificate::Ahead(sets)));
        }
        let told = regular::Told { states: true, last: depth };
        let pair = self.pair;
        let found = regular::prove((pair, false), Some(self), told, LOOKS, meter)?;
        Ok(found.map(|found| Certificate::Regular(Box::new(found))))
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

    /// Lets the larger type catch up with what was sent ahead. The letters that it takes.
    fn catch(&mut self, at: &mut At) -> Result<Vec<u32>, Why> {
        let mut taken = Vec::new();
        loop {
            match self.pair.sup.kind(at.sup) {
                Kind::Select(peer) => {
                    let Some(head) = at.head(ahead_of(peer)) else { return Ok(taken) };
                    let all = self.choices(head.at, at.sup)?;
                    let chosen = all.iter().find(|&&(own, ..)| own == head.letter);
                    let &(_, theirs, then) = chosen.expect("a choice is one of those of its state");
                    taken.push(theirs);
                    at.sup = then;
                    at.pop(ahead_of(peer));
                }
                Kind::End => {
                    let left = at.queues.iter().find(|(queue, _)| queue.is_multiple_of(2));
                    return match left.and_then(|(_, word)| word.front()) {
                        Some(head) => Err(Why::Extra { letter: head.letter, at: at.sup }),
                        None => Ok(taken),
                    };
                }
                _ => return Ok(taken),
            }
        }
    }

    /// The shortest refuting words, if some are found among so many configurations.
    fn search(&mut self, most: usize, meter: &mut Meter<'_, '_>) -> Result<Option<Refutation>, Limit> {
        if !self.is_directed() {
            return Ok(None);
        }
        let start = At::start(self.pair);
        let mut seen = FxHashSet::from_iter([start.clone()]);
        // Whence, by which letter of the smaller type, and what the larger does then; the first is met from nowhere.
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
                    let long: usize = then.queues.values().map(VecDeque::len).sum();
                    bytes = bytes.saturating_add(long.saturating_mul(16).saturating_add(128));
                    open.push_back((met.len(), then));
                    met.push((number, letter, taken));
                }
            }
        }
        Ok(None)
    }

    /// The moves of a configuration in which the larger type has caught up.
    fn next(&mut self, at: &At) -> Result<Vec<Step>, Why> {
        let pair = self.pair;
        let peer_of = |letter: u32| pair.letter(letter).map_or(0, |letter| letter.peer);
        let (sub, sup) = (at.sub, at.sup);
        match pair.sub.kind(sub) {
            Kind::Select(_) | Kind::SelectMany => {
                let go = |arm: &super::Arm| {
                    let mut then = At { sub: arm.then, ..at.clone() };
                    then.push(ahead_of(peer_of(arm.letter)), Choice { at: sub, letter: arm.letter });
                    (Some(arm.letter), None, then)
                };
                Ok(pair.sub.arms(sub).iter().map(go).collect())
            }
            Kind::Branch(peer) => {
                if let Some(head) = at.head(passed(peer)) {
                    let (letter, then) = self.take(sub, head.letter)?;
                    let mut then = At { sub: then, ..at.clone() };
                    then.pop(passed(peer));
                    return Ok(vec![(Some(letter), None, then)]);
                }
                match pair.sup.kind(sup) {
                    Kind::Branch(_) | Kind::BranchMany => {}
                    Kind::End => return Err(Why::Ends { sub, sup }),
                    _ => return Err(Why::Overtakes { sub, sup }),
                }
                let mut found = Vec::new();
                for arm in pair.sup.arms(sup) {
                    if !self.is_live(false, arm.then) {
                        continue;
                    }
                    let from = peer_of(arm.letter);
                    let mut then = At { sup: arm.then, ..at.clone() };
                    let mut own = None;
                    if from == peer {
                        let (letter, next) = self.take(sub, arm.letter)?;
                        then.sub = next;
                        own = Some(letter);
                    } else {
                        then.push(passed(from), Choice { at: sup, letter: arm.letter });
                    }
                    found.push((own, Some(arm.letter), then));
                }
                Ok(found)
            }
            Kind::End if pair.sup.kind(sup) == Kind::End && at.queues.is_empty() => Ok(Vec::new()),
            Kind::End | Kind::BranchMany | Kind::Mixed => Err(Why::Ends { sub, sup }),
        }
    }

    /// What the smaller type does with what the larger takes or took, and where it goes.
    fn take(&mut self, sub: u32, letter: u32) -> Result<(u32, u32), Why> {
        let pair = self.pair;
        let arm = pair.sub.arms(sub).iter().find(|arm| self.fits(arm.letter, letter));
        let arm = arm.ok_or(Why::Unhandled { letter, at: sub })?;
        if self.is_live(true, arm.then) { Ok((arm.letter, arm.then)) } else { Err(Why::Endless { sub: arm.then }) }
    }

    fn refutation(
        met: &[(usize, Option<u32>, Vec<u32>)],
        mut at: usize,
        last: Option<(Option<u32>, Vec<u32>)>,
        why: Why,
    ) -> Refutation {
        let (mut sub, mut sup) = (Vec::new(), Vec::new());
        if let Some((letter, taken)) = last {
            sub.extend(letter);
            sup.extend(taken.into_iter().rev());
        }
        while let Some((from, letter, taken)) = met.get(at).filter(|_| at != 0) {
            sub.extend(*letter);
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

/// Whether two words refute fair subtyping: they are run again, and what is said to go wrong goes wrong.
#[must_use]
pub fn refutes(pair: &Pair, refutation: &Refutation) -> bool {
    let mut game = Game::new(pair);
    if outside(pair).is_some() || !game.is_live(false, pair.sup.initial()) {
        return false;
    }
    if !game.is_live(true, pair.sub.initial()) {
        return refutation.sub.is_empty() && refutation.why == Why::Endless { sub: pair.sub.initial() };
    }
    if !game.is_directed() {
        return false;
    }
    let mut at = At::start(pair);
    let (mut ours, mut theirs) = (refutation.sub.as_slice(), refutation.sup.as_slice());
    while !ours.is_empty() || !theirs.is_empty() {
        // In one configuration all moves differ in one of the letters.
        let Ok(moves) = game.next(&at) else { return false };
        let fits = |letter: Option<u32>, word: &[u32]| letter.is_none_or(|letter| word.first() == Some(&letter));
        let Some((own, other, mut then)) =
            moves.into_iter().find(|(own, other, _)| fits(*own, ours) && fits(*other, theirs))
        else {
            return false;
        };
        ours = ours.get(usize::from(own.is_some())..).unwrap_or(&[]);
        theirs = theirs.get(usize::from(other.is_some())..).unwrap_or(&[]);
        match game.catch(&mut then) {
            Ok(taken) => match theirs.strip_prefix(taken.as_slice()) {
                Some(rest) => theirs = rest,
                None => return false,
            },
            Err(why) => return why == refutation.why && game.undecided.is_none(),
        }
        at = then;
    }
    game.next(&at).err() == Some(refutation.why)
}
