//! The conditions, on the graph of one bound k.
//!
//! ```text
//! k-safe         [ER]  from every configuration each head message can still be received
//!                [PG]  from every configuration each role that waits can still receive
//! k-exhaustive   [EX]  from every configuration each send that lacks room can get it without its sender
//! k-OBI          no role has room for one of its sends and none for another
//! k-IBI          no role can receive from two peers
//! ```
//!
//! What somebody needs stays as it is until he gets it: a head is the head until it is received, a waiting role waits, a
//! send that has no room has none, as long as its sender does nothing else. So for each goal it is enough to go backward
//! from the steps that reach it through configurations that need it; for [EX] not through the sender's own steps. All
//! goals go together, as bits: a configuration is looked at again once for each time that more of its goals are found to
//! be in reach.
//!
//! INVARIANT (bits): goals are numbered: a role receives; an edge's head is received; an edge's sender gets room.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "configurations are numbered below the length of the graph, and by INVARIANT (bits)"
)]

use super::{
    super::packed::Packed,
    graph::{Graph, Step},
};
use crate::{
    id::{EdgeId, Id, IdVec, MessageId, RoleId, StateId},
    machine::{Cells, Semantics, System},
    protocol::{Act, EdgeKind},
};

/// What somebody needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// The role receives something.
    Serve(RoleId),
    /// The head is received.
    Receive(EdgeId),
    /// The sender gets room.
    Room(EdgeId),
}

/// The first configuration of each kind in which something is wrong.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// Not k-safe.
    pub(super) unsafe_at: Option<(u32, Goal)>,
    /// Not k-exhaustive: the edge for whose next message there will be no room.
    pub(super) no_room_at: Option<(u32, EdgeId)>,
    /// Not k-OBI: the edges with and without room.
    pub(super) output: Option<(u32, EdgeId, EdgeId)>,
    /// Not k-IBI: the messages that the role can choose from.
    pub(super) race: Option<(u32, MessageId, MessageId)>,
    /// Some send lacked room.
    pub(super) cut: bool,
    /// Configurations in which nothing can happen, but some send lacks only room.
    pub(super) full: Vec<u32>,
}

/// What a state is like.
#[derive(Clone, Debug, Default)]
struct Facts {
    /// It waits for somebody, or is a dead end.
    waits: bool,
    /// Where it sends to.
    sends: Box<[EdgeId]>,
    /// Where it receives from, if from several.
    several: Box<[EdgeId]>,
}

/// What there is to know about a system before its configurations are looked at.
pub(super) struct Conditions<'a> {
    system: &'a System,
    facts: IdVec<RoleId, IdVec<StateId, Facts>>,
    /// How many words hold a bit for each goal.
    width: usize,
    /// Per role: all goals but the room of its own sends.
    passes: IdVec<RoleId, Vec<u64>>,
    /// All goals of room.
    rooms: Vec<u64>,
    /// Per role: where it sends to.
    sends: IdVec<RoleId, Vec<EdgeId>>,
}

/// So many full configurations are noted.
const FULL: usize = 4;

impl<'a> Conditions<'a> {
    pub(super) fn new(system: &'a System, roles: &[RoleId]) -> Self {
        let count = system.machines().len() + 2 * system.edges().len();
        let width = count.div_ceil(64).max(1);
        let mut passes: IdVec<RoleId, Vec<u64>> = system
            .machines()
            .ids()
            .map(|role| if roles.binary_search(&role).is_ok() { vec![u64::MAX; width] } else { Vec::new() })
            .collect();
        let sends = IdVec::filled(Vec::new(), system.machines().len());
        let (facts, rooms) = (IdVec::new(), vec![0; width]);
        let mut it = Self { system, facts, width, passes: IdVec::new(), rooms, sends };
        for (id, edge) in system.edges().iter() {
            let bit = it.bit(Goal::Room(id));
            it.rooms[bit / 64] |= 1 << (bit % 64);
            it.sends[edge.from].push(id);
            if let Some(word) = passes[edge.from].get_mut(bit / 64) {
                *word &= !(1 << (bit % 64));
            }
        }
        it.passes = passes;
        it.facts = system.machines().ids().map(|role| it.states(role)).collect();
        it
    }

    fn states(&self, role: RoleId) -> IdVec<StateId, Facts> {
        let (system, machine) = (self.system, &self.system.machines()[role]);
        let mut row = vec![Facts::default()];
        for state in machine.state_ids() {
            let offers = machine.offers(state);
            let edges = |sending: bool| {
                let offers = offers
                    .iter()
                    .filter(|offer| matches!(machine.actions()[offer.action].act, Act::Send(_)) == sending);
                let mut edges: Vec<EdgeId> = offers
                    .filter_map(|offer| system.message_of(role, offer.action))
                    .map(|message| system.messages()[message].edge)
                    .collect();
                edges.sort_unstable();
                edges.dedup();
                edges
            };
            let several = Some(edges(false)).filter(|edges| edges.len() > 1).unwrap_or_default();
            let waits = !machine.may_stop(state) && (offers.is_empty() || machine.only_receives(state));
            row.push(Facts { waits, sends: edges(true).into(), several: several.into() });
        }
        row.into()
    }

    fn bit(&self, goal: Goal) -> usize {
        let (roles, edges) = (self.system.machines().len(), self.system.edges().len());
        match goal {
            Goal::Serve(role) => role.index(),
            Goal::Receive(edge) => roles + edge.index(),
            Goal::Room(edge) => roles + edges + edge.index(),
        }
    }

    fn goal(&self, bit: usize) -> Goal {
        let (roles, edges) = (self.system.machines().len(), self.system.edges().len());
        let id = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        if bit < roles {
            Goal::Serve(RoleId::from_raw(id(bit)))
        } else if bit < roles + edges {
            Goal::Receive(EdgeId::from_raw(id(bit - roles)))
        } else {
            Goal::Room(EdgeId::from_raw(id(bit - roles - edges)))
        }
    }

    /// What is wrong in a graph.
    pub(super) fn look(&self, graph: &Graph<'_>) -> Found {
        let mut found = Found::default();
        let width = self.width;
        let mut needs = vec![0u64; graph.len() * width];
        let mut words = graph.words();
        for &at in graph.order() {
            let idle = graph.steps(at).len() == 0;
            let cells = graph.load(at, &mut words);
            let own = at as usize * width..(at as usize + 1) * width;
            // Only what the last step changed is different from the configuration before.
            let before = graph.before(at);
            let touched: Vec<RoleId> = match before {
                Some((before, step)) => {
                    needs.copy_within(before as usize * width..(before as usize + 1) * width, own.start);
                    let row = &mut needs[own.clone()];
                    if let Some(edge) = step.edge(self.system) {
                        self.note(row, Goal::Receive(edge), cells.queued(edge) > 0);
                    }
                    step.roles(self.system).collect()
                }
                None => {
                    for edge in self.system.edges().ids() {
                        self.note(&mut needs[own.clone()], Goal::Receive(edge), cells.queued(edge) > 0);
                    }
                    graph.roles.to_vec()
                }
            };
            for &role in &touched {
                self.needs(graph.semantics(), &cells, role, at, &mut needs[own.clone()], &mut found);
            }
            let cut = needs[own].iter().zip(&self.rooms).any(|(needs, rooms)| needs & rooms != 0);
            found.cut |= cut;
            if idle && cut && found.full.len() < FULL {
                found.full.push(at);
            }
        }
        self.reach(graph, needs, &mut found);
        found
    }

    fn note(&self, needs: &mut [u64], goal: Goal, needed: bool) {
        let bit = self.bit(goal);
        let word = &mut needs[bit / 64];
        *word = *word & !(1 << (bit % 64)) | u64::from(needed) << (bit % 64);
    }

    /// What a role needs in a configuration.
    fn needs(
        &self,
        semantics: Semantics,
        cells: &Packed<'_>,
        role: RoleId,
        at: u32,
        needs: &mut [u64],
        found: &mut Found,
    ) {
        let Some(facts) = self.facts[role].entry(cells.state(role)) else { return };
        self.note(needs, Goal::Serve(role), facts.waits);
        for &edge in &self.sends[role] {
            self.note(needs, Goal::Room(edge), false);
        }
        let (mut full, mut room) = (None, None);
        for &edge in &facts.sends {
            match lacks(self.system, semantics, cells, edge) {
                Some(true) => {
                    self.note(needs, Goal::Room(edge), true);
                    full = full.or(Some(edge));
                }
                Some(false) => {}
                None => room = room.or(Some(edge)),
            }
        }
        if let (Some(room), Some(full), None) = (room, full, found.output) {
            found.output = Some((at, room, full));
        }
        if found.race.is_none() && !facts.several.is_empty() {
            let heads = facts.several.iter().filter_map(|&edge| cells.head(edge));
            let mut heads = heads.filter(|&head| self.system.admits_receive(cells, head).is_some());
            if let (Some(one), Some(other)) = (heads.next(), heads.next()) {
                found.race = Some((at, one, other));
            }
        }
    }

    /// Which needs are out of reach.
    fn reach(&self, graph: &Graph<'_>, needs: Vec<u64>, found: &mut Found) {
        let width = self.width;
        let mut can = vec![0u64; needs.len()];
        // Who leads to whom, turned round.
        let mut first = vec![0u32; graph.len() + 1];
        for &at in graph.order() {
            for (_, to) in graph.steps(at) {
                first[to as usize + 1] += 1;
            }
        }
        for at in 0..graph.len() {
            first[at + 1] += first[at];
        }
        let mut fill = first.clone();
        let mut sources = vec![(0u32, RoleId::default()); first[graph.len()] as usize];
        for &at in graph.order() {
            for (step, to) in graph.steps(at) {
                let own = at as usize * width;
                self.gets(step, |goal| {
                    let bit = self.bit(goal);
                    can[own + bit / 64] |= needs[own + bit / 64] & (1 << (bit % 64));
                });
                sources[fill[to as usize] as usize] = (at, step.actor(self.system));
                fill[to as usize] += 1;
            }
        }
        // The last ones first: mostly, what comes later was met later.
        let mut open: Vec<u32> = graph.order().to_vec();
        let mut waiting = vec![true; graph.len()];
        while let Some(at) = open.pop() {
            waiting[at as usize] = false;
            for &(source, actor) in &sources[first[at as usize] as usize..first[at as usize + 1] as usize] {
                let mut more = 0;
                for word in 0..width {
                    let place = source as usize * width + word;
                    let add = can[at as usize * width + word] & self.passes[actor][word] & needs[place] & !can[place];
                    can[place] |= add;
                    more |= add;
                }
                if more != 0 && !waiting[source as usize] {
                    waiting[source as usize] = true;
                    open.push(source);
                }
            }
        }
        for &at in graph.order() {
            for word in 0..width {
                let place = at as usize * width + word;
                let mut lost = needs[place] & !can[place];
                while lost != 0 {
                    let bit = word * 64 + lost.trailing_zeros() as usize;
                    lost &= lost - 1;
                    match self.goal(bit) {
                        Goal::Room(edge) => found.no_room_at = found.no_room_at.or(Some((at, edge))),
                        goal => found.unsafe_at = found.unsafe_at.or(Some((at, goal))),
                    }
                }
            }
            if found.unsafe_at.is_some() && found.no_room_at.is_some() {
                break;
            }
        }
    }

    /// What a step reaches.
    fn gets(&self, step: Step, mut goal: impl FnMut(Goal)) {
        match step {
            Step::Receive(message) => {
                let edge = self.system.messages()[message].edge;
                goal(Goal::Serve(self.system.edges()[edge].to));
                goal(Goal::Receive(edge));
                goal(Goal::Room(edge));
            }
            Step::Sync(message) => goal(Goal::Serve(self.system.edges()[self.system.messages()[message].edge].to)),
            Step::Send(_) | Step::Act(..) => {}
        }
    }
}

/// Whether a send on the edge lacks room, and then whether by the exploration's bound alone.
pub(super) fn lacks(system: &System, semantics: Semantics, cells: &Packed<'_>, edge: EdgeId) -> Option<bool> {
    let kind = system.edges()[edge].kind;
    let capacity = semantics.capacity(kind)?;
    if capacity == 0 || kind == EdgeKind::Latest || cells.queued(edge) < capacity as usize {
        return None;
    }
    Some(Semantics::default().capacity(kind) != Some(capacity))
}

/// The edges on which a role could send if there were room, if it can do nothing else: nothing, if it can receive or act.
pub(super) fn only_room(system: &System, cells: &impl Cells, role: RoleId) -> Option<Vec<EdgeId>> {
    let machine = &system.machines()[role];
    let mut edges = Vec::new();
    for offer in machine.offers(cells.state(role)) {
        let edge = system.messages()[system.message_of(role, offer.action)?].edge;
        match machine.actions()[offer.action].act {
            Act::Send(_) => edges.push(edge),
            _ if cells.head(edge) == system.message_of(role, offer.action) => return None,
            _ => {}
        }
    }
    edges.sort_unstable();
    edges.dedup();
    Some(edges)
}
