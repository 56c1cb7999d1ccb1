//! Which roles can be exchanged.
//!
//! Candidates are guessed: if a role is taken to another, a peer that both have stays, and a peer that only one has is
//! taken to the one peer of the other's that does the same. Guesses may miss a symmetry; each is checked as a whole
//! before it is used, so none is wrong. The work is bounded: what has more roles or offers is explored as it is.

#![expect(
    clippy::indexing_slicing,
    reason = "ids index tables of the same system, and members and swaps the vectors that they were counted by"
)]

use super::{Family, Swap, Symmetry, Tells, Turn};
use crate::{
    id::{ActionId, EdgeId, Id, IdVec, MessageId, RoleId, StateId},
    machine::{Machine, System},
    protocol::{Act, EdgeKind},
};

/// So many offers and roles are looked at.
const WORK: usize = 1 << 20;

/// So many states times members are coloured, and so many pairs of members that talk to each other.
const COLOURS: usize = 1 << 20;

type Roles = IdVec<RoleId, RoleId>;

/// Where each role goes, and the pairs that change places.
type Exchange = (Roles, Vec<(RoleId, RoleId)>);

/// Of an edge: whether it is one's own send, which of one's own roles, whether with a member, and with which of its roles
/// or which role.
type Place = (bool, usize, bool, usize);

struct Finder<'a> {
    system: &'a System,
    /// With whom each role shares an edge.
    peers: IdVec<RoleId, Vec<RoleId>>,
    first: IdVec<EdgeId, MessageId>,
    work: usize,
}

/// The families of a system, if it has any.
pub(super) fn symmetry(system: &System) -> Option<Symmetry> {
    let plain = |machine: &Machine| machine.actions().values().all(|action| action.twin == 0);
    let lossy = system.edges().values().any(|edge| edge.kind == EdgeKind::Lossy);
    if lossy || !system.machines().values().all(plain) {
        return None;
    }
    let mut peers: IdVec<RoleId, Vec<RoleId>> = IdVec::filled(Vec::new(), system.machines().len());
    for edge in system.edges().values() {
        peers[edge.from].push(edge.to);
        peers[edge.to].push(edge.from);
    }
    let mut first: IdVec<EdgeId, Option<MessageId>> = IdVec::filled(None, system.edges().len());
    for (id, message) in system.messages().iter() {
        first[message.edge].get_or_insert(id);
    }
    // Every edge comes from some action, which has a message.
    let first: IdVec<EdgeId, MessageId> = first.values().map(|first| first.unwrap_or_default()).collect();
    let mut finder = Finder { system, peers, first, work: WORK };
    let mut families = finder.families()?;
    families.retain_mut(|family| finder.complete(family));
    if families.is_empty() {
        return None;
    }
    let moves = |role: RoleId| families.iter().flat_map(|family| family.members.iter().flatten()).any(|&of| of == role);
    let moving: IdVec<RoleId, bool> = system.machines().ids().map(moves).collect();
    let edges = system.edges().iter().filter(|(_, edge)| moving[edge.from] || moving[edge.to]);
    let edges = edges.map(|(id, _)| id).collect();
    Some(Symmetry { families, first: finder.first, edges })
}

impl Finder<'_> {
    fn spend(&mut self, work: usize) -> Option<()> {
        self.work = self.work.checked_sub(work)?;
        Some(())
    }

    /// Members and swaps of each family; nothing if the work is too much.
    fn families(&mut self) -> Option<Vec<Family>> {
        let system = self.system;
        let size = |role: RoleId| {
            let machine = &system.machines()[role];
            let offers: usize = machine.state_ids().map(|state| machine.offers(state).len()).sum();
            (machine.states(), offers, machine.offers(machine.initial()).len())
        };
        let sizes: IdVec<RoleId, (usize, usize, usize)> = system.machines().ids().map(size).collect();
        let mut used: IdVec<RoleId, bool> = IdVec::filled(false, sizes.len());
        let mut families: Vec<Family> = Vec::new();
        for role in system.machines().ids() {
            if used[role] || self.peers[role].is_empty() {
                continue;
            }
            let mut joined = false;
            for family in &mut families {
                let alone = family.members.len() == 1;
                let Some(last) = family.members.last() else { continue };
                let of = last[0];
                if sizes[of] != sizes[role] || alone && used[of] {
                    continue;
                }
                let Some((roles, pairs)) = self.guess(of, role)? else { continue };
                let from: Vec<RoleId> = pairs.iter().map(|&(from, _)| from).collect();
                let to: Vec<RoleId> = pairs.iter().map(|&(_, to)| to).collect();
                // The member as it is, and roles that nobody else has.
                let fits = if alone { from.iter().all(|&role| !used[role]) } else { from == *last };
                if !fits || to.iter().any(|&role| used[role]) {
                    continue;
                }
                let Some(swap) = self.check(&roles)? else { continue };
                for &role in from.iter().chain(&to) {
                    used[role] = true;
                }
                if alone {
                    family.members = vec![from];
                }
                family.members.push(to);
                family.swaps.push(swap);
                joined = true;
                break;
            }
            if !joined {
                families.push(Family {
                    members: vec![vec![role]],
                    swaps: Vec::new(),
                    edges: Vec::new(),
                    tells: Vec::new(),
                    others: Vec::new(),
                });
            }
        }
        families.retain(|family| family.members.len() > 1);
        Some(families)
    }

    /// Exchanges that take one role to another, and the pairs exchanged in the order in which they were met.
    fn guess(&mut self, one: RoleId, other: RoleId) -> Option<Option<Exchange>> {
        let system = self.system;
        let mut roles: Roles = system.machines().ids().collect();
        let mut settled: IdVec<RoleId, bool> = IdVec::filled(false, roles.len());
        self.spend(roles.len())?;
        let mut pairs = vec![(one, other)];
        let exchange = |roles: &mut Roles, settled: &mut IdVec<RoleId, bool>, (a, b): (RoleId, RoleId)| {
            (roles[a], roles[b]) = (b, a);
            (settled[a], settled[b]) = (true, true);
        };
        exchange(&mut roles, &mut settled, (one, other));
        let mut at = 0;
        while let Some(&(from, to)) = pairs.get(at) {
            at = at.saturating_add(1);
            let (machine, image) = (&system.machines()[from], &system.machines()[to]);
            let mut seen: Vec<bool> = vec![false; machine.states()];
            let mut open = vec![(machine.initial(), image.initial())];
            while let Some((state, then)) = open.pop() {
                if std::mem::replace(&mut seen[state.index()], true) {
                    continue;
                }
                let (offers, images) = (machine.offers(state), image.offers(then));
                self.spend(offers.len().saturating_mul(images.len()).saturating_add(1))?;
                for offer in offers {
                    let action = machine.actions()[offer.action];
                    let same = |act: Act| match (action.act, act) {
                        (Act::Send(p), Act::Send(q)) | (Act::Receive(p), Act::Receive(q)) => Some((p, q)),
                        _ => None,
                    };
                    let alike = images.iter().filter_map(|image_offer| {
                        let other = image.actions()[image_offer.action];
                        let (p, q) = same(other.act)?;
                        ((action.label, action.sort) == (other.label, other.sort)).then_some((p, q, image_offer.then))
                    });
                    let (Act::Send(peer) | Act::Receive(peer)) = action.act else { continue };
                    if !settled[peer] {
                        let free: Vec<RoleId> = alike.clone().map(|(_, q, _)| q).filter(|&q| !settled[q]).collect();
                        if free.contains(&peer) {
                            settled[peer] = true;
                        } else if let [only] = *free {
                            exchange(&mut roles, &mut settled, (peer, only));
                            pairs.push((peer, only));
                        } else {
                            return Some(None);
                        }
                    }
                    let Some((.., next)) = alike.clone().find(|&(_, q, _)| roles[peer] == q) else {
                        return Some(None);
                    };
                    open.push((offer.then, next));
                }
            }
        }
        Some(Some((roles, pairs)))
    }

    /// The swap, if exchanging these roles leaves the system as it is.
    fn check(&mut self, roles: &Roles) -> Option<Option<Swap>> {
        let system = self.system;
        let moved = |role: RoleId| roles[role] != role;
        for (id, edge) in system.edges().iter() {
            self.spend(1)?;
            if !moved(edge.from) && !moved(edge.to) {
                continue;
            }
            let Some(image) = system.edge(roles[edge.from], roles[edge.to]) else { return Some(None) };
            // Message by message, as orbits count on it.
            let texts = |id: EdgeId| {
                let on = system.messages().ids().skip(self.first[id].index()).map(|at| system.messages()[at]);
                on.take_while(move |message| message.edge == id).map(|message| (message.label, message.sort))
            };
            if system.edges()[image].kind != edge.kind || !texts(id).eq(texts(image)) {
                return Some(None);
            }
        }
        let mut turns = Vec::new();
        for role in system.machines().ids() {
            if !moved(role) && !self.peers[role].iter().any(|&peer| moved(peer)) {
                continue;
            }
            let Some(states) = self.map(roles, role)? else { return Some(None) };
            // States out of reach have no image, and need none.
            let same = states.iter().enumerate().all(|(at, &to)| to == StateId::default() || to.index() == at);
            if moved(role) || !same {
                turns.push(Turn { from: role, to: roles[role], states: (!same).then(|| states.into()) });
            }
        }
        Some(Some(Swap { turns }))
    }

    /// The states of a role as those of its image: one to one, with the same ends, and the same offers under the new names.
    fn map(&mut self, roles: &Roles, role: RoleId) -> Option<Option<Vec<StateId>>> {
        let system = self.system;
        let (machine, image) = (&system.machines()[role], &system.machines()[roles[role]]);
        if machine.states() != image.states() {
            return Some(None);
        }
        let dead = StateId::default();
        let mut to = vec![dead; machine.states()];
        let mut back = vec![dead; image.states()];
        let mut open = vec![(machine.initial(), image.initial())];
        self.spend(to.len())?;
        while let Some((state, then)) = open.pop() {
            let (known, before) = (to[state.index()], back[then.index()]);
            if (known, before) != (dead, dead) {
                if (known, before) != (then, state) {
                    return Some(None);
                }
                continue;
            }
            (to[state.index()], back[then.index()]) = (then, state);
            let (offers, images) = (machine.offers(state), image.offers(then));
            if machine.may_stop(state) != image.may_stop(then) || offers.len() != images.len() {
                return Some(None);
            }
            self.spend(offers.len())?;
            for offer in offers {
                let Some(column) = self.column(roles, role, offer.action) else { return Some(None) };
                let next = image.next(then, column);
                if next == dead {
                    return Some(None);
                }
                open.push((offer.then, next));
            }
        }
        Some(Some(to))
    }

    /// What an action of a role is for its image.
    fn column(&self, roles: &Roles, role: RoleId, action: ActionId) -> Option<ActionId> {
        let system = self.system;
        let of = system.machines()[role].actions()[action];
        if let Some(message) = system.message_of(role, action) {
            let message = system.messages()[message];
            let edge = system.edges()[message.edge];
            let image = system.message(roles[edge.from], roles[edge.to], message.label, message.sort)?;
            let image = system.messages()[image];
            return match of.act {
                Act::Send(_) => image.send,
                Act::Receive(_) => image.receive,
                _ => None,
            };
        }
        // A local action has the same name.
        let mut columns = system.machines()[roles[role]].actions().iter();
        columns.find(|(_, column)| of.act == Act::Act && **column == of).map(|(column, _)| column)
    }

    /// Adds what orders the members of a family, if that is not too much.
    fn complete(&self, family: &mut Family) -> bool {
        let system = self.system;
        let of: IdVec<RoleId, Option<usize>> = {
            let mut of = IdVec::filled(None, system.machines().len());
            for (at, member) in family.members.iter().enumerate() {
                for &role in member {
                    of[role] = Some(at);
                }
            }
            of
        };
        let mut speakers: Vec<RoleId> =
            family.swaps.iter().flat_map(|swap| &swap.turns).map(|turn| turn.from).collect();
        speakers.sort_unstable();
        speakers.dedup();
        let Some(colours) = colours(system, family, &speakers) else { return false };
        let outside: Vec<RoleId> = speakers.iter().copied().filter(|&role| of[role].is_none()).collect();
        let tells = |role: RoleId, member: usize| {
            let at = speakers.binary_search(&role).ok()?;
            Some(Tells { role, colours: colours.get(at)?.get(member)?.clone() })
        };
        for (at, member) in family.members.iter().enumerate() {
            let all = member.iter().chain(&outside);
            family.tells.push(all.filter_map(|&role| tells(role, at)).collect());
        }
        // The edges of the first member, and the same of the others.
        let members = &family.members;
        let edges_of = |at: usize, other: Option<usize>| -> Vec<EdgeId> {
            let place = |role: RoleId, of: usize| members[of].iter().position(|&own| own == role);
            let mut edges: Vec<(Place, EdgeId)> = Vec::new();
            for (id, edge) in system.edges().iter() {
                for (own, end, sends) in [(edge.from, edge.to, true), (edge.to, edge.from, false)] {
                    let Some(place_of_own) = place(own, at) else { continue };
                    let end_place = match (of[end], other) {
                        (None, None) => (false, end.index()),
                        (Some(member), None) if member == at && sends => (true, place(end, at).unwrap_or(0)),
                        (Some(member), Some(other)) if member == other => (true, place(end, other).unwrap_or(0)),
                        _ => continue,
                    };
                    edges.push(((sends, place_of_own, end_place.0, end_place.1), id));
                }
            }
            edges.sort_unstable();
            edges.into_iter().map(|(_, id)| id).collect()
        };
        let talk = system.edges().values().any(|edge| match (of[edge.from], of[edge.to]) {
            (Some(one), Some(other)) => one != other,
            _ => false,
        });
        let count = members.len();
        if talk && count.saturating_mul(count).saturating_mul(system.edges().len()) > COLOURS {
            return false;
        }
        family.edges = (0..count).map(|at| edges_of(at, None)).collect();
        if talk {
            let others = |at: usize| {
                let others = (0..count).filter(|&other| other != at);
                let of = |other: usize| {
                    let tells = members[other].iter().filter_map(|&role| tells(role, at)).collect();
                    (tells, edges_of(at, Some(other)))
                };
                others.map(of).collect()
            };
            family.others = (0..count).map(others).collect();
        }
        true
    }
}

/// Per role that a swap turns and per member, a number per state: equal if swaps take one to the other.
fn colours(system: &System, family: &Family, speakers: &[RoleId]) -> Option<Vec<Vec<Box<[u32]>>>> {
    let count = family.members.len();
    // (speaker, state, member) in one row.
    let mut start = Vec::with_capacity(speakers.len());
    let mut all = 0usize;
    for &role in speakers {
        start.push(all);
        all = all.saturating_add(system.machines()[role].states().saturating_mul(count));
    }
    if all > COLOURS {
        return None;
    }
    let place = |speaker: usize, state: usize, member: usize| {
        start[speaker].saturating_add(state.saturating_mul(count)).saturating_add(member)
    };
    let mut above: Vec<usize> = (0..all).collect();
    fn root(above: &mut [usize], mut at: usize) -> usize {
        while above[at] != at {
            above[at] = above[above[at]];
            at = above[at];
        }
        at
    }
    for (nth, swap) in family.swaps.iter().enumerate() {
        let next = nth.saturating_add(1);
        let turned = |member: usize| match member {
            _ if member == nth => next,
            _ if member == next => nth,
            _ => member,
        };
        for (speaker, &role) in speakers.iter().enumerate() {
            let turn = swap.turns.iter().find(|turn| turn.from == role);
            let to = turn.map_or(role, |turn| turn.to);
            let Ok(image) = speakers.binary_search(&to) else { continue };
            for state in 0..system.machines()[role].states() {
                let then = turn.and_then(|turn| turn.states.as_ref()).map_or(state, |states| states[state].index());
                for member in 0..count {
                    let one = root(&mut above, place(speaker, state, member));
                    let other = root(&mut above, place(image, then, turned(member)));
                    above[one.max(other)] = one.min(other);
                }
            }
        }
    }
    let mut colours = Vec::with_capacity(speakers.len());
    for (speaker, &role) in speakers.iter().enumerate() {
        let mut rows = Vec::with_capacity(count);
        for member in 0..count {
            let states = 0..system.machines()[role].states();
            let row = states.map(|state| u32::try_from(root(&mut above, place(speaker, state, member))));
            rows.push(row.collect::<Result<Box<[u32]>, _>>().ok()?);
        }
        colours.push(rows);
    }
    Some(colours)
}
