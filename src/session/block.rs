//! Hot blocks: all that a step of a table session reads and writes, in lines of 64 bytes.
//!
//! ```text
//! word 0      generation of the slot (32) | status (8) | flags (8) | steps, low 16 bits
//! word 1      the time of the latest event
//! then        a generation per role (32 each), a state per role (8, 16 or 32 each),
//!             per edge: head (8), length (8), and a ring of message numbers (8, 16 or 32 each)
//! ```
//!
//! For R roles and E edges of rings of k that is 2R + E(2 + k) + 4R + 16 bytes with the usual widths, rounded up to
//! lines: 64 bytes for three roles and three edges of 8. What exceeds a ring is in the store's spill.
//!
//! INVARIANT (aligned): an entry of width w begins at a multiple of w, so it never crosses a word.

use crate::{
    id::{EdgeId, Id, IdVec, RoleId, StateId},
    machine::System,
};

/// 64 bytes, where a cache line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(align(64))]
pub(super) struct Line(pub(super) [u8; 64]);

impl Default for Line {
    fn default() -> Self {
        Self([0; 64])
    }
}

/// A block, read and written in entries. What is written in one width is read in the same, so that a processor can hand
/// a value from a store to the next load.
pub(super) trait Words {
    /// The line in which a byte is, and where in it.
    fn line(&self, at: usize) -> (&[u8; 64], usize);
    /// The same, to be changed.
    fn line_mut(&mut self, at: usize) -> (&mut [u8; 64], usize);

    /// A word, by its number.
    #[inline]
    fn word(&self, number: usize) -> u64 {
        let (line, at) = self.line(number << 3);
        line.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    /// Writes a word.
    #[inline]
    fn put(&mut self, number: usize, word: u64) {
        let (line, at) = self.line_mut(number << 3);
        if let Some(bytes) = line.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
            *bytes = word.to_le_bytes();
        }
    }
}

impl Words for Line {
    #[inline]
    fn line(&self, at: usize) -> (&[u8; 64], usize) {
        (&self.0, at & 63)
    }

    #[inline]
    fn line_mut(&mut self, at: usize) -> (&mut [u8; 64], usize) {
        (&mut self.0, at & 63)
    }
}

/// What is read of a line that there is not.
static NOTHING: [u8; 64] = [0; 64];

impl Words for [Line] {
    #[inline]
    fn line(&self, at: usize) -> (&[u8; 64], usize) {
        (self.get(at >> 6).map_or(&NOTHING, |line| &line.0), at & 63)
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "by INVARIANT (aligned): layouts give bytes of the block alone")]
    fn line_mut(&mut self, at: usize) -> (&mut [u8; 64], usize) {
        (&mut self[at >> 6].0, at & 63)
    }
}

/// How many bits an entry has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    Byte,
    Half,
    Full,
}

impl Width {
    /// The least that holds a number.
    pub(super) fn of(most: usize) -> Self {
        match most {
            0..=0xff => Self::Byte,
            0x100..=0xffff => Self::Half,
            _ => Self::Full,
        }
    }

    #[inline]
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Byte => 1,
            Self::Half => 2,
            Self::Full => 4,
        }
    }
}

/// The entry of a width at a byte.
#[inline]
#[expect(clippy::indexing_slicing, reason = "a number below 64 is an index of 64 bytes")]
pub(super) fn get<W: Words + ?Sized>(words: &W, byte: usize, width: Width) -> u32 {
    let (line, at) = words.line(byte);
    match width {
        Width::Byte => u32::from(line[at & 63]),
        Width::Half => {
            line.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |two| u32::from(u16::from_le_bytes(*two)))
        }
        Width::Full => line.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |four| u32::from_le_bytes(*four)),
    }
}

/// Writes an entry; of a value that is wider its low bits.
#[inline]
#[expect(clippy::indexing_slicing, reason = "a number below 64 is an index of 64 bytes")]
pub(super) fn put<W: Words + ?Sized>(words: &mut W, byte: usize, width: Width, value: u32) {
    let (line, at) = words.line_mut(byte);
    match width {
        Width::Byte => line[at & 63] = value as u8,
        Width::Half => {
            if let Some(two) = line.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
                *two = (value as u16).to_le_bytes();
            }
        }
        Width::Full => {
            if let Some(four) = line.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
                *four = value.to_le_bytes();
            }
        }
    }
}

/// Where an edge is in a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ring {
    /// The byte of its head; its length is the next one.
    head: u32,
    /// The byte of its first entry.
    first: u32,
    /// How many entries it has.
    pub(super) size: u8,
    /// The first of its messages: entries are counted from it.
    pub(super) base: u32,
}

impl Ring {
    /// The bytes of its head and of its first entry.
    pub(super) fn bytes(&self) -> (u32, u32) {
        (self.head, self.first)
    }
}

/// Where everything is in a block.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// Lines of a block.
    pub(super) lines: usize,
    states: usize,
    state: Width,
    entry: Width,
    pub(super) rings: IdVec<EdgeId, Ring>,
}

/// The byte of the first role's generation.
const GENERATIONS: usize = 16;
/// The longest ring in a block; longer queues spill.
pub(super) const RING: u8 = 8;

impl Layout {
    /// The layout for a system; `bound` is how many messages an edge holds at most.
    #[must_use]
    pub(super) fn of(system: &System, bound: impl Fn(EdgeId) -> u32) -> Self {
        let roles = system.machines().len();
        let states = system.machines().values().map(crate::machine::Machine::states).max().unwrap_or(0);
        let mut first: IdVec<EdgeId, Option<u32>> = system.edges().values().map(|_| None).collect();
        let mut most = 0_usize;
        for (id, message) in system.messages().iter() {
            let base = *first[message.edge].get_or_insert(id.raw());
            most = most.max(id.index().saturating_sub(base as usize));
        }
        let mut layout = Self {
            lines: 1,
            states: GENERATIONS.saturating_add(roles.saturating_mul(4)),
            state: Width::of(states),
            entry: Width::of(most),
            rings: IdVec::new(),
        };
        let aligned = |at: usize, width: Width| at.next_multiple_of(width.bytes());
        layout.states = aligned(layout.states, layout.state);
        let mut at = layout.states.saturating_add(roles.saturating_mul(layout.state.bytes()));
        for (edge, _) in system.edges().iter() {
            let size = u8::try_from(bound(edge)).unwrap_or(u8::MAX).clamp(1, RING);
            let entries = aligned(at.saturating_add(2), layout.entry);
            let ring = Ring {
                head: u32::try_from(at).unwrap_or(u32::MAX),
                first: u32::try_from(entries).unwrap_or(u32::MAX),
                size,
                base: first[edge].unwrap_or(0),
            };
            // There are as many rings as edges, which have ids.
            let _: Result<EdgeId, _> = layout.rings.push(ring);
            at = entries.saturating_add(usize::from(size).saturating_mul(layout.entry.bytes()));
        }
        layout.lines = at.div_ceil(64).max(1);
        layout
    }

    /// The layout of sessions whose configuration is elsewhere: generations alone.
    #[must_use]
    pub(super) fn bare(roles: usize) -> Self {
        let states = GENERATIONS.saturating_add(roles.saturating_mul(4));
        Self { lines: states.div_ceil(64).max(1), states, state: Width::Byte, entry: Width::Byte, rings: IdVec::new() }
    }

    /// The byte of the state of a role.
    #[inline]
    pub(super) fn state_byte(&self, role: RoleId) -> usize {
        self.states.wrapping_add(role.index().wrapping_mul(self.state.bytes()))
    }

    /// The width of states.
    pub(super) fn state_width(&self) -> Width {
        self.state
    }

    /// The width of the entries of rings.
    pub(super) fn entry_width(&self) -> Width {
        self.entry
    }

    /// The state of a role.
    #[inline]
    pub(super) fn state<W: Words + ?Sized>(&self, words: &W, role: RoleId) -> StateId {
        StateId::from_raw(get(words, self.state_byte(role), self.state))
    }

    /// Puts a role into a state.
    #[inline]
    pub(super) fn set_state<W: Words + ?Sized>(&self, words: &mut W, role: RoleId, state: StateId) {
        put(words, self.state_byte(role), self.state, state.raw());
    }

    /// How many messages the ring of an edge holds.
    #[inline]
    pub(super) fn len<W: Words + ?Sized>(&self, words: &W, edge: EdgeId) -> usize {
        let ring = &self.rings[edge];
        get(words, (ring.head as usize).wrapping_add(1), Width::Byte) as usize
    }

    /// The place in the ring of an entry, counted from its head.
    pub(super) fn place<W: Words + ?Sized>(&self, words: &W, edge: EdgeId, at: usize) -> u32 {
        let ring = &self.rings[edge];
        let place = (get(words, ring.head as usize, Width::Byte) as usize).wrapping_add(at);
        let size = usize::from(ring.size);
        // A ring is short.
        u32::try_from(if place >= size { place.wrapping_sub(size) } else { place }).unwrap_or(0)
    }

    /// The message at a place of the ring, counted from its head.
    #[inline]
    pub(super) fn entry<W: Words + ?Sized>(&self, words: &W, edge: EdgeId, at: usize) -> u32 {
        let ring = &self.rings[edge];
        let head = get(words, ring.head as usize, Width::Byte) as usize;
        let mut place = head.wrapping_add(at);
        if place >= usize::from(ring.size) {
            place = place.wrapping_sub(usize::from(ring.size));
        }
        let byte = (ring.first as usize).wrapping_add(place.wrapping_mul(self.entry.bytes()));
        get(words, byte, self.entry).wrapping_add(ring.base)
    }

    /// Appends a message to a ring that has room.
    #[inline]
    pub(super) fn push<W: Words + ?Sized>(&self, words: &mut W, edge: EdgeId, message: u32) {
        let ring = &self.rings[edge];
        let head = get(words, ring.head as usize, Width::Byte) as usize;
        let len = get(words, (ring.head as usize).wrapping_add(1), Width::Byte);
        let mut place = head.wrapping_add(len as usize);
        if place >= usize::from(ring.size) {
            place = place.wrapping_sub(usize::from(ring.size));
        }
        let byte = (ring.first as usize).wrapping_add(place.wrapping_mul(self.entry.bytes()));
        put(words, byte, self.entry, message.wrapping_sub(ring.base));
        put(words, (ring.head as usize).wrapping_add(1), Width::Byte, len.wrapping_add(1));
    }

    /// Takes the oldest message of a ring that is not empty.
    #[inline]
    pub(super) fn pop<W: Words + ?Sized>(&self, words: &mut W, edge: EdgeId) {
        let ring = &self.rings[edge];
        let head = get(words, ring.head as usize, Width::Byte).wrapping_add(1);
        let len = get(words, (ring.head as usize).wrapping_add(1), Width::Byte);
        put(words, ring.head as usize, Width::Byte, if head >= u32::from(ring.size) { 0 } else { head });
        put(words, (ring.head as usize).wrapping_add(1), Width::Byte, len.saturating_sub(1));
    }
}

/// The byte of the generation of a role.
#[inline]
pub(super) fn generation_byte(role: RoleId) -> usize {
    GENERATIONS.wrapping_add(role.index().wrapping_mul(4))
}

/// The generation of a role.
#[inline]
pub(super) fn generation<W: Words + ?Sized>(words: &W, role: RoleId) -> u32 {
    get(words, generation_byte(role), Width::Full)
}

/// The generation of a role in a block of one line.
#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "a number below 16 is an index of 16 chunks")]
pub(super) fn near_generation(line: &Line, role: RoleId) -> u32 {
    let (entries, _) = line.0.as_chunks::<4>();
    u32::from_le_bytes(entries[(GENERATIONS / 4).wrapping_add(role.index()) & 15])
}

/// Sets the generation of a role.
#[inline]
pub(super) fn set_generation<W: Words + ?Sized>(words: &mut W, role: RoleId, generation: u32) {
    put(words, generation_byte(role), Width::Full, generation);
}

/// The first word of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Of the slot.
    pub(super) generation: u32,
    pub(super) status: u8,
    pub(super) flags: u8,
    /// The low bits of the number of steps.
    pub(super) steps: u16,
}

impl Head {
    #[inline]
    pub(super) fn read<W: Words + ?Sized>(words: &W) -> Self {
        let word = words.word(0);
        Self {
            generation: word as u32,
            status: (word >> 32) as u8,
            flags: (word >> 40) as u8,
            steps: (word >> 48) as u16,
        }
    }

    #[inline]
    pub(super) fn write<W: Words + ?Sized>(self, words: &mut W) {
        let word = u64::from(self.generation)
            | (u64::from(self.status) << 32)
            | (u64::from(self.flags) << 40)
            | (u64::from(self.steps) << 48);
        words.put(0, word);
    }
}

/// Some queue of the session holds more than its ring.
pub(super) const SPILLS: u8 = 1;
/// Some queued message carries a payload id.
pub(super) const PAYLOADS: u8 = 2;
/// A readiness witness is waiting to be used.
pub(super) const WITNESSED: u8 = 4;
/// An offer waits on a synchronous edge.
pub(super) const OFFERS: u8 = 8;
/// Messages of the session are authenticated, or its edges traced.
pub(super) const WATCHED: u8 = 16;
/// The host bound handlers.
pub(super) const HANDLED: u8 = 32;
/// There is more to a step than its type, its queue and its record.
pub(super) const WATCHFUL: u8 = PAYLOADS | WITNESSED | OFFERS | WATCHED | HANDLED;
/// What the short way does not know.
pub(super) const UNUSUAL: u8 = SPILLS | WITNESSED | OFFERS | WATCHED | HANDLED;

/// The time of a block's latest event.
#[inline]
pub(super) fn now<W: Words + ?Sized>(words: &W) -> i64 {
    words.word(1).cast_signed()
}

/// Sets the time of a block's latest event.
#[inline]
pub(super) fn set_now<W: Words + ?Sized>(words: &mut W, now: i64) {
    words.put(1, now.cast_unsigned());
}
