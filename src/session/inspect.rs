//! Looking at sessions, which changes nothing.

use super::{
    SessionId,
    block::Line,
    close::table_queue,
    judge,
    plan::Engine,
    queue::{Spill, View},
    step::{Direction, Expected},
    store::Store,
};
use crate::{
    id::{EdgeId, MessageId, RoleId, StateId},
    machine::System,
    protocol::{Local, show},
};

impl Store {
    /// The exact set of what a role could do next. What data and time demand of it is not looked at.
    #[must_use]
    pub fn enabled(&self, session: SessionId, role: RoleId) -> Vec<Expected> {
        let mut out = self.allowed(session, role);
        let Some(plan) = self.plan(session) else { return out };
        for one in out.iter_mut().filter(|one| one.direction == Direction::Receive) {
            // What waits on a synchronous edge can be taken while its sender stands by it.
            if let Some(edge) = plan.edge(one.peer, role)
                && let Some(offer) = self.rest.offers.get(&(session.slot, edge))
            {
                let stands = |other: &Expected| {
                    (other.direction, other.peer, other.label, other.sort)
                        == (Direction::Send, role, one.label, one.sort)
                };
                let same = plan.label_of(offer.message) == one.label && plan.sort_of(offer.message) == Some(one.sort);
                one.ready = same && self.allowed(session, one.peer).iter().any(stands);
            }
        }
        out
    }

    /// What the types allow, and queues.
    fn allowed(&self, session: SessionId, role: RoleId) -> Vec<Expected> {
        let mut out = Vec::new();
        let Some((page, at)) = self.head(session).and_then(|_| self.pages.look(session)) else { return out };
        match &page.plan.0.engine {
            Engine::Table(system) => self.with_view(session, system, |view| {
                judge::expected(&page.plan, system, view, role, &mut out);
            }),
            Engine::Tree(program) => {
                if let Some(cold) = page.cold.get(at) {
                    self.trees.expected(&page.plan, program, cold.tree, role, &mut out);
                }
            }
        }
        out
    }

    /// A table session as a configuration, on a copy of its block: for looking only.
    fn with_view(&self, session: SessionId, _: &System, look: impl FnOnce(&View<'_, [Line]>)) {
        let Some((page, at)) = self.pages.look(session) else { return };
        let mut block: Vec<Line> = page.block(at).to_vec();
        let mut spill = Spill::default();
        for edge in page.plan.0.layout.rings.ids() {
            spill.copy(&self.rest.spill, session.slot, edge);
        }
        spill.copy_payloads(&self.rest.spill, session.slot, page.plan.0.layout.rings.len());
        look(&View { words: &mut *block, layout: &page.plan.0.layout, spill: &mut spill, slot: session.slot });
    }

    /// Whether a role may stop where it is.
    #[must_use]
    pub fn is_finished(&self, session: SessionId, role: RoleId) -> bool {
        let Some((page, at)) = self.head(session).and_then(|_| self.pages.look(session)) else { return false };
        match &page.plan.0.engine {
            Engine::Table(system) => {
                let state = page.plan.0.layout.state(page.block(at), role);
                system.machines().entry(role).is_some_and(|machine| machine.may_stop(state))
            }
            Engine::Tree(program) => {
                page.cold.get(at).is_some_and(|cold| self.trees.may_stop(program, cold.tree, role))
            }
        }
    }

    /// How many messages an edge holds.
    #[must_use]
    pub fn queue_len(&self, session: SessionId, edge: EdgeId) -> usize {
        let Some((page, at)) = self.head(session).and_then(|_| self.pages.look(session)) else { return 0 };
        match &page.plan.0.engine {
            Engine::Table(_) => table_queue(self, session, edge),
            Engine::Tree(_) => page.cold.get(at).map_or(0, |cold| self.trees.queue(cold.tree, edge).len()),
        }
    }

    /// Whether a message waits on the edge between two roles.
    #[must_use]
    pub fn has_message(&self, session: SessionId, from: RoleId, to: RoleId) -> bool {
        let edge = self.plan(session).and_then(|plan| plan.edge(from, to));
        edge.is_some_and(|edge| self.queue_len(session, edge) > 0)
    }

    /// The messages on the edge between two roles, oldest first, as text.
    #[must_use]
    pub fn queue(&self, session: SessionId, from: RoleId, to: RoleId) -> Vec<String> {
        let Some(plan) = self.plan(session).cloned() else { return Vec::new() };
        let Some(edge) = plan.edge(from, to) else { return Vec::new() };
        self.messages(session, edge).into_iter().map(|message| plan.message_text(message)).collect()
    }

    /// The messages of an edge, oldest first.
    pub(super) fn messages(&self, session: SessionId, edge: EdgeId) -> Vec<MessageId> {
        let Some((page, at)) = self.head(session).and_then(|_| self.pages.look(session)) else { return Vec::new() };
        match &page.plan.0.engine {
            Engine::Table(system) => {
                let mut out = Vec::new();
                self.with_view(session, system, |view| out = view.messages(edge).collect());
                out
            }
            Engine::Tree(_) => page.cold.get(at).map_or_else(Vec::new, |cold| self.trees.queue(cold.tree, edge)),
        }
    }

    /// The state of a role's machine; of a table session alone.
    #[must_use]
    pub fn state(&self, session: SessionId, role: RoleId) -> Option<StateId> {
        self.head(session)?;
        let (page, at) = self.pages.look(session)?;
        matches!(page.plan.0.engine, Engine::Table(_)).then(|| page.plan.0.layout.state(page.block(at), role))
    }

    /// The type at which a role is, as text: what it does from here on.
    #[must_use]
    pub fn local_type(&self, session: SessionId, role: RoleId) -> Option<String> {
        self.head(session)?;
        let (page, at) = self.pages.look(session)?;
        let plan = &page.plan.0;
        match &plan.engine {
            Engine::Table(_) => {
                let local = plan.locals.entry(role)?;
                let here = Local { initial: plan.layout.state(page.block(at), role), ..local.clone() };
                Some(show::print(&here, &plan.header, &plan.names, 0))
            }
            Engine::Tree(program) => self.trees.local_type(&page.plan, program, page.cold.get(at)?.tree, role),
        }
    }

    /// A digest of all that a session is, its records left out: equal before and after whatever is refused.
    #[must_use]
    pub fn digest(&self, session: SessionId) -> Option<u64> {
        use std::hash::{Hash, Hasher};
        self.head(session)?;
        let (page, at) = self.pages.look(session)?;
        let cold = page.cold.get(at)?;
        let mut hasher = rustc_hash::FxHasher::default();
        page.block(at).hash(&mut hasher);
        (cold.epoch, cold.stamp, cold.opened, cold.closed).hash(&mut hasher);
        for (_, claim) in self.claims.of(cold.claims) {
            (claim.owner, &claim.roles, claim.stamp, claim.transfer).hash(&mut hasher);
        }
        for edge in page.plan.edges().ids() {
            self.messages(session, edge).hash(&mut hasher);
        }
        if let Engine::Table(system) = &page.plan.0.engine {
            self.with_view(session, system, |view| {
                let edges = page.plan.edges().ids();
                edges.for_each(|edge| view.payloads(edge).for_each(|payload| payload.hash(&mut hasher)));
            });
        }
        for (number, _) in self.rest.witnesses.waiting(session.slot, |_| true) {
            number.hash(&mut hasher);
        }
        for edge in page.plan.edges().ids() {
            if let Some(offer) = self.rest.offers.get(&(session.slot, edge)) {
                (edge, offer.message, offer.stamp, offer.payload, &offer.witnesses).hash(&mut hasher);
            }
            self.rest.spill.given(session.slot, edge).for_each(|payload| payload.hash(&mut hasher));
        }
        if let Some(handlers) = self.rest.handlers.get(&session.slot) {
            handlers.default.hash(&mut hasher);
            for edge in page.plan.edges().ids() {
                handlers.edges.get(&edge).hash(&mut hasher);
            }
        }
        for timeout in self.timeouts.of(session.slot) {
            (timeout.number, timeout.site, timeout.until).hash(&mut hasher);
        }
        self.key_of.get(&session.slot).hash(&mut hasher);
        if let Engine::Tree(_) = &page.plan.0.engine {
            self.trees.digest(cold.tree, &mut hasher);
        }
        Some(hasher.finish())
    }
}
