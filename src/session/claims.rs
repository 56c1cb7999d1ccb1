//! Who owns which roles of which session: a list of claims for each session, in one table.
//!
//! INVARIANT (disjoint): the roles of two claims of a session have none in common.

use super::{Owner, handle::Roles, pages::NONE};

/// Roles of a session that somebody owns.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) owner: Owner,
    pub(super) roles: Roles,
    pub(super) stamp: u32,
    /// The next of the session.
    pub(super) next: u32,
    /// The number of the transfer that is pending for it, or 0.
    pub(super) transfer: u64,
}

impl Claim {
    /// A claim without a transfer, in front of another of its session.
    pub(super) fn new(owner: Owner, roles: Roles, stamp: u32, next: u32) -> Self {
        Self { owner, roles, stamp, next, transfer: 0 }
    }
}

/// All claims; those of a session are linked.
#[derive(Debug, Default)]
pub(super) struct Claims {
    pub(super) entries: Vec<Claim>,
    free: Vec<u32>,
}

impl Claims {
    #[inline]
    pub(super) fn add(&mut self, claim: Claim) -> u32 {
        match self.free.pop() {
            Some(at) => {
                if let Some(entry) = self.entries.get_mut(at as usize) {
                    *entry = claim;
                }
                at
            }
            None => {
                let at = u32::try_from(self.entries.len()).unwrap_or(NONE);
                self.entries.push(claim);
                at
            }
        }
    }

    pub(super) fn of(&self, first: u32) -> impl Iterator<Item = (u32, &Claim)> {
        let mut at = first;
        std::iter::from_fn(move || {
            let claim = self.entries.get(at as usize)?;
            let here = at;
            at = claim.next;
            Some((here, claim))
        })
    }

    pub(super) fn find(&self, first: u32, stamp: u32) -> Option<(u32, &Claim)> {
        self.of(first).find(|(_, claim)| claim.stamp == stamp)
    }

    pub(super) fn entry(&mut self, at: u32) -> Option<&mut Claim> {
        self.entries.get_mut(at as usize)
    }

    /// Takes a claim out of its session's list.
    pub(super) fn remove(&mut self, first: &mut u32, at: u32) {
        let next = self.entries.get(at as usize).map_or(NONE, |claim| claim.next);
        if *first == at {
            *first = next;
        } else {
            let mut before = *first;
            while let Some(claim) = self.entries.get_mut(before as usize) {
                if claim.next == at {
                    claim.next = next;
                    break;
                }
                before = claim.next;
            }
        }
        self.free.push(at);
    }

    /// Takes the first claim of a session out of its list, if it has this stamp, no transfer, and what else is needed.
    #[inline(always)]
    pub(super) fn take_first<T>(
        &mut self,
        first: &mut u32,
        stamp: u32,
        needed: impl FnOnce() -> Option<T>,
    ) -> Option<T> {
        let claim = self.entries.get(*first as usize).filter(|claim| claim.stamp == stamp && claim.transfer == 0)?;
        let got = needed()?;
        let at = std::mem::replace(first, claim.next);
        self.free.push(at);
        Some(got)
    }

    /// The one claim of a session, if there is none beside it and no transfer; or none at all.
    pub(super) fn only(&self, first: u32) -> Option<Option<&Claim>> {
        if first == NONE {
            return Some(None);
        }
        self.entries.get(first as usize).filter(|claim| claim.next == NONE && claim.transfer == 0).map(Some)
    }

    /// All claims of a session go.
    pub(super) fn clear(&mut self, first: &mut u32) {
        while *first != NONE {
            let at = *first;
            self.remove(first, at);
        }
    }

    /// Bytes, as allocated.
    pub(super) fn bytes(&self) -> usize {
        let entries = self.entries.capacity().saturating_mul(std::mem::size_of::<Claim>());
        entries.saturating_add(self.free.capacity().saturating_mul(4))
    }
}
