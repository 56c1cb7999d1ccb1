//! What lies in a queue: exactly ([`Exact`]), or by an over-approximation ([`super::widen::Widened`]).
//!
//! A queue's word is a list of *cells*; cells carry letters. Queues that are empty have no word.

use super::certificate::Content;

/// A domain of queue contents.
pub(super) trait Words {
    /// What lies in a queue that is not empty. A handle: the domain has the cells.
    type Word: Copy;

    /// Puts a letter at the end; it was pushed by a machine in this state, while the other was in that.
    fn push(&mut self, queue: u32, word: Option<Self::Word>, letter: u32, at: (u32, u32)) -> Self::Word;

    /// All that the first letter and the rest can be.
    fn pop(&mut self, queue: u32, word: Self::Word, found: &mut Vec<(u32, Option<Self::Word>)>);

    /// A hash of what the word stands for.
    fn hash(&self, word: Self::Word) -> u64;

    /// Whether two words stand for the same.
    fn same(&self, a: Self::Word, b: Self::Word) -> bool;

    /// Memory in use.
    fn bytes(&self) -> usize;
}

/// A slice of a path in the log: the cells behind `before` up to `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    before: u32,
    last: u32,
    len: u32,
}

impl Slice {
    pub(super) fn len(self) -> usize {
        self.len as usize
    }

    /// The same for a certificate.
    pub(super) fn content(self) -> Content {
        Content { tail: self.last, len: self.len, last: None }
    }
}

/// A letter that was pushed, and what was pushed before it.
#[derive(Clone, Copy, Debug)]
struct Cell {
    parent: u32,
    /// An ancestor far away: with these any ancestor is found in a logarithmic number of steps.
    jump: u32,
    depth: u32,
    letter: u32,
    /// Of all letters from the root to here, as a polynomial.
    hash: u64,
}

/// Exact contents. All words share one log of what was ever pushed, a tree: pushing makes a node, popping moves the
/// beginning of a slice of a path, so neither copies, however long words are.
///
/// INVARIANT (tree): parents come before their children; the root is 0; jumps lead to ancestors.
#[derive(Clone, Debug)]
pub(super) struct Exact {
    cells: Vec<Cell>,
    /// Powers of [`BASE`].
    powers: Vec<u64>,
}

/// Hashes are computed modulo the prime 2^61 - 1.
const PRIME: u64 = (1 << 61) - 1;
const BASE: u64 = 0x0123_4567_89ab_cdef;

#[expect(clippy::arithmetic_side_effects, reason = "factors are below 2^61, so nothing overflows")]
fn times(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    #[expect(clippy::cast_possible_truncation, reason = "61 bits and 61 bits")]
    let (low, high) = ((product & u128::from(PRIME)) as u64, (product >> 61) as u64);
    let sum = low + high;
    if sum >= PRIME { sum - PRIME } else { sum }
}

#[expect(clippy::arithmetic_side_effects, reason = "both are below 2^61")]
fn plus(a: u64, b: u64) -> u64 {
    let sum = a + b;
    if sum >= PRIME { sum - PRIME } else { sum }
}

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "by INVARIANT (tree) parents and jumps are cells; a slice is not longer than its path; cells have 32-bit numbers"
)]
impl Exact {
    pub(super) fn new() -> Self {
        Self { cells: vec![Cell { parent: 0, jump: 0, depth: 0, letter: 0, hash: 0 }], powers: vec![1] }
    }

    fn add(&mut self, parent: u32, letter: u32) -> u32 {
        let above = self.cells[parent as usize];
        let far = self.cells[above.jump as usize];
        // Jumps as in skew-binary numbers.
        let jump = if above.depth - far.depth == far.depth - self.cells[far.jump as usize].depth && parent != 0 {
            far.jump
        } else {
            parent
        };
        let hash = plus(times(above.hash, BASE), u64::from(letter) + 1);
        let at = u32::try_from(self.cells.len()).expect("a search ends before it has pushed 2^32 letters");
        self.cells.push(Cell { parent, jump, depth: above.depth + 1, letter, hash });
        at
    }

    /// The ancestor at a depth.
    fn ancestor(&self, mut at: u32, depth: u32) -> u32 {
        loop {
            let cell = self.cells[at as usize];
            if cell.depth <= depth {
                return at;
            }
            at = if self.cells[cell.jump as usize].depth >= depth { cell.jump } else { cell.parent };
        }
    }

    fn power(&mut self, len: u32) {
        while self.powers.len() <= len as usize {
            let last = self.powers[self.powers.len() - 1];
            self.powers.push(times(last, BASE));
        }
    }

    /// The log for a certificate: the letter of each cell, and the cells with their parents.
    pub(super) fn tape(&self) -> (Vec<u32>, Vec<(u32, u32)>) {
        let most = self.cells.iter().map(|cell| cell.letter).max().unwrap_or(0);
        ((0..=most).collect(), self.cells.iter().map(|cell| (cell.parent, cell.letter)).collect())
    }

    /// The letters of a word, last first.
    pub(super) fn backwards(&self, word: Slice) -> impl Iterator<Item = u32> + '_ {
        let mut at = word.last;
        (0..word.len).map(move |_| {
            let cell = self.cells[at as usize];
            at = cell.parent;
            cell.letter
        })
    }

    /// The letters of a word, in order.
    pub(super) fn letters(&self, word: Slice) -> Vec<u32> {
        let mut letters: Vec<u32> = self.backwards(word).collect();
        letters.reverse();
        letters
    }
}

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "by INVARIANT (tree) parents and jumps are cells; words have a length of at least 1; powers reach all lengths"
)]
impl Words for Exact {
    type Word = Slice;

    fn push(&mut self, _: u32, word: Option<Slice>, letter: u32, _: (u32, u32)) -> Slice {
        let word = word.unwrap_or(Slice { before: 0, last: 0, len: 0 });
        self.power(word.len + 1);
        Slice { before: word.before, last: self.add(word.last, letter), len: word.len + 1 }
    }

    fn pop(&mut self, _: u32, word: Slice, found: &mut Vec<(u32, Option<Slice>)>) {
        let depth = self.cells[word.last as usize].depth - word.len + 1;
        let first = self.ancestor(word.last, depth);
        let rest = Slice { before: first, last: word.last, len: word.len - 1 };
        found.push((self.cells[first as usize].letter, (rest.len > 0).then_some(rest)));
    }

    fn hash(&self, word: Slice) -> u64 {
        let before = times(self.cells[word.before as usize].hash, self.powers[word.len as usize]);
        plus(self.cells[word.last as usize].hash, PRIME - before)
    }

    fn same(&self, a: Slice, b: Slice) -> bool {
        if a.len != b.len {
            return false;
        }
        a == b || {
            let (mut x, mut y) = (a.last, b.last);
            for _ in 0..a.len {
                // From here on both are one path.
                if x == y {
                    return true;
                }
                let (one, other) = (self.cells[x as usize], self.cells[y as usize]);
                if one.letter != other.letter {
                    return false;
                }
                (x, y) = (one.parent, other.parent);
            }
            true
        }
    }

    fn bytes(&self) -> usize {
        self.cells.len().saturating_mul(size_of::<Cell>()).saturating_add(self.powers.len().saturating_mul(8))
    }
}
