//! Texts that come again and again: names of fields, kinds, versions. Built once, and then shared.
//!
//! INVARIANT (bounded): at most [`MOST`] texts of at most [`LONGEST`] bytes; a newer one takes the place of an older.

use std::{
    hash::Hasher,
    sync::{Arc, Mutex},
};

use rustc_hash::FxHasher;

/// How many, a power of two.
const MOST: usize = 128;
const LONGEST: usize = 24;

/// Texts that were built before. Whoever finds them in use by another thread builds anew.
#[derive(Debug, Default)]
pub(super) struct Words(Mutex<Vec<Option<Arc<str>>>>);

impl Clone for Words {
    /// None are known yet.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Words {
    /// A text, the one that was built before if it is still known.
    pub(super) fn get(&self, text: &str) -> Arc<str> {
        if text.len() > LONGEST {
            return text.into();
        }
        let Ok(mut known) = self.0.try_lock() else { return text.into() };
        if known.is_empty() {
            known.resize(MOST, None);
        }
        let mut hasher = FxHasher::default();
        hasher.write(text.as_bytes());
        let at = usize::try_from(hasher.finish()).unwrap_or_default() & MOST.wrapping_sub(1);
        let Some(place) = known.get_mut(at) else { return text.into() };
        match place {
            Some(word) if **word == *text => word.clone(),
            place => place.insert(text.into()).clone(),
        }
    }
}
