//! Synchronous subtyping (Gay and Hole, "Subtyping for session types in the pi calculus", 2005), on automata.
//!
//! Comes in: a [`Pair`]. Goes out: the relation that shows that the smaller type is a subtype, or the shortest word
//! behind which the two part, or what was not decided.
//!
//! Orientation: a process written for the smaller type can stand where the larger is expected. It may send less and must accept
//! more. Where *channels* are what is replaced, the smaller type selects more and accepts less: [`channel`] is the
//! converse.
//!
//! The greatest relation is the one from which no failing pair can be reached: pairs are met breadth-first, so the first
//! failure is a nearest one.
//!
//! ```text
//! [end]   both may stop; who may stop where nothing is expected any more may still listen
//! [sel]   the labels of the smaller are among those of the larger, at least one; payloads below; each goes on
//! [bra]   the labels of the larger are among those of the smaller; payloads above; each label of the larger goes on
//! ```
//!
//! A state that sends and receives obeys both rules. Local actions are choices of the role itself, like sends. Where the
//! larger type may stop the smaller may, too; where it sends, only there.

use rustc_hash::FxHashSet;

use super::{Answer, Certificate, Fit, Meter, Pair, Refutation, Tried, Way, Why, pair::Arm};
use crate::event::Limit;

/// A pair of states; whence it was met, with which letters.
#[derive(Clone, Copy, Debug)]
struct Met {
    sub: u32,
    sup: u32,
    from: usize,
    by: (u32, u32),
}

/// Whether the smaller type is a synchronous subtype of the larger: a process of the one can stand where the other is
/// expected.
#[must_use]
pub fn process(pair: &Pair, meter: &mut Meter<'_, '_>) -> Answer {
    decide(pair, false, meter)
}

/// Whether a channel of the smaller type can be used where one of the larger is expected: the converse of [`process`].
#[must_use]
pub fn channel(pair: &Pair, meter: &mut Meter<'_, '_>) -> Answer {
    match decide(&pair.reversed(), false, meter) {
        Answer::Yes(Certificate::Relation(pairs)) => {
            Answer::Yes(Certificate::Relation(pairs.into_iter().map(|(s, t)| (t, s)).collect()))
        }
        other => other,
    }
}

/// The same as [`process`]; if `all_sent`, whatever the larger may send, the smaller must be able to send.
pub(super) fn decide(pair: &Pair, all_sent: bool, meter: &mut Meter<'_, '_>) -> Answer {
    let unknown = |limit| Answer::Unknown(vec![Tried { what: "synchronous subtyping".to_owned(), limit }]);
    if !pair.sub.is_deterministic() || !pair.sup.is_deterministic() {
        let why = "a type in which one message leads to two states has no synchronous subtypes here";
        return unknown(Limit::Undecided(why.to_owned()));
    }
    let (s, t) = (pair.sub.initial(), pair.sup.initial());
    let mut met = vec![Met { sub: s, sup: t, from: 0, by: (0, 0) }];
    let mut seen = FxHashSet::from_iter([(s, t)]);
    let mut undecided: Option<String> = None;
    let mut next = Vec::new();
    let mut at = 0_usize;
    while let Some(&Met { sub, sup, .. }) = met.get(at) {
        let frontier = met.len().saturating_sub(at);
        if let Err(limit) = meter.step(frontier, met.len().saturating_mul(size_of::<Met>().saturating_mul(2))) {
            return unknown(limit);
        }
        next.clear();
        if let Err(why) = demands(pair, (sub, sup), all_sent, &mut next, &mut undecided) {
            let (sub, sup) = word(&met, at);
            return Answer::No(Refutation { sub, sup, cycle: None, why });
        }
        for &(a, b) in &next {
            if seen.insert((a.then, b.then)) {
                met.push(Met { sub: a.then, sup: b.then, from: at, by: (a.letter, b.letter) });
            }
        }
        at = at.saturating_add(1);
    }
    match undecided {
        Some(why) => unknown(Limit::Undecided(why)),
        None => Answer::Yes(Certificate::Relation(met.into_iter().map(|met| (met.sub, met.sup)).collect())),
    }
}

/// The words that lead to a pair, of the smaller and of the larger type.
fn word(met: &[Met], mut at: usize) -> (Vec<u32>, Vec<u32>) {
    let (mut sub, mut sup) = (Vec::new(), Vec::new());
    while at > 0 {
        let Some(here) = met.get(at) else { break };
        sub.push(here.by.0);
        sup.push(here.by.1);
        at = here.from;
    }
    sub.reverse();
    sup.reverse();
    (sub, sup)
}

/// What is demanded of a pair of states: the pairs of arms that both must go on with. Fails with what goes wrong.
fn demands(
    pair: &Pair,
    (sub, sup): (u32, u32),
    all_sent: bool,
    next: &mut Vec<(Arm, Arm)>,
    undecided: &mut Option<String>,
) -> Result<(), Why> {
    let (own, theirs) = (pair.sub.arms(sub), pair.sup.arms(sup));
    let active = |arms: &'_ [Arm]| arms.iter().copied().filter(|arm| !receives(pair, arm.letter)).collect::<Vec<_>>();
    let passive = |arms: &'_ [Arm]| arms.iter().copied().filter(|arm| receives(pair, arm.letter)).collect::<Vec<_>>();
    let (sends, may_send) = (active(own), active(theirs));
    let (takes, must_take) = (passive(own), passive(theirs));
    // A role that may stop where the other has ended may still listen.
    let over = theirs.is_empty() && pair.sup.may_stop(sup) && pair.sub.may_stop(sub) && sends.is_empty();
    if over {
        return Ok(());
    }
    for arm in &sends {
        let other = partner(pair, *arm, &may_send, true, undecided);
        next.push((*arm, other.ok_or(Why::Extra { letter: arm.letter, at: sup })?));
    }
    for arm in &must_take {
        let other = partner(pair, *arm, &takes, false, undecided);
        next.push((other.ok_or(Why::Unhandled { letter: arm.letter, at: sub })?, *arm));
    }
    if sends.is_empty() && !may_send.is_empty() {
        return Err(Why::Overtakes { sub, sup });
    }
    // One waits and the other does not, or one may stop and the other may not.
    let stops = (pair.sub.may_stop(sub), pair.sup.may_stop(sup));
    let stop_differs = if sends.is_empty() { stops == (false, true) } else { stops.0 != stops.1 };
    if takes.is_empty() != must_take.is_empty() || stop_differs {
        return Err(Why::Ends { sub, sup });
    }
    if all_sent {
        let sent = |arm: &Arm| sends.iter().any(|own| pair.symbol(own.letter) == pair.symbol(arm.letter));
        if let Some(left) = may_send.iter().find(|arm| !sent(arm)) {
            return Err(Why::Dropped { letter: left.letter, at: sub });
        }
    }
    Ok(())
}

fn receives(pair: &Pair, letter: u32) -> bool {
    pair.letter(letter).is_some_and(|letter| letter.way == Way::Receive)
}

/// The arm of the other side that an arm goes with: one that fits, else one of which it is not known.
fn partner(pair: &Pair, arm: Arm, there: &[Arm], sends: bool, undecided: &mut Option<String>) -> Option<Arm> {
    let letters = |other: &Arm| if sends { (arm.letter, other.letter) } else { (other.letter, arm.letter) };
    let with = |wanted: Fit| {
        let fits = |other: &&Arm| {
            let (a, b) = letters(other);
            pair.fit(a, b) == wanted
        };
        there.iter().find(fits).copied()
    };
    with(Fit::Yes).or_else(|| {
        let other = with(Fit::Unknown)?;
        let (a, b) = letters(&other);
        undecided.get_or_insert_with(|| format!("`{}`: {}", pair.text(a), pair.why(a, b).unwrap_or("not decided")));
        Some(other)
    })
}

/// Whether pairs of states are what a [`Certificate::Relation`] must be: the initial ones are among them, and whatever is demanded of a
/// pair leads to another.
#[must_use]
pub fn certifies(pair: &Pair, relation: &[(u32, u32)]) -> bool {
    let all: FxHashSet<(u32, u32)> = relation.iter().copied().collect();
    let among = |own: &Arm, other: &Arm| {
        all.contains(&(own.then, other.then)) && pair.fit(own.letter, other.letter) == Fit::Yes
    };
    let closed = |&(s, t): &(u32, u32)| {
        let (own, theirs) = (pair.sub.arms(s), pair.sup.arms(t));
        let mut out = own.iter().filter(|arm| !receives(pair, arm.letter)).peekable();
        let mut wanted = theirs.iter().filter(|arm| receives(pair, arm.letter));
        let may_send = theirs.iter().any(|arm| !receives(pair, arm.letter));
        let has_sent = out.peek().is_some();
        let listens = own.iter().any(|arm| receives(pair, arm.letter));
        let stops = (pair.sub.may_stop(s), pair.sup.may_stop(t));
        let over = theirs.is_empty() && stops == (true, true);
        has_sent == may_send
            && (over || listens == theirs.iter().any(|arm| receives(pair, arm.letter)))
            && (stops.0 == stops.1 || stops.0 && !has_sent)
            && out.all(|arm| theirs.iter().any(|other| among(arm, other)))
            && wanted.all(|other| own.iter().any(|arm| among(arm, other)))
    };
    all.contains(&(pair.sub.initial(), pair.sup.initial())) && all.iter().all(closed)
}

/// Whether words refute synchronous subtyping: both types take them, step by step together, and what is said to go wrong goes
/// wrong.
#[must_use]
pub fn refutes(pair: &Pair, refutation: &Refutation) -> bool {
    let (mut s, mut t) = (pair.sub.initial(), pair.sup.initial());
    for (&mine, &theirs) in refutation.sub.iter().zip(&refutation.sup) {
        let own = pair.sub.arms(s).iter().find(|arm| arm.letter == mine);
        let other = pair.sup.arms(t).iter().find(|arm| arm.letter == theirs);
        match (own, other) {
            (Some(own), Some(other)) if pair.fit(mine, theirs) != Fit::No => (s, t) = (own.then, other.then),
            _ => return false,
        }
    }
    let (mut next, mut undecided) = (Vec::new(), None);
    let found = demands(pair, (s, t), false, &mut next, &mut undecided);
    refutation.sub.len() == refutation.sup.len() && refutation.cycle.is_none() && found == Err(refutation.why)
}
