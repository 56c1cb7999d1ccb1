//! Configurations packed into words, so that a search can keep millions and compare them by comparing words.
//!
//! Every role's state and every edge's queue is a field of bits. A field of at most 64 bits lies inside one word; a
//! longer queue has words of its own:
//!
//! ```text
//! one word    … | state of p | state of q | pq: len, m0, m1, 0 … | …       m0 is the head
//! long queue  len | m0 m1 … m(n-1) | mn …                                  n messages to a word
//! ```
//!
//! INVARIANT (canonical): bits behind a queue's length are 0 and the head is always first, so equal configurations are
//! equal words.
//! INVARIANT (fields): every field lies inside the words of its layout; capacities are those of the semantics that the
//! layout was made for, and [`System::enabled`] never lets a queue grow beyond them.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "by INVARIANT (fields): all word numbers and shifts come from the layout, which checked its sizes"
)]

use crate::{
    id::{EdgeId, Id, IdVec, MessageId, RoleId, StateId},
    machine::{Cells, Semantics, System},
};

/// Bits inside one word.
#[derive(Clone, Copy, Debug)]
struct Field {
    word: u32,
    shift: u32,
    mask: u64,
}

impl Field {
    #[inline]
    fn get(self, words: &[u64]) -> u64 {
        (words[self.word as usize] >> self.shift) & self.mask
    }

    #[inline]
    fn set(self, words: &mut [u64], value: u64) {
        let word = &mut words[self.word as usize];
        *word = (*word & !(self.mask << self.shift)) | (value << self.shift);
    }
}

/// A queue: a length, and that many messages.
#[derive(Clone, Copy, Debug)]
enum Queue {
    /// Nothing is ever queued.
    None,
    /// `len` in the low `len_bits` bits of the field, the messages behind it.
    Short { field: Field, len_bits: u32, len_mask: u64 },
    /// A word for the length, then `words` of messages, `per` to a word.
    Long { at: u32, words: u32, per: u32 },
}

#[derive(Clone, Copy, Debug)]
struct EdgeField {
    queue: Queue,
    /// The edge's messages are numbered from here.
    first: u32,
    /// Bits per message; 0 if there is only one.
    bits: u32,
    mask: u64,
}

/// Where each role and each edge of a system has its bits.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    roles: IdVec<RoleId, Field>,
    edges: IdVec<EdgeId, EdgeField>,
    words: usize,
}

/// Longest configuration that is laid out, in words (32 MiB).
const MAX_WORDS: usize = 1 << 22;

/// Bits to tell numbers up to `max` apart.
fn bits(max: u64) -> u32 {
    u64::BITS - max.leading_zeros()
}

fn mask(bits: u32) -> u64 {
    if bits >= 64 { u64::MAX } else { (1 << bits) - 1 }
}

/// Hands out fields; the last few words that still have room are kept open.
struct Space {
    words: usize,
    open: Vec<(u32, u32)>,
}

impl Space {
    fn field(&mut self, size: u32) -> Option<Field> {
        let slot = self.open.iter().position(|&(_, used)| used + size <= 64);
        let (word, shift) = match slot {
            Some(at) => {
                let open = &mut self.open[at];
                let field = *open;
                open.1 += size;
                field
            }
            None => {
                let word = self.take(1)?;
                if self.open.len() >= 8 {
                    self.open.remove(0);
                }
                self.open.push((word, size));
                (word, 0)
            }
        };
        Some(Field { word, shift: shift.min(63), mask: mask(size) })
    }

    fn take(&mut self, words: usize) -> Option<u32> {
        let at = u32::try_from(self.words).ok()?;
        self.words = self.words.checked_add(words).filter(|&words| words <= MAX_WORDS)?;
        Some(at)
    }
}

impl Layout {
    /// The layout for the queues that these semantics allow, which must be bounded; `None` if it is too large.
    pub(super) fn of(system: &System, semantics: Semantics) -> Option<Self> {
        let mut space = Space { words: 0, open: Vec::new() };
        let mut roles = IdVec::new();
        for machine in system.machines().values() {
            let size = bits(u64::try_from(machine.states().saturating_sub(1)).ok()?);
            roles.push(space.field(size)?).ok()?;
        }
        let mut first = vec![u32::MAX; system.edges().len()];
        let mut count = vec![0u64; system.edges().len()];
        // Messages are numbered edge by edge.
        for (id, message) in system.messages().iter() {
            let edge = message.edge.index();
            first[edge] = first[edge].min(id.raw());
            count[edge] += 1;
        }
        let mut edges = IdVec::new();
        for (id, edge) in system.edges().iter() {
            let capacity = u64::from(semantics.capacity(edge.kind)?);
            let width = bits(count[id.index()].saturating_sub(1));
            let len_bits = bits(capacity);
            let total = u64::from(width).checked_mul(capacity)?.checked_add(u64::from(len_bits))?;
            let queue = if capacity == 0 {
                Queue::None
            } else if total <= 64 {
                let field = space.field(u32::try_from(total).ok()?)?;
                Queue::Short { field, len_bits, len_mask: mask(len_bits) }
            } else {
                let per = 64u32.checked_div(width).unwrap_or(64);
                let words = capacity.div_ceil(u64::from(per));
                let at = space.take(usize::try_from(words).ok()?.checked_add(1)?)?;
                Queue::Long { at, words: u32::try_from(words).ok()?, per }
            };
            edges.push(EdgeField { queue, first: first[id.index()], bits: width, mask: mask(width) }).ok()?;
        }
        Some(Self { roles, edges, words: space.words.max(1) })
    }

    /// The layout of nothing.
    pub(super) fn empty() -> Self {
        Self { roles: IdVec::new(), edges: IdVec::new(), words: 0 }
    }

    /// Words per configuration.
    pub(super) fn words(&self) -> usize {
        self.words
    }

    /// Size of the layout itself.
    pub(super) fn bytes(&self) -> usize {
        self.roles.len() * size_of::<Field>() + self.edges.len() * size_of::<EdgeField>()
    }

    /// Every role at its start, every queue empty.
    pub(super) fn initial(&self, system: &System) -> Vec<u64> {
        let mut words = vec![0; self.words];
        let mut cells = Packed { layout: self, words: &mut words };
        for (role, machine) in system.machines().iter() {
            cells.set_state(role, machine.initial());
        }
        words
    }
}

/// A packed configuration.
pub(super) struct Packed<'a> {
    /// How it is packed.
    pub(super) layout: &'a Layout,
    /// As many as the layout says.
    pub(super) words: &'a mut [u64],
}

impl Cells for Packed<'_> {
    #[inline]
    fn state(&self, role: RoleId) -> StateId {
        let value = self.layout.roles[role].get(self.words);
        StateId::from_raw(u32::try_from(value).unwrap_or_default())
    }

    #[inline]
    fn set_state(&mut self, role: RoleId, state: StateId) {
        self.layout.roles[role].set(self.words, u64::from(state.raw()));
    }

    #[inline]
    fn queued(&self, edge: EdgeId) -> usize {
        let len = match self.layout.edges[edge].queue {
            Queue::None => 0,
            Queue::Short { field, len_mask, .. } => field.get(self.words) & len_mask,
            Queue::Long { at, .. } => self.words[at as usize],
        };
        usize::try_from(len).unwrap_or_default()
    }

    #[inline]
    fn head(&self, edge: EdgeId) -> Option<MessageId> {
        let EdgeField { queue, first, mask, .. } = self.layout.edges[edge];
        let code = match queue {
            Queue::None => return None,
            Queue::Short { field, len_bits, len_mask } => {
                let value = field.get(self.words);
                if value & len_mask == 0 {
                    return None;
                }
                // A length of 64 bits would leave no room for a message of any.
                value.checked_shr(len_bits).unwrap_or(0) & mask
            }
            Queue::Long { at, .. } => {
                if self.words[at as usize] == 0 {
                    return None;
                }
                self.words[at as usize + 1] & mask
            }
        };
        Some(MessageId::from_raw(first + u32::try_from(code).ok()?))
    }

    #[inline]
    fn push(&mut self, edge: EdgeId, message: MessageId) {
        let EdgeField { queue, first, bits, .. } = self.layout.edges[edge];
        let code = u64::from(message.raw() - first);
        match queue {
            Queue::None => {}
            Queue::Short { field, len_bits, len_mask } => {
                let value = field.get(self.words);
                let len = u32::try_from(value & len_mask).unwrap_or_default();
                let code = code.checked_shl(len_bits + len * bits).unwrap_or(0);
                field.set(self.words, (value + 1) | code);
            }
            Queue::Long { at, per, .. } => {
                let len = u32::try_from(self.words[at as usize]).unwrap_or_default();
                self.words[at as usize] += 1;
                self.words[(at + 1 + len / per) as usize] |= code << (len % per * bits);
            }
        }
    }

    #[inline]
    fn pop(&mut self, edge: EdgeId) {
        let EdgeField { queue, bits, mask, .. } = self.layout.edges[edge];
        match queue {
            Queue::None => {}
            Queue::Short { field, len_bits, len_mask } => {
                let value = field.get(self.words);
                let rest = value.checked_shr(len_bits + bits).unwrap_or(0).checked_shl(len_bits).unwrap_or(0);
                field.set(self.words, rest | ((value & len_mask) - 1));
            }
            Queue::Long { at, words, per } => {
                let at = at as usize;
                self.words[at] -= 1;
                let last = at + words as usize;
                for word in at + 1..=last {
                    let next = if word < last { self.words[word + 1] & mask } else { 0 };
                    self.words[word] = self.words[word].checked_shr(bits).unwrap_or(0)
                        | next.checked_shl((per - 1) * bits).unwrap_or(0);
                }
            }
        }
    }
}
