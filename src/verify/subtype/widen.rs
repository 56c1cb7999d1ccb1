//! Queue contents by over-approximation, so that finitely many configurations stand for infinitely many.
//!
//! Short contents are exact. Of a longer one is kept how it begins, its last cell, and, for all contents of a queue
//! together, which cell was ever seen behind which: a [`Shape`] stands for all words that begin so, end so, and go from
//! cell to cell in between as was seen. A cell is a letter and where the machines were when it was pushed ([`Tags`]), so
//! the relation of neighbours knows the control of the machine that pushes: `(aab)*` is not mistaken for `{a, b}*`.
//!
//! When a search has met new neighbours it begins again with them, until there are none: the neighbours, and with them
//! what any shape stands for, only grow, and are finite.
//!
//! INVARIANT (shapes): a shape that is not exact keeps at least one first cell.

use rustc_hash::{FxHashMap, FxHashSet};

use super::contents::Words;

/// What a cell knows besides its letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tags {
    /// Nothing.
    Letter,
    /// The state of the machine that pushed it.
    State,
    /// The states of both.
    Both,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Precision {
    pub(super) tags: Tags,
    /// Contents up to this length are exact; not less than `first`.
    pub(super) exact: usize,
    /// Of longer contents so many first cells are kept; not 0.
    pub(super) first: usize,
}

/// What lies in a queue: these cells, or, with `last`, these cells, others, and that one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    pub(super) cells: Box<[u32]>,
    pub(super) last: Option<u32>,
}

/// The domain.
#[derive(Clone, Debug)]
pub(super) struct Widened {
    precision: Precision,
    cells: Vec<(u32, (u32, u32))>,
    cell_of: FxHashMap<(u32, (u32, u32)), u32>,
    shapes: Vec<Shape>,
    shape_of: FxHashMap<Shape, u32>,
    /// Of each queue and cell: which cells were seen behind it.
    neighbours: FxHashMap<(u32, u32), Vec<u32>>,
    /// Some were seen since this was last set to false.
    pub(super) grown: bool,
    /// Which cells lead to which in a queue, as far as it was asked; forgotten when neighbours grow.
    reach: FxHashMap<(u32, u32), FxHashSet<u32>>,
}

impl Widened {
    pub(super) fn new(precision: Precision) -> Self {
        Self {
            precision,
            cells: Vec::new(),
            cell_of: FxHashMap::default(),
            shapes: Vec::new(),
            shape_of: FxHashMap::default(),
            neighbours: FxHashMap::default(),
            grown: false,
            reach: FxHashMap::default(),
        }
    }

    pub(super) fn shape(&self, word: u32) -> Option<&Shape> {
        self.shapes.get(word as usize)
    }

    /// The letter of each cell.
    pub(super) fn letters(&self) -> Vec<u32> {
        self.cells.iter().map(|&(letter, _)| letter).collect()
    }

    /// All neighbours: queue, cell, and the cell behind it; sorted.
    pub(super) fn neighbours(&self) -> Vec<(u32, u32, u32)> {
        let each =
            self.neighbours.iter().flat_map(|(&(queue, cell), next)| next.iter().map(move |&n| (queue, cell, n)));
        let mut all: Vec<(u32, u32, u32)> = each.collect();
        all.sort_unstable();
        all
    }

    fn cell(&mut self, letter: u32, at: (u32, u32)) -> u32 {
        let tag = match self.precision.tags {
            Tags::Letter => (0, 0),
            Tags::State => (at.0, 0),
            Tags::Both => at,
        };
        let new = u32::try_from(self.cells.len()).unwrap_or(u32::MAX);
        let cell = *self.cell_of.entry((letter, tag)).or_insert(new);
        if cell == new {
            self.cells.push((letter, tag));
        }
        cell
    }

    fn letter(&self, cell: u32) -> u32 {
        self.cells.get(cell as usize).map_or(0, |&(letter, _)| letter)
    }

    fn intern(&mut self, shape: Shape) -> u32 {
        if let Some(&known) = self.shape_of.get(&shape) {
            return known;
        }
        let new = u32::try_from(self.shapes.len()).unwrap_or(u32::MAX);
        self.shapes.push(shape.clone());
        self.shape_of.insert(shape, new);
        new
    }

    fn behind(&mut self, queue: u32, cell: u32, next: u32) {
        let all = self.neighbours.entry((queue, cell)).or_default();
        if !all.contains(&next) {
            all.push(next);
            self.grown = true;
            self.reach.clear();
        }
    }

    /// Whether a cell is the other, or one of those that lead to it.
    fn leads(&mut self, queue: u32, cell: u32, to: u32) -> bool {
        if cell == to {
            return true;
        }
        if !self.reach.contains_key(&(queue, cell)) {
            let mut seen: FxHashSet<u32> = FxHashSet::default();
            let mut todo = vec![cell];
            while let Some(at) = todo.pop() {
                for &next in self.neighbours.get(&(queue, at)).into_iter().flatten() {
                    if seen.insert(next) {
                        todo.push(next);
                    }
                }
            }
            self.reach.insert((queue, cell), seen);
        }
        self.reach.get(&(queue, cell)).is_some_and(|seen| seen.contains(&to))
    }
}

impl Words for Widened {
    type Word = u32;

    fn push(&mut self, queue: u32, word: Option<u32>, letter: u32, at: (u32, u32)) -> u32 {
        let cell = self.cell(letter, at);
        let old = word.and_then(|word| self.shape(word)).cloned();
        let shape = match old {
            Some(Shape { cells, last: Some(last) }) => {
                self.behind(queue, last, cell);
                Shape { cells, last: Some(cell) }
            }
            old => {
                let mut cells = old.map_or_else(Vec::new, |shape| shape.cells.into_vec());
                cells.push(cell);
                if cells.len() <= self.precision.exact {
                    Shape { cells: cells.into(), last: None }
                } else {
                    let first = self.precision.first;
                    for pair in cells.get(first.saturating_sub(1)..).unwrap_or(&[]).windows(2) {
                        if let [cell, next] = *pair {
                            self.behind(queue, cell, next);
                        }
                    }
                    cells.truncate(first);
                    Shape { cells: cells.into(), last: Some(cell) }
                }
            }
        };
        self.intern(shape)
    }

    fn pop(&mut self, queue: u32, word: u32, found: &mut Vec<(u32, Option<u32>)>) {
        let Some(Shape { cells, last }) = self.shape(word).cloned() else { return };
        let Some((&head, rest)) = cells.split_first() else { return };
        let letter = self.letter(head);
        let end = cells.last().copied();
        if last.is_none() || last == end {
            let exact = (!rest.is_empty()).then(|| self.intern(Shape { cells: rest.into(), last: None }));
            found.push((letter, exact));
        }
        let (Some(last), Some(end)) = (last, end) else { return };
        let next = self.neighbours.get(&(queue, end)).cloned().unwrap_or_default();
        for cell in next {
            if self.leads(queue, cell, last) {
                let cells: Vec<u32> = rest.iter().copied().chain([cell]).collect();
                let rest = self.intern(Shape { cells: cells.into(), last: Some(last) });
                found.push((letter, Some(rest)));
            }
        }
    }

    fn hash(&self, word: u32) -> u64 {
        u64::from(word).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn same(&self, a: u32, b: u32) -> bool {
        a == b
    }

    fn bytes(&self) -> usize {
        let each = 64usize.saturating_add(self.precision.exact.saturating_mul(16));
        self.shapes.len().saturating_mul(each)
    }
}
