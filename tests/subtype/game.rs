//! The definition, played to a depth: single-input and single-output trees, without queues.
//!
//! For every single-output tree U of the smaller type and single-input tree V' of the larger there must be a path W of U
//! and a path W' of V' with W a refinement of W'. U and V' are chosen by the adversary as the game goes on; the paths of
//! V' that are still possible are kept side by side, each with what of it is not matched yet, so that the choice among
//! them can be made with hindsight, as "there are" allows.

use std::cell::Cell;

use super::machines::{M, S};

/// Whether an action of the larger type is a send; its peer; its label.
type Action = (bool, usize, usize);

/// A path of the larger type: what of it is not matched, and where it is.
type Path = (Vec<Action>, usize);

/// What the adversary can make of one path: for each of its choices the paths that then survive, each with the label that
/// was matched. `None`: too much to look at.
type Options = Option<Vec<Vec<(Path, usize)>>>;

const MOST: usize = 256;

thread_local! {
    /// The larger type went on without coming to what was looked for, for longer than the game is played.
    static CUT: Cell<bool> = const { Cell::new(false) };
    /// How many moves may still be looked at.
    static LEFT: Cell<u32> = const { Cell::new(0) };
}

/// More moves of one game are not looked at.
const MOVES: u32 = 5_000;

/// Whether the adversary wins within so many actions of the smaller type.
pub(crate) fn wrong(sub: &M, sup: &M, depth: usize) -> bool {
    CUT.set(false);
    LEFT.set(MOVES);
    play(sub, sup, 0, &[(Vec::new(), 0)], depth)
}

/// Whether the last game might have been won if it were played for longer.
pub(crate) fn was_cut() -> bool {
    CUT.get()
}

fn cut() -> Options {
    CUT.set(true);
    None
}

/// Whether the game has been played for long enough.
fn is_late() -> bool {
    let left = LEFT.get();
    LEFT.set(left.saturating_sub(1));
    left == 0
}

fn play(sub: &M, sup: &M, at: usize, paths: &[Path], depth: usize) -> bool {
    if paths.is_empty() {
        return true;
    }
    if depth == 0 {
        return false;
    }
    if is_late() {
        CUT.set(true);
        return false;
    }
    match &sub[at] {
        S::End => !paths.iter().any(|(pending, q)| pending.is_empty() && sup[*q] == S::End),
        S::Send(peer, arms) => arms.iter().any(|&(label, then)| {
            let each: Option<Vec<_>> = paths.iter().map(|path| send(sup, path.clone(), *peer, label, depth)).collect();
            let Some(combined) = each.and_then(|each| product(&each)) else { return false };
            combined.into_iter().any(|survive| {
                let paths: Vec<Path> = survive.into_iter().map(|(path, _)| path).collect();
                play(sub, sup, then, &paths, depth - 1)
            })
        }),
        S::Receive(peer, arms) => {
            let each: Option<Vec<_>> = paths.iter().map(|path| receive(sup, path.clone(), *peer, depth)).collect();
            let Some(combined) = each.and_then(|each| product(&each)) else { return false };
            combined.into_iter().any(|survive| {
                // The prover takes the branch that some surviving path offers.
                !arms.iter().any(|&(label, then)| {
                    let paths: Vec<Path> =
                        survive.iter().filter(|(_, matched)| *matched == label).map(|(path, _)| path.clone()).collect();
                    !paths.is_empty() && !play(sub, sup, then, &paths, depth - 1)
                })
            })
        }
    }
}

/// One choice of the adversary for each path.
fn product(each: &[Vec<Vec<(Path, usize)>>]) -> Option<Vec<Vec<(Path, usize)>>> {
    let mut all: Vec<Vec<(Path, usize)>> = vec![Vec::new()];
    for options in each {
        let mut more = Vec::new();
        for known in &all {
            for option in options {
                let mut longer = known.clone();
                longer.extend(option.iter().cloned());
                more.push(longer);
            }
        }
        if more.len() > MOST {
            return None;
        }
        all = more;
    }
    Some(all)
}

/// The smaller type sends: the first output to this peer is the one, whatever else is in front of it.
fn send(sup: &M, (mut pending, q): Path, peer: usize, label: usize, depth: usize) -> Options {
    if let Some(at) = pending.iter().position(|&(sends, to, _)| sends && to == peer) {
        let (_, _, found) = pending.remove(at);
        return Some(vec![if found == label { vec![((pending, q), label)] } else { Vec::new() }]);
    }
    if depth == 0 || is_late() {
        return cut();
    }
    match &sup[q] {
        S::End => Some(vec![Vec::new()]),
        S::Send(to, arms) if *to == peer => {
            let there = arms.iter().find(|&&(found, _)| found == label);
            Some(vec![there.map(|&(_, then)| ((pending, then), label)).into_iter().collect()])
        }
        S::Send(to, arms) => {
            // The prover keeps all of them, the adversary chooses behind each.
            let each: Option<Vec<_>> = arms
                .iter()
                .map(|&(found, then)| {
                    let mut longer = pending.clone();
                    longer.push((true, *to, found));
                    send(sup, (longer, then), peer, label, depth - 1)
                })
                .collect();
            each.and_then(|each| product(&each))
        }
        S::Receive(from, arms) => choose(arms, |found, then| {
            let mut longer = pending.clone();
            longer.push((false, *from, found));
            send(sup, (longer, then), peer, label, depth - 1)
        }),
    }
}

/// The smaller type receives: the first input from this peer is the one, and only inputs may be in front of it.
fn receive(sup: &M, (mut pending, q): Path, peer: usize, depth: usize) -> Options {
    for at in 0..pending.len() {
        let (sends, with, label) = pending[at];
        if sends {
            return Some(vec![Vec::new()]);
        }
        if with == peer {
            pending.remove(at);
            return Some(vec![vec![((pending, q), label)]]);
        }
    }
    if depth == 0 || is_late() {
        return cut();
    }
    match &sup[q] {
        S::End | S::Send(..) => Some(vec![Vec::new()]),
        S::Receive(from, arms) if *from == peer => {
            Some(arms.iter().map(|&(label, then)| vec![((pending.clone(), then), label)]).collect())
        }
        S::Receive(from, arms) => choose(arms, |found, then| {
            let mut longer = pending.clone();
            longer.push((false, *from, found));
            receive(sup, (longer, then), peer, depth - 1)
        }),
    }
}

/// The adversary chooses an arm; not one behind which too much would have to be looked at.
fn choose(arms: &[(usize, usize)], mut then: impl FnMut(usize, usize) -> Options) -> Options {
    let mut all = Vec::new();
    for &(label, to) in arms {
        all.extend(then(label, to).unwrap_or_default());
    }
    (!all.is_empty() && all.len() <= MOST).then_some(all)
}
