//! The observer that sees messages pass, and not when they are received.
//!
//! A configuration of the set is as *late* as what was seen allows: a role's receives are taken when an act of that
//! role is seen, in every order that lets the act happen. Receives of other roles commute with the act, so leaving
//! them for later loses nothing; only an edge with a bound can make the receiver's receives part of the explanation of
//! a send. One exception keeps queues short: a role that can do nothing but receive from one peer takes what is there
//! at once, since whatever it does next comes after that.
//!
//! A configuration that another one reaches by receives alone explains nothing that the other does not, and is left
//! out (subsumption).

use rustc_hash::FxHashSet;

use super::{Found, SEMANTICS, TooMany, Watcher};
use crate::{
    id::{EdgeId, MessageId, RoleId, StateId},
    machine::{Cells, Configuration, Move},
    protocol::Act,
};

/// As many ways of receiving are tried for one event and one configuration.
const MAX_WAYS: usize = 4_096;
/// Sets larger than this are not searched for subsumption; they are still without repeats.
const MAX_PAIRS: usize = 128;
/// More messages on their way than this are not followed.
const MAX_FLIGHT: usize = 1 << 16;

impl Watcher<'_> {
    /// Every configuration that receives of a role reach, the given one first.
    pub(super) fn receives(&self, from: Found, role: RoleId) -> Result<Vec<Found>, TooMany> {
        let mut all = vec![from];
        let mut known = FxHashSet::default();
        let mut at = 0;
        while let Some(found) = all.get(at).cloned() {
            for step in self.receives_of(&found.at, role) {
                if known.is_empty() {
                    known.extend(all.iter().map(|found| found.at.clone()));
                }
                let mut next = found.clone();
                self.take(&mut next, step);
                if known.insert(next.at.clone()) {
                    all.push(next);
                }
            }
            at = at.saturating_add(1);
            if all.len() > MAX_WAYS {
                return Err(TooMany);
            }
        }
        Ok(all)
    }

    /// The receives of a role that are enabled, twins included.
    fn receives_of(&self, at: &Configuration, role: RoleId) -> Vec<Move> {
        let Some(machine) = self.system.machines().entry(role) else { return Vec::new() };
        let offers = machine.offers(at.state(role)).iter();
        let receive = offers.filter_map(|offer| {
            let Act::Receive(_) = machine.actions()[offer.action].act else { return None };
            let message = self.system.message_of(role, offer.action)?;
            let edge = self.system.messages()[message].edge;
            let heads = at.head(edge) == Some(message);
            heads.then_some(Move::Receive { role, action: offer.action, then: offer.then, message, edge })
        });
        receive.collect()
    }

    /// [send] as the wire shows it.
    pub(super) fn wire_send(
        &self,
        at: &Configuration,
        message: MessageId,
        found: &mut Vec<Found>,
    ) -> Result<(), TooMany> {
        let (from, to) = self.ends(message);
        let edge = self.system.messages()[message].edge;
        let bounded = SEMANTICS.capacity(self.system.edges()[edge].kind).is_some();
        if at.queued(edge) >= MAX_FLIGHT {
            return Err(TooMany);
        }
        let may = |at: &Configuration| {
            self.offers(at.state(from), from, Act::Send(to), self.label(message), self.sort(message)).next().is_some()
        };
        for start in self.receives(Found::of(at), from)? {
            if !may(&start.at) {
                continue;
            }
            // Only room, or a receiver that is ready for a synchronous step, may need receives of the receiver.
            let starts = if bounded { self.receives(start, to)? } else { vec![start] };
            for start in starts {
                let sync = self.is_sync(message);
                let steps = if sync { self.syncs(&start.at, message) } else { self.sends(&start.at, message) };
                for step in steps {
                    let mut next = start.clone();
                    self.take(&mut next, step);
                    self.settle(&mut next, from);
                    self.settle(&mut next, to);
                    found.push(next);
                }
            }
        }
        Ok(())
    }

    /// Takes what a role can only receive, as long as there is just one way; see the module's docs.
    pub(super) fn settle(&self, found: &mut Found, role: RoleId) {
        if self.sided || self.observer != crate::protocol::Observer::Wire {
            return;
        }
        let Some(machine) = self.system.machines().entry(role) else { return };
        loop {
            let offers = machine.offers(found.at.state(role));
            let mut peers = offers.iter().map(|offer| machine.actions()[offer.action].act);
            let Some(first @ Act::Receive(_)) = peers.next() else { return };
            if peers.any(|act| act != first) {
                return;
            }
            match *self.receives_of(&found.at, role) {
                [step] => self.take(found, step),
                _ => return,
            }
        }
    }

    /// Whether receives alone can end the session: each role takes all that is on its way to it, and may stop.
    pub(super) fn wire_final(&self, at: &Configuration) -> bool {
        self.system.machines().iter().all(|(role, machine)| {
            let ways = self.receives(Found::of(at), role).unwrap_or_default();
            ways.iter().any(|found| {
                machine.may_stop(found.at.state(role))
                    && self.into.entry(role).is_none_or(|into| into.iter().all(|&edge| found.at.queued(edge) == 0))
            })
        })
    }

    pub(super) fn prune_subsumed(&self, found: &mut Vec<Found>) {
        if found.len() < 2 || found.len() > MAX_PAIRS {
            return;
        }
        let mut keep = vec![true; found.len()];
        for (i, small) in found.iter().enumerate() {
            let kept = |j: usize| keep.get(j).copied().unwrap_or(false);
            let subsumed =
                found.iter().enumerate().any(|(j, large)| j != i && kept(j) && self.reaches(&large.at, &small.at));
            if let Some(keep) = keep.get_mut(i) {
                *keep = !subsumed;
            }
        }
        let mut keep = keep.into_iter();
        found.retain(|_| keep.next().unwrap_or(true));
    }

    /// Whether receives alone lead from one configuration to another.
    fn reaches(&self, large: &Configuration, small: &Configuration) -> bool {
        let behind = |edge: EdgeId| {
            let taken = large.queued(edge).checked_sub(small.queued(edge))?;
            large.queue(edge).skip(taken).eq(small.queue(edge)).then_some(taken)
        };
        self.system.machines().ids().all(|role| {
            let Some(into) = self.into.entry(role) else { return false };
            let mut queues: Vec<Vec<MessageId>> = Vec::with_capacity(into.len());
            for &edge in into {
                let Some(taken) = behind(edge) else { return false };
                queues.push(large.queue(edge).take(taken).collect());
            }
            self.consumes(role, large.state(role), small.state(role), &queues)
        })
    }

    /// Whether a role gets from one state to another by receiving exactly these, each edge in its order.
    fn consumes(&self, role: RoleId, from: StateId, to: StateId, queues: &[Vec<MessageId>]) -> bool {
        let Some(machine) = self.system.machines().entry(role) else { return false };
        let start = (from, vec![0usize; queues.len()]);
        let mut known = FxHashSet::from_iter([start.clone()]);
        let mut open = vec![start];
        while let Some((state, at)) = open.pop() {
            if state == to && at.iter().zip(queues).all(|(&at, queue)| at == queue.len()) {
                return true;
            }
            if known.len() > MAX_WAYS {
                return false;
            }
            for (i, queue) in queues.iter().enumerate() {
                let Some(&message) = at.get(i).and_then(|&at| queue.get(at)) else { continue };
                for offer in machine.offers(state) {
                    let receives = matches!(machine.actions()[offer.action].act, Act::Receive(_));
                    if receives && self.system.message_of(role, offer.action) == Some(message) {
                        let mut next = at.clone();
                        if let Some(at) = next.get_mut(i) {
                            *at = at.saturating_add(1);
                        }
                        let next = (offer.then, next);
                        if known.insert(next.clone()) {
                            open.push(next);
                        }
                    }
                }
            }
        }
        false
    }
}
