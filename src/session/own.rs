//! Ownership: who may act for which roles, and how that changes hands.
//!
//! ```text
//! claim       unowned roles              →  a capability, of a new generation
//! release     a capability               →  unowned roles
//! attenuate   a capability, fewer roles  →  a capability for these; the others are unowned
//! ```
//!
//! How a capability changes hands is in [`transfer`](super::transfer).
//!
//! INVARIANT (rising): the generations of a session come from one counter that only rises, also across release,
//! re-claim, attenuation, transfer and import, so what was invalidated never becomes live again.
//! INVARIANT (disjoint): the roles of two claims of a session have none in common; a role's generation is that of its
//! claim, or 0.

use super::{
    Cancellation, Capability, Code, Opener, Owner, Refused, Scope, SessionId, Status,
    audit::{Kind, Record, SessionRef, Verdict},
    block::{self, Words},
    claims::Claim,
    handle::Roles,
    pages::NONE,
    refuse::Detail,
    store::{Keep, Store},
};
use crate::id::{Id, RoleId};

/// When more than this many capabilities or witnesses end at once, one record counts them all.
pub(super) const EACH: usize = 64;

/// How many records so many take that end at once.
pub(super) fn together(count: usize) -> usize {
    if count > EACH { 1 } else { count }
}

/// A refused call by value, with what was handed in.
#[derive(Debug)]
pub struct Returned<T> {
    /// Why.
    pub refused: Refused,
    /// What was handed in.
    pub value: T,
}

impl<T> Returned<T> {
    pub(super) fn new(refused: Refused, value: T) -> Box<Self> {
        Box::new(Self { refused, value })
    }
}

impl<T> std::fmt::Display for Returned<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.refused.fmt(f)
    }
}

impl<T: std::fmt::Debug> std::error::Error for Returned<T> {}

impl Store {
    /// Gives unowned roles to an owner.
    ///
    /// # Errors
    ///
    /// Unknown session; terminal; a role that is claimed already, with its owner; a transfer that is pending on one.
    pub fn claim(&mut self, opener: &Opener, owner: Owner, scope: &Scope) -> Result<Capability, Refused> {
        if let Some(capability) = self.quick_claim(opener, owner, scope) {
            return Ok(capability);
        }
        let id = opener.session;
        let why = self.authority(opener.store, id).and_then(|()| self.may_claim(id, scope));
        let why = match why {
            Ok(roles) => self.stamps(id, 1, 1).map(|()| roles),
            Err(refused) => Err(refused),
        };
        let roles = match why {
            Ok(roles) => roles,
            Err(refused) => return Err(self.rejected(id, 0, Kind::Capability, refused)),
        };
        match self.issue(id, owner, roles) {
            Some(capability) => Ok(capability),
            None => Err(self.rejected(id, 0, Kind::Capability, Refused::new(Code::Exhausted))),
        }
    }

    fn may_claim(&self, id: SessionId, scope: &Scope) -> Result<Roles, Refused> {
        self.not_terminal(id)?;
        let roles = self.scope(id, scope)?;
        // Mostly nobody has any of them, however many there are.
        if let Some((page, at)) = self.pages.look(id)
            && roles.iter().all(|role| block::generation(page.block(at), role) == 0)
        {
            return Ok(roles);
        }
        let taken = self.claims.of(self.first_claim(id)).filter_map(|(_, claim)| {
            let role = roles.iter().find(|&role| claim.roles.contains(role))?;
            Some((claim.transfer != 0, role, claim.owner))
        });
        // A plain claim is said before one that is about to change hands; of several the first role.
        match taken.min() {
            Some((pending, role, owner)) => {
                let code = if pending { Code::TransferPending } else { Code::AlreadyClaimed };
                Err(Refused::with(code, Detail::Owner { role, owner }))
            }
            None => Ok(roles),
        }
    }

    /// Gives the roles of a capability back.
    ///
    /// # Errors
    ///
    /// Unknown session; terminal; stale; a transfer is pending. The capability comes back with the refusal.
    pub fn release(&mut self, capability: Capability) -> Result<(), Box<Returned<Capability>>> {
        if self.quick_release(&capability).is_some() {
            return Ok(());
        }
        let held = match self.held(&capability) {
            Ok(at) => self.room(self.revoking(&capability)).map(|()| at),
            Err(refused) => Err(refused),
        };
        match held {
            Ok(at) => {
                self.revoke(capability.session, at);
                Ok(())
            }
            Err(refused) => {
                let refused = self.rejected(capability.session, capability.stamp, Kind::Capability, refused);
                Err(Returned::new(refused, capability))
            }
        }
    }

    /// Keeps some of the roles of a capability, and lets the others go.
    ///
    /// # Errors
    ///
    /// As [`Store::release`]; or the scope is not narrower.
    pub fn attenuate(
        &mut self,
        capability: Capability,
        scope: &Scope,
    ) -> Result<Capability, Box<Returned<Capability>>> {
        let id = capability.session;
        let narrower = self.held(&capability).and_then(|at| {
            let roles = self.scope(id, scope)?;
            if roles.len() < capability.roles.len() && roles.is_subset(&capability.roles) {
                Ok((at, roles))
            } else {
                Err(Refused::new(Code::NotNarrower))
            }
        });
        let narrower = match narrower {
            Ok(found) => self.stamps(id, 1, self.revoking(&capability).saturating_add(1)).map(|()| found),
            Err(refused) => Err(refused),
        };
        match narrower {
            Ok((at, roles)) => {
                self.revoke(id, at);
                match self.issue(id, capability.owner, roles) {
                    Some(kept) => Ok(kept),
                    None => Err(Returned::new(Refused::new(Code::Exhausted), capability)),
                }
            }
            Err(refused) => {
                let refused = self.rejected(id, capability.stamp, Kind::Capability, refused);
                Err(Returned::new(refused, capability))
            }
        }
    }

    /// An owner is gone: its session is faulted.
    ///
    /// # Errors
    ///
    /// Unknown session; terminal; the owner holds nothing.
    pub fn owner_died(
        &mut self,
        opener: &Opener,
        owner: Owner,
        reason: &str,
        at: i64,
    ) -> Result<Cancellation, Refused> {
        let id = opener.session;
        let why = self.authority(opener.store, id).and_then(|()| self.not_terminal(id)).and_then(|()| {
            let mut all = self.claims.of(self.first_claim(id));
            if all.any(|(_, claim)| claim.owner == owner) { Ok(()) } else { Err(Refused::new(Code::Unclaimed)) }
        });
        let why = match why {
            Ok(()) => self.room(self.ending(id)),
            Err(refused) => Err(refused),
        };
        match why {
            Ok(()) => Ok(self.ends(id, Status::Faulted, reason, at)),
            Err(refused) => Err(self.rejected(id, 0, Kind::Capability, refused)),
        }
    }

    /// Sets the counter of generations of a session, if that is higher: to see what happens at its end.
    #[doc(hidden)]
    pub fn wind_generations(&mut self, supervisor: &super::Supervisor, session: SessionId, to: u32) {
        if supervisor.store == self.id
            && self.head(session).is_some()
            && let Some((page, at)) = self.pages.place(session)
            && let Some(cold) = page.cold.get_mut(at)
        {
            cold.stamp = cold.stamp.max(to);
        }
    }

    /// Who owns a role, and its generation; 0 if nobody does.
    #[must_use]
    pub fn owner(&self, session: SessionId, role: RoleId) -> Option<(Option<Owner>, u32)> {
        self.head(session)?;
        let (page, at) = self.pages.look(session)?;
        if role.index() >= page.plan.0.roles {
            return None;
        }
        let generation = block::generation(page.block(at), role);
        let mut all = self.claims.of(self.first_claim(session));
        Some((all.find(|(_, claim)| claim.roles.contains(role)).map(|(_, claim)| claim.owner), generation))
    }

    /// The claim of a capability that is live and whose roles are not about to change hands.
    pub(super) fn held(&self, capability: &Capability) -> Result<u32, Refused> {
        let id = capability.session;
        self.authority(capability.store, id)?;
        self.not_terminal(id)?;
        let (at, claim) = self.live(capability)?;
        if claim.transfer != 0 { Err(Refused::new(Code::TransferPending)) } else { Ok(at) }
    }

    /// The claim of a live capability.
    pub(super) fn live(&self, capability: &Capability) -> Result<(u32, &Claim), Refused> {
        let id = capability.session;
        self.claims.find(self.first_claim(id), capability.stamp).ok_or_else(|| {
            let expected =
                capability.roles.iter().next().and_then(|role| self.owner(id, role)).map_or(0, |found| found.1);
            Refused::with(Code::Stale, Detail::Generation { expected, actual: capability.stamp })
        })
    }

    /// Whether an authority of this store is for a session that there is.
    pub(super) fn authority(&self, store: u32, id: SessionId) -> Result<(), Refused> {
        if store != self.id {
            return Err(Refused::new(Code::Foreign));
        }
        if self.head(id).is_none() {
            return Err(Refused::new(Code::UnknownSession));
        }
        Ok(())
    }

    pub(super) fn not_terminal(&self, id: SessionId) -> Result<(), Refused> {
        match self.status(id) {
            Some(status) if status.is_terminal() => Err(Refused::with(Code::Terminal, Detail::Status(status))),
            _ => Ok(()),
        }
    }

    /// The roles of a scope.
    pub(super) fn scope(&self, id: SessionId, scope: &Scope) -> Result<Roles, Refused> {
        let roles = self.plan(id).map_or(0, |plan| plan.0.roles);
        match scope {
            Scope::Session => Ok(Roles::new((0..roles).filter_map(|at| RoleId::new(at).ok()))),
            Scope::Fragment(of) => {
                if let Some(&role) = of.iter().find(|role| role.index() >= roles) {
                    return Err(Refused::with(Code::NoRole, Detail::Text(format!("{role:?}").into())));
                }
                if of.is_empty() {
                    return Err(Refused::new(Code::EmptyScope));
                }
                Ok(Roles::new(of.iter().copied()))
            }
        }
    }

    pub(super) fn first_claim(&self, id: SessionId) -> u32 {
        self.pages.look(id).and_then(|(page, at)| page.cold.get(at)).map_or(NONE, |cold| cold.claims)
    }

    /// Whether the audit takes so many records.
    pub(super) fn room(&mut self, records: usize) -> Result<(), Refused> {
        if self.rest.audit.has_room(records) { Ok(()) } else { Err(Refused::new(Code::AuditFull)) }
    }

    /// How many records it takes to invalidate a capability, with its witnesses.
    pub(super) fn revoking(&self, capability: &Capability) -> usize {
        self.revoking_stamp(capability.session, capability.stamp)
    }

    pub(super) fn revoking_stamp(&self, id: SessionId, stamp: u32) -> usize {
        self.rest.witnesses.ending(id.slot, Some(stamp)).saturating_add(1)
    }

    /// How many records it takes to end a session before its end.
    pub(super) fn ending(&self, id: SessionId) -> usize {
        let (claims, transfers) =
            self.claims.of(self.first_claim(id)).fold((0_usize, 0_usize), |(claims, pending), (_, claim)| {
                (claims.saturating_add(1), pending.saturating_add(usize::from(claim.transfer != 0)))
            });
        // The change of status, and the cancellation witness.
        [
            2,
            self.rest.witnesses.ending(id.slot, None),
            together(claims),
            if claims > EACH { transfers.min(1) } else { transfers },
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }

    /// Whether the session has so many generations left, and the audit so much room.
    pub(super) fn stamps(&mut self, id: SessionId, more: u32, records: usize) -> Result<(), Refused> {
        self.room(records)?;
        let used = self.pages.look(id).and_then(|(page, at)| page.cold.get(at)).map_or(u32::MAX, |cold| cold.stamp);
        used.checked_add(more).map(|_| ()).ok_or_else(|| Refused::new(Code::Exhausted))
    }

    /// A capability for unowned roles, of a new generation; none if the counter has run out.
    pub(super) fn issue(&mut self, id: SessionId, owner: Owner, roles: Roles) -> Option<Capability> {
        let (page, at) = self.pages.place(id)?;
        let cold = page.cold.get_mut(at)?;
        let stamp = cold.stamp.checked_add(1)?;
        cold.stamp = stamp;
        let claim = Claim { owner, roles: roles.clone(), stamp, next: cold.claims, transfer: 0 };
        cold.claims = self.claims.add(claim);
        let block = page.block_mut(at);
        for role in roles.iter() {
            block::set_generation(block, role, stamp);
        }
        self.authority_record(id, Kind::Capability, Verdict::Issued, stamp, 0);
        Some(Capability { store: self.id, stamp, session: id, roles, owner })
    }

    /// A claim goes: its roles are unowned, its witnesses and offers are worth nothing.
    pub(super) fn revoke(&mut self, id: SessionId, claim: u32) {
        let Some(stamp) = self.unclaim(id, claim) else { return };
        self.authority_record(id, Kind::Capability, Verdict::Invalidated, stamp, 0);
    }

    /// As [`Store::revoke`], without its record.
    pub(super) fn unclaim(&mut self, id: SessionId, claim: u32) -> Option<u32> {
        let (page, at) = self.pages.place(id)?;
        let (roles, stamp) = self.claims.entries.get(claim as usize).map(|one| (one.roles.clone(), one.stamp))?;
        let (plan, block) = page.split(at);
        let now = block.word(1).cast_signed();
        for role in roles.iter() {
            block::set_generation(block, role, 0);
        }
        self.rest.end_witnesses(block, id, Some(stamp), now);
        self.rest.end_offers(block, plan, id, Some(stamp), None);
        if let Some(cold) = page.cold.get_mut(at) {
            self.claims.remove(&mut cold.claims, claim);
        }
        Some(stamp)
    }

    /// A record about an authority, at the time of its session.
    pub(super) fn authority_record(&mut self, id: SessionId, kind: Kind, verdict: Verdict, stamp: u32, number: u64) {
        let session = SessionRef { slot: id.slot, generation: id.generation };
        let mut record = Record { generation: stamp, witness: number, ..Record::new(session, kind, verdict) };
        self.number_record(id, &mut record);
        self.rest.audit.accepted(record);
    }

    /// A record that counts what ended at once.
    pub(super) fn counted_record(&mut self, id: SessionId, kind: Kind, verdict: Verdict, count: usize) {
        let session = SessionRef { slot: id.slot, generation: id.generation };
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let mut record = Record { count, ..Record::new(session, kind, verdict) };
        self.number_record(id, &mut record);
        self.rest.audit.accepted(record);
    }

    /// A record of a session has its plan and its time, and is counted.
    fn number_record(&mut self, id: SessionId, record: &mut Record) {
        if let Some((page, at)) = self.pages.place(id) {
            record.plan = page.number;
            record.time = block::now(page.block(at));
            if let Some(cold) = page.cold.get_mut(at) {
                cold.records = cold.records.saturating_add(1);
            }
        }
    }

    /// A refusal is audited.
    pub(super) fn rejected(&mut self, id: SessionId, stamp: u32, kind: Kind, mut refused: Refused) -> Refused {
        let session = SessionRef { slot: id.slot, generation: id.generation };
        let mut record = Record {
            generation: stamp,
            code: refused.code().number(),
            ..Record::new(session, kind, Verdict::Rejected)
        };
        if let Some((page, at)) = self.pages.look(id) {
            record.plan = page.number;
            record.time = block::now(page.block(at));
            refused.0.plan = Some(page.plan.clone());
        }
        refused.0.session.get_or_insert(id);
        refused.0.record = self.rest.audit.refused(record);
        refused
    }
}
