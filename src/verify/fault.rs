//! What is wrong with one configuration, looked at by itself.
//!
//! * **Unspecified reception**: a role only receives, and each of the edges it receives from has a head that it does
//!   not take. On a synchronous edge nothing is ever queued, so there is no such head.
//! * **Orphan**: a queued message whose receiver has ended. Also: nothing can happen, every role may stop, and a
//!   message is left in a queue.
//! * **Deadlock**: nothing can happen, some role may not stop, and no send lacks only the room that the exploration's
//!   bound takes from it.
//!
//! Whether a configuration is bad does not depend on the exploration's bound, only whether it is met.

use crate::{
    event::Event,
    id::{EdgeId, IdVec, MessageId, RoleId, StateId},
    machine::{Cells, System},
    protocol::Act,
};

/// What is wrong with a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// This role waits before heads that it does not take.
    Unspecified(RoleId),
    /// The head of this edge is never received.
    Orphan(EdgeId),
    /// Nothing can happen.
    Deadlock,
}

/// How many configurations of an exploration were what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counts {
    /// Nothing can happen, and some role may not stop.
    pub deadlocks: usize,
    /// With an unspecified reception.
    pub unspecified: usize,
    /// A queued message's receiver has ended, or all may stop with a message left.
    pub orphans: usize,
    /// Of the orphans: those in which all roles may stop and nothing can happen.
    pub ended_orphans: usize,
    /// Nothing can happen, but some send only lacks the room that the bound takes from it.
    pub full: usize,
}

impl Counts {
    /// One configuration more.
    #[inline]
    pub(super) fn add(&mut self, wrong: &Wrong) {
        let add = |count: &mut usize, it: bool| *count = count.saturating_add(usize::from(it));
        add(&mut self.deadlocks, wrong.deadlock);
        add(&mut self.unspecified, wrong.unspecified.is_some());
        add(&mut self.orphans, wrong.orphan.is_some());
        add(&mut self.ended_orphans, wrong.ended_orphan);
        add(&mut self.full, wrong.full);
    }
}

/// Everything that is wrong with one configuration.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wrong {
    unspecified: Option<RoleId>,
    orphan: Option<EdgeId>,
    ended_orphan: bool,
    deadlock: bool,
    full: bool,
}

impl Wrong {
    /// The first of it.
    #[inline]
    pub(super) fn fault(&self) -> Option<Fault> {
        let first = self.unspecified.map(Fault::Unspecified).or(self.orphan.map(Fault::Orphan));
        first.or(self.deadlock.then_some(Fault::Deadlock))
    }
}

#[derive(Clone, Debug, Default)]
struct StateFacts {
    ended: bool,
    may_stop: bool,
    /// If the state only receives: from which edges.
    waits_on: Box<[EdgeId]>,
}

/// Facts about a system that are looked up in each of its configurations.
pub(super) struct Watch<'a> {
    system: &'a System,
    states: IdVec<RoleId, IdVec<StateId, StateFacts>>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(system: &'a System) -> Self {
        let mut states = Vec::with_capacity(system.machines().len());
        for (role, machine) in system.machines().iter() {
            let mut row = vec![StateFacts::default()];
            for state in machine.state_ids() {
                let mut waits_on = Vec::new();
                if machine.only_receives(state) {
                    let edges = machine.offers(state).iter().filter_map(|offer| system.message_of(role, offer.action));
                    waits_on.extend(edges.map(|message| system.messages()[message].edge));
                    waits_on.sort_unstable();
                    waits_on.dedup();
                }
                row.push(StateFacts {
                    ended: machine.is_end(state),
                    may_stop: machine.may_stop(state),
                    waits_on: waits_on.into(),
                });
            }
            states.push(row.into());
        }
        Self { system, states: states.into() }
    }

    fn facts<C: Cells>(&self, cells: &C, role: RoleId) -> Option<&StateFacts> {
        self.states[role].entry(cells.state(role))
    }

    /// Whether every role may stop in its state.
    pub(super) fn all_may_stop<C: Cells>(&self, cells: &C) -> bool {
        self.system.machines().ids().all(|role| self.facts(cells, role).is_some_and(|facts| facts.may_stop))
    }

    /// Whether the role has ended.
    pub(super) fn has_ended<C: Cells>(&self, cells: &C, role: RoleId) -> bool {
        self.facts(cells, role).is_some_and(|facts| facts.ended)
    }

    /// Whether the role may stop in its state.
    pub(super) fn may_stop<C: Cells>(&self, cells: &C, role: RoleId) -> bool {
        self.facts(cells, role).is_some_and(|facts| facts.may_stop)
    }

    /// The first fault of a configuration, in which nothing can happen if `idle`, and `cut` says whether some send only
    /// lacks the exploration's room; every kind of fault is counted.
    #[inline]
    pub(super) fn look<C: Cells>(&self, cells: &C, idle: bool, cut: bool, counts: &mut Counts) -> Option<Fault> {
        let wrong = self.wrong(cells, idle, cut);
        counts.add(&wrong);
        wrong.fault()
    }

    /// The same, uncounted.
    #[inline]
    pub(super) fn wrong<C: Cells>(&self, cells: &C, idle: bool, cut: bool) -> Wrong {
        let mut wrong = Wrong { unspecified: self.unspecified(cells), orphan: self.orphan(cells), ..Wrong::default() };
        if idle {
            if cut {
                wrong.full = true;
            } else if self.all_may_stop(cells) {
                let left = self.system.edges().ids().find(|&edge| cells.queued(edge) > 0);
                wrong.orphan = wrong.orphan.or(left);
                wrong.ended_orphan = left.is_some();
            } else {
                wrong.deadlock = true;
            }
        }
        wrong
    }

    #[inline]
    fn unspecified<C: Cells>(&self, cells: &C) -> Option<RoleId> {
        self.states.ids().find(|&role| self.misreceives(cells, role))
    }

    #[inline]
    fn misreceives<C: Cells>(&self, cells: &C, role: RoleId) -> bool {
        self.facts(cells, role).is_some_and(|facts| {
            !facts.waits_on.is_empty() && facts.waits_on.iter().all(|&edge| self.refused(cells, edge))
        })
    }

    /// What is wrong with one role: it waits before heads that it does not take, or has ended and has not received all.
    pub(super) fn fault_of<C: Cells>(&self, cells: &C, role: RoleId) -> Option<Fault> {
        let facts = self.facts(cells, role)?;
        if facts.ended {
            let mut left = self.system.edges().iter().filter(|(id, edge)| edge.to == role && cells.queued(*id) > 0);
            return left.next().map(|(id, _)| Fault::Orphan(id));
        }
        self.misreceives(cells, role).then_some(Fault::Unspecified(role))
    }

    /// Whether the head of an edge is there and not taken.
    #[inline]
    fn refused<C: Cells>(&self, cells: &C, edge: EdgeId) -> bool {
        cells.head(edge).is_some_and(|head| self.system.admits_receive(cells, head).is_none())
    }

    #[inline]
    fn orphan<C: Cells>(&self, cells: &C) -> Option<EdgeId> {
        self.system.edges().iter().find_map(|(id, edge)| {
            (cells.queued(id) > 0 && self.facts(cells, edge.to).is_some_and(|facts| facts.ended)).then_some(id)
        })
    }

    /// The roles that may not stop in a configuration.
    pub(super) fn stuck<C: Cells>(&self, cells: &C) -> Vec<RoleId> {
        self.system.machines().ids().filter(|&role| !self.may_stop(cells, role)).collect()
    }

    /// The edges that a role waits on, if it only receives.
    pub(super) fn waits_on<C: Cells>(&self, cells: &C, role: RoleId) -> &[EdgeId] {
        self.facts(cells, role).map_or(&[], |facts| &facts.waits_on)
    }

    /// What a role offers in its state, as events.
    pub(super) fn offers<C: Cells>(&self, cells: &C, role: RoleId) -> Vec<Event> {
        let machine = &self.system.machines()[role];
        let event = |message: MessageId, act: Act| match act {
            Act::Send(_) => self.system.send_event(message),
            _ => self.system.receive_event(message),
        };
        let offers = machine.offers(cells.state(role)).iter();
        offers
            .map(|offer| {
                let action = machine.actions()[offer.action];
                match self.system.message_of(role, offer.action) {
                    Some(message) => event(message, action.act),
                    None => Event::Act { role, label: action.label, sort: action.sort },
                }
            })
            .collect()
    }
}
