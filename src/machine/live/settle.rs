//! Configurations without their times: what is left of them in a program that does not ask for any.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use super::{Activation, Inside, Live, Parts, Round};
use crate::{data::Value, id::Id};

/// Configurations that hold more are not told apart.
const MOST: u32 = 1 << 10;

impl Live {
    /// Forgets when what happened. Nothing else is changed, and in a timeless program nothing follows from it.
    pub(crate) fn settle(&mut self) {
        self.now = 0;
        self.seats.values_mut().for_each(|seat| still(&mut seat.act));
    }

    /// The same for equal configurations; none if a configuration is large, or equal ones may read differently.
    #[must_use]
    pub(crate) fn sign(&self) -> Option<u64> {
        let mut hasher = FxHasher::default();
        let mut left = MOST;
        let frames = self.seats.values().map(|seat| &*seat.frame).chain([&*self.nobody]);
        for cell in frames.flatten() {
            left = left.checked_sub(1)?;
            if let Some(value) = cell {
                left = left.checked_sub(plain(value)?)?;
            }
            cell.hash(&mut hasher);
        }
        for seat in self.seats.values() {
            hasher.write_u32(seat.act.state.raw());
            seat.act.visit(&mut |inside| {
                hasher.write_u32(inside.scope.raw());
                let mut acts = Vec::new();
                inside.activations(&mut acts);
                acts.iter().for_each(|act| hasher.write_u32(act.state.raw()));
            });
        }
        Some(hasher.finish())
    }
}

/// The weight of a value, if whatever is equal to it reads the same: a float may equal an integer, and a record a map.
fn plain(value: &Value) -> Option<u32> {
    let weight = Some(value.extent().weight).filter(|&weight| weight <= MOST)?;
    let fits = match value {
        Value::Float(_) | Value::Record(_) => false,
        Value::List(list) => list.iter().all(|inner| plain(inner).is_some()),
        Value::Set(set) => set.iter().all(|inner| plain(inner).is_some()),
        Value::Map(map) => map.iter().all(|(key, inner)| plain(key).and(plain(inner)).is_some()),
        _ => true,
    };
    fits.then_some(weight)
}

fn still(act: &mut Activation) {
    act.since = 0;
    if let Some(inside) = act.inside.as_deref_mut() {
        still_in(inside);
    }
    act.lingering_mut().iter_mut().for_each(still_in);
}

fn still_in(inside: &mut Inside) {
    match &mut inside.parts {
        Parts::Par(acts) => acts.iter_mut().for_each(still),
        Parts::During { main, rounds } => {
            main.iter_mut().for_each(still);
            for round in rounds {
                match round {
                    Round::One { act, .. } => act.iter_mut().for_each(still),
                    Round::Family(family) => family.live.values_mut().for_each(|one| still(&mut one.act)),
                }
            }
        }
        Parts::Try { act, received, .. } => {
            *received = 0;
            still(act);
        }
    }
}
