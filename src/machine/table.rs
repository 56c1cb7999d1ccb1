//! One role's automaton as a dense table.
//!
//! A row per state, a column per action of the role; the stride is a power of two, so the next state is one look-up at
//! `state << shift | action`. The dead state is 0 and every missing transition is dead. Beside the table, each state
//! lists its offers, for whoever wants to know all that is possible.
//!
//! A state may offer the same action twice with different targets (a non-deterministic machine as somebody wrote it);
//! such *twins* get columns of their own, one behind the other, so that every entry stays one state.
//!
//! INVARIANT (closed): every entry of the table is 0 or the id of a state; every offer's action is a column; offers of
//! a state are sorted by action.

use crate::{
    diag::Span,
    id::{ActionId, Id, IdVec, LabelId, RoleId, SortId, StateId, TooMany},
    protocol::{Act, Local},
};

/// A column: something that the role can do somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Action {
    /// What, and with whom.
    pub act: Act,
    /// The label.
    pub label: LabelId,
    /// The payload signature.
    pub sort: SortId,
    /// 0, or how many columns before this one are the same action.
    pub twin: u32,
}

/// An action that a state offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Which.
    pub action: ActionId,
    /// Where it leads.
    pub then: StateId,
    /// Where it is written.
    pub span: Span,
}

/// Why a local type has no machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableError {
    /// More states or actions than ids.
    TooMany(TooMany),
}

impl From<TooMany> for TableError {
    fn from(error: TooMany) -> Self {
        Self::TooMany(error)
    }
}

/// A dense table is made up to this many entries (64 MiB); larger machines look their offers up by bisection.
const MAX_DENSE: usize = 1 << 24;

/// One role's automaton.
#[derive(Clone, Debug)]
pub struct Machine {
    role: RoleId,
    initial: StateId,
    actions: IdVec<ActionId, Action>,
    /// `next[state << shift | action]`; empty if it would have more than [`MAX_DENSE`] entries.
    next: Box<[StateId]>,
    shift: u32,
    /// Offers of state `s` are `offers[first[s]..first[s + 1]]`.
    offers: Box<[Offer]>,
    first: Box<[u32]>,
    may_stop: IdVec<StateId, bool>,
    spans: IdVec<StateId, Span>,
}

impl Machine {
    /// The machine of a local type, state by state as it stands. O(states × stride + arms · log arms).
    pub fn of(local: &Local) -> Result<Self, TableError> {
        let mut columns: Vec<Action> = Vec::new();
        let mut rows: Vec<Vec<(Action, StateId, Span)>> = Vec::with_capacity(local.states.len());
        for state in local.states.values() {
            let mut row: Vec<(Action, StateId, Span)> = Vec::with_capacity(state.arms.len());
            for arm in &state.arms {
                row.push((Action { act: arm.act, label: arm.label, sort: arm.sort, twin: 0 }, arm.then, arm.span));
            }
            // Stable, so twins keep the order in which they are written; an arm written twice is one.
            row.sort_by_key(|&(action, ..)| (action.act, action.label, action.sort));
            row.dedup_by_key(|&mut (action, then, _)| (action, then));
            let mut last: Option<Action> = None;
            for (action, ..) in &mut row {
                if let Some(last) = last
                    && (last.act, last.label, last.sort) == (action.act, action.label, action.sort)
                {
                    action.twin = last.twin.saturating_add(1);
                }
                last = Some(*action);
            }
            columns.extend(row.iter().map(|&(action, ..)| action));
            rows.push(row);
        }
        let key = |action: &Action| (action.act, action.label, action.sort, action.twin);
        columns.sort_unstable_by_key(key);
        columns.dedup();
        let mut offers = Vec::new();
        let mut first = Vec::with_capacity(rows.len().saturating_add(1));
        for row in rows {
            first.push(ActionId::new(offers.len())?.raw());
            for (action, then, span) in row {
                let at = columns
                    .binary_search_by_key(&key(&action), key)
                    .expect("every action of a row was put into the columns above");
                offers.push(Offer { action: ActionId::new(at)?, then, span });
            }
        }
        first.push(ActionId::new(offers.len())?.raw());
        let mut machine = Self {
            role: local.role,
            initial: local.initial,
            actions: columns.into(),
            next: Box::default(),
            shift: 0,
            offers: offers.into(),
            first: first.into(),
            may_stop: local.states.values().map(|state| state.may_stop).collect(),
            spans: local.states.values().map(|state| state.span).collect(),
        };
        machine.fill()?;
        Ok(machine)
    }

    fn fill(&mut self) -> Result<(), TableError> {
        let stride = self.actions.len().max(1).next_power_of_two();
        let Some(size) = stride.checked_mul(self.may_stop.len()).filter(|&size| size <= MAX_DENSE) else {
            return Ok(());
        };
        let mut next = vec![StateId::default(); size];
        self.shift = stride.trailing_zeros();
        for state in self.may_stop.ids() {
            StateId::new(state.index())?;
            for offer in self.offers(state) {
                let at = (state.index() << self.shift) | offer.action.index();
                if let Some(entry) = next.get_mut(at) {
                    *entry = offer.then;
                }
            }
        }
        self.next = next.into();
        Ok(())
    }

    /// The dense table, `next[state << shift | action]`, and the shift; none if it would be too large.
    #[must_use]
    pub fn table(&self) -> Option<(&[StateId], u32)> {
        (!self.next.is_empty()).then_some((&*self.next, self.shift))
    }

    /// Whose it is.
    #[must_use]
    pub fn role(&self) -> RoleId {
        self.role
    }

    /// Where it begins.
    #[must_use]
    pub fn initial(&self) -> StateId {
        self.initial
    }

    /// The columns.
    #[must_use]
    pub fn actions(&self) -> &IdVec<ActionId, Action> {
        &self.actions
    }

    /// How many states there are, the dead one included.
    #[must_use]
    pub fn states(&self) -> usize {
        self.may_stop.len()
    }

    /// The states but the dead one.
    pub fn state_ids(&self) -> impl DoubleEndedIterator<Item = StateId> + use<> {
        self.may_stop.ids().skip(1)
    }

    /// What a state offers, sorted by action. O(1).
    #[inline]
    #[must_use]
    pub fn offers(&self, state: StateId) -> &[Offer] {
        let at = state.index();
        match (self.first.get(at), self.first.get(at.saturating_add(1))) {
            (Some(&from), Some(&to)) => self.offers.get(from as usize..to as usize).unwrap_or(&[]),
            _ => &[],
        }
    }

    /// Where an action leads; the dead state if the state does not offer it. One look-up.
    #[inline]
    #[must_use]
    pub fn next(&self, state: StateId, action: ActionId) -> StateId {
        if self.next.is_empty() {
            let offers = self.offers(state);
            return match offers.binary_search_by_key(&action, |offer| offer.action) {
                Ok(at) => offers.get(at).map_or(StateId::default(), |offer| offer.then),
                Err(_) => StateId::default(),
            };
        }
        if action.index() >> self.shift != 0 {
            return StateId::default();
        }
        self.next.get((state.index() << self.shift) | action.index()).copied().unwrap_or_default()
    }

    /// Whether the role may stop in a state.
    #[inline]
    #[must_use]
    pub fn may_stop(&self, state: StateId) -> bool {
        self.may_stop.entry(state).copied().unwrap_or(false)
    }

    /// Whether the role has ended: it may stop, and can do nothing more.
    #[inline]
    #[must_use]
    pub fn is_end(&self, state: StateId) -> bool {
        self.may_stop(state) && self.offers(state).is_empty()
    }

    /// Whether a state has something to do and all of it is receiving.
    #[must_use]
    pub fn only_receives(&self, state: StateId) -> bool {
        let offers = self.offers(state);
        !offers.is_empty() && offers.iter().all(|offer| matches!(self.actions[offer.action].act, Act::Receive(_)))
    }

    /// Where a state is entered in the specification.
    #[must_use]
    pub fn span(&self, state: StateId) -> Span {
        self.spans.entry(state).copied().unwrap_or_default()
    }

    /// Size of the tables in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let size = std::mem::size_of_val::<[StateId]>;
        size(&self.next)
            .saturating_add(std::mem::size_of_val::<[Offer]>(&self.offers))
            .saturating_add(std::mem::size_of_val::<[u32]>(&self.first))
    }
}
