//! Regular sets of words that are closed under the moves of a game, to prove that no word fails.
//!
//! Comes in: a `Game` of fair subtyping. Goes out: for each pair of states the set of words that the smaller type may have sent
//! ahead there, as an automaton; or nothing, if a set that was made too large has a word that fails.
//!
//! A set is told by what follows what: its automaton's states are the last `depth` letters, so there are finitely many,
//! and the sets only grow until they are closed. A larger depth tells more sets apart.
//!
//! [`certifies`] knows nothing of depths: it takes any automata and asks whether they are closed.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::{
    Fit, Meter, Pair, Way,
    control::controllable,
    fair::{Choice, Does, Game, does},
};
use crate::event::Limit;

/// The words that the smaller type may have sent ahead at a pair of states: an automaton over its choices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ahead {
    /// The state of the smaller type.
    pub sub: u32,
    /// The state of the larger type.
    pub sup: u32,
    /// Where words begin.
    pub begin: BTreeSet<u32>,
    /// Where words end.
    pub end: BTreeSet<u32>,
    /// What leads from one to another.
    pub steps: BTreeSet<(u32, Choice, u32)>,
}

impl Ahead {
    /// Whether the empty word is one.
    #[must_use]
    pub fn has_empty(&self) -> bool {
        self.begin.intersection(&self.end).next().is_some()
    }

    /// Without what no word uses.
    #[must_use]
    fn trimmed(&self) -> Self {
        let reach = |from: &BTreeSet<u32>, forward: bool| {
            let mut seen = from.clone();
            let mut open: Vec<u32> = from.iter().copied().collect();
            let mut next: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
            for &(a, _, b) in &self.steps {
                let (a, b) = if forward { (a, b) } else { (b, a) };
                next.entry(a).or_default().push(b);
            }
            while let Some(at) = open.pop() {
                for &then in next.get(&at).into_iter().flatten() {
                    if seen.insert(then) {
                        open.push(then);
                    }
                }
            }
            seen
        };
        let (there, back) = (reach(&self.begin, true), reach(&self.end, false));
        let used = |state: &u32| there.contains(state) && back.contains(state);
        Self {
            begin: self.begin.iter().copied().filter(used).collect(),
            end: self.end.iter().copied().filter(used).collect(),
            steps: self.steps.iter().copied().filter(|(a, _, b)| used(a) && used(b)).collect(),
            ..*self
        }
    }

    /// The letters that words begin with.
    fn heads(&self) -> BTreeSet<Choice> {
        self.steps.iter().filter(|(from, ..)| self.begin.contains(from)).map(|&(_, choice, _)| choice).collect()
    }

    /// What is left of the words that begin with a letter.
    fn behind(&self, head: Choice) -> Self {
        let begins = |(from, choice, _): &&(u32, Choice, u32)| *choice == head && self.begin.contains(from);
        let begin = self.steps.iter().filter(begins).map(|&(.., to)| to).collect();
        Self { begin, ..self.clone() }.trimmed()
    }
}

/// More steps in all sets together are not made.
const MAX_STEPS: usize = 200_000;

/// States of automata by the letters they stand for.
#[derive(Default)]
struct Grams {
    number: FxHashMap<Vec<Choice>, u32>,
    all: Vec<Vec<Choice>>,
    depth: usize,
}

impl Grams {
    fn number(&mut self, gram: Vec<Choice>) -> u32 {
        if let Some(&known) = self.number.get(&gram) {
            return known;
        }
        let new = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(gram.clone());
        self.number.insert(gram, new);
        new
    }

    fn push(&mut self, at: u32, choice: Choice) -> u32 {
        let mut gram = self.all.get(at as usize).cloned().unwrap_or_default();
        gram.push(choice);
        let over = gram.len().saturating_sub(self.depth);
        gram.drain(..over);
        self.number(gram)
    }
}

/// Sets that are growing.
#[derive(Default)]
struct Sets {
    number: FxHashMap<(u32, u32), usize>,
    all: Vec<Ahead>,
    open: BTreeSet<usize>,
    steps: usize,
}

impl Sets {
    /// Adds words to the set of a pair of states.
    fn join(&mut self, sub: u32, sup: u32, mut words: Ahead) {
        if words.steps.is_empty() {
            // The empty word, whatever was sent before it.
            words.begin = BTreeSet::from([0]);
            words.end = BTreeSet::from([0]);
        }
        let number = *self.number.entry((sub, sup)).or_insert_with(|| {
            self.all.push(Ahead { sub, sup, ..Ahead::default() });
            self.all.len().saturating_sub(1)
        });
        let Some(own) = self.all.get_mut(number) else { return };
        let before = (own.begin.len(), own.end.len(), own.steps.len());
        own.begin.extend(words.begin);
        own.end.extend(words.end);
        own.steps.extend(words.steps);
        if before != (own.begin.len(), own.end.len(), own.steps.len()) {
            self.steps = self.steps.saturating_add(own.steps.len().saturating_sub(before.2));
            self.open.insert(number);
        }
    }
}

/// Closed sets in which no word fails, told by their last `depth` letters; none if there are none of that kind.
pub(super) fn prove(game: &mut Game<'_>, depth: usize, meter: &mut Meter<'_, '_>) -> Result<Option<Vec<Ahead>>, Limit> {
    let pair = game.pair;
    let mut grams = Grams { depth, ..Grams::default() };
    let root = grams.number(Vec::new());
    let mut sets = Sets::default();
    let empty = Ahead { begin: BTreeSet::from([root]), end: BTreeSet::from([root]), ..Ahead::default() };
    sets.join(pair.sub.initial(), pair.sup.initial(), empty.clone());
    while let Some(number) = sets.open.pop_first() {
        meter.step(sets.open.len(), sets.steps.saturating_mul(64))?;
        if sets.steps > MAX_STEPS {
            return Err(Limit::Undecided(format!("more than {MAX_STEPS} steps of automata")));
        }
        let Some(words) = sets.all.get(number).map(Ahead::trimmed) else { continue };
        let (s, t) = (words.sub, words.sup);
        let larger = does(pair.sup.kind(t));
        match larger {
            Does::Receive => {}
            Does::End if words.steps.is_empty() => {}
            Does::End => return Ok(None),
            Does::Send => {
                for head in words.heads() {
                    let Ok(all) = game.choices(head.at, t) else { return Ok(None) };
                    if let Some(&(.., then)) = all.iter().find(|&&(own, ..)| own == head.letter) {
                        sets.join(s, then, words.behind(head));
                    }
                }
            }
        }
        // Where the larger type sends, it catches up before the smaller goes on.
        let ahead = if larger == Does::Receive { words.clone() } else { empty.clone() };
        if larger != Does::Receive && !words.has_empty() {
            continue;
        }
        match (does(pair.sub.kind(s)), larger) {
            (Does::End, Does::End) => {}
            (Does::End, _) | (Does::Receive, Does::Send | Does::End) | (Does::Send, Does::End) => return Ok(None),
            (Does::Receive, Does::Receive) => {
                let Ok(both) = game.takes(s, t) else { return Ok(None) };
                for (_, (own, theirs)) in both {
                    sets.join(own, theirs, ahead.clone());
                }
            }
            (Does::Send, _) => {
                for arm in pair.sub.arms(s) {
                    let choice = Choice { at: s, letter: arm.letter };
                    let mut longer = ahead.clone();
                    longer.end.clear();
                    for &end in &ahead.end {
                        let then = grams.push(end, choice);
                        longer.steps.insert((end, choice, then));
                        longer.end.insert(then);
                    }
                    sets.join(arm.then, t, longer);
                }
            }
        }
    }
    Ok(Some(sets.all))
}

/// Whether sets of words are closed under the moves of fair subtyping and none of their words fails.
#[must_use]
pub fn certifies(pair: &Pair, sets: &[Ahead]) -> bool {
    let (sub_live, sup_live) = (controllable(&pair.sub), controllable(&pair.sup));
    let live = |set: &[bool], state: u32| set.get(state as usize).copied().unwrap_or(false);
    let fit = |a: u32, b: u32| pair.fit(a, b) == Fit::Yes;
    let known: FxHashMap<(u32, u32), &Ahead> = sets.iter().map(|words| ((words.sub, words.sup), words)).collect();
    let of = |sub: u32, sup: u32| known.get(&(sub, sup)).copied();
    // Enough for inclusion: one automaton is a part of the other.
    let within = |words: &Ahead, sub: u32, sup: u32| {
        of(sub, sup).is_some_and(|other| {
            (words.steps.is_empty() && (words.begin.is_empty() || other.has_empty()))
                || (words.begin.is_subset(&other.begin)
                    && words.end.is_subset(&other.end)
                    && words.steps.is_subset(&other.steps))
        })
    };
    // The larger type's way on with a choice of the smaller, if both may choose the same.
    let catch = |head: Choice, t: u32| {
        let (own, theirs) = (pair.sub.arms(head.at), pair.sup.arms(t));
        let all = own.iter().all(|arm| theirs.iter().any(|other| fit(arm.letter, other.letter)))
            && theirs.iter().all(|other| own.iter().any(|arm| fit(arm.letter, other.letter)));
        theirs.iter().find(|other| all && fit(head.letter, other.letter)).map(|other| other.then)
    };
    let closed = |words: &Ahead| {
        let words = words.trimmed();
        let (s, t) = (words.sub, words.sup);
        let (own, theirs) = (pair.sub.arms(s), pair.sup.arms(t));
        let is = |arms: &[super::Arm], way: Way| {
            !arms.is_empty() && arms.iter().all(|arm| pair.letter(arm.letter).is_some_and(|letter| letter.way == way))
        };
        let over = theirs.is_empty() && pair.sup.may_stop(t);
        let caught = match is(theirs, Way::Receive) {
            true => true,
            false => words
                .heads()
                .into_iter()
                .all(|head| catch(head, t).is_some_and(|then| within(&words.behind(head), s, then))),
        };
        if !is(theirs, Way::Receive) && !words.has_empty() || words.begin.is_empty() {
            return caught;
        }
        let empty = Ahead { begin: BTreeSet::from([0]), end: BTreeSet::from([0]), sub: s, sup: t, ..Ahead::default() };
        let ahead = if is(theirs, Way::Receive) { words.clone() } else { empty };
        let goes = if own.is_empty() {
            over && pair.sub.may_stop(s) && ahead.steps.is_empty()
        } else if is(own, Way::Receive) {
            let taken = |other: &&super::Arm| live(&sup_live, other.then);
            is(theirs, Way::Receive)
                && theirs.iter().filter(taken).all(|other| {
                    let arm = own.iter().find(|arm| fit(arm.letter, other.letter));
                    arm.is_some_and(|arm| within(&ahead, arm.then, other.then))
                })
        } else {
            is(own, Way::Send)
                && !over
                && own.iter().all(|arm| {
                    let choice = Choice { at: s, letter: arm.letter };
                    of(arm.then, t).is_some_and(|other| {
                        let longer = |end: &u32| {
                            other.steps.iter().any(|&(a, c, b)| (a, c) == (*end, choice) && other.end.contains(&b))
                        };
                        let kept = ahead.begin.is_subset(&other.begin) && ahead.steps.is_subset(&other.steps);
                        kept && ahead.end.iter().all(longer)
                    })
                })
        };
        caught && goes && live(&sub_live, s)
    };
    let start = Ahead { begin: BTreeSet::from([0]), end: BTreeSet::from([0]), ..Ahead::default() };
    within(&start, pair.sub.initial(), pair.sup.initial()) && sets.iter().all(closed)
}
