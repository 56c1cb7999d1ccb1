//! What a configuration holds on the heap, for whoever accounts for memory.

use super::{Activation, Inside, Live, Parts, Queued, Rare, Round, Stale};
use crate::data::{Weigher, table};

impl Live {
    /// Adds what it holds beside itself. O(its size): see [`Weigher::parts`].
    pub fn weigh(&self, all: &mut Weigher) {
        for seat in self.seats.values() {
            all.block(size_of_val(seat));
            all.block(size_of_val(&*seat.frame));
            all.values(&*seat.frame);
            all.block(seat.stale.capacity().saturating_mul(size_of::<Stale>()));
            for stale in &seat.stale {
                all.shared(stale.regions.as_ptr().cast(), size_of_val(&*stale.regions));
                all.block(size_of_val(&*stale.heard));
            }
            activation(&seat.act, all);
        }
        all.block(size_of_val(&*self.nobody));
        all.values(&*self.nobody);
        for queue in self.queues.values() {
            all.block(size_of_val(queue));
            all.block(queue.capacity().saturating_mul(size_of::<Queued>()));
            for queued in queue {
                if all.shared(queued.payload.as_ptr().cast(), size_of_val(&*queued.payload)) {
                    all.values(&*queued.payload);
                }
            }
        }
        all.block(self.memory.bytes());
        all.block(self.timers.bytes());
        all.block(table(self.passed.capacity(), size_of::<(super::place::Passed, u32)>()));
        all.block(table(self.came_by.capacity(), size_of::<((crate::id::RoleId, super::place::Passed), u32)>()));
    }
}

/// What an activation holds, but for itself.
fn activation(top: &Activation, all: &mut Weigher) {
    let mut todo = vec![top];
    while let Some(act) = todo.pop() {
        if act.inside.is_some() {
            all.block(size_of::<Inside>());
        }
        if let Some(rare) = &act.rare {
            all.block(size_of::<Rare>());
            all.block(rare.lingering.capacity().saturating_mul(size_of::<Inside>()));
        }
        for inside in act.scopes() {
            scope(inside, all);
            inside.activations(&mut todo);
        }
    }
}

/// What a scope holds, but for what its activations hold.
fn scope(inside: &Inside, all: &mut Weigher) {
    all.block(size_of_val(&*inside.heard));
    match &inside.parts {
        Parts::Par(parts) => all.block(parts.capacity().saturating_mul(size_of::<Activation>())),
        Parts::During { rounds, .. } => {
            all.block(rounds.capacity().saturating_mul(size_of::<Round>()));
            for round in rounds {
                if let Round::Family(family) = round {
                    family.weigh(all);
                }
            }
        }
        Parts::Try { limits, .. } => all.block(size_of_val(&**limits)),
    }
}
