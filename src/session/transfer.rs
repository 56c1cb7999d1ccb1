//! Transfers: how roles change hands from one owner to another.
//!
//! ```text
//! begin       a receipt; the old owner keeps its power
//! commit      a capability for the new owner, and one for what the old owner keeps
//! roll back   nothing has changed
//! abandon     the session is cancelled
//! fail        the session is faulted
//! ```

use rustc_hash::FxHashMap;

use super::{
    Cancellation, Capability, Code, Owner, Receipt, Refused, Returned, Scope, SessionId, Status,
    audit::{Kind, Verdict},
    handle::Roles,
    store::{Keep, Store},
};

/// A transfer that is pending.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    session: SessionId,
    from: Owner,
    to: Owner,
    stamp: u32,
    roles: Roles,
}

/// All pending transfers, by number.
#[derive(Debug, Default)]
pub(super) struct Transfers {
    pending: FxHashMap<u64, Transfer>,
    last: u64,
}

impl Transfers {
    /// A session is gone.
    pub(super) fn remove(&mut self, number: u64) {
        self.pending.remove(&number);
    }

    pub(super) fn bytes(&self) -> usize {
        super::memory::table(self.pending.capacity(), std::mem::size_of::<(u64, Transfer)>())
    }

    /// How many are pending.
    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }
}

/// What a committed transfer gives.
#[derive(Debug)]
#[must_use = "these are the capabilities from now on"]
pub struct Committed {
    /// The new owner's.
    pub capability: Capability,
    /// What the old owner keeps, if the transfer was of a part.
    pub remainder: Option<Capability>,
}

impl Store {
    /// Offers roles of a capability to another owner. The holder keeps its power until the transfer is committed.
    ///
    /// # Errors
    ///
    /// As [`Store::release`]; or the scope is wider than the holder's.
    pub fn begin_transfer(&mut self, capability: &Capability, to: Owner, scope: &Scope) -> Result<Receipt, Refused> {
        let id = capability.session;
        let found = self.held(capability).and_then(|at| {
            let roles = match scope {
                Scope::Session => capability.roles.clone(),
                Scope::Fragment(_) => self.scope(id, scope)?,
            };
            if roles.is_subset(&capability.roles) { Ok((at, roles)) } else { Err(Refused::new(Code::Wider)) }
        });
        let found = match found {
            Ok(found) => self.room(1).map(|()| found),
            Err(refused) => Err(refused),
        };
        let (at, roles) = match found {
            Ok(found) => found,
            Err(refused) => return Err(self.rejected(id, capability.stamp, Kind::Receipt, refused)),
        };
        self.transfers.last = self.transfers.last.saturating_add(1);
        let number = self.transfers.last;
        if let Some(claim) = self.claims.entry(at) {
            claim.transfer = number;
        }
        let transfer =
            Transfer { session: id, from: capability.owner, to, stamp: capability.stamp, roles: roles.clone() };
        self.transfers.pending.insert(number, transfer);
        self.authority_record(id, Kind::Receipt, Verdict::Issued, capability.stamp, number);
        Ok(Receipt {
            store: self.id,
            session: id,
            claim: number,
            from: capability.owner,
            to,
            stamp: capability.stamp,
            roles,
        })
    }

    /// The new owner takes what it was offered.
    ///
    /// # Errors
    ///
    /// Unknown session; terminal; not pending; a mismatch in any field; the owner changed meanwhile. The receipt comes
    /// back with the refusal.
    pub fn commit_transfer(&mut self, by: Owner, receipt: Receipt) -> Result<Committed, Box<Returned<Receipt>>> {
        let id = receipt.session;
        let found = match self.pending(&receipt, Some(by)) {
            Ok((at, transfer)) => {
                let held = self.claims.entries.get(at as usize).map_or(0, |claim| claim.roles.len());
                let issued: u32 = if transfer.roles.len() < held { 2 } else { 1 };
                let records = self.revoking_stamp(id, transfer.stamp).saturating_add(1).saturating_add(issued as usize);
                self.stamps(id, issued, records).map(|()| (at, transfer))
            }
            Err(refused) => Err(refused),
        };
        let (at, transfer) = match found {
            Ok(found) => found,
            Err(refused) => {
                let refused = self.rejected(id, receipt.stamp, Kind::Receipt, refused);
                return Err(Returned::new(refused, receipt));
            }
        };
        let kept = self.claims.entries.get(at as usize).map(|claim| claim.roles.without(&transfer.roles));
        self.transfers.remove(receipt.claim);
        self.revoke(id, at);
        self.authority_record(id, Kind::Receipt, Verdict::Committed, receipt.stamp, receipt.claim);
        let given = self.issue(id, transfer.to, transfer.roles);
        let kept = kept.filter(|kept| kept.len() > 0);
        let remainder = kept.and_then(|kept| self.issue(id, transfer.from, kept));
        self.rest.audit.seal_now();
        match given {
            Some(capability) => Ok(Committed { capability, remainder }),
            None => Err(Returned::new(Refused::new(Code::Exhausted), receipt)),
        }
    }

    /// Either side takes the offer back: nothing has changed.
    ///
    /// # Errors
    ///
    /// Unknown session; not pending; a mismatch.
    pub fn rollback_transfer(&mut self, receipt: Receipt) -> Result<(), Box<Returned<Receipt>>> {
        let id = receipt.session;
        let found = match self.pending(&receipt, None) {
            Ok(found) => self.room(1).map(|()| found),
            Err(refused) => Err(refused),
        };
        match found {
            Ok((at, _)) => {
                self.transfers.remove(receipt.claim);
                if let Some(claim) = self.claims.entry(at) {
                    claim.transfer = 0;
                }
                self.authority_record(id, Kind::Receipt, Verdict::RolledBack, receipt.stamp, receipt.claim);
                self.rest.audit.seal_now();
                Ok(())
            }
            Err(refused) => {
                let refused = self.rejected(id, receipt.stamp, Kind::Receipt, refused);
                Err(Returned::new(refused, receipt))
            }
        }
    }

    /// The transfer is given up, and the session with it.
    ///
    /// # Errors
    ///
    /// As [`Store::rollback_transfer`].
    pub fn abandon_transfer(&mut self, receipt: Receipt, at: i64) -> Result<Cancellation, Box<Returned<Receipt>>> {
        self.end_by(receipt, Status::Cancelled, "the transfer was abandoned", at)
    }

    /// The transfer went wrong, and the session with it.
    ///
    /// # Errors
    ///
    /// As [`Store::rollback_transfer`].
    pub fn fail_transfer(
        &mut self,
        receipt: Receipt,
        reason: &str,
        at: i64,
    ) -> Result<Cancellation, Box<Returned<Receipt>>> {
        self.end_by(receipt, Status::Faulted, reason, at)
    }

    fn end_by(
        &mut self,
        receipt: Receipt,
        status: Status,
        reason: &str,
        at: i64,
    ) -> Result<Cancellation, Box<Returned<Receipt>>> {
        let id = receipt.session;
        let found = match self.pending(&receipt, None) {
            Ok(_) => self.room(self.ending(id)),
            Err(refused) => Err(refused),
        };
        if let Err(refused) = found {
            let refused = self.rejected(id, receipt.stamp, Kind::Receipt, refused);
            return Err(Returned::new(refused, receipt));
        }
        Ok(self.ends(id, status, reason, at))
    }

    /// The claim and the transfer of a receipt, which is pending.
    fn pending(&self, receipt: &Receipt, by: Option<Owner>) -> Result<(u32, Transfer), Refused> {
        let id = receipt.session;
        self.authority(receipt.store, id)?;
        self.not_terminal(id)?;
        let transfer = self.transfers.pending.get(&receipt.claim).ok_or_else(|| Refused::new(Code::NotPending))?;
        let same = transfer.session == id
            && transfer.from == receipt.from
            && transfer.to == receipt.to
            && transfer.stamp == receipt.stamp
            && transfer.roles == receipt.roles;
        if !same || by.is_some_and(|by| by != transfer.to) {
            return Err(Refused::new(Code::Mismatch));
        }
        match self.claims.find(self.first_claim(id), transfer.stamp) {
            Some((at, claim)) if claim.owner == transfer.from => Ok((at, transfer.clone())),
            _ => Err(Refused::new(Code::OwnerChanged)),
        }
    }

    /// Whether the transfer of a receipt is pending.
    #[cfg(feature = "cli")]
    pub(super) fn is_pending(&self, receipt: &Receipt) -> bool {
        receipt.store == self.id && self.transfers.pending.contains_key(&receipt.claim)
    }
}
