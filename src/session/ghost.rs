//! What is left of a capability or receipt that was handed over by value, for hosts that name them by handles.
//!
//! A host whose callers keep names cannot make them forget one. What is done with a name that was used up has an answer,
//! which is the store's and not the host's: so a [`Ghost`] is kept, and is asked to [`rise`](Store::rise) when the name is
//! used again. INVARIANT (dead): it rises only if what it is of is not live, and by INVARIANT (rising) of generations
//! never will be, so it gives no power: a capability that was exported sleeps until its token was imported.

use super::{Capability, Receipt, Store};

/// What is left of something that was handed over.
#[derive(Debug)]
pub(crate) struct Ghost<T>(T);

/// What leaves a ghost.
pub(crate) trait Mortal: Sized {
    /// Before it is handed over.
    fn ghost(&self) -> Ghost<Self>;
    /// Whether a store would still heed it.
    fn is_live(&self, store: &Store) -> bool;
}

impl Mortal for Capability {
    fn ghost(&self) -> Ghost<Self> {
        let Self { store, stamp, session, roles, owner } = self;
        Ghost(Self { store: *store, stamp: *stamp, session: *session, roles: roles.clone(), owner: *owner })
    }

    fn is_live(&self, store: &Store) -> bool {
        store.authority(self.store, self.session).is_ok() && store.live(self).is_ok()
    }
}

impl Mortal for Receipt {
    fn ghost(&self) -> Ghost<Self> {
        let Self { store, session, claim, from, to, stamp, roles } = self;
        let roles = roles.clone();
        Ghost(Self { store: *store, session: *session, claim: *claim, from: *from, to: *to, stamp: *stamp, roles })
    }

    fn is_live(&self, store: &Store) -> bool {
        store.is_pending(self)
    }
}

impl Store {
    /// What the ghost is of, if it is dead.
    pub(crate) fn rise<T: Mortal>(&self, ghost: Ghost<T>) -> Result<T, Ghost<T>> {
        if ghost.0.is_live(self) { Err(ghost) } else { Ok(ghost.0) }
    }
}
