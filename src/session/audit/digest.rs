//! A BLAKE3 value, and the keys under which seals are authenticated.
//!
//! Every use has a context of its own, so that a value made for one purpose is none for another: the chain, the end of a
//! log and the start of a chain are hashed in BLAKE3's derive-key mode, each under its own context string, and the two
//! authenticators under keys derived from the secret, each under its own. Comparing two values takes the same time
//! whatever they are.

use std::{fmt, num::NonZeroU32, str::FromStr};

use blake3::{
    Hash, Hasher,
    hazmat::{ContextKey, HasherExt as _, hash_derive_key_context},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// 32 bytes of BLAKE3, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest(Hash);

impl Digest {
    /// Bytes of a digest.
    pub const SIZE: usize = 32;

    /// All zero: no authenticator.
    pub const ZERO: Self = Self::new([0; Self::SIZE]);

    /// A digest of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; Self::SIZE]) -> Self {
        Self(Hash::from_bytes(bytes))
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::SIZE] {
        self.0.as_bytes()
    }
}

impl From<Hash> for Digest {
    fn from(hash: Hash) -> Self {
        Self(hash)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = blake3::HexError;

    fn from_str(hex: &str) -> Result<Self, Self::Err> {
        Hash::from_hex(hex).map(Self)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_hex())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        hex.parse().map_err(|_| D::Error::custom("a digest is 64 hexadecimal digits"))
    }
}

/// The contexts of a chain, hashed once.
#[derive(Clone, Copy)]
pub(super) struct Contexts {
    chain: ContextKey,
    end: ContextKey,
}

impl Contexts {
    pub(super) fn new() -> Self {
        Self {
            chain: hash_derive_key_context("polylogue session audit v1: chain"),
            end: hash_derive_key_context("polylogue session audit v1: end of a log"),
        }
    }

    /// The value from which the chain of a store starts.
    pub(super) fn genesis(store: u64) -> Digest {
        Digest::new(blake3::derive_key("polylogue session audit v1: start of a chain", &store.to_le_bytes()))
    }

    pub(super) fn chain(&self, body: &[u8]) -> Digest {
        Hasher::new_from_context_key(&self.chain).update(body).finalize().into()
    }

    pub(super) fn end(&self, body: &[u8]) -> Digest {
        Hasher::new_from_context_key(&self.end).update(body).finalize().into()
    }
}

/// Which secret made an authenticator; 0 is none.
pub(super) type KeyId = u32;

#[derive(Clone)]
struct Keys {
    id: NonZeroU32,
    seal: [u8; 32],
    end: [u8; 32],
}

impl Keys {
    fn new(id: NonZeroU32, secret: &[u8; 32]) -> Self {
        Self {
            id,
            seal: blake3::derive_key("polylogue session audit v1: authenticator of a seal", secret),
            end: blake3::derive_key("polylogue session audit v1: authenticator of the end of a log", secret),
        }
    }
}

/// The secrets of a store: the one that authenticates now, and older ones, with which older seals are verified.
///
/// Secrets come from the caller, each with an id that seals name.
#[derive(Clone)]
pub struct Secrets {
    current: Keys,
    old: Vec<Keys>,
}

impl Secrets {
    /// One secret.
    #[must_use]
    pub fn new(id: NonZeroU32, secret: &[u8; 32]) -> Self {
        Self { current: Keys::new(id, secret), old: Vec::new() }
    }

    /// From now on `secret` authenticates; what was made under the ones before is still verified. A secret of the same
    /// id as an earlier one replaces it.
    pub fn rotate(&mut self, id: NonZeroU32, secret: &[u8; 32]) {
        let before = std::mem::replace(&mut self.current, Keys::new(id, secret));
        self.old.push(before);
        self.old.retain(|keys| keys.id != id);
    }

    /// Forgets a secret that is not the current one: what was made under it can no longer be verified.
    pub fn forget(&mut self, id: NonZeroU32) {
        self.old.retain(|keys| keys.id != id);
    }

    /// The id of the secret that authenticates now.
    #[must_use]
    pub fn current(&self) -> NonZeroU32 {
        self.current.id
    }

    fn keys(&self, id: KeyId) -> Option<&Keys> {
        std::iter::once(&self.current).chain(&self.old).find(|keys| keys.id.get() == id)
    }

    pub(super) fn seal(&self, id: KeyId, body: &[u8]) -> Option<Digest> {
        self.keys(id).map(|keys| blake3::keyed_hash(&keys.seal, body).into())
    }

    pub(super) fn end(&self, id: KeyId, body: &[u8]) -> Option<Digest> {
        self.keys(id).map(|keys| blake3::keyed_hash(&keys.end, body).into())
    }
}

/// The ids, and nothing that is secret.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let old: Vec<u32> = self.old.iter().map(|keys| keys.id.get()).collect();
        f.debug_struct("Secrets").field("current", &self.current.id).field("old", &old).finish_non_exhaustive()
    }
}
