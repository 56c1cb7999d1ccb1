//! Breadth-first search over the configurations of a system under a bound.
//!
//! Comes in: a system, semantics in which every queue is bounded, what to look out for. Goes out: an [`Explored`], from
//! which runs are rebuilt. Configurations are met in the order of their distance from the start, so the first one with
//! a property has a shortest run. Every change goes through [`System::enabled`] and [`System::step`]; the search itself
//! knows no rule.

use super::{
    Progress,
    fault::{Counts, Fault, Watch},
    packed::{Layout, Packed},
    visited::{Full, Parent, Visited},
};
use crate::{
    event::{Event, Limit},
    id::{EdgeId, MessageId, RoleId},
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
pub(super) struct Plan {
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
    pub(super) fn of(system: &'a System, plan: Plan, poll: &mut Poll<'_>) -> Self {
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

    fn run(&mut self, plan: Plan, initial: Vec<u64>, poll: &mut Poll<'_>) -> Result<(), Limit> {
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
        let mut at: u32 = 0;
        // Configurations from here on are one step further away.
        let (mut level_end, mut depth) = (1usize, 0usize);
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
            self.visited.load(at, &mut base);
            let cells = Packed { layout: &self.layout, words: &mut base };
            moves.clear();
            let mut cut = false;
            system.enabled(plan.semantics, &cells, &mut moves, |_, by_the_bound| cut |= by_the_bound);
            let fault = watch.look(&cells, moves.is_empty(), cut, &mut self.counts);
            self.cut |= cut;
            let sought = match plan.seek {
                Seek::Nothing => false,
                Seek::Deadlock => moves.is_empty() && !cut && !watch.all_may_stop(&cells),
                Seek::Fault => fault.is_some(),
                Seek::Cut => cut,
                Seek::Queued => system.edges().ids().any(|edge| cells.queued(edge) > 0),
            };
            if sought && self.found.is_none() {
                self.found = Some((at, if plan.seek == Seek::Deadlock { Some(Fault::Deadlock) } else { fault }));
                if !plan.exhaust {
                    return Ok(());
                }
            }
            if plan.graph {
                self.steps.first.push(self.steps.to.len());
                if cut {
                    self.cuts.push(at);
                }
            }
            if plan.depth == Some(depth) {
                at = at.saturating_add(1);
                continue;
            }
            let mut nth: u32 = 0;
            for &step in &moves {
                next.copy_from_slice(&base);
                system.step(&mut Packed { layout: &self.layout, words: &mut next }, step);
                let (to, _) = self.visited.insert(&next, Parent { from: at, nth }).map_err(full)?;
                if plan.graph {
                    self.steps.to.push(to);
                }
                nth = nth.saturating_add(1);
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
        let mut run = Vec::new();
        let mut at = at;
        while at != 0 {
            let parent = self.visited.parent(at);
            run.extend(self.event(parent.from, parent.nth as usize));
            at = parent.from;
        }
        run.reverse();
        run
    }

    /// The configuration before this one on its shortest run.
    pub(super) fn before(&self, at: u32) -> Option<u32> {
        (at != 0).then(|| self.visited.parent(at).from)
    }
}
