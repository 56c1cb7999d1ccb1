//! Members of payloads as they stood the last time: most often a payload is written like the one before, and most of its
//! members say the same. What was judged and built once is then not judged and built again.
//!
//! Comes in: the text of a payload, member by member. Goes out: which field a member is, and perhaps its value, by
//! comparing text alone.
//!
//! INVARIANT (pure): what is kept for a text depends on nothing but the text. INVARIANT (paid): what it cost is paid again,
//! so that no limit depends on what came before. INVARIANT (bounded): one member is kept for each place in the object, up
//! to [`MOST`], of at most [`LONGEST`] bytes.

use std::sync::{Mutex, MutexGuard};

use super::Value;

/// How many places.
const MOST: usize = 32;
/// How long a value is that is kept.
const LONGEST: usize = 96;
/// A value that is never the same is kept only now and then.
const SELDOM: u8 = 32;

/// What stood at a place.
#[derive(Debug, Default)]
pub(super) struct Member {
    /// The name in its quotes and the colon.
    key: Box<str>,
    /// Which field that is; none if it is not declared.
    field: Option<usize>,
    /// The value as it stood; nothing if it is not kept.
    text: Box<str>,
    value: Option<Value>,
    cost: u64,
    /// How often in a row it was another value.
    misses: u8,
}

/// What a member is found to be.
pub(super) enum Found<'m> {
    /// It is not known.
    Nothing,
    /// The field is known, and how long name and colon are.
    Key(Option<usize>, usize),
    /// The same, and the value: how long all of it is, what it holds, and what it cost.
    All(Option<usize>, usize, Option<&'m Value>, u64),
}

impl Member {
    /// What is known of the member with which a text begins.
    #[inline]
    pub(super) fn find(&mut self, rest: &[u8]) -> Found<'_> {
        let key = self.key.len();
        let Some((begins, value)) = rest.split_at_checked(key) else { return Found::Nothing };
        if key == 0 || begins != self.key.as_bytes() {
            return Found::Nothing;
        }
        // A number goes on as long as there are digits.
        let ends = |next: Option<&u8>| matches!(next, Some(b',' | b'}' | b' ' | b'\t' | b'\n' | b'\r'));
        if !self.text.is_empty() && ends(value.get(self.text.len())) && value.starts_with(self.text.as_bytes()) {
            self.misses = 0;
            let all = key.saturating_add(self.text.len());
            return Found::All(self.field, all, self.value.as_ref(), self.cost);
        }
        Found::Key(self.field, key)
    }

    /// Another member stands here.
    pub(super) fn set(&mut self, key: &str, field: Option<usize>) {
        *self = Self { key: key.into(), field, ..Self::default() };
    }

    /// Its value was judged.
    #[inline]
    pub(super) fn keep(&mut self, text: &str, value: Option<&Value>, cost: u64) {
        let misses = self.misses;
        self.misses = misses.wrapping_add(1) % SELDOM;
        if misses < 2 && text.len() <= LONGEST {
            self.text = text.into();
            self.value = value.cloned();
            self.cost = cost;
        }
    }
}

/// What stood at each place. Whoever finds it in use by another thread does without.
#[derive(Debug, Default)]
pub(super) struct Recall(Mutex<Vec<Member>>);

impl Clone for Recall {
    /// Nothing is known yet.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Recall {
    pub(super) fn places(&self) -> Option<MutexGuard<'_, Vec<Member>>> {
        self.0.try_lock().ok()
    }
}

/// The member at a place, if there may be one.
#[inline]
pub(super) fn at<'m>(known: &'m mut Option<MutexGuard<'_, Vec<Member>>>, place: usize) -> Option<&'m mut Member> {
    let known = known.as_deref_mut()?;
    if known.len() == place && place < MOST {
        known.push(Member::default());
    }
    known.get_mut(place)
}
