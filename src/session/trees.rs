//! The configurations of tree sessions, by number, and what can be seen of them.

use std::hash::Hasher;

use super::{
    OpenPlan,
    step::{Direction, Expected},
};
use crate::{
    data::{Externs, Weigher},
    id::{EdgeId, MessageId, RoleId},
    machine::{End, Live, Program},
};

/// A configuration, and how many messages it sent and received.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) live: Live,
    pub(super) sent: u64,
    pub(super) received: u64,
    /// What it holds beside itself, as it was last weighed.
    heap: usize,
    /// So many steps are left until it is weighed again.
    due: usize,
}

/// Of a large tree few parts change with a step: it is weighed each time that this part of it may have changed.
const SHARE: usize = 32;

/// The configurations of a store.
#[derive(Debug, Default)]
pub(super) struct Trees {
    trees: Vec<Option<Box<Tree>>>,
    free: Vec<u32>,
    /// What all of them hold beside themselves.
    heap: usize,
}

impl Trees {
    pub(super) fn open(&mut self, program: &Program, at: i64, externs: &dyn Externs) -> u32 {
        let tree =
            Some(Box::new(Tree { live: Live::open(program, at, externs), sent: 0, received: 0, heap: 0, due: 0 }));
        match self.free.pop() {
            Some(number) => {
                if let Some(place) = self.trees.get_mut(number as usize) {
                    *place = tree;
                }
                number
            }
            None => {
                let number = u32::try_from(self.trees.len()).unwrap_or(super::pages::NONE);
                self.trees.push(tree);
                number
            }
        }
    }

    pub(super) fn remove(&mut self, number: u32) {
        if let Some(place) = self.trees.get_mut(number as usize)
            && let Some(tree) = place.take()
        {
            self.heap = self.heap.saturating_sub(tree.heap);
            self.free.push(number);
        }
    }

    /// A tree has changed: what it holds is counted anew, at a cost that is O(1) amortized over steps, as each adds a
    /// bounded number of parts.
    pub(super) fn weigh(&mut self, number: u32) {
        let Some(Some(tree)) = self.trees.get_mut(number as usize) else { return };
        if let Some(due) = tree.due.checked_sub(1) {
            tree.due = due;
            return;
        }
        let mut all = Weigher::default();
        tree.live.weigh(&mut all);
        self.heap = self.heap.saturating_sub(tree.heap).saturating_add(all.bytes);
        tree.heap = all.bytes;
        tree.due = all.parts / SHARE;
    }

    fn get(&self, number: u32) -> Option<&Tree> {
        self.trees.get(number as usize)?.as_deref()
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Tree> {
        self.trees.get_mut(number as usize)?.as_deref_mut()
    }

    /// The configuration, to look at.
    pub(super) fn live(&self, number: u32) -> Option<&Live> {
        self.get(number).map(|tree| &tree.live)
    }

    pub(super) fn live_mut(&mut self, number: u32) -> Option<&mut Live> {
        self.get_mut(number).map(|tree| &mut tree.live)
    }

    /// Messages sent and received.
    pub(super) fn counts(&self, number: u32) -> (u64, u64) {
        self.get(number).map_or((0, 0), |tree| (tree.sent, tree.received))
    }

    pub(super) fn may_stop(&self, program: &Program, number: u32, role: RoleId) -> bool {
        self.live(number).is_some_and(|live| live.may_stop(program, role))
    }

    /// The messages of an edge, oldest first.
    pub(super) fn queue(&self, number: u32, edge: EdgeId) -> Vec<MessageId> {
        self.live(number).map_or_else(Vec::new, |live| live.queue(edge).collect())
    }

    pub(super) fn expected(
        &self,
        plan: &OpenPlan,
        program: &Program,
        number: u32,
        role: RoleId,
        out: &mut Vec<Expected>,
    ) {
        let Some(live) = self.live(number) else { return };
        for offer in live.offers(program, role) {
            let Some(travel) = program.messages().entry(offer.message) else { continue };
            let (direction, peer) = match offer.end {
                End::From if travel.from == travel.to => (Direction::Act, role),
                End::From => (Direction::Send, travel.to),
                End::To => (Direction::Receive, travel.from),
            };
            let ready = match (offer.end, travel.edge) {
                (End::To, Some(edge)) => live.head(edge).is_some_and(|(head, _)| head == offer.message),
                (End::From, Some(edge)) => {
                    let bound = plan.edges().entry(edge).map_or(u32::MAX, |edge| edge.bound.max(1));
                    live.queue(edge).count() < bound as usize
                }
                _ => true,
            };
            let one = Expected { role, direction, peer, label: travel.label, sort: travel.sort, ready };
            if !out.contains(&one) {
                out.push(one);
            }
        }
    }

    /// What a role does from here on, as far as it can be said in a line: what it may do next.
    pub(super) fn local_type(&self, plan: &OpenPlan, program: &Program, number: u32, role: RoleId) -> Option<String> {
        let live = self.live(number)?;
        let mut out = Vec::new();
        self.expected(plan, program, number, role, &mut out);
        let mut parts: Vec<String> = out.iter().map(|one| format!("{}. …", one.text(plan))).collect();
        parts.dedup();
        if live.may_stop(program, role) {
            parts.push("end".to_owned());
        }
        Some(match parts.len() {
            0 => "…".to_owned(),
            1 => parts.concat(),
            _ => format!("{{ {} }}", parts.join(", ")),
        })
    }

    pub(super) fn digest<H: Hasher>(&self, number: u32, hasher: &mut H) {
        if let Some(tree) = self.get(number) {
            hasher.write(format!("{:?}", tree.live).as_bytes());
        }
    }

    /// Bytes of the table, and of what trees hold.
    pub(super) fn bytes(&self) -> usize {
        let place = std::mem::size_of::<Option<Box<Tree>>>();
        let trees = self.trees.len().saturating_sub(self.free.len()).saturating_mul(std::mem::size_of::<Tree>());
        self.trees
            .capacity()
            .saturating_mul(place)
            .saturating_add(self.free.capacity().saturating_mul(4))
            .saturating_add(trees)
            .saturating_add(self.heap)
    }
}
