//! The short way of claim, release and close: all roles asked for are unowned, or the capability is live and nothing hangs
//! on it, or every role has finished, the queues are empty and at most one capability goes with the session.
//!
//! Whatever is not the usual case is left to the long way in [`own`](super::own), which decides it from the beginning; so
//! the short way gives, takes and closes, and never refuses. The model test runs both.

use super::{
    By, Capability, Opener, Owner, Scope, SessionId, Status,
    audit::{Kind, Record, SessionRef, Verdict},
    block::{self, Head, Words},
    claims::Claim,
    handle::Roles,
    pages::Page,
    plan::Engine,
    store::{Keep, Store},
};
use crate::id::{Id, RoleId};

/// Whether a session goes on, with no witness and no offer on it.
#[inline(always)]
fn usual(head: u64, generation: u32) -> bool {
    head & HEAD == ACTIVE | u64::from(generation)
}

/// Flags of what must be looked at before a session ends.
const UNUSUAL: u64 = (block::UNUSUAL as u64) << 40;
/// Of a block's first word: generation, status, and the flags that matter.
const HEAD: u64 = 0x0000_00ff_ffff_ffff | (((block::WITNESSED | block::OFFERS) as u64) << 40);
const ACTIVE: u64 = (Status::Active as u64) << 32;

/// The record of a capability that comes or goes.
#[inline(always)]
fn noted(page: &Page, session: SessionId, stamp: u32, time: i64, verdict: Verdict) -> Record {
    let of = SessionRef { slot: session.slot, generation: session.generation };
    Record { time, generation: stamp, plan: page.number, ..Record::new(of, Kind::Capability, verdict) }
}

impl Store {
    /// A capability for roles that nobody owns.
    #[inline(always)]
    pub(super) fn quick_claim(&mut self, opener: &Opener, owner: Owner, scope: &Scope) -> Option<Capability> {
        let id = opener.session;
        let (page, at) = self.pages.place(id).filter(|_| opener.store == self.id)?;
        let roles = match scope {
            Scope::Session => page.plan.0.all.clone(),
            Scope::Fragment(of) if of.is_empty() => return None,
            Scope::Fragment(of) => Roles::new(of.iter().copied()),
        };
        let count = page.plan.0.roles;
        let (lines, cold) = page.both(at)?;
        let unowned = |role: RoleId| role.index() < count && block::generation(lines, role) == 0;
        if !usual(lines.word(0), id.generation) || !roles.iter().all(unowned) {
            return None;
        }
        let stamp = cold.stamp.checked_add(1)?;
        let place = self.rest.audit.place()?;
        cold.stamp = stamp;
        cold.records = cold.records.saturating_add(1);
        cold.claims = self.claims.add(Claim::new(owner, roles.clone(), stamp, cold.claims));
        for role in roles.iter() {
            block::set_generation(lines, role, stamp);
        }
        let time = block::now(lines);
        self.rest.audit.put_at(place, noted(page, id, stamp, time, Verdict::Issued));
        Some(Capability { store: self.id, stamp, session: id, roles, owner })
    }

    /// Takes a capability back; none if it is not the usual case.
    #[inline(always)]
    pub(super) fn quick_release(&mut self, capability: &Capability) -> Option<()> {
        let id = capability.session;
        let (page, at) = self.pages.place(id).filter(|_| capability.store == self.id)?;
        let (lines, cold) = page.both(at)?;
        if !usual(lines.word(0), id.generation) {
            return None;
        }
        // The latest claim is the first of the list.
        let place = self.claims.take_first(&mut cold.claims, capability.stamp, || self.rest.audit.place())?;
        cold.records = cold.records.saturating_add(1);
        for role in capability.roles.iter() {
            block::set_generation(lines, role, 0);
        }
        let time = block::now(lines);
        self.rest.audit.put_at(place, noted(page, id, capability.stamp, time, Verdict::Invalidated));
        Some(())
    }

    /// Ends a session that is done; none if it is not the usual case.
    pub(super) fn quick_close(&mut self, by: By<'_>, at: i64) -> Option<()> {
        let (store, id) = match by {
            By::Opener(opener) => (opener.store, opener.session),
            By::Capability(capability) => (capability.store, capability.session),
        };
        let (page, place) = self.pages.place(id).filter(|_| store == self.id)?;
        let number = page.number;
        let (plan, lines, cold) = page.all(place)?;
        let Engine::Table(system) = &plan.0.engine else { return None };
        if lines.word(0) & (HEAD | UNUSUAL) != ACTIVE | u64::from(id.generation) {
            return None;
        }
        let layout = &plan.0.layout;
        let mut machines = system.machines().iter();
        let stops = machines.all(|(role, machine)| machine.may_stop(layout.state(lines, role)));
        if !stops || plan.edges().ids().any(|edge| layout.len(lines, edge) > 0) {
            return None;
        }
        let claim = self.claims.only(cold.claims)?;
        if let By::Capability(capability) = by
            && claim.is_none_or(|claim| claim.stamp != capability.stamp || claim.roles.len() != plan.0.roles)
        {
            return None;
        }
        let records = 1_u32.saturating_add(u32::from(claim.is_some()));
        if !self.rest.audit.has_room(records as usize) {
            return None;
        }
        let now = block::now(lines).max(at);
        block::set_now(lines, now);
        let head = Head { status: Status::Closed as u8, ..Head::read(lines) };
        head.write(lines);
        cold.epoch = cold.epoch.saturating_add(1);
        cold.records = cold.records.saturating_add(records);
        cold.closed = now;
        let of = SessionRef { slot: id.slot, generation: id.generation };
        let record = Record { time: now, plan: number, ..Record::new(of, Kind::Closed, Verdict::Accepted) };
        self.rest.audit.accepted(record);
        if let Some(claim) = claim {
            for role in claim.roles.iter() {
                block::set_generation(lines, role, 0);
            }
            let record =
                Record { kind: Kind::Capability, verdict: Verdict::Invalidated, generation: claim.stamp, ..record };
            self.rest.audit.accepted(record);
            let first = cold.claims;
            self.claims.remove(&mut cold.claims, first);
        }
        self.live = self.live.saturating_sub(1);
        self.alarms.set(id, None);
        self.ended.push_back(id);
        self.rest.audit.seal_now();
        Some(())
    }
}
