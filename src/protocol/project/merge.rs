//! Whether what a role would do at several heads fits together, and what it then does.
//!
//! In: the heads of one state with what the role can do at each. Out: `Ok`, or the first two heads that do not fit.
//! The rules are those of the published merge operators; what lies behind is merged by the state construction, which
//! makes them coinductive.
//!
//! | heads | plain | full |
//! |---|---|---|
//! | ended, ended | fits | fits |
//! | receives from the same peer | fit if their labels are the same | fit; labels are united |
//! | sends and local actions | fit if they are the same | fit if they are the same |
//! | anything else | does not fit | does not fit |
//!
//! A label in common always needs the same payload signature, or conditions that tell its signatures apart.

use rustc_hash::FxHashSet;

use super::{Discipline, Mismatch};
use crate::{
    id::{LabelId, NodeId, RoleId, SortId},
    protocol::Act,
};

/// One thing that a role can do at one head of a state.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) act: Act,
    pub(super) label: LabelId,
    pub(super) sort: SortId,
    /// The step.
    pub(super) step: NodeId,
    /// Its rank among all entries of the state as they are written.
    pub(super) rank: u32,
    /// Which head of the state.
    pub(super) head: usize,
}

impl Entry {
    pub(super) fn key(&self) -> (Act, LabelId, SortId) {
        (self.act, self.label, self.sort)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Ended,
    Receives(RoleId),
    /// It sends or acts by itself.
    Own,
}

fn turn(entries: &[Entry]) -> Turn {
    match entries.first().map(|entry| entry.act) {
        None => Turn::Ended,
        Some(Act::Receive(peer)) => Turn::Receives(peer),
        Some(Act::Send(_) | Act::Act | Act::Scope(_) | Act::Leave(..) | Act::Exit(..)) => Turn::Own,
    }
}

/// Two heads, by their position in the state, and why they do not fit.
pub(super) struct Misfit {
    pub(super) why: Mismatch,
    pub(super) first: usize,
    pub(super) second: usize,
}

/// Whether the heads of a state fit. `entries` lie head by head in the order of the heads, of which there are
/// `heads`; they are sorted within each head on the way.
pub(super) fn merge(
    discipline: Discipline,
    heads: usize,
    entries: &mut [Entry],
    guarded: &FxHashSet<SortId>,
) -> Result<(), Misfit> {
    let mut rest = entries;
    let mut of_first: &[Entry] = &[];
    let mut of_all: Vec<Entry> = Vec::new();
    for head in 0..heads {
        let count = rest.iter().take_while(|entry| entry.head == head).count();
        let (own, others) = std::mem::take(&mut rest).split_at_mut(count);
        rest = others;
        own.sort_unstable_by_key(Entry::key);
        let own = &*own;
        if let Turn::Receives(_) = turn(own) {
            of_all.extend_from_slice(own);
        }
        if head == 0 {
            of_first = own;
            continue;
        }
        let misfit = |why| Err(Misfit { why, first: 0, second: head });
        match (turn(of_first), turn(own)) {
            (Turn::Ended, Turn::Ended) => {}
            (Turn::Ended, _) | (_, Turn::Ended) => return misfit(Mismatch::Ends),
            (Turn::Receives(one), Turn::Receives(other)) if one == other => match discipline {
                Discipline::Plain => same(of_first, own).or_else(|why| match why {
                    Mismatch::Turns => misfit(Mismatch::Labels),
                    why => misfit(why),
                })?,
                Discipline::Full => {}
            },
            (Turn::Own, Turn::Own) => same(of_first, own).or_else(misfit)?,
            _ => return misfit(Mismatch::Turns),
        }
    }
    of_all.sort_unstable_by_key(|entry| (entry.key(), entry.head));
    for (one, other) in of_all.iter().zip(of_all.iter().skip(1)) {
        let told = guarded.contains(&one.sort) || guarded.contains(&other.sort);
        if (one.act, one.label) == (other.act, other.label) && one.sort != other.sort && !told {
            let (first, second) = (one.head.min(other.head), one.head.max(other.head));
            return Err(Misfit { why: Mismatch::Payload(one.label), first, second });
        }
    }
    Ok(())
}

fn same(one: &[Entry], other: &[Entry]) -> Result<(), Mismatch> {
    for (one, other) in one.iter().zip(other) {
        if (one.act, one.label) != (other.act, other.label) {
            return Err(Mismatch::Turns);
        }
        if one.sort != other.sort {
            return Err(Mismatch::Payload(one.label));
        }
    }
    if one.len() == other.len() { Ok(()) } else { Err(Mismatch::Turns) }
}
