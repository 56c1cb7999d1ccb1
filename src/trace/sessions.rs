//! Sessions by name: a block for each that goes on, a few bytes for each that is over.
//!
//! ```text
//! index ──► block: name, events, the last eight events     states: one per role, beside it
//!      └──► past:  name, events, how it ended              (all roles ended, or judged)
//! ```
//!
//! A session that cannot go on gives its block back. Its name stays, so that an event that comes later is noticed;
//! memory is linear in live sessions and in the names of past ones, and flat in the number of events.
//!
//! INVARIANT (one): a name is that of one live block or of one past session, and the index says of which.
#![expect(clippy::indexing_slicing, reason = "by INVARIANT (one): the index only holds slots that exist")]
#![expect(clippy::arithmetic_side_effects, reason = "sizes are bounded by memory, positions by the tables")]

use rustc_hash::FxHashMap;

use super::index::{Index, Key, MOST};
use crate::{id::StateId, machine::Configuration};

/// Events that are remembered of each session.
pub(crate) const RECENT: usize = 8;
/// Names up to this length stand in the block.
const INLINE: usize = 24;
/// Set in the index's numbers of past sessions.
const PAST: u32 = 1 << 31;

/// States that stand in the block.
const NEAR: usize = 4;

/// A session that goes on: one cache line that every event reads and one that it writes.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(crate) struct Block {
    name: [u8; INLINE],
    /// More than [`INLINE`]: the name is in `long`.
    len: u8,
    /// Its configurations are in `heavy`, not in `states`.
    pub(crate) heavy: bool,
    /// How many events it has had.
    pub(crate) events: u64,
    /// The line of its first event.
    pub(crate) born: u64,
    /// The states, if there are no more than [`NEAR`] roles.
    near: [StateId; NEAR],
    /// Lines and kinds of its last events: event `n` is at `n % RECENT`; the line above, 24 bits of kind below.
    recent: [u64; RECENT],
}

impl Block {
    /// Notes an event.
    #[inline]
    pub(crate) fn note(&mut self, line: u64, kind: u32) {
        self.recent[self.events as usize % RECENT] = line << 24 | u64::from(kind & 0xFF_FFFF);
        self.events += 1;
    }

    /// Lines and kinds of the last events, oldest first.
    pub(crate) fn recent(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        let first = self.events.saturating_sub(RECENT as u64);
        (first..self.events).map(|n| {
            let entry = self.recent[n as usize % RECENT];
            (entry >> 24, (entry & 0xFF_FFFF) as u32)
        })
    }
}

/// A session that is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Past {
    start: u64,
    len: u32,
    /// Its verdict was given; else all its roles have ended.
    pub(crate) judged: bool,
    pub(crate) events: u64,
    pub(crate) born: u64,
    /// The line of its last event.
    pub(crate) last: u64,
}

/// Where a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A slot of `blocks`.
    Live(u32),
    /// An entry of `past`.
    Past(u32),
}

/// All sessions of a trace.
#[derive(Debug)]
pub(crate) struct Sessions {
    key: Key,
    index: Index,
    blocks: Vec<Block>,
    free: Vec<u32>,
    /// `width` states per slot, if they are more than [`NEAR`].
    states: Vec<StateId>,
    width: usize,
    initial: Box<[StateId]>,
    long: FxHashMap<u32, Box<str>>,
    /// The configurations of sessions that are more than bare states.
    pub(crate) heavy: FxHashMap<u32, Vec<Configuration>>,
    past: Vec<Past>,
    names: Vec<u8>,
}

impl Sessions {
    pub(crate) fn new(initial: Box<[StateId]>) -> Self {
        Self {
            key: Key::default(),
            index: Index::default(),
            blocks: Vec::new(),
            free: Vec::new(),
            states: Vec::new(),
            width: initial.len(),
            initial,
            long: FxHashMap::default(),
            heavy: FxHashMap::default(),
            past: Vec::new(),
            names: Vec::new(),
        }
    }

    #[inline]
    pub(crate) fn hash(&self, name: &str) -> u64 {
        self.key.hash(name.as_bytes())
    }

    #[inline]
    pub(crate) fn find(&self, name: &str, hash: u64) -> Option<Place> {
        let number = self.index.find(hash, |number| {
            let known = if number & PAST == 0 { self.live_name(number) } else { self.past_name(number ^ PAST) };
            known == name.as_bytes()
        })?;
        Some(if number & PAST == 0 { Place::Live(number) } else { Place::Past(number ^ PAST) })
    }

    /// Reads where the search for a session begins, so that it is near when [`Self::hint`] needs it.
    #[inline]
    pub(crate) fn ask(&self, hash: u64) -> u64 {
        self.index.touch(hash)
    }

    /// Where a session will most likely be found.
    #[inline]
    pub(crate) fn hint(&self, hash: u64) -> u32 {
        self.index.hint(hash).unwrap_or(u32::MAX)
    }

    /// Reads of a block whatever a step will need, so that it is near when it does.
    #[inline]
    pub(crate) fn touch(&self, hint: u32) -> u64 {
        let Some(block) = self.blocks.get(hint as usize) else { return 0 };
        block.events ^ block.recent[0]
    }

    #[inline]
    fn live_name(&self, slot: u32) -> &[u8] {
        let block = &self.blocks[slot as usize];
        match block.name.get(..block.len as usize) {
            Some(name) => name,
            None => self.long.get(&slot).map_or(&[], |name| name.as_bytes()),
        }
    }

    fn past_name(&self, at: u32) -> &[u8] {
        let past = &self.past[at as usize];
        let start = past.start as usize;
        &self.names[start..start + past.len as usize]
    }

    /// The name of a session.
    pub(crate) fn name(&self, place: Place) -> String {
        let name = match place {
            Place::Live(slot) => self.live_name(slot),
            Place::Past(at) => self.past_name(at),
        };
        String::from_utf8_lossy(name).into_owned()
    }

    /// A new session; `None` if there are more than can be numbered.
    pub(crate) fn open(&mut self, name: &str, hash: u64, line: u64) -> Option<u32> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => u32::try_from(self.blocks.len()).ok().filter(|&slot| slot < PAST)?,
        };
        let mut block = Block {
            name: [0; INLINE],
            len: u8::MAX,
            heavy: false,
            events: 0,
            born: line,
            near: [StateId::default(); NEAR],
            recent: [0; RECENT],
        };
        match block.name.get_mut(..name.len()) {
            Some(inline) => {
                inline.copy_from_slice(name.as_bytes());
                block.len = name.len() as u8;
            }
            None => {
                self.long.insert(slot, name.into());
            }
        }
        if slot as usize == self.blocks.len() {
            self.blocks.push(block);
            if self.width > NEAR {
                self.states.extend_from_slice(&self.initial);
            }
        } else {
            self.blocks[slot as usize] = block;
        }
        let initial = std::mem::take(&mut self.initial);
        self.states_mut(slot).copy_from_slice(&initial);
        self.initial = initial;
        self.index.insert(hash, slot);
        Some(slot)
    }

    #[inline]
    pub(crate) fn block(&self, slot: u32) -> &Block {
        &self.blocks[slot as usize]
    }

    #[inline]
    pub(crate) fn block_mut(&mut self, slot: u32) -> &mut Block {
        &mut self.blocks[slot as usize]
    }

    #[inline]
    pub(crate) fn states(&self, slot: u32) -> &[StateId] {
        if self.width <= NEAR {
            return &self.blocks[slot as usize].near[..self.width];
        }
        let start = slot as usize * self.width;
        &self.states[start..start + self.width]
    }

    #[inline]
    pub(crate) fn states_mut(&mut self, slot: u32) -> &mut [StateId] {
        if self.width <= NEAR {
            return &mut self.blocks[slot as usize].near[..self.width];
        }
        let start = slot as usize * self.width;
        &mut self.states[start..start + self.width]
    }

    pub(crate) fn past(&self, at: u32) -> &Past {
        &self.past[at as usize]
    }

    /// A session that cannot go on, or was judged, gives its block back.
    pub(crate) fn retire(&mut self, slot: u32, last: u64, judged: bool) {
        let name = self.live_name(slot).to_vec();
        let hash = self.key.hash(&name);
        let block = &self.blocks[slot as usize];
        let (Ok(at), Ok(len)) = (u32::try_from(self.past.len()), u32::try_from(name.len())) else { return };
        if at >= MOST - PAST {
            return;
        }
        let start = self.names.len() as u64;
        self.past.push(Past { start, len, judged, events: block.events, born: block.born, last });
        self.names.extend_from_slice(&name);
        self.index.renumber(hash, slot, at | PAST);
        self.long.remove(&slot);
        self.heavy.remove(&slot);
        self.free.push(slot);
    }

    /// A past session was judged after all.
    pub(crate) fn judge(&mut self, at: u32) {
        self.past[at as usize].judged = true;
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.blocks.len() - self.free.len() + self.past.len()
    }

    /// All sessions that have no verdict yet with their first lines, in the order of these.
    pub(crate) fn open_ones(&self) -> Vec<(u64, Place)> {
        let mut free = vec![false; self.blocks.len()];
        for &slot in &self.free {
            free[slot as usize] = true;
        }
        let mut all: Vec<(u64, Place)> = Vec::new();
        for (slot, block) in self.blocks.iter().enumerate().filter(|&(slot, _)| !free[slot]) {
            all.push((block.born, Place::Live(slot as u32)));
        }
        for (at, past) in self.past.iter().enumerate().filter(|(_, past)| !past.judged) {
            all.push((past.born, Place::Past(at as u32)));
        }
        all.sort_unstable_by_key(|&(born, _)| born);
        all
    }
}
