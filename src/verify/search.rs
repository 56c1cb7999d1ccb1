//! Breadth-first search over the configurations of a system under a bound.
//!
//! Comes in: a system, semantics in which every queue is bounded, what to look out for. Goes out: an [`Explored`], from
//! which runs are rebuilt. Configurations are met in the order of their distance from the start, so the first one with
//! a property has a shortest run. Every change goes through [`System::enabled`] and [`System::step`]; the search itself
//! knows no rule.
//!
//! Configurations may be expanded ahead of their turn, by several threads ([`Ahead`]); what they show and where they lead
//! is taken in one by one, in the order of their numbers. So numbers, finds, counts and limits do not depend on that.

use super::{
    Progress,
    ahead::{Ahead, Lead},
    fault::{Counts, Fault, Watch, Wrong},
    packed::{Layout, Packed},
    symmetry::{Scratch, Symmetry, follow},
    visited::{Full, Parent, Visited},
};
use crate::{
    event::{Event, Limit},
    id::{EdgeId, IdVec, MessageId, RoleId},
    machine::{Cells, Move, Semantics, System},
};

/// Which faults end the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seek {
    /// None: the graph is wanted.
    Nothing,
    /// A deadlock.
    Deadlock,
    /// Any fault.
    Fault,
    /// A send that only lacks room.
    Cut,
    /// A message in a queue.
    Queued,
}

/// What is explored, and how far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan<'a> {
    pub(super) semantics: Semantics,
    pub(super) seek: Seek,
    /// Go on after the first find: the counts are wanted.
    pub(super) exhaust: bool,
    /// Keep the edges of the graph.
    pub(super) graph: bool,
    /// Go no further from the start than so many steps.
    pub(super) depth: Option<usize>,
    pub(super) max_states: usize,
    pub(super) max_memory: usize,
    /// What will be needed for each configuration afterwards, in bytes.
    pub(super) overhead: usize,
    /// Who works.
    pub(super) crew: Crew,
    /// Of configurations that differ in who is who, one is enough.
    pub(super) symmetry: Option<&'a Symmetry>,
}

/// How many threads explore.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crew {
    pub(super) threads: usize,
    /// So many configurations are expanded at a time by one of them, or more.
    pub(super) chunk: usize,
}

impl Crew {
    /// As the options say.
    pub(super) fn new(options: &super::Options) -> Self {
        Self { threads: options.threads, chunk: options.chunk }
    }
}

/// How a configuration is looked at and left: the same, whoever does it.
pub(super) struct Look<'a> {
    system: &'a System,
    watch: &'a Watch<'a>,
    layout: &'a Layout,
    plan: Plan<'a>,
}

/// What a configuration shows by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) wrong: Wrong,
    pub(super) cut: bool,
    pub(super) sought: bool,
}

impl Look<'_> {
    /// Looks at a configuration, and lists its moves.
    #[inline]
    pub(super) fn at(&self, words: &mut [u64], moves: &mut Vec<Move>) -> Seen {
        let Self { system, watch, layout, plan } = self;
        let cells = Packed { layout, words };
        moves.clear();
        let mut cut = false;
        system.enabled(plan.semantics, &cells, moves, |_, by_the_bound| cut |= by_the_bound);
        let wrong = watch.wrong(&cells, moves.is_empty(), cut);
        let sought = match plan.seek {
            Seek::Nothing => false,
            Seek::Deadlock => moves.is_empty() && !cut && !watch.all_may_stop(&cells),
            Seek::Fault => wrong.fault().is_some(),
            Seek::Cut => cut,
            Seek::Queued => system.edges().ids().any(|edge| cells.queued(edge) > 0),
        };
        Seen { wrong, cut, sought }
    }

    /// Where a move leads.
    #[inline]
    pub(super) fn step(&self, base: &[u64], step: Move, next: &mut [u64], scratch: &mut Scratch) {
        next.copy_from_slice(base);
        self.system.step(&mut Packed { layout: self.layout, words: next }, step);
        if let Some(symmetry) = self.plan.symmetry {
            symmetry.settle(self.system, self.layout, next, scratch);
        }
    }
}

/// Asked now and then; the answer `Some` ends the search.
pub(super) type Poll<'a> = dyn FnMut(&Progress) -> Option<Limit> + 'a;

/// The steps between configurations: those of `n` are `to[first[n]..first[n + 1]]`, in the order of the moves.
#[derive(Debug, Default)]
pub(super) struct Steps {
    to: Vec<u32>,
    first: Vec<usize>,
}

impl Steps {
    /// The configurations one step further.
    #[inline]
    pub(super) fn of(&self, at: u32) -> &[u32] {
        let at = at as usize;
        match (self.first.get(at), self.first.get(at.saturating_add(1))) {
            (Some(&from), Some(&to)) => self.to.get(from..to).unwrap_or(&[]),
            _ => &[],
        }
    }

    fn bytes(&self) -> usize {
        let to = self.to.capacity().saturating_mul(size_of::<u32>());
        to.saturating_add(self.first.capacity().saturating_mul(size_of::<usize>()))
    }
}

/// What a search found.
pub(super) struct Explored<'a> {
    pub(super) system: &'a System,
    pub(super) semantics: Semantics,
    symmetry: Option<&'a Symmetry>,
    layout: Layout,
    visited: Visited,
    /// If [`Plan::graph`].
    pub(super) steps: Steps,
    /// The first configuration with what was sought, and its fault.
    pub(super) found: Option<(u32, Option<Fault>)>,
    pub(super) counts: Counts,
    /// Some send lacked only the room that the exploration's bound takes from it.
    pub(super) cut: bool,
    /// Which configurations have such a send; if [`Plan::graph`].
    pub(super) cuts: Vec<u32>,
    /// The search ended early.
    pub(super) limit: Option<Limit>,
}

/// Configurations between two polls.
const POLL: u32 = 1024;

impl<'a> Explored<'a> {
    /// Explores.
    pub(super) fn of(system: &'a System, plan: Plan<'a>, poll: &mut Poll<'_>) -> Self {
        let (layout, words, mut limit) = match Layout::of(system, plan.semantics) {
            Some(layout) => {
                let words = layout.initial(system);
                (layout, words, None)
            }
            None => (Layout::empty(), Vec::new(), Some(Limit::Memory(plan.max_memory))),
        };
        let visited = Visited::new(layout.words(), plan.max_states, plan.max_memory, layout.bytes());
        let mut it = Self {
            system,
            semantics: plan.semantics,
            symmetry: plan.symmetry,
            layout,
            visited,
            steps: Steps::default(),
            found: None,
            counts: Counts::default(),
            cut: false,
            cuts: Vec::new(),
            limit: None,
        };
        if limit.is_none() {
            limit = it.run(plan, words, poll).err();
        }
        it.limit = limit;
        it
    }

    fn run(&mut self, plan: Plan<'_>, initial: Vec<u64>, poll: &mut Poll<'_>) -> Result<(), Limit> {
        let full = |full| match full {
            Full::States => Limit::States(plan.max_states),
            Full::Memory => Limit::Memory(plan.max_memory),
        };
        let system = self.system;
        let watch = Watch::new(system);
        self.visited.insert(&initial, Parent { from: 0, nth: 0 }).map_err(full)?;
        let mut base = initial;
        let mut next = base.clone();
        let mut moves: Vec<Move> = Vec::new();
        let mut scratch = Scratch::default();
        let mut at: u32 = 0;
        // Configurations from here on are one step further away.
        let (mut level_end, mut depth) = (1usize, 0usize);
        let look = Look { system, watch: &watch, layout: &self.layout, plan };
        let mut ahead = Ahead::new(system, plan, self.layout.words());
        while (at as usize) < self.visited.len() {
            if at as usize == level_end {
                level_end = self.visited.len();
                depth = depth.saturating_add(1);
            }
            if at.is_multiple_of(POLL) {
                let configurations = self.visited.len();
                let later = configurations.saturating_mul(plan.overhead);
                let fixed = self.layout.bytes().saturating_add(self.steps.bytes());
                self.visited.elsewhere = fixed.saturating_add(later);
                let frontier = configurations.saturating_sub(at as usize);
                let bytes = self.visited.bytes();
                let progress = Progress { bound: plan.semantics.bound, configurations, frontier, depth, bytes };
                if let Some(limit) = poll(&progress) {
                    return Err(limit);
                }
                if bytes > plan.max_memory {
                    return Err(Limit::Memory(plan.max_memory));
                }
            }
            let leaf = plan.depth == Some(depth);
            let early = if leaf { None } else { ahead.of(at, &look, &self.visited) };
            let seen = match &early {
                Some((seen, _)) => *seen,
                None => {
                    self.visited.load(at, &mut base);
                    look.at(&mut base, &mut moves)
                }
            };
            self.counts.add(&seen.wrong);
            self.cut |= seen.cut;
            if seen.sought && self.found.is_none() {
                let fault = if plan.seek == Seek::Deadlock { Some(Fault::Deadlock) } else { seen.wrong.fault() };
                self.found = Some((at, fault));
                if !plan.exhaust {
                    return Ok(());
                }
            }
            if plan.graph {
                self.steps.first.push(self.steps.to.len());
                if seen.cut {
                    self.cuts.push(at);
                }
            }
            if let Some((_, leads)) = early {
                for (nth, lead) in leads {
                    let to = match lead {
                        Lead::Known(to) => to,
                        Lead::New(key, hash) => {
                            self.visited.insert_key(key, hash, Parent { from: at, nth }).map_err(full)?.0
                        }
                    };
                    if plan.graph {
                        self.steps.to.push(to);
                    }
                }
            } else if !leaf {
                let mut nth: u32 = 0;
                for &step in &moves {
                    look.step(&base, step, &mut next, &mut scratch);
                    let (to, _) = self.visited.insert(&next, Parent { from: at, nth }).map_err(full)?;
                    if plan.graph {
                        self.steps.to.push(to);
                    }
                    nth = nth.saturating_add(1);
                }
            }
            at = at.saturating_add(1);
        }
        if plan.graph {
            self.steps.first.push(self.steps.to.len());
        }
        Ok(())
    }

    /// How far it got.
    pub(super) fn progress(&self) -> Progress {
        let (bound, configurations, bytes) = (self.semantics.bound, self.len(), self.visited.bytes());
        Progress { bound, configurations, frontier: 0, depth: 0, bytes }
    }

    /// How many configurations were met.
    pub(super) fn len(&self) -> usize {
        self.visited.len()
    }

    /// Calls with the cells of a configuration.
    pub(super) fn with<R>(&self, at: u32, look: impl FnOnce(&Packed<'_>) -> R) -> R {
        let mut words = vec![0; self.layout.words()];
        self.visited.load(at, &mut words);
        look(&Packed { layout: &self.layout, words: &mut words })
    }

    /// Looks at every configuration in order, with its moves and the roles that have a send which lacks only the room
    /// that the exploration's bound takes from it. Asks now and then whether to go on.
    pub(super) fn scan(
        &self,
        poll: &mut Poll<'_>,
        mut look: impl FnMut(u32, &Packed<'_>, &[Move], &[RoleId]),
    ) -> Result<(), Limit> {
        let mut words = vec![0; self.layout.words()];
        let mut moves = Vec::new();
        let mut blocked = Vec::new();
        for at in 0..u32::try_from(self.len()).unwrap_or(u32::MAX) {
            if at.is_multiple_of(POLL)
                && let Some(limit) = poll(&Progress {
                    bound: self.semantics.bound,
                    configurations: self.len(),
                    frontier: self.len().saturating_sub(at as usize),
                    depth: 0,
                    bytes: self.visited.bytes(),
                })
            {
                return Err(limit);
            }
            self.visited.load(at, &mut words);
            let cells = Packed { layout: &self.layout, words: &mut words };
            moves.clear();
            blocked.clear();
            self.system.enabled(self.semantics, &cells, &mut moves, |edge, by_the_bound| {
                if by_the_bound {
                    blocked.push(self.system.edges()[edge].from);
                }
            });
            look(at, &cells, &moves, &blocked);
        }
        Ok(())
    }

    /// The moves of a configuration, in the order of its steps; `full` as for [`System::enabled`].
    pub(super) fn with_moves(&self, at: u32, moves: &mut Vec<Move>, full: impl FnMut(EdgeId, bool)) {
        self.with(at, |cells| self.system.enabled(self.semantics, cells, moves, full));
    }

    /// The moves of a configuration, in the order of its steps.
    pub(super) fn moves(&self, at: u32) -> Vec<Move> {
        let mut moves = Vec::new();
        self.with_moves(at, &mut moves, |_, _| {});
        moves
    }

    /// The event of a configuration's `nth` move.
    pub(super) fn event(&self, at: u32, nth: usize) -> Option<Event> {
        self.moves(at).get(nth).map(|&step| self.system.event(step))
    }

    /// The messages of an edge, the head first.
    pub(super) fn queue(&self, cells: &Packed<'_>, edge: EdgeId) -> Vec<MessageId> {
        let mut words = cells.words.to_vec();
        let mut cells = Packed { layout: &self.layout, words: &mut words };
        let mut queue = Vec::with_capacity(cells.queued(edge));
        while let Some(head) = cells.head(edge) {
            queue.push(head);
            cells.pop(edge);
        }
        queue
    }

    /// The run that led to a configuration first.
    pub(super) fn run_to(&self, at: u32) -> Vec<Event> {
        self.way_to(at).iter().filter_map(|&(before, nth)| self.event(before, nth)).collect()
    }

    /// The configurations on the way to one, each with the number of the move that was taken.
    fn way_to(&self, mut at: u32) -> Vec<(u32, usize)> {
        let mut way = Vec::new();
        while at != 0 {
            let parent = self.visited.parent(at);
            way.push((parent.from, parent.nth as usize));
            at = parent.from;
        }
        way.reverse();
        way
    }

    /// The run that led to a configuration first, and the configuration in its words. If one configuration stands for many,
    /// a run of the system to one of these.
    pub(super) fn lifted(&self, at: u32) -> (Vec<Event>, Vec<u64>) {
        let mut words = vec![0; self.layout.words()];
        let Some(symmetry) = self.symmetry else {
            self.visited.load(at, &mut words);
            return (self.run_to(at), words);
        };
        let mut run = Vec::new();
        let mut lifted = self.layout.initial(self.system);
        // Who it really is that is called so.
        let mut names: IdVec<RoleId, RoleId> = self.system.machines().ids().collect();
        let mut scratch = Scratch::default();
        for (before, nth) in self.way_to(at) {
            let Some(&step) = self.moves(before).get(nth) else { break };
            let event = self.system.event(step).rename(|role| names[role]);
            let mut cells = Packed { layout: &self.layout, words: &mut lifted };
            // Without twins and lossy edges, an event is one move.
            let Some(real) = self.system.admits(self.semantics, &cells, event) else { break };
            self.system.step(&mut cells, real);
            run.push(event);
            self.visited.load(before, &mut words);
            self.system.step(&mut Packed { layout: &self.layout, words: &mut words }, step);
            if symmetry.settle(self.system, &self.layout, &mut words, &mut scratch) {
                names = follow(&names, &scratch.who);
            }
        }
        (run, lifted)
    }

    /// Whether nothing can happen.
    pub(super) fn is_idle(&self, cells: &Packed<'_>) -> bool {
        let mut moves = Vec::new();
        self.system.enabled(self.semantics, cells, &mut moves, |_, _| {});
        moves.is_empty()
    }

    /// Calls with the cells of a configuration that was lifted.
    pub(super) fn within<R>(&self, words: &mut [u64], look: impl FnOnce(&Packed<'_>) -> R) -> R {
        look(&Packed { layout: &self.layout, words })
    }

    /// The configuration before this one on its shortest run.
    pub(super) fn before(&self, at: u32) -> Option<u32> {
        (at != 0).then(|| self.visited.parent(at).from)
    }
}
