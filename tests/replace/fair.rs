//! Fair asynchronous subtyping.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use polylogue::verify::subtype::{
    Answer, Certificate, Fit, Half, Pair, Relation, Way, Why,
    ahead::{Ahead, certifies},
    closed,
    control::controllable,
    fair::{Choice, refutes},
};

use polylogue::generate::Rng;

use super::small::{Auto, Row, World, all, renamed};

/// What is known of two machines that talk over queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Together {
    /// From everywhere they can come to their ends.
    Right,
    /// From somewhere they cannot.
    Wrong,
    /// Queues were too short to tell.
    Cut,
}

/// Both orders of everything, with queues of at most so many messages; if `waits`, that is how long they are, and who
/// finds one full waits.
fn together(one: &Auto, other: &Auto, bound: usize, waits: bool) -> Together {
    type At = (usize, usize, VecDeque<usize>, VecDeque<usize>);
    let start: At = (0, 0, VecDeque::new(), VecDeque::new());
    let mut number = BTreeMap::from([(start.clone(), 0)]);
    let mut all = vec![start];
    let mut into: Vec<Vec<usize>> = vec![Vec::new()];
    let (mut good, mut cut) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < all.len() {
        let (s, t, to, from) = all[at].clone();
        let mut next: Vec<At> = Vec::new();
        let mut side = |auto: &Auto, state: usize, out: &VecDeque<usize>, incoming: &VecDeque<usize>, first: bool| {
            let row = &auto[state];
            for &(label, then) in &row.arms {
                let (mut out, mut incoming) = (out.clone(), incoming.clone());
                if row.does == '!' {
                    if out.len() == bound {
                        if !waits {
                            cut.push(at);
                        }
                        continue;
                    }
                    out.push_back(label);
                } else if incoming.front() == Some(&label) {
                    incoming.pop_front();
                } else {
                    continue;
                }
                next.push(if first { (then, t, out, incoming) } else { (s, then, incoming, out) });
            }
        };
        side(one, s, &to, &from, true);
        side(other, t, &from, &to, false);
        if one[s].does == '.' && other[t].does == '.' && to.is_empty() && from.is_empty() {
            good.push(at);
        }
        for then in next {
            let there = *number.entry(then.clone()).or_insert_with(|| {
                all.push(then);
                into.push(Vec::new());
                all.len() - 1
            });
            into[there].push(at);
        }
        at += 1;
    }
    let back = |from: &[usize]| {
        let mut seen = vec![false; all.len()];
        let mut open = from.to_vec();
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut seen[at], true) {
                open.extend(&into[at]);
            }
        }
        seen
    };
    let (ends, cuts) = (back(&good), back(&cut));
    if (0..all.len()).any(|at| !ends[at] && !cuts[at]) {
        Together::Wrong
    } else if cut.is_empty() && ends.iter().all(|&ends| ends) {
        Together::Right
    } else {
        Together::Cut
    }
}

/// The published relation, read as what fails, to a depth: the larger type is a state and what the smaller sent ahead of it. As
/// published, a choice is compared with all that the larger may send behind whatever it receives, at once.
struct Slow<'a> {
    sub: &'a Auto,
    sup: &'a Auto,
    sup_live: Vec<bool>,
}

type Word = Vec<(BTreeSet<usize>, usize)>;

impl Slow<'_> {
    fn labels(auto: &Auto, state: usize) -> BTreeSet<usize> {
        auto[state].arms.iter().map(|&(label, _)| label).collect()
    }

    /// The states in the holes: where the larger type has sent the whole word and is to send again; none if somewhere it
    /// cannot.
    fn holes(&self, t: usize, word: &Word) -> Option<BTreeSet<usize>> {
        let mut seen = BTreeSet::from([(t, 0)]);
        let mut open = vec![(t, 0)];
        let mut holes = BTreeSet::new();
        while let Some((t, at)) = open.pop() {
            let mut go = |next: (usize, usize)| {
                if seen.insert(next) {
                    open.push(next);
                }
            };
            match self.sup[t].does {
                '.' => return None,
                '?' => {
                    self.sup[t]
                        .arms
                        .iter()
                        .filter(|(_, then)| self.sup_live[*then])
                        .for_each(|&(_, then)| go((then, at)));
                }
                _ => match word.get(at) {
                    None => _ = holes.insert(t),
                    Some((offered, chosen)) => {
                        if *offered != Self::labels(self.sup, t) {
                            return None;
                        }
                        go((self.sup[t].arms.iter().find(|(label, _)| label == chosen).unwrap().1, at + 1));
                    }
                },
            }
        }
        Some(holes)
    }

    fn fails(&self, s: usize, t: usize, word: &Word, depth: usize) -> bool {
        let own = &self.sub[s];
        let labels = Self::labels(self.sub, s);
        // What was sent ahead and the larger sends next is done.
        if let (Some((offered, chosen)), '!') = (word.first(), self.sup[t].does) {
            if *offered != Self::labels(self.sup, t) {
                return true;
            }
            let then = self.sup[t].arms.iter().find(|(label, _)| label == chosen).unwrap().1;
            return self.fails(s, then, &word[1..].to_vec(), depth);
        }
        match own.does {
            '.' => self.sup[t].does != '.' || !word.is_empty(),
            '?' => {
                if self.sup[t].does != '?' {
                    return true;
                }
                let wanted = self.sup[t].arms.iter().filter(|(_, then)| self.sup_live[*then]);
                wanted.into_iter().any(|(label, then)| match own.arms.iter().find(|(known, _)| known == label) {
                    None => true,
                    Some((_, mine)) => depth > 0 && self.fails(*mine, *then, word, depth - 1),
                })
            }
            _ => {
                let Some(holes) = self.holes(t, word) else { return true };
                if holes.iter().any(|&hole| Self::labels(self.sup, hole) != labels) {
                    return true;
                }
                depth > 0
                    && own.arms.iter().any(|&(label, then)| {
                        let mut longer = word.clone();
                        longer.push((labels.clone(), label));
                        self.fails(then, t, &longer, depth - 1)
                    })
            }
        }
    }
}

const DEPTH: usize = 6;
const BOUND: usize = 3;

/// A certificate for what is not so: closed under every move that can be made, told by the last letters, and nobody has
/// asked whether some word fails.
fn forged(pair: &Pair, depth: usize) -> Option<Vec<Ahead>> {
    type Set = (BTreeSet<u32>, BTreeSet<u32>, BTreeSet<(u32, Choice, u32)>);
    let mut texts: Vec<Vec<Choice>> = vec![Vec::new()];
    let way = |half: &Half, state: u32| half.arms(state).first().and_then(|arm| pair.letter(arm.letter)).map(|l| l.way);
    // What words use.
    let used = |(begin, end, steps): &Set| -> Set {
        let reach = |from: &BTreeSet<u32>, forward: bool| {
            let mut seen = from.clone();
            loop {
                let more: Vec<u32> = steps
                    .iter()
                    .map(|&(a, _, b)| if forward { (a, b) } else { (b, a) })
                    .filter(|(a, b)| seen.contains(a) && !seen.contains(b))
                    .map(|(_, b)| b)
                    .collect();
                if more.is_empty() {
                    return seen;
                }
                seen.extend(more);
            }
        };
        let (there, back) = (reach(begin, true), reach(end, false));
        let used: BTreeSet<u32> = there.intersection(&back).copied().collect();
        let steps = steps.iter().copied().filter(|(a, _, b)| used.contains(a) && used.contains(b)).collect();
        (begin & &used, end & &used, steps)
    };
    let empty: Set = (BTreeSet::from([0]), BTreeSet::from([0]), BTreeSet::new());
    let mut sets: BTreeMap<(u32, u32), Set> = BTreeMap::new();
    let mut open = vec![((pair.sub.initial(), pair.sup.initial()), empty.clone())];
    let mut rounds = 0;
    while let Some((at, mut words)) = open.pop() {
        rounds += 1;
        if rounds > 3_000 {
            return None;
        }
        if words.2.is_empty() {
            words = empty.clone();
        }
        let own = sets.entry(at).or_default();
        let before = own.clone();
        own.0.extend(words.0);
        own.1.extend(words.1);
        own.2.extend(words.2);
        if *own == before {
            continue;
        }
        let words = used(own);
        let (s, t) = at;
        let receives = way(&pair.sup, t) == Some(Way::Receive);
        if !receives {
            for &(from, head, _) in &words.2 {
                if !words.0.contains(&from) {
                    continue;
                }
                let begin = words.2.iter().filter(|(a, c, _)| *c == head && words.0.contains(a)).map(|&(.., b)| b);
                let behind = used(&(begin.collect(), words.1.clone(), words.2.clone()));
                for arm in pair.sup.arms(t).iter().filter(|arm| pair.fit(head.letter, arm.letter) == Fit::Yes) {
                    open.push(((s, arm.then), behind.clone()));
                }
            }
        }
        let has_empty = words.0.intersection(&words.1).next().is_some();
        let ahead = match (receives, has_empty) {
            (true, _) => words,
            (false, true) => empty.clone(),
            (false, false) => continue,
        };
        match way(&pair.sub, s) {
            Some(Way::Send) => {
                for arm in pair.sub.arms(s) {
                    let choice = Choice { at: s, letter: arm.letter };
                    let mut longer: Set = (ahead.0.clone(), BTreeSet::new(), ahead.2.clone());
                    for &end in &ahead.1 {
                        let mut gram = texts[end as usize].clone();
                        gram.push(choice);
                        gram.drain(..gram.len().saturating_sub(depth));
                        let then = texts.iter().position(|known| *known == gram).unwrap_or(texts.len()) as u32;
                        if texts.len() == then as usize {
                            texts.push(gram);
                        }
                        longer.1.insert(then);
                        longer.2.insert((end, choice, then));
                    }
                    open.push(((arm.then, t), longer));
                }
            }
            Some(_) if receives => {
                for own in pair.sub.arms(s) {
                    let theirs = pair.sup.arms(t).iter();
                    for other in theirs.filter(|other| pair.fit(own.letter, other.letter) == Fit::Yes) {
                        open.push(((own.then, other.then), ahead.clone()));
                    }
                }
            }
            _ => {}
        }
    }
    let ahead = |((sub, sup), (begin, end, steps))| Ahead { sub, sup, begin, end, steps };
    Some(sets.into_iter().map(ahead).collect())
}

/// Forged certificates are refused, and so is one that says nothing.
fn refuses_forged(pair: &Pair) -> usize {
    let all = [1, 2].into_iter().filter_map(|depth| forged(pair, depth));
    let mut found = 0;
    for sets in all {
        assert!(!certifies(pair, &sets), "{sets:?}");
        found += 1;
    }
    assert!(!certifies(pair, &[]));
    let nothing = Ahead { sub: pair.sub.initial(), sup: pair.sup.initial(), ..Ahead::default() };
    assert!(!certifies(pair, &[nothing]));
    found
}

struct Counts {
    machines: usize,
    controllable: usize,
    yes: usize,
    no: usize,
    /// Refuted by a partner among these machines.
    spoiled: usize,
    unknown: usize,
    /// Certificates that were forged for what is not so.
    forged: usize,
}

fn check(states: usize, labels: usize) -> Counts {
    let machines = all(states, labels);
    let n = machines.len();
    let mut world = World::new();
    let locals: Vec<_> = machines.iter().map(|auto| world.local(auto)).collect();
    let table: Vec<Vec<Together>> =
        machines.iter().map(|one| machines.iter().map(|other| together(one, other, BOUND, false)).collect()).collect();
    let mut counts = Counts { machines: n, controllable: 0, yes: 0, no: 0, spoiled: 0, unknown: 0, forged: 0 };
    let mut answers = vec![vec![None; n]; n];
    // A partner that leads a machine to its end is no larger than it, and need not be ahead by more than a message.
    let leads = |one: &Auto| machines.iter().any(|other| together(one, other, 1, true) == Together::Right);
    let live: Vec<bool> = machines.iter().map(leads).collect();
    counts.controllable = live.iter().filter(|live| **live).count();
    for i in 0..n {
        for j in 0..n {
            let (sub, sup) = (&machines[i], &machines[j]);
            let (pair, answer) = world.ask(&locals[i], &locals[j], Relation::Fair);
            assert_eq!(controllable(&pair.sup)[pair.sup.initial() as usize], live[j], "{sup:?}");
            let slow = Slow { sub, sup, sup_live: controllable(&pair.sup) };
            let fails = live[j] && (!live[i] || slow.fails(0, 0, &Vec::new(), DEPTH));
            // Who has no partner at all has none that is right for the larger, whatever the bound.
            let spoiled =
                live[j] && !live[i] || (0..n).any(|k| table[j][k] == Together::Right && table[i][k] == Together::Wrong);
            match answer {
                Answer::Yes(certificate) => {
                    assert!(!fails, "{sub:?} <: {sup:?}");
                    assert!(!spoiled, "{sub:?} <: {sup:?}");
                    match certificate {
                        Certificate::Uncontrollable => assert!(!live[j]),
                        Certificate::Ahead(sets) => assert!(live[j] && certifies(&pair, &sets), "{sub:?} <: {sup:?}"),
                        Certificate::Regular(sets) => assert_eq!(closed::check(&pair, &sets, true), Ok(()), "{sub:?}"),
                        _ => panic!("no certificate of this relation"),
                    }
                    counts.yes += 1;
                    answers[i][j] = Some(true);
                }
                Answer::No(refutation) => {
                    assert!(live[j]);
                    assert!(refutes(&pair, &refutation), "{sub:?} <: {sup:?}: {refutation:?}");
                    assert!(fails || refutation.sub.len() > DEPTH, "{sub:?} <: {sup:?}: {refutation:?}");
                    // Only what is left out of a choice is not always missed by somebody.
                    let dropped = matches!(refutation.why, Why::Dropped { .. });
                    assert!(spoiled || dropped || states == 2, "{sub:?} <: {sup:?}: {refutation:?}");
                    counts.no += 1;
                    counts.forged += refuses_forged(&pair);
                    counts.spoiled += usize::from(spoiled);
                    answers[i][j] = Some(false);
                }
                Answer::Unknown(_) => {
                    assert!(!fails && !spoiled, "{sub:?} <: {sup:?}");
                    counts.unknown += 1;
                    println!("unknown: {sub:?} <: {sup:?}");
                }
            }
        }
    }
    for i in 0..n {
        assert_eq!(answers[i][i], Some(true), "{:?}", machines[i]);
        for j in (0..n).filter(|&j| answers[i][j] == Some(true)) {
            for k in (0..n).filter(|&k| answers[j][k] == Some(true)) {
                assert_ne!(answers[i][k], Some(false), "{:?} <: {:?} <: {:?}", machines[i], machines[j], machines[k]);
            }
        }
    }
    println!(
        "fair, {states} states, {labels} labels: {n} machines, {} controllable; {} subtypes, {} not ({} of them refuted \
         by a partner), {} unknown",
        counts.controllable, counts.yes, counts.no, counts.spoiled, counts.unknown
    );
    counts
}

#[test]
fn all_small_pairs() {
    let found = [(3, 1), (2, 2)].map(|(states, labels)| {
        let Counts { machines, controllable, yes, no, spoiled, unknown, forged } = check(states, labels);
        assert!(forged > no, "{forged}");
        [machines, controllable, yes, no, spoiled, unknown]
    });
    assert_eq!(found, [[41, 7, 1402, 279, 279, 0], [177, 11, 29397, 1932, 1906, 0]]);
}

/// A machine like another: an arm goes elsewhere, is added or left out, or a state does something else.
fn edited(auto: &Auto, labels: usize, rng: &mut Rng) -> Auto {
    let mut auto = auto.clone();
    let state = rng.below(auto.len());
    let then = rng.below(auto.len());
    let label = rng.below(labels);
    let row = &mut auto[state];
    match rng.below(4) {
        0 if row.does != '.' => row.does = if row.does == '!' { '?' } else { '!' },
        1 if row.arms.len() > 1 => row.arms.retain(|(known, _)| *known != label),
        _ if row.does == '.' => {}
        _ => {
            row.arms.retain(|(known, _)| *known != label);
            row.arms.push((label, then));
            row.arms.sort_unstable();
        }
    }
    if auto[state].arms.is_empty() {
        auto[state].does = '.';
    }
    renamed(&auto)
}

#[test]
fn a_sample_of_larger_pairs() {
    let mut rng = Rng::new(7);
    let mut world = World::new();
    let (mut yes, mut no, mut unknown, mut vacuous) = (0, 0, 0, 0);
    for round in 0..20_000 {
        let (states, labels) = (3 + round % 2, 2);
        let random = |rng: &mut Rng| -> Auto {
            let row = |rng: &mut Rng| {
                let does = ['!', '?', '?', '!', '.'][rng.below(5)];
                let arms = (0..labels).filter(|_| does != '.').map(|label| (label, rng.below(states)));
                let arms: Vec<_> = arms.collect();
                let kept: Vec<_> = arms.iter().copied().filter(|_| rng.below(3) > 0).collect();
                Row { does, arms: if kept.is_empty() { arms } else { kept } }
            };
            let mut auto: Auto = (0..states).map(|_| row(rng)).collect();
            auto[states - 1] = Row { does: '.', arms: Vec::new() };
            renamed(&auto)
        };
        let sup = random(&mut rng);
        let mut sub = sup.clone();
        for _ in 0..rng.below(3) {
            sub = edited(&sub, labels, &mut rng);
        }
        // What it sends first it may send ahead.
        if rng.below(2) == 0 && sub[0].does == '?' && sub[0].arms.iter().all(|&(_, then)| then != 0) {
            let then = sub[0].arms[0].1;
            let same = sub[0].arms.iter().all(|&(_, other)| other == then);
            if same && sub[then].does == '!' && sub[then].arms.len() == 1 && sub[then].arms[0].1 != then {
                let (out, target) = sub[then].arms[0];
                let takes: Vec<_> = sub[0].arms.iter().map(|&(label, _)| (label, target)).collect();
                let new = sub.len();
                sub.push(Row { does: '?', arms: takes });
                sub[0] = Row { does: '!', arms: vec![(out, new)] };
                sub = renamed(&sub);
            }
        }
        let (small, large) = (world.local(&sub), world.local(&sup));
        let (pair, answer) = world.ask(&small, &large, Relation::Fair);
        let live = |half| -> Vec<bool> { controllable(half) };
        let (sub_live, sup_live) = (live(&pair.sub), live(&pair.sup));
        let (mine, theirs) = (sub_live[pair.sub.initial() as usize], sup_live[pair.sup.initial() as usize]);
        let slow = Slow { sub: &sub, sup: &sup, sup_live };
        let fails = theirs && (!mine || slow.fails(0, 0, &Vec::new(), 5));
        match answer {
            Answer::Yes(certificate) => {
                assert!(!fails, "{sub:?} <: {sup:?}");
                match certificate {
                    Certificate::Regular(sets) => {
                        assert_eq!(closed::check(&pair, &sets, true), Ok(()), "{sub:?} <: {sup:?}");
                        yes += 1;
                    }
                    Certificate::Ahead(sets) => {
                        assert!(certifies(&pair, &sets), "{sub:?} <: {sup:?}");
                        yes += 1;
                    }
                    _ => vacuous += 1,
                }
                // Together with a partner of the larger type nothing goes wrong: its dual.
                let dual: Auto = sup
                    .iter()
                    .map(|row| Row { does: ['?', '!', '.']["!?.".find(row.does).unwrap()], arms: row.arms.clone() })
                    .collect();
                if together(&sup, &dual, BOUND, false) == Together::Right {
                    assert_ne!(together(&sub, &dual, BOUND, false), Together::Wrong, "{sub:?} <: {sup:?}");
                }
            }
            Answer::No(refutation) => {
                assert!(refutes(&pair, &refutation), "{sub:?} <: {sup:?}: {refutation:?}");
                assert!(fails || refutation.sub.len() > 5, "{sub:?} <: {sup:?}: {refutation:?}");
                refuses_forged(&pair);
                no += 1;
            }
            Answer::Unknown(_) => {
                assert!(!fails, "{sub:?} <: {sup:?}");
                unknown += 1;
                println!("unknown: {sub:?} <: {sup:?}");
            }
        }
    }
    println!(
        "fair, 3 and 4 states, 2 labels, a sample: {yes} subtypes, {vacuous} of what nobody can lead to its end, {no} not, {unknown} unknown"
    );
    assert_eq!(yes + vacuous + no + unknown, 20_000);
    assert!(yes > 100 && vacuous > 100 && no > 300 && unknown < 200);
}

#[test]
fn spoiled_certificates_are_refused() {
    let (mut spoiled, mut steps) = (0, 0);
    let machines = all(2, 2);
    let mut world = World::new();
    let locals: Vec<_> = machines.iter().map(|auto| world.local(auto)).collect();
    for sub in &locals {
        for sup in &locals {
            let (pair, answer) = world.ask(sub, sup, Relation::Fair);
            let Answer::Yes(Certificate::Ahead(sets)) = answer else { continue };
            for at in 0..sets.len() {
                let mut fewer: Vec<Ahead> = sets.clone();
                fewer.remove(at);
                assert!(!certifies(&pair, &fewer));
                spoiled += 1;
                for step in &sets[at].steps {
                    let mut fewer = sets.clone();
                    fewer[at].steps.remove(step);
                    assert!(!certifies(&pair, &fewer));
                    steps += 1;
                }
                for end in &sets[at].end {
                    let mut fewer = sets.clone();
                    fewer[at].end.remove(end);
                    assert!(!certifies(&pair, &fewer), "{sub:?} {sup:?} {end} of {sets:?}");
                }
                for begin in &sets[at].begin {
                    let mut fewer = sets.clone();
                    fewer[at].begin.remove(begin);
                    assert!(!certifies(&pair, &fewer), "{sub:?} {sup:?} {begin} of {sets:?}");
                }
            }
        }
    }
    println!("{spoiled} certificates without a pair of states, {steps} without a step");
    assert_eq!((spoiled, steps), (34, 8));
}
