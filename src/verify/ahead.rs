//! Configurations expanded ahead of their turn, by several threads.
//!
//! The search takes configurations in the order of their numbers. Those that were numbered and not yet taken are cut into
//! chunks; each is expanded by whoever is free: what its configurations show, where their moves lead, and whether that was
//! met before. Then the search takes the results one by one, in order, and gives out numbers as it would alone.
//!
//! ```text
//! numbered, not taken   | chunk 0 | chunk 1 | chunk 2 | …     threads read the set of configurations, nobody writes it
//! taken                   in order, by one thread: what is not known yet is looked up once more and put into the set
//! ```
//!
//! What is known here stays known, since numbers never change; what is not may be met by the time it is taken. What
//! somebody expanded in vain, because the search ended before, is nowhere counted.
//!
//! Memory beside the search's own: about a quarter of the limit at most, however wide configurations are.
//! Without the feature `parallel` there is one thread, and nothing is expanded ahead.

#[cfg(feature = "parallel")]
use std::sync::Mutex;

use super::{
    search::{Crew, Look, Plan, Seen},
    symmetry::Scratch,
    visited::{Visited, hash},
};
use crate::machine::{Move, System};

/// Where a move leads.
pub(super) enum Lead<'a> {
    /// To a configuration that was met before.
    Known(u32),
    /// To one as it is stored, with its hash.
    New(&'a [u64], u64),
}

/// A move of one configuration.
struct Step {
    /// Which of its moves.
    nth: u32,
    to: To,
}

enum To {
    Known(u32),
    /// The key ends here in [`Chunk::keys`], and begins where the one before ends.
    New {
        hash: u64,
        end: usize,
    },
}

/// One expanded configuration.
struct Row {
    seen: Seen,
    /// Its steps and their keys end here.
    steps: usize,
    keys: usize,
}

/// Configurations that one thread expands, and what it finds.
#[derive(Default)]
struct Chunk {
    /// The first, and how many there are at most.
    from: u32,
    len: u32,
    rows: Vec<Row>,
    steps: Vec<Step>,
    keys: Vec<u64>,
    base: Vec<u64>,
    next: Vec<u64>,
    moves: Vec<Move>,
    scratch: Scratch,
}

impl Chunk {
    /// Expands until all is done or a buffer is full; one at least.
    fn expand(&mut self, look: &Look<'_>, visited: &Visited, graph: bool, room: usize) {
        self.rows.clear();
        self.steps.clear();
        self.keys.clear();
        self.base.resize(visited.width(), 0);
        self.next.resize(visited.width(), 0);
        for at in self.from..self.from.saturating_add(self.len) {
            visited.load(at, &mut self.base);
            let seen = look.at(&mut self.base, &mut self.moves);
            for (nth, &step) in (0..).zip(&self.moves) {
                look.step(&self.base, step, &mut self.next, &mut self.scratch);
                let start = self.keys.len();
                visited.key(&self.next, &mut self.keys);
                let key = self.keys.get(start..).unwrap_or(&[]);
                let hash = hash(key);
                let to = match visited.find(key, hash) {
                    Some(known) => {
                        self.keys.truncate(start);
                        // Only the graph has steps to what is known.
                        if !graph {
                            continue;
                        }
                        To::Known(known)
                    }
                    None => To::New { hash, end: self.keys.len() },
                };
                self.steps.push(Step { nth, to });
            }
            self.rows.push(Row { seen, steps: self.steps.len(), keys: self.keys.len() });
            let held = self.steps.len().saturating_add(self.rows.len()).saturating_mul(STEP);
            if self.keys.len().saturating_add(held) >= room {
                break;
            }
        }
    }

    /// What the configuration shows and where it leads, if it was expanded here.
    fn of(&self, at: u32) -> Option<(Seen, Leads<'_>)> {
        let nth = at.checked_sub(self.from)? as usize;
        let row = self.rows.get(nth)?;
        let before = nth.checked_sub(1).and_then(|before| self.rows.get(before));
        let (steps, key) = before.map_or((0, 0), |row| (row.steps, row.keys));
        let steps = self.steps.get(steps..row.steps).unwrap_or(&[]).iter();
        Some((row.seen, Leads { steps, keys: &self.keys, key }))
    }
}

/// Where the moves of a configuration lead, by the number of the move.
pub(super) struct Leads<'a> {
    steps: std::slice::Iter<'a, Step>,
    keys: &'a [u64],
    key: usize,
}

impl<'a> Iterator for Leads<'a> {
    type Item = (u32, Lead<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let step = self.steps.next()?;
        let lead = match step.to {
            To::Known(to) => Lead::Known(to),
            To::New { hash, end } => {
                let key = self.keys.get(self.key..end).unwrap_or(&[]);
                self.key = end;
                Lead::New(key, hash)
            }
        };
        Some((step.nth, lead))
    }
}

/// Chunks of one thread at a time: more make better shares, fewer are fresher.
const SHARES: usize = 8;

/// What a chunk finds takes about so many words at most, and that of one configuration more.
const ROOM: usize = 1 << 16;

/// Words of a step or row, about.
const STEP: usize = 6;

/// What was expanded and not yet taken.
pub(super) struct Ahead {
    crew: Crew,
    graph: bool,
    room: usize,
    chunks: Vec<Chunk>,
    /// The chunk whose turn it is.
    turn: usize,
    /// So many of them are in use.
    used: usize,
    #[cfg(feature = "parallel")]
    pool: Option<rayon::ThreadPool>,
}

impl Ahead {
    /// For a search of configurations with so many words each.
    pub(super) fn new(system: &System, plan: Plan<'_>, words: usize) -> Self {
        let mut crew = Crew { threads: plan.crew.threads.min(MOST), chunk: plan.crew.chunk.max(1) };
        let chunks = crew.threads.saturating_mul(SHARES);
        // In words.
        let share = (plan.max_memory >> 6).checked_div(chunks).unwrap_or(0);
        // What the moves of one configuration may take.
        let offers = |machine: &crate::machine::Machine| {
            machine.state_ids().map(|state| machine.offers(state).len()).max().unwrap_or(0)
        };
        let moves = system.machines().values().map(offers).fold(0, usize::saturating_add);
        if !cfg!(feature = "parallel") || moves.saturating_mul(words) > share {
            crew.threads = 1;
        }
        Self {
            crew,
            graph: plan.graph,
            room: share.min(ROOM),
            chunks: Vec::new(),
            turn: 0,
            used: 0,
            #[cfg(feature = "parallel")]
            pool: None,
        }
    }

    /// What a configuration shows and where it leads, if several threads have something to do. Configurations are asked
    /// for in order.
    #[inline]
    pub(super) fn of(&mut self, at: u32, look: &Look<'_>, visited: &Visited) -> Option<(Seen, Leads<'_>)> {
        if self.crew.threads < 2 {
            return None;
        }
        if !self.is_there(at) {
            let first = self.crew.chunk.saturating_mul(2);
            if visited.len().saturating_sub(at as usize) < first || !self.fill(at, look, visited) {
                return None;
            }
        }
        self.chunks.get(self.turn)?.of(at)
    }

    /// Goes to the chunk with a configuration, if it was expanded.
    #[inline]
    fn is_there(&mut self, at: u32) -> bool {
        while self.turn < self.used {
            if let Some(chunk) = self.chunks.get(self.turn) {
                let end = chunk.from.saturating_add(u32::try_from(chunk.rows.len()).unwrap_or(u32::MAX));
                if (chunk.from..end).contains(&at) {
                    return true;
                }
            }
            self.turn = self.turn.saturating_add(1);
        }
        false
    }

    /// Expands the next configurations. Whether there are threads for it.
    fn fill(&mut self, at: u32, look: &Look<'_>, visited: &Visited) -> bool {
        let most = self.crew.threads.saturating_mul(SHARES);
        self.chunks.resize_with(most, Chunk::default);
        let end = u32::try_from(visited.len()).unwrap_or(u32::MAX);
        let size = u32::try_from(self.crew.chunk).unwrap_or(u32::MAX);
        let mut from = at;
        (self.turn, self.used) = (0, 0);
        for chunk in &mut self.chunks {
            if from >= end {
                break;
            }
            (chunk.from, chunk.len) = (from, size.min(end.saturating_sub(from)));
            from = from.saturating_add(chunk.len);
            self.used = self.used.saturating_add(1);
        }
        self.share(look, visited)
    }

    /// The chunks in use, each expanded by whoever is free.
    #[cfg(feature = "parallel")]
    fn share(&mut self, look: &Look<'_>, visited: &Visited) -> bool {
        let others = self.crew.threads.saturating_sub(1);
        if self.pool.is_none() {
            self.pool = rayon::ThreadPoolBuilder::new().num_threads(others).build().ok();
        }
        let Some(pool) = &self.pool else {
            // No threads to be had: alone, then.
            self.crew.threads = 1;
            return false;
        };
        let (graph, room) = (self.graph, self.room);
        let chunks = Mutex::new(self.chunks.iter_mut().take(self.used));
        let work = || {
            let next = || chunks.lock().ok().and_then(|mut chunks| chunks.next());
            while let Some(chunk) = next() {
                chunk.expand(look, visited, graph, room);
            }
        };
        pool.in_place_scope(|scope| {
            for _ in 0..others {
                scope.spawn(|_| work());
            }
            work();
        });
        true
    }

    /// There is one thread.
    #[cfg(not(feature = "parallel"))]
    fn share(&mut self, look: &Look<'_>, visited: &Visited) -> bool {
        for chunk in self.chunks.iter_mut().take(self.used) {
            chunk.expand(look, visited, self.graph, self.room);
        }
        true
    }
}

/// More threads than this share no work.
const MOST: usize = 256;
