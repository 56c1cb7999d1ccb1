//! Regular sets of queue contents, closed under the moves of the asynchronous game or of the fair one.
//!
//! Comes in: a pair of types, and whether the game is fair. Goes out: a [`Regular`], which for each pair of states, and
//! each choice of queues that are not empty there, tells a set of words for each of these; or nothing, if a set that was
//! made too large has a word that fails.
//!
//! `widen` keeps for all configurations together what was seen behind what; here every pair of states has sets
//! of its own, so what is owed in one phase of a protocol is not mistaken for what is owed in another. A set is an automaton.
//! Its states are told by what they stand for in a word: the letters before, the last few of them in order, and the
//! letters behind. So `x*y x*` is told from `(x|y)*`, however often the types go round. There are finitely many states, and
//! sets only grow.
//!
//! INVARIANT (words): the words of a set are those from a state of `begin` to one of `end` with at least one step; every
//! step is on such a way.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    Fit, Half, Kind, Meter, Pair,
    explore::{Edge, Move, ahead, passed},
    fair::Game,
    starve,
};
use crate::event::Limit;

/// What lies in a queue: the state of who put it there, and the letter.
pub type Cell = (u32, u32);

/// A set of words, not empty ones, over cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// Where words begin.
    pub begin: BTreeSet<u32>,
    /// Where words end.
    pub end: BTreeSet<u32>,
    /// What leads from one to another.
    pub steps: BTreeSet<(u32, Cell, u32)>,
}

/// A pair of states, and what lies in the queues that are not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The state of the smaller type.
    pub sub: u32,
    /// The state of the larger type.
    pub sup: u32,
    /// The queues, in order.
    pub queues: Vec<(u32, Set)>,
}

/// Sets closed under all moves; the first row is the initial configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regular {
    /// They are about the dual types the other way round, which are related iff these are.
    pub dual: bool,
    /// Cells know the state of who put them there; otherwise that is 0 in all of them.
    pub states: bool,
    /// No two with the same states and the same queues.
    pub rows: Vec<Row>,
}

/// How much of a word the states of its automaton know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// The state of who put a letter there belongs to it.
    pub(super) states: bool,
    /// So many letters before, in order.
    pub(super) last: usize,
}

/// The coarse ones first.
pub(super) const TOLD: [Told; 4] = [
    Told { states: false, last: 1 },
    Told { states: true, last: 1 },
    Told { states: true, last: 2 },
    Told { states: true, last: 4 },
];

/// A place in words: the cells before, those behind, and the last ones before.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    before: u64,
    behind: u64,
    last: Vec<u32>,
}

/// More steps in all sets together are not made.
const MOST: usize = 20_000;

struct Places {
    told: Told,
    all: Vec<Place>,
    number: FxHashMap<Place, u32>,
    cells: FxHashMap<Cell, u32>,
}

/// What is left of a set behind a first cell: whether nothing may be, and what else.
type Rest = (bool, Option<Set>);

impl Places {
    fn number(&mut self, place: Place) -> u32 {
        if let Some(&known) = self.number.get(&place) {
            return known;
        }
        let new = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(place.clone());
        self.number.insert(place, new);
        new
    }

    fn place(&self, at: u32) -> Place {
        self.all.get(at as usize).cloned().unwrap_or(Place { before: 0, behind: 0, last: Vec::new() })
    }

    fn cell(&mut self, cell: Cell) -> u32 {
        let new = u32::try_from(self.cells.len()).unwrap_or(u32::MAX);
        *self.cells.entry(cell).or_insert(new)
    }

    fn bit(&mut self, cell: Cell) -> u64 {
        1u64.rotate_left(self.cell(cell))
    }

    fn push(&mut self, set: Option<&Set>, state: u32, letter: u32) -> Set {
        let cell = (if self.told.states { state } else { 0 }, letter);
        let (bit, number) = (self.bit(cell), self.cell(cell));
        let nothing = Place { before: 0, behind: 0, last: Vec::new() };
        let mut moved = |at: u32| {
            let place = self.place(at);
            self.number(Place { behind: place.behind | bit, ..place })
        };
        let mut longer = Set::default();
        let ends: Vec<u32> = match set {
            None => {
                let start = self.number(Place { behind: bit, ..nothing });
                longer.begin.insert(start);
                vec![start]
            }
            Some(set) => {
                longer.begin = set.begin.iter().map(|&at| moved(at)).collect();
                longer.steps = set.steps.iter().map(|&(a, cell, b)| (moved(a), cell, moved(b))).collect();
                set.end.iter().map(|&at| moved(at)).collect()
            }
        };
        for end in ends {
            let Place { before, mut last, .. } = self.place(end);
            last.push(number);
            let over = last.len().saturating_sub(self.told.last);
            last.drain(..over);
            let then = self.number(Place { before: before | bit, behind: 0, last });
            longer.steps.insert((end, cell, then));
            longer.end.insert(then);
        }
        longer
    }

    /// What words begin with, and what is left of them then.
    fn pop(&mut self, set: &Set) -> BTreeMap<Cell, Rest> {
        let mut heads: BTreeMap<Cell, BTreeSet<u32>> = BTreeMap::new();
        let mut from: FxHashMap<u32, Vec<(Cell, u32)>> = FxHashMap::default();
        for &(a, cell, b) in &set.steps {
            from.entry(a).or_default().push((cell, b));
            if set.begin.contains(&a) {
                heads.entry(cell).or_default().insert(b);
            }
        }
        let mut found = BTreeMap::new();
        for (cell, targets) in heads {
            let ends = targets.iter().any(|at| set.end.contains(at));
            // A place, what is before it now, and how many cells, as far as that matters.
            let mut open: Vec<(u32, u64, usize)> =
                targets.into_iter().filter(|at| from.contains_key(at)).map(|at| (at, 0, 0)).collect();
            let mut seen: FxHashSet<(u32, u64, usize)> = open.iter().copied().collect();
            let mut rest = Set { begin: open.iter().map(|&at| self.moved(at)).collect(), ..Set::default() };
            while let Some((at, before, len)) = open.pop() {
                let mine = self.moved((at, before, len));
                if set.end.contains(&at) {
                    rest.end.insert(mine);
                }
                for &(cell, then) in from.get(&at).into_iter().flatten() {
                    let next = (then, before | self.bit(cell), len.saturating_add(1).min(self.told.last));
                    let theirs = self.moved(next);
                    rest.steps.insert((mine, cell, theirs));
                    if seen.insert(next) {
                        open.push(next);
                    }
                }
            }
            found.insert(cell, (ends, (!rest.steps.is_empty()).then_some(rest)));
        }
        found
    }

    /// The place when only these cells are before it.
    fn moved(&mut self, (at, before, len): (u32, u64, usize)) -> u32 {
        let Place { behind, mut last, .. } = self.place(at);
        let over = last.len().saturating_sub(len);
        last.drain(..over);
        self.number(Place { before, behind, last })
    }
}

/// Sets that are growing.
struct Rows {
    number: FxHashMap<(u32, u32, Vec<u32>), usize>,
    all: Vec<Row>,
    open: BTreeSet<usize>,
    edges: BTreeSet<(u32, u32, Option<u32>, Option<u32>)>,
    steps: usize,
}

impl Rows {
    /// Adds words to the sets of a pair of states; the number of their row.
    fn join(&mut self, sub: u32, sup: u32, queues: Vec<(u32, Set)>) -> u32 {
        let key = (sub, sup, queues.iter().map(|&(queue, _)| queue).collect());
        let new = self.all.len();
        let number = *self.number.entry(key).or_insert(new);
        let mut grown = number == new;
        if grown {
            let empty = queues.iter().map(|&(queue, _)| (queue, Set::default())).collect();
            self.all.push(Row { sub, sup, queues: empty });
        }
        let own = self.all.get_mut(number).map_or(&mut [][..], |row| &mut row.queues);
        for ((_, own), (_, more)) in own.iter_mut().zip(queues) {
            let before = (own.begin.len(), own.end.len(), own.steps.len());
            own.begin.extend(more.begin);
            own.end.extend(more.end);
            own.steps.extend(more.steps);
            grown |= before != (own.begin.len(), own.end.len(), own.steps.len());
            self.steps = self.steps.saturating_add(own.steps.len().saturating_sub(before.2));
        }
        if grown {
            self.open.insert(number);
        }
        u32::try_from(number).unwrap_or(u32::MAX)
    }
}

/// What both games demand.
struct Rules<'g, 'p> {
    pair: &'p Pair,
    fair: Option<&'g mut Game<'p>>,
}

impl Rules<'_, '_> {
    /// Where a type goes that does what stands first in a queue, or takes what the other takes.
    fn answer(&self, half: &Half, state: u32, fits: impl Fn(u32) -> Fit) -> Option<(u32, u32)> {
        half.arms(state).iter().find(|arm| fits(arm.letter) == Fit::Yes).map(|arm| (arm.letter, arm.then))
    }

    /// Where the larger type goes with what was sent ahead.
    fn sends(&mut self, sup: u32, (at, letter): Cell) -> Option<u32> {
        match &mut self.fair {
            Some(game) => {
                let all = game.choices(at, sup).ok()?;
                all.iter().find(|&&(own, ..)| own == letter).map(|&(.., then)| then)
            }
            None => self.answer(&self.pair.sup, sup, |own| self.pair.fit(letter, own)).map(|(_, then)| then),
        }
    }

    /// Where the smaller type goes with what the larger takes or took.
    fn takes(&self, sub: u32, letter: u32) -> Option<u32> {
        let then = self.answer(&self.pair.sub, sub, |own| self.pair.fit(own, letter))?.1;
        self.fair.as_ref().is_none_or(|game| game.is_live(true, then)).then_some(then)
    }
}

/// Closed sets in which no word fails and, if the game is not fair, nothing is forgotten; none if there are none of that
/// kind, or not within so many looks.
pub(super) fn prove<'p>(
    (pair, dual): (&'p Pair, bool),
    fair: Option<&mut Game<'p>>,
    told: Told,
    most: usize,
    meter: &mut Meter<'_, '_>,
) -> Result<Option<Regular>, Limit> {
    let is_fair = fair.is_some();
    let mut rules = match fair {
        Some(game) => Rules { pair: game.pair, fair: Some(game) },
        None => Rules { pair, fair: None },
    };
    let mut places = Places { told, all: Vec::new(), number: FxHashMap::default(), cells: FxHashMap::default() };
    let mut rows =
        Rows { number: FxHashMap::default(), all: Vec::new(), open: BTreeSet::new(), edges: BTreeSet::new(), steps: 0 };
    rows.join(pair.sub.initial(), pair.sup.initial(), Vec::new());
    let mut looks = 0usize;
    while let Some(number) = rows.open.pop_first() {
        meter.step(rows.open.len(), rows.steps.saturating_mul(96))?;
        looks = looks.saturating_add(1);
        if rows.steps > MOST || looks > most || places.all.len() > MOST {
            return Ok(None);
        }
        let Some(row) = rows.all.get(number).cloned() else { continue };
        if look(&mut rules, &mut places, &mut rows, u32::try_from(number).unwrap_or(u32::MAX), &row).is_none() {
            return Ok(None);
        }
    }
    if !is_fair && starves(&rows) {
        return Ok(None);
    }
    Ok(Some(Regular { dual, states: told.states, rows: rows.all }))
}

/// All moves of a row; none if one of them goes wrong.
fn look(rules: &mut Rules<'_, '_>, places: &mut Places, rows: &mut Rows, at: u32, row: &Row) -> Option<()> {
    let pair = rules.pair;
    let Row { sub, sup, .. } = *row;
    let of = |queue: u32| row.queues.iter().find(|(q, _)| *q == queue).map(|(_, set)| set);
    let with = |queue: u32, set: Option<Set>| -> Vec<(u32, Set)> {
        let others = row.queues.iter().filter(|(q, _)| *q != queue).cloned();
        let mut all: Vec<(u32, Set)> = others.chain(set.map(|set| (queue, set))).collect();
        all.sort_by_key(|&(queue, _)| queue);
        all
    };
    let mut go = |sub, sup, queues, pops: Option<u32>, pushes: Option<u32>| {
        let to = rows.join(sub, sup, queues);
        rows.edges.insert((at, to, pops, pushes));
    };
    let peer_of = |letter: u32| pair.letter(letter).map_or(0, |letter| letter.peer);
    match pair.sup.kind(sup) {
        Kind::Select(peer) => {
            let queue = ahead(peer);
            if let Some(set) = of(queue) {
                for (cell, (ends, more)) in places.pop(set) {
                    let then = rules.sends(sup, cell)?;
                    if ends {
                        go(sub, then, with(queue, None), Some(queue), None);
                    }
                    if more.is_some() {
                        go(sub, then, with(queue, more), Some(queue), None);
                    }
                }
                return Some(());
            }
        }
        Kind::End if row.queues.iter().any(|(queue, _)| queue.is_multiple_of(2)) => return None,
        Kind::SelectMany | Kind::Mixed => return None,
        _ => {}
    }
    match pair.sub.kind(sub) {
        Kind::End => (pair.sup.kind(sup) == Kind::End && row.queues.is_empty()).then_some(()),
        Kind::Select(_) | Kind::SelectMany => {
            for arm in pair.sub.arms(sub) {
                let queue = ahead(peer_of(arm.letter));
                let longer = places.push(of(queue), sub, arm.letter);
                go(arm.then, sup, with(queue, Some(longer)), None, Some(queue));
            }
            Some(())
        }
        Kind::Branch(peer) => {
            let queue = passed(peer);
            if let Some(set) = of(queue) {
                for ((_, letter), (ends, more)) in places.pop(set) {
                    let then = rules.takes(sub, letter)?;
                    if ends {
                        go(then, sup, with(queue, None), Some(queue), None);
                    }
                    if more.is_some() {
                        go(then, sup, with(queue, more), Some(queue), None);
                    }
                }
                return Some(());
            }
            if !matches!(pair.sup.kind(sup), Kind::Branch(_) | Kind::BranchMany) {
                return None;
            }
            for arm in pair.sup.arms(sup) {
                if rules.fair.as_ref().is_some_and(|game| !game.is_live(false, arm.then)) {
                    continue;
                }
                if peer_of(arm.letter) == peer {
                    let then = rules.takes(sub, arm.letter)?;
                    go(then, arm.then, row.queues.clone(), None, None);
                    continue;
                }
                let queue = passed(peer_of(arm.letter));
                let longer = places.push(of(queue), sup, arm.letter);
                go(sub, arm.then, with(queue, Some(longer)), None, Some(queue));
            }
            Some(())
        }
        Kind::BranchMany | Kind::Mixed => None,
    }
}

/// Whether a queue may starve on an endless way through the rows.
fn starves(rows: &Rows) -> bool {
    let (mut edges, mut first) = (Vec::new(), vec![0u32]);
    let (mut queues, mut first_queue) = (Vec::new(), vec![0u32]);
    for (at, row) in (0u32..).zip(&rows.all) {
        let own = rows.edges.range((at, 0, None, None)..(at.saturating_add(1), 0, None, None));
        edges.extend(own.map(|&(_, to, pops, pushes)| {
            let what = match (pops, pushes) {
                (Some(queue), _) => Move::Pop { queue, letter: 0 },
                (_, Some(queue)) => Move::Push { queue, letter: 0 },
                _ => Move::Both { sub: 0, sup: 0 },
            };
            Edge { what, to }
        }));
        first.push(u32::try_from(edges.len()).unwrap_or(u32::MAX));
        queues.extend(row.queues.iter().map(|&(queue, _)| queue));
        first_queue.push(u32::try_from(queues.len()).unwrap_or(u32::MAX));
    }
    starve::starved(&starve::Graph { edges: &edges, first: &first, queues, first_queue }).is_some()
}
