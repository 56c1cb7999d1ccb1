//! Families: the instances of a block that one role has, and the keys that name them.
//!
//! There are thousands of them, so an instance is small: at most 64 bytes beside its variables and what is in its block
//! (and the keys that must not come again, which outlive it). Instances lie in one block of memory; a key finds its
//! instance by a hash table of places, and the key itself is looked at where it is, in the instance's frame.
//!
//! INVARIANT (named): a place in the table of a key is that of a live instance whose frame holds the key.

use std::{
    collections::VecDeque,
    hash::{Hash, Hasher},
};

use hashbrown::HashTable;
use rustc_hash::{FxHashSet, FxHasher};

use super::{Activation, Beat, Frame, footprint::Footprint};
use crate::{
    data::{Value, Weigher, table},
    id::FrameId,
    machine::program::Program,
    protocol::{KeyUse, place},
};

/// An instance.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Instance {
    pub(super) frame: Box<Frame>,
    pub(super) act: Activation,
}

/// Instances by their numbers, which are given out again.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Instances {
    places: Vec<Option<Instance>>,
    free: Vec<u32>,
}

impl Instances {
    /// A new instance; none if there are more than numbers.
    pub(super) fn insert(&mut self, instance: Instance) -> Option<u32> {
        if let Some(number) = self.free.pop() {
            *self.places.get_mut(number as usize)? = Some(instance);
            return Some(number);
        }
        let number = u32::try_from(self.places.len()).ok()?;
        if self.places.len() == self.places.capacity() {
            // Little room is kept for more: there are many families, and large ones.
            self.places.reserve_exact((self.places.len() / 16).max(4));
        }
        self.places.push(Some(instance));
        Some(number)
    }

    pub(super) fn remove(&mut self, number: u32) -> Option<Instance> {
        let removed = self.places.get_mut(number as usize)?.take();
        if removed.is_some() {
            self.free.push(number);
        }
        if self.is_empty() {
            self.places.clear();
            self.free.clear();
        }
        removed
    }

    pub(super) fn get(&self, number: u32) -> Option<&Instance> {
        self.places.get(number as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Instance> {
        self.places.get_mut(number as usize)?.as_mut()
    }

    pub(super) fn len(&self) -> usize {
        self.places.len().saturating_sub(self.free.len())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Instance)> {
        (0..).zip(&self.places).filter_map(|(number, place)| Some((number, place.as_ref()?)))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Instance> {
        self.places.iter().flatten()
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Instance> {
        self.places.iter_mut().flatten()
    }
}

/// The instances of a family.
#[derive(Clone, Debug, Default)]
pub(in crate::machine) struct Family {
    pub(super) live: Instances,
    /// Where in a frame each key is.
    keys: Box<[u32]>,
    /// Per key, the instances that have it.
    by_key: Vec<HashTable<u32>>,
    /// Instances that lack a key, oldest first.
    pub(super) waiting: VecDeque<u32>,
    /// Per key, values that must not come again.
    pub(super) used: Vec<FxHashSet<Value>>,
    /// Per key, the greatest value so far.
    pub(super) highest: Vec<Option<Value>>,
    pub(super) beat: Beat,
}

/// By INVARIANT (named) the tables say nothing new.
impl PartialEq for Family {
    fn eq(&self, other: &Self) -> bool {
        self.live == other.live
            && self.waiting == other.waiting
            && self.used == other.used
            && self.highest == other.highest
            && self.beat == other.beat
    }
}

fn hash(value: &Value) -> u64 {
    let mut hasher = FxHasher::default();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What an instance has as a key.
fn key_of(live: &Instances, slot: u32, number: u32) -> Option<&Value> {
    live.get(number)?.frame.get(slot as usize)?.as_ref()
}

impl Family {
    pub(super) fn new(program: &Program, frame: FrameId) -> Self {
        let declared = program.frames.entry(frame).map_or(&[][..], |frame| &frame.keys);
        Self {
            keys: declared.iter().map(|key| place(key.slot).1).collect(),
            by_key: declared.iter().map(|_| HashTable::new()).collect(),
            used: vec![FxHashSet::default(); declared.len()],
            highest: vec![None; declared.len()],
            ..Self::default()
        }
    }

    /// The instance that a key names.
    pub(super) fn named(&self, key: usize, value: &Value) -> Option<u32> {
        let (table, &slot) = (self.by_key.get(key)?, self.keys.get(key)?);
        if table.is_empty() {
            return None;
        }
        table.find(hash(value), |&number| key_of(&self.live, slot, number) == Some(value)).copied()
    }

    /// What an instance has as its keys.
    pub(super) fn keys_of(&self, number: u32) -> impl Iterator<Item = Option<&Value>> {
        self.keys.iter().map(move |&slot| key_of(&self.live, slot, number))
    }

    /// Whether a key may be given to an instance.
    pub(super) fn is_free(&self, key: usize, value: &Value, use_: KeyUse) -> bool {
        match use_ {
            KeyUse::Once => self.used.get(key).is_none_or(|used| !used.contains(value)),
            KeyUse::Reusable => true,
            KeyUse::Rising => {
                let highest = self.highest.get(key).and_then(Option::as_ref);
                highest.is_none_or(|highest| value > highest)
            }
        }
    }

    /// An instance has got a key, which is in its frame.
    pub(super) fn name(&mut self, number: u32, key: usize, value: &Value, use_: KeyUse) {
        match use_ {
            KeyUse::Once => {
                if let Some(used) = self.used.get_mut(key) {
                    used.insert(value.clone());
                }
            }
            KeyUse::Reusable => {}
            KeyUse::Rising => {
                if let Some(highest) = self.highest.get_mut(key) {
                    *highest = Some(value.clone());
                }
            }
        }
        let Some(&slot) = self.keys.get(key) else { return };
        // A key may come again before the end of what it named; from then on it names the later one.
        if let Some(known) = self.named(key, value).filter(|&known| known != number) {
            self.unname(known, key, value);
        }
        let live = &self.live;
        if let Some(table) = self.by_key.get_mut(key) {
            let own = hash(value);
            if table.find(own, |&known| known == number).is_none() {
                table.insert_unique(own, number, |&known| key_of(live, slot, known).map_or(0, hash));
            }
        }
    }

    fn unname(&mut self, number: u32, key: usize, value: &Value) {
        if let Some(table) = self.by_key.get_mut(key)
            && let Ok(entry) = table.find_entry(hash(value), |&known| known == number)
        {
            entry.remove();
        }
    }

    /// An instance has ended: its keys name nothing any more.
    pub(super) fn close(&mut self, number: u32) -> Option<Instance> {
        self.waiting.retain(|&waiting| waiting != number);
        let closed = self.live.remove(number)?;
        for key in 0..self.keys.len() {
            let value = self.keys.get(key).and_then(|&slot| closed.frame.get(slot as usize)?.as_ref());
            if let Some(value) = value {
                self.unname(number, key, value);
            }
        }
        Some(closed)
    }

    /// Adds what it holds, but for what its activations hold.
    pub(super) fn weigh(&self, all: &mut Weigher) {
        all.block(size_of::<Self>());
        all.block(self.live.places.capacity().saturating_mul(size_of::<Option<Instance>>()));
        all.block(self.live.free.capacity().saturating_add(self.waiting.capacity()).saturating_mul(size_of::<u32>()));
        all.block(size_of_val(&*self.keys));
        all.block(self.by_key.capacity().saturating_mul(size_of::<HashTable<u32>>()));
        all.block(self.by_key.iter().map(HashTable::allocation_size).fold(0, usize::saturating_add));
        all.block(self.used.capacity().saturating_mul(size_of::<FxHashSet<Value>>()));
        for used in &self.used {
            all.block(table(used.capacity(), size_of::<Value>()));
            used.iter().for_each(|value| all.value(value));
        }
        all.block(self.highest.capacity().saturating_mul(size_of::<Option<Value>>()));
        all.values(&self.highest);
        for one in self.live.values() {
            all.block(size_of_val(&*one.frame));
            all.values(&*one.frame);
        }
    }

    /// Adds what the instances take.
    pub(super) fn measure(&self, all: &mut Footprint) {
        let places = self.live.places.capacity().saturating_mul(size_of::<Option<Instance>>());
        let numbers =
            self.live.free.capacity().saturating_add(self.waiting.capacity()).saturating_mul(size_of::<u32>());
        let tables = self.by_key.iter().map(HashTable::allocation_size).fold(0, usize::saturating_add);
        let rare = self.live.values().map(|one| one.act.rare_bytes()).fold(0, usize::saturating_add);
        let parts = [size_of::<Self>(), places, numbers, tables, rare];
        all.bytes = parts.into_iter().fold(all.bytes, usize::saturating_add);
        all.instances = all.instances.saturating_add(self.live.len());
        let variables = self.live.values().map(|one| size_of_val(&*one.frame)).fold(0, usize::saturating_add);
        all.variables = all.variables.saturating_add(variables);
    }
}
