//! Precise asynchronous subtyping, decided as far as it goes.
//!
//! Undecidable in general (Bravetti, Carbone, Zavattaro, 2017; Lange and Yoshida, 2017), so several searches take turns,
//! each a little further every time, until one of them has an answer:
//!
//! * all configurations, exactly ([`super::explore`]): yes if they are finitely many, no with a shortest run if one goes
//!   wrong;
//! * endless runs through ever new configurations ([`super::pump`]): no;
//! * configurations with queue contents over-approximated ([`super::widen`]): yes if nothing can go wrong there;
//! * regular sets of queue contents for each pair of states ([`super::regular`]): the same;
//! * all but the second about the dual types the other way round, which are related iff these are: what the one
//!   search piles up in queues the other does not.

use super::{
    Answer, Certificate, Meter, Refutation, Tried, Why,
    certificate::{Content, Queues},
    contents::{Exact, Words},
    explore::{Ended, Explored, Move, Trouble, outside},
    pair::Pair,
    pump,
    regular::{self, TOLD},
    starve,
    widen::{Precision, Tags, Widened},
};
use crate::event::Limit;

/// How many nodes the exact search looks at before it pauses for the first time; then four times as many.
const FIRST: usize = 128;

/// From here on the other searches have their turns, each with a part of the nodes of the exact one: they make many times as
/// many steps, and types that go wrong late are to be refuted by the exact one before that.
const OTHERS: usize = 2_048;
const PART: usize = 8;

/// The other searches have a turn if the exact one has met its pairs of states so often on average: without growth each
/// is met a few times.
const OFTEN: usize = 3;

/// The over-approximations that are tried, coarse ones first.
const PRECISIONS: [Precision; 8] = [
    Precision { tags: Tags::Letter, exact: 1, first: 1 },
    Precision { tags: Tags::State, exact: 1, first: 1 },
    Precision { tags: Tags::State, exact: 2, first: 1 },
    Precision { tags: Tags::Both, exact: 2, first: 2 },
    Precision { tags: Tags::State, exact: 4, first: 2 },
    Precision { tags: Tags::Both, exact: 4, first: 4 },
    Precision { tags: Tags::State, exact: 12, first: 4 },
    Precision { tags: Tags::Both, exact: 16, first: 8 },
];

/// Whether the smaller type is a subtype of the larger.
pub(super) fn decide(pair: &Pair, meter: &mut Meter<'_, '_>) -> Answer {
    if let Some(why) = outside(pair) {
        let limit = Limit::Undecided(why.to_owned());
        return Answer::Unknown(vec![Tried { what: "the precise asynchronous relation".to_owned(), limit }]);
    }
    let mut exact = Explored::new(pair, Exact::new());
    let mut back: Option<(Pair, Explored<Exact>)> = None;
    let mut asked = 0usize;
    let mut tried = Vec::new();
    let mut turn = FIRST;
    loop {
        match exact.run(pair, turn, meter) {
            Ended::Paused => {}
            ended => return finished(&exact, ended, tried),
        }
        if let Some(cycle) = starve::starving(&exact) {
            return Answer::No(forgotten(&exact, &cycle));
        }
        if grows(&exact) {
            if let Some(found) = pump::pumped(&exact, asked) {
                return Answer::No(endless(&exact.path(found.node), &found.moves, found.queue));
            }
            asked = exact.looked();
        }
        if turn >= OTHERS && grows(&exact) {
            let few = turn.checked_div(PART).unwrap_or(turn);
            let (dual, back) = back.get_or_insert_with(|| {
                let dual = pair.dual();
                let explored = Explored::new(&dual, Exact::new());
                (dual, explored)
            });
            if back.run(dual, few, meter) == Ended::Closed && starve::starving(back).is_none() {
                return Answer::Yes(Certificate::Queues(Box::new(exactly(back, true))));
            }
            for precision in PRECISIONS {
                for (pair, is_dual) in [(pair, false), (&*dual, true)] {
                    if let Some(queues) = widened(pair, precision, few, is_dual, meter) {
                        return Answer::Yes(Certificate::Queues(Box::new(queues)));
                    }
                }
            }
            for told in TOLD {
                for (pair, is_dual) in [(pair, false), (&*dual, true)] {
                    if let Ok(Some(regular)) = regular::prove((pair, is_dual), None, told, few, meter) {
                        return Answer::Yes(Certificate::Regular(Box::new(regular)));
                    }
                }
            }
            let limit = Limit::Undecided(format!("{few} configurations were not enough"));
            tried = vec![Tried { what: "queue contents over-approximated, also of the duals".to_owned(), limit }];
        }
        turn = turn.saturating_mul(4);
    }
}

/// Whether the exact search comes back to the same pairs of states with ever new contents of queues.
fn grows(explored: &Explored<Exact>) -> bool {
    let mut pairs: rustc_hash::FxHashSet<(u32, u32)> = rustc_hash::FxHashSet::default();
    pairs.extend(explored.nodes.iter().map(|node| (node.sub, node.sup)));
    explored.nodes.len() > pairs.len().saturating_mul(OFTEN)
}

/// The answer of the exact search.
fn finished(explored: &Explored<Exact>, ended: Ended, mut tried: Vec<Tried>) -> Answer {
    let what = "all configurations".to_owned();
    match ended {
        Ended::Closed => match starve::starving(explored) {
            None => Answer::Yes(Certificate::Queues(Box::new(exactly(explored, false)))),
            Some(cycle) => Answer::No(forgotten(explored, &cycle)),
        },
        Ended::Trouble(node, Trouble::Wrong(why)) => {
            let (sub, sup) = words(&explored.path(node));
            Answer::No(Refutation { sub, sup, cycle: None, why })
        }
        Ended::Trouble(_, Trouble::Undecided(..)) => {
            let why = "whether one payload can stand for another was not decided";
            tried.push(Tried { what, limit: Limit::Undecided(why.to_owned()) });
            Answer::Unknown(tried)
        }
        Ended::Limit(limit) => {
            tried.push(Tried { what, limit });
            Answer::Unknown(tried)
        }
        Ended::Paused => Answer::Unknown(tried),
    }
}

/// The refutation by a cycle among configurations that were looked at.
fn forgotten(explored: &Explored<Exact>, cycle: &starve::Cycle) -> Refutation {
    let edges = cycle.edges.iter().filter_map(|&edge| explored.edges.get(edge as usize));
    let moves: Vec<Move> = edges.map(|edge| edge.what).collect();
    endless(&explored.path(cycle.start), &moves, cycle.queue)
}

/// The words of both types along some moves.
fn words(moves: &[Move]) -> (Vec<u32>, Vec<u32>) {
    let letters = || moves.iter().map(|step| step.letters());
    (letters().filter_map(|(sub, _)| sub).collect(), letters().filter_map(|(_, sup)| sup).collect())
}

/// These moves, and then those again and again: what lies in the queue is forgotten.
fn endless(path: &[Move], moves: &[Move], queue: u32) -> Refutation {
    let (mut sub, mut sup) = words(path);
    let cycle = Some((sub.len(), sup.len()));
    let (more_sub, more_sup) = words(moves);
    sub.extend(more_sub);
    sup.extend(more_sup);
    let pushed = path.iter().chain(moves).rev().find(|step| step.pushes() == Some(queue));
    let letter = pushed.map(|step| step.letters()).and_then(|(sub, sup)| sub.or(sup)).unwrap_or(0);
    Refutation { sub, sup, cycle, why: Why::Forgotten { letter } }
}

/// The graph without contents.
fn skeleton<D: Words>(explored: &Explored<D>, dual: bool) -> Queues {
    Queues {
        dual,
        rows: explored.nodes.iter().map(|node| (node.sub, node.sup)).collect(),
        next: explored.edges.iter().map(|edge| edge.to).collect(),
        first_next: explored.first.clone(),
        ..Queues::default()
    }
}

/// The certificate of a closed exact search.
fn exactly(explored: &Explored<Exact>, dual: bool) -> Queues {
    let mut queues = skeleton(explored, dual);
    let (cells, tape) = explored.words.tape();
    queues.cells = cells;
    queues.tape = tape;
    queues.first_content.push(0);
    for (at, _) in (0u32..).zip(&explored.nodes) {
        queues.contents.extend(explored.queues(at).iter().map(|&(queue, word)| (queue, word.content())));
        queues.first_content.push(u32::try_from(queues.contents.len()).unwrap_or(u32::MAX));
    }
    queues
}

/// Tries one over-approximation.
fn widened(pair: &Pair, precision: Precision, most: usize, dual: bool, meter: &mut Meter<'_, '_>) -> Option<Queues> {
    let mut domain = Widened::new(precision);
    let mut left = most;
    loop {
        domain.grown = false;
        let mut explored = Explored::new(pair, domain);
        if explored.run(pair, left, meter) != Ended::Closed {
            return None;
        }
        left = left.checked_sub(explored.looked())?;
        if explored.words.grown {
            domain = explored.words;
            continue;
        }
        if starve::starving(&explored).is_some() {
            return None;
        }
        let mut queues = skeleton(&explored, dual);
        queues.cells = explored.words.letters();
        queues.neighbours = explored.words.neighbours();
        queues.tape.push((0, 0));
        queues.first_content.push(0);
        for (at, _) in (0u32..).zip(&explored.nodes) {
            for &(queue, word) in explored.queues(at) {
                let shape = explored.words.shape(word)?;
                let mut tail = 0;
                for &cell in &shape.cells {
                    queues.tape.push((tail, cell));
                    tail = u32::try_from(queues.tape.len().saturating_sub(1)).ok()?;
                }
                let len = u32::try_from(shape.cells.len()).ok()?;
                queues.contents.push((queue, Content { tail, len, last: shape.last }));
            }
            queues.first_content.push(u32::try_from(queues.contents.len()).ok()?);
        }
        return Some(queues);
    }
}
