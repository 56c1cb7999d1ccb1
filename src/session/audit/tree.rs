//! The Merkle tree over the records of a batch, which is BLAKE3's own.
//!
//! BLAKE3 hashes chunks of 1 KiB, here 16 records, and joins their chaining values in a binary tree whose left halves are
//! full. So the root of a batch is the plain BLAKE3 of its bytes, made at full speed, and the path to one chunk is the
//! chaining value of the other half at every level. A chunk, an inner node and the root are told apart by BLAKE3, and
//! the number of records, which the seal says, fixes the shape.

use blake3::{
    CHUNK_LEN, Hasher,
    hazmat::{ChainingValue, HasherExt as _, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root},
};

use super::{
    digest::Digest,
    record::{Bytes, SIZE},
};

/// Records in a chunk.
pub(super) const CHUNK: usize = CHUNK_LEN / SIZE;

/// Levels above the chunks of a full batch.
const LEVELS: usize = 6;

/// The root of a batch.
pub(super) fn root(records: &[Bytes]) -> Digest {
    blake3::hash(records.as_flattened()).into()
}

/// The number of the first record of the chunk that `index` is in, and how many records the chunk has.
pub(super) fn chunk_of(index: usize, count: usize) -> Option<(usize, usize)> {
    if index >= count {
        return None;
    }
    let start = index.saturating_sub(index % CHUNK);
    Some((start, count.saturating_sub(start).min(CHUNK)))
}

/// What turns to at every level, from the root down to the chunk that holds byte `at` of `len`: where the other half
/// begins, how long it is, and whether it is the left one.
fn turns(at: usize, len: usize) -> impl Iterator<Item = (usize, usize, bool)> {
    let (mut start, mut len) = (0usize, len);
    std::iter::from_fn(move || {
        if len <= CHUNK_LEN {
            return None;
        }
        let left = usize::try_from(left_subtree_len(u64::try_from(len).ok()?)).ok()?;
        let middle = start.checked_add(left)?;
        let right = len.checked_sub(left)?;
        if at < middle {
            len = left;
            Some((middle, right, false))
        } else {
            let other = start;
            (start, len) = (middle, right);
            Some((other, left, true))
        }
    })
}

fn value(bytes: &[u8], start: usize) -> Option<ChainingValue> {
    Some(Hasher::new().set_input_offset(u64::try_from(start).ok()?).update(bytes).finalize_non_root())
}

/// The chaining values that lead from the chunk of record `index` to the root, from the root down.
pub(super) fn path(records: &[Bytes], index: usize) -> Option<Vec<Digest>> {
    let (first, _) = chunk_of(index, records.len())?;
    let bytes = records.as_flattened();
    turns(first.checked_mul(SIZE)?, bytes.len())
        .map(|(start, len, _)| {
            let other = bytes.get(start..start.checked_add(len)?)?;
            value(other, start).map(Digest::new)
        })
        .collect()
}

/// How many values the path of record `index` has in a batch of `count`.
pub(super) fn path_len(index: usize, count: usize) -> Option<usize> {
    let (first, _) = chunk_of(index, count)?;
    Some(turns(first.checked_mul(SIZE)?, count.checked_mul(SIZE)?).count())
}

/// The root to which this chunk and this path lead, if they have the shape of record `index` in a batch of `count`.
pub(super) fn climb(chunk: &[Bytes], path: &[Digest], index: usize, count: usize) -> Option<Digest> {
    let (first, len) = chunk_of(index, count)?;
    if chunk.len() != len || path.len() != path_len(index, count)? || path.len() > LEVELS {
        return None;
    }
    let start = first.checked_mul(SIZE)?;
    let Some((top, below)) = path.split_first() else { return Some(root(chunk)) };
    let mut sides = [false; LEVELS];
    for (side, (_, _, left)) in sides.iter_mut().zip(turns(start, count.checked_mul(SIZE)?)) {
        *side = left;
    }
    let (top_side, sides) = sides.split_first()?;
    let mut own = value(chunk.as_flattened(), start)?;
    for (other, left) in below.iter().zip(sides).rev() {
        let other = other.as_bytes();
        own = if *left {
            merge_subtrees_non_root(other, &own, Mode::Hash)
        } else {
            merge_subtrees_non_root(&own, other, Mode::Hash)
        };
    }
    let top = top.as_bytes();
    let root =
        if *top_side { merge_subtrees_root(top, &own, Mode::Hash) } else { merge_subtrees_root(&own, top, Mode::Hash) };
    Some(root.into())
}
