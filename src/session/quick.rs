//! The short way of claim and release: all roles asked for are unowned, or the capability is live and nothing hangs on it.
//!
//! Whatever is not the usual case is left to the long way in [`own`](super::own), which decides it from the beginning; so
//! the short way gives and takes, and never refuses. The model test runs both.

use super::{
    Capability, Opener, Owner, Scope, Status,
    audit::{Audit, Kind, Record, SessionRef, Verdict},
    block::{self, Head},
    handle::Roles,
    own::Claim,
    pages::Page,
    store::{Keep, Store},
};
use crate::id::RoleId;

/// The page and place of a session that goes on, with no more on it than its type.
fn usual(page: &Page, at: usize, generation: u32) -> bool {
    let [line, ..] = page.block(at) else { return false };
    let head = Head::read(line);
    head.generation == generation
        && head.status == Status::Active as u8
        && head.flags & (block::WITNESSED | block::OFFERS) == 0
}

/// The record of a capability that comes or goes.
fn noted(audit: &mut Audit, page: &mut Page, at: usize, session: super::SessionId, stamp: u32, verdict: Verdict) {
    let time = page.block(at).first().map_or(0, block::now);
    if let Some(cold) = page.cold.get_mut(at) {
        cold.records = cold.records.saturating_add(1);
    }
    let of = SessionRef { slot: session.slot, generation: session.generation };
    let plan = page.number;
    audit.accepted(Record { time, generation: stamp, plan, ..Record::new(of, Kind::Capability, verdict) });
}

impl Store {
    /// A capability for roles that nobody owns.
    #[inline]
    pub(super) fn quick_claim(&mut self, opener: &Opener, owner: Owner, scope: &Scope) -> Option<Capability> {
        let id = opener.session;
        if opener.store != self.id {
            return None;
        }
        let (page, at) = self.pages.place(id)?;
        if !usual(page, at, id.generation) {
            return None;
        }
        let roles = match scope {
            Scope::Session => page.plan.0.all.clone(),
            Scope::Fragment(of) if of.is_empty() => return None,
            Scope::Fragment(of) => Roles::new(of.iter().copied()),
        };
        let count = page.plan.0.roles;
        let unowned = |role: RoleId| crate::id::Id::index(role) < count && block::generation(page.block(at), role) == 0;
        if !roles.iter().all(unowned) || !self.rest.audit.has_room(1) {
            return None;
        }
        let cold = page.cold.get_mut(at)?;
        let stamp = cold.stamp.checked_add(1)?;
        cold.stamp = stamp;
        cold.claims = self.claims.add(Claim::new(owner, roles.clone(), stamp, cold.claims));
        let block = page.block_mut(at);
        for role in roles.iter() {
            block::set_generation(block, role, stamp);
        }
        noted(&mut self.rest.audit, page, at, id, stamp, Verdict::Issued);
        Some(Capability { store: self.id, stamp, session: id, roles, owner })
    }

    /// Takes a capability back; whether it was the usual case.
    #[inline]
    pub(super) fn quick_release(&mut self, capability: &Capability) -> bool {
        let id = capability.session;
        if capability.store != self.id {
            return false;
        }
        let Some((page, at)) = self.pages.place(id) else { return false };
        if !usual(page, at, id.generation) {
            return false;
        }
        let Some(first) = page.cold.get(at).map(|cold| cold.claims) else { return false };
        // The latest claim is the first of the list.
        let live = self.claims.of(first).next().filter(|(_, claim)| claim.stamp == capability.stamp);
        let Some((claim, _)) = live.filter(|(_, claim)| claim.transfer == 0) else { return false };
        if !self.rest.audit.has_room(1) {
            return false;
        }
        let block = page.block_mut(at);
        for role in capability.roles.iter() {
            block::set_generation(block, role, 0);
        }
        if let Some(cold) = page.cold.get_mut(at) {
            self.claims.remove(&mut cold.claims, claim);
        }
        noted(&mut self.rest.audit, page, at, id, capability.stamp, Verdict::Invalidated);
        true
    }
}
