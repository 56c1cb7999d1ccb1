//! The configurations under a bound, and how they lead to each other; a larger bound goes on where the smaller one ended.
//!
//! Every configuration that was met keeps its number and, if no send lacked room there, its steps: under a larger bound
//! only the others are looked at again, and what is new. The order in which they are met is breadth first.
//!
//! **Reduction.** In a directed system ([`Shape`](super::shape::Shape)) all that a role can do now it can still do when
//! others have done something, and then leads to the same. So at a *fresh* configuration the roles that can do
//! something stand in line (those that receive first, among them those with few arms); only the first one is followed,
//! and its successors follow the rest of the line before anybody is asked again. Who stands in line is a part of what is
//! numbered: the same configuration may be met with different lines, and no role is overtaken for ever.
//!
//! INVARIANT (line): a role in the line of a configuration can do there exactly what it could do where it lined up.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "configurations are numbered densely, rows lie inside the steps, words are as many as the layout says"
)]

use rustc_hash::FxHashMap;

use super::super::{
    Options, Progress,
    fault::{Counts, Fault, Watch},
    packed::{Layout, Packed},
    search::Poll,
    visited::{Full, Parent, Visited},
};
use crate::{
    event::{Event, Limit},
    id::{ActionId, EdgeId, MessageId, RoleId},
    machine::{Move, Semantics, System},
};

/// What led from one configuration to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Send(MessageId),
    Receive(MessageId),
    Sync(MessageId),
    Act(RoleId, ActionId),
}

impl Step {
    fn of(step: Move) -> Self {
        match step {
            Move::Send { message, .. } | Move::Lose { message, .. } => Self::Send(message),
            Move::Receive { message, .. } => Self::Receive(message),
            Move::Sync { message, .. } => Self::Sync(message),
            Move::Act { role, action, .. } => Self::Act(role, action),
        }
    }

    /// Who takes it; of a synchronous one the sender.
    pub(super) fn actor(self, system: &System) -> RoleId {
        match self {
            Self::Send(message) | Self::Sync(message) => system.edges()[system.messages()[message].edge].from,
            Self::Receive(message) => system.edges()[system.messages()[message].edge].to,
            Self::Act(role, _) => role,
        }
    }

    /// The edge that it changes.
    pub(super) fn edge(self, system: &System) -> Option<EdgeId> {
        match self {
            Self::Send(message) | Self::Receive(message) => Some(system.messages()[message].edge),
            Self::Sync(_) | Self::Act(..) => None,
        }
    }

    /// The roles whose state, room or head it changes.
    pub(super) fn roles(self, system: &System) -> impl Iterator<Item = RoleId> + use<> {
        let (one, other) = match self {
            Self::Send(message) | Self::Receive(message) | Self::Sync(message) => {
                let edge = system.edges()[system.messages()[message].edge];
                (edge.from, (edge.to != edge.from).then_some(edge.to))
            }
            Self::Act(role, _) => (role, None),
        };
        [Some(one), other].into_iter().flatten()
    }

    pub(super) fn event(self, system: &System) -> Event {
        match self {
            Self::Send(message) => system.send_event(message),
            Self::Receive(message) => system.receive_event(message),
            Self::Sync(message) => system.sync_event(message),
            Self::Act(role, action) => {
                let action = system.machines()[role].actions()[action];
                Event::Act { role, label: action.label, sort: action.sort }
            }
        }
    }
}

/// The steps of a configuration: a part of all steps.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    first: u32,
    len: u32,
    /// Under which bound it was looked at, if a send lacked room; the largest number, if none did; 0 if never.
    bound: u32,
}

/// No send lacked room.
const FOR_GOOD: u32 = u32::MAX;

/// Nobody.
const NONE: u32 = u32::MAX;

/// Lines of roles; 0 is the empty one.
#[derive(Debug, Default)]
struct Lines {
    known: FxHashMap<(RoleId, u32), u32>,
    cells: Vec<(RoleId, u32)>,
}

impl Lines {
    fn put(&mut self, role: RoleId, rest: u32) -> u32 {
        *self.known.entry((role, rest)).or_insert_with(|| {
            self.cells.push((role, rest));
            u32::try_from(self.cells.len()).unwrap_or(u32::MAX)
        })
    }

    fn first(&self, line: u32) -> Option<(RoleId, u32)> {
        self.cells.get((line as usize).checked_sub(1)?).copied()
    }
}

/// The graph so far.
pub(super) struct Graph<'a> {
    pub(super) system: &'a System,
    /// Those of the system's roles that do anything.
    pub(super) roles: &'a [RoleId],
    reduce: bool,
    /// Under which bound it was made.
    pub(super) bound: u32,
    /// For which bounds the layout is large enough.
    capacity: u32,
    layout: Layout,
    visited: Visited,
    lines: Lines,
    rows: Vec<Row>,
    to: Vec<u32>,
    by: Vec<Step>,
    /// What the start leads to under the present bound, breadth first.
    order: Vec<u32>,
    /// Of each of them: where it was met first, and by which of the steps there.
    parents: Vec<(u32, u32)>,
    /// The first configuration in which something is wrong whatever the bound; nothing behind it was looked at.
    pub(super) fault: Option<(u32, Fault)>,
    max_states: usize,
    max_memory: usize,
}

/// Configurations between two polls.
const POLL: usize = 1024;

impl<'a> Graph<'a> {
    /// Nothing, for bounds up to `capacity` to begin with.
    pub(super) fn new(system: &'a System, roles: &'a [RoleId], reduce: bool, options: &Options) -> Self {
        Self {
            system,
            roles,
            reduce,
            bound: 0,
            capacity: 0,
            layout: Layout::empty(),
            visited: Visited::new(0, 0, 0, 0),
            lines: Lines::default(),
            rows: Vec::new(),
            to: Vec::new(),
            by: Vec::new(),
            order: Vec::new(),
            parents: Vec::new(),
            fault: None,
            max_states: options.max_states,
            max_memory: options.max_memory,
        }
    }

    /// Whether steps were left out.
    pub(super) fn is_reduced(&self) -> bool {
        self.reduce
    }

    pub(super) fn semantics(&self) -> Semantics {
        Semantics { bound: Some(self.bound) }
    }

    /// All configurations under this bound, which is not smaller than the last one, up to the first [fault](Self::fault).
    /// If it is the last one there will be, nothing is kept ready for more.
    pub(super) fn extend(
        &mut self,
        bound: u32,
        last: bool,
        watch: &Watch<'_>,
        poll: &mut Poll<'_>,
    ) -> Result<(), Limit> {
        self.bound = bound;
        if bound > self.capacity {
            self.capacity = if last { bound } else { bound.max(self.capacity.saturating_mul(2)) };
            let semantics = Semantics { bound: Some(self.capacity) };
            self.layout = Layout::of(self.system, semantics).ok_or(Limit::Memory(self.max_memory))?;
            // One word more, for the line.
            let width = self.layout.words() + 1;
            self.visited = Visited::new(width, self.max_states, self.max_memory, self.layout.bytes());
            self.lines = Lines::default();
            self.rows.clear();
            self.to.clear();
            self.by.clear();
            let mut words = self.layout.initial(self.system);
            words.push(0);
            self.insert(&words)?;
        }
        let mut words = vec![0; self.layout.words() + 1];
        let mut scratch = Scratch { next: words.clone(), ..Scratch::default() };
        self.order.clear();
        self.order.push(0);
        self.parents.clear();
        self.parents.resize(self.visited.len(), (NONE, 0));
        self.parents[0] = (0, 0);
        let mut met = 0;
        while let Some(&at) = self.order.get(met) {
            if met.is_multiple_of(POLL) {
                self.ask(met, poll)?;
            }
            met += 1;
            if self.rows[at as usize].bound < bound {
                self.rows[at as usize] = self.look(at, &mut words, &mut scratch)?;
                self.parents.resize(self.visited.len(), (NONE, 0));
                self.fault = self.fault_at(at, &mut words, watch).map(|fault| (at, fault));
                if self.fault.is_some() {
                    return Ok(());
                }
            }
            let Row { first, len, .. } = self.rows[at as usize];
            for nth in 0..len {
                let to = self.to[(first + nth) as usize];
                if self.parents[to as usize].0 == NONE {
                    self.parents[to as usize] = (at, nth);
                    self.order.push(to);
                }
            }
        }
        Ok(())
    }

    fn ask(&mut self, done: usize, poll: &mut Poll<'_>) -> Result<(), Limit> {
        let steps = self.to.capacity() * (size_of::<u32>() + size_of::<Step>());
        // What the conditions need afterwards, for each step and configuration.
        let later = self.to.len() * 8 + self.visited.len() * 64;
        self.visited.elsewhere = self.layout.bytes() + steps + self.rows.capacity() * size_of::<Row>() + later;
        let configurations = self.visited.len();
        let frontier = configurations.saturating_sub(done);
        let bytes = self.visited.bytes();
        match poll(&Progress { bound: Some(self.bound), configurations, frontier, depth: 0, bytes }) {
            Some(limit) => Err(limit),
            None if bytes > self.max_memory => Err(Limit::Memory(self.max_memory)),
            None => Ok(()),
        }
    }

    fn insert(&mut self, words: &[u64]) -> Result<u32, Limit> {
        match self.visited.insert(words, Parent { from: 0, nth: 0 }) {
            Ok((at, fresh)) => {
                if fresh {
                    self.rows.push(Row::default());
                }
                Ok(at)
            }
            Err(Full::States) => Err(Limit::States(self.max_states)),
            Err(Full::Memory) => Err(Limit::Memory(self.max_memory)),
        }
    }

    /// What is wrong with a configuration that was just looked at, if nothing is with those before it: it is with whom the
    /// last step touched, or it is that nothing can happen.
    fn fault_at(&self, at: u32, words: &mut [u64], watch: &Watch<'_>) -> Option<Fault> {
        let cells = Packed { layout: &self.layout, words };
        let Row { len, bound, .. } = self.rows[at as usize];
        match self.before(at) {
            Some((_, step)) if len > 0 => step.roles(self.system).find_map(|role| watch.fault_of(&cells, role)),
            // Where nothing can happen nobody stands in line, so all were asked whether they lack room.
            _ => watch.look(&cells, len == 0, bound != FOR_GOOD, &mut Counts::default()),
        }
    }

    /// What can happen in a configuration.
    fn look(&mut self, at: u32, words: &mut [u64], scratch: &mut Scratch) -> Result<Row, Limit> {
        self.visited.load(at, words);
        let line = words.last().and_then(|&line| u32::try_from(line).ok()).unwrap_or_default();
        let (system, semantics) = (self.system, self.semantics());
        let mut cut = false;
        scratch.moves.clear();
        let cells = Packed { layout: &self.layout, words };
        let rest = match self.lines.first(line) {
            Some((role, rest)) => {
                system.enabled_of(role, semantics, &cells, &mut scratch.moves, |_, by_the_bound| cut |= by_the_bound);
                rest
            }
            None => {
                scratch.groups.clear();
                for &role in self.roles {
                    let first = scratch.moves.len();
                    system
                        .enabled_of(role, semantics, &cells, &mut scratch.moves, |_, by_the_bound| cut |= by_the_bound);
                    let count = scratch.moves.len() - first;
                    if self.reduce && count > 0 {
                        let sends = !matches!(scratch.moves[first], Move::Receive { .. });
                        scratch.groups.push((sends, count, role, first));
                    }
                }
                self.line_up(scratch)
            }
        };
        let first = u32::try_from(self.to.len()).map_err(|_| Limit::Memory(self.max_memory))?;
        for at in 0..scratch.moves.len() {
            let step = scratch.moves[at];
            scratch.next.copy_from_slice(words);
            system.step(&mut Packed { layout: &self.layout, words: &mut scratch.next }, step);
            if let Some(line) = scratch.next.last_mut() {
                *line = u64::from(rest);
            }
            let to = self.insert(&scratch.next)?;
            self.to.push(to);
            self.by.push(Step::of(step));
        }
        let bound = if cut { self.bound } else { FOR_GOOD };
        Ok(Row { first, len: index(scratch.moves.len()), bound })
    }

    /// Lets the roles stand in line: leaves only the moves of the first one, and gives the line behind it.
    fn line_up(&mut self, scratch: &mut Scratch) -> u32 {
        if !self.reduce {
            return 0;
        }
        scratch.groups.sort_unstable();
        let mut line = 0;
        for &(_, _, role, _) in scratch.groups.iter().skip(1).rev() {
            line = self.lines.put(role, line);
        }
        if let Some(&(_, count, _, first)) = scratch.groups.first() {
            scratch.moves.truncate(first + count);
            scratch.moves.drain(..first);
        }
        line
    }

    /// What the start leads to, breadth first.
    pub(super) fn order(&self) -> &[u32] {
        &self.order
    }

    /// More than any number of a configuration.
    pub(super) fn len(&self) -> usize {
        self.visited.len()
    }

    /// Where a configuration was met first, and by which step; not of the start.
    pub(super) fn before(&self, at: u32) -> Option<(u32, Step)> {
        let &(from, nth) = self.parents.get(at as usize).filter(|&&(from, _)| at != 0 && from != NONE)?;
        Some((from, self.steps(from).nth(nth as usize)?.0))
    }

    /// A shortest run in this graph; the numbers of the configurations behind each event.
    pub(super) fn run_to(&self, at: u32) -> (Vec<Event>, Vec<u32>) {
        let (mut run, mut over) = (Vec::new(), Vec::new());
        let mut at = at;
        while let Some((from, step)) = self.before(at) {
            run.push(step.event(self.system));
            over.push(at);
            at = from;
        }
        run.reverse();
        over.reverse();
        (run, over)
    }

    /// What follows a configuration.
    pub(super) fn steps(&self, at: u32) -> impl ExactSizeIterator<Item = (Step, u32)> + '_ {
        let Row { first, len, .. } = self.rows.get(at as usize).copied().unwrap_or_default();
        let range = first as usize..(first + len) as usize;
        self.by[range.clone()].iter().copied().zip(self.to[range].iter().copied())
    }

    /// Words for [`Graph::load`].
    pub(super) fn words(&self) -> Vec<u64> {
        vec![0; self.layout.words() + 1]
    }

    /// The cells of a configuration.
    pub(super) fn load<'w>(&'w self, at: u32, words: &'w mut [u64]) -> Packed<'w> {
        self.visited.load(at, words);
        Packed { layout: &self.layout, words }
    }
}

#[derive(Default)]
struct Scratch {
    moves: Vec<Move>,
    /// Sends, how many moves, whose, and where they begin.
    groups: Vec<(bool, usize, RoleId, usize)>,
    next: Vec<u64>,
}

fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
