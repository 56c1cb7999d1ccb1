//! The second opinion about regular sets of queue contents: whether they are closed.
//!
//! Comes in: a [`Regular`], which is taken for any automata at all. Goes out: nothing, or what is wrong with it. Every move of
//! every row, by the rules of the game, must lead to a row whose sets contain what is left: this is shown by a simulation
//! of the one automaton by the other. No row may go wrong, and unless the game is fair no cycle of rows may starve a queue.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    certificate::{Step, starved},
    control::controllable,
    explore::{ahead, outside, passed},
    fair,
    pair::{Arm, Fit, Kind, Pair},
    regular::{Cell, Regular, Row, Set},
};

/// What is left of a set behind its first cell, or with a cell behind it: none if only the empty word.
type Left = Option<Set>;

struct Check<'p> {
    pair: &'p Pair,
    fair: bool,
    states: bool,
    sub_live: Vec<bool>,
    sup_live: Vec<bool>,
    rows: &'p [Row],
    number: FxHashMap<(u32, u32, Vec<u32>), u32>,
}

/// Whether regular sets show that the smaller type is a subtype of the larger, fair or not. The error says what is wrong.
pub fn check(pair: &Pair, regular: &Regular, fair: bool) -> Result<(), String> {
    let beyond = if fair { fair::outside(pair) } else { outside(pair).map(str::to_owned) };
    if let Some(why) = beyond {
        return Err(why);
    }
    let dual;
    let pair = if regular.dual {
        dual = pair.dual();
        &dual
    } else {
        pair
    };
    if fair && (regular.dual || !regular.states) {
        return Err("the fair relation is not that of the dual types, and asks for states".to_owned());
    }
    let live = |half| if fair { controllable(half) } else { vec![true; half.len()] };
    let key = |row: &Row| (row.sub, row.sup, row.queues.iter().map(|&(queue, _)| queue).collect());
    let check = Check {
        pair,
        fair,
        states: regular.states,
        sub_live: live(&pair.sub),
        sup_live: live(&pair.sup),
        rows: &regular.rows,
        number: (0u32..).zip(&regular.rows).map(|(at, row)| (key(row), at)).collect(),
    };
    let first = regular.rows.first().ok_or("there is no row")?;
    if (first.sub, first.sup, first.queues.len()) != (pair.sub.initial(), pair.sup.initial(), 0) {
        return Err("the first row is not the initial configuration".to_owned());
    }
    if fair && !is(&check.sup_live, first.sup) {
        return Err("nobody leads the larger type to its end".to_owned());
    }
    let mut graph: Vec<Vec<Step>> = Vec::with_capacity(regular.rows.len());
    for (at, row) in regular.rows.iter().enumerate() {
        graph.push(check.moves(row).map_err(|why| format!("row {at}: {why}"))?);
    }
    if fair {
        return Ok(());
    }
    let mut queues: Vec<u32> = regular.rows.iter().flat_map(|row| &row.queues).map(|&(queue, _)| queue).collect();
    queues.sort_unstable();
    queues.dedup();
    let has = |at: u32, queue: u32| {
        regular.rows.get(at as usize).is_some_and(|row| row.queues.iter().any(|&(own, _)| own == queue))
    };
    match starved(&queues, &has, &graph) {
        Some(queue) => Err(format!("queue {queue} starves")),
        None => Ok(()),
    }
}

fn is(set: &[bool], state: u32) -> bool {
    set.get(state as usize).copied().unwrap_or(false)
}

impl Check<'_> {
    fn fit(&self, sub: u32, sup: u32) -> bool {
        self.pair.fit(sub, sup) == Fit::Yes
    }

    fn peer(&self, letter: u32) -> u32 {
        self.pair.letter(letter).map_or(u32::MAX, |letter| letter.peer)
    }

    /// The moves of a row, each to a row that contains what it leads to.
    fn moves(&self, row: &Row) -> Result<Vec<Step>, String> {
        let Row { sub, sup, .. } = *row;
        if !is(&self.sub_live, sub) || !is(&self.sup_live, sup) {
            return Err("nobody leads a type to its end from here".to_owned());
        }
        let (own, theirs) = (self.pair.sub.arms(sub), self.pair.sup.arms(sup));
        let mut steps = Vec::new();
        if let Kind::Select(peer) = self.pair.sup.kind(sup)
            && let Some(set) = lies(row, ahead(peer))
        {
            for (cell, lefts) in popped(set) {
                let then = self.caught(cell, theirs).ok_or("the larger type does not send what was sent ahead")?;
                for left in lefts {
                    let to = self.leads(row, (sub, then), Some((ahead(peer), left)))?;
                    steps.push(Step { to, pops: Some(ahead(peer)), pushes: None });
                }
            }
            return Ok(steps);
        }
        if let Kind::SelectMany | Kind::Mixed = self.pair.sup.kind(sup) {
            return Err("the larger type is not of the class".to_owned());
        }
        match (self.pair.sub.kind(sub), self.pair.sup.kind(sup)) {
            (Kind::End, Kind::End) if row.queues.is_empty() => {}
            (Kind::End, _) | (Kind::Select(_) | Kind::SelectMany, Kind::End) => {
                return Err("one type has ended, the other has not".to_owned());
            }
            (Kind::Select(_) | Kind::SelectMany, _) => {
                for arm in own {
                    let queue = ahead(self.peer(arm.letter));
                    let longer = pushed(lies(row, queue), sub, arm.letter, self.states);
                    let to = self.leads(row, (arm.then, sup), Some((queue, Some(longer))))?;
                    steps.push(Step { to, pops: None, pushes: Some(queue) });
                }
            }
            (Kind::Branch(peer), kind) => {
                let queue = passed(peer);
                let takes = |letter: u32| {
                    let found = own.iter().find(|arm| self.fit(arm.letter, letter)).map(|arm| arm.then);
                    found.ok_or("the smaller type does not take what the larger takes")
                };
                if let Some(set) = lies(row, queue) {
                    for ((_, letter), lefts) in popped(set) {
                        for left in lefts {
                            let to = self.leads(row, (takes(letter)?, sup), Some((queue, left)))?;
                            steps.push(Step { to, pops: Some(queue), pushes: None });
                        }
                    }
                    return Ok(steps);
                }
                if !matches!(kind, Kind::Branch(_) | Kind::BranchMany) {
                    return Err("an input overtakes an output".to_owned());
                }
                for arm in theirs.iter().filter(|arm| is(&self.sup_live, arm.then)) {
                    if self.peer(arm.letter) == peer {
                        let to = self.leads(row, (takes(arm.letter)?, arm.then), None)?;
                        steps.push(Step { to, pops: None, pushes: None });
                        continue;
                    }
                    let queue = passed(self.peer(arm.letter));
                    let longer = pushed(lies(row, queue), sup, arm.letter, self.states);
                    let to = self.leads(row, (sub, arm.then), Some((queue, Some(longer))))?;
                    steps.push(Step { to, pops: None, pushes: Some(queue) });
                }
            }
            _ => return Err("the smaller type is not of the class".to_owned()),
        }
        Ok(steps)
    }

    /// Where the larger type goes with what was sent ahead: in the fair game if it offers all that was offered there.
    fn caught(&self, (state, letter): Cell, theirs: &[Arm]) -> Option<u32> {
        if self.fair {
            let own = self.pair.sub.arms(state);
            let all = own.iter().all(|arm| theirs.iter().any(|other| self.fit(arm.letter, other.letter)))
                && theirs.iter().all(|other| own.iter().any(|arm| self.fit(arm.letter, other.letter)))
                && own.iter().any(|arm| arm.letter == letter);
            if !all {
                return None;
            }
        }
        theirs.iter().find(|other| self.fit(letter, other.letter)).map(|other| other.then)
    }

    fn target(&self, row: &Row, (sub, sup): (u32, u32), queue: Option<(u32, bool)>) -> Result<u32, String> {
        let mut queues: BTreeSet<u32> = row.queues.iter().map(|&(queue, _)| queue).collect();
        match queue {
            Some((queue, true)) => _ = queues.insert(queue),
            Some((queue, false)) => _ = queues.remove(&queue),
            None => {}
        }
        let key = (sub, sup, queues.into_iter().collect());
        self.number.get(&key).copied().ok_or_else(|| format!("a move to ({sub}, {sup}) leads nowhere"))
    }

    /// The row that a move leads to: it contains the other queues as they are, and what is left of this one.
    fn leads(&self, row: &Row, states: (u32, u32), queue: Option<(u32, Left)>) -> Result<u32, String> {
        let to = self.target(row, states, queue.as_ref().map(|(queue, left)| (*queue, left.is_some())))?;
        let target = self.rows.get(to as usize).ok_or("a row is not there")?;
        for (own, set) in &target.queues {
            let there = match &queue {
                Some((queue, Some(left))) if queue == own => within(left, set),
                _ => lies(row, *own).is_some_and(|mine| within(mine, set)),
            };
            if !there {
                return Err(format!("queue {own} at {states:?} holds more than row {to} says"));
            }
        }
        Ok(to)
    }
}

fn lies(row: &Row, queue: u32) -> Option<&Set> {
    row.queues.iter().find(|(own, _)| *own == queue).map(|(_, set)| set)
}

/// The first cells of a set, and what is left behind each: nothing, something, or both.
fn popped(set: &Set) -> BTreeMap<Cell, Vec<Left>> {
    let mut found: BTreeMap<Cell, BTreeSet<u32>> = BTreeMap::new();
    for &(_, cell, to) in set.steps.iter().filter(|(from, ..)| set.begin.contains(from)) {
        found.entry(cell).or_default().insert(to);
    }
    let left = |(cell, targets): (Cell, BTreeSet<u32>)| {
        let mut lefts = Vec::new();
        if targets.iter().any(|to| set.end.contains(to)) {
            lefts.push(None);
        }
        let begin: BTreeSet<u32> =
            targets.into_iter().filter(|to| set.steps.iter().any(|(from, ..)| from == to)).collect();
        if !begin.is_empty() {
            lefts.push(Some(Set { begin, ..set.clone() }));
        }
        (cell, lefts)
    };
    found.into_iter().map(left).collect()
}

/// All words of a set with a cell behind, or that cell alone.
fn pushed(set: Option<&Set>, state: u32, letter: u32, states: bool) -> Set {
    let cell = (if states { state } else { 0 }, letter);
    let mut longer = set.cloned().unwrap_or_else(|| {
        let start = BTreeSet::from([0]);
        Set { begin: start.clone(), end: start, steps: BTreeSet::new() }
    });
    let new = longer.steps.iter().flat_map(|&(a, _, b)| [a, b]).chain(longer.end.iter().copied()).max();
    let new = new.unwrap_or(0).saturating_add(1);
    longer.steps.extend(longer.end.iter().map(|&end| (end, cell, new)).collect::<Vec<_>>());
    longer.end = BTreeSet::from([new]);
    longer
}

/// Whether every word of one set is one of the other: the other's automaton simulates its own.
fn within(one: &Set, other: &Set) -> bool {
    if one.begin.is_subset(&other.begin) && one.end.is_subset(&other.end) && one.steps.is_subset(&other.steps) {
        return true;
    }
    let by_source = |set: &Set| {
        let mut all: FxHashMap<u32, Vec<(Cell, u32)>> = FxHashMap::default();
        for &(from, cell, to) in &set.steps {
            all.entry(from).or_default().push((cell, to));
        }
        all
    };
    let (mine, theirs) = (by_source(one), by_source(other));
    // Pairs of states in which the second can do what the first can; all that are met from the first ones, then those
    // that cannot are taken away until nothing changes.
    let mut pairs: FxHashSet<(u32, u32)> = FxHashSet::default();
    let mut open: Vec<(u32, u32)> = one.begin.iter().flat_map(|&a| other.begin.iter().map(move |&b| (a, b))).collect();
    while let Some((a, b)) = open.pop() {
        if (one.end.contains(&a) && !other.end.contains(&b)) || !pairs.insert((a, b)) {
            continue;
        }
        for &(cell, a) in mine.get(&a).into_iter().flatten() {
            let same = theirs.get(&b).into_iter().flatten().filter(|&&(other, _)| other == cell);
            open.extend(same.map(|&(_, b)| (a, b)));
        }
    }
    loop {
        let can = |&(a, b): &(u32, u32)| {
            mine.get(&a).into_iter().flatten().all(|&(cell, a)| {
                let mut same = theirs.get(&b).into_iter().flatten().filter(|&&(other, _)| other == cell);
                same.any(|&(_, b)| pairs.contains(&(a, b)))
            })
        };
        let kept: FxHashSet<(u32, u32)> = pairs.iter().copied().filter(can).collect();
        if kept.len() == pairs.len() {
            break;
        }
        pairs = kept;
    }
    one.begin.iter().all(|&a| other.begin.iter().any(|&b| pairs.contains(&(a, b))))
}
