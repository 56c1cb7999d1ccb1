//! A Merkle tree over the messages of an edge, which grows at its end and lets go of what is old.
//!
//! Leaves stand in perfect trees of falling size, one for each bit of their number (a mountain range); the root is the
//! hash of their tops. Letting go of the first leaves keeps the tops that they are under, so the root stays what it is,
//! and later leaves still have their proofs.

/// A hash of BLAKE3.
pub(super) type Hash = [u8; 32];

const NODE: &str = "polylogue 2026 message node v1";
const ROOT: &str = "polylogue 2026 message root v1";

fn join(left: &Hash, right: &Hash) -> Hash {
    *blake3::Hasher::new_derive_key(NODE).update(left).update(right).finalize().as_bytes()
}

fn bag(count: u64, tops: &[Hash]) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key(ROOT);
    hasher.update(&count.to_le_bytes());
    for top in tops {
        hasher.update(top);
    }
    *hasher.finalize().as_bytes()
}

/// The trees over so many leaves, largest first: where each begins, and its height.
fn trees(count: u64) -> impl Iterator<Item = (u64, u32)> {
    let mut start = 0_u64;
    (0..64_u32).rev().filter(move |height| count >> height & 1 == 1).map(move |height| {
        let here = start;
        start = start.wrapping_add(1 << height);
        (here, height)
    })
}

/// A mountain range.
#[derive(Clone, Debug, Default)]
pub(super) struct Mountain {
    /// Leaves that were let go.
    released: u64,
    /// The tops over them, by where their trees begin.
    tops: Vec<(u64, u32, Hash)>,
    leaves: Vec<Hash>,
}

impl Mountain {
    pub(super) fn push(&mut self, leaf: Hash) {
        self.leaves.push(leaf);
    }

    pub(super) fn count(&self) -> u64 {
        self.released.saturating_add(self.leaves.len() as u64)
    }

    /// Leaves that are kept.
    pub(super) fn kept(&self) -> usize {
        self.leaves.len()
    }

    /// The node over `1 << height` leaves from `start` on, which is a multiple of that.
    fn node(&self, start: u64, height: u32) -> Option<Hash> {
        let end = start.checked_add(1_u64.checked_shl(height)?)?;
        if end <= self.released {
            return self.tops.iter().find(|top| (top.0, top.1) == (start, height)).map(|top| top.2);
        }
        match height.checked_sub(1) {
            None => self.leaves.get(usize::try_from(start.checked_sub(self.released)?).ok()?).copied(),
            // At most 64 deep.
            Some(below) => {
                let middle = start.checked_add(1_u64.checked_shl(below)?)?;
                Some(join(&self.node(start, below)?, &self.node(middle, below)?))
            }
        }
    }

    fn tops(&self) -> Option<Vec<Hash>> {
        trees(self.count()).map(|(start, height)| self.node(start, height)).collect()
    }

    /// The root over all leaves that there ever were.
    pub(super) fn root(&self) -> Hash {
        bag(self.count(), &self.tops().unwrap_or_default())
    }

    /// Lets go of the leaves before one.
    pub(super) fn release(&mut self, before: u64) {
        let before = before.min(self.count());
        if before <= self.released {
            return;
        }
        let tops: Option<Vec<_>> =
            trees(before).map(|(start, height)| Some((start, height, self.node(start, height)?))).collect();
        if let Some(tops) = tops {
            let gone = usize::try_from(before.saturating_sub(self.released)).unwrap_or(usize::MAX);
            self.leaves.drain(..gone.min(self.leaves.len()));
            self.leaves.shrink_to(self.leaves.len().saturating_mul(2));
            self.tops = tops;
            self.released = before;
        }
    }

    /// A proof that a leaf is under the root; none if it was let go.
    pub(super) fn prove(&self, index: u64) -> Option<MessageProof> {
        let leaf = *self.leaves.get(usize::try_from(index.checked_sub(self.released)?).ok()?)?;
        let (start, height) = trees(self.count()).find(|(start, height)| (index ^ start) >> height == 0)?;
        let mut path = Vec::new();
        for level in 0..height {
            let size = 1_u64.checked_shl(level)?;
            let own = start.checked_add((index.checked_sub(start)? >> level).checked_mul(size)?)?;
            path.push(self.node(own ^ size, level)?);
        }
        Some(MessageProof { leaf, index, count: self.count(), path, tops: self.tops()? })
    }

    /// Bytes, as allocated.
    pub(super) fn bytes(&self) -> usize {
        let tops = self.tops.capacity().saturating_mul(std::mem::size_of::<(u64, u32, Hash)>());
        self.leaves.capacity().saturating_mul(32).saturating_add(tops)
    }
}

/// A short proof that a message was sent on an edge, as which of its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageProof {
    /// What was sent.
    pub leaf: [u8; 32],
    /// As which message of its edge, counted from 0.
    pub index: u64,
    /// Of how many.
    pub count: u64,
    /// The other halves, from the leaf up.
    pub path: Vec<[u8; 32]>,
    /// The tops of all trees.
    pub tops: Vec<[u8; 32]>,
}

impl MessageProof {
    /// Whether it leads to a root.
    #[must_use]
    pub fn verify(&self, root: &[u8; 32]) -> bool {
        let Some((at, (start, height))) =
            trees(self.count).enumerate().find(|(_, (start, height))| (self.index ^ start) >> height == 0)
        else {
            return false;
        };
        if self.index >= self.count
            || self.path.len() != height as usize
            || self.tops.len() != trees(self.count).count()
        {
            return false;
        }
        let mut own = self.leaf;
        for (level, other) in self.path.iter().enumerate() {
            let right = (self.index ^ start) >> level & 1 == 1;
            own = if right { join(other, &own) } else { join(&own, other) };
        }
        self.tops.get(at) == Some(&own)
            && blake3::Hash::from_bytes(bag(self.count, &self.tops)) == blake3::Hash::from_bytes(*root)
    }
}
