//! Names for what callers hold and cannot see: `cap-1`, `opener-1`, `receipt-1`, `witness-1`, `reservation-1`.
//!
//! A name stays known after what it stands for was used up, so that the store says what is wrong with using it again.
//! INVARIANT (bounded): there are at most [`MOST`] of a kind; names whose sessions were reaped make room.

use std::collections::BTreeMap;

use super::wrong::Wrong;
use crate::session::{Ghost, Mortal, OpenPlan, SessionId, Store};

/// Names of one kind that are known at once.
const MOST: usize = 1 << 20;

/// What stands behind a name.
#[derive(Debug)]
pub(super) struct Entry<T> {
    /// The plan of its session: names of roles and labels are looked up in it, also when the session is gone.
    pub(super) plan: OpenPlan,
    pub(super) session: SessionId,
    held: Held<T>,
}

#[derive(Debug)]
enum Held<T> {
    Here(T),
    /// It was handed over, by this operation.
    Away(Ghost<T>, &'static str),
    /// It is being handed over.
    Gone,
}

/// Everything of one kind that has a name.
#[derive(Debug)]
pub(super) struct Handles<T> {
    /// What names begin with.
    word: &'static str,
    last: u64,
    entries: BTreeMap<u64, Entry<T>>,
}

impl<T> Handles<T> {
    pub(super) fn new(word: &'static str) -> Self {
        Self { word, last: 0, entries: BTreeMap::new() }
    }

    /// Whether another can have a name; what was of sessions that are gone makes room.
    pub(super) fn room(&mut self, store: &Store) -> Result<(), Wrong> {
        if self.entries.len() >= MOST {
            self.entries.retain(|_, entry| store.status(entry.session).is_some());
        }
        if self.entries.len() < MOST {
            return Ok(());
        }
        let text = format!("{MOST} handles `{}-…` are in use; close and reap sessions", self.word);
        Err(Wrong::new("too-many-handles", text))
    }

    /// Gives a name.
    pub(super) fn add(&mut self, plan: OpenPlan, session: SessionId, held: T) -> String {
        self.last = self.last.saturating_add(1);
        self.entries.insert(self.last, Entry { plan, session, held: Held::Here(held) });
        self.name(self.last)
    }

    fn name(&self, number: u64) -> String {
        format!("{}-{number}", self.word)
    }

    /// The number of a name.
    fn number(&self, name: &str) -> Result<u64, Wrong> {
        let number = name.strip_prefix(self.word).and_then(|rest| rest.strip_prefix('-')?.parse().ok());
        number.filter(|number| self.entries.contains_key(number)).ok_or_else(|| {
            let there = match self.last {
                0 => format!("none was given out, they are called `{}-1` and so on", self.word),
                last => format!("the last is `{}-{last}`", self.word),
            };
            Wrong::new("unknown-handle", format!("there is no `{}`; {there}", super::fields::short(name)))
        })
    }

    /// The number of a name, and what stands behind it.
    fn find(&mut self, name: &str) -> Result<(u64, &mut Entry<T>), Wrong> {
        let number = self.number(name)?;
        let gone = || Wrong::new("unknown-handle", format!("there is no `{}`", super::fields::short(name)));
        Ok((number, self.entries.get_mut(&number).ok_or_else(gone)?))
    }

    /// What stands behind names that are never handed over.
    pub(super) fn all(&self, names: &[String]) -> Result<Vec<&T>, Wrong> {
        names.iter().map(|name| self.get(name).map(|(_, held)| held)).collect()
    }

    /// What stands behind a name that is never handed over.
    pub(super) fn get(&self, name: &str) -> Result<(&Entry<T>, &T), Wrong> {
        let word = self.word;
        let number = self.number(name)?;
        let Some(entry) = self.entries.get(&number) else { return Err(away(word, number, "use")) };
        match &entry.held {
            Held::Here(held) => Ok((entry, held)),
            Held::Away(_, by) => Err(away(word, number, by)),
            Held::Gone => Err(away(word, number, "use")),
        }
    }

    /// Changes what stands behind a name.
    pub(super) fn change(&mut self, name: &str, to: impl FnOnce(&mut T)) {
        if let Ok((_, Entry { held: Held::Here(held), .. })) = self.find(name) {
            to(held);
        }
    }

    /// The latest name for which something holds.
    pub(super) fn latest(&self, fits: impl Fn(&Entry<T>, Option<&T>) -> bool) -> Option<String> {
        let held = |entry: &Entry<T>| match &entry.held {
            Held::Here(held) => fits(entry, Some(held)),
            Held::Away(..) | Held::Gone => fits(entry, None),
        };
        self.entries.iter().rev().find(|(_, entry)| held(entry)).map(|(number, _)| self.name(*number))
    }
}

fn away(word: &str, number: u64, by: &str) -> Wrong {
    Wrong::new("consumed", format!("`{word}-{number}` was consumed by `{by}`"))
}

impl<T: Mortal> Handles<T> {
    /// What stands behind a name. What was handed over and is dead is there again: the store says what is wrong with it.
    pub(super) fn wake(&mut self, name: &str, store: &Store) -> Result<(&Entry<T>, &T), Wrong> {
        let (_, entry) = self.find(name)?;
        entry.held = match std::mem::replace(&mut entry.held, Held::Gone) {
            Held::Away(ghost, by) => match store.rise(ghost) {
                Ok(held) => Held::Here(held),
                Err(ghost) => Held::Away(ghost, by),
            },
            held => held,
        };
        self.get(name)
    }

    /// Hands over what stands behind a name; it comes back if that is refused.
    pub(super) fn hand<R, E>(
        &mut self,
        name: &str,
        store: &mut Store,
        by: &'static str,
        over: impl FnOnce(&mut Store, T) -> Result<R, E>,
        back: impl FnOnce(E) -> (T, super::wrong::No),
    ) -> Result<R, super::wrong::No> {
        self.wake(name, store)?;
        let (_, entry) = self.find(name)?;
        let Held::Here(held) = std::mem::replace(&mut entry.held, Held::Gone) else {
            return Err(Wrong::new("consumed", format!("`{name}` was consumed")).into());
        };
        let ghost = held.ghost();
        match over(store, held) {
            Ok(done) => {
                entry.held = Held::Away(ghost, by);
                Ok(done)
            }
            Err(error) => {
                let (held, why) = back(error);
                entry.held = Held::Here(held);
                Err(why)
            }
        }
    }
}
