//! Tokens: capabilities on their way out of a process and back, once.
//!
//! A token names store (by the number of its audit), specification, session, roles, generation, owner, not-after and
//! purpose, under a keyed BLAKE3. Exporting consumes
//! the capability; importing raises the generation, so that every other copy of it is stale.

use std::collections::{BTreeSet, HashMap};

use super::{
    Capability, Code, Owner, Refused, SessionId,
    audit::{Kind, Verdict},
    handle::Roles,
    own::Returned,
    refuse::Detail,
    store::Store,
};
use crate::id::{Id, RoleId};

/// What keys are derived for.
const CONTEXT: &str = "polylogue 2026 capability token v1";
const MAGIC: &[u8; 4] = b"plc1";
/// A token with more roles than this is not one of ours.
const MOST_ROLES: u32 = 1 << 20;

/// Secrets of a store, each with a number, so that they can be changed while old tokens are still good.
#[derive(Clone, Default)]
pub struct Secrets {
    keys: Vec<(u32, [u8; 32])>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<u32> = self.keys.iter().map(|(id, _)| *id).collect();
        write!(f, "Secrets({ids:?})")
    }
}

impl Secrets {
    /// One secret, from the caller: random, and known to the stores that share tokens alone.
    #[must_use]
    pub fn new(id: u32, secret: &[u8; 32]) -> Self {
        let mut secrets = Self::default();
        secrets.rotate(id, secret);
        secrets
    }

    /// A new secret, by which tokens are made from now on; older ones are still read.
    pub fn rotate(&mut self, id: u32, secret: &[u8; 32]) {
        self.keys.retain(|(known, _)| *known != id);
        self.keys.push((id, blake3::derive_key(CONTEXT, secret)));
    }

    /// Tokens under this secret are not read any more.
    pub fn retire(&mut self, id: u32) {
        self.keys.retain(|(known, _)| *known != id);
    }

    fn newest(&self) -> Option<(u32, &[u8; 32])> {
        self.keys.last().map(|(id, key)| (*id, key))
    }

    fn find(&self, id: u32) -> Option<&[u8; 32]> {
        self.keys.iter().find(|(known, _)| *known == id).map(|(_, key)| key)
    }
}

/// The tokens that were imported and are not past their time.
#[derive(Debug)]
pub(super) struct Imported {
    /// By number, until when the token is good.
    used: HashMap<u64, i64>,
    by_time: BTreeSet<(i64, u64)>,
    most: usize,
    last: u64,
}

impl Imported {
    pub(super) fn new(most: usize) -> Self {
        Self { used: HashMap::new(), by_time: BTreeSet::new(), most: most.max(1), last: 0 }
    }

    fn forget_before(&mut self, now: i64) {
        while let Some(&(until, number)) = self.by_time.first() {
            if until >= now {
                break;
            }
            self.by_time.pop_first();
            self.used.remove(&number);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.used.capacity().saturating_mul(17).saturating_add(self.by_time.len().saturating_mul(24))
    }
}

/// What a token says.
struct Claimed {
    /// Of the store, as its audit has it.
    store: u64,
    /// What the specification is known by.
    fingerprint: [u8; 32],
    number: u64,
    session: SessionId,
    stamp: u32,
    owner: Owner,
    not_after: i64,
    roles: Vec<RoleId>,
    purpose: Box<str>,
}

impl Claimed {
    fn write(&self, key_id: u32) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        out.extend(MAGIC);
        out.extend(key_id.to_le_bytes());
        out.extend(self.store.to_le_bytes());
        out.extend(self.fingerprint);
        out.extend(self.number.to_le_bytes());
        out.extend(self.session.to_u64().to_le_bytes());
        out.extend(self.stamp.to_le_bytes());
        out.extend(self.owner.0.to_le_bytes());
        out.extend(self.not_after.to_le_bytes());
        out.extend(u32::try_from(self.roles.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.roles.iter().for_each(|role| out.extend(role.raw().to_le_bytes()));
        out.extend(u32::try_from(self.purpose.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend(self.purpose.bytes());
        out
    }

    fn read(mut text: &[u8]) -> Option<(u32, Self)> {
        fn take<const N: usize>(text: &mut &[u8]) -> Option<[u8; N]> {
            let (head, rest) = text.split_first_chunk::<N>()?;
            *text = rest;
            Some(*head)
        }
        let text = &mut text;
        if take::<4>(text)? != *MAGIC {
            return None;
        }
        let key = u32::from_le_bytes(take(text)?);
        let store = u64::from_le_bytes(take(text)?);
        let fingerprint = take(text)?;
        let number = u64::from_le_bytes(take(text)?);
        let session = SessionId::from_u64(u64::from_le_bytes(take(text)?));
        let stamp = u32::from_le_bytes(take(text)?);
        let owner = Owner(u64::from_le_bytes(take(text)?));
        let not_after = i64::from_le_bytes(take(text)?);
        let count = u32::from_le_bytes(take(text)?);
        if count > MOST_ROLES {
            return None;
        }
        let mut roles = Vec::new();
        for _ in 0..count {
            roles.push(RoleId::from_raw(u32::from_le_bytes(take(text)?)));
        }
        let length = u32::from_le_bytes(take(text)?) as usize;
        let (purpose, rest) = text.split_at_checked(length)?;
        if !rest.is_empty() {
            return None;
        }
        let purpose = std::str::from_utf8(purpose).ok()?.into();
        Some((key, Self { store, fingerprint, number, session, stamp, owner, not_after, roles, purpose }))
    }
}

/// The session that a token names, whether or not it is genuine.
pub(crate) fn named(token: &[u8]) -> Option<SessionId> {
    // Behind the magic, the key's number, the store, the fingerprint and the token's own number.
    let session = token.get(56..)?.first_chunk::<8>()?;
    token.starts_with(MAGIC).then(|| SessionId::from_u64(u64::from_le_bytes(*session)))
}

impl Store {
    /// Turns a capability into a token, which is good until a time. The capability is consumed, and its roles stay claimed:
    /// whoever imports the token acts for them.
    ///
    /// # Errors
    ///
    /// As [`Store::release`], and [`Code::NoSecret`].
    pub fn export(
        &mut self,
        capability: Capability,
        not_after: i64,
        purpose: &str,
    ) -> Result<Vec<u8>, Box<Returned<Capability>>> {
        let id = capability.session;
        let key = self.secrets.newest().map(|(id, key)| (id, *key));
        let why = match self.held(&capability).and_then(|_| key.ok_or_else(|| Refused::new(Code::NoSecret))) {
            Ok(key) => self.room(1).map(|()| key),
            Err(refused) => Err(refused),
        };
        let (key_id, key) = match why {
            Ok(key) => key,
            Err(refused) => {
                let refused = self.rejected(id, capability.stamp, Kind::Capability, refused);
                return Err(Box::new(Returned { refused, value: capability }));
            }
        };
        self.tokens.last = self.tokens.last.saturating_add(1);
        let claimed = Claimed {
            store: self.rest.audit.store(),
            fingerprint: self.plan(id).map_or([0; 32], |plan| *plan.fingerprint()),
            number: self.tokens.last,
            session: id,
            stamp: capability.stamp,
            owner: capability.owner,
            not_after,
            roles: capability.roles.iter().collect(),
            purpose: purpose.into(),
        };
        let mut text = claimed.write(key_id);
        let mac = blake3::keyed_hash(&key, &text);
        text.extend(mac.as_bytes());
        self.authority_record(id, Kind::Capability, Verdict::Consumed, capability.stamp, claimed.number);
        Ok(text)
    }

    /// Turns a token back into a capability, once.
    ///
    /// # Errors
    ///
    /// The token was altered, or is under a secret that is not known; past its time; imported before; its session or its
    /// generation is gone.
    pub fn import(&mut self, token: &[u8], purpose: &str, now: i64) -> Result<Capability, Refused> {
        match self.import_checked(token, purpose, now) {
            Ok(capability) => Ok(capability),
            Err((refused, Some(id))) => Err(self.rejected(id, 0, Kind::Capability, refused)),
            Err((refused, None)) => {
                Err(self.rejected(SessionId { slot: u32::MAX, generation: 0 }, 0, Kind::Capability, refused))
            }
        }
    }

    fn import_checked(
        &mut self,
        token: &[u8],
        purpose: &str,
        now: i64,
    ) -> Result<Capability, (Refused, Option<SessionId>)> {
        let bad = || (Refused::new(Code::BadToken), None);
        let (text, mac) = token.split_last_chunk::<32>().ok_or_else(bad)?;
        let (key_id, claimed) = Claimed::read(text).ok_or_else(bad)?;
        let key = self.secrets.find(key_id).ok_or_else(bad)?;
        // In constant time.
        if blake3::keyed_hash(key, text) != blake3::Hash::from_bytes(*mac) {
            return Err(bad());
        }
        let id = claimed.session;
        let known = |refused| (refused, Some(id));
        if claimed.store != self.rest.audit.store() {
            return Err((Refused::new(Code::Foreign), None));
        }
        if *claimed.purpose != *purpose {
            return Err(known(Refused::with(Code::BadToken, Detail::Text("the token is for another purpose".into()))));
        }
        if now > claimed.not_after {
            return Err(known(Refused::new(Code::TokenExpired)));
        }
        self.tokens.forget_before(now);
        if self.tokens.used.contains_key(&claimed.number) {
            return Err(known(Refused::new(Code::TokenUsed)));
        }
        if self.tokens.used.len() >= self.tokens.most {
            let text = "more tokens were imported than are remembered until they are past their time";
            return Err(known(Refused::with(Code::Limit, Detail::Text(text.into()))));
        }
        let capability = Capability {
            store: self.id,
            stamp: claimed.stamp,
            session: id,
            roles: Roles::new(claimed.roles),
            owner: claimed.owner,
        };
        let at = self.held(&capability).map_err(known)?;
        let (_, claim) = self.live(&capability).map_err(known)?;
        let same = claim.owner == capability.owner
            && claim.roles.len() == capability.roles.len()
            && capability.roles.is_subset(&claim.roles);
        let fingerprint = self.plan(id).map(|plan| *plan.fingerprint());
        if !same || fingerprint != Some(claimed.fingerprint) {
            // Another store of the same number made it.
            return Err(known(Refused::new(Code::Foreign)));
        }
        self.stamps(id, 1, self.revoking(&capability).saturating_add(1)).map_err(known)?;
        self.revoke(id, at);
        let fresh =
            self.issue(id, claimed.owner, capability.roles).ok_or_else(|| known(Refused::new(Code::Exhausted)))?;
        self.tokens.used.insert(claimed.number, claimed.not_after);
        self.tokens.by_time.insert((claimed.not_after, claimed.number));
        Ok(fresh)
    }
}
