//! Families of local types: subtypings, and the systems that they come from.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "sizes were limited before; states, roles and labels index what made them"
)]

use std::fmt::Write as _;

use super::{
    super::rng::Rng,
    FamilyError, MAX, Twist,
    automaton::{Automaton, Word},
    shuffler,
};

/// The label that nobody else knows, of a near miss.
const WRONG: &str = "wrong";

/// Subtypings of some roles, and the other roles with which they make a system.
pub(super) struct Locals {
    roles: Vec<String>,
    labels: Vec<String>,
    /// Role, subtype, supertype.
    pairs: Vec<(usize, Automaton, Automaton)>,
    others: Vec<(usize, Automaton)>,
    /// Only a system, and what is claimed of it: there is no supertype.
    claim: Option<&'static str>,
    /// Where a near miss may change a label so that it matters.
    changes: fn(&Automaton) -> Vec<(usize, usize)>,
}

fn every_step(of: &Automaton) -> Vec<(usize, usize)> {
    let states = of.states.iter().enumerate();
    states.flat_map(|(state, steps)| (0..steps.len()).map(move |step| (state, step))).collect()
}

fn sends(of: &Automaton) -> Vec<(usize, usize)> {
    every_step(of).into_iter().filter(|&(state, step)| of.states[state][step].sends).collect()
}

/// Sends that are reached without the third arm of a branch, which the supertype does not have.
fn sends_that_count(of: &Automaton) -> Vec<(usize, usize)> {
    let mut seen = vec![false; of.states.len()];
    let mut open = vec![0];
    seen[0] = true;
    while let Some(at) = open.pop() {
        for step in of.states[at].iter().take(2) {
            if !seen[step.then] {
                seen[step.then] = true;
                open.push(step.then);
            }
        }
    }
    sends(of).into_iter().filter(|&(state, _)| seen[state]).collect()
}

fn names(prefix: &str, n: usize) -> Vec<String> {
    (0..n).map(|at| format!("{prefix}{at}")).collect()
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// A random order of `0..n`, and where each one went.
fn permutation(rng: &mut Rng, n: usize) -> (Vec<usize>, Vec<usize>) {
    let mut order: Vec<usize> = (0..n).collect();
    rng.shuffle(&mut order);
    let mut place = vec![0; n];
    for (at, &old) in order.iter().enumerate() {
        place[old] = at;
    }
    (order, place)
}

impl Locals {
    fn rename(&mut self, rng: &mut Rng) {
        // Names stay in alphabetic order of declaration, so what moves is who has which number.
        let (_, role) = permutation(rng, self.roles.len());
        let (_, label) = permutation(rng, self.labels.len());
        let turn = |of: &mut Automaton| {
            for step in of.states.iter_mut().flatten() {
                step.peer = role[step.peer];
                step.label = label[step.label];
            }
        };
        for (at, sub, sup) in &mut self.pairs {
            *at = role[*at];
            turn(sub);
            turn(sup);
        }
        for (at, other) in &mut self.others {
            *at = role[*at];
            turn(other);
        }
        let mut old: Vec<(usize, String)> = role.iter().copied().zip(std::mem::take(&mut self.roles)).collect();
        old.sort();
        self.roles = old.into_iter().map(|(_, name)| name).collect();
        let mut old: Vec<(usize, String)> = label.iter().copied().zip(std::mem::take(&mut self.labels)).collect();
        old.sort();
        self.labels = old.into_iter().map(|(_, name)| name).collect();
        rng.shuffle(&mut self.pairs);
    }

    pub(super) fn text(mut self, twist: Twist) -> Result<String, FamilyError> {
        let mut rng = shuffler(twist);
        let mut missed = None;
        if twist.near_miss {
            let mut dice = Rng::new(twist.seed.unwrap_or(0));
            let pair = dice.below(self.pairs.len());
            let (_, sub, _) = self.pairs.get_mut(pair).ok_or(FamilyError::Twist("it is too small for a near miss"))?;
            // What is sent under another name is received by nobody.
            let places = if twist.system || self.claim.is_some() { sends(sub) } else { (self.changes)(sub) };
            let &(state, step) = dice.pick(&places).ok_or(FamilyError::Twist("it is too small for a near miss"))?;
            sub.states[state][step].label = self.labels.len();
            self.labels.push(WRONG.to_owned());
            missed = Some(self.pairs[pair].0);
        }
        if let Some(rng) = &mut rng {
            let before = missed.map(|role| self.roles[role].clone());
            self.rename(rng);
            missed = before.and_then(|name| self.roles.iter().position(|role| *role == name));
        }
        let Self { roles, labels, pairs, others, claim, .. } = &self;
        let mut text = String::new();
        if twist.system || claim.is_some() {
            let all: Vec<String> = roles.iter().map(|role| format!("role {role}")).collect();
            let _ = writeln!(text, "system Family({}) {{", all.join(", "));
            let mut machines: Vec<(usize, &Automaton)> = pairs.iter().map(|(role, sub, _)| (*role, sub)).collect();
            machines.extend(others.iter().map(|(role, other)| (*role, other)));
            machines.sort_by_key(|&(role, _)| role);
            for (role, machine) in machines {
                let _ = writeln!(text, "  {} = {};", roles[role], machine.text(roles, labels, rng.as_mut()));
            }
            let verdict = if missed.is_some() { " is violated" } else { "" };
            let _ = writeln!(text, "}}\ncheck {}(Family){verdict};", claim.unwrap_or("kmc"));
            return Ok(text);
        }
        let single = pairs.len() == 1;
        for (role, sub, sup) in pairs {
            let name = &roles[*role];
            let of = if single { String::new() } else { format!("_{name}") };
            for (what, machine) in [("Sub", sub), ("Sup", sup)] {
                let machine = machine.text(roles, labels, rng.as_mut());
                let _ = writeln!(text, "local type {what}{of} at {name} = {machine};");
            }
            let verdict = if missed == Some(*role) { " is violated" } else { "" };
            let _ = writeln!(text, "check Sub{of} <: Sup{of}{verdict};");
        }
        Ok(text)
    }
}

pub(super) fn streaming(n: usize) -> Locals {
    let (value, ready, stop) = (0, 1, 2);
    let (source, sink) = (0, 1);
    let build = |n: usize| {
        let mut of = Automaton::default();
        let start = of.state();
        let ahead = of.line(start, &vec![(true, sink, value); n]);
        let head = of.line(ahead, &vec![(false, sink, ready); n]);
        let choice = of.line(head, &[(false, sink, ready)]);
        of.step(choice, (true, sink, value), head);
        of.line(choice, &[(true, sink, stop)]);
        of
    };
    let sup = build(0);
    let other = sup.dual(source);
    Locals {
        roles: strings(&["S", "T"]),
        labels: strings(&["value", "ready", "stop"]),
        pairs: vec![(source, build(n), sup)],
        others: vec![(sink, other)],
        claim: None,
        changes: every_step,
    }
}

/// The part of `nested-choice` that levels are made of; with sharing, one for each level.
fn nest(of: &mut Automaton, level: usize, tree: bool, known: &mut Vec<Option<usize>>) -> usize {
    if let Some(state) = known[level].filter(|_| !tree) {
        return state;
    }
    let state = of.state();
    known[level] = Some(state);
    if level > 0 {
        for (label, answers) in [(0, 3), (1, 2)] {
            let then = of.line(state, &[(true, 1, label)]);
            for answer in 0..answers {
                let next = nest(of, level - 1, tree, known);
                of.step(then, (false, 1, 3 + answer), next);
            }
        }
    }
    state
}

/// So deep at most, as the building is recursive; and without sharing so deep that [`MAX`] is not passed.
const DEEPEST: usize = 1_000;

pub(super) fn nested_choice(levels: usize, tree: bool) -> Result<Locals, FamilyError> {
    let leaves = u32::try_from(levels).ok().and_then(|levels| 5usize.checked_pow(levels));
    if levels > DEEPEST || tree && leaves.is_none_or(|leaves| leaves > MAX / 4) {
        return Err(FamilyError::TooLarge);
    }
    let mut known = vec![None; levels + 1];
    let mut sub = Automaton::default();
    nest(&mut sub, levels, tree, &mut known);
    let mut known = vec![None; levels + 1];
    let mut sup = Automaton::default();
    let start = sup.state();
    if levels > 0 {
        for (answer, sends) in [(3, 3), (4, 2)] {
            let then = sup.line(start, &[(false, 1, answer)]);
            for label in 0..sends {
                let next = nest(&mut sup, levels - 1, tree, &mut known);
                sup.step(then, (true, 1, label), next);
            }
        }
    }
    let other = sup.dual(0);
    Ok(Locals {
        roles: strings(&["A", "B"]),
        labels: strings(&["m", "p", "q", "r", "s", "u"]),
        pairs: vec![(0, sub, sup)],
        others: vec![(1, other)],
        claim: None,
        changes: sends_that_count,
    })
}

/// `rec X. words; X`
fn cycle(words: &[Word]) -> Automaton {
    let mut of = Automaton::default();
    let start = of.state();
    of.line_to(start, words, start);
    of
}

pub(super) fn ring(n: usize) -> Result<Locals, FamilyError> {
    if n < 2 {
        return Err(FamilyError::Sizes("two roles or more"));
    }
    let words = |at: usize| ((true, (at + 1) % n, 0), (false, (at + n - 1) % n, 0));
    let pair = |at: usize| {
        let (send, receive) = words(at);
        (at, cycle(&[send, receive]), cycle(&[receive, send]))
    };
    let (send, receive) = words(0);
    Ok(Locals {
        roles: names("r", n),
        labels: strings(&["v"]),
        pairs: (1..n).map(pair).collect(),
        others: vec![(0, cycle(&[send, receive]))],
        claim: None,
        changes: every_step,
    })
}

pub(super) fn double_buffering(n: usize) -> Locals {
    let (ready, value) = (0, 1);
    let (source, kernel, sink) = (0, 1, 2);
    let build = |n: usize| {
        let mut of = Automaton::default();
        let start = of.state();
        let head = of.line(start, &vec![(true, source, ready); n]);
        let words = [(true, source, ready), (false, source, value), (false, sink, ready), (true, sink, value)];
        of.line_to(head, &words, head);
        of
    };
    Locals {
        roles: strings(&["S", "K", "T"]),
        labels: strings(&["ready", "value"]),
        pairs: vec![(kernel, build(n), build(0))],
        others: vec![
            (source, cycle(&[(false, kernel, ready), (true, kernel, value)])),
            (sink, cycle(&[(true, kernel, ready), (false, kernel, value)])),
        ],
        claim: None,
        changes: every_step,
    }
}

pub(super) fn k_buffer(kinds: usize, k: usize, pairs: usize) -> Locals {
    let machine = |peer: usize| {
        let mut of = Automaton::default();
        let mut at = of.state();
        for sends in [true, false] {
            for _ in 0..k {
                let then = of.state();
                for kind in 0..kinds {
                    of.step(at, (sends, peer, kind), then);
                }
                at = then;
            }
        }
        of
    };
    Locals {
        roles: names("r", 2 * pairs),
        labels: names("m", kinds),
        // One side of each pair, so that a near miss has something to change; there is no supertype.
        pairs: (0..pairs).map(|at| (2 * at, machine(2 * at + 1), Automaton::default())).collect(),
        others: (0..pairs).map(|at| (2 * at + 1, machine(2 * at))).collect(),
        claim: Some("kmc"),
        changes: sends,
    }
}

/// A pool gives a job to whoever is ready, and takes what is done.
pub(super) fn workers(n: usize) -> Result<Locals, FamilyError> {
    if n == 0 {
        return Err(FamilyError::Sizes("one number, at least 1"));
    }
    let (ready, job, done) = (0, 1, 2);
    let mut pool = Automaton::default();
    let idle = pool.state();
    for worker in 1..=n {
        let asked = pool.line(idle, &[(false, worker, ready)]);
        pool.step(asked, (true, worker, job), idle);
        pool.step(idle, (false, worker, done), idle);
    }
    let mut worker = Automaton::default();
    let start = worker.state();
    worker.line_to(start, &[(true, 0, ready), (false, 0, job), (true, 0, done)], start);
    let mut roles = strings(&["pool"]);
    roles.extend(names("w", n));
    Ok(Locals {
        roles,
        labels: strings(&["ready", "job", "done"]),
        pairs: vec![(0, pool, Automaton::default())],
        others: (1..=n).map(|at| (at, worker.clone())).collect(),
        claim: Some("safe"),
        changes: sends,
    })
}

pub(super) fn fft(n: usize) -> Result<Locals, FamilyError> {
    if n < 2 || !n.is_power_of_two() {
        return Err(FamilyError::Sizes("a power of two"));
    }
    let bits = n.trailing_zeros();
    let pair = |at: usize| {
        let peers: Vec<usize> = (0..bits).map(|bit| at ^ (1 << bit)).collect();
        let sends: Vec<Word> = peers.iter().map(|&peer| (true, peer, 0)).collect();
        let receives: Vec<Word> = peers.iter().map(|&peer| (false, peer, 0)).collect();
        let in_turn: Vec<Word> = sends.iter().zip(&receives).flat_map(|(&send, &receive)| [send, receive]).collect();
        let build = |words: &[Word]| {
            let mut of = Automaton::default();
            let start = of.state();
            of.line(start, words);
            of
        };
        (at, build(&[sends, receives].concat()), build(&in_turn))
    };
    Ok(Locals {
        roles: names("r", n),
        labels: strings(&["v"]),
        pairs: (0..n).map(pair).collect(),
        others: Vec::new(),
        claim: None,
        changes: every_step,
    })
}
